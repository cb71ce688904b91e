//! Rust source as words and marks, without comments, literals and tests.

/// A word or a mark, and the line it stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// An identifier, a number, `::`, or one character of anything else.
    pub text: &'a str,
    /// From 1.
    pub line: usize,
}

/// What a file holds besides its tests.
#[derive(Debug)]
pub struct Source<'a> {
    /// Without what stands behind `#[cfg(test)]`.
    pub tokens: Vec<Token<'a>>,
    /// The names of the files that are tests: `#[cfg(test)] mod name;`.
    pub test_modules: Vec<&'a str>,
    /// Lines, without those of tests.
    pub lines: usize,
}

/// Reads a file.
pub fn read(text: &str) -> Source<'_> {
    let all = tokens(text);
    let mut source =
        Source { tokens: Vec::new(), test_modules: Vec::new(), lines: text.lines().count() };
    let mut at = 0;
    while at < all.len() {
        let Some(item) = behind_cfg_test(&all[at..]) else {
            source.tokens.push(all[at]);
            at += 1;
            continue;
        };
        let item = at + item;
        let end = end_of_item(&all, item);
        if let [keyword, name, semicolon] = &all[item..=end]
            && keyword.text == "mod"
            && semicolon.text == ";"
        {
            source.test_modules.push(name.text);
        }
        source.lines -= all[end].line - all[at].line + 1;
        at = end + 1;
    }
    source
}

/// How many tokens `#[cfg(test)]` takes, if it stands here.
fn behind_cfg_test(tokens: &[Token<'_>]) -> Option<usize> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let here = tokens.get(..ATTRIBUTE.len())?.iter().map(|token| token.text);
    here.eq(ATTRIBUTE).then_some(ATTRIBUTE.len())
}

/// The place of the semicolon or the brace that ends the item.
fn end_of_item(tokens: &[Token<'_>], start: usize) -> usize {
    let mut open = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text {
            "{" => open += 1,
            "}" => open -= 1,
            _ => {}
        }
        if open == 0 && matches!(token.text, ";" | "}") {
            return at;
        }
    }
    tokens.len() - 1
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, is_token) = match first {
            _ if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            _ if rest.starts_with("/*") => (comment(rest), false),
            '"' => (string(rest), false),
            '\'' => (quote(rest), false),
            _ if rest.starts_with("::") => (2, true),
            _ if first.is_alphanumeric() || first == '_' => match raw_string(rest) {
                Some(length) => (length, false),
                None => (word(rest), true),
            },
            _ => (first.len_utf8(), !first.is_whitespace()),
        };
        let text = &rest[..length];
        if is_token {
            tokens.push(Token { text, line });
        }
        line += text.matches('\n').count();
        at += length;
    }
    tokens
}

fn word(rest: &str) -> usize {
    rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())
}

/// Block comments nest.
fn comment(rest: &str) -> usize {
    let (mut open, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            (open, at) = (open + 1, at + 2);
        } else if rest[at..].starts_with("*/") {
            (open, at) = (open - 1, at + 2);
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
        if open == 0 {
            break;
        }
    }
    at
}

fn string(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// `r"…"`, `r#"…"#`, and those with a `b` or `c` before them.
fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        let behind = rest.strip_prefix(prefix).map(|behind| behind.trim_start_matches('#'));
        behind.is_some_and(|behind| behind.starts_with('"'))
    })?;
    let hashes = rest[prefix.len()..].find('"')?;
    let start = prefix.len() + hashes + 1;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(rest[start..].find(&end).map_or(rest.len(), |length| start + length + end.len()))
}

/// A character, or the quote of a lifetime.
fn quote(rest: &str) -> usize {
    let mut behind = rest.char_indices().skip(1);
    let Some((_, first)) = behind.next() else { return 1 };
    if first == '\\' {
        // The character behind the backslash may be a quote itself.
        return rest[3..].find('\'').map_or(rest.len(), |length| length + 4);
    }
    match behind.next() {
        Some((at, '\'')) => at + 1,
        _ => 1,
    }
}
