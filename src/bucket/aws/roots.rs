//! Trusted certificates: this machine's, and those of the bundle in AWS's settings; and the TLS errors about others.
//!
//! Without readable certificates on the machine, the SDK's connector panics in debug builds, even if no request
//! needs one; and in all builds if one of a bundle cannot be used. So both are checked first.

use std::error::Error as StdError;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use aws_config::SdkConfig;
use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use aws_types::service_config::ServiceConfigKey;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};

use crate::report::error::{Code, Problem};

/// Whether the machine has any, as far as that matters: release builds do not panic.
static ANY: LazyLock<bool> = LazyLock::new(|| {
    if !cfg!(debug_assertions) {
        return true;
    }
    let certificates = rustls_native_certs::load_native_certs().certs;
    RootCertStore::empty().add_parsable_certificates(certificates).0 > 0
});

/// What to do if a server's certificate is refused.
pub(super) const TRUST: &str = "If a proxy or a certificate authority of your own issued it, set AWS_CA_BUNDLE, or `ca_bundle` in \
    the AWS profile, to a PEM file with the authority's certificate.";

/// Certificates to trust besides the machine's own, as PEM; often that of a company's proxy.
#[derive(Clone, Debug, Default)]
pub(super) struct Bundle(Option<Arc<str>>);

impl Bundle {
    /// The bundle in `AWS_CA_BUNDLE` or, in AWS's own files, `ca_bundle`.
    ///
    /// # Errors
    /// [`Code::Configuration`], if it cannot be read or contains no certificates.
    pub(super) fn of(config: &SdkConfig) -> Result<Bundle, Problem> {
        let key = ServiceConfigKey::builder().service_id("S3").env("AWS_CA_BUNDLE").profile("ca_bundle").build();
        let named = config.service_config().zip(key.ok()).and_then(|(files, key)| files.load_config(key));
        match named {
            Some(path) => Bundle::read(Path::new(&path)),
            None => Ok(Bundle::default()),
        }
    }

    fn read(path: &Path) -> Result<Bundle, Problem> {
        let problem = |what: &str| {
            let message = format!("{}, set by AWS_CA_BUNDLE or `ca_bundle`, {what}", path.display());
            Problem::new(Code::Configuration, message)
                .hint("Set it to a PEM file with certificates, or unset it to use this machine's certificates.")
        };
        let unread = |error: pem::Error| {
            let what = if matches!(error, pem::Error::Io(_)) { "cannot be read" } else { "is not PEM" };
            problem(what).source(error)
        };
        let mut pem = String::new();
        for certificate in CertificateDer::pem_file_iter(path).map_err(unread)? {
            let certificate = certificate.map_err(unread)?;
            // Systems' bundles contain old certificates that cannot be parsed; they are skipped.
            if RootCertStore::empty().add(certificate.clone()).is_ok() {
                let text = BASE64_STANDARD.encode(&certificate);
                pem.push_str(&format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"));
            }
        }
        if pem.is_empty() { Err(problem("contains no certificates")) } else { Ok(Bundle(Some(pem.into()))) }
    }
}

/// The TLS implementation, if not the SDK's default; with no certificates at all it trusts no server, and refuses every
/// connection.
pub(super) fn tls(bundle: &Bundle) -> Option<TlsContext> {
    let mut trusted = TrustStore::empty().with_native_roots(*ANY);
    match &bundle.0 {
        Some(pem) => trusted = trusted.with_pem_certificate(pem.as_bytes()),
        None if *ANY => return None,
        None => {}
    }
    TlsContext::builder().with_trust_store(trusted).build().ok()
}

/// Whether TLS failed: a refused certificate, or a server that does not use TLS.
pub(super) fn is_of_tls(cause: &(dyn StdError + 'static)) -> bool {
    of_tls(cause).is_some()
}

/// Whether a server's certificate was refused.
pub(super) fn is_of_certificate(cause: &(dyn StdError + 'static)) -> bool {
    matches!(of_tls(cause), Some(rustls::Error::InvalidCertificate(_)))
}

/// The TLS error. The client wraps it in I/O errors, whose chain does not show it.
fn of_tls<'e>(cause: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    cause.downcast_ref().or_else(|| of_tls(cause.downcast_ref::<std::io::Error>()?.get_ref()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_certificates_is_told_by_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bundle.pem");
        for (text, what) in [("", "contains no certificates"), ("-----BEGIN CERTIFICATE-----\n%", "is not PEM")] {
            #[expect(clippy::disallowed_methods, reason = "a test makes the file that is read")]
            std::fs::write(&path, text).unwrap();
            let problem = Bundle::read(&path).unwrap_err();
            assert_eq!(problem.code, Code::Configuration);
            assert!(problem.message.contains("bundle.pem") && problem.message.ends_with(what), "{problem}");
        }
        assert!(Bundle::read(&folder.path().join("none")).unwrap_err().message.ends_with("cannot be read"));
    }
}
