//! The jobs of the soak: the work of each, the record of its calls, and the checks at the end. A
//! job is a number. Its record lies in a table that exists from the start, so that growing memory
//! is the library's.

use super::listening::{Token, state_of, stats};
use super::racing::Random;
use super::support::skip;
use dcc_cancel::ffi::{
    current::dcc_check_cancelled, dispatcher::*, dispatcher_stats::dcc_dispatcher_stats, job::*,
    job_life::*, post::*, status::*,
};
use std::cell::Cell;
use std::ffi::c_void;
use std::ptr::without_provenance_mut;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// How many refused jobs may be dropped.
pub fn most_dropped(jobs: u64) -> u64 {
    jobs / 50
}

/// The record of the calls of one job.
#[derive(Debug, Default)]
struct Record {
    runs: AtomicU8,
    completions: AtomicU8,
    destroys: AtomicU8,
    state: AtomicU8,
    /// The status that post_and_wait answered, plus one; 0 if it was not called.
    waited: AtomicU8,
}

static RECORDS: OnceLock<Vec<Record>> = OnceLock::new();

pub fn prepare_records(count: u64) {
    let records = (0..count).map(|_| Record::default()).collect();
    RECORDS.set(records).expect("once");
}

fn record(number: u64) -> &'static Record {
    &RECORDS.get().expect("prepared")[number as usize]
}

/// A job's user data is its number, counted from 1.
fn number_of(user_data: *mut c_void) -> u64 {
    user_data.addr() as u64 - 1
}

/// The work of a job.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nothing,
    /// This many rounds of a loop that polls.
    Work(u64),
    /// This many slices.
    Steps(u8),
    /// It works until it is cancelled, at the latest by its deadline.
    UntilCancelled,
    Fails,
    Panics,
    EndsItself,
}

/// All properties of a job, derived from its number.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    kind: Kind,
    lane: i32,
    any_thread: bool,
    deadline_ns: u64,
    pub has_parent: bool,
    /// Whether the poster asks for a reference.
    pub is_kept: bool,
    pub wait: Option<Duration>,
}

impl Plan {
    pub fn of(number: u64) -> Self {
        let mut random = Random::of(number);
        random.below(2);
        let mut plan = Self {
            kind: match random.below(1000) {
                0..600 => Kind::Nothing,
                600..800 => Kind::Work(random.below(300)),
                800..900 => Kind::Steps(1 + random.below(4) as u8),
                900..902 => Kind::UntilCancelled,
                902..950 => Kind::Fails,
                950..955 => Kind::Panics,
                955..975 => Kind::EndsItself,
                _ => Kind::Work(3000),
            },
            lane: random.below(4) as i32,
            any_thread: random.once_in(10),
            deadline_ns: match random.below(30) {
                0 => 1 + random.below(3_000_000),
                1 => 1 + random.below(50_000_000),
                2 => DCC_NO_LIMIT,
                _ => 0,
            },
            has_parent: random.once_in(10),
            is_kept: random.once_in(6),
            wait: random.once_in(200).then(|| Duration::from_micros(random.below(8000))),
        };
        if plan.kind == Kind::UntilCancelled {
            plan.deadline_ns = 1 + random.below(30_000_000);
        }
        plan
    }

    pub fn desc(&self, number: u64, parent: Option<Token>) -> dcc_post_desc {
        // SAFETY: numbers, pointers and nullable functions, for which zero is a value.
        let mut desc: dcc_post_desc = unsafe { std::mem::zeroed() };
        desc.struct_size = size_of::<dcc_post_desc>() as u32;
        desc.flags = if self.any_thread { DCC_POST_ANY_THREAD } else { 0 };
        desc.label = c"soak".as_ptr();
        desc.label_length = 4;
        desc.parent = parent.map_or(std::ptr::null(), |parent| parent.pointer().cast_const());
        desc.function = Some(run);
        desc.completion = Some(complete);
        desc.user_data = without_provenance_mut(number as usize + 1);
        desc.destroy = Some(destroy);
        desc.deadline_after_ns = self.deadline_ns;
        desc.lane = self.lane;
        desc
    }
}

thread_local! {
    /// The longest slice since the tick began. Nothing reads it for jobs on other threads.
    static LONGEST_SLICE: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

pub fn begin_tick() {
    LONGEST_SLICE.set(Duration::ZERO);
}

pub fn longest_slice_ns() -> u64 {
    LONGEST_SLICE.get().as_nanos() as u64
}

/// The payload of planned panics.
struct Planned;

pub fn quiet_planned_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !info.payload().is::<Planned>() {
            usual(info);
        }
    }));
}

/// Measures a slice, even if the job panics in it.
struct Slice(Instant);

impl Drop for Slice {
    fn drop(&mut self) {
        LONGEST_SLICE.set(LONGEST_SLICE.get().max(self.0.elapsed()));
    }
}

unsafe extern "C-unwind" fn run(job: *const dcc_job, user_data: *mut c_void) -> i32 {
    let _slice = Slice(Instant::now());
    let number = number_of(user_data);
    let record = record(number);
    let runs = record.runs.fetch_add(1, Ordering::Relaxed) + 1;
    assert_eq!(record.completions.load(Ordering::Relaxed), 0, "called after its completion");
    let work = |turns| {
        for _ in 0..turns {
            match dcc_check_cancelled() {
                DCC_OK => (),
                cancelled => return cancelled,
            }
        }
        0
    };
    match Plan::of(number).kind {
        Kind::Nothing => 0,
        Kind::Work(turns) => work(turns),
        Kind::Steps(slices) if runs < slices => DCC_RUN_AGAIN,
        Kind::Steps(_) => 0,
        Kind::UntilCancelled => work(u64::MAX),
        Kind::Fails => -1,
        Kind::Panics => std::panic::panic_any(Planned),
        // SAFETY: no text.
        Kind::EndsItself => unsafe { dcc_job_fail(job.cast_mut(), std::ptr::null(), 0) },
    }
}

unsafe extern "C" fn complete(job: *const dcc_job, state: i32, user_data: *mut c_void) {
    let record = record(number_of(user_data));
    assert_eq!(state_of(job), state);
    assert_eq!(record.destroys.load(Ordering::Relaxed), 0, "completed after its destroy-notify");
    record.completions.fetch_add(1, Ordering::Relaxed);
    record.state.store(state as u8, Ordering::Relaxed);
}

unsafe extern "C" fn destroy(user_data: *mut c_void) {
    record(number_of(user_data)).destroys.fetch_add(1, Ordering::Relaxed);
}

/// Checks that a refused job was not called: it still belongs to its poster.
pub fn assert_untouched(number: u64) {
    let record = record(number);
    let touched = [&record.runs, &record.completions, &record.destroys, &record.state];
    assert!(touched.iter().all(|count| count.load(Ordering::Relaxed) == 0), "{record:?}");
}

/// Records what post_and_wait answered for a job.
pub fn note_wait(number: u64, status: dcc_status, state: i32) {
    let record = record(number);
    record.waited.store(status as u8 + 1, Ordering::Relaxed);
    let is_terminal = (DCC_JOB_COMPLETED..=DCC_JOB_INTERRUPTED).contains(&state);
    assert!(is_terminal || status == DCC_STARTED, "{status} {state}");
    if status == DCC_OK && state == DCC_JOB_COMPLETED {
        assert_eq!(record.destroys.load(Ordering::Relaxed), 1, "over before it returns");
    }
}

/// Checks that each accepted job ended once, that dropped jobs were not called, and that the
/// dispatcher's counts agree.
pub fn check_records(accepted: u64, dropped: u64, refused: u64, info: &dcc_dispatcher_stats) {
    let (mut ended, mut untouched, mut ran) = ([0_u64; 4], 0, 0);
    let (mut before_running, mut while_running, mut timed_out) = (0, 0, 0);
    for (number, record) in RECORDS.get().expect("prepared").iter().enumerate() {
        let counts = [&record.runs, &record.completions, &record.destroys, &record.state];
        let [runs, completions, destroys, state] = counts.map(|c| c.load(Ordering::Relaxed));
        if destroys == 0 {
            assert_untouched(number as u64);
            untouched += 1;
            continue;
        }
        assert_eq!((completions, destroys), (1, 1), "{number}: {record:?}");
        let plan = Plan::of(number as u64);
        let what = || format!("{number}: {plan:?} {record:?}");
        ran += u64::from(runs > 0);
        let state = i32::from(state);
        ended[(state - DCC_JOB_COMPLETED) as usize] += 1;
        match state {
            DCC_JOB_COMPLETED => {
                let slices = if let Kind::Steps(slices) = plan.kind { slices } else { 1 };
                assert_eq!(runs, slices, "{}", what());
                assert!(matches!(plan.kind, Kind::Nothing | Kind::Work(_) | Kind::Steps(_)));
            }
            DCC_JOB_FAILED => {
                let fails = matches!(plan.kind, Kind::Fails | Kind::Panics | Kind::EndsItself);
                assert!(fails && runs == 1, "{}", what());
            }
            DCC_JOB_CANCELLED if runs == 0 => before_running += 1,
            DCC_JOB_CANCELLED => while_running += 1,
            DCC_JOB_INTERRUPTED => assert!(runs == 0 || plan.kind != Kind::Nothing, "{}", what()),
            _ => panic!("{}", what()),
        }
        if i32::from(record.waited.load(Ordering::Relaxed)) == DCC_TIMED_OUT + 1 {
            assert_eq!((runs, state), (0, DCC_JOB_CANCELLED), "{}", what());
            timed_out += 1;
        }
    }
    println!(
        "completed, failed, cancelled, interrupted: {ended:?}; cancelled before they ran \
         {before_running}, while they did {while_running}; waits that timed out {timed_out}"
    );
    assert_eq!(ended.iter().sum::<u64>(), accepted);
    assert!(untouched >= dropped);
    let counted = [info.completed, info.failed, info.cancelled, info.interrupted];
    assert_eq!(counted, ended);
    assert_eq!((info.posted, info.executed), (accepted, ran));
    assert_eq!((info.rejected, info.completions_dropped), (refused, 0));
    let left = [info.depth, info.between_slices, info.running, info.awaiting_completion];
    assert_eq!(left, [0; 4]);
    assert_eq!(stats().unfinished_posts, 0);
    // Each kind of end must have occurred; otherwise the day was too quiet.
    for seen in [ended[0], ended[1], before_running, while_running, timed_out, refused, dropped] {
        assert!(seen > 0, "{seen}");
    }
}

/// How often the system has interrupted this thread and put it to sleep.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadTimes {
    pub processor_ns: u64,
    /// How often the system took it off its processor.
    pub preemptions: i64,
    /// How often it went to sleep.
    pub waits: i64,
}

impl ThreadTimes {
    #[cfg(target_os = "linux")]
    pub fn now() -> Self {
        // SAFETY: structures of numbers, for which zero is a value, to be written.
        unsafe {
            let mut time: libc::timespec = std::mem::zeroed();
            assert_eq!(libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time), 0);
            let mut usage: libc::rusage = std::mem::zeroed();
            assert_eq!(libc::getrusage(libc::RUSAGE_THREAD, &mut usage), 0);
            Self {
                processor_ns: time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64,
                preemptions: usage.ru_nivcsw,
                waits: usage.ru_nvcsw,
            }
        }
    }

    #[cfg(not(target_os = "linux"))]
    pub fn now() -> Self {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| skip("the processor time of ticks", "known on Linux only"));
        Self::default()
    }
}

/// The memory of this process that is in use, in bytes.
#[cfg(target_os = "linux")]
pub fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    // SAFETY: asks for a number.
    Some(pages * unsafe { libc::sysconf(libc::_SC_PAGESIZE) } as u64)
}

#[cfg(not(target_os = "linux"))]
pub fn resident_bytes() -> Option<u64> {
    None
}

/// Whether this runs under a sanitizer.
pub fn is_sanitized() -> bool {
    std::env::var("DCC_SOAK_SANITIZED").is_ok_and(|value| value == "1")
}

/// Bytes by which memory may grow. If each of a million jobs left 16 bytes behind, that would show.
const TOLERANCE: u64 = 8 << 20;

pub fn check_memory(warm: Option<u64>, end: Option<u64>) {
    if is_sanitized() {
        return skip("flat memory", "DCC_SOAK_SANITIZED=1");
    }
    let (Some(warm), Some(end)) = (warm, end) else {
        return skip("flat memory", "known on Linux only");
    };
    println!("resident after a quarter of the jobs {warm} bytes, in the end {end}");
    assert!(end <= warm + TOLERANCE, "it grew by {} bytes", end - warm);
}
