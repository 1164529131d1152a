//! Real threads race for the jobs of a dispatcher: cancels, timeouts, closes, closes of owners and
//! last releases against posts, pumps and workers. There are many short rounds, and each is counted
//! exactly. `DCC_STRESS` multiplies the rounds.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;
#[path = "../support/racing.rs"]
mod racing;

use dcc_cancel::ffi::{current::*, dispatcher::*, job::*, post::*, slice::*, status::*};
use listening::{NO_OWNER, Owner, Token, alone, until};
use posting::*;
use racing::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// How many jobs are posted in a round; the capacity is larger.
const JOBS: u64 = 12;

fn release(job: Option<Job>) {
    if let Some(job) = job {
        job.release();
    }
}

#[test]
fn cancel_x_pump_x_worker() {
    let _alone = alone();
    rounds(|random| {
        let host = Host::new();
        let dispatcher = host.dispatcher(NO_OWNER.pointer());
        let parent = Token::new();
        let logs = Logs::default();
        let jobs: Vec<Job> = (0..JOBS)
            .map(|number| {
                let mut post = any_job(random);
                if number % 3 == 0 {
                    post = post.parent(parent);
                }
                if random.once_in(4) {
                    post = post.any_thread();
                }
                logs.post(dispatcher, post, &[]).expect("accepted")
            })
            .collect();
        let line = StartLine::for_threads(3);
        let seeds = [random.below(1 << 40), random.below(1 << 40)];
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = Random::of(seeds[0]);
                line.pass();
                for job in &jobs {
                    random.dawdle(600);
                    if !random.once_in(3) {
                        job.cancel();
                    }
                }
            });
            scope.spawn(|| {
                let mut random = Random::of(seeds[1]);
                line.pass();
                random.dawdle(4000);
                parent.cancel();
            });
            line.pass();
            for _ in 0..random.below(6) {
                dispatcher.try_pump(20_000, 3).unwrap();
            }
        });
        host.pump_when_woken(dispatcher, || is_empty(dispatcher));
        logs.check(dispatcher);
        jobs.into_iter().for_each(Job::release);
        parent.release();
        dispatcher.release();
        until("the host is let go", || host.destroys() == 1);
    });
}

/// Jobs sleep until an event, and the event comes with a wake while they are pumped and some are
/// cancelled. The host is woken for each of them, and each is over at the end.
#[test]
fn wake_x_cancel_x_pump() {
    let _alone = alone();
    rounds(|random| {
        let host = Host::new();
        let dispatcher = host.dispatcher(NO_OWNER.pointer());
        let logs = Logs::default();
        let jobs: Vec<(Job, Arc<AtomicBool>)> = (0..JOBS)
            .map(|_| {
                let event = Arc::new(AtomicBool::new(false));
                let (seen, mut was_told) = (event.clone(), false);
                let mut post = job(move |_| match dcc_check_cancelled() {
                    DCC_OK if seen.load(Ordering::SeqCst) => 0,
                    DCC_OK => DCC_RUN_WHEN_WOKEN,
                    cancelled => {
                        assert!(!std::mem::replace(&mut was_told, true), "told twice");
                        cancelled
                    }
                });
                if random.once_in(2) {
                    post.desc.flags |= DCC_POST_UNWINDS;
                }
                (logs.post(dispatcher, post, &[]).expect("accepted"), event)
            })
            .collect();
        let line = StartLine::for_threads(3);
        let seeds = [random.below(1 << 40), random.below(1 << 40)];
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = Random::of(seeds[0]);
                line.pass();
                for (job, event) in &jobs {
                    random.dawdle(600);
                    event.store(true, Ordering::SeqCst);
                    assert_eq!(dcc_job_wake(job.pointer()), DCC_OK);
                }
            });
            scope.spawn(|| {
                let mut random = Random::of(seeds[1]);
                line.pass();
                for (job, _) in &jobs {
                    random.dawdle(600);
                    if random.once_in(3) {
                        job.cancel();
                    }
                }
            });
            line.pass();
            host.pump_when_woken(dispatcher, || is_empty(dispatcher));
        });
        logs.check(dispatcher);
        jobs.into_iter().for_each(|(job, _)| job.release());
        dispatcher.release();
        until("the host is let go", || host.destroys() == 1);
    });
}

#[test]
fn timeout_x_deadline_x_pump() {
    let _alone = alone();
    rounds(|random| {
        let host = Host::new();
        let dispatcher = host.dispatcher(NO_OWNER.pointer());
        let logs = Logs::default();
        let line = StartLine::for_threads(3);
        let over = AtomicBool::new(false);
        let seeds = [random.below(1 << 40), random.below(1 << 40)];
        thread::scope(|scope| {
            let waiters = seeds.map(|seed| {
                let (logs, line) = (&logs, &line);
                scope.spawn(move || {
                    let mut random = Random::of(seed);
                    line.pass();
                    for _ in 0..JOBS {
                        wait_for_one(dispatcher, &mut random, logs);
                    }
                })
            });
            let over = &over;
            scope.spawn(move || {
                waiters.into_iter().for_each(|waiter| waiter.join().unwrap());
                over.store(true, Ordering::SeqCst);
            });
            line.pass();
            while !over.load(Ordering::SeqCst) {
                random.dawdle(3000);
                dispatcher.try_pump(50_000, DCC_NO_LIMIT).unwrap();
            }
        });
        host.pump_when_woken(dispatcher, || is_empty(dispatcher));
        logs.check(dispatcher);
        dispatcher.release();
        until("the host is let go", || host.destroys() == 1);
    });
}

/// Posts a job, waits a short time for it, and checks that the answer agrees with what happened to
/// the job.
fn wait_for_one(dispatcher: Dispatcher, random: &mut Random, logs: &Logs) {
    let mut post = any_job(random);
    if random.once_in(3) {
        post = post.deadline(Duration::from_nanos(1 + random.below(60_000)));
    }
    if random.once_in(4) {
        post = post.any_thread();
    }
    let timeout = match random.below(3) {
        0 => Duration::from_nanos(random.below(40_000)),
        1 => Duration::from_micros(100),
        _ => Duration::MAX,
    };
    let (status, state, log) = dispatcher.post_and_wait(post, timeout);
    logs.accept(log.clone());
    match status {
        DCC_OK if state == DCC_JOB_COMPLETED => {
            assert_eq!((log.completions(), log.destroys()), (1, 1), "over before it returns");
        }
        DCC_OK => {
            // Its completion may come later, because it was cancelled while it waited for its turn
            // or its next slice.
            assert_eq!(state, DCC_JOB_CANCELLED);
        }
        DCC_TIMED_OUT => {
            assert_eq!((log.runs(), state), (0, DCC_JOB_CANCELLED));
            assert_ne!(timeout, Duration::MAX);
        }
        DCC_STARTED => assert_ne!(timeout, Duration::MAX),
        other => panic!("{other}: {}", last_error()),
    }
    if status == DCC_TIMED_OUT && random.once_in(4) {
        until("the pump completes it", || log.destroys() == 1);
        assert_eq!(log.runs(), 0, "it never runs");
    }
}

#[derive(Clone, Copy, PartialEq)]
enum ShutDownBy {
    AnotherThread,
    ItsThread,
    ItsJob,
}

/// Posts, pumps, cancels and closes at the same time.
fn shut_down_at_any_time(random: &mut Random, by: ShutDownBy) {
    let host = Host::new();
    let dispatcher = host.dispatcher(NO_OWNER.pointer());
    let logs = Logs::default();
    let line = StartLine::for_threads(4);
    let seeds = [(); 3].map(|()| random.below(1 << 40));
    let shut_down = move || assert!([DCC_OK, DCC_PENDING].contains(&dispatcher.close()));
    thread::scope(|scope| {
        for seed in &seeds[..2] {
            let (logs, line) = (&logs, &line);
            scope.spawn(move || {
                let mut random = Random::of(*seed);
                line.pass();
                for number in 0..JOBS {
                    random.dawdle(400);
                    let mut post = any_job(&mut random);
                    if random.once_in(4) {
                        post = post.any_thread();
                    }
                    if by == ShutDownBy::ItsJob && number == JOBS / 2 {
                        post = job(move |_| {
                            assert_eq!(dispatcher.close(), DCC_PENDING, "inside a job");
                            0
                        });
                    }
                    let job = logs.post(dispatcher, post, &[DCC_ERROR_SHUTDOWN]);
                    if let Some(job) = job.filter(|_| random.once_in(4)) {
                        job.cancel();
                    }
                    release(job);
                }
            });
        }
        let line = &line;
        scope.spawn(move || {
            let mut random = Random::of(seeds[2]);
            line.pass();
            random.dawdle(20_000);
            if by == ShutDownBy::AnotherThread {
                shut_down();
            }
        });
        line.pass();
        let ticks = random.below(12);
        for tick in 0..ticks {
            random.dawdle(1000);
            dispatcher.try_pump(30_000, 4).unwrap();
            if by == ShutDownBy::ItsThread && tick == ticks / 2 {
                shut_down();
            }
        }
        if by == ShutDownBy::ItsThread {
            shut_down();
        }
    });
    // There is no second close: the remaining ends come by themselves, each with a wake.
    host.pump_when_woken(dispatcher, || is_empty(dispatcher));
    logs.check(dispatcher);
    if by != ShutDownBy::ItsJob {
        assert_eq!(dispatcher.stats().is_closed, 1);
    }
    assert_eq!(host.destroys(), 0);
    dispatcher.release();
    until("the host is let go", || host.destroys() == 1);
}

#[test]
fn close_on_another_thread_x_post_x_pump_x_worker() {
    let _alone = alone();
    rounds(|random| shut_down_at_any_time(random, ShutDownBy::AnotherThread));
}

#[test]
fn close_on_its_thread_x_post_x_worker() {
    let _alone = alone();
    rounds(|random| shut_down_at_any_time(random, ShutDownBy::ItsThread));
}

#[test]
fn close_inside_a_job_x_post_x_pump_x_worker() {
    let _alone = alone();
    rounds(|random| shut_down_at_any_time(random, ShutDownBy::ItsJob));
}

#[test]
fn last_release_x_completion_x_cancel() {
    let _alone = alone();
    rounds(|random| {
        let host = Host::new();
        let dispatcher = host.dispatcher(NO_OWNER.pointer());
        let logs = Logs::default();
        let jobs: Vec<Job> = (0..JOBS)
            .map(|_| {
                let post = any_job(random);
                let post = if random.once_in(4) { post.any_thread() } else { post };
                logs.post(dispatcher, post, &[]).expect("accepted")
            })
            .collect();
        let line = StartLine::for_threads(3);
        let seeds = [random.below(1 << 40), random.below(1 << 40)];
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = Random::of(seeds[0]);
                line.pass();
                for job in &jobs {
                    random.dawdle(300);
                    job.cancel();
                }
            });
            scope.spawn(|| {
                let mut random = Random::of(seeds[1]);
                line.pass();
                random.dawdle(4000);
                dispatcher.release();
            });
            line.pass();
            for _ in 0..1 + random.below(8) {
                random.dawdle(500);
                match dispatcher.try_pump(20_000, 4) {
                    Ok(_) | Err(DCC_ERROR_INVALID_HANDLE) => (),
                    Err(other) => panic!("{other}: {}", last_error()),
                }
            }
        });
        host.pump_when_woken(dispatcher, || host.destroys() == 1);
        assert!(logs.are_completed(), "before the host is let go");
        jobs.into_iter().for_each(Job::release);
    });
}

#[test]
fn owner_close_x_pump_x_post_x_worker() {
    let _alone = alone();
    rounds(|random| {
        let host = Host::new();
        let dispatcher = host.dispatcher(NO_OWNER.pointer());
        let owner = Owner::new();
        let unloaded = Arc::new(AtomicBool::new(false));
        let logs = Logs::default();
        let line = StartLine::for_threads(4);
        let seeds = [(); 3].map(|()| random.below(1 << 40));
        thread::scope(|scope| {
            for seed in &seeds[..2] {
                let (logs, line, unloaded) = (&logs, &line, &unloaded);
                scope.spawn(move || {
                    let mut random = Random::of(*seed);
                    line.pass();
                    for _ in 0..JOBS {
                        random.dawdle(400);
                        let post = any_job_of_plugin(&mut random, unloaded);
                        let post = post.owner(owner.pointer());
                        let post = if random.once_in(3) { post.any_thread() } else { post };
                        release(logs.post(dispatcher, post, &[DCC_ERROR_SHUTDOWN]));
                    }
                });
            }
            let (logs, line, unloaded) = (&logs, &line, &unloaded);
            scope.spawn(move || {
                let mut random = Random::of(seeds[2]);
                line.pass();
                random.dawdle(20_000);
                assert_eq!(owner.close(), DCC_OK);
                unloaded.store(true, Ordering::SeqCst);
                assert!(logs.are_destroyed(), "the plugin may be unloaded");
            });
            line.pass();
            for _ in 0..random.below(12) {
                random.dawdle(1000);
                dispatcher.try_pump(30_000, 4).unwrap();
            }
            // The close waits for running functions and not for the pump.
        });
        host.pump_when_woken(dispatcher, || is_empty(dispatcher));
        logs.check(dispatcher);
        dispatcher.release();
        until("the host is let go", || host.destroys() == 1);
    });
}

#[test]
fn close_of_the_hosts_owner_x_pump_x_post_x_cancel() {
    let _alone = alone();
    rounds(|random| {
        let host = Host::new();
        let owner = Owner::new();
        let dispatcher = host.dispatcher(owner.pointer());
        let logs = Logs::default();
        let line = StartLine::for_threads(3);
        let seeds = [random.below(1 << 40), random.below(1 << 40)];
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut random = Random::of(seeds[0]);
                line.pass();
                for _ in 0..JOBS {
                    random.dawdle(300);
                    let post = any_job(&mut random);
                    let post = if random.once_in(3) { post.any_thread() } else { post };
                    let job = logs.post(dispatcher, post, &[DCC_ERROR_SHUTDOWN]);
                    if let Some(job) = job.filter(|_| random.once_in(2)) {
                        job.cancel();
                    }
                    release(job);
                }
            });
            scope.spawn(|| {
                let mut random = Random::of(seeds[1]);
                line.pass();
                random.dawdle(8000);
                assert_eq!(owner.close(), DCC_OK);
                assert_eq!(host.destroys(), 1, "the plugin may be unloaded");
            });
            line.pass();
            for _ in 0..random.below(12) {
                random.dawdle(1000);
                dispatcher.try_pump(30_000, 4).unwrap();
            }
        });
        // Its wake ended with the owner.
        until("what is left is over", || {
            dispatcher.pump();
            is_empty(dispatcher)
        });
        logs.check(dispatcher);
        dispatcher.release();
        assert_eq!(host.destroys(), 1);
    });
}
