//! The result of a prune, for people.

use indicatif::DecimalBytes;
use publish::plan::sweep::PruneView;
use publish::report::Report;
use publish::types::text::{asked, count, printable};

use super::details;
use crate::terminal::layout::labelled;
use crate::terminal::style::Style;

/// What was removed; with `verbose`, every object.
pub(crate) fn render(report: &Report, view: Option<&PruneView>, verbose: bool, style: Style) -> String {
    let Some(view) = view else {
        return format!("{} every object is still needed\n", style.bold("Nothing to prune:"));
    };
    let mut text = format!("{}\n", style.green("Pruned"));
    let mut line = |name: &str, value: &str| {
        text.push_str(&labelled(name, 8, value, style));
    };
    let closed: Vec<String> = view.closes.iter().map(ToString::to_string).collect();
    if !closed.is_empty() {
        line("releases", &closed.join(", "));
    }
    line("removed", &format!("{} ({})", count(report.deleted, "object"), DecimalBytes(view.bytes)));
    if !view.paths.is_empty() {
        line("CDN", &format!("{} refreshed", asked(&view.paths)));
    }
    if verbose {
        for object in &view.objects {
            text.push_str(&format!("- {}\n", printable(object)));
        }
        text.push_str(&details(report, style));
    }
    text
}

#[cfg(test)]
mod tests {
    use publish::release::manifest::ReleaseNumber;

    use super::*;

    #[test]
    fn what_went_is_said() {
        let view = PruneView {
            closes: vec![ReleaseNumber::new(3), ReleaseNumber::new(4)],
            objects: vec!["s3://example-site/live/config.json".to_owned()],
            bytes: 1_200,
            paths: vec!["/config.json".to_owned()],
        };
        let report = Report { deleted: 1, ..Report::new("prune", "production") };
        let text = render(&report, Some(&view), true, Style::plain());
        let expected = "Pruned\n  releases 3, 4\n  removed  1 object (1.20 kB)\n  CDN      1 path refreshed\n\
            - s3://example-site/live/config.json\n";
        assert_eq!(text, expected);
        assert_eq!(render(&report, None, true, Style::plain()), "Nothing to prune: every object is still needed\n");
    }
}
