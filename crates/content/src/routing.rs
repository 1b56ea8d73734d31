//! Whether a site is a single-page application: one page whose router handles all other addresses. There is no file at
//! such an address, so a visitor who reloads it, or follows a link to it, gets the host's answer for missing files.
//!
//! Routers that keep the address behind a `#` need nothing from the host. Both kinds are recognised by what minifiers leave.

use std::ops::BitOrAssign;

use memchr::memmem;

use crate::path::SitePath;

/// Most characters that a page shows which waits for its scripts, such as "Loading…".
const MAX_SHOWN: usize = 200;

/// Pages that hosts answer with for a missing file, and which are no entry of their own.
const FALLBACKS: [&str; 3] = ["404.html", "200.html", "404/index.html"];

/// A router, with marks of it that are left in every build. In a mark, `"` is any of the three quotes, a space is any number of
/// spaces, and `$` is any name. `export NAME` is there where a module exports that name, and it is true.
struct Router {
    /// Its usual name.
    name: &'static str,
    /// All of them are there.
    has: &'static [&'static str],
    /// None of them is there: they show that it keeps addresses behind a `#`.
    unless: &'static [&'static str],
}

/// Read in builds of react-router 6.30 and 7, history 5, vue-router 3.6, 4 and 5, @angular/router 21, wouter 3, @tanstack/history 1
/// and @sveltejs/kit 2, minified by esbuild. The first whose marks are all there decides.
const ROUTERS: [Router; 10] = [
    Router {
        name: "React Router",
        has: &["usr: $.state, key: $.key", "pushState"],
        unless: &[".location.hash.substr"],
    },
    Router { name: "Vue Router", has: &["_routerRoot", "mode: \"history\""], unless: &[] },
    // Without a mode it keeps addresses behind a `#`.
    Router { name: "Vue Router", has: &["_routerRoot"], unless: &["_routerRoot"] },
    Router { name: "Vue Router", has: &["RouterView", "popstate", "pushState", "RouterLink"], unless: &["+= \"#\""] },
    // Its modules hold both kinds; a setting decides.
    Router { name: "Angular's router", has: &["outerPageId", "useHash ?"], unless: &["useHash: !0", "useHash: true"] },
    Router { name: "Angular's router", has: &["outerPageId"], unless: &[".hash ?? \"#\""] },
    Router {
        name: "TanStack Router",
        has: &["__TSR_key", "pushState", "popstate"],
        unless: &[".search}#${", ".hash.split(\"#\")"],
    },
    Router { name: "wouter", has: &["wouter_v3", "pushState"], unless: &[r"/^#?\/?/"] },
    Router { name: "SvelteKit's router", has: &["sveltekit:", "pushState"], unless: &["export hash"] },
    // Whatever else: an application that changes the address and hears when a visitor goes back, and does not listen to what
    // stands behind a `#`. Flutter does so without a `#` too, and its own default has one.
    Router {
        name: "",
        has: &["pushState", "popstate"],
        unless: &["hashchange", "hash: !0", "hash: true", "flutter/navigation", "+= \"#\""],
    },
];

/// Everything that is looked for, each once.
fn marks() -> impl Iterator<Item = &'static str> {
    ROUTERS.iter().flat_map(|router| router.has.iter().chain(router.unless)).copied()
}

/// What the files of a site say of a router, put together with `|=`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Which of [`marks`] were found, by their places.
    found: u64,
    /// Whether the home page shows nothing before its scripts have run.
    is_shell: bool,
}

impl Routing {
    /// What one file says, by its name and bytes: scripts and pages say something.
    pub fn of(path: &SitePath, bytes: &[u8]) -> Routing {
        let is_script = matches!(path.extension().as_deref(), Some("js" | "mjs" | "cjs"));
        if !is_script && !path.is_page() {
            return Routing::default();
        }
        let found =
            marks().enumerate().filter(|(_, mark)| holds(bytes, mark)).fold(0, |found, (at, _)| found | 1 << at);
        Routing { found, is_shell: path.as_str() == "index.html" && is_shell(bytes) }
    }

    /// The router of an application that is one page, by its name, if its addresses are to be answered by the host: `Some("")`
    /// for one that is not known by name. `files` are those of the site.
    pub fn router<'p>(&self, mut files: impl Iterator<Item = &'p SitePath>) -> Option<&'static str> {
        let is_other_page = |path: &SitePath| path.is_page() && path.as_str() != "index.html" && !is_fallback(path);
        if !self.is_shell || files.any(is_other_page) {
            return None;
        }
        let mut at = 0;
        for router in &ROUTERS {
            let mut next = |marks: &[&str]| -> Vec<bool> {
                let found = (at..at + marks.len()).map(|at| self.found & 1 << at != 0).collect();
                at += marks.len();
                found
            };
            let (has, unless) = (next(router.has), next(router.unless));
            if has.into_iter().all(|found| found) {
                return unless.into_iter().all(|found| !found).then_some(router.name);
            }
        }
        None
    }
}

impl BitOrAssign for Routing {
    fn bitor_assign(&mut self, other: Routing) {
        self.found |= other.found;
        self.is_shell |= other.is_shell;
    }
}

/// Whether a page is what hosts answer with for a missing file, and so no entry of its own.
pub fn is_fallback(path: &SitePath) -> bool {
    FALLBACKS.contains(&path.as_str())
}

/// Whether `mark` stands anywhere in `bytes`.
fn holds(bytes: &[u8], mark: &str) -> bool {
    if let Some(name) = mark.strip_prefix("export ") {
        return exports_true(bytes, name);
    }
    let plain = mark.find(['"', ' ', '$']).unwrap_or(mark.len());
    let (plain, rest) = mark.as_bytes().split_at(plain);
    memmem::find_iter(bytes, plain).any(|at| begins(&bytes[at + plain.len()..], rest))
}

/// Whether a module holds `a=!0` (minified) or `a = true`, and `export{a as name}`.
fn exports_true(bytes: &[u8], name: &str) -> bool {
    memmem::find_iter(bytes, format!(" as {name}").as_bytes()).any(|end| {
        let is_of_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_$".contains(byte);
        let length = bytes[..end].iter().rev().take_while(is_of_name).count();
        let own = String::from_utf8_lossy(&bytes[end - length..end]);
        let is_set = |value: &&str| memmem::find(bytes, format!("{own}{value}").as_bytes()).is_some();
        length > 0 && ["=!0", "=true", " = true"].iter().any(is_set)
    })
}

/// Whether `bytes` begin with what `mark` stands for.
fn begins(bytes: &[u8], mark: &[u8]) -> bool {
    let mut bytes = bytes;
    for &expected in mark {
        let taken = match expected {
            b'"' => usize::from(bytes.first().is_some_and(|byte| b"\"'`".contains(byte))),
            b'$' => bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"_$".contains(byte)).count(),
            b' ' => {
                bytes = bytes.trim_ascii_start();
                continue;
            }
            other => usize::from(bytes.first() == Some(&other)),
        };
        if taken == 0 {
            return false;
        }
        bytes = &bytes[taken..];
    }
    true
}

/// Whether a page shows next to nothing, and no link, before its scripts have run.
fn is_shell(page: &[u8]) -> bool {
    let page = page.to_ascii_lowercase();
    let mut rest = memmem::find(&page, b"<body").map_or(&page[..], |at| &page[at..]);
    let mut shown = 0;
    while let Some(open) = memchr::memchr(b'<', rest) {
        shown += rest[..open].iter().filter(|byte| !byte.is_ascii_whitespace()).count();
        rest = &rest[open..];
        if rest.starts_with(b"<a ") && tag(rest).windows(5).any(|name| name == b"href=") {
            return false;
        }
        // The content of these is not shown.
        let hides = ["script", "style", "noscript", "template", "title", "!--"].iter().find(|name| {
            let after = rest[1..].strip_prefix(name.as_bytes());
            after.is_some_and(|after| **name == "!--" || !after.first().is_some_and(u8::is_ascii_alphanumeric))
        });
        let end = match hides {
            Some(&"!--") => memmem::find(rest, b"-->").map(|end| end + 3),
            Some(name) => memmem::find(rest, format!("</{name}").as_bytes()).map(|end| end + 2 + name.len()),
            None => Some(tag(rest).len()),
        };
        rest = end.map_or(&[][..], |end| &rest[end..]);
    }
    shown += rest.iter().filter(|byte| !byte.is_ascii_whitespace()).count();
    shown <= MAX_SHOWN
}

/// The tag that `rest` begins with.
fn tag(rest: &[u8]) -> &[u8] {
    memchr::memchr(b'>', rest).map_or(rest, |end| &rest[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHELL: &str = r#"<!doctype html><html><head><title>Shop</title></head><body><noscript>You need to enable JavaScript to run
        this app.</noscript><div id="root"><!-- app --></div><script>var a = "<a href=x>"</script></body></html>"#;

    fn routing(files: &[(&str, &str)]) -> Option<&'static str> {
        let files: Vec<(SitePath, &str)> =
            files.iter().map(|(path, text)| (SitePath::new(*path).unwrap(), *text)).collect();
        let mut routing = Routing::default();
        files.iter().for_each(|(path, text)| routing |= Routing::of(path, text.as_bytes()));
        routing.router(files.iter().map(|(path, _)| path))
    }

    /// Of a site that is a shell and one script.
    fn of_script(script: &str) -> Option<&'static str> {
        routing(&[("index.html", SHELL), ("assets/index.js", script)])
    }

    /// Pieces of minified builds.
    #[test]
    fn routers_are_told_by_what_minifiers_leave() {
        let history = r#"let g=e.history;g.pushState(s,"",u);e.addEventListener("popstate",p);"#;
        for (name, by_path, by_hash) in [
            (
                "React Router",
                "return{usr:e.state,key:e.key,idx:t};",
                r#"return{usr:e.state,key:e.key,idx:t};parsePath(n.location.hash.substr(1));"#,
            ),
            (
                "React Router",
                "x={ usr: location.state, key: location.key, idx: i }",
                "usr:a.state,key:b.key;w.location.hash.substring(1)",
            ),
            (
                "Vue Router",
                r#"var a={name:"RouterLink"},b={name:"RouterView"};"#,
                r##"var a={name:"RouterLink"},b={name:"RouterView"};e.includes("#")||(e+="#");"##,
            ),
            (
                "Vue Router",
                r#"this._routerRoot=t;new V({mode:`history`,routes:[]});"#,
                r#"this._routerRoot=t;e.addEventListener("hashchange",f);new V({routes:[]});"#,
            ),
            (
                "Angular's router",
                r##"{navigationId:e,\u0275routerPageId:n};n?.useHash?A():B();t.hash??"#";"##,
                r#"{navigationId:e,\u0275routerPageId:n};n?.useHash?A():B();R.forRoot([],{useHash:!0});"#,
            ),
            ("Angular's router", "{ɵrouterPageId:n}", r##"{ɵrouterPageId:n};t.hash??"#";"##),
            ("TanStack Router", "{__TSR_key:k}", "{__TSR_key:k};`${e.location.pathname}${e.location.search}#${o}`"),
            ("wouter", r#"Symbol.for("wouter_v3")"#, r#"Symbol.for("wouter_v3");h=/^#?\/?/;"#),
            (
                "SvelteKit's router",
                r#"var a="sveltekit:history";const at=!1,ht=!0;export{ht as csr,at as hash};"#,
                r#"var a="sveltekit:history";const ht=!0;export{ht as hash};"#,
            ),
            ("", "", r#"addEventListener("hashchange",f)"#),
        ] {
            assert_eq!(of_script(&format!("{history}{by_path}")), Some(name), "{by_path}");
            assert_eq!(of_script(&format!("{history}{by_hash}")), None, "{by_hash}");
        }
        assert_eq!(of_script("console.log(1)"), None);
    }

    #[test]
    fn every_mark_has_its_place() {
        assert!(marks().count() <= u64::BITS as usize);
    }

    #[test]
    fn what_a_router_is_made_of_may_lie_in_several_files() {
        let files = [
            ("index.html", SHELL),
            ("a.js", "new V({mode:\"history\"})"),
            ("b.js", "this._routerRoot=t"),
            ("404.html", "?"),
        ];
        assert_eq!(routing(&files), Some("Vue Router"));
    }

    #[test]
    fn only_a_single_page_that_waits_for_its_scripts_is_meant() {
        let script = ("a.js", "history.pushState(s,'',u);addEventListener('popstate',p)");
        assert_eq!(routing(&[("index.html", SHELL), script]), Some(""));
        assert_eq!(routing(&[("index.html", SHELL), script, ("about/index.html", SHELL)]), None);
        assert_eq!(routing(&[script, ("app/index.html", SHELL)]), None);
        let whole = format!("<body><h1>Shop</h1><p>{}</p></body>", "All that we sell. ".repeat(20));
        assert_eq!(routing(&[("index.html", &whole), script]), None, "it may be all there is");
        let linked = "<body><div id=root></div><a class=x href='/about'>About</a>";
        assert_eq!(routing(&[("index.html", linked), script]), None);
        let open = "<body><p>Loading</p><script>never ends";
        assert_eq!(routing(&[("index.html", open), script]), Some(""));
    }
}
