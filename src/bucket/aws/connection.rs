//! How requests are sent, and how long a server may be unreachable before a request fails: for every client, including those
//! that sign in or check the site.

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::error::ConnectorError;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_http_client::{Builder, Connector};
use aws_smithy_runtime_api::client::connector_metadata::ConnectorMetadata;
use aws_smithy_runtime_api::client::dns::ResolveDns;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use hyper_util::client::legacy;
use hyper_util::client::proxy::matcher::Matcher;
use tokio::time::{Instant, sleep};

use super::addresses::InTurn;
use super::provider::chain;
use super::roots::{self, Bundle, is_of_tls};

/// The TLS implementation: the same as in the SDK's own client.
const TLS: Provider = Provider::Rustls(CryptoMode::AwsLc);

/// How long an unresolvable name, or a port that refuses connections, counts as a passing fault.
const ABSENCE: Duration = Duration::from_secs(4);

/// The first wait for the server to become reachable; each later one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The SDK's own client, for requests to AWS. Requests to this machine go directly, even if the environment names a proxy.
pub(super) fn client(bundle: &Bundle) -> SharedHttpClient {
    let way = |proxy: fn() -> ProxyConfig| {
        let (bundle, addresses) = (bundle.clone(), InTurn::default());
        Builder::new()
            .build_with_connector_fn(move |settings, parts| connector(&bundle, &addresses, proxy(), settings, parts))
    };
    SharedHttpClient::new(Ways { direct: way(ProxyConfig::disabled), proxied: way(ProxyConfig::from_env) })
}

/// A connection for requests outside the SDK.
pub(super) fn plain_connector(bundle: &Bundle) -> SharedHttpConnector {
    let way = |proxy| SharedHttpConnector::new(connector(bundle, &InTurn::default(), proxy, None, None));
    let (direct, proxied) = (way(ProxyConfig::disabled()), way(ProxyConfig::from_env()));
    SharedHttpConnector::new(Ways { direct, proxied })
}

fn connector(
    bundle: &Bundle,
    addresses: &(impl ResolveDns + Clone + 'static),
    proxy: ProxyConfig,
    settings: Option<&HttpConnectorSettings>,
    components: Option<&RuntimeComponents>,
) -> Connector {
    let mut builder = Connector::builder().tls_provider(TLS).proxy_config(proxy);
    if let Some(tls) = roots::tls(bundle) {
        builder = builder.tls_context(tls);
    }
    builder.set_connector_settings(settings.cloned());
    if let Some(components) = components {
        builder.set_sleep_impl(components.sleep_impl());
    }
    builder.build_with_resolver(addresses.clone())
}

/// Two connectors; each request uses one of them.
#[derive(Clone, Debug)]
struct Ways<W> {
    direct: W,
    proxied: W,
}

impl HttpClient for Ways<SharedHttpClient> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let direct = self.direct.http_connector(settings, components);
        let proxied = self.proxied.http_connector(settings, components);
        SharedHttpConnector::new(Ways { direct, proxied })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.direct.connector_metadata()
    }
}

impl HttpConnector for Ways<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        if is_this_machine(request.uri()) { self.direct.call(request) } else { self.proxied.call(request) }
    }
}

/// Whether a proxy in the environment's variables handles requests to an address.
pub(super) fn is_proxied(address: &str) -> bool {
    let proxied = address.parse().ok().and_then(|address| Matcher::from_env().intercept(&address));
    proxied.is_some() && !is_this_machine(address)
}

/// Whether an address names this machine, which no proxy can reach.
fn is_this_machine(address: &str) -> bool {
    let (_, rest) = address.split_once("://").unwrap_or(("", address));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let authority = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = match authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, _)) => host,
        None => authority.split(':').next().unwrap_or_default(),
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host == "localhost" || host.ends_with(".localhost") || host.parse().is_ok_and(is_loopback)
}

/// A client that does not give up at once if the server is unreachable: names resolve and ports open again when a
/// network returns or a server restarts. No request was made, so none is counted.
#[derive(Clone, Debug)]
pub(super) struct Persistent<I> {
    inner: I,
    /// Since when the server has been unreachable.
    absent: Arc<Mutex<Option<Instant>>>,
}

impl<I> Persistent<I> {
    pub(super) fn new(inner: I) -> Persistent<I> {
        Persistent { inner, absent: Arc::default() }
    }
}

impl<I: HttpClient> HttpClient for Persistent<I> {
    fn http_connector(&self, settings: &HttpConnectorSettings, components: &RuntimeComponents) -> SharedHttpConnector {
        let inner = self.inner.http_connector(settings, components);
        SharedHttpConnector::new(Persistent { inner, absent: Arc::clone(&self.absent) })
    }

    fn connector_metadata(&self) -> Option<ConnectorMetadata> {
        self.inner.connector_metadata()
    }
}

impl HttpConnector for Persistent<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (inner, absent) = (self.inner.clone(), Arc::clone(&self.absent));
        HttpConnectorFuture::new(async move {
            let mut request = request;
            let mut wait = FIRST_WAIT;
            loop {
                let again = request.try_clone();
                let answer = inner.call(request).await;
                let is_nobody_there = answer.as_ref().err().is_some_and(is_nobody_there);
                let since = {
                    let mut absent = absent.lock().unwrap_or_else(PoisonError::into_inner);
                    if is_nobody_there {
                        Some(*absent.get_or_insert_with(Instant::now))
                    } else {
                        absent.take();
                        None
                    }
                };
                match (again, since) {
                    (Some(again), Some(since)) if since.elapsed() + wait <= ABSENCE => request = again,
                    _ => return answer,
                }
                sleep(wait).await;
                wait *= 2;
            }
        })
    }
}

/// Whether a connection was never made, so that no part of the request can have arrived. A server whose certificate is
/// refused is reachable.
fn is_nobody_there(error: &ConnectorError) -> bool {
    let is_connecting =
        |cause: &(dyn StdError + 'static)| cause.downcast_ref::<legacy::Error>().is_some_and(legacy::Error::is_connect);
    !error.is_timeout() && chain(error).any(is_connecting) && !chain(error).any(is_of_tls)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDnsError};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A resolver that does not know a name at first.
    #[derive(Clone, Debug)]
    struct Flaky {
        failures: usize,
        asked: Arc<AtomicUsize>,
    }

    impl ResolveDns for Flaky {
        fn resolve_dns<'a>(&'a self, _: &'a str) -> DnsFuture<'a> {
            let is_known = self.asked.fetch_add(1, Ordering::Relaxed) >= self.failures;
            let address = IpAddr::from([127, 0, 0, 1]);
            DnsFuture::ready(if is_known { Ok(vec![address]) } else { Err(ResolveDnsError::new("no such host")) })
        }
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_is_asked_for_again_for_a_few_seconds() {
        for (failures, expected) in [(2, Some(200)), (usize::MAX, None)] {
            let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let port = server.local_addr().unwrap().port();
            let answering = async {
                let (mut connection, _) = server.accept().await.unwrap();
                assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);
                connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
                std::future::pending::<()>().await;
            };
            let resolver = Flaky { failures, asked: Arc::default() };
            let direct = connector(&Bundle::default(), &resolver, ProxyConfig::disabled(), None, None);
            let client = Persistent::new(SharedHttpConnector::new(direct));
            let mut request = HttpRequest::empty();
            request.set_uri(format!("http://store.example:{port}/")).unwrap();
            let answer = tokio::select! {
                answer = client.call(request) => answer.ok().map(|answer| answer.status().as_u16()),
                () = answering => None,
            };
            assert_eq!(answer, expected);
            // The wait doubles each time: 3 seconds in all for a name that never resolves.
            assert_eq!(resolver.asked.load(Ordering::Relaxed), if expected.is_some() { 3 } else { 5 });
        }
    }

    #[test]
    fn this_machine_by_all_its_names() {
        for address in [
            "http://127.0.0.1:9000/bucket/key?a=b",
            "http://127.9.9.9",
            "https://[::1]:443/",
            "http://[::ffff:127.0.0.1]/",
            "http://localhost:4566/",
            "http://LOCALHOST./",
            "http://bucket.s3.localhost:4566/a@b",
            "http://user:word@localhost/",
        ] {
            assert!(is_this_machine(address), "{address}");
        }
        for address in [
            "https://s3.eu-central-1.amazonaws.com/localhost",
            "https://localhost.example.com/",
            "http://10.0.0.1/?http://localhost",
            "http://notlocalhost/",
            "http://localhost@example.com/",
            "http://169.254.169.254/",
        ] {
            assert!(!is_this_machine(address), "{address}");
        }
    }
}
