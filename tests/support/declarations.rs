//! How the languages of the examples declare the library's functions, read as far as it takes to
//! compare the number and the widths of parameters.

use crate::c_header::{Header, Type};
use std::collections::BTreeMap;

/// How a value is passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Four bytes.
    Four,
    /// Eight bytes.
    Eight,
    /// A pointer to anything.
    Pointer,
}

/// The parameters and the result of a function.
#[derive(Debug, PartialEq, Eq)]
pub struct Signature {
    /// Its result; each function has one.
    pub result: Kind,
    /// Its parameters.
    pub parameters: Vec<Kind>,
}

/// The functions of the header.
pub fn functions_of(header: &Header) -> BTreeMap<String, Signature> {
    let signature = |function: &crate::c_header::Function| Signature {
        result: kind(&c(&function.result)),
        parameters: function.parameters.iter().map(|one| kind(&c(&one.kind))).collect(),
    };
    header.functions.iter().map(|function| (function.name.clone(), signature(function))).collect()
}

/// A type of the header as text, with its stars behind the name.
fn c(of: &Type) -> String {
    format!("{} {}", of.base, "*".repeat(of.depth()))
}

/// C without its comments.
pub fn without_comments(source: &str) -> String {
    let mut rest = source;
    let mut kept = String::new();
    while let Some((before, comment)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = comment.split_once("*/").expect("comments end").1;
    }
    kept + rest
}

/// All `TYPE dcc_NAME(PARAMETERS)` of a source.
pub fn functions(source: &str) -> BTreeMap<String, Signature> {
    let mut found = BTreeMap::new();
    for (start, _) in source.match_indices("dcc_") {
        let before = &source[..start];
        let name: String =
            source[start..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let Some(parameters) = source[start + name.len()..].strip_prefix('(') else { continue };
        // Otherwise this is a call: that follows a dot, a parenthesis or an operator.
        if !before.ends_with([' ', '*']) {
            continue;
        }
        let words = before.trim_end_matches([' ', '*']);
        let word = words
            .rsplit(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .filter(|word| !word.is_empty());
        let Some(word) = word else { continue };
        let result = if before[words.len()..].contains('*') { Kind::Pointer } else { kind(word) };
        let parameters = split(parameters).iter().map(|parameter| kind(parameter)).collect();
        found.entry(name).or_insert(Signature { result, parameters });
    }
    found
}

/// The texts between the commas, up to the closing parenthesis.
fn split(parameters: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in parameters.chars() {
        match c {
            ')' if depth == 0 => break,
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 {
            parts.push(String::new());
        } else {
            parts.last_mut().expect("never empty").push(c);
        }
    }
    let parts: Vec<String> = parts.iter().map(|part| part.trim().to_owned()).collect();
    if parts == ["void"] || parts == [""] { Vec::new() } else { parts }
}

/// How a parameter is passed, given its type in any of the languages.
fn kind(parameter: &str) -> Kind {
    let without_attribute =
        if parameter.starts_with('[') { parameter.split_once(']').unwrap().1 } else { parameter };
    if without_attribute.contains('*') {
        return Kind::Pointer;
    }
    match without_attribute.split_whitespace().next().unwrap_or_default() {
        "int" | "uint" | "int32_t" | "uint32_t" | "dcc_status" => Kind::Four,
        "long" | "ulong" | "nuint" | "UIntPtr" | "size_t" | "uint64_t" | "dcc_ticket" => {
            Kind::Eight
        }
        _ => Kind::Pointer,
    }
}
