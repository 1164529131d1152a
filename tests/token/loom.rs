//! Models of the core's races. Loom runs every interleaving of a few threads.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile models --test loom --target-dir target/loom`

#![cfg(loom)]

use dcc_cancel::diagnosis::place::Place;
use dcc_cancel::diagnosis::watch::{Course, Watched, Watches};
use dcc_cancel::handle::{CANCELLED, Handle, TRACED};
use dcc_cancel::job::life::{Begun, Ended};
use dcc_cancel::job::{JobOrigin, JobPin, JobState, Progress};
use dcc_cancel::library::Library;
use dcc_cancel::memory::pin::Keeper;
use dcc_cancel::memory::pool::{Link, Pool};
use dcc_cancel::memory::slot::Holder;
use dcc_cancel::sys::bound::Bound;
use dcc_cancel::sys::callout::{Payload, UserData};
use dcc_cancel::sys::parking::Parking;
use dcc_cancel::sys::thread_rack::Shelf;
use dcc_cancel::thread::context::ThisThread;
use dcc_cancel::thread::current::{ThreadRecord, ThreadSlots};
use dcc_cancel::thread::value::SlotName;
use dcc_cancel::token::ask::Answer;
use dcc_cancel::token::create::Origin;
use dcc_cancel::token::{Cause, TokenPin, Tokens};
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use std::ffi::c_void;

/// Runs all interleavings with up to this many preemptions.
fn model(preemptions: usize, run: impl Fn() + Send + Sync + 'static) {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(preemptions);
    model.check(run);
}

fn create(tokens: &Tokens, parents: &[Handle]) -> Handle {
    tokens.create(parents.iter().copied(), Origin::default(), Holder::Owner).unwrap()
}

fn cancel(tokens: &Tokens, token: Handle, reason: &str) -> Option<bool> {
    let pin = TokenPin::new(tokens, token).ok()?;
    Some(tokens.cancel(&pin, Cause::Request, reason))
}

fn is_cancelled(tokens: &Tokens, token: Handle) -> bool {
    tokens.answer(token, || 0) == Answer::Cancelled
}

fn reason(tokens: &Tokens, token: Handle) -> String {
    let pin = TokenPin::new(tokens, token).unwrap();
    tokens.show_reason(&pin, str::to_owned)
}

fn assert_empty(library: &Library) {
    assert_eq!(library.tokens().arena().live(), 0, "tokens");
    assert_eq!(library.jobs().arena().live(), 0, "jobs");
    assert_eq!(library.contexts().arena().live(), 0, "contexts");
}

#[derive(Debug, Default)]
struct Cell {
    next: AtomicU32,
    taken: AtomicU32,
}

impl Link for Cell {
    fn next(&self) -> &AtomicU32 {
        &self.next
    }
}

/// A cell that is popped, pushed and popped again must not be handed to two threads.
#[test]
fn take_x_free() {
    loom::model(|| {
        let pool: Arc<Pool<Cell>> = Arc::new(Pool::new());
        let (first, second) = (pool.take().unwrap().0, pool.take().unwrap().0);
        pool.free(second);
        pool.free(first);
        let use_one = |pool: &Pool<Cell>| {
            let (number, _) = pool.take().unwrap();
            assert_eq!(pool.cell(number).taken.swap(1, Ordering::Relaxed), 0, "taken twice");
            number
        };
        let other = pool.clone();
        let thread = thread::spawn(move || {
            let (one, _two) = (use_one(&other), use_one(&other));
            other.cell(one).taken.store(0, Ordering::Relaxed);
            other.free(one);
        });
        use_one(&pool);
        thread.join().unwrap();
        // The other thread still uses its second cell.
        use_one(&pool);
    });
}

/// One thread walks along a batch while another takes it and frees a part of it again: no cell of
/// it is handed out to both, and no cell is lost.
#[test]
fn take_a_batch_x_take_and_free_a_part() {
    loom::model(|| {
        let pool: Arc<Pool<Cell>> = Arc::new(Pool::new());
        let numbers: Vec<u32> = (0..4).map(|_| pool.take().unwrap().0).collect();
        numbers.iter().for_each(|&number| pool.free(number));
        let take = |pool: &Pool<Cell>, shelf: &Shelf| {
            let (number, cell) = pool.take_by(shelf).unwrap();
            assert_eq!(cell.taken.swap(1, Ordering::Relaxed), 0, "taken twice");
            number
        };
        let other = pool.clone();
        let thread = thread::spawn(move || {
            let shelf = Shelf::default();
            let (one, _two) = (take(&other, &shelf), take(&other, &shelf));
            other.cell(one).taken.store(0, Ordering::Relaxed);
            other.free_by(&shelf, one, other.cell(one));
            other.take_all(&shelf);
        });
        let shelf = Shelf::default();
        take(&pool, &shelf);
        take(&pool, &shelf);
        pool.take_all(&shelf);
        thread.join().unwrap();
        let used = pool.used();
        let free = (0..used - 3).map(|_| take(&pool, &shelf)).filter(|number| *number <= used);
        assert_eq!(free.count(), used as usize - 3, "lost");
    });
}

/// A thread that sleeps until a bit is cleared is woken, whenever that happens.
#[test]
fn sleep_x_wake() {
    loom::model(|| {
        let shared = Arc::new((AtomicU32::new(1), Parking::default()));
        let other = shared.clone();
        let thread = thread::spawn(move || {
            let (word, parking) = &*other;
            word.fetch_and(0, Ordering::AcqRel);
            parking.wake();
        });
        let (word, parking) = &*shared;
        while word.load(Ordering::Acquire) != 0 {
            parking.sleep_while(|| word.fetch_or(0, Ordering::AcqRel) != 0);
        }
        thread.join().unwrap();
    });
}

/// Exactly one cancel wins. The loser returns only after the flag is visible, with the winner's
/// reason.
#[test]
fn cancel_x_cancel() {
    model(3, || {
        let library = Arc::new(Library::new());
        let token = create(library.tokens(), &[]);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let tokens = other.tokens();
            let won = cancel(tokens, token, "other").unwrap();
            assert!(is_cancelled(tokens, token));
            if won {
                assert_eq!(reason(tokens, token), "other");
            }
            won
        });
        let tokens = library.tokens();
        let won = cancel(tokens, token, "own").unwrap();
        assert!(is_cancelled(tokens, token));
        let other_won = thread.join().unwrap();
        assert_ne!(won, other_won, "exactly one");
        assert_eq!(reason(tokens, token), if won { "own" } else { "other" });
        tokens.release(token).unwrap();
        assert_empty(&library);
    });
}

/// A cancel finds the token or does not. Nothing leaks, and the slot is clean afterwards.
#[test]
fn cancel_x_release() {
    loom::model(|| {
        let library = Arc::new(Library::new());
        let token = create(library.tokens(), &[]);
        let other = library.clone();
        let thread = thread::spawn(move || {
            cancel(other.tokens(), token, "late");
        });
        let tokens = library.tokens();
        tokens.release(token).unwrap();
        thread.join().unwrap();
        assert_empty(&library);
        let next = create(tokens, &[]);
        assert!(!is_cancelled(tokens, next));
        assert_eq!(reason(tokens, next), "");
        tokens.release(next).unwrap();
    });
}

/// A release that is not the last runs beside one that is: the object dies exactly once.
#[test]
fn retain_x_release() {
    loom::model(|| {
        let library = Arc::new(Library::new());
        let token = create(library.tokens(), &[]);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let tokens = other.tokens();
            if tokens.arena().retain(token).is_ok() {
                tokens.release(token).unwrap();
            }
        });
        library.tokens().release(token).unwrap();
        thread.join().unwrap();
        assert_empty(&library);
        assert!(library.tokens().release(token).is_err());
    });
}

/// A child that is linked to a parent during the parent's cancel is cancelled in the end, by one
/// side or the other.
#[test]
fn link_x_cancel() {
    model(3, || {
        let library = Arc::new(Library::new());
        let parent = create(library.tokens(), &[]);
        let other = library.clone();
        let thread = thread::spawn(move || create(other.tokens(), &[parent]));
        let tokens = library.tokens();
        assert_eq!(cancel(tokens, parent, "parent"), Some(true));
        let child = thread.join().unwrap();
        assert!(is_cancelled(tokens, child));
        assert_eq!(reason(tokens, child), "parent");
        tokens.release(parent).unwrap();
        tokens.release(child).unwrap();
        assert_empty(&library);
    });
}

/// The walk of a cancel meets a child that is being released, and a parent that only its children
/// keep.
#[test]
fn link_x_cancel_x_release() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parent = create(tokens, &[]);
        let first = create(tokens, &[parent]);
        let second = create(tokens, &[parent]);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let tokens = other.tokens();
            tokens.release(first).unwrap();
            tokens.release(parent).unwrap();
        });
        let found = cancel(tokens, parent, "parent").is_some();
        assert!(found == is_cancelled(tokens, second) || found);
        if found {
            assert!(is_cancelled(tokens, second));
        }
        thread.join().unwrap();
        tokens.release(second).unwrap();
        assert_empty(&library);
    });
}

/// Two parents are cancelled at the same time: the child is flagged once, and both lists let go of
/// it.
#[test]
fn two_parents_x_cancel() {
    model(3, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let parents = [create(tokens, &[]), create(tokens, &[])];
        let child = create(tokens, &parents);
        let other = library.clone();
        let thread = thread::spawn(move || cancel(other.tokens(), parents[1], "second"));
        assert_eq!(cancel(tokens, parents[0], "first"), Some(true));
        assert_eq!(thread.join().unwrap(), Some(true));
        assert!(is_cancelled(tokens, child));
        assert!(["first", "second"].contains(&&*reason(tokens, child)));
        for token in [child, parents[0], parents[1]] {
            tokens.release(token).unwrap();
        }
        assert_empty(&library);
    });
}

/// Another thread cancels and releases a token that is current on this thread: the slot's reference
/// keeps it, the probe sees the cancel, the reset lets go of it.
#[test]
fn set_reset_x_cancel() {
    loom::model(|| {
        let library = Arc::new(Library::new());
        let token = create(library.tokens(), &[]);
        let other = library.clone();
        let thread = thread::spawn(move || {
            let tokens = other.tokens();
            let cancelled = cancel(tokens, token, "stop").is_some();
            tokens.release(token).unwrap();
            cancelled
        });
        let record = ThreadRecord::new(library.contexts().numbers().next().unwrap());
        let slots = ThreadSlots::new(library.contexts().never());
        slots.set_record(Some(&record));
        let ticket = library.contexts().set(&slots, &record, SlotName::Token, token);
        if ticket.is_ok() && !slots.is_quiet() {
            assert_eq!(slots.token_answer(library.tokens()), Answer::Cancelled);
        }
        assert!(thread.join().unwrap());
        if let Ok(ticket) = ticket {
            assert!(!slots.is_quiet());
            library.contexts().reset(&slots, SlotName::Token, ticket).unwrap();
        }
        assert!(slots.is_quiet());
        assert_empty(&library);
    });
}

/// The user data of a bound function: whether its destroy-notify has run, and what the function
/// saw.
struct Piece {
    destroyed: AtomicU32,
    seen: AtomicU32,
}

unsafe extern "C" fn look(piece: *mut c_void) -> *mut c_void {
    // SAFETY: what the model below has bound, which outlives it.
    let piece = unsafe { &*piece.cast::<Piece>() };
    piece.seen.store(1 + piece.destroyed.load(Ordering::Relaxed), Ordering::Relaxed);
    std::ptr::from_ref(piece).cast_mut().cast()
}

unsafe extern "C" fn destroy(piece: *mut c_void) {
    // SAFETY: as above.
    let piece = unsafe { &*piece.cast::<Piece>() };
    piece.destroyed.fetch_add(1, Ordering::Relaxed);
}

/// One thread runs a bound context while another one releases the last other reference to it: the
/// function finds its user data and the token alive, and the destroy-notify runs once, after the
/// function.
#[test]
fn run_x_release() {
    loom::model(|| {
        let library = Arc::new(Library::new());
        let piece = Arc::new(Piece { destroyed: AtomicU32::new(0), seen: AtomicU32::new(0) });
        let data = UserData::new(Arc::as_ptr(&piece).cast_mut().cast());
        // SAFETY: both functions take the piece, which outlives the library.
        let bound = unsafe { Bound::new(look, Payload::new(data, Some(destroy))) };
        let (contexts, token) = (library.contexts(), create(library.tokens(), &[]));
        let record = ThreadRecord::new(contexts.numbers().next().unwrap());
        let slots = ThreadSlots::new(contexts.never());
        slots.set_record(Some(&record));
        let ticket = contexts.set(&slots, &record, SlotName::Token, token).unwrap();
        let context = contexts.bind(&slots, bound).unwrap();
        contexts.reset(&slots, SlotName::Token, ticket).unwrap();
        library.tokens().release(token).unwrap();
        contexts.retain_context(context).unwrap();
        let other = library.clone();
        let thread = thread::spawn(move || other.contexts().release_context(context).unwrap());
        let this = || Ok(ThisThread { slots: &slots, record: &record });
        assert_eq!(contexts.run(this, context), Ok(data));
        thread.join().unwrap();
        assert_eq!(piece.seen.load(Ordering::Relaxed), 1, "its notify has run before");
        assert_eq!(piece.destroyed.load(Ordering::Relaxed), 1);
        assert!(contexts.run(this, context).is_err());
        assert_empty(&library);
    });
}

fn job(library: &Library) -> Handle {
    let origin =
        JobOrigin { label: "", caller_id: "", parents: [0; 2], token: Origin::default(), owner: 0 };
    library.jobs().create(&origin, None).unwrap()
}

/// A job is completed, failed and cancelled at the same time: one end wins, and the text belongs to
/// that end.
#[test]
fn terminal_state_x_terminal_state_x_cancel() {
    model(3, || {
        let library = Arc::new(Library::new());
        let handle = job(&library);
        {
            let pin = JobPin::new(library.jobs(), handle).unwrap();
            assert_eq!(library.jobs().begin(&pin), Ok(Begun::Running));
        }
        let other = library.clone();
        let failing = thread::spawn(move || {
            let pin = JobPin::new(other.jobs(), handle).unwrap();
            let _ = other.jobs().cancel(&pin, "stop");
            other.jobs().end(&pin, JobState::Failed, "broken").unwrap() == Ended::ByThisCall
        });
        let won = {
            let pin = JobPin::new(library.jobs(), handle).unwrap();
            library.jobs().end(&pin, JobState::Completed, "").unwrap() == Ended::ByThisCall
        };
        let failed = failing.join().unwrap();
        assert_ne!(won, failed, "exactly one end");
        let pin = JobPin::new(library.jobs(), handle).unwrap();
        let state = library.jobs().state(&pin);
        assert_eq!(state, if won { JobState::Completed } else { JobState::Failed });
        drop(pin);
        library.jobs().release(handle).unwrap();
        assert_empty(&library);
    });
}

/// A job without any text or progress gets progress while it ends: the progress that is known after
/// its end stays.
#[test]
fn progress_x_terminal_state() {
    loom::model(|| {
        let library = Arc::new(Library::new());
        let handle = job(&library);
        assert_eq!(
            library.jobs().begin(&JobPin::new(library.jobs(), handle).unwrap()),
            Ok(Begun::Running)
        );
        let other = library.clone();
        let thread = thread::spawn(move || {
            let pin = JobPin::new(other.jobs(), handle).unwrap();
            other.jobs().set_progress(&pin, Progress { done: 1, total: 2 }, None).is_ok()
        });
        let pin = JobPin::new(library.jobs(), handle).unwrap();
        library.jobs().end(&pin, JobState::Completed, "").unwrap();
        let at_end = library.jobs().progress(&pin);
        let is_told = thread.join().unwrap();
        let now = (library.jobs().state(&pin), library.jobs().progress(&pin));
        let told = Progress { done: u64::from(is_told), total: 2 * u64::from(is_told) };
        assert_eq!(now, (JobState::Completed, at_end), "it had ended");
        assert_eq!(at_end, told, "it had ended");
        drop(pin);
        library.jobs().release(handle).unwrap();
        assert_empty(&library);
    });
}

/// A job is looked up by its id while its last owner lets go of it.
#[test]
fn find_x_release() {
    loom::model(|| {
        let library = Arc::new(Library::new());
        let handle = job(&library);
        let id = dcc_cancel::job::id_of(handle);
        let other = library.clone();
        let thread = thread::spawn(move || {
            if let Some(found) = other.jobs().find(id) {
                assert_eq!(found, handle);
                other.jobs().release(found).unwrap();
            }
        });
        library.jobs().release(handle).unwrap();
        thread.join().unwrap();
        assert_empty(&library);
        assert_eq!(library.jobs().find(id), None);
    });
}

/// A job that is created while tracing is switched on for all jobs is traced, by one side or the
/// other. A cancel at the same moment is not lost.
#[test]
fn cancel_x_trace_all() {
    model(4, || {
        let library = Arc::new(Library::new());
        let tokens = library.tokens();
        let first = job(&library);
        let first_token = {
            let pin = JobPin::new(library.jobs(), first).unwrap();
            library.jobs().token(&pin)
        };
        let other = library.clone();
        let thread = thread::spawn(move || {
            cancel(other.tokens(), first_token, "stop").unwrap();
            job(&other)
        });
        tokens.trace_all(true);
        let second = thread.join().unwrap();
        for handle in [first, second] {
            let pin = JobPin::new(library.jobs(), handle).unwrap();
            let token = TokenPin::new(tokens, library.jobs().token(&pin)).unwrap();
            let state = token.slot().state().load(Ordering::Relaxed);
            assert_ne!(state & TRACED, 0);
            assert_eq!(state & CANCELLED != 0, handle == first);
        }
        library.jobs().release(first).unwrap();
        library.jobs().release(second).unwrap();
        assert_empty(&library);
    });
}

/// A cancel, a traced poll and the end of a job happen at the same time, before the job has a
/// watch: all three use one watch, and cancel and end know of each other.
#[test]
fn poll_x_cancel_x_end_of_its_job() {
    model(3, || {
        let shared = Arc::new((Watches::new(), Watched::default()));
        shared.1.begin();
        let spawn = |note: fn(&Watches, &Watched) -> bool| {
            let shared = shared.clone();
            thread::spawn(move || note(&shared.0, &shared.1))
        };
        let cancel = spawn(|watches, watched| watches.cancelled(watched, 5));
        let end = spawn(|watches, watched| watches.ended(watched, 7).is_some());
        let (watches, watched) = &*shared;
        watches.sign_of_life(watched, 1, Place::Unknown, 6);
        let was_unfinished = cancel.join().unwrap();
        assert_eq!(end.join().unwrap(), was_unfinished, "the end knows of a cancel before it");
        let course = watches.course(watched);
        let to_end_ns = Some(if was_unfinished { 2 } else { 0 });
        assert_eq!(course, Course { has_ended: true, to_end_ns, is_seen: false });
        let mut polls = 0;
        watches.threads(watched, |report| polls += report.polls);
        assert_eq!(polls, 1, "the poll is noted");
        watches.give_back(watched);
    });
}
