//! Messages and batches built from members in any order, twice or not at all.
//!
//! `RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz -s address built_message`

#![no_main]

#[path = "../../support/peer_reference.rs"]
mod peer_reference;
#[path = "../../support/wire_reference.rs"]
mod wire_reference;

use arbitrary::Arbitrary;
use std::fmt::Write;

#[derive(Arbitrary, Debug)]
enum Input {
    One(Vec<Member>),
    Batch(Vec<Element>),
}

#[derive(Arbitrary, Debug)]
enum Element {
    Message(Vec<Member>),
    Nothing(Value),
}

#[derive(Arbitrary, Debug)]
enum Member {
    Method(Method),
    Params(Vec<Param>),
    NoParams(Value),
    OwnId(Value),
    Version,
    Other(Text, Value),
}

#[derive(Arbitrary, Debug)]
enum Method {
    Mcp,
    Lsp,
    Acp,
    Other(Value),
}

#[derive(Arbitrary, Debug)]
enum Param {
    RequestId(Id),
    Id(Id),
    Reason(Text),
    NoReason(Value),
    Meta(Value),
    Other(Text, Value),
}

#[derive(Arbitrary, Debug)]
enum Id {
    Small(u8),
    SmallText(u8),
    Usual,
    Integer(i64),
    Other(Value),
}

/// A text, each character escaped if its number is odd and the flag is set.
#[derive(Arbitrary, Debug)]
struct Text {
    is_escaped: bool,
    text: String,
}

#[derive(Arbitrary, Debug)]
enum Value {
    Null,
    True,
    Integer(i64),
    Fraction(i16),
    Text(Text),
    Nested { depth: u8, is_object: bool, inner: Option<Box<Value>> },
    List(Vec<Value>),
    Object(Vec<(Text, Value)>),
}

type Out<'a> = &'a mut String;

fn list<T>(out: Out<'_>, open: char, items: &[T], close: char, each: impl Fn(Out<'_>, &T)) {
    out.push(open);
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        each(out, item);
    }
    out.push(close);
}

impl Text {
    fn write(&self, out: Out<'_>) {
        out.push('"');
        for character in self.text.chars() {
            let is_special = character < ' ' || matches!(character, '"' | '\\');
            if is_special || self.is_escaped && u32::from(character) % 2 == 1 {
                for half in character.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{half:04x}").unwrap();
                }
            } else {
                out.push(character);
            }
        }
        out.push('"');
    }
}

impl Value {
    fn write(&self, out: Out<'_>) {
        match self {
            Self::Null => out.push_str("null"),
            Self::True => out.push_str("true"),
            Self::Integer(integer) => write!(out, "{integer}").unwrap(),
            Self::Fraction(thousandths) => write!(out, "{thousandths}e-3").unwrap(),
            Self::Text(text) => text.write(out),
            Self::Nested { depth, is_object, inner } => {
                let (open, close) = if *is_object { ("{\"id\":", "}") } else { ("[", "]") };
                out.push_str(&open.repeat(usize::from(*depth)));
                match inner {
                    Some(inner) => inner.write(out),
                    None => out.push('1'),
                }
                out.push_str(&close.repeat(usize::from(*depth)));
            }
            Self::List(values) => list(out, '[', values, ']', |out, value| value.write(out)),
            Self::Object(members) => {
                list(out, '{', members, '}', |out, (name, value)| member(out, name, value));
            }
        }
    }
}

fn member(out: Out<'_>, name: &Text, value: &Value) {
    name.write(out);
    out.push(':');
    value.write(out);
}

impl Id {
    fn write(&self, out: Out<'_>) {
        match self {
            Self::Small(id) => write!(out, "{}", i16::from(*id % 16) - 6).unwrap(),
            Self::SmallText(id) => write!(out, "\"{}\"", id % 4).unwrap(),
            Self::Usual => out.push_str("\"a-1\""),
            Self::Integer(id) => write!(out, "{id}").unwrap(),
            Self::Other(value) => value.write(out),
        }
    }
}

fn params(out: Out<'_>, params: &[Param]) {
    list(out, '{', params, '}', |out, param| match param {
        Param::RequestId(id) => {
            out.push_str("\"requestId\":");
            id.write(out);
        }
        Param::Id(id) => {
            out.push_str("\"id\":");
            id.write(out);
        }
        Param::Reason(text) => {
            out.push_str("\"reason\":");
            text.write(out);
        }
        Param::NoReason(value) => {
            out.push_str("\"reason\":");
            value.write(out);
        }
        Param::Meta(value) => {
            out.push_str("\"_meta\":");
            value.write(out);
        }
        Param::Other(name, value) => member(out, name, value),
    });
}

fn message(out: Out<'_>, members: &[Member]) {
    list(out, '{', members, '}', |out, one| match one {
        Member::Method(method) => {
            out.push_str("\"method\":");
            match method {
                Method::Mcp => out.push_str("\"notifications/cancelled\""),
                Method::Lsp => out.push_str("\"$/cancelRequest\""),
                Method::Acp => out.push_str("\"$/cancel_request\""),
                Method::Other(value) => value.write(out),
            }
        }
        Member::Params(of_message) => {
            out.push_str("\"params\":");
            params(out, of_message);
        }
        Member::NoParams(value) => {
            out.push_str("\"params\":");
            value.write(out);
        }
        Member::OwnId(value) => {
            out.push_str("\"id\":");
            value.write(out);
        }
        Member::Version => out.push_str("\"jsonrpc\":\"2.0\""),
        Member::Other(name, value) => member(out, name, value),
    });
}

libfuzzer_sys::fuzz_target!(|input: Input| {
    let mut text = String::new();
    match &input {
        Input::One(members) => message(&mut text, members),
        Input::Batch(elements) => list(&mut text, '[', elements, ']', |out, one| match one {
            Element::Message(members) => message(out, members),
            Element::Nothing(value) => value.write(out),
        }),
    }
    peer_reference::check(text.as_bytes());
});
