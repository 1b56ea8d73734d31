//! The compressed trie of the texts to cover, and the least cost of covering them if wildcards and addresses
//! have prices instead of limits.

use super::cost::Cost;

/// A node of the trie.
pub(super) struct Node<'a> {
    /// `None`: it is the root.
    pub(super) parent: Option<usize>,
    pub(super) own: Own,
    /// The wildcards that may cover everything below it.
    pub(super) wide: Vec<(&'a str, Cost)>,
    /// The cost of the cheapest of them.
    least_wide: Option<i128>,
}

/// What a node has to cover besides its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Nothing,
    /// An address that this many paths name.
    Address(usize),
    /// A text that no path can name, so that a wildcard here or above must cover it.
    Unnameable,
    /// A whole folder with a cache tag, by its number.
    Folder(usize),
}

impl Own {
    /// A text that this many paths name; `None`: no path can.
    pub(super) fn named_by(paths: Option<usize>) -> Own {
        paths.map_or(Own::Unnameable, Own::Address)
    }
}

/// A trie: children come before their parents, and the root last.
pub(super) struct Tree<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    scale: Scale,
}

/// A node that may still get children.
struct Open<'a> {
    prefix: &'a str,
    own: Own,
    children: Vec<usize>,
}

impl<'a> Tree<'a> {
    /// The trie of sorted, distinct texts that all begin with the same character. Because they are sorted, the nodes that
    /// are still open are a stack.
    pub(super) fn of(
        leaves: impl IntoIterator<Item = (&'a str, Own)>,
        scale: Scale,
        wide: impl Fn(&'a str) -> Vec<(&'a str, Cost)>,
    ) -> Tree<'a> {
        let mut tree = Tree { nodes: Vec::new(), scale };
        let mut open: Vec<Open<'a>> = Vec::new();
        for (prefix, own) in leaves {
            if let Some(before) = open.last() {
                let shared = shared_prefix(before.prefix, prefix);
                tree.close_beyond(&mut open, shared, &wide);
            }
            open.push(Open { prefix, own, children: Vec::new() });
        }
        tree.close_beyond(&mut open, "", &wide);
        tree
    }

    /// Closes all open nodes that are longer than `shared`, into those above them.
    fn close_beyond(
        &mut self,
        open: &mut Vec<Open<'a>>,
        shared: &'a str,
        wide: &impl Fn(&'a str) -> Vec<(&'a str, Cost)>,
    ) {
        while open.last().is_some_and(|node| node.prefix.len() > shared.len()) {
            let Some(node) = open.pop() else { return };
            let index = self.nodes.len();
            let wide = wide(node.prefix);
            let least_wide = wide.iter().map(|(_, cost)| self.scale.of(*cost)).min();
            self.nodes.push(Node { parent: None, own: node.own, wide, least_wide });
            node.children.iter().for_each(|child| self.nodes[*child].parent = Some(index));
            match open.last_mut() {
                Some(above) if above.prefix.len() >= shared.len() => above.children.push(index),
                _ if shared.is_empty() => return,
                _ => open.push(Open { prefix: shared, own: Own::Nothing, children: vec![index] }),
            }
        }
    }

    /// The least cost of covering each node.
    pub(super) fn least(&self, prices: Prices, folders: &[Least]) -> Leasts {
        let mut below = vec![Least::NOTHING; self.nodes.len()];
        let mut all = below.clone();
        for (index, node) in self.nodes.iter().enumerate() {
            let own = match node.own {
                Own::Nothing => Least::NOTHING,
                Own::Address(paths) => Least::of(self.scale.of(Cost { paths, ..Cost::default() }), 0, prices),
                Own::Unnameable => Least::IMPOSSIBLE,
                Own::Folder(number) => folders[number],
            };
            below[index] = below[index] + own;
            let wildcard = node.least_wide.map(|cost| Least::of(cost, 1, prices));
            all[index] = wildcard.map_or(below[index], |wildcard| below[index].or(wildcard));
            if let Some(parent) = node.parent {
                below[parent] = below[parent] + all[index];
            }
        }
        Leasts { below, all }
    }

    /// The least total cost of each node's children.
    pub(super) fn of_children(&self, leasts: &Leasts) -> Vec<i128> {
        let mut sums = vec![0; self.nodes.len()];
        for (node, least) in self.nodes.iter().zip(&leasts.all) {
            if let Some(parent) = node.parent {
                sums[parent] = least.value.saturating_add(sums[parent]).min(Least::IMPOSSIBLE.value);
            }
        }
        sums
    }

    /// The least cost of everything else if no wildcard above a node covers it, and everything outside the tree costs `outside`.
    pub(super) fn beside(&self, leasts: &Leasts, outside: i128) -> Vec<i128> {
        let mut beside = vec![outside; self.nodes.len()];
        for (index, node) in self.nodes.iter().enumerate().rev() {
            let Some(parent) = node.parent else { continue };
            beside[index] = match leasts.below[parent].is_possible() {
                true => beside[parent] + leasts.below[parent].value - leasts.all[index].value,
                // Only a wildcard above covers all of the parent.
                false => Least::IMPOSSIBLE.value,
            };
        }
        beside
    }
}

/// The common prefix of two texts, in whole characters.
pub(super) fn shared_prefix<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    &one[..one.floor_char_boundary(same)]
}

/// The least cost of each node, by its number.
pub(super) struct Leasts {
    /// Without a wildcard for the node itself.
    pub(super) below: Vec<Least>,
    /// In any way.
    pub(super) all: Vec<Least>,
}

impl Leasts {
    /// The least cost of the whole tree.
    pub(super) fn root(&self) -> Least {
        self.all.last().copied().unwrap_or(Least::NOTHING)
    }
}

/// Costs as numbers that are comparable with prices: in the order of the costs if the numbers are large enough, or else by
/// the unchanged bytes alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    unchanged: i128,
    new: i128,
    path: i128,
}

/// The largest cost that can be multiplied by the number of addresses without overflow.
const LARGEST: i128 = 1 << 105;

impl Scale {
    /// For covers that cost no more than `most`.
    pub(super) fn to(most: Cost) -> Scale {
        let paths = most.paths as i128 + 1;
        let new = (i128::from(most.new_bytes) + 1).saturating_mul(paths);
        let fits = i128::from(most.unchanged_bytes).saturating_mul(new) < LARGEST;
        if fits { Scale { unchanged: new, new: paths, path: 1 } } else { Scale { unchanged: 1, new: 0, path: 0 } }
    }

    pub(super) fn of(self, cost: Cost) -> i128 {
        let Cost { unchanged_bytes, new_bytes, paths } = cost;
        i128::from(unchanged_bytes) * self.unchanged + i128::from(new_bytes) * self.new + paths as i128 * self.path
    }
}

/// The price of an address, including wildcards and tags, and the additional price of each wildcard, on a [`Scale`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Prices {
    pub(super) address: i128,
    pub(super) wildcard: i128,
}

/// The cheapest way to cover something with prices and without limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Least {
    /// With prices.
    pub(super) value: i128,
    /// Without.
    pub(super) cost: i128,
    pub(super) addresses: usize,
    pub(super) wildcards: usize,
}

impl Least {
    pub(super) const NOTHING: Least = Least { value: 0, cost: 0, addresses: 0, wildcards: 0 };
    pub(super) const IMPOSSIBLE: Least =
        Least { value: i128::MAX / 4, cost: i128::MAX / 4, addresses: 0, wildcards: 0 };

    /// One address: exact, a wildcard or a tag.
    pub(super) fn of(cost: i128, wildcards: usize, prices: Prices) -> Least {
        let value = cost + prices.address + prices.wildcard * wildcards as i128;
        Least { value, cost, addresses: 1, wildcards }
    }

    pub(super) fn or(self, other: Least) -> Least {
        if other.value < self.value { other } else { self }
    }

    pub(super) fn is_possible(self) -> bool {
        self.value < Least::IMPOSSIBLE.value
    }
}

impl std::ops::Add for Least {
    type Output = Least;
    fn add(self, other: Least) -> Least {
        if !(self.is_possible() && other.is_possible()) {
            return Least::IMPOSSIBLE;
        }
        Least {
            value: self.value + other.value,
            cost: self.cost + other.cost,
            addresses: self.addresses + other.addresses,
            wildcards: self.wildcards + other.wildcards,
        }
    }
}
