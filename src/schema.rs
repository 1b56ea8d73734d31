//! The schema of `--output json`, held against the types that are written.
#![expect(clippy::disallowed_methods, reason = "the test reads, and on request writes, the committed schema")]

use schemars::{JsonSchema, generate::SchemaSettings};

use crate::plan::PlanView;
use crate::plan::diff::Difference;
use crate::plan::sweep::PruneView;
use crate::report::Report;
use crate::report::event::Event;
use crate::site::response_policy::ResponsePolicy;
use crate::stages::audit::Finding;
use crate::views::explanation::Explanation;
use crate::views::releases::{ActivationView, FileView, ReleaseView};
use crate::views::status::Status;

/// One line of `--output json`: an event, or what a command has to say at its end.
#[derive(JsonSchema)]
#[schemars(untagged, title = "One line of `publish --output json`")]
#[expect(dead_code, reason = "only its schema is used")]
enum Line {
    Event(Event),
    Result(Box<Result>),
}

/// What a command has to say at its end; the report is always the last line.
#[derive(JsonSchema)]
#[schemars(tag = "type", rename_all = "snake_case")]
#[expect(dead_code, reason = "only its schema is used")]
enum Result {
    Plan(PlanView),
    Explanation(Explanation),
    ResponsePolicy(ResponsePolicy),
    Status(Status),
    Finding(Finding),
    Release(ReleaseView),
    Activation(ActivationView),
    File(FileView),
    Difference(Difference),
    Prune(PruneView),
    Report(Report),
}

#[test]
fn the_committed_schema_is_that_of_the_types() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/json-output.schema.json");
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<Line>();
    let generated = format!("{}\n", serde_json::to_string_pretty(&schema).unwrap());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &generated).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == generated, "run `UPDATE=1 cargo test --lib schema` and commit docs/json-output.schema.json");
}
