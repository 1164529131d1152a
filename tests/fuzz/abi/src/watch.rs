//! Reports findings, and finds threads that hang.
//!
//! Each thread notes the function that it is in, in a place that other threads can read. A watchdog
//! ends the process when a call hangs. On a machine that is busy or stands still for a while, a
//! call may take any time, so the wall clock alone decides nothing. A call hangs if
//!
//! - it has not made progress while the process used a minute of processor time; or
//! - no thread is left that could end it: at each look of the watchdog, no call had begun or ended
//!   and all threads slept. A thread that waits for a processor does not sleep.

use crate::abi::FUNCTIONS;
use crate::me;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const DEPTH: usize = 24;

/// The calls that a thread is in.
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

    /// Notes the start of a call; `leave` notes its end.
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

    /// How many nested calls the thread is in.
    pub fn depth(&self) -> u32 {
        self.depth.load(Relaxed)
    }

    /// The innermost call that the thread is in, and its arguments. `None` if there is none, or if
    /// it is not a function of the library.
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

    /// The calls as text, with the arguments of the innermost one.
    fn story(&self) -> String {
        let at = (self.depth() as usize).clamp(1, DEPTH) - 1;
        let arguments = self.arguments[at].iter();
        let arguments: Vec<String> =
            arguments.map(|one| format!("{:#x}", one.load(Relaxed))).collect();
        format!("{}({})", self.stack(), arguments.join(", "))
    }
}

static RECORDS: [Record; 64] = [Record::NEW; 64];

/// A place for this thread's record, which is free again when this is dropped.
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

/// Reports a finding with the calls that led to it, and ends the process.
pub fn finding(what: std::fmt::Arguments<'_>) -> ! {
    static FIRST: AtomicBool = AtomicBool::new(false);
    if FIRST.swap(true, Relaxed) {
        // Another thread is reporting its finding, and will end the process.
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

/// Reports something that must not happen, with the arguments of `format!`.
#[macro_export]
macro_rules! finding {
    ($($word:tt)*) => { $crate::watch::finding(format_args!($($word)*)) };
}

/// How much processor time a process may use while one call makes no progress.
const BUSY: Duration = Duration::from_secs(60);

/// At how many looks in a row all threads must be asleep.
const LOOKS: u32 = 16;

/// The processor time that a process or a thread has used.
fn used(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the clocks of this process and of this thread can be read by it.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The processor time that this thread may spend in looking for something. A thread that gets no
/// processor is not late.
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

/// Whether all threads of this process sleep, except the calling one.
fn do_all_sleep() -> bool {
    // SAFETY: a number is all that is asked for.
    let here = unsafe { libc::gettid() }.to_string();
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return false };
    threads.flatten().filter(|thread| *thread.file_name() != *here).all(|thread| {
        let Ok(stat) = std::fs::read_to_string(thread.path().join("stat")) else {
            // The thread has ended.
            return true;
        };
        // The name in front of the state may contain any characters.
        let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
        matches!(state, Some('S' | 'Z' | 'X'))
    })
}

/// Starts the watchdog, which ends the process when a call hangs. All threads have to sleep for
/// this long before it does.
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
