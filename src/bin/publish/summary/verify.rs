//! What differs between the bucket and its releases.

use publish::config::environment::Environment;
use publish::report::Report;
use publish::stages::audit::{Finding, FindingKind};
use publish::types::text::{count, printable};

use super::{details, place};
use crate::terminal::layout::filled;
use crate::terminal::style::Style;

/// Most differences that are shown, unless all are asked for.
const MAX_SHOWN: usize = 50;

/// What differs, grouped by how, and what to do about it.
pub(crate) fn render_findings(
    findings: &[Finding],
    report: &Report,
    environment: &Environment,
    verbose: bool,
    style: Style,
) -> String {
    let Some(release) = report.release else { return String::new() };
    let place = place(report, environment);
    let mut text = match findings {
        [] => {
            let files = count(report.files.total, "file");
            filled("", &format!("{} {files} of release {release} at {place}", style.green("No differences:")), style)
        }
        _ => {
            let title = format!("{} from release {release}", count(findings.len(), "difference"));
            filled("", &format!("{} at {place}", style.bold(&title)), style)
        }
    };
    let shown = if verbose { findings.len() } else { findings.len().min(MAX_SHOWN) };
    for group in findings[..shown].chunk_by(|one, other| one.what == other.what) {
        text.push_str(&filled("", &style.dim(heading(group[0].what)), style));
        group.iter().for_each(|finding| text.push_str(&line(finding, style)));
    }
    if shown < findings.len() {
        text.push_str(&format!("and {} more; -v shows all\n", findings.len() - shown));
    }
    if let Some(advice) = advice(findings, report) {
        text.push_str(&filled("", advice, style));
    }
    if verbose {
        text.push_str(&details(report, style));
    }
    text
}

fn heading(what: FindingKind) -> &'static str {
    match what {
        FindingKind::Missing => "missing",
        FindingKind::Changed => "different bytes",
        FindingKind::Headers => "different headers",
        FindingKind::Unmarked => "written by something else, but with the right bytes",
        FindingKind::Foreign => "in no release (never touched)",
        FindingKind::Lost => "lost: these releases cannot be restored completely",
        FindingKind::NotPublished => "not in the release (published with --allow-broken)",
        FindingKind::Answer => "right in the bucket, but visitors get something else",
    }
}

/// `  index.html: 7 bytes, and not 4 bytes, SHA-256 4ea140588150… (repaired)`
fn line(finding: &Finding, style: Style) -> String {
    let expected = finding.expected.as_deref().unwrap_or("nothing");
    let found = finding.found.as_deref();
    let difference = match finding.what {
        FindingKind::Missing | FindingKind::NotPublished => expected.to_owned(),
        FindingKind::Unmarked | FindingKind::Foreign | FindingKind::Answer => found.unwrap_or_default().to_owned(),
        FindingKind::Changed | FindingKind::Headers => format!("{} instead of {expected}", found.unwrap_or("nothing")),
        FindingKind::Lost => {
            let numbers: Vec<String> = finding.releases.iter().map(ToString::to_string).collect();
            let found = found.map(|found| format!(": {found}")).unwrap_or_default();
            format!("{expected}; of release {}{found}", numbers.join(", "))
        }
    };
    let repaired = if finding.repaired { format!(" {}", style.green("(repaired)")) } else { String::new() };
    filled("  ", &format!("{}: {}{repaired}", printable(&finding.path), printable(&difference)), style)
}

/// What to do about what is left.
fn advice(findings: &[Finding], report: &Report) -> Option<&'static str> {
    let left = |finding: &&Finding| !finding.repaired && finding.what != FindingKind::Foreign;
    let tried = findings.iter().any(|finding| finding.repaired) || report.outcome == publish::report::Outcome::Repaired;
    let first = findings.iter().find(left)?;
    Some(match (first.what, tried) {
        // What to do stands beside each.
        (FindingKind::Answer, _) => return None,
        (FindingKind::NotPublished, _) => "Publish a folder that contains them.",
        (FindingKind::Lost, _) => "Publish the folder of such a release again: the bucket no longer has its bytes.",
        (_, false) => {
            "`publish verify --repair` restores what the bucket still has; publish the folder again to restore the \
             rest."
        }
        (_, true) => "The bucket no longer has the bytes of the rest: publish the folder again.",
    })
}

#[cfg(test)]
mod tests {
    use publish::release::manifest::ReleaseNumber;

    use super::super::tests::environment;
    use super::*;

    fn report() -> Report {
        let mut report = Report::new("verify", "production");
        report.release = Some(ReleaseNumber::new(8));
        report.files.total = 43;
        report
    }

    fn finding(path: &str, what: FindingKind) -> Finding {
        Finding {
            path: path.to_owned(),
            what,
            expected: Some("4 bytes".to_owned()),
            found: Some("7 bytes".to_owned()),
            releases: vec![ReleaseNumber::new(8)],
            repaired: false,
        }
    }

    fn render(findings: &[Finding], verbose: bool) -> String {
        render_findings(findings, &report(), &environment(), verbose, Style::plain())
    }

    const PLACE: &str = "https://www.example.com/ (s3://example-site/live/)";

    #[test]
    fn nothing_to_say_is_one_line() {
        assert_eq!(render(&[], false), format!("No differences: 43 files of release 8 at {PLACE}\n"));
    }

    #[test]
    fn findings_stand_together_by_kind() {
        let mut repaired = finding("b.html", FindingKind::Changed);
        repaired.repaired = true;
        let text = render(&[finding("a.html", FindingKind::Missing), repaired], false);
        let expected = format!(
            "2 differences from release 8 at {PLACE}\nmissing\n  a.html: 4 bytes\ndifferent bytes\n  \
             b.html: 7 bytes instead of 4 bytes (repaired)\n\
             The bucket no longer has the bytes of the rest: publish the folder again.\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn many_are_cut_unless_all_are_asked_for() {
        let many: Vec<Finding> = (0..60).map(|number| finding(&format!("{number}"), FindingKind::Foreign)).collect();
        assert!(render(&many, false).ends_with("and 10 more; -v shows all\n"));
        assert_eq!(render(&many, true).lines().count(), 62);
    }
}
