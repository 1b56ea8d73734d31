//! The answers of the CloudFront API, with every field that its model requires.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::StoredInvalidation;
use crate::sandbox::answer::escape;
use crate::sandbox::caching::{Behavior, Caching};
use crate::sandbox::distribution::{Distribution, IndexPages};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const NAMESPACE: &str = "xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"";

/// The id of an origin other than the site's.
const ELSEWHERE: &str = "elsewhere";

/// When all distributions were last changed.
const LAST_MODIFIED: &str = "2026-01-01T00:00:00Z";

/// A list without items.
const NONE: &str = "<Quantity>0</Quantity>";

/// The parts of a distribution that the API shows.
pub(super) struct Shown<'s> {
    pub(super) distribution: &'s Distribution,
    pub(super) owner: &'s str,
    pub(super) region: &'s str,
}

/// `CachePolicy`: the policy of `caching`.
pub(super) fn cache_policy(id: &str, caching: &Caching) -> String {
    format!(
        "{DECLARATION}<CachePolicy {NAMESPACE}><Id>{id}</Id><LastModifiedTime>{LAST_MODIFIED}</LastModifiedTime>\
         <CachePolicyConfig><Comment></Comment><Name>{id}</Name>{ttls}\
         <ParametersInCacheKeyAndForwardedToOrigin><EnableAcceptEncodingGzip>{gzip}</EnableAcceptEncodingGzip>\
         <EnableAcceptEncodingBrotli>{brotli}</EnableAcceptEncodingBrotli>\
         <HeadersConfig><HeaderBehavior>none</HeaderBehavior></HeadersConfig>\
         <CookiesConfig><CookieBehavior>none</CookieBehavior></CookiesConfig>\
         <QueryStringsConfig><QueryStringBehavior>{queries}</QueryStringBehavior></QueryStringsConfig>\
         </ParametersInCacheKeyAndForwardedToOrigin></CachePolicyConfig></CachePolicy>",
        id = escape(id),
        ttls = ttls(caching),
        gzip = caching.gzip,
        brotli = caching.brotli,
        queries = if caching.query_strings { "all" } else { "none" },
    )
}

fn ttls(caching: &Caching) -> String {
    let Caching { min_ttl, default_ttl, max_ttl, .. } = caching;
    format!(
        "<MinTTL>{}</MinTTL><DefaultTTL>{}</DefaultTTL><MaxTTL>{}</MaxTTL>",
        min_ttl.as_secs(),
        default_ttl.as_secs(),
        max_ttl.as_secs(),
    )
}

/// `Invalidation`.
pub(super) fn invalidation(invalidation: &StoredInvalidation) -> String {
    let paths: String = invalidation.paths.iter().map(|path| format!("<Path>{}</Path>", escape(path))).collect();
    format!(
        "{DECLARATION}<Invalidation {NAMESPACE}><Id>{}</Id><Status>{}</Status><CreateTime>{}</CreateTime>\
         <InvalidationBatch><Paths><Quantity>{}</Quantity><Items>{paths}</Items></Paths>\
         <CallerReference>{}</CallerReference></InvalidationBatch></Invalidation>",
        invalidation.id,
        invalidation.status,
        invalidation.created,
        invalidation.paths.len(),
        escape(&invalidation.caller_reference),
    )
}

/// `InvalidationList`: one page of `newest_first`, after `marker`.
pub(super) fn invalidation_list(newest_first: &[StoredInvalidation], marker: Option<&str>, max_items: usize) -> String {
    let start = marker
        .and_then(|marker| newest_first.iter().position(|shown| shown.id == marker))
        .map_or(0, |position| position + 1);
    let page = &newest_first[start..newest_first.len().min(start + max_items)];
    let truncated = start + page.len() < newest_first.len();
    let mut items = String::new();
    for shown in page {
        // Writing to a string cannot fail.
        let _ = write!(
            items,
            "<InvalidationSummary><Id>{}</Id><CreateTime>{}</CreateTime><Status>{}</Status></InvalidationSummary>",
            shown.id, shown.created, shown.status
        );
    }
    let next = match page.last() {
        Some(last) if truncated => format!("<NextMarker>{}</NextMarker>", last.id),
        _ => String::new(),
    };
    format!(
        "{DECLARATION}<InvalidationList {NAMESPACE}><Marker>{}</Marker>{next}<MaxItems>{max_items}</MaxItems>\
         <IsTruncated>{truncated}</IsTruncated><Quantity>{}</Quantity><Items>{items}</Items></InvalidationList>",
        escape(marker.unwrap_or_default()),
        page.len(),
    )
}

/// `Distribution`.
pub(super) fn distribution(shown: &Shown<'_>, in_progress: usize) -> String {
    let (id, owner) = (escape(&shown.distribution.id), shown.owner);
    format!(
        "{DECLARATION}<Distribution {NAMESPACE}><Id>{id}</Id><ARN>arn:aws:cloudfront::{owner}:distribution/{id}</ARN>\
         <Status>{}</Status><LastModifiedTime>{LAST_MODIFIED}</LastModifiedTime>\
         <InProgressInvalidationBatches>{in_progress}</InProgressInvalidationBatches>\
         <DomainName>{}.cloudfront.net</DomainName>\
         <ActiveTrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></ActiveTrustedSigners>\
         <ActiveTrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></ActiveTrustedKeyGroups>\
         <DistributionConfig>{}</DistributionConfig></Distribution>",
        if shown.distribution.deployed { "Deployed" } else { "InProgress" },
        id.to_ascii_lowercase(),
        config(shown),
    )
}

/// `DistributionTenant`.
pub(super) fn tenant(tenant: &Distribution) -> String {
    let (distribution, parameters) = tenant.tenant_of.as_ref().map_or(("", &[][..]), |(id, all)| (id, all));
    let parameter = |(name, value): &(String, String)| {
        format!("<member><Name>{}</Name><Value>{}</Value></member>", escape(name), escape(value))
    };
    format!(
        "{DECLARATION}<DistributionTenant {NAMESPACE}><Id>{id}</Id><DistributionId>{}</DistributionId>\
         <Name>{id}</Name><Domains><member><Domain>{id}.example.com</Domain><Status>active</Status></member></Domains>\
         <Parameters>{}</Parameters><Enabled>true</Enabled><Status>Deployed</Status></DistributionTenant>",
        escape(distribution),
        parameters.iter().map(parameter).collect::<String>(),
        id = escape(&tenant.id),
    )
}

/// `DistributionConfig`.
pub(super) fn distribution_config(shown: &Shown<'_>) -> String {
    format!("{DECLARATION}<DistributionConfig {NAMESPACE}>{}</DistributionConfig>", config(shown))
}

fn config(shown: &Shown<'_>) -> String {
    let Shown { distribution, owner, region } = shown;
    format!(
        "<CallerReference>{id}</CallerReference><Aliases><Quantity>0</Quantity></Aliases>\
         <DefaultRootObject>{root}</DefaultRootObject>{origins}<OriginGroups><Quantity>0</Quantity></OriginGroups>\
         {behavior}{behaviors}{errors}\
         <Comment>sandbox</Comment>\
         <Logging><Enabled>false</Enabled><IncludeCookies>false</IncludeCookies><Bucket></Bucket><Prefix></Prefix></Logging>\
         <PriceClass>PriceClass_All</PriceClass><Enabled>true</Enabled>\
         <ViewerCertificate><CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate>\
         <MinimumProtocolVersion>TLSv1</MinimumProtocolVersion></ViewerCertificate>\
         <Restrictions><GeoRestriction><RestrictionType>none</RestrictionType><Quantity>0</Quantity></GeoRestriction></Restrictions>\
         <WebACLId></WebACLId><HttpVersion>http2</HttpVersion><IsIPV6Enabled>true</IsIPV6Enabled>\
         <ContinuousDeploymentPolicyId>{continuous}</ContinuousDeploymentPolicyId><Staging>{staging}</Staging>{tags}{parameters}",
        parameters = parameters(distribution),
        tags = cache_tags(distribution),
        staging = distribution.staging,
        id = escape(&distribution.id),
        root = escape(distribution.default_root_object.as_deref().unwrap_or_default()),
        origins = origins(distribution, region),
        behavior = default_cache_behavior(distribution, owner),
        behaviors = cache_behaviors(distribution),
        errors = custom_error_responses(distribution),
        continuous = escape(distribution.continuous_deployment.as_deref().unwrap_or_default()),
    )
}

/// A multi-tenant distribution's definitions of tenant parameters.
fn parameters(distribution: &Distribution) -> String {
    if distribution.parameters.is_empty() {
        return String::new();
    }
    let item = |(name, default): &(String, Option<String>)| {
        let value = default.as_ref().map(|value| format!("<DefaultValue>{}</DefaultValue>", escape(value)));
        format!(
            "<member><Name>{}</Name><Definition><StringSchema>{}<Required>{}</Required></StringSchema></Definition></member>",
            escape(name),
            value.unwrap_or_default(),
            default.is_none(),
        )
    };
    let items: String = distribution.parameters.iter().map(item).collect();
    format!("<TenantConfig><ParameterDefinitions>{items}</ParameterDefinitions></TenantConfig>")
}

fn cache_tags(distribution: &Distribution) -> String {
    let header = distribution.cache_tag_header.as_deref().map(escape);
    header.map_or_else(String::new, |name| format!("<CacheTagConfig><HeaderName>{name}</HeaderName></CacheTagConfig>"))
}

fn origins(distribution: &Distribution, region: &str) -> String {
    let bucket = escape(&distribution.bucket);
    let origin = |id: &str, domain: &str, path: &str| {
        format!(
            "<Origin><Id>{id}</Id><DomainName>{domain}</DomainName><OriginPath>{path}</OriginPath>\
             <CustomHeaders><Quantity>0</Quantity></CustomHeaders>\
             <S3OriginConfig><OriginAccessIdentity></OriginAccessIdentity></S3OriginConfig>\
             <ConnectionAttempts>3</ConnectionAttempts><ConnectionTimeout>10</ConnectionTimeout>\
             <OriginShield><Enabled>false</Enabled></OriginShield>\
             <OriginAccessControlId>E2SANDBOXACCESS</OriginAccessControlId></Origin>"
        )
    };
    let endpoint = if distribution.website_error.is_some() { "s3-website" } else { "s3" };
    let domain = format!("{bucket}.{endpoint}.{region}.amazonaws.com");
    let others: BTreeSet<&String> = distribution.behaviors.iter().filter_map(|one| one.origin_path.as_ref()).collect();
    let others =
        others.into_iter().map(|path| origin(&escape(&origin_id(distribution, Some(path))), &domain, &escape(path)));
    let own = [origin(&bucket, &domain, &escape(&distribution.origin_path)), origin(ELSEWHERE, "api.example.com", "")];
    let all: Vec<String> = own.into_iter().chain(others).collect();
    format!("<Origins><Quantity>{}</Quantity><Items>{}</Items></Origins>", all.len(), all.concat())
}

/// The id of the origin that is the site's bucket, by its origin path.
fn origin_id(distribution: &Distribution, origin_path: Option<&String>) -> String {
    format!("{}{}", distribution.bucket, origin_path.map(|path| format!("-at-{path}")).unwrap_or_default())
}

/// The fields of both kinds of behaviors: the origin, the functions, and how answers are cached.
fn behavior(origin: &str, (functions, lambdas): (&str, &str), caching: &Caching) -> String {
    let methods = "<Quantity>2</Quantity><Items><Method>HEAD</Method><Method>GET</Method></Items>";
    format!(
        "<TargetOriginId>{origin}</TargetOriginId>\
         <TrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></TrustedSigners>\
         <TrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></TrustedKeyGroups>\
         <ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>\
         <AllowedMethods>{methods}<CachedMethods>{methods}</CachedMethods></AllowedMethods>\
         <SmoothStreaming>false</SmoothStreaming><Compress>{compress}</Compress>\
         <LambdaFunctionAssociations>{lambdas}</LambdaFunctionAssociations>\
         <FunctionAssociations>{functions}</FunctionAssociations>\
         <FieldLevelEncryptionId></FieldLevelEncryptionId>{kept}",
        origin = escape(origin),
        compress = caching.compress,
        kept = kept(caching),
    )
}

fn default_cache_behavior(distribution: &Distribution, owner: &str) -> String {
    let function = || {
        format!(
            "<Quantity>1</Quantity><Items><FunctionAssociation>\
             <FunctionARN>arn:aws:cloudfront::{owner}:function/index-pages</FunctionARN>\
             <EventType>viewer-request</EventType></FunctionAssociation></Items>"
        )
    };
    let lambda = |event: &str| {
        format!(
            "<Quantity>1</Quantity><Items><LambdaFunctionAssociation>\
             <LambdaFunctionARN>arn:aws:lambda:us-east-1:{owner}:function:index-pages:1</LambdaFunctionARN>\
             <EventType>{event}</EventType><IncludeBody>false</IncludeBody></LambdaFunctionAssociation></Items>"
        )
    };
    let (functions, lambdas) = match distribution.index_pages {
        IndexPages::None => (NONE.to_owned(), NONE.to_owned()),
        IndexPages::Function => (function(), NONE.to_owned()),
        IndexPages::LambdaAtViewer => (NONE.to_owned(), lambda("viewer-request")),
        IndexPages::LambdaAtOrigin => (NONE.to_owned(), lambda("origin-request")),
    };
    let behavior = behavior(&distribution.bucket, (&functions, &lambdas), &distribution.caching);
    format!("<DefaultCacheBehavior>{behavior}</DefaultCacheBehavior>")
}

fn cache_behaviors(distribution: &Distribution) -> String {
    let behaviors = &distribution.behaviors;
    if behaviors.is_empty() {
        return format!("<CacheBehaviors>{NONE}</CacheBehaviors>");
    }
    let item = |one: &Behavior| {
        let origin = if one.is_site { origin_id(distribution, one.origin_path.as_ref()) } else { ELSEWHERE.to_owned() };
        let behavior = behavior(&origin, (NONE, NONE), &one.caching);
        format!("<CacheBehavior><PathPattern>{}</PathPattern>{behavior}</CacheBehavior>", escape(&one.pattern))
    };
    let items: String = behaviors.iter().map(item).collect();
    format!("<CacheBehaviors><Quantity>{}</Quantity><Items>{items}</Items></CacheBehaviors>", behaviors.len())
}

/// The cache policy's id, or the legacy settings.
fn kept(caching: &Caching) -> String {
    match &caching.policy {
        Some(id) => format!("<CachePolicyId>{}</CachePolicyId>", escape(id)),
        None => format!(
            "<ForwardedValues><QueryString>{}</QueryString><Cookies><Forward>none</Forward></Cookies>\
             <Headers>{NONE}</Headers><QueryStringCacheKeys>{NONE}</QueryStringCacheKeys></ForwardedValues>{}",
            caching.query_strings,
            ttls(caching),
        ),
    }
}

fn custom_error_responses(distribution: &Distribution) -> String {
    let errors = &distribution.custom_errors;
    let mut items = String::new();
    for error in errors {
        let code = error.response_code.map(|code| code.to_string()).unwrap_or_default();
        // Writing to a string cannot fail.
        let _ = write!(
            items,
            "<CustomErrorResponse><ErrorCode>{}</ErrorCode><ResponsePagePath>{}</ResponsePagePath>\
             <ResponseCode>{code}</ResponseCode><ErrorCachingMinTTL>{}</ErrorCachingMinTTL></CustomErrorResponse>",
            error.error_code,
            escape(error.response_page_path.as_deref().unwrap_or_default()),
            error.error_caching_min_ttl.as_secs(),
        );
    }
    let items = if errors.is_empty() { items } else { format!("<Items>{items}</Items>") };
    format!("<CustomErrorResponses><Quantity>{}</Quantity>{items}</CustomErrorResponses>", errors.len())
}
