//! Misuse of dispatchers gets an error as its answer, and no job is lost by it.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{
    dispatcher::*, dispatcher_stats::*, job::*, job_life::*, post::*, pump::*, status::*,
};
use listening::{Token, alone};
use posting::*;
use std::ptr::{null, null_mut};

type Call = fn(*mut dcc_dispatcher) -> dcc_status;

fn refused_post() -> dcc_post_desc {
    unsafe extern "C-unwind" fn never(_: *const dcc_job, _: *mut std::ffi::c_void) -> i32 {
        unreachable!("refused")
    }
    // SAFETY: numbers, pointers and nullable functions, for which zero is a value.
    let mut desc: dcc_post_desc = unsafe { std::mem::zeroed() };
    desc.struct_size = size_of::<dcc_post_desc>() as u32;
    desc.function = Some(never);
    desc
}

/// Every function that takes a dispatcher.
const CALLS: [(&str, Call); 9] = [
    ("retain", |dispatcher| dcc_dispatcher_retain(dispatcher)),
    ("release", |dispatcher| dcc_dispatcher_release(dispatcher)),
    ("close", |dispatcher| dcc_dispatcher_close(dispatcher)),
    // SAFETY: filled-in descriptors, writable results or NULL.
    ("post", |dispatcher| unsafe {
        dcc_dispatcher_post(dispatcher, &refused_post(), null_mut(), null_mut())
    }),
    // SAFETY: filled-in descriptors, writable results or NULL.
    ("post_and_wait", |dispatcher| unsafe {
        dcc_dispatcher_post_and_wait(dispatcher, &refused_post(), 0, null_mut(), null_mut())
    }),
    // SAFETY: filled-in descriptors, writable results or NULL.
    ("pump", |dispatcher| unsafe { dcc_dispatcher_pump(dispatcher, 1, 1, null_mut()) }),
    // SAFETY: filled-in descriptors, writable results or NULL.
    ("find", |dispatcher| unsafe {
        let mut job = std::ptr::without_provenance_mut(1);
        let status = dcc_dispatcher_find(dispatcher, c"id".as_ptr(), 2, &mut job);
        assert!(job.is_null());
        status
    }),
    // SAFETY: filled-in descriptors, writable results or NULL.
    ("stats", |dispatcher| unsafe {
        let mut info: dcc_dispatcher_stats = std::mem::zeroed();
        info.struct_size = size_of::<dcc_dispatcher_stats>() as u32;
        dcc_dispatcher_read_stats(dispatcher, &mut info)
    }),
    // SAFETY: filled-in descriptors, writable results or NULL.
    ("longest_label", |dispatcher| unsafe {
        dcc_dispatcher_longest_label(dispatcher, null_mut(), 0, null_mut())
    }),
];

#[test]
fn no_bits_but_a_live_dispatchers_are_taken() {
    let _alone = alone();
    let (dispatcher, token) = (Dispatcher::new(), Token::new());
    let gone = Dispatcher::new();
    gone.release();
    let mut bits = vec![1, 7, 0xdead_beef, usize::MAX, 1 << 63, gone.0, token.0];
    bits.extend((0..8).chain(32..64).map(|bit| dispatcher.0 ^ (1 << bit)));
    for bits in bits {
        for (name, call) in CALLS {
            let status = call(std::ptr::without_provenance_mut(bits));
            assert_eq!(status, DCC_ERROR_INVALID_HANDLE, "{name} {bits:#x}");
            assert!(last_error().contains("not a live dispatcher"), "{}", last_error());
        }
    }
    // NULL stands for no dispatcher, so calls refuse it. Retain, release and close accept it and do
    // nothing.
    for (name, call) in CALLS {
        let harmless = ["retain", "release", "close"].contains(&name);
        let expected = if harmless { DCC_OK } else { DCC_ERROR_INVALID_HANDLE };
        assert_eq!(call(null_mut()), expected, "{name}");
    }
    token.release();
    dispatcher.release();
}

#[test]
fn bad_descriptors_are_refused_and_take_nothing() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let create = |change: &dyn Fn(&mut dcc_dispatcher_desc)| {
        let mut desc = dispatcher_desc();
        change(&mut desc);
        let mut out = std::ptr::without_provenance_mut(1);
        // SAFETY: a filled-in descriptor and a writable result.
        let status = unsafe { dcc_dispatcher_create(&desc, &mut out) };
        assert!(out.is_null());
        status
    };
    assert_eq!(create(&|desc| desc.flags = 2), DCC_ERROR_INVALID_ARGUMENT);
    assert_eq!(create(&|desc| desc.reserved = 1), DCC_ERROR_INVALID_ARGUMENT);
    assert_eq!(create(&|desc| desc.struct_size = 95), DCC_ERROR_INVALID_ARGUMENT);
    assert!(last_error().contains("struct_size is 95"), "{}", last_error());
    assert_eq!(
        create(&|desc| desc.owner = std::ptr::without_provenance(0xbad)),
        DCC_ERROR_INVALID_HANDLE
    );
    // SAFETY: NULL is an answer.
    unsafe {
        assert_eq!(dcc_dispatcher_create(null(), null_mut()), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(
            dcc_dispatcher_create(&dispatcher_desc(), null_mut()),
            DCC_ERROR_INVALID_ARGUMENT
        );
        let post = dcc_dispatcher_post(dispatcher.pointer(), null(), null_mut(), null_mut());
        assert_eq!(post, DCC_ERROR_INVALID_ARGUMENT);
    }
    type Spoil = fn(&mut Post);
    let bad: [(&str, Spoil); 6] = [
        ("flags", |post| post.desc.flags = 8),
        ("reserved", |post| post.desc.reserved = 1),
        ("lane", |post| post.desc.lane = 4),
        ("size", |post| post.desc.struct_size = 103),
        ("parent", |post| post.desc.parent = std::ptr::without_provenance(0xbad)),
        ("owner", |post| post.desc.owner = std::ptr::without_provenance(0xbad)),
    ];
    for (name, spoil) in bad {
        let mut post = nothing();
        spoil(&mut post);
        // `try_post` checks that the payload was not touched.
        let status = dispatcher.try_post(post).err();
        let expected = if ["parent", "owner"].contains(&name) {
            DCC_ERROR_INVALID_HANDLE
        } else {
            DCC_ERROR_INVALID_ARGUMENT
        };
        assert_eq!(status, Some(expected), "{name}");
    }
    let mut desc = refused_post();
    desc.function = None;
    // SAFETY: a filled-in descriptor.
    unsafe {
        let status = dcc_dispatcher_post(dispatcher.pointer(), &desc, null_mut(), null_mut());
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        let mut label = refused_post();
        label.label = [0xff_u8, 0].as_ptr().cast();
        label.label_length = 1;
        let status = dcc_dispatcher_post(dispatcher.pointer(), &label, null_mut(), null_mut());
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        assert!(last_error().contains("not UTF-8"), "{}", last_error());
        // An out-structure whose size says 0.
        let mut tick: dcc_tick = std::mem::zeroed();
        let status = dcc_dispatcher_pump(dispatcher.pointer(), 1, 1, &mut tick);
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
    }
    let long = "x".repeat(257);
    assert_eq!(
        dispatcher.try_post(nothing().caller_id(&long)).err(),
        Some(DCC_ERROR_INVALID_ARGUMENT)
    );
    let stats = dispatcher.stats();
    assert_eq!((stats.depth, stats.posted, stats.rejected), (0, 0, 0));
    dispatcher.release();
}

/// The numbers are part of the ABI.
#[test]
fn the_structures_have_their_sizes() {
    let _alone = alone();
    assert_eq!(size_of::<dcc_dispatcher_desc>(), 96);
    assert_eq!(size_of::<dcc_post_desc>(), 104);
    assert_eq!(size_of::<dcc_admission>(), 24);
    assert_eq!(size_of::<dcc_tick>(), 64);
    assert_eq!(size_of::<dcc_dispatcher_stats>(), 224);
    // A structure with the size that the caller's header gives it is filled, by later libraries,
    // too.
    let dispatcher = Dispatcher::new();
    assert_eq!(dispatcher.stats().struct_size, 224);
    dispatcher.release();
}

/// Code may end a posted job like any other job; the dispatcher copes with that.
#[test]
fn a_job_that_was_ended_from_outside_never_runs_and_one_that_was_begun_does() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(nothing());
    // SAFETY: no text.
    assert_eq!(unsafe { dcc_job_interrupt(posted.job.pointer(), null(), 0) }, DCC_OK);
    let begun = dispatcher.post(nothing());
    assert_eq!(dcc_job_begin(begun.job.pointer()), DCC_OK);
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_INTERRUPTED);
    assert_eq!(posted.log.runs(), 0);
    // It changes nothing if the function begins its job itself.
    begun.log.assert_over(DCC_JOB_COMPLETED);
    assert_eq!(begun.log.runs(), 1);
    posted.job.release();
    begun.job.release();
    dispatcher.release();
}

/// A job's handle outlives its dispatcher.
#[test]
fn jobs_and_dispatchers_are_released_in_any_order() {
    let _alone = alone();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(nothing());
    dispatcher.release();
    posted.log.assert_over(DCC_JOB_INTERRUPTED);
    assert_eq!(posted.job.cancel(), DCC_ALREADY_ENDED);
    posted.job.release();
    let dispatcher = Dispatcher::new();
    let posted = dispatcher.post(nothing());
    posted.job.release();
    dispatcher.pump();
    posted.log.assert_over(DCC_JOB_COMPLETED);
    dispatcher.release();
}
