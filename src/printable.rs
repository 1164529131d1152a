//! Which characters may be printed as they are. Labels, reasons, names and paths come from jobs,
//! peers and strangers. Some characters in them would steer a terminal, reverse the direction of a
//! line, or hide in it. These characters are shown by their numbers.

use std::fmt::{self, Display, Formatter, Write};

/// The ranges of characters that are not shown as they are, in ascending order. They are controls
/// (C0, DEL, C1), separators of lines and paragraphs, characters without width, characters that
/// reverse the direction, annotations and tags, and the fillers and reserved places that are shown
/// as nothing. Signs that change the look of the character before them, as emojis have them, are
/// harmless. So are the visible signs among Unicode's format characters.
const UNPRINTABLE: &[(u32, u32)] = &[
    (0x0, 0x1f),
    (0x7f, 0x9f),
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x61c, 0x61c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x3164, 0x3164),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x13430, 0x1343f),
    (0x1bca0, 0x1bca3),
    (0x1d173, 0x1d17a),
    (0xe0000, 0xe0fff),
];

/// Whether a character may be printed as it is.
pub fn is_printable(character: char) -> bool {
    if matches!(character, ' '..='~') {
        return true;
    }
    let number = u32::from(character);
    let next = UNPRINTABLE.partition_point(|(_, last)| *last < number);
    UNPRINTABLE.get(next).is_none_or(|(first, _)| number < *first)
}

/// A text as one line that can be printed. A character that cannot be printed is written as `\n` or
/// `\u{202e}`.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

/// Writes a text. `escape` writes each character that cannot be printed.
fn write_escaped(
    out: &mut dyn Write,
    text: &str,
    escape: impl Fn(&mut dyn Write, char) -> fmt::Result,
) -> fmt::Result {
    let mut written = 0;
    for (at, character) in text.char_indices() {
        if !is_printable(character) {
            out.write_str(&text[written..at])?;
            escape(out, character)?;
            written = at + character.len_utf8();
        }
    }
    out.write_str(&text[written..])
}

impl Display for Escaped<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_escaped(out, self.0, |out, character| match character {
            '\n' => out.write_str("\\n"),
            '\r' => out.write_str("\\r"),
            '\t' => out.write_str("\\t"),
            other => write!(out, "{}", other.escape_unicode()),
        })
    }
}

/// A JSON document as one line that can be printed and means the same. Its strings have `\u202e` in
/// place of that character.
#[derive(Clone, Copy, Debug)]
pub struct EscapedJson<'a>(pub &'a str);

impl Display for EscapedJson<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        write_json(out, self.0)
    }
}

/// Writes a piece of a JSON document so that it can be printed.
fn write_json(out: &mut dyn Write, piece: &str) -> fmt::Result {
    write_escaped(out, piece, |out, character| {
        character.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(out, "\\u{unit:04x}"))
    })
}

/// A writer for JSON that comes in pieces. What it passes on can be printed.
pub struct PrintableJson<'a>(pub &'a mut dyn Write);

impl Write for PrintableJson<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        write_json(self.0, piece)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Ranges = &'static [(u32, u32)];

    /// The categories of Unicode 14 as Python's `unicodedata` lists them, and whether they are
    /// escaped.
    const CATEGORIES: &[(&str, bool, Ranges)] = &[
        ("Cc, controls", true, &[(0x0, 0x1f), (0x7f, 0x9f)]),
        ("Zl, separators of lines", true, &[(0x2028, 0x2028)]),
        ("Zp, separators of paragraphs", true, &[(0x2029, 0x2029)]),
        (
            "Cf, formats that are shown as nothing",
            true,
            &[
                (0xad, 0xad),
                (0x61c, 0x61c),
                (0x180e, 0x180e),
                (0x200b, 0x200f),
                (0x202a, 0x202e),
                (0x2060, 0x2064),
                (0x2066, 0x206f),
                (0xfeff, 0xfeff),
                (0xfff9, 0xfffb),
                (0x13430, 0x13438),
                (0x1bca0, 0x1bca3),
                (0x1d173, 0x1d17a),
                (0xe0001, 0xe0001),
                (0xe0020, 0xe007f),
            ],
        ),
        (
            "Cf, formats that are signs of their own",
            false,
            &[
                (0x600, 0x605),
                (0x6dd, 0x6dd),
                (0x70f, 0x70f),
                (0x890, 0x891),
                (0x8e2, 0x8e2),
                (0x110bd, 0x110bd),
                (0x110cd, 0x110cd),
            ],
        ),
        (
            "others that are shown as nothing",
            true,
            &[
                (0x34f, 0x34f),
                (0x115f, 0x1160),
                (0x17b4, 0x17b5),
                (0x180b, 0x180d),
                (0x180f, 0x180f),
                (0x2065, 0x2065),
                (0x3164, 0x3164),
                (0xffa0, 0xffa0),
                (0xfff0, 0xfff8),
                (0x13439, 0x1343f),
                (0xe0000, 0xe0000),
                (0xe0002, 0xe001f),
                (0xe0080, 0xe0fff),
            ],
        ),
        ("Zs, spaces", false, &[(0x20, 0x20), (0xa0, 0xa0), (0x2000, 0x200a), (0x3000, 0x3000)]),
        ("variants of the character before", false, &[(0xfe00, 0xfe0f)]),
    ];

    fn is_escaped(number: u32) -> bool {
        let of = |(first, last): &(u32, u32)| (*first..=*last).contains(&number);
        let category = CATEGORIES.iter().find(|(_, _, ranges)| ranges.iter().any(of));
        category.is_some_and(|(_, is_escaped, _)| *is_escaped)
    }

    #[test]
    fn all_of_unicode_is_printed_or_escaped_by_its_category() {
        for character in '\0'..=char::MAX {
            let (number, text) = (u32::from(character), character.to_string());
            assert_eq!(!is_printable(character), is_escaped(number), "{number:#x}");
            assert!(!character.is_control() || is_escaped(number), "{number:#x}");
            if is_printable(character) && number > 0xfff {
                continue;
            }
            let shown = Escaped(&text).to_string();
            let json = EscapedJson(&serde_json::to_string(&text).unwrap()).to_string();
            for output in [&shown, &json] {
                assert!(output.chars().all(is_printable), "{number:#x}: {output}");
                assert_eq!(output.is_ascii(), is_escaped(number) || text.is_ascii(), "{number:#x}");
            }
            assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text, "{number:#x}");
        }
    }

    #[test]
    fn what_is_escaped_is_shown_by_its_number() {
        let text = "a\x1b[2J\u{9b}31m\u{7f}\u{202e}\u{e0041}\nä 😀";
        let shown = r"a\u{1b}[2J\u{9b}31m\u{7f}\u{202e}\u{e0041}\nä 😀";
        assert_eq!(Escaped(text).to_string(), shown);
        let json = r#"{"a":"\u009b\u202e\udb40\udc41ä"}"#;
        assert_eq!(EscapedJson("{\"a\":\"\u{9b}\u{202e}\u{e0041}ä\"}").to_string(), json);
    }
}
