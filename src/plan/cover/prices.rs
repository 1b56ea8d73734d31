//! Prices for addresses and wildcards: they show that most ways to cover a part are in no cheapest cover.
//!
//! If a wildcard and an address have a price each, and there are no limits, one pass finds the cheapest cover of a tree.
//! Its cost, less the price of everything within the limits, is never more than the cheapest cover within them (Lagrange). And
//! if it happens to be within the limits, no cheapest cover costs more.

use super::cost::{Cost, Limits};
use super::tree::{Least, Prices, Scale, Tree};

/// How many prices are tried: each takes one pass over all trees.
const MOST_PASSES: usize = 40;

/// A price above all costs.
const HIGHEST: i128 = 1 << 105;

/// The addresses to cover: a tree in which folders with a tag are leaves, and the rest beside the site's tag.
pub(super) struct Problem<'a> {
    pub(super) scale: Scale,
    pub(super) limits: Limits,
    pub(super) tree: Tree<'a>,
    pub(super) folders: Vec<Folder<'a>>,
    pub(super) site: Option<Untagged<'a>>,
}

/// A folder with a tag.
pub(super) struct Folder<'a> {
    pub(super) name: &'a str,
    pub(super) tree: Tree<'a>,
    pub(super) untagged: Untagged<'a>,
}

/// The rest to cover besides a tag, and the cost of the tag.
pub(super) struct Untagged<'a> {
    pub(super) tree: Tree<'a>,
    pub(super) tag: Cost,
}

/// The best prices found, and the lower and upper bound of the cheapest cover within the limits.
pub(super) struct Found {
    pub(super) prices: Prices,
    pub(super) least: i128,
    pub(super) most: i128,
}

impl Untagged<'_> {
    /// The least cost of the tag and the rest.
    pub(super) fn least(&self, scale: Scale, prices: Prices) -> Least {
        Least::of(scale.of(self.tag), 0, prices) + self.tree.least(prices, &[]).root()
    }
}

impl Problem<'_> {
    /// The least cost of each folder.
    pub(super) fn of_folders(&self, prices: Prices) -> Vec<Least> {
        let least = |folder: &Folder<'_>| {
            let with_tag = folder.untagged.least(self.scale, prices);
            folder.tree.least(prices, &[]).root().or(with_tag)
        };
        self.folders.iter().map(least).collect()
    }

    fn least(&self, prices: Prices) -> Least {
        let without_tag = self.tree.least(prices, &self.of_folders(prices)).root();
        match &self.site {
            Some(site) => without_tag.or(site.least(self.scale, prices)),
            None => without_tag,
        }
    }

    /// Prices with nearly the highest lower bound, found with little effort.
    pub(super) fn prices(&self) -> Found {
        let found = Found { prices: Prices::default(), least: i128::MIN, most: Least::IMPOSSIBLE.value };
        let mut search = Search { problem: self, seen: Vec::new(), found };
        search.best_prices();
        search.found
    }
}

struct Search<'p> {
    problem: &'p Problem<'p>,
    /// The cheapest covers at the prices tried so far: the highest lower bound applies to every cheapest cover.
    seen: Vec<Least>,
    found: Found,
}

impl Search<'_> {
    /// Tries prices at which all covers so far cost more than the known lower bound, until there are none (cutting planes).
    fn best_prices(&mut self) {
        let ends = [(0, 0), (HIGHEST, 0), (0, HIGHEST)].map(|(address, wildcard)| Prices { address, wildcard });
        if ends.into_iter().any(|prices| self.look(prices) && prices == Prices::default()) {
            return;
        }
        for _ in 0..MOST_PASSES {
            let prices = self.guess();
            let expected = self.seen.iter().map(|seen| self.beyond(*seen, prices)).min();
            self.look(prices);
            if expected.is_none_or(|expected| expected <= self.found.least) {
                return;
            }
        }
    }

    /// Searches the cheapest cover at these prices, and returns whether it is within the limits.
    fn look(&mut self, prices: Prices) -> bool {
        let least = self.problem.least(prices);
        let bound = self.beyond(least, prices);
        if bound > self.found.least {
            (self.found.least, self.found.prices) = (bound, prices);
        }
        let Limits { addresses, wildcards } = self.problem.limits;
        let is_within = least.is_possible() && least.addresses <= addresses && least.wildcards <= wildcards;
        if is_within {
            self.found.most = self.found.most.min(least.cost);
        }
        self.seen.push(least);
        is_within
    }

    /// The cost of a cover if only its excess over the limits has a price.
    fn beyond(&self, least: Least, prices: Prices) -> i128 {
        least.cost + self.addresses_beyond(least) * prices.address + self.wildcards_beyond(least) * prices.wildcard
    }

    fn addresses_beyond(&self, least: Least) -> i128 {
        least.addresses as i128 - self.problem.limits.addresses as i128
    }

    fn wildcards_beyond(&self, least: Least) -> i128 {
        least.wildcards as i128 - self.problem.limits.wildcards as i128
    }

    /// The prices at which the cheapest of the covers so far costs most.
    fn guess(&self) -> Prices {
        let (mut low, mut high) = (0, HIGHEST);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.price_of_addresses(middle).1 { low = middle + 1 } else { high = middle }
        }
        Prices { address: self.price_of_addresses(low).0, wildcard: low }
    }

    /// The same at one price of wildcards, and whether the cheapest cover would cost more at a higher price.
    fn price_of_addresses(&self, wildcard: i128) -> (i128, bool) {
        let cheapest = |address: i128| {
            let prices = Prices { address, wildcard };
            self.seen
                .iter()
                .copied()
                .min_by_key(|seen| (self.beyond(*seen, prices), seen.addresses))
                .unwrap_or(Least::NOTHING)
        };
        let few_at = |address: i128| self.addresses_beyond(cheapest(address)) <= 0;
        let (mut low, mut high) = (0, HIGHEST);
        while low < high {
            let middle = low + (high - low) / 2;
            if few_at(middle) { high = middle } else { low = middle + 1 }
        }
        let few = cheapest(low);
        if low == 0 {
            return (0, self.wildcards_beyond(few) > 0);
        }
        // At this price two covers meet; a mix of both uses exactly what is allowed.
        let many = cheapest(low - 1);
        let of_few = self.addresses_beyond(many) * self.wildcards_beyond(few);
        let of_many = -self.addresses_beyond(few) * self.wildcards_beyond(many);
        (low, of_few + of_many > 0)
    }
}
