//! Waits for tokens, and their native events. A wait for one token sleeps on a word of its slot. A
//! wait for several tokens has a registration with each, and all of them wake one waiter. An event
//! is set by a registration.
//!
//! No wake-up is lost: a cancel sets the flag under the token's lock. A thread that registers, or
//! that gets in to sleep, looks at the flag under the same lock. So either the thread sees the
//! flag, or the cancel sees the thread. Waiting threads are woken when all tokens that the cancel
//! reaches are flagged; a token without children may wake them at once.
//!
//! A thread that waits also asks hosts' own checks, see [`asking`](crate::token::asking).

use crate::error::Error;
use crate::handle::{CANCELLED, Handle, NULL};
use crate::memory::list::List;
use crate::memory::pin::Keeper;
use crate::memory::slot::{Holder, Slot};
use crate::owner::wait_graph::Blocker;
use crate::sys::native_event::{self, NativeEvent, Raw};
use crate::sys::sleepers::Woken;
use crate::sys::sync::Ordering;
use crate::sys::{clock, thread_identity};
use crate::token::asking::Asker;
use crate::token::registration::Purpose;
use crate::token::running::Calls;
use crate::token::signal::{WaitOutcome, WokenBy};
use crate::token::{TokenCold, TokenLive, TokenPin, Tokens};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// The token at this position is cancelled.
    Cancelled(usize),
    /// The token at this position does not exist any more.
    Gone(usize),
    /// The wait's time is over.
    TimedOut,
    /// None of the tokens can be cancelled, now or later.
    Never,
}

/// A thread that is counted among those that sleep on a word of a token's slot. It keeps the slot
/// from being used again, but does not keep the token alive.
#[derive(Debug)]
#[must_use = "it has to sleep"]
pub(crate) struct Sleeper<'a> {
    tokens: &'a Tokens,
    index: u32,
    slot: &'a Slot<TokenCold, TokenLive>,
}

impl Sleeper<'_> {
    /// Sleeps until the token is cancelled, sealed or gone. `None`: the time `until_ns` on the
    /// library's clock came first. Meanwhile asks the hosts' own checks of the token `asked` and of
    /// the tokens that are current on this thread.
    #[inline]
    pub fn sleep(self, until_ns: Option<u64>, asker: Asker, asked: Handle) -> Option<Woken> {
        let tokens = self.tokens;
        let sleepers = &self.slot.cold.sleepers;
        let woken = tokens.sleep(until_ns, asker, &[asked], |until_ns| sleepers.sleep(until_ns));
        if sleepers.leave() {
            tokens.arena.put_back(self.index);
        }
        woken
    }
}

impl Tokens {
    /// Waits until any of the tokens is cancelled or gone, until a time on the library's clock, or
    /// for ever. NULL tokens are never cancelled.
    pub fn wait_any(
        &self,
        tokens: &[Handle],
        until_ns: Option<u64>,
        asker: Asker,
    ) -> Result<Waited, Error> {
        let mut there = tokens.iter().enumerate().filter(|(_, token)| **token != NULL);
        if let (Some((position, token)), None) = (there.next(), there.next()) {
            return Ok(match self.wait_for_one(*token, until_ns, asker)? {
                Some(Woken::Cancelled) => Waited::Cancelled(position),
                Some(Woken::Gone) => Waited::Gone(position),
                Some(Woken::Never) => Waited::Never,
                None => Waited::TimedOut,
            });
        }
        self.wait_for_several(tokens, until_ns, asker)
    }

    fn wait_for_one(
        &self,
        token: Handle,
        until_ns: Option<u64>,
        asker: Asker,
    ) -> Result<Option<Woken>, Error> {
        let pin = TokenPin::new(self, token)?;
        let sleeper = match self.get_in(pin) {
            Ok(sleeper) => sleeper,
            Err(woken) => return Ok(Some(woken)),
        };
        // Notes in the wait graph since when this thread waits. A thread that waits for a
        // dispatcher which this thread pumps reports that time. Without memory for the note the
        // wait goes on.
        let waits = self.owners.waits();
        let known = waits.begin(&Calls(self), thread_identity::current(), Blocker::Unknown).ok();
        let woken = sleeper.sleep(until_ns, asker, token);
        if let Some(wait) = known {
            waits.end(wait);
        }
        Ok(woken)
    }

    /// Counts this thread among those that sleep for a token, under the token's lock, and gives the
    /// token's pin back. Error: the token is cancelled or sealed already, so there is nothing to
    /// wait for.
    #[inline]
    pub(crate) fn get_in<'a>(&'a self, pin: TokenPin<'a>) -> Result<Sleeper<'a>, Woken> {
        let (index, slot) = (pin.index(), pin.slot());
        let lock = slot.lock();
        if slot.state().load(Ordering::Acquire) & CANCELLED != 0 {
            return Err(Woken::Cancelled);
        }
        if slot.is_sealed() && !crate::weakened!("sleeper_looks_for_seal") {
            return Err(Woken::Never);
        }
        let lock = (!crate::weakened!("sleeper_enters_under_lock")).then_some(lock);
        slot.cold.sleepers.enter();
        drop(lock);
        drop(pin);
        Ok(Sleeper { tokens: self, index, slot })
    }

    /// Sleeps until a wait is over, and meanwhile asks the hosts' own checks of `tokens` and of the
    /// tokens that are current on this thread. `sleep` sleeps until the given time at most, and
    /// returns something if the wait is over. `None`: the time `until_ns` has come first.
    pub fn sleep<T>(
        &self,
        until_ns: Option<u64>,
        asker: Asker,
        tokens: &[Handle],
        mut sleep: impl FnMut(Option<u64>) -> Option<T>,
    ) -> Option<T> {
        loop {
            let ask_at = self.ask_while_waiting(asker, tokens);
            let look_at = [until_ns, ask_at].into_iter().flatten().min();
            let outcome = sleep(look_at);
            let is_late = || match (until_ns, ask_at) {
                (Some(_), None) => true,
                (Some(time), Some(_)) => clock::now_ns() >= time,
                (None, _) => false,
            };
            if outcome.is_some() || is_late() {
                return outcome;
            }
        }
    }

    /// Number of threads that wait for one token each. Walks over all slots.
    pub fn waits_for_one(&self) -> u64 {
        self.arena.slots().map(|(_, slot)| u64::from(slot.cold.sleepers.count())).sum()
    }

    fn wait_for_several(
        &self,
        tokens: &[Handle],
        until_ns: Option<u64>,
        asker: Asker,
    ) -> Result<Waited, Error> {
        let mut registered: Vec<Handle> = Vec::new();
        registered.try_reserve(tokens.len()).map_err(|_| Error::Resources("memory for waiting"))?;
        let waiter = self.signals.new_waiter()?;
        let result = self.wait_with(waiter, tokens, until_ns, asker, &mut registered);
        for registration in registered {
            // A registration that runs at this moment has its own reference of the waiter, so its
            // wake-up does no harm, and this thread need not wait for it.
            let _ = self.unregister(registration, false);
        }
        self.signals.release_waiter(waiter);
        result
    }

    fn wait_with(
        &self,
        waiter: u32,
        tokens: &[Handle],
        until_ns: Option<u64>,
        asker: Asker,
        registered: &mut Vec<Handle>,
    ) -> Result<Waited, Error> {
        for (position, token) in tokens.iter().enumerate() {
            if *token == NULL {
                continue;
            }
            let pin = TokenPin::new(self, *token)?;
            if self.is_cancelled(&pin) {
                // A bad handle further back is an error even if the wait is over.
                let rest = tokens[position + 1..].iter().filter(|token| **token != NULL);
                for token in rest {
                    TokenPin::new(self, *token)?;
                }
                return Ok(Waited::Cancelled(position));
            }
            self.signals.share_waiter(waiter);
            let position = position as u32;
            match self.register_signal(Some(&pin), Purpose::Wake { waiter, position }, true) {
                Ok(registration) => registered.push(registration),
                Err(error) => {
                    self.signals.release_waiter(waiter);
                    return Err(error);
                }
            }
        }
        if registered.is_empty() && until_ns.is_none() {
            return Ok(Waited::Never);
        }
        if !registered.is_empty() {
            // Until now this thread counted as a token that may end the wait. From now on only the
            // tokens count. If all of them are sealed already, this call ends the wait.
            self.signals.expect_one_less(waiter);
        }
        // The wait graph gets the same note as in `wait_for_one`.
        let waits = self.owners.waits();
        let known = waits.begin(&Calls(self), thread_identity::current(), Blocker::Unknown).ok();
        let outcome =
            self.sleep(until_ns, asker, tokens, |until_ns| self.signals.wait(waiter, until_ns));
        if let Some(wait) = known {
            waits.end(wait);
        }
        Ok(match outcome {
            Some(WaitOutcome::By(WokenBy { position, gone })) => {
                let position = position as usize;
                if gone { Waited::Gone(position) } else { Waited::Cancelled(position) }
            }
            Some(WaitOutcome::Never) => Waited::Never,
            None => Waited::TimedOut,
        })
    }

    /// A duplicate of an event that is set when the token is cancelled or gone. Without a token, or
    /// for a sealed one, it is never set. The duplicate belongs to the caller.
    pub fn event(&self, token: Option<&TokenPin<'_>>) -> Result<Raw, Error> {
        let none_left = |_| Error::Resources("file descriptors or handles for native events");
        let Some(token) = token.filter(|token| !token.slot().is_sealed()) else {
            return self.signals.never_set();
        };
        if let Some(duplicate) = self.present_event(token) {
            return duplicate;
        }
        let event = NativeEvent::new().map_err(none_left)?;
        let duplicate = event.duplicate().map_err(none_left)?;
        let number = self.signals.add_event(event).inspect_err(|_| {
            native_event::close(duplicate);
        })?;
        self.register_signal(Some(token), Purpose::Event(number), false).inspect_err(|_| {
            self.signals.forget_event(number);
            native_event::close(duplicate);
        })?;
        Ok(duplicate)
    }

    /// A duplicate of the native event that the token has already. `None`: it has none.
    fn present_event(&self, token: &TokenPin<'_>) -> Option<Result<Raw, Error>> {
        let _lock = token.slot().lock();
        let signals = &token.slot().live().signals;
        List::new(&self.registrations, signals).iter().find_map(|index| {
            match self.registrations.purpose(index) {
                Purpose::Event(event) => Some(self.signals.duplicate(event)),
                _ => None,
            }
        })
    }

    /// Registers with a token an action of the library's own. With `keep`, the caller has to
    /// unregister the returned handle; otherwise the registration ends by itself. On an error the
    /// caller has to give up the waiter, event or gathering that `purpose` names.
    pub(super) fn register_signal(
        &self,
        token: Option<&TokenPin<'_>>,
        purpose: Purpose,
        keep: bool,
    ) -> Result<Handle, Error> {
        let (index, slot) = self.registrations.arena().take()?;
        self.registrations.set_purpose(index, purpose);
        let handle = self.registrations.arena().publish_hidden(index, slot, 0, Holder::Both);
        self.list(token, index, keep, false);
        self.hand_over(index, handle, keep);
        Ok(handle)
    }
}
