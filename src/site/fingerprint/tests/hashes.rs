//! What reads as a hash, and what as a word, a date or a name that a person made up.

use super::alphabet::Alphabet;
use super::name::{Name, Position};
use super::*;

fn all(names: &[&str], expected: bool, is_it: impl Fn(&str) -> bool) {
    for name in names {
        assert_eq!(is_it(name), expected, "{name}");
    }
}

#[test]
fn an_alphabet_has_the_characters_of_one_tool() {
    for (alphabet, tokens, others) in [
        (Alphabet::Hex, &["3f2a1b9c", "0123456789abcdef"][..], &["3f2a1b9g", "3F2A1B9C", "3f2a-1b9"][..]),
        (Alphabet::Base36, &["8zarh3"], &["8zarH3", "8za-h3"]),
        (Alphabet::Base38, &["0k-_z9"], &["0k-_Z9", "0k.z9"]),
        (Alphabet::Base32, &["7ZCX3GO2"], &["7ZCX3GO1", "7ZCX3GO8", "7zcx3go2"]),
        (Alphabet::Base64Url, &["Cy2_yb-6"], &["Cy2+yb/6", "Cy2.yb6"]),
    ] {
        all(tokens, true, |token| alphabet.has_all_of(token));
        all(others, false, |token| alphabet.has_all_of(token));
        assert_eq!(Alphabet::of(tokens.iter().copied()), Some(alphabet), "the smallest that has all");
    }
    assert_eq!(Alphabet::of(["a.b"].into_iter()), None);
}

#[test]
fn a_hash_can_hardly_be_anything_else() {
    let hashes = [
        "BYf2qJoX",
        "tEV-d4Vc",
        "3f2a1b9c",
        // Three runs of digits and letters.
        "ae3579bc",
        // As esbuild writes it.
        "7ZCX3GO7",
        "B0o66Rpf1LKA",
        "3f2a1b9c8d7e6f50",
        // No word has five consonants in a row, or both a hyphen and an underscore.
        "Dwvzxkqa",
        "Du-is_No",
    ];
    all(&hashes, true, tokens::reads_as_a_hash);
    let others = [
        "DOWNLOAD",
        "Summer24",
        "iPhone15",
        "Photo-is",
        "LEGACY22",
        "a1b2c3d4",
        "deadbeef",
        // With a year, or with a row of digits.
        "ab2019cd",
        "b1984dc2",
        "ab12345c",
        // An identifier of a database, and a UUID.
        "507f1f77bcf86cd799439011",
        "3f2a1b9c8d7e4f508a6b5c4d3e2f1a0b",
        // Two runs.
        "fbeeae74",
    ];
    all(&others, false, tokens::reads_as_a_hash);
}

#[test]
fn few_digits_may_be_a_hash_where_others_are() {
    all(&["5ca14d4", "1bb63", "f0e1d2"], true, tokens::is_very_short_hex);
    all(&["12345", "abcdef", "facade", "photo1", "a1b2", "a1b2c3d4e5"], false, tokens::is_very_short_hex);
    all(&["MY7HURMZ", "LEGACY22"], true, tokens::may_be_base32);
    all(&["DOWNLOAD", "LEGACY2", "photo123", "PHOTO189"], false, tokens::may_be_base32);
    all(&["BEA3RUHM", "Dk3_x9Zq"], true, tokens::may_be_a_short_hash);
    let others = ["UserCard", "Summer24", "a1b2c3d4", "b9c7", "b9c7d5e3f8a9k", "ABCDEFGH"];
    all(&others, false, tokens::may_be_a_short_hash);
}

#[test]
fn what_counts_up_was_made_up() {
    all(&["a1b2c3d4", "abc123", "x7y8z9", "deadbeef", "app-release2b", "DEADBEEF"], true, tokens::is_patterned);
    all(&["123bfa", "abc941", "a1b2", "3f2a1b9c"], false, tokens::is_patterned);
}

#[test]
fn a_hash_is_likely_where_it_is_no_word_of_its_alphabet() {
    for (alphabet, likely, unlikely) in [
        // There are few words of more than seven letters up to `f`.
        (Alphabet::Hex, &["ebbabade", "3f2a1b9c", "12ba34cd"][..], &["decade", "20240115", "deadbeef"][..]),
        (Alphabet::Base36, &["8zarh3k1"], &["3f2a1b9c", "original", "20240115"]),
        (Alphabet::Base32, &["BEA3RUHM", "MY7HURMZ"], &["DOWNLOAD", "LEGACY22"]),
        (Alphabet::Base64Url, &["DI90Dtcq", "PLroEnow"], &["3f2a1b9c", "UserCard", "Summer24", "lit-html", "20240115"]),
    ] {
        all(likely, true, |token| tokens::is_likely(alphabet, token));
        all(unlikely, false, |token| tokens::is_likely(alphabet, token));
    }
}

#[test]
fn words_are_told_by_how_they_are_spoken() {
    all(&["download", "DOWNLOAD", "lit-html", "my-xyz"], true, tokens::reads_as_a_word);
    all(&["xkcdqzw", "Download", "angstschrei", "photo1", "lit-HTML"], false, tokens::reads_as_a_word);
    // One for four characters, and no more than four consonants in a row.
    all(&["UserCard", "Summer24", "UserCardView", "Tenths12", "HTMLShrink"], true, tokens::reads_as_words);
    all(&["iPhone15", "UserCardPage3", "Lengths1", "fooBCDFG"], false, tokens::reads_as_words);
    for (text, runs) in [("iPhone15", 3), ("BxYz12Ab", 4), ("HTMLPage", 2), ("theURL", 2), ("3.7", 3), ("", 0)] {
        assert_eq!(tokens::count_runs(text), runs, "{text}");
    }
}

#[test]
fn an_id_that_nobody_chose_is_random() {
    all(&["gX5NAZBKAIzAO1Gx7u2td"], true, tokens::is_random);
    let chosen = ["2024-01-15-a1b9c2d7e5", "2024-01-15-A1B9C2D7E5", "AutumnReleaseOfTheApp", "gX5NAZBKAIzAO1Gx7u2t"];
    all(&chosen, false, tokens::is_random);
}

#[test]
fn a_place_in_a_name_is_found_again() {
    let name = |file: &'static str| {
        let path = Box::leak(Box::new(path(file)));
        Name::of(path).unwrap()
    };
    for (file, place, token, other) in [
        ("_nuxt/BYf2qJoX.js", Position::Bare, "BYf2qJoX", "index-BYf2qJoX.js"),
        ("3f2a1b9c.main.js", Position::Before(b'.'), "3f2a1b9c", "3f2a1b9c-main.js"),
        ("main.3f2a1b9c.js", Position::After(b'.'), "3f2a1b9c", "main-3f2a1b9c.js"),
        ("main-3f2a1b9c.js", Position::After(b'-'), "3f2a1b9c", "3f2a1b9c.js"),
    ] {
        assert!(name(file).positions().any(|one| one == (place, token)), "{file}");
        assert_eq!(place.token(&name(file), 8), Some(token), "{file}");
        assert_eq!((place.token(&name(file), 7), place.token(&name(other), 8)), (None, None), "{file}, {other}");
    }
}

/// Base64 may hold a separator itself, and then has letters of both cases; what people name does not.
#[test]
fn a_hash_may_hold_a_separator() {
    let may = |file: &str| Name::of(&path(file)).unwrap().may_hold_a_hash();
    all(&["a-tEV-d4Vc.css", "logo-deadbeef.png", "app.3f2a1b9c.js"], true, may);
    all(&["my-photo-12.png", "Our-photo-1.png", "a-b-c.js"], false, may);
}

#[test]
fn the_last_part_that_may_be_a_hash_holds_no_dot() {
    let last = |file: &str| Name::of(&path(file)).unwrap().last_possible_hash().map(str::to_owned);
    assert_eq!(last("base.27e20196a850.js").as_deref(), Some("27e20196a850"));
    assert_eq!(last("a1b2c-main.js").as_deref(), Some("a1b2c"));
    assert_eq!(last("v-2.10.js"), None);
    assert_eq!(last("a-b1.js"), None);
}
