//! A store whose certificate was issued by an authority that only AWS's settings name, as that of a company's proxy.
//!
//! The certificates are valid from 2020 to 2120: `openssl ca` signed its own request (authority.pem, whose key is gone), and
//! one of a server at 127.0.0.1 (server.pem; server-key.pem is its P-256 key).

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::Value;

use crate::world::{BUCKET, World, key_variables};

const SERVER: &[u8] = include_bytes!("certificates/server.pem");
const KEY: &[u8] = include_bytes!("certificates/server-key.pem");
const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/certificates/authority.pem");

/// A server at `https://127.0.0.1:<port>` that passes requests without bodies on to the one at `endpoint`.
fn behind_tls(endpoint: &str) -> String {
    let certificate = CertificateDer::from_pem_slice(SERVER).unwrap();
    let config = ServerConfig::builder().with_no_client_auth();
    let config =
        Arc::new(config.with_single_cert(vec![certificate], PrivateKeyDer::from_pem_slice(KEY).unwrap()).unwrap());
    let server = endpoint.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let tls = ServerConnection::new(Arc::clone(&config)).unwrap();
            // Where the certificate is refused, nothing is asked.
            let _ = pass_on(StreamOwned::new(tls, client.unwrap()), &server);
        }
    });
    address
}

/// Passes one request on, and its answer back.
fn pass_on(client: StreamOwned<ServerConnection, TcpStream>, server: &str) -> io::Result<()> {
    let (mut client, mut server) = (BufReader::new(client), TcpStream::connect(server)?);
    let mut line = String::new();
    while line != "\r\n" {
        line.clear();
        if client.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let last = if line == "\r\n" { "Connection: close\r\n" } else { "" };
        server.write_all(format!("{last}{line}").as_bytes())?;
    }
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let tls = client.get_mut();
    tls.write_all(&answer)?;
    tls.conn.send_close_notify();
    tls.flush()
}

/// Runs `publish status`, with nothing in its environment but the keys and `variables`.
fn status(world: &World, endpoint: &str, variables: &[(&str, &str)]) -> Value {
    let mut program = Command::new(env!("CARGO_BIN_EXE_publish"));
    program.args(["status", "--site", "shop", "--bucket", BUCKET, "--prefix", "live", "--output", "json"]);
    program.args(["--endpoint-url", endpoint, "--region", "us-east-1"]).current_dir(world.folder.parent().unwrap());
    program.env_clear().envs(key_variables(&world.sandbox)).envs(variables.iter().copied());
    let output = String::from_utf8(program.output().unwrap().stdout).unwrap();
    serde_json::from_str(output.lines().last().unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_trusted_if_its_authority_is_named_and_refused_in_words_that_say_how() {
    let world = World::with_fixture("v1").await;
    world.published().await;
    let config = world.folder.with_file_name("aws");
    std::fs::write(&config, format!("[default]\nca_bundle = {AUTHORITY}\n")).unwrap();
    // It holds a certificate, and not that of the authority.
    let other = Path::new(AUTHORITY).with_file_name("server.pem");
    let (config, other) = (config.to_str().unwrap(), other.to_str().unwrap());
    tokio::task::block_in_place(|| {
        let endpoint = behind_tls(world.sandbox.s3_endpoint());
        for variables in [&[][..], &[("AWS_CA_BUNDLE", other), ("AWS_CONFIG_FILE", config)]] {
            let report = status(&world, &endpoint, variables);
            let error = &report["error"];
            assert_eq!((&report["exit_code"], &error["code"]), (&1.into(), &"unreachable".into()), "{report:#}");
            assert_eq!(error["message"], format!("The certificate of S3 at {endpoint} cannot be trusted"));
            assert!(error["hint"].as_str().unwrap().contains("set AWS_CA_BUNDLE, or `ca_bundle`"), "{report:#}");
        }
        for variable in [("AWS_CA_BUNDLE", AUTHORITY), ("AWS_CONFIG_FILE", config)] {
            let report = status(&world, &endpoint, &[variable]);
            assert_eq!((&report["exit_code"], &report["release"]), (&0.into(), &1.into()), "{variable:?}: {report:#}");
        }
    });
}
