use html5gum::{DefaultEmitter, Token, Tokenizer};
use proptest::prelude::*;

use super::*;

/// Names and attributes of all start tags, as this module finds them.
fn ours(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let tags = Tags::new(text.as_bytes());
    tags.map(|tag| {
        let attributes = tag.attributes.iter().map(|one| (string(&one.name), string(one.value)));
        let mut attributes: Vec<_> = attributes.collect();
        attributes.sort_by(|(a, _), (b, _)| a.cmp(b));
        attributes.dedup_by(|(later, _), (first, _)| later == first);
        (string(&tag.name), attributes)
    })
    .collect()
}

/// The same by a tokenizer that passes html5lib's tests.
fn theirs(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let string = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let Ok(tokens) = Tokenizer::new_with_emitter(text, emitter).collect::<Result<Vec<_>, _>>();
    let tags = tokens.into_iter().filter_map(|token| match token {
        Token::StartTag(tag) => Some(tag),
        _ => None,
    });
    tags.map(|tag| {
        let attributes = tag.attributes.iter().map(|(name, value)| (string(name), string(value)));
        let mut attributes: Vec<_> = attributes.collect();
        attributes.sort();
        (string(&tag.name), attributes)
    })
    .collect()
}

const PIECES: &[&str] = &[
    "<a",
    "<B",
    "<img",
    "</a",
    "<!--",
    "-->",
    "--!>",
    "--",
    "<!",
    "<?",
    "<",
    ">",
    "/",
    "=",
    "\"",
    "'",
    " ",
    "\n",
    "href",
    "x",
    "SRC",
    "!",
    "-",
    "<textarea>",
    "</textarea>",
    "<title>",
    "</title ",
    "ä",
];

proptest! {
    #[test]
    fn tags_are_found_as_by_a_whole_tokenizer(pieces in prop::collection::vec(prop::sample::select(PIECES.to_vec()), 0..40)) {
        let text = pieces.concat();
        prop_assert_eq!(ours(&text), theirs(&text));
    }
}

#[test]
fn the_content_of_scripts_is_text() {
    let page = "<script>if (a</b>/c) '<img src=x>'</SCRIPT ><img src=y>";
    let contents: Vec<_> = Tags::new(page.as_bytes()).map(|tag| tag.content).collect();
    assert_eq!(contents, [Some((8, &b"if (a</b>/c) '<img src=x>'"[..])), None]);
}

#[test]
fn character_references_of_addresses_are_replaced() {
    assert_eq!(decode(b"a?b=1&amp;c=2&d&#x2F;&#47;&copy;&unknown"), "a?b=1&c=2&d//&copy;&unknown");
    assert_eq!(decode("ä&amp".as_bytes()), "ä&amp");
}
