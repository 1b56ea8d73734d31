//! The answers of the CloudFront API, with every field its model requires.

use std::fmt::Write as _;

use super::StoredInvalidation;
use crate::sandbox::answer::escape;
use crate::sandbox::caching::{CachePolicy, Caching};
use crate::sandbox::distribution::Distribution;

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const NAMESPACE: &str = "xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"";

/// The managed policy CachingOptimized (AWS.md 2.5).
const CACHE_POLICY: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/// The id of an origin that is not the site's.
const ELSEWHERE: &str = "elsewhere";

/// When all distributions were last changed.
const LAST_MODIFIED: &str = "2026-01-01T00:00:00Z";

/// What is shown of a distribution.
pub(super) struct Shown<'s> {
    pub(super) distribution: &'s Distribution,
    pub(super) caching: &'s Caching,
    pub(super) owner: &'s str,
    pub(super) region: &'s str,
}

/// `CachePolicy`.
pub(super) fn cache_policy(policy: &CachePolicy) -> String {
    let CachePolicy { id, min_ttl, max_ttl, queries } = policy;
    let queries = if *queries { "all" } else { "none" };
    let default_ttl = 86_400.clamp(*min_ttl, *max_ttl);
    format!(
        "{DECLARATION}<CachePolicy {NAMESPACE}><Id>{id}</Id><LastModifiedTime>{LAST_MODIFIED}</LastModifiedTime>\
         <CachePolicyConfig><Comment></Comment><Name>{id}</Name><DefaultTTL>{default_ttl}</DefaultTTL>\
         <MaxTTL>{max_ttl}</MaxTTL><MinTTL>{min_ttl}</MinTTL>\
         <ParametersInCacheKeyAndForwardedToOrigin><EnableAcceptEncodingGzip>true</EnableAcceptEncodingGzip>\
         <EnableAcceptEncodingBrotli>true</EnableAcceptEncodingBrotli>\
         <HeadersConfig><HeaderBehavior>none</HeaderBehavior></HeadersConfig>\
         <CookiesConfig><CookieBehavior>none</CookieBehavior></CookiesConfig>\
         <QueryStringsConfig><QueryStringBehavior>{queries}</QueryStringBehavior></QueryStringsConfig>\
         </ParametersInCacheKeyAndForwardedToOrigin></CachePolicyConfig></CachePolicy>",
        id = escape(id),
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

/// `InvalidationList`: one page of what is `newest_first`, after `marker`.
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
         <Status>Deployed</Status><LastModifiedTime>{LAST_MODIFIED}</LastModifiedTime>\
         <InProgressInvalidationBatches>{in_progress}</InProgressInvalidationBatches>\
         <DomainName>{}.cloudfront.net</DomainName>\
         <ActiveTrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></ActiveTrustedSigners>\
         <ActiveTrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></ActiveTrustedKeyGroups>\
         <DistributionConfig>{}</DistributionConfig></Distribution>",
        id.to_ascii_lowercase(),
        config(shown),
    )
}

/// `DistributionConfig`.
pub(super) fn distribution_config(shown: &Shown<'_>) -> String {
    format!("{DECLARATION}<DistributionConfig {NAMESPACE}>{}</DistributionConfig>", config(shown))
}

fn config(shown: &Shown<'_>) -> String {
    let Shown { distribution, caching, owner, region } = shown;
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
         <ContinuousDeploymentPolicyId>{continuous}</ContinuousDeploymentPolicyId><Staging>{staging}</Staging>",
        staging = caching.staging,
        id = escape(&distribution.id),
        root = escape(distribution.default_root_object.as_deref().unwrap_or_default()),
        origins = origins(distribution, region),
        behavior = default_cache_behavior(distribution, caching, owner),
        behaviors = cache_behaviors(distribution, caching),
        errors = custom_error_responses(distribution),
        continuous = escape(caching.continuous_deployment.as_deref().unwrap_or_default()),
    )
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
    format!(
        "<Origins><Quantity>2</Quantity><Items>{}{}</Items></Origins>",
        origin(&bucket, &format!("{bucket}.s3.{region}.amazonaws.com"), &escape(&distribution.origin_path)),
        origin(ELSEWHERE, "api.example.com", ""),
    )
}

/// What both kinds of behaviors say: where answers come from, and how they are kept.
fn behavior(origin: &str, functions: &str, lambda: Option<&str>, policy: &str) -> String {
    let methods = "<Quantity>2</Quantity><Items><Method>HEAD</Method><Method>GET</Method></Items>";
    let lambda = lambda.map_or_else(
        || "<Quantity>0</Quantity>".to_owned(),
        |event| {
            format!(
                "<Quantity>1</Quantity><Items><LambdaFunctionAssociation>\
                 <LambdaFunctionARN>arn:aws:lambda:us-east-1:000000000000:function:f:1</LambdaFunctionARN>\
                 <EventType>{event}</EventType></LambdaFunctionAssociation></Items>"
            )
        },
    );
    format!(
        "<TargetOriginId>{origin}</TargetOriginId>\
         <TrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></TrustedSigners>\
         <TrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></TrustedKeyGroups>\
         <ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>\
         <AllowedMethods>{methods}<CachedMethods>{methods}</CachedMethods></AllowedMethods>\
         <SmoothStreaming>false</SmoothStreaming><Compress>true</Compress>\
         <LambdaFunctionAssociations>{lambda}</LambdaFunctionAssociations>\
         <FunctionAssociations>{functions}</FunctionAssociations>\
         <FieldLevelEncryptionId></FieldLevelEncryptionId><CachePolicyId>{policy}</CachePolicyId>",
        origin = escape(origin),
        policy = escape(policy),
    )
}

fn default_cache_behavior(distribution: &Distribution, caching: &Caching, owner: &str) -> String {
    let functions = if distribution.index_pages {
        format!(
            "<Quantity>1</Quantity><Items><FunctionAssociation>\
             <FunctionARN>arn:aws:cloudfront::{owner}:function/index-pages</FunctionARN>\
             <EventType>viewer-request</EventType></FunctionAssociation></Items>"
        )
    } else {
        "<Quantity>0</Quantity>".to_owned()
    };
    let policy = caching.policy.as_ref().map_or(CACHE_POLICY, |policy| policy.id.as_str());
    let behavior = behavior(&distribution.bucket, &functions, caching.lambda.as_deref(), policy);
    format!("<DefaultCacheBehavior>{behavior}</DefaultCacheBehavior>")
}

fn cache_behaviors(distribution: &Distribution, caching: &Caching) -> String {
    if caching.behaviors.is_empty() {
        return "<CacheBehaviors><Quantity>0</Quantity></CacheBehaviors>".to_owned();
    }
    let items: String = caching
        .behaviors
        .iter()
        .map(|(pattern, is_site, policy)| {
            let origin = if *is_site { distribution.bucket.as_str() } else { ELSEWHERE };
            let behavior = behavior(origin, "<Quantity>0</Quantity>", None, policy);
            format!("<CacheBehavior><PathPattern>{}</PathPattern>{behavior}</CacheBehavior>", escape(pattern))
        })
        .collect();
    format!("<CacheBehaviors><Quantity>{}</Quantity><Items>{items}</Items></CacheBehaviors>", caching.behaviors.len())
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
