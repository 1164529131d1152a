//! The paths of a source, and the modules that it declares.

use super::words::{Placed, Word};

/// A path as a source writes it, with `use` lists taken apart, and the module inside the file that
/// contains it.
#[derive(Debug)]
pub struct Written {
    pub inside: Vec<String>,
    pub names: Vec<String>,
    pub line: usize,
}

/// A declaration `mod name;` or `mod name {`.
#[derive(Debug)]
pub struct Declared {
    pub inside: Vec<String>,
    pub name: String,
    /// The path in its `#[path]` attribute.
    pub path: Option<String>,
    pub has_file: bool,
}

/// The contents of a file that the map needs.
#[derive(Debug, Default)]
pub struct Source {
    pub written: Vec<Written>,
    pub declared: Vec<Declared>,
    /// The names of the macros that it defines.
    pub macros: Vec<String>,
    /// The macros that it calls without a path, with their lines.
    pub called: Vec<(String, usize)>,
    pub functions: Vec<String>,
    /// The types that its modules define, each with its module inside the file. Types inside traits
    /// and functions are left out.
    pub types: Vec<(Vec<String>, String, usize)>,
}

struct Reader<'a> {
    words: &'a [Placed],
    at: usize,
    depth: usize,
    /// The modules that the reader is inside, each with the depth of braces outside of it.
    inside: Vec<(String, usize)>,
    source: Source,
}

pub fn read(words: &[Placed]) -> Source {
    let mut reader =
        Reader { words, at: 0, depth: 0, inside: Vec::new(), source: Source::default() };
    while reader.at < words.len() {
        reader.step();
    }
    reader.source
}

impl Reader<'_> {
    fn word(&self, at: usize) -> Option<&Word> {
        self.words.get(at).map(|placed| &placed.word)
    }

    fn name(&self, at: usize) -> Option<&str> {
        match self.word(at) {
            Some(Word::Name(name)) => Some(name),
            _ => None,
        }
    }

    fn is_sign(&self, at: usize, sign: char) -> bool {
        self.word(at) == Some(&Word::Sign(sign))
    }

    fn inside(&self) -> Vec<String> {
        self.inside.iter().map(|(name, _)| name.clone()).collect()
    }

    fn step(&mut self) {
        match self.word(self.at).expect("a word") {
            Word::Sign('{') => self.depth += 1,
            Word::Sign('}') => {
                self.depth -= 1;
                self.inside.pop_if(|(_, outside)| *outside == self.depth);
            }
            Word::Name(_) => return self.step_name(),
            _ => (),
        }
        self.at += 1;
    }

    fn step_name(&mut self) {
        let (at, line) = (self.at, self.words[self.at].line);
        let name = self.name(at).expect("a name").to_owned();
        if name == "mod" && self.name(at + 1).is_some() {
            return self.step_module();
        }
        if name == "macro_rules" {
            let macro_name = self.name(at + 2).expect("a macro's name").to_owned();
            self.source.macros.push(macro_name);
            self.at += 3;
            return;
        }
        let is_type = matches!(&*name, "struct" | "enum" | "union" | "type" | "trait");
        if let Some(type_name) = self.name(at + 1).filter(|_| is_type && self.is_in_module()) {
            let found = (self.inside(), type_name.to_owned(), line);
            self.source.types.push(found);
        }
        if let Some(function) = self.name(at + 1).filter(|_| name == "fn") {
            let function = function.to_owned();
            self.source.functions.push(function);
        }
        let is_start = at == 0 || self.word(at - 1) != Some(&Word::Within);
        if is_start && self.is_sign(at + 1, '!') {
            self.source.called.push((name.clone(), line));
        }
        // The path in `pub(in path)` only says where the item is visible.
        let is_used = at == 0 || self.name(at - 1) != Some("in") || !self.is_sign(at - 2, '(');
        if is_start && is_used && self.word(at + 1) == Some(&Word::Within) {
            return self.step_path(Vec::new());
        }
        self.at += 1;
    }

    /// Whether an item of a module begins here.
    fn is_in_module(&self) -> bool {
        self.depth == self.inside.last().map_or(0, |(_, outside)| outside + 1)
    }

    fn step_module(&mut self) {
        let name = self.name(self.at + 1).expect("a module's name").to_owned();
        let has_file = self.is_sign(self.at + 2, ';');
        let declared = Declared {
            inside: self.inside(),
            name: name.clone(),
            path: has_file.then(|| self.path_attribute()).flatten(),
            has_file,
        };
        self.source.declared.push(declared);
        if !has_file {
            self.inside.push((name, self.depth));
            self.depth += 1;
        }
        self.at += 3;
    }

    /// The `#[path = "..."]` of the item that begins here.
    fn path_attribute(&self) -> Option<String> {
        let start = (0..self.at)
            .rev()
            .find(|at| [';', '}', '{'].iter().any(|sign| self.is_sign(*at, *sign)))
            .map_or(0, |end| end + 1);
        (start..self.at).find_map(|at| match (self.name(at), self.word(at + 2)) {
            (Some("path"), Some(Word::Text(path))) if self.is_sign(at + 1, '=') => {
                Some(path.clone())
            }
            _ => None,
        })
    }

    /// Reads a path, or a list of paths after `before`. Leaves the reader behind it.
    fn step_path(&mut self, before: Vec<String>) {
        let mut names = before;
        let line = self.words[self.at].line;
        loop {
            match self.word(self.at) {
                Some(Word::Name(name)) => names.push(name.clone()),
                Some(Word::Sign('*')) => names.push("*".to_owned()),
                Some(Word::Sign('{')) => return self.step_list(&names),
                _ => break,
            }
            self.at += 1;
            if self.word(self.at) != Some(&Word::Within) {
                break;
            }
            self.at += 1;
        }
        self.source.written.push(Written { inside: self.inside(), names, line });
    }

    fn step_list(&mut self, before: &[String]) {
        self.at += 1;
        while !self.is_sign(self.at, '}') {
            self.step_path(before.to_vec());
            if self.name(self.at) == Some("as") {
                self.at += 2;
            }
            if self.is_sign(self.at, ',') {
                self.at += 1;
            }
        }
        self.at += 1;
    }
}
