//! All the ways in which a function's arguments can be bad, one at a time.

use crate::c_header::{Function, Header};
use crate::c_layout::{Layout, Place, layout};
use crate::call::{self, Call, ROOM, Role};
use crate::table::{self, Scalar};
use crate::{INVALID_ARGUMENT, UNSUPPORTED};

/// One bad argument.
pub struct Spoil {
    /// A description for messages.
    pub what: String,
    /// The names by which the error may call it.
    pub named: Vec<String>,
    /// The status that it gets.
    pub expected: i32,
    /// Makes the argument bad.
    pub apply: Box<dyn Fn(&mut Call)>,
}

struct Spoils(Vec<Spoil>);

impl Spoils {
    fn add(&mut self, what: String, named: &[&str], apply: impl Fn(&mut Call) + 'static) {
        let named = named.iter().map(|name| (*name).to_owned()).collect();
        let apply = Box::new(apply);
        self.0.push(Spoil { what, named, expected: INVALID_ARGUMENT, apply });
    }
}

/// Texts that are not UTF-8: a lone byte, a cut one, an overlong one, half a surrogate pair, beyond
/// Unicode's end.
const NOT_UTF8: [&[u8]; 5] =
    [b"a\xffb", b"a\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"];

/// All ways in which the arguments of a function can be bad.
pub fn all(header: &Header, function: &Function) -> Vec<Spoil> {
    let mut spoils = Spoils(Vec::new());
    for (at, role) in call::roles(header, function).into_iter().enumerate() {
        let name = function.parameters[at].name.as_str();
        let of = function.name.as_str();
        let is_optional = table::is_optional(of, name);
        let null = move |call: &mut Call| {
            call.arguments[at].memory = None;
            call.arguments[at].number = 0;
        };
        let is_pointer = matches!(
            role,
            Role::HandleOut(_)
                | Role::ValueOut(_)
                | Role::StructOut(_)
                | Role::StructIn(_)
                | Role::Filled(_)
        );
        if !is_optional && (is_pointer || matches!(role, Role::Function)) {
            spoils.add(format!("{name} NULL"), &[name], null);
        }
        match role {
            Role::StructOut(layout) | Role::Filled(layout) => sizes(&mut spoils, at, &layout),
            Role::StructIn(layout) => {
                if layout.fields[0].field.name == "struct_size" {
                    sizes(&mut spoils, at, &layout);
                    later_version(&mut spoils, at, &layout);
                }
                fields(&mut spoils, header, at, 0, &layout);
            }
            Role::ArrayOut(layout) => array_out(&mut spoils, at, name, &layout),
            Role::Buffer => buffer(&mut spoils, at),
            Role::Text => text(&mut spoils, header, of, at, name),
            Role::Message => {
                spoils.add(format!("{name} NULL with a length"), &[name], move |call| {
                    null(call);
                    call.arguments[at + 1].number = 5;
                });
                let length = function.parameters[at + 1].name.as_str();
                // A length of one less would mean a message that ends with NUL.
                spoils.add("a length beyond memory".to_owned(), &[length], move |call| {
                    call.arguments[at + 1].number = u64::MAX - 1;
                });
            }
            Role::Handles => {
                spoils.add(format!("{name} NULL with a count"), &[name], move |call| {
                    null(call);
                    call.arguments[at + 1].number = 1;
                });
                let counted_by = function.parameters[at + 1].name.as_str();
                for count in [u64::MAX, 1 << 61] {
                    spoils.add(format!("{count} {name}"), &[counted_by], move |call| {
                        call.arguments[at + 1].number = count;
                    });
                }
            }
            Role::Number(scalar) => {
                for value in bad_numbers(&scalar, 8) {
                    spoils.add(format!("{name} = {value:#x}"), &[name], move |call| {
                        call.arguments[at].number = value;
                    });
                }
            }
            Role::Handle(_)
            | Role::HandleOut(_)
            | Role::ValueOut(_)
            | Role::NulText
            | Role::Function
            | Role::UserData
            | Role::Companion => (),
        }
    }
    spoils.0
}

fn bad_numbers(scalar: &Scalar, size: usize) -> Vec<u64> {
    let cut = |value: u64| if size == 4 { value & u64::from(u32::MAX) } else { value };
    let all: Vec<u64> = match scalar {
        Scalar::Any(_) | Scalar::JobId => Vec::new(),
        Scalar::Flags(known) => {
            let bits = (0..32).map(|bit| 1_u32 << bit).filter(|bit| bit & known == 0);
            bits.chain([u32::MAX, u32::MAX - known]).map(u64::from).collect()
        }
        Scalar::Among(values) => {
            let (least, most) = (values.iter().min().unwrap(), values.iter().max().unwrap());
            [least - 1, most + 1, i32::MIN, i32::MAX].map(|value| u64::from(value as u32)).into()
        }
        Scalar::Range(least, most) => {
            let below = least.checked_sub(1);
            below.into_iter().chain([most + 1, cut(u64::MAX)]).collect()
        }
        Scalar::Zero => vec![1, 1 << 31],
        Scalar::Event => vec![-2_i64 as u64, i64::MIN as u64, i64::MAX as u64],
        Scalar::Finite => [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(f64::to_bits).into(),
    };
    all
}

/// Adds sizes that `struct_size` must not have.
fn sizes(spoils: &mut Spoils, at: usize, layout: &Layout) {
    let first = table::first_size(&layout.name);
    assert!(first <= layout.size as u64, "{} has shrunk", layout.name);
    let named = format!("{}.struct_size", layout.name);
    let end = layout.size as u64;
    let cuts_a_field = |size: &u64| {
        let inside = |place: &Place| {
            (place.offset + 1..place.offset + place.size).contains(&(*size as usize))
        };
        layout.fields.iter().any(inside)
    };
    let beyond = [0, 1, 4, first - 1, end + 1, end + 4, 1 << 20, u64::from(u32::MAX)];
    for size in (first..end).filter(cuts_a_field).chain(beyond) {
        spoils.add(format!("{named} = {size}"), &[&named], move |call| {
            call.arguments[at].put(0, 4, size);
        });
    }
}

/// Adds a structure of a later version, which asks for something that this version does not know.
fn later_version(spoils: &mut Spoils, at: usize, layout: &Layout) {
    let (words, named) = (layout.size / 8, format!("{}.struct_size", layout.name));
    spoils.add(format!("a later {}", layout.name), &[&named], move |call| {
        let (_, memory) = call.arguments[at].memory.as_mut().unwrap();
        memory.resize(words + 1, 0);
        memory.push(1);
        call.arguments[at].put(0, 4, (words as u64 + 2) * 8);
    });
    spoils.0.last_mut().unwrap().expected = UNSUPPORTED;
}

/// Adds values that the fields of a structure must not have. `base` is the offset of the structure
/// in the argument's memory.
fn fields(spoils: &mut Spoils, header: &Header, at: usize, base: usize, layout: &Layout) {
    for (number, place) in layout.fields.iter().enumerate() {
        let Place { field, size, .. } = place;
        let (offset, size) = (base + place.offset, *size);
        let (of, name, kind) = (layout.name.as_str(), field.name.as_str(), &field.kind);
        let named = format!("{of}.{name}");
        let follower = |what: &str| {
            let next = layout.fields.get(number + 1)?;
            (next.field.name == what).then_some(base + next.offset)
        };
        if name == "struct_size" || name.ends_with("_length") || name == "parent_count" {
            continue;
        }
        if header.function_type(&kind.base).is_some() {
            if table::REQUIRED_FUNCTIONS.contains(&(of, name)) {
                spoils.add(format!("{named} NULL"), &[&named], move |call| {
                    call.arguments[at].put(offset, 8, 0);
                });
            }
        } else if kind.base == "char" && kind.depth() == 1 {
            let length = follower(&format!("{name}_length")).unwrap_or_else(|| panic!("{named}"));
            text_field(spoils, header, at, layout, base, (offset, length), &named);
        } else if header.is_handle(&kind.base) && kind.depth() == 2 {
            let count = follower("parent_count").unwrap_or_else(|| panic!("{named}"));
            spoils.add(format!("{named} NULL with a count"), &[&named], move |call| {
                call.arguments[at].put(offset, 8, 0);
            });
            let counted_by = format!("{of}.parent_count");
            for many in [u64::MAX, 1 << 61] {
                spoils.add(format!("{many} {named}"), &[&counted_by], move |call| {
                    call.arguments[at].put(count, 8, many);
                });
            }
        } else if kind.depth() == 0 && header.structure(&kind.base).is_some() {
            let inner = layout_of(header, &kind.base);
            fields(spoils, header, at, offset, &inner);
        } else if kind.depth() == 0 {
            for value in bad_numbers(&table::field(of, name), size) {
                // The type of an optional id: 0 means that there is none.
                if (of, value) == ("dcc_request_id", 0) && base > 16 {
                    continue;
                }
                spoils.add(format!("{named} = {value:#x}"), &[&named], move |call| {
                    call.arguments[at].put(offset, size, value);
                });
            }
        } else {
            let is_handed_on = kind.base == "void" || header.is_handle(&kind.base);
            assert!(is_handed_on, "{named} is {kind}, of which nothing is known");
        }
    }
}

fn layout_of(header: &Header, name: &str) -> Layout {
    layout(header, header.structure(name).unwrap())
}

fn array_out(spoils: &mut Spoils, at: usize, name: &str, layout: &Layout) {
    let size = layout.size as u64;
    for stride in [0, 1, table::first_size(&layout.name) - 1] {
        spoils.add(format!("a stride of {stride}"), &["stride"], move |call| {
            call.arguments[at + 1].number = stride;
        });
    }
    spoils.add(format!("{name} NULL with a capacity"), &[name], move |call| {
        call.arguments[at].memory = None;
    });
    for (stride, capacity) in [(size, u64::MAX), (u64::MAX, ROOM), (1 << 62, 2)] {
        let what = format!("{capacity} entries, {stride} bytes apart");
        spoils.add(what, &["capacity"], move |call| {
            call.arguments[at + 1].number = stride;
            call.arguments[at + 2].number = capacity;
        });
    }
}

fn buffer(spoils: &mut Spoils, at: usize) {
    for size in [1, 64] {
        spoils.add(format!("a NULL buffer of {size} bytes"), &["buffer"], move |call| {
            call.arguments[at].memory = None;
            call.arguments[at + 1].number = size;
        });
    }
    spoils.add("a buffer beyond memory".to_owned(), &["size"], move |call| {
        call.arguments[at + 1].number = u64::MAX;
    });
}

fn limit(header: &Header, of: &str, name: &str) -> usize {
    let constant = table::text_limit(of, name);
    header.number(constant).unwrap_or_else(|| panic!("no {constant}")) as usize
}

/// Bad texts, and whether each is passed as a text that ends with NUL.
fn bad_texts(limit: usize, is_path: bool) -> Vec<(String, Vec<u8>, bool)> {
    let mut bad = Vec::new();
    let long = vec![b'x'; limit + 1];
    for ends_with_nul in [false, true] {
        for text in NOT_UTF8 {
            bad.push((text.escape_ascii().to_string(), text.to_vec(), ends_with_nul));
        }
        bad.push((format!("{} bytes", long.len()), long.clone(), ends_with_nul));
        if is_path {
            bad.push(("no name".to_owned(), Vec::new(), ends_with_nul));
        }
    }
    if is_path {
        bad.push(("a NUL inside".to_owned(), b"a\0b".to_vec(), false));
    }
    bad
}

fn text(spoils: &mut Spoils, header: &Header, of: &str, at: usize, name: &str) {
    for (what, text, ends_with_nul) in bad_texts(limit(header, of, name), table::is_path(name)) {
        spoils.add(format!("{name}: {what}"), &[name], move |call| {
            call.set_text(at, &text);
            if ends_with_nul {
                call.arguments[at + 1].number = u64::MAX;
            }
        });
    }
    spoils.add(format!("{name} NULL with a length"), &[name], move |call| {
        call.arguments[at].memory = None;
        call.arguments[at].number = 0;
    });
    // A length of one less would mean a text that ends with NUL.
    spoils.add(format!("{name} beyond memory"), &[name], move |call| {
        call.arguments[at + 1].number = u64::MAX - 1;
    });
}

fn text_field(
    spoils: &mut Spoils,
    header: &Header,
    at: usize,
    layout: &Layout,
    base: usize,
    (pointer, length): (usize, usize),
    named: &str,
) {
    let name = named.rsplit('.').next().unwrap();
    let is_id = layout.name == "dcc_request_id";
    let set = move |call: &mut Call, to: u64, bytes: u64| {
        if is_id {
            // The type of a text.
            call.arguments[at].put(base, 4, 2);
        }
        call.arguments[at].put(pointer, 8, to);
        call.arguments[at].put(length, 8, bytes);
    };
    for (what, text, ends_with_nul) in bad_texts(limit(header, &layout.name, name), false) {
        spoils.add(format!("{named}: {what}"), &[named], move |call| {
            let kept = call.keep(&text);
            set(call, kept, if ends_with_nul { u64::MAX } else { text.len() as u64 });
        });
    }
    spoils.add(format!("{named} NULL with a length"), &[named], move |call| set(call, 0, 5));
    spoils.add(format!("{named} beyond memory"), &[named], move |call| {
        let kept = call.keep(b"text");
        set(call, kept, u64::MAX - 1);
    });
}
