//! What stands between visitors and the sandbox's site in a test: it passes requests on, compresses as CloudFront does, and
//! says something else where a test wants that.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

/// A request of a visitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The path, without the query.
    pub(crate) path: String,
    /// Whether there is a query.
    pub(crate) has_query: bool,
    /// Whether the answer may be compressed.
    pub(crate) compressed: bool,
}

/// A whole answer: the line of its status, its headers in lower case, its body.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// An answer with these headers, one a line, and nothing else.
    pub(crate) fn new(status: &str, headers: &str) -> Answer {
        let headers = headers.lines().filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Answer { status: status.to_owned(), headers, body: Vec::new() }
    }

    /// Sets a header.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Answer {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// As CloudFront compresses: with a weak ETag.
    fn compressed(self) -> Answer {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&self.body).unwrap();
        let body = gzip.finish().unwrap();
        let etag = self.headers.iter().find(|(name, _)| name == "etag").map(|(_, etag)| format!("W/{etag}"));
        let answer = Answer { body, ..self }.with("content-encoding", "gzip");
        match etag {
            Some(etag) => answer.with("etag", &etag),
            None => answer,
        }
    }
}

/// What a test makes of a request and of the site's answer to it.
type Change = dyn Fn(&Asked, Answer) -> Answer + Send + Sync;

/// A server in front of a site.
pub(crate) struct Front {
    /// Its address, as `http://127.0.0.1:4000`.
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    folder: Arc<Mutex<&'static str>>,
}

impl Front {
    /// One that passes on what `site` (`http://127.0.0.1:3000`) answers, as `change` makes it.
    pub(crate) fn of(site: &str, change: impl Fn(&Asked, Answer) -> Answer + Send + Sync + 'static) -> Front {
        let (site, change) = (site.trim_start_matches("http://").to_owned(), Arc::new(change));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, folder) = (Arc::clone(&asked), Arc::new(Mutex::new("")));
        let below = Arc::clone(&folder);
        std::thread::spawn(move || {
            for visitor in listener.incoming().flatten() {
                let (site, change, heard) = (site.clone(), Arc::clone(&change), Arc::clone(&heard));
                let below = *below.lock().unwrap();
                std::thread::spawn(move || serve(visitor, &site, below, &*change, &heard));
            }
        });
        Front { url, asked, folder }
    }

    /// The same, with the site below `folder` (`/staging`) and nothing beside it.
    pub(crate) fn below(self, folder: &'static str) -> Front {
        *self.folder.lock().unwrap() = folder;
        self
    }

    /// What it was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(mut visitor: TcpStream, site: &str, below: &str, change: &Change, heard: &Mutex<Vec<Asked>>) -> Option<()> {
    let head = lines(&mut BufReader::new(visitor.try_clone().ok()?));
    let target = head.first()?.split(' ').nth(1)?.to_owned();
    let (path, query) = target.split_once('?').map_or((target.as_str(), None), |(path, query)| (path, Some(query)));
    let compressed = head.iter().any(|line| line.to_ascii_lowercase().starts_with("accept-encoding: br, gzip"));
    let asked = Asked { path: path.to_owned(), has_query: query.is_some(), compressed };
    heard.lock().unwrap().push(asked.clone());

    let mut behind = TcpStream::connect(site).ok()?;
    // Outside its folder nothing is found.
    let path = path.strip_prefix(below).unwrap_or("/outside-the-site");
    write!(behind, "GET {path} HTTP/1.1\r\nhost: {site}\r\nconnection: close\r\n\r\n").ok()?;
    let mut behind = BufReader::new(behind);
    let mut head = lines(&mut behind).into_iter();
    let status = head.next()?.split_once(' ')?.1.to_owned();
    let headers = head
        .filter_map(|line| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned())));
    let passed_on =
        |(name, _): &(String, String)| !["content-length", "transfer-encoding", "connection"].contains(&name.as_str());
    let headers: Vec<_> = headers.collect();
    let chunked = headers.iter().any(|(name, _)| name == "transfer-encoding");
    assert!(!chunked, "the sandbox says how long its answers are");
    let mut body = Vec::new();
    behind.read_to_end(&mut body).ok()?;
    let answer = change(&asked, Answer { status, headers: headers.into_iter().filter(passed_on).collect(), body });
    let answer = if compressed && !answer.body.is_empty() { answer.compressed() } else { answer };

    let headers: String = answer.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = answer.body.len();
    write!(visitor, "HTTP/1.1 {}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n", answer.status)
        .ok()?;
    visitor.write_all(&answer.body).ok()
}

/// The lines before the first empty one.
fn lines(reader: &mut impl BufRead) -> Vec<String> {
    reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect()
}
