//! Finds the rules that match a file's addresses among tens of thousands, in one pass over the address.
//!
//! The patterns are a tree of their common prefixes; an address is followed through it along all paths at once. The
//! cost grows with the address and the number of matching paths, and not with the number of rules.

use super::pattern::{ANY, Addresses, Piece, UrlPattern};

/// Patterns, each with the number of its rule.
#[derive(Clone, Debug)]
pub(in crate::site) struct Index {
    nodes: Vec<Node>,
}

/// A node of the tree: the state after the beginning of a pattern.
#[derive(Clone, Debug, Default)]
struct Node {
    stays: Stays,
    /// The next node for a byte, sorted.
    bytes: Vec<(u8, u32)>,
    splat: Option<u32>,
    placeholder: Option<u32>,
    /// The rules whose patterns end here, in order.
    rules: Vec<usize>,
}

/// The bytes for which a node is its own successor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stays {
    #[default]
    Never,
    /// After `*`.
    Always,
    /// In a placeholder.
    InSegment,
}

/// The end nodes of patterns that an address reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::site) struct End(u32);

impl Index {
    /// From `patterns` with the numbers of their rules, in ascending order.
    pub(in crate::site) fn of<'p>(patterns: impl IntoIterator<Item = (usize, &'p UrlPattern)>) -> Index {
        let mut index = Index { nodes: vec![Node::default()] };
        for (rule, pattern) in patterns {
            let mut at = 0;
            for part in pattern.parts() {
                at = match part {
                    Piece::Literal(literal) => literal.bytes().fold(at, |at, byte| index.behind_byte(at, byte)),
                    Piece::Splat => index.behind_splat(at),
                    Piece::Placeholder(_) => index.behind_placeholder(at),
                };
            }
            index.nodes[at as usize].rules.push(rule);
        }
        index
    }

    fn behind_byte(&mut self, at: u32, byte: u8) -> u32 {
        let next = self.next();
        let bytes = &mut self.nodes[at as usize].bytes;
        match bytes.binary_search_by_key(&byte, |(byte, _)| *byte) {
            Ok(place) => bytes[place].1,
            Err(place) => {
                bytes.insert(place, (byte, next));
                self.add(Stays::Never)
            }
        }
    }

    /// `**` is the same as `*`.
    fn behind_splat(&mut self, at: u32) -> u32 {
        if self.nodes[at as usize].stays == Stays::Always {
            return at;
        }
        match self.nodes[at as usize].splat {
            Some(known) => known,
            None => {
                self.nodes[at as usize].splat = Some(self.next());
                self.add(Stays::Always)
            }
        }
    }

    fn behind_placeholder(&mut self, at: u32) -> u32 {
        match self.nodes[at as usize].placeholder {
            Some(known) => known,
            None => {
                self.nodes[at as usize].placeholder = Some(self.next());
                self.add(Stays::InSegment)
            }
        }
    }

    /// The number of the next node to be added. A pattern has fewer bytes than a file that fits in memory.
    fn next(&self) -> u32 {
        u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)
    }

    fn add(&mut self, stays: Stays) -> u32 {
        let number = self.next();
        self.nodes.push(Node { stays, ..Node::default() });
        number
    }

    /// The ends of all patterns that match one of `addresses`, and the number of steps to find them.
    pub(super) fn search(&self, addresses: &Addresses) -> (Vec<End>, usize) {
        self.follow(addresses.own(), |at| addresses.has_end(at))
    }

    /// The ends of all patterns that match everything that `pattern` matches, including its own if it is one of them, and the
    /// number of steps to find them.
    pub(in crate::site) fn covering(&self, pattern: &UrlPattern) -> (Vec<End>, usize) {
        let sample = pattern.sample();
        self.follow(&sample, |at| at == sample.len())
    }

    /// Follows `text` along all paths at once, and collects the ends at the nodes that `is_end` accepts.
    fn follow(&self, text: &str, is_end: impl Fn(usize) -> bool) -> (Vec<End>, usize) {
        let (mut ends, mut steps) = (Vec::new(), 0);
        let (mut active, mut next) = (Vec::new(), Vec::new());
        self.enter(0, &mut active);
        for (at, byte) in text.bytes().map(Some).chain([None]).enumerate() {
            if is_end(at) {
                ends.extend(active.iter().filter(|node| !self.node(**node).rules.is_empty()).map(|node| End(*node)));
            }
            let Some(byte) = byte else { break };
            for &number in &active {
                self.step(number, byte, &mut next);
            }
            steps += active.len();
            next.sort_unstable();
            next.dedup();
            active.clear();
            std::mem::swap(&mut active, &mut next);
        }
        ends.sort_unstable();
        ends.dedup();
        (ends, steps)
    }

    /// The rules whose patterns end there, in order.
    pub(in crate::site) fn rules(&self, end: End) -> &[usize] {
        &self.node(end.0).rules
    }

    /// All ends.
    pub(in crate::site) fn ends(&self) -> impl Iterator<Item = End> {
        (0..self.next()).filter(|number| !self.node(*number).rules.is_empty()).map(End)
    }

    fn node(&self, number: u32) -> &Node {
        &self.nodes[number as usize]
    }

    fn enter(&self, number: u32, active: &mut Vec<u32>) {
        active.push(number);
        // `*` may match nothing.
        active.extend(self.node(number).splat);
    }

    fn step(&self, number: u32, byte: u8, next: &mut Vec<u32>) {
        let node = self.node(number);
        if let Ok(place) = node.bytes.binary_search_by_key(&byte, |(byte, _)| *byte) {
            self.enter(node.bytes[place].1, next);
        }
        let in_segment = byte != b'/' && byte != ANY as u8;
        if let Some(placeholder) = node.placeholder.filter(|_| in_segment) {
            self.enter(placeholder, next);
        }
        if node.stays == Stays::Always || node.stays == Stays::InSegment && in_segment {
            next.push(number);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::content::path::SitePath;

    fn index(patterns: &[UrlPattern]) -> Index {
        Index::of(patterns.iter().enumerate())
    }

    fn found(index: &Index, path: &str) -> (Vec<usize>, usize) {
        let (ends, steps) = index.search(&Addresses::of(&SitePath::new(path).unwrap()));
        let mut rules: Vec<usize> = ends.iter().flat_map(|end| index.rules(*end)).copied().collect();
        rules.sort_unstable();
        (rules, steps)
    }

    fn covering(index: &Index, pattern: &UrlPattern) -> (Vec<usize>, usize) {
        let (ends, steps) = index.covering(pattern);
        let mut rules: Vec<usize> = ends.iter().flat_map(|end| index.rules(*end)).copied().collect();
        rules.sort_unstable();
        (rules, steps)
    }

    /// A kind of pattern: its name, and the pattern for a number.
    type Patterns = (&'static str, fn(usize) -> String);

    /// Each kind takes a few steps for each byte of an address, however many patterns there are.
    #[test]
    fn the_work_does_not_grow_with_the_rules() {
        const RULES: usize = 5_000;
        let kinds: [Patterns; 8] = [
            ("pages", |number| format!("/docs/page-{number}")),
            ("folders", |number| format!("/docs/{number}/*")),
            ("ends", |number| format!("/*-{number}.html")),
            ("middles", |number| format!("/*/{number}/*")),
            ("placeholders", |number| format!("/:folder/{number}")),
            ("many splats", |number| format!("/*a*{number}*")),
            ("the same", |_| "/*".to_owned()),
            ("splats of splats", |number| format!("/{}x", "*".repeat(number % 30 + 1))),
        ];
        for (kind, pattern) in kinds {
            let patterns: Vec<UrlPattern> = (0..RULES).map(|number| UrlPattern::new(&pattern(number))).collect();
            let index = index(&patterns);
            for path in ["docs/page-77/index.html", "docs/1307/a-1300.html", "a/a/a/4999/a/a/12", "index.html"] {
                let (rules, steps) = found(&index, path);
                let addresses = Addresses::of(&SitePath::new(path).unwrap());
                let expected = patterns.iter().filter(|pattern| pattern.matches_any(&addresses)).count();
                assert_eq!(rules.len(), expected, "{kind}: {path}");
                assert!((1..=20 * (path.len() + 1)).contains(&steps), "{kind}: {path} took {steps} steps");
            }
            for pattern in &patterns[RULES - 5..] {
                let (rules, steps) = covering(&index, pattern);
                let expected = patterns.iter().filter(|wider| wider.covers(pattern)).count();
                assert_eq!(rules.len(), expected, "{kind}: {}", pattern.text());
                assert!(steps <= 20 * (pattern.text().len() + 1), "{kind}: {} took {steps} steps", pattern.text());
            }
        }
    }

    proptest! {
        /// Finds the same covering patterns as a search one by one.
        #[test]
        fn it_finds_what_covers(patterns in prop::collection::vec("/([ab/*]|/:x){0,6}", 0..20)) {
            let patterns: Vec<UrlPattern> = patterns.iter().map(|pattern| UrlPattern::new(pattern)).collect();
            let index = index(&patterns);
            for pattern in &patterns {
                let covers = (0..patterns.len()).filter(|number| patterns[*number].covers(pattern));
                prop_assert_eq!(covering(&index, pattern).0, covers.collect::<Vec<_>>());
            }
        }

        /// Finds the same matching rules as a search one by one.
        #[test]
        fn it_finds_what_matches(
            patterns in prop::collection::vec("/([abé/*]|/:x){0,6}(index\\.html|\\.html)?", 0..20),
            path in "[abé]{1,3}(/[abé]{1,2}){0,3}(/index\\.html|\\.html)?",
        ) {
            let patterns: Vec<UrlPattern> = patterns.iter().map(|pattern| UrlPattern::new(pattern)).collect();
            let addresses = Addresses::of(&SitePath::new(path.as_str()).unwrap());
            let matching = (0..patterns.len()).filter(|number| patterns[*number].matches_any(&addresses));
            prop_assert_eq!(found(&index(&patterns), &path).0, matching.collect::<Vec<_>>());
        }
    }
}
