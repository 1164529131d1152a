//! What is said when something is found, and who hangs.
//!
//! Each thread notes the function that it is in where others can read it. A watchdog ends the process
//! when a thread stays in one for too long, or when all turn round without an end.

use crate::abi::FUNCTIONS;
use crate::me;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const DEPTH: usize = 24;

/// What a thread is in.
pub struct Record {
    is_used: AtomicBool,
    /// Rises with each call that begins or ends.
    moves: AtomicU64,
    depth: AtomicU32,
    functions: [AtomicU32; DEPTH],
    arguments: [[AtomicU64; 8]; DEPTH],
}

impl Record {
    const NEW: Self = Self {
        is_used: AtomicBool::new(false),
        moves: AtomicU64::new(0),
        depth: AtomicU32::new(0),
        functions: [const { AtomicU32::new(0) }; DEPTH],
        arguments: [const { [const { AtomicU64::new(0) }; 8] }; DEPTH],
    };

    /// Notes a call; to be ended by `leave`.
    pub fn enter(&self, function: usize, arguments: &[u64; 8]) {
        let depth = self.depth.load(Relaxed);
        if let Some(place) = self.functions.get(depth as usize) {
            place.store(function as u32, Relaxed);
            for (place, argument) in self.arguments[depth as usize].iter().zip(arguments) {
                place.store(*argument, Relaxed);
            }
        }
        self.depth.store(depth + 1, Relaxed);
        self.moves.store(self.moves.load(Relaxed) + 1, Relaxed);
    }

    pub fn leave(&self) {
        self.depth.store(self.depth.load(Relaxed) - 1, Relaxed);
        self.moves.store(self.moves.load(Relaxed) + 1, Relaxed);
    }

    /// How many calls the thread is in, one inside the other.
    pub fn depth(&self) -> u32 {
        self.depth.load(Relaxed)
    }

    fn stack(&self) -> String {
        let depth = (self.depth() as usize).min(DEPTH);
        let name = |place: &AtomicU32| {
            FUNCTIONS.get(place.load(Relaxed) as usize).map_or("run", |function| function.name)
        };
        let names: Vec<&str> = self.functions[..depth].iter().map(name).collect();
        names.join(" > ")
    }

    /// With the arguments of the innermost call.
    fn story(&self) -> String {
        let at = (self.depth() as usize).clamp(1, DEPTH) - 1;
        let arguments = self.arguments[at].iter();
        let arguments: Vec<String> =
            arguments.map(|one| format!("{:#x}", one.load(Relaxed))).collect();
        format!("{}({})", self.stack(), arguments.join(", "))
    }
}

static RECORDS: [Record; 64] = [Record::NEW; 64];

/// A place for this thread, free again when it is dropped.
pub struct Recorded(pub &'static Record);

impl Recorded {
    pub fn new() -> Self {
        let free = RECORDS.iter().find(|record| !record.is_used.swap(true, Relaxed));
        Self(free.expect("fewer than 64 threads call the library"))
    }
}

impl Drop for Recorded {
    fn drop(&mut self) {
        self.0.depth.store(0, Relaxed);
        self.0.is_used.store(false, Relaxed);
    }
}

/// What was found: says it, with the calls that led to it, and ends the process.
pub fn finding(what: std::fmt::Arguments<'_>) -> ! {
    static FIRST: AtomicBool = AtomicBool::new(false);
    if FIRST.swap(true, Relaxed) {
        // Another thread is saying what it found; it ends the process.
        loop {
            std::thread::park();
        }
    }
    eprintln!("FINDING: {what}");
    for (number, record) in RECORDS.iter().enumerate().filter(|(_, record)| record.depth() > 0) {
        eprintln!("thread {number} is in {}", record.story());
    }
    me::print_trace();
    std::process::abort();
}

/// Something that must not be, in the words of `format!`.
#[macro_export]
macro_rules! finding {
    ($($word:tt)*) => { $crate::watch::finding(format_args!($($word)*)) };
}

/// Ends the process when a call takes longer than this.
pub fn start(limit: Duration) {
    std::thread::spawn(move || {
        let mut seen = [const { None::<(u64, Instant)> }; 64];
        loop {
            std::thread::sleep(limit / 8);
            for (number, record) in RECORDS.iter().enumerate() {
                let moves = record.moves.load(Relaxed);
                match seen[number] {
                    Some((then, since)) if then == moves && record.depth() > 0 => {
                        if since.elapsed() > limit {
                            finding!("a call hangs: {}", record.stack());
                        }
                    }
                    _ => seen[number] = Some((moves, Instant::now())),
                }
            }
        }
    });
}
