//! References in Qwik's graph of bundles: what its loader fetches ahead, from the folder of its modules.

use serde_json::Value;

use super::{Form, Found, Role};

/// The folder in which Qwik puts its modules, unless it is told otherwise: then nothing is found missing there.
const FOLDER: &str = "build/";

/// Reads a graph: a list of the names of modules and symbols, each followed by the places of those that it needs and by how
/// likely they are needed.
pub(super) fn read(bytes: &[u8], found: &mut Found) {
    let Ok(nodes) = serde_json::from_slice::<Vec<Value>>(bytes) else { return };
    for module in nodes.iter().filter_map(Value::as_str).filter(|name| name.ends_with(".js")) {
        found.add(&format!("{FOLDER}{module}"), Role::Module, Form::List, 1);
    }
}
