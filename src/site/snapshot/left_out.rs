//! The files that are left out of a site by default.

use std::fmt::Write;

/// The files of a folder that are not published, besides those in `exclude`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeftOut {
    /// Hidden files and folders (with a final slash), sorted.
    pub hidden: Vec<String>,
    /// Files and folders (with a final slash) that editors and operating systems leave behind, sorted.
    pub litter: Vec<String>,
    /// Files and folders (with a final slash) that package managers need, in a project's folder; sorted.
    pub of_tools: Vec<String>,
    /// The number of source maps, if they are to be skipped.
    pub source_maps: usize,
}

impl LeftOut {
    /// Whether all of the folder is published.
    pub fn is_empty(&self) -> bool {
        *self == LeftOut::default()
    }

    /// A summary in one sentence; of many names, the first few.
    pub fn sentence(&self) -> Option<String> {
        let mut parts = Vec::new();
        if !self.hidden.is_empty() {
            parts.push(format!("hidden: {}", first_few(&self.hidden)));
        }
        if !self.litter.is_empty() {
            parts.push(format!(
                "{} left behind by editors or operating systems: {}",
                self.litter.len(),
                first_few(&self.litter)
            ));
        }
        if !self.of_tools.is_empty() {
            parts.push(format!("package manager files: {}", first_few(&self.of_tools)));
        }
        match self.source_maps {
            0 => {}
            1 => parts.push("1 source map".to_owned()),
            more => parts.push(format!("{more} source maps")),
        }
        (!parts.is_empty()).then(|| format!("Not published: {}.", parts.join("; ")))
    }
}

fn first_few(paths: &[String]) -> String {
    const NAMED: usize = 5;
    let mut text = paths.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if paths.len() > NAMED {
        // Writing to a text cannot fail.
        let _ = write!(text, " and {} more", paths.len() - NAMED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sentence_tells_all_that_stayed_out() {
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert_eq!(LeftOut::default().sentence(), None);
        let hidden = LeftOut { hidden: names(&[".env", ".git/"]), ..LeftOut::default() };
        assert_eq!(hidden.sentence().unwrap(), "Not published: hidden: .env, .git/.");
        let all = LeftOut {
            hidden: names(&[".a", ".b", ".c", ".d", ".e", ".f", ".g"]),
            litter: names(&["Thumbs.db", "a.html~"]),
            of_tools: names(&["node_modules/", "package.json"]),
            source_maps: 12,
        };
        assert_eq!(
            all.sentence().unwrap(),
            "Not published: hidden: .a, .b, .c, .d, .e and 2 more; 2 left behind by editors or operating systems: \
             Thumbs.db, a.html~; package manager files: node_modules/, package.json; 12 source maps."
        );
    }
}
