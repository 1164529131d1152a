//! Requests: each is an id of a session that is in flight, with a token.
//!
//! Invariants:
//! 1. A request is in flight from its beginning to its end, or to its last release if that comes
//!    first. It enters and leaves this state under the session's lock, together with its entry in
//!    the session. Only a close removes the entry earlier.
//! 2. A request's token lives as long as the request. A request's session lives at least as long as
//!    the request is in flight.
//! 3. A request cannot be found by its handle or its id before it is in flight.
//!
//! Consequence: while a thread holds the lock of a session and finds that a request of the session
//! is in flight, the request is not buried, because the last release of a request in flight takes
//! the lock first. So `end` needs no hold of the session or the request besides the lock. It
//! touches neither after it has written that the request is no longer in flight.
//!
//! When a request begins, the session's settings are read under the session's lock, too: only under
//! the lock it is certain that the slot still belongs to the session of the given handle.
//!
//! Locks: a request's lock may be taken under the lock of its job, and is never held together with
//! a session's.

use crate::diagnosis::events::EventText;
use crate::diagnosis::trace_parent::TraceParent;
use crate::error::Error;
use crate::handle::{self, Handle, Kind, NULL};
use crate::json_rpc::id_key::{IdKey, SHORT_WORDS, ShortId};
use crate::json_rpc::progress::{OfJob, RequestProgress};
use crate::json_rpc::reply::{CancelError, CancelledBy, ReplyPolicy};
use crate::json_rpc::request_id::{IdRef, RequestId};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Keeper, Pin};
use crate::memory::slot::{Holder, Slot};
use crate::peer::kept::{Entry, IdState, Kept, KeptFor};
use crate::peer::session::{SessionBody, SessionPin, SessionSlot, Sessions};
use crate::queue::posted::PostedId;
use crate::sys::clock;
use crate::sys::fallible::{Late, try_string};
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::token::create::Origin;
use crate::token::seal::Sealing;
use crate::token::{LentToken, TokenPin, Tokens};

/// The id of a request, as its peer wrote it; written before the request can be found. The text of
/// a long id is in the body.
#[derive(Debug, Default)]
pub struct RequestCold {
    form: AtomicU32,
    words: [AtomicU64; SHORT_WORDS],
}

/// The value of `form` for an id that is not short.
const LONG: u32 = u32::MAX;

impl RequestCold {
    fn store(&self, id: &IdKey<'_>) {
        let IdKey::Short(id) = id else {
            self.form.store(LONG, Ordering::Relaxed);
            return;
        };
        self.form.store(id.form(), Ordering::Relaxed);
        for (to, word) in self.words.iter().zip(id.words()).take(id.used_words()) {
            to.store(*word, Ordering::Relaxed);
        }
    }

    /// The id; `None` if it is long, so that the body has it.
    fn load(&self) -> Option<ShortId> {
        let form = self.form.load(Ordering::Relaxed);
        let word = |at: usize| self.words[at].load(Ordering::Relaxed);
        (form != LONG).then(|| ShortId::from_words(form, std::array::from_fn(word)))
    }
}

/// The parts of a request that are written while it lives.
#[derive(Debug, Default)]
pub struct RequestLive {
    pub(crate) token: AtomicU64,
    session: AtomicU32,
    /// The cell of the request's entry in the session's table.
    place: AtomicU32,
    /// 1 while the request is in flight. Written under the session's lock.
    in_flight: AtomicU32,
    choices: AtomicU32,
    /// 1 once the peer has asked for the cancel of the request.
    pub(crate) is_asked: AtomicU32,
    body: Mutex<Late<RequestBody>>,
}

const IS_CANCELLABLE: u32 = 1;
const ANSWERS_CANCELS: u32 = 2;
const HAS_BODY: u32 = 4;

impl RequestLive {
    /// Whether the peer can cancel the request.
    #[inline]
    pub(crate) fn is_cancellable(&self) -> bool {
        self.choices.load(Ordering::Relaxed) & IS_CANCELLABLE != 0
    }

    /// Notes that the peer cancelled the request in a way that still expects an answer. The peer
    /// gets one if the session's policy answers on demand. Call this before the token is flagged,
    /// so that a thread that sees the flag also finds the note.
    pub(crate) fn is_to_be_answered(&self, policy: ReplyPolicy) {
        if policy.answers_on_demand() {
            self.choices.fetch_or(ANSWERS_CANCELS, Ordering::Relaxed);
        }
    }

    /// Whether the request has begun and not ended.
    #[inline]
    pub(crate) fn is_in_flight(&self) -> bool {
        self.in_flight.load(Ordering::Acquire) != 0
    }
}

/// The parts that only few requests have: a long id and progress. The lock of the request guards
/// them.
#[derive(Debug, Default)]
struct RequestBody {
    /// The id, if it is long.
    long_id: Option<RequestId>,
    /// How far the request is; `None` if its peer does not want to be told.
    progress: Option<RequestProgress>,
    /// The job whose progress is the request's, or NULL; no reference to the job is held.
    job: Handle,
}

impl LivePart for RequestLive {
    const KIND: Kind = Kind::Request;
    const NONE_LEFT: &'static str = "request slots or memory for them; end and release some";
}

/// A request that is pinned.
pub type RequestPin<'a> = Pin<'a, Requests<'a>>;

/// What a request is made from.
#[derive(Clone, Copy, Debug)]
pub struct RequestOrigin<'a> {
    /// The id, as the peer wrote it.
    pub id: IdRef<'a>,
    /// A token whose cancel cancels the request as well, or NULL.
    pub parent: Handle,
    /// Whether the peer can cancel the request. It cannot cancel the request that opens the
    /// connection (`initialize` of MCP).
    pub is_cancellable: bool,
    /// The id under which the peer wants to be told of the progress; `None` if it does not.
    pub progress_token: Option<IdRef<'a>>,
    /// The span of a trace that the request is for; `None` if the peer named none.
    pub trace_parent: Option<&'a TraceParent>,
    /// How long the peer waits for the answer; `None` if it did not say so.
    pub timeout_ns: Option<u64>,
}

/// What the peer of a request is owed when the request ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// The result of the request.
    Result,
    /// Nothing, because the peer cancelled the request and waits for no answer.
    Nothing,
    /// An error that says that the request was cancelled.
    Cancelled(CancelError),
}

/// What an attempt to seal a request found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestSealed {
    /// The peer gets the result: this call has sealed the request, or it or a job for it was sealed
    /// before.
    Yes,
    Cancelled,
    Ended,
}

/// The table of all requests. [`Requests`] has the operations on it.
#[derive(Debug)]
pub struct RequestTable {
    arena: Arena<RequestCold, RequestLive>,
}

impl RequestTable {
    constructor! {
        pub fn new() -> Self {
            Self { arena: Arena::new() }
        }
    }

    /// Passes the pools for which threads keep free cells to `each`.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
    }
}

/// All requests, with the tables of the sessions and tokens that they hold.
#[derive(Clone, Copy, Debug)]
pub struct Requests<'a> {
    table: &'a RequestTable,
    sessions: &'a Sessions,
    pub(super) tokens: &'a Tokens,
}

impl<'a> Keeper<'a> for Requests<'a> {
    type Cold = RequestCold;
    type Live = RequestLive;

    fn arena(self) -> &'a Arena<RequestCold, RequestLive> {
        &self.table.arena
    }

    fn bury_slot(self, index: u32, slot: &'a Slot<RequestCold, RequestLive>) {
        let live = slot.live();
        if live.is_in_flight() {
            self.take_out(live, KeptFor::Orphan);
        }
        let token = handle::index(live.token.load(Ordering::Relaxed));
        let has_body = live.choices.load(Ordering::Relaxed) & HAS_BODY != 0;
        let body = has_body.then(|| std::mem::take(&mut *live.body.lock()));
        self.table.arena.bury(index, slot);
        drop(body);
        drop(TokenPin::take_over(self.tokens, token));
    }
}

impl<'a> Requests<'a> {
    /// The requests of `table`, whose sessions and tokens are in the other two tables.
    #[inline(always)]
    pub const fn new(table: &'a RequestTable, sessions: &'a Sessions, tokens: &'a Tokens) -> Self {
        Self { table, sessions, tokens }
    }

    /// Begins a request of a session. If the session holds a cancel with the request's id, the
    /// request is cancelled from the start.
    #[inline]
    pub fn begin(self, session: Handle, origin: &RequestOrigin<'_>) -> Result<Handle, Error> {
        let mut key = RequestId::copy_of(origin.id)?;
        let has_body = origin.progress_token.is_some() || matches!(key.key(), IdKey::Long(_));
        let mut body = Late::new();
        if has_body {
            let made = self.new_body(session, origin)?;
            body.get_or_make(|| Ok(made))?;
        }
        let (index, slot) = self.table.arena.take()?;
        let token = if origin.trace_parent.is_none() && origin.timeout_ns.is_none() {
            self.tokens.create_watched([origin.parent, NULL], PostedId::NONE, false)
        } else {
            self.new_token(origin)
        };
        let token = token.inspect_err(|_| self.table.arena.put_back(index))?.handle();
        let live = slot.live();
        live.token.store(token, Ordering::Relaxed);
        live.is_asked.store(0, Ordering::Relaxed);
        slot.cold.store(&key.key());
        let mut choices = if origin.is_cancellable { IS_CANCELLABLE } else { 0 };
        if has_body {
            *live.body.lock() = body;
            choices |= HAS_BODY;
        }
        live.choices.store(choices, Ordering::Relaxed);
        let mut early = None;
        let begun = self.put_in(session, &mut key, index, slot, &mut early);
        if let Some(early) = early {
            self.tell_of_cancel(token, origin.id, &early.reason);
        }
        begun.inspect_err(|_| self.drop_unbegun(index))
    }

    /// Creates the token of a request whose peer named a trace or a timeout.
    #[cold]
    fn new_token(self, origin: &RequestOrigin<'_>) -> Result<LentToken<'a>, Error> {
        let trace_parent = origin.trace_parent;
        let made = Origin { is_watched: true, trace_parent, ..Origin::default() };
        let token = self.tokens.create([origin.parent], made, Holder::Internal)?;
        let token = LentToken::new(self.tokens, handle::index(token));
        if let Some(timeout_ns) = origin.timeout_ns {
            let now_ns = clock::now_ns();
            let deadline_ns = now_ns.saturating_add(timeout_ns);
            if let Err(error) = self.tokens.arm_or_cancel(&token, deadline_ns, now_ns) {
                drop(TokenPin::take_over(self.tokens, token.index()));
                return Err(error);
            }
        }
        Ok(token)
    }

    /// Makes the body of a request that needs one.
    #[cold]
    fn new_body(self, session: Handle, origin: &RequestOrigin<'_>) -> Result<RequestBody, Error> {
        let mut body = RequestBody::default();
        if let IdKey::Long(_) = IdKey::of(origin.id) {
            body.long_id = Some(RequestId::copy_of(origin.id)?);
        }
        if let Some(token) = origin.progress_token {
            let session = SessionPin::new(self.sessions, session)?;
            let settings = session.slot().cold.settings();
            let (interval_ns, heartbeat_ns) =
                (settings.progress_interval_ns, settings.progress_heartbeat_ns);
            let now_ns = clock::now_ns();
            body.progress = Some(RequestProgress::new(token, interval_ns, heartbeat_ns, now_ns)?);
        }
        Ok(body)
    }

    /// Frees the slot, the body and the token of a request that could not begin.
    #[cold]
    fn drop_unbegun(self, index: u32) {
        let live = self.table.arena.slot(index).live();
        let body = std::mem::take(&mut *live.body.lock());
        let token = handle::index(live.token.load(Ordering::Relaxed));
        self.table.arena.put_back(index);
        drop(body);
        drop(TokenPin::take_over(self.tokens, token));
    }

    /// Enters a new request into its session, so that it is in flight, and returns its handle. If a
    /// held cancel cancelled it, that cancel is put into `early`.
    #[inline(always)]
    fn put_in(
        self,
        session: Handle,
        key: &mut RequestId,
        index: u32,
        slot: &Slot<RequestCold, RequestLive>,
        early: &mut Option<Kept>,
    ) -> Result<Handle, Error> {
        let of_session = self.sessions.arena().slot_of(session)?;
        let mut body = of_session.live().body.lock();
        let has_joined = self.sessions.join(of_session, session, body.live)?;
        let (cold, live) = (&of_session.cold, slot.live());
        if cold.ids_are_texts() {
            *key = key.take().normalised();
        }
        let place = match body.begin_live(key, index, cold.most_requests(), early) {
            Ok(place) => place,
            Err(error) => {
                drop(body);
                if has_joined {
                    drop(SessionPin::take_over(self.sessions, handle::index(session)));
                }
                return Err(error);
            }
        };
        if cold.policy().answers_all() {
            let choices = live.choices.load(Ordering::Relaxed) | ANSWERS_CANCELS;
            live.choices.store(choices, Ordering::Relaxed);
        }
        live.session.store(handle::index(session), Ordering::Relaxed);
        live.place.store(place, Ordering::Relaxed);
        // The held cancel is applied before the request can be found; otherwise another thread
        // could be the first to cancel it. Nothing listens to the request's token yet, so no
        // callback runs under the lock.
        if early.is_some() && !crate::weakened!("early_under_lock") {
            self.meet_early(of_session, live, early);
        }
        of_session.live().counts.begun.one_alone();
        live.in_flight.store(1, Ordering::Release);
        let request = self.table.arena.publish(index, slot, 0, Holder::Owner);
        drop(body);
        if crate::weakened!("early_under_lock") {
            self.meet_early(of_session, live, early);
        }
        Ok(request)
    }

    /// Takes into account what was remembered in `early` of a beginning request's id. If that is a
    /// held cancel that is still valid, cancels the request with its reason. Empties `early` unless
    /// this cancelled the request.
    #[cold]
    fn meet_early(self, of_session: &SessionSlot, live: &RequestLive, early: &mut Option<Kept>) {
        let ttl_ns = of_session.cold.settings().early_ttl_ns;
        let is_its_cancel = |kept: &Kept| {
            let is_good = kept.why == KeptFor::Early
                && kept.is_fresh(clock::now_ns(), ttl_ns)
                && live.is_cancellable();
            if is_good && kept.wants_answer {
                live.is_to_be_answered(of_session.cold.policy());
            }
            is_good && self.cancel_for_peer(live, &kept.reason, true)
        };
        *early = early.take().filter(is_its_cancel);
        if early.is_some() {
            of_session.live().counts.cancelled.one();
        }
    }

    /// Whether a request is in flight in the session with the slot index `session`, whose lock the
    /// caller holds.
    fn is_in_flight_in(live: &RequestLive, session: u32) -> bool {
        live.is_in_flight() && live.session.load(Ordering::Relaxed) == session
    }

    /// Whether the request counts as cancelled for its peer: its token is cancelled, and no job for
    /// it was sealed before.
    #[inline]
    fn is_cancelled(self, live: &RequestLive) -> bool {
        let token = self.token_held_by(live);
        self.tokens.is_cancelled(&token) && !self.tokens.is_answered(&token)
    }

    /// Whether the request can no longer be cancelled, because it or a job for it is sealed.
    fn owes_result(self, live: &RequestLive) -> bool {
        let token = self.token_held_by(live);
        self.tokens.is_answered(&token) || token.slot().is_sealed()
    }

    /// Seals a request, unless it is cancelled. A sealed request's peer gets the result.
    pub fn seal(self, request: &RequestPin<'_>) -> RequestSealed {
        let live = request.slot().live();
        if !live.is_in_flight() {
            return RequestSealed::Ended;
        }
        let token = self.token_held_by(live);
        match self.tokens.seal(&token, || true) {
            Sealing::ByThisCall => self.tokens.note_sealed(&token, EventText::default),
            Sealing::Cancelled if self.is_cancelled(live) => return RequestSealed::Cancelled,
            // `Cancelled` here: a job for the request was sealed before the cancel, so the peer
            // gets the result. `Refused` and `TooManyAbove` do not come: the check above never
            // refuses, and the seal of a request does not look at the tokens above it.
            Sealing::Before | Sealing::Cancelled | Sealing::Refused | Sealing::TooManyAbove => (),
        }
        RequestSealed::Yes
    }

    /// Ends a request in flight that is not cancelled, without a pin. False: nothing was done,
    /// because the request is cancelled or not in flight, or the handle is no longer valid.
    #[inline]
    fn end_unpinned(self, request: Handle) -> Result<bool, Error> {
        let slot = self.table.arena.slot_of(request)?;
        let live = slot.live();
        let session = live.session.load(Ordering::Relaxed);
        let Some(of_session) = self.sessions.arena().slot_at(session) else { return Ok(false) };
        let was_in_flight = crate::weakened!("end_looks_under_lock") && live.is_in_flight();
        let mut body = of_session.live().body.lock();
        let is_the_one = (was_in_flight || Self::is_in_flight_in(live, session))
            && (slot.state().load(Ordering::Relaxed) == request
                || crate::weakened!("end_names_its_request"))
            && slot.is_alive();
        if !is_the_one || self.is_cancelled(live) {
            return Ok(false);
        }
        self.leave(of_session, &mut body, live, KeptFor::Ended, None);
        let is_last = body.live == 0;
        drop(body);
        if is_last {
            drop(SessionPin::take_over(self.sessions, session));
        }
        Ok(true)
    }

    /// Takes a request out of its session, if it is in flight, and lets the session remember what
    /// may be asked later. The request is pinned or dead. False: it was not in flight.
    #[inline(never)]
    fn take_out(self, live: &RequestLive, why: KeptFor) -> bool {
        let token = self.token_held_by(live);
        // Copied before the session's lock is taken, because the copy allocates.
        let reason = self
            .is_cancelled(live)
            .then(|| self.tokens.show_reason(&token, try_string).unwrap_or_default());
        let session = live.session.load(Ordering::Relaxed);
        let of_session = self.sessions.arena().slot(session);
        let mut body = of_session.live().body.lock();
        if !live.is_in_flight() && !crate::weakened!("orphan_looks_again") {
            return false;
        }
        self.leave(of_session, &mut body, live, why, reason);
        let is_last = body.live == 0;
        drop(body);
        if is_last {
            drop(SessionPin::take_over(self.sessions, session));
        }
        true
    }

    /// Takes a request in flight out of its session, whose lock the caller holds. `reason` is the
    /// reason of the cancel; `None` if the request is not cancelled. Afterwards the caller must not
    /// touch the request, unless it has the request pinned. If it was the last request of the
    /// session in flight, the caller gives back the reference that holds the session.
    #[inline(always)]
    fn leave(
        self,
        of_session: &SessionSlot,
        body: &mut SessionBody,
        live: &RequestLive,
        why: KeptFor,
        reason: Option<String>,
    ) {
        let why = if reason.is_none() && why == KeptFor::Ended { KeptFor::Completed } else { why };
        let is_remembered = why != KeptFor::Completed || of_session.cold.holds_early();
        // The clock is read under the lock, so that the queue of remembered ids is in the order of
        // age.
        let kept = is_remembered.then(|| Kept {
            why,
            since_ns: clock::now_ns(),
            is_cancelled: reason.is_some(),
            wants_answer: false,
            reason: reason.unwrap_or_default(),
        });
        if crate::weakened!("end_leaves_last") {
            live.in_flight.store(0, Ordering::Release);
        }
        let place = live.place.load(Ordering::Relaxed);
        if !body.end_live(place, kept, || of_session.cold.settings()) {
            of_session.live().counts.forgotten.one();
        }
        live.in_flight.store(0, Ordering::Release);
    }

    /// Adds a reference of C code.
    pub fn retain(self, request: Handle) -> Result<(), Error> {
        self.table.arena.retain(request)
    }

    /// Releases a reference of C code. The last release takes a request that has not ended out of
    /// its session.
    pub fn release(self, request: Handle) -> Result<(), Error> {
        if let Some((index, slot)) = self.table.arena.release(request)? {
            self.bury_slot(index, slot);
        }
        Ok(())
    }

    /// The handle of the request's token, without a reference.
    pub fn token(self, request: &RequestPin<'_>) -> Handle {
        request.slot().live().token.load(Ordering::Relaxed)
    }

    /// Passes the request's id to `reader`.
    pub fn show_id<R>(self, request: &RequestPin<'_>, reader: impl FnOnce(IdRef<'_>) -> R) -> R {
        if let Some(id) = request.slot().cold.load() {
            return reader(id.borrowed());
        }
        let body = request.slot().live().body.lock();
        let id = body.get().and_then(|body| body.long_id.as_ref());
        reader(id.map_or(IdRef::Text(""), RequestId::borrowed))
    }

    /// The request's session, pinned. `None`: the request has ended.
    pub(crate) fn session_of(self, request: &RequestPin<'_>) -> Option<SessionPin<'a>> {
        let live = request.slot().live();
        let session = live.session.load(Ordering::Relaxed);
        let _lock = self.sessions.arena().slot(session).live().body.lock();
        let is_held = live.is_in_flight() && self.sessions.arena().pin_index(session);
        is_held.then(|| SessionPin::take_over(self.sessions, session))
    }

    /// The request's token, lent: the request holds it.
    pub(crate) fn token_held_by<'r>(self, request: &'r RequestLive) -> LentToken<'r>
    where
        'a: 'r,
    {
        LentToken::new(self.tokens, handle::index(request.token.load(Ordering::Relaxed)))
    }

    /// What the peer of a request would be owed if it ended now.
    pub fn owed(self, request: &RequestPin<'_>) -> Owed {
        let live = request.slot().live();
        if !self.is_cancelled(live) {
            return Owed::Result;
        }
        let is_asked = live.is_asked.load(Ordering::Acquire) != 0;
        let by = if is_asked { CancelledBy::Peer } else { CancelledBy::Server };
        let is_answered = live.choices.load(Ordering::Relaxed) & ANSWERS_CANCELS != 0;
        by.answer(is_answered).map_or(Owed::Nothing, Owed::Cancelled)
    }

    /// Ends a request, whose id may then be used again. Returns what its peer is owed, and whether
    /// this call ended the request.
    #[inline]
    pub fn end(self, request: Handle) -> Result<(Owed, bool), Error> {
        if self.end_unpinned(request)? {
            return Ok((Owed::Result, true));
        }
        let request = RequestPin::new(self, request)?;
        let owed = self.owed(&request);
        Ok((owed, self.take_out(request.slot().live(), KeptFor::Ended)))
    }

    /// Passes a request's progress and its job to `teller`, under the request's lock. `None`:
    /// `teller` was not called, because the peer did not ask to be told, or no longer waits, or the
    /// request has ended.
    fn told<R>(
        self,
        request: &RequestPin<'_>,
        teller: impl FnOnce(&mut RequestProgress, &mut Handle) -> R,
    ) -> Option<R> {
        let live = request.slot().live();
        let mut body = live.body.lock();
        let is_asked = live.is_asked.load(Ordering::Acquire) != 0;
        let is_over = !live.is_in_flight() || is_asked && !self.owes_result(live);
        if is_over && !crate::weakened!("notes_look_for_the_end") {
            return None;
        }
        let RequestBody { progress, job, .. } = body.get_mut()?;
        Some(teller(progress.as_mut()?, job))
    }

    /// Notes how far a request is. False: the request has ended. If the peer wants to be told,
    /// [`Self::show_progress`] has the notification.
    pub fn set_progress(
        self,
        request: &RequestPin<'_>,
        progress: f64,
        total: f64,
        message: &str,
    ) -> Result<bool, Error> {
        if !request.slot().live().is_in_flight() {
            return Ok(false);
        }
        let offer = |told: &mut RequestProgress, job: &mut Handle| {
            *job = NULL;
            told.offer(progress, total, message)
        };
        self.told(request, offer).transpose().map(|_| true)
    }

    /// Notes that the request's progress is that of `job`, which is `far` now; [`Self::job_to_ask`]
    /// returns the job from now on. `is_last`: this is the last note before the request's end.
    /// False: the request has ended.
    pub fn set_progress_of_job(
        self,
        request: &RequestPin<'_>,
        job: Handle,
        far: OfJob,
        message: &str,
        is_last: bool,
    ) -> Result<bool, Error> {
        if !request.slot().live().is_in_flight() {
            return Ok(false);
        }
        let offer = |told: &mut RequestProgress, asked: &mut Handle| {
            *asked = job;
            told.offer_job(far, message, is_last)
        };
        self.told(request, offer).transpose().map(|_| true)
    }

    /// The job whose progress is the request's, if a notification may be sent now or `is_now` is
    /// set; NULL otherwise.
    pub fn job_to_ask(self, request: &RequestPin<'_>, is_now: bool) -> Handle {
        let ask = |told: &mut RequestProgress, job: &mut Handle| {
            if is_now || told.is_open(clock::now_ns()) { *job } else { NULL }
        };
        self.told(request, ask).unwrap_or(NULL)
    }

    /// Passes a due progress notification to `reader`, which returns whether it takes the
    /// notification. With `is_now`, a notification is passed even if it is not due yet. `None`:
    /// `reader` was not called, because there is no notification, or the peer no longer waits.
    pub fn show_progress(
        self,
        request: &RequestPin<'_>,
        is_now: bool,
        reader: impl FnOnce(&str) -> bool,
    ) -> Result<Option<()>, Error> {
        let show =
            |told: &mut RequestProgress, _: &mut Handle| told.show(clock::now_ns(), is_now, reader);
        self.told(request, show).unwrap_or(Ok(None))
    }

    /// The live request of an id, pinned; `None` if the id has none, or its request is dying.
    pub(crate) fn find(self, body: &SessionBody, key: IdRef<'_>) -> Option<RequestPin<'a>> {
        match body.entry(key)? {
            Entry::Live(index) if self.table.arena.pin_index(*index) => {
                Some(RequestPin::take_over(self, *index))
            }
            _ => None,
        }
    }

    /// Passes what is known of an id to `reader`, with the reason if the id's request is cancelled,
    /// or else an empty text.
    pub fn query<R>(
        self,
        session: &SessionPin<'_>,
        id: IdRef<'_>,
        reader: impl FnOnce(IdState, &str) -> R,
    ) -> Result<R, Error> {
        let live = session.slot().live();
        let cold = &session.slot().cold;
        let key = cold.key(id);
        let body = live.body.lock();
        if let Some(request) = self.find(&body, key) {
            drop(body);
            let live = request.slot().live();
            if !self.is_cancelled(live) {
                return Ok(reader(IdState::Live, ""));
            }
            let token = self.token_held_by(live);
            let show = |reason: &str| reader(IdState::Cancelled, reason);
            return Ok(self.tokens.show_reason(&token, show));
        }
        let Some(Entry::Kept(kept)) = body.entry(key) else {
            return Ok(reader(IdState::Unknown, ""));
        };
        let state = kept.state(clock::now_ns(), cold.settings().early_ttl_ns);
        Ok(reader(state, if state.is_cancelled() { &kept.reason } else { "" }))
    }

    /// Forgets what is remembered of an id. False: nothing is remembered, or the id's request is
    /// live.
    pub fn clear(self, session: &SessionPin<'_>, id: IdRef<'_>) -> Result<bool, Error> {
        let live = session.slot().live();
        let key = session.slot().cold.key(id);
        let settings = session.slot().cold.settings();
        Ok(live.body.lock().clear(key, clock::now_ns(), &settings))
    }

    /// Forgets the ids that have been remembered for longer than `ttl_ns`. Returns how many ids
    /// that were.
    pub fn sweep(self, session: &SessionPin<'_>, ttl_ns: u64) -> u64 {
        let settings = session.slot().cold.settings();
        session.slot().live().body.lock().sweep(clock::now_ns(), ttl_ns, &settings)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_request_takes_one_slot_of_128_bytes() {
        assert_eq!(size_of::<Slot<RequestCold, RequestLive>>(), 128);
    }
}
