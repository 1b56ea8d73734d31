//! `--output json`: one object a line on stdout, events as they happen, the report last.

use publish::event::Event;
use publish::plan::PlanView;
use publish::report::Report;
use publish::status::Status;
use serde::Serialize;

use crate::terminal::write_result;

/// Writes an event.
pub(crate) fn event(event: &Event) {
    line(event);
}

/// Writes what a publish would do.
pub(crate) fn plan(plan: &PlanView) {
    line(plan);
}

/// Writes a status.
pub(crate) fn status(status: &Status) {
    line(status);
}

/// Writes the report: the last line.
pub(crate) fn report(report: &Report) {
    line(report);
}

fn line(value: &impl Serialize) {
    // Events and reports hold texts, numbers, lists and maps with text keys: nothing that JSON cannot say.
    if let Ok(mut text) = serde_json::to_string(value) {
        text.push('\n');
        write_result(&text);
    }
}
