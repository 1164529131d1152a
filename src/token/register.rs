//! Registering and unregistering: the life of a token's registrations, from their listing to their
//! end. Callbacks, which are one sort of registration, are run here.
//!
//! The order of a cancel: first all flags of the reachable graph are set. Then signals are given:
//! waiters wake and events are set, without any foreign code. Then callbacks run, for each token
//! the newest first. A listed registration does not keep its token alive. When the token dies, its
//! registrations are dropped and their notifies run.
//!
//! No wake-up is lost: a cancel sets the flag under the token's lock, and a thread that registers
//! looks at the flag under the same lock. So either the thread sees the flag, or the cancel sees
//! the registration.

use crate::error::Error;
use crate::handle::{self, Handle, NULL};
use crate::memory::list::List;
use crate::memory::pin::Keeper;
use crate::memory::pool::NIL;
use crate::memory::slot::Holder;
use crate::owner::Thing;
use crate::owner::wait_graph::{Blocker, Inside};
use crate::queue::posted::PostedId;
use crate::sys::callout::Callback;
use crate::sys::sync::{AtomicU32, Ordering};
use crate::sys::thread_identity;
use crate::token::cancel::Spread;
use crate::token::chain::Chain;
use crate::token::keep::Tie;
use crate::token::locked::LockedToken;
use crate::token::registration::{
    CallStage, Purpose, RegistrationLive, RegistrationPin, Registrations,
};
use crate::token::running::Calls;
use crate::token::signal::WokenBy;
use crate::token::source;
use crate::token::{TokenLive, TokenPin, Tokens};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unregistered {
    /// The registration had not run, and never will.
    Removed,
    /// The registration is over: it has run, or it was dropped, for example with its token.
    Done,
    /// The registration's callback or destroy-notify is running: on this thread, or on another
    /// thread for which the caller did not want to wait.
    Running,
}

/// How `unlist` has taken a registration off its token's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unlisted {
    /// This thread has taken the registration over and has to end it.
    TakenOver,
    /// The registration is over: nothing had to be called to end it.
    Over,
}

const fn head(live: &TokenLive, calls_out: bool) -> &AtomicU32 {
    if calls_out { &live.callbacks } else { &live.signals }
}

impl Tokens {
    /// As `register`, for a token that the caller has not pinned. NULL stands for no token.
    #[inline]
    pub fn register_at(
        &self,
        token: Handle,
        callback: Callback,
        owner: Handle,
        tie: Tie,
    ) -> Result<Handle, (Error, Callback)> {
        if token == NULL {
            return self.register(None, callback, owner, tie);
        }
        if owner == NULL && tie.is_named() {
            return self.register_plain(token, callback, tie);
        }
        match TokenPin::new(self, token) {
            Ok(token) => self.register(Some(&token), callback, owner, tie),
            Err(error) => Err((error, callback)),
        }
    }

    /// Registers a callback without an owner, which the caller will unregister. The registration is
    /// put into its token's list before other threads know its handle, and the handle becomes known
    /// before the token is unlocked.
    #[inline]
    fn register_plain(
        &self,
        token: Handle,
        callback: Callback,
        tie: Tie,
    ) -> Result<Handle, (Error, Callback)> {
        let registrations = self.registrations.arena();
        let (index, slot) = match registrations.take() {
            Ok(taken) => taken,
            Err(error) => return Err((error, callback)),
        };
        let locked = match LockedToken::new(self, token) {
            Ok(locked) => locked,
            Err(error) => {
                registrations.put_back(index);
                return Err((error, callback));
            }
        };
        let is_decided = locked.is_cancelled() || locked.is_sealed();
        if is_decided && !crate::weakened!("register_looks_at_flag") {
            let pin = locked.into_pin();
            registrations.put_back(index);
            return self.register(Some(&pin), callback, NULL, tie);
        }
        let live = slot.live();
        live.callback.put(callback);
        self.registrations.set_purpose(index, Purpose::of_callback(tie));
        let token_live = locked.slot().live();
        self.registrations.push(&token_live.callbacks, index, token);
        live.begin_listed(false);
        let holds_token = tie == Tie::Keeping && source::add_keeper(locked.slot());
        let handle = registrations.publish(index, slot, 0, Holder::Both);
        if holds_token {
            locked.leave();
        }
        Ok(handle)
    }

    /// Calls `callback` once when the token is cancelled. If it is cancelled already, calls it now,
    /// on this thread. Without a token, or for a sealed one, the callback is never called. `owner`
    /// is the plugin that the callback belongs to, or NULL. On an error the callback comes back,
    /// and its payload still belongs to the caller.
    pub fn register(
        &self,
        token: Option<&TokenPin<'_>>,
        callback: Callback,
        owner: Handle,
        tie: Tie,
    ) -> Result<Handle, (Error, Callback)> {
        let registrations = &self.registrations;
        let (index, slot) = match registrations.arena().take() {
            Ok(taken) => taken,
            Err(error) => return Err((error, callback)),
        };
        let live = slot.live();
        registrations.set_purpose(index, Purpose::of_callback(tie));
        let handle = registrations.arena().publish_hidden(index, slot, 0, Holder::Both);
        live.callback.put(callback);
        if owner != NULL
            && let Err(error) = self.owners.adopt(owner, Thing::Registration(index), &live.owned)
        {
            let callback = live.callback.take().expect("nobody else knows it");
            if registrations.arena().unpublish(index, Holder::Both) {
                registrations.bury(index);
            }
            return Err((error, callback));
        }
        self.list(token, index, tie.is_named(), owner != NULL);
        self.hand_over(index, handle, tie.is_named());
        Ok(handle)
    }

    /// Publishes a registration that was hidden while it was built. We hold C's reference until
    /// here, so an early end, for example by its owner's close, cannot free the slot. If the
    /// registration has no handle for its caller, C's reference is dropped instead.
    pub(super) fn hand_over(&self, index: u32, handle: Handle, is_named: bool) {
        let registrations = &self.registrations;
        if is_named {
            registrations.arena().reveal(registrations.arena().slot(index), handle);
        } else if registrations.arena().unpublish(index, Holder::Owner) {
            registrations.bury(index);
        }
    }

    /// Puts a hidden registration into its token's list. If the token is cancelled already, runs
    /// the registration now, on this thread. If there is no token, or it is sealed, the
    /// registration never runs. `is_named`: a caller gets the handle and has to unregister it.
    pub(super) fn list(
        &self,
        token: Option<&TokenPin<'_>>,
        index: u32,
        is_named: bool,
        has_owner: bool,
    ) {
        let registrations = &self.registrations;
        let live = registrations.live(index);
        let Some(token) = token else {
            // Without a token the registration can never run. If no caller can unregister it
            // either, it ends now.
            if !is_named && self.registrations.begin_idle(index, self.inside_now()) {
                self.end_registration(index, None);
            }
            return;
        };
        let locked = LockedToken::of_pinned(token);
        if locked.is_sealed() && !crate::weakened!("register_looks_for_seal") {
            drop(locked);
            self.keep_idle(index, is_named);
            return;
        }
        if !locked.is_cancelled() || crate::weakened!("register_looks_at_flag") {
            let purpose = registrations.purpose(index);
            let token_live = token.slot().live();
            let head = head(token_live, purpose.calls_out());
            registrations.push(head, index, token.handle());
            if !live.begin_listed(has_owner) {
                // The registration's owner was closed meanwhile, and the close took the
                // registration over.
                registrations.remove(head, index);
            } else if purpose == Purpose::KeepingCallback && source::add_keeper(token.slot()) {
                locked.leave();
            }
            return;
        }
        drop(locked);
        if self.registrations.begin_idle(index, self.inside_now()) {
            self.end_registration(index, Some(token.handle()));
        }
    }

    /// Ends a registration that this thread has taken over. With `cancelled`, the token whose
    /// cancel the registration waited for, a callback is called and then destroyed. With `None` it
    /// is destroyed without being called, and a waiter learns that the token is gone.
    #[inline]
    pub(super) fn end_registration(&self, index: u32, cancelled: Option<Handle>) {
        if self.registrations.purpose(index).is_callback() {
            self.finish_callback(index, cancelled);
            drop(RegistrationPin::take_over(&self.registrations, index));
        } else {
            self.cancel_left(self.end_signal(index, cancelled));
        }
    }

    /// As `end_registration`, for a registration that is not a callback. If a gathering loses its
    /// last parent by this, returns the gathering's token, flagged, for `cancel_left`.
    fn end_signal(&self, index: u32, cancelled: Option<Handle>) -> Spread {
        let left = self.finish_signal(index, cancelled);
        drop(RegistrationPin::take_over(&self.registrations, index));
        left
    }

    /// As `end_signal`, but the caller keeps the registration's internal reference.
    fn finish_signal(&self, index: u32, cancelled: Option<Handle>) -> Spread {
        let mut left = Spread::NOTHING;
        match self.registrations.purpose(index) {
            Purpose::Wake { waiter, position } => {
                self.signals.wake(waiter, WokenBy { position, gone: cancelled.is_none() });
                self.signals.release_waiter(waiter);
            }
            Purpose::Event(event) => self.signals.set_event(event),
            Purpose::Leave(gathering) => left = self.leave(gathering, cancelled.unwrap_or(NULL)),
            Purpose::WakeJob(posted) => self.wake_job(posted),
            Purpose::Callback | Purpose::KeepingCallback => {
                unreachable!("callbacks are no signals")
            }
        }
        self.say_finished(index);
        left
    }

    /// As `end_registration`, for a callback, but the caller keeps the registration's internal
    /// reference.
    #[inline]
    fn finish_callback(&self, index: u32, cancelled: Option<Handle>) {
        self.end_callback(self.registrations.live(index), cancelled);
        self.say_finished(index);
    }

    #[inline]
    fn say_finished(&self, index: u32) {
        if self.registrations.live(index).finish() {
            self.owners.waits().wake();
        }
    }

    #[inline]
    fn end_callback(&self, live: &RegistrationLive, cancelled: Option<Handle>) {
        let thread = thread_identity::current();
        let Some(callback) = live.callback.take() else { return };
        let call = self.owners.enter(live.owned.get(), thread);
        if let (Some(token), true) = (cancelled, call.is_open) {
            callback.call(token);
        }
        self.owners.disown(live.owned.take());
        callback.into_payload().destroy();
        self.owners.leave(call);
    }

    #[inline]
    pub(super) fn inside_now(&self) -> Inside {
        let waits_before = self.owners.waits().begun();
        Inside { thread: thread_identity::current(), waits_before }
    }

    /// Takes over a registration that has not begun to run, so that this thread has to end it.
    /// False: it has begun to run, or is over.
    pub(super) fn take_over(&self, index: u32) -> bool {
        let live = self.registrations.live(index);
        loop {
            let token = self.registrations.listed_in(index);
            if token == NULL {
                if self.registrations.begin_idle(index, self.inside_now()) {
                    return true;
                }
            } else if self.unlist(token, index, || true, false).is_some() {
                return true;
            }
            // If it has not begun, another thread is listing it at this moment, so this thread
            // tries again.
            if live.stage(false) != CallStage::Waiting {
                return false;
            }
        }
    }

    /// The common case of unregistering. A listed registration is held by its list, so its handle
    /// need not be pinned. The list's internal reference of the registration becomes the caller's.
    /// `None`: the registration is in no list, or the handle is stale.
    #[inline]
    fn take_over_listed(&self, registration: Handle) -> Option<Unlisted> {
        let registrations = &self.registrations;
        let token = registrations.arena().peek(registration)?.cold.listed_in();
        if token == NULL {
            return None;
        }
        // Before the token is locked, the slot may be used again for another registration.
        let is_same = || registrations.arena().is_owned(registration);
        self.unlist(token, handle::index(registration), is_same, true)
    }

    /// Takes a registration over, off its token's list, if it is still in that list. `is_same` is
    /// asked under the token's lock, whether the slot still has the registration that is meant.
    /// With `may_end`, the registration ends at once if no function has to be called for that.
    /// `None`: it is not in that list any more, or it is another one.
    #[inline]
    fn unlist(
        &self,
        token: Handle,
        index: u32,
        is_same: impl FnOnce() -> bool,
        may_end: bool,
    ) -> Option<Unlisted> {
        let registrations = &self.registrations;
        let (slot, locked) = self.arena.lock_dying(token)?;
        let unlisted = (registrations.listed_in(index) == token && is_same()).then(|| {
            let head = head(slot.live(), registrations.calls_out(index));
            let is_over = may_end && registrations.end_quietly(index);
            if !is_over {
                registrations.begin(index, self.inside_now());
            }
            let let_go = self.remove_listed(slot.live(), head, index);
            (if is_over { Unlisted::Over } else { Unlisted::TakenOver }, let_go)
        });
        let (unlisted, let_go) = unlisted.unzip();
        if self.arena.unlock_dying(slot, locked, let_go.unwrap_or(0)) {
            self.bury(handle::index(token));
        }
        unlisted
    }

    /// Ends a registration and gives up its caller's handle. With `wait`, waits for a callback that
    /// runs on another thread. If that thread in turn waits for this one, the answer is
    /// `WouldDeadlock` and nothing happens.
    pub fn unregister(&self, registration: Handle, wait: bool) -> Result<Unregistered, Error> {
        let registrations = &self.registrations;
        if let Some(unlisted) = self.take_over_listed(registration) {
            if unlisted == Unlisted::TakenOver {
                let index = handle::index(registration);
                if registrations.purpose(index).is_callback() {
                    self.finish_callback(index, None);
                } else {
                    self.cancel_left(self.finish_signal(index, None));
                }
            }
            if let Some(index) = registrations.arena().release_both(registration) {
                registrations.bury(index);
            }
            return Ok(Unregistered::Removed);
        }
        let pin = RegistrationPin::new(registrations, registration)?;
        let live = pin.slot().live();
        let found = if self.take_over(pin.index()) {
            self.end_registration(pin.index(), None);
            Unregistered::Removed
        } else {
            let thread = thread_identity::current();
            match live.stage(wait) {
                CallStage::Running(runner) if runner == thread || !wait => Unregistered::Running,
                CallStage::Running(_) if !crate::weakened!("unregister_waits") => {
                    let blocker = Blocker::Registration(pin.index());
                    let wait = self.owners.waits().begin(&Calls(self), thread, blocker)?;
                    self.owners.waits().sleep(&Calls(self), wait);
                    Unregistered::Done
                }
                _ => Unregistered::Done,
            }
        };
        match registrations.arena().release(registration) {
            Ok(Some((index, slot))) => registrations.bury_slot(index, slot),
            Ok(None) => (),
            // The destroy-notify that this call ran has given the handle up already.
            Err(_)
                if found == Unregistered::Removed
                    && !crate::weakened!("own_notify_unregisters") => {}
            Err(error) => return Err(error),
        }
        Ok(found)
    }

    /// Takes a registration out of the list of a token that the caller has locked. Returns the
    /// number of the token's internal references, 0 or 1, that the caller has to give up.
    #[inline]
    #[must_use]
    fn remove_listed(&self, token: &TokenLive, head: &AtomicU32, index: u32) -> u64 {
        let is_keeping = self.registrations.purpose(index) == Purpose::KeepingCallback;
        self.registrations.remove(head, index);
        if is_keeping { token.keepers.remove() } else { 0 }
    }

    /// Takes the first registration of a token's list off that list, so that this thread has to end
    /// it. The caller has the token pinned, or buries it. `None`: the list is empty.
    pub(super) fn take_first(&self, token: u32, list: fn(&TokenLive) -> &AtomicU32) -> Option<u32> {
        let slot = self.arena().slot(token);
        let lock = slot.lock();
        let head = list(slot.live());
        let index = head.load(Ordering::Relaxed);
        if index == NIL {
            return None;
        }
        self.registrations.begin(index, self.inside_now());
        let let_go = self.remove_listed(slot.live(), head, index);
        drop(lock);
        if let_go != 0 {
            let died = self.arena().unpin(token);
            debug_assert!(!died, "it is pinned besides");
        }
        Some(index)
    }

    /// Wakes the waiters and sets the events of the flagged tokens in `chain`. Returns the tokens
    /// of gatherings that lose their last parent by this, flagged, for `spread_left`.
    pub(super) fn signal(&self, chain: &Chain) -> Spread {
        let mut left = Spread::NOTHING;
        for token in chain.iter(self.arena()) {
            let sleepers = &self.arena().slot(token).cold.sleepers;
            if sleepers.any() {
                sleepers.wake_cancelled();
            }
            let handle = self.arena().handle_of(token);
            while let Some(index) = self.take_first(token, |live| &live.signals) {
                left.join(self.arena(), self.end_signal(index, Some(handle)));
            }
        }
        left
    }

    /// Runs the callbacks of the flagged tokens in `chain` on this thread, and unpins the tokens.
    pub(crate) fn run_callbacks(&self, mut chain: Chain) {
        while let Some(token) = chain.pop(self.arena()) {
            self.run_callbacks_of(token);
        }
    }

    pub(super) fn run_callbacks_of(&self, token: u32) {
        let pin = TokenPin::take_over(self, token);
        let handle = pin.handle();
        while let Some(index) = self.take_first(token, |live| &live.callbacks) {
            self.end_registration(index, Some(handle));
        }
        // If the cancel took a posted job out of its queue, the host has to call the job's
        // completion now.
        if let Some(queue) = self.queues.queue_of(self.posted(token)) {
            self.queues.wake_if_there(&self.owners, queue);
        }
    }
}

impl Tokens {
    /// Wakes a posted job, and its dispatcher's host if that has to run for it. Accepts any id.
    pub(crate) fn wake_job(&self, posted: PostedId) {
        if let Some(queue) = self.queues.wake_job(posted) {
            // The queue may be gone by now: a job that was cancelled is over soon.
            self.queues.wake_if_there(&self.owners, queue);
        }
    }

    /// Wakes a posted job once, when the token is cancelled or gone; now, if it is cancelled
    /// already. Returns the handle of the registration for this, which the caller has to
    /// unregister.
    pub fn wake_job_at_cancel(
        &self,
        token: Option<&TokenPin<'_>>,
        posted: PostedId,
    ) -> Result<Handle, Error> {
        self.register_signal(token, Purpose::WakeJob(posted), true)
    }

    /// Wakes now, without a cancel, the posted jobs that are registered to be woken when a pinned
    /// token is cancelled. Their registrations stay. Waking a job calls a function of its host, so
    /// each job is found under the token's lock and then woken without it.
    pub(super) fn wake_sleeping_jobs(&self, token: &TokenPin<'_>) {
        let mut next = 0;
        loop {
            let found = {
                let _lock = token.slot().lock();
                let callbacks = &token.slot().live().callbacks;
                let listed = List::new(&self.registrations, callbacks);
                let ahead = listed.iter().filter(|index| *index >= next);
                let to_wake = ahead.filter_map(|index| match self.registrations.purpose(index) {
                    Purpose::WakeJob(posted) => Some((index, posted)),
                    _ => None,
                });
                to_wake.min_by_key(|(index, _)| *index)
            };
            let Some((index, posted)) = found else { return };
            self.wake_job(posted);
            next = index + 1;
        }
    }

    /// The table of all registrations.
    pub fn registrations(&self) -> &Registrations {
        &self.registrations
    }
}
