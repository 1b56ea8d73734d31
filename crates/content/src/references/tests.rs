use super::*;
use proptest::prelude::*;

fn path(path: &str) -> SitePath {
    SitePath::new(path).unwrap()
}

/// What a file of that name with that content refers to: text, role, form and line.
fn found(name: &str, content: &str) -> Vec<(String, Role, Form, u32)> {
    let references = read(&path(name), content.as_bytes());
    references.list.into_iter().map(|one| (one.written.to_string(), one.role, one.form, one.line)).collect()
}

/// Text and role alone.
fn named(name: &str, content: &str) -> Vec<(String, Role)> {
    found(name, content).into_iter().map(|(written, role, ..)| (written, role)).collect()
}

fn pair(written: &str, role: Role) -> (String, Role) {
    (written.to_owned(), role)
}

#[test]
fn attributes_of_html_are_references_in_their_roles() {
    let page = r##"<!doctype html><html><head>
<base href="/docs/">
<link rel=stylesheet href=a.css><link rel="modulepreload" href="/m.js">
<link rel="preload" as="font" href="f.woff2" crossorigin><link rel="prefetch" href="p.js"><link rel="preload" as="fetch" href="d.json">
<link rel="shortcut icon" href="/favicon.ico"><link rel=manifest href="site.webmanifest"><link rel="canonical" href="https://a.example/">
<link rel="alternate" hreflang="de" href="/de/"><link rel="preload" as="image" imagesrcset="i1.png 1x, i2.png 2x" href="i1.png">
<link rel="next" href="/2/"><meta property="og:video" content="og.mp4">
<meta property="og:image" content="https://a.example/og.png"><meta http-equiv="refresh" content="0; url='/new/'">
<script src="c.js"></script><script type="module" src="./e.mjs"></script>
</head><body style="background: url('bg.png')">
<a href="/x?a=1&amp;b=2#c">x</a><a href="#top">t</a><a href="mailto:a@b.example">m</a><a href='javascript:void(0)'>j</a>
<img src=one.png srcset="one.png 1x,two.png 2x, data:image/png;base64,AA== 3x">
<picture><source srcset="three.avif"></picture><video poster="v.jpg" src="v.mp4"><track src="v.vtt"></video>
<iframe src="frame.html"></iframe><object data="o.pdf"></object><input type=image src="go.png"><table background="t.png"></table><svg><use xlink:href="icons.svg#a"/></svg>
<astro-island component-url="/_astro/A.1.js" renderer-url="/_astro/client.2.js"></astro-island>
</body></html>"##;
    use Role::*;
    let expected = [
        ("a.css", Style),
        ("/m.js", Module),
        ("f.woff2", Font),
        ("p.js", Other),
        ("d.json", Other),
        ("/favicon.ico", Image),
        ("site.webmanifest", WebManifest),
        ("/de/", Page),
        ("i1.png", Image),
        ("i2.png", Image),
        ("/2/", Page),
        ("og.mp4", Media),
        ("https://a.example/og.png", Image),
        ("/new/", Page),
        ("c.js", Script),
        ("./e.mjs", Module),
        ("bg.png", Image),
        ("/x?a=1&b=2#c", Page),
        ("one.png", Image),
        ("two.png", Image),
        ("three.avif", Image),
        ("v.mp4", Media),
        ("v.jpg", Image),
        ("v.vtt", Media),
        ("frame.html", Page),
        ("o.pdf", Media),
        ("go.png", Image),
        ("t.png", Image),
        ("icons.svg#a", Image),
        ("/_astro/A.1.js", Module),
        ("/_astro/client.2.js", Module),
    ];
    assert_eq!(named("a/index.html", page), expected.map(|(written, role)| pair(written, role)));
    assert_eq!(read(&path("index.html"), page.as_bytes()).base.as_deref(), Some("/docs/"));
}

/// <https://html.spec.whatwg.org/#parse-a-srcset-attribute>: a comma at the end of an address ends its candidate, one in it
/// does not.
#[test]
fn commas_in_a_srcset_part_candidates_and_not_addresses() {
    let names = |srcset: &str| {
        let page = format!(r#"<img srcset="{srcset}">"#);
        named("i.html", &page).into_iter().map(|(written, _)| written).collect::<Vec<_>>()
    };
    for (srcset, expected) in [
        ("a.png, b.png", &["a.png", "b.png"][..]),
        ("a.png,, b.png 2x", &["a.png", "b.png"]),
        (", a.png 1x,b.png 2x,", &["a.png", "b.png"]),
        ("a.png 1x , b.png", &["a.png", "b.png"]),
        ("w_10,h_10/a.png 1x, w_20,h_20/a.png 2x", &["w_10,h_10/a.png", "w_20,h_20/a.png"]),
        ("a.png,b.png 2x", &["a.png,b.png"]),
        ("a.png (1x, 2x) 3w, b.png", &["a.png", "b.png"]),
        ("a.png (1x, b.png", &["a.png"]),
        ("data:image/png;base64,AA== 1x, a.png 2x", &["a.png"]),
        (" , ", &[]),
    ] {
        assert_eq!(names(srcset), expected, "{srcset}");
    }
    let preload = r#"<link rel=preload as=image imagesrcset="a.png, b.png 2x">"#;
    assert_eq!(named("i.html", preload), [pair("a.png", Role::Image), pair("b.png", Role::Image)]);
}

#[test]
fn what_is_commented_out_or_text_or_a_template_is_no_reference() {
    let page = r#"<!-- <script src="old.js"></script> --><!--[if IE]><link rel=stylesheet href=ie.css><![endif]-->
<textarea><img src="text.png"></textarea><title><img src=t.png></title><a href="{{ url }}">x</a><a href="/${id}">y</a>
<noscript><img src="pixel.png"></noscript><template><img src="row.png"></template>"#;
    assert_eq!(named("i.html", page), [pair("pixel.png", Role::Image), pair("row.png", Role::Image)]);
    assert_eq!(named("i.html", r#"<a href="/{id}/">x</a>"#), [pair("/{id}/", Role::Page)], "a name may have braces");
    // A template that is kept as a script.
    let kept = r#"<script type="text/x-template" src="row.html"></script><script type="text/x-template">import "./row.js"</script>"#;
    assert_eq!(found("i.html", kept), [("row.html".to_owned(), Role::Other, Form::Attribute, 1)]);
}

/// <https://url.spec.whatwg.org/#concept-basic-url-parser>
#[test]
fn spaces_around_an_address_and_line_ends_in_it_go() {
    for written in [" a/b.png", "a/b.png ", "\n a/b.png\t", "a/\nb.png", "a/\tb\r\n.png", "a/b.png"] {
        assert_eq!(named("i.html", &format!("<img src='{written}'>")), [pair("a/b.png", Role::Image)], "{written:?}");
    }
    assert_eq!(named("i.html", "<img src='a b.png'>"), [pair("a b.png", Role::Image)]);
}

#[test]
fn qwiks_listeners_are_loaded_from_the_folder_of_its_modules() {
    let page = |base: &str| format!(r#"<html {base}><button on:click="q-a.js#s_1 q-b.js#s_2[0]" title="q-c.js#s">"#);
    let module = |name: &str| (name.to_owned(), Role::Module, Form::Attribute, 1);
    assert_eq!(found("i.html", &page(r#"q:base="/build/""#)), [module("/build/q-a.js"), module("/build/q-b.js")]);
    assert_eq!(found("i.html", &page("")), []);
}

#[test]
fn what_is_fetched_ahead_is_what_its_name_says() {
    use Role::*;
    for (name, role) in [
        ("a.js", Script),
        ("a.cjs", Script),
        ("a.mjs", Module),
        ("a.css?v=1", Style),
        ("a.woff2", Font),
        ("a.eot", Other),
        ("a.webmanifest", WebManifest),
        ("a.PNG", Image),
        ("a.mp4", Media),
        ("a.html", Page),
        ("a.json", Other),
        (".js", Other),
        ("a.", Other),
        ("a.js/b", Other),
    ] {
        assert_eq!(named("i.html", &format!("<link rel=preload href='{name}'>")), [pair(name, role)]);
    }
    let style = r#"<link rel=preload as=style href=a.css>"#;
    assert_eq!(found("i.html", style), [("a.css".to_owned(), Style, Form::Attribute, 1)], "it is only fetched");
    assert_eq!(Role::Style.noun(), "style sheet");
}

#[test]
fn what_refers_to_nothing_is_empty() {
    let is_empty = |page: &str| read(&path("i.html"), page.as_bytes()).is_empty();
    assert!(is_empty("<p>nothing</p>"));
    for page in ["<base href='/a/'>", r#"<script type=importmap>{"imports":{"a/":"/b/"}}</script>"#, "<img src=a.png>"]
    {
        assert!(!is_empty(page), "{page}");
    }
}

#[test]
fn files_are_read_by_their_names() {
    for name in ["a.html", "a.htm", "a.svg", "a.css", "a.mjs", "a.webmanifest", "a/manifest.json", "chunk-map.json"] {
        assert!(is_read(&path(name)), "{name}");
    }
    for name in ["a.json", "a.txt", "a.png", "LICENSE"] {
        assert!(!is_read(&path(name)), "{name}");
    }
    let list = r#"{"a":["chunks/a.js"]}"#;
    assert_eq!(named("chunk-map.json", list), [pair("chunks/a.js", Role::Module)]);
    assert_eq!(named("data.json", r#"["q-a.js"]"#), []);
}

#[test]
fn texts_of_many_files_are_kept_once() {
    let mut shared = SharedTexts::default();
    let mut read = |name: &str| {
        let mut references = super::read(&path(name), b"<img src=a.png>");
        shared.share(&mut references);
        references
    };
    let (one, other) = (read("a.html"), read("b.html"));
    assert_eq!(one, other);
    assert!(std::sync::Arc::ptr_eq(&one.list[0].written, &other.list[0].written));
}

#[test]
fn lines_are_those_of_the_reference() {
    let page = "<p>\n<a\n href=x.html>\n<style>\n\n.a { background: url(a.png) }\n</style>\n<script src='s.js'>";
    let lines: Vec<_> = found("i.html", page).into_iter().map(|(written, .., line)| (written, line)).collect();
    assert_eq!(lines, [("x.html".to_owned(), 3), ("a.png".to_owned(), 6), ("s.js".to_owned(), 8)]);
}

#[test]
fn the_same_reference_is_kept_once() {
    assert_eq!(found("i.html", "<a href=x></a>\n<a href=x></a><iframe src=x></iframe>").len(), 1);
    assert_eq!(found("i.html", "<a href=x></a><img src=x>").len(), 2);
}

#[test]
fn style_sheets_name_images_fonts_and_other_sheets() {
    let sheet = r##"@charset "utf-8"; @import "base.css"; @import url(print.css) print; @import url("layered.css") layer(a) supports(display: grid);
@namespace svg url(http://www.w3.org/2000/svg);
@font-face { font-family: "A"; src: url(a.eot?#iefix) format("embedded-opentype"), url("./a\2e woff2") format("woff2"), local("x.woff") }
@media (min-width: 1px) { .a:hover { background: url( "b.png" ) no-repeat, url(data:image/png;base64,AA==); mask: url(#mask) } }
.b { background-image: -webkit-image-set("c.png" 1x, url(d.png) 2x); content: "e.png"; cursor: url(f.cur), auto }
/* url(no.png) */ .c { background: url(unclosed.png"##;
    use Role::*;
    let expected = [
        ("base.css", Style),
        ("print.css", Style),
        ("layered.css", Style),
        ("a.eot?#iefix", Other),
        ("./a.woff2", Font),
        ("b.png", Image),
        ("c.png", Image),
        ("d.png", Image),
        ("f.cur", Image),
        ("unclosed.png", Image),
    ];
    assert_eq!(named("a.css", sheet), expected.map(|(written, role)| pair(written, role)));
}

#[test]
fn of_the_fonts_of_a_face_only_the_first_is_needed() {
    let sheet = r#"@font-face{src:url(a.eot);src:url(a.eot?#iefix) format("embedded-opentype"),url(a.woff2) format("woff2"),url(a.ttf)}
@font-face{src:url(b.ttf)} .c{background:image-set(url(c.avif) type("image/avif"), url(c.png) type("image/png"))}"#;
    let fonts = |role: Role| named("a.css", sheet).into_iter().filter(move |(_, of)| *of == role).map(|(name, _)| name);
    assert_eq!(fonts(Role::Font).collect::<Vec<_>>(), ["a.woff2", "b.ttf"]);
    assert_eq!(fonts(Role::Image).collect::<Vec<_>>(), ["c.avif", "c.png"]);
}

/// The font that the sheet needs, and what else does.
fn fonts(sheet: &str) -> (Vec<String>, Vec<Vec<String>>) {
    let references = read(&path("a.css"), sheet.as_bytes());
    let needed = references.list.iter().filter(|one| one.role == Role::Font).map(|one| one.written.to_string());
    let lists = references.choices.iter().map(|list| list.iter().map(|one| one.to_string()).collect());
    (needed.collect(), lists.collect())
}

/// <https://drafts.csswg.org/css-fonts-4/#font-face-src-parsing>
#[test]
fn of_the_sources_of_a_face_browsers_take_the_first_that_they_know() {
    let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    for (face, needed, choices) in [
        ("src:url(a.woff2)", &["a.woff2"][..], &[][..]),
        ("src:url(a.woff2),url(b.ttf)", &["a.woff2"], &["a.woff2", "b.ttf"]),
        // A format that no browser knows by that name, one that only old ones do, and one that says more.
        ("src:url(a.otf) format('otf'),url(b.ttf) format('truetype')", &["b.ttf"], &[]),
        ("src:url(a.ttf) format(embedded-opentype),url(b.ttf)", &["b.ttf"], &[]),
        (
            "src:url(a.woff2) format(\"WOFF2\") tech(variations),url(b.woff2) format(woff2-variations)",
            &["a.woff2"],
            &["a.woff2", "b.woff2"],
        ),
        ("src:url(a.otf) format('otf')", &["a.otf"], &[]),
        ("src:url(a.otf) format('otf'),url(b.ttf) format('ttf')", &["a.otf"], &["a.otf", "b.ttf"]),
        // What has no name that says what it is, and what is in the sheet itself.
        ("src:url(a.woff2),url(/font?id=3)", &["a.woff2"], &["a.woff2", "/font?id=3"]),
        ("src:url(a.woff2),url(data:font/woff2;base64,AA==)", &[], &[]),
        ("src:url(\"data:font/woff2;base64,AA==\") format(\"woff2\"),url(b.ttf)", &[], &[]),
        ("src:local(A),url(a.woff2)", &["a.woff2"], &[]),
        // The last declaration counts, unless it has nothing that a browser knows.
        ("src:url(a.ttf);font-weight:400;src:url(b.woff2),url(c.ttf)", &["b.woff2"], &["b.woff2", "c.ttf"]),
        ("src:url(a.ttf);src:url(b.svg) format(\"svg\")", &["a.ttf"], &[]),
        ("src:src(\"a.woff2\")", &["a.woff2"], &[]),
        // What is no font.
        ("src:url(a.png),url(b.ttf)", &["b.ttf"], &[]),
        ("src:url(a.bin) format('x'),url(b.otf) format('otf')", &["b.otf"], &[]),
    ] {
        let lists = if choices.is_empty() { Vec::new() } else { vec![owned(choices)] };
        assert_eq!(fonts(&format!("@font-face{{font-family:A;{face}}}")), (owned(needed), lists), "{face}");
    }
    // Without a choice in one face, there is none.
    let two = "@font-face{src:url(a.woff2),url(b.ttf)}@font-face{src:url(a.woff2)}";
    assert_eq!(fonts(two), (owned(&["a.woff2"]), vec![]));
    assert_eq!(fonts(":root{--font:url(a.woff2)}.b{background:url(c.ttf)}"), (vec![], vec![]));
    assert_eq!(
        fonts("@media print{@font-face{src:url(a.woff2)}}p{color:red}@font-face{src:url(b.ttf").0,
        ["a.woff2", "b.ttf"]
    );
    let page = "<style>@font-face{src:url(a.woff2),\n url(b.ttf)}</style>";
    assert_eq!(found("i.html", page).pop().map(|(written, .., line)| (written, line)), Some(("b.ttf".to_owned(), 2)));
}

#[test]
fn web_manifests_name_icons_and_pages() {
    let manifest = r#"{ "name": "A", "start_url": "/?source=pwa",
  "icons": [{ "src": "icons/192.png", "sizes": "192x192" }], "shortcuts": [{ "url": "/new", "icons": [{ "src": "n.png" }] }] }"#;
    let expected = [
        pair("/?source=pwa", Role::Page),
        pair("icons/192.png", Role::Image),
        pair("/new", Role::Page),
        pair("n.png", Role::Image),
    ];
    assert_eq!(named("site.webmanifest", manifest), expected);
    assert_eq!(named("manifest.json", manifest), expected);
    let lines: Vec<_> = found("manifest.json", manifest).into_iter().map(|(.., line)| line).collect();
    assert_eq!(lines, [1, 2, 2, 2]);
    assert_eq!(named("site.webmanifest", "{"), []);
}

#[test]
fn import_maps_are_kept() {
    let page = r#"<script type="importmap">{"imports": {"app": "/app-1.js", "lib/": "/lib/"}}</script>"#;
    let references = read(&path("i.html"), page.as_bytes());
    let imports: Vec<_> = references.imports.iter().map(|(name, address)| (&**name, &**address)).collect();
    assert_eq!(imports, [("app", "/app-1.js"), ("lib/", "/lib/")]);
    assert_eq!(named("i.html", page), [pair("/app-1.js", Role::Module)]);
}

#[test]
fn schemes_are_told_from_paths() {
    assert_eq!(scheme("https://a.example/"), Some("https"));
    assert_eq!(scheme("a/b:c"), None);
    assert_eq!(scheme("1:2"), None);
    assert_eq!(scheme("plain"), None);
}

proptest! {
    #[test]
    fn no_bytes_stop_reading(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for name in ["a.html", "a.css", "a.js", "a.webmanifest", "a.svg", "chunk-map.json"] {
            read(&path(name), &bytes);
        }
    }

    /// Pieces that mean something to the readers, in any order.
    #[test]
    fn no_text_stops_reading(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..60)) {
        let text = pieces.concat();
        for name in ["a.html", "a.css", "a.js"] {
            read(&path(name), text.as_bytes());
        }
    }
}

const PIECES: &[&str] = &[
    "<",
    ">",
    "</",
    "<!--",
    "-->",
    "<script>",
    "</script",
    "<style>",
    "<a href=",
    "\"",
    "'",
    "=",
    "/",
    " ",
    "\n",
    "&#",
    ";",
    "&amp;",
    "url(",
    ")",
    "(",
    "{",
    "}",
    "[",
    "]",
    "@import ",
    "\\",
    "`",
    "${",
    "import(",
    "import ",
    "from",
    "e=>",
    "+",
    "[e]",
    "||",
    "?",
    ":",
    "\"a.js\"",
    "1:",
    "ä",
    "\u{2028}",
    "//",
    "/*",
    "*/",
    "return ",
    ".u=",
    "new URL(",
    "import.meta.url",
];

#[test]
fn deep_nesting_stops_nothing() {
    for open in ["(", "[", "{", "a{", "url(", "`${", "<a style=\"(", "e=>("] {
        let text = open.repeat(200_000);
        for name in ["a.html", "a.css", "a.js"] {
            read(&path(name), text.as_bytes());
        }
    }
}

#[test]
fn a_style_sheet_that_visitors_may_choose_is_not_essential() {
    let page = r#"<link rel="alternate stylesheet" href="dark.css" title="Dark"><link rel="stylesheet" href="a.css">"#;
    assert_eq!(named("a.html", page), [pair("dark.css", Role::Other), pair("a.css", Role::Style)]);
}

#[test]
fn tags_that_load_a_script_or_style_are_told_apart_by_their_manner() {
    let manner = |tag: &str| match found("index.html", tag).as_slice() {
        [(_, _, Form::Tag(manner), _)] => *manner,
        other => panic!("{tag}: {other:?}"),
    };
    let [people, vite] = [
        r#"<script type="module" src="/a.js"></script>"#,
        r#"<script type="module" crossorigin src="/a.js"></script>"#,
    ];
    assert!(manner(people).is_plain() && !manner(people).is_cross_origin());
    assert!(!manner(vite).is_plain() && manner(vite).is_cross_origin());
    let [people, webpack] = [r#"<link rel="stylesheet" href="a.css">"#, r#"<link href="a.css" rel="stylesheet">"#];
    assert!(manner(people).is_plain() && !manner(webpack).is_plain());
    assert_eq!(manner(people), manner(r#"<link rel=stylesheet media=print href=b.css />"#));
    assert!(manner(r#"<script src="a.js" type="module" async></script>"#).is_plain());
    assert!(!manner(r#"<script src="a.js" data-site="1"></script>"#).is_plain());
    assert!(manner(r#"<script defer src="a.js"></script>"#).is_plain());
    let module = r#"<script type="module" src="/a.js"></script>"#;
    assert_ne!(manner(module), manner(r#"<script src="/a.js"></script>"#));
    assert!(manner(vite).is_vites() && manner(r#"<script nomodule crossorigin src="a.js"></script>"#).is_vites());
    assert!(!manner(module).is_vites());
    assert!(!manner(r#"<script crossorigin integrity="sha384-x" src="a.js"></script>"#).is_vites());
    assert!(manner(vite).says_more() && manner(r#"<script defer src="a.js"></script>"#).says_more());
    assert!(!manner(module).says_more() && !manner(webpack).says_more());
    // What is only fetched ahead is loaded by something else.
    assert_eq!(found("index.html", r#"<link rel="modulepreload" href="/a.js">"#)[0].2, Form::Attribute);
}

#[test]
fn qwiks_graph_names_modules_in_their_folder() {
    let graph = r#"["q-2iWkrRWz.js",4,-8,47,"q-BdbqodOw.js",52,"s_2IsebOX6Rno",-10]"#;
    let module = |name: &str| (format!("build/{name}"), Role::Module, Form::List, 1);
    assert_eq!(found("assets/Dv8SI8qT-bundle-graph.json", graph), [module("q-2iWkrRWz.js"), module("q-BdbqodOw.js")]);
    assert_eq!(found("assets/Dv8SI8qT-bundle-graph.json", "{}"), []);
}

#[test]
fn style_sheets_import_before_their_rules_alone() {
    let sheet = r#"@charset "utf-8";@layer base;@import "a.css";@import url(b.css) screen;p{color:red}@import "late.css";
@media print{@import "inner.css"}@font-face{src:url(f.woff2)}"#;
    assert_eq!(
        named("look.css", sheet),
        [pair("a.css", Role::Style), pair("b.css", Role::Style), pair("f.woff2", Role::Font)]
    );
}

#[test]
fn addresses_are_read_wherever_they_stand_in_a_sheet() {
    use Role::*;
    for (sheet, expected) in [
        (r#"@import "a.css";"#, &[("a.css", Style)][..]),
        (r#"@import "a.css" screen; p{background:url(b.png)}"#, &[("a.css", Style), ("b.png", Image)]),
        (":root{--icons:(url(a.png),[url(b.png)])}", &[("a.png", Image), ("b.png", Image)]),
        ("p{src:url(c.woff2)}", &[("c.woff2", Other)]),
    ] {
        let expected: Vec<_> = expected.iter().map(|(written, role)| pair(written, *role)).collect();
        assert_eq!(named("a.css", sheet), expected, "{sheet}");
    }
}

#[test]
fn names_that_are_not_in_utf_8_are_not_understood() {
    let page = b"<script src=\"caf\xe9.js\"></script><script src=\"a.js\"></script>";
    let list = read(&path("index.html"), page).list;
    assert_eq!(list.iter().map(|one| &*one.written).collect::<Vec<_>>(), ["a.js"]);
}

#[test]
fn scripts_of_webpack_tell_the_array_that_they_meet_in() {
    let array = |name: &str, script: &str| chunk_array(&path(name), script.as_bytes());
    let of = |name: &str| Some(name.to_owned());
    let chunk = r#""use strict";(self.webpackChunksite_a=self.webpackChunksite_a||[]).push([[883],{}]);"#;
    assert_eq!(array("js/883.js", chunk), of("webpackChunksite_a"));
    assert_eq!(array("3.js", "(window.webpackJsonp=window.webpackJsonp||[]).push([[3],{}])"), of("webpackJsonp"));
    assert_eq!(array("a.js", r#"self["rspackChunkmy-app"]=1"#), of("rspackChunkmy-app"));
    assert_eq!(array("a.js", "import './b.js'"), None);
    assert_eq!(array("a.html", chunk), None);
}
