//! The declarations of a C header that cbindgen wrote, each with its comment, so that they can be
//! put into another order.

use crate::loader_header::wrapped;

/// A constant, a type or a function.
pub struct Item {
    pub name: String,
    /// Its comment; empty, or with a line's end.
    pub comment: String,
    pub code: String,
}

impl Item {
    /// Whether this is a constant or a handle whose comment has one line.
    pub fn is_short(&self) -> bool {
        let is_line = self.code.starts_with("#define ") || self.code.starts_with("typedef struct ");
        is_line && self.code.lines().count() + self.comment.lines().count() <= 2
    }

    /// The same item with only the first sentence of its comment.
    pub fn in_brief(&self) -> Self {
        let inside = self.comment_inside();
        let words: Vec<&str> = inside.split_whitespace().filter(|word| *word != "*").collect();
        let whole = words.join(" ");
        let sentence = whole.split_once(". ").map_or(whole.as_str(), |(first, _)| first);
        let comment = format!("/** {}. */\n", sentence.trim_end_matches('.'));
        assert!(comment.len() <= COMMENT_WIDTH, "a shorter first sentence: {comment}");
        Self { name: self.name.clone(), comment, code: self.code.clone() }
    }

    /// The lines of its comment, in a form that fits inside another comment.
    pub fn comment_inside(&self) -> String {
        let text = self.comment.trim_end().trim_end_matches("*/").trim_end();
        format!(" *{}", text.strip_prefix("/**").expect("a comment"))
    }
}

/// The largest width of a line of a comment.
const COMMENT_WIDTH: usize = 110;

/// Reads the output of cbindgen.
pub fn items(text: &str) -> Vec<Item> {
    let compact = compact_comments(text);
    let mut found = Vec::new();
    let mut comment = String::new();
    let mut lines = compact.lines();
    while let Some(line) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let mut whole = line.to_owned();
        if line.starts_with("/**") {
            while !whole.ends_with("*/") {
                whole = whole + "\n" + lines.next().expect("a comment ends");
            }
            comment = whole + "\n";
            continue;
        }
        let is_constant = line.starts_with("#define ");
        while !is_constant && !is_whole(&whole) {
            whole = whole + "\n" + lines.next().expect("a declaration ends");
        }
        let name = name_of(&whole);
        let code = with_short_types(&whole);
        found.push(Item { name, comment: std::mem::take(&mut comment), code });
    }
    found
}

/// Whether no brace of a declaration is open.
fn is_whole(code: &str) -> bool {
    code.ends_with(';') && code.matches('{').count() == code.matches('}').count()
}

fn name_of(code: &str) -> String {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    let first = |text: &str| text.chars().take_while(|letter| is_word(*letter)).collect();
    let before = match code.split_once("(*") {
        // This is a type of functions.
        Some((_, rest)) if code.starts_with("typedef") && !code.contains('{') => {
            return first(rest);
        }
        _ if code.starts_with("#define ") => return first(&code["#define ".len()..]),
        _ if code.starts_with("typedef") => code.trim_end_matches(';'),
        _ => code.split_once('(').expect("a function").0,
    };
    before.rsplit(|letter| !is_word(letter)).next().expect("a name").to_owned()
}

/// Writes types without `struct`, and a prototype in as few lines as possible.
fn with_short_types(code: &str) -> String {
    let short = |line: &str| {
        let is_definition = line.starts_with("typedef struct ");
        if is_definition { line.to_owned() } else { line.replace("struct dcc_", "dcc_") }
    };
    let code = code.lines().map(short).collect::<Vec<_>>().join("\n");
    if code.starts_with("#define") || code.starts_with("typedef") {
        return code;
    }
    let one_line = format!("DCC_API {}", code.split_whitespace().collect::<Vec<_>>().join(" "));
    // Further lines begin below the first parameter.
    let indent = one_line.find('(').expect("a function") + 1;
    wrapped(&one_line, indent)
}

/// Moves the text of a comment up into the line of `/**`, and `*/` into its last line if there is
/// room.
fn compact_comments(text: &str) -> String {
    let mut compact = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let start = line.trim_start();
        if start != "/**" {
            compact += line;
            compact.push('\n');
            continue;
        }
        let indent = &line[..line.len() - start.len()];
        let mut said: Vec<String> = Vec::new();
        for line in lines.by_ref() {
            let line = line.trim();
            if line == "*/" {
                break;
            }
            said.push(
                line.strip_prefix("* ").or(line.strip_prefix('*')).expect("a comment").into(),
            );
        }
        let last = said.len() - 1;
        for (number, line) in said.iter().enumerate() {
            let begin = if number == 0 { "/**" } else { " *" };
            let space = if line.is_empty() { "" } else { " " };
            let line = format!("{indent}{begin}{space}{line}");
            compact += &line;
            if number == last {
                let fits = line.len() + 3 <= COMMENT_WIDTH;
                compact += &if fits { " */".to_owned() } else { format!("\n{indent} */") };
            }
            compact.push('\n');
        }
    }
    compact
}
