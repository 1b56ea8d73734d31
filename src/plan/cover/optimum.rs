//! The wildcards of the cheapest cover, by dynamic programming over the trie of the addresses that must be covered.
//!
//! A wildcard covers all that begins as its prefix does. Of the prefixes that cover the same addresses the longest evicts
//! the least, and it is a node of the compressed trie. So a best cover consists of nodes of which none lies below another,
//! and of exact paths for the rest. The nodes are closed from the leaves up; each has a table of the best ways to cover what
//! lies below it: for each number of wildcards and of paths within the limits, the least cost. The table of a node follows
//! from those of its children, and "its own wildcard" is one way more.
//!
//! The trie is never built: of sorted texts, the nodes that are still open are a stack.
//!
//! **Cache tags**: each covers what is tagged below one node, and evicts what is tagged there. With such a tag, only the rest is
//! left to cover, and what is tagged weighs nothing any more. So a node that a tag may stand for has two tables, one without the
//! tag and one with it, and the best of both are its ways. That is a whole table more for each node with a tag, and a tag below
//! another one only counts where that one is not taken: tags contain each other or have nothing in common.

use std::collections::BTreeMap;
use std::ops::Add;

/// A text that must be covered: all that begins with `prefix`, or, if `paths` is given, the address `prefix` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item<'a> {
    /// Where it begins, not encoded.
    pub(super) prefix: &'a str,
    /// How many paths name it exactly: one for each of its spellings. `None`: no path can.
    pub(super) paths: Option<usize>,
    /// The same of what is left of it where a tag covers what is tagged; `None`: nothing is.
    pub(super) untagged: Option<Option<usize>>,
}

/// What cache tags cost that may stand for what is tagged.
pub(super) struct Tagged<'a> {
    /// That of the whole site.
    pub(super) site: Cost,
    /// Those of folders, by what addresses in there begin with, none of which begins with another.
    pub(super) folders: BTreeMap<&'a str, Cost>,
}

/// A cheapest cover; what it does not cover is to be named exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen<'a> {
    /// The prefixes of its wildcards.
    pub(super) prefixes: Vec<&'a str>,
    /// Whether the tag of the site is in it.
    pub(super) site: bool,
    /// The folders whose tags are in it.
    pub(super) folders: Vec<&'a str>,
}

/// What a cover costs, the most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost {
    /// Bytes of unchanged objects that leave the CDN.
    pub(super) unchanged_bytes: u64,
    /// Bytes of new fingerprinted files, which visitors may have fetched since the switch.
    pub(super) new_bytes: u64,
    /// Paths and tags to pay for.
    pub(super) paths: usize,
}

impl Add for Cost {
    type Output = Cost;
    fn add(self, other: Cost) -> Cost {
        Cost {
            unchanged_bytes: self.unchanged_bytes.saturating_add(other.unchanged_bytes),
            new_bytes: self.new_bytes.saturating_add(other.new_bytes),
            paths: self.paths.saturating_add(other.paths),
        }
    }
}

/// What a cover may consist of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// Most addresses, wildcards and tags together; at least one.
    pub(super) addresses: usize,
    /// Most wildcards; at least one.
    pub(super) wildcards: usize,
}

/// A cover of `items` with the least cost within `limits`. `items` are sorted, no two have the same prefix, and all begin with
/// the same character. `wide` says of a node's prefix, and of whether what is tagged goes anyway, which prefixes a wildcard may
/// have there, which may be shorter, and what each costs.
///
/// With n items and k = `limits.addresses`: at most n·k·w² steps, with w = `limits.wildcards`, and far fewer where wildcards
/// differ in what they evict.
pub(super) fn cheapest<'a>(
    items: &[Item<'a>],
    tagged: Option<&Tagged<'a>>,
    limits: Limits,
    wide: impl Fn(&'a str, bool) -> Vec<(&'a str, Cost)>,
) -> Chosen<'a> {
    let mut search = Search { limits, wide, without_tagged: false, made: Vec::new(), cells: Vec::new() };
    let nodes = match tagged {
        Some(tagged) => search.by_folder(items, tagged),
        None => items.iter().map(|item| Node::of(item.prefix, item.paths)).collect(),
    };
    let mut ways = search.closed(nodes);
    if let Some(tagged) = tagged {
        let with_tag = search.with_tag(items, Tag::Site, tagged.site);
        ways = search.either(&ways, &with_tag);
    }
    let best = ways.into_iter().min_by_key(|way| (way.cost, way.wildcards));
    best.map(|way| search.chosen(way.made)).unwrap_or_default()
}

/// What two texts begin with, in whole characters.
fn shared_prefix<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    &one[..one.floor_char_boundary(same)]
}

/// A node of the trie to which more may come.
struct Node<'a> {
    prefix: &'a str,
    /// The best ways to cover what came so far; none where only a wildcard of this node or above can.
    ways: Vec<Way>,
}

impl<'a> Node<'a> {
    /// What so many paths name; `None`: no path can.
    fn of(prefix: &'a str, paths: Option<usize>) -> Node<'a> {
        let exactly = paths.map(|paths| Cost { paths, ..Cost::default() });
        let exactly = exactly.map(|cost| Way { addresses: 1, cost, ..Way::NOTHING });
        Node { prefix, ways: exactly.into_iter().collect() }
    }
}

/// One way to cover what lies below a node.
#[derive(Clone, Copy)]
struct Way {
    wildcards: usize,
    /// Wildcards, tags and exact addresses.
    addresses: usize,
    cost: Cost,
    /// Its wildcards and tags; everything else is named exactly.
    made: Option<Made>,
}

/// A place in [`Search::made`].
type Made = usize;

/// How the wildcards and tags of a way come together, so that ways share what they have in common.
#[derive(Clone, Copy)]
enum Parts<'a> {
    Wildcard(&'a str),
    Tag(Tag<'a>),
    Both(Made, Made),
}

#[derive(Clone, Copy)]
enum Tag<'a> {
    Site,
    Folder(&'a str),
}

impl Way {
    const NOTHING: Way =
        Way { wildcards: 0, addresses: 0, cost: Cost { unchanged_bytes: 0, new_bytes: 0, paths: 0 }, made: None };
}

/// The best pair of ways found for a number of wildcards and of addresses.
#[derive(Clone, Copy)]
struct Cell {
    cost: Cost,
    made: (Option<Made>, Option<Made>),
}

const NO_COST_KNOWN: Cost = Cost { unchanged_bytes: u64::MAX, new_bytes: u64::MAX, paths: usize::MAX };

struct Search<'a, W> {
    limits: Limits,
    wide: W,
    /// Whether what is tagged goes anyway.
    without_tagged: bool,
    made: Vec<Parts<'a>>,
    /// Room for [`Search::combined`].
    cells: Vec<Cell>,
}

impl<'a, W: Fn(&'a str, bool) -> Vec<(&'a str, Cost)>> Search<'a, W> {
    /// The nodes of items that no folder with a tag has, and one node for all that each such folder has.
    fn by_folder(&mut self, items: &[Item<'a>], tagged: &Tagged<'a>) -> Vec<Node<'a>> {
        let folder_of = |item: &Item<'a>| {
            let before = tagged.folders.range(..=item.prefix).next_back();
            before.filter(|(folder, _)| item.prefix.starts_with(**folder)).map(|(folder, cost)| (*folder, *cost))
        };
        let mut nodes = Vec::new();
        for group in items.chunk_by(|one, other| {
            folder_of(one).is_some_and(|(folder, _)| folder_of(other).is_some_and(|(other, _)| folder == other))
        }) {
            let each = group.iter().map(|item| Node::of(item.prefix, item.paths));
            let (Some((folder, cost)), Some(last)) = (folder_of(&group[0]), group.last()) else {
                nodes.extend(each);
                continue;
            };
            let without_tag = self.closed(each.collect());
            let with_tag = self.with_tag(group, Tag::Folder(folder), cost);
            let ways = self.either(&without_tag, &with_tag);
            nodes.push(Node { prefix: shared_prefix(group[0].prefix, last.prefix), ways });
        }
        nodes
    }

    /// The ways to cover `items` of which a tag, at this cost, is one part.
    fn with_tag(&mut self, items: &[Item<'a>], tag: Tag<'a>, cost: Cost) -> Vec<Way> {
        let rest = items.iter().filter_map(|item| Some(Node::of(item.prefix, item.untagged?))).collect();
        self.without_tagged = true;
        let ways = self.closed(rest);
        self.without_tagged = false;
        self.made.push(Parts::Tag(tag));
        let tag = Way { addresses: 1, cost, made: Some(self.made.len() - 1), ..Way::NOTHING };
        self.each_with(&ways, tag)
    }

    /// The best ways to cover all of `nodes`, which are sorted.
    fn closed(&mut self, nodes: Vec<Node<'a>>) -> Vec<Way> {
        let mut open: Vec<Node<'a>> = Vec::new();
        for node in nodes {
            if let Some(before) = open.last() {
                let shared = shared_prefix(before.prefix, node.prefix);
                self.close_beyond(&mut open, shared);
            }
            open.push(node);
        }
        self.close_beyond(&mut open, "");
        open.pop().map_or_else(|| vec![Way::NOTHING], |root| root.ways)
    }

    /// The best ways of two tables.
    fn either(&mut self, one: &[Way], other: &[Way]) -> Vec<Way> {
        let most_addresses = one.iter().chain(other).map(|way| way.addresses).max().unwrap_or(0);
        let most_wildcards = one.iter().chain(other).map(|way| way.wildcards).max().unwrap_or(0);
        let columns = self.clear_cells(most_wildcards, most_addresses);
        for way in one.iter().chain(other) {
            let cell = &mut self.cells[way.wildcards * columns + way.addresses];
            if way.cost < cell.cost {
                *cell = Cell { cost: way.cost, made: (way.made, None) };
            }
        }
        self.undominated(columns)
    }

    /// Makes room for so many, and says how many cells a number of wildcards has.
    fn clear_cells(&mut self, most_wildcards: usize, most_addresses: usize) -> usize {
        let (rows, columns) = (most_wildcards + 1, most_addresses + 1);
        self.cells.clear();
        self.cells.resize(rows * columns, Cell { cost: NO_COST_KNOWN, made: (None, None) });
        columns
    }

    /// Closes all open nodes that are longer than `shared`, into those above them. The last one stays, closed.
    fn close_beyond(&mut self, open: &mut Vec<Node<'a>>, shared: &'a str) {
        while open.last().is_some_and(|node| node.prefix.len() > shared.len()) {
            let Some(mut node) = open.pop() else { return };
            self.offer_wildcards(&mut node);
            let above = open.last().is_some_and(|above| above.prefix.len() >= shared.len());
            if !above && shared.is_empty() {
                open.push(node);
                return;
            }
            if !above {
                open.push(Node { prefix: shared, ways: vec![Way::NOTHING] });
            }
            if let Some(above) = open.last_mut() {
                above.ways = self.combined(&above.ways, &node.ways);
            }
        }
    }

    /// What covers a whole node: its wildcard. Ways that it beats go.
    fn offer_wildcards(&mut self, node: &mut Node<'a>) {
        for (prefix, cost) in (self.wide)(node.prefix, self.without_tagged) {
            if node.ways.iter().any(|way| way.addresses == 1 && way.cost <= cost) {
                continue;
            }
            node.ways.retain(|way| way.wildcards == 0 || way.cost < cost);
            self.made.push(Parts::Wildcard(prefix));
            let made = Some(self.made.len() - 1);
            node.ways.push(Way { wildcards: 1, addresses: 1, cost, made });
        }
    }

    /// The best ways to cover what two tables cover, within the limits.
    fn combined(&mut self, one: &[Way], other: &[Way]) -> Vec<Way> {
        if let ([only], ways) | (ways, [only]) = (one, other) {
            return self.each_with(ways, *only);
        }
        let most = |get: fn(&Way) -> usize, limit: usize| {
            let most_of = |ways: &[Way]| ways.iter().map(get).max().unwrap_or(0);
            (most_of(one) + most_of(other)).min(limit)
        };
        let most_wildcards = most(|way| way.wildcards, self.limits.wildcards);
        let most_addresses = most(|way| way.addresses, self.limits.addresses);
        let columns = self.clear_cells(most_wildcards, most_addresses);
        for left in one {
            for right in other {
                let (wildcards, addresses) = (left.wildcards + right.wildcards, left.addresses + right.addresses);
                if wildcards > most_wildcards || addresses > most_addresses {
                    continue;
                }
                let cell = &mut self.cells[wildcards * columns + addresses];
                let cost = left.cost + right.cost;
                if cost < cell.cost {
                    *cell = Cell { cost, made: (left.made, right.made) };
                }
            }
        }
        self.undominated(columns)
    }

    /// As [`Search::combined`], where one side has a single way: then no way begins to beat another one.
    fn each_with(&mut self, ways: &[Way], only: Way) -> Vec<Way> {
        let mut each = Vec::with_capacity(ways.len());
        for way in ways {
            let (wildcards, addresses) = (way.wildcards + only.wildcards, way.addresses + only.addresses);
            if wildcards <= self.limits.wildcards && addresses <= self.limits.addresses {
                let made = self.both(way.made, only.made);
                each.push(Way { wildcards, addresses, cost: way.cost + only.cost, made });
            }
        }
        each
    }

    /// The wildcards and tags of two ways together.
    fn both(&mut self, one: Option<Made>, other: Option<Made>) -> Option<Made> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
        self.made.push(Parts::Both(one, other));
        Some(self.made.len() - 1)
    }

    /// The ways among the cells that no other one beats: with as few wildcards and addresses, and at no higher cost.
    fn undominated(&mut self, columns: usize) -> Vec<Way> {
        let mut ways = Vec::new();
        // The least cost with so many addresses at most, in the rows so far.
        let mut least = vec![NO_COST_KNOWN; columns];
        let all = std::mem::take(&mut self.cells);
        for (wildcards, cells) in all.chunks(columns).enumerate() {
            let mut so_far = NO_COST_KNOWN;
            for (addresses, (cell, least)) in cells.iter().zip(&mut least).enumerate() {
                so_far = so_far.min(*least);
                if cell.cost < so_far {
                    so_far = cell.cost;
                    let made = self.both(cell.made.0, cell.made.1);
                    ways.push(Way { wildcards, addresses, cost: cell.cost, made });
                }
                *least = so_far;
            }
        }
        self.cells = all;
        ways
    }

    /// The wildcards and tags that a way consists of.
    fn chosen(&self, made: Option<Made>) -> Chosen<'a> {
        let mut found = Chosen::default();
        let mut rest: Vec<Made> = made.into_iter().collect();
        while let Some(next) = rest.pop() {
            match self.made[next] {
                Parts::Wildcard(prefix) => found.prefixes.push(prefix),
                Parts::Tag(Tag::Site) => found.site = true,
                Parts::Tag(Tag::Folder(folder)) => found.folders.push(folder),
                Parts::Both(one, other) => rest.extend([one, other]),
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A way that costs so many bytes.
    fn way(wildcards: usize, addresses: usize, bytes: u64) -> Way {
        let cost = Cost { unchanged_bytes: bytes, ..Cost::default() };
        Way { wildcards, addresses, cost, made: None }
    }

    fn told(ways: &[Way]) -> Vec<(usize, usize, u64)> {
        ways.iter().map(|way| (way.wildcards, way.addresses, way.cost.unchanged_bytes)).collect()
    }

    const LIMITS: Limits = Limits { addresses: 4, wildcards: 2 };

    #[test]
    fn a_wildcard_takes_the_place_of_the_ways_that_it_beats() {
        for (ways, bytes, expected) in [
            (vec![way(0, 3, 0), way(1, 2, 4), way(2, 2, 6)], 5, vec![(0, 3, 0), (1, 2, 4), (1, 1, 5)]),
            (vec![way(0, 3, 0), way(1, 2, 5)], 5, vec![(0, 3, 0), (1, 1, 5)]),
            (vec![way(0, 1, 5)], 5, vec![(0, 1, 5)]),
            (vec![way(0, 1, 6)], 5, vec![(0, 1, 6), (1, 1, 5)]),
            (Vec::new(), 5, vec![(1, 1, 5)]),
        ] {
            let cost = Cost { unchanged_bytes: bytes, ..Cost::default() };
            let wide = |prefix, _| vec![(prefix, cost)];
            let mut search =
                Search { limits: LIMITS, wide, without_tagged: false, made: Vec::new(), cells: Vec::new() };
            let mut node = Node { prefix: "/", ways };
            search.offer_wildcards(&mut node);
            assert_eq!(told(&node.ways), expected);
        }
    }

    /// With as few wildcards and addresses, no other one costs as little.
    #[test]
    fn of_the_ways_of_two_tables_together_those_stay_that_no_other_one_beats() {
        let one = [way(0, 2, 0), way(1, 1, 3)];
        for (other, expected) in [
            (vec![way(0, 3, 0), way(1, 1, 5)], vec![(1, 3, 5), (1, 4, 3), (2, 2, 8)]),
            // With one wildcard more they cost no less.
            (vec![way(0, 1, 2), way(1, 1, 2)], vec![(0, 3, 2), (1, 2, 5)]),
            (vec![way(1, 4, 0), way(2, 3, 0)], Vec::new()),
            (Vec::new(), Vec::new()),
        ] {
            let wide = |_, _| Vec::new();
            let mut search =
                Search { limits: LIMITS, wide, without_tagged: false, made: Vec::new(), cells: Vec::new() };
            assert_eq!(told(&search.combined(&one, &other)), expected);
        }
    }
}
