//! What later steps of a pipeline can use of a run, in the forms that pipelines read.

use publish::report::{Outcome, Report};
use publish::types::text::{printable, printable_json};

use crate::terminal::here::quoted;

/// The most bytes of a report among the values: later steps pass it to programs in a variable, and Linux takes 131,072 bytes for one
/// (execve(2), `MAX_ARG_STRLEN`).
const LARGEST_REPORT: usize = 100_000;

/// Names, as GitHub's outputs have them, and values.
fn values(report: &Report) -> [(&'static str, String); 5] {
    let number = |release: Option<_>| release.map_or_else(String::new, |release| format!("{release}"));
    [
        ("outcome", outcome(report.outcome)),
        ("release", number(report.release)),
        ("previous-release", number(report.previous_release)),
        ("url", printable(report.url.as_deref().unwrap_or_default())),
        ("exit-code", report.exit_code.to_string()),
    ]
}

/// The word for it in reports.
fn outcome(outcome: Outcome) -> String {
    serde_json::to_value(outcome).ok().and_then(|word| Some(word.as_str()?.to_owned())).unwrap_or_default()
}

/// For `GITHUB_OUTPUT`: each value between lines with a `delimiter` that nobody can foresee.
/// A report that is too large is left out, and why is given beside the rest.
pub(super) fn github(report: &Report, delimiter: &str) -> (String, Option<String>) {
    let json = serde_json::to_string(report).map(|json| printable_json(&json)).unwrap_or_default();
    let too_large = (json.len() > LARGEST_REPORT).then(|| {
        format!("The report has {} bytes, which is too large for the output `report`: it is not set.", json.len())
    });
    let report_too = too_large.is_none().then_some(("report", json));
    let all = values(report).into_iter().chain(report_too);
    (all.map(|(name, value)| format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")).collect(), too_large)
}

/// `PUBLISHED_URL=https://www.example.com` and so on, a line each, without what is not known. `PUBLISH_` is the beginning of variables that this program
/// reads.
pub(super) fn dotenv(report: &Report) -> String {
    known(report).map(|(name, value)| format!("{}={value}\n", variable(name))).collect()
}

/// The same for a shell to read.
pub(super) fn shell(report: &Report) -> String {
    known(report).map(|(name, value)| format!("export {}={}\n", variable(name), quoted(&value))).collect()
}

fn known(report: &Report) -> impl Iterator<Item = (&'static str, String)> {
    values(report).into_iter().filter(|(_, value)| !value.is_empty())
}

fn variable(name: &str) -> String {
    format!("PUBLISHED_{}", name.to_uppercase().replace('-', "_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_that_is_too_large_is_left_out_and_all_else_is_there() {
        let mut report = Report::new("publish", "live");
        let (all, too_large) = github(&report, "END");
        assert!(all.contains("report<<END\n") && too_large.is_none());
        report.warnings = vec!["w".repeat(LARGEST_REPORT)];
        let (rest, too_large) = github(&report, "END");
        assert!(too_large.unwrap().contains("`report`"));
        assert!(
            rest.contains("outcome<<END\n") && rest.contains("exit-code<<END\n") && !rest.contains("report<<"),
            "{rest}"
        );
    }
}
