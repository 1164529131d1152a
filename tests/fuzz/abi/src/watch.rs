//! What is said when something is found, and who hangs.
//!
//! Each thread notes the function that it is in where others can read it. A watchdog ends the process
//! when a call hangs. On a machine that is busy or stands still for a while a call may take any time, so the
//! clock on the wall decides nothing alone. A call hangs if
//!
//! - it has not moved while the process used a minute of the processors; or
//! - nobody is left who could end it: whenever the watchdog looked, no call had begun or ended and all
//!   threads slept. A thread that waits for a processor does not sleep.

use crate::abi::FUNCTIONS;
use crate::me;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

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

    /// The innermost call that the thread is in, and its arguments. `None`: none, or not one of the library's
    /// functions.
    pub fn innermost(&self) -> Option<(usize, [u64; 8])> {
        let at = (self.depth() as usize).checked_sub(1)?;
        let function = self.functions.get(at)?.load(Relaxed) as usize;
        let arguments = std::array::from_fn(|number| self.arguments[at][number].load(Relaxed));
        (function < FUNCTIONS.len()).then_some((function, arguments))
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

/// How much of the processors a process may use while one call does not move.
const BUSY: Duration = Duration::from_secs(60);

/// How often in a row all have to be seen asleep.
const LOOKS: u32 = 16;

/// What a process or a thread has used of the processors.
fn used(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clocks of this process and of this thread can be read by it.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A time that this thread may spend in looking for something. It is counted while it runs: whoever is kept
/// from a processor is not late.
pub struct Patience {
    since: Duration,
    limit: Duration,
}

impl Patience {
    pub fn new(limit: Duration) -> Self {
        Self { since: used(libc::CLOCK_THREAD_CPUTIME_ID), limit }
    }

    pub fn is_over(&self) -> bool {
        used(libc::CLOCK_THREAD_CPUTIME_ID) - self.since > self.limit
    }
}

/// Whether all threads of this process but the calling one sleep.
fn do_all_sleep() -> bool {
    // SAFETY: a number is all that is asked for.
    let here = unsafe { libc::gettid() }.to_string();
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return false };
    threads.flatten().filter(|thread| *thread.file_name() != *here).all(|thread| {
        let Ok(stat) = std::fs::read_to_string(thread.path().join("stat")) else {
            // It has ended.
            return true;
        };
        // The name before it may hold anything.
        let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
        matches!(state, Some('S' | 'Z' | 'X'))
    })
}

/// Ends the process when a call hangs. All have to sleep for so long before that is said.
pub fn start(limit: Duration) {
    std::thread::spawn(move || {
        let mut seen = [const { (0, Duration::ZERO) }; RECORDS.len()];
        let mut asleep = 0;
        loop {
            std::thread::sleep(limit / LOOKS);
            let now = used(libc::CLOCK_PROCESS_CPUTIME_ID);
            let mut has_moved = false;
            for (record, (moves, since)) in RECORDS.iter().zip(&mut seen) {
                let moves_now = record.moves.load(Relaxed);
                if moves_now != *moves || record.depth() == 0 {
                    has_moved |= moves_now != *moves;
                    (*moves, *since) = (moves_now, now);
                } else if now - *since > BUSY {
                    finding!("a call hangs: {}", record.stack());
                }
            }
            asleep = if !has_moved && do_all_sleep() { asleep + 1 } else { 0 };
            let inside = RECORDS.iter().find(|record| record.depth() > 0);
            if let Some(record) = inside.filter(|_| asleep >= LOOKS) {
                finding!("a call hangs: {}", record.stack());
            }
        }
    });
}
