//! How the languages of the examples declare the library's structures: the widths of their fields,
//! in order.

use crate::c_header::{Header, Value};
use std::collections::BTreeMap;

/// The size of each field in bytes; one entry for each element of an array.
pub type Widths = Vec<usize>;

/// The structures of the header.
pub fn structures_of(header: &Header) -> BTreeMap<String, Widths> {
    let length = |array: &str| match header.constants.iter().find(|one| one.name == array) {
        Some(constant) => match constant.value {
            Value::Number(number) => usize::try_from(number).expect("no length is negative"),
            Value::Text(_) => panic!("{array} is no length"),
        },
        None => array.parse().expect("a number or the name of one"),
    };
    let widths = |structure: &crate::c_header::Structure| {
        let of = |field: &crate::c_header::Field| match field.kind.depth() {
            0 if field.kind.function.is_none() => {
                vec![width(&field.kind.base); field.kind.array.as_deref().map_or(1, length)]
            }
            _ => vec![8],
        };
        structure.fields.iter().flat_map(of).collect()
    };
    header.structures.iter().map(|one| (one.name.clone(), widths(one))).collect()
}

/// `typedef struct NAME { FIELDS } NAME;`
pub fn in_c(source: &str) -> BTreeMap<String, Widths> {
    let pieces = source.split("typedef struct ").skip(1);
    let with_fields = pieces.filter_map(|piece| {
        let (name, rest) = piece.split_once(char::is_whitespace)?;
        let body = rest.trim_start().strip_prefix('{')?.split_once('}')?.0;
        Some((name.to_owned(), body.split(';').flat_map(fields).collect()))
    });
    with_fields.collect()
}

/// `koffi.struct('NAME', { FIELD: 'TYPE', FIELD: koffi.array('TYPE', COUNT) });`
pub fn in_node(source: &str) -> BTreeMap<String, Widths> {
    let pieces = source.split("koffi.struct('").skip(1);
    let parsed = pieces.map(|piece| {
        let (name, rest) = piece.split_once('\'').expect("a name");
        let body = rest.split_once("});").expect("it ends").0;
        // The type is in quotes; the length of an array follows them.
        let types = body.split('\'').skip(1).step_by(2);
        let behind = body.split('\'').skip(2).step_by(2);
        let widths = types.zip(behind).flat_map(|(kind, rest)| {
            let count = rest.strip_prefix(',').and_then(|rest| rest.split_once(')'));
            let count = count.and_then(|(count, _)| count.trim().parse().ok());
            vec![if kind.contains('*') { 8 } else { width(kind) }; count.unwrap_or(1)]
        });
        (name.to_owned(), widths.collect())
    });
    parsed.collect()
}

/// `Name = struct ["TYPE FIELD", "TYPE FIELD[COUNT]"]`
pub fn in_ruby(source: &str) -> BTreeMap<String, Widths> {
    let ends: Vec<usize> = source.match_indices(" = struct [").map(|(at, _)| at).collect();
    let parsed = ends.into_iter().map(|at| {
        let name = source[..at].rsplit(char::is_whitespace).next().expect("a name");
        let mut widths = Widths::new();
        let mut rest = &source[at + " = struct [".len()..];
        while let Some((between, quoted)) = rest.split_once('"') {
            if between.contains(']') {
                break;
            }
            let (field, after) = quoted.split_once('"').expect("it ends");
            widths.extend(fields(field));
            rest = after;
        }
        (c_name(name), widths)
    });
    parsed.collect()
}

/// `class Name extends Structure { public TYPE FIELD, FIELD; public TYPE[] FIELD = new TYPE[COUNT]; }`
pub fn in_java(source: &str) -> BTreeMap<String, Widths> {
    let mut found = BTreeMap::new();
    for (at, _) in source.match_indices(" extends Structure {") {
        let name = source[..at].rsplit(char::is_whitespace).next().expect("a name");
        let body = &source[at + " extends Structure {".len()..];
        let lines = body.lines().map(str::trim).take_while(|line| *line != "}");
        // The fields end where a constructor begins.
        let lines = lines.take_while(|line| !line.ends_with('{'));
        found.insert(c_name(name), lines.flat_map(fields).collect());
    }
    found
}

/// `public struct Name { public TYPE FIELD, FIELD; [ATTRIBUTE] public TYPE FIELD; }`
pub fn in_csharp(source: &str) -> BTreeMap<String, Widths> {
    let pieces = source.split("public struct ").skip(1);
    let parsed = pieces.map(|piece| {
        let (name, rest) = piece.split_once(['\r', '\n']).expect("a line");
        let lines = rest.lines().skip(1).take_while(|line| *line != "}");
        (c_name(name.trim()), lines.flat_map(fields).collect())
    });
    parsed.collect()
}

/// The fields that a piece like `const char *label` or `public long a, b = 3;` declares.
fn fields(piece: &str) -> Widths {
    let mut piece = piece.trim();
    if let Some(attribute) = piece.strip_prefix('[') {
        piece = attribute.split_once(']').expect("it ends").1.trim();
    }
    let mut words = piece.split_whitespace().skip_while(|word| ["public", "const"].contains(word));
    let Some(kind) = words.next() else { return Widths::new() };
    let width = if piece.contains('*') { 8 } else { width(kind.trim_end_matches("[]")) };
    let is_java_array = kind.ends_with("[]");
    let declared = piece.split('=').next().expect("never empty");
    let counted = if is_java_array { piece.rsplit_once('[') } else { declared.rsplit_once('[') };
    let count = counted.and_then(|(_, rest)| rest.split_once(']'));
    match count {
        Some((count, _)) => vec![width; count.parse().expect("a length")],
        None => vec![width; declared.matches(',').count() + 1],
    }
}

/// The size of a type in any of the languages. A type that is not a number is a pointer.
fn width(kind: &str) -> usize {
    match kind {
        "int" | "uint" | "int32_t" | "uint32_t" | "dcc_status" | "dcc_cause" => 4,
        "char" | "uint8_t" => 1,
        _ => 8,
    }
}

/// `JobDesc` is `dcc_job_desc`.
fn c_name(name: &str) -> String {
    name.chars().fold("dcc".to_owned(), |mut text, letter| {
        if letter.is_uppercase() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
        text
    })
}
