//! What decided about single files, for people.

use publish::explanation::Explanation;
use publish::headers::Kind;
use publish::plan::Change;

use super::text::{Align, WIDTH, harmless, padded, width_of, wrapped};
use crate::terminal::lines::count;
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
        text.push_str(&format!("\nand {} more; -v shows all\n", count(explanations.len() - shown, "file")));
    }
    text
}

fn paragraph(explanation: &Explanation, style: Style) -> String {
    let mut text = format!("{}\n", style.bold(&harmless(explanation.path.as_str())));
    let kind = match explanation.kind {
        Kind::Fingerprinted => "fingerprinted",
        Kind::Mutable => "mutable",
    };
    let sentence = format!("{kind}, because {}.", harmless(&explanation.because));
    for line in wrapped(&sentence, WIDTH - 2) {
        text.push_str(&format!("  {}\n", line.replacen(kind, &style.bold(kind), 1)));
    }
    let width = width_of(explanation.headers.keys().map(String::as_str));
    let mut line = |name: &str, value: &str| {
        text.push_str(&format!("  {} {value}\n", style.dim(&padded(name, width, Align::Left))));
    };
    for (name, header) in &explanation.headers {
        line(name, &format!("{} {}", header.value, style.dim(&format!("({})", harmless(&header.from)))));
    }
    line("a publish", fate(explanation.change));
    text
}

/// What a publish does to the file.
fn fate(change: Option<Change>) -> &'static str {
    match change {
        None => "leaves it as it is",
        Some(Change::Add) => "adds it",
        Some(Change::Replace) => "replaces it",
        Some(Change::Reheader) => "gives it other headers",
        Some(Change::Remove | Change::Retire) => "removes it",
    }
}
