//! JSON strings, read and written one character at a time, so that a peer's escaped megabytes cost
//! no memory.

use std::fmt::{self, Write};
use std::str::Chars;

/// Half of a UTF-16 surrogate pair, which is not a character. JavaScript writes one as `\ud83d` if
/// a text was cut in the middle of an emoji.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoneSurrogate;

/// The characters of a JSON string, with its escapes resolved.
#[derive(Clone, Debug)]
pub struct Characters<'a>(Chars<'a>);

impl<'a> Characters<'a> {
    /// The characters of a JSON value that the parser has accepted; `None` if it is not a string.
    pub fn of(value: &'a str) -> Option<Self> {
        Some(Self(value.strip_prefix('"')?.strip_suffix('"')?.chars()))
    }

    /// Reads the rest of an escape, whose backslash has been read, and returns its character.
    fn escaped(&mut self) -> Result<char, LoneSurrogate> {
        Ok(match self.0.next().ok_or(LoneSurrogate)? {
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.code_point(),
            itself => itself,
        })
    }

    fn code_point(&mut self) -> Result<char, LoneSurrogate> {
        let first = self.code_unit().ok_or(LoneSurrogate)?;
        if let Some(character) = char::from_u32(first.into()) {
            return Ok(character);
        }
        let mut ahead = self.clone();
        let second = ahead.second_code_unit().ok_or(LoneSurrogate)?;
        match char::decode_utf16([first, second]).next() {
            Some(Ok(character)) => {
                *self = ahead;
                Ok(character)
            }
            _ => Err(LoneSurrogate),
        }
    }

    fn second_code_unit(&mut self) -> Option<u16> {
        self.0 = self.0.as_str().strip_prefix("\\u")?.chars();
        self.code_unit()
    }

    fn code_unit(&mut self) -> Option<u16> {
        let (digits, rest) = self.0.as_str().split_at_checked(4)?;
        self.0 = rest.chars();
        u16::from_str_radix(digits, 16).ok()
    }
}

impl Iterator for Characters<'_> {
    type Item = Result<char, LoneSurrogate>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(match self.0.next()? {
            '\\' => self.escaped(),
            character => Ok(character),
        })
    }
}

/// Whether the JSON value `value` is a string of the same characters as `text`, however they are
/// escaped.
pub fn is_text(value: &str, text: &str) -> bool {
    Characters::of(value).is_some_and(|characters| characters.eq(text.chars().map(Ok)))
}

/// Writes `text` as a JSON string.
pub fn write_text(out: &mut (impl Write + ?Sized), text: &str) -> fmt::Result {
    out.write_char('"')?;
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= b' ' && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.write_str(&text[written..at])?;
        written = at + 1;
        match byte {
            b'"' => out.write_str("\\\"")?,
            b'\\' => out.write_str("\\\\")?,
            b'\n' => out.write_str("\\n")?,
            b'\r' => out.write_str("\\r")?,
            b'\t' => out.write_str("\\t")?,
            control => write!(out, "\\u{control:04x}")?,
        }
    }
    out.write_str(&text[written..])?;
    out.write_char('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn characters(value: &str) -> Vec<Result<char, LoneSurrogate>> {
        Characters::of(value).unwrap().collect()
    }

    fn written(text: &str) -> String {
        let mut json = String::new();
        write_text(&mut json, text).unwrap();
        json
    }

    #[test]
    fn every_escape_is_resolved_as_the_parser_does() {
        let value = r#""a\"\\\/\b\f\n\r\tä\u0041\u00e4\ud83d\ude00\u0000""#;
        let text: String = characters(value).into_iter().map(Result::unwrap).collect();
        assert_eq!(text, serde_json::from_str::<String>(value).unwrap());
    }

    #[test]
    fn a_lone_surrogate_is_told_and_costs_nothing_after_it() {
        for half in [r"\ud83d", r"\ude00", r"\uD83D"] {
            for rest in ["x", "\\n", "\\u0041"] {
                let found = characters(&format!("\"{half}{rest}\""));
                assert_eq!(found.len(), 2, "{half}{rest}");
                assert_eq!(found[0], Err(LoneSurrogate));
                assert!(found[1].is_ok());
            }
        }
        let pair_after_half = characters(r#""\ud83d\ud83d\ude00""#);
        assert_eq!(pair_after_half, [Err(LoneSurrogate), Ok('😀')]);
    }

    #[test]
    fn a_string_is_found_however_it_is_escaped() {
        assert!(is_text(r#""method""#, "method"));
        assert!(is_text(r#""\u006det\u0068od""#, "method"));
        for other in [r#""methods""#, r#""metho""#, r#""""#, "method", "7", r#""metho\ud800""#] {
            assert!(!is_text(other, "method"), "{other}");
        }
    }

    #[test]
    fn every_character_is_written_so_that_it_is_read_back() {
        let all: String = (0..=char::MAX as u32).step_by(7).filter_map(char::from_u32).collect();
        let low: String = (0..0x100).filter_map(char::from_u32).collect();
        for text in [all.as_str(), &low, "", "\"", "\\", "😀\n"] {
            assert!(serde_json::from_str::<String>(&written(text)).unwrap() == text);
        }
        assert_eq!(written("a\"b\\c\u{1}\n"), r#""a\"b\\c\u0001\n""#);
    }
}
