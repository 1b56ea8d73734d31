//! References in Qwik's graph of bundles: what its loader fetches ahead, from the folder of its modules.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::found::Found;
use super::reference::{Form, Role};

/// The folder in which Qwik puts its modules, unless it is told otherwise: then nothing is found missing there.
const FOLDER: &str = "build/";

/// Reads a graph: a list of the names of modules and symbols, each followed by the places of those that it needs and by how
/// likely they are needed.
pub(super) fn read(bytes: &[u8], found: &mut Found) {
    let Ok(Names(names)) = serde_json::from_slice(bytes) else { return };
    for module in names.iter().filter(|name| name.ends_with(".js")) {
        found.add(&format!("{FOLDER}{module}"), Role::Module, Form::List, 1);
    }
}

/// The texts of a list, of which most members are numbers.
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Names, D::Error> {
        deserializer.deserialize_seq(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut members: A) -> Result<Names, A::Error> {
        let mut names = Vec::new();
        while let Some(member) = members.next_element()? {
            if let Member::Text(name) = member {
                names.push(name);
            }
        }
        Ok(Names(names))
    }
}

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum Member {
    Text(String),
    Other(IgnoredAny),
}
