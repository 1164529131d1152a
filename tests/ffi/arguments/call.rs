//! Calls of the shared library by name, and the memory that their arguments point to.

use crate::c_header::{Field, Function, Header, Type};
use crate::c_layout::{Layout, layout, size_and_align};
use crate::support;
use crate::table::{self, Scalar};
use crate::world::World;
use std::ffi::{CStr, CString, c_char, c_void};

/// The shared library.
pub struct Library(*mut c_void);

impl Library {
    pub fn load() -> Self {
        let path = support::built_library();
        let path = CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: a path that ends with NUL.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL) };
        assert!(!library.is_null(), "{path:?} cannot be loaded");
        Self(library)
    }

    /// Calls a function whose parameters are all numbers and pointers.
    pub fn call(&self, name: &str, arguments: &[u64]) -> u64 {
        let symbol = CString::new(name).unwrap();
        // SAFETY: a loaded library and a name that ends with NUL.
        let function = unsafe { libc::dlsym(self.0, symbol.as_ptr()) };
        assert!(!function.is_null(), "the library has no {name}");
        // A function does not see the arguments that it does not have.
        let mut all = [0; 8];
        all[..arguments.len()].copy_from_slice(arguments);
        let [a, b, c, d, e, f, g, h] = all;
        // SAFETY: a function of the library; numbers and pointers are passed as whole registers, and as whole
        // words behind them, which the caller takes away again.
        unsafe {
            let function: extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64) -> u64 =
                std::mem::transmute(function);
            function(a, b, c, d, e, f, g, h)
        }
    }

    /// The text of the last error.
    pub fn last_error(&self) -> String {
        let mut room = [0_u8; 512];
        let mut length = 0_usize;
        let arguments = [room.as_mut_ptr() as u64, room.len() as u64, &raw mut length as u64];
        assert_eq!(self.call("dcc_last_error", &arguments) as i32, 0);
        String::from_utf8(room[..length].to_vec()).unwrap()
    }

    /// The text of a status.
    pub fn status_string(&self, status: i32) -> String {
        let text = self.call("dcc_status_string", &[status as u64]) as *const c_char;
        // SAFETY: a text that ends with NUL, as the header promises.
        unsafe { CStr::from_ptr(text) }.to_str().unwrap().to_owned()
    }

    /// Makes another error this thread's last one.
    pub fn forget_error(&self) {
        assert_eq!(self.call("dcc_job_begin", &[0x1]) as i32, -1);
    }
}

/// How a call uses an argument's memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// The call reads it.
    In,
    /// The call writes a handle to it.
    Handle,
    /// The call writes a value to it, after a failure possibly a "none".
    Value,
    /// The call writes a text, a structure or an array to it.
    Out,
}

/// An argument.
#[derive(Debug, Clone)]
pub struct Argument {
    pub field: Field,
    /// The number that is passed if the argument points to nothing.
    pub number: u64,
    /// The memory that it points to, as words, so that it is aligned.
    pub memory: Option<(Use, Vec<u64>)>,
}

/// A function's arguments.
#[derive(Debug, Clone)]
pub struct Call {
    pub arguments: Vec<Argument>,
    /// The memory that structures point to.
    pub pointed: Vec<Box<[u8]>>,
}

/// Fills the memory for results, so that unwritten parts show.
const POISON: u64 = 0xa5a5_a5a5_a5a5_a5a5;

/// The number of entries of each array.
pub const ROOM: u64 = 4;
/// The number of bytes of each buffer.
const BUFFER: u64 = 1024;

/// The role of a parameter, derived from its type and from the names of its neighbours.
#[derive(Debug, Clone)]
pub enum Role {
    /// A handle.
    Handle(String),
    /// A place for a handle.
    HandleOut(String),
    /// A place for a value of this many bytes.
    ValueOut(usize),
    /// A structure with `struct_size` that the call fills in.
    StructOut(Layout),
    /// An array that the call fills in; its stride and capacity follow.
    ArrayOut(Layout),
    /// A buffer; its size and the place for the length follow.
    Buffer,
    /// A structure that the call reads.
    StructIn(Layout),
    /// A text whose length comes next.
    Text,
    /// A text that ends with NUL.
    NulText,
    /// A message whose length comes next.
    Message,
    /// An array of handles whose count comes next.
    Handles,
    /// A function.
    Function,
    /// A structure that an earlier call has filled in, and that is passed on as a pointer to
    /// anything.
    Filled(Layout),
    /// A pointer that the library only passes on.
    UserData,
    /// A parameter that belongs to the one before it.
    Companion,
    /// A number.
    Number(Scalar),
}

/// The roles of a function's parameters.
pub fn roles(header: &Header, function: &Function) -> Vec<Role> {
    let parameters = &function.parameters;
    let mut roles: Vec<Role> = Vec::new();
    let mut companions = 0;
    for (at, parameter) in parameters.iter().enumerate() {
        if companions > 0 {
            companions -= 1;
            roles.push(Role::Companion);
            continue;
        }
        let next = |offset: usize| parameters.get(at + offset).map_or("", |field| &field.name);
        let (role, taken) = role(header, function, parameter, next(1), next(2));
        companions = taken;
        roles.push(role);
    }
    roles
}

fn role(
    header: &Header,
    function: &Function,
    parameter: &Field,
    next: &str,
    after: &str,
) -> (Role, usize) {
    let Field { name, kind } = parameter;
    let base = kind.base.as_str();
    let length = format!("{name}_length");
    let alone = |role| (role, 0);
    if header.function_type(base).is_some() {
        return alone(Role::Function);
    }
    if header.is_handle(base) {
        return match (kind.depth(), header.is_out(kind)) {
            (1, _) => alone(Role::Handle(base.to_owned())),
            (2, true) => alone(Role::HandleOut(base.to_owned())),
            (2, false) if next == "count" => (Role::Handles, 1),
            _ => panic!("{} has {kind} {name}, which is not known", function.name),
        };
    }
    match (base, kind.depth(), header.is_out(kind)) {
        ("void", 1, _) if name == "call" => {
            alone(Role::Filled(layout(header, header.structure("dcc_library_call").unwrap())))
        }
        ("void", 1, _) => alone(Role::UserData),
        ("char", 1, true) if (next, after) == ("size", "out_length") => (Role::Buffer, 2),
        ("char", 1, false) if next == length && table::is_message(&function.name) => {
            (Role::Message, 1)
        }
        ("char", 1, false) if next == length => (Role::Text, 1),
        ("char", 1, false) if name == "file" => alone(Role::NulText),
        (_, 0, _) => alone(Role::Number(table::number(&function.name, name))),
        (_, 1, is_out) if header.structure(base).is_some() => {
            let layout = layout(header, header.structure(base).unwrap());
            let has_size = layout.fields[0].field.name == "struct_size";
            match (is_out, has_size, (next, after)) {
                (true, _, ("stride", "capacity")) => (Role::ArrayOut(layout), 2),
                (true, true, _) => alone(Role::StructOut(layout)),
                (true, false, _) => alone(Role::ValueOut(layout.size)),
                (false, ..) => alone(Role::StructIn(layout)),
            }
        }
        (_, depth, true) => {
            let pointee = Type { pointers: kind.pointers[1..depth].to_vec(), ..kind.clone() };
            alone(Role::ValueOut(size_and_align(header, &pointee).0))
        }
        _ => panic!("{} has {kind} {name}, which is not known", function.name),
    }
}

impl Argument {
    pub fn word(&self) -> u64 {
        self.memory.as_ref().map_or(self.number, |(_, memory)| memory.as_ptr() as u64)
    }

    /// The bytes that the argument points to.
    pub fn bytes(&mut self) -> &mut [u8] {
        let (_, memory) = self.memory.as_mut().expect("it points to something");
        let size = memory.len() * 8;
        // SAFETY: words are bytes, and all bytes are words.
        unsafe { std::slice::from_raw_parts_mut(memory.as_mut_ptr().cast(), size) }
    }

    /// Writes a number of this many bytes into the memory that the argument points to.
    pub fn put(&mut self, offset: usize, size: usize, number: u64) {
        self.bytes()[offset..offset + size].copy_from_slice(&number.to_le_bytes()[..size]);
    }
}

impl Call {
    /// A call that the world accepts.
    pub fn good(header: &Header, function: &Function, world: &World<'_>) -> Self {
        let mut call = Self { arguments: Vec::new(), pointed: Vec::new() };
        let roles = roles(header, function);
        for (parameter, role) in function.parameters.iter().zip(&roles) {
            let poisoned = |size: usize| vec![POISON; size.div_ceil(8).max(1)];
            let pointed = |of, memory| (0, Some((of, memory)));
            let (number, memory) = match role {
                Role::Handle(base) => (world.handle(&function.name, base), None),
                Role::HandleOut(_) => pointed(Use::Handle, poisoned(8)),
                Role::ValueOut(size) => pointed(Use::Value, poisoned(*size)),
                Role::StructOut(layout) => pointed(Use::Out, poisoned(layout.size)),
                Role::ArrayOut(layout) => pointed(Use::Out, poisoned(layout.size * ROOM as usize)),
                Role::Buffer => pointed(Use::Out, poisoned(BUFFER as usize)),
                Role::StructIn(layout) | Role::Filled(layout) => {
                    pointed(Use::In, vec![0; layout.size.div_ceil(8)])
                }
                Role::Text | Role::NulText | Role::Message => pointed(Use::In, vec![0; 16]),
                Role::Handles => pointed(Use::In, vec![world.parent, 0]),
                Role::Function => (table::function_named(&parameter.name), None),
                Role::UserData => (table::user_data(), None),
                // The parameter before this one sets it, below.
                Role::Companion => (0, None),
                Role::Number(scalar) => (scalar.good(world), None),
            };
            call.arguments.push(Argument { field: parameter.clone(), number, memory });
        }
        for (at, role) in roles.iter().enumerate() {
            let argument = &mut call.arguments[at];
            match role {
                Role::StructOut(layout) => argument.put(0, 4, layout.size as u64),
                Role::StructIn(layout) | Role::Filled(layout) => {
                    table::fill(&function.name, argument, layout, world);
                }
                Role::ArrayOut(layout) => {
                    call.arguments[at + 1].number = layout.size as u64;
                    call.arguments[at + 2].number = ROOM;
                }
                Role::Buffer => {
                    call.arguments[at + 1].number = BUFFER;
                    call.arguments[at + 2].memory = Some((Use::Value, vec![POISON]));
                }
                Role::Text | Role::Message => {
                    let text = table::text(&function.name, &argument.field.name);
                    call.set_text(at, text.as_bytes());
                }
                Role::NulText => argument.bytes()[..2].copy_from_slice(b"f\0"),
                Role::Handles => call.arguments[at + 1].number = 2,
                _ => (),
            }
        }
        call
    }

    /// A text argument and its length.
    pub fn set_text(&mut self, at: usize, text: &[u8]) {
        let mut words = vec![0_u64; text.len() / 8 + 2];
        for (at, byte) in text.iter().enumerate() {
            words[at / 8] |= u64::from(*byte) << (at % 8 * 8);
        }
        self.arguments[at].memory = Some((Use::In, words));
        self.arguments[at + 1].number = text.len() as u64;
    }

    /// Keeps a text, so that a structure can point to it.
    pub fn keep(&mut self, text: &[u8]) -> u64 {
        let mut kept = text.to_vec();
        kept.push(0);
        self.pointed.push(kept.into_boxed_slice());
        self.pointed.last().unwrap().as_ptr() as u64
    }

    pub fn arguments(&self) -> Vec<u64> {
        self.arguments.iter().map(Argument::word).collect()
    }

    /// Replaces each handle by this one.
    pub fn set_handles(&mut self, roles: &[Role], handle: u64) {
        for (argument, role) in self.arguments.iter_mut().zip(roles) {
            if matches!(role, Role::Handle(_)) && argument.number != 0 {
                argument.number = handle;
            }
        }
    }

    /// The memory that the arguments point to.
    pub fn memory(&self) -> Vec<Option<Vec<u64>>> {
        let memory = |argument: &Argument| Some(argument.memory.as_ref()?.1.clone());
        self.arguments.iter().map(memory).collect()
    }

    /// Whether each result that would be a handle is NULL.
    pub fn gives_no_handle(&self) -> bool {
        let memory = self.arguments.iter().filter_map(|argument| argument.memory.as_ref());
        memory.filter(|(of, _)| *of == Use::Handle).all(|(_, memory)| memory[0] == 0)
    }

    /// Checks that after a refusal handles are NULL, and that all memory except single values is
    /// unchanged.
    pub fn assert_untouched(&self, given: &[Option<Vec<u64>>], about: &str) {
        for (argument, before) in self.arguments.iter().zip(given) {
            let (Some((of, now)), Some(before)) = (&argument.memory, before) else { continue };
            let name = &argument.field.name;
            match of {
                Use::Handle => assert_eq!(now[0], 0, "{about}: {name} is not NULL"),
                Use::In | Use::Out => assert_eq!(now, before, "{about}: {name} was written to"),
                Use::Value => (),
            }
        }
    }
}
