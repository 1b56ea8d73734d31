//! Failures of a provider of credentials, for every module that needs them.

use std::error::Error as StdError;

use aws_sdk_s3::error::ErrorMetadata;
use aws_sdk_signin::types::OAuth2ErrorCode;
use aws_sdk_signin::types::error::AccessDeniedException as SignInRefused;
use aws_sdk_sso::types::error::UnauthorizedException;
use aws_sdk_sts::types::error::ExpiredTokenException;

use super::refusals::{Class, class_of};
use crate::report::error::Code;

/// The text with which aws-config reports an expired sign-in. The type (`SsoTokenProviderError::ExpiredToken` in
/// aws-config 1.13, src/sso/token.rs) is private and has no code, and nothing else distinguishes it from a cached token that
/// cannot be read. The same is true of `aws login` (`LoginTokenError::ExpiredToken`, src/login/token.rs).
pub(super) const SIGN_IN_IS_OVER: [&str; 2] =
    ["the SSO token has expired and cannot be refreshed", "cached Login token is expired"];

/// The failure of a provider of credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ProviderFailure {
    /// What kind of failure it is.
    pub(super) code: Code,
    /// Which provider failed, and how.
    pub(super) message: String,
    /// What to do.
    pub(super) hint: String,
}

/// Why one part of the credentials cannot be used, for example because it was copied together with its line break.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("{0} contains a character that cannot be sent in a request, such as a line break")]
    Unsendable(&'static str),
    #[error("{0} ends with a literal `\\n` or `\\r`")]
    Escaped(&'static str),
    #[error("{0} is in quotation marks, which must be removed")]
    Quoted(&'static str),
}

/// An error and its causes.
pub(super) fn chain<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn StdError + 'static)| {
        let error: &'a (dyn StdError + 'static) = *error;
        error.source()
    })
}

/// Exceptions in a service's model have types; for all others the SDK keeps code and message.
pub(super) fn has_expired(cause: &(dyn StdError + 'static)) -> bool {
    let code = cause.downcast_ref::<ErrorMetadata>().and_then(ErrorMetadata::code);
    cause.is::<ExpiredTokenException>()
        || cause.is::<UnauthorizedException>()
        || class_of(None, code, None) == Class::ExpiredCredentials
        || cause.downcast_ref::<SignInRefused>().is_some_and(|refused| {
            matches!(refused.error(), OAuth2ErrorCode::TokenExpired | OAuth2ErrorCode::UserCredentialsChanged)
        })
        || SIGN_IN_IS_OVER.contains(&cause.to_string().as_str())
}
