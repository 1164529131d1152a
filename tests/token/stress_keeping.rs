//! Registrations that keep their token, on real threads. In each round, the release of the last
//! owner, the end of the source of a cancel, an unregister followed by a register, and a wait meet
//! at one token. What is left afterwards is known exactly. `DCC_STRESS` makes the runs longer.

#[path = "../support/effort.rs"]
mod effort;
#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/random.rs"]
mod random;

use dcc_cancel::ffi::{registration::*, status::*, token::*, token_all::*};
use listening::{Registration, Token, alone, until};
use random::Random;
use std::ffi::c_void;
use std::io::Write;
use std::ptr::null_mut;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

const MUCH_LATER: Duration = Duration::from_secs(3600);

/// The user data of one registration of a round; the next round uses it again.
#[derive(Default)]
struct Data {
    called: AtomicU32,
    destroyed: AtomicU32,
}

impl Data {
    fn counts(&self) -> (u32, u32) {
        (self.called.load(Ordering::SeqCst), self.destroyed.load(Ordering::SeqCst))
    }

    fn reset(&self) {
        self.called.store(0, Ordering::SeqCst);
        self.destroyed.store(0, Ordering::SeqCst);
    }
}

unsafe extern "C" fn call(_token: *const dcc_cancel_token, data: *mut c_void) {
    // SAFETY: a registration's data, which outlives it.
    let data = unsafe { &*data.cast::<Data>() };
    assert_eq!(data.called.fetch_add(1, Ordering::SeqCst), 0, "called twice");
    std::thread::yield_now();
    assert_eq!(data.destroyed.load(Ordering::SeqCst), 0, "destroyed while it is called");
}

unsafe extern "C" fn destroy(data: *mut c_void) {
    // SAFETY: as above.
    let data = unsafe { &*data.cast::<Data>() };
    assert_eq!(data.destroyed.fetch_add(1, Ordering::SeqCst), 0, "destroyed twice");
}

fn register_keeping(token: Token, data: &Data) -> Result<Registration, dcc_status> {
    let mut registered = null_mut();
    // SAFETY: functions and data that go together, and the data outlives the round; a writable result.
    let status = unsafe {
        dcc_cancel_token_register_keeping(
            token.pointer(),
            Some(call),
            std::ptr::from_ref(data).cast_mut().cast(),
            Some(destroy),
            null_mut(),
            &mut registered,
        )
    };
    if status < 0 { Err(status) } else { Ok(Registration(registered.addr())) }
}

/// Ends the program if a thread panics: the other threads would wait for that thread for ever.
struct EndsAllByPanic;

impl Drop for EndsAllByPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let why = b"a thread of the round has panicked; --nocapture shows why\n";
            let _ = std::io::stderr().write_all(why);
            std::process::abort();
        }
    }
}

/// The source that can cancel the token of a round, and how it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    CancelledParent,
    QuietParent,
    DeadlineThatComes,
    DeadlineThatIsCleared,
    LastParentOfAll,
}

const SOURCES: [Source; 5] = [
    Source::CancelledParent,
    Source::QuietParent,
    Source::DeadlineThatComes,
    Source::DeadlineThatIsCleared,
    Source::LastParentOfAll,
];

/// The number of the registration that is unregistered in a round.
const UNREGISTERED: usize = 0;
const STAYS: usize = 1;
const LATE: usize = 2;

/// The state that the threads of a round share.
#[derive(Default)]
struct Round {
    number: AtomicUsize,
    token: AtomicUsize,
    parent: AtomicUsize,
    registrations: [AtomicUsize; 3],
    data: [Data; 3],
}

fn get(word: &AtomicUsize) -> usize {
    word.load(Ordering::SeqCst)
}

impl Round {
    fn source(&self) -> Source {
        SOURCES[get(&self.number) % SOURCES.len()]
    }

    fn token(&self) -> Token {
        Token(get(&self.token))
    }

    fn parent(&self) -> Token {
        Token(get(&self.parent))
    }

    fn registration(&self, which: usize) -> Registration {
        Registration(get(&self.registrations[which]))
    }

    /// Creates the token with its deadline and its registrations before the threads meet.
    fn begin(&self, random: &mut Random) {
        let source = self.source();
        let parent = Token::new();
        let token = match source {
            Source::CancelledParent | Source::QuietParent => Token::child_of(&[parent]),
            Source::LastParentOfAll => all_of(parent),
            Source::DeadlineThatComes | Source::DeadlineThatIsCleared => Token::new(),
        };
        for which in [UNREGISTERED, STAYS] {
            let registered = register_keeping(token, &self.data[which]).unwrap();
            self.registrations[which].store(registered.0, Ordering::SeqCst);
        }
        self.registrations[LATE].store(0, Ordering::SeqCst);
        match source {
            Source::DeadlineThatComes => {
                let soon = Duration::from_nanos(1 + random.below(60_000));
                assert_eq!(token.set_deadline_after(soon), DCC_OK);
            }
            Source::DeadlineThatIsCleared => {
                assert_eq!(token.set_deadline_after(MUCH_LATER), DCC_OK);
            }
            _ => (),
        }
        self.token.store(token.0, Ordering::SeqCst);
        self.parent.store(parent.0, Ordering::SeqCst);
    }

    fn end_source(&self) {
        match self.source() {
            Source::CancelledParent => assert_eq!(self.parent().cancel(), DCC_OK),
            // The token may be gone already, with its last registration.
            Source::DeadlineThatIsCleared => _ = self.token().clear_deadline(),
            Source::LastParentOfAll => self.parent().release(),
            Source::QuietParent | Source::DeadlineThatComes => (),
        }
    }

    fn unregister_and_register(&self, random: &mut Random) {
        let registration = self.registration(UNREGISTERED);
        let status = match random.below(2) {
            0 => registration.unregister(),
            _ => registration.unregister_no_wait(),
        };
        assert!([DCC_OK, DCC_CALLBACK_DONE, DCC_CALLBACK_RUNNING].contains(&status), "{status}");
        match register_keeping(self.token(), &self.data[LATE]) {
            Ok(registered) => self.registrations[LATE].store(registered.0, Ordering::SeqCst),
            Err(status) => assert_eq!(status, DCC_ERROR_INVALID_HANDLE),
        }
    }

    fn wait_and_hold(&self, random: &mut Random) {
        let waited = self.token().wait(Duration::from_nanos(random.below(40_000)));
        let may_be =
            [DCC_CANCELLED_BY_TOKEN, DCC_TIMED_OUT, DCC_POLL_GONE, DCC_ERROR_INVALID_HANDLE];
        assert!(may_be.contains(&waited), "{waited}");
        if self.token().retain() == DCC_OK {
            self.token().release();
        }
    }

    /// Checks what is left when all threads are through, and ends the round.
    fn end(&self) {
        let (token, source, stays) = (self.token(), self.source(), &self.data[STAYS]);
        let is_late = self.registration(LATE).0 != 0;
        match source {
            Source::CancelledParent => {
                assert_eq!(stays.counts(), (1, 1), "called before the cancel has returned");
                assert!(!token.is_alive(), "it is not let go of");
            }
            Source::DeadlineThatComes | Source::LastParentOfAll => {
                until("it is called, though nobody owns the token", || stays.counts() == (1, 1));
                until("the token is let go of", || !token.is_alive());
            }
            Source::QuietParent => {
                assert_eq!(stays.counts(), (0, 0), "it does not keep its token");
                assert!(token.is_alive());
            }
            Source::DeadlineThatIsCleared => {
                assert!(!token.is_alive(), "nothing can cancel it any more");
                assert_eq!(stays.counts(), (0, 1));
            }
        }
        let ended = if source == Source::QuietParent { DCC_OK } else { DCC_CALLBACK_DONE };
        assert_eq!(self.registration(STAYS).unregister(), ended);
        if is_late {
            assert_eq!(self.registration(LATE).unregister(), ended);
        }
        assert!(!token.is_alive(), "{source:?}: it is kept by nobody");
        if source != Source::LastParentOfAll {
            self.parent().release();
        }
        for (which, data) in self.data.iter().enumerate() {
            let destroyed = u32::from(which != LATE || is_late);
            until("each notify has run", || data.counts().1 == destroyed);
            data.reset();
        }
    }
}

/// A token that is cancelled when this parent has left.
fn all_of(parent: Token) -> Token {
    let parents = [parent.pointer().cast_const()];
    let mut token = null_mut();
    // SAFETY: an array of one, a writable result.
    let status = unsafe { dcc_cancel_token_create_all(parents.as_ptr(), 1, &mut token) };
    assert_eq!(status, DCC_OK);
    Token(token.addr())
}

#[test]
fn a_token_is_kept_exactly_as_long_as_it_can_be_cancelled() {
    let _alone = alone();
    let (round, meet) = (Round::default(), Barrier::new(4));
    let rounds = effort::times(4000) as usize;
    std::thread::scope(|scope| {
        type Part = fn(&Round, &mut Random);
        let parts: [Part; 3] = [
            |round, _| round.token().release(),
            |round, _| round.end_source(),
            Round::unregister_and_register,
        ];
        for (seed, part) in (2..).zip(parts) {
            let (round, meet) = (&round, &meet);
            scope.spawn(move || {
                let _ends = EndsAllByPanic;
                let mut random = Random(0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(seed));
                for _ in 0..rounds {
                    meet.wait();
                    part(round, &mut random);
                    meet.wait();
                }
            });
        }
        let _ends = EndsAllByPanic;
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for number in 0..rounds {
            round.number.store(number, Ordering::SeqCst);
            round.begin(&mut random);
            meet.wait();
            round.wait_and_hold(&mut random);
            meet.wait();
            round.end();
        }
    });
}
