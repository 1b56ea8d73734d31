//! Applies the rules to every file of a site.

use std::collections::{BTreeMap, BTreeSet};

use super::bundler::{Bundler, By, Hit, Hits, kin};
use super::contract::{Extent, Marks, Token};
use super::declared::Declared;
use super::facts::Facts;
use super::rule::{Evidence, Rule, Says};
use super::table::RULES;
use super::verdict::{Basis, Verdict};
use crate::content::path::SitePath;
use crate::content::proof::{self, SchemeKey};
use crate::types::headers::Kind;

/// Judges every file of a site by the site alone. `declared` is the content of the build's own manifests.
///
/// Pure, and independent of any order.
pub fn judge(files: &BTreeMap<SitePath, Facts>, declared: &Declared) -> BTreeMap<SitePath, Verdict> {
    let site = Site::of(files, declared);
    files.iter().map(|(path, facts)| (path.clone(), site.verdict(path, facts))).collect()
}

/// Whether no evidence counts for a path: it is requested by its name, whatever it contains.
pub(super) fn is_fixed(path: &SitePath) -> bool {
    let before_digests = RULES.iter().take_while(|rule| !matches!(rule.evidence, Evidence::Digest));
    before_digests.into_iter().any(|rule| rule.applies_to_path(path))
}

/// Whether any evidence counts for a path, rather than only a digest.
pub(super) fn is_open(path: &SitePath) -> bool {
    !RULES.iter().any(|rule| rule.applies_to_path(path))
}

/// Whether a path has a form for which a framework has a contract.
pub(super) fn is_of_a_contract(path: &SitePath) -> bool {
    RULES.iter().any(|rule| matches!(rule.evidence, Evidence::Contract(token, _) if token(path).is_some()))
}

/// A site with everything that the rules examine.
struct Site<'s> {
    files: &'s BTreeMap<SitePath, Facts>,
    declared: &'s Declared,
    /// The ways in which tools put digests into names.
    schemes: BTreeSet<SchemeKey>,
    marks: Marks<'s>,
    /// The contracts of the frameworks that left a trace.
    contracts: Vec<(&'static Rule, Token, Extent<'s>)>,
    /// The evidence from references to scripts and styles.
    of_bundler: BTreeMap<&'s SitePath, (&'static Rule, Basis)>,
}

impl<'s> Site<'s> {
    fn of(files: &'s BTreeMap<SitePath, Facts>, declared: &'s Declared) -> Site<'s> {
        let proofs = files.values().filter_map(|facts| facts.traces.proof.as_ref());
        let marks = Marks::of(files);
        let contract = |rule: &'static Rule| match rule.evidence {
            Evidence::Contract(token, mark) => Some((rule, token, marks.find(mark)?)),
            _ => None,
        };
        let contracts = RULES.iter().filter_map(contract).collect();
        let of_bundler = of_bundler(&Bundler::of(files, is_open));
        Site { files, declared, schemes: proof::schemes_in_use(proofs), marks, contracts, of_bundler }
    }

    fn verdict(&self, path: &SitePath, facts: &Facts) -> Verdict {
        let original = original(path).filter(|_| !facts.traces.is_dated);
        let original = original.and_then(|original| Some((self.files.get(&original)?, original)));
        let rule = |rule: &'static Rule| {
            let basis = match (&rule.evidence, &original) {
                (Evidence::Original, Some((_, original))) => Some(Basis::Twin { of: original.to_string() }),
                _ => self.basis(rule, path, facts),
            }?;
            let kind = match rule.says {
                Says::Fingerprinted => Kind::Fingerprinted,
                Says::AsTheOriginal => original.as_ref().map(|(facts, path)| self.verdict(path, facts).kind)?,
                Says::Mutable | Says::AsWritten => Kind::Mutable,
            };
            Some(Verdict { kind, rule: rule.id, basis })
        };
        RULES.iter().find_map(rule).unwrap_or(Verdict::NONE)
    }

    /// The result of a rule; `None`: it does not apply.
    fn basis(&self, rule: &'static Rule, path: &SitePath, facts: &Facts) -> Option<Basis> {
        match rule.evidence {
            Evidence::History | Evidence::Configuration | Evidence::Original => None,
            Evidence::Path(applies) => applies(path).then_some(match is_fixed(path) {
                true => Basis::FixedName,
                false => Basis::Doubt,
            }),
            Evidence::Digest => {
                let proof = facts.traces.proof.as_ref().filter(|proof| self.schemes.contains(&proof.scheme()))?;
                Some(Basis::Proof { token: proof.token.clone(), digest: proof.to_string() })
            }
            Evidence::Content(applies) => applies(path, facts).then_some(Basis::Doubt),
            Evidence::Manifest => {
                let (token, by) = self.declared.token(path)?;
                Some(Basis::Declaration { token, by })
            }
            Evidence::Contract(token, _) => {
                let (_, _, extent) = self.contracts.iter().find(|(one, ..)| one.id == rule.id)?;
                let token = token(path).filter(|_| self.marks.cover(extent, path))?;
                Some(Basis::Declaration { token: token.to_owned(), by: rule.tool.to_owned() })
            }
            Evidence::Reference(_) | Evidence::ReferenceOfKin(_) | Evidence::Recognised(_) | Evidence::Objection(_) => {
                let (decided, basis) = self.of_bundler.get(path)?;
                (decided.id == rule.id).then(|| basis.clone())
            }
            Evidence::Nothing => Some(Basis::None),
        }
    }
}

/// The file whose compressed form this one is, by its name.
fn original(path: &SitePath) -> Option<SitePath> {
    let original = [".br", ".gz", ".zst"].iter().find_map(|ending| path.as_str().strip_suffix(ending))?;
    SitePath::new(original).ok()
}

/// Which rule decided about scripts and styles by references, and its result.
fn of_bundler<'s>(bundler: &Bundler<'s>) -> BTreeMap<&'s SitePath, (&'static Rule, Basis)> {
    let (mut hits, mut decided) = (Hits::new(), BTreeMap::new());
    let mut unsure: Vec<(&'static Rule, Hit<'s>)> = Vec::new();
    let mut refused = BTreeMap::new();
    for (path, readings) in bundler.readings() {
        let apply = |rule: &'static Rule| {
            let applies = match rule.evidence {
                Evidence::Reference(applies) | Evidence::ReferenceOfKin(applies) => applies,
                _ => return None,
            };
            Some((rule, *readings.iter().find(|reading| applies(reading))?))
        };
        let Some((rule, reading)) = RULES.iter().find_map(apply) else { continue };
        let objects =
            |rule: &&'static Rule| matches!(rule.evidence, Evidence::Objection(objects) if objects(bundler, &reading));
        if let Some(objection) = RULES.iter().find(objects) {
            refused.insert(path, (objection, Basis::Doubt));
        } else if matches!(rule.evidence, Evidence::ReferenceOfKin(_)) {
            unsure.push((rule, reading.into()));
        } else {
            take(&mut hits, &mut decided, rule, [reading.into()]);
        }
    }
    for rule in RULES {
        match rule.evidence {
            Evidence::ReferenceOfKin(_) => {
                let of_rule = unsure.iter().filter(|(one, _)| one.id == rule.id).map(|(_, hit)| *hit).collect();
                let found = kin::of_kin(bundler, of_rule, &hits);
                take(&mut hits, &mut decided, rule, found);
            }
            Evidence::Recognised(find) => {
                let found = find(bundler, &hits);
                take(&mut hits, &mut decided, rule, found);
            }
            _ => {}
        }
    }
    refused.into_iter().chain(decided).collect()
}

/// Records that `rule` decided with this result.
fn take<'s>(
    hits: &mut Hits<'s>,
    decided: &mut BTreeMap<&'s SitePath, (&'static Rule, Basis)>,
    rule: &'static Rule,
    found: impl IntoIterator<Item = Hit<'s>>,
) {
    for hit in found {
        let token = hit.token.to_owned();
        let basis = match hit.by {
            By::Reference(by) => Basis::Reference { token, by: by.to_string() },
            By::Sibling(of) => Basis::Sibling { token, of: of.to_string() },
            By::Referred(to) => Basis::Referring { token, to: to.to_string() },
        };
        hits.insert(hit.path, hit);
        decided.insert(hit.path, (rule, basis));
    }
}
