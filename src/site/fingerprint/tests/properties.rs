//! Properties of every site.

use proptest::prelude::*;

use super::*;
use crate::content::closure::Surroundings;
use crate::content::references;

proptest! {
    /// Neither the order in which a disk lists files nor that of references in a file makes a difference.
    #[test]
    fn order_makes_no_difference(shuffled in Just(vite_steps()).prop_shuffle()) {
        let build = |steps: &[(&str, &str, Role, Form)]| {
            steps.iter().fold(Site::default(), |site, (from, to, role, form)| site.tie(from, to, *role, *form))
        };
        let (one, other) = (build(&vite_steps()), build(&shuffled));
        prop_assert_eq!(judge(&one.files, &one.declared), judge(&other.files, &other.declared));
    }

    /// Besides links to pages, what [`facts`] leaves out would change no verdict.
    #[test]
    fn what_is_left_out_tells_nothing(links in proptest::collection::vec((0_usize..4, 0_usize..9, 0_usize..7), 0..30)) {
        const PAGES: [&str; 4] = ["index.html", "about.html", "assets/a-BYf2qJoX.js", "assets/app.js"];
        const FILES: [&str; 9] = [
            "about.html", "assets/a-BYf2qJoX.js", "assets/b-CmAoX0r1.js", "assets/app.js", "assets/look-tEV9d4Vc.css",
            "assets/look.css", "assets/p-deadbeef.png", "static/b7c8f0b0b0a5c1d2e3f4a5b6c7d8e9f0/a1b2c/team.png", "logo.png",
        ];
        let write = |page: &str, to: &str, how: usize| match (page.ends_with(".html"), how) {
            (true, 0) => format!("<a href='/{to}'></a>"),
            (true, 1) => format!("<img src='/{to}'>"),
            (true, 2) => format!("<script src='/{to}'></script>"),
            (true, 3) => format!("<link rel=modulepreload href='/{to}'>"),
            (true, 4) => format!("<link rel=stylesheet href='/{to}'>"),
            (true, 5) => format!("<script defer src='/{to}'></script>"),
            (true, _) => format!("<link rel=preload as=image href='/{to}'>"),
            (false, 0..3) => format!("import '/{to}';"),
            (false, _) => format!("f(['/{to}']);"),
        };
        let mut texts: BTreeMap<SitePath, String> = PAGES.iter().chain(&FILES).map(|file| (path(file), String::new())).collect();
        for (page, to, how) in links {
            texts.get_mut(&path(PAGES[page])).unwrap().push_str(&write(PAGES[page], FILES[to], how));
        }
        let references = texts.iter().map(|(path, text)| (path.clone(), references::read(path, text.as_bytes()))).collect();
        let surroundings = Surroundings { url: None, is_external: &|_| false };
        let closure = Closure::of(texts.keys().cloned().collect(), &references, surroundings);
        let ties = |path: &SitePath| {
            let tie = |Use { file, role, form, by_name, .. }| Tie { to: SitePath::clone(file), role, form, by_name };
            closure.uses(path).filter(|used| used.role != Role::Page).map(tie).collect()
        };
        let all = texts.keys().map(|path| (path.clone(), Facts { ties: ties(path), ..Facts::default() })).collect();
        let none = Traces::default();
        let told = facts(texts.keys().map(|path| (path, &none)), &closure);
        prop_assert_eq!(judge(&told, &Declared::default()), judge(&all, &Declared::default()));
    }

    /// A name made of words, years and short numbers is mutable, whatever refers to it from a page.
    #[test]
    fn words_and_numbers_are_never_a_hash(
        folder in proptest::sample::select(vec!["", "assets/", "static/js/", "_astro/", "build/"]),
        words in proptest::collection::vec("(team|Photo|menu|facade|v[0-9]{1,2}|[0-9]{1,3}|20[0-9]{2}|20[0-9]{6}|Berlin|LOGO|final)", 1..6),
        separator in proptest::sample::select(vec!["-", ".", "_", ""]),
        extension in proptest::sample::select(vec!["js", "css", "png", "jpg", "pdf", "woff2", "js.map"]),
    ) {
        // Without anything between them, words of any kind make something that reads as a hash.
        let most = if separator.is_empty() { 2 } else { words.len() };
        let file = format!("{folder}{}.{extension}", words[..words.len().min(most)].join(separator));
        for site in [Site::default(), vite()] {
            let site = site.script("index.html", &file).style("index.html", &file).picture("index.html", &file);
            prop_assert!(!site.fingerprinted().contains(&file), "{}", file);
        }
    }

    /// Any manifest is taken in without a panic.
    #[test]
    fn any_bytes_are_a_manifest_or_none(bytes in proptest::collection::vec(any::<u8>(), 0..200), json in "\\{\"[a-z./]{0,9}\":(\"[a-z./-]{0,20}\"|\\{\"file\":\"[^\"\\\\]{0,20}\"\\}|\\[\\])\\}") {
        let mut declared = Declared::default();
        declared.read("manifest.json", &bytes);
        declared.read(".vite/manifest.json", json.as_bytes());
    }
}

fn vite_steps() -> Vec<(&'static str, &'static str, Role, Form)> {
    vec![
        ("index.html", "assets/index-BYf2qJoX.js", Role::Module, Form::Attribute),
        ("about.html", "assets/index-BYf2qJoX.js", Role::Module, Form::Attribute),
        ("index.html", "assets/vendor-a1b2c3d4.js", Role::Script, Form::Attribute),
        ("about.html", "assets/vendor-a1b2c3d4.js", Role::Script, Form::Attribute),
        ("index.html", "assets/index-tEV-d4Vc.css", Role::Style, Form::Attribute),
        ("assets/index-BYf2qJoX.js", "assets/About-PLroEnow.js", Role::Module, Form::Import),
        ("assets/index-BYf2qJoX.js", "assets/DOWNLOAD.js", Role::Module, Form::Import),
        ("assets/index-tEV-d4Vc.css", "assets/text-DPZIyaJL.woff2", Role::Font, Form::Style),
    ]
}
