//! Threads that wait for each other, in all kinds of calls. The last wait of a ring is refused. A
//! ring that the wait graph cannot know is ended by the wedge threshold. No thread waits for ever.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/posting.rs"]
mod posting;

use dcc_cancel::ffi::{dispatcher::*, job::*, job_texts::*, status::*};
use listening::{Gate, LONG, NO_OWNER, NO_TOKEN, Owner, Registration, Token, Watch, alone, until};
use posting::{Dispatcher, Post, job, nothing};
use std::ffi::c_void;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, mpsc};
use std::thread::{self, ThreadId};
use std::time::Duration;

const FOREVER: Duration = Duration::MAX;
/// The wedge threshold of these tests. How long it really takes decides nothing.
const THRESHOLD_NS: u64 = 20_000_000;

type Action = Box<dyn FnOnce() + Send>;

/// The place in which a dispatcher's thread waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Job,
    InlineJob,
    Completion,
    Destroy,
    Callback,
    Question,
    Wake,
    Veto,
    Progress,
    Shutdown,
    OwnersClose,
    Outside,
}

const PLACES: [Place; 12] = [
    Place::Job,
    Place::InlineJob,
    Place::Completion,
    Place::Destroy,
    Place::Callback,
    Place::Question,
    Place::Wake,
    Place::Veto,
    Place::Progress,
    Place::Shutdown,
    Place::OwnersClose,
    Place::Outside,
];

impl Place {
    /// Whether the thread is inside something that the dispatcher runs.
    fn is_inside(self) -> bool {
        self != Self::Outside
    }
}

/// A dispatcher's host, with one action for each of its functions, done once when that is called.
struct Host {
    /// The dispatcher's thread.
    thread: ThreadId,
    wake: Mutex<Option<Action>>,
    veto: Mutex<Option<Action>>,
    progress: Mutex<Option<Action>>,
}

fn take(action: &Mutex<Option<Action>>) {
    let action = action.lock().unwrap().take();
    action.into_iter().for_each(|action| action());
}

/// # Safety
/// A `Host` that is still there.
unsafe fn host<'a>(user_data: *mut c_void) -> &'a Host {
    // SAFETY: promised by the caller.
    unsafe { &*user_data.cast::<Host>() }
}

unsafe extern "C" fn wake(user_data: *mut c_void) {
    // SAFETY: the dispatcher's.
    let host = unsafe { host(user_data) };
    // The wake may also come from a post on another thread.
    if host.thread == thread::current().id() {
        take(&host.wake);
    }
}

unsafe extern "C" fn veto(user_data: *mut c_void) -> i32 {
    // SAFETY: the dispatcher's.
    take(&unsafe { host(user_data) }.veto);
    0
}

unsafe extern "C" fn progress(_: *const dcc_job, _: u64, _: u64, user_data: *mut c_void) {
    // SAFETY: the dispatcher's.
    take(&unsafe { host(user_data) }.progress);
}

unsafe extern "C" fn forget(user_data: *mut c_void) {
    // SAFETY: the reference that `Ui::new` gave away.
    drop(unsafe { Arc::from_raw(user_data.cast::<Host>().cast_const()) });
}

/// A dispatcher of this thread, and its host.
struct Ui {
    dispatcher: Dispatcher,
    host: Arc<Host>,
}

struct OnDrop(Option<Action>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(|action| action());
    }
}

impl Ui {
    fn new(wedge_threshold_ns: u64) -> Self {
        let thread = thread::current().id();
        let nothing = || Mutex::new(None);
        let host = Arc::new(Host { thread, wake: nothing(), veto: nothing(), progress: nothing() });
        let dispatcher = Dispatcher::with(|desc| {
            desc.wedge_threshold_ns = wedge_threshold_ns;
            desc.progress_interval_ns = 1;
            desc.user_data = Arc::into_raw(host.clone()).cast_mut().cast();
            desc.destroy = Some(forget);
            desc.wake = Some(wake);
            desc.veto = Some(veto);
            desc.progress = Some(progress);
        });
        Self { dispatcher, host }
    }

    /// Lets this thread do the action once, at a place.
    fn at(&self, place: Place, action: Action) {
        let dispatcher = self.dispatcher;
        let mut action = Some(action);
        let mut once = move || action.take().into_iter().for_each(|action| action());
        let post = |post: Post| drop(dispatcher.post_only(post));
        let completing =
            |mut once: Box<dyn FnMut() + Send>| nothing().completed(move |_, _| once());
        match place {
            Place::Job => post(job(move |_| {
                once();
                0
            })),
            Place::InlineJob => {
                let inline = job(move |_| {
                    once();
                    0
                });
                assert_eq!(dispatcher.post_and_wait(inline, FOREVER).0, DCC_OK);
            }
            Place::Completion => post(completing(Box::new(once))),
            Place::Destroy => {
                let left = OnDrop(Some(Box::new(once)));
                post(job(move |_| i32::from(left.0.is_none())));
            }
            Place::Callback => {
                let (token, once) = (Token::new(), Mutex::new(once));
                let watch = Watch::doing(move |_| (once.lock().unwrap())());
                assert_eq!(token.register_unkept(watch, NO_OWNER), DCC_OK);
                post(job(move |_| {
                    token.cancel();
                    token.release();
                    0
                }));
            }
            Place::Question => {
                let once = Mutex::new(once);
                let watch = Watch::doing(move |_| (once.lock().unwrap())());
                let foreign = listening::Job::try_new(watch, NO_OWNER, NO_TOKEN, true).unwrap();
                post(job(move |_| {
                    foreign.is_cancelled();
                    foreign.release();
                    0
                }));
            }
            Place::Wake => {
                let host = self.host.clone();
                let mut once = Some(once);
                post(job(move |_| {
                    *host.wake.lock().unwrap() = once.take().map(|once| Box::new(once) as Action);
                    // This is the first post since the pump began, so it wakes the host.
                    dispatcher.post_only(nothing());
                    0
                }));
            }
            Place::Veto => {
                post(nothing());
                *self.host.veto.lock().unwrap() = Some(Box::new(once));
            }
            Place::Progress => {
                *self.host.progress.lock().unwrap() = Some(Box::new(once));
                post(job(|job| {
                    // SAFETY: no message.
                    unsafe { dcc_job_set_progress(job.pointer(), 1, 2, std::ptr::null(), 0) };
                    0
                }));
            }
            Place::Shutdown => {
                // A job of another dispatcher of the same thread.
                let other = Dispatcher::new();
                other.post_only(completing(Box::new(once)));
                let shut = job(move |_| {
                    assert_eq!(other.close(), DCC_OK);
                    other.release();
                    0
                });
                post(shut);
            }
            Place::OwnersClose => {
                let (owner, token, once) = (Owner::new(), Token::new(), Mutex::new(once));
                let watch = Watch::doing_both(|_| (), move || (once.lock().unwrap())());
                assert_eq!(token.register_unkept(watch, owner), DCC_OK);
                post(job(move |_| {
                    assert_eq!(owner.close(), DCC_OK);
                    token.release();
                    0
                }));
            }
            Place::Outside => once(),
        }
        dispatcher.pump();
    }
}

/// Runs something that has to end; fails if it hangs.
#[track_caller]
fn ends(what: &str, body: impl FnOnce() + Send + 'static) {
    let (done, is_done) = mpsc::channel();
    thread::spawn(move || {
        body();
        let _ = done.send(());
    });
    // Much longer than any wait inside.
    match is_done.recv_timeout(4 * LONG) {
        Ok(()) => (),
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it waits for ever: {what}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => panic!("it panicked: {what}"),
    }
}

/// A ring of threads, one for each place: each waits, from its place, for the next thread's
/// dispatcher. Returns the statuses of the waits, sorted.
fn ring_of(places: &[Place]) -> Vec<dcc_status> {
    let count = places.len();
    let dispatchers: Vec<OnceLock<Dispatcher>> = (0..count).map(|_| OnceLock::new()).collect();
    let dispatchers: Arc<[_]> = dispatchers.into();
    let (gate, statuses) = (Gate::new(), Arc::new(Mutex::new(Vec::new())));
    let threads = places.iter().enumerate().map(|(me, &place)| {
        let (dispatchers, statuses) = (dispatchers.clone(), statuses.clone());
        thread::spawn(move || {
            // The threshold is off, so the ring can end only because the graph finds it.
            let ui = Ui::new(DCC_NO_LIMIT);
            dispatchers[me].set(ui.dispatcher).unwrap();
            let (others, done) = (dispatchers.clone(), statuses.clone());
            until("all are there", || dispatchers.iter().all(|other| other.get().is_some()));
            ui.at(
                place,
                Box::new(move || {
                    gate.pass();
                    let next = *others[(me + 1) % count].get().unwrap();
                    let (status, _, log) = next.post_and_wait(nothing(), FOREVER);
                    if status == DCC_ERROR_WOULD_DEADLOCK {
                        assert_eq!((log.runs(), log.destroys()), (0, 0), "nothing was taken");
                    }
                    done.lock().unwrap().push(status);
                }),
            );
            until("all are through", || {
                ui.dispatcher.pump();
                statuses.lock().unwrap().len() == count
            });
            ui.dispatcher.pump();
            ui.dispatcher.release();
        })
    });
    let threads: Vec<_> = threads.collect();
    gate.await_arrivals(count as u32);
    gate.open();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let mut statuses = statuses.lock().unwrap().clone();
    statuses.sort();
    statuses
}

#[test]
fn of_two_threads_that_wait_for_each_other_one_is_refused_from_any_two_places() {
    let _alone = alone();
    for one in PLACES {
        for other in PLACES {
            ends(&format!("{one:?} and {other:?}"), move || {
                let statuses = ring_of(&[one, other]);
                assert_eq!(statuses, [DCC_ERROR_WOULD_DEADLOCK, DCC_OK], "{one:?} and {other:?}");
            });
        }
    }
}

#[test]
fn of_a_ring_of_three_one_is_refused() {
    let _alone = alone();
    for shift in 0..PLACES.len() {
        let places = [0, 4, 9].map(|step| PLACES[(shift + step) % PLACES.len()]);
        ends(&format!("{places:?}"), move || {
            let statuses = ring_of(&places);
            assert_eq!(statuses, [DCC_ERROR_WOULD_DEADLOCK, DCC_OK, DCC_OK], "{places:?}");
        });
    }
}

/// What a dispatcher's thread waits for, while the thread that it waits for waits for the
/// dispatcher.
#[derive(Clone, Copy, Debug)]
enum Other {
    Unregister,
    OwnersClose,
}

/// One thread is inside a callback and waits for a dispatcher. The dispatcher's thread waits for
/// the end of that callback.
fn mixed(place: Place, other: Other) -> [dcc_status; 2] {
    let ui = Ui::new(DCC_NO_LIMIT);
    let (dispatcher, gate, owner) = (ui.dispatcher, Gate::new(), Owner::new());
    let statuses: Arc<[OnceLock<dcc_status>; 2]> = Arc::default();
    let (mine, theirs) = (statuses.clone(), statuses.clone());
    let token = Token::new();
    let watch = Watch::doing(move |_| {
        gate.pass();
        let (status, ..) = dispatcher.post_and_wait(nothing(), FOREVER);
        theirs[1].set(status).unwrap();
    });
    let registration = token.try_register(watch, owner).unwrap();
    thread::scope(|scope| {
        let canceller = scope.spawn(|| token.cancel());
        gate.await_arrivals(1);
        ui.at(
            place,
            Box::new(move || {
                gate.open();
                let status = match other {
                    Other::Unregister => registration.unregister(),
                    Other::OwnersClose => owner.close(),
                };
                mine[0].set(status).unwrap();
            }),
        );
        until("the callback is over", || {
            dispatcher.pump();
            canceller.is_finished()
        });
    });
    let later = [registration.unregister(), owner.close()];
    let statuses = statuses.each_ref().map(|status| *status.get().unwrap());
    let was_done = statuses[0] != DCC_ERROR_WOULD_DEADLOCK;
    let expected = match other {
        Other::Unregister if was_done => [DCC_ERROR_INVALID_HANDLE, DCC_OK],
        Other::OwnersClose if was_done => [DCC_CALLBACK_DONE, DCC_ERROR_INVALID_HANDLE],
        _ => [DCC_CALLBACK_DONE, DCC_OK],
    };
    assert_eq!(later, expected, "{place:?} {other:?} {statuses:?}");
    token.release();
    dispatcher.release();
    statuses
}

#[test]
fn rings_through_callbacks_and_owners_are_found() {
    let _alone = alone();
    for place in PLACES {
        for other in [Other::Unregister, Other::OwnersClose] {
            ends(&format!("{place:?} {other:?}"), move || {
                let statuses = mixed(place, other);
                let refused = statuses.iter().filter(|status| **status == DCC_ERROR_WOULD_DEADLOCK);
                assert_eq!(refused.count(), 1, "{place:?} {other:?} {statuses:?}");
                assert!(statuses.iter().all(|status| *status >= DCC_ERROR_WOULD_DEADLOCK));
            });
        }
    }
}

/// The thread waits for a job on a worker, which waits for the thread.
#[test]
fn a_job_on_a_worker_that_waits_for_who_waits_for_it_is_found() {
    let _alone = alone();
    for place in PLACES {
        ends(&format!("{place:?}"), move || {
            let ui = Ui::new(DCC_NO_LIMIT);
            let dispatcher = ui.dispatcher;
            let inner: Arc<OnceLock<dcc_status>> = Arc::default();
            let outer: Arc<OnceLock<dcc_status>> = Arc::default();
            let (from_worker, from_thread) = (inner.clone(), outer.clone());
            ui.at(
                place,
                Box::new(move || {
                    let work = job(move |_| {
                        let (status, ..) = dispatcher.post_and_wait(nothing(), FOREVER);
                        from_worker.set(status).unwrap();
                        0
                    });
                    let (status, ..) = dispatcher.post_and_wait(work.any_thread(), FOREVER);
                    from_thread.set(status).unwrap();
                }),
            );
            until("both are through", || {
                dispatcher.pump();
                inner.get().is_some() && outer.get().is_some()
            });
            let statuses = (*inner.get().unwrap(), *outer.get().unwrap());
            let is_right = matches!(
                statuses,
                (DCC_ERROR_WOULD_DEADLOCK, DCC_OK) | (DCC_OK, DCC_STARTED | DCC_WEDGED)
            );
            assert!(is_right, "{place:?} {statuses:?}");
            until("all is over", || {
                dispatcher.pump();
                listening::stats().unfinished_posts == 0
            });
            dispatcher.release();
        });
    }
}

/// The dispatcher's thread waits in a way that the graph does not know, until the wedge threshold
/// frees the poster that waits for it.
#[test]
fn a_thread_that_waits_in_its_own_way_is_told_of_and_frees_who_waits_for_it() {
    let _alone = alone();
    for place in PLACES.into_iter().filter(|place| place.is_inside()) {
        ends(&format!("{place:?}"), move || {
            let ui = Ui::new(THRESHOLD_NS);
            let dispatcher = ui.dispatcher;
            let poster = move || {
                let (status, ..) = dispatcher.post_and_wait(nothing(), FOREVER);
                let stats = dispatcher.stats();
                (status, stats.is_wedged, stats.present_job_id, stats.present_for_ns)
            };
            let seen = Arc::new(OnceLock::new());
            let found = seen.clone();
            let own = Arc::new(AtomicU32::new(0));
            let is_known = own.clone();
            ui.at(
                place,
                Box::new(move || {
                    is_known.store(1, Ordering::SeqCst);
                    found.set(thread::spawn(poster).join().unwrap()).unwrap();
                }),
            );
            assert_eq!(own.load(Ordering::SeqCst), 1, "{place:?}");
            let (status, is_wedged, job, for_ns) = *seen.get().unwrap();
            assert_eq!((status, is_wedged), (DCC_WEDGED, 1), "{place:?}");
            assert_eq!(job == 0, place == Place::Veto, "{place:?}: a job's thing, or the host's");
            assert!(for_ns > THRESHOLD_NS, "{place:?} {for_ns}");
            dispatcher.pump();
            let stats = dispatcher.stats();
            let left = (stats.is_wedged, stats.present_job_id, stats.present_for_ns);
            assert_eq!(left, (0, 0, 0), "{place:?}");
            dispatcher.release();
        });
    }
}

/// The dispatcher's thread is not inside a job, and waits for a token that only the end of the
/// other thread cancels.
#[test]
fn a_wait_for_a_token_is_told_of_and_freed() {
    let _alone = alone();
    for place in PLACES {
        ends(&format!("{place:?}"), move || {
            let ui = Ui::new(THRESHOLD_NS);
            let (dispatcher, token) = (ui.dispatcher, Token::new());
            let poster = thread::spawn(move || {
                let (status, ..) = dispatcher.post_and_wait(nothing(), FOREVER);
                token.cancel();
                status
            });
            ui.at(
                place,
                Box::new(move || assert_eq!(token.wait_for_ever(), DCC_CANCELLED_BY_TOKEN)),
            );
            until("the poster is through", || {
                dispatcher.pump();
                poster.is_finished()
            });
            // The poster was freed, or its job ran before the thread began to wait.
            let status = poster.join().unwrap();
            assert!([DCC_WEDGED, DCC_OK].contains(&status), "{place:?} {status}");
            token.release();
            dispatcher.release();
        });
    }
}

/// Waits that form no ring are left alone, even while their threads end something that others wait
/// for.
#[test]
fn no_ring_no_refusal() {
    let _alone = alone();
    ends("a close that runs a notify that is unregistered", || {
        for _ in 0..200 {
            let (closed, gate) = (Owner::new(), Gate::new());
            let (outer, inner) = (Token::new(), Token::new());
            // The close drops this callback. The other thread waits for that from inside a function
            // of the closed owner.
            let dropped = Watch::doing_both(
                |_| (),
                || {
                    gate.pass();
                    (0..100).for_each(|_| thread::yield_now());
                },
            );
            let registration: Registration = inner.try_register(dropped, closed).unwrap();
            let entered = Gate::new();
            let status: &'static OnceLock<dcc_status> = Box::leak(Box::default());
            let waits = Watch::doing(move |_| {
                entered.pass();
                status.set(registration.unregister()).unwrap();
            });
            assert_eq!(outer.register_unkept(waits, closed), DCC_OK);
            thread::scope(|scope| {
                scope.spawn(|| outer.cancel());
                entered.await_arrivals(1);
                let close = scope.spawn(move || closed.close());
                gate.await_arrivals(1);
                entered.open();
                gate.open();
                assert_eq!(close.join().unwrap(), DCC_OK);
            });
            assert_eq!(status.get(), Some(&DCC_CALLBACK_DONE));
            [outer, inner].iter().for_each(|token| token.release());
        }
    });
}
