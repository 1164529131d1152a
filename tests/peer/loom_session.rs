//! Models of sessions: begins, ends, cancels by id, closes and last releases against each other.
//!
//! `RUSTFLAGS="--cfg loom" cargo test --profile models --test loom_session --target-dir target/loom`

#![cfg(loom)]

#[path = "../support/interleavings.rs"]
mod interleavings;

use dcc_cancel::error::Error;
use dcc_cancel::handle::{Handle, NULL};
use dcc_cancel::json_rpc::reply::{CancelError, ReplyPolicy};
use dcc_cancel::json_rpc::request_id::{IdRef, RequestId};
use dcc_cancel::json_rpc::wire::Meant;
use dcc_cancel::library::Library;
use dcc_cancel::memory::pin::Keeper;
use dcc_cancel::peer::cancel::{PeerAsks, PeerCancel};
use dcc_cancel::peer::kept::{IdState, Kept, KeptFor};
use dcc_cancel::peer::request::{Owed, RequestOrigin, RequestPin};
use dcc_cancel::peer::session::{SessionPin, SessionSettings};
use dcc_cancel::token::{TokenPin, Tokens};
use interleavings::model;
use loom::sync::{Arc, Mutex};
use loom::thread;

/// A session. In no model does it have two entries when it is closed, because a hash map's order
/// differs from run to run.
struct World {
    library: Library,
    session: Handle,
}

const SETTINGS: SessionSettings = SessionSettings {
    ids: Meant::Requests,
    policy: ReplyPolicy::Silent,
    holds_early: true,
    ids_are_texts: false,
    most_requests: 4,
    most_kept: 4,
    early_ttl_ns: 10,
    progress_interval_ns: 0,
    progress_heartbeat_ns: 0,
};

fn world() -> Arc<World> {
    world_of(SETTINGS)
}

fn world_without_early() -> Arc<World> {
    world_of(SessionSettings { holds_early: false, ..SETTINGS })
}

fn world_of(settings: SessionSettings) -> Arc<World> {
    let library = Library::new();
    let session = library.sessions().create(settings).unwrap();
    Arc::new(World { library, session })
}

/// Runs a call of this world on a second thread.
fn beside<R: 'static>(
    world: &Arc<World>,
    call: impl FnOnce(&World) -> R + 'static,
) -> thread::JoinHandle<R> {
    let world = world.clone();
    thread::spawn(move || call(&world))
}

impl World {
    fn tokens(&self) -> &Tokens {
        self.library.tokens()
    }

    fn session(&self) -> SessionPin<'_> {
        SessionPin::new(self.library.sessions(), self.session).unwrap()
    }

    fn request(&self, request: Handle) -> RequestPin<'_> {
        RequestPin::new(self.library.requests(), request).unwrap()
    }

    fn begin_in(&self, session: Handle, id: i64) -> Result<Handle, Error> {
        let origin = RequestOrigin {
            id: IdRef::Integer(id),
            parent: NULL,
            is_cancellable: true,
            progress_token: None,
            trace_parent: None,
            timeout_ns: None,
        };
        self.library.requests().begin(session, &origin)
    }

    fn begin(&self, id: i64) -> Result<Handle, Error> {
        self.begin_in(self.session, id)
    }

    /// Begins a request whose peer asked for its progress.
    fn begin_told(&self, id: i64) -> Handle {
        let origin = RequestOrigin {
            id: IdRef::Integer(id),
            parent: NULL,
            is_cancellable: true,
            progress_token: Some(IdRef::Integer(id)),
            trace_parent: None,
            timeout_ns: None,
        };
        self.library.requests().begin(self.session, &origin).unwrap()
    }

    /// Whether a note of progress is there to be sent now.
    fn takes_note(&self, request: Handle) -> bool {
        let request = self.request(request);
        self.library.requests().show_progress(&request, false, |_| true).unwrap().is_some()
    }

    fn cancel(&self, id: i64, reason: &str) -> PeerCancel {
        self.cancel_as(id, PeerAsks { reason, ..PeerAsks::default() })
    }

    fn cancel_as(&self, id: i64, asked: PeerAsks<'_>) -> PeerCancel {
        self.library.requests().cancel(&self.session(), IdRef::Integer(id), asked).unwrap()
    }

    fn end(&self, request: Handle) -> (Owed, bool) {
        self.library.requests().end(request).unwrap()
    }

    fn release(&self, request: Handle) {
        self.library.requests().release(request).unwrap();
    }

    fn close(&self) {
        self.library.requests().close(&self.session());
    }

    /// Whether a request is cancelled, and why.
    fn cancel_of(&self, request: Handle) -> Option<String> {
        let token = self.library.requests().token(&self.request(request));
        let token = TokenPin::new(self.tokens(), token).unwrap();
        let reason = self.tokens().show_reason(&token, str::to_owned);
        self.tokens().is_cancelled(&token).then_some(reason)
    }

    fn is_cancelled(&self, request: Handle) -> bool {
        self.cancel_of(request).is_some()
    }

    /// What the session knows about an id.
    fn known(&self, id: i64) -> IdState {
        let session = self.session();
        self.library.requests().query(&session, IdRef::Integer(id), |known, _| known).unwrap()
    }

    fn live(&self) -> u32 {
        self.session().slot().live().body.lock().live
    }

    fn kept(&self) -> u32 {
        self.session().slot().live().body.lock().kept()
    }

    fn finish(&self, request: Handle) {
        self.end(request);
        self.release(request);
    }

    /// Releases the session, and checks that nothing is left.
    fn over(&self) {
        assert_eq!(self.live(), 0);
        self.library.sessions().release(self.session).unwrap();
        self.empty();
    }

    /// Checks that nothing is left.
    fn empty(&self) {
        assert_eq!(self.library.requests().arena().live(), 0, "requests");
        assert_eq!(self.library.sessions().arena().live(), 0, "sessions");
        assert_eq!(self.tokens().arena().live(), 0, "tokens");
    }
}

/// A cancel comes before its request, or just after: it is never lost.
#[test]
fn begin_x_cancel() {
    model(3, || {
        let world = world();
        let canceller = beside(&world, |world| world.cancel(1, "stop"));
        let request = world.begin(1).unwrap();
        let outcome = canceller.join().unwrap();
        assert!(matches!(outcome, PeerCancel::First | PeerCancel::Held), "{outcome:?}");
        assert_eq!(world.cancel_of(request).as_deref(), Some("stop"), "{outcome:?}");
        assert_eq!(world.session().slot().live().counts.cancelled.read(), 1);
        world.finish(request);
        world.over();
    });
}

/// A peer cancels twice while the request begins: the first reason stays, whether its cancel came
/// before or after the request began.
#[test]
fn begin_x_two_cancels() {
    model(3, || {
        let world = world();
        let beginner = beside(&world, |world| world.begin(1).unwrap());
        let first = world.cancel(1, "first");
        // The cancel is held until the request begins.
        let known = world.known(1);
        let is_known = matches!(known, IdState::Held | IdState::Cancelled);
        assert!(is_known, "once cancelled, always cancelled: {known:?}");
        let second = world.cancel(1, "second");
        let request = beginner.join().unwrap();
        assert!(matches!(first, PeerCancel::First | PeerCancel::Held), "{first:?}");
        assert_eq!(second, PeerCancel::Again);
        assert_eq!(world.cancel_of(request).as_deref(), Some("first"));
        world.finish(request);
        world.over();
    });
}

/// Two cancels come before their request: one is held, and the request gets its reason.
#[test]
fn cancel_x_cancel_before_begin() {
    model(3, || {
        let world = world();
        let canceller = beside(&world, |world| world.cancel(1, "theirs"));
        let mine = world.cancel(1, "mine");
        let theirs = canceller.join().unwrap();
        let reason = match (mine, theirs) {
            (PeerCancel::Held, PeerCancel::Again) => "mine",
            (PeerCancel::Again, PeerCancel::Held) => "theirs",
            _ => panic!("{mine:?}, {theirs:?}"),
        };
        let request = world.begin(1).unwrap();
        assert_eq!(world.cancel_of(request).as_deref(), Some(reason));
        world.finish(request);
        world.over();
    });
}

/// A request ends and the next one with its id begins, while that id is cancelled: one of the two
/// is cancelled, or none if the cancel says so.
#[test]
fn end_x_cancel_x_next_of_its_id() {
    model(3, || {
        let world = world_without_early();
        let first = world.begin(1).unwrap();
        let canceller = beside(&world, |world| world.cancel(1, "stop"));
        assert!(world.end(first).1);
        let next = world.begin(1).unwrap();
        let outcome = canceller.join().unwrap();
        let cancelled = [first, next].map(|request| world.is_cancelled(request));
        match outcome {
            PeerCancel::First => assert_ne!(cancelled[0], cancelled[1]),
            PeerCancel::Unknown => assert_eq!(cancelled, [false, false]),
            _ => panic!("{outcome:?}"),
        }
        let state = if cancelled[1] { IdState::Cancelled } else { IdState::Live };
        assert_eq!(world.known(1), state);
        world.release(first);
        world.finish(next);
        world.over();
    });
}

/// The same in a session that holds early cancels. The cancel is never held for the next request,
/// because the session knows the completed one until the next takes its place.
#[test]
fn end_x_late_cancel_x_next_of_its_id() {
    model(3, || {
        let world = world();
        let first = world.begin(1).unwrap();
        let canceller = beside(&world, |world| world.cancel(1, "stop"));
        assert!(world.end(first).1);
        let next = world.begin(1).unwrap();
        let outcome = canceller.join().unwrap();
        let cancelled = [first, next].map(|request| world.is_cancelled(request));
        match outcome {
            PeerCancel::First => assert_ne!(cancelled[0], cancelled[1]),
            PeerCancel::Unknown => assert_eq!(cancelled, [false, false]),
            _ => panic!("{outcome:?}"),
        }
        assert_eq!(world.live(), 1);
        world.release(first);
        world.finish(next);
        world.over();
    });
}

/// The same, but the next request is another session's: it has the slot of the first, but is never
/// cancelled.
#[test]
fn end_x_cancel_x_next_of_its_slot() {
    model(3, || {
        let world = world_without_early();
        let first = world.begin(1).unwrap();
        let canceller = beside(&world, |world| world.cancel(1, "stop"));
        world.finish(first);
        let next = world.begin(2).unwrap();
        canceller.join().unwrap();
        assert!(!world.is_cancelled(next), "a cancel met a request of another id");
        world.finish(next);
        world.over();
    });
}

/// A request ends while its peer cancels it: the answer that it owes agrees with the cancel.
#[test]
fn end_x_cancel() {
    model(3, || {
        let world = world_without_early();
        let request = world.begin(1).unwrap();
        let canceller = beside(&world, |world| world.cancel(1, "stop"));
        let (owed, is_first) = world.end(request);
        let outcome = canceller.join().unwrap();
        assert!(is_first);
        match owed {
            Owed::Result => (),
            Owed::Nothing => {
                assert_eq!((outcome, world.known(1)), (PeerCancel::First, IdState::EndedCancelled))
            }
            Owed::Cancelled(_) => panic!("its peer cancelled it, nobody else"),
        }
        assert_eq!(outcome == PeerCancel::First, world.is_cancelled(request));
        world.release(request);
        world.over();
    });
}

/// A request ends while its peer cancels it and waits for an answer: an end that sees the cancel
/// owes that answer.
#[test]
fn end_x_cancel_that_wants_an_answer() {
    model(3, || {
        let policy = ReplyPolicy::AsAsked;
        let world = world_of(SessionSettings { policy, holds_early: false, ..SETTINGS });
        let request = world.begin(1).unwrap();
        let asked = PeerAsks { wants_answer: true, ..PeerAsks::default() };
        let canceller = beside(&world, move |world| world.cancel_as(1, asked));
        let (owed, is_first) = world.end(request);
        canceller.join().unwrap();
        assert!(is_first);
        let answers = [Owed::Result, Owed::Cancelled(CancelError::RequestCancelled)];
        assert!(answers.contains(&owed), "its peer waits for an answer: {owed:?}");
        world.release(request);
        world.over();
    });
}

/// Two threads end a request. The thread that succeeded may begin the next one at once.
#[test]
fn end_x_end() {
    model(3, || {
        let world = world();
        let request = world.begin(1).unwrap();
        let end_and_begin = move |world: &World| {
            let (owed, is_first) = world.end(request);
            assert_eq!(owed, Owed::Result);
            is_first.then(|| world.begin(1).expect("the id is free"))
        };
        let other = beside(&world, end_and_begin);
        let mine = end_and_begin(&world);
        let theirs = other.join().unwrap();
        assert!(mine.is_some() != theirs.is_some(), "one of them ended it");
        assert_eq!(world.live(), 1);
        world.release(request);
        world.finish(mine.or(theirs).unwrap());
        world.over();
    });
}

/// The last reference to a request that has not ended is released while it is cancelled: the cancel
/// is of this request, or comes too late and is not held for the next one.
#[test]
fn last_release_x_cancel() {
    model(3, || {
        let world = world();
        let request = world.begin(1).unwrap();
        let canceller = beside(&world, |world| world.cancel(1, "stop"));
        world.release(request);
        let outcome = canceller.join().unwrap();
        assert!(matches!(outcome, PeerCancel::First | PeerCancel::Unknown), "{outcome:?}");
        let was_first = outcome == PeerCancel::First;
        let state = if was_first { IdState::EndedCancelled } else { IdState::Ended };
        assert_eq!((world.known(1), world.live()), (state, 0));
        let next = world.begin(1).unwrap();
        assert!(!world.is_cancelled(next));
        world.finish(next);
        world.over();
    });
}

/// A thread that pins a request ends it while its last reference is released.
#[test]
fn last_release_x_end() {
    model(3, || {
        let world = world();
        let request = world.begin(1).unwrap();
        let ender = beside(&world, move |world| world.library.requests().end(request).ok());
        world.release(request);
        if let Some(ended) = ender.join().unwrap() {
            assert_eq!(ended, (Owed::Result, true), "it had not ended");
        }
        assert_eq!(world.known(1), IdState::Ended, "whoever was first");
        world.over();
    });
}

/// An end is for one request: the next request of the same session, in the same slot, goes on.
#[test]
fn end_x_end_x_next_of_its_slot() {
    model(3, || {
        let world = world_without_early();
        let first = world.begin(1).unwrap();
        let other = beside(&world, move |world| world.library.requests().end(first).ok());
        let mine = world.end(first);
        world.release(first);
        let next = world.begin(2).unwrap();
        let theirs = other.join().unwrap();
        let ends = [Some(mine), theirs].iter().flatten().filter(|(_, is_first)| *is_first).count();
        assert_eq!(ends, 1, "one of them ended it");
        assert_eq!(world.known(2), IdState::Live, "an end met the next request");
        world.finish(next);
        world.over();
    });
}

/// A request's last reference is released while it ends, and the next request in its slot begins in
/// another session: the end removes the entry of its own request.
#[test]
fn end_x_last_release_x_next_of_its_slot_elsewhere() {
    model(3, || {
        let world = world_without_early();
        let elsewhere = world.library.sessions().create(SETTINGS).unwrap();
        // So the next request's entry has another position than the first one's.
        let other = world.begin_in(elsewhere, 1).unwrap();
        let first = world.begin(1).unwrap();
        let ender = beside(&world, move |world| world.library.requests().end(first).ok());
        world.release(first);
        let next = world.begin_in(elsewhere, 2).unwrap();
        ender.join().unwrap();
        assert_eq!(world.live(), 0, "it left its session");
        assert_eq!(world.cancel(1, "stop"), PeerCancel::Unknown, "its entry is taken out");
        for request in [other, next] {
            world.finish(request);
        }
        world.library.sessions().release(elsewhere).unwrap();
        world.over();
    });
}

/// The last reference to a request that has not ended is released while an end looks at it: the
/// request leaves its session once.
#[test]
fn last_release_x_end_x_another() {
    model(3, || {
        let world = world_without_early();
        let (request, another) = (world.begin(1).unwrap(), world.begin(2).unwrap());
        let ender = beside(&world, move |world| world.library.requests().end(request).is_ok());
        world.release(request);
        ender.join().unwrap();
        assert_eq!((world.live(), world.known(2)), (1, IdState::Live), "it left twice, or never");
        world.finish(another);
        world.over();
    });
}

/// A session's last reference is released while its first request begins: either the request began
/// in a session that lives until the request's end, or there is no session any more.
#[test]
fn last_release_of_a_session_x_begin() {
    model(3, || {
        let world = world_without_early();
        let session = world.session;
        let beginner = beside(&world, move |world| {
            let request = world.begin_in(session, 1).ok()?;
            let live = world.library.sessions().arena().live();
            assert_eq!(live, 1, "its session lives");
            assert_eq!(world.end(request), (Owed::Result, true));
            Some(request)
        });
        world.library.sessions().release(session).unwrap();
        if let Some(request) = beginner.join().unwrap() {
            world.release(request);
        }
        world.empty();
    });
}

/// Two requests end at the same time: the last one lets go of what held their session.
#[test]
fn end_x_end_of_another_x_last_release_of_their_session() {
    model(3, || {
        let world = world_without_early();
        let (first, second) = (world.begin(1).unwrap(), world.begin(2).unwrap());
        let other = beside(&world, move |world| world.finish(second));
        world.library.sessions().release(world.session).unwrap();
        world.finish(first);
        other.join().unwrap();
        world.empty();
    });
}

/// Two requests with one id begin: one is refused, and removes nothing of the other's.
#[test]
fn begin_x_begin() {
    model(1, || {
        let world = world();
        let other = beside(&world, |world| world.begin(1));
        let mine = world.begin(1);
        let request = match (mine, other.join().unwrap()) {
            (Ok(request), Err(Error::DuplicateRequest))
            | (Err(Error::DuplicateRequest), Ok(request)) => request,
            both => panic!("{both:?}"),
        };
        assert_eq!(world.live(), 1, "it has its entry");
        assert_eq!(world.cancel(1, "stop"), PeerCancel::First);
        assert!(world.is_cancelled(request));
        world.finish(request);
        world.over();
    });
}

/// Two requests begin where there is room for one.
#[test]
fn begin_x_begin_at_the_quota() {
    model(1, || {
        let world = world_of(SessionSettings { most_requests: 1, ..SETTINGS });
        let other = beside(&world, |world| world.begin(1));
        let mine = world.begin(2);
        let request = match (mine, other.join().unwrap()) {
            (Ok(request), Err(Error::TooManyRequests { limit: 1 }))
            | (Err(Error::TooManyRequests { limit: 1 }), Ok(request)) => request,
            both => panic!("{both:?}"),
        };
        world.finish(request);
        world.over();
    });
}

/// A session is closed while a request begins: refused, or cancelled.
#[test]
fn close_x_begin() {
    model(3, || {
        let world = world();
        let closer = beside(&world, World::close);
        let begun = world.begin(1);
        closer.join().unwrap();
        match begun {
            Ok(request) => {
                assert!(world.is_cancelled(request), "it began in a closed session");
                world.finish(request);
            }
            Err(error) => assert_eq!(error, Error::SessionClosed),
        }
        world.over();
    });
}

/// A session is closed while a cancel comes before its request: nothing is remembered.
#[test]
fn close_x_early_cancel() {
    model(3, || {
        let world = world();
        let closer = beside(&world, World::close);
        let outcome = world.cancel(1, "stop");
        assert!(matches!(outcome, PeerCancel::Held | PeerCancel::Unknown), "{outcome:?}");
        closer.join().unwrap();
        assert_eq!(world.kept(), 0, "held by a closed session");
        world.over();
    });
}

/// A session is closed while its request ends: it ends once, and the next that has its slot, in another
/// session, is not cancelled.
#[test]
fn close_x_end() {
    model(3, || {
        let world = world();
        let elsewhere = world.library.sessions().create(SETTINGS).unwrap();
        let request = world.begin(1).unwrap();
        let closer = beside(&world, World::close);
        let (owed, is_first) = world.end(request);
        assert!(is_first && matches!(owed, Owed::Result | Owed::Nothing), "{owed:?}");
        world.release(request);
        let next = world.begin_in(elsewhere, 1).unwrap();
        closer.join().unwrap();
        assert!(!world.is_cancelled(next), "a close met a request of another session");
        world.finish(next);
        world.library.sessions().release(elsewhere).unwrap();
        world.over();
    });
}

/// A held cancel is forgotten, by its age or by its id, while its request begins: either the
/// request gets it or it is forgotten.
#[test]
fn forgetting_x_begin() {
    for by_age in [true, false] {
        model(3, move || {
            let world = world();
            let kept = Kept {
                why: KeptFor::Early,
                // Older than the oldest age that is kept below: the clock of models always says 1.
                since_ns: 0,
                is_cancelled: true,
                wants_answer: false,
                reason: String::new(),
            };
            let session = world.session();
            let mut body = session.slot().live().body.lock();
            assert!(body.hold(RequestId::integer(1), kept, &SETTINGS).unwrap());
            drop((body, session));
            let forgetter = beside(&world, move |world| {
                if by_age {
                    world.library.requests().sweep(&world.session(), 0) == 1
                } else {
                    world.library.requests().clear(&world.session(), IdRef::Integer(1)).unwrap()
                }
            });
            let request = world.begin(1).unwrap();
            let was_forgotten = forgetter.join().unwrap();
            assert_ne!(was_forgotten, world.is_cancelled(request));
            world.finish(request);
            world.over();
        });
    }
}

/// A request is answered while another thread takes notes of its progress. Both hold the output's
/// lock until their message is sent: no note follows the answer.
#[test]
fn note_x_end() {
    model(3, || {
        let world = world_without_early();
        let request = world.begin_told(1);
        let output = Arc::new(Mutex::new(Vec::new()));
        let others = output.clone();
        let teller = beside(&world, move |world| {
            for message in ["first", "second"] {
                let pin = world.request(request);
                let is_in_time =
                    world.library.requests().set_progress(&pin, 0.5, 1.0, message).unwrap();
                let mut output = others.lock().unwrap();
                let is_told = world.takes_note(request);
                assert!(is_in_time || !is_told, "it had ended");
                if is_told {
                    output.push("note");
                }
            }
        });
        let mut sent = output.lock().unwrap();
        assert_eq!(world.end(request), (Owed::Result, true));
        sent.push("answer");
        drop(sent);
        teller.join().unwrap();
        assert_eq!(output.lock().unwrap().last(), Some(&"answer"), "a note follows the answer");
        world.release(request);
        world.over();
    });
}

/// A peer cancels while another thread takes notes of progress: after the cancel there are none.
#[test]
fn note_x_cancel() {
    model(3, || {
        let world = world_without_early();
        let request = world.begin_told(1);
        let canceller = beside(&world, |world| world.cancel(1, "stop"));
        let pin = world.request(request);
        for message in ["first", "second"] {
            world.library.requests().set_progress(&pin, 0.5, 1.0, message).unwrap();
            world.takes_note(request);
        }
        assert_eq!(canceller.join().unwrap(), PeerCancel::First);
        world.library.requests().set_progress(&pin, 0.5, 1.0, "third").unwrap();
        assert!(!world.takes_note(request), "its peer does not wait any more");
        drop(pin);
        world.finish(request);
        world.over();
    });
}
