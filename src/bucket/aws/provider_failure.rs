//! Which provider of credentials failed, and why, in words for people. Without this, everything but an expired sign-in looks
//! like "no credentials".

use std::error::Error as StdError;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata};
use aws_sdk_signin::operation::create_o_auth2_token::CreateOAuth2TokenError;
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;

use super::profile::Profile;
use super::refusals::{Class, class_of};
use crate::report::error::Code;

/// What gives credentials failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProviderFailure {
    /// What kind of failure it is.
    pub(super) code: Code,
    /// Which provider failed, and how.
    pub(super) message: String,
    /// What to do.
    pub(super) hint: String,
}

/// The error of a provider, with what it means.
#[derive(Debug, thiserror::Error)]
#[error("{}", failure.message)]
pub(super) struct Failed {
    pub(super) failure: ProviderFailure,
    pub(super) source: CredentialsError,
}

/// How aws-config 1.13 says that a profile is not there (`ProfileFileError::MissingProfile`, src/profile/credentials.rs); the
/// type is private.
const MISSING_PROFILE: &str = "` was not defined";

/// How it says that the program of `credential_process` failed (src/credential_process.rs), which has no type either.
const PROGRAM: &str = "external process";

/// How it says that there is no token of `aws sso login` (`SsoTokenProviderError::FailedToLoadToken`, src/sso/token.rs): a
/// private type that hides its cause.
const NO_SSO_TOKEN: &str = "failed to load the cached SSO token";

/// An error and what lies beneath it.
pub(super) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error: &'a (dyn StdError + 'static) = *error;
        error.source()
    })
}

/// What failed where `error` is not just that nobody has credentials.
pub(super) fn failure_of(error: &CredentialsError, profile: &Profile) -> Option<ProviderFailure> {
    let chain: Vec<_> = chain(error).collect();
    let texts: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let of_profile = profile.of_it();
    let failure = |code, message: String, hint: &str| Some(ProviderFailure { code, message, hint: hint.to_owned() });
    let missing = texts.iter().find_map(|text| missing_profile(text)).or(profile.missing.as_deref());
    if let Some(missing) = missing {
        return failure(
            Code::Configuration,
            format!("There is no profile `{missing}` in the AWS configuration files"),
            "Correct `profile` in publish.toml, --profile or AWS_PROFILE, or a `source_profile` that refers to it; \
             `aws configure list-profiles` lists the existing profiles.",
        );
    }
    if matches!(error, CredentialsError::CredentialsNotLoaded(_)) {
        // Where a profile was asked for by name, nobody else is asked.
        profile.name.as_ref()?;
        return failure(
            Code::NoCredentials,
            format!("There are no AWS credentials{}", profile.in_it()),
            "Check that the profile exists (`aws configure list-profiles`) and has credentials (`aws login`, `aws sso \
             login` or `aws configure` sets them up), or correct --profile.",
        );
    }
    if let Some(command) = profile.signs_in.filter(|_| chain.iter().any(|cause| is_not_there(*cause))) {
        let hint = format!("Run `{command}{}`, then the same command again.", profile.flag());
        return failure(Code::NoCredentials, format!("Nobody is signed in with `{command}`{}", profile.in_it()), &hint);
    }
    if let Some(Refused { what, class, said, hint, is_role }) = chain.iter().find_map(|cause| refusal(*cause)) {
        let message = format!("{what}{of_profile}: {said}");
        return match class {
            Class::Throttled => failure(Code::Throttled, message, IN_A_MINUTE),
            Class::Unavailable => failure(Code::Aws, message, IN_A_MINUTE),
            _ if is_role && profile.has_device => failure(Code::AccessDenied, message, &with_device(profile)),
            _ => failure(Code::AccessDenied, message, hint),
        };
    }
    if texts.iter().any(|text| text.contains(PROGRAM)) {
        return failure(
            Code::NoCredentials,
            format!("The `credential_process` program{of_profile} returned no AWS credentials"),
            "Run it by hand to see why; its output is not shown here, because it may contain credentials.",
        );
    }
    if profile.runs_program
        && let CredentialsError::ProviderTimedOut(within) = error
    {
        let seconds = within.timeout_duration().as_secs();
        return failure(
            Code::NoCredentials,
            format!("The `credential_process` program{of_profile} did not finish within {seconds} seconds"),
            "Run it by hand to see what it is waiting for: here it has no terminal to prompt on.",
        );
    }
    let is_silent = |cause: &&&(dyn StdError + 'static)| cause.is::<ConnectorError>();
    if matches!(error, CredentialsError::ProviderTimedOut(_)) || chain.iter().any(|cause| is_silent(&cause)) {
        return failure(
            Code::Unreachable,
            format!("The source of the AWS credentials{of_profile} did not respond in time, or could not be reached"),
            "Check the network, the proxy, and the region of the sign-in (`sso_region` of the profile, or the role's); then run \
             the same command again.",
        );
    }
    failure(
        Code::NoCredentials,
        format!("The AWS credentials{of_profile} could not be loaded"),
        "Correct what the cause says: a profile's file, or the variables of the pipeline.",
    )
}

/// `x` of "profile `x` was not defined".
fn missing_profile(text: &str) -> Option<&str> {
    let (before, _) = text.split_once(MISSING_PROFILE)?;
    before.rsplit_once('`').map(|(_, name)| name)
}

/// Whether there is no token of a sign-in.
fn is_not_there(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
        || cause.to_string() == NO_SSO_TOKEN
}

/// What is done about a role that may want a code: nobody is asked for one.
fn with_device(profile: &Profile) -> String {
    format!(
        "The profile has an MFA device (`mfa_serial`), and publish cannot ask for its code. If the role requires it, \
         let the AWS CLI ask: `eval \"$(aws configure export-credentials{} --format env)\"`, then the same command \
         without the \
         profile.",
        profile.flag()
    )
}

/// What is done about a service that is busy or down.
const IN_A_MINUTE: &str = "Run the same command again in a minute.";

/// What refused to give credentials, what its answer means, what it said, and what to do if that lasts.
struct Refused {
    what: &'static str,
    class: Class,
    said: String,
    hint: &'static str,
    /// Whether a role was to be assumed with other credentials.
    is_role: bool,
}

impl Refused {
    fn of(what: &'static str, error: &impl ProvideErrorMetadata, hint: &'static str) -> Refused {
        let class = class_of(None, error.code(), None);
        Refused { what, class, said: said(error), hint, is_role: false }
    }
}

/// Which service refused to give credentials.
fn refusal(cause: &(dyn StdError + 'static)) -> Option<Refused> {
    if let Some(error) = cause.downcast_ref::<AssumeRoleError>() {
        let hint = "Allow the identity that assumes the role to call sts:AssumeRole on it, add that identity to the role's trust \
                    policy, and check `role_arn`.";
        let refused = Refused::of("AWS refused to give credentials for the role", error, hint);
        return Some(Refused { is_role: true, ..refused });
    }
    if let Some(error) = cause.downcast_ref::<AssumeRoleWithWebIdentityError>() {
        let hint = "Check AWS_ROLE_ARN, and the identity provider and the conditions on the token's `aud` and `sub` in \
            the role's trust policy.";
        return Some(Refused::of("AWS did not accept the pipeline's identity (OIDC) for the role", error, hint));
    }
    if let Some(error) = cause.downcast_ref::<CreateOAuth2TokenError>() {
        let hint = "Allow signin:CreateOAuth2Token for the user who signs in; `aws login` signs in again.";
        return Some(Refused::of("The AWS sign-in (`aws login`) gave no credentials", error, hint));
    }
    let error = cause.downcast_ref::<GetRoleCredentialsError>()?;
    let hint = "Check `sso_account_id` and `sso_role_name` of the profile, and whether you are assigned to them; `aws sso login` \
                signs in again.";
    Some(Refused::of("The sign-in (SSO) gave no credentials for the role", error, hint))
}

fn said(error: &impl ProvideErrorMetadata) -> String {
    let words: Vec<&str> = error.code().into_iter().chain(error.message()).collect();
    if words.is_empty() { "no reason was given".to_owned() } else { words.join(": ") }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::error::ErrorMetadata;

    use super::*;

    fn profile() -> Profile {
        Profile { name: Some("ci".to_owned()), ..Profile::default() }
    }

    fn of(error: impl Into<Box<dyn StdError + Send + Sync>>) -> ProviderFailure {
        failure_of(&CredentialsError::provider_error(error), &profile()).unwrap()
    }

    fn metadata(code: &str, message: &str) -> ErrorMetadata {
        ErrorMetadata::builder().code(code).message(message).build()
    }

    #[test]
    fn each_provider_that_refuses_is_named_with_what_it_said() {
        let denied = metadata("AccessDenied", "not authorized to perform: sts:AssumeRole on resource: arn:role/x");
        let role = of(AssumeRoleError::generic(denied));
        assert!(role.message.contains("for the role of profile `ci`: AccessDenied: not authorized"), "{role:?}");
        assert!(role.hint.contains("trust policy"), "{role:?}");
        let denied = metadata("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
        let pipeline = of(AssumeRoleWithWebIdentityError::generic(denied));
        assert!(pipeline.message.contains("OIDC") && pipeline.hint.contains("`sub`"), "{pipeline:?}");
        let sso = of(GetRoleCredentialsError::generic(metadata("ForbiddenException", "No access")));
        assert!(sso.message.contains("(SSO)") && sso.message.ends_with("ForbiddenException: No access"), "{sso:?}");
        for failure in [role, pipeline, sso] {
            assert_eq!(failure.code, Code::AccessDenied);
        }
    }

    #[test]
    fn what_is_not_refused_is_named_too() {
        let program = of("Error retrieving credentials: external process exited with code 1. Stderr: hush");
        assert_eq!(program.code, Code::NoCredentials);
        assert!(
            program.message.contains("`credential_process`")
                && program.message.contains("profile `ci`")
                && !program.message.contains("hush")
        );
        let unreachable = of(ConnectorError::io("dns error".into()));
        assert_eq!(unreachable.code, Code::Unreachable);
        let missing = "profile `prodction` was not defined: default profile";
        let missing = failure_of(&CredentialsError::not_loaded(missing), &Profile::default()).unwrap();
        assert_eq!(missing.code, Code::Configuration);
        assert!(missing.message.contains("no profile `prodction`"), "{missing:?}");
        let other = of("the file holds no JSON");
        assert_eq!((other.code, other.message.contains("of profile `ci`")), (Code::NoCredentials, true));
        assert_eq!(failure_of(&CredentialsError::not_loaded_no_source(), &Profile::default()), None);
        let empty = failure_of(&CredentialsError::not_loaded_no_source(), &profile()).unwrap();
        assert_eq!((empty.code, empty.message.contains("in profile `ci`")), (Code::NoCredentials, true));
    }
}
