use proptest::prelude::*;

use super::*;

fn tags(page: &str) -> Vec<Tag> {
    let mut tags = Vec::new();
    read(page.as_bytes(), |tag| {
        tags.push(Tag { name: tag.name.clone(), attributes: copied(tag), content: tag.content.clone() })
    });
    tags
}

fn copied(tag: &Tag) -> Vec<Attribute> {
    let copy =
        |Attribute { name, value, at }: &Attribute| Attribute { name: name.clone(), value: value.clone(), at: *at };
    tag.attributes.iter().map(copy).collect()
}

/// Names of tags, and their attributes as `name=value`.
fn written(page: &str) -> Vec<(String, Vec<String>)> {
    let attributes = |tag: &Tag| tag.attributes.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
    tags(page).iter().map(|tag| (tag.name.clone(), attributes(tag))).collect()
}

#[test]
fn the_content_of_scripts_is_text() {
    let page = "<script>if (a</b>/c) '<img src=x>'</SCRIPT ><script src=z></script><img src=y>";
    let contents: Vec<_> = tags(page).into_iter().map(|tag| tag.content).collect();
    assert_eq!(contents, [Some((8, b"if (a</b>/c) '<img src=x>'".to_vec())), Some((58, Vec::new())), None]);
}

#[test]
fn what_visitors_without_scripts_get_is_markup() {
    let page =
        "<noscript><img src=a></noscript><template><img src=b></template><!-- <img src=c> --><title><img></title>";
    let names: Vec<_> = tags(page).into_iter().map(|tag| tag.name).collect();
    assert_eq!(names, ["noscript", "img", "template", "img", "title"]);
}

#[test]
fn elements_of_svg_may_be_empty() {
    let page =
        "<svg><title/><style/><script href=a /></svg><math><title/></math><title/><img src=x></title><img src=y>";
    let names: Vec<_> = tags(page).into_iter().map(|tag| tag.name).collect();
    assert_eq!(names, ["svg", "title", "style", "script", "math", "title", "title", "img"]);
    let nested = tags("<svg><svg/><g></g></svg><style/>a</style><img>");
    assert_eq!(nested.len(), 5);
    // In HTML no element is empty that way.
    let names: Vec<_> = tags("<p><title/><img src=x></title>").into_iter().map(|tag| tag.name).collect();
    assert_eq!(names, ["p", "title"]);
}

#[test]
fn character_references_are_replaced_and_names_are_in_lower_case() {
    let page = "<A HREF='?b=1&amp;c=2&d&#x2F;&#47;&copy;&unknown' Hidden title=ä><a href=1 href=2>";
    let expected = [("a", vec!["href=?b=1&c=2&d//©&unknown", "hidden=", "title=ä"]), ("a", vec!["href=1", "href=2"])];
    let expected = expected.map(|(name, all)| (name.to_owned(), all.into_iter().map(str::to_owned).collect()));
    assert_eq!(written(page), expected);
}

#[test]
fn places_are_those_of_the_document() {
    let page = "<p>ä&auml;\r\n<a\r\n href=x>\r\n<script>\r\nx</script>";
    let places: Vec<_> = tags(page).iter().flat_map(|tag| tag.attributes.iter().map(|one| one.at)).collect();
    assert_eq!(places, [page.find("href").unwrap()]);
    let (at, content) = tags(page).pop().unwrap().content.unwrap();
    assert_eq!(at, page.find("<script>").unwrap() + "<script>".len());
    assert_eq!(content, b"\nx");
}

#[test]
fn no_page_is_too_deep_or_too_long() {
    for piece in ["<", "<a ", "<a b=", "<!--", "<script>", "</", "&", "<a\0", "<![CDATA["] {
        read(piece.repeat(100_000).as_bytes(), |_| {});
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(prop::sample::select(b"<>/!-='\" ascript&;\0\r\n\xff".to_vec()), 0..200)) {
        read(&bytes, |tag| assert!(tag.attributes.iter().all(|one| one.at < bytes.len())));
    }
}
