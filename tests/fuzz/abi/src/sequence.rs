//! Plays one input: a sequence of calls on one or several threads, and checks the conditions that
//! must hold at its end.

use crate::abi::*;
use crate::call;
use crate::callbacks;
use crate::draw::seed_of;
use crate::finding;
use crate::me::{Me, Role, mix, with};
use crate::watch::Patience;
use crate::world::{WORLD, lock};
use std::sync::atomic::{
    AtomicU32,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;

/// Calls a function of the library that is not part of the sequence.
fn ask(function: usize, arguments: &[u64]) -> i64 {
    let mut all = [0; 8];
    all[..arguments.len()].copy_from_slice(arguments);
    with(|me| {
        me.record().enter(function, &all);
        let result = (FUNCTIONS[function].call)(&all) as i64;
        me.record().leave();
        result
    })
    .unwrap_or(0)
}

/// How a sequence is played.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// The largest number of threads; the input says how many run.
    pub threads: u32,
    /// Whether exactly this many threads run.
    pub is_exact: bool,
}

/// How long a thread may wait for the rest of a sequence.
const REST: Duration = Duration::from_secs(15);

/// Plays one input. Its first bytes say how the sequence is played, the others are its choices.
pub fn play(input: &'static [u8], plan: Plan) {
    let head = |at: usize| u32::from(input.get(at).copied().unwrap_or(0));
    let random = input.iter().fold(0, |sum, byte| mix(sum ^ u64::from(*byte)));
    let threads = if plan.is_exact { plan.threads } else { 1 + head(0) % plan.threads };
    let is_lively = threads > 1 || head(1) % 8 == 0;
    let badness = [0, 4, 4, 12, 12, 40, 110, 24][head(2) as usize % 8];
    let count = 20 + head(3) % 44;
    WORLD.begin(random, threads, is_lively, badness);
    let rest = input.get(4..).unwrap_or(&[]);
    if threads == 1 {
        with(|me| {
            actions(me, 1, rest, seed_of(random, 1), count);
            WORLD.is_ending.store(true, SeqCst);
            end_of_a_thread(&|| true);
        });
    } else {
        together(threads, rest, random, count / 2 + 10);
    }
    end();
}

/// The actions of one thread in a sequence.
fn actions(me: &Me, number: u32, bytes: &'static [u8], random: u64, count: u32) {
    me.begin(Role::Fuzzer, number, bytes, random, count * 4);
    for _ in 0..count {
        call::step(me);
    }
}

/// A sequence of several threads.
fn together(threads: u32, bytes: &'static [u8], random: u64, count: u32) {
    static AT_WORK: AtomicU32 = AtomicU32::new(0);
    AT_WORK.store(threads, SeqCst);
    let part = bytes.len() / threads as usize;
    std::thread::scope(|scope| {
        for number in 1..=threads {
            let start = part * (number - 1) as usize;
            let mine = &bytes[start..start + part];
            scope.spawn(move || {
                with(|me| {
                    actions(me, number, mine, seed_of(random, number), count);
                    if AT_WORK.fetch_sub(1, SeqCst) == 1 {
                        WORLD.is_ending.store(true, SeqCst);
                    }
                    end_of_a_thread(&|| AT_WORK.load(SeqCst) == 0);
                });
            });
        }
    });
}

const PUMP: usize = function("dcc_dispatcher_pump");
const WAKE_JOB: usize = function("dcc_job_wake");
const SHUT_DOWN: usize = function("dcc_dispatcher_close");
const STATS: usize = function("dcc_stats_read");

fn stats() -> dcc_stats {
    // SAFETY: numbers may be zero.
    let mut stats: dcc_stats = unsafe { std::mem::zeroed() };
    stats.struct_size = size_of::<dcc_stats>() as u32;
    let status = ask(STATS, &[&raw mut stats as usize as u64]);
    if status != 0 {
        finding!("dcc_stats_read answers {status}");
    }
    stats
}

/// A description of a dispatcher's state.
fn describe(bits: u64) -> String {
    // SAFETY: numbers may be zero.
    let mut info: dcc_dispatcher_stats = unsafe { std::mem::zeroed() };
    info.struct_size = size_of::<dcc_dispatcher_stats>() as u32;
    let status = ask(function("dcc_dispatcher_read_stats"), &[bits, &raw mut info as usize as u64]);
    format!(
        "dispatcher {bits:#x}: {status}, closed {}, depth {}, between slices {}, running {}, \
         awaiting completion {}, posted {}, thread {:?}",
        info.is_closed,
        info.depth,
        info.between_slices,
        info.running,
        info.awaiting_completion,
        info.posted,
        WORLD.object(bits).map(|object| object.thread)
    )
}

/// Restores this thread's slots, and pumps until nothing is unfinished.
fn end_of_a_thread(is_over: &dyn Fn() -> bool) {
    with(call::unwind);
    if ask(function("dcc_cancel_token_current"), &[]) != 0
        || ask(function("dcc_job_current"), &[]) != 0
    {
        finding!("something is current after the unwinding");
    }
    const DISPATCHER: usize = handle("dcc_dispatcher");
    let patience = Patience::new(REST);
    loop {
        // The other threads may still post. The last of them says so, and nothing is posted after
        // that.
        let was_over = is_over() && WORLD.acting.load(SeqCst) == 0;
        while call::run_one() {}
        // The list is kept, because a job may fall asleep only now. For a job that is over the call
        // answers with a bad handle.
        let sleepers = lock(&WORLD.sleepers).clone();
        for job in sleepers {
            ask(WAKE_JOB, &[job]);
        }
        let mut is_pending = false;
        for object in WORLD.objects().iter().filter(|object| object.kind == DISPATCHER) {
            let pump = i128::from(ask(PUMP, &[object.bits, u64::MAX, u64::MAX, 0]));
            if was_over {
                let status = i128::from(ask(SHUT_DOWN, &[object.bits]));
                is_pending |= pump != DCC_ERROR_WRONG_THREAD && status == DCC_PENDING;
            }
        }
        if was_over && !is_pending {
            return;
        }
        if patience.is_over() {
            for object in WORLD.objects().iter().filter(|object| object.kind == DISPATCHER) {
                let pump = ask(PUMP, &[object.bits, u64::MAX, u64::MAX, 0]);
                let mine = with(|me| me.number.get()).unwrap_or(0);
                eprintln!("{}, its pump on thread {mine}: {pump}", describe(object.bits));
            }
            finding!("{} posted jobs do not end", stats().unfinished_posts);
        }
        std::thread::yield_now();
    }
}

/// Checks that each function answers in a forked child: a call that would need the library's locks
/// says that this is a fork.
pub fn fork_and_ask() {
    // SAFETY: the child only calls the library, which is what is tried, and leaves at once.
    let child = unsafe { libc::fork() };
    if child != 0 {
        let mut status = 0;
        // SAFETY: the child of this process.
        unsafe { libc::waitpid(child, &raw mut status, 0) };
        if status != 0 {
            finding!("the calls in a fork end with {status:#x}");
        }
        return;
    }
    // A call that hangs ends the child.
    // SAFETY: no handler is set, so the alarm ends the process.
    unsafe { libc::alarm(300) };
    for function in FUNCTIONS {
        let status = (function.call)(&[0; 8]) as i64;
        let answers_status = function.answers == Answer::Status;
        if answers_status
            && (status_name(status).is_none() || i128::from(status) == DCC_ERROR_INTERNAL)
        {
            eprintln!("FINDING: in a fork {} answers {status}", function.name);
            // SAFETY: ends the child.
            unsafe { libc::_exit(1) };
        }
    }
    // SAFETY: ends the child.
    unsafe { libc::_exit(0) };
}

/// The order in which the remaining objects are released: first those that refer to others.
const ORDER: &[(usize, usize)] = &[
    (handle("dcc_dispatcher"), function("dcc_dispatcher_release")),
    (handle("dcc_registration"), function("dcc_registration_unregister")),
    (handle("dcc_owner"), function("dcc_owner_close")),
    (handle("dcc_request"), function("dcc_request_release")),
    (handle("dcc_session"), function("dcc_session_release")),
    (handle("dcc_progress"), function("dcc_progress_release")),
    (handle("dcc_job"), function("dcc_job_release")),
    (handle("dcc_context"), function("dcc_context_release")),
    (handle("dcc_events"), function("dcc_events_release")),
    (handle("dcc_cancel_token"), function("dcc_cancel_token_release")),
];
const _: () = assert!(ORDER.len() == HANDLES.len(), "a kind of handles that nobody gives back");

/// Releases everything, and checks that nothing is left.
fn end() {
    for (kind, release) in ORDER {
        for object in WORLD.objects().iter().filter(|object| object.kind == *kind) {
            for _ in 0..object.owned {
                let status = ask(*release, &[object.bits]);
                if status < 0 {
                    finding!("a {} cannot be given back: {status}", HANDLES[*kind]);
                }
                WORLD.take(object.bits);
            }
        }
    }
    for event in lock(&WORLD.events).drain(..) {
        let status = ask(function("dcc_native_event_close"), &[event as u64]);
        if status != 0 {
            finding!("an event cannot be closed: {status}");
        }
    }
    if WORLD.switched.swap(false, Relaxed) {
        ask(function("dcc_trace_all"), &[0]);
        ask(function("dcc_timeline_end"), &[]);
        ask(function("dcc_control_close"), &[]);
        ask(function("dcc_events_set_slow_cancel_threshold"), &[1_000_000_000]);
    }
    let patience = Patience::new(REST);
    loop {
        let now = stats();
        let left = [
            ("tokens", now.live_tokens),
            ("jobs", now.live_jobs),
            ("contexts", now.live_contexts),
            ("registrations", now.live_registrations),
            ("owners", now.live_owners),
            ("deadlines", now.armed_deadlines),
            ("dispatchers", now.live_dispatchers),
            ("posts", now.unfinished_posts),
            ("sessions", now.live_sessions),
            ("requests", now.live_requests),
            ("shares", now.live_shares),
        ];
        let Some((what, count)) = left.iter().find(|(_, count)| *count != 0) else { break };
        // The library's threads may be about to finish their work.
        if patience.is_over() {
            let all = left.iter().filter(|(_, count)| *count != 0);
            all.for_each(|(what, count)| eprintln!("left: {count} {what}"));
            finding!("{count} {what} are left at the end");
        }
        std::thread::yield_now();
    }
    for payload in WORLD.payloads() {
        // A thread of the library may still be about to destroy an object that it has already taken
        // out of the counts.
        while callbacks::is_destroy_owed(payload) && !patience.is_over() {
            std::thread::yield_now();
        }
        callbacks::check_over(payload);
    }
}
