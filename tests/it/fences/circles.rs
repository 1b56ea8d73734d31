//! Which files of a crate import each other in a circle.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What a file is to `use`: `bucket/aws/store.rs` is `["bucket", "aws", "store"]`, a crate's root is empty.
pub(super) type Module = Vec<String>;

/// What imports what, by names of modules that lie beside each other.
type Imports = BTreeMap<String, BTreeSet<String>>;

/// The circles among the files of a crate, given as their paths in it and their code. A module and what lies in its
/// folder count as one: an import is one between the two folders where their paths part, and none between a module
/// and its own folder.
pub(super) fn circles(files: &BTreeMap<String, String>) -> Vec<String> {
    let modules: BTreeMap<Module, &str> = files.iter().map(|(path, code)| (module_of(path), code.as_str())).collect();
    let mut levels: BTreeMap<&[String], Imports> = BTreeMap::new();
    for (module, code) in &modules {
        for named in paths_in(code) {
            let target = resolve(module, &named, &modules);
            let common = module.iter().zip(&target).take_while(|(one, other)| one == other).count();
            if let (Some(from), Some(to)) = (module.get(common), target.get(common)) {
                let imports = levels.entry(&module[..common]).or_default();
                imports.entry(from.clone()).or_default().insert(to.clone());
            }
        }
    }
    let mut circles = Vec::new();
    for (level, imports) in &levels {
        let shortest = imports.keys().filter_map(|name| way_back(imports, name)).min_by_key(Vec::len);
        circles.extend(shortest.map(|circle| format!("crate::{}: {}", level.join("::"), circle.join(" -> "))));
    }
    circles
}

pub(super) fn module_of(path: &str) -> Module {
    let mut module: Module = path.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if ["mod", "main", "lib"].contains(&module.last().map_or("", String::as_str)) {
        module.pop();
    }
    module
}

/// The rooms that the code of `module` names, however the path is written: `crate::room` or `super::super::room`.
pub(super) fn rooms_named(module: &[String], code: &str, modules: &BTreeMap<Module, &str>) -> BTreeSet<String> {
    let targets = paths_in(code).into_iter().map(|path| match path.as_slice() {
        // What is declared elsewhere, as another crate's module under this one's root, is a room by its name.
        ["crate", room, ..] => Some((*room).to_owned()),
        _ => resolve(module, &path, modules).into_iter().next(),
    });
    targets.flatten().collect()
}

/// The shortest way from `name` back to itself.
fn way_back(imports: &Imports, name: &str) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![name.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in way.last().and_then(|last| imports.get(last)).into_iter().flatten() {
            let way: Vec<String> = way.iter().chain([next]).cloned().collect();
            if next == name {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back(way);
            }
        }
    }
    None
}

/// All that begins with `crate::`, `super::` or `self::`, in a `use` or not.
fn paths_in(code: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    for first in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(first) {
            let goes_on = |char: char| is_of_name(char) || char == ':';
            if !code[..at].ends_with(goes_on) {
                found.extend(tree(&code[at..]));
            }
        }
    }
    found
}

/// The paths of a tree, as `a::{b, c::d}`.
fn tree(text: &str) -> Vec<Vec<&str>> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return members(group).into_iter().flat_map(tree).collect();
    }
    let (name, rest) = text.split_at(text.find(|char| !is_of_name(char)).unwrap_or(text.len()));
    let below = rest.strip_prefix("::").map_or_else(|| vec![Vec::new()], tree);
    below.into_iter().map(|path| [vec![name], path].concat()).collect()
}

/// What stands between the commas of a group, up to its last brace.
fn members(group: &str) -> Vec<&str> {
    let (mut members, mut depth, mut from) = (Vec::new(), 0, 0);
    for (at, char) in group.char_indices() {
        match char {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                members.push(&group[from..at]);
                from = at + 1;
                if char == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    members
}

fn is_of_name(char: char) -> bool {
    char.is_alphanumeric() || char == '_'
}

/// The module that `path` leads to from `module`, or the one that holds what it leads to.
fn resolve(module: &[String], path: &[&str], modules: &BTreeMap<Module, &str>) -> Module {
    let mut target = module.to_vec();
    for name in path {
        match *name {
            "crate" => target.clear(),
            "self" => {}
            "super" => drop(target.pop()),
            name => {
                target.push(name.to_owned());
                if !modules.contains_key(&target) {
                    target.pop();
                    break;
                }
            }
        }
    }
    target
}

#[test]
fn circles_are_found() {
    let found = |files: &[(&str, &str)]| {
        circles(&files.iter().map(|(path, code)| ((*path).to_owned(), (*code).to_owned())).collect())
    };
    let none: [&str; 0] = [];
    // Between files of one folder, however the path is written.
    for way in [
        "use crate::a::two::Two;",
        "use super::two::Two;",
        "use super::{Other, two::{Two, More}};",
        "super::two::go();",
    ] {
        let files = [("a.rs", ""), ("a/one.rs", way), ("a/two.rs", "use super::one;")];
        assert_eq!(found(&files), ["crate::a: one -> two -> one"], "{way}");
    }
    // What lies in a module's folder is the module.
    let files = [
        ("main.rs", ""),
        ("a.rs", ""),
        ("a/one.rs", "use crate::b::B;"),
        ("b/mod.rs", "use crate::{a::A, c};"),
        ("c.rs", ""),
    ];
    assert_eq!(found(&files), ["crate::: a -> b -> a"]);
    // Three of them.
    let files = [("a.rs", "use crate::b::B;"), ("b.rs", "use crate::c::C;"), ("c.rs", "use crate::a::A;")];
    assert_eq!(found(&files), ["crate::: a -> b -> c -> a"]);
    // A module and its own folder, and a street.
    assert_eq!(found(&[("a.rs", "use self::one::One;"), ("a/one.rs", "use super::A; use crate::a::Other;")]), none);
    let files = [("a.rs", "use crate::b;"), ("b.rs", "use crate::c::C;"), ("c.rs", "use crate_of_another::a::A;")];
    assert_eq!(found(&files), none);
}

#[test]
fn a_room_is_named_however_the_path_is_written() {
    let files = ["plan", "plan/view", "plan/view/text", "run", "run/order"];
    let modules: BTreeMap<Module, &str> = files.iter().map(|path| (module_of(path), "")).collect();
    let named = |code: &str| rooms_named(&module_of("plan/view/text.rs"), code, &modules);
    for code in [
        "use crate::run::order::Order;",
        "use crate::{run, plan};",
        "use super::super::super::run::go;",
        "use super::super::super::{plan, run::order};",
    ] {
        assert!(named(code).contains("run"), "{code}: {:?}", named(code));
    }
    assert_eq!(named("use super::super::sweep; use self::x; use super::View;"), BTreeSet::from(["plan".to_owned()]));
}
