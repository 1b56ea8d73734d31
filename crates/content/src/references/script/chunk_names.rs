//! The names of the chunks that webpack's and Rspack's runtime loads. No name is written out: the runtime assembles it, as in
//! `e => "js/" + ({1: "home"}[e] || e) + "." + {1: "d41d", 2: "8cd9"}[e] + ".js"`. Such an
//! expression is worked out here for every key of its tables.

use std::collections::{BTreeMap, BTreeSet};

use regex_automata::meta::Regex;

use super::paths::MAX_PATH;
use super::token::{Token, TokenKind, decode};

/// How deep brackets are followed.
const MAX_DEPTH: usize = 24;

/// The first digits of the hash of nothing (MD4), which webpack 4 gives to the style sheets that a chunk has not.
const HASH_OF_NOTHING: &str = "31d6cfe0";

/// How many tokens before the name of a style sheet webpack 4 says which chunks have one.
const LOOK_BACK: usize = 80;

/// Placeholder for the id of any chunk.
const ANY_ID: &str = "*";

/// The ids and names that the expression that begins with `tokens` gives. None where it is no such expression. Where it
/// has no table, because there is but one chunk, `*` stands for its id. `build_hash` is what the runtime's `h()` gives.
pub(super) fn chunk_names(bytes: &[u8], tokens: &[Token], build_hash: Option<&str>) -> Vec<(String, String)> {
    let mut parser = Parser { bytes, tokens, at: 0, keys: BTreeSet::new(), build_hash };
    let Some(expression) = parser.conditional(0) else { return Vec::new() };
    if parser.keys.is_empty() && matches!(expression, Expression::Sum(_)) {
        parser.keys.insert(ANY_ID.to_owned());
    }
    let names = parser.keys.iter().filter_map(|key| Some((key.clone(), expression.value(key)?)));
    names.filter(|(_, name)| !name.contains(HASH_OF_NOTHING)).collect()
}

/// The ids of the chunks that have a style sheet, where webpack 4's runtime says so before it loads that of one:
/// `{3:1,4:1}[e]&&t.push(…)`, shortly before the end of `tokens`.
pub(super) fn with_style(bytes: &[u8], tokens: &[Token]) -> BTreeSet<String> {
    const AND: [TokenKind; 6] = [
        TokenKind::Sign(b'}'),
        TokenKind::Sign(b'['),
        TokenKind::Word,
        TokenKind::Sign(b']'),
        TokenKind::Sign(b'&'),
        TokenKind::Sign(b'&'),
    ];
    let is_of_table = |token: &Token| {
        matches!(
            token.kind,
            TokenKind::Number | TokenKind::Text | TokenKind::Word | TokenKind::Sign(b':') | TokenKind::Sign(b',')
        )
    };
    let near = tokens.len().saturating_sub(LOOK_BACK);
    let is_and = |window: &[Token]| window.iter().map(|token| token.kind).eq(AND);
    let Some(end) = tokens[near..].windows(AND.len()).rposition(is_and) else { return BTreeSet::new() };
    let end = near + end;
    let start = end - tokens[..end].iter().rev().take_while(|token| is_of_table(token)).count();
    if start == 0 || tokens[start - 1].kind != TokenKind::Sign(b'{') {
        return BTreeSet::new();
    }
    let mut parser = Parser { bytes, tokens: &tokens[start..], at: 0, keys: BTreeSet::new(), build_hash: None };
    parser.table().map(|table| table.into_keys().collect()).unwrap_or_default()
}

/// The hash of the whole build, which the runtime gives as `r.h = () => "cdef239006fc57605e51"`.
pub(super) fn build_hash(bytes: &[u8], tokens: &[Token]) -> Option<String> {
    let text = |token: &Token| &bytes[token.start as usize..token.end as usize];
    let is_hash = |token: &&Token| {
        token.kind == TokenKind::Text
            && token.end - token.start >= 8
            && text(token).iter().all(u8::is_ascii_alphanumeric)
    };
    (0..tokens.len()).find_map(|at| {
        let [dot, name, equal, value @ ..] = &tokens[at..] else { return None };
        let is_h = dot.kind == TokenKind::Sign(b'.') && text(name) == b"h" && equal.kind == TokenKind::Sign(b'=');
        // Behind `()=>` or `function(){return`.
        value.iter().take(6).skip(3).find(is_hash).filter(|_| is_h).map(|token| decode(text(token)))
    })
}

enum Expression {
    Text(String),
    /// The chunk's id.
    Key,
    /// A table, indexed by the chunk's id.
    Table(BTreeMap<String, String>),
    /// What is added up.
    Sum(Vec<Expression>),
    /// The first that has a value.
    Or(Vec<Expression>),
    /// What applies to one id, and what to the others.
    If(String, Box<Expression>, Box<Expression>),
}

impl Expression {
    /// `None`: nothing, or more than a file name has. The table comes from the site, and may be large.
    fn value(&self, key: &str) -> Option<String> {
        let value = match self {
            Expression::Text(text) => (text.len() <= MAX_PATH).then(|| text.clone()),
            Expression::Key => Some(key.to_owned()),
            Expression::Table(table) => table.get(key).cloned(),
            Expression::Sum(parts) => parts.iter().try_fold(String::new(), |sum, part| {
                let sum = sum + &part.value(key)?;
                (sum.len() <= MAX_PATH).then_some(sum)
            }),
            Expression::Or(choices) => choices.iter().find_map(|choice| choice.value(key)),
            Expression::If(id, then, otherwise) => if key == id { then } else { otherwise }.value(key),
        };
        value.filter(|value| value.len() <= MAX_PATH)
    }
}

struct Parser<'a> {
    bytes: &'a [u8],
    tokens: &'a [Token],
    at: usize,
    /// The ids in the expression.
    keys: BTreeSet<String>,
    build_hash: Option<&'a str>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<TokenKind> {
        self.tokens.get(self.at).map(|token| token.kind)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).copied();
        self.at += 1;
        token
    }

    fn eat(&mut self, kind: TokenKind) -> Option<()> {
        (self.next()?.kind == kind).then_some(())
    }

    fn text(&self, token: Token) -> &[u8] {
        &self.bytes[token.start as usize..token.end as usize]
    }

    fn conditional(&mut self, depth: usize) -> Option<Expression> {
        if depth > MAX_DEPTH {
            return None;
        }
        let first = self.or(depth)?;
        if self.peek() != Some(TokenKind::Equal) {
            return Some(first);
        }
        self.at += 1;
        let second = self.or(depth)?;
        let id = match (first, second) {
            (Expression::Key, Expression::Text(id)) | (Expression::Text(id), Expression::Key) => id,
            _ => return None,
        };
        self.keys.insert(id.clone());
        self.eat(TokenKind::Sign(b'?'))?;
        let then = self.conditional(depth + 1)?;
        self.eat(TokenKind::Sign(b':'))?;
        let otherwise = self.conditional(depth + 1)?;
        Some(Expression::If(id, Box::new(then), Box::new(otherwise)))
    }

    fn or(&mut self, depth: usize) -> Option<Expression> {
        let mut choices = vec![self.sum(depth)?];
        while self.peek() == Some(TokenKind::Or) {
            self.at += 1;
            choices.push(self.sum(depth)?);
        }
        Some(if choices.len() == 1 { choices.remove(0) } else { Expression::Or(choices) })
    }

    fn sum(&mut self, depth: usize) -> Option<Expression> {
        let mut parts = vec![self.primary(depth)?];
        while self.peek() == Some(TokenKind::Sign(b'+')) {
            self.at += 1;
            parts.push(self.primary(depth)?);
        }
        Some(if parts.len() == 1 { parts.remove(0) } else { Expression::Sum(parts) })
    }

    fn primary(&mut self, depth: usize) -> Option<Expression> {
        let token = self.next()?;
        match token.kind {
            TokenKind::Text | TokenKind::Template => Some(Expression::Text(decode(self.text(token)))),
            TokenKind::Number => Some(Expression::Text(number(self.text(token)))),
            TokenKind::Word => {
                if self.peek() != Some(TokenKind::Sign(b'.')) {
                    return Some(Expression::Key);
                }
                // A member of the runtime is the public path: where the chunk is served, not what it is called.
                let mut member: &[u8] = b"";
                while self.peek() == Some(TokenKind::Sign(b'.')) {
                    self.at += 1;
                    member = self.next().filter(|word| word.kind == TokenKind::Word).map(|word| self.text(word))?;
                }
                if member == b"h" && self.peek() == Some(TokenKind::Sign(b'(')) {
                    return self.called_hash();
                }
                Some(Expression::Text(String::new()))
            }
            TokenKind::Sign(b'(') => {
                // `({…})[e]` or `({…}[e] || e)`.
                let from = self.at;
                if let Some(table) = self.bracketed_table() {
                    return Some(table);
                }
                self.at = from;
                self.bracketed(depth)
            }
            TokenKind::Sign(b'{') => {
                let table = self.table()?;
                self.index()?;
                Some(Expression::Table(table))
            }
            _ => None,
        }
    }

    /// Behind `r.h`: `()` or `().slice(0, 8)`.
    fn called_hash(&mut self) -> Option<Expression> {
        let hash = self.build_hash?;
        self.eat(TokenKind::Sign(b'('))?;
        self.eat(TokenKind::Sign(b')'))?;
        if self.peek() != Some(TokenKind::Sign(b'.')) {
            return Some(Expression::Text(hash.to_owned()));
        }
        for kind in
            [TokenKind::Sign(b'.'), TokenKind::Word, TokenKind::Sign(b'('), TokenKind::Number, TokenKind::Sign(b',')]
        {
            self.eat(kind)?;
        }
        let length = self.next().map(|token| number(self.text(token)))?.parse().ok()?;
        self.eat(TokenKind::Sign(b')'))?;
        hash.get(..length).map(|start| Expression::Text(start.to_owned()))
    }

    fn bracketed(&mut self, depth: usize) -> Option<Expression> {
        let inner = self.conditional(depth + 1)?;
        self.eat(TokenKind::Sign(b')'))?;
        Some(inner)
    }

    fn bracketed_table(&mut self) -> Option<Expression> {
        self.eat(TokenKind::Sign(b'{'))?;
        let table = self.table()?;
        self.eat(TokenKind::Sign(b')'))?;
        self.index()?;
        Some(Expression::Table(table))
    }

    fn index(&mut self) -> Option<()> {
        self.eat(TokenKind::Sign(b'['))?;
        self.eat(TokenKind::Word)?;
        self.eat(TokenKind::Sign(b']'))
    }

    /// Behind the `{` of a table of texts.
    fn table(&mut self) -> Option<BTreeMap<String, String>> {
        let mut table = BTreeMap::new();
        loop {
            let token = self.next()?;
            let key = match token.kind {
                TokenKind::Sign(b'}') => break,
                TokenKind::Sign(b',') => continue,
                TokenKind::Text | TokenKind::Word => decode(self.text(token)),
                TokenKind::Number => number(self.text(token)),
                _ => return None,
            };
            self.eat(TokenKind::Sign(b':'))?;
            let token = self.next()?;
            let value = match token.kind {
                TokenKind::Text | TokenKind::Template => decode(self.text(token)),
                TokenKind::Number => number(self.text(token)),
                _ => return None,
            };
            table.insert(key, value);
        }
        self.keys.extend(table.keys().cloned());
        Some(table)
    }
}

/// The ids of chunks that have a style sheet and no script, which the runtime knows not to load: it says so as
/// `/^(272|639)$/.test(e)`, before it marks them as loaded (`a[e] = 0`), or as `272 != e`, where it loads the others.
pub(super) struct WithoutScript {
    patterns: Vec<Regex>,
    ids: BTreeSet<String>,
}

impl WithoutScript {
    pub(super) fn find(bytes: &[u8], tokens: &[Token]) -> WithoutScript {
        let mut found = WithoutScript { patterns: Vec::new(), ids: BTreeSet::new() };
        let text = |token: &Token| &bytes[token.start as usize..token.end as usize];
        let kind = |at: usize| tokens.get(at).map(|token| token.kind);
        for (at, token) in tokens.iter().enumerate() {
            match token.kind {
                TokenKind::RegularExpression => {
                    let is_test = kind(at + 1) == Some(TokenKind::Sign(b'.'))
                        && tokens.get(at + 2).is_some_and(|word| text(word) == b"test");
                    let negated = at > 0 && kind(at - 1) == Some(TokenKind::Sign(b'!'));
                    // Behind `.test(e)`, and the end of the condition.
                    if is_test && (negated || marks_as_loaded(tokens.get(at + 7..).unwrap_or_default())) {
                        found.patterns.extend(matcher(text(token)));
                    }
                }
                TokenKind::Number | TokenKind::Text => {
                    let is_not =
                        kind(at + 1) == Some(TokenKind::Sign(b'!')) && kind(at + 2) == Some(TokenKind::Sign(b'='));
                    let is = kind(at + 1) == Some(TokenKind::Equal);
                    if is_not && kind(at + 3) == Some(TokenKind::Word)
                        || is && marks_as_loaded(tokens.get(at + 4..).unwrap_or_default())
                    {
                        found.ids.insert(number(text(token)));
                    }
                }
                _ => {}
            }
        }
        found
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.ids.contains(id) || self.patterns.iter().any(|pattern| pattern.is_match(id))
    }
}

/// `a[e] = 0`
fn marks_as_loaded(tokens: &[Token]) -> bool {
    let kinds = tokens.iter().take(6).map(|token| token.kind);
    kinds.eq([
        TokenKind::Word,
        TokenKind::Sign(b'['),
        TokenKind::Word,
        TokenKind::Sign(b']'),
        TokenKind::Sign(b'='),
        TokenKind::Number,
    ])
}

/// A matcher of ids, as webpack writes it: digits and letters, choices and classes.
fn matcher(written: &[u8]) -> Option<Regex> {
    let pattern = std::str::from_utf8(written).ok()?.strip_prefix("/^")?.strip_suffix("$/")?;
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"()[]|_-".contains(&byte);
    if !pattern.bytes().all(is_plain) {
        return None;
    }
    Regex::new(&format!("^(?:{pattern})$")).ok()
}

/// A number as JavaScript writes it when it becomes a text: minifiers write 1000 as `1e3`.
fn number(written: &[u8]) -> String {
    let written = String::from_utf8_lossy(written);
    match written.parse::<f64>() {
        Ok(number) if number.is_finite() => number.to_string(),
        _ => written.into_owned(),
    }
}
