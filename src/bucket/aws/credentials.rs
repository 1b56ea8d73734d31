//! Credentials: how long publish waits for them, and what their absence means.

use std::error::Error as StdError;
use std::time::Duration;

use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use tokio::sync::watch;
use tokio::time::timeout;

use super::profile::Profile;
use super::provider::{ProviderFailure, Unusable, chain, has_expired};
use super::provider_failure::{Failed, failure_of};
use crate::report::error::Code;

/// How long a service or a file may take to provide credentials: on a slow link, a sign-in takes several requests.
const WITHIN: Duration = Duration::from_secs(30);

/// How long a profile's program may take: a person may have to respond to it, in a browser or with a device.
const PROGRAM_WITHIN: Duration = Duration::from_secs(120);

/// How long the SDK waits: longer, so that [`Patient`] gives up first. The SDK's own error for it has no public type.
pub(super) const SDK_WAITS: Duration = Duration::from_secs(150);

/// How long a lookup of credentials may take before the run reports it.
const SLOW: Duration = Duration::from_secs(1);

/// How many lookups of credentials are under way.
#[derive(Clone, Debug, Default)]
pub struct Lookups(watch::Sender<usize>);

/// A lookup under way, until it is dropped.
struct Lookup<'a>(&'a Lookups);

impl Lookups {
    fn begin(&self) -> Lookup<'_> {
        self.0.send_modify(|number| *number += 1);
        Lookup(self)
    }

    /// Completes when a lookup has been under way for a second.
    pub async fn are_slow(&self) {
        let mut number = self.0.subscribe();
        // The sender is here, so that waiting cannot fail.
        while number.wait_for(|number| *number > 0).await.is_ok() {
            if timeout(SLOW, number.wait_for(|number| *number == 0)).await.is_err() {
                return;
            }
        }
    }

    /// Completes when no lookup is under way.
    pub async fn are_over(&self) {
        let _ = self.0.subscribe().wait_for(|number| *number == 0).await;
    }
}

impl Drop for Lookup<'_> {
    fn drop(&mut self) {
        self.0.0.send_modify(|number| *number -= 1);
    }
}

/// A provider with a time limit, whose every failure is a [`CredentialsError`].
#[derive(Debug)]
pub(super) struct Patient {
    provider: SharedCredentialsProvider,
    within: Duration,
    profile: Profile,
    lookups: Lookups,
}

impl Patient {
    pub(super) fn new(provider: SharedCredentialsProvider, profile: Profile, lookups: Lookups) -> Patient {
        let within = if profile.runs_program { PROGRAM_WITHIN } else { WITHIN };
        Patient { provider, within, profile, lookups }
    }

    /// The same error, with the failure in words for people.
    fn told(&self, error: CredentialsError) -> CredentialsError {
        if !matches!(found_in(&error), None | Some(Lacking::All | Lacking::Expired)) {
            return error;
        }
        match failure_of(&error, &self.profile) {
            // A mistake in a file is described in full: the SDK's message says the same in other words.
            Some(failure) => CredentialsError::provider_error(Failed {
                source: (failure.code != Code::Configuration).then_some(error),
                failure,
            }),
            None => error,
        }
    }
}

/// Why `error` is about missing credentials.
fn found_in(error: &CredentialsError) -> Option<Lacking> {
    lacking(chain(error))
}

/// Checks the values from a file, a program or a service, and never shows them. With bad ones the SDK panics, or signs requests
/// that S3 refuses.
fn usable(credentials: Credentials) -> Result<Credentials, CredentialsError> {
    let parts = [
        ("the access key ID", Some(credentials.access_key_id())),
        ("the secret access key", Some(credentials.secret_access_key())),
        ("the session token", credentials.session_token()),
    ];
    let unusable = parts.into_iter().find_map(|(part, value)| unusable(part, value?));
    match unusable {
        Some(unusable) => Err(CredentialsError::invalid_configuration(unusable)),
        None => Ok(credentials),
    }
}

fn unusable(part: &'static str, value: &str) -> Option<Unusable> {
    let is_sendable = value.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    let is_quoted = |mark: char| value.len() > 1 && value.starts_with(mark) && value.ends_with(mark);
    if !is_sendable {
        Some(Unusable::Unsendable(part))
    } else if value.ends_with(r"\n") || value.ends_with(r"\r") {
        Some(Unusable::Escaped(part))
    } else {
        (is_quoted('"') || is_quoted('\'')).then_some(Unusable::Quoted(part))
    }
}

/// Why a request has no credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lacking {
    /// There are none.
    All,
    /// They have expired.
    Expired,
    /// Their provider failed.
    Failed(ProviderFailure),
}

impl ProvideCredentials for Patient {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        future::ProvideCredentials::new(async move {
            let _lookup = self.lookups.begin();
            let provided = match timeout(self.within, self.provider.provide_credentials()).await {
                Ok(provided) => provided.and_then(usable),
                Err(_) => {
                    self.provider.fallback_on_interrupt().ok_or(CredentialsError::provider_timed_out(self.within))
                }
            };
            provided.map_err(|error| self.told(error))
        })
    }

    fn fallback_on_interrupt(&self) -> Option<Credentials> {
        self.provider.fallback_on_interrupt()
    }
}

/// Whether an error with this `chain` of causes means that there were no credentials. The SDK looks for them when it
/// signs a request, so their absence appears as a failed request.
pub(super) fn lacking<'a>(mut chain: impl Iterator<Item = &'a (dyn StdError + 'static)>) -> Option<Lacking> {
    chain.find(|cause| cause.is::<CredentialsError>())?;
    let found = chain.find_map(|cause| match cause {
        failed if failed.is::<Failed>() => {
            failed.downcast_ref::<Failed>().map(|Failed { failure, .. }| Lacking::Failed(failure.clone()))
        }
        expired if has_expired(expired) => Some(Lacking::Expired),
        _ => None,
    });
    Some(found.unwrap_or(Lacking::All))
}

#[cfg(test)]
mod tests {
    use std::io;

    use aws_sdk_s3::error::ErrorMetadata;
    use aws_sdk_signin::types::OAuth2ErrorCode;
    use aws_sdk_signin::types::error::AccessDeniedException as SignInRefused;
    use aws_sdk_sso::types::error::UnauthorizedException;
    use aws_sdk_sts::types::error::ExpiredTokenException;

    use super::super::provider::SIGN_IN_IS_OVER;
    use super::*;

    fn found(error: &(dyn StdError + 'static)) -> Option<Lacking> {
        let mut chain = vec![error];
        while let Some(cause) = chain[chain.len() - 1].source() {
            chain.push(cause);
        }
        lacking(chain.into_iter())
    }

    #[test]
    fn types_and_codes_tell_expired_credentials_from_missing_ones() {
        let of = |source: Box<dyn StdError + Send + Sync>| found(&CredentialsError::provider_error(source));
        assert_eq!(of(UnauthorizedException::builder().build().into()), Some(Lacking::Expired));
        assert_eq!(of(ExpiredTokenException::builder().build().into()), Some(Lacking::Expired));
        let code = |code: &str| ErrorMetadata::builder().code(code).message("no").build();
        assert_eq!(of(code("ExpiredToken").into()), Some(Lacking::Expired));
        assert_eq!(of(code("AccessDenied").into()), Some(Lacking::All));
        for words in SIGN_IN_IS_OVER {
            assert_eq!(of(words.into()), Some(Lacking::Expired));
        }
        let refused = |code| SignInRefused::builder().error(code).message("no").build().unwrap();
        assert_eq!(of(refused(OAuth2ErrorCode::TokenExpired).into()), Some(Lacking::Expired));
        assert_eq!(of(refused(OAuth2ErrorCode::UserCredentialsChanged).into()), Some(Lacking::Expired));
        assert_eq!(of(refused(OAuth2ErrorCode::InsufficientPermissions).into()), Some(Lacking::All));
        assert_eq!(of("the certificate of the identity provider expired".into()), Some(Lacking::All));
        assert_eq!(found(&CredentialsError::not_loaded_no_source()), Some(Lacking::All));
        assert_eq!(found(&CredentialsError::provider_timed_out(WITHIN)), Some(Lacking::All));
    }

    #[test]
    fn what_no_request_can_carry_is_told_without_its_value() {
        let of = |id: &str, secret: &str, token: Option<&str>| {
            usable(Credentials::new(id, secret, token.map(str::to_owned), None, "test"))
        };
        assert!(of("AKIA", "a/b+c=", Some("IQoJ//")).is_ok());
        assert!(of("\"", "a\\nb'", None).is_ok(), "other stores than S3 take any secret");
        for (id, secret, token, part) in [
            ("AKIA\r", "s", None, "the access key ID"),
            ("AKIA", "pa55\u{1}", None, "the secret access key"),
            ("AKIA", "s", Some("pa55\nword"), "the session token"),
            ("AKIA", "s", Some("pa55ü"), "the session token"),
            ("AKIA\\n", "s", None, "the access key ID"),
            ("AKIA", "pa55\\r", None, "the secret access key"),
            ("AKIA", "\"pa55\"", None, "the secret access key"),
            ("'AKIA'", "s", None, "the access key ID"),
        ] {
            let error = of(id, secret, token).unwrap_err();
            let told = [error.to_string(), error.source().unwrap().to_string()];
            assert!(told.iter().any(|text| text.starts_with(part)) && !told.concat().contains("pa55"), "{told:?}");
            assert_eq!(found(&error), Some(Lacking::All));
            let failure = failure_of(&error, &Profile::default()).unwrap();
            assert_eq!((failure.code, failure.message.contains(part)), (Code::NoCredentials, true), "{failure:?}");
        }
    }

    #[test]
    fn what_only_speaks_of_credentials_is_something_else() {
        assert_eq!(found(&io::Error::other("the identity of the server has expired: bad credentials")), None);
    }

    #[tokio::test]
    async fn a_provider_that_does_not_respond_in_time_gives_no_credentials() {
        #[derive(Debug)]
        struct Silent;
        impl ProvideCredentials for Silent {
            fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
            where
                Self: 'a,
            {
                future::ProvideCredentials::new(std::future::pending())
            }
        }
        let of = async |runs_program: bool| {
            let profile = Profile { runs_program, ..Profile::default() };
            let patient = Patient::new(SharedCredentialsProvider::new(Silent), profile, Lookups::default());
            let patient = Patient { within: patient.within / 100_000, ..patient };
            let error = patient.provide_credentials().await.unwrap_err();
            let Some(Lacking::Failed(failure)) = found(&error) else { panic!("{error:?}") };
            failure
        };
        let (service, program) = (of(false).await, of(true).await);
        assert!(service.message.contains("did not respond in time"), "{service:?}");
        assert!(program.message.contains("did not finish within"), "{program:?}");
        assert_eq!((service.code, program.code), (Code::Unreachable, Code::NoCredentials));
    }
}
