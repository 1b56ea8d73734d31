//! Requests and the end of the lease they are made under.

use std::pin::pin;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::uploads::source;
use super::*;
use crate::release::layout::SeenObject;
use crate::types::clock::Deadline;

#[tokio::test]
async fn what_is_begun_after_the_term_is_not_sent_and_reads_are() {
    let sandbox = sandbox().await;
    let store = connect(&sandbox).await.store;
    store.put_bytes(&at("a"), b"a".to_vec(), &html(), Condition::None).await.unwrap();
    let term = Term::until(Deadline::after(Duration::ZERO));
    let bounded = store.until(&term);
    sandbox.clear_requests();
    let error = bounded.put_bytes(&at("a"), b"b".to_vec(), &html(), Condition::None).await.unwrap_err();
    assert_eq!(error.class, Class::Other, "{error:?}");
    assert!(bounded.copy(&at("a"), None, &at("b"), &html(), Condition::None).await.is_err());
    assert!(bounded.delete(&[SeenObject::new(at("a"), "")]).await.is_err());
    assert!(sandbox.requests().is_empty());
    assert!(bounded.head(&at("a")).await.unwrap().is_some());
    term.renew(Deadline::after(Duration::from_secs(60)));
    bounded.copy(&at("a"), None, &at("b"), &html(), Condition::None).await.unwrap();
}

/// The process is suspended during an upload. When it resumes, others of its tasks may run before the one that checks
/// the lease: they send no more of the body.
#[tokio::test]
async fn every_body_under_way_breaks_off_at_the_end_of_the_term() {
    const SIZE: usize = 32 << 20;
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let sandbox = sandbox().await;
    let mut environment = environment(&sandbox);
    environment.access.s3_endpoint = Some(format!("http://{}", server.local_addr().unwrap()));
    let term = Term::until(Deadline::after(Duration::from_secs(600)));
    let store = Aws::connect(&environment).await.unwrap().store.until(&term);
    let folder = tempfile::tempdir().unwrap();
    let file = source(&folder.path().join("large"), &vec![7; SIZE]);
    let address = at("large");
    let headers = html();
    let mut sending = pin!(store.put_file(&address, &file, &headers, Condition::None));
    let mut received = vec![0; 64 * 1024];
    let begun = async {
        let (mut connection, _) = server.accept().await.unwrap();
        let count = connection.read(&mut received).await.unwrap();
        (connection, count)
    };
    let (mut connection, mut count) = tokio::select! {
        sent = &mut sending => panic!("{sent:?}"),
        begun = begun => begun,
    };
    // From here on, nothing polls it.
    term.renew(Deadline::after(Duration::ZERO));
    loop {
        match connection.read(&mut received).await {
            Ok(0) | Err(_) => break,
            Ok(more) if count + more < SIZE => count += more,
            Ok(_) => panic!("all of it was sent"),
        }
    }
    assert!(sending.await.is_err());
}

/// A lost answer leaves time for another attempt.
#[tokio::test]
async fn an_answer_of_the_state_is_awaited_for_two_thirds_of_a_lease() {
    let sandbox = sandbox().await;
    let aws = connect(&sandbox).await;
    aws.store.get(&at("nothing"), 9).await.unwrap();
    let term = Term::until(Deadline::after(Duration::from_secs(3)));
    let (renewed, mut times) = (term.clone(), 0);
    sandbox.inject_by(move |request| {
        times += usize::from(request.operation == "PutObject");
        renewed.renew(Deadline::after(Duration::from_secs(60)));
        (times == 1).then_some(Effect::Stall)
    });
    let store = aws.store.in_time_for(&term, Duration::ZERO);
    let within = store.state_answer().0;
    assert!(within <= Duration::from_secs(2) && within > Duration::ZERO, "{within:?}");
    let least = Duration::from_secs(9);
    assert_eq!(aws.store.in_time_for(&term, least).state_answer().0, least, "of a store that is slow");
    assert_eq!(aws.store.state_answer().0, Duration::from_secs(120), "without a lease");
    store.put_bytes(&at("head"), vec![1], &html(), Condition::Absent).await.unwrap();
    assert_eq!(aws.requests.counts()["PutObject"], 2);
}
