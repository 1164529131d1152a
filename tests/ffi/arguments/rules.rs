//! The rules that the header states at its top for every function, proved for every function.

use crate::c_header::{Function, Header};
use crate::call::{self, Call, Library, Role};
use crate::table;
use crate::world::World;

const INVALID_HANDLE: i32 = -1;
const INVALID_ARGUMENT: i32 = -2;

/// Types of handles for which NULL is a valid argument. For all other types NULL is no object.
const NULL_IS_ONE: &[&str] =
    &["dcc_cancel_token", "dcc_job", "dcc_context", "dcc_owner", "dcc_progress"];

/// Functions that accept NULL of the other types and do nothing.
const DOES_NOTHING: &[&str] =
    &["_retain", "_release", "_close", "_unregister", "_unregister_no_wait"];

fn ends_a_use(function: &str) -> bool {
    let others = ["dcc_owner_close", "dcc_registration_unregister"];
    function.ends_with("_release")
        || others.contains(&function.strip_suffix("_no_wait").unwrap_or(function))
}

/// The functions, each with the positions and the types of its handles.
fn with_handles(header: &Header) -> Vec<(&Function, Vec<(usize, String)>)> {
    let handles = |function: &Function| {
        let roles = call::roles(header, function).into_iter().enumerate();
        roles.filter_map(|(at, role)| match role {
            Role::Handle(base) => Some((at, base)),
            _ => None,
        })
    };
    let all = header.functions.iter().map(|function| (function, handles(function).collect()));
    all.filter(|(_, handles): &(_, Vec<_>)| !handles.is_empty()).collect()
}

fn is_status(function: &Function) -> bool {
    function.result.base == "dcc_status" && function.result.depth() == 0
}

/// The header's comment on a function.
pub fn comment<'a>(source: &'a str, function: &str) -> &'a str {
    let declared = [format!(" {function}("), format!("*{function}(")];
    for (end, _) in source.match_indices("*/") {
        let behind = &source[end + 2..];
        let declaration = &behind[..behind.find([';', '{', '#']).unwrap_or(behind.len())];
        if declared.iter().any(|name| declaration.contains(name)) {
            let start = source[..end].rfind("/*").unwrap();
            return &source[start..end];
        }
    }
    panic!("{function} has no comment")
}

/// Checks that NULL means what the header says, in each function and position. Returns how many
/// there are.
pub fn null_handles(library: &Library, header: &Header) -> usize {
    let mut count = 0;
    for (function, handles) in with_handles(header) {
        for (at, base) in handles {
            let world = World::new(library, header);
            let mut call = Call::good(header, function, &world);
            call.arguments[at].number = 0;
            let answer = library.call(&function.name, &call.arguments());
            let about = format!("{} with a NULL {base}: {answer:#x}", function.name);
            let does_nothing = DOES_NOTHING.iter().any(|end| function.name.ends_with(end));
            match answer as i32 {
                _ if !is_status(function) => assert_eq!(answer, 0, "{about}"),
                status if NULL_IS_ONE.contains(&base.as_str()) => {
                    assert!(table::is_good(&function.name, status), "{about}");
                }
                status if does_nothing => assert_eq!(status, 0, "{about}"),
                status => {
                    assert_eq!(status, INVALID_HANDLE, "{about}");
                    let error = library.last_error();
                    assert!(error.starts_with("NULL is not a live "), "{about}: {error}");
                }
            }
            world.end(&call, function);
            count += 1;
        }
    }
    count
}

/// Checks that `const T *` leaves the caller's reference and `T *` ends it. Returns how many
/// functions have each.
pub fn references(library: &Library, header: &Header) -> [usize; 2] {
    let mut counts = [0, 0];
    for (function, handles) in with_handles(header) {
        let name = function.name.as_str();
        let ends = ends_a_use(name);
        if let Some(base) = name.strip_suffix("_release") {
            assert!(
                header.function(&format!("{base}_retain")).is_some(),
                "nothing retains a {base}"
            );
        }
        for (at, base) in &handles {
            let is_const = function.parameters[*at].kind.is_const;
            assert_eq!(is_const, !ends, "{name}: a {base} that it ends is not const, another is");
        }
        let world = World::new(library, header);
        let call = Call::good(header, function, &world);
        let answer = library.call(name, &call.arguments());
        if is_status(function) {
            let (status, error) = (answer as i32, library.last_error());
            assert!(table::is_good(name, status), "{name} with good arguments: {status}, {error}");
            assert_ne!(library.status_string(status), "Unknown status", "{name}: {status}");
        }
        if ends {
            let again = library.call(name, &call.arguments()) as i32;
            assert_eq!(again, INVALID_HANDLE, "{name} a second time");
            world.gone.set(call.arguments[handles[0].0].number);
        }
        if let Some(base) = name.strip_suffix("_retain") {
            let handle = call.arguments[handles[0].0].number;
            assert_eq!(library.call(&format!("{base}_release"), &[handle]) as i32, 0, "{name}");
        }
        counts[usize::from(ends)] += 1;
        // This releases everything, so all handles except the released one must be valid.
        world.end(&call, function);
    }
    counts
}

/// Checks that a question answers 0 for no, a positive number for yes and a negative one for a bad
/// handle, and that its comment says how to use it in an `if`. Returns how many there are.
pub fn questions(library: &Library, header: &Header, source: &str) -> usize {
    let all = header.functions.iter().filter(|function| function.name.contains("_is_"));
    let all: Vec<&Function> = all.collect();
    // A question about the calling thread takes no handle; tests of slices cover it.
    let of_handles = all.iter().filter(|function| function.name != "dcc_slice_is_over");
    for function in of_handles {
        let name = function.name.as_str();
        let world = World::new(library, header);
        let call = Call::good(header, function, &world);
        let [ref argument] = call.arguments[..] else { panic!("{name} asks of one thing") };
        let ask = |handle: u64| library.call(name, &[handle]) as i32;
        assert!(is_status(function), "{name} answers a {}", function.result);
        assert_eq!((ask(argument.number), ask(0)), (0, 0), "{name}: no");
        let makes_it_so = match name {
            "dcc_cancel_token_is_cancelled" => "dcc_cancel_token_cancel",
            "dcc_job_is_cancelled" => "dcc_job_cancel",
            "dcc_job_is_sealed" => "dcc_job_seal",
            _ => panic!("{name} is a question, and nobody knows what makes it so"),
        };
        assert_eq!(library.call(makes_it_so, &[argument.number, 0, 0]) as i32, 0);
        assert!(ask(argument.number) > 0, "{name}: yes");
        for bad in [1, argument.number ^ (1 << 40), world.session()] {
            assert_eq!(ask(bad), INVALID_HANDLE, "{name} of {bad:#x}");
        }
        world.end(&call, function);
    }
    let inline = header.inline_functions.iter().filter(|function| function.name.contains("_is_"));
    let inline: Vec<&Function> = inline.collect();
    for function in all.iter().chain(&inline) {
        let comment = comment(source, &function.name);
        assert!(comment.contains("`if ("), "{}: {comment}", function.name);
    }
    // This question reads a copy of two words, so no bad handle is possible; tests of polls cover
    // it.
    assert!(matches!(inline[..], [one] if one.name == "dcc_poll_layer_is_quiet"), "{inline:?}");
    all.len() + inline.len()
}

/// Checks that a text must not be NULL, whatever its length, and that a text result may have no
/// room. Returns the number of texts.
pub fn texts(library: &Library, header: &Header, source: &str) -> usize {
    let mut count = 0;
    for function in &header.functions {
        let name = function.name.as_str();
        for (at, role) in call::roles(header, function).iter().enumerate() {
            let parameter = &function.parameters[at].name;
            let lengths: &[u64] = match role {
                Role::Text | Role::Message => &[0, u64::MAX],
                Role::Buffer => &[0],
                Role::NulText => {
                    let says_so = comment(source, name).contains("ends with NUL, or is NULL");
                    assert!(says_so, "{name}: {parameter} has no length");
                    continue;
                }
                _ => continue,
            };
            if table::is_path(parameter) {
                continue;
            }
            for length in lengths {
                let world = World::new(library, header);
                let mut call = Call::good(header, function, &world);
                let end = if matches!(role, Role::Buffer) { at + 3 } else { at + 1 };
                for argument in &mut call.arguments[at..end] {
                    (argument.memory, argument.number) = (None, 0);
                }
                call.arguments[at + 1].number = *length;
                let status = library.call(name, &call.arguments()) as i32;
                let about = format!("{name}: no {parameter}, length {length}");
                assert_ne!(status, INVALID_ARGUMENT, "{about}: {}", library.last_error());
                world.end(&call, function);
                count += 1;
            }
        }
    }
    count
}

/// Checks that a structure of a later version is accepted if it asks for nothing new, and filled as
/// far as this version knows it, and that a structure of the first version is enough. Returns the
/// number of structures.
pub fn sizes(library: &Library, header: &Header) -> usize {
    let mut count = 0;
    for function in &header.functions {
        for (at, role) in call::roles(header, function).into_iter().enumerate() {
            let (layout, is_out) = match role {
                Role::StructIn(layout) if layout.fields[0].field.name == "struct_size" => {
                    (layout, false)
                }
                Role::StructOut(layout) => (layout, true),
                _ => continue,
            };
            for size in [table::first_size(&layout.name), layout.size as u64 + 8] {
                let world = World::new(library, header);
                let mut call = Call::good(header, function, &world);
                let poison = if is_out { 0xa5a5_a5a5_a5a5_a5a5 } else { 0 };
                call.arguments[at].memory.as_mut().unwrap().1.push(poison);
                call.arguments[at].put(0, 4, size);
                let status = library.call(&function.name, &call.arguments()) as i32;
                let about = format!("{} with {size} bytes of {}", function.name, layout.name);
                assert!(status >= 0, "{about}: {status}, {}", library.last_error());
                let memory = &call.arguments[at].memory.as_ref().unwrap().1;
                if is_out {
                    let filled = u64::from(memory[0] as u32);
                    assert_eq!(filled, size.min(layout.size as u64), "{about}");
                    assert_eq!(
                        memory.last(),
                        Some(&poison),
                        "{about}: filled beyond what is known"
                    );
                }
                world.end(&call, function);
            }
            count += 1;
        }
    }
    count
}

/// Checks that the comment says so if a result's pointer may be NULL. Returns how many there are.
pub fn optional_results(header: &Header, source: &str) -> usize {
    for (name, parameter) in table::OPTIONAL {
        let function = header.function(name).unwrap();
        assert!(
            function.parameters.iter().any(|one| one.name == *parameter),
            "{name}: {parameter}"
        );
        let comment = comment(source, name);
        let names_both = comment.contains(&format!("`{parameter}`")) && comment.contains("NULL");
        assert!(names_both, "{name} does not say that {parameter} may be NULL: {comment}");
    }
    table::OPTIONAL.len()
}

/// Whether a function works in a forked child, by the words of the header's rule.
pub fn works_in_a_fork(function: &Function, source: &str) -> bool {
    let rule = source.split_once("In a process that was forked").unwrap().1;
    let rule = rule.split_once("DCC_ERROR_FORKED").unwrap().0;
    !is_status(function)
        || function.name.starts_with("dcc_poll_")
        || rule.split([' ', ',', '\n']).any(|word| word == function.name)
}
