//! Each misuse that the header names gets the error that the header promises. No misuse crashes or
//! changes anything.

#[path = "../support/job_state.rs"]
mod job_state;
#[path = "../support/linked.rs"]
mod linked;

use dcc_cancel::ffi::{
    context::*, current::*, job::*, job_life::*, job_texts::*, job_wait::*, library::*,
    library_call::*, limits::*, poll::*, progress::*, progress_counter::*, seal::*, slice::*,
    status::*, token::*, token_all::*, wait::*,
};
use job_state::state_of;
use linked::linked_to;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

const NUL_TERMINATED: usize = usize::MAX;

fn new_token() -> *mut dcc_cancel_token {
    let mut token = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_cancel_token_create(&mut token) }, DCC_OK);
    token
}

fn job_desc() -> dcc_job_desc {
    // SAFETY: numbers, pointers and nullable functions, for which zero is a value.
    let mut desc: dcc_job_desc = unsafe { std::mem::zeroed() };
    desc.struct_size = size_of::<dcc_job_desc>() as u32;
    desc
}

fn create_job(desc: &dcc_job_desc) -> (dcc_status, *mut dcc_job) {
    let mut job = std::ptr::without_provenance_mut(1);
    // SAFETY: a descriptor and a writable result.
    let status = unsafe { dcc_job_create(desc, &mut job) };
    (status, job)
}

fn new_job() -> *mut dcc_job {
    let (status, job) = create_job(&job_desc());
    assert_eq!(status, DCC_OK);
    job
}

/// The structure of the first version, with all fields set to a number.
fn first_progress(all: u64) -> dcc_job_progress {
    dcc_job_progress {
        struct_size: size_of::<dcc_job_progress>() as u32,
        reserved: all as u32,
        done: all,
        total: all,
        fraction: all as f64,
        time_left_ns: all,
        over: all,
        late: all,
    }
}

fn progress_desc() -> dcc_progress_desc {
    // SAFETY: numbers and nullable pointers, for which zero is a value.
    let mut desc: dcc_progress_desc = unsafe { std::mem::zeroed() };
    desc.struct_size = size_of::<dcc_progress_desc>() as u32;
    desc
}

/// A share of a job that is still running.
fn new_share() -> *mut dcc_progress {
    let (mut ticket, mut share) = (0, null_mut());
    // SAFETY: a descriptor and writable results.
    unsafe {
        assert_eq!(dcc_job_set_current(new_job(), &mut ticket), DCC_OK);
        assert_eq!(dcc_progress_begin(&progress_desc(), &mut share), DCC_OK);
    }
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    assert!(!share.is_null());
    share
}

fn new_context() -> *mut dcc_context {
    let mut context = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_context_capture(&mut context) }, DCC_OK);
    context
}

/// The function of a bound context.
extern "C" fn ran(user_data: *mut c_void) -> *mut c_void {
    user_data
}

fn last_error() -> String {
    let mut buffer = [0 as c_char; 300];
    // SAFETY: a buffer of that size.
    unsafe {
        assert_eq!(dcc_last_error(buffer.as_mut_ptr(), buffer.len(), null_mut()), DCC_OK);
        CStr::from_ptr(buffer.as_ptr()).to_str().unwrap().to_owned()
    }
}

type TokenCall = (&'static str, fn(*mut dcc_cancel_token) -> dcc_status);
type JobCall = (&'static str, fn(*mut dcc_job) -> dcc_status);
type ShareCall = (&'static str, fn(*mut dcc_progress) -> dcc_status);
type ContextCall = (&'static str, fn(*mut dcc_context) -> dcc_status);

// SAFETY of the calls in these tables: their out-parameters are writable, their texts NULL or valid.
const TOKEN_CALLS: &[TokenCall] = &[
    ("join", |t| dcc_cancel_token_join(t, null())),
    ("create_all", |t| {
        let (parents, mut token) = ([t.cast_const()], null_mut());
        // SAFETY: one entry, a writable result.
        let status = unsafe { dcc_cancel_token_create_all(parents.as_ptr(), 1, &mut token) };
        assert_eq!(dcc_cancel_token_release(token), DCC_OK);
        status
    }),
    ("retain", |t| dcc_cancel_token_retain(t)),
    ("release", |t| dcc_cancel_token_release(t)),
    // SAFETY: as above.
    ("cancel", |t| unsafe { dcc_cancel_token_cancel(t, null(), 0) }),
    ("is_cancelled", |t| dcc_cancel_token_is_cancelled(t)),
    // SAFETY: as above.
    ("reason", |t| unsafe { dcc_cancel_token_reason(t, null_mut(), 0, null_mut()) }),
    // SAFETY: as above.
    ("trace_parent", |t| unsafe {
        dcc_cancel::ffi::token_trace::dcc_cancel_token_trace_parent(t, null_mut(), 0, null_mut())
    }),
    // SAFETY: as above.
    ("cause", |t| unsafe { dcc_cancel_token_cause(t, &mut 0) }),
    // SAFETY: as above.
    ("time", |t| unsafe { dcc_cancel_token_time_since_cancelled(t, &mut 0) }),
    // SAFETY: as above.
    ("caller_id", |t| unsafe { dcc_cancel_token_caller_id(t, null_mut(), 0, null_mut()) }),
    // SAFETY: as above.
    ("set_current", |t| unsafe { dcc_cancel_token_set_current(t, &mut 0) }),
    ("create_from", |t| {
        let parents: [*const dcc_cancel_token; 3] = [null(), t, null()];
        let mut child = std::ptr::without_provenance_mut(1);
        // SAFETY: as above.
        let status = unsafe { dcc_cancel_token_create_from(&linked_to(&parents), &mut child) };
        assert_eq!(child.is_null(), status < 0, "a failed create leaves NULL");
        status
    }),
    ("job parent", |t| {
        let (status, job) = create_job(&dcc_job_desc { parent: t, ..job_desc() });
        assert_eq!(job.is_null(), status < 0, "a failed create leaves NULL");
        status
    }),
];

const JOB_CALLS: &[JobCall] = &[
    ("retain", |j| dcc_job_retain(j)),
    ("release", |j| dcc_job_release(j)),
    // SAFETY: as above.
    ("cancel", |j| unsafe { dcc_job_cancel(j, null(), 0) }),
    ("is_cancelled", |j| dcc_job_is_cancelled(j)),
    ("seal", |j| dcc_job_seal(j)),
    ("wake", |j| dcc_job_wake(j)),
    // SAFETY: as above.
    ("wake_at_cancel", |j| unsafe { dcc_job_wake_at_cancel(j, null(), &mut null_mut()) }),
    ("wake_at_end", |j| dcc_job_wake_at_end(j, null())),
    ("is_sealed", |j| dcc_job_is_sealed(j)),
    ("state", |j| state_of(j)),
    ("begin", |j| dcc_job_begin(j)),
    ("complete", |j| dcc_job_complete(j)),
    // SAFETY: as above.
    ("fail", |j| unsafe { dcc_job_fail(j, null(), 0) }),
    ("acknowledge_cancel", |j| dcc_job_acknowledge_cancel(j)),
    // SAFETY: as above.
    ("end_by_error", |j| unsafe { dcc_job_end_by_error(j, 0, null(), 0) }),
    // SAFETY: as above.
    ("interrupt", |j| unsafe { dcc_job_interrupt(j, null(), 0) }),
    // SAFETY: as above.
    ("set_progress", |j| unsafe { dcc_job_set_progress(j, 1, 2, null(), 0) }),
    ("progress", |j| {
        let mut info = first_progress(9);
        // SAFETY: as above.
        unsafe { dcc_job_read_progress(j, &mut info) }
    }),
    // SAFETY: as above.
    ("message", |j| unsafe { dcc_job_progress_message(j, null_mut(), 0, null_mut()) }),
    // SAFETY: as above.
    ("label", |j| unsafe { dcc_job_label(j, null_mut(), 0, null_mut()) }),
    // SAFETY: as above.
    ("caller_id", |j| unsafe { dcc_job_caller_id(j, null_mut(), 0, null_mut()) }),
    // SAFETY: as above.
    ("failure", |j| unsafe { dcc_job_failure(j, null_mut(), 0, null_mut()) }),
    // SAFETY: as above.
    ("user_data", |j| unsafe { dcc_job_user_data(j, &mut null_mut()) }),
    // SAFETY: as above.
    ("set_current", |j| unsafe { dcc_job_set_current(j, &mut 0) }),
    ("wait", |j| dcc_job_wait(j, u64::MAX)),
    ("native_event", |j| {
        let mut event = DCC_NO_NATIVE_EVENT;
        // SAFETY: a writable result.
        let status = unsafe { dcc_job_native_event(j, &mut event) };
        assert_eq!(dcc_native_event_close(event), DCC_OK);
        status
    }),
];

const CONTEXT_CALLS: &[ContextCall] = &[
    ("retain", |c| dcc_context_retain(c)),
    ("release", |c| dcc_context_release(c)),
    // SAFETY: as above.
    ("enter", |c| unsafe { dcc_context_enter(c, &mut 0) }),
];

const SHARE_CALLS: &[ShareCall] = &[
    ("retain", |p| dcc_progress_retain(p)),
    ("release", |p| dcc_progress_release(p)),
    ("end", |p| dcc_progress_end(p)),
    ("add", |p| dcc_progress_add(p, 1)),
    // SAFETY: as above.
    ("add_at", |p| unsafe { dcc_progress_add_at(p, 1, null(), 0) }),
    ("set_total", |p| dcc_progress_set_total(p, 1)),
    // SAFETY: as above.
    ("set_message", |p| unsafe { dcc_progress_set_message(p, null(), 0) }),
    // SAFETY: as above.
    ("set_current", |p| unsafe { dcc_progress_set_current(p, &mut 0) }),
    ("read_counter", |p| {
        let layer = dcc_poll_layer { word: null(), expected: 0 };
        let poll = dcc_poll_pair { token: layer, job: layer };
        let mut counter = dcc_progress_counter { progress: null(), pending: 7, epoch: layer, poll };
        // SAFETY: as above.
        let status = unsafe { dcc_progress_read_counter(p, &mut counter) };
        // The results are defined even after an error, because inlined code uses them.
        assert_eq!((counter.progress, counter.pending), (p.cast_const(), 0));
        assert!(!counter.epoch.word.is_null() && !counter.poll.job.word.is_null());
        status
    }),
    ("begin below", |p| {
        let desc = dcc_progress_desc { parent: p, ..progress_desc() };
        let mut below = std::ptr::without_provenance_mut(1);
        // SAFETY: as above.
        let status = unsafe { dcc_progress_begin(&desc, &mut below) };
        assert_eq!(below.is_null(), status < 0 || p.is_null(), "a failed begin leaves NULL");
        status
    }),
];

/// Values that are not the handle of a live object, derived from a live handle.
fn bad_bits(live: usize) -> Vec<usize> {
    let mut bits = vec![1, 2, 0xdead_beef, usize::MAX, usize::MAX >> 1, 1 << 63, live ^ (1 << 40)];
    bits.extend((0..8).chain(32..64).map(|bit| live ^ (1 << bit)));
    let mut random = 0x9e37_79b9_7f4a_7c15_usize;
    for _ in 0..1000 {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        bits.push(random);
    }
    bits
}

fn all_refuse(tokens: &[usize], jobs: &[usize], contexts: &[usize]) {
    for &bits in tokens {
        for (name, call) in TOKEN_CALLS {
            let status = call(std::ptr::without_provenance_mut(bits));
            assert_eq!(status, DCC_ERROR_INVALID_HANDLE, "token {name} {bits:#x}");
            assert!(last_error().contains(&format!("{bits:#x}")), "{}", last_error());
        }
        let layer = |mut layer: dcc_poll_layer| {
            // SAFETY: a writable result.
            unsafe { dcc_poll_read_token(std::ptr::without_provenance(bits), &mut layer) };
            layer
        };
        let layer = layer(dcc_poll_layer { word: null(), expected: 0 });
        // SAFETY: a word of a snapshot is readable for ever; a NUL-terminated file name.
        unsafe {
            let word = AtomicU64::from_ptr(layer.word.cast_mut()).load(Ordering::Relaxed);
            assert_ne!(word, layer.expected, "the inlined poll takes the slow path");
            let polled = dcc_poll_slow(layer.expected, 0, c"here".as_ptr(), 1);
            assert_eq!(polled, DCC_POLL_GONE);
        }
    }
    for &bits in jobs {
        for (name, call) in JOB_CALLS {
            let status = call(std::ptr::without_provenance_mut(bits));
            assert_eq!(status, DCC_ERROR_INVALID_HANDLE, "job {name} {bits:#x}");
        }
        let job = std::ptr::without_provenance(bits);
        assert_eq!(dcc_job_id(job), 0);
        assert!(dcc_job_token(job).is_null());
    }
    for &bits in contexts {
        for (name, call) in CONTEXT_CALLS {
            let status = call(std::ptr::without_provenance_mut(bits));
            assert_eq!(status, DCC_ERROR_INVALID_HANDLE, "context {name} {bits:#x}");
        }
    }
}

fn shares_refuse(shares: &[usize]) {
    for &bits in shares {
        for (name, call) in SHARE_CALLS {
            let status = call(std::ptr::without_provenance_mut(bits));
            assert_eq!(status, DCC_ERROR_INVALID_HANDLE, "share {name} {bits:#x}");
            assert!(last_error().contains(&format!("{bits:#x}")), "{}", last_error());
        }
    }
}

#[test]
fn bad_handles_of_shares_are_refused() {
    let (stale, live) = (new_share(), new_share());
    assert_eq!(dcc_progress_release(stale), DCC_OK);
    shares_refuse(&[stale.addr(), new_token().addr(), new_job().addr(), new_context().addr()]);
    shares_refuse(&bad_bits(live.addr()));
    assert_eq!(dcc_progress_add(live, 1), DCC_OK);
}

#[test]
fn a_share_begins_of_what_makes_sense() {
    let share = new_share();
    let begin = |desc: dcc_progress_desc| {
        // SAFETY: a descriptor and a writable result.
        unsafe { dcc_progress_begin(&desc, &mut null_mut()) }
    };
    let refused = [
        (dcc_progress_desc { weight: 1, ..progress_desc() }, "weight without a parent is 1"),
        (dcc_progress_desc { reserved: 1, ..progress_desc() }, "reserved"),
        (dcc_progress_desc { struct_size: 40, ..progress_desc() }, "struct_size is 40"),
        (dcc_progress_desc { parent: share, label_length: 3, ..progress_desc() }, "label_length"),
    ];
    for (desc, complaint) in refused {
        assert_eq!(begin(desc), DCC_ERROR_INVALID_ARGUMENT, "{complaint}");
        assert!(last_error().contains(complaint), "{}", last_error());
    }
    // SAFETY: NULL is what is tested.
    unsafe {
        assert_eq!(dcc_progress_begin(&progress_desc(), null_mut()), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(dcc_progress_begin(null(), &mut null_mut()), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(dcc_progress_read_counter(share, null_mut()), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(dcc_progress_set_current(share, null_mut()), DCC_ERROR_INVALID_ARGUMENT);
    }
}

#[test]
fn null_is_a_no_op_everywhere() {
    for (name, call) in SHARE_CALLS {
        assert_eq!(call(null_mut()), DCC_OK, "share {name}");
    }
    let fine = [DCC_OK, DCC_NOT_CANCELLED];
    for (name, call) in TOKEN_CALLS {
        assert!(fine.contains(&call(null_mut())), "token {name}");
    }
    for (name, call) in JOB_CALLS {
        assert!(fine.contains(&call(null_mut())), "job {name}");
    }
    for (name, call) in CONTEXT_CALLS {
        assert!(fine.contains(&call(null_mut())), "context {name}");
    }
    assert_eq!(dcc_job_id(null()), 0);
    assert!(dcc_job_token(null()).is_null());
}

#[test]
fn stale_and_doubly_released_handles_are_refused() {
    let (token, job, context) = (new_token(), new_job(), new_context());
    let job_token = dcc_job_token(job);
    assert_eq!(dcc_cancel_token_release(token), DCC_OK);
    assert_eq!(dcc_job_release(job), DCC_OK);
    assert_eq!(dcc_context_release(context), DCC_OK);
    all_refuse(&[token.addr(), job_token.addr()], &[job.addr()], &[context.addr()]);
}

#[test]
fn handles_of_another_kind_are_refused() {
    let (token, job, context) = (new_token().addr(), new_job().addr(), new_context().addr());
    all_refuse(&[job, context], &[token, context], &[token, job]);
}

#[test]
fn made_up_handles_and_flag_bits_are_refused() {
    let (token, job, context) = (new_token().addr(), new_job().addr(), new_context().addr());
    all_refuse(&bad_bits(token), &bad_bits(job), &bad_bits(context));
}

/// The state word of a cancelled token is its handle with a flag bit set.
#[test]
fn flag_bits_are_refused_whatever_the_state() {
    let (token, job) = (new_token(), new_job());
    // SAFETY: no reasons.
    unsafe {
        dcc_cancel_token_cancel(token, null(), 0);
        dcc_job_cancel(job, null(), 0);
    }
    let flagged = |bits: usize| (1..16).map(move |flags| bits | flags).collect::<Vec<_>>();
    let job_token = dcc_job_token(job).addr();
    all_refuse(&[flagged(token.addr()), flagged(job_token)].concat(), &flagged(job.addr()), &[]);
}

#[test]
fn the_token_of_a_job_cannot_be_released_away() {
    let job = new_job();
    assert_eq!(dcc_cancel_token_release(dcc_job_token(job)), DCC_ERROR_INVALID_HANDLE);
    // SAFETY: no reason.
    assert_eq!(unsafe { dcc_job_cancel(job, null(), 0) }, DCC_OK);
    assert_eq!(dcc_cancel_token_is_cancelled(dcc_job_token(job)), DCC_CANCELLED_BY_TOKEN);
}

#[test]
fn null_out_pointers_are_refused() {
    let (token, job) = (new_token(), new_job());
    // SAFETY: NULL is what is tested.
    let answers = unsafe {
        [
            dcc_cancel_token_create(null_mut()),
            dcc_cancel_token_create_from(&linked_to(&[]), null_mut()),
            dcc_cancel_token_create_from(
                &dcc_cancel_token_desc { parent_count: 1, parents: null(), ..linked_to(&[]) },
                &mut null_mut(),
            ),
            dcc_cancel_token_create_from(null(), &mut null_mut()),
            dcc_cancel_token_cause(token, null_mut()),
            dcc_cancel_token_time_since_cancelled(token, null_mut()),
            dcc_cancel_token_set_current(token, null_mut()),
            dcc_cancel_token_reason(token, null_mut(), 1, null_mut()),
            dcc_job_create(null(), &mut null_mut()),
            dcc_job_create(&job_desc(), null_mut()),
            dcc_job_find(1, null_mut()),
            dcc_job_user_data(job, null_mut()),
            dcc_job_read_progress(job, null_mut()),
            dcc_job_set_current(job, null_mut()),
            dcc_context_capture(null_mut()),
            dcc_context_bind(Some(ran), null_mut(), None, null_mut()),
            dcc_context_bind(None, null_mut(), None, &mut null_mut()),
            dcc_library_call_begin(null_mut()),
            dcc_library_call_ask(null_mut()),
            dcc_library_call_end(null(), 1, 0, null(), 0),
            dcc_context_enter(null(), null_mut()),
            dcc_context_shield(null_mut()),
            dcc_cancel::ffi::wait::dcc_context_ask(token, null_mut()),
            dcc_poll_read_current(null_mut()),
            dcc_poll_read_current_at(null_mut(), null(), 0),
            dcc_poll_read_token(token, null_mut()),
            dcc_cancel::ffi::stats::dcc_stats_read(null_mut()),
            dcc_last_error(null_mut(), 1, null_mut()),
        ]
    };
    assert_eq!(answers, [DCC_ERROR_INVALID_ARGUMENT; 28]);
    assert!(dcc_cancel_token_current().is_null() && dcc_job_current().is_null());
}

#[test]
fn what_is_not_bound_or_has_no_reference_left_is_not_run() {
    let mut bound = null_mut();
    let user_data = std::ptr::without_provenance_mut(8);
    // SAFETY: a function that looks at nothing, and a writable result.
    assert_eq!(unsafe { dcc_context_bind(Some(ran), user_data, None, &mut bound) }, DCC_OK);
    assert_eq!(dcc_context_retain(bound), DCC_OK);
    for _ in 0..2 {
        assert_eq!(dcc_context_run(bound.cast()), user_data, "once for each reference");
    }
    let unbound = new_context();
    let (token, job) = (new_token().addr(), new_job().addr());
    let gone = [bound.addr(), token, job];
    let all = gone.into_iter().chain(bad_bits(unbound.addr())).map(|bits| (bits, "context"));
    for (bits, why) in all.chain([(unbound.addr(), "dcc_context_bind"), (0, "dcc_context_bind")]) {
        assert!(dcc_context_run(std::ptr::without_provenance_mut(bits)).is_null(), "{bits:#x}");
        assert!(last_error().contains(why), "{bits:#x}: {}", last_error());
    }
    assert_eq!(dcc_context_release(unbound), DCC_OK, "it was not taken");
}

#[test]
fn bad_texts_are_refused_and_cancel_nothing() {
    let (token, job) = (new_token(), new_job());
    assert_eq!(dcc_job_begin(job), DCC_OK);
    let bad = [b'a', 0xff, b'b'];
    let long = [b'x'; DCC_MAX_TEXT_LENGTH + 1];
    // SAFETY: texts of those lengths, or NULL, which is what is tested.
    unsafe {
        for (text, length, complaint) in [
            (bad.as_ptr(), 3, "not UTF-8 at byte 1"),
            (long.as_ptr(), long.len(), "4097 bytes; at most 4096"),
            (null(), 5, "_length is 5"),
        ] {
            let text = text.cast::<c_char>();
            for status in [
                dcc_cancel_token_cancel(token, text, length),
                dcc_job_cancel(job, text, length),
                dcc_job_fail(job, text, length),
                dcc_job_end_by_error(job, 1, text, length),
                dcc_job_interrupt(job, text, length),
                dcc_job_set_progress(job, 1, 2, text, length),
                dcc_job_set_progress_at(job, 1, 2, text, length, null(), 0),
            ] {
                assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
                assert!(last_error().contains(complaint), "{}", last_error());
            }
            let desc = dcc_job_desc { label: text, label_length: length, ..job_desc() };
            assert_eq!(create_job(&desc), (DCC_ERROR_INVALID_ARGUMENT, null_mut()));
        }
        let id =
            dcc_job_desc { caller_id: long.as_ptr().cast(), caller_id_length: 129, ..job_desc() };
        assert_eq!(create_job(&id), (DCC_ERROR_INVALID_ARGUMENT, null_mut()));
        assert!(last_error().contains("dcc_job_desc.caller_id has 129 bytes"), "{}", last_error());
        let limit = dcc_job_desc { caller_id_length: 128, ..id };
        assert_eq!(create_job(&limit).0, DCC_OK);
    }
    assert_eq!(dcc_cancel_token_is_cancelled(token), DCC_OK);
    assert_eq!((dcc_job_is_cancelled(job), state_of(job)), (DCC_OK, DCC_JOB_RUNNING));
}

#[test]
fn sizes_of_descriptors_are_checked() {
    #[repr(C)]
    struct Later {
        desc: dcc_job_desc,
        tail: u64,
    }
    let later = |tail| Later { desc: dcc_job_desc { struct_size: 96, ..job_desc() }, tail };
    assert_eq!(create_job(&later(0).desc).0, DCC_OK);
    assert_eq!(create_job(&later(1).desc).0, DCC_ERROR_UNSUPPORTED);
    for size in [0, 1, 80, 87, u32::MAX] {
        let desc = dcc_job_desc { struct_size: size, ..job_desc() };
        assert_eq!(create_job(&desc), (DCC_ERROR_INVALID_ARGUMENT, null_mut()), "{size}");
        assert!(last_error().contains(&format!("struct_size is {size}")), "{}", last_error());
    }
    let flags = dcc_job_desc { flags: 4, ..job_desc() };
    assert_eq!(create_job(&flags), (DCC_ERROR_INVALID_ARGUMENT, null_mut()));
}

#[test]
fn out_structures_get_the_smaller_of_the_sizes() {
    #[repr(C)]
    struct Later {
        info: dcc_job_progress,
        tail: u64,
    }
    let job = new_job();
    dcc_job_begin(job);
    let info = |struct_size| dcc_job_progress { struct_size, ..first_progress(7) };
    // SAFETY: writable for the size that each says.
    unsafe {
        assert_eq!(dcc_job_set_progress(job, 3, 4, null(), 0), DCC_OK);
        let mut later = Later { info: info(64), tail: 99 };
        assert_eq!(dcc_job_read_progress(job, &mut later.info), DCC_OK);
        assert_eq!((later.info.struct_size, later.info.done, later.info.total), (56, 3, 4));
        assert_eq!(later.tail, 99);
        let mut small = info(48);
        assert_eq!(dcc_job_read_progress(job, &mut small), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!((small.done, small.total), (7, 7));
    }
}

#[test]
fn texts_come_out_as_snprintf_does() {
    let job = {
        let label = "grün"; // 5 bytes
        let desc =
            dcc_job_desc { label: label.as_ptr().cast(), label_length: label.len(), ..job_desc() };
        create_job(&desc).1
    };
    for (size, expected) in
        [(0, ""), (1, ""), (2, "g"), (3, "gr"), (4, "gr"), (5, "grü"), (6, "grün"), (9, "grün")]
    {
        let mut buffer = [b'?'; 10];
        let mut length = 0;
        // SAFETY: the buffer is longer than any of the sizes.
        let status = unsafe { dcc_job_label(job, buffer.as_mut_ptr().cast(), size, &mut length) };
        assert_eq!((status, length), (DCC_OK, 5));
        let written = if size == 0 { 0 } else { expected.len() + 1 };
        if size > 0 {
            assert_eq!(&buffer[..expected.len()], expected.as_bytes(), "size {size}");
            assert_eq!(buffer[expected.len()], 0, "size {size}");
        }
        assert!(buffer[written.max(size)..].iter().all(|byte| *byte == b'?'), "size {size}");
    }
}

#[test]
fn every_verb_in_every_state() {
    let verbs: [fn(*mut dcc_job) -> dcc_status; 7] = [
        |job| dcc_job_begin(job),
        |job| dcc_job_complete(job),
        // SAFETY: no message.
        |job| unsafe { dcc_job_fail(job, null(), 0) },
        |job| dcc_job_acknowledge_cancel(job),
        // SAFETY: no message.
        |job| unsafe { dcc_job_interrupt(job, null(), 0) },
        // SAFETY: no message.
        |job| unsafe { dcc_job_end_by_error(job, 0, null(), 0) },
        // SAFETY: no message.
        |job| unsafe { dcc_job_end_by_error(job, 1, null(), 0) },
    ];
    let into = [
        DCC_JOB_RUNNING,
        DCC_JOB_COMPLETED,
        DCC_JOB_FAILED,
        DCC_JOB_CANCELLED,
        DCC_JOB_INTERRUPTED,
    ];
    for start in [
        DCC_JOB_PENDING,
        DCC_JOB_RUNNING,
        DCC_JOB_COMPLETED,
        DCC_JOB_FAILED,
        DCC_JOB_CANCELLED,
        DCC_JOB_INTERRUPTED,
    ] {
        for (verb, target) in verbs.iter().zip(into) {
            let job = new_job();
            if start != DCC_JOB_PENDING {
                assert_eq!(dcc_job_begin(job), DCC_OK);
            }
            if start > DCC_JOB_RUNNING {
                assert_eq!(verbs[start as usize - 2](job), DCC_OK);
            }
            let expected = match (start, target) {
                (DCC_JOB_PENDING, DCC_JOB_COMPLETED) => (DCC_ERROR_WRONG_STATE, start),
                (DCC_JOB_PENDING, _) => (DCC_OK, target),
                (_, DCC_JOB_RUNNING) => (DCC_ERROR_WRONG_STATE, start),
                (DCC_JOB_RUNNING, _) => (DCC_OK, target),
                _ => (DCC_ALREADY_ENDED, start),
            };
            assert_eq!((verb(job), state_of(job)), expected, "from {start} into {target}");
            // SAFETY: no reason.
            let cancelled = unsafe { dcc_job_cancel(job, null(), 0) };
            let ended = expected.1 > DCC_JOB_RUNNING;
            assert_eq!(cancelled, if ended { DCC_ALREADY_ENDED } else { DCC_OK });
            assert_eq!(state_of(job), expected.1, "a cancel only asks");
        }
    }
}

#[test]
fn a_job_cancelled_while_pending_does_not_begin() {
    let job = new_job();
    // SAFETY: no reason.
    unsafe { dcc_job_cancel(job, null(), 0) };
    assert_eq!((dcc_job_begin(job), state_of(job)), (DCC_CANCELLED_BY_JOB, DCC_JOB_PENDING));
    assert_eq!(dcc_job_acknowledge_cancel(job), DCC_OK);
}

#[test]
fn progress_only_grows_and_only_while_running() {
    let job = new_job();
    let set = |done, message: &CStr| {
        let words = if message.is_empty() { null() } else { message.as_ptr() };
        let length = if words.is_null() { 0 } else { NUL_TERMINATED };
        // SAFETY: a NUL-terminated text or none.
        unsafe { dcc_job_set_progress(job, done, 10, words, length) }
    };
    let get = || {
        let mut info = first_progress(0);
        let mut message = [0 as c_char; 16];
        // SAFETY: a structure and a buffer of those sizes.
        unsafe {
            dcc_job_read_progress(job, &mut info);
            dcc_job_progress_message(job, message.as_mut_ptr(), 16, null_mut());
            (info.done, CStr::from_ptr(message.as_ptr()).to_str().unwrap().to_owned())
        }
    };
    assert_eq!(set(1, c"early"), DCC_ERROR_WRONG_STATE);
    dcc_job_begin(job);
    assert_eq!(set(5, c"five"), DCC_OK);
    assert_eq!(set(4, c"four"), DCC_OK);
    assert_eq!(get(), (5, "five".to_owned()));
    assert_eq!(set(6, c""), DCC_OK);
    assert_eq!(get(), (6, "five".to_owned()));
    let token = new_token();
    let mut ticket = 0;
    // SAFETY: a writable result; no reasons.
    unsafe {
        dcc_cancel_token_set_current(token, &mut ticket);
        dcc_job_cancel(job, null(), 0);
        assert_eq!(set(7, c""), DCC_CANCELLED_BY_JOB);
        dcc_cancel_token_cancel(token, null(), 0);
        assert_eq!(set(8, c""), DCC_CANCELLED_BY_TOKEN);
    }
    dcc_cancel_token_reset_current(ticket);
    dcc_job_complete(job);
    assert_eq!(set(9, c"late"), DCC_ERROR_WRONG_STATE);
    assert_eq!(get(), (8, "five".to_owned()));
}

unsafe extern "C" fn count(user_data: *mut c_void) {
    // SAFETY: the counter of the test that made the job.
    unsafe { &*user_data.cast::<AtomicU32>() }.fetch_add(1, Ordering::Relaxed);
}

#[test]
fn destroy_runs_once_and_never_for_a_failed_create() {
    let runs = AtomicU32::new(0);
    let desc = dcc_job_desc {
        user_data: (&raw const runs).cast_mut().cast(),
        destroy: Some(count),
        ..job_desc()
    };
    let stale = new_token();
    dcc_cancel_token_release(stale);
    let failed = create_job(&dcc_job_desc { parent: stale, ..desc });
    assert_eq!(failed, (DCC_ERROR_INVALID_HANDLE, null_mut()));
    assert_eq!(runs.load(Ordering::Relaxed), 0, "the payload is still the caller's");
    let (_, job) = create_job(&desc);
    assert_eq!(dcc_job_retain(job), DCC_OK);
    assert_eq!(dcc_job_release(job), DCC_OK);
    assert_eq!(runs.load(Ordering::Relaxed), 0);
    assert_eq!(dcc_job_release(job), DCC_OK);
    assert_eq!(dcc_job_release(job), DCC_ERROR_INVALID_HANDLE);
    assert_eq!(runs.load(Ordering::Relaxed), 1);
}

#[test]
fn jobs_are_found_by_id_while_they_live() {
    let job = new_job();
    let id = dcc_job_id(job);
    assert!(id > 0 && id < 1 << 53);
    let find = |id| {
        let mut found = std::ptr::without_provenance_mut(1);
        // SAFETY: a writable result.
        (unsafe { dcc_job_find(id, &mut found) }, found)
    };
    assert_eq!(find(id), (DCC_OK, job));
    assert_eq!(dcc_job_release(job), DCC_OK);
    assert_eq!(dcc_job_release(job), DCC_OK);
    for id in [id, 0, u64::MAX, 1 << 53, id ^ (1 << 45)] {
        assert_eq!(find(id), (DCC_NOT_FOUND, null_mut()), "{id}");
    }
    assert_ne!(dcc_job_id(new_job()), id, "ids are not used again");
}

#[test]
fn each_status_has_a_text_of_its_own() {
    let text = |status| {
        // SAFETY: a static text.
        unsafe { CStr::from_ptr(dcc_status_string(status)) }.to_str().unwrap()
    };
    let header = include_str!("../../include/dcc_cancel.h");
    let mut texts = std::collections::HashSet::new();
    let mut constants = 0;
    for line in header.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let status = match words[..] {
            ["#define", name, number]
                if name.starts_with("DCC_ERROR_")
                    || name.starts_with("DCC_ALREADY_")
                    || name.starts_with("DCC_CANCELLED_BY_")
                    || [
                        "DCC_OK",
                        "DCC_POLL_GONE",
                        "DCC_NOT_CANCELLED",
                        "DCC_NOT_FOUND",
                        "DCC_SECOND_INSTANCE",
                        "DCC_TIMED_OUT",
                        "DCC_NEVER",
                        "DCC_CALLBACK_DONE",
                        "DCC_CALLBACK_RUNNING",
                        "DCC_PENDING",
                        "DCC_STARTED",
                        "DCC_WEDGED",
                        "DCC_HELD",
                        "DCC_NOT_CANCELLABLE",
                    ]
                    .contains(&name) =>
            {
                number.parse::<i32>().unwrap()
            }
            _ => continue,
        };
        constants += 1;
        assert_ne!(text(status), "Unknown status", "{line}");
        assert!(texts.insert(text(status)), "{line} has another's text");
    }
    assert_eq!(constants, 35);
    assert_eq!(text(12345), "Unknown status");
}

#[test]
fn the_numbers_agree_with_their_copies() {
    let header = include_str!("../../include/dcc_cancel.h");
    let version = concat!("#define DCC_CANCEL_VERSION \"", env!("CARGO_PKG_VERSION"), "\"");
    assert!(header.contains(version));
    assert!(include_str!("../../CHANGELOG.md").contains(concat!("## ", env!("CARGO_PKG_VERSION"))));
    assert_eq!(dcc_abi_version(), DCC_ABI_MAJOR << 16 | DCC_ABI_MINOR);
    assert_eq!(size_of::<dcc_job_desc>(), 88);
    assert_eq!(size_of::<dcc_cancel_token_desc>(), 40);
    assert_eq!(size_of::<dcc_job_progress>(), 56);
    assert_eq!(size_of::<dcc_poll_pair>(), 32);
}

/// Each exported function goes through the panic guard, by itself or through a helper in its file.
#[test]
fn no_exported_function_forgot_the_panic_guard() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/ffi");
    let guards = [
        "guard(",
        "guard_anywhere(",
        "guard_creating(",
        "guard_value(",
        "with(",
        "with_text(",
        "ask(",
        "probe(",
        "probe_token(",
        "read_current(",
    ];
    let mut checked = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        for part in text.split("#[unsafe(no_mangle)]").skip(1) {
            let body = &part[..part.find("\n}\n").expect("a function ends")];
            let signature = body.lines().find(|line| line.contains("extern \"C\" fn")).unwrap();
            let inside = &body[body.find('{').unwrap()..];
            assert!(guards.iter().any(|guard| inside.contains(guard)), "{signature}");
            checked += 1;
        }
        // The helpers that count as the guard use the guard themselves.
        for helper in [
            "extern \"C\" fn ask(",
            "extern \"C\" fn probe(",
            "extern \"C\" fn probe_token(",
            "extern \"C\" fn read_nothing(",
        ] {
            if let Some(start) = text.find(helper) {
                assert!(text[start..][..200].contains("guard_anywhere("), "{helper}");
            }
        }
    }
    assert!(checked > 50, "{checked}");
}
