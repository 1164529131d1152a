//! Requests of sessions: an id in flight, and its token.
//!
//! A request is in its session's entries from its begin to its end. Who ends it takes the entry out
//! under the session's lock, if it is still this request's; who lets the last reference of one go that
//! has not ended does the same, and the id may be used again.
//!
//! Locks: a session's and a request's are never held together; a job's may be held before a request's.

use crate::error::Error;
use crate::handle::{self, Handle, Kind};
use crate::json_rpc::progress::RequestProgress;
use crate::json_rpc::reply::{CancelError, CancelledBy};
use crate::json_rpc::request_id::{IdRef, RequestId};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Keeper, Pin};
use crate::memory::slot::Holder;
use crate::peer::id_table::NOWHERE;
use crate::peer::kept::{Entry, IdState, Kept, KeptFor};
use crate::peer::session::{LentSession, SessionBody, SessionPin, SessionSettings, Sessions};
use crate::sys::clock;
use crate::sys::fallible::{Late, try_string};
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::token::create::Origin;
use crate::token::{LentToken, TokenPin, Tokens};

/// What is written while a request lives.
#[derive(Debug, Default)]
pub struct RequestLive {
    pub(crate) session: AtomicU32,
    pub(crate) token: AtomicU64,
    pub(crate) is_ended: AtomicU32,
    /// Whether its peer asked for its cancel.
    pub(crate) is_asked: AtomicU32,
    /// Whether it can be cancelled by its peer.
    pub(crate) is_cancellable: AtomicU32,
    /// Where its entry is. Written under the session's lock.
    place: AtomicU32,
    body: Mutex<RequestBody>,
}

/// What a lock guards.
#[derive(Debug, Default)]
struct RequestBody {
    /// As the peer wrote it.
    id: Option<RequestId>,
    /// How far it is, if its peer wants to be told.
    progress: Late<RequestProgress>,
}

impl LivePart for RequestLive {
    const KIND: Kind = Kind::Request;
    const NONE_LEFT: &'static str = "request slots or memory for them; end and release some";
}

/// A pinned request.
pub type RequestPin<'a> = Pin<'a, Requests<'a>>;

/// What a request is made from.
#[derive(Clone, Copy, Debug)]
pub struct RequestOrigin<'a> {
    /// As the peer wrote it.
    pub id: IdRef<'a>,
    /// A token whose cancel cancels the request; NULL for none.
    pub parent: Handle,
    /// Whether its peer can cancel it: not what opens the session.
    pub is_cancellable: bool,
    /// What its peer wants to be told by how far it is, if it does.
    pub progress_token: Option<IdRef<'a>>,
}

/// What is owed to the peer of a request that ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed {
    /// Its answer.
    Result,
    /// Nothing.
    Nothing,
    /// An error that says so.
    Cancelled(CancelError),
}

/// Where all requests are. What is done with them is of [`Requests`].
#[derive(Debug)]
pub struct RequestTable {
    arena: Arena<(), RequestLive>,
}

impl RequestTable {
    constructor! {
        /// No requests.
        pub fn new() -> Self {
            Self { arena: Arena::new() }
        }
    }

    /// Shows the pools of which threads have magazines.
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(self.arena.shelved());
    }
}

/// All requests, with the sessions that they belong to and their tokens.
#[derive(Clone, Copy, Debug)]
pub struct Requests<'a> {
    table: &'a RequestTable,
    sessions: &'a Sessions,
    pub(super) tokens: &'a Tokens,
}

impl<'a> Keeper<'a> for Requests<'a> {
    type Cold = ();
    type Live = RequestLive;

    fn arena(self) -> &'a Arena<(), RequestLive> {
        &self.table.arena
    }

    fn bury(self, index: u32) {
        let slot = self.table.arena.slot(index);
        let live = slot.live();
        let session = SessionPin::take_over(self.sessions, live.session.load(Ordering::Relaxed));
        let token = handle::index(live.token.load(Ordering::Relaxed));
        let token = TokenPin::take_over(self.tokens, token);
        if live.is_ended.load(Ordering::Relaxed) == 0 {
            self.take_out(&session, index, live, &token, KeptFor::Orphan);
        }
        let body = std::mem::take(&mut *live.body.lock());
        self.table.arena.bury(index, slot);
        drop(body);
        drop(token);
        drop(session);
    }
}

impl<'a> Requests<'a> {
    /// The requests of a table, with what they hold.
    #[inline(always)]
    pub const fn new(table: &'a RequestTable, sessions: &'a Sessions, tokens: &'a Tokens) -> Self {
        Self { table, sessions, tokens }
    }

    /// A request of a session. It begins cancelled if its cancel came before it.
    pub fn begin(
        self,
        session: &SessionPin<'_>,
        origin: &RequestOrigin<'_>,
    ) -> Result<Handle, Error> {
        let key = RequestId::copy_of(session.slot().cold.key(origin.id))?;
        let own_id = RequestId::copy_of(origin.id)?;
        let mut progress = Late::new();
        if let Some(token) = origin.progress_token {
            let interval_ns = session.slot().cold.settings().progress_interval_ns;
            let made = RequestProgress::new(token, interval_ns)?;
            progress.get_or_make(|| Ok(made))?;
        }
        let (index, slot) = self.table.arena.take()?;
        let token = self
            .hold_for_request(session, origin.parent)
            .inspect_err(|_| self.table.arena.put_back(index))?;
        let live = slot.live();
        live.session.store(session.index(), Ordering::Relaxed);
        live.token.store(token, Ordering::Relaxed);
        // Until it is in, an end of it must not look for it.
        let is_in = crate::weakened!("own_entry_alone");
        live.is_ended.store(u32::from(!is_in), Ordering::Relaxed);
        live.is_asked.store(0, Ordering::Relaxed);
        live.place.store(NOWHERE, Ordering::Relaxed);
        live.is_cancellable.store(u32::from(origin.is_cancellable), Ordering::Relaxed);
        *live.body.lock() = RequestBody { id: Some(own_id), progress };
        // Hidden, but there for who finds it by its id.
        let request = self.table.arena.publish_hidden(index, slot, 0, Holder::Owner);
        match self.put_in(session, key, index) {
            Ok(early) => {
                if let Some(early) = early {
                    self.note_cancelled(session, token, origin.id, &early.reason);
                }
                self.table.arena.reveal(slot, request);
                Ok(request)
            }
            Err(error) => {
                if self.table.arena.unpublish(index, Holder::Owner) {
                    self.bury(index);
                }
                Err(error)
            }
        }
    }

    /// Its token, and a hold of its session.
    fn hold_for_request(self, session: &SessionPin<'_>, parent: Handle) -> Result<Handle, Error> {
        let watched = Origin { is_watched: true, ..Origin::default() };
        let token = self.tokens.create([parent], watched, Holder::Internal)?;
        if !self.sessions.arena().hold_index(session.index()) {
            drop(TokenPin::take_over(self.tokens, handle::index(token)));
            return Err(Error::Resources("references to this session; end some requests"));
        }
        Ok(token)
    }

    /// Puts a request into its session's entries. The cancel that came before it and was the first.
    fn put_in(
        self,
        session: &SessionPin<'_>,
        key: RequestId,
        index: u32,
    ) -> Result<Option<Kept>, Error> {
        let live = session.slot().live();
        let settings = session.slot().cold.settings();
        let mut body = live.body.lock();
        let (place, before) = body.begin_live(key, index, settings.most_requests)?;
        let of_request = self.table.arena.slot(index).live();
        of_request.place.store(place, Ordering::Relaxed);
        let early = before.filter(|kept| {
            kept.why == KeptFor::Early && kept.is_fresh(clock::now_ns(), settings.early_ttl_ns)
        });
        // Under the lock, or who finds it could be the first to cancel it. Nothing listens to it yet.
        let lock = (!crate::weakened!("early_under_lock")).then_some(body);
        let early = early.filter(|early| {
            of_request.is_cancellable.load(Ordering::Relaxed) != 0
                && self.cancel_for_peer(of_request, &early.reason, true)
        });
        drop(lock);
        of_request.is_ended.store(0, Ordering::Release);
        live.counts.begun.one();
        Ok(early)
    }

    /// Takes a request out of its session's entries, if it is there still. What may be asked later is
    /// remembered.
    fn take_out(
        self,
        session: &SessionPin<'_>,
        index: u32,
        live: &RequestLive,
        token: &TokenPin<'_>,
        why: KeptFor,
    ) {
        let of_session = session.slot();
        let settings = of_session.cold.settings();
        let kept = self.remembered(&settings, token, why);
        let by_id = crate::weakened!("own_entry_alone")
            .then(|| live.body.lock().id.as_ref().map(|id| RequestId::copy_of(id.borrowed())))
            .flatten();
        let mut body = of_session.live().body.lock();
        if body.ends_after_close() {
            return;
        }
        let mut place = live.place.load(Ordering::Relaxed);
        if let Some(Ok(id)) = by_id {
            let entries = body.entries.get();
            place = entries.and_then(|entries| entries.find(id.borrowed())).unwrap_or(NOWHERE);
        }
        if place == NOWHERE {
            return;
        }
        let is_own = |other: u32| other == index || crate::weakened!("own_entry_alone");
        // Under the lock, so that what is remembered is in the order of its age.
        let kept = kept.map(|kept| Kept { since_ns: clock::now_ns(), ..kept });
        let is_kept = body.end_live(place, is_own, kept, &settings);
        drop(body);
        if !is_kept {
            of_session.live().counts.forgotten.one();
        }
    }

    /// What may be asked later about a request that goes, from a time that is still to be set.
    fn remembered(
        self,
        settings: &SessionSettings,
        token: &TokenPin<'_>,
        why: KeptFor,
    ) -> Option<Kept> {
        if self.tokens.is_cancelled(token) {
            let reason = self.tokens.show_reason(token, try_string).unwrap_or_default();
            return Some(Kept { why, since_ns: 0, is_cancelled: true, reason });
        }
        if why != KeptFor::Ended {
            return Some(Kept { why, since_ns: 0, is_cancelled: false, reason: String::new() });
        }
        let is_known = settings.most_completed() > 0 && !crate::weakened!("completed_is_known");
        is_known.then(|| Kept::completed(0))
    }

    /// Adds an owner.
    pub fn retain(self, request: Handle) -> Result<(), Error> {
        self.table.arena.retain(request)
    }

    /// Takes an owner away. The last one lets go of a request that has not ended.
    pub fn release(self, request: Handle) -> Result<(), Error> {
        if let Some(index) = self.table.arena.release(request)? {
            self.bury(index);
        }
        Ok(())
    }

    /// The request's token; borrowed.
    pub fn token(self, request: &RequestPin<'_>) -> Handle {
        request.slot().live().token.load(Ordering::Relaxed)
    }

    /// Shows the request's id.
    pub fn show_id<R>(self, request: &RequestPin<'_>, reader: impl FnOnce(IdRef<'_>) -> R) -> R {
        let body = request.slot().live().body.lock();
        reader(body.id.as_ref().map_or(IdRef::Text(""), RequestId::borrowed))
    }

    /// Its session, which it holds.
    pub(crate) fn session_of<'r>(self, request: &'r RequestPin<'_>) -> LentSession<'r>
    where
        'a: 'r,
    {
        LentSession::new(self.sessions, request.slot().live().session.load(Ordering::Relaxed))
    }

    /// Its token, which it holds.
    pub(crate) fn token_held_by<'r>(self, request: &'r RequestLive) -> LentToken<'r>
    where
        'a: 'r,
    {
        LentToken::new(self.tokens, handle::index(request.token.load(Ordering::Relaxed)))
    }

    /// What is owed to the peer of a request if it ends now.
    pub fn owed(self, request: &RequestPin<'_>) -> Owed {
        if !self.tokens.is_cancelled(&self.token_held_by(request.slot().live())) {
            return Owed::Result;
        }
        let is_asked = request.slot().live().is_asked.load(Ordering::Acquire) != 0;
        let by = if is_asked { CancelledBy::Peer } else { CancelledBy::Server };
        let policy = self.session_of(request).slot().cold.settings().policy;
        policy.answer(by).map_or(Owed::Nothing, Owed::Cancelled)
    }

    /// Ends a request; its id may be used again. What is owed to its peer, and whether this call ended
    /// it.
    pub fn end(self, request: &RequestPin<'_>) -> (Owed, bool) {
        let live = request.slot().live();
        let owed = self.owed(request);
        let (end, look) =
            (|| live.is_ended.swap(1, Ordering::AcqRel), || live.is_ended.load(Ordering::Acquire));
        let was_ended = if crate::weakened!("request_ends_by_swap") { look() } else { end() };
        if was_ended != 0 {
            return (owed, false);
        }
        let (session, token) = (self.session_of(request), self.token_held_by(live));
        self.take_out(&session, request.index(), live, &token, KeptFor::Ended);
        (owed, true)
    }

    /// Notes how far a request is. False: it has ended. Its peer is told by [`Self::show_progress`],
    /// if it wants to be.
    pub fn set_progress(
        self,
        request: &RequestPin<'_>,
        progress: f64,
        total: f64,
        message: &str,
    ) -> Result<bool, Error> {
        let live = request.slot().live();
        if live.is_ended.load(Ordering::Acquire) != 0 {
            return Ok(false);
        }
        match live.body.lock().progress.get_mut() {
            Some(of_request) => of_request.offer(progress, total, message).map(|()| true),
            None => Ok(true),
        }
    }

    /// Shows the notification of how far a request is that its peer is to be told, due or `is_now`;
    /// `reader` says whether it took it. `None`: there is none, or the peer does not wait any more.
    pub fn show_progress(
        self,
        request: &RequestPin<'_>,
        is_now: bool,
        reader: impl FnOnce(&str) -> bool,
    ) -> Result<Option<()>, Error> {
        let live = request.slot().live();
        let mut body = live.body.lock();
        let is_over = [&live.is_ended, &live.is_asked]
            .into_iter()
            .any(|over| over.load(Ordering::Acquire) != 0);
        match body.progress.get_mut() {
            Some(of_request) if !is_over => of_request.show(clock::now_ns(), is_now, reader),
            _ => Ok(None),
        }
    }

    /// The live request of an id, pinned.
    pub(crate) fn find(self, body: &SessionBody, key: IdRef<'_>) -> Option<RequestPin<'a>> {
        match body.entry(key)? {
            Entry::Live(index) if self.table.arena.pin_index(*index) => {
                Some(RequestPin::take_over(self, *index))
            }
            _ => None,
        }
    }

    /// What is known of an id; if it is cancelled, why.
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
            let token = self.token_held_by(request.slot().live());
            let is_cancelled = self.tokens.is_cancelled(&token);
            let state = if is_cancelled { IdState::Cancelled } else { IdState::Live };
            return Ok(self.tokens.show_reason(&token, |reason| reader(state, reason)));
        }
        let Some(Entry::Kept(kept)) = body.entry(key) else {
            return Ok(reader(IdState::Unknown, ""));
        };
        let state = kept.state(clock::now_ns(), cold.settings().early_ttl_ns);
        Ok(reader(state, if state.is_cancelled() { &kept.reason } else { "" }))
    }

    /// Forgets what is remembered of an id. False: nothing is, or its request lives.
    pub fn clear(self, session: &SessionPin<'_>, id: IdRef<'_>) -> Result<bool, Error> {
        let live = session.slot().live();
        let key = session.slot().cold.key(id);
        let settings = session.slot().cold.settings();
        Ok(live.body.lock().clear(key, clock::now_ns(), &settings))
    }

    /// Forgets what is remembered for longer than this. How many.
    pub fn sweep(self, session: &SessionPin<'_>, ttl_ns: u64) -> u64 {
        let settings = session.slot().cold.settings();
        session.slot().live().body.lock().sweep(clock::now_ns(), ttl_ns, &settings)
    }
}
