//! Deadlines: none fires before its time; they can be moved and disarmed; one thread serves many of
//! them; a callback that blocks delays no other deadline.
//!
//! Lower bounds are exact, on the library's clock. For events that must come, the tests wait long.

#[path = "../support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{job::*, job_life::*, status::*, token::*};
use listening::*;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(30);
const MUCH_LATER: Duration = Duration::from_secs(3600);

fn await_cancel(token: Token) {
    assert_eq!(token.wait(LONG), DCC_CANCELLED_BY_TOKEN);
}

/// The latest time, on the library's clock, at which the token can have been cancelled.
fn cancelled_by(token: Token) -> u64 {
    let since = token.time_since_cancelled();
    now_ns() - since
}

#[test]
fn it_fires_not_before_its_time_and_says_so() {
    let _alone = alone();
    for _ in 0..20 {
        let token = Token::new();
        let armed = now_ns();
        assert_eq!(token.set_deadline_after(SOON), DCC_OK);
        let looked = (token.cause(), token.is_cancelled());
        assert!(!is_within(armed, SOON) || looked == (DCC_CAUSE_NONE, false), "{looked:?}");
        await_cancel(token);
        let came = now_ns();
        assert!(came >= armed + SOON.as_nanos() as u64, "{} ns after arming", came - armed);
        assert!(cancelled_by(token) >= armed + SOON.as_nanos() as u64);
        assert_eq!((token.cause(), &*token.reason()), (DCC_CAUSE_DEADLINE, "deadline exceeded"));
        token.release();
    }
}

#[test]
fn it_fires_not_before_a_given_time_of_the_clock() {
    let _alone = alone();
    let token = Token::new();
    let time = now_ns() + SOON.as_nanos() as u64;
    assert_eq!(token.set_deadline(time), DCC_OK);
    let told = token.deadline();
    assert!(now_ns() >= time || told == (DCC_OK, time), "{told:?}");
    await_cancel(token);
    assert!(now_ns() >= time);
    token.release();
}

#[test]
fn a_time_that_has_passed_cancels_at_once() {
    let _alone = alone();
    for time in [0, 1, now_ns()] {
        let (token, watch) = (Token::new(), Watch::new());
        let child = Token::child_of(&[token]);
        assert_eq!(child.register_unkept(watch, NO_OWNER), DCC_OK);
        assert_eq!(token.set_deadline_after(MUCH_LATER), DCC_OK);
        assert_eq!(token.set_deadline(time), DCC_OK);
        assert!(token.is_cancelled() && child.is_cancelled(), "before the call returned");
        assert_eq!(watch.thread(), Some(std::thread::current().id()));
        assert_eq!(watch.counts(), (1, 1));
        assert_eq!((token.cause(), &*token.reason()), (DCC_CAUSE_DEADLINE, "deadline exceeded"));
        assert_eq!(token.set_deadline(time), DCC_ALREADY_CANCELLED);
        assert_eq!(stats().armed_deadlines, 0);
        [token, child].iter().for_each(|token| token.release());
    }
    let token = Token::new();
    assert_eq!(token.set_deadline_after(Duration::ZERO), DCC_OK);
    assert!(token.is_cancelled());
    token.release();
}

/// On a thread that must not run callbacks, at least a nanosecond passes before a deadline fires.
#[test]
fn a_time_that_is_ahead_leaves_callbacks_to_the_callback_thread() {
    let _alone = alone();
    let (token, watch) = (Token::new(), Watch::new());
    assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
    assert_eq!(token.set_deadline_after(Duration::from_nanos(1)), DCC_OK);
    until("it ran", || watch.counts() == (1, 1));
    assert_ne!(watch.thread(), Some(std::thread::current().id()));
    token.release();
}

/// After any kind of cancel, the deadline and its timer are gone when the cancel returns.
#[test]
fn any_cancel_disarms() {
    const COUNT: u64 = 1000;
    let _alone = alone();
    type Cancel = fn(Token, Token);
    let ways: [(&str, Cancel, u64); 5] = [
        ("its own", |token, _| assert_eq!(token.cancel(), DCC_OK), COUNT - 1),
        ("async", |token, _| assert_eq!(token.cancel_async(), DCC_OK), COUNT - 1),
        ("its parent's", |_, parent| assert_eq!(parent.cancel(), DCC_OK), 0),
        ("its parent's deadline, past", |_, parent| assert_eq!(parent.set_deadline(1), DCC_OK), 0),
        (
            "its parent's deadline, ahead",
            |_, parent| {
                assert_eq!(parent.set_deadline_after(Duration::from_millis(1)), DCC_OK);
                await_cancel(parent);
            },
            0,
        ),
    ];
    for (how, cancel, left) in ways {
        let parent = Token::new();
        let tokens: Vec<_> = (0..COUNT).map(|_| Token::child_of(&[parent])).collect();
        for token in &tokens {
            assert_eq!(token.set_deadline_after(MUCH_LATER), DCC_OK);
        }
        assert_eq!(stats().armed_deadlines, COUNT);
        cancel(tokens[0], parent);
        assert_eq!(stats().armed_deadlines, left, "{how}");
        assert_eq!(tokens[0].deadline(), (DCC_NOT_FOUND, 0), "{how}");
        assert_eq!(tokens[0].clear_deadline(), DCC_NOT_FOUND, "{how}");
        assert_eq!(tokens[0].set_deadline_after(MUCH_LATER), DCC_ALREADY_CANCELLED, "{how}");
        tokens.iter().for_each(|token| token.release());
        parent.release();
    }
}

extern "C" fn yes(_user_data: *mut c_void) -> i32 {
    1
}

#[test]
fn a_foreign_check_that_says_yes_disarms() {
    let _alone = alone();
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a function that takes nothing; a writable result.
    let status = unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.is_cancelled = Some(yes);
        dcc_job_create(&desc, &mut job)
    };
    assert_eq!(status, DCC_OK);
    let job = Job(job.addr());
    assert_eq!(job.token().set_deadline_after(MUCH_LATER), DCC_OK);
    assert_eq!(stats().armed_deadlines, 1);
    assert_eq!(job.is_cancelled(), DCC_CANCELLED_BY_JOB);
    assert_eq!((stats().armed_deadlines, job.token().cause()), (0, DCC_CAUSE_FOREIGN));
    job.release();
}

/// The earliest deadline of a token and of all its ancestors, over all ways up; each ancestor is
/// looked at once.
#[test]
fn the_deadline_is_the_earliest_of_all_ancestors() {
    let _alone = alone();
    let far = |hours: u64| now_ns() + hours * 3_600_000_000_000;
    let roots = [Token::new(), Token::new()];
    // A chain of rhombs: two to the power of forty ways up, and eighty-two ancestors.
    let mut levels = vec![roots];
    for _ in 0..40 {
        let below = levels[levels.len() - 1];
        levels.push([Token::child_of(&below), Token::child_of(&below)]);
    }
    let token = Token::child_of(&levels[40]);
    assert_eq!(token.deadline(), (DCC_NOT_FOUND, 0));
    let (root, middle, own) = (far(2), far(1), far(3));
    assert_eq!(token.set_deadline(own), DCC_OK);
    assert_eq!(token.deadline(), (DCC_OK, own));
    assert_eq!(roots[1].set_deadline(root), DCC_OK);
    assert_eq!(token.deadline(), (DCC_OK, root));
    assert_eq!(levels[20][0].set_deadline(middle), DCC_OK);
    assert_eq!(token.deadline(), (DCC_OK, middle));
    assert_eq!(levels[19][0].deadline(), (DCC_OK, root), "what is below does not count");
    assert_eq!(token.clear_deadline(), DCC_OK, "its own");
    assert_eq!(levels[20][0].clear_deadline(), DCC_OK);
    assert_eq!(token.deadline(), (DCC_OK, root));
    levels.iter().flatten().for_each(|token| token.release());
    assert_eq!(token.deadline(), (DCC_OK, root), "a child keeps its parents");
    token.release();
}

#[test]
fn a_long_line_of_ancestors_is_walked() {
    let _alone = alone();
    let root = Token::new();
    let mut token = root;
    for _ in 0..20_000 {
        let child = Token::child_of(&[token]);
        if token != root {
            token.release();
        }
        token = child;
    }
    let time = now_ns() + 3_600_000_000_000;
    assert_eq!(root.set_deadline(time), DCC_OK);
    assert_eq!(token.deadline(), (DCC_OK, time));
    assert_eq!(root.cancel(), DCC_OK);
    assert_eq!(token.deadline(), (DCC_NOT_FOUND, 0));
    [root, token].iter().for_each(|token| token.release());
}

#[test]
fn armed_again_it_moves_earlier() {
    let _alone = alone();
    with_enough_time(|soon| {
        let token = Token::new();
        assert_eq!(token.set_deadline_after(MUCH_LATER), DCC_OK);
        let far = token.deadline().1;
        let start = now_ns();
        assert_eq!(token.set_deadline_after(soon), DCC_OK);
        let (near, armed) = (token.deadline().1, stats().armed_deadlines);
        let in_time = is_within(start, soon);
        await_cancel(token);
        assert!(now_ns() >= near);
        token.release();
        in_time.then(|| {
            assert!((start..far).contains(&near));
            assert_eq!(armed, 1, "a token has one");
        })
    });
}

#[test]
fn armed_again_it_moves_later() {
    let _alone = alone();
    with_enough_time(|time| {
        let (token, first) = (Token::new(), Token::new());
        let start = now_ns();
        let [soon, later] = [1, 2].map(|times| start + times * time.as_nanos() as u64);
        let armed = (token.set_deadline(soon), first.set_deadline(soon), token.set_deadline(later));
        let told = token.deadline();
        let in_time = is_within(start, time);
        await_cancel(first);
        await_cancel(token);
        let cancelled = cancelled_by(token);
        [token, first].iter().for_each(|token| token.release());
        in_time.then(|| {
            assert_eq!((armed, told), ((DCC_OK, DCC_OK, DCC_OK), (DCC_OK, later)));
            assert!(cancelled >= later, "it came at the first time");
            assert!(now_ns() >= later);
        })
    });
}

#[test]
fn disarmed_it_does_not_fire() {
    let _alone = alone();
    with_enough_time(|soon| {
        let (token, other) = (Token::new(), Token::new());
        assert_eq!(token.clear_deadline(), DCC_NOT_FOUND);
        let start = now_ns();
        let time = start + soon.as_nanos() as u64;
        assert_eq!(token.set_deadline(time), DCC_OK);
        assert_eq!(other.set_deadline(time + 1), DCC_OK);
        let disarmed = token.clear_deadline();
        let in_time = is_within(start, soon);
        if in_time {
            assert_eq!(disarmed, DCC_OK);
            assert_eq!(
                (token.clear_deadline(), token.deadline()),
                (DCC_NOT_FOUND, (DCC_NOT_FOUND, 0))
            );
            await_cancel(other); // The timer has passed the time of the disarmed one.
            assert!(!token.is_cancelled());
            assert_eq!(token.set_deadline_after(SOON), DCC_OK, "it can be armed again");
            await_cancel(token);
            assert_eq!(token.clear_deadline(), DCC_NOT_FOUND, "it fired");
        }
        [token, other].iter().for_each(|token| token.release());
        in_time.then_some(())
    });
}

#[test]
fn what_cannot_be_armed_says_so() {
    let _alone = alone();
    assert_eq!((NO_TOKEN.set_deadline_after(SOON), NO_TOKEN.set_deadline(0)), (DCC_OK, DCC_OK));
    assert_eq!(
        (NO_TOKEN.clear_deadline(), NO_TOKEN.deadline()),
        (DCC_NOT_FOUND, (DCC_NOT_FOUND, 0))
    );
    let token = Token::new();
    token.cancel();
    assert_eq!(token.set_deadline_after(SOON), DCC_ALREADY_CANCELLED);
    assert_eq!(token.set_deadline(0), DCC_ALREADY_CANCELLED);
    assert_eq!((token.deadline(), token.cause()), ((DCC_NOT_FOUND, 0), DCC_CAUSE_REQUEST));
    token.release();
    assert_eq!(token.set_deadline_after(SOON), DCC_ERROR_INVALID_HANDLE);
    assert_eq!(token.set_deadline(0), DCC_ERROR_INVALID_HANDLE);
    assert_eq!(token.clear_deadline(), DCC_ERROR_INVALID_HANDLE);
    assert_eq!(token.deadline(), (DCC_ERROR_INVALID_HANDLE, 0));
    assert_eq!(Token(1).set_deadline_after(SOON), DCC_ERROR_INVALID_HANDLE);
}

#[test]
fn a_cancel_before_the_deadline_keeps_its_own_cause() {
    let _alone = alone();
    with_enough_time(|soon| {
        let (token, other) = (Token::new(), Token::new());
        let start = now_ns();
        let time = start + soon.as_nanos() as u64;
        assert_eq!((token.set_deadline(time), other.set_deadline(time + 1)), (DCC_OK, DCC_OK));
        let cancelled = token.cancel();
        let in_time = is_within(start, soon);
        await_cancel(other);
        let why = (token.cause(), token.reason());
        [token, other].iter().for_each(|token| token.release());
        in_time.then(|| {
            assert_eq!((cancelled, why), (DCC_OK, (DCC_CAUSE_REQUEST, String::new())));
        })
    });
}

#[test]
fn children_and_jobs_see_the_deadline_of_a_parent() {
    let _alone = alone();
    let parent = Token::new();
    let child = Token::child_of(&[Token(0), parent]);
    let job = Job::try_new(Watch::new(), NO_OWNER, child, false).unwrap();
    assert_eq!(parent.set_deadline_after(SOON), DCC_OK);
    let (own, inherited) = (parent.deadline(), child.deadline());
    assert!(child.is_cancelled() || own == inherited, "{own:?} {inherited:?}");
    await_cancel(child);
    assert_eq!((child.cause(), &*child.reason()), (DCC_CAUSE_DEADLINE, "deadline exceeded"));
    assert_eq!(job.is_cancelled(), DCC_CANCELLED_BY_JOB);
    assert_eq!(dcc_job_begin(job.pointer()), DCC_CANCELLED_BY_JOB);
    job.release();
    [parent, child].iter().for_each(|token| token.release());
}

#[test]
fn a_child_may_have_an_earlier_one_than_its_parent() {
    let _alone = alone();
    let parent = Token::new();
    let child = Token::child_of(&[parent]);
    assert_eq!(
        (parent.set_deadline_after(MUCH_LATER), child.set_deadline_after(SOON)),
        (DCC_OK, DCC_OK)
    );
    await_cancel(child);
    assert!(!parent.is_cancelled());
    [parent, child].iter().for_each(|token| token.release());
}

#[test]
fn callbacks_of_a_deadline_run_on_the_callback_thread() {
    let _alone = alone();
    let token = Token::new();
    let by_async = Token::new();
    let watches = [Watch::new(), Watch::new()];
    assert_eq!(token.register_unkept(watches[0], NO_OWNER), DCC_OK);
    assert_eq!(by_async.register_unkept(watches[1], NO_OWNER), DCC_OK);
    assert_eq!(token.set_deadline_after(SOON), DCC_OK);
    assert_eq!(by_async.cancel_async(), DCC_OK);
    until("both ran", || watches.iter().all(|watch| watch.counts() == (1, 1)));
    assert_eq!(watches[0].thread(), watches[1].thread());
    [token, by_async].iter().for_each(|token| token.release());
}

/// A deadline does not keep its token alive.
#[test]
fn a_token_released_with_an_armed_deadline_leaves_nothing() {
    let _alone = alone();
    let before = stats().live_tokens;
    for time in [MUCH_LATER, Duration::ZERO, Duration::from_micros(50)] {
        for _ in 0..1000 {
            let token = Token::new();
            assert_eq!(token.set_deadline_after(time), DCC_OK);
            token.release();
        }
        // The timer may hold the last due tokens for a moment.
        until("all gone", || (stats().live_tokens, stats().armed_deadlines) == (before, 0));
    }
}

#[test]
fn a_blocked_callback_delays_no_other_deadline() {
    let _alone = alone();
    let (blocked, gate) = (Token::new(), Gate::new());
    let watch = Watch::doing(|_| gate.pass());
    assert_eq!(blocked.register_unkept(watch, NO_OWNER), DCC_OK);
    assert_eq!(blocked.set_deadline_after(Duration::from_nanos(1)), DCC_OK);
    gate.await_arrivals(1);
    let (other, others) = (Token::new(), Watch::new());
    assert_eq!(other.register_unkept(others, NO_OWNER), DCC_OK);
    assert_eq!(other.set_deadline_after(SOON), DCC_OK);
    await_cancel(other);
    assert_eq!((watch.counts(), others.counts()), ((1, 0), (0, 0)), "the callbacks still stand");
    gate.open();
    until("both ran", || (watch.counts(), others.counts()) == ((1, 1), (1, 1)));
    [blocked, other].iter().for_each(|token| token.release());
}

#[cfg(target_os = "linux")]
fn threads_named(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let named = |task: std::io::Result<std::fs::DirEntry>| {
        let file = task.unwrap().path().join("comm");
        std::fs::read_to_string(file).is_ok_and(|found| found.trim_end() == name)
    };
    tasks.filter_map(|task| named(task).then_some(())).count()
}

#[cfg(target_os = "linux")]
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

/// The deadlines are set in a shuffled order, so that the heap has to move them, and half of them
/// are changed afterwards.
#[cfg(target_os = "linux")]
#[test]
fn a_hundred_thousand_deadlines_take_one_thread_and_all_fire() {
    const COUNT: usize = 100_000;
    let _alone = alone();
    // With this token the library's two threads are started.
    let first = Token::new();
    assert_eq!(first.set_deadline_after(Duration::from_nanos(1)), DCC_OK);
    await_cancel(first);
    first.release();
    let before = threads();
    let start = now_ns();
    let tokens: Vec<(Token, u64)> = (0..COUNT)
        .map(|number| {
            let token = Token::new();
            let time = start + (number * 7919 % COUNT) as u64 * 10_000;
            if number % 2 == 0 {
                assert_eq!(token.set_deadline(start + 3_600_000_000_000), DCC_OK);
            }
            assert_eq!(token.set_deadline(time), DCC_OK);
            (token, time)
        })
        .collect();
    // The test program may be starting a thread for its next test.
    assert!(threads() <= before + 2, "of {before} before");
    assert_eq!((threads_named("dcc-timer"), threads_named("dcc-callbacks")), (1, 1));
    assert!(stats().armed_deadlines <= COUNT as u64);
    for (token, time) in &tokens {
        await_cancel(*token);
        assert!(cancelled_by(*token) >= *time, "too early");
        assert_eq!(token.cause(), DCC_CAUSE_DEADLINE);
    }
    assert_eq!(stats().armed_deadlines, 0);
    tokens.iter().for_each(|(token, _)| token.release());
}

#[test]
fn a_disarm_that_says_so_prevents_the_cancel() {
    let _alone = alone();
    let (mut disarmed, mut fired) = (0, 0);
    for round in 0..2000 {
        let token = Token::new();
        // On a busy machine all deadlines in between may have fired, or none.
        let time = if round % 200 == 199 { MUCH_LATER } else { Duration::from_micros(round % 200) };
        assert_eq!(token.set_deadline_after(time), DCC_OK);
        if round % 200 == 0 {
            await_cancel(token)
        } else {
            std::thread::yield_now()
        }
        match token.clear_deadline() {
            DCC_OK => {
                disarmed += 1;
                assert_eq!(token.wait(Duration::from_micros(100)), DCC_TIMED_OUT);
            }
            status => {
                fired += 1;
                assert_eq!(status, DCC_NOT_FOUND);
                await_cancel(token);
            }
        }
        token.release();
    }
    assert!(disarmed > 0 && fired > 0, "{disarmed} {fired}");
}

#[test]
fn a_time_beyond_all_clocks_is_as_good_as_never() {
    let _alone = alone();
    let token = Token::new();
    assert_eq!(token.set_deadline(u64::MAX), DCC_OK);
    assert_eq!(token.set_deadline_after(Duration::from_nanos(u64::MAX)), DCC_OK);
    let other = Token::new();
    assert_eq!(other.set_deadline_after(Duration::from_millis(5)), DCC_OK);
    until("the near one fires", || other.is_cancelled());
    assert!(!token.is_cancelled());
    token.release();
    other.release();
}

#[test]
fn the_next_user_of_a_slot_does_not_inherit_a_deadline() {
    let _alone = alone();
    for _ in 0..200 {
        let first = Token::new();
        assert_eq!(first.set_deadline_after(Duration::from_micros(50)), DCC_OK);
        std::thread::sleep(Duration::from_micros(40));
        first.release();
        let second = Token::new();
        std::thread::sleep(Duration::from_micros(60));
        assert!(!second.is_cancelled());
        second.release();
    }
}

#[test]
fn a_callback_that_blocks_delays_no_flag_and_no_waiter() {
    let _alone = alone();
    let gate = Gate::new();
    let (blocked, other) = (Token::new(), Token::new());
    let watch = Watch::doing(|_| gate.pass());
    let registration = blocked.register(watch);
    let late = Watch::new();
    let late_registration = other.register(late);
    assert_eq!(blocked.set_deadline_after(Duration::from_nanos(1)), DCC_OK);
    gate.await_arrivals(1);
    assert_eq!(other.set_deadline_after(Duration::from_millis(2)), DCC_OK);
    assert_eq!(other.wait(LONG), DCC_CANCELLED_BY_TOKEN, "while the callback thread is blocked");
    assert_eq!(late.counts(), (0, 0), "its callback has to wait");
    gate.open();
    until("the other callback runs", || late.counts() == (1, 1));
    registration.unregister();
    late_registration.unregister();
    blocked.release();
    other.release();
}
