//! Format 2 of a head: every field that this program knows. Others are ignored here, and kept by the reader.
//!
//! A new field is a line in its struct here, one in the domain's, and one in the table of [`super`].

use std::collections::{BTreeMap, BTreeSet};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_ignored::Path;

use crate::content::path::{SitePath, UrlPath};
use crate::release::cache_tags::CacheTag;
use crate::release::counts::FileCounts;
use crate::release::format::{FormatError, Minors, Unknown};
use crate::release::head::{
    Activation, Active, Behavior, Caching, Distribution, DistributionFacts, Distributions, HeadFields, HistoryItem,
    Hold, Leftover, MAX_ID_BYTES, ProvenStore, Pruning, Refresh, Suspects, Withdrawn,
};
use crate::release::manifest::stored::v2::{IdentityFields, PublisherFields};
use crate::release::manifest::{Identity, Publisher, ReleaseNumber, RunId, checked_id};
use crate::types::clock::Timestamp;
use crate::types::digest::Digest;
use crate::types::headers::{Headers, Kind};

/// What a head says, as it is written.
pub(super) struct Body<'h>(pub(super) &'h HeadFields);

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Stored::serialize(self.0, serializer)
    }
}

/// What `bytes` say; `pass_over` is told the place of each field that is not known.
pub(super) fn read(bytes: &[u8], mut pass_over: impl FnMut(Vec<String>)) -> Result<HeadFields, FormatError> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut told = |path: Path<'_>| pass_over(names(&path));
    let fields = Stored::deserialize(serde_ignored::Deserializer::new(&mut json, &mut told))?;
    json.end()?;
    Ok(fields)
}

fn names(path: &Path<'_>) -> Vec<String> {
    let below = |parent: &Path<'_>, name: String| {
        let mut names = names(parent);
        names.push(name);
        names
    };
    match path {
        Path::Root => Vec::new(),
        Path::Seq { parent, index } => below(parent, index.to_string()),
        Path::Map { parent, key } => below(parent, key.clone()),
        Path::Some { parent } | Path::NewtypeStruct { parent } | Path::NewtypeVariant { parent } => names(parent),
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HeadFields")]
struct Stored {
    #[serde(skip)]
    needs: Minors,
    #[serde(with = "IdentityFields")]
    identity: Identity,
    revision: u64,
    run: RunId,
    #[serde(default, with = "option", skip_serializing_if = "Option::is_none")]
    active: Option<Active>,
    highest_activated: ReleaseNumber,
    floor: ReleaseNumber,
    #[serde(default, with = "option", skip_serializing_if = "Option::is_none")]
    activation: Option<Activation>,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    pending_refreshes: Vec<Refresh>,
    #[serde(default, with = "by_path", skip_serializing_if = "BTreeMap::is_empty")]
    leftovers: BTreeMap<SitePath, Leftover>,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    suspects: Vec<Suspects>,
    prune_epoch: u64,
    #[serde(default, with = "option", skip_serializing_if = "Option::is_none")]
    pruning: Option<Pruning>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    closed: BTreeSet<ReleaseNumber>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    mutable_paths: BTreeSet<SitePath>,
    #[serde(default, getter = "single", skip_serializing_if = "Option::is_none")]
    distribution: Option<SingleDistribution>,
    #[serde(default, getter = "several", with = "by_id", skip_serializing_if = "BTreeMap::is_empty")]
    distributions: Distributions,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    tagged: bool,
    #[serde(default, with = "by_path", skip_serializing_if = "BTreeMap::is_empty")]
    withdrawn: BTreeMap<SitePath, Withdrawn>,
    #[serde(default, with = "option", skip_serializing_if = "Option::is_none")]
    proven_store: Option<ProvenStore>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    superseded: BTreeMap<ReleaseNumber, Timestamp>,
    #[serde(default, with = "option", skip_serializing_if = "Option::is_none")]
    hold: Option<Hold>,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    history: Vec<HistoryItem>,
    #[serde(skip)]
    unknown: Unknown,
}

impl From<Stored> for HeadFields {
    fn from(stored: Stored) -> HeadFields {
        let mut fields = HeadFields {
            needs: stored.needs,
            identity: stored.identity,
            revision: stored.revision,
            run: stored.run,
            active: stored.active,
            highest_activated: stored.highest_activated,
            floor: stored.floor,
            activation: stored.activation,
            pending_refreshes: stored.pending_refreshes,
            leftovers: stored.leftovers,
            suspects: stored.suspects,
            prune_epoch: stored.prune_epoch,
            pruning: stored.pruning,
            closed: stored.closed,
            mutable_paths: stored.mutable_paths,
            distributions: stored.distributions,
            tagged: stored.tagged,
            withdrawn: stored.withdrawn,
            proven_store: stored.proven_store,
            superseded: stored.superseded,
            hold: stored.hold,
            history: stored.history,
            unknown: stored.unknown,
        };
        if let Some(only) = stored.distribution {
            let seen = fields.seen_alone(&only.id);
            let (id, facts) = only.into_facts();
            let only = Distribution { facts, seen, ..Distribution::default() };
            fields.distributions.entry(id).or_insert(only);
        }
        // A program that knew of one distribution may owe another one something.
        for refresh in &fields.pending_refreshes {
            fields.distributions.entry(refresh.distribution.clone()).or_default();
        }
        fields
    }
}

/// The distribution of a head, where there is one and format 1 can say all of it.
pub(super) fn single(head: &HeadFields) -> Option<SingleDistribution> {
    let mut all = head.distributions.iter();
    let (Some((id, only)), None) = (all.next(), all.next()) else { return None };
    let is_said = only.config_etag.is_none() && only.tagged_under.is_none() && only.seen == head.seen_alone(id);
    is_said.then(|| SingleDistribution::of(id.clone(), only.facts.clone()))
}

/// The distributions of any other head.
fn several(head: &HeadFields) -> Distributions {
    if single(head).is_some() { Distributions::new() } else { head.distributions.clone() }
}

/// A distribution as format 1 knows it.
#[derive(Serialize, Deserialize)]
pub(super) struct SingleDistribution {
    #[serde(deserialize_with = "id")]
    pub(super) id: String,
    readable: bool,
    origin_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_root_object: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    error_pages: BTreeSet<UrlPath>,
    #[serde(default)]
    rewrites_at_origin: bool,
    #[serde(default, with = "CachingFields", skip_serializing_if = "Caching::is_usual")]
    caching: Caching,
}

impl SingleDistribution {
    fn of(id: String, facts: DistributionFacts) -> SingleDistribution {
        let DistributionFacts { readable, origin_path, default_root_object, error_pages, rewrites_at_origin, caching } =
            facts;
        SingleDistribution { id, readable, origin_path, default_root_object, error_pages, rewrites_at_origin, caching }
    }

    fn into_facts(self) -> (String, DistributionFacts) {
        let SingleDistribution {
            id,
            readable,
            origin_path,
            default_root_object,
            error_pages,
            rewrites_at_origin,
            caching,
        } = self;
        let facts =
            DistributionFacts { readable, origin_path, default_root_object, error_pages, rewrites_at_origin, caching };
        (id, facts)
    }
}

/// A value of the domain that has a stored form.
trait Nested: Sized {
    fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;
}

/// A part as serde takes it, inside of containers.
struct Wire<P>(P);

impl<P: Nested> Serialize for Wire<&P> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.write(serializer)
    }
}

impl<'de, P: Nested> Deserialize<'de> for Wire<P> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Wire<P>, D::Error> {
        P::read(deserializer).map(Wire)
    }
}

macro_rules! stored_as {
    ($($part:ident: $fields:ident),* $(,)?) => {$(
        impl Nested for $part {
            fn write<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $fields::serialize(self, serializer)
            }
            fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$part, D::Error> {
                $fields::deserialize(deserializer)
            }
        }
    )*};
}

stored_as! {
    Active: ActiveFields,
    Activation: ActivationFields,
    Refresh: RefreshFields,
    Leftover: LeftoverFields,
    Suspects: SuspectsFields,
    Pruning: PruningFields,
    Distribution: DistributionFields,
    Behavior: BehaviorFields,
    Withdrawn: WithdrawnFields,
    ProvenStore: ProvenFields,
    Hold: HoldFields,
    HistoryItem: HistoryFields,
    FileCounts: CountsFields,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Active")]
struct ActiveFields {
    release: ReleaseNumber,
    content: Digest,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    previous: Option<ReleaseNumber>,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Activation")]
struct ActivationFields {
    to: ReleaseNumber,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    candidates: BTreeSet<ReleaseNumber>,
    owner: RunId,
    #[serde(with = "PublisherFields")]
    publisher: Publisher,
    since: Timestamp,
    lease_s: u64,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Refresh")]
struct RefreshFields {
    #[serde(deserialize_with = "id")]
    id: String,
    #[serde(deserialize_with = "id")]
    distribution: String,
    release: ReleaseNumber,
    since: Timestamp,
    paths: Vec<UrlPath>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<CacheTag>,
    #[serde(default, deserialize_with = "ids", skip_serializing_if = "Vec::is_empty")]
    invalidations: Vec<String>,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ProvenStore")]
struct ProvenFields {
    endpoint: Digest,
    since: Timestamp,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Leftover")]
struct LeftoverFields {
    sha256: Digest,
    size_bytes: u64,
    headers: Headers,
    kind: Kind,
    since: Timestamp,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Suspects")]
struct SuspectsFields {
    run: RunId,
    until: Timestamp,
    paths: BTreeSet<SitePath>,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Pruning")]
struct PruningFields {
    owner: RunId,
    since: Timestamp,
    lease_s: u64,
    closes: BTreeSet<ReleaseNumber>,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Distribution")]
struct DistributionFields {
    #[serde(with = "FactsFields")]
    facts: DistributionFacts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    config_etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seen: Option<ReleaseNumber>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tagged_under: Option<String>,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DistributionFacts")]
struct FactsFields {
    readable: bool,
    origin_path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    default_root_object: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    error_pages: BTreeSet<UrlPath>,
    #[serde(default)]
    rewrites_at_origin: bool,
    #[serde(default, with = "CachingFields", skip_serializing_if = "Caching::is_usual")]
    caching: Caching,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Caching")]
struct CachingFields {
    errors_s: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    least_s: u64,
    #[serde(default, with = "list", skip_serializing_if = "Vec::is_empty")]
    behaviors: Vec<Behavior>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_guessed: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_staging: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    has_tags: bool,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Behavior")]
struct BehaviorFields {
    pattern: String,
    keeps: bool,
    queries: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    origin_path: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Withdrawn")]
struct WithdrawnFields {
    sha256: BTreeSet<Digest>,
    since: Timestamp,
    #[serde(with = "PublisherFields")]
    publisher: Publisher,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Hold")]
struct HoldFields {
    #[serde(with = "PublisherFields")]
    publisher: Publisher,
    since: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "HistoryItem")]
struct HistoryFields {
    release: ReleaseNumber,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<ReleaseNumber>,
    at: Timestamp,
    #[serde(with = "PublisherFields")]
    publisher: Publisher,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(default, with = "option", skip_serializing_if = "Option::is_none")]
    files: Option<FileCounts>,
    #[serde(skip)]
    unknown: Unknown,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "FileCounts")]
struct CountsFields {
    total: usize,
    fingerprinted: usize,
    added: usize,
    replaced: usize,
    reheadered: usize,
    removed: usize,
    unchanged: usize,
}

fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    checked_id(String::deserialize(deserializer)?, MAX_ID_BYTES).map_err(D::Error::custom)
}

fn ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let ids = Vec::<String>::deserialize(deserializer)?;
    ids.into_iter().map(|id| checked_id(id, MAX_ID_BYTES).map_err(D::Error::custom)).collect()
}

/// A part that need not be there.
mod option {
    use super::{Deserialize, Deserializer, Nested, Serialize, Serializer, Wire};

    pub(super) fn serialize<P: Nested, S: Serializer>(part: &Option<P>, serializer: S) -> Result<S::Ok, S::Error> {
        part.as_ref().map(Wire).serialize(serializer)
    }

    pub(super) fn deserialize<'de, P: Nested, D: Deserializer<'de>>(deserializer: D) -> Result<Option<P>, D::Error> {
        Ok(Option::<Wire<P>>::deserialize(deserializer)?.map(|Wire(part)| part))
    }
}

/// Parts in their order.
mod list {
    use super::{Deserialize, Deserializer, Nested, Serializer, Wire};

    pub(super) fn serialize<P: Nested, S: Serializer>(parts: &[P], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(parts.iter().map(Wire))
    }

    pub(super) fn deserialize<'de, P: Nested, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<P>, D::Error> {
        Ok(Vec::<Wire<P>>::deserialize(deserializer)?.into_iter().map(|Wire(part)| part).collect())
    }
}

/// Parts by the paths that they are of.
mod by_path {
    use super::{BTreeMap, Deserialize, Deserializer, Nested, Serializer, SitePath, Wire};

    pub(super) fn serialize<P: Nested, S: Serializer>(
        parts: &BTreeMap<SitePath, P>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(parts.iter().map(|(path, part)| (path, Wire(part))))
    }

    pub(super) fn deserialize<'de, P: Nested, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<SitePath, P>, D::Error> {
        let parts = BTreeMap::<SitePath, Wire<P>>::deserialize(deserializer)?;
        Ok(parts.into_iter().map(|(path, Wire(part))| (path, part)).collect())
    }
}

/// Distributions by their ids.
mod by_id {
    use super::{
        BTreeMap, Deserialize, Deserializer, Distribution, Distributions, MAX_ID_BYTES, Serializer, Wire, checked_id,
    };
    use serde::de::Error as _;

    pub(super) fn serialize<S: Serializer>(parts: &Distributions, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(parts.iter().map(|(id, part)| (id, Wire(part))))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Distributions, D::Error> {
        let parts = BTreeMap::<String, Wire<Distribution>>::deserialize(deserializer)?;
        let checked = |id| checked_id(id, MAX_ID_BYTES).map_err(D::Error::custom);
        parts.into_iter().map(|(id, Wire(part))| Ok((checked(id)?, part))).collect()
    }
}
