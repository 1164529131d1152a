//! The functions that the library calls, one for each callback type of the header, and the
//! conditions that must hold whenever one of them is called. Each of them calls back into the
//! library.

use crate::abi::*;
use crate::call::{self, CHECK_CANCELLED};
use crate::me::{self, Hints, Me, Role};
use crate::world::{ACCEPTED, FREE, OFFERED, Payload, REFUSED, WORLD, lock};
use crate::{finding, me::mix};
use core::ffi::c_void;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// The number of a callback type: its bit in `Payload::given`, its place in `Payload::calls`.
pub const CANCEL: usize = callback_number("dcc_cancel_fn");
pub const DESTROY: usize = callback_number("dcc_destroy_fn");
pub const IS_CANCELLED: usize = callback_number("dcc_is_cancelled_fn");
pub const WAKE: usize = callback_number("dcc_wake_fn");
pub const VETO: usize = callback_number("dcc_veto_fn");
pub const PROGRESS: usize = callback_number("dcc_progress_fn");
pub const EXECUTE: usize = callback_number("dcc_execute_fn");
pub const JOB: usize = callback_number("dcc_job_fn");
pub const COMPLETION: usize = callback_number("dcc_completion_fn");
pub const THREAD: usize = callback_number("dcc_thread_fn");

const TOKEN: usize = handle("dcc_cancel_token");
const A_JOB: usize = handle("dcc_job");
const OWNER: usize = handle("dcc_owner");
const DISPATCHER: usize = handle("dcc_dispatcher");

/// A running call of a callback, from its first to its last line.
struct Inside {
    payload: &'static Payload,
    owner: Option<usize>,
    role: usize,
}

impl Inside {
    fn enter(role: usize, user_data: *mut c_void) -> Option<Self> {
        let name = CALLBACKS[role];
        let bits = user_data as usize as u64;
        if bits == 0 {
            return None;
        }
        let Some(payload) = WORLD.payload(bits) else {
            finding!("{name} is called with {bits:#x}, user data of a sequence that is over");
        };
        let state = payload.state.load(SeqCst);
        let made_by = FUNCTIONS[payload.function.load(Relaxed)].name;
        if state == FREE || state == REFUSED {
            finding!("{name} of a refused {made_by} is called");
        }
        if payload.given.load(Relaxed) & 1 << role == 0 {
            finding!("{name} is called with user data of {made_by}, which did not have it");
        }
        let calls = payload.calls[role].fetch_add(1, SeqCst);
        if payload.calls[DESTROY].load(SeqCst) > u32::from(role == DESTROY) {
            finding!("{name} of {made_by} is called after its destroy-notify");
        }
        if calls > 0 && [CANCEL, DESTROY, COMPLETION].contains(&role) {
            finding!("{name} of {made_by} is called a second time");
        }
        if role == JOB && payload.calls[COMPLETION].load(SeqCst) > 0 {
            finding!("{name} of {made_by} is called after its completion");
        }
        let owner = WORLD.owner_of(payload);
        if let Some(owner) = owner.map(|number| WORLD.owner(number)) {
            owner.inside.fetch_add(1, SeqCst);
            if owner.is_closed.load(SeqCst) {
                finding!("{name} of {made_by} is called after dcc_owner_close answered DCC_OK");
            }
        }
        me::with(|me| me.called.set(me.called.get() + 1));
        Some(Self { payload, owner, role })
    }

    /// Makes calls from inside the callback.
    fn act(&self, hints: &[(usize, u64)]) {
        if WORLD.is_ending() {
            return;
        }
        me::with(|me| {
            if me.role.get() == Role::Library {
                // Calls on the library's threads have no place in the replay of one thread.
                if WORLD.is_single() || me.depth.get() >= 2 {
                    return;
                }
                if me.depth.get() == 0 {
                    let nth = self.payload.calls[self.role].load(Relaxed);
                    let number = self.payload.function.load(Relaxed) as u64 ^ u64::from(nth) << 32;
                    let random = mix(WORLD.random.load(Relaxed) ^ number);
                    me.begin(Role::Library, 0, &[], random, 6);
                }
            }
            if me.depth.get() >= 4 {
                return;
            }
            let actions = [0, 0, 1, 1, 1, 2, 2, 3][me.below(8)];
            if actions == 0 {
                return;
            }
            let mut known: Hints = [0; HANDLES.len()];
            let around = me.record().innermost();
            if let Some((function, arguments)) = around {
                for (parameter, bits) in FUNCTIONS[function].parameters.iter().zip(arguments) {
                    if let Kind::Handle(kind) = parameter.kind {
                        known[kind] = bits;
                    }
                }
            }
            if let Some(owner) = self.owner {
                known[OWNER] = WORLD.owner(owner).bits.load(Relaxed);
            }
            let handle = self.payload.handle.load(Relaxed);
            if handle != 0 {
                let kind = WORLD.object(handle).map_or(DISPATCHER, |object| object.kind);
                known[kind] = handle;
            }
            for (kind, bits) in hints {
                known[*kind] = *bits;
            }
            me.hints.borrow_mut().push(known);
            me.depth.set(me.depth.get() + 1);
            let function = around.map_or(usize::MAX, |(function, _)| function);
            let outer = me.around.replace(function);
            for _ in 0..actions {
                call::step(me);
            }
            me.around.set(outer);
            me.depth.set(me.depth.get() - 1);
            me.hints.borrow_mut().pop();
            // On a thread of the library no other code restores what a callback left current.
            if me.role.get() == Role::Library && me.depth.get() == 0 {
                call::unwind(me);
            }
        });
    }

    /// A choice of this thread; `otherwise` if the thread has none.
    fn choose<T>(&self, otherwise: T, choose: impl FnOnce(&Me) -> T) -> T {
        if WORLD.is_ending() {
            return otherwise;
        }
        me::with(|me| {
            let has_none = me.role.get() == Role::Library && WORLD.is_single();
            if has_none { None } else { Some(choose(me)) }
        })
        .flatten()
        .unwrap_or(otherwise)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(owner) = self.owner {
            WORLD.owner(owner).inside.fetch_sub(1, SeqCst);
        }
    }
}

pub unsafe extern "C" fn dcc_cancel_fn(token: *const dcc_cancel_token, user_data: *mut c_void) {
    let Some(inside) = Inside::enter(CANCEL, user_data) else { return };
    let token = token as usize as u64;
    WORLD.borrowed(TOKEN, token);
    inside.act(&[(TOKEN, token)]);
}

pub unsafe extern "C" fn dcc_destroy_fn(user_data: *mut c_void) {
    let Some(inside) = Inside::enter(DESTROY, user_data) else { return };
    let payload = inside.payload;
    if payload.running.load(SeqCst) != 0 {
        finding!("a destroy-notify runs while a function of the same user data does");
    }
    let given = payload.given.load(Relaxed);
    if given & 1 << COMPLETION != 0
        && payload.calls[COMPLETION].load(SeqCst) == 0
        && payload.owner.load(SeqCst) == 0
    {
        finding!("the destroy-notify of a posted job runs before its completion");
    }
    inside.act(&[]);
}

pub unsafe extern "C" fn dcc_is_cancelled_fn(user_data: *mut c_void) -> i32 {
    let Some(inside) = Inside::enter(IS_CANCELLED, user_data) else { return 0 };
    let payload = inside.payload;
    if payload.running.fetch_add(1, SeqCst) != 0 {
        finding!("a foreign check is asked while it is being asked");
    }
    let mine = me::with(|me| me.number.get()).unwrap_or(0);
    if !payload.any_thread.load(Relaxed) && payload.thread.load(Relaxed) != mine {
        finding!("a foreign check is asked on another thread than that of its job's creation");
    }
    inside.act(&[]);
    payload.running.fetch_sub(1, SeqCst);
    inside.choose(0, |me| [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, -1, i32::MIN][me.below(16)])
}

pub unsafe extern "C" fn dcc_wake_fn(user_data: *mut c_void) {
    let Some(inside) = Inside::enter(WAKE, user_data) else { return };
    inside.act(&[]);
}

pub unsafe extern "C" fn dcc_veto_fn(user_data: *mut c_void) -> i32 {
    let Some(inside) = Inside::enter(VETO, user_data) else { return 0 };
    inside.act(&[]);
    inside.choose(0, |me| [0, 0, 0, 0, 0, 0, 1, -1][me.below(8)])
}

pub unsafe extern "C" fn dcc_progress_fn(
    job: *const dcc_job,
    _done: u64,
    _total: u64,
    user_data: *mut c_void,
) {
    let Some(inside) = Inside::enter(PROGRESS, user_data) else { return };
    let job = job as usize as u64;
    WORLD.borrowed(A_JOB, job);
    inside.act(&[(A_JOB, job)]);
}

pub unsafe extern "C" fn dcc_execute_fn(
    run: Option<unsafe extern "C" fn(*mut c_void)>,
    argument: *mut c_void,
    user_data: *mut c_void,
) -> i32 {
    let Some(inside) = Inside::enter(EXECUTE, user_data) else { return 1 };
    inside.act(&[]);
    let Some(run) = run else { finding!("a dcc_execute_fn is called without a function") };
    let (run, argument) = (run as usize, argument as usize as u64);
    let choice = inside.choose(0, |me| me.below(4));
    match choice {
        0 if me::with(|me| me.depth.get() < 8).unwrap_or(true) => call::run(run, argument),
        3 => return [1, -1, 100][argument as usize % 3],
        _ => lock(&WORLD.runs).push((run, argument)),
    }
    0
}

pub unsafe extern "C" fn dcc_job_fn(job: *const dcc_job, user_data: *mut c_void) -> i32 {
    let Some(inside) = Inside::enter(JOB, user_data) else { return 0 };
    let payload = inside.payload;
    if payload.running.fetch_add(1, SeqCst) != 0 {
        finding!("a posted job's function runs twice at a time");
    }
    let job = job as usize as u64;
    payload.job.store(job, SeqCst);
    WORLD.borrowed(A_JOB, job);
    inside.act(&[(A_JOB, job)]);
    let answer = inside.choose(0, |me| match me.below(16) {
        0..=4 => 0,
        5..=7 => (FUNCTIONS[CHECK_CANCELLED].call)(&[0; 8]) as i32,
        8..=9 => 100,
        10 => 101 + me.below(2) as i32,
        11 => -1,
        12 => 1 + me.below(3) as i32,
        13 => [i32::MIN, i32::MAX, 103, -5][me.below(4)],
        _ => 0,
    });
    payload.running.fetch_sub(1, SeqCst);
    let again = payload.again.load(Relaxed);
    if matches!(answer, 100..=102) {
        if again >= 3 || WORLD.is_ending() {
            return 0;
        }
        payload.again.store(again + 1, Relaxed);
        if answer != 100 {
            // The job is added before it sleeps. The thread that ends the sequence wakes it, so
            // that no thread waits for it for ever.
            lock(&WORLD.sleepers).push(job);
        }
    }
    answer
}

pub unsafe extern "C" fn dcc_thread_fn(user_data: *mut c_void) -> *mut c_void {
    let Some(inside) = Inside::enter(THREAD, user_data) else { return user_data };
    inside.payload.running.fetch_add(1, SeqCst);
    inside.act(&[]);
    inside.payload.running.fetch_sub(1, SeqCst);
    user_data
}

pub unsafe extern "C" fn dcc_completion_fn(
    job: *const dcc_job,
    state: i32,
    user_data: *mut c_void,
) {
    let Some(inside) = Inside::enter(COMPLETION, user_data) else { return };
    if !(DCC_JOB_COMPLETED..=DCC_JOB_INTERRUPTED).contains(&i128::from(state)) {
        finding!("a completion is told {state}, which is no end");
    }
    if inside.payload.running.load(SeqCst) != 0 {
        finding!("a completion runs while its job's function does");
    }
    inside.payload.end.store(state, SeqCst);
    let job = job as usize as u64;
    WORLD.borrowed(A_JOB, job);
    let known = WORLD.object(job).map_or(0, |object| object.end);
    call::check_end(job, known, i64::from(state));
    inside.act(&[(A_JOB, job)]);
}

/// Whether the library has accepted a payload and not destroyed it yet.
pub fn is_destroy_owed(payload: &Payload) -> bool {
    payload.state.load(SeqCst) == ACCEPTED
        && payload.given.load(Relaxed) & 1 << DESTROY != 0
        && payload.calls[DESTROY].load(SeqCst) == 0
}

/// Checks which callbacks of a payload must have been called when all is over.
pub fn check_over(payload: &Payload) {
    let calls = |role: usize| payload.calls[role].load(SeqCst);
    let given = |role: usize| payload.given.load(Relaxed) & 1 << role != 0;
    let made_by = FUNCTIONS[payload.function.load(Relaxed)].name;
    match payload.state.load(SeqCst) {
        ACCEPTED => {
            let owner = WORLD.owner_of(payload);
            let is_closed = owner.is_some_and(|number| WORLD.owner(number).is_closed.load(SeqCst));
            if given(DESTROY) && calls(DESTROY) != 1 {
                finding!("the destroy-notify of {made_by} was called {} times", calls(DESTROY));
            }
            if given(COMPLETION) && calls(COMPLETION) == 0 && !is_closed {
                finding!("the completion of {made_by} was never called");
            }
        }
        OFFERED => finding!("{made_by} has not answered"),
        _ => {}
    }
}
