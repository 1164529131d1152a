//! Cancels in a peer's name: by the id of a request, by a message, or by the close of the peer's
//! session.
//!
//! The cancelling thread pins the request under the session's lock and cancels it after unlocking.
//! So no foreign code runs under the lock, and a later request with the same id cannot be hit.

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

/// How a peer cancels a request.
#[derive(Clone, Copy, Debug, Default)]
pub struct PeerAsks<'a> {
    /// The reason of the cancel, in words for people.
    pub reason: &'a str,
    /// Whether callbacks are left to the library's callback thread. If not, they run on the
    /// cancelling thread.
    pub is_deferred: bool,
    /// Whether the peer still waits for an answer to the request.
    pub wants_answer: bool,
}

/// What a peer's cancel achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerCancel {
    /// The cancel was the first of the request.
    First,
    /// The request had been cancelled before; the first reason stays.
    Again,
    /// The cancel is too late: the request, or a job for it, is sealed, and the peer gets the
    /// result.
    Sealed,
    /// No live request has this id, and the cancel is ignored.
    Unknown,
    /// No request has this id yet; the cancel is held for the request that will have it.
    Held,
    /// The request is one that its peer cannot cancel.
    Refused,
}

/// What kind of message was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// A message that cancels, and what it achieved.
    Cancel(PeerCancel),
    /// A valid message that does not cancel; the host handles it.
    NotACancellation,
    /// Bytes that are not a valid message, or not a valid cancel; the text says why.
    Malformed(&'static str),
}

impl<'a> Requests<'a> {
    /// Cancels the token of a request in its peer's name. True: this call was the first cancel.
    pub(crate) fn cancel_for_peer(
        self,
        live: &RequestLive,
        reason: &str,
        is_deferred: bool,
    ) -> bool {
        let token = self.token_held_by(live);
        let is_late = crate::weakened!("asked_before_flag");
        // Stored before the token is flagged, so that a thread that sees the flag also finds this.
        let _ = (!is_late).then(|| live.is_asked.store(1, Ordering::Release));
        let first = if is_deferred {
            self.tokens.cancel_deferred(&token, Cause::Request, reason)
        } else {
            self.tokens.cancel(&token, Cause::Request, reason)
        };
        let _ = is_late.then(|| live.is_asked.store(1, Ordering::Release));
        first
    }

    /// Does what `cancel_for_peer` does, and also counts and reports the first cancel. A sealed
    /// request is not cancelled, but unsealed work for it is still asked to stop.
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

    /// Cancels a pinned request in its peer's name, and never another request with the same id.
    /// `None`: the request has ended.
    pub fn cancel_one(self, request: &RequestPin<'_>, reason: &str) -> Option<PeerCancel> {
        Some(self.cancel_by_own_id(&self.session_of(request)?, request, reason))
    }

    /// Cancels a pinned request and reports it under its own id; if there is no memory for a copy
    /// of the id, under an empty one.
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

    /// Emits the event that a peer was the first to cancel a request.
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

    /// Cancels the request with this id in its peer's name.
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
                    // Either a request with this id began meanwhile, or an earlier request with
                    // this id is dying on a thread that has yet to take the lock and remove the
                    // entry.
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
            // Stored before the token is flagged, so that a thread that sees the flag also finds
            // this.
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

    /// The live request of an id, pinned. `None`: the id has none, or its request is dying. The
    /// session's lock is free again on return.
    fn find_live(self, live: &SessionLive, key: IdRef<'_>) -> Option<RequestPin<'a>> {
        let body = live.body.lock();
        let Some(&Entry::Live(index)) = body.entry(key) else { return None };
        let _lock = (!crate::weakened!("cancel_pins_under_lock")).then_some(body);
        self.arena().pin_index(index).then(|| RequestPin::take_over(self, index))
    }

    /// Handles a cancel of an id for which `find_live` found no request: holds it or ignores it.
    /// `None`: the id has the entry of a request now, and the caller looks again.
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
        // Read under the lock, so that the queue of remembered ids is in the order of age.
        let since_ns = clock::now_ns();
        let is_fresh = |kept: &Kept| kept.is_fresh(since_ns, settings.early_ttl_ns);
        match body.entry(key) {
            // A dying request removes its entry as soon as it gets the lock.
            Some(Entry::Live(_)) if !crate::weakened!("early_looks_again") => return Ok(None),
            Some(Entry::Kept(before)) if is_fresh(before) => match before.why {
                // A cancel of this id is held already, and its reason stays.
                KeptFor::Early if crate::weakened!("first_early_stays") => (),
                KeptFor::Early => return Ok(Some(PeerCancel::Again)),
                // The cancel is too late for the request that is over.
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

    /// Closes a session: cancels its requests in flight, and lets no other request begin.
    pub fn close(self, session: &SessionPin<'_>) {
        let live = session.slot().live();
        let mut body = live.body.lock();
        body.is_closed = true;
        let mut entries = std::mem::take(&mut body.entries);
        let lock = (!crate::weakened!("close_pins_under_lock")).then_some(body);
        for index in entries.get_mut().into_iter().flat_map(IdTable::live) {
            if !self.arena().pin_index(*index) {
                // The request is dying, so it is not cancelled.
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

    /// Handles a peer's messages and tells `each` what each of them was. Messages of a batch beyond
    /// the limit are not looked at and count as malformed. An error: there was no memory to handle
    /// one of the messages. The caller may pass the same bytes again; repeated cancels have no
    /// effect.
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
                    // `cancel` fails only if there is no memory.
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
