//! Draws arguments of all kinds, good and bad. Pointers are NULL or point to valid memory of
//! exactly the size that the header asks for, which the header makes its callers promise.

use crate::abi::*;
use crate::call;
use crate::callbacks;
use crate::me::{Me, mix};
use crate::world::{WORLD, lock};
use std::alloc::Layout;
use std::sync::LazyLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// Memory that one call uses.
pub struct Block {
    pub at: *mut u8,
    layout: Layout,
}

impl Block {
    pub fn new(size: usize) -> Self {
        let layout = Layout::from_size_align(size.max(1), 8).expect("a small size");
        // SAFETY: the size is not 0.
        let at = unsafe { std::alloc::alloc_zeroed(layout) };
        assert!(!at.is_null());
        Self { at, layout }
    }

    pub fn size(&self) -> usize {
        self.layout.size()
    }

    pub fn bytes(&self) -> &[u8] {
        // SAFETY: it is a block of this size, initialised.
        unsafe { std::slice::from_raw_parts(self.at, self.layout.size()) }
    }

    pub fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: it is a block of this size, initialised, borrowed for this.
        unsafe { std::slice::from_raw_parts_mut(self.at, self.layout.size()) }
    }

    fn put(&mut self, offset: usize, bytes: &[u8]) {
        if let Some(place) = self.bytes_mut().get_mut(offset..offset + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated with this layout.
        unsafe { std::alloc::dealloc(self.at, self.layout) }
    }
}

/// A call with all of its arguments.
#[derive(Default)]
pub struct Call {
    pub function: usize,
    pub arguments: [u64; 8],
    pub blocks: Vec<Block>,
    /// Which block each argument points to.
    pub block_of: [Option<usize>; 8],
    /// The user data, if callbacks were passed.
    pub user_data: Option<u64>,
    pub given: u32,
    pub owner: u64,
    /// Whether it takes handles and all of them are ours.
    pub handles_are_ours: bool,
    pub handles: Vec<u64>,
    /// Whether the posted job may run on any thread.
    pub any_thread: bool,
    pub has_execute: bool,
    pub flags: u32,
    /// Whether all arguments are to be good.
    pub is_good: bool,
}

fn leak(texts: &[&[u8]]) -> Vec<&'static [u8]> {
    // Each text has memory of its own size, so that a sanitizer notices a read past its end.
    texts.iter().map(|text| &*Box::leak(text.to_vec().into_boxed_slice())).collect()
}

/// Texts that end with NUL.
static TEXTS: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let long = |length: usize| [vec![b'x'; length], vec![0]].concat();
    let wide = |length: usize| ["é".repeat(length / 2).into_bytes(), vec![0]].concat();
    leak(&[
        b"a\0",
        b"b\0",
        b"c\0",
        b"7\0",
        b"\0",
        "grüße \u{1f600}\0".as_bytes(),
        b"\x1b[31m\x07\"\\\n\0",
        &long(128),
        &wide(128),
        &long(256),
        &long(4096),
        &long(129),
        &long(257),
        &long(4097),
        &wide(4096),
        b"bad \xff\0",
        b"cut \xc3\0",
        b"\xed\xa0\x80\0",
        b"\xc0\x80\0",
    ])
});

/// Messages of peers.
static MESSAGES: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let deep = [b"[".repeat(300), b"]".repeat(300)].concat();
    leak(&[
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"r"}}"#,
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}"#,
        br#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":2}}"#,
        br#"{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":"7"}}"#,
        br#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":7}}"#,
        br#"[{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}},
            {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":"b"}}]"#,
        br#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#,
        br#"{"jsonrpc":"2.0","method":"notifications/cancelled"}"#,
        br#"{"method":"$/cancelRequest","params":{"id":1e3}}"#,
        b"{", b"", b"[]", b"null", b"\xff\xfe", &deep,
        br#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":9223372036854775808}}"#,
    ])
});

/// Paths of files, all of them in the fuzzer's own folder, which is the current one.
static PATHS: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    leak(&[
        b"timeline.json\0",
        b"no/such/folder\0",
        b"\0",
        b"bad \xff\0",
        &[vec![b'p'; 300], vec![0]].concat(),
    ])
});

const TIMES: &[u64] = &[
    0,
    0,
    1,
    1_000,
    20_000,
    1_000_000,
    3_600_000_000_000,
    u64::MAX,
    u64::MAX - 1,
    i64::MAX as u64,
];
const NUMBERS: &[u64] = &[
    0,
    1,
    2,
    3,
    4,
    7,
    16,
    64,
    100,
    1024,
    65536,
    65537,
    131_072,
    131_073,
    u32::MAX as u64,
    1 << 53,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];
/// Sizes of memory that a call allocates at once.
const SIZES: &[u64] =
    &[1, 2, 16, 100, 0, 0, 1, 3, 64, 1, 2, 8, u64::MAX, 1 << 32, 1_048_577, 131_073];

const OWNER: usize = handle("dcc_owner");
const TOKEN: usize = handle("dcc_cancel_token");
const DISPATCHER: usize = handle("dcc_dispatcher");

/// The function that creates a handle of this kind.
fn creator(kind: usize) -> usize {
    static CREATORS: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let of = |kind: usize| {
            let gives = |function: &Function| {
                function.parameters.last().is_some_and(|last| last.kind == Kind::OutHandle(kind))
            };
            FUNCTIONS
                .iter()
                .position(gives)
                .unwrap_or_else(|| panic!("nothing creates a {}", HANDLES[kind]))
        };
        (0..HANDLES.len()).map(of).collect()
    });
    CREATORS[kind]
}

impl Call {
    fn is_bad(&self, me: &Me) -> bool {
        !self.is_good && me.chance(WORLD.badness.load(Relaxed))
    }

    /// A handle of a kind; `may_be_null` says how likely NULL is, of 256.
    fn handle(&mut self, me: &Me, kind: usize, may_be_null: u32) -> u64 {
        let bits = if self.is_bad(me) {
            self.bad_handle(me)
        } else if !self.is_good && may_be_null > 0 && me.chance(may_be_null) {
            0
        } else {
            good_handle(me, kind)
        };
        self.handles.push(bits);
        if bits == 0
            || WORLD.owned(bits) == 0
            || WORLD.object(bits).is_none_or(|it| it.kind != kind)
        {
            self.handles_are_ours = false;
        }
        bits
    }

    fn bad_handle(&self, me: &Me) -> u64 {
        let any = WORLD.pick_any(|count| me.below(count)).unwrap_or(0);
        let ends = FUNCTIONS[self.function].ends_a_handle;
        // If several threads play, no thread releases a handle that another may be about to use.
        let choices = if ends && !WORLD.is_single() { 3 } else { 8 };
        match me.below(choices) {
            0 => WORLD.stale(|count| me.below(count)),
            1 => me.word(),
            2 => any | 1 << 63 | 1,
            3 => any,
            4 => any ^ 1 << me.below(64),
            5 => any.wrapping_add(me.one_of(&[16, u64::MAX - 15, 1 << 38, 32, 256])),
            6 => u64::from(me.byte()),
            _ => 0,
        }
    }

    fn block(&mut self, argument: Option<usize>, size: usize) -> u64 {
        let block = Block::new(size);
        let at = block.at as usize as u64;
        if let Some(argument) = argument {
            self.block_of[argument] = Some(self.blocks.len());
        }
        self.blocks.push(block);
        at
    }

    /// A text and its length.
    fn text(&mut self, me: &Me, name: &str) -> (u64, u64) {
        let until_nul = DCC_NUL_TERMINATED as u64;
        let (list, at) = if name == "path" {
            (&*PATHS, me.below(PATHS.len()))
        } else if name == "message" && call::is(self.function, "dcc_session_handle_message") {
            let message = me.one_of(&MESSAGES);
            if self.is_bad(me) {
                return [(0, 0), (0, 5), (0, until_nul)][me.below(3)];
            }
            return (message.as_ptr() as usize as u64, message.len() as u64);
        } else if self.is_bad(me) {
            (&*TEXTS, me.below(TEXTS.len()))
        } else {
            (&*TEXTS, me.one_of(&[0, 0, 1, 1, 2, 3, 4, 5, 6, 7]))
        };
        let text = list[at];
        let pointer = text.as_ptr() as usize as u64;
        match me.below(16) {
            0..=4 if name != "path" => (0, [0, until_nul][me.below(2)]),
            5 if !self.is_good && me.chance(WORLD.badness.load(Relaxed)) => (0, 3),
            6..=9 => (pointer, text.len() as u64 - 1),
            // The length includes the NUL.
            10 if self.is_bad(me) => (pointer, text.len() as u64),
            11 => (pointer, 0),
            _ => (pointer, until_nul),
        }
    }

    fn number(&self, me: &Me, size: usize, name: &str) -> u64 {
        let time = name.ends_with("_ns");
        let sizes = ["capacity", "max_entries", "max_requests", "max_kept"].contains(&name);
        let choice = if self.is_bad(me) {
            match me.below(3) {
                0 => me.word(),
                _ => me.one_of(NUMBERS),
            }
        } else if time {
            let time = me.one_of(TIMES);
            // Work that the library's threads do at a time of their own has no place in an exact
            // replay.
            if (1..3_600_000_000_000).contains(&time) && !WORLD.is_lively() { 0 } else { time }
        } else if name == "flags" {
            me.one_of(&[0, 0, 0, 1])
        } else if sizes {
            me.one_of(&SIZES[..if self.is_good { 4 } else { 12 }])
        } else if name == "token" || name == "job" {
            WORLD.pick_any(|count| me.below(count)).unwrap_or(0)
        } else if name == "id" || name == "native_event" {
            let numbers = lock(&WORLD.numbers);
            if numbers.is_empty() { 0 } else { me.one_of(&numbers) }
        } else if name == "lane" {
            me.one_of(&[0, 1, 2, 3])
        } else if ["kind", "replies"].contains(&name) {
            me.one_of(&[0, 1])
        } else if name == "early" {
            me.one_of(&[0, 1, 2])
        } else if name == "which" {
            me.one_of(&[1, 2])
        } else if name == "max_jobs" {
            me.one_of(&[u64::MAX, u64::MAX, 1, 2, 0, 5])
        } else {
            me.one_of(&[0, 0, 1, 1, 2, 3, 4, 5])
        };
        let choice = self.bounded(me, name, choice);
        if size == 4 { choice & 0xffff_ffff } else { choice }
    }

    /// Bounds numbers that are allowed but would take minutes or gigabytes, or start something that
    /// nothing ends.
    fn bounded(&self, me: &Me, name: &str, choice: u64) -> u64 {
        let costly = |limit: i128| {
            let allowed = u64::try_from(limit).unwrap_or(0);
            if choice > 1024 && choice <= allowed && !me.chance(2) { choice % 64 } else { choice }
        };
        match name {
            "capacity" if call::is(self.function, "dcc_events_create") => costly(DCC_MAX_EVENTS),
            "capacity" => {
                let narrow = choice & 0xffff_ffff;
                if narrow > 1024 && narrow <= DCC_MAX_CAPACITY as u64 && !me.chance(2) {
                    narrow % 64
                } else {
                    choice
                }
            }
            "max_entries" if choice <= DCC_MAX_TIMELINE_ENTRIES as u64 => choice % 256,
            "timeout_ns" => self.timeout(me, choice),
            _ => choice,
        }
    }

    /// A time limit for a wait that must end.
    fn timeout(&self, me: &Me, choice: u64) -> u64 {
        let short = me.one_of(&[0, 0, 0, 0, 0, 1, 1, 1_000, 1_000, 1_000, 1_000, 30_000]);
        if choice < 30_000 {
            return choice;
        }
        if choice < 3_600_000_000_000 {
            return short;
        }
        let for_ever = if call::is(self.function, "dcc_dispatcher_post_and_wait") {
            // The dispatcher's thread will pump it, unless that needs a thread of the host that may
            // not run.
            let dispatcher = self.handles.first().and_then(|bits| WORLD.object(*bits));
            dispatcher.is_some_and(|it| {
                let is_here = it.thread == me.number.get();
                let comes = is_here || !WORLD.is_single() && it.thread != 0;
                it.owned > 0 && comes && !it.executes && (is_here || !self.any_thread)
            })
        } else {
            let is_null = |bits: &u64| *bits == 0;
            // A job that is cancelled need not end.
            let is_job = call::is(self.function, "dcc_job_wait");
            let is_cancelled =
                |bits: &u64| !is_job && WORLD.object(*bits).is_some_and(|it| it.is_cancelled);
            self.handles.iter().any(is_cancelled)
                || choice == DCC_NO_LIMIT as u64 && self.handles.iter().all(is_null)
        };
        if for_ever { choice } else { short }
    }

    /// Fills in a structure inside a block.
    fn fill(&mut self, me: &Me, number: usize, block: usize, base: usize) {
        let structure = &STRUCTURES[number];
        let mut length = 0;
        for field in structure.fields {
            let size = match field.kind {
                Kind::Number(size) => size,
                Kind::Reserved => 4,
                _ => 8,
            };
            // A structure of a smaller size has no room for this field.
            let is_nested = matches!(field.kind, Kind::Nested(_));
            if !is_nested && base + field.offset + size > self.blocks[block].size() {
                continue;
            }
            let value = match field.kind {
                Kind::StructSize => continue,
                Kind::Nested(inner) => {
                    self.fill(me, inner, block, base + field.offset);
                    continue;
                }
                Kind::Reserved => u64::from(self.is_bad(me) && me.chance(32)),
                Kind::Handle(kind) => {
                    let null = if kind == OWNER || kind == TOKEN { 110 } else { 20 };
                    let bits = self.handle(me, kind, null);
                    if kind == OWNER {
                        self.owner = bits;
                    }
                    bits
                }
                Kind::HandleArray(kind) => {
                    let (pointer, count) = self.handle_array(me, kind);
                    length = count;
                    pointer
                }
                Kind::Text => {
                    let (pointer, count) = self.text(me, field.name);
                    length = count;
                    pointer
                }
                Kind::Count | Kind::TextLength => length,
                Kind::Callback(kind) => self.callback(me, kind),
                Kind::UserData => self.user_data(me),
                Kind::Double => self.double(me),
                Kind::Number(size) => self.field(me, structure.name, field.name, size),
                other => unreachable!("{} of {} is {other:?}", field.name, structure.name),
            };
            self.blocks[block].put(base + field.offset, &value.to_le_bytes()[..size]);
        }
    }

    fn double(&self, me: &Me) -> u64 {
        let bad = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MAX, -0.0, f64::MIN_POSITIVE];
        if self.is_bad(me) {
            me.one_of(&bad)
        } else {
            me.one_of(&[0.0, 1.0, 0.5, 100.0, 1e15, -3.25])
        }
        .to_bits()
    }

    fn field(&mut self, me: &Me, structure: &str, name: &str, size: usize) -> u64 {
        let value = match name {
            "type" => {
                me.one_of(&[DCC_ID_INTEGER, DCC_ID_INTEGER, DCC_ID_INTEGER, DCC_ID_TEXT, 0]) as u64
            }
            "integer" => me.one_of(&[1, 2, 7, 1, 2, 1, 0, -1, i64::MAX, i64::MIN]) as u64,
            _ => self.number(me, size, name),
        };
        if name != "flags" {
            return value;
        }
        let mut flags = value as u32;
        if structure == "dcc_post_desc" && !WORLD.is_lively() && !self.is_for_a_host() {
            flags &= !(DCC_POST_ANY_THREAD as u32);
        }
        self.any_thread = flags & 1 != 0;
        self.flags = flags;
        u64::from(flags)
    }

    /// Whether the call's dispatcher has threads of the host.
    fn is_for_a_host(&self) -> bool {
        self.handles.first().and_then(|bits| WORLD.object(*bits)).is_some_and(|it| it.executes)
    }

    fn callback(&mut self, me: &Me, kind: usize) -> u64 {
        let is_wanted = match kind {
            callbacks::JOB | callbacks::CANCEL => !self.is_bad(me),
            callbacks::DESTROY | callbacks::COMPLETION => me.chance(210),
            callbacks::IS_CANCELLED => me.chance(110),
            callbacks::EXECUTE => me.chance(50),
            callbacks::VETO => me.chance(60),
            _ => me.chance(110),
        };
        if !is_wanted || self.user_data(me) == 0 {
            return 0;
        }
        self.given |= 1 << kind;
        self.has_execute |= kind == callbacks::EXECUTE;
        callback(kind)
    }

    fn user_data(&mut self, me: &Me) -> u64 {
        if self.user_data.is_none() {
            self.user_data = WORLD.offer(self.function, me.number.get());
        }
        self.user_data.unwrap_or(0)
    }

    fn handle_array(&mut self, me: &Me, kind: usize) -> (u64, u64) {
        if self.is_bad(me) && me.chance(128) {
            return [(0, 3), (0, u64::MAX), (0, 1)][me.below(3)];
        }
        let count = me.one_of(&[0, 1, 1, 2, 2, 3, 9]);
        if count == 0 && me.chance(128) {
            return (0, 0);
        }
        let handles: Vec<u8> =
            (0..count).flat_map(|_| self.handle(me, kind, 20).to_le_bytes()).collect();
        let at = self.block(None, handles.len());
        let last = self.blocks.len() - 1;
        self.blocks[last].put(0, &handles);
        (at, count)
    }

    /// A size that a caller may state for a structure, and the memory that goes with it.
    fn structure_size(&self, me: &Me, number: usize) -> (u32, usize) {
        let size = STRUCTURES[number].size as u32;
        let stated = if !self.is_bad(me) {
            if me.chance(16) && !self.is_good {
                size + 8 * (1 + u32::from(me.byte() & 7))
            } else {
                size
            }
        } else {
            let byte = u32::from(me.byte());
            me.one_of(&[
                0,
                4,
                size - 1,
                size - 4,
                size - 8,
                size + 1,
                size + 64,
                byte,
                65_536,
                65_537,
                u32::MAX,
            ])
        };
        (stated, if stated > 65_536 { 4 } else { (stated as usize).max(4) })
    }

    fn draw(&mut self, me: &Me, position: usize, before: u64) -> u64 {
        let function = &FUNCTIONS[self.function];
        let parameter = &function.parameters[position];
        let is_null = |call: &Self| call.is_bad(me);
        match parameter.kind {
            Kind::Handle(kind) => {
                let null = match kind {
                    OWNER if position > 0 => 110,
                    TOKEN => 16,
                    _ => 8,
                };
                let bits = self.handle(me, kind, null);
                if kind == OWNER && position > 0 {
                    self.owner = bits;
                }
                bits
            }
            Kind::OutHandle(_)
            | Kind::OutPointer
            | Kind::OutTicket
            | Kind::OutEvent
            | Kind::Out(_) => {
                if is_null(self) || !self.is_good && position > 0 && me.chance(12) {
                    return 0;
                }
                let size = if let Kind::Out(size) = parameter.kind { size } else { 8 };
                let at = self.block(Some(position), size);
                self.blocks.last_mut().expect("it was just made").bytes_mut().fill(0xa5);
                at
            }
            Kind::HandleArray(kind) => {
                let (pointer, count) = self.handle_array(me, kind);
                self.arguments[position + 1] = count;
                pointer
            }
            Kind::Text => {
                let next = function.parameters.get(position + 1).map(|next| next.kind);
                let (pointer, length) = self.text(me, parameter.name);
                if next != Some(Kind::TextLength) {
                    // The text ends with NUL, or is NULL.
                    return if length == 0 || me.chance(40) { 0 } else { pointer };
                }
                self.arguments[position + 1] = length;
                pointer
            }
            Kind::Count | Kind::TextLength | Kind::BufferSize | Kind::Stride | Kind::Capacity => {
                before
            }
            Kind::Buffer => {
                let size = me.one_of(&[0, 0, 1, 2, 5, 64, 600, 9000]);
                self.arguments[position + 1] = size as u64;
                if is_null(self) {
                    self.arguments[position + 1] = me.one_of(&[0, 1, 7]);
                    return 0;
                }
                if size == 0 && me.chance(128) {
                    return 0;
                }
                let at = self.block(Some(position), size);
                self.blocks.last_mut().expect("it was just made").bytes_mut().fill(0xa5);
                at
            }
            Kind::Structure(number) if STRUCTURES[number].fields[0].kind != Kind::StructSize => {
                if is_null(self) {
                    return 0;
                }
                let at = self.block(Some(position), STRUCTURES[number].size);
                self.fill(me, number, self.blocks.len() - 1, 0);
                at
            }
            Kind::Structure(number) => {
                if is_null(self) && me.chance(64) {
                    return 0;
                }
                let (stated, size) = self.structure_size(me, number);
                let at = self.block(Some(position), size);
                let block = self.blocks.len() - 1;
                self.blocks[block].put(0, &stated.to_le_bytes());
                self.fill(me, number, block, 0);
                let known = STRUCTURES[number].size;
                if size > known && self.is_bad(me) {
                    let last = self.blocks[block].size() - 1;
                    self.blocks[block].put(last, &[1]);
                }
                at
            }
            Kind::OutStructure(number) => {
                if is_null(self) && me.chance(128) || !self.is_good && position > 1 && me.chance(40)
                {
                    return 0;
                }
                if STRUCTURES[number].fields[0].kind != Kind::StructSize {
                    return self.block(Some(position), STRUCTURES[number].size);
                }
                let (stated, size) = self.structure_size(me, number);
                let at = self.block(Some(position), size);
                let block = self.blocks.len() - 1;
                self.blocks[block].bytes_mut().fill(0xa5);
                self.blocks[block].put(0, &stated.to_le_bytes());
                at
            }
            Kind::Array(number) => {
                let size = STRUCTURES[number].size;
                let stride = if self.is_bad(me) {
                    me.one_of(&[0, 1, size - 1, size + 1])
                } else {
                    me.one_of(&[size, size, size + 8, size + 1])
                };
                let capacity = me.one_of(&[0, 1, 2, 7]);
                self.arguments[position + 1] = stride as u64;
                self.arguments[position + 2] = capacity as u64;
                if capacity == 0 && me.chance(128) || is_null(self) {
                    return 0;
                }
                if capacity == 1 && me.chance(8) {
                    self.arguments[position + 1] = u64::MAX;
                    return self.block(Some(position), size);
                }
                let last = if capacity == 0 { 0 } else { size };
                self.block(
                    Some(position),
                    stride * usize::max(capacity, 1).saturating_sub(1) + last,
                )
            }
            Kind::Callback(kind) => self.callback(me, kind),
            Kind::UserData => self.user_data(me),
            Kind::Ticket => {
                if self.is_bad(me) {
                    return match me.below(4) {
                        0 => me.word(),
                        1 => 0,
                        2 => WORLD.pick_any(|count| me.below(count)).unwrap_or(1),
                        _ => {
                            let tickets = lock(&WORLD.tickets);
                            if tickets.is_empty() { 1 } else { me.one_of(&tickets) }
                        }
                    };
                }
                let tickets = me.tickets.borrow();
                match tickets.len() {
                    0 => 0,
                    count if me.chance(60) => tickets[me.below(count)],
                    count => tickets[count - 1],
                }
            }
            // A descriptor that is not ours might be any other file's.
            Kind::Event => {
                let mine = lock(&WORLD.events).pop();
                mine.unwrap_or_else(|| {
                    me.one_of(&[DCC_NO_NATIVE_EVENT as i64, -2, i64::MIN, i64::MAX])
                }) as u64
            }
            Kind::Number(size) => self.number(me, size, parameter.name),
            Kind::Double | Kind::Nested(_) | Kind::StructSize | Kind::Reserved | Kind::Filled => {
                unreachable!("{} of {}", parameter.name, function.name)
            }
        }
    }

    /// The contents of the structures that the call takes, for messages.
    pub fn structures(&self) -> String {
        let mut text = String::new();
        for (position, parameter) in FUNCTIONS[self.function].parameters.iter().enumerate() {
            let (Kind::Structure(number), Some(block)) = (parameter.kind, self.block_of[position])
            else {
                continue;
            };
            for field in STRUCTURES[number].fields {
                let Some(bytes) = self.blocks[block].bytes().get(field.offset..) else { continue };
                let word = bytes
                    .iter()
                    .take(8)
                    .rev()
                    .fold(0_u64, |word, byte| word << 8 | u64::from(*byte));
                let word = match field.kind {
                    Kind::Number(4) | Kind::Reserved | Kind::StructSize => word & 0xffff_ffff,
                    _ => word,
                };
                text += &format!("        .{} = {word:#x}\n", field.name);
            }
        }
        text
    }

    /// Draws all arguments of a function.
    pub fn new(me: &Me, function: usize, is_good: bool) -> Self {
        let mut call = Self { function, is_good, handles_are_ours: true, ..Self::default() };
        for position in 0..FUNCTIONS[function].parameters.len() {
            let before = call.arguments[position];
            call.arguments[position] = call.draw(me, position, before);
        }
        if let Some(payload) = call.user_data.and_then(|user_data| WORLD.payload(user_data)) {
            payload.given.store(call.given, Relaxed);
            payload.any_thread.store(call.flags & 1 != 0, Relaxed);
            payload.owner.store(call.owner, SeqCst);
            if let Some(first) = call.handles.first()
                && WORLD.object(*first).is_some_and(|object| object.kind == DISPATCHER)
            {
                payload.handle.store(*first, Relaxed);
            }
        }
        call
    }
}

/// A handle of this kind that is ours, created if necessary.
pub fn good_handle(me: &Me, kind: usize) -> u64 {
    let hint = me.hints.borrow().last().map_or(0, |hints| hints[kind]);
    if hint != 0 && me.chance(128) {
        return hint;
    }
    let chosen = WORLD.pick(kind, |count| me.below(count));
    match chosen {
        Some(bits) if !me.chance(24) || WORLD.count(kind) > 8 => bits,
        _ if me.left.get() == 0 => chosen.unwrap_or(0),
        _ => {
            call::make(me, creator(kind), true);
            WORLD.pick(kind, |count| count - 1).unwrap_or(0)
        }
    }
}

/// The seed of one thread of a sequence.
pub fn seed_of(random: u64, thread: u32) -> u64 {
    mix(random ^ u64::from(thread) << 40)
}
