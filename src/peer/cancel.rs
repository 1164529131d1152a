//! Cancels in a peer's name: by the id of a request, by a message, by the close of its connection.
//!
//! Whoever cancels pins the request under its session's lock and cancels after it: nothing foreign runs
//! under the lock, and a request that begins later with the same id is not met.

use crate::diagnosis::details::{DetailId, Details};
use crate::diagnosis::events::{Event, EventKind, EventText};
use crate::error::Error;
use crate::handle::{self, Handle};
use crate::json_rpc::request_id::{IdRef, RequestId};
use crate::json_rpc::wire::{self, Message};
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::peer::id_table::IdTable;
use crate::peer::kept::{Entry, Kept, KeptFor};
use crate::peer::request::{RequestLive, RequestPin, Requests};
use crate::peer::session::{SessionLive, SessionPin};
use crate::sys::fallible::{OutOfMemory, try_string};
use crate::sys::sync::{Ordering, yield_now};
use crate::sys::{clock, system_thread};
use crate::token::Cause;
use std::fmt::Write;

/// How a peer cancels.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeerAsks<'a> {
    /// Why, for people.
    pub reason: &'a str,
    /// Whether callbacks run on the callback thread.
    pub is_deferred: bool,
    /// Whether it waits for an answer to the request all the same.
    pub wants_answer: bool,
}

/// What became of a peer's cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerCancel {
    /// It cancelled a request.
    First,
    /// The request had been cancelled before; the first reason stays.
    Again,
    /// It is too late: the request, or a job for it, is sealed, and its peer gets the result.
    Sealed,
    /// No live request has this id; it is ignored.
    Unknown,
    /// No request has this id yet; it is held for one.
    Held,
    /// The request cannot be cancelled.
    Refused,
}

/// What a message was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// A cancel.
    Cancel(PeerCancel),
    /// For somebody else.
    NotACancellation,
    /// None, for this reason.
    Malformed(&'static str),
}

impl<'a> Requests<'a> {
    /// Cancels the token of a request in its peer's name. True: this call did it.
    pub(crate) fn cancel_for_peer(
        self,
        live: &RequestLive,
        reason: &str,
        is_deferred: bool,
    ) -> bool {
        let token = self.token_held_by(live);
        let is_late = crate::weakened!("asked_before_flag");
        // Before the flag: who sees that finds this.
        let _ = (!is_late).then(|| live.is_asked.store(1, Ordering::Release));
        let first = if is_deferred {
            self.tokens.cancel_deferred(&token, Cause::Request, reason)
        } else {
            self.tokens.cancel(&token, Cause::Request, reason)
        };
        let _ = is_late.then(|| live.is_asked.store(1, Ordering::Release));
        first
    }

    /// As above, counted and told of: the first cancel, or one that came again or too late. What works for
    /// the request and is not sealed is asked to stop all the same.
    fn cancel_token(
        self,
        session: &SessionPin<'_>,
        live: &RequestLive,
        id: IdRef<'_>,
        reason: &str,
        is_deferred: bool,
    ) -> PeerCancel {
        let is_first = self.cancel_for_peer(live, reason, is_deferred);
        let token = self.token_held_by(live);
        if !self.tokens.is_cancelled(&token) || self.tokens.is_answered(&token) {
            return PeerCancel::Sealed;
        }
        if !is_first {
            return PeerCancel::Again;
        }
        session.slot().live().counts.cancelled.one();
        self.tell_of_cancel(live.token.load(Ordering::Relaxed), id, reason);
        PeerCancel::First
    }

    /// A peer cancels this very request. `None`: it has ended.
    pub fn cancel_one(self, request: &RequestPin<'_>, reason: &str) -> Option<PeerCancel> {
        Some(self.cancel_by_own_id(&self.session_of(request)?, request, reason))
    }

    /// Cancels a pinned request under the id that it has itself; without memory for that, under none.
    fn cancel_by_own_id(
        self,
        session: &SessionPin<'_>,
        request: &RequestPin<'_>,
        reason: &str,
    ) -> PeerCancel {
        let id = self.show_id(request, RequestId::copy_of).ok();
        let id = id.as_ref().map_or(IdRef::Text(""), RequestId::borrowed);
        self.cancel_token(session, request.slot().live(), id, reason, false)
    }

    /// Tells that a peer was the first to cancel a request.
    pub(crate) fn tell_of_cancel(self, token: Handle, id: IdRef<'_>, reason: &str) {
        self.tokens.diagnosis().observers.emit(|| {
            let mut text = EventText::EMPTY;
            let _ = id.write_json(&mut text);
            let _ = write!(text, ": {reason}");
            let kept = match id {
                IdRef::Integer(integer) => DetailId::Integer(integer),
                IdRef::Text(id) => try_string(id).map_or(DetailId::None, DetailId::Text),
            };
            let trace_parent = self.tokens.own_trace(handle::index(token));
            Event {
                kind: EventKind::RequestCancelled,
                time_ns: clock::now_ns(),
                token,
                thread: system_thread::current(),
                cause: Cause::Request as u32,
                text,
                details: Details::shared(kept, reason, trace_parent),
                ..Event::default()
            }
        });
    }

    /// A peer cancels by id.
    pub fn cancel(
        self,
        session: &SessionPin<'_>,
        id: IdRef<'_>,
        asked: PeerAsks<'_>,
    ) -> Result<PeerCancel, Error> {
        let live = session.slot().live();
        let key = session.slot().cold.key(id);
        let outcome = loop {
            let Some(request) = self.find_live(live, key) else {
                match self.hold_early(session, key, asked)? {
                    Some(outcome) => break outcome,
                    // It began meanwhile, or is dying on a thread that has yet to get the lock.
                    None => {
                        yield_now();
                        continue;
                    }
                }
            };
            let of_request = request.slot().live();
            if !of_request.is_cancellable() {
                break PeerCancel::Refused;
            }
            // Before the flag: who sees that finds this.
            let is_late = crate::weakened!("answer_before_flag");
            if asked.wants_answer && !is_late {
                of_request.is_to_be_answered(session.slot().cold.policy());
            }
            let outcome =
                self.cancel_token(session, of_request, id, asked.reason, asked.is_deferred);
            if asked.wants_answer && is_late {
                of_request.is_to_be_answered(session.slot().cold.policy());
            }
            break outcome;
        };
        match outcome {
            PeerCancel::Again | PeerCancel::Sealed | PeerCancel::Refused => {
                live.counts.without_effect.one();
            }
            PeerCancel::Unknown => live.counts.unknown.one(),
            PeerCancel::Held => live.counts.early.one(),
            PeerCancel::First => (),
        }
        Ok(outcome)
    }

    /// The live request of an id, pinned; the lock is free again.
    fn find_live(self, live: &SessionLive, key: IdRef<'_>) -> Option<RequestPin<'a>> {
        let body = live.body.lock();
        let Some(&Entry::Live(index)) = body.entry(key) else { return None };
        let _lock = (!crate::weakened!("cancel_pins_under_lock")).then_some(body);
        self.arena().pin_index(index).then(|| RequestPin::take_over(self, index))
    }

    /// What becomes of a cancel of no live request; `None`: there is one now.
    fn hold_early(
        self,
        session: &SessionPin<'_>,
        key: IdRef<'_>,
        asked: PeerAsks<'_>,
    ) -> Result<Option<PeerCancel>, Error> {
        let live = session.slot().live();
        let settings = session.slot().cold.settings();
        if !settings.holds_early {
            return Ok(Some(PeerCancel::Unknown));
        }
        let (id, reason) = (RequestId::copy_of(key)?, try_string(asked.reason)?);
        let mut body = live.body.lock();
        if body.is_closed && !crate::weakened!("early_looks_for_close") {
            return Ok(Some(PeerCancel::Unknown));
        }
        // Under the lock, so that what is remembered is in the order of its age.
        let since_ns = clock::now_ns();
        let is_fresh = |kept: &Kept| kept.is_fresh(since_ns, settings.early_ttl_ns);
        match body.entry(key) {
            // One that is dying takes its entry out as soon as it gets the lock.
            Some(Entry::Live(_)) if !crate::weakened!("early_looks_again") => return Ok(None),
            Some(Entry::Kept(before)) if is_fresh(before) => match before.why {
                // The first reason wins.
                KeptFor::Early if crate::weakened!("first_early_stays") => (),
                KeptFor::Early => return Ok(Some(PeerCancel::Again)),
                // Too late for the one that is over.
                KeptFor::Ended | KeptFor::Orphan | KeptFor::Completed => {
                    return Ok(Some(PeerCancel::Unknown));
                }
            },
            _ => (),
        }
        let cancel = Kept {
            why: KeptFor::Early,
            since_ns,
            is_cancelled: true,
            wants_answer: asked.wants_answer,
            reason,
        };
        let is_held = body.hold(id, cancel, &settings)?;
        drop(body);
        if !is_held {
            live.counts.forgotten.one();
        }
        Ok(Some(if is_held { PeerCancel::Held } else { PeerCancel::Unknown }))
    }

    /// Closes a session: cancels its requests and lets none begin.
    pub fn close(self, session: &SessionPin<'_>) {
        let live = session.slot().live();
        let mut body = live.body.lock();
        body.is_closed = true;
        let mut entries = std::mem::take(&mut body.entries);
        let lock = (!crate::weakened!("close_pins_under_lock")).then_some(body);
        for index in entries.get_mut().into_iter().flat_map(IdTable::live) {
            if !self.arena().pin_index(*index) {
                // It is dying, and about to look for its entry.
                *index = NIL;
            }
        }
        drop(lock);
        for index in entries.get_mut().into_iter().flat_map(IdTable::live) {
            if *index != NIL {
                let request = RequestPin::take_over(self, *index);
                self.cancel_by_own_id(session, &request, "the session was closed");
            }
        }
    }

    /// Does what a peer's messages ask for, and tells what each was. Messages of a batch that were not
    /// looked at are counted as malformed. An error: one of them was not done, for want of memory; what was
    /// done may be done again.
    pub fn handle_message(
        self,
        session: &SessionPin<'_>,
        bytes: &[u8],
        mut each: impl FnMut(Handled, Option<IdRef<'_>>),
    ) -> Result<(), OutOfMemory> {
        let counts = &session.slot().live().counts;
        let mut result = Ok(());
        let meant = session.slot().cold.ids();
        let left_out = wire::read_each(bytes, meant, |message| match message {
            Message::Cancel(cancel) => {
                let id = cancel.id.borrowed();
                let asked = PeerAsks {
                    reason: cancel.reason.as_deref().unwrap_or_default(),
                    is_deferred: true,
                    wants_answer: cancel.wants_answer,
                };
                match self.cancel(session, id, asked) {
                    Ok(outcome) => each(Handled::Cancel(outcome), Some(id)),
                    // Nothing else refuses a cancel.
                    Err(_) => result = Err(OutOfMemory),
                }
            }
            Message::NotACancellation => {
                counts.others.one();
                each(Handled::NotACancellation, None);
            }
            Message::Malformed(why) => {
                counts.malformed.one();
                each(Handled::Malformed(why), None);
            }
            Message::OutOfMemory => result = Err(OutOfMemory),
        });
        counts.malformed.add(left_out);
        result
    }
}
