//! Chooses the address of a host for each connection: S3 returns several in one DNS answer, and each connection starts
//! with a different one, so that no single machine gets the whole load of a publish.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use tokio::net::lookup_host;

/// The system's resolver; each answer begins with another address. Clones share the rotation.
#[derive(Clone, Debug, Default)]
pub(super) struct InTurn(Arc<AtomicUsize>);

impl ResolveDns for InTurn {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = lookup_host((name, 0)).await.map_err(ResolveDnsError::new)?;
            let turn = self.0.fetch_add(1, Ordering::Relaxed);
            Ok(turned(found.map(|address| address.ip()).collect(), turn))
        })
    }
}

/// The addresses of each family, beginning with another one each time. The family that the system prefers stays first.
fn turned(addresses: Vec<IpAddr>, turn: usize) -> Vec<IpAddr> {
    let Some(first) = addresses.first() else { return addresses };
    let is_preferred = first.is_ipv4();
    let (mut preferred, mut others): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == is_preferred);
    for family in [&mut preferred, &mut others].into_iter().filter(|family| !family.is_empty()) {
        let by = turn % family.len();
        family.rotate_left(by);
    }
    preferred.append(&mut others);
    preferred
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(all: &[&str]) -> Vec<IpAddr> {
        all.iter().map(|address| address.parse().unwrap()).collect()
    }

    #[test]
    fn each_connection_begins_with_another_address_of_the_same_family() {
        let answer = || addresses(&["::1", "10.0.0.1", "::2", "10.0.0.2", "10.0.0.3"]);
        assert_eq!(turned(answer(), 0), addresses(&["::1", "::2", "10.0.0.1", "10.0.0.2", "10.0.0.3"]));
        assert_eq!(turned(answer(), 1), addresses(&["::2", "::1", "10.0.0.2", "10.0.0.3", "10.0.0.1"]));
        assert_eq!(turned(answer(), 5), addresses(&["::2", "::1", "10.0.0.3", "10.0.0.1", "10.0.0.2"]));
        assert_eq!(turned(Vec::new(), 3), Vec::<IpAddr>::new());
    }

    #[tokio::test]
    async fn names_are_resolved_as_the_system_does() {
        let found = InTurn::default().resolve_dns("localhost").await.unwrap();
        assert!(!found.is_empty() && found.iter().all(IpAddr::is_loopback), "{found:?}");
        assert!(InTurn::default().resolve_dns("no.such.host.invalid").await.is_err());
    }
}
