//! One call: its arguments are drawn, it is made, and its answer is judged.

use crate::abi::*;
use crate::callbacks;
use crate::draw::{Call, good_handle};
use crate::finding;
use crate::me::{Hints, Made, Me, Role, with};
use crate::world::{ACCEPTED, Id, Object, Payload, REFUSED, WORLD, lock};
use std::sync::LazyLock;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

pub const CHECK_CANCELLED: usize = function("dcc_check_cancelled");
const LAST_ERROR: usize = function("dcc_last_error");
const JOB_STATE: usize = function("dcc_job_state");
const READ_TOKEN: usize = function("dcc_poll_read_token");
const READ_CURRENT: usize = function("dcc_poll_read_current");
const UNWIND: usize = function("dcc_context_unwind");
const SLOW: usize = function("dcc_poll_slow");
/// The value of `Made::function` for a call of a function that a dcc_execute_fn was given.
const RUN: usize = usize::MAX;

const TOKEN: usize = handle("dcc_cancel_token");
const A_JOB: usize = handle("dcc_job");
const OWNER: usize = handle("dcc_owner");
const DISPATCHER: usize = handle("dcc_dispatcher");
const CONTEXT: usize = handle("dcc_context");
const SESSION: usize = handle("dcc_session");

/// Whether a function has this name. A name that no function has is a mistake of the fuzzer.
pub fn is(function: usize, name: &str) -> bool {
    debug_assert!(FUNCTIONS.iter().any(|known| known.name == name), "{name}");
    FUNCTIONS[function].name == name
}

/// How often a function is chosen compared with others; 16 for functions without a row here.
fn weight(name: &str) -> usize {
    match name {
        // Calls that end the library's life are played in processes of their own.
        "dcc_shutdown" => 0,
        // Each of these calls opens or closes a socket, a thread and a file.
        "dcc_control_open" | "dcc_control_close" => 0,
        "dcc_timeline_write" | "dcc_timeline_begin" | "dcc_timeline_end" | "dcc_trace_all" => 1,
        "dcc_stats_live_jobs" | "dcc_stats_read" => 2,
        "dcc_cancel_token_native_event" | "dcc_job_native_event" => 2,
        "dcc_status_string" | "dcc_version_string" | "dcc_abi_version" | "dcc_last_error" => 2,
        "dcc_instance_check" | "dcc_clock_now_ns" | "dcc_events_set_slow_cancel_threshold" => 2,
        "dcc_dispatcher_post" | "dcc_dispatcher_pump" => 80,
        "dcc_dispatcher_post_and_wait" | "dcc_cancel_token_register" => 40,
        "dcc_cancel_token_register_keeping" => 40,
        "dcc_owner_close" | "dcc_request_begin" | "dcc_session_cancel" => 28,
        "dcc_job_create" | "dcc_job_begin" | "dcc_cancel_token_cancel" | "dcc_request_end" => 28,
        _ => 16,
    }
}

/// Each function, as many times as its weight says.
static WHEEL: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let named = FUNCTIONS.iter().enumerate();
    named.flat_map(|(number, f)| vec![number as u16; weight(f.name)]).collect()
});

/// Functions that are chosen rarely: their weight is one in thousands of the others'.
const RARE: &[usize] = &[function("dcc_control_open"), function("dcc_control_close")];

/// One action.
pub fn step(me: &Me) {
    // A thread that waits for the end of all reads both, in the other order.
    WORLD.acting.fetch_add(1, SeqCst);
    if me.left.get() > 0 && !WORLD.is_ending() {
        act(me);
    }
    WORLD.acting.fetch_sub(1, SeqCst);
}

fn act(me: &Me) {
    match me.byte() {
        0..=9 => poll(me),
        10..=17 => drop(run_one()),
        18 if me.chance(2) && (WORLD.may_be_many.load(Relaxed) || me.chance(64)) => many(me),
        19 if me.chance(2) && WORLD.is_lively() => make(me, me.one_of(RARE), false),
        // The function that is running is called once more.
        23..=30 if me.depth.get() > 0 && me.around.get() != usize::MAX => {
            make(me, me.around.get(), true)
        }
        20..=22 if WORLD.may_shut_down.load(Relaxed) => make(me, function("dcc_shutdown"), false),
        _ => make(me, usize::from(WHEEL[me.below(WHEEL.len())]), false),
    }
}

/// Calls a function that is not judged.
fn ask(number: usize, arguments: [u64; 8]) -> i64 {
    (FUNCTIONS[number].call)(&arguments) as i64
}

/// The text of the last error of this thread.
fn last_error() -> String {
    let mut text = [0_u8; 512];
    ask(LAST_ERROR, [text.as_mut_ptr() as usize as u64, 512, 0, 0, 0, 0, 0, 0]);
    let end = text.iter().position(|byte| *byte == 0).unwrap_or(0);
    String::from_utf8_lossy(&text[..end]).into_owned()
}

/// Restores what was current on this thread before it set anything.
pub fn unwind(me: &Me) {
    // The tickets of a job's scope are used up. The first ticket that is not restores what was
    // current before all others.
    let tickets = std::mem::take(&mut *me.tickets.borrow_mut());
    for ticket in tickets {
        ask(UNWIND, [ticket, 0, 0, 0, 0, 0, 0, 0]);
    }
}

/// A thread of the host runs a function that it has accepted.
pub fn run_one() -> bool {
    let next = lock(&WORLD.runs).pop();
    if let Some((function, argument)) = next {
        run(function, argument);
    }
    next.is_some()
}

/// Calls the function that a `dcc_execute_fn` was given.
pub fn run(function: usize, argument: u64) {
    with(|me| {
        let depth = me.record().depth();
        let arguments = [argument, 0, 0, 0, 0, 0, 0, 0];
        let number = me.tell(Made { function: RUN, depth, arguments, result: None });
        me.record().enter(RUN, &arguments);
        // SAFETY: the library gave both, to be called once.
        unsafe {
            let function: unsafe extern "C" fn(*mut core::ffi::c_void) =
                std::mem::transmute(function);
            function(argument as usize as *mut core::ffi::c_void);
        }
        me.record().leave();
        me.tell_result(number, 0);
    });
}

/// Draws, makes and judges a call.
pub fn make(me: &Me, function: usize, is_good: bool) {
    if me.left.get() == 0 {
        return;
    }
    me.left.set(me.left.get() - 1);
    let call = Call::new(me, function, is_good);
    if !is_allowed(me, &call) {
        if let Some(payload) = call.user_data.and_then(|user_data| WORLD.payload(user_data)) {
            payload.state.store(REFUSED, SeqCst);
        }
        return;
    }
    made(me, &call);
}

/// Whether a call is allowed: calls that wait for the library's threads are not, in sequences that
/// leave those threads alone.
fn is_allowed(me: &Me, call: &Call) -> bool {
    let name = FUNCTIONS[call.function].name;
    // A dispatcher that is bound to a thread of the library would not be pumped again.
    let binds = ["dcc_dispatcher_create", "dcc_dispatcher_pump"];
    if me.role.get() == Role::Library && binds.contains(&name) {
        return false;
    }
    let uses_threads = [
        "dcc_cancel_token_cancel_async",
        "dcc_cancel_token_set_deadline_after",
        "dcc_cancel_token_set_deadline",
    ];
    if uses_threads.contains(&name) && !WORLD.is_lively() {
        return false;
    }
    // A reference that one thread has released must not be released by another: the handle may be
    // in use again.
    let ends = FUNCTIONS[call.function].ends_a_handle;
    !(ends
        && !WORLD.is_single()
        && WORLD.object(call.arguments[0]).is_some_and(|object| object.owned == 0))
}

fn made(me: &Me, call: &Call) {
    let function = &FUNCTIONS[call.function];
    let before = call.handles.first().and_then(|bits| WORLD.object(*bits));
    let has_taken = function.ends_a_handle && WORLD.take(call.arguments[0]);
    let gives = function.parameters.iter().any(|one| matches!(one.kind, Kind::OutHandle(_)));
    let depth = me.record().depth();
    let number =
        me.tell(Made { function: call.function, depth, arguments: call.arguments, result: None });
    if crate::is_told_at_once() {
        eprint!("{}", call.structures());
    }
    let called = me.called.get();
    me.record().enter(call.function, &call.arguments);
    WORLD.giving.fetch_add(i64::from(gives), SeqCst);
    let result = (function.call)(&call.arguments);
    WORLD.giving.fetch_sub(i64::from(gives), SeqCst);
    me.record().leave();
    me.tell_result(number, result);
    match function.answers {
        Answer::Status => {
            judge(me, call, before, has_taken, result as i64, me.called.get() - called)
        }
        Answer::Number => WORLD.note_number(result),
        Answer::Text => {
            if result == 0 {
                finding!("{} answers NULL", function.name);
            }
            // SAFETY: a text that ends with NUL, as the header promises.
            let text = unsafe { std::ffi::CStr::from_ptr(result as usize as *const _) };
            if text.to_str().is_err() {
                finding!("{} answers what is not UTF-8", function.name);
            }
        }
        Answer::Borrowed(kind) => WORLD.borrowed(kind, result),
        Answer::Ran => ran(me, call, before, has_taken, result),
    }
}

/// Judges a call that was given a bound context to run.
fn ran(me: &Me, call: &Call, before: Option<Object>, has_taken: bool, result: u64) {
    let bits = call.arguments[0];
    let is_bound = before.is_some_and(|object| object.kind == CONTEXT && object.executes);
    if result != 0 {
        if WORLD.payload(result).is_none_or(|it| it.calls[callbacks::THREAD].load(SeqCst) == 0) {
            finding!("a bound context answers {result:#x}, which its function has not");
        }
        if !has_taken && WORLD.is_single() && me.depth.get() == 0 {
            finding!("a bound context without a reference was run");
        } else if !has_taken {
            WORLD.steal(bits);
        }
    } else if has_taken && is_bound && WORLD.is_single() && me.depth.get() == 0 {
        finding!("a bound context that is ours was not run: {}", last_error());
    } else if has_taken && !is_bound {
        WORLD.change(bits, |object| object.owned += 1);
    }
}

fn judge(me: &Me, call: &Call, before: Option<Object>, has_taken: bool, status: i64, called: u64) {
    let function = &FUNCTIONS[call.function];
    let name = function.name;
    let Some(known) = status_name(status) else {
        finding!("{name} answers {status}, which is no status")
    };
    if i128::from(status) == DCC_ERROR_INTERNAL {
        finding!("{name} answers DCC_ERROR_INTERNAL: {}", last_error());
    }
    // Whether a page has room for a job is known only when it is written. A job that another thread
    // released meanwhile ends there.
    let looks_later = name == "dcc_stats_jobs_page" && !WORLD.is_single();
    if i128::from(status) == DCC_ERROR_INVALID_ARGUMENT && called != 0 && !looks_later {
        finding!("{name} answers DCC_ERROR_INVALID_ARGUMENT after it called {called} functions");
    }
    if i128::from(status) == DCC_ERROR_INVALID_HANDLE
        && WORLD.is_single()
        && call.handles_are_ours
        && !call.handles.is_empty()
        && call.handles.iter().all(|bits| WORLD.owned(*bits) > 0)
    {
        finding!("{name} refuses a handle that is ours: {}", last_error());
    }
    if let Some(payload) = call.user_data.and_then(|user_data| WORLD.payload(user_data)) {
        if status < 0 {
            let calls: u32 = payload.calls.iter().map(|calls| calls.load(SeqCst)).sum();
            // The host's own thread pool was asked whether it has room.
            if calls > 0 {
                finding!(
                    "{name} answers {known}, yet {calls} functions that came with it were called"
                );
            }
            payload.state.store(REFUSED, SeqCst);
        } else {
            payload.state.store(ACCEPTED, SeqCst);
        }
    }
    for (position, parameter) in function.parameters.iter().enumerate() {
        let Some(block) = call.block_of[position] else {
            if let (Kind::OutHandle(A_JOB), Some(user_data)) = (parameter.kind, call.user_data) {
                let job = WORLD.payload(user_data).map_or(0, |it| it.job.load(SeqCst));
                WORLD.settle(job);
            }
            continue;
        };
        let bytes = call.blocks[block].bytes();
        let word = || u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
        match parameter.kind {
            Kind::OutHandle(kind) => adopt(me, call, kind, word(), status),
            Kind::OutTicket if status >= 0 => {
                me.tickets.borrow_mut().push(word());
                WORLD.note_ticket(word());
            }
            Kind::OutEvent if status >= 0 && word() as i64 != DCC_NO_NATIVE_EVENT as i64 => {
                lock(&WORLD.events).push(word() as i64);
            }
            Kind::Out(8) if status == 0 => WORLD.note_number(word()),
            Kind::Buffer if status >= 0 && call.arguments[position + 1] > 0 => {
                if !bytes.contains(&0) {
                    finding!("{name} writes a text without its NUL");
                }
            }
            _ => {}
        }
    }
    if function.ends_a_handle {
        ended(me, call, before, has_taken, status);
    }
    if status >= 0 && name.ends_with("_retain") && call.arguments[0] != 0 {
        let bits = call.arguments[0];
        let kind = match function.parameters[0].kind {
            Kind::Handle(kind) => kind,
            _ => unreachable!("{name}"),
        };
        WORLD.adopt(kind, bits, 1);
    }
    answered(me, call, before, status);
}

/// A handle that a call wrote.
fn adopt(me: &Me, call: &Call, kind: usize, bits: u64, status: i64) {
    let name = FUNCTIONS[call.function].name;
    const POISON: u64 = 0xa5a5_a5a5_a5a5_a5a5;
    if status < 0 {
        if bits == POISON && i128::from(status) == DCC_ERROR_INVALID_ARGUMENT {
            return;
        }
        if bits != 0 {
            finding!("{name} answers {status} and leaves {bits:#x} for a handle");
        }
        return;
    }
    if bits == POISON {
        finding!("{name} answers {status} and writes no handle");
    }
    if bits == 0 {
        return;
    }
    // This happens before other threads can use it in a call.
    if kind == OWNER {
        WORLD.note_owner(bits);
    }
    if !WORLD.adopt(kind, bits, 1) {
        return;
    }
    match kind {
        DISPATCHER => {
            let is_bound = call.flags as i128 & DCC_DISPATCHER_BIND_LATER == 0;
            WORLD.change(bits, |object| {
                object.thread = if is_bound { me.number.get() } else { 0 };
                object.executes = call.has_execute;
            });
            note_handle(call, bits);
        }
        SESSION => {
            // The session knows its completed ids for as long as a sequence lasts, and 7 is another
            // id than "7".
            let bytes = call.block_of[0].map(|block| call.blocks[block].bytes());
            let keeps = bytes.is_some_and(|bytes| {
                const TTL: usize = core::mem::offset_of!(dcc_session_desc, early_ttl_ns);
                let ttl = bytes
                    .get(TTL..TTL + 8)
                    .map_or(0, |ttl| u64::from_le_bytes(ttl.try_into().expect("8 bytes")));
                bytes[4..8] == [0; 4] && (ttl == 0 || ttl >= 3_600_000_000_000)
            });
            WORLD.change(bits, |object| object.executes = keeps);
        }
        A_JOB if is(call.function, "dcc_job_create") => note_handle(call, bits),
        CONTEXT if is(call.function, "dcc_context_bind") => {
            WORLD.change(bits, |object| object.executes = true);
        }
        _ => {}
    }
}

/// Notes for a call's callbacks which handle they belong to.
fn note_handle(call: &Call, bits: u64) {
    if let Some(payload) = call.user_data.and_then(|user_data| WORLD.payload(user_data)) {
        payload.handle.store(bits, Relaxed);
    }
}

/// Judges a call that ends a handle or releases one reference.
fn ended(me: &Me, call: &Call, before: Option<Object>, has_taken: bool, status: i64) {
    let name = FUNCTIONS[call.function].name;
    let bits = call.arguments[0];
    if bits == 0 {
        return;
    }
    let kind = match FUNCTIONS[call.function].parameters[0].kind {
        Kind::Handle(kind) => kind,
        _ => unreachable!("{name}"),
    };
    let is_of_kind = before.is_some_and(|object| object.kind == kind);
    if status >= 0 {
        // An outer call may be ending the handle: then both calls report what they found.
        let is_inside = me.depth.get() > 0 && !name.ends_with("_release");
        if !has_taken && !is_inside {
            // The reference may be one that a running call of this or another thread is about to
            // give.
            if WORLD.is_single() && WORLD.giving.load(SeqCst) == 0 {
                finding!("{name} answers {status} for a handle of which no reference was left");
            }
            WORLD.steal(bits);
        }
        if name == "dcc_owner_close"
            && i128::from(status) == DCC_OK
            && let Some(number) = WORLD.owner_number(bits)
        {
            let owner = WORLD.owner(number);
            owner.is_closed.store(true, SeqCst);
            let inside = owner.inside.load(SeqCst);
            if inside != 0 {
                finding!("dcc_owner_close answers DCC_OK while {inside} of its functions run");
            }
        }
        return;
    }
    if !has_taken {
        return;
    }
    if is_of_kind
        && i128::from(status) == DCC_ERROR_INVALID_HANDLE
        && !(me.depth.get() > 0 || !WORLD.is_single())
    {
        finding!("{name} refuses a reference that is ours");
    }
    // The call was refused: the reference is still ours, unless a call inside this one has ended
    // it.
    if i128::from(status) == DCC_ERROR_INVALID_HANDLE && is_of_kind {
        return;
    }
    WORLD.change(bits, |object| object.owned += 1);
}

/// Checks the answers that only certain functions give.
fn answered(me: &Me, call: &Call, before: Option<Object>, status: i64) {
    let name = FUNCTIONS[call.function].name;
    let bits = call.arguments[0];
    let code = i128::from(status);
    match name {
        "dcc_cancel_token_is_cancelled" | "dcc_job_is_cancelled" => {
            let was = before.is_some_and(|it| it.is_cancelled && it.bits == bits);
            if status == 0 && bits != 0 && was {
                finding!("{name} says no of what was cancelled");
            }
            if status > 0 {
                WORLD.change(bits, |object| object.is_cancelled = true);
            }
        }
        "dcc_cancel_token_cancel" | "dcc_cancel_token_cancel_async" | "dcc_job_cancel"
            if bits != 0 && (code == DCC_OK || code == DCC_ALREADY_CANCELLED) =>
        {
            WORLD.change(bits, |object| object.is_cancelled = true);
        }
        "dcc_job_state" if status == 0 => {
            let block = call.block_of[1].expect("a good call has a place for the state");
            let state = &call.blocks[block].bytes()[..4];
            let state = i32::from_le_bytes(state.try_into().expect("4 bytes")).into();
            // Another thread may meanwhile have seen a state that is later than this answer.
            let known = before.filter(|it| it.bits == bits).map_or(0, |it| it.end);
            check_end(bits, known, state);
        }
        "dcc_cancel_token_reset_current"
        | "dcc_job_reset_current"
        | "dcc_progress_reset_current"
        | "dcc_context_exit"
            if status >= 0 =>
        {
            me.tickets.borrow_mut().retain(|ticket| *ticket != bits);
        }
        "dcc_context_unwind" if status >= 0 => {
            let mut tickets = me.tickets.borrow_mut();
            let at = tickets.iter().position(|ticket| *ticket == bits);
            let kept = at.unwrap_or(tickets.len());
            tickets.truncate(kept);
        }
        "dcc_control_open"
        | "dcc_timeline_begin"
        | "dcc_trace_all"
        | "dcc_control_close"
        | "dcc_events_set_slow_cancel_threshold" => WORLD.switched.store(true, Relaxed),
        "dcc_shutdown" if status >= 0 => WORLD.is_shut_down.store(true, Relaxed),
        _ => {}
    }
    if code == DCC_ERROR_RESOURCES && ALWAYS_POSSIBLE.contains(&name) {
        finding!("{name} answers DCC_ERROR_RESOURCES: {}", last_error());
    }
    if matches!(name, "dcc_cancel_token_register" | "dcc_cancel_token_register_keeping")
        && status == 0
        && before.is_some_and(|it| it.is_cancelled && it.owned > 0)
    {
        let payload = call.user_data.and_then(|user_data| WORLD.payload(user_data));
        if payload.is_some_and(|it| it.calls[callbacks::CANCEL].load(SeqCst) == 0)
            && WORLD.is_single()
        {
            finding!("{name} answers DCC_OK for a cancelled token and has not called");
        }
    }
    if name == "dcc_dispatcher_post_and_wait"
        && code == DCC_OK
        && let (Some(payload), Some(block)) =
            (call.user_data.and_then(|user_data| WORLD.payload(user_data)), call.block_of[4])
    {
        let told = i32::from_le_bytes(call.blocks[block].bytes()[..4].try_into().expect("4 bytes"));
        let ended = payload.end.load(SeqCst);
        if ended != 0 && ended != told {
            finding!("{name} writes the state {told}; the completion was told {ended}");
        }
    }
    if WORLD.is_single() {
        requests(call, status);
    }
    let ends = [
        "dcc_job_cancel",
        "dcc_job_complete",
        "dcc_job_fail",
        "dcc_job_acknowledge_cancel",
        "dcc_job_end_by_error",
        "dcc_job_interrupt",
    ];
    let is_over = name == "dcc_job_wait" && code == DCC_OK && call.arguments[0] != 0;
    if ends.contains(&name) && code == DCC_ALREADY_ENDED || is_over {
        let (mut state, mut arguments) = (0_i32, call.arguments);
        arguments[1] = &raw mut state as usize as u64;
        if ask(JOB_STATE, arguments) >= 0 && i128::from(state) < DCC_JOB_COMPLETED {
            finding!("{name} says that a job has ended whose state is {state}");
        }
    }
}

/// Functions that work with any number of references, registrations and contexts.
const ALWAYS_POSSIBLE: &[&str] = &[
    "dcc_cancel_token_cancel",
    "dcc_cancel_token_is_cancelled",
    "dcc_cancel_token_wait",
    "dcc_cancel_token_release",
    "dcc_check_cancelled",
    "dcc_job_cancel",
    "dcc_job_is_cancelled",
    "dcc_job_release",
    "dcc_owner_close",
    "dcc_registration_unregister",
    "dcc_registration_unregister_no_wait",
    "dcc_request_cancel",
    "dcc_request_end",
];

/// The id that a structure contains at this offset.
fn id_at(call: &Call, argument: usize, offset: usize) -> Option<Id> {
    let bytes = call.blocks[call.block_of[argument]?].bytes().get(offset..)?;
    let word = |at: usize| Some(i64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?));
    let number = i128::from(word(0)? & 0xffff_ffff);
    if number == DCC_ID_INTEGER {
        return word(8).map(Id::Integer);
    }
    let (text, length) = (word(16)? as usize, word(24)? as usize);
    if number != DCC_ID_TEXT || text == 0 {
        return None;
    }
    // SAFETY: a text of ours, as long as it says or up to its NUL.
    let text = unsafe {
        if length as i128 == DCC_NUL_TERMINATED {
            std::ffi::CStr::from_ptr(text as *const _).to_bytes()
        } else {
            std::slice::from_raw_parts(text as *const u8, length)
        }
    };
    Some(Id::Text(text.to_vec()))
}

/// Checks that a cancel that comes after its request completed is not held.
fn requests(call: &Call, status: i64) {
    let name = FUNCTIONS[call.function].name;
    let first = call.arguments[0];
    match name {
        "dcc_request_begin" if status == 0 => {
            const ID: usize = core::mem::offset_of!(dcc_request_desc, id);
            let Some(id) = id_at(call, 1, ID) else { return };
            lock(&WORLD.completed).retain(|(session, over)| *session != first || *over != id);
            if let Some(block) = call.block_of[2] {
                let bytes = call.blocks[block].bytes();
                let request = u64::from_le_bytes(bytes[..8].try_into().expect("8 bytes"));
                lock(&WORLD.begun).push((request, first, id));
            }
        }
        "dcc_request_end" if status == 0 => {
            let mut begun = lock(&WORLD.begun);
            let Some(at) = begun.iter().position(|(request, ..)| *request == first) else { return };
            let (_, session, id) = begun.swap_remove(at);
            let owed = call.block_of[1].map(|block| call.blocks[block].bytes()[0]);
            let mut completed = lock(&WORLD.completed);
            completed.retain(|(other, _)| *other != session);
            let is_watched = WORLD.object(session).is_some_and(|object| object.executes);
            if owed.map(i128::from) == Some(DCC_OWED_RESULT) && is_watched {
                completed.push((session, id));
            }
        }
        "dcc_session_cancel" if i128::from(status) == DCC_HELD => {
            let Some(id) = id_at(call, 1, 0) else { return };
            if lock(&WORLD.completed).iter().any(|(session, over)| *session == first && *over == id)
            {
                finding!("{name} holds a cancel of a request that has completed");
            }
        }
        _ => {}
    }
}

/// Checks that a job whose end was known before is still in that state: an end stays. 0: no end was
/// known.
pub fn check_end(bits: u64, known: i64, state: i64) {
    if known != 0 && state != known {
        finding!("a job that had ended as {known} is {state}");
    }
    if i128::from(state) >= DCC_JOB_COMPLETED {
        WORLD.change(bits, |object| object.end = state);
    }
}

/// The inlined poll of the header.
fn poll_at(token: (u64, u64), job: (u64, u64)) -> i64 {
    let is_quiet = |layer: (u64, u64)| {
        // SAFETY: the library gave the address of a word that is readable for ever.
        let word = unsafe { std::sync::atomic::AtomicU64::from_ptr(layer.0 as usize as *mut u64) };
        word.load(Relaxed) == layer.1
    };
    if is_quiet(token) && is_quiet(job) {
        return 0;
    }
    let file = c"fuzz.rs";
    ask(SLOW, [token.1, job.1, file.as_ptr() as usize as u64, 7, 0, 0, 0, 0])
}

/// Takes snapshots and polls them, at once and later.
fn poll(me: &Me) {
    match me.below(4) {
        0 => {
            let (word, expected) = {
                let polls = lock(&WORLD.polls);
                polls[me.below(polls.len())]
            };
            if word != 0 {
                poll_at((word, expected), (word, expected));
            }
        }
        1 => poll_current(me),
        _ => poll_token(me, good_handle(me, TOKEN)),
    }
}

/// A snapshot that a function writes, and a poll of it.
fn snapshot(me: &Me, function: usize, token: Option<u64>) -> ([u64; 4], i64) {
    let mut pair = [0_u64; 4];
    let at = pair.as_mut_ptr() as usize as u64;
    let (first, second) = token.map_or((at, 0), |token| (token, at));
    let arguments = [first, second, 0, 0, 0, 0, 0, 0];
    let depth = me.record().depth();
    let number = me.tell(Made { function, depth, arguments, result: None });
    ask(function, arguments);
    if pair[0] == 0 {
        finding!("a snapshot has no word");
    }
    let token_layer = (pair[0], pair[1]);
    let job_layer = if token.is_some() { token_layer } else { (pair[2], pair[3]) };
    me.record().enter(SLOW, &[0; 8]);
    let answer = poll_at(token_layer, job_layer);
    me.record().leave();
    me.tell_result(number, answer as u64);
    (pair, answer)
}

fn poll_current(me: &Me) {
    let (_, answer) = snapshot(me, READ_CURRENT, None);
    if i128::from(answer) == DCC_POLL_GONE {
        finding!("a poll of what is current says that it is gone");
    }
}

fn poll_token(me: &Me, token: u64) {
    let was_ours = WORLD.owned(token) > 0;
    let (pair, answer) = snapshot(me, READ_TOKEN, Some(token));
    let is_ours = was_ours && WORLD.owned(token) > 0 && WORLD.is_single();
    if i128::from(answer) == DCC_POLL_GONE && is_ours {
        finding!("a poll of a token that is ours says that it is gone");
    }
    if answer == 0 && is_ours && WORLD.object(token).is_some_and(|it| it.is_cancelled) {
        finding!("a poll of a cancelled token says no");
    }
    let mut polls = lock(&WORLD.polls);
    polls.rotate_left(1);
    polls[15] = (pair[0], pair[1]);
}

/// A job of ours with a host's check; `None` if it could not be created.
fn foreign_job(me: &Me) -> Option<u64> {
    make(me, function("dcc_job_create"), true);
    let has_check = |payload: &&Payload| {
        payload.state.load(SeqCst) == ACCEPTED
            && is(payload.function.load(Relaxed), "dcc_job_create")
            && payload.given.load(Relaxed) & 1 << callbacks::IS_CANCELLED != 0
            && WORLD.owned(payload.handle.load(Relaxed)) > 0
    };
    WORLD.payloads().iter().rev().find(has_check).map(|payload| payload.handle.load(Relaxed))
}

/// How often one thing is done when it is done very many times: numbers near the limits of counts.
const MANY: [u64; 8] = [258_046, 258_047, 258_048, 262_143, 262_144, 1_048_575, 1_048_576, 70_000];

/// Does one thing very many times, because counts have limits.
fn many(me: &Me) {
    if me.chance(64) && WORLD.may_be_many.load(Relaxed) {
        return many_contexts(me);
    }
    let retains: Vec<usize> = (0..FUNCTIONS.len())
        .filter(|number| FUNCTIONS[*number].name.ends_with("_retain"))
        .collect();
    let number = me.one_of(&retains);
    let times = me.one_of(&MANY);
    let Kind::Handle(kind) = FUNCTIONS[number].parameters[0].kind else { return };
    let bits = good_handle(me, kind);
    if bits == 0 || WORLD.owned(bits) == 0 {
        return;
    }
    let depth = me.record().depth();
    let arguments = [bits, times, 0, 0, 0, 0, 0, 0];
    let told = me.tell(Made { function: number, depth, arguments, result: None });
    let mut given = 0;
    let mut status = 0;
    while given < times && status >= 0 {
        status = ask(number, [bits, 0, 0, 0, 0, 0, 0, 0]);
        given += u64::from(status >= 0);
    }
    me.tell_result(told, status as u64);
    if given > 0 {
        WORLD.adopt(kind, bits, given as i64);
    }
    for _ in 0..8 {
        act(me);
    }
}

/// Captures a token in as many contexts as possible, and checks the calls that must still work.
fn many_contexts(me: &Me) {
    let job = foreign_job(me).filter(|_| me.chance(192));
    let token = match job {
        Some(job) => ask(function("dcc_job_token"), [job, 0, 0, 0, 0, 0, 0, 0]) as u64,
        None => good_handle(me, TOKEN),
    };
    let mut ticket = 0_u64;
    let set_current = function("dcc_cancel_token_set_current");
    ask(set_current, [token, &raw mut ticket as usize as u64, 0, 0, 0, 0, 0, 0]);
    let mut captured = Vec::new();
    for _ in 0..me.one_of(&MANY).min(262_144) {
        let mut out = 0_u64;
        let capture = function("dcc_context_capture");
        if ask(capture, [&raw mut out as usize as u64, 0, 0, 0, 0, 0, 0, 0]) != 0 {
            break;
        }
        captured.push(out);
    }
    let mut hints: Hints = [0; HANDLES.len()];
    (hints[TOKEN], hints[A_JOB]) = (token, job.unwrap_or(0));
    me.hints.borrow_mut().push(hints);
    poll_current(me);
    for asked in [
        function("dcc_cancel_token_is_cancelled"),
        function("dcc_job_cancel"),
        function("dcc_cancel_token_cancel"),
        function("dcc_cancel_token_wait"),
    ] {
        make(me, asked, false);
    }
    poll(me);
    me.hints.borrow_mut().pop();
    ask(function("dcc_cancel_token_reset_current"), [ticket, 0, 0, 0, 0, 0, 0, 0]);
    for context in captured {
        let status = ask(function("dcc_context_release"), [context, 0, 0, 0, 0, 0, 0, 0]);
        if status != 0 {
            finding!("one of many contexts cannot be released: {status}");
        }
    }
}
