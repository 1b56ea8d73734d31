//! Which provider of credentials failed, and why, in words for people. Without this, everything except an expired sign-in
//! looks like "no credentials".

use std::error::Error as StdError;
use std::io;

use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_s3::error::{ConnectorError, ProvideErrorMetadata};
use aws_sdk_signin::operation::create_o_auth2_token::CreateOAuth2TokenError;
use aws_sdk_sso::operation::get_role_credentials::GetRoleCredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;

use super::profile::{CredentialSource, Profile};
use super::provider::{ProviderFailure, Unusable, chain, has_expired};
use super::refusals::{Class, class_of};
use super::roots::{TRUST, is_of_certificate};
use crate::report::error::Code;

/// The error of a provider, with its meaning.
#[derive(Debug, thiserror::Error)]
#[error("{}", failure.message)]
pub(super) struct Failed {
    pub(super) failure: ProviderFailure,
    pub(super) source: Option<CredentialsError>,
}

/// The text with which aws-config 1.13 reports a failed `credential_process` (src/credential_process.rs); it has no type either.
const PROGRAM: &str = "external process";

/// Its names for a container's credential service (src/ecs.rs, src/http_credential_provider.rs) and an instance's metadata
/// service (src/imds).
const CONTAINER: [&str; 2] = ["ECS provider", "HTTP credential provider"];
const INSTANCE: &str = "IMDS";

/// Its text for a missing token of `aws sso login` (`SsoTokenProviderError::FailedToLoadToken`, src/sso/token.rs): a
/// private type that hides its cause.
const NO_SSO_TOKEN: &str = "failed to load the cached SSO token";

/// Which provider failed and why; `None` if there are simply no credentials.
pub(super) fn failure_of(error: &CredentialsError, profile: &Profile) -> Option<ProviderFailure> {
    let chain: Vec<_> = chain(error).collect();
    let texts = chain.iter().map(ToString::to_string).collect();
    let seen = Seen { error, chain, texts, profile };
    if let Some(failure) = seen.mistake().or_else(|| seen.of_machine()) {
        return Some(failure);
    }
    // The instance's service is tried last, even if this machine is not an instance.
    let has_none = seen.is_not_loaded() || (profile.name.is_none() && seen.says(&[INSTANCE]));
    let is_over_elsewhere = seen.has_expired() && profile.signs_in.is_none();
    if has_none || is_over_elsewhere {
        return None;
    }
    let known =
        seen.of_sign_in().or_else(|| seen.of_service()).or_else(|| seen.of_file()).or_else(|| seen.of_program());
    Some(known.or_else(|| seen.of_silence()).unwrap_or_else(|| {
        failure(
            Code::NoCredentials,
            format!("The AWS credentials{} could not be loaded", profile.of_it()),
            "Correct what the cause names, such as the AWS configuration files or the pipeline's environment variables.",
        )
    }))
}

fn failure(code: Code, message: String, hint: &str) -> ProviderFailure {
    ProviderFailure { code, message, hint: hint.to_owned() }
}

/// The error of a provider, taken apart. Each function recognises one kind of failure.
struct Seen<'e> {
    error: &'e CredentialsError,
    chain: Vec<&'e (dyn StdError + 'static)>,
    texts: Vec<String>,
    profile: &'e Profile,
}

impl Seen<'_> {
    fn says(&self, words: &[&str]) -> bool {
        self.texts.iter().any(|text| words.iter().any(|word| text.contains(word)))
    }

    fn has<T: StdError + 'static>(&self) -> bool {
        self.chain.iter().any(|cause| cause.is::<T>())
    }

    fn is_not_loaded(&self) -> bool {
        matches!(self.error, CredentialsError::CredentialsNotLoaded(_))
    }

    fn has_expired(&self) -> bool {
        self.chain.iter().any(|cause| has_expired(*cause))
    }

    /// Unusable credentials, or an unusable profile.
    fn mistake(&self) -> Option<ProviderFailure> {
        if let Some(unusable) = self.chain.iter().find_map(|cause| cause.downcast_ref::<Unusable>()) {
            return Some(failure(
                Code::NoCredentials,
                format!("The AWS credentials{} cannot be used: {unusable}", self.profile.of_it()),
                "Correct them where they are set: in the environment variables, the AWS configuration files, or the program or \
                 service that provides them.",
            ));
        }
        let is_of_settings = self.is_not_loaded() || matches!(self.error, CredentialsError::InvalidConfiguration(_));
        self.profile.mistake.clone().filter(|_| is_of_settings)
    }

    /// A profile whose `credential_source` returns nothing.
    fn of_machine(&self) -> Option<ProviderFailure> {
        let is_empty = |cause: &&(dyn StdError + 'static)| {
            matches!(cause.downcast_ref(), Some(CredentialsError::CredentialsNotLoaded(_)))
        };
        let is_its = self.chain.iter().any(is_empty) || self.says(&CONTAINER) || self.says(&[INSTANCE]);
        let source = self.profile.source.filter(|_| is_its)?;
        Some(of_machine(source, self.profile.name.as_deref().unwrap_or("default")))
    }

    /// A sign-in that has expired, or that never happened.
    fn of_sign_in(&self) -> Option<ProviderFailure> {
        let (profile, command) = (self.profile, self.profile.signs_in?);
        let hint = format!("Run `{command}{}`, then the same command again.", profile.flag());
        if self.has_expired() {
            let message = format!("The `{command}` session{} has expired", profile.for_it());
            return Some(failure(Code::ExpiredCredentials, message, &hint));
        }
        self.chain.iter().any(|cause| is_not_there(*cause)).then(|| {
            failure(Code::NoCredentials, format!("There is no `{command}` session{}", profile.for_it()), &hint)
        })
    }

    /// A service that refuses.
    fn of_service(&self) -> Option<ProviderFailure> {
        if self.says(&CONTAINER) {
            return Some(failure(
                Code::NoCredentials,
                "The container's credential service returned no AWS credentials".to_owned(),
                "Check the role of the task or pod, and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or \
                 AWS_CONTAINER_CREDENTIALS_FULL_URI; outside a container, unset them.",
            ));
        }
        let refused = self.chain.iter().find_map(|cause| refusal(*cause));
        let Refused { what, class, said, hint, is_role } = refused?;
        let message = format!("{what}{}: {said}", self.profile.of_it());
        Some(match class {
            Class::Throttled => failure(Code::Throttled, message, IN_A_MINUTE),
            Class::Unavailable => failure(Code::Aws, message, IN_A_MINUTE),
            _ if is_role && self.profile.has_device => failure(Code::AccessDenied, message, &with_device(self.profile)),
            _ => failure(Code::AccessDenied, message, hint),
        })
    }

    /// The missing token of a web identity.
    fn of_file(&self) -> Option<ProviderFailure> {
        let is_of_file = self.has::<io::Error>() && !self.has::<ConnectorError>();
        let file = self.profile.token_file.as_ref().filter(|_| is_of_file)?;
        Some(failure(
            Code::NoCredentials,
            format!("The web identity token file{}, {file}, cannot be read", self.profile.of_it()),
            "Correct `web_identity_token_file` in the profile or AWS_WEB_IDENTITY_TOKEN_FILE, and have the pipeline write the \
             token before it publishes.",
        ))
    }

    /// A failed `credential_process`.
    fn of_program(&self) -> Option<ProviderFailure> {
        let of_profile = self.profile.of_it();
        if self.says(&[PROGRAM]) {
            return Some(failure(
                Code::NoCredentials,
                format!("The `credential_process` program{of_profile} returned no AWS credentials"),
                "Run it by hand to see why; its output is not shown here, because it may contain credentials.",
            ));
        }
        let CredentialsError::ProviderTimedOut(within) = self.error else { return None };
        let seconds = within.timeout_duration().as_secs();
        self.profile.runs_program.then(|| {
            failure(
                Code::NoCredentials,
                format!("The `credential_process` program{of_profile} did not finish within {seconds} seconds"),
                "Run it by hand to see what it is waiting for: publish gives it no terminal to prompt on.",
            )
        })
    }

    /// A service that does not answer.
    fn of_silence(&self) -> Option<ProviderFailure> {
        let is_silent = matches!(self.error, CredentialsError::ProviderTimedOut(_)) || self.has::<ConnectorError>();
        let of_profile = self.profile.of_it();
        if self.chain.iter().any(|cause| is_of_certificate(*cause)) {
            let message = format!("The certificate of the source of the AWS credentials{of_profile} cannot be trusted");
            return Some(failure(Code::Unreachable, message, TRUST));
        }
        is_silent.then(|| {
            failure(
                Code::Unreachable,
                format!("The provider of the AWS credentials{of_profile} could not be reached or did not respond in time"),
                "Check the network, the proxy, and the region of the sign-in (`sso_region` in the profile, or the role's \
                 region); then run the same command again.",
            )
        })
    }
}

/// What to do if the profile `name` uses the machine's credentials, and the machine has none.
fn of_machine(source: CredentialSource, name: &str) -> ProviderFailure {
    let (what, hint) = match source {
        CredentialSource::Environment => (
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not both set",
            "Set both variables, or change `credential_source` in the profile.",
        ),
        CredentialSource::EcsContainer => (
            "the container's credential service returned none",
            "This source works in ECS, EKS and CodeBuild containers, which set AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or \
             AWS_CONTAINER_CREDENTIALS_FULL_URI. Elsewhere, use another profile.",
        ),
        CredentialSource::Ec2InstanceMetadata => (
            "the instance's metadata service returned none",
            "This source works on EC2 instances that have a role, unless AWS_EC2_METADATA_DISABLED is set. Elsewhere, use another \
             profile.",
        ),
    };
    let message = format!("No AWS credentials for profile `{name}` (`credential_source = {source}`): {what}");
    ProviderFailure { code: Code::NoCredentials, message, hint: hint.to_owned() }
}

/// Whether the token of a sign-in is missing.
fn is_not_there(cause: &(dyn StdError + 'static)) -> bool {
    cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
        || cause.to_string() == NO_SSO_TOKEN
}

/// What to do about a role that may require an MFA code: publish cannot ask for one.
fn with_device(profile: &Profile) -> String {
    format!(
        "The profile sets an MFA device (`mfa_serial`), and publish cannot ask for its code. If the role requires MFA, \
         let the AWS CLI ask: run `eval \"$(aws configure export-credentials{} --format env)\"`, then the same command \
         without the profile.",
        profile.flag()
    )
}

/// What to do about a service that is busy or down.
const IN_A_MINUTE: &str = "Run the same command again in a minute.";

/// Which service refused to provide credentials, what its answer means, its message, and what to do if it persists.
struct Refused {
    what: &'static str,
    class: Class,
    said: String,
    hint: &'static str,
    /// Whether the failure is in assuming a role with other credentials.
    is_role: bool,
}

impl Refused {
    fn of(what: &'static str, error: &impl ProvideErrorMetadata, hint: &'static str) -> Refused {
        let class = class_of(None, error.code(), None);
        Refused { what, class, said: said(error), hint, is_role: false }
    }
}

/// Which service refused to provide credentials.
fn refusal(cause: &(dyn StdError + 'static)) -> Option<Refused> {
    if let Some(error) = cause.downcast_ref::<AssumeRoleError>() {
        let hint = "Allow the identity that assumes the role to call sts:AssumeRole on it, add that identity to the role's trust \
                    policy, and check `role_arn`.";
        let refused = Refused::of("AWS refused to issue credentials for the role", error, hint);
        return Some(Refused { is_role: true, ..refused });
    }
    if let Some(error) = cause.downcast_ref::<AssumeRoleWithWebIdentityError>() {
        let hint = "Check AWS_ROLE_ARN and, in the role's trust policy, the identity provider and the conditions on the \
            token's `aud` and `sub`.";
        return Some(Refused::of("AWS did not accept the pipeline's OIDC identity for the role", error, hint));
    }
    if let Some(error) = cause.downcast_ref::<CreateOAuth2TokenError>() {
        let hint = "Allow signin:CreateOAuth2Token for the user who signs in, then sign in again with `aws login`.";
        return Some(Refused::of("The AWS sign-in service (`aws login`) returned no credentials", error, hint));
    }
    let error = cause.downcast_ref::<GetRoleCredentialsError>()?;
    let hint = "Check `sso_account_id` and `sso_role_name` in the profile, and that you are assigned that role in that account; \
                then sign in again with `aws sso login`.";
    Some(Refused::of("AWS IAM Identity Center (SSO) returned no credentials for the role", error, hint))
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
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let untrusted = of(ConnectorError::io(io::Error::other(untrusted).into()));
        assert_eq!(untrusted.code, Code::Unreachable);
        assert!(
            untrusted.message.contains("profile `ci` cannot be trusted") && untrusted.hint.contains("AWS_CA_BUNDLE")
        );
        let other = of("the file holds no JSON");
        assert_eq!((other.code, other.message.contains("of profile `ci`")), (Code::NoCredentials, true));
        assert_eq!(failure_of(&CredentialsError::not_loaded_no_source(), &Profile::default()), None);
        let machine = |source| {
            let profile = Profile { source: Some(source), ..profile() };
            failure_of(&CredentialsError::not_loaded_no_source(), &profile).unwrap()
        };
        let environment = machine(CredentialSource::Environment);
        assert!(environment.message.contains("`ci`") && environment.hint.contains("both variables"), "{environment:?}");
        assert!(machine(CredentialSource::EcsContainer).hint.contains("ECS, EKS and CodeBuild containers"));
        assert!(machine(CredentialSource::Ec2InstanceMetadata).hint.contains("EC2 instances"));
        let instance = CredentialsError::provider_error("failed to load IMDS session token");
        assert_eq!(failure_of(&instance, &Profile::default()), None, "it is asked everywhere");
    }
}
