//! The table of the rules.

use super::*;

#[test]
fn each_rule_has_a_name_of_its_own() {
    let ids: BTreeSet<&str> = RULES.iter().map(|rule| rule.id).collect();
    assert_eq!(ids.len(), RULES.len());
    let is_plain =
        |id: &&str| id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    assert!(ids.iter().all(is_plain), "{ids:?}");
}

#[test]
fn the_last_rule_applies_to_every_file() {
    let site = Site::of(&["photo.png"]);
    let verdict = judge(&site.files, &site.declared).remove(&path("photo.png")).unwrap();
    assert_eq!(Some(verdict.rule), RULES.last().map(|rule| rule.id));
    assert_eq!(verdict, Verdict::NONE);
}

/// Evidence against a reference is reported, and is outweighed by other evidence for the file.
#[test]
fn what_speaks_against_a_reference_is_told() {
    let rule = |site: &Site, file: &str| judge(&site.files, &site.declared).remove(&path(file)).unwrap().rule;
    let site = vite().import("assets/index-BYf2qJoX.js", "assets/lib-Dx92_kLm.js").tie(
        "about.html",
        "assets/lib.js",
        Role::Script,
        Form::Attribute,
    );
    assert_eq!(rule(&site, "assets/lib-Dx92_kLm.js"), "unhashed-twin");
    let site = vite()
        .tag("about.html", "assets/index-BYf2qJoX.js", &["type", "crossorigin", "src"])
        .tag("about.html", "assets/widget-CkQ2x9Lp.js", &["type", "src"])
        .tag("about.html", "assets/index-Dx92_kLm.css", &["rel", "href"]);
    assert_eq!(rule(&site, "assets/widget-CkQ2x9Lp.js"), "other-tag");
    assert_eq!(rule(&site, "assets/index-Dx92_kLm.css"), "style-of-script");
}

#[test]
fn the_document_lists_all_rules_in_their_order() {
    let row = |rule: &Rule| {
        let says = match rule.says {
            Says::Fingerprinted => "fingerprinted",
            Says::Mutable => "mutable",
            Says::AsWritten => "as it says",
            Says::AsTheOriginal => "as that file",
        };
        format!("| `{}` | {} | {says} | {} |\n", rule.id, rule.tool, rule.why)
    };
    let rows: String = RULES.iter().map(row).collect();
    assert!(include_str!("../../../../docs/headers.md").contains(&rows), "docs/headers.md should have\n{rows}");
}
