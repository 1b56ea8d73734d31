//! The schema of `--output json`, held against the types that are written.
#![expect(clippy::disallowed_methods, reason = "the test reads, and on request writes, the committed schema")]

use schemars::{JsonSchema, generate::SchemaSettings};

use crate::event::Event;
use crate::plan::PlanView;
use crate::report::Report;
use crate::status::Status;

/// One line of `--output json`.
#[derive(JsonSchema)]
#[schemars(untagged, title = "One line of `publish --output json`")]
#[expect(dead_code, reason = "only its schema is used")]
enum Line {
    Event(Event),
    Plan(PlanView),
    Status(Box<Status>),
    Report(Box<Report>),
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json-output.schema.json");
    let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Line>();
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(committed, generated, "run `UPDATE=1 cargo test --lib schema` and commit docs/json-output.schema.json");
}
