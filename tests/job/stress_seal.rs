//! Real threads cancel a job, its request and its ancestors, arm deadlines, register and wait,
//! while another thread seals the job. At the end all of them got the same answer. `DCC_STRESS`
//! makes it longer.

#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/sessions.rs"]
mod sessions;

use dcc_cancel::ffi::{
    dispatcher::DCC_NO_LIMIT, job_life::*, request::*, seal::*, session::*, status::*, wait::*,
};
use effort::times;
use listening::*;
use sessions::Id::Int;
use sessions::Session;
use std::ptr::null;
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

/// The answers of one round.
struct Told {
    sealed: dcc_status,
    by_job: dcc_status,
    by_peer: dcc_status,
    by_parent: dcc_status,
    waited: [dcc_status; 2],
    registered: Registration,
}

fn round(session: Session, number: u64) -> bool {
    let [watch, of_job] = [Watch::new(), Watch::new()];
    let server = Token::new();
    let request = session.try_begin(Int(1), 0, server).unwrap();
    let between = Token::child_of(&[request.token()]);
    let parent = if number & 1 == 0 { request.token() } else { between };
    let job = Job::try_new(of_job, NO_OWNER, parent, false).unwrap();
    assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
    let below = Token::child_of(&[job.token()]);
    let token = job.token();
    let start = Barrier::new(6);
    let choice = number >> 1;
    let told = thread::scope(|scope| {
        let begin = |is_chosen: bool, call: Box<dyn FnOnce() -> dcc_status + Send>| {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                if is_chosen { call() } else { DCC_NOT_FOUND }
            })
        };
        // SAFETY: no reason.
        let cancel_job = move || unsafe { dcc_job_cancel(job.pointer(), null(), 0) };
        let by_job = begin(choice & 1 != 0, Box::new(cancel_job));
        let by_peer = begin(choice & 2 != 0, Box::new(move || session.cancel(Int(1), "peer")));
        let by_parent = begin(choice & 4 != 0, Box::new(move || server.cancel()));
        let wait_both = move || {
            let tokens = [token.pointer().cast_const(); 2];
            // SAFETY: an array of that length.
            unsafe {
                let none = std::ptr::null_mut();
                dcc_cancel_token_wait_any(tokens.as_ptr(), 2, DCC_NO_LIMIT, none)
            }
        };
        let for_both = begin(true, Box::new(wait_both));
        let arm_and_wait = move || {
            let soon = Duration::from_nanos(if choice & 8 == 0 { 1 << 60 } else { 1 });
            let _ = token.set_deadline_after(soon);
            token.wait_for_ever()
        };
        let for_one = begin(true, Box::new(arm_and_wait));
        start.wait();
        let registered = token.register(watch);
        let sealed = dcc_job_seal(job.pointer());
        Told {
            sealed,
            by_job: by_job.join().unwrap(),
            by_peer: by_peer.join().unwrap(),
            by_parent: by_parent.join().unwrap(),
            waited: [for_one.join().unwrap(), for_both.join().unwrap()],
            registered,
        }
    });
    let is_sealed = told.sealed == DCC_OK;
    assert_eq!(dcc_job_is_sealed(job.pointer()), if is_sealed { DCC_SEALED } else { DCC_OK });
    let expected = if is_sealed { DCC_NEVER } else { DCC_CANCELLED_BY_TOKEN };
    assert_eq!(told.waited, [expected; 2]);
    if is_sealed {
        assert!([DCC_SEALED, DCC_NOT_FOUND].contains(&told.by_job), "{}", told.by_job);
        // The server's cancel may have been first and still be on its way to the request.
        let server_first = told.by_peer == DCC_ALREADY_CANCELLED && told.by_parent == DCC_OK;
        let is_told = [DCC_SEALED, DCC_NOT_FOUND].contains(&told.by_peer);
        assert!(is_told || server_first, "{}", told.by_peer);
        assert_eq!(token.deadline().0, DCC_NOT_FOUND);
        assert!(!below.is_cancelled());
    } else {
        assert_eq!(told.sealed, DCC_CANCELLED_BY_JOB);
        assert_ne!(told.by_job, DCC_SEALED);
        assert_ne!(told.by_peer, DCC_SEALED);
        assert!(below.is_cancelled());
    }
    assert!([DCC_OK, DCC_NOT_FOUND].contains(&told.by_parent), "{}", told.by_parent);
    let ended = dcc_job_acknowledge_cancel(job.pointer());
    assert_eq!(ended, if is_sealed { DCC_SEALED } else { DCC_OK });
    // A deadline's callbacks run on another thread, which may not have run this one yet.
    let unregistered = told.registered.unregister();
    let may_be_late = !is_sealed && choice & 8 != 0;
    let is_done = unregistered == DCC_CALLBACK_DONE;
    assert!(is_done || may_be_late && unregistered == DCC_OK, "{unregistered}");
    let (status, owed) = request.end();
    assert_eq!(status, DCC_OK);
    let is_cancelled = request.token().is_cancelled() && !is_sealed;
    assert_eq!(owed, if is_cancelled { DCC_OWED_CANCELLED } else { DCC_OWED_RESULT });
    request.release();
    job.release();
    for token in [below, between, server] {
        token.release();
    }
    assert_eq!(watch.counts(), (u32::from(!is_sealed && is_done), 1));
    assert_eq!(of_job.counts(), (0, 1));
    is_sealed
}

#[test]
fn all_are_told_the_same() {
    let _alone = alone();
    let session = Session::with(|desc| desc.replies = DCC_REPLIES_CANCELLED);
    let (mut sealed, mut rounds) = (0_u64, 0_u64);
    // Both outcomes have to be seen.
    while rounds < times(400) || (sealed == 0 || sealed == rounds) && rounds < 1_000_000 {
        sealed += u64::from(round(session, rounds % 32));
        rounds += 1;
    }
    assert!(0 < sealed && sealed < rounds, "{sealed} of {rounds}");
    session.release();
}
