//! Which file of a crate uses which, and whether one comes back to itself.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use crate::imports::{Import, parted};
use crate::tokens::{self, Token};

/// The words before a name that a file defines.
const DEFINERS: &[&str] =
    &["fn", "struct", "enum", "union", "trait", "type", "const", "static", "macro_rules"];
/// Longer chains of re-exports are circles.
const HOPS_MAX: usize = 32;

type Path = Vec<String>;

/// The circles among the files of one crate, each from one file to the last before it comes back.
/// `files` are paths below its `src`, and what is in them.
pub fn circles(files: &[(String, String)]) -> Vec<Vec<String>> {
    let uses = uses(files);
    let mut known = BTreeSet::new();
    let mut circles = Vec::new();
    for start in uses.keys() {
        if known.contains(start) {
            continue;
        }
        if let Some(circle) = way_back(&uses, start) {
            known.extend(circle.iter().cloned());
            circles.push(circle);
        }
    }
    circles
}

/// The files that each file uses.
pub fn uses(files: &[(String, String)]) -> BTreeMap<String, BTreeSet<String>> {
    let krate = Crate::new(files);
    let modules = krate.modules.iter().map(|(path, module)| {
        let used = krate.used_by(path).into_iter().filter(|file| *file != module.file);
        (module.file.to_owned(), used.map(str::to_owned).collect())
    });
    modules.collect()
}

/// The shortest way from `start` over others back to it.
fn way_back(uses: &BTreeMap<String, BTreeSet<String>>, start: &str) -> Option<Vec<String>> {
    let mut ways = VecDeque::from([vec![start.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in uses.get(way.last()?).into_iter().flatten() {
            if next == start {
                return Some(way);
            }
            if seen.insert(next) {
                ways.push_back([&way[..], std::slice::from_ref(next)].concat());
            }
        }
    }
    None
}

struct Module<'a> {
    file: &'a str,
    imports: Vec<Import>,
    /// Without imports and tests.
    tokens: Vec<Token<'a>>,
    defined: BTreeSet<&'a str>,
}

impl Module<'_> {
    /// Names are looked for behind such a file, not in it.
    fn hands_on(&self) -> bool {
        self.file.ends_with("mod.rs") || self.file == "lib.rs"
    }

    fn import(&self, name: &str) -> Option<&Import> {
        self.imports.iter().find(|import| import.name.as_deref() == Some(name))
    }
}

struct Crate<'a> {
    modules: HashMap<Path, Module<'a>>,
}

/// What a path leads to.
enum Place {
    /// A module as such.
    Module(Path),
    /// Something in the file of this module.
    In(Path),
}

impl<'a> Crate<'a> {
    fn new(files: &'a [(String, String)]) -> Self {
        let mut tests = BTreeSet::new();
        let mut modules = HashMap::new();
        for (file, text) in files {
            let source = tokens::read(text);
            let path = module_path(file);
            for name in source.test_modules {
                tests.insert([&path[..], &[name.to_owned()]].concat());
            }
            let (imports, tokens) = parted(&source.tokens);
            let defined = tokens.windows(2).filter(|pair| DEFINERS.contains(&pair[0].text));
            let defined = defined.map(|pair| pair[1].text).collect();
            modules.insert(path, Module { file, imports, tokens, defined });
        }
        modules.retain(|path, _| !tests.iter().any(|test| path.starts_with(test)));
        Self { modules }
    }

    /// The files that the file of this module uses.
    fn used_by(&self, path: &Path) -> BTreeSet<&'a str> {
        let module = &self.modules[path];
        let imported = module.imports.iter().filter(|import| {
            // What a file merely hands on it does not use.
            let mentions = |name: &str| module.tokens.iter().any(|token| token.text == name);
            let hands_on = import.is_public && module.hands_on();
            !hands_on || import.name.as_deref().is_some_and(mentions)
        });
        let imported = imported.filter_map(|import| {
            let target = self.absolute(path, &import.path)?;
            match self.resolve(target, HOPS_MAX)? {
                Place::In(module) => Some(module),
                // A module is used where something in it is named; `*` names all of it.
                Place::Module(module) => import.is_glob.then_some(module),
            }
        });
        let named = written_paths(&module.tokens).filter_map(|written| {
            let target = self.absolute(path, &written)?;
            match self.resolve(target, HOPS_MAX)? {
                Place::In(module) => Some(module),
                Place::Module(_) => None,
            }
        });
        imported.chain(named).map(|module| self.modules[&module].file).collect()
    }

    /// From the root of the crate; none if it leads out of it.
    fn absolute(&self, from: &Path, written: &[String]) -> Option<Path> {
        let (first, rest) = written.split_first()?;
        let mut rest = rest;
        let mut base = match first.as_str() {
            "crate" => Vec::new(),
            "self" => from.clone(),
            "super" => from.split_last()?.1.to_vec(),
            child if self.modules.contains_key(&joined(from, child)) => joined(from, child),
            name => {
                let import = self.modules[from].import(name)?;
                // `use uuid;` and `use uuid::uuid;` lead to another crate.
                if import.path.first().is_some_and(|first| first == name) {
                    return None;
                }
                self.absolute(from, &import.path)?
            }
        };
        while let Some(("super", behind)) = rest.split_first().map(|(s, b)| (s.as_str(), b)) {
            base.pop()?;
            rest = behind;
        }
        base.extend_from_slice(rest);
        Some(base)
    }

    /// Follows a path from the root through modules and through what they hand on.
    fn resolve(&self, target: Path, hops: usize) -> Option<Place> {
        let hops = hops.checked_sub(1)?;
        let depth = (0..=target.len()).rev().find(|n| self.modules.contains_key(&target[..*n]))?;
        let (at, behind) = target.split_at(depth);
        let Some((name, further)) = behind.split_first() else {
            return Some(Place::Module(target));
        };
        let module = &self.modules[at];
        let here = || Some(Place::In(at.to_vec()));
        if !module.hands_on() || module.defined.contains(name.as_str()) {
            return here();
        }
        if let Some(import) = module.import(name) {
            // What comes from another crate is not of this one.
            let base = self.absolute(&at.to_vec(), &import.path)?;
            return self.resolve([&base[..], further].concat(), hops);
        }
        let globs = module.imports.iter().filter(|import| import.is_glob);
        let behind_globs = globs.filter_map(|glob| self.absolute(&at.to_vec(), &glob.path));
        for base in behind_globs {
            let Some(Place::In(found)) = self.resolve([&base[..], behind].concat(), hops) else {
                continue;
            };
            if self.modules[&found].defined.contains(name.as_str()) {
                return Some(Place::In(found));
            }
        }
        here()
    }
}

fn joined(path: &[String], name: &str) -> Path {
    [path, &[name.to_owned()]].concat()
}

/// `http/tag.rs` and `http/tag/mod.rs` are `["http", "tag"]`; the root is empty.
fn module_path(file: &str) -> Path {
    let file = file.strip_suffix(".rs").unwrap_or(file);
    let file = file.strip_suffix("/mod").unwrap_or(file);
    if file == "lib" { Vec::new() } else { file.split('/').map(str::to_owned).collect() }
}

/// The paths of two and more names that stand in code: `crate::a::b`, `tag::strong`.
fn written_paths(tokens: &[Token<'_>]) -> impl Iterator<Item = Path> {
    let starts = (0..tokens.len()).filter(|&at| {
        let follows = at > 0 && tokens[at - 1].text == "::";
        !follows && is_word(tokens[at].text) && tokens.get(at + 1).is_some_and(|t| t.text == "::")
    });
    starts.map(|at| {
        let mut path = vec![tokens[at].text.to_owned()];
        for pair in tokens[at + 1..].chunks_exact(2) {
            if pair[0].text != "::" || !is_word(pair[1].text) {
                break;
            }
            path.push(pair[1].text.to_owned());
        }
        path
    })
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
