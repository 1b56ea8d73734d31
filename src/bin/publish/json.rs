//! `--output json`: one object a line on stdout, events as they happen, the report last.

use publish::report::Report;
use publish::report::event::Event;
use publish::types::text::printable_json;
use serde::Serialize;

use crate::terminal::write_result;

/// Writes an event.
pub(crate) fn event(event: &Event) {
    line(event);
}

/// Writes the report: the last line.
pub(crate) fn report(report: &Report) {
    line(report);
}

/// Writes a result.
pub(crate) fn line(value: &impl Serialize) {
    // Events and reports hold texts, numbers, lists and maps with text keys: nothing that JSON cannot say.
    if let Ok(text) = serde_json::to_string(value) {
        write_result(&format!("{}\n", printable_json(&text)));
    }
}
