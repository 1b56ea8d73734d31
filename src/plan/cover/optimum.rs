//! The wildcards of the cheapest cover, by dynamic programming over the trie of the addresses that must be covered.
//!
//! A wildcard covers all that begins as its prefix does. Of the prefixes that cover the same addresses the longest evicts
//! the least, and it is a node of the compressed trie. So a best cover consists of nodes of which none lies below another,
//! and of exact paths for the rest. The nodes are closed from the leaves up; each has a table of the best ways to cover what
//! lies below it: for each number of wildcards and of paths within the limits, the least cost. The table of a node follows
//! from those of its children, and "its own wildcard" is one way more.
//!
//! The trie is never built: of sorted texts, the nodes that are still open are a stack.

use std::ops::Add;

/// A text that must be covered: all that begins with `prefix`, or, if `paths` is given, the address `prefix` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item<'a> {
    /// Where it begins, not encoded.
    pub(super) prefix: &'a str,
    /// How many paths name it exactly: one for each of its spellings. `None`: no path can.
    pub(super) paths: Option<usize>,
}

/// What a cover costs, the most important first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cost {
    /// Bytes of unchanged objects that leave the CDN.
    pub(super) unchanged_bytes: u64,
    /// Bytes of new fingerprinted files, which visitors may have fetched since the switch.
    pub(super) new_bytes: u64,
    /// Paths to pay for.
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
    /// Most addresses and wildcards together; at least one.
    pub(super) addresses: usize,
    /// Most wildcards; at least one.
    pub(super) wildcards: usize,
}

/// The prefixes of the wildcards of a cover of `items` with the least cost within `limits`; what they do not cover is to
/// be named exactly. `items` are sorted, no two have the same prefix, and all begin with the same character.
/// `wide` says of a node's prefix which prefixes a wildcard may have there, which may be shorter, and what each costs.
///
/// With n items and k = `limits.addresses`: at most n·k·w² steps, with w = `limits.wildcards`, and far fewer where wildcards
/// differ in what they evict.
pub(super) fn wildcards<'a>(
    items: &[Item<'a>],
    limits: Limits,
    wide: impl Fn(&'a str) -> Vec<(&'a str, Cost)>,
) -> Vec<&'a str> {
    let mut search = Search { limits, wide, made: Vec::new(), cells: Vec::new() };
    let mut open: Vec<Node<'a>> = Vec::new();
    for item in items {
        if let Some(before) = open.last() {
            let shared = shared_prefix(before.prefix, item.prefix);
            search.close_beyond(&mut open, shared);
        }
        open.push(Node { prefix: item.prefix, ways: Way::exactly(*item).into_iter().collect() });
    }
    search.close_beyond(&mut open, "");
    let best = open.pop().and_then(|root| root.ways.into_iter().min_by_key(|way| (way.cost, way.wildcards)));
    best.map(|way| search.prefixes(way.made)).unwrap_or_default()
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

/// One way to cover what lies below a node.
#[derive(Clone, Copy)]
struct Way {
    wildcards: usize,
    /// Wildcards and exact addresses.
    addresses: usize,
    cost: Cost,
    /// Its wildcards; everything else is named exactly.
    made: Option<Made>,
}

/// A place in [`Search::made`].
type Made = usize;

/// How the wildcards of a way come together, so that ways share what they have in common.
#[derive(Clone, Copy)]
enum Wildcards<'a> {
    One(&'a str),
    Both(Made, Made),
}

impl Way {
    const NOTHING: Way =
        Way { wildcards: 0, addresses: 0, cost: Cost { unchanged_bytes: 0, new_bytes: 0, paths: 0 }, made: None };

    fn exactly(item: Item<'_>) -> Option<Way> {
        let cost = Cost { paths: item.paths?, ..Cost::default() };
        Some(Way { addresses: 1, cost, ..Way::NOTHING })
    }
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
    made: Vec<Wildcards<'a>>,
    /// Room for [`Search::combined`].
    cells: Vec<Cell>,
}

impl<'a, W: Fn(&'a str) -> Vec<(&'a str, Cost)>> Search<'a, W> {
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

    /// What covers a whole node: its wildcard. Ways that it beats go. (A cache tag of a folder would be one more way here,
    /// with a cost of its own.)
    fn offer_wildcards(&mut self, node: &mut Node<'a>) {
        for (prefix, cost) in (self.wide)(node.prefix) {
            if node.ways.iter().any(|way| way.addresses == 1 && way.cost <= cost) {
                continue;
            }
            node.ways.retain(|way| way.wildcards == 0 || way.cost < cost);
            self.made.push(Wildcards::One(prefix));
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
        let (rows, columns) = (most_wildcards + 1, most_addresses + 1);
        self.cells.clear();
        self.cells.resize(rows * columns, Cell { cost: NO_COST_KNOWN, made: (None, None) });
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

    /// The wildcards of two ways together.
    fn both(&mut self, one: Option<Made>, other: Option<Made>) -> Option<Made> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
        self.made.push(Wildcards::Both(one, other));
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

    /// The prefixes of the wildcards that a way consists of.
    fn prefixes(&self, made: Option<Made>) -> Vec<&'a str> {
        let mut found = Vec::new();
        let mut rest: Vec<Made> = made.into_iter().collect();
        while let Some(next) = rest.pop() {
            match self.made[next] {
                Wildcards::One(prefix) => found.push(prefix),
                Wildcards::Both(one, other) => rest.extend([one, other]),
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
            let wide = |prefix| vec![(prefix, cost)];
            let mut search = Search { limits: LIMITS, wide, made: Vec::new(), cells: Vec::new() };
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
            let mut search = Search { limits: LIMITS, wide: |_| Vec::new(), made: Vec::new(), cells: Vec::new() };
            assert_eq!(told(&search.combined(&one, &other)), expected);
        }
    }
}
