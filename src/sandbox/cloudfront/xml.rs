//! The answers of the CloudFront API, with every field its model requires.

use std::fmt::Write as _;

use super::StoredInvalidation;
use crate::sandbox::answer::escape;
use crate::sandbox::distribution::{Caching, Distribution};

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
const NAMESPACE: &str = "xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\"";

/// When all distributions were last changed.
const LAST_MODIFIED: &str = "2026-01-01T00:00:00Z";

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
pub(super) fn distribution(distribution: &Distribution, owner: &str, region: &str, in_progress: usize) -> String {
    let id = escape(&distribution.id);
    format!(
        "{DECLARATION}<Distribution {NAMESPACE}><Id>{id}</Id><ARN>arn:aws:cloudfront::{owner}:distribution/{id}</ARN>\
         <Status>Deployed</Status><LastModifiedTime>{LAST_MODIFIED}</LastModifiedTime>\
         <InProgressInvalidationBatches>{in_progress}</InProgressInvalidationBatches>\
         <DomainName>{}.cloudfront.net</DomainName>\
         <ActiveTrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></ActiveTrustedSigners>\
         <ActiveTrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></ActiveTrustedKeyGroups>\
         <DistributionConfig>{}</DistributionConfig></Distribution>",
        id.to_ascii_lowercase(),
        config(distribution, owner, region),
    )
}

/// `DistributionConfig`.
pub(super) fn distribution_config(distribution: &Distribution, owner: &str, region: &str) -> String {
    format!("{DECLARATION}<DistributionConfig {NAMESPACE}>{}</DistributionConfig>", config(distribution, owner, region))
}

fn config(distribution: &Distribution, owner: &str, region: &str) -> String {
    format!(
        "<CallerReference>{id}</CallerReference><Aliases><Quantity>0</Quantity></Aliases>\
         <DefaultRootObject>{root}</DefaultRootObject>{origins}<OriginGroups><Quantity>0</Quantity></OriginGroups>\
         {behavior}<CacheBehaviors><Quantity>0</Quantity></CacheBehaviors>{errors}\
         <Comment>sandbox</Comment>\
         <Logging><Enabled>false</Enabled><IncludeCookies>false</IncludeCookies><Bucket></Bucket><Prefix></Prefix></Logging>\
         <PriceClass>PriceClass_All</PriceClass><Enabled>true</Enabled>\
         <ViewerCertificate><CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate>\
         <MinimumProtocolVersion>TLSv1</MinimumProtocolVersion></ViewerCertificate>\
         <Restrictions><GeoRestriction><RestrictionType>none</RestrictionType><Quantity>0</Quantity></GeoRestriction></Restrictions>\
         <WebACLId></WebACLId><HttpVersion>http2</HttpVersion><IsIPV6Enabled>true</IsIPV6Enabled>\
         <ContinuousDeploymentPolicyId></ContinuousDeploymentPolicyId><Staging>false</Staging>",
        id = escape(&distribution.id),
        root = escape(distribution.default_root_object.as_deref().unwrap_or_default()),
        origins = origins(distribution, region),
        behavior = default_cache_behavior(distribution, owner),
        errors = custom_error_responses(distribution),
    )
}

fn origins(distribution: &Distribution, region: &str) -> String {
    let bucket = escape(&distribution.bucket);
    format!(
        "<Origins><Quantity>1</Quantity><Items><Origin><Id>{bucket}</Id>\
         <DomainName>{bucket}.s3.{region}.amazonaws.com</DomainName><OriginPath>{path}</OriginPath>\
         <CustomHeaders><Quantity>0</Quantity></CustomHeaders>\
         <S3OriginConfig><OriginAccessIdentity></OriginAccessIdentity></S3OriginConfig>\
         <ConnectionAttempts>3</ConnectionAttempts><ConnectionTimeout>10</ConnectionTimeout>\
         <OriginShield><Enabled>false</Enabled></OriginShield>\
         <OriginAccessControlId>E2SANDBOXACCESS</OriginAccessControlId></Origin></Items></Origins>",
        path = escape(&distribution.origin_path),
    )
}

fn default_cache_behavior(distribution: &Distribution, owner: &str) -> String {
    let none = || "<Quantity>0</Quantity>".to_owned();
    let at_viewer = format!(
        "<Quantity>1</Quantity><Items><FunctionAssociation>\
         <FunctionARN>arn:aws:cloudfront::{owner}:function/index-pages</FunctionARN>\
         <EventType>viewer-request</EventType></FunctionAssociation></Items>"
    );
    let at_origin = format!(
        "<Quantity>1</Quantity><Items><LambdaFunctionAssociation>\
         <LambdaFunctionARN>arn:aws:lambda:us-east-1:{owner}:function:index-pages:1</LambdaFunctionARN>\
         <EventType>origin-request</EventType><IncludeBody>false</IncludeBody></LambdaFunctionAssociation></Items>"
    );
    let (functions, lambdas) = match (distribution.index_pages, distribution.rewrites_at_origin) {
        (false, _) => (none(), none()),
        (true, false) => (at_viewer, none()),
        (true, true) => (none(), at_origin),
    };
    let methods = "<Quantity>2</Quantity><Items><Method>HEAD</Method><Method>GET</Method></Items>";
    format!(
        "<DefaultCacheBehavior><TargetOriginId>{origin}</TargetOriginId>\
         <TrustedSigners><Enabled>false</Enabled><Quantity>0</Quantity></TrustedSigners>\
         <TrustedKeyGroups><Enabled>false</Enabled><Quantity>0</Quantity></TrustedKeyGroups>\
         <ViewerProtocolPolicy>redirect-to-https</ViewerProtocolPolicy>\
         <AllowedMethods>{methods}<CachedMethods>{methods}</CachedMethods></AllowedMethods>\
         <SmoothStreaming>false</SmoothStreaming><Compress>{compress}</Compress>\
         <LambdaFunctionAssociations>{lambdas}</LambdaFunctionAssociations>\
         <FunctionAssociations>{functions}</FunctionAssociations>\
         <FieldLevelEncryptionId></FieldLevelEncryptionId>{caching}</DefaultCacheBehavior>",
        origin = escape(&distribution.bucket),
        compress = distribution.caching.compress,
        caching = caching(&distribution.caching),
    )
}

/// The cache policy's id, or what older distributions have in its place.
fn caching(caching: &Caching) -> String {
    match &caching.policy {
        Some(id) => format!("<CachePolicyId>{}</CachePolicyId>", escape(id)),
        None => format!(
            "<ForwardedValues><QueryString>{}</QueryString><Cookies><Forward>none</Forward></Cookies>\
             <Headers><Quantity>0</Quantity></Headers>\
             <QueryStringCacheKeys><Quantity>0</Quantity></QueryStringCacheKeys></ForwardedValues>\
             <MinTTL>{}</MinTTL><DefaultTTL>{}</DefaultTTL><MaxTTL>{}</MaxTTL>",
            caching.query_strings,
            caching.min_ttl.as_secs(),
            caching.default_ttl.as_secs(),
            caching.max_ttl.as_secs(),
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
