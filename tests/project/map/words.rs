//! A source of Rust as words, each with its line: comments are left out, and texts are told from names.

/// A word, `::` or another sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    Name(String),
    /// The text between quotes.
    Text(String),
    /// The sign `::`.
    Within,
    Sign(char),
}

/// A word and the number of its line, counted from 1.
#[derive(Debug, Clone)]
pub struct Placed {
    pub word: Word,
    pub line: usize,
}

struct Reader<'a> {
    rest: &'a str,
    line: usize,
    words: Vec<Placed>,
}

/// The words of a source.
pub fn words(source: &str) -> Vec<Placed> {
    let mut reader = Reader { rest: source, line: 1, words: Vec::new() };
    while let Some(first) = reader.rest.chars().next() {
        reader.step(first);
    }
    reader.words
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

impl<'a> Reader<'a> {
    fn step(&mut self, first: char) {
        if self.rest.starts_with("//") {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        } else if self.rest.starts_with("/*") {
            self.take_comment();
        } else if let Some((prefix, hashes)) = self.quote() {
            self.take_text(prefix, hashes);
        } else if first == '\'' {
            self.take_letter_or_lifetime();
        } else if is_of_name(first) {
            let end = self.rest.find(|letter| !is_of_name(letter)).unwrap_or(self.rest.len());
            let line = self.line;
            let name = self.take(end).to_owned();
            self.words.push(Placed { word: Word::Name(name), line });
        } else {
            let (word, end) = match self.rest.starts_with("::") {
                true => (Word::Within, 2),
                false => (Word::Sign(first), first.len_utf8()),
            };
            if !first.is_whitespace() {
                self.words.push(Placed { word, line: self.line });
            }
            self.take(end);
        }
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// Skips a comment, together with the comments inside it.
    fn take_comment(&mut self) {
        let mut depth = 0;
        loop {
            let is_end = self.rest.starts_with("*/");
            if is_end || self.rest.starts_with("/*") {
                depth = if is_end { depth - 1 } else { depth + 1 };
                self.take(2);
                if depth == 0 {
                    return;
                }
            } else {
                let next = self.rest.chars().next().expect("a comment that ends");
                self.take(next.len_utf8());
            }
        }
    }

    /// The opening of a text literal that begins here, up to its first character, and the number of
    /// `#` that end it if it is raw.
    fn quote(&self) -> Option<(usize, Option<usize>)> {
        let kind = self.rest.find(|letter| !matches!(letter, 'b' | 'c' | 'r'))?;
        let hashes = self.rest[kind..].find(|letter| letter != '#')?;
        let is_raw = self.rest[..kind].contains('r');
        let is_text = self.rest[kind + hashes..].starts_with('"') && (is_raw || hashes == 0);
        is_text.then_some((kind + hashes + 1, is_raw.then_some(hashes)))
    }

    fn take_text(&mut self, prefix: usize, raw: Option<usize>) {
        let line = self.line;
        self.take(prefix);
        let end = match raw {
            Some(hashes) => format!("\"{}", "#".repeat(hashes)),
            None => "\"".to_owned(),
        };
        let mut length = 0;
        while !self.rest[length..].starts_with(&end) {
            let is_escape = raw.is_none() && self.rest[length..].starts_with('\\');
            let mut letters = self.rest[length..].chars();
            length += letters.next().expect("a text that ends").len_utf8();
            if is_escape {
                length += letters.next().expect("a text that ends").len_utf8();
            }
        }
        let text = self.take(length).to_owned();
        self.take(end.len());
        self.words.push(Placed { word: Word::Text(text), line });
    }

    fn take_letter_or_lifetime(&mut self) {
        self.take(1);
        let mut letters = self.rest.chars();
        let first = letters.next().expect("a letter");
        if first == '\\' {
            let escaped = letters.next().expect("a letter").len_utf8();
            let end =
                1 + escaped + self.rest[1 + escaped..].find('\'').expect("a letter that ends");
            self.take(end + 1);
        } else if letters.next() == Some('\'') {
            self.take(first.len_utf8() + 1);
        }
        // Otherwise this is a lifetime, which counts as a name.
    }
}
