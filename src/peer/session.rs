//! Sessions: the connection of one peer, in which its request ids are unique.
//!
//! Invariants, under the lock of a session:
//! 1. An id has at most one entry: a live request, a cancel that came before its request, or what
//!    is remembered of a request that is over. When a request ends, its entry turns into what is
//!    remembered of it in one step; when the next request of this id begins, it takes the entry
//!    over in one step. So in a session that holds early cancels, a cancel finds the request in
//!    flight, or the fact that it is over, or the next request. A late cancel is never held for the
//!    next request.
//! 2. A live entry names a request in flight: a request removes its entry before its slot can be
//!    used again. Only begin, end and last release write whether a request is in flight, and they
//!    hold the lock.
//! 3. While any request of a session is in flight, one internal reference, shared by all these
//!    requests, holds the session. So under the lock a session with requests in flight needs no
//!    pin.
//! 4. No request is cancelled under the lock. A cancelling thread pins the request, unlocks, and
//!    then cancels. So a cancel that found a request never hits a later request of the same id.
//!    There is one exception: a request whose cancel came before it is cancelled while it begins,
//!    when nothing can listen to it yet.
//!
//! The locks of tokens and of their diagnosis may be taken under this lock, and no others.

use crate::diagnosis::count::Count;
use crate::error::Error;
use crate::handle::{Handle, Kind};
use crate::json_rpc::reply::ReplyPolicy;
use crate::json_rpc::request_id::{IdRef, RequestId};
use crate::json_rpc::wire::Meant;
use crate::memory::arena::{Arena, LivePart};
use crate::memory::pin::{Keeper, Pin};
use crate::memory::slot::{Holder, Slot};
use crate::peer::id_table::{CellNumber, IdTable};
use crate::peer::kept::{Entry, Kept, KeptFor};
use crate::sys::fallible::{Late, OutOfMemory};
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};

/// The settings that a session is made with.
#[derive(Clone, Copy, Debug, Default)]
pub struct SessionSettings {
    /// What the ids of its messages stand for.
    pub ids: Meant,
    /// How a cancelled request is answered.
    pub policy: ReplyPolicy,
    /// Whether a cancel that comes before its request is held for the request.
    pub holds_early: bool,
    /// Whether `7` and `"7"` are the same id.
    pub ids_are_texts: bool,
    /// Maximum number of requests that may be live.
    pub most_requests: u32,
    /// Maximum number of ids without a live request that are remembered, not counting completed
    /// requests.
    pub most_kept: u32,
    /// How long an early cancel waits for its request. For the same time after a request is over, a
    /// cancel of it counts as late.
    pub early_ttl_ns: u64,
    /// The shortest time between two progress notifications of a request.
    pub progress_interval_ns: u64,
    /// The longest time between two progress notifications of a request, even if there was no
    /// progress; 0 for no limit.
    pub progress_heartbeat_ns: u64,
}

impl SessionSettings {
    /// Maximum number of completed requests whose ids are remembered, so that a late cancel is not
    /// taken for an early one.
    pub fn most_completed(&self) -> u32 {
        if self.holds_early { self.most_requests.saturating_add(self.most_kept) } else { 0 }
    }
}

/// The entries of a session; guarded by its lock.
#[derive(Debug, Default)]
pub struct SessionBody {
    /// Whether the session was closed.
    pub is_closed: bool,
    /// How many requests are live. Each has an entry, until a close takes all entries out.
    pub live: u32,
    /// The table of entries by id, made when the first entry is added.
    pub entries: Late<IdTable>,
}

/// What a session has counted so far.
#[derive(Debug, Default)]
pub struct SessionCounts {
    /// Requests that began.
    pub begun: Count,
    /// Requests whose first cancel came from the peer or from a close.
    pub cancelled: Count,
    /// Cancels that were held for a request.
    pub early: Count,
    /// Cancels of ids without a live request that were not held: they were late, the session does
    /// not hold early cancels, or there was no room.
    pub unknown: Count,
    /// Cancels of requests that had been cancelled, are sealed, or cannot be cancelled by the peer.
    pub without_effect: Count,
    /// Messages that were not valid, or cancels that named no request.
    pub malformed: Count,
    /// Valid messages that do not cancel.
    pub others: Count,
    /// Entries that were forgotten before their time, because there was no room.
    pub forgotten: Count,
}

/// The settings of a session; not written again before the next use of its slot.
#[derive(Debug, Default)]
pub struct SessionCold {
    choices: AtomicU32,
    most_requests: AtomicU32,
    most_kept: AtomicU32,
    early_ttl_ns: AtomicU64,
    progress_interval_ns: AtomicU64,
    progress_heartbeat_ns: AtomicU64,
}

const ANSWERS_CANCELS: u32 = 1;
const HOLDS_EARLY: u32 = 2;
const IDS_ARE_TEXTS: u32 = 4;
const ANSWERS_ON_DEMAND: u32 = 8;
const HAS_TASKS: u32 = 16;

impl SessionCold {
    fn store(&self, settings: &SessionSettings) {
        let choice = |is_made, bit| if is_made { bit } else { 0 };
        let choices = choice(settings.policy.answers_all(), ANSWERS_CANCELS)
            | choice(settings.policy.answers_on_demand(), ANSWERS_ON_DEMAND)
            | choice(settings.holds_early, HOLDS_EARLY)
            | choice(settings.ids == Meant::Tasks, HAS_TASKS)
            | choice(settings.ids_are_texts, IDS_ARE_TEXTS);
        self.choices.store(choices, Ordering::Relaxed);
        self.most_requests.store(settings.most_requests, Ordering::Relaxed);
        self.most_kept.store(settings.most_kept, Ordering::Relaxed);
        self.early_ttl_ns.store(settings.early_ttl_ns, Ordering::Relaxed);
        self.progress_interval_ns.store(settings.progress_interval_ns, Ordering::Relaxed);
        self.progress_heartbeat_ns.store(settings.progress_heartbeat_ns, Ordering::Relaxed);
    }

    /// The settings that the session was made with.
    #[inline]
    pub fn settings(&self) -> SessionSettings {
        SessionSettings {
            ids: self.ids(),
            policy: self.policy(),
            holds_early: self.holds_early(),
            ids_are_texts: self.ids_are_texts(),
            most_requests: self.most_requests(),
            most_kept: self.most_kept.load(Ordering::Relaxed),
            early_ttl_ns: self.early_ttl_ns.load(Ordering::Relaxed),
            progress_interval_ns: self.progress_interval_ns.load(Ordering::Relaxed),
            progress_heartbeat_ns: self.progress_heartbeat_ns.load(Ordering::Relaxed),
        }
    }

    /// Whether `7` and `"7"` are the same id.
    #[inline]
    pub fn ids_are_texts(&self) -> bool {
        self.choices.load(Ordering::Relaxed) & IDS_ARE_TEXTS != 0
    }

    /// What the ids of its messages stand for.
    pub fn ids(&self) -> Meant {
        let has_tasks = self.choices.load(Ordering::Relaxed) & HAS_TASKS != 0;
        if has_tasks { Meant::Tasks } else { Meant::Requests }
    }

    /// Maximum number of requests that may be live.
    #[inline]
    pub fn most_requests(&self) -> u32 {
        self.most_requests.load(Ordering::Relaxed)
    }

    /// Whether a cancel that comes before its request is held for the request.
    #[inline]
    pub fn holds_early(&self) -> bool {
        self.choices.load(Ordering::Relaxed) & HOLDS_EARLY != 0
    }

    /// How a cancelled request is answered.
    #[inline]
    pub fn policy(&self) -> ReplyPolicy {
        match self.choices.load(Ordering::Relaxed) & (ANSWERS_CANCELS | ANSWERS_ON_DEMAND) {
            ANSWERS_CANCELS => ReplyPolicy::RequestCancelled,
            ANSWERS_ON_DEMAND => ReplyPolicy::AsAsked,
            _ => ReplyPolicy::Silent,
        }
    }

    /// An id in the form in which this session's table has it.
    pub fn key<'i>(&self, id: IdRef<'i>) -> IdRef<'i> {
        if self.ids_are_texts() { id.normalised() } else { id }
    }
}

/// The parts of a session that are written while it lives.
#[derive(Debug, Default)]
pub struct SessionLive {
    /// The entries, and the session's lock.
    pub body: Mutex<SessionBody>,
    /// What the session has counted so far.
    pub counts: SessionCounts,
}

impl LivePart for SessionLive {
    const KIND: Kind = Kind::Session;
    const NONE_LEFT: &'static str = "session slots or memory for them; release some";
}

/// How many expired ids are removed at a time: several, but so few that the delay is not felt.
const EXPIRED_AT_A_TIME: usize = 16;

impl SessionBody {
    /// The table of entries, which is made if it does not exist yet. An error: there is no memory
    /// for it.
    pub fn room(&mut self) -> Result<&mut IdTable, Error> {
        Ok(self.entries.get_or_make(IdTable::new)?)
    }

    /// Adds the entry of a live request, with the slot index `request`, and returns its cell. What
    /// was remembered of the id, if anything, is moved into `before`. An error: the session is
    /// closed, has `most` live requests or one with this id, or there is no memory.
    #[inline(always)]
    pub fn begin_live(
        &mut self,
        id: &mut RequestId,
        request: u32,
        most: u32,
        before: &mut Option<Kept>,
    ) -> Result<CellNumber, Error> {
        if self.is_closed && !crate::weakened!("begin_looks_for_close") {
            return Err(Error::SessionClosed);
        }
        let is_full = self.live >= most;
        if self.entries.get().is_none() {
            self.room()?;
        }
        let Some(entries) = self.entries.get_mut() else { return Err(OutOfMemory.into()) };
        let found = entries.look(&id.key());
        if let Ok(place) = found
            && matches!(entries.entry(place), Some(Entry::Live(_)))
            && !crate::weakened!("one_request_an_id")
        {
            return Err(Error::DuplicateRequest);
        }
        if is_full {
            return Err(Error::TooManyRequests { limit: most });
        }
        let place = match found {
            Ok(place) => {
                if let Some(Entry::Kept(kept)) = entries.replace(place, request) {
                    *before = Some(kept);
                }
                place
            }
            Err(vacant) => entries.add_live(vacant, id, request)?,
        };
        self.live += 1;
        Ok(place)
    }

    /// The entry of an id; `None` if nothing is known of the id.
    pub fn entry(&self, id: IdRef<'_>) -> Option<&Entry> {
        let entries = self.entries.get()?;
        entries.entry(entries.find(id)?)
    }

    /// Forgets what is remembered of an id, except that its request is over. False: there was
    /// nothing to forget.
    pub fn clear(&mut self, id: IdRef<'_>, now_ns: u64, settings: &SessionSettings) -> bool {
        let Some(entries) = self.entries.get_mut() else { return false };
        let Some(place) = entries.find(id) else { return false };
        match entries.entry(place) {
            Some(Entry::Kept(kept)) if kept.why != KeptFor::Completed => {
                forget(entries, place, now_ns, settings);
                true
            }
            _ => false,
        }
    }

    /// How many ids without a live request are remembered, not counting completed requests.
    pub fn kept(&self) -> u32 {
        self.entries.get().map_or(0, IdTable::kept)
    }

    /// Forgets the ids that have been remembered for longer than `ttl_ns`. If an id's request is
    /// over, that fact may stay known (`forget`). Returns how many ids were forgotten.
    pub fn sweep(&mut self, now_ns: u64, ttl_ns: u64, settings: &SessionSettings) -> u64 {
        let Some(entries) = self.entries.get_mut() else { return 0 };
        let mut count = 0;
        while let Some(place) = entries.expired(now_ns, ttl_ns) {
            forget(entries, place, now_ns, settings);
            count += 1;
        }
        count
    }

    /// Whether there is room to remember one more id; removes expired ones if there is not.
    fn has_room(&mut self, now_ns: u64, settings: &SessionSettings) -> bool {
        let Some(entries) = self.entries.get_mut() else { return settings.most_kept > 0 };
        if entries.kept() >= settings.most_kept {
            for _ in 0..EXPIRED_AT_A_TIME {
                let Some(place) = entries.expired(now_ns, settings.early_ttl_ns) else { break };
                entries.remove(place);
            }
        }
        entries.kept() < settings.most_kept
    }

    /// Remembers a cancel of an id without a live request; it replaces what was remembered of that
    /// id. False: there is no room for the cancel, and nothing is remembered of the id. An error:
    /// there is no memory, and nothing has changed.
    pub fn hold(
        &mut self,
        id: RequestId,
        cancel: Kept,
        settings: &SessionSettings,
    ) -> Result<bool, Error> {
        let entries = self.room()?;
        // A vacated cell is reused for the new entry, so nothing after this needs memory.
        let vacant = match entries.look(&id.key()) {
            Ok(place) => entries.vacate(place),
            Err(vacant) => vacant,
        };
        let has_room = self.has_room(cancel.since_ns, settings);
        if has_room {
            self.room()?.add_kept(vacant, id, cancel)?;
        }
        Ok(has_room)
    }

    /// Ends a request in flight whose entry is in the cell `place`. If a close has taken the
    /// entries out, nothing more happens. Otherwise `kept` is remembered for the request's id.
    /// False: there was no room for `kept`, and the session remembers only that the request is
    /// over.
    #[inline(always)]
    pub fn end_live(
        &mut self,
        place: CellNumber,
        kept: Option<Kept>,
        settings: impl FnOnce() -> SessionSettings,
    ) -> bool {
        self.live -= 1;
        if self.is_closed {
            return true;
        }
        let Some(kept) = kept else {
            if let Some(entries) = self.entries.get_mut() {
                entries.remove_live(place);
            }
            return true;
        };
        self.keep_live(place, kept, &settings())
    }

    #[inline(never)]
    fn keep_live(&mut self, place: CellNumber, kept: Kept, settings: &SessionSettings) -> bool {
        let has_room = kept.why == KeptFor::Completed || self.has_room(kept.since_ns, settings);
        let is_known = settings.most_completed() > 0 && !crate::weakened!("completed_is_known");
        let Some(entries) = self.entries.get_mut() else { return has_room };
        let kept = if has_room { kept } else { Kept::completed(kept.since_ns) };
        if kept.why == KeptFor::Completed && !is_known {
            entries.remove_live(place);
            return has_room;
        }
        if kept.why == KeptFor::Completed {
            make_room_for_completed(entries, settings);
        }
        entries.keep(place, kept);
        has_room
    }
}

/// Forgets what is remembered of an id. If the id's request is over, that fact stays known while a
/// cancel of the id would otherwise be taken for an early cancel.
fn forget(entries: &mut IdTable, place: CellNumber, now_ns: u64, settings: &SessionSettings) {
    let is_known = match entries.entry(place) {
        Some(Entry::Kept(kept)) => {
            kept.why != KeptFor::Early
                && kept.is_fresh(now_ns, settings.early_ttl_ns)
                && settings.most_completed() > 0
        }
        _ => false,
    };
    if is_known {
        make_room_for_completed(entries, settings);
        entries.keep_as_completed(place);
    } else {
        entries.remove(place);
    }
}

fn make_room_for_completed(entries: &mut IdTable, settings: &SessionSettings) {
    if entries.completed() >= settings.most_completed() {
        entries.forget_completed();
    }
}

/// A session that is pinned.
pub type SessionPin<'a> = Pin<'a, &'a Sessions>;

/// The slot of a session.
pub type SessionSlot = Slot<SessionCold, SessionLive>;

#[derive(Debug)]
pub struct Sessions {
    arena: Arena<SessionCold, SessionLive>,
}

impl<'a> Keeper<'a> for &'a Sessions {
    type Cold = SessionCold;
    type Live = SessionLive;

    fn arena(self) -> &'a Arena<SessionCold, SessionLive> {
        &self.arena
    }

    fn bury_slot(self, index: u32, slot: &'a Slot<SessionCold, SessionLive>) {
        let body = std::mem::take(&mut *slot.live().body.lock());
        self.arena.bury(index, slot);
        drop(body);
    }
}

impl Sessions {
    constructor! {
        pub fn new() -> Self {
            Self { arena: Arena::new() }
        }
    }

    pub fn create(&self, settings: SessionSettings) -> Result<Handle, Error> {
        let (index, slot) = self.arena.take()?;
        let live = slot.live();
        slot.cold.store(&settings);
        live.counts.reset();
        Ok(self.arena.publish(index, slot, 0, Holder::Owner))
    }

    /// Lets a request join the session with the handle `session`. The caller holds the lock of
    /// `slot`, the slot of the handle; `live` is the number of its requests in flight. True: this
    /// request is the first, and a reference was added that holds the session; if the request does
    /// not begin, the caller gives that reference back. An error: the session of the handle no
    /// longer exists.
    pub fn join(&self, slot: &SessionSlot, session: Handle, live: u32) -> Result<bool, Error> {
        let is_first = live == 0;
        if is_first && !crate::weakened!("first_request_holds_session") {
            self.arena.hold(session)?;
        } else if slot.state().load(Ordering::Relaxed) != session {
            return Err(Error::InvalidHandle(Kind::Session, session));
        }
        Ok(is_first)
    }

    /// Adds a reference of C code.
    pub fn retain(&self, session: Handle) -> Result<(), Error> {
        self.arena.retain(session)
    }

    /// Releases a reference of C code.
    pub fn release(&self, session: Handle) -> Result<(), Error> {
        if let Some((index, slot)) = self.arena.release(session)? {
            self.bury_slot(index, slot);
        }
        Ok(())
    }
}

impl SessionCounts {
    fn reset(&self) {
        let all = [
            &self.begun,
            &self.cancelled,
            &self.early,
            &self.unknown,
            &self.without_effect,
            &self.malformed,
            &self.others,
            &self.forgotten,
        ];
        all.into_iter().for_each(Count::reset);
    }
}
