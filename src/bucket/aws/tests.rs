//! This module against the sandbox: real HTTP, checked by the sandbox's request log and state.
#![cfg(feature = "sandbox")]

mod cdn;
mod failures;
mod objects;
mod terms;
mod uploads;

use std::collections::BTreeMap;

use super::*;
use crate::config::environment::{Access, InvalidationSettings, LeaseSettings, PublishSettings};
use crate::release::layout::{Address, Layout};
use crate::release::retention::RetentionSettings;
use crate::sandbox::{Effect, Fault, LoggedRequest, Match, Options, Sandbox};
use crate::types::headers::Headers;

const BUCKET: &str = "sandbox";
const DISTRIBUTION: &str = "E1SANDBOX";

async fn sandbox() -> Sandbox {
    Sandbox::start(Options::default()).await.unwrap()
}

/// How the sandbox is reached.
fn environment(sandbox: &Sandbox) -> Environment {
    let keys = sandbox.keys();
    Environment {
        name: "test".to_owned(),
        layout: Layout::new("shop", BUCKET, "", None, None),
        access: Access {
            region: Some("us-east-1".to_owned()),
            s3_endpoint: Some(sandbox.s3_endpoint().to_owned()),
            cloudfront_endpoint: Some(sandbox.cloudfront_endpoint().to_owned()),
            static_keys: Some((keys.access_key_id.clone(), keys.secret_access_key.clone())),
            ..Access::default()
        },
        distribution: Some(DISTRIBUTION.to_owned()),
        further_distributions: Vec::new(),
        url: None,
        headers: Vec::new(),
        publish: PublishSettings::default(),
        invalidation: InvalidationSettings::default(),
        retention: RetentionSettings::default(),
        lease: LeaseSettings::default(),
    }
}

async fn connect(sandbox: &Sandbox) -> Aws {
    Aws::connect(&environment(sandbox)).await.unwrap()
}

fn at(key: &str) -> Address {
    Address { bucket: BUCKET.to_owned(), key: key.to_owned() }
}

fn html() -> Headers {
    Headers {
        cache_control: "public, max-age=0, must-revalidate".to_owned(),
        content_type: "text/html; charset=utf-8".to_owned(),
        content_encoding: None,
        content_disposition: None,
        content_language: None,
        metadata: BTreeMap::new(),
    }
}

fn rich() -> Headers {
    Headers {
        cache_control: "public, max-age=3600".to_owned(),
        content_type: "application/pdf".to_owned(),
        content_encoding: Some("gzip".to_owned()),
        content_disposition: Some("attachment".to_owned()),
        content_language: Some("de".to_owned()),
        metadata: BTreeMap::from([("team".to_owned(), "docs".to_owned())]),
    }
}

fn fault(operation: &str, times: usize, effect: Effect) -> Fault {
    let matches = Match { operation: Some(operation.to_owned()), ..Match::default() };
    Fault { matches, skip: 0, times, effect }
}

fn refusal(status: u16, code: &str) -> Effect {
    Effect::Refuse { status, code: code.to_owned(), message: "said so".to_owned() }
}

fn sent(sandbox: &Sandbox, operation: &str) -> Vec<LoggedRequest> {
    sandbox.requests().into_iter().filter(|request| request.operation == operation).collect()
}
