//! JSON objects and lists that are written member by member. Nothing is built, so only the
//! destination of the text may need memory.

use crate::json::text::write_text;
use crate::printable::PrintableJson;
use std::fmt::{self, Display, Write};

/// A JSON object that is being written.
pub struct Object<'a> {
    out: &'a mut dyn Write,
    is_empty: bool,
}

/// A JSON list that is being written.
pub struct Array<'a> {
    out: &'a mut dyn Write,
    between: &'static str,
    is_empty: bool,
}

impl<'a> Object<'a> {
    pub fn begin(out: &'a mut dyn Write) -> Result<Self, fmt::Error> {
        out.write_str("{")?;
        Ok(Self { out, is_empty: true })
    }

    /// Begins a member whose value the caller writes next. The key must not need escapes.
    pub fn key(&mut self, key: &str) -> Result<&mut dyn Write, fmt::Error> {
        let before = if std::mem::take(&mut self.is_empty) { "" } else { "," };
        write!(self.out, "{before}\"{key}\":")?;
        Ok(self.out)
    }

    /// Writes a member whose value is a text. People print this output, so characters that could
    /// control a terminal are escaped.
    pub fn text(&mut self, key: &str, text: &str) -> fmt::Result {
        write_text(&mut PrintableJson(self.key(key)?), text)
    }

    /// Writes a member whose value is a number, true or false.
    pub fn value(&mut self, key: &str, value: impl Display) -> fmt::Result {
        write!(self.key(key)?, "{value}")
    }

    /// Writes a member whose value is a number, true or false, or null for `None`.
    pub fn value_or_null(&mut self, key: &str, value: Option<impl Display>) -> fmt::Result {
        match value {
            Some(value) => self.value(key, value),
            None => self.null(key),
        }
    }

    /// Writes a member whose value is null.
    pub fn null(&mut self, key: &str) -> fmt::Result {
        self.key(key)?.write_str("null")
    }

    /// Begins a member whose value is an object. The caller writes that object and ends it.
    pub fn object(&mut self, key: &str) -> Result<Object<'_>, fmt::Error> {
        Object::begin(self.key(key)?)
    }

    /// Begins a member whose value is a list. The caller writes that list and ends it.
    pub fn list(&mut self, key: &str) -> Result<Array<'_>, fmt::Error> {
        Array::begin(self.key(key)?)
    }

    pub fn end(self) -> fmt::Result {
        self.out.write_str("}")
    }
}

impl<'a> Array<'a> {
    pub fn begin(out: &'a mut dyn Write) -> Result<Self, fmt::Error> {
        out.write_str("[")?;
        Ok(Self { out, between: ",", is_empty: true })
    }

    /// Puts each entry after the first on a line of its own.
    pub fn in_lines(self) -> Self {
        Self { between: ",\n", ..self }
    }

    /// Begins the next entry, which is an object. The caller writes that object and ends it.
    pub fn object(&mut self) -> Result<Object<'_>, fmt::Error> {
        if !std::mem::take(&mut self.is_empty) {
            self.out.write_str(self.between)?;
        }
        Object::begin(self.out)
    }

    pub fn end(self) -> fmt::Result {
        self.out.write_str("]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::printable::is_printable;
    use serde_json::{Value, json};

    fn write(out: &mut dyn Write) -> fmt::Result {
        let mut all = Object::begin(out)?;
        all.text("text", "a \"b\"\n")?;
        all.value("number", u64::MAX)?;
        all.value_or_null("missing", None::<u64>)?;
        all.value_or_null("there", Some(true))?;
        let mut list = all.list("list")?;
        for number in 0..2 {
            let mut one = list.object()?;
            one.value("number", number)?;
            one.end()?;
        }
        list.end()?;
        all.list("empty")?.end()?;
        let mut inner = all.object("inner")?;
        inner.null("nothing")?;
        inner.end()?;
        all.end()
    }

    #[test]
    fn a_text_can_be_printed_and_means_the_same() {
        let all: String = ('\0'..='\u{2fff}').chain('\u{e0000}'..='\u{e007f}').collect();
        let mut out = String::new();
        let mut object = Object::begin(&mut out).unwrap();
        object.text("text", &all).unwrap();
        object.end().unwrap();
        assert!(out.chars().all(is_printable));
        assert!(
            out.contains(r"\u007f\u0080") && out.contains(r"\udb40\udc41") && out.contains('ä')
        );
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["text"], all);
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut text = String::new();
        write(&mut text).unwrap();
        let expected = json!({
            "text": "a \"b\"\n", "number": u64::MAX, "missing": null, "there": true,
            "list": [{ "number": 0 }, { "number": 1 }], "empty": [], "inner": { "nothing": null },
        });
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), expected);
    }
}
