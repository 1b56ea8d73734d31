//! The rules, in their order: the first one that applies to a file decides.
//!
//! First come the rules that outweigh all evidence: the history, the users' own rules, and names that stay the same whatever
//! the files contain. Then a digest of the bytes, which outweighs evidence against a name. Then the build's own statements,
//! and last the bundler's names and references. Evidence against a reference comes after it, because another file may still
//! prove the name: the style of a script is the bundler's, whatever the form of its tag.

use super::bundler::{objections, reading, siblings, unloaded};
use super::contract::{self, Mark, Token};
use super::rule::{Evidence, Rule, Says};
use super::{fixed, late};

/// All rules, the strongest first.
pub static RULES: &[Rule] = &[
    Rule {
        id: "history",
        tool: "any",
        says: Says::Mutable,
        why: "it had different content under this name before, which overrides every rule",
        evidence: Evidence::History,
    },
    Rule {
        id: "header-rule",
        tool: "any",
        says: Says::AsWritten,
        why: "a [[headers]] rule in publish.toml says so",
        evidence: Evidence::Configuration,
    },
    Rule {
        id: "compressed-copy",
        tool: "any",
        says: Says::AsTheOriginal,
        why: "it is the compressed form of another file",
        evidence: Evidence::Original,
    },
    mutable("hidden", "any", "hidden files are requested by a fixed name", Evidence::Path(fixed::is_hidden)),
    mutable("page", "any", "visitors open pages by their URLs", Evidence::Path(fixed::is_page)),
    mutable("feed", "any", "feed readers and crawlers request feeds by a fixed name", Evidence::Path(fixed::is_feed)),
    mutable("web-manifest", "any", "browsers request it again under this name", Evidence::Path(fixed::is_web_manifest)),
    mutable(
        "service-worker",
        "any",
        "browsers look for a newer service worker under the name of the old one",
        Evidence::Path(fixed::is_service_worker),
    ),
    mutable(
        "service-worker-registration",
        "vite-plugin-pwa",
        "pages load the script that registers a service worker by this name",
        Evidence::Path(fixed::is_registration),
    ),
    mutable(
        "federation-entry",
        "module federation",
        "other sites load it by this name",
        Evidence::Path(fixed::is_federation_entry),
    ),
    mutable(
        "newest",
        "any",
        "programs request the newest version under this name",
        Evidence::Path(fixed::names_the_newest),
    ),
    fingerprinted("digest", "any", "a part of its path is a digest of its bytes", Evidence::Digest),
    mutable(
        "source-map",
        "any",
        "it is a source map, named after a script: only a digest of its own bytes would count",
        Evidence::Path(fixed::is_source_map),
    ),
    mutable(
        "text",
        "any",
        "it is a text, named for people or after a script: only a digest of its own bytes would count",
        Evidence::Path(fixed::is_text),
    ),
    mutable(
        "workbox-runtime",
        "Workbox",
        "Workbox names its runtime after its version: only a digest of its own bytes would count",
        Evidence::Path(fixed::is_workbox_runtime),
    ),
    mutable(
        "import-map-entry",
        "Nuxt",
        "it lists files by the hashes in their names, and was named before those were known",
        Evidence::Content(late::imports_by_name),
    ),
    mutable(
        "old-vite-styles",
        "Vite 2 and 3",
        "it lists style sheets by the hashes in their names, and was named before those were known",
        Evidence::Content(late::is_of_old_vite),
    ),
    mutable(
        "vite-unhashed-import",
        "Vite",
        "it lists what an import without a hash in its name needs, and that list was filled in after its own hash was computed",
        Evidence::Content(late::lists_for_unhashed),
    ),
    mutable(
        "stamped",
        "PostHog, sentry-cli and others",
        "a tool wrote an id into it after its hash was computed, and the id may differ in every build",
        Evidence::Content(late::is_stamped),
    ),
    fingerprinted("build-manifest", "any", "a manifest of the build lists it under another name", Evidence::Manifest),
    // docs.astro.build, "Images": the source's hash, and that of the transformation.
    contract("astro-picture", "Astro", contract::astro_picture, Mark::Used),
    // gatsby-plugin-image: static/<digest of the source>/<digest of the arguments>/<name>.
    contract("gatsby-picture", "Gatsby", contract::gatsby_picture, Mark::File("page-data/app-data.json")),
    // 11ty.dev/docs/plugins/image: <hash of source and options>-<width>.<format>.
    contract("eleventy-picture", "Eleventy Image", contract::eleventy_picture, Mark::Used),
    // gohugo.io, "Image processing": <name>_hu_<hash> and before 0.140 <name>_hu<hash>_<size>_….
    contract("hugo-picture", "Hugo", contract::hugo_picture, Mark::Path),
    // nextjs.org, "generateBuildId": a random name (nanoid, 21 characters) unless the user pins one.
    contract("next-build", "Next.js", contract::next_build, Mark::Path),
    // Its webpack chunks (16 hexadecimal digits), even those that no page of this site loads.
    contract("next-chunk", "Next.js", contract::next_chunk, Mark::File("_buildManifest.js")),
    // expressive-code.com, Astro's usual highlighter: ec.<5 of base 36>.css.
    contract("expressive-code", "Expressive Code", contract::expressive_code, Mark::Path),
    // docs.expo.dev: pictures of several scales share the MD5 of all of them.
    contract("expo-picture", "Expo", contract::expo_asset, Mark::Folder("_expo/static/")),
    // pagefind.app: parts of the search index, named by the digest of their content.
    contract("pagefind-part", "Pagefind", contract::pagefind_part, Mark::File("pagefind-entry.json")),
    // angular.dev, `outputHashing`: the files it loads besides its main script.
    contract("angular-bundle", "Angular", contract::angular_bundle, Mark::Beside(contract::angular_main)),
    // Its builder before version 17: the output of `scripts` in angular.json, without webpack.
    contract(
        "angular-scripts",
        "Angular before version 17",
        contract::angular_scripts,
        Mark::Beside(contract::angular_polyfills),
    ),
    // squidfunk.github.io/mkdocs-material: a part of version 8 that few sites load, besides the stemmers of its search.
    contract(
        "material-extra",
        "Material for MkDocs",
        contract::material_extra,
        Mark::Folder("assets/javascripts/lunr/min/"),
    ),
    // squidfunk.github.io/mkdocs-material: its own scripts and styles come with the theme.
    contract("material-file", "Material for MkDocs", contract::material_asset, Mark::Used),
    // stenciljs.com: p-<hash>.entry.js beside its loader.
    contract("stencil-entry", "Stencil", contract::stencil_entry, Mark::Path),
    // doc.rust-lang.org/rustdoc: parts of the search index, named by the digest of their content.
    contract("rustdoc-index", "rustdoc", contract::rustdoc_part, Mark::File("search.index/root.js")),
    // Its own scripts, whose names its pages build, and styles (rust-lang/rust: src/librustdoc/html/static_files.rs).
    contract("rustdoc-script", "rustdoc", contract::rustdoc_script, Mark::Kin(contract::rustdoc_style)),
    contract("rustdoc-style", "rustdoc", contract::rustdoc_style, Mark::Kin(contract::rustdoc_script)),
    // coverage.py's report in HTML: its own files by the SHA3-256 of the type and the bytes (coverage/html.py,
    // copy_with_cache_bust).
    contract("coverage-file", "coverage.py", contract::coverage_asset, Mark::Beside(contract::coverage_script)),
    // Ember CLI (broccoli-asset-rev) renames all scripts and styles, including copies, by the MD5 before they are
    // minified.
    contract("ember-script", "Ember", contract::ember_script, Mark::Kin(contract::ember_vendor)),
    fingerprinted(
        "bundler-reference",
        "bundlers",
        "only a bundler refers to a file in this way, and its name follows the pattern of this site's bundler",
        Evidence::Reference(reading::is_referred_to_by_bundler),
    ),
    fingerprinted(
        "bundler-tag",
        "bundlers",
        "a page loads it as it loads the bundler's files, and its name follows their pattern",
        Evidence::Reference(reading::is_loaded_as_bundlers),
    ),
    fingerprinted(
        "bundler-kin",
        "bundlers",
        "its hash could be words, but it imports the bundler's files, or is imported with them",
        Evidence::ReferenceOfKin(reading::reads_as_words),
    ),
    fingerprinted(
        "long-hash",
        "any",
        "a page or script refers to it, and no person writes a hash of that length",
        Evidence::Reference(reading::is_long),
    ),
    fingerprinted(
        "same-hash",
        "VitePress",
        "it has the same hash as one of the bundler's files",
        Evidence::Recognised(siblings::with_the_same_hash),
    ),
    fingerprinted(
        "style-of-script",
        "bundlers",
        "it is named after one of the bundler's files, with a hash of its own",
        Evidence::Recognised(siblings::of_the_same_name),
    ),
    fingerprinted(
        "unloaded-entry",
        "bundlers",
        "it refers to the bundler's files, and its name follows their pattern",
        Evidence::Recognised(unloaded::entries),
    ),
    mutable(
        "other-tag",
        "bundlers",
        "its name follows the pattern of this site's bundler, but another kind of tag loads it: people copy such files",
        Evidence::Objection(objections::is_loaded_otherwise),
    ),
    mutable(
        "unhashed-twin",
        "any",
        "a file with the same name without the hash is beside it, so it may be a copy",
        Evidence::Objection(objections::has_unhashed_twin),
    ),
    mutable(
        "inherited-hash",
        "Vite, Rollup and others",
        "this site's bundler names chunks without a hash: the hash here may come from the name of a library's file",
        Evidence::Objection(objections::may_inherit_its_hash),
    ),
    mutable("no-evidence", "any", "nothing shows that its name changes with its content", Evidence::Nothing),
];

const fn mutable(id: &'static str, tool: &'static str, why: &'static str, evidence: Evidence) -> Rule {
    Rule { id, tool, says: Says::Mutable, why, evidence }
}

const fn fingerprinted(id: &'static str, tool: &'static str, why: &'static str, evidence: Evidence) -> Rule {
    Rule { id, tool, says: Says::Fingerprinted, why, evidence }
}

/// A framework's contract about a form of path.
const fn contract(id: &'static str, tool: &'static str, token: Token, mark: Mark) -> Rule {
    let why = "this tool writes such paths, and changes them with the content";
    fingerprinted(id, tool, why, Evidence::Contract(token, mark))
}

/// The rule of that name.
pub(super) fn rule(id: &str) -> Option<&'static Rule> {
    RULES.iter().find(|rule| rule.id == id)
}
