//! What decided about single files, for people.

use publish::plan::Change;
use publish::types::headers::Kind;
use publish::types::text::{count, printable};
use publish::views::explanation::Explanation;

use super::text::{self, width_of};
use crate::terminal::layout::{broken, labelled};
use crate::terminal::style::Style;

/// Most files that are explained, unless all are asked for.
const MAX_SHOWN: usize = 50;

/// Each file with its kind and the reason, what a publish does to it, and its headers.
pub(crate) fn render_explanations(explanations: &[Explanation], verbose: bool, style: Style) -> String {
    let shown = if verbose { explanations.len() } else { explanations.len().min(MAX_SHOWN) };
    let paragraphs: Vec<String> =
        explanations[..shown].iter().map(|explanation| paragraph(explanation, style)).collect();
    let mut text = paragraphs.join("\n");
    if shown < explanations.len() {
        text.push_str(&format!("\nand {}; -v shows all\n", count(explanations.len() - shown, "more file")));
    }
    text
}

fn paragraph(explanation: &Explanation, style: Style) -> String {
    let mut text = format!("{}\n", style.bold(&printable(explanation.path.as_str())));
    let kind = match explanation.kind {
        Kind::Fingerprinted => "fingerprinted",
        Kind::Mutable => "mutable",
    };
    let sentence = format!("{kind}, because {} (rule {}).", printable(&explanation.because), explanation.rule);
    text.push_str(&broken("  ", &sentence, text::width(style)));
    let width = width_of(explanation.headers.keys().map(String::as_str));
    let mut line = |name: &str, value: &str| {
        text.push_str(&labelled(name, width, value, style));
    };
    for (name, header) in &explanation.headers {
        line(name, &format!("{} {}", printable(&header.value), style.dim(&format!("({})", printable(&header.from)))));
    }
    line("a publish", fate(explanation.change));
    text
}

/// What a publish does to the file.
fn fate(change: Option<Change>) -> &'static str {
    match change {
        None => "does not change it",
        Some(Change::Add) => "adds it",
        Some(Change::Replace) => "replaces it",
        Some(Change::Reheader) => "changes its headers",
        Some(Change::Remove | Change::Retire) => "removes it",
    }
}

#[cfg(test)]
mod tests {
    use publish::content::path::SitePath;
    use publish::site::fingerprint::{Basis, Verdict};
    use publish::views::explanation::ExplainedHeader;

    use super::*;

    fn explanation(path: &str, change: Option<Change>) -> Explanation {
        let basis = Basis::Reference { token: "BYf2qJoX".to_owned(), by: "index.html".to_owned() };
        let verdict = Verdict { kind: Kind::Fingerprinted, rule: "bundler-tag", basis };
        let header = |value: &str, from: &str| ExplainedHeader { value: value.to_owned(), from: from.to_owned() };
        let headers = [
            ("Cache-Control", header("public, max-age=31536000, immutable", "default")),
            ("Content-Type", header("text/javascript", "[[headers]] for `**/*.js`")),
        ];
        Explanation {
            path: SitePath::new(path).unwrap(),
            because: verdict.because(),
            kind: verdict.kind,
            rule: verdict.rule.to_owned(),
            basis: verdict.basis,
            change,
            headers: headers.map(|(name, header)| (name.to_owned(), header)).into_iter().collect(),
        }
    }

    #[test]
    fn a_file_is_a_paragraph() {
        let explanations = [explanation("a.js", None), explanation("b.js", Some(Change::Reheader))];
        let text = render_explanations(&explanations, false, Style::plain());
        let body = "  fingerprinted, because `index.html` refers to it, and `BYf2qJoX` is written as the bundler of this\n  \
            site writes hashes (rule bundler-tag).\n  \
            Cache-Control public, max-age=31536000, immutable (default)\n  \
            Content-Type  text/javascript ([[headers]] for `**/*.js`)\n";
        let expected = format!(
            "a.js\n{body}  a publish     does not change it\n\nb.js\n{body}  a publish     changes its headers\n"
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn many_are_cut_unless_all_are_asked_for() {
        let many: Vec<Explanation> = (0..60).map(|number| explanation(&format!("{number}.js"), None)).collect();
        let text = render_explanations(&many, false, Style::plain());
        assert!(text.ends_with("\nand 10 more files; -v shows all\n"), "{text}");
        assert_eq!(text.matches("a publish").count(), 50);
        assert_eq!(render_explanations(&many, true, Style::plain()).matches("a publish").count(), 60);
    }
}
