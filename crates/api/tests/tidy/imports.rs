//! What the `use` declarations of a file bring in.

use crate::tokens::Token;

/// One name that a `use` declaration brings in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// As written, with nested trees spelled out: `["crate", "http", "tag"]`.
    pub path: Vec<String>,
    /// What it is called here, if not `*` nor `_`.
    pub name: Option<String>,
    /// Whether it is all that the path holds: `*`.
    pub is_glob: bool,
    /// Whether it is handed on: `pub use`, to however many.
    pub is_public: bool,
}

/// Parts a file into its imports and the rest, wherever the imports stand.
pub fn parted<'a>(tokens: &[Token<'a>]) -> (Vec<Import>, Vec<Token<'a>>) {
    let (mut imports, mut rest) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        // `impl Trait + use<'a>` is another `use`.
        let declares = tokens[at].text == "use" && text(tokens, at + 1) != "<";
        if declares {
            let is_public = follows_visibility(&rest);
            let mut tree = Tree { tokens, at: at + 1, is_public, imports: &mut imports };
            tree.read(&[]);
            at = tree.at;
        } else {
            rest.push(tokens[at]);
        }
        at += 1;
    }
    (imports, rest)
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

/// Whether `pub`, `pub(crate)` or the like stands at the end.
fn follows_visibility(before: &[Token<'_>]) -> bool {
    match before {
        [.., last] if last.text == "pub" => true,
        [.., public, open, _, close] => {
            public.text == "pub" && open.text == "(" && close.text == ")"
        }
        _ => false,
    }
}

struct Tree<'a, 'i> {
    tokens: &'i [Token<'a>],
    at: usize,
    is_public: bool,
    imports: &'i mut Vec<Import>,
}

impl Tree<'_, '_> {
    /// Reads one tree behind `prefix`, to the mark that ends it.
    fn read(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        let mut name = None;
        loop {
            match text(self.tokens, self.at) {
                "{" => return self.read_group(&path),
                "*" => {
                    self.at += 1;
                    return self.add(path, None, true);
                }
                "as" => {
                    name = Some(text(self.tokens, self.at + 1).to_owned());
                    self.at += 1;
                }
                "::" => {}
                "," | "}" | ";" | "" => break,
                // `{self}` is what stands before the brace.
                "self" if !path.is_empty() => {}
                word => path.push(word.to_owned()),
            }
            self.at += 1;
        }
        let name = name.or_else(|| path.last().cloned()).filter(|name| name != "_");
        self.add(path, name, false);
    }

    fn read_group(&mut self, path: &[String]) {
        self.at += 1;
        while !matches!(text(self.tokens, self.at), "}" | "") {
            if text(self.tokens, self.at) == "," {
                self.at += 1;
            } else {
                self.read(path);
            }
        }
        self.at += 1;
    }

    fn add(&mut self, path: Vec<String>, name: Option<String>, is_glob: bool) {
        self.imports.push(Import { path, name, is_glob, is_public: self.is_public });
    }
}
