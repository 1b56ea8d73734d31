//! The status of several environments, for people.

use publish::types::clock::Timestamp;
use publish::types::text::{asked, printable};
use publish::views::status::Status;

use super::table::{self, Table};
use super::text::{Align, who};
use crate::terminal::style::Style;

/// One environment.
pub(crate) struct Row {
    /// Its name.
    pub(crate) environment: String,
    /// What is live there, if that could be read.
    pub(crate) status: Option<Status>,
    /// Why it could not be read.
    pub(crate) failure: String,
}

/// A table with a line for each environment, and below it what went wrong.
pub(crate) fn render_environments(rows: &[Row], style: Style) -> String {
    let table = Table {
        header: ["environment", "release", "since", "by", "state"],
        align: [Align::Left, Align::Right, Align::Left, Align::Left, Align::Left],
        gives_way: 3,
        rows: rows.iter().map(cells).collect(),
    };
    table.render(style)
}

fn cells(row: &Row) -> table::Row<5> {
    let Row { environment, status, failure } = row;
    let unknown = || "-".to_owned();
    let Some(status) = status else {
        let cells = [printable(environment), unknown(), unknown(), unknown(), "cannot be read".to_owned()];
        return table::Row { cells, below: vec![printable(failure)], paint: Style::red };
    };
    let state = state(status);
    let paint = if state.is_empty() { Style::green } else { Style::yellow };
    let cells = [
        printable(environment),
        status.release.map_or_else(unknown, |release| release.to_string()),
        status.since.map_or_else(unknown, Timestamp::to_the_minute),
        status.publisher.as_ref().map_or_else(unknown, who),
        match status.release {
            Some(_) if state.is_empty() => "live".to_owned(),
            None if state.is_empty() => "nothing is published".to_owned(),
            _ => state.join(", "),
        },
    ];
    table::Row { cells, below: Vec::new(), paint }
}

/// What a person should look at.
fn state(status: &Status) -> Vec<String> {
    let owed: Vec<String> = status.pending_refreshes.iter().flat_map(|refresh| refresh.paths.clone()).collect();
    let mut state = Vec::new();
    if status.hold.is_some() {
        state.push("held".to_owned());
    }
    if let Some(activation) = &status.activation {
        let what = if activation.lease_remaining_s == 0 { "interrupted" } else { "in progress" };
        state.push(format!("release {} {what}", activation.to));
    }
    if status.pruning {
        state.push("unfinished prune".to_owned());
    }
    if !owed.is_empty() {
        state.push(format!("{} to refresh at the CDN", asked(&owed)));
    }
    state
}
