//! The state of one thread: the bytes from which its choices come, its tickets, and its last calls.

use crate::abi::{Answer, FUNCTIONS, HANDLES};
use crate::watch::{Record, Recorded};
use std::cell::{Cell, RefCell};

/// A call that was made, for the report of a finding.
#[derive(Clone, Copy)]
pub struct Made {
    pub function: usize,
    pub depth: u32,
    pub arguments: [u64; 8],
    pub result: Option<u64>,
}

/// Whose code runs on this thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The library's: callbacks on its own threads.
    Library,
    /// The fuzzer's.
    Fuzzer,
}

/// Handles that a callback was given or belongs to, by kind.
pub type Hints = [u64; HANDLES.len()];

const STORY: usize = 96;

pub struct Me {
    pub role: Cell<Role>,
    /// The thread's own number, from 1 on.
    pub number: Cell<u32>,
    bytes: Cell<&'static [u8]>,
    next: Cell<usize>,
    random: Cell<u64>,
    /// How many nested callbacks it is inside.
    pub depth: Cell<u32>,
    /// The call from which the current callback came; `usize::MAX` for none.
    pub around: Cell<usize>,
    /// Calls that may still be made.
    pub left: Cell<u32>,
    /// How many callbacks it has entered.
    pub called: Cell<u64>,
    pub tickets: RefCell<Vec<u64>>,
    pub hints: RefCell<Vec<Hints>>,
    story: RefCell<Vec<Made>>,
    told: Cell<usize>,
    recorded: Recorded,
}

thread_local! {
    static ME: Me = Me {
        role: Cell::new(Role::Library),
        number: Cell::new(0),
        bytes: Cell::new(&[]),
        next: Cell::new(0),
        random: Cell::new(1),
        depth: Cell::new(0),
        around: Cell::new(usize::MAX),
        left: Cell::new(0),
        called: Cell::new(0),
        tickets: RefCell::new(Vec::new()),
        hints: RefCell::new(Vec::new()),
        story: RefCell::new(Vec::new()),
        told: Cell::new(0),
        recorded: Recorded::new(),
    };
}

/// Calls `use_it` with this thread's state, unless the thread is ending.
pub fn with<T>(use_it: impl FnOnce(&Me) -> T) -> Option<T> {
    ME.try_with(use_it).ok()
}

/// A well mixed number.
pub fn mix(mut number: u64) -> u64 {
    number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

impl Me {
    /// Begins a sequence whose choices come from these bytes and, when they are used up, from
    /// further bytes that are derived from them.
    pub fn begin(&self, role: Role, number: u32, bytes: &'static [u8], random: u64, left: u32) {
        self.role.set(role);
        self.number.set(number);
        self.bytes.set(bytes);
        self.next.set(0);
        self.random.set(random);
        self.left.set(left);
        self.tickets.borrow_mut().clear();
        if self.depth.get() == 0 {
            self.told.set(0);
        }
    }

    pub fn record(&self) -> &'static Record {
        self.recorded.0
    }

    pub fn byte(&self) -> u8 {
        let next = self.next.get();
        if let Some(byte) = self.bytes.get().get(next) {
            self.next.set(next + 1);
            return *byte;
        }
        let random = self.random.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.random.set(random);
        (mix(random) >> 32) as u8
    }

    /// A number below `count`.
    pub fn below(&self, count: usize) -> usize {
        debug_assert!(count > 0);
        if count <= 256 {
            return usize::from(self.byte()) * count >> 8;
        }
        (usize::from(self.byte()) << 8 | usize::from(self.byte())) * count >> 16
    }

    pub fn one_of<T: Copy>(&self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// True in `of_256` of 256 cases.
    pub fn chance(&self, of_256: u32) -> bool {
        u32::from(self.byte()) < of_256
    }

    pub fn word(&self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    /// Notes a call, and returns the number under which its result is noted.
    pub fn tell(&self, made: Made) -> usize {
        if crate::is_told_at_once() {
            eprintln!("{:indent$}{}", "", show(&made), indent = made.depth as usize * 4);
        }
        let number = self.told.get();
        self.told.set(number + 1);
        let mut story = self.story.borrow_mut();
        if story.len() < STORY {
            story.resize(STORY, Made { function: 0, depth: 0, arguments: [0; 8], result: None });
        }
        story[number % STORY] = made;
        number
    }

    /// Notes the result of a call.
    pub fn tell_result(&self, number: usize, result: u64) {
        if self.told.get() - number <= STORY {
            let made = &mut self.story.borrow_mut()[number % STORY];
            made.result = Some(result);
            if crate::is_told_at_once() {
                eprintln!("{:indent$}= {}", "", show(made), indent = made.depth as usize * 4);
            }
        }
    }
}

fn show(made: &Made) -> String {
    let Some(function) = FUNCTIONS.get(made.function) else {
        return format!("run({:#x})", made.arguments[0]);
    };
    let arguments: Vec<String> = function
        .parameters
        .iter()
        .zip(made.arguments)
        .map(|(parameter, value)| format!("{}={value:#x}", parameter.name))
        .collect();
    let result = match (made.result, function.answers) {
        (None, _) => "...".to_owned(),
        (Some(status), Answer::Status) => {
            let status = status as i64;
            crate::abi::status_name(status).map_or(status.to_string(), str::to_owned)
        }
        (Some(value), _) => format!("{value:#x}"),
    };
    format!("{}({}) = {result}", function.name, arguments.join(", "))
}

/// The last calls of this thread, oldest first.
pub fn print_trace() {
    with(|me| {
        let Ok(story) = me.story.try_borrow() else { return };
        let told = me.told.get();
        for number in told.saturating_sub(STORY)..told {
            let made = &story[number % STORY];
            eprintln!("{:indent$}{}", "", show(made), indent = made.depth as usize * 4);
        }
    });
}
