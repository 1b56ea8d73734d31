use super::*;

/// What begins with `/` is told from what stands before it (<https://tc39.es/ecma262/#sec-ecmascript-language-lexical-grammar>).
#[test]
fn a_slash_divides_a_value_and_begins_a_regular_expression_elsewhere() {
    let has_regular_expression =
        |script: &str| tokens(script.as_bytes()).iter().any(|token| token.kind == TokenKind::RegularExpression);
    for begins in [
        "/b/",
        "return/b/",
        "typeof/b/",
        "x=/b/",
        "(/b/",
        "if(a)/b/",
        "x;while(a)/b/",
        "if([a])/b/",
        "if(f({}))/b/",
        "{}/b/",
        ";{}/b/",
        "if(a){}/b/",
        "a=>{}/b/",
        "else{}/b/",
        "class a{}/b/",
    ] {
        assert!(has_regular_expression(begins), "{begins}");
    }
    for divides in [
        "a/b/c",
        "a.return/b/c",
        "1/b/c",
        "f(a)/b/c",
        "x;f(a)/b/c",
        "a.if(b)/c/d",
        "[a]/b/c",
        "a++/b/c",
        "x={}/b/c",
        "return{}/b/c",
        "`a`/b/c",
    ] {
        assert!(!has_regular_expression(divides), "{divides}");
    }
}

#[test]
fn texts_templates_and_regular_expressions_end_where_they_end() {
    let kinds = |script: &str| tokens(script.as_bytes()).iter().map(|token| token.kind).collect::<Vec<_>>();
    for (script, kind) in [
        (r"'abc\'d'", TokenKind::Text),
        (r"`abc\`d`", TokenKind::Template),
        ("`a$b`", TokenKind::Template),
        (r"/abc\/d/", TokenKind::RegularExpression),
        ("/[/]a/", TokenKind::RegularExpression),
    ] {
        assert_eq!(kinds(script), [kind], "{script}");
    }
}

/// <https://tc39.es/ecma262/#sec-literals-string-literals>
#[test]
fn escapes_are_replaced_by_what_they_mean() {
    for (written, meant) in [
        (r"a\nb\tc\rd", "a\nb\tc\rd"),
        (r"a\0b\bc\fd\ve", "a b c d e"),
        ("a\\\nb\\\u{2028}c", "abc"),
        (r"a\'b\\c", r"a'b\c"),
    ] {
        assert_eq!(decode(written.as_bytes()), meant);
    }
}
