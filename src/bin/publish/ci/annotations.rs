//! Errors and warnings as commands to GitHub's runner, which shows them beside the code and at the top of a run.
//!
//! The runner reads commands on stdout and on stderr; here they go to stderr, so that stdout has results alone.

use std::path::{Path, PathBuf};

use publish::report::Report;
use publish::report::error::Location;
use publish::types::text::printable;

/// How many warnings of a step GitHub shows.
const MOST: usize = 10;

/// The commands for what went wrong in `report` and for what it warns of, a line each. Files are named from `workspace` on.
pub(super) fn of(report: &Report, workspace: Option<&Path>, worded: &dyn Fn(&str) -> String) -> String {
    let error = report.error.as_ref().map(|error| {
        let causes = error.causes.iter().map(|cause| format!("caused by: {cause}"));
        let told = [error.visitors_see.clone(), error.hint.clone()].into_iter().filter(|text| !text.is_empty());
        let texts: Vec<String> = [error.message.clone()].into_iter().chain(causes).chain(told).collect();
        command("error", error.location.as_ref(), workspace, &texts, worded)
    });
    let all = report.warnings.len();
    let shown = if all > MOST { MOST - 1 } else { all };
    let more = (all > shown).then(|| format!("{} more warnings are in the log of this step.", all - shown));
    let warnings = report.warnings.iter().take(shown).cloned().chain(more);
    let warnings = warnings.map(|warning| command("warning", None, workspace, &[warning], worded));
    error.into_iter().chain(warnings).collect()
}

fn command(
    kind: &str,
    place: Option<&Location>,
    workspace: Option<&Path>,
    texts: &[String],
    worded: &dyn Fn(&str) -> String,
) -> String {
    let place = place.map_or_else(String::new, |Location { file, line }| {
        format!(" file={},line={line}", property(&printable(&in_workspace(file, workspace).to_string_lossy())))
    });
    let lines: Vec<String> = texts.iter().map(|text| data(&printable(&worded(text)))).collect();
    format!("::{kind}{place}::{}\n", lines.join("%0A"))
}

/// `file` as it is named from the workspace on, if it lies there: which is how the runner finds it in the repository.
fn in_workspace(file: &str, workspace: Option<&Path>) -> PathBuf {
    let whole = std::path::absolute(file).unwrap_or_else(|_| file.into());
    let inside = workspace.and_then(|workspace| whole.strip_prefix(workspace).ok());
    inside.map_or_else(|| file.into(), Path::to_owned)
}

/// A command's text, as the runner reads it: lines are ended by a reference (actions/toolkit, `escapeData`).
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of a command (actions/toolkit, `escapeProperty`).
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use publish::report::error::{Code, Problem, VisitorsSee};

    use super::*;

    fn same(text: &str) -> String {
        text.to_owned()
    }

    fn failed(message: &str, file: &str) -> Report {
        let problem = Problem::new(Code::BrokenReference, message).hint("Build again.").at(file, 7);
        Report::new("publish", "live").failed(&problem.while_visitors_see(VisitorsSee::TheSame(None)))
    }

    #[test]
    fn an_error_names_its_file_from_the_workspace_on() {
        let here = std::env::current_dir().unwrap();
        let inside = of(&failed("a", "dist/a,b:c.html"), here.parent(), &same);
        let folder = here.file_name().unwrap().to_str().unwrap();
        let expected =
            format!("::error file={folder}/dist/a%2Cb%3Ac.html,line=7::a%0ANothing is published here yet; visitors");
        assert!(inside.starts_with(&expected) && inside.ends_with("%0ABuild again.\n"), "{inside}");
        let outside = of(&failed("100%", "dist/a.html"), Some(Path::new("/nowhere")), &same);
        assert!(outside.starts_with("::error file=dist/a.html,line=7::100%25%0A"), "{outside}");
    }

    #[test]
    fn of_many_warnings_ten_lines_are_left() {
        let mut report = Report::new("publish", "live");
        report.warnings = (1..=10).map(|number| format!("w{number}")).collect();
        assert_eq!(of(&report, None, &same).lines().last(), Some("::warning::w10"));
        report.warnings.push("w11".to_owned());
        let told = of(&report, None, &same);
        assert_eq!(told.lines().count(), 10);
        assert_eq!(told.lines().last(), Some("::warning::2 more warnings are in the log of this step."));
    }

    proptest! {
        /// The runner's reading of a line gives back the text, and finds no other command and no other property.
        #[test]
        fn nothing_gets_out_of_its_place(message in any::<String>(), file in "[^/\0]{1,20}") {
            let mut report = failed(&message, &file);
            report.warnings.push(message.clone());
            let told = of(&report, None, &same);
            prop_assert_eq!(told.lines().count(), 2);
            let (error, warning) = told.split_once('\n').unwrap();
            let (properties, text) = error.strip_prefix("::error ").unwrap().split_once("::").unwrap();
            let unescaped = |text: &str| text.replace("%3A", ":").replace("%2C", ",").replace("%0A", "\n").replace("%25", "%");
            let properties: Vec<&str> = properties.split(',').collect();
            prop_assert_eq!(&properties[1..], &["line=7"][..]);
            prop_assert_eq!(unescaped(properties[0]), format!("file={}", printable(&file)));
            let text = unescaped(text);
            prop_assert_eq!(text.lines().next().unwrap_or_default(), printable(&message));
            prop_assert_eq!(unescaped(warning.strip_prefix("::warning::").unwrap().trim_end_matches('\n')), printable(&message));
        }
    }
}
