//! Integration tests, in one binary: it links the AWS SDK once. `no_forgotten_file` holds the list complete.
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "tests write sites to the disk, and fail by panicking"
)]

mod adopt;
mod agreement;
mod answers;
mod at_once;
mod caching;
mod certificates;
mod chain;
mod closed;
mod closure;
mod command_line;
mod commits;
mod configuration;
mod corpus;
mod counts;
mod crash;
mod credentials;
mod cut_short;
mod distributions;
mod docs;
mod doubt;
mod edge;
mod endless;
mod explain;
mod fences;
mod first_day;
mod front;
mod further;
mod golden;
mod headers;
mod headers_file;
mod holds;
mod hostile;
mod interrupted;
mod invalidate;
mod large;
mod lease;
mod leftovers;
mod link;
mod lost_answers;
mod ministack;
mod model;
mod order;
mod overtaken;
mod owners;
mod panics;
mod pipelines;
mod policies;
mod private;
mod promote;
mod proof;
mod prune;
mod prune_cut_short;
mod pruned_meanwhile;
mod races;
mod random;
mod refresh;
mod refusals;
mod releases;
mod reused_names;
mod right_folder;
mod rollback;
mod rollback_cost;
mod routes;
mod sandbox_place;
mod schedules;
mod screen;
mod sent;
mod shown;
mod signals;
mod slow_links;
mod snapshot_races;
mod stores;
mod tags;
mod takeover;
mod tenants;
mod verify;
mod versions;
mod visitor;
mod world;
mod zombies;

#[test]
fn no_forgotten_file() {
    let source = include_str!("main.rs");
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let module = name.trim_end_matches(".rs");
        assert!(module == "main" || source.contains(&format!("mod {module};")), "tests/it/{name} is not run");
    }
}
