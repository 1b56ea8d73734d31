use proptest::prelude::*;

use super::*;
use crate::references::{self, SharedTexts};

type Files = BTreeMap<SitePath, Vec<u8>>;

fn path(path: &str) -> SitePath {
    SitePath::new(path).unwrap()
}

fn site(files: &[(&str, &str)]) -> Files {
    files.iter().map(|(name, text)| (path(name), text.as_bytes().to_vec())).collect()
}

fn closure_at(url: Option<&str>, external: &[&str], files: &Files) -> Closure {
    let is_external = |path: &SitePath| external.iter().any(|folder| path.as_str().starts_with(folder));
    let mut shared = SharedTexts::default();
    let read = files.iter().map(|(path, bytes)| {
        let mut references = references::read(path, bytes);
        shared.share(&mut references);
        (path.clone(), references)
    });
    Closure::of(files.keys().cloned().collect(), &read.collect(), Surroundings { url, is_external: &is_external })
}

/// What is missing that a page needs, and what else is.
fn missing(closure: &Closure) -> (Vec<&str>, Vec<&str>) {
    let (essential, others): (Vec<_>, Vec<_>) = closure.broken.iter().partition(|broken| broken.essential);
    let paths = |list: Vec<&'_ Broken>| list.into_iter().map(|broken| broken.resolved.clone()).collect::<Vec<_>>();
    let leak = |list: Vec<String>| list.into_iter().map(|text| &*text.leak()).collect();
    (leak(paths(essential)), leak(paths(others)))
}

fn essential(files: &[(&str, &str)]) -> Vec<String> {
    let closure = closure_at(None, &[], &site(files));
    missing(&closure).0.into_iter().map(str::to_owned).collect()
}

#[test]
fn references_are_followed_from_pages_to_what_they_load() {
    let files = [
        ("index.html", r#"<script type=module src="/a/app.js"></script><link rel=stylesheet href="a/look.css?v=1">"#),
        ("a/app.js", r#"import"./part.js";import("../b/late.js")"#),
        ("a/part.js", ""),
        ("b/early.js", ""),
        ("a/look.css", "@font-face{src:url(letters.woff2)}p{background:url(none.png)}"),
    ];
    let closure = closure_at(None, &[], &site(&files));
    assert_eq!(missing(&closure), (vec!["b/late.js", "a/letters.woff2"], vec!["a/none.png"]));
    let late = &closure.broken[0];
    assert_eq!(
        (late.file.as_str(), &*late.written, late.role, late.line),
        ("a/app.js", "../b/late.js", Role::Module, 1)
    );
    let used: Vec<_> = closure.uses(&path("index.html")).map(|used| used.file.as_str()).collect();
    assert_eq!(used, ["a/app.js", "a/look.css"]);
    assert!(closure.uses(&path("index.html")).all(|used| !used.by_name && closure.files()[used.place] == *used.file));
    assert_eq!(closure.files().len(), 5);
}

/// What is resolved once for all pages is what begins at the top of the host that they share.
#[test]
fn the_same_text_may_mean_another_file_elsewhere() {
    let files = [
        ("a/index.html", r#"<script src="app.js"></script><script type=module src="/top.js"></script>"#),
        ("a/app.js", ""),
        ("b/index.html", r#"<script src="app.js"></script><script type=module src="/top.js"></script>"#),
        ("c/index.html", r#"<base href="https://cdn.example/"><script type=module src="/top.js"></script>"#),
        ("top.js", ""),
    ];
    let closure = closure_at(None, &[], &site(&files));
    assert_eq!(missing(&closure), (vec!["b/app.js"], vec![]));
    let used = |page: &str| closure.uses(&path(page)).map(|used| used.file.as_str()).collect::<Vec<_>>();
    assert_eq!((used("a/index.html"), used("b/index.html")), (vec!["a/app.js", "top.js"], vec!["top.js"]));
    assert_eq!(used("c/index.html"), [""; 0]);
}

#[test]
fn links_with_a_bare_plus_are_told_once() {
    let link = |to: &str| format!("<a href='{to}'></a>");
    let of = |links: &[&str]| {
        let page: String = links.iter().map(|to| link(to)).collect();
        let files = [
            ("a.html", page.as_str()),
            ("b.html", "<a href='/c++.html'></a>"),
            ("c++.html", "<script src=app.js></script>"),
            ("app.js", r#"import"./d+e.js";x="/img/f+g.png""#),
            ("d+e.js", ""),
            ("img/f+g.png", ""),
        ];
        let pluses = closure_at(None, &[], &site(&files)).bare_pluses;
        pluses.into_iter().map(|one| format!("{} {}", one.file, one.written)).collect::<Vec<_>>()
    };
    assert_eq!(of(&["/c++.html?a=1"]), ["a.html /c++.html?a=1", "app.js ./d+e.js", "b.html /c++.html"]);
    assert_eq!(of(&["/c++.html"]), ["a.html /c++.html", "app.js ./d+e.js"], "the first page stands for all");
    for fine in ["c%2B%2B.html", "c%2B%2B.html?a+b", "app.js?a+b", "x+y/../app.js"] {
        assert_eq!(of(&[fine]), ["app.js ./d+e.js", "b.html /c++.html"], "{fine}");
    }
}

#[test]
fn a_library_that_was_never_built_is_optional() {
    let files = [
        ("index.html", r#"<script type=module src="app.js"></script>"#),
        ("app.js", r#"const d3 = () => import("./_npm/d3/index.js")"#),
    ];
    assert_eq!(missing(&closure_at(None, &[], &site(&files))), (vec![], vec!["_npm/d3/index.js"]));
}

#[test]
fn what_no_page_leads_to_is_only_a_warning() {
    let files = [("index.html", ""), ("examples/a.js", r#"import "./missing.js""#)];
    assert_eq!(missing(&closure_at(None, &[], &site(&files))), (vec![], vec!["examples/missing.js"]));
}

#[test]
fn what_pages_of_other_sites_load_is_reached() {
    let needs = r#"import "./missing.js""#;
    for (entry, expected) in [("remoteEntry.js", &["shop/missing.js"][..]), ("entry.js", &[])] {
        let entry = format!("shop/{entry}");
        assert_eq!(essential(&[("index.html", ""), (&entry, needs)]), expected, "{entry}");
    }
}

#[test]
fn links_to_pages_may_leave_out_what_the_cdn_adds() {
    let page =
        r#"<a href="/a/"></a><a href="/a"></a><a href="b"></a><a href="./"></a><a href="c/"></a><a href="B"></a>"#;
    let closure = closure_at(None, &[], &site(&[("index.html", page), ("a/index.html", ""), ("b.html", "")]));
    assert_eq!(missing(&closure), (vec![], vec!["B", "c/"]));
}

#[test]
fn other_hosts_and_other_schemes_are_not_of_the_site() {
    let page = r#"<script src="https://cdn.example/x.js"></script><script src="//other.example/y.js"></script><a href="tel:1">"#;
    assert_eq!(closure_at(None, &[], &site(&[("index.html", page)])).broken, []);
    let page = r#"<script src="https://www.example.com/x.js"></script><script src="//WWW.example.com/y.js"></script>"#;
    let closure = closure_at(Some("https://www.example.com"), &[], &site(&[("index.html", page)]));
    assert_eq!(missing(&closure).0, ["y.js", "x.js"]);
}

#[test]
fn a_folder_that_the_site_is_served_under_is_known_from_its_url() {
    let page = r#"<script src="/docs/x.js"></script><script src="/docs/y.js"></script><script src="/shop/z.js"></script>
<script src="gone.js"></script>"#;
    let closure = closure_at(Some("https://a.example/docs"), &[], &site(&[("index.html", page), ("x.js", "")]));
    assert_eq!(missing(&closure).0, ["y.js", "gone.js"]);
}

#[test]
fn what_the_url_says_of_its_own_host_is_recognised() {
    let page = r#"<script src="https://a.example/v1/x.js"></script><script src="https://a.example/v1/y.js"></script>"#;
    let files = site(&[("index.html", page), ("x.js", ""), ("y.js", "")]);
    assert_eq!(missing(&closure_at(Some("https://a.example/"), &[], &files)).0, ["v1/x.js", "v1/y.js"]);
    assert_eq!(closure_at(None, &[], &files).broken, []);
}

#[test]
fn a_folder_that_the_site_is_served_under_is_learned() {
    let page = r#"<base href="/docs/"><script src="/docs/x.js"></script><script src="y.js"></script><a href="/docs/">"#;
    let mut files = site(&[("index.html", page), ("x.js", ""), ("y.js", ""), ("docs/index.html", "")]);
    assert_eq!(closure_at(None, &[], &files).broken, []);
    files.remove(&path("y.js"));
    assert_eq!(missing(&closure_at(None, &[], &files)).0, ["y.js"]);
    // Pictures are often copied to the top as well.
    let page = r#"<script src="/docs/x.js"></script><link rel=stylesheet href="/docs/y.css"><img src="/1.png"><img src="/2.png">"#;
    let files = site(&[("index.html", page), ("x.js", ""), ("y.css", ""), ("1.png", ""), ("2.png", "")]);
    assert_eq!(closure_at(None, &[], &files).broken, []);
}

#[test]
fn a_file_elsewhere_hides_no_missing_one() {
    // `/old/app.js` is gone with all of its folder; that there is an `app.js` at the top does not make `/old/` the base.
    let files = [
        ("index.html", r#"<script src="/app.js"></script>"#),
        ("archive.html", r#"<script src="/old/app.js"></script>"#),
        ("app.js", ""),
    ];
    assert_eq!(essential(&files), ["old/app.js"]);
}

#[test]
fn a_folder_is_learned_by_a_fingerprint_among_many_copies() {
    let page =
        r#"<script src="/docs/app.3f9c2e1b.js"></script><script src="/a.js"></script><script src="/b.js"></script>"#;
    let mut files = site(&[("index.html", page), ("app.3f9c2e1b.js", ""), ("a.js", ""), ("b.js", "")]);
    assert_eq!(closure_at(None, &[], &files).broken, []);
    // A page of an older build says nothing of the others.
    let old = r#"<script src="/docs/app.3f9c2e1b.js"></script>"#;
    let new = r#"<script src="/new.77c1de05.js"></script><script src="/gone.js"></script>"#;
    let stale = [("404.html", old), ("index.html", new), ("app.3f9c2e1b.js", ""), ("new.77c1de05.js", "")];
    assert_eq!(essential(&stale), ["docs/app.3f9c2e1b.js", "gone.js"]);
    // Where there is such a folder, the file is missing from it.
    files.insert(path("docs/index.html"), Vec::new());
    assert_eq!(missing(&closure_at(None, &[], &files)).0, ["docs/app.3f9c2e1b.js"]);
}

#[test]
fn another_host_that_serves_the_files_of_the_site_is_learned() {
    let page = r#"<script src="https://cdn.example/v/a-1f2e3d4c.js"></script><script src="https://cdn.example/v/b-5a6b7c8d.js"></script>
<script src="https://jquery.example/jquery.js"></script><script src="https://jquery.example/other.js"></script>"#;
    let mut files = site(&[("index.html", page), ("a-1f2e3d4c.js", ""), ("b-5a6b7c8d.js", ""), ("jquery.js", "")]);
    assert_eq!(closure_at(None, &[], &files).broken, []);
    files.remove(&path("b-5a6b7c8d.js"));
    assert_eq!(missing(&closure_at(None, &[], &files)).0, ["b-5a6b7c8d.js"]);
}

#[test]
fn another_site_with_files_of_the_same_names_is_no_reason_to_miss_others() {
    let page = r#"<script src="https://www.example.com/app.js"></script><link rel=stylesheet href="https://www.example.com/style.css">
<script src="https://www.example.com/chat.js"></script>"#;
    assert_eq!(essential(&[("index.html", page), ("app.js", ""), ("style.css", "")]), [""; 0]);
    let own = page.replace("app.js", "app-BYf2qJ0X.js");
    assert_eq!(essential(&[("index.html", &own), ("app-BYf2qJ0X.js", ""), ("style.css", "")]), ["chat.js"]);
}

#[test]
fn bare_names_are_looked_up_in_import_maps() {
    let page = r#"<script type=importmap>{"imports":{"app":"/app-1.js","lib/":"./lib/"}}</script>
<script type=module>import "app"; import "lib/a.js"; import "lib/b.js"; import "unknown"</script>"#;
    let files = [("index.html", page), ("app-1.js", ""), ("lib/a.js", "")];
    assert_eq!(essential(&files), ["lib/b.js"]);
}

#[test]
fn one_plain_name_at_another_host_is_nobodys_proof() {
    let page = r#"<script src="https://jquery.example/jquery.js"></script>"#;
    let used = |page: &str| {
        let files = site(&[("index.html", page), ("jquery.js", ""), ("app.js", "")]);
        closure_at(None, &[], &files).uses(&path("index.html")).count()
    };
    assert_eq!(used(page), 0);
    assert_eq!(used(&format!(r#"{page}<script src="https://jquery.example/app.js"></script>"#)), 2);
}

#[test]
fn chunks_lie_where_others_of_the_same_runtime_do() {
    let runtime = r#"r.u=e=>"chunks/"+e+"."+{1:"aa",2:"bb"}[e]+".js""#;
    let page = r#"<script src="/_next/static/webpack.js"></script>"#;
    let files = [("index.html", page), ("_next/static/webpack.js", runtime), ("_next/chunks/1.aa.js", "")];
    assert_eq!(essential(&files), ["_next/chunks/2.bb.js"]);
    // Of several such places, the one around the runtime.
    let pages = r#"<script src="/a/runtime.js"></script><script src="/b/runtime.js"></script>"#;
    let files = [
        ("index.html", pages),
        ("a/runtime.js", r#"r.u=e=>"chunks/"+e+"."+{1:"aa"}[e]+".js""#),
        ("a/chunks/1.aa.js", ""),
        ("b/runtime.js", runtime),
        ("b/chunks/1.aa.js", ""),
    ];
    assert_eq!(essential(&files), ["b/chunks/2.bb.js"]);
}

#[test]
fn a_list_elsewhere_means_the_chunks_that_a_runtime_found() {
    let files = [
        ("index.html", r#"<script src="/_next/static/webpack.js"></script><script src="/js/app.js"></script>"#),
        ("_next/chunks/1.aa.js", ""),
        ("_next/static/webpack.js", r#"r.u=e=>"chunks/"+e+"."+{1:"aa"}[e]+".js""#),
        ("js/app.js", r#"f(["chunks/1.aa.js"])"#),
    ];
    let closure = closure_at(None, &[], &site(&files));
    let used: Vec<_> = closure.uses(&path("js/app.js")).map(|used| used.file.as_str()).collect();
    assert_eq!(used, ["_next/chunks/1.aa.js"]);
    assert_eq!(closure.broken, []);
}

#[test]
fn the_name_of_any_chunk_is_missed_where_it_has_a_hash() {
    let page = r#"<script type=module src="/js/main.js"></script>"#;
    let with = |script: &str| essential(&[("index.html", page), ("js/main.js", script), ("js/other.css", "")]);
    assert_eq!(with(r#"r.u=e=>"js/"+e+".202ec212.js""#), ["js/*.202ec212.js"]);
    assert_eq!(with(r#"r.u=e=>"js/"+e+".chunk.js""#), [""; 0], "its name is not known");
    assert_eq!(with("import(`./${e}-202ec212.js`)"), [""; 0], "it may never be imported");
}

#[test]
fn a_name_that_a_runtime_puts_together_says_who_gave_it() {
    let script = r#"r.u=e=>({1:"late"}[e]||e)+".js";import(`./${e}.entry.js`)"#;
    let files = site(&[
        ("index.html", "<script src=/app.js></script>"),
        ("app.js", script),
        ("late.js", ""),
        ("x.entry.js", ""),
    ]);
    let closure = closure_at(None, &[], &files);
    let forms: Vec<_> = closure.uses(&path("app.js")).map(|used| (used.file.as_str(), used.form)).collect();
    assert_eq!(forms, [("late.js", Form::ChunkName), ("x.entry.js", Form::DynamicImport)]);
}

#[test]
fn a_hash_in_the_query_is_no_part_of_the_file() {
    let runtime = r#"r.miniCssF=e=>"css/"+e+".css?2a761b9ec8ce1b7cd1c9""#;
    let page = r#"<script src="/runtime.js"></script>"#;
    let files = site(&[("index.html", page), ("runtime.js", runtime), ("css/late.css", "")]);
    let closure = closure_at(None, &[], &files);
    assert_eq!(closure.broken, []);
    // Any style sheet fits: that it is used shows nothing about its name.
    let forms: Vec<_> = closure.uses(&path("runtime.js")).map(|used| (used.file.as_str(), used.form)).collect();
    assert_eq!(forms, [("css/late.css", Form::Text)]);
}

#[test]
fn lists_are_recognised_where_some_of_them_is_there() {
    let page = r#"<script src="/assets/app.js"></script>"#;
    let script = r#"f=["assets/a.js","assets/b.js"];example=["src/main.js","src/other.js"]"#;
    let files = [("index.html", page), ("assets/app.js", script), ("assets/a.js", "")];
    assert_eq!(essential(&files), ["assets/b.js"]);
    // What a tag loads says nothing about lists.
    let page = r#"<script src="assets/app.js"></script>"#;
    let example = r#"example=["assets/main-3f9c2e1b.js","assets/other.js"]"#;
    assert_eq!(essential(&[("index.html", page), ("assets/app.js", example)]), [""; 0]);
}

#[test]
fn whole_addresses_are_recognised_where_some_of_them_is_there() {
    let page = r#"<script src="app.js"></script>"#;
    let script = r#"a="/assets/a-3f9c2e1b.js";b="/assets/b-77c1de05.js";c="/elsewhere/c-5a6b7c8d.js""#;
    let files = [("index.html", page), ("app.js", script), ("assets/a-3f9c2e1b.js", "")];
    assert_eq!(essential(&files), ["assets/b-77c1de05.js"]);
}

#[test]
fn lists_in_a_page_are_relative_to_it_whatever_its_base() {
    let page = r#"<base href="/b/"><script>f(["./x-3f9c2e1b.js"])</script>"#;
    let files = [("a/index.html", page), ("a/x-3f9c2e1b.js", ""), ("b/x-3f9c2e1b.js", "")];
    let closure = closure_at(None, &[], &site(&files));
    let used: Vec<_> = closure.uses(&path("a/index.html")).map(|used| used.file.as_str()).collect();
    assert_eq!(used, ["a/x-3f9c2e1b.js"]);
}

#[test]
fn a_folder_that_the_url_does_not_name_is_told() {
    let page = r#"<script src="/docs/app.js"></script><link rel=stylesheet href="/docs/look.css">"#;
    let files = site(&[("index.html", page), ("app.js", ""), ("look.css", "")]);
    let unnamed = |url| closure_at(url, &[], &files).unnamed_folder;
    assert_eq!(unnamed(Some("https://www.example.com")).as_deref(), Some("docs/"));
    assert_eq!(unnamed(Some("https://www.example.com/docs")), None);
    assert_eq!(unnamed(None), None);
    let at_top = site(&[("index.html", r#"<script src="/app.js"></script>"#), ("app.js", "")]);
    assert_eq!(closure_at(Some("https://www.example.com"), &[], &at_top).unnamed_folder, None);
}

/// What a browser does not find at the site's address, although it is there: what stops a page, and what else.
fn outside(url: Option<&str>, external: &[&str], files: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let closure = closure_at(url, external, &site(files));
    assert_eq!(closure.broken, []);
    let (essential, others): (Vec<_>, Vec<_>) = closure.outside.into_iter().partition(|one| one.essential);
    let written = |list: Vec<Broken>| list.into_iter().map(|one| one.written.to_string()).collect();
    (written(essential), written(others))
}

#[test]
fn what_begins_at_the_top_of_the_host_leaves_a_site_in_a_folder() {
    let page = r#"<link rel=icon href="/icon.svg"><link rel=stylesheet href="/look.css"><script type=module src="/a/app.js"></script>"#;
    let files = [
        ("index.html", page),
        ("a/app.js", r#"import"./part.js";import("/a/late.js");x=["/a/listed-3f9c2e1b.js"]"#),
        ("a/part.js", ""),
        ("a/late.js", ""),
        ("a/listed-3f9c2e1b.js", ""),
        ("look.css", "p{background:url(/icon.svg)}q{background:url(icon.svg)}"),
        ("icon.svg", ""),
    ];
    let in_folder = Some("https://www.example.com/staging/shop");
    let essential = ["/a/late.js", "/a/app.js", "/look.css"].map(str::to_owned).to_vec();
    let found = outside(in_folder, &[], &files);
    assert_eq!(found.0, essential);
    assert_eq!(found.1, ["/a/listed-3f9c2e1b.js", "/icon.svg", "/icon.svg"]);
    for url in [None, Some("https://www.example.com"), Some("https://www.example.com/")] {
        assert_eq!(outside(url, &[], &files), (vec![], vec![]), "{url:?}");
    }
    assert_eq!(outside(in_folder, &["a", "look.css"], &files).0, [""; 0], "something else serves them");
}

#[test]
fn what_is_built_for_the_address_does_not_leave_it() {
    for page in [
        r#"<script src="app.js"></script><link rel=stylesheet href="./look.css">"#,
        r#"<script src="/staging/shop/app.js"></script><link rel=stylesheet href="https://www.example.com/staging/shop/look.css">"#,
        r#"<base href="/staging/shop/"><script src="app.js"></script><link rel=stylesheet href="look.css">"#,
        r#"<script src="https://cdn.example.com/app.js"></script><script src="https://cdn.example.com/look.css"></script>"#,
        r#"<script src="/other/thing.js"></script>"#,
    ] {
        let files = [("index.html", page), ("app.js", ""), ("look.css", "")];
        assert_eq!(outside(Some("https://www.example.com/staging/shop/"), &[], &files), (vec![], vec![]), "{page}");
    }
    let whole = r#"<script src="https://www.example.com/app.js"></script>"#;
    let found = outside(Some("https://www.example.com/shop"), &[], &[("index.html", whole), ("app.js", "")]);
    assert_eq!(found.0, ["https://www.example.com/app.js"]);
}

#[test]
fn a_folder_that_the_address_does_not_name_is_looked_for_in_vain() {
    let page = r#"<script src="/docs/app.js"></script><link rel=stylesheet href="/docs/look.css">"#;
    let files = [("index.html", page), ("app.js", ""), ("look.css", "")];
    assert_eq!(outside(Some("https://www.example.com"), &[], &files).0, ["/docs/app.js", "/docs/look.css"]);
    assert_eq!(outside(Some("https://www.example.com/docs"), &[], &files), (vec![], vec![]));
    assert_eq!(outside(None, &[], &files), (vec![], vec![]));
}

#[test]
fn what_is_external_is_not_missing() {
    let page = r#"<script src="/api/v1/client.js"></script><script src="/gone.js"></script>"#;
    assert_eq!(missing(&closure_at(None, &["api"], &site(&[("index.html", page)]))).0, ["gone.js"]);
}

proptest! {
    /// What is found does not depend on the order in which files were read, and every file that is taken out of a
    /// whole site is missed.
    #[test]
    fn each_file_that_is_taken_out_is_missed(links in prop::collection::vec((0_usize..6, 0_usize..6), 0..12), out in 0_usize..6) {
        let mut files = site(&[("index.html", r#"<script type=module src="/js/0.js"></script>"#)]);
        for number in 0..6 {
            let imports = links.iter().filter(|(from, _)| *from == number).map(|(_, to)| format!("import './{to}.js';"));
            files.insert(path(&format!("js/{number}.js")), imports.collect::<String>().into_bytes());
        }
        let whole = closure_at(None, &[], &files);
        prop_assert_eq!(&whole.broken, &[]);
        let gone = path(&format!("js/{out}.js"));
        let reached = reached(&whole.files, &whole.uses);
        let is_reached = reached[whole.files.binary_search(&gone).unwrap()];
        files.remove(&gone);
        let closure = closure_at(None, &[], &files);
        prop_assert_eq!(closure.broken.iter().any(|broken| broken.essential), is_reached);
        prop_assert!(closure.broken.iter().all(|broken| broken.resolved == gone.as_str()));
    }
}

#[test]
fn what_routes_name_at_the_cdn_is_missed_where_modules_lie() {
    let with = |text: &str| {
        let page = format!(
            r#"<script type=module src="https://cdn.example.com/assets/entry-BYf2qJoX.js"></script><script>{text}</script>"#
        );
        essential(&[("index.html", page.as_str()), ("assets/entry-BYf2qJoX.js", "")])
    };
    let route = |address: &str| format!(r#"routes={{"about":{{"module":"{address}"}}}}"#);
    assert_eq!(with(&route("https://cdn.example.com/assets/about-CkQxNlLp.js")), ["assets/about-CkQxNlLp.js"]);
    assert_eq!(with(&route("https://cdn.example.com/elsewhere/about-CkQxNlLp.js")), [""; 0]);
    assert_eq!(with(&route("https://other.example.com/assets/about-CkQxNlLp.js")), [""; 0]);
    assert_eq!(with(&route("https://cdn.example.com/about-CkQxNlLp.js")), [""; 0], "everything lies at the top");
}

#[test]
fn import_maps_name_files_under_the_base_of_the_site_too() {
    let page = r##"<script type=importmap>{"imports":{"#entry":"/docs/_nuxt/MypHdeGI.js","lib/":"/docs/lib/"}}</script>
<script type=module src="/docs/_nuxt/B5A1p7WK.js"></script><link rel=stylesheet href="/docs/_nuxt/entry.C9yO6mbB.css">"##;
    let files = [
        ("index.html", page),
        ("_nuxt/B5A1p7WK.js", r##"import"#entry";import"lib/a.js";import("lib/gone.js")"##),
        ("_nuxt/MypHdeGI.js", ""),
        ("_nuxt/entry.C9yO6mbB.css", ""),
        ("lib/a.js", ""),
    ];
    for url in [None, Some("https://example.com/docs")] {
        let closure = closure_at(url, &[], &site(&files));
        assert_eq!(missing(&closure), (vec!["lib/gone.js"], vec![]), "{url:?}");
        let used: Vec<_> =
            closure.uses(&path("_nuxt/B5A1p7WK.js")).map(|used| (used.file.as_str(), used.by_name)).collect();
        assert_eq!(used, [("_nuxt/MypHdeGI.js", true), ("lib/a.js", true)]);
    }
}

#[test]
fn several_fingerprints_without_a_miss_tell_the_base_among_many_copies() {
    let copies: Vec<String> = (0..9).map(|number| format!("copy.3f9c2e{number}b.js")).collect();
    let tags: String = copies.iter().map(|copy| format!("<script src='/{copy}'></script>")).collect();
    let page = |own: &[&str]| {
        let own: String = own.iter().map(|own| format!("<link rel=modulepreload href='/app/{own}'>")).collect();
        format!("{tags}{own}")
    };
    let own = ["a.5f67d795.js", "b.9d2fc154.js", "c.6c160917.js"];
    let with = |page: &str, more: &[&str]| {
        let names = copies.iter().map(String::as_str).chain(own).chain(more.iter().copied());
        let mut files: Vec<(&str, &str)> = names.map(|name| (name, "")).collect();
        files.push(("404.html", page));
        essential(&files)
    };
    assert_eq!(with(&page(&own), &[]), [""; 0]);
    let lost = format!("{}<script src='/gone.3f9c2e1b.js'></script>", page(&own));
    assert_eq!(with(&lost, &[]), ["gone.3f9c2e1b.js"], "the top counts too");
    assert_eq!(with(&page(&own[..2]), &[]), ["app/a.5f67d795.js", "app/b.9d2fc154.js"]);
    assert_eq!(with(&page(&own), &["app/other.js"]).len(), 3);
    assert_eq!(with(&page(&[own[0], own[1], own[2], "d.0a1b2c3d.js"]), &[]).len(), 4);
}

#[test]
fn a_font_is_missed_where_none_of_its_sources_is_there() {
    let page = r#"<link rel=stylesheet href="a.css">"#;
    let with = |sheet: &str, files: &[&str]| {
        let mut all = vec![("index.html", page), ("a.css", sheet)];
        all.extend(files.iter().map(|file| (*file, "")));
        let closure = closure_at(None, &[], &site(&all));
        let (essential, others) = missing(&closure);
        (essential.join(" "), others.join(" "))
    };
    let both = |essential: &str, others: &str| (essential.to_owned(), others.to_owned());
    let face = "@font-face{src:url(a.woff2) format('woff2'),url(b.ttf) format('truetype')}";
    assert_eq!(with(face, &["a.woff2", "b.ttf"]), both("", ""));
    assert_eq!(with(face, &["b.ttf"]), both("", "a.woff2"));
    assert_eq!(with(face, &["a.woff2"]), both("", "b.ttf"));
    assert_eq!(with(face, &[]), both("a.woff2", "b.ttf"));
    // Another face has other sources beside the same one.
    let faces = format!("{face}@font-face{{src:url(a.woff2),url(c.ttf)}}");
    assert_eq!(with(&faces, &["b.ttf", "c.ttf"]), both("", "a.woff2"));
    assert_eq!(with(&faces, &["b.ttf"]), both("a.woff2", "c.ttf"));
    let elsewhere = "@font-face{src:url(a.woff2),url(https://fonts.example/b.ttf)}";
    assert_eq!(with(elsewhere, &[]), both("", "a.woff2"));
    // Only a style sheet has a choice.
    let preloaded = r#"<link rel=preload as=font href="a.woff2"><link rel=stylesheet href="a.css">"#;
    let files = [("index.html", preloaded), ("a.css", face), ("b.ttf", "")];
    assert_eq!(essential(&files), ["a.woff2"]);
}

#[test]
fn an_address_that_nobody_loads_is_only_a_warning() {
    let page = r#"<script type=module src="app.js"></script>"#;
    for name in ["a.js", "a.mjs", "a.css", "a.woff2", "a.webmanifest", "a-3f9c2e1b.js", "a.wasm", "a.png"] {
        let script = format!(r#"const a=new URL("./{name}",import.meta.url)"#);
        let closure = closure_at(None, &[], &site(&[("index.html", page), ("app.js", &script)]));
        assert_eq!(missing(&closure), (vec![], vec![name]));
    }
    for load in [
        r#"new Worker(new URL("./w-3f9c2e1b.js",import.meta.url))"#,
        r#"importScripts("./w-3f9c2e1b.js")"#,
        r#"import("./w-3f9c2e1b.js")"#,
    ] {
        assert_eq!(essential(&[("index.html", page), ("app.js", load)]), ["w-3f9c2e1b.js"], "{load}");
    }
}

#[test]
fn a_folder_of_the_site_is_not_missing() {
    let page = r#"<script type=module src="js/core.js"></script><link rel=stylesheet href="css/a.css"><img src="./"><img src="/img">
<link rel=manifest href="site.webmanifest"><link rel=preload as=fetch href="img/"><script src="./"></script>"#;
    let script = r#"new URL("./",import.meta.url);new URL(".",import.meta.url);new URL("../",import.meta.url);new URL("..",import.meta.url);
new URL("/",import.meta.url);new URL("../img",import.meta.url);new URL("../img/",import.meta.url);import("./");importScripts("../")"#;
    let files = [
        ("index.html", page),
        ("js/core.js", script),
        ("css/a.css", "p{background:url(./)}q{background:url(../img)}@font-face{src:url(../)}"),
        ("img/a.png", ""),
        ("site.webmanifest", r#"{"start_url":".","icons":[{"src":"./"}]}"#),
    ];
    let closure = closure_at(None, &[], &site(&files));
    assert_eq!(closure.broken, []);
    // One that is not there is missed, a file is no folder, and visitors who follow a link need a page.
    let page =
        r#"<script type=module src="a.js"></script><script src="img"></script><a href="img/"></a><a href="./"></a>"#;
    let files = [("index.html", page), ("a.js", r#"new URL("./gone/",import.meta.url)"#), ("img/a.png", "")];
    let closure = closure_at(None, &[], &site(&files));
    assert_eq!(missing(&closure), (vec!["img"], vec!["gone/", "img/"]));
}

#[test]
fn names_of_things_are_not_missed_beside_chunks() {
    let runtime = r#"r.u=e=>e+"."+{12:"8d41f0c3a97be652",77:"1be0a94c6d2f7e83"}[e]+".js";"#;
    let with = |more: &str, files: &[&str]| {
        let main = format!("{runtime}{more}");
        let mut all = vec![("index.html", r#"<script src="main.js"></script>"#), ("main.js", main.as_str())];
        all.extend(files.iter().map(|file| (*file, "")));
        essential(&all)
    };
    let chunks = ["12.8d41f0c3a97be652.js", "77.1be0a94c6d2f7e83.js"];
    for names in [
        r#"["Node.js","Vue.js"]"#,
        r#"["Animate.css","Less.css"]"#,
        r#"["Chart.mjs","Node.js"]"#,
        r#"["package.json","Node.js"]"#,
        r#"["Node.js","5f3c9a1b7d2e4c60"]"#,
        r#"["React","Vue.js"]"#,
        r#"id=>({1:"Vue",2:"Node"})[id]+".js""#,
        r#"function f(id){return{1:"Vue"}[id]+".js"}"#,
    ] {
        assert_eq!(with(names, &chunks), [""; 0], "{names}");
    }
    assert_eq!(with(r#"["Node.js","Vue.js"]"#, &chunks[..1]), [chunks[1]]);
    assert_eq!(with(r#"["3.aa41f0c3a97be652.js"]"#, &chunks), ["3.aa41f0c3a97be652.js"], "named as they are");
    assert_eq!(with(r#"["3.aa41f0c3a97be652.js","Vue.js"]"#, &chunks), ["3.aa41f0c3a97be652.js"]);
}
