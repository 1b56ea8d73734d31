//! The wildcards of the cheapest cover, by dynamic programming over the trie of the addresses that must be covered.
//!
//! A wildcard covers everything that begins with its prefix. Of the prefixes that cover the same addresses the longest evicts
//! the least, and it is a node of the compressed trie. So a best cover consists of nodes of which none lies below another,
//! and of exact paths for the rest. The search goes from the leaves up; each node has a table of the best ways to cover the
//! addresses below it: for each number of wildcards and of paths within the limits, the least cost. The table of a node follows
//! from those of its children; its own wildcard is one more way.
//!
//! **Prices** (`prices`) show beforehand that most ways are in no cheapest cover, which keeps the tables short: without
//! them, the table of a node has as many ways as there are addresses below it, for each number of wildcards.
//!
//! **Cache tags**: each covers the tagged addresses below one node, and evicts the tagged files there. With such a tag, only
//! the rest must be covered, and tagged files cost nothing more. So a node with a tag has two tables, one without the
//! tag and one with it, and the best of both are its ways. That is one more table for each node with a tag, and a tag below
//! another one only counts if the other is not used: two tags are nested or disjoint.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use super::cost::{Cost, Limits};
use super::prices::{Folder, Found, Problem, Untagged};
use super::tree::{Least, Own, Prices, Scale, Tree, shared_prefix};

/// A text to cover: everything that begins with `prefix`, or, with `paths`, the address `prefix` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Item<'a> {
    /// Its beginning, not encoded.
    pub(super) prefix: &'a str,
    /// How many paths name it exactly: one for each of its spellings. `None`: no path can name it.
    pub(super) paths: Option<usize>,
    /// The same for the rest of it if a tag covers its tagged part; `None`: there is no rest.
    pub(super) untagged: Option<Option<usize>>,
}

/// The costs of the cache tags that may cover tagged addresses.
pub(super) struct Tagged<'a> {
    /// The cost of the site's tag.
    pub(super) site: Cost,
    /// The costs of folders' tags, by the prefix of the addresses in them; no prefix begins with another.
    pub(super) folders: BTreeMap<&'a str, Cost>,
}

/// A cheapest cover; addresses that it does not cover are invalidated by exact paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chosen<'a> {
    /// The prefixes of its wildcards.
    pub(super) prefixes: Vec<&'a str>,
    /// Whether it contains the site's tag.
    pub(super) site: bool,
    /// The folders whose tags it contains.
    pub(super) folders: Vec<&'a str>,
}

/// A cover of `items` with the least cost within `limits`, if no cover costs more than `most`. `items` are sorted, no two have
/// the same prefix, and all begin with the same character. `wide` returns for a node's prefix, and for whether tagged files are
/// evicted anyway, which prefixes a wildcard may have there, which may be shorter, and the cost of each.
pub(super) fn cheapest<'a>(
    items: &[Item<'a>],
    tagged: Option<&Tagged<'a>>,
    limits: Limits,
    most: Cost,
    wide: impl Fn(&'a str, bool) -> Vec<(&'a str, Cost)>,
) -> Chosen<'a> {
    let problem = problem(items, tagged, limits, Scale::to(most), wide);
    let Found { prices, least, most } = problem.prices();
    // The cheapest cover usually costs little more than the known lower bound.
    let mut margin = (most - least) / FIRST_MARGIN;
    loop {
        let up_to = if margin > (most - least) / LAST_MARGIN { most } else { least + margin };
        let mut search =
            Search { limits, scale: problem.scale, prices, most: up_to, made: Vec::new(), cells: Vec::new() };
        match search.all(&problem).into_iter().min_by_key(|way| (way.cost, way.wildcards)) {
            Some(best) if up_to == most || best.cost <= up_to => return search.chosen(best.made),
            None if up_to == most => return Chosen::default(),
            _ => margin = (margin + 1) * NEXT_MARGIN,
        }
    }
}

/// The part of the gap between the bounds that is searched first.
const FIRST_MARGIN: i128 = 1024;

/// Beyond this part, the whole gap is searched at once.
const LAST_MARGIN: i128 = 16;

/// How much more is searched each time after no cover was found.
const NEXT_MARGIN: i128 = 2;

/// The trees of `items`: one for each folder with a tag, in which everything must be covered, and one with the rest.
fn problem<'a>(
    items: &[Item<'a>],
    tagged: Option<&Tagged<'a>>,
    limits: Limits,
    scale: Scale,
    wide: impl Fn(&'a str, bool) -> Vec<(&'a str, Cost)>,
) -> Problem<'a> {
    let each =
        |items: &[Item<'a>]| items.iter().map(|item| (item.prefix, Own::named_by(item.paths))).collect::<Vec<_>>();
    let with_tag = |items: &[Item<'a>], tag: Cost| {
        let rest = items.iter().filter_map(|item| Some((item.prefix, Own::named_by(item.untagged?))));
        Untagged { tree: Tree::of(rest, scale, |prefix| wide(prefix, true)), tag }
    };
    let folder_of = |item: &Item<'a>| {
        let before = tagged?.folders.range(..=item.prefix).next_back();
        before.filter(|(folder, _)| item.prefix.starts_with(**folder)).map(|(folder, cost)| (*folder, *cost))
    };
    let (mut leaves, mut folders) = (Vec::new(), Vec::new());
    let is_of_one = |one: &Item<'a>, other: &Item<'a>| {
        folder_of(one).is_some_and(|(folder, _)| folder_of(other).is_some_and(|(other, _)| folder == other))
    };
    for group in items.chunk_by(is_of_one) {
        let (Some((name, tag)), Some(last)) = (folder_of(&group[0]), group.last()) else {
            leaves.extend(each(group));
            continue;
        };
        leaves.push((shared_prefix(group[0].prefix, last.prefix), Own::Folder(folders.len())));
        let tree = Tree::of(each(group), scale, |prefix| wide(prefix, false));
        folders.push(Folder { name, tree, untagged: with_tag(group, tag) });
    }
    let tree = Tree::of(leaves, scale, |prefix| wide(prefix, false));
    let site = tagged.map(|tagged| with_tag(items, tagged.site));
    Problem { scale, limits, tree, folders, site }
}

/// One way to cover the addresses below a node.
#[derive(Clone, Copy)]
struct Way {
    wildcards: usize,
    /// Wildcards, tags and exact addresses.
    addresses: usize,
    /// Its cost, on the scale of the search.
    cost: i128,
    /// The same including prices.
    value: i128,
    /// Its wildcards and tags; everything else is covered by exact paths.
    made: Option<Made>,
}

/// An index into [`Search::made`], from one: a table has many.
type Made = NonZeroU32;

/// How the wildcards and tags of a way are composed, so that ways share common parts.
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
    const NOTHING: Way = Way { wildcards: 0, addresses: 0, cost: 0, value: 0, made: None };
}

/// The best pair of ways found for a number of wildcards and of addresses.
#[derive(Clone, Copy)]
struct Cell {
    cost: i128,
    made: (Option<Made>, Option<Made>),
}

const NO_COST_KNOWN: i128 = i128::MAX;

struct Search<'a> {
    limits: Limits,
    scale: Scale,
    prices: Prices,
    /// Covers that cost more than this, on the scale, are skipped.
    most: i128,
    made: Vec<Parts<'a>>,
    /// Scratch space for [`Search::combined`].
    cells: Vec<Cell>,
}

impl<'a> Search<'a> {
    /// The best ways to cover everything.
    fn all(&mut self, problem: &Problem<'a>) -> Vec<Way> {
        let Limits { addresses, wildcards } = self.limits;
        let Prices { address, wildcard } = self.prices;
        let outside = -address * addresses as i128 - wildcard * wildcards as i128;
        let leasts = problem.tree.least(self.prices, &problem.of_folders(self.prices));
        let beside = problem.tree.beside(&leasts, outside);
        let mut folders = vec![Vec::new(); problem.folders.len()];
        for (node, beside) in problem.tree.nodes.iter().zip(&beside) {
            let Own::Folder(number) = node.own else { continue };
            let folder = &problem.folders[number];
            let without_tag = self.ways(&folder.tree, *beside, &mut []);
            let with_tag = self.with_tag(&folder.untagged, Tag::Folder(folder.name), *beside);
            folders[number] = self.either(&without_tag, &with_tag);
        }
        let ways = self.ways(&problem.tree, outside, &mut folders);
        let Some(site) = &problem.site else { return ways };
        let with_tag = self.with_tag(site, Tag::Site, outside);
        self.either(&ways, &with_tag)
    }

    /// The best ways that include a tag, if everything else costs at least `beside`.
    fn with_tag(&mut self, untagged: &Untagged<'a>, tag: Tag<'a>, beside: i128) -> Vec<Way> {
        self.made.push(Parts::Tag(tag));
        let tag = self.way(0, self.scale.of(untagged.tag), self.last_made());
        let ways = self.ways(&untagged.tree, beside + tag.value, &mut []);
        self.each_with(&ways, tag)
    }

    /// One address: exact, a wildcard or a tag.
    fn way(&self, wildcards: usize, cost: i128, made: Option<Made>) -> Way {
        let value = Least::of(cost, wildcards, self.prices).value;
        Way { wildcards, addresses: 1, cost, value, made }
    }

    /// The best ways to cover a tree, if everything else costs at least `outside`, and `folders` are the ways of its folders.
    fn ways(&mut self, tree: &Tree<'a>, outside: i128, folders: &mut [Vec<Way>]) -> Vec<Way> {
        let leasts = tree.least(self.prices, &self.least_of(folders));
        let beside = tree.beside(&leasts, outside);
        let mut tables: Vec<Vec<Way>> = Vec::with_capacity(tree.nodes.len());
        // The least cost of each node's children whose ways are not in its table yet.
        let mut to_come = tree.of_children(&leasts);
        for node in &tree.nodes {
            tables.push(match node.own {
                Own::Nothing => vec![Way::NOTHING],
                Own::Address(paths) => vec![self.way(0, self.scale.of(Cost { paths, ..Cost::default() }), None)],
                Own::Unnameable => Vec::new(),
                Own::Folder(number) => std::mem::take(&mut folders[number]),
            });
        }
        for (index, node) in tree.nodes.iter().enumerate() {
            let mut ways = std::mem::take(&mut tables[index]);
            self.offer_wildcards(&mut ways, &node.wide);
            ways.retain(|way| way.value + beside[index] <= self.most);
            let Some(parent) = node.parent else { return ways };
            to_come[parent] -= leasts.all[index].value;
            let others = std::mem::take(&mut tables[parent]);
            let most = self.most - beside[parent] - to_come[parent];
            tables[parent] = self.combined(others, ways, most);
        }
        vec![Way::NOTHING]
    }

    /// The least cost of each folder, from its ways.
    fn least_of(&self, folders: &[Vec<Way>]) -> Vec<Least> {
        let least = |ways: &Vec<Way>| {
            let all = ways.iter().map(|way| {
                let Way { wildcards, addresses, cost, value, .. } = *way;
                Least { value, cost, addresses, wildcards }
            });
            all.fold(Least::IMPOSSIBLE, Least::or)
        };
        folders.iter().map(least).collect()
    }

    /// The best ways of two tables.
    fn either(&mut self, one: &[Way], other: &[Way]) -> Vec<Way> {
        let all = || one.iter().chain(other);
        let most_addresses = all().map(|way| way.addresses).max().unwrap_or(0);
        let most_wildcards = all().map(|way| way.wildcards).max().unwrap_or(0);
        let columns = self.clear_cells(most_wildcards, most_addresses);
        for way in all() {
            let cell = &mut self.cells[way.wildcards * columns + way.addresses];
            if way.cost < cell.cost {
                *cell = Cell { cost: way.cost, made: (way.made, None) };
            }
        }
        self.undominated(columns, (0, 0))
    }

    /// Makes room for this many, and returns how many cells a number of wildcards has.
    fn clear_cells(&mut self, most_wildcards: usize, most_addresses: usize) -> usize {
        let (rows, columns) = (most_wildcards + 1, most_addresses + 1);
        self.cells.clear();
        self.cells.resize(rows * columns, Cell { cost: NO_COST_KNOWN, made: (None, None) });
        columns
    }

    /// The ways to cover a whole node: its wildcards. Dominated ways are dropped.
    fn offer_wildcards(&mut self, ways: &mut Vec<Way>, wide: &[(&'a str, Cost)]) {
        for (prefix, cost) in wide {
            let cost = self.scale.of(*cost);
            if ways.iter().any(|way| way.addresses == 1 && way.cost <= cost) {
                continue;
            }
            ways.retain(|way| way.wildcards == 0 || way.cost < cost);
            self.made.push(Parts::Wildcard(prefix));
            ways.push(self.way(1, cost, self.last_made()));
        }
    }

    /// The best ways to cover what two tables cover, within the limits, of those with a value of at most `most`.
    fn combined(&mut self, mut one: Vec<Way>, mut other: Vec<Way>, most: i128) -> Vec<Way> {
        if let ([only], ways) | (ways, [only]) = (&one[..], &other[..]) {
            let mut each = self.each_with(ways, *only);
            each.retain(|way| way.value <= most);
            return each;
        }
        // The longer one has many ways, and is merged with others often.
        if one.len() < other.len() {
            std::mem::swap(&mut one, &mut other);
        }
        other.sort_unstable_by_key(|way| way.value);
        let range = |get: fn(&Way) -> usize, limit: usize| {
            let of = |ways: &[Way]| {
                let all = || ways.iter().map(get);
                (all().min().unwrap_or(0), all().max().unwrap_or(0))
            };
            let (one, other) = (of(&one), of(&other));
            (one.0 + other.0, (one.1 + other.1).min(limit))
        };
        let (least_wildcards, most_wildcards) = range(|way| way.wildcards, self.limits.wildcards);
        let (least_addresses, most_addresses) = range(|way| way.addresses, self.limits.addresses);
        if least_wildcards > most_wildcards || least_addresses > most_addresses {
            return Vec::new();
        }
        let columns = self.clear_cells(most_wildcards - least_wildcards, most_addresses - least_addresses);
        for left in &one {
            let most = most - left.value;
            for right in other.iter().take_while(|right| right.value <= most) {
                let (wildcards, addresses) = (left.wildcards + right.wildcards, left.addresses + right.addresses);
                if wildcards > most_wildcards || addresses > most_addresses {
                    continue;
                }
                let place = (wildcards - least_wildcards) * columns + addresses - least_addresses;
                let cell = &mut self.cells[place];
                let cost = left.cost + right.cost;
                if cost < cell.cost {
                    *cell = Cell { cost, made: (left.made, right.made) };
                }
            }
        }
        self.undominated(columns, (least_wildcards, least_addresses))
    }

    /// As [`Search::combined`], if one side has a single way: then no new way dominates another.
    fn each_with(&mut self, ways: &[Way], only: Way) -> Vec<Way> {
        let mut each = Vec::with_capacity(ways.len());
        for way in ways {
            let (wildcards, addresses) = (way.wildcards + only.wildcards, way.addresses + only.addresses);
            if wildcards <= self.limits.wildcards && addresses <= self.limits.addresses {
                let made = self.both(way.made, only.made);
                let (cost, value) = (way.cost + only.cost, way.value + only.value);
                each.push(Way { wildcards, addresses, cost, value, made });
            }
        }
        each
    }

    /// The wildcards and tags of two ways together.
    fn both(&mut self, one: Option<Made>, other: Option<Made>) -> Option<Made> {
        let (Some(one), Some(other)) = (one, other) else { return one.or(other) };
        self.made.push(Parts::Both(one, other));
        self.last_made()
    }

    fn last_made(&self) -> Option<Made> {
        u32::try_from(self.made.len()).ok().and_then(Made::new)
    }

    /// The ways among the cells that no other one dominates: with as few wildcards and addresses, and at no higher cost. The
    /// first cell is that of the numbers `first`.
    fn undominated(&mut self, columns: usize, first: (usize, usize)) -> Vec<Way> {
        let mut ways = Vec::new();
        // The least cost with at most this many addresses, in the rows so far.
        let mut least = vec![NO_COST_KNOWN; columns];
        let all = std::mem::take(&mut self.cells);
        for (wildcards, cells) in all.chunks(columns).enumerate() {
            let mut so_far = NO_COST_KNOWN;
            for (addresses, (cell, least)) in cells.iter().zip(&mut least).enumerate() {
                so_far = so_far.min(*least);
                if cell.cost < so_far {
                    so_far = cell.cost;
                    let made = self.both(cell.made.0, cell.made.1);
                    let (wildcards, addresses) = (first.0 + wildcards, first.1 + addresses);
                    let Prices { address, wildcard } = self.prices;
                    let value = cell.cost + address * addresses as i128 + wildcard * wildcards as i128;
                    ways.push(Way { wildcards, addresses, cost: cell.cost, value, made });
                }
                *least = so_far;
            }
        }
        self.cells = all;
        ways
    }

    /// The wildcards and tags of a way.
    fn chosen(&self, made: Option<Made>) -> Chosen<'a> {
        let mut found = Chosen::default();
        let mut rest: Vec<Made> = made.into_iter().collect();
        while let Some(next) = rest.pop() {
            match self.made[next.get() as usize - 1] {
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

    /// A way that costs this many bytes.
    fn way(wildcards: usize, addresses: usize, bytes: u64) -> Way {
        let cost = i128::from(bytes);
        Way { wildcards, addresses, cost, value: cost, made: None }
    }

    fn told(ways: &[Way]) -> Vec<(usize, usize, u64)> {
        ways.iter().map(|way| (way.wildcards, way.addresses, u64::try_from(way.cost).unwrap())).collect()
    }

    /// A search without prices.
    fn search() -> Search<'static> {
        let limits = Limits { addresses: 4, wildcards: 2 };
        let scale = Scale::to(Cost { unchanged_bytes: u64::MAX, new_bytes: u64::MAX, paths: 1 });
        let prices = Prices::default();
        Search { limits, scale, prices, most: NO_COST_KNOWN, made: Vec::new(), cells: Vec::new() }
    }

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
            let mut ways = ways;
            search().offer_wildcards(&mut ways, &[("/", cost)]);
            assert_eq!(told(&ways), expected);
        }
    }

    /// No other way with as few wildcards and addresses costs as little.
    #[test]
    fn of_the_ways_of_two_tables_together_those_stay_that_no_other_one_beats() {
        let one = [way(0, 2, 0), way(1, 1, 3)];
        for (other, expected) in [
            (vec![way(0, 3, 0), way(1, 1, 5)], vec![(1, 3, 5), (1, 4, 3), (2, 2, 8)]),
            // With one more wildcard they cost no less.
            (vec![way(0, 1, 2), way(1, 1, 2)], vec![(0, 3, 2), (1, 2, 5)]),
            (vec![way(1, 4, 0), way(2, 3, 0)], Vec::new()),
            (Vec::new(), Vec::new()),
        ] {
            assert_eq!(told(&search().combined(one.to_vec(), other, NO_COST_KNOWN)), expected);
        }
    }
}
