//! Models of dispatchers: a pump against cancels, timeouts, closes, releases and owners' closes.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile models --test loom_dispatcher --target-dir target/loom`

#![cfg(loom)]

#[path = "../support/interleavings.rs"]
mod interleavings;

use dcc_cancel::dispatcher::post::Post;
use dcc_cancel::dispatcher::post_wait::WaitEnd;
use dcc_cancel::dispatcher::pump::{Bounds, NO_LIMIT};
use dcc_cancel::dispatcher::run::{RUN_AGAIN, RUN_AWAY, RUN_WHEN_WOKEN};
use dcc_cancel::dispatcher::{DispatcherPin, Dispatchers, Settings, ShutDown};
use dcc_cancel::error::Error;
use dcc_cancel::handle::{Handle, NULL};
use dcc_cancel::job::life::JobSealed;
use dcc_cancel::job::wait::{EndWaited, Waiter};
use dcc_cancel::job::{JobOrigin, JobPin, JobState};
use dcc_cancel::library::Library;
use dcc_cancel::memory::pin::Keeper;
use dcc_cancel::memory::slot::Holder;
use dcc_cancel::queue::lane::Lane;
use dcc_cancel::sys::callout::{Payload, UserData};
use dcc_cancel::sys::host::{Host, HostFunctions};
use dcc_cancel::sys::thread_identity;
use dcc_cancel::sys::work::Work;
use dcc_cancel::thread::context::ThisThread;
use dcc_cancel::thread::current::{ThreadRecord, ThreadSlots};
use dcc_cancel::token::asking::Asker;
use dcc_cancel::token::create::Origin;
use dcc_cancel::token::wait::Waited;
use dcc_cancel::token::{Cause, TokenPin};
use interleavings::model;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::ffi::c_void;

/// The record of a posted job's functions. The user data is a counted pointer, which `destroy`
/// drops.
#[derive(Default)]
struct Log {
    /// How many slices the job asks for beyond the first.
    slices: u32,
    /// Whether the job sleeps until `event` is set.
    is_sleeper: bool,
    /// Whether the job is away until `event` is set.
    is_away: bool,
    event: AtomicU32,
    running: AtomicU32,
    runs: AtomicU32,
    completions: AtomicU32,
    state: AtomicU32,
    destroys: AtomicU32,
    /// The number of mistakes. A panic inside a job would only fail the job.
    mistakes: AtomicU32,
}

impl Log {
    fn runs(&self) -> u32 {
        self.runs.load(Ordering::Relaxed)
    }

    /// The numbers of completions and destroys, after all is over.
    fn ends(&self) -> (u32, u32) {
        assert_eq!(self.mistakes.load(Ordering::Relaxed), 0);
        let read = |count: &AtomicU32| count.load(Ordering::Relaxed);
        (read(&self.completions), read(&self.destroys))
    }

    fn state(&self) -> u32 {
        self.state.load(Ordering::Relaxed)
    }

    fn expect(&self, is_right: bool) {
        self.mistakes.fetch_add(u32::from(!is_right), Ordering::Relaxed);
    }
}

unsafe extern "C-unwind" fn run(_job: *const c_void, log: *mut c_void) -> i32 {
    // SAFETY: the work's reference, which `destroy` gives back.
    let log = unsafe { &*log.cast::<Log>() };
    log.expect(log.running.swap(1, Ordering::Relaxed) == 0);
    log.expect(log.destroys.load(Ordering::Relaxed) == 0);
    let before = log.runs.fetch_add(1, Ordering::Relaxed);
    thread::yield_now();
    log.running.store(0, Ordering::Relaxed);
    if log.is_sleeper && log.event.load(Ordering::Relaxed) == 0 {
        return RUN_WHEN_WOKEN;
    }
    if log.is_away && log.event.load(Ordering::Relaxed) == 0 {
        return RUN_AWAY;
    }
    if before < log.slices { RUN_AGAIN } else { 0 }
}

unsafe extern "C" fn complete(_job: *const c_void, state: i32, log: *mut c_void) {
    // SAFETY: as in `run`.
    let log = unsafe { &*log.cast::<Log>() };
    log.expect(log.running.load(Ordering::Relaxed) == 0);
    log.expect(log.destroys.load(Ordering::Relaxed) == 0);
    log.completions.fetch_add(1, Ordering::Relaxed);
    log.state.store(state as u32, Ordering::Relaxed);
}

unsafe extern "C" fn destroy(log: *mut c_void) {
    // SAFETY: the reference that `work` gave away.
    let log = unsafe { Arc::from_raw(log.cast::<Log>()) };
    log.expect(log.running.load(Ordering::Relaxed) == 0);
    log.destroys.fetch_add(1, Ordering::Relaxed);
}

fn work(log: &Arc<Log>) -> Work {
    let user_data = UserData::new(Arc::into_raw(log.clone()).cast_mut().cast());
    // SAFETY: all three take what `user_data` is.
    unsafe { Work::new(run, Some(complete), Payload::new(user_data, Some(destroy))) }
}

unsafe extern "C" fn run_nothing(_argument: *mut c_void) {}

/// The record of a host's functions. The user data is a counted pointer, which the destroy-notify
/// drops.
#[derive(Default)]
struct Wakes {
    count: AtomicU32,
    is_closed: AtomicU32,
    late: AtomicU32,
}

unsafe extern "C" fn note_wake(wakes: *mut c_void) {
    // SAFETY: the host's reference, which `forget_wakes` gives back.
    let wakes = unsafe { &*wakes.cast::<Wakes>() };
    wakes.count.fetch_add(1, Ordering::Relaxed);
    thread::yield_now();
    wakes.late.fetch_add(wakes.is_closed.load(Ordering::Relaxed), Ordering::Relaxed);
}

unsafe extern "C" fn forget_wakes(wakes: *mut c_void) {
    // SAFETY: the reference that `create_with` gave away.
    drop(unsafe { Arc::from_raw(wakes.cast::<Wakes>()) });
}

fn create(dispatchers: Dispatchers<'_>, thread: u64) -> Handle {
    let user_data = UserData::new(std::ptr::null_mut());
    // SAFETY: nothing is called with it.
    create_with(dispatchers, thread, NULL, None, unsafe { Payload::new(user_data, None) })
}

/// A dispatcher whose host has an owner and wants to be woken.
fn create_woken(dispatchers: Dispatchers<'_>, owner: Handle, wakes: &Arc<Wakes>) -> Handle {
    let user_data = UserData::new(Arc::into_raw(wakes.clone()).cast_mut().cast());
    // SAFETY: both functions take what `user_data` is.
    let payload = unsafe { Payload::new(user_data, Some(forget_wakes)) };
    create_with(dispatchers, HERE, owner, Some(note_wake), payload)
}

fn create_with(
    dispatchers: Dispatchers<'_>,
    thread: u64,
    owner: Handle,
    wake: Option<unsafe extern "C" fn(*mut c_void)>,
    payload: Payload,
) -> Handle {
    let functions = HostFunctions {
        user_data: payload.user_data(),
        wake,
        veto: None,
        progress: None,
        execute: None,
        run: run_nothing,
    };
    // SAFETY: `wake` takes what the payload is.
    let host = unsafe { Host::new(functions) };
    let settings = Settings {
        capacity: 4,
        deadline_ns: None,
        wedge_ns: None,
        progress_interval_ns: None,
        owner,
        thread,
    };
    dispatchers.create(&settings, host, payload).map_err(|(error, _)| error).unwrap()
}

/// A dispatcher of the model's first thread.
struct World {
    library: Library,
    dispatcher: Handle,
}

/// The number of the model's first thread, and one of all others.
const HERE: u64 = 1;
const OTHER: u64 = 2;

fn world() -> Arc<World> {
    let library = Library::new();
    assert_eq!(library.contexts().numbers().next(), Ok(HERE));
    assert_eq!(library.contexts().numbers().next(), Ok(OTHER));
    let dispatcher = create(library.dispatchers(), HERE);
    Arc::new(World { library, dispatcher })
}

const PLAIN: Post<'static> = Post {
    label: "",
    caller_id: "",
    parent: NULL,
    above: NULL,
    owner: NULL,
    lane: Lane::Normal,
    elsewhere: false,
    deadline_ns: None,
    unwinds: false,
    is_kept: true,
};

/// Makes a call with the calling thread's slots and record.
macro_rules! on_thread {
    ($world:expr, $number:expr, |$thread:ident, $dispatchers:ident, $pin:ident| $call:expr) => {{
        let $dispatchers = $world.library.dispatchers();
        let record = ThreadRecord::new($number);
        let slots = ThreadSlots::new($world.library.contexts().never());
        slots.set_record(Some(&record));
        let $thread = ThisThread { slots: &slots, record: &record };
        let $pin = $world.pin();
        let result = $call;
        drop($pin);
        result
    }};
}

/// Cancels a job on a thread of its own.
fn cancel_elsewhere(world: &Arc<World>, job: Handle) -> thread::JoinHandle<()> {
    let world = world.clone();
    thread::spawn(move || {
        let jobs = world.library.jobs();
        let _ = jobs.cancel(&JobPin::new(jobs, job).unwrap(), "");
    })
}

impl World {
    /// Posts a job that is accepted, from the dispatcher's thread. The caller releases the job.
    fn post_kept(&self, post: &Post<'_>, log: &Arc<Log>) -> Handle {
        let posted = self.library.dispatchers().post(&self.pin(), post, work(log), HERE);
        posted.map_err(|(error, _)| error).unwrap()
    }

    fn pin(&self) -> DispatcherPin<'_> {
        DispatcherPin::new(self.library.dispatchers(), self.dispatcher).unwrap()
    }

    /// Posts a job and releases it at once. False: it was refused.
    fn post(&self, post: &Post<'_>, log: &Arc<Log>, here: u64) -> bool {
        match self.library.dispatchers().post(&self.pin(), post, work(log), here) {
            Ok(job) => {
                self.library.jobs().release(job).unwrap();
                true
            }
            Err((error, work)) => {
                assert!(
                    matches!(error, Error::DispatcherShutDown | Error::OwnerClosed(_)),
                    "{error}"
                );
                assert_eq!(log.ends(), (0, 0), "a refused payload is the caller's");
                work.into_payload().destroy();
                false
            }
        }
    }

    fn pump(&self) {
        let bounds = Bounds { budget_ns: NO_LIMIT, most: NO_LIMIT };
        on_thread!(self, HERE, |thread, dispatchers, pin| {
            dispatchers.pump(thread, &pin, bounds).unwrap()
        });
    }

    fn try_pump(&self) {
        let bounds = Bounds { budget_ns: NO_LIMIT, most: NO_LIMIT };
        let record = ThreadRecord::new(HERE);
        let slots = ThreadSlots::new(self.library.contexts().never());
        slots.set_record(Some(&record));
        let thread = ThisThread { slots: &slots, record: &record };
        if let Ok(pin) = DispatcherPin::new(self.library.dispatchers(), self.dispatcher) {
            self.library.dispatchers().pump(thread, &pin, bounds).unwrap();
        }
    }

    fn unfinished(&self) -> u64 {
        self.library.dispatchers().unfinished(&self.pin())
    }

    /// Releases the dispatcher, and checks that nothing is left.
    fn end(&self) {
        assert_eq!(self.unfinished(), 0);
        assert_eq!(self.library.dispatchers().fill(&self.pin()).0, 0, "depth");
        self.library.dispatchers().release(self.dispatcher, HERE).unwrap();
        self.assert_empty();
    }

    fn assert_empty(&self) {
        let jobs = self.library.jobs();
        assert_eq!(self.library.dispatchers().arena().live(), 0, "dispatchers");
        assert_eq!(jobs.arena().live(), 0, "jobs");
        assert_eq!(self.library.tokens().arena().live(), 0, "tokens");
        assert_eq!(self.library.owners().arena().live(), 0, "owners");
    }
}

/// A queued job is cancelled while it is pumped: it runs or it does not, and is over once.
#[test]
fn cancel_x_pump() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log::default());
        let job = world.post_kept(&PLAIN, &log);
        let thread = cancel_elsewhere(&world, job);
        world.pump();
        thread.join().unwrap();
        assert_eq!(
            world.library.dispatchers().fill(&world.pin()).0,
            0,
            "it left the depth at once"
        );
        world.pump();
        assert_eq!(log.ends(), (1, 1));
        let ended = if log.runs() == 1 { JobState::Completed } else { JobState::Cancelled };
        assert_eq!(log.state(), ended as u32);
        world.library.jobs().release(job).unwrap();
        world.end();
    });
}

/// A job is posted while its parent is cancelled: it does not stay in the depth.
#[test]
fn cancel_x_post() {
    model(3, || {
        let world = world();
        let tokens = world.library.tokens();
        let parent = tokens.create([], Origin::default(), Holder::Owner).unwrap();
        let log = Arc::new(Log::default());
        let thread = thread::spawn({
            let world = world.clone();
            move || {
                let tokens = world.library.tokens();
                tokens.cancel(&TokenPin::new(tokens, parent).unwrap(), Cause::Request, "");
            }
        });
        assert!(world.post(&Post { parent, ..PLAIN }, &log, HERE));
        thread.join().unwrap();
        assert_eq!(world.library.dispatchers().fill(&world.pin()).0, 0, "depth");
        world.pump();
        assert_eq!((log.ends(), log.runs()), ((1, 1), 0));
        assert_eq!(log.state(), JobState::Cancelled as u32);
        tokens.release(parent).unwrap();
        world.end();
    });
}

/// A step is cancelled while it runs or between two slices: it stops, and is over once.
#[test]
fn cancel_x_step() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log { slices: 1000, ..Log::default() });
        let job = world.post_kept(&PLAIN, &log);
        let thread = cancel_elsewhere(&world, job);
        world.pump();
        world.pump();
        thread.join().unwrap();
        let runs = log.runs();
        assert!(runs <= 2);
        world.pump();
        assert_eq!((log.ends(), log.runs()), ((1, 1), runs), "no slice after its cancel");
        assert_eq!(log.state(), JobState::Cancelled as u32);
        world.library.jobs().release(job).unwrap();
        world.end();
    });
}

/// The event that a job waits for comes while the job looks for it and falls asleep: the job does
/// not sleep for ever.
#[test]
fn wake_x_sleep() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log { is_sleeper: true, ..Log::default() });
        let job = world.post_kept(&PLAIN, &log);
        let thread = thread::spawn({
            let (world, log) = (world.clone(), log.clone());
            move || {
                log.event.store(1, Ordering::Relaxed);
                let jobs = world.library.jobs();
                assert!(world.library.dispatchers().wake_job(&JobPin::new(jobs, job).unwrap()));
            }
        });
        world.pump();
        thread.join().unwrap();
        world.pump();
        assert_eq!((log.ends(), log.state()), ((1, 1), JobState::Completed as u32));
        world.library.jobs().release(job).unwrap();
        world.end();
    });
}

/// A job that unwinds is cancelled while it falls asleep: it is called once more, at most, and is over.
#[test]
fn cancel_x_sleep() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log { is_sleeper: true, ..Log::default() });
        let post = Post { unwinds: true, ..PLAIN };
        let job = world.post_kept(&post, &log);
        let thread = cancel_elsewhere(&world, job);
        world.pump();
        let runs = log.runs();
        thread.join().unwrap();
        world.pump();
        assert_eq!((log.ends(), log.state()), ((1, 1), JobState::Cancelled as u32));
        assert!(log.runs() <= runs + 1 && log.runs() <= 2);
        world.library.jobs().release(job).unwrap();
        world.end();
    });
}

/// A job is cancelled while it leaves its objects to another thread: it is over only after that
/// thread has woken it.
#[test]
fn cancel_x_away() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log { is_away: true, ..Log::default() });
        let post = Post { unwinds: true, ..PLAIN };
        let job = world.post_kept(&post, &log);
        let thread = cancel_elsewhere(&world, job);
        world.pump();
        world.pump();
        thread.join().unwrap();
        let runs = log.runs();
        if runs > 0 {
            world.pump();
            assert_eq!((log.ends(), log.runs()), ((0, 0), 1), "another thread uses its things");
            log.event.store(1, Ordering::Relaxed);
            let jobs = world.library.jobs();
            assert!(world.library.dispatchers().wake_job(&JobPin::new(jobs, job).unwrap()));
        }
        world.pump();
        assert_eq!((log.ends(), log.runs()), ((1, 1), 2 * runs));
        world.library.jobs().release(job).unwrap();
        world.end();
    });
}

/// The job that a job waits for ends while the latter asks to be woken then and falls asleep: it
/// does not sleep for ever.
#[test]
fn end_x_sleep() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log { is_sleeper: true, ..Log::default() });
        let dispatchers = world.library.dispatchers();
        let job = world.post_kept(&PLAIN, &log);
        let jobs = world.library.jobs();
        let token = Origin::default();
        let origin = JobOrigin { label: "", caller_id: "", parents: [NULL; 2], token, owner: NULL };
        let awaited = jobs.create(&origin, None).map_err(|(error, _)| error).unwrap();
        let thread = thread::spawn({
            let (world, log) = (world.clone(), log.clone());
            move || {
                log.event.store(1, Ordering::Relaxed);
                let jobs = world.library.jobs();
                let pin = JobPin::new(jobs, awaited).unwrap();
                jobs.end(&pin, JobState::Failed, "").unwrap();
            }
        });
        let sleeper = dispatchers.posted_as(&JobPin::new(jobs, job).unwrap()).unwrap();
        jobs.wake_at_end(&JobPin::new(jobs, awaited).unwrap(), sleeper).unwrap();
        world.pump();
        thread.join().unwrap();
        world.pump();
        assert_eq!((log.ends(), log.state()), ((1, 1), JobState::Completed as u32));
        jobs.release(awaited).unwrap();
        jobs.release(job).unwrap();
        world.end();
    });
}

/// The time limit of a waiting poster passes while its job is pumped: the job never runs, or it has
/// started.
#[test]
fn timeout_x_pump() {
    model(2, || {
        let world = world();
        let log = Arc::new(Log::default());
        let thread = thread::spawn({
            let (world, log) = (world.clone(), log.clone());
            move || {
                let waited = on_thread!(world, OTHER, |thread, dispatchers, pin| {
                    dispatchers.post_and_wait(thread, &pin, &PLAIN, work(&log), Some(0))
                });
                let waited = waited.map_err(|(error, _)| error).unwrap();
                if waited.end == WaitEnd::Over {
                    assert_eq!(log.ends(), (1, 1), "and the destroy-notify has run");
                }
                world.library.jobs().release(waited.job).unwrap();
                waited.end
            }
        });
        world.pump();
        let end = thread.join().unwrap();
        world.pump();
        assert_eq!(log.ends(), (1, 1));
        match end {
            WaitEnd::TimedOut => assert_eq!(log.runs(), 0),
            WaitEnd::Over => assert_eq!(log.runs(), 1),
            // A cancel may have come between the job's turn and its function.
            WaitEnd::Started => assert!(log.runs() <= 1),
            WaitEnd::Wedged => unreachable!(),
        }
        world.end();
    });
}

/// A post races with a close: refused, or completed; never lost.
#[test]
fn close_x_post() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log::default());
        let thread = thread::spawn({
            let (world, log) = (world.clone(), log.clone());
            move || world.post(&PLAIN, &log, OTHER)
        });
        let first = world.library.dispatchers().shut_down(&world.pin(), HERE);
        let accepted = thread.join().unwrap();
        if accepted && first == ShutDown::Over {
            assert_eq!(log.ends(), (1, 1), "over means over");
        }
        world.pump();
        assert_eq!(log.ends(), (u32::from(accepted), 1));
        assert_eq!(log.runs(), 0);
        world.end();
    });
}

/// Another thread shuts down while the dispatcher is pumped: the job runs or is interrupted.
#[test]
fn close_x_pump() {
    model(2, || {
        let world = world();
        let log = Arc::new(Log { slices: 1, ..Log::default() });
        assert!(world.post(&PLAIN, &log, HERE));
        let thread = thread::spawn({
            let world = world.clone();
            move || {
                world.library.dispatchers().shut_down(&world.pin(), OTHER);
            }
        });
        world.pump();
        world.pump();
        thread.join().unwrap();
        world.pump();
        assert_eq!(log.ends(), (1, 1));
        let interrupted = log.state() == JobState::Interrupted as u32;
        let cancelled = log.state() == JobState::Cancelled as u32;
        assert!(interrupted || cancelled || log.runs() == 2);
        world.end();
    });
}

/// A job that seals itself in its first slice, and how it ended.
struct Sealing {
    world: Arc<World>,
    sealed: AtomicU32,
    state: AtomicU32,
}

unsafe extern "C-unwind" fn run_and_seal(job: *const c_void, sealing: *mut c_void) -> i32 {
    // SAFETY: the work's reference, which `forget_sealing` gives back.
    let sealing = unsafe { &*sealing.cast::<Sealing>() };
    if sealing.sealed.load(Ordering::Relaxed) != 0 {
        return 0;
    }
    let jobs = sealing.world.library.jobs();
    let sealed = jobs.seal(&JobPin::new(jobs, job as Handle).unwrap()).unwrap();
    if sealed != JobSealed::Yes {
        return 2;
    }
    sealing.sealed.store(1, Ordering::Relaxed);
    RUN_AGAIN
}

unsafe extern "C" fn note_end(_job: *const c_void, state: i32, sealing: *mut c_void) {
    // SAFETY: as above.
    unsafe { &*sealing.cast::<Sealing>() }.state.store(state as u32, Ordering::Relaxed);
}

unsafe extern "C" fn forget_sealing(sealing: *mut c_void) {
    // SAFETY: the reference that the model gave away.
    drop(unsafe { Arc::from_raw(sealing.cast::<Sealing>()) });
}

/// Another thread shuts the dispatcher down before, while or after a job seals itself in one of its
/// slices: a sealed job completes or is interrupted, and is never cancelled.
#[test]
fn close_x_seal() {
    model(2, || {
        let world = world();
        let (sealed, state) = (AtomicU32::new(0), AtomicU32::new(0));
        let sealing = Arc::new(Sealing { world: world.clone(), sealed, state });
        let user_data = UserData::new(Arc::into_raw(sealing.clone()).cast_mut().cast());
        // SAFETY: all three take what `user_data` is.
        let work = unsafe {
            let payload = Payload::new(user_data, Some(forget_sealing));
            Work::new(run_and_seal, Some(note_end), payload)
        };
        let posted = world.library.dispatchers().post(&world.pin(), &PLAIN, work, HERE);
        let job = posted.map_err(|(error, _)| error).unwrap();
        world.library.jobs().release(job).unwrap();
        let thread = thread::spawn({
            let world = world.clone();
            move || {
                world.library.dispatchers().shut_down(&world.pin(), OTHER);
            }
        });
        world.pump();
        world.pump();
        thread.join().unwrap();
        world.pump();
        let is_sealed = sealing.sealed.load(Ordering::Relaxed) != 0;
        let state = JobState::from_number(sealing.state.load(Ordering::Relaxed));
        let other = if is_sealed { JobState::Completed } else { JobState::Cancelled };
        let is_right = state == JobState::Interrupted || state == other;
        assert!(is_right, "sealed: {is_sealed}, ended as {state:?}");
        drop(sealing);
        world.end();
    });
}

/// Another thread shuts the dispatcher down while the job that the pump ran is over and another job
/// gets its slot: the shutdown does not ask that one to stop.
#[test]
fn close_x_pump_x_next_job() {
    model(2, || {
        let world = world();
        let log = Arc::new(Log::default());
        assert!(world.post(&PLAIN, &log, HERE));
        let thread = thread::spawn({
            let world = world.clone();
            move || {
                world.library.dispatchers().shut_down(&world.pin(), OTHER);
            }
        });
        world.pump();
        let jobs = world.library.jobs();
        let token = Origin::default();
        let origin = JobOrigin { label: "", caller_id: "", parents: [NULL; 2], token, owner: NULL };
        let next = jobs.create(&origin, None).map_err(|(error, _)| error).unwrap();
        thread.join().unwrap();
        let pin = JobPin::new(jobs, next).unwrap();
        assert!(!world.library.tokens().is_cancelled(&jobs.token_held_by(&pin)), "another's job");
        drop(pin);
        jobs.release(next).unwrap();
        world.pump();
        assert_eq!(log.ends(), (1, 1));
        world.end();
    });
}

/// A thread waits for a job on a dispatcher that is closed: the thread is freed.
#[test]
fn wait_x_close() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log::default());
        let thread = thread::spawn({
            let (world, log) = (world.clone(), log.clone());
            move || {
                let waited = on_thread!(world, OTHER, |thread, dispatchers, pin| {
                    dispatchers.post_and_wait(thread, &pin, &PLAIN, work(&log), None)
                });
                match waited {
                    Ok(waited) => {
                        assert_eq!(waited.end, WaitEnd::Over);
                        world.library.jobs().release(waited.job).unwrap();
                        true
                    }
                    Err((_, work)) => {
                        work.into_payload().destroy();
                        false
                    }
                }
            }
        });
        world.library.dispatchers().shut_down(&world.pin(), OTHER);
        let accepted = thread.join().unwrap();
        world.pump();
        assert_eq!(log.ends(), (u32::from(accepted), 1));
        world.end();
    });
}

/// The dispatcher's own thread waits for a job whose slice a worker runs, while the dispatcher is
/// shut down: the thread is freed, even if the job ends where it would have waited for its next
/// slice.
#[test]
fn wait_x_slice_x_close() {
    model(1, || {
        let world = world();
        let log = Arc::new(Log { slices: 1, ..Log::default() });
        let worker = thread::spawn({
            let world = world.clone();
            move || {
                let workers = world.library.dispatchers().workers();
                let first = workers.wait().unwrap();
                let closer = thread::spawn({
                    let world = world.clone();
                    move || {
                        world.library.dispatchers().shut_down(&world.pin(), OTHER);
                    }
                });
                on_thread!(world, OTHER, |thread, dispatchers, _pin| {
                    let mut next = Some(first);
                    while let Some(id) = next {
                        dispatchers.run_elsewhere(thread, id);
                        next = workers.take();
                    }
                });
                closer.join().unwrap();
            }
        });
        let waited = on_thread!(world, HERE, |thread, dispatchers, pin| {
            let post = Post { elsewhere: true, ..PLAIN };
            dispatchers.post_and_wait(thread, &pin, &post, work(&log), None)
        });
        let waited = waited.map_err(|(error, _)| error).unwrap();
        assert_eq!(waited.end, WaitEnd::Over);
        worker.join().unwrap();
        world.pump();
        assert_eq!(log.ends(), (1, 1));
        world.library.jobs().release(waited.job).unwrap();
        world.end();
    });
}

/// A thread waits for a dispatcher whose thread ends: the waiting thread is freed, in either order.
#[test]
fn wait_x_end_of_its_thread() {
    model(3, || {
        let world = world();
        let owner = world.library.owners().create().unwrap();
        let log = Arc::new(Log::default());
        let thread = thread::spawn({
            let (world, log) = (world.clone(), log.clone());
            move || {
                let post = Post { owner, ..PLAIN };
                let waited = on_thread!(world, OTHER, |thread, dispatchers, pin| {
                    dispatchers.post_and_wait(thread, &pin, &post, work(&log), None)
                });
                let waited = waited.map_err(|(error, _)| error).unwrap();
                world.library.jobs().release(waited.job).unwrap();
                waited.end
            }
        });
        world.library.dispatchers().thread_ends(HERE);
        assert_eq!(thread.join().unwrap(), WaitEnd::Wedged);
        assert_eq!((log.runs(), log.ends()), (0, (0, 0)), "it waits for its completion");
        world.library.dispatchers().close_owner(owner, OTHER).unwrap();
        assert_eq!((log.runs(), log.ends()), (0, (0, 1)));
    });
}

/// The only worker waits for a job that the dispatcher's thread does next. That thread waits for a
/// job that only a worker would run: it runs that job itself, whichever of the two began to wait
/// first.
#[test]
fn wait_x_wait_of_all_workers() {
    model(2, || {
        let world = world();
        let tokens = world.library.tokens();
        let token = tokens.create([], Origin::default(), Holder::Owner).unwrap();
        let worker = thread::spawn({
            let world = world.clone();
            move || {
                world.library.dispatchers().workers().join(thread_identity::current());
                // A job that this thread runs would wait in the same way.
                let tokens = world.library.tokens();
                assert_eq!(
                    tokens.wait_any(&[token], None, Asker::default()),
                    Ok(Waited::Cancelled(0))
                );
            }
        });
        let log = Arc::new(Log::default());
        let waited = on_thread!(world, HERE, |thread, dispatchers, pin| {
            let post = Post { elsewhere: true, ..PLAIN };
            dispatchers.post_and_wait(thread, &pin, &post, work(&log), None)
        });
        let waited = waited.map_err(|(error, _)| error).unwrap();
        assert_eq!((waited.end, log.runs()), (WaitEnd::Over, 1));
        tokens.cancel(&TokenPin::new(tokens, token).unwrap(), Cause::Request, "");
        worker.join().unwrap();
        world.pump();
        assert_eq!(log.ends(), (1, 1));
        world.library.jobs().release(waited.job).unwrap();
        tokens.release(token).unwrap();
        world.end();
    });
}

/// The last reference to the dispatcher is released on another thread while it is pumped.
#[test]
fn completion_x_release() {
    model(2, || {
        let world = world();
        let log = Arc::new(Log::default());
        assert!(world.post(&PLAIN, &log, HERE));
        let thread = thread::spawn({
            let world = world.clone();
            move || world.library.dispatchers().release(world.dispatcher, OTHER).unwrap()
        });
        // The dispatcher is freed once its last job is over.
        while world.library.dispatchers().arena().live() != 0 {
            world.try_pump();
            thread::yield_now();
        }
        thread.join().unwrap();
        assert_eq!(log.ends(), (1, 1));
        world.assert_empty();
    });
}

/// The owner of a job's functions is closed on another thread while the job is pumped: none of them
/// is called after that, and the destroy-notify has run.
#[test]
fn owner_close_x_pump() {
    model(2, || {
        let world = world();
        let owner = world.library.owners().create().unwrap();
        let log = Arc::new(Log { slices: 1, ..Log::default() });
        assert!(world.post(&Post { owner, ..PLAIN }, &log, HERE));
        let thread = thread::spawn({
            let (world, log) = (world.clone(), log.clone());
            move || {
                world.library.dispatchers().close_owner(owner, OTHER).unwrap();
                let (completions, destroys) = log.ends();
                assert_eq!(destroys, 1);
                (log.runs(), completions)
            }
        });
        world.pump();
        world.pump();
        let at_close = thread.join().unwrap();
        world.pump();
        assert_eq!((log.runs(), log.ends()), (at_close.0, (at_close.1, 1)));
        let dropped = world.pin().slot().live().statistics().completions_dropped.read();
        assert_eq!(u64::from(at_close.1) + dropped, 1);
        world.end();
    });
}

/// The owner of a job's functions is closed while a worker runs it.
#[test]
fn owner_close_x_worker() {
    model(2, || {
        let world = world();
        let owner = world.library.owners().create().unwrap();
        let log = Arc::new(Log::default());
        assert!(world.post(&Post { owner, elsewhere: true, ..PLAIN }, &log, HERE));
        let thread = thread::spawn({
            let world = world.clone();
            move || {
                let id = world.library.dispatchers().workers().take().unwrap();
                on_thread!(world, OTHER, |thread, dispatchers, _pin| {
                    dispatchers.run_elsewhere(thread, id)
                });
            }
        });
        world.library.dispatchers().close_owner(owner, HERE).unwrap();
        let runs = log.runs();
        let (_, destroys) = log.ends();
        assert_eq!(destroys, 1);
        thread.join().unwrap();
        world.pump();
        assert_eq!(log.runs(), runs);
        let dropped = world.pin().slot().live().statistics().completions_dropped.read();
        assert_eq!(u64::from(log.ends().0) + dropped, 1);
        world.end();
    });
}

/// Creates the next dispatcher in the slot of one that was freed. Only its own post wakes its host,
/// and after the close of its owner nothing calls the host.
fn next_in_its_place(world: &World) {
    let dispatchers = world.library.dispatchers();
    let owner = world.library.owners().create().unwrap();
    let wakes = Arc::new(Wakes::default());
    let next = create_woken(dispatchers, owner, &wakes);
    let log = Arc::new(Log::default());
    let pin = DispatcherPin::new(dispatchers, next).unwrap();
    let job = dispatchers.post(&pin, &PLAIN, work(&log), HERE).map_err(|(error, _)| error);
    assert_eq!(
        wakes.count.load(Ordering::Relaxed),
        1,
        "nobody was awake, and nobody else has posted"
    );
    world.library.jobs().release(job.unwrap()).unwrap();
    drop(pin);
    dispatchers.close_owner(owner, HERE).unwrap();
    wakes.is_closed.store(1, Ordering::Relaxed);
    assert_eq!(log.ends(), (1, 1));
    dispatchers.release(next, HERE).unwrap();
    assert_eq!(wakes.late.load(Ordering::Relaxed), 0, "called after its owner was closed");
}

/// A job is cancelled while its dispatcher is freed and the next one gets its slot.
#[test]
fn cancel_x_next_dispatcher() {
    model(2, || {
        let world = world();
        let log = Arc::new(Log::default());
        let job = world.post_kept(&PLAIN, &log);
        let thread = cancel_elsewhere(&world, job);
        world.pump();
        assert_eq!(log.ends(), (1, 1));
        world.library.dispatchers().release(world.dispatcher, HERE).unwrap();
        next_in_its_place(&world);
        thread.join().unwrap();
        world.library.jobs().release(job).unwrap();
        world.assert_empty();
    });
}

/// A job is cancelled while it is over and another dispatcher's job gets its slot.
#[test]
fn cancel_x_next_job() {
    model(2, || {
        let world = world();
        let dispatchers = world.library.dispatchers();
        let log = Arc::new(Log::default());
        let job = world.post_kept(&PLAIN, &log);
        let thread = cancel_elsewhere(&world, job);
        let wakes = Arc::new(Wakes::default());
        let other = create_woken(dispatchers, NULL, &wakes);
        world.pump();
        assert_eq!(log.ends(), (1, 1));
        let next_log = Arc::new(Log::default());
        let next = Post { elsewhere: true, ..PLAIN };
        let pin = DispatcherPin::new(dispatchers, other).unwrap();
        let next = dispatchers.post(&pin, &next, work(&next_log), HERE);
        world.library.jobs().release(next.map_err(|(error, _)| error).unwrap()).unwrap();
        thread.join().unwrap();
        assert_eq!(wakes.count.load(Ordering::Relaxed), 0, "its job waits for another thread");
        dispatchers.shut_down(&pin, HERE);
        drop(pin);
        assert_eq!(next_log.ends(), (1, 1));
        dispatchers.release(other, HERE).unwrap();
        world.library.jobs().release(job).unwrap();
        world.end();
    });
}

/// The worker threads are stopped while the dispatcher of a job that is queued for one is freed.
#[test]
fn stop_workers_x_next_dispatcher() {
    model(3, || {
        let world = world();
        let log = Arc::new(Log::default());
        assert!(world.post(&Post { elsewhere: true, ..PLAIN }, &log, HERE));
        let thread = thread::spawn({
            let world = world.clone();
            move || world.library.dispatchers().stop_workers()
        });
        world.pump();
        if world.unfinished() != 0 {
            // The workers were not stopped yet. The other interleavings are the interesting ones.
            thread.join().unwrap();
            world.pump();
            return world.end();
        }
        assert_eq!(log.ends(), (1, 1));
        world.library.dispatchers().release(world.dispatcher, HERE).unwrap();
        next_in_its_place(&world);
        thread.join().unwrap();
        world.assert_empty();
    });
}

/// Waits, on the thread of one dispatcher, for another; then frees all that wait for this one.
/// Returns whether the wait was refused because of a ring.
fn wait_for_other(world: &World, number: u64, own: Handle, other: Handle) -> bool {
    let dispatchers = world.library.dispatchers();
    let record = ThreadRecord::new(number);
    let slots = ThreadSlots::new(world.library.contexts().never());
    slots.set_record(Some(&record));
    let thread = ThisThread { slots: &slots, record: &record };
    let pin = |dispatcher| DispatcherPin::new(dispatchers, dispatcher).unwrap();
    let (own, other) = (pin(own), pin(other));
    dispatchers.pump(thread, &own, Bounds { budget_ns: NO_LIMIT, most: NO_LIMIT }).unwrap();
    let log = Arc::new(Log::default());
    let waited = dispatchers.post_and_wait(thread, &other, &PLAIN, work(&log), None);
    let is_refused = match waited {
        Ok(waited) => {
            world.library.jobs().release(waited.job).unwrap();
            false
        }
        Err((error, work)) => {
            assert_eq!(log.ends(), (0, 0), "nothing was taken");
            work.into_payload().destroy();
            assert!(matches!(error, Error::WouldDeadlock | Error::DispatcherShutDown), "{error}");
            error == Error::WouldDeadlock
        }
    };
    dispatchers.shut_down(&own, number);
    is_refused
}

/// Two threads wait for each other's dispatchers, one of which gets its thread only now.
#[test]
fn wait_x_wait() {
    model(2, || {
        let world = world();
        let later = create(world.library.dispatchers(), 0);
        let thread = thread::spawn({
            let world = world.clone();
            move || wait_for_other(&world, OTHER, later, world.dispatcher)
        });
        let is_refused = wait_for_other(&world, HERE, world.dispatcher, later);
        assert!(!(thread.join().unwrap() && is_refused), "one of them can wait");
        world.library.dispatchers().release(later, HERE).unwrap();
        world.end();
    });
}

/// A thread begins to wait for the end of a posted job while that is completed, and, if its poster
/// kept no reference, while its slot is freed: the wait ends after the completion and the
/// destroy-notify.
#[test]
fn completion_x_wait_for_the_end() {
    for is_kept in [true, false] {
        model(2, move || {
            let world = world();
            let log = Arc::new(Log::default());
            let post = Post { is_kept, ..PLAIN };
            let job = world.post_kept(&post, &log);
            let thread = thread::spawn({
                let (world, log) = (world.clone(), log.clone());
                move || {
                    let waited = world.library.jobs().wait_for_end(
                        job,
                        None,
                        Waiter::<[Handle; 0]>::default(),
                        |_| (),
                    );
                    match waited {
                        // The job was gone before, and this thread knows nothing more about it.
                        Err(Error::InvalidHandle(..)) if !is_kept => return,
                        waited => assert_eq!(waited, Ok(EndWaited::Ended)),
                    }
                    assert_eq!(log.ends(), (1, 1));
                }
            });
            world.pump();
            thread.join().unwrap();
            if is_kept {
                world.library.jobs().release(job).unwrap();
            }
            world.end();
        });
    }
}

/// A dispatcher's thread ends while another begins to wait for a job of it, which is never completed.
#[test]
fn end_of_its_thread_x_wait_for_the_end() {
    model(2, || {
        let world = world();
        let owner = world.library.owners().create().unwrap();
        let log = Arc::new(Log::default());
        let post = Post { owner, ..PLAIN };
        let job = world.post_kept(&post, &log);
        let other = world.clone();
        let thread = thread::spawn(move || {
            other.library.jobs().wait_for_end(job, None, Waiter::<[Handle; 0]>::default(), |_| ())
        });
        world.library.dispatchers().thread_ends(HERE);
        assert_eq!(thread.join().unwrap(), Ok(EndWaited::Never));
        world.library.dispatchers().close_owner(owner, OTHER).unwrap();
        assert_eq!((log.runs(), log.ends()), (0, (0, 1)));
        let waited =
            world.library.jobs().wait_for_end(job, None, Waiter::<[Handle; 0]>::default(), |_| ());
        assert_eq!(waited, Ok(EndWaited::Ended), "the close was its end");
        world.library.jobs().release(job).unwrap();
    });
}
