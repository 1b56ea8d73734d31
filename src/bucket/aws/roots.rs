//! The certificates that this machine trusts. Where it has none that can be read, the SDK's connector panics in builds for
//! development, even if no request needs one; so that is found out first.

use std::sync::LazyLock;

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;

/// Whether there are any, as far as that matters: other builds do not panic.
static ANY: LazyLock<bool> = LazyLock::new(|| {
    if !cfg!(debug_assertions) {
        return true;
    }
    let certificates = rustls_native_certs::load_native_certs().certs;
    RootCertStore::empty().add_parsable_certificates(certificates).0 > 0
});

/// What speaks TLS: with no certificates at all it trusts nobody, and each server's is refused as it is met.
pub(super) fn tls() -> Option<TlsContext> {
    if *ANY {
        return None;
    }
    TlsContext::builder().with_trust_store(TrustStore::empty()).build().ok()
}
