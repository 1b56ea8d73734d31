//! Rules, defaults and their precedence.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::config::header_rule::OneOrMany;
use crate::content::path::UrlPath;
use crate::release::head::{Distribution, DistributionFacts, Distributions};
use crate::site::fingerprint::Basis;
use crate::site::snapshot::SeenFile;
use crate::types::digest::Digest;
use crate::types::headers::Headers;

const IMMUTABLE: &str = "public, max-age=31536000, immutable";
const REVALIDATE: &str = "public, max-age=0, must-revalidate";
const AT_CDN: &str = "public, max-age=0, s-maxage=86400, must-revalidate";
const HASHED: &str = "assets/index-Db898uvC.js";

fn path(path: &str) -> SitePath {
    SitePath::new(path).unwrap()
}

fn rule(globs: &[&str]) -> HeaderRule {
    HeaderRule { globs: OneOrMany(globs.iter().map(|&glob| glob.to_owned()).collect()), ..HeaderRule::default() }
}

fn facts(origin_path: &str, error_pages: &[&str]) -> DistributionFacts {
    DistributionFacts {
        readable: true,
        origin_path: origin_path.to_owned(),
        default_root_object: Some("index.html".to_owned()),
        error_pages: error_pages.iter().map(|page| UrlPath::encode(page)).collect(),
        ..DistributionFacts::default()
    }
}

fn source(digest: Digest) -> SourceFile {
    // Any file will do: the rules do not open it.
    let place = SeenFile::of(Path::new("Cargo.toml")).unwrap();
    SourceFile { place, size_bytes: 3, digest, crc64: None, md5: None, traces: Default::default() }
}

struct Case<'a> {
    rules: &'a [HeaderRule],
    mutable: &'a [&'a str],
    distributions: &'a Distributions,
    prefix: &'a str,
}

/// No distribution serves the files.
const NONE: &Distributions = &Distributions::new();

/// Distributions with these settings serve the files.
fn behind(all: &[&DistributionFacts]) -> Distributions {
    let known = |(number, facts): (usize, &&DistributionFacts)| {
        (format!("E{number}"), Distribution { facts: (*facts).clone(), ..Distribution::default() })
    };
    all.iter().enumerate().map(known).collect()
}

impl Default for Case<'_> {
    fn default() -> Self {
        Case { rules: &[], mutable: &[], distributions: NONE, prefix: "live" }
    }
}

impl Case<'_> {
    fn entry(&self, name: &str) -> Entry {
        let layout = Layout::new("shop", "bucket", self.prefix, None, None);
        let mutable_paths = self.mutable.iter().map(|name| path(name)).collect();
        let context = RuleContext { mutable_paths: &mutable_paths, distributions: self.distributions, layout: &layout };
        let files = BTreeMap::from([(path(name), source(Digest::of(b"abc")))]);
        let basis = Basis::Proof { token: "Db898uvC".to_owned(), digest: "proven".to_owned() };
        let verdicts = BTreeMap::from([(path(HASHED), Verdict { kind: Kind::Fingerprinted, rule: "digest", basis })]);
        Rules::new(self.rules).unwrap().files(&files, &verdicts, &context).remove(&path(name)).unwrap()
    }

    fn cache_control(&self, name: &str) -> String {
        self.entry(name).headers.cache_control
    }

    /// The headers of the first of `names`, all of which exist, under rules of publish.toml and of `_headers`.
    fn headers_beside(&self, file: &str, names: &[&str]) -> Headers {
        let layout = Layout::new("shop", "bucket", self.prefix, None, None);
        let mutable_paths = self.mutable.iter().map(|name| path(name)).collect();
        let context = RuleContext { mutable_paths: &mutable_paths, distributions: self.distributions, layout: &layout };
        let files = names.iter().map(|name| (path(name), source(Digest::of(b"abc")))).collect();
        let rules = Rules::new(self.rules).unwrap().with_file(HeadersFile::parse(file, None).unwrap());
        rules.files(&files, &BTreeMap::new(), &context).remove(&path(names[0])).unwrap().headers
    }
}

#[test]
fn defaults_follow_what_is_known_about_the_cdn() {
    let known = facts("/live", &["/404.html"]);
    let (unreadable, elsewhere) = (DistributionFacts::default(), facts("/other", &[]));
    let cases: [(&[&DistributionFacts], _); 6] = [
        (&[], REVALIDATE),
        (&[&unreadable], REVALIDATE),
        (&[&known], AT_CDN),
        (&[&known, &known], AT_CDN),
        (&[&known, &unreadable], REVALIDATE),
        (&[&elsewhere, &known], REVALIDATE),
    ];
    for (all, expected) in cases {
        let case = Case { distributions: &behind(all), ..Case::default() };
        assert_eq!(case.cache_control("index.html"), expected);
        assert_eq!(
            case.cache_control("404.html"),
            REVALIDATE,
            "an error page is cached under URLs that cannot be listed"
        );
        assert_eq!(case.cache_control(HASHED), IMMUTABLE);
    }
}

#[test]
fn error_pages_are_found_by_their_url() {
    let behind = |origin_path: &str, error_page: &str, prefix: &str, name: &str| {
        let facts = facts(origin_path, &[error_page]);
        Case { distributions: &behind(&[&facts]), prefix, ..Case::default() }.cache_control(name)
    };
    assert_eq!(behind("", "/404.html", "", "404.html"), REVALIDATE);
    assert_eq!(behind("", "/live/404.html", "live", "404.html"), REVALIDATE);
    assert_eq!(behind("", "/404.html", "live", "404.html"), AT_CDN, "its URL is /live/404.html");
    assert_eq!(behind("/live", "/404.html", "live/shop", "404.html"), AT_CDN, "its URL is /shop/404.html");
    assert_eq!(behind("/live/", "/404.html", "live", "404.html"), REVALIDATE);
    assert_eq!(behind("/live", "/", "live", "index.html"), REVALIDATE, "/ is the default root object");
    assert_eq!(behind("/live", "/nicht gefunden ü.html", "live", "nicht gefunden ü.html"), REVALIDATE);
    assert_eq!(behind("/other", "/404.html", "live", "index.html"), REVALIDATE, "no URL of it is known");
    assert_eq!(behind("/li", "/404.html", "live", "index.html"), REVALIDATE, "/li is not a folder of it");
}

#[test]
fn fingerprinted_files_stay_where_they_are_and_others_go_to_the_store() {
    let case = Case::default();
    assert_eq!((case.entry(HASHED).kind, case.entry(HASHED).kept), (Kind::Fingerprinted, Kept::Live));
    let page = case.entry("index.html");
    assert_eq!(
        (page.kind, page.kept, page.digest, page.size_bytes),
        (Kind::Mutable, Kept::Blob, Digest::of(b"abc"), 3)
    );
    assert!(page.headers.metadata.is_empty() && page.headers.content_encoding.is_none());
}

#[test]
fn later_rules_win_field_by_field() {
    let rules = [
        HeaderRule { cache_control: Some("no-cache".into()), content_language: Some("de".into()), ..rule(&["**"]) },
        HeaderRule {
            cache_control: Some("max-age=60".into()),
            content_type: Some("text/x-mine".into()),
            content_disposition: Some("attachment".into()),
            content_encoding: Some("br".into()),
            ..rule(&["docs/*.txt", "**/*.pdf"])
        },
    ];
    let case = Case { rules: &rules, ..Case::default() };
    let headers = case.entry("docs/a.txt").headers;
    assert_eq!(headers.cache_control, "max-age=60");
    assert_eq!(headers.content_type, "text/x-mine");
    assert_eq!(headers.content_language.as_deref(), Some("de"));
    assert_eq!(headers.content_disposition.as_deref(), Some("attachment"));
    assert_eq!(headers.content_encoding.as_deref(), Some("br"));
    let headers = case.entry("a.txt").headers;
    assert_eq!((headers.cache_control.as_str(), headers.content_disposition), ("no-cache", None));
    assert_eq!(headers.content_type, "text/plain; charset=utf-8");
}

#[test]
fn metadata_is_taken_name_by_name() {
    let with = |globs: &[&str], metadata: &[(&str, &str)]| {
        let metadata = metadata.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        HeaderRule { metadata, ..rule(globs) }
    };
    let rules = [with(&["**"], &[("team", "web"), ("stage", "a")]), with(&["docs/**"], &[("team", "docs")])];
    let case = Case { rules: &rules, ..Case::default() };
    let file = "/*\n  X-Amz-Meta-Team: other\n  X-Amz-Meta-Source: file\n";
    let metadata = |name: &str| case.headers_beside(file, &[name]).metadata.into_iter().collect::<Vec<_>>();
    let expected =
        |team: &str| [("source", "file"), ("stage", "a"), ("team", team)].map(|(a, b)| (a.to_owned(), b.to_owned()));
    assert_eq!(metadata("docs/a.html"), expected("docs"));
    assert_eq!(metadata("a.html"), expected("web"));
    for (name, value) in [("publish-site", "x"), ("Team", "x"), ("team", ""), ("x-amz-meta-team", "x")] {
        let problem = Rules::new(&[with(&["**"], &[(name, value)])]).unwrap_err();
        assert_eq!(problem.code, Code::Configuration);
        assert!(problem.message.contains(&format!("the metadata {name:?} of the header rule for `**`")), "{problem}");
    }
}

#[test]
fn more_metadata_than_s3_keeps_is_refused_before_anything_is_sent() {
    let half = |name: &str| {
        let metadata = BTreeMap::from([(name.to_owned(), "a".repeat(1_000))]);
        HeaderRule { metadata, ..rule(&["docs/*"]) }
    };
    let paths = [path("a.html"), path("docs/a.html")];
    assert!(Rules::new(&[half("a")]).unwrap().check_metadata(&paths).is_ok());
    let problem = Rules::new(&[half("a"), half("b")]).unwrap().check_metadata(&paths).unwrap_err();
    assert_eq!(problem.code, Code::Configuration);
    assert!(problem.message.contains("docs/a.html 2002 bytes"), "{problem}");
    // The `_headers` file alone can set metadata too: two names of one byte, and their values.
    let file = |bytes: usize| {
        let (a, b) = ("a".repeat(949), "b".repeat(bytes));
        let text = format!("/docs/*\n  X-Amz-Meta-A: {a}\n  X-Amz-Meta-B: {b}\n");
        Rules::new(&[]).unwrap().with_file(HeadersFile::parse(&text, None).unwrap()).check_metadata(&paths)
    };
    assert!(file(949).is_ok(), "{MAX_METADATA_BYTES} bytes in all");
    assert!(file(950).unwrap_err().message.contains("docs/a.html 1901 bytes"));
}

#[test]
fn publish_toml_wins_over_the_headers_file_and_that_over_the_defaults() {
    let rules = [HeaderRule { cache_control: Some("max-age=60".into()), ..rule(&["docs/**"]) }];
    let case = Case { rules: &rules, ..Case::default() };
    let file = "/*\n  Cache-Control: no-store\n  Content-Language: de\n/docs/*\n  ! Content-Language\n";
    let docs = case.headers_beside(file, &["docs/a.html"]);
    assert_eq!((docs.cache_control.as_str(), docs.content_language), ("max-age=60", None));
    let other = case.headers_beside(file, &["a.html"]);
    assert_eq!((other.cache_control.as_str(), other.content_language.as_deref()), ("no-store", Some("de")));
    assert_eq!(other.content_type, "text/html; charset=utf-8");
    let forever = "/*\n  Cache-Control: max-age=31536000, immutable\n";
    let reused = Case { mutable: &[HASHED], ..Case::default() };
    assert_eq!(reused.headers_beside(forever, &[HASHED]).cache_control, REVALIDATE, "a name that was reused");
    let page = Case::default().headers_beside(forever, &["a.html"]).cache_control;
    assert_eq!(page, "max-age=31536000, immutable", "a person said so");
}

#[test]
fn a_compressed_twin_is_served_as_what_it_is_a_original_of() {
    let case = Case::default();
    let (js, br, gz) = ("assets/app.js", "assets/app.js.br", "assets/app.js.gz");
    let headers = case.headers_beside("", &[br, js]);
    assert_eq!(headers.content_type, "text/javascript; charset=utf-8");
    assert_eq!(headers.content_encoding.as_deref(), Some("br"));
    assert_eq!(case.headers_beside("", &[gz, js]).content_encoding.as_deref(), Some("gzip"));
    let download = case.headers_beside("", &[gz]);
    assert_eq!((download.content_type.as_str(), download.content_encoding), ("application/gzip", None));
    // The original's rules apply to the compressed copy, and the copy's own rules override them.
    let file =
        "/assets/*.js\n  Cache-Control: max-age=60\n  Content-Type: text/x-mine\n  Content-Disposition: inline\n";
    let followed = case.headers_beside(file, &[br, js]);
    assert_eq!((followed.cache_control.as_str(), followed.content_type.as_str()), ("max-age=60", "text/x-mine"));
    assert_eq!(followed.content_disposition, None, "it may name a file");
    let rules = [HeaderRule {
        cache_control: Some("no-cache".into()),
        content_type: Some("application/x-br".into()),
        content_encoding: Some("identity".into()),
        ..rule(&["**/*.br"])
    }];
    let own = Case { rules: &rules, ..Case::default() }.headers_beside(file, &[br, js]);
    assert_eq!((own.cache_control.as_str(), own.content_type.as_str()), ("no-cache", "application/x-br"));
    assert_eq!(own.content_encoding.as_deref(), Some("identity"));
}

#[test]
fn each_header_is_explained_by_who_decided_it() {
    let (js, br) = (path("assets/app.js"), path("assets/app.js.br"));
    let files = [&js, &br].map(|path| (path.clone(), source(Digest::of(b"abc")))).into();
    let file = "/assets/*\n  Content-Language: de\n  Cache-Control: no-store\n";
    let own = HeaderRule {
        cache_control: Some("no-cache".into()),
        immutable: Some(true),
        ..rule(&["assets/*.js", "vendor/**"])
    };
    let rules = Rules::new(&[own]).unwrap().with_file(HeadersFile::parse(file, None).unwrap());
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let explained = |path: &SitePath, mutable_paths: &BTreeSet<SitePath>| {
        let context = RuleContext { mutable_paths, distributions: NONE, layout: &layout };
        let (verdict, decided) = rules.explained(path, &files, &BTreeMap::new(), &context);
        let stored = rules.files(&files, &BTreeMap::new(), &context).remove(path).unwrap();
        assert_eq!((Headers::from(decided.clone()), verdict.kind), (stored.headers, stored.kind));
        let headers: Vec<String> =
            decided.named().map(|(name, said)| format!("{name}: {} ({})", said.value, said.by)).collect();
        (verdict.because(), headers)
    };
    let (because, headers) = explained(&js, &BTreeSet::new());
    assert_eq!(because, "the [[headers]] rule for `assets/*.js`, `vendor/**` says so");
    assert_eq!(
        headers,
        [
            "Cache-Control: no-cache ([[headers]] for `assets/*.js`, `vendor/**`)",
            "Content-Type: text/javascript; charset=utf-8 (default)",
            "Content-Language: de (_headers)",
        ]
    );
    let (_, headers) = explained(&br, &BTreeSet::new());
    assert_eq!(headers[0], "Cache-Control: no-store (_headers)");
    assert_eq!(headers[2], "Content-Encoding: br (default)");
    let (because, _) = explained(&js, &BTreeSet::from([js.clone()]));
    assert!(because.starts_with("it had different content"), "{because}");
}

#[test]
fn rules_decide_what_is_fingerprinted() {
    let rules = [
        HeaderRule { immutable: Some(true), ..rule(&["media/**"]) },
        HeaderRule { immutable: Some(false), ..rule(&["assets/**"]) },
    ];
    let case = Case { rules: &rules, ..Case::default() };
    assert_eq!(case.entry("media/a.png").kind, Kind::Fingerprinted);
    assert_eq!(case.cache_control("media/a.png"), IMMUTABLE);
    assert_eq!(case.entry(HASHED).kind, Kind::Mutable);
    assert_eq!(case.cache_control(HASHED), REVALIDATE);
}

#[test]
fn a_name_that_lied_is_mutable_whatever_rules_say() {
    let rules = [HeaderRule {
        immutable: Some(true),
        cache_control: Some("public,max-age=31536000,Immutable".into()),
        ..rule(&["**"])
    }];
    let case = Case { rules: &rules, mutable: &[HASHED], ..Case::default() };
    let entry = case.entry(HASHED);
    assert_eq!((entry.kind, entry.kept), (Kind::Mutable, Kept::Blob));
    assert_eq!(entry.headers.cache_control, REVALIDATE);
    assert_eq!(case.cache_control("assets/other.js"), "public,max-age=31536000,Immutable");
    let rules = [HeaderRule { cache_control: Some("max-age=60".into()), ..rule(&["**"]) }];
    let case = Case { rules: &rules, mutable: &[HASHED], ..Case::default() };
    assert_eq!(case.cache_control(HASHED), "max-age=60", "what a person said otherwise stays");
}

/// An earlier release, published again after other bytes were found under one of its names.
#[test]
fn of_an_earlier_release_what_was_reused_since_is_kept_by_nobody() {
    let layout = Layout::new("shop", "bucket", "live", None, None);
    let entry = |kind, cache_control: &str| {
        let entry = Case::default().entry(HASHED);
        Entry { kind, headers: Headers { cache_control: cache_control.to_owned(), ..entry.headers }, ..entry }
    };
    let names = ["a-BYf2qJoX.js", "b-BYf2qJoX.js", "c-BYf2qJoX.js", "d-BYf2qJoX.js"].map(path);
    let [reused, asked, by_hand, other] = &names;
    let files = Files::from([
        (reused.clone(), entry(Kind::Fingerprinted, IMMUTABLE)),
        (asked.clone(), entry(Kind::Fingerprinted, "max-age=60")),
        (by_hand.clone(), entry(Kind::Mutable, IMMUTABLE)),
        (other.clone(), entry(Kind::Fingerprinted, IMMUTABLE)),
    ]);
    let mutable_paths = BTreeSet::from([reused.clone(), asked.clone(), by_hand.clone(), path("gone.js")]);
    let context = RuleContext { mutable_paths: &mutable_paths, distributions: NONE, layout: &layout };
    let now = Rules::with_known_mutable(files.clone(), &context);
    let said = |path: &SitePath| (now[path].kind, now[path].headers.cache_control.as_str());
    assert_eq!(said(reused), (Kind::Mutable, REVALIDATE));
    assert_eq!(said(asked), (Kind::Mutable, "max-age=60"));
    assert_eq!(now[by_hand], files[by_hand], "it was no fingerprinted file: a person decided its headers");
    assert_eq!(now[other], files[other]);
    assert!(Rules::is_kept_by_browsers(&files[reused]) && !Rules::is_kept_by_browsers(&now[reused]));
    // The manifest alone has names that look like hashes, although the files are mutable.
    let distrusted: Vec<&SitePath> = Rules::distrusted(&now).collect();
    assert_eq!(distrusted, [reused, asked, by_hand]);
    let pages = Files::from([(path("index.html"), entry(Kind::Mutable, REVALIDATE))]);
    assert_eq!(Rules::distrusted(&pages).next(), None);
}

#[test]
fn bad_rules_are_named() {
    let refused = |rule: HeaderRule| {
        let problem = Rules::new(&[rule]).unwrap_err();
        assert_eq!(problem.code, Code::Configuration);
        assert!(!problem.hint.is_empty());
        problem.message
    };
    assert!(refused(rule(&["a["])).contains("\"a[\""));
    assert!(refused(rule(&[])).contains("`for`"));
    let value = |value: &str| HeaderRule { cache_control: Some(value.to_owned()), ..rule(&["**/*.pdf"]) };
    for bad in [&"a".repeat(1_025), "", " ", "a\nX-Injected: 1", "a\rb", "a\0", "a\tb", "ü", "max-age=1 "] {
        let message = refused(value(bad));
        assert!(message.contains("`cache_control` of the header rule for `**/*.pdf`"), "{message}");
        assert!(!message.contains(['\n', '\r', '\0']), "{message:?}");
    }
    let message = refused(HeaderRule { content_type: Some("html".into()), ..rule(&["**"]) });
    assert!(message.contains("`content_type`"), "{message}");
}

#[test]
fn pages_that_rules_call_immutable_are_told() {
    let immutable = |globs: &[&str], immutable| HeaderRule { immutable: Some(immutable), ..rule(globs) };
    let paths = [path("about.html"), path("app.js"), path("index.html")];
    let told = |rules: &[HeaderRule]| Rules::new(rules).unwrap().immutable_pages(&paths);
    let sentence = told(&[immutable(&["**"], true)]).unwrap();
    assert!(sentence.contains("`about.html` and 1 other page: "), "{sentence}");
    assert_eq!(told(&[immutable(&["**"], true), immutable(&["**/*.html"], false)]), None);
    assert_eq!(told(&[immutable(&["*.js"], true)]), None);
    let sentence = told(&[immutable(&["about.html"], true)]).unwrap();
    assert!(sentence.contains("`about.html`: browsers"), "{sentence}");
    let more = [path("a.html"), path("b.html"), path("c.html")];
    let sentence = Rules::new(&[immutable(&["**"], true)]).unwrap().immutable_pages(&more).unwrap();
    assert!(sentence.contains("`a.html` and 2 other pages: "), "{sentence}");
}

#[test]
fn rules_that_match_nothing_are_told() {
    let rules = Rules::new(&[rule(&["**/*.pdf"]), rule(&["*.html"]), rule(&["a", "b/**"])]).unwrap();
    let paths = [path("index.html"), path("b")];
    assert_eq!(
        rules.unused(&paths),
        [
            "no file matches the header rule for `**/*.pdf`",
            "no file matches the header rule for `a`, `b/**`; the nearest match is `b`"
        ]
    );
    assert!(Rules::new(&[]).unwrap().unused(&paths).is_empty());
    let file = HeadersFile::parse("/b\n  A: b\n/c/*\n  A: b\n", None).unwrap();
    assert_eq!(Rules::new(&[]).unwrap().with_file(file).unused(&paths), ["no file matches `/c/*` (_headers, line 3)"]);
}

proptest! {
    /// No object is ever stored without its two headers, and both can be sent; no mutable file is marked immutable.
    #[test]
    fn every_file_has_its_two_headers(name in "(assets/|_astro/|\\.well-known/|)[^/\\\\\\p{C}]{1,20}(\\.[a-z0-9]{1,5})?") {
        prop_assume!(SitePath::new(name.as_str()).is_ok());
        let facts = facts("/live", &["/404.html"]);
        let entry = Case { distributions: &behind(&[&facts]), ..Case::default() }.entry(&name);
        let sendable = |value: &str| !value.is_empty() && value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        prop_assert!(sendable(&entry.headers.cache_control) && sendable(&entry.headers.content_type));
        prop_assert_eq!(entry.kind == Kind::Fingerprinted, entry.headers.cache_control == IMMUTABLE);
    }
}
