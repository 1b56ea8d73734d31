//! Prices for addresses and wildcards, by which it is known of most ways to cover a part that no cheapest cover has them.
//!
//! Where a wildcard and an address have a price each, and there are no limits, the cheapest cover of a tree is found in one pass. What it
//! costs, less the price of all that the limits allow, is never more than the cheapest cover within the limits (Lagrange). And
//! where it happens to be within the limits, no cheapest cover costs more than it.

use super::cost::{Cost, Limits};
use super::tree::{Least, Prices, Scale, Tree};

/// How many prices are tried: each takes one pass over all trees.
const MOST_PASSES: usize = 40;

/// A price above all costs.
const HIGHEST: i128 = 1 << 105;

/// What is to be covered: a tree in which folders with a tag are leaves, and what is left of it by the tag of the site.
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

/// What is left to cover with a tag, and what the tag costs.
pub(super) struct Untagged<'a> {
    pub(super) tree: Tree<'a>,
    pub(super) tag: Cost,
}

/// The best prices that were found, and what the cheapest cover within the limits costs at least and at most.
pub(super) struct Found {
    pub(super) prices: Prices,
    pub(super) least: i128,
    pub(super) most: i128,
}

impl Untagged<'_> {
    /// What the tag and the rest cost at least.
    pub(super) fn least(&self, scale: Scale, prices: Prices) -> Least {
        Least::of(scale.of(self.tag), 0, prices) + self.tree.least(prices, &[]).root()
    }
}

impl Problem<'_> {
    /// What each folder costs at least.
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

    /// Prices for which that is as much as can be found with little effort.
    pub(super) fn prices(&self) -> Found {
        let found = Found { prices: Prices::default(), least: i128::MIN, most: Least::IMPOSSIBLE.value };
        let mut search = Search { problem: self, seen: Vec::new(), found };
        search.best_prices();
        search.found
    }
}

struct Search<'p> {
    problem: &'p Problem<'p>,
    /// The cheapest covers at the prices that were tried: no cheapest cover costs less than the dearest prices make of them.
    seen: Vec<Least>,
    found: Found,
}

impl Search<'_> {
    /// Tries prices at which all covers that were seen cost more than is known, until none is left (cutting planes).
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

    /// Looks for the cheapest cover at these prices, and says whether it is within the limits.
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

    /// What a cover costs where only what is beyond the limits has a price.
    fn beyond(&self, least: Least, prices: Prices) -> i128 {
        least.cost + self.addresses_beyond(least) * prices.address + self.wildcards_beyond(least) * prices.wildcard
    }

    fn addresses_beyond(&self, least: Least) -> i128 {
        least.addresses as i128 - self.problem.limits.addresses as i128
    }

    fn wildcards_beyond(&self, least: Least) -> i128 {
        least.wildcards as i128 - self.problem.limits.wildcards as i128
    }

    /// The prices at which the cheapest of the covers that were seen costs most.
    fn guess(&self) -> Prices {
        let (mut low, mut high) = (0, HIGHEST);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.price_of_addresses(middle).1 { low = middle + 1 } else { high = middle }
        }
        Prices { address: self.price_of_addresses(low).0, wildcard: low }
    }

    /// The same at one price of wildcards, and whether the cheapest cover would cost more at a higher one.
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
        // On both sides of this price is one cover, and of both together as much as is allowed.
        let many = cheapest(low - 1);
        let of_few = self.addresses_beyond(many) * self.wildcards_beyond(few);
        let of_many = -self.addresses_beyond(few) * self.wildcards_beyond(many);
        (low, of_few + of_many > 0)
    }
}
