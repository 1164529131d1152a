//! Translates the header into Rust. It refuses, by name, anything that it does not know: a new kind
//! of parameter, a new callback type, a function that takes callbacks or ends a handle in a way
//! that the model does not cover.

use crate::c_header::{Field, Function, Header, Structure, Type};
use std::fmt::Write;

/// Functions and structures with callbacks. The model knows when a call has accepted their
/// callbacks.
const TAKES_CALLBACKS: &[&str] = &[
    "dcc_cancel_token_register",
    "dcc_context_bind",
    "dcc_cancel_token_register_keeping",
    "dcc_job_desc",
    "dcc_dispatcher_desc",
    "dcc_post_desc",
];

/// Functions that end a use of a handle; the model knows their effects. `release` releases one of
/// several references, the others end the handle.
const ENDS_A_HANDLE: &[&str] = &["_release", "_unregister", "_unregister_no_wait", "_close"];

/// Inline functions of which the fuzzer has a copy in Rust.
const INLINE: &[&str] = &[
    "dcc_poll_current_at",
    "dcc_poll_of",
    "dcc_poll_layer_now",
    "dcc_poll_layer_is_quiet",
    "dcc_poll_at",
    "dcc_poll_one_at",
    "dcc_progress_counter_of",
    "dcc_progress_flush_at",
    "dcc_progress_advance_at",
];

/// Macros with arguments. The copies in Rust include `dcc_poll`; functions with a place are called
/// directly.
const MACROS: &[&str] = &[
    "DCC_LIKELY_",
    "dcc_poll_current",
    "dcc_poll",
    "dcc_poll_one",
    "dcc_progress_advance",
    "dcc_progress_flush",
    "dcc_job_set_progress",
];

/// The function that takes a bound context as a pointer to anything, ends that use of it, and
/// answers with its callback's result.
const RUNS: &str = "dcc_context_run";

pub fn generate(header: &Header) -> Result<String, String> {
    let unknown = |list: &[Function], known: &[&str]| {
        let mut names = list.iter().map(|function| function.name.clone());
        names.find(|name| !known.contains(&name.as_str()))
    };
    if let Some(name) = unknown(&header.inline_functions, INLINE) {
        return Err(format!("the fuzzer does not have the inline function {name}"));
    }
    if let Some(name) = header.macros.iter().find(|name| !MACROS.contains(&name.as_str())) {
        return Err(format!("the fuzzer does not have the macro {name}"));
    }
    let mut text = String::new();
    constants(header, &mut text);
    types(header, &mut text)?;
    text.push_str("unsafe extern \"C\" {\n");
    for function in &header.functions {
        writeln!(text, "    fn {}({}){};", function.name, parameters(function)?, result(function)?)
            .unwrap();
    }
    text.push_str("}\n\n");
    structures(header, &mut text)?;
    functions(header, &mut text)?;
    Ok(text)
}

fn constants(header: &Header, text: &mut String) {
    for constant in &header.constants {
        if let Some(number) = header.number(&constant.name) {
            writeln!(text, "pub const {}: i128 = {number};", constant.name).unwrap();
        }
    }
    let names = header.constants.iter().map(|constant| constant.name.as_str());
    let statuses: Vec<&str> = names
        .skip_while(|name| *name != "DCC_OK")
        .take_while(|name| !name.starts_with("DCC_CAUSE_"))
        .collect();
    writeln!(text, "pub const STATUSES: &[(&str, i128)] = &[").unwrap();
    for name in statuses {
        writeln!(text, "    (\"{name}\", {name}),").unwrap();
    }
    text.push_str("];\n\n");
}

/// A type in Rust's syntax.
fn rust(kind: &Type) -> Result<String, String> {
    if let Some(function) = &kind.function {
        return Ok(format!("Option<{}>", function_pointer(function)?));
    }
    let mut named = match kind.base.as_str() {
        "void" if kind.depth() > 0 => "core::ffi::c_void",
        "char" => "core::ffi::c_char",
        "double" => "f64",
        "float" => "f32",
        "int" | "int32_t" => "i32",
        "int64_t" => "i64",
        "uint32_t" => "u32",
        "uint64_t" => "u64",
        "size_t" => "usize",
        "ptrdiff_t" => "isize",
        name if name.starts_with("dcc_") => name,
        name => return Err(format!("the fuzzer does not know the type {name}")),
    }
    .to_owned();
    for depth in 0..kind.depth() {
        let is_const = if depth == 0 { kind.is_const } else { kind.pointers[depth - 1] };
        named = format!("*{} {named}", if is_const { "const" } else { "mut" });
    }
    Ok(match &kind.array {
        Some(length) => format!("[{named}; {length} as usize]"),
        None => named,
    })
}

fn parameters(function: &Function) -> Result<String, String> {
    let all: Result<Vec<String>, String> = function
        .parameters
        .iter()
        .map(|one| Ok(format!("{}: {}", one.name, rust(&one.kind)?)))
        .collect();
    Ok(all?.join(", "))
}

fn result(function: &Function) -> Result<String, String> {
    if function.result.base == "void" && function.result.depth() == 0 {
        return Ok(String::new());
    }
    Ok(format!(" -> {}", rust(&function.result)?))
}

fn function_pointer(function: &Function) -> Result<String, String> {
    Ok(format!("unsafe extern \"C\" fn({}){}", parameters(function)?, result(function)?))
}

fn types(header: &Header, text: &mut String) -> Result<(), String> {
    for alias in &header.aliases {
        writeln!(text, "pub type {} = {};", alias.name, rust(&alias.kind)?).unwrap();
    }
    for handle in &header.handles {
        writeln!(text, "pub enum {handle} {{}}").unwrap();
    }
    for function in &header.function_types {
        writeln!(text, "pub type {} = Option<{}>;", function.name, function_pointer(function)?)
            .unwrap();
    }
    for structure in &header.structures {
        writeln!(text, "#[repr(C)]\n#[derive(Clone, Copy)]\npub struct {} {{", structure.name)
            .unwrap();
        for field in &structure.fields {
            let name = if field.name == "type" { "r#type" } else { &field.name };
            writeln!(text, "    pub {name}: {},", rust(&field.kind)?).unwrap();
        }
        text.push_str("}\n");
    }
    let callbacks: Vec<&String> = header.function_types.iter().map(|one| &one.name).collect();
    writeln!(text, "pub const CALLBACKS: &[&str] = &{callbacks:?};").unwrap();
    writeln!(text, "pub const HANDLES: &[&str] = &{:?};", header.handles).unwrap();
    text.push_str(
        "/// What a callback of this type is in this fuzzer; each has to be written by hand.\n",
    );
    text.push_str("pub fn callback(number: usize) -> u64 {\n    match number {\n");
    for (number, function) in header.function_types.iter().enumerate() {
        let name = &function.name;
        writeln!(
            text,
            "        {number} => {{ let it: {name} = Some(crate::callbacks::{name}); \
             it.map_or(0, |it| it as usize as u64) }}"
        )
        .unwrap();
    }
    text.push_str("        _ => unreachable!(),\n    }\n}\n\n");
    Ok(())
}

fn handle_number(header: &Header, base: &str) -> Option<usize> {
    header.handles.iter().position(|handle| handle == base)
}

/// The kind of an argument or a field, as an expression of the type `Kind`.
fn kind(header: &Header, owner: &str, list: &[Field], position: usize) -> Result<String, String> {
    let field = &list[position];
    let (name, of) = (field.name.as_str(), &field.kind);
    let refused = || Err(format!("the fuzzer does not know {name} of {owner}: {of}"));
    let before = |back: usize| position.checked_sub(back).map(|at| &list[at]);
    let is_text = |field: &Field| field.kind.base == "char" && field.kind.depth() == 1;
    let structure = header.structures.iter().position(|known| known.name == of.base);
    let handle = handle_number(header, &of.base);
    if of.function.is_some() {
        return refused();
    }
    if of.array.is_some() {
        return Ok("Kind::Filled".to_owned());
    }
    Ok(match of.depth() {
        0 => {
            if let Some(number) =
                header.function_types.iter().position(|known| known.name == of.base)
            {
                if !TAKES_CALLBACKS.contains(&owner) {
                    return Err(format!(
                        "{owner} takes callbacks; say in the fuzzer's model when they are accepted"
                    ));
                }
                return Ok(format!("Kind::Callback({number})"));
            }
            if let Some(number) = structure {
                return Ok(format!("Kind::Nested({number})"));
            }
            match (of.base.as_str(), name) {
                ("uint32_t", "struct_size") if position == 0 => "Kind::StructSize".to_owned(),
                ("uint32_t", "reserved") => "Kind::Reserved".to_owned(),
                ("dcc_ticket", _) => "Kind::Ticket".to_owned(),
                ("dcc_native_event", _) => "Kind::Event".to_owned(),
                ("size_t", _)
                    if before(1).is_some_and(|text| is_text(text) && text.kind.is_const) =>
                {
                    "Kind::TextLength".to_owned()
                }
                ("size_t", "size") if before(1).is_some_and(is_text) => {
                    "Kind::BufferSize".to_owned()
                }
                ("size_t", "stride") => "Kind::Stride".to_owned(),
                ("size_t", "capacity") if before(1).is_some_and(|one| one.name == "stride") => {
                    "Kind::Capacity".to_owned()
                }
                ("size_t", "count" | "parent_count")
                    if before(1).is_some_and(|one| one.kind.depth() == 2) =>
                {
                    "Kind::Count".to_owned()
                }
                ("double", _) => "Kind::Double".to_owned(),
                ("int32_t" | "uint32_t" | "dcc_cause" | "dcc_status", _) => {
                    "Kind::Number(4)".to_owned()
                }
                ("int64_t" | "uint64_t" | "size_t", _) => "Kind::Number(8)".to_owned(),
                _ => return refused(),
            }
        }
        1 => match (of.base.as_str(), handle, structure) {
            (_, Some(number), _) if of.is_const => format!("Kind::Handle({number})"),
            (_, Some(number), _) => {
                let ends = ENDS_A_HANDLE.iter().any(|end| owner.ends_with(end));
                if !ends || list.len() != 1 {
                    return Err(format!(
                        "{owner} takes a handle that is not const; say in the fuzzer's model what it ends"
                    ));
                }
                format!("Kind::Handle({number})")
            }
            ("void", ..) if name == "user_data" => "Kind::UserData".to_owned(),
            ("void", ..) if owner == RUNS => {
                format!("Kind::Handle({})", handle_number(header, "dcc_context").unwrap())
            }
            ("void", ..) if name == "call" => {
                let call = header.structures.iter().position(|one| one.name == "dcc_library_call");
                format!("Kind::Structure({})", call.unwrap())
            }
            ("char", ..) if of.is_const => "Kind::Text".to_owned(),
            ("char", ..) => "Kind::Buffer".to_owned(),
            (_, _, Some(number)) if of.is_const => format!("Kind::Structure({number})"),
            (_, _, Some(number))
                if list.get(position + 1).is_some_and(|one| one.name == "stride") =>
            {
                format!("Kind::Array({number})")
            }
            (_, _, Some(number)) => format!("Kind::OutStructure({number})"),
            ("dcc_ticket", ..) => "Kind::OutTicket".to_owned(),
            ("dcc_native_event", ..) => "Kind::OutEvent".to_owned(),
            ("int32_t" | "uint32_t" | "dcc_cause", ..) if !of.is_const => "Kind::Out(4)".to_owned(),
            ("int64_t" | "uint64_t" | "size_t", ..) if !of.is_const => "Kind::Out(8)".to_owned(),
            ("uint64_t", ..) => "Kind::Filled".to_owned(),
            _ => return refused(),
        },
        2 => match (of.base.as_str(), handle) {
            (_, Some(number)) if of.is_const && of.points_to_const() => {
                if list.get(position + 1).is_none_or(|one| !one.name.ends_with("count")) {
                    return refused();
                }
                format!("Kind::HandleArray({number})")
            }
            (_, Some(number)) if !of.is_const && !of.points_to_const() => {
                format!("Kind::OutHandle({number})")
            }
            ("void", _) => "Kind::OutPointer".to_owned(),
            _ => return refused(),
        },
        _ => return refused(),
    })
}

fn structures(header: &Header, text: &mut String) -> Result<(), String> {
    text.push_str("pub static STRUCTURES: &[Structure] = &[\n");
    for structure in &header.structures {
        let Structure { name, fields } = structure;
        writeln!(text, "    Structure {{ name: {name:?}, size: size_of::<{name}>(), fields: &[")
            .unwrap();
        for (position, field) in fields.iter().enumerate() {
            let kind = kind(header, name, fields, position)?;
            let of = if field.name == "type" { "r#type" } else { &field.name };
            writeln!(
                text,
                "        Field {{ name: {:?}, kind: {kind}, offset: core::mem::offset_of!({name}, {of}) }},",
                field.name
            )
            .unwrap();
        }
        text.push_str("    ] },\n");
    }
    text.push_str("];\n\n");
    Ok(())
}

fn functions(header: &Header, text: &mut String) -> Result<(), String> {
    text.push_str("pub static FUNCTIONS: &[Function] = &[\n");
    for function in &header.functions {
        let name = &function.name;
        let result = &function.result;
        let answers = match (result.base.as_str(), result.depth()) {
            ("dcc_status", 0) => "Answer::Status".to_owned(),
            ("uint64_t" | "uint32_t", 0) => "Answer::Number".to_owned(),
            ("char", 1) if result.is_const => "Answer::Text".to_owned(),
            ("void", 1) if name == RUNS => "Answer::Ran".to_owned(),
            (base, 1) => match handle_number(header, base) {
                Some(number) => format!("Answer::Borrowed({number})"),
                None => {
                    return Err(format!("the fuzzer does not know what {name} answers: {result}"));
                }
            },
            _ => return Err(format!("the fuzzer does not know what {name} answers: {result}")),
        };
        let value = match answers.as_str() {
            "Answer::Status" => "as i64 as u64",
            "Answer::Number" => "as u64",
            _ => "as usize as u64",
        };
        let is_mut = |field: &Field| {
            field.kind.depth() == 1 && !field.kind.is_const && header.is_handle(&field.kind.base)
        };
        let ends = name == RUNS || function.parameters.first().is_some_and(is_mut);
        let mut arguments = Vec::new();
        let mut list = String::new();
        for (position, parameter) in function.parameters.iter().enumerate() {
            let kind = kind(header, name, &function.parameters, position)?;
            write!(list, "Parameter {{ name: {:?}, kind: {kind} }}, ", parameter.name).unwrap();
            arguments.push(match kind.as_str() {
                kind if kind.starts_with("Kind::Callback") => {
                    format!(
                        "core::mem::transmute::<u64, {}>(a[{position}])",
                        rust(&parameter.kind)?
                    )
                }
                _ if parameter.kind.depth() > 0 => {
                    format!("a[{position}] as usize as {}", rust(&parameter.kind)?)
                }
                "Kind::Double" => {
                    return Err(format!("{name} takes a double; the fuzzer's calls do not"));
                }
                _ => format!("a[{position}] as {}", rust(&parameter.kind)?),
            });
        }
        if arguments.len() > 8 {
            return Err(format!("{name} has more than 8 parameters"));
        }
        writeln!(
            text,
            "    Function {{ name: {name:?}, answers: {answers}, ends_a_handle: {ends}, \
             parameters: &[{list}], call: |a| unsafe {{ {name}({}) {value} }} }},",
            arguments.join(", ")
        )
        .unwrap();
    }
    text.push_str("];\n");
    Ok(())
}
