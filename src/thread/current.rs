//! The two slots of a thread, token and job, and the probe that reads them.
//!
//! Everything here belongs to one thread, so there are no locks. A slot's value carries a
//! reference that its setter handed over; whoever takes a value out hands it back to be dropped
//! after the slots are consistent again, because dropping it may run a destroy-notify that uses
//! the slots.
//!
//! Invariants:
//! - `frames` has what was set, newest last; a frame keeps the value that its `set` displaced. Tickets
//!   grow towards the top.
//! - A frame may be taken out when it is the newest of its slot. The slots are independent, as two
//!   context variables are.

use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::memory::cut_text::CutText;
use crate::sys::sync::{AtomicU64, Ordering, constructor};
use crate::thread::frames::{Frame, FrameOrigin, Frames};
use crate::thread::value::{Removed, Shown, SlotName, SlotValue};
use crate::token::Tokens;
use crate::token::ask::Answer;
use std::cell::{Cell, RefCell};

const SEQUENCE_BITS: u32 = 36;
const LAST_SEQUENCE: u64 = (1 << SEQUENCE_BITS) - 1;
/// Thread numbers must leave a ticket's top bit zero.
const LAST_THREAD: u64 = (1 << (63 - SEQUENCE_BITS)) - 1;

/// What went wrong, in words, with room that is there beforehand: writing an error down must not need memory.
pub type ErrorText = CutText<256>;

/// A ticket that is never given out.
pub const NO_TICKET: u64 = 0;

/// What a slot shows: the state word to look at and what it holds while nothing is asked.
#[derive(Debug)]
#[repr(C)]
pub struct LayerCell<'a> {
    word: Cell<&'a AtomicU64>,
    expected: Cell<Handle>,
}

impl<'a> LayerCell<'a> {
    fn new(never: &'a AtomicU64) -> Self {
        Self { word: Cell::new(never), expected: Cell::new(NULL) }
    }

    #[inline(always)]
    fn is_quiet(&self) -> bool {
        self.word.get().load(Ordering::Relaxed) == self.expected.get()
    }

    /// The word.
    pub fn word(&self) -> &'a AtomicU64 {
        self.word.get()
    }

    /// The token whose word it is; NULL for none.
    pub fn token(&self) -> Handle {
        self.expected.get()
    }
}

/// Gives each thread a number of its own, and a further one when its tickets run out.
#[derive(Debug)]
pub struct ThreadNumbers(AtomicU64);

impl ThreadNumbers {
    constructor! {
        /// None given out.
        pub fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }

    /// A number never given out before.
    pub fn next(&self) -> Result<u64, Error> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        if number > LAST_THREAD {
            // Stay at the end instead of wrapping round.
            self.0.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Resources("thread numbers; restart the host"));
        }
        Ok(number)
    }
}

/// The rest of a thread's record, made at its first `set` or its first error.
#[derive(Debug)]
pub struct ThreadRecord {
    number: u64,
    /// The number that tickets are made of at present, and how far they are.
    last_ticket: Cell<u64>,
    job: Cell<Handle>,
    told: Cell<Handle>,
    frames: Frames,
    /// Text of the last error on this thread.
    pub last_error: RefCell<ErrorText>,
}

impl ThreadRecord {
    /// A record for the thread of this number, with room for what one job installs.
    pub fn new(number: u64) -> Self {
        Self {
            number,
            last_ticket: Cell::new(number << SEQUENCE_BITS),
            job: Cell::new(NULL),
            told: Cell::new(NULL),
            frames: Frames::new(),
            last_error: RefCell::new(ErrorText::EMPTY),
        }
    }

    /// The thread's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    #[inline(always)]
    fn next_ticket(&self, numbers: &ThreadNumbers) -> Result<u64, Error> {
        let mut last = self.last_ticket.get();
        if last & LAST_SEQUENCE == LAST_SEQUENCE {
            last = numbers.next()? << SEQUENCE_BITS;
        }
        self.last_ticket.set(last + 1);
        Ok(last + 1)
    }
}

/// A thread's slots. Its layout is known to `ffi::thread`, which keeps it in thread-local storage.
#[derive(Debug)]
#[repr(C)]
pub struct ThreadSlots<'a> {
    token: LayerCell<'a>,
    job: LayerCell<'a>,
    record: Cell<Option<&'a ThreadRecord>>,
}

impl<'a> ThreadSlots<'a> {
    /// Empty slots; `never` is a word that is always 0.
    pub fn new(never: &'a AtomicU64) -> Self {
        Self { token: LayerCell::new(never), job: LayerCell::new(never), record: Cell::new(None) }
    }

    /// The probe's fast path: one load and one compare per layer.
    #[inline(always)]
    pub fn is_quiet(&self) -> bool {
        self.token.is_quiet() && self.job.is_quiet()
    }

    /// The token layer alone.
    #[inline(always)]
    pub fn is_token_quiet(&self) -> bool {
        self.token.is_quiet()
    }

    /// The token's layer.
    pub fn token_layer(&self) -> &LayerCell<'a> {
        &self.token
    }

    /// The job's layer.
    pub fn job_layer(&self) -> &LayerCell<'a> {
        &self.job
    }

    /// What the token layer says.
    pub fn token_answer(&self, tokens: &Tokens) -> Answer {
        tokens.answer(self.token.token(), || self.thread_number())
    }

    /// The thread's record, if it has one.
    pub fn record(&self) -> Option<&'a ThreadRecord> {
        self.record.get()
    }

    /// Gives the thread its record, or takes it away.
    pub fn set_record(&self, record: Option<&'a ThreadRecord>) {
        self.record.set(record);
    }

    /// Number of this thread; 0, which no thread has, before it has a record.
    pub fn thread_number(&self) -> u64 {
        self.record().map_or(0, ThreadRecord::number)
    }

    /// Notes that this thread was told to stop while its current job was current.
    pub fn note_told(&self) {
        if let Some(record) = self.record() {
            record.told.set(record.job.get());
        }
    }

    /// Whether this thread was last told to stop while this job was its current one.
    pub fn was_told(&self, job: Handle) -> bool {
        self.record().is_some_and(|record| record.told.get() == job)
    }

    /// The current token; borrowed.
    pub fn token(&self) -> Handle {
        self.token.token()
    }

    /// The current job; borrowed.
    pub fn current_job(&self) -> Handle {
        self.record().map_or(NULL, |record| record.job.get())
    }

    #[inline(always)]
    fn value(&self, record: &ThreadRecord, slot: SlotName) -> SlotValue {
        match slot {
            SlotName::Token => SlotValue { object: self.token.token(), token: self.token.token() },
            SlotName::Job => SlotValue { object: record.job.get(), token: self.job.token() },
        }
    }

    #[inline(always)]
    fn show(&self, record: &ThreadRecord, slot: SlotName, shown: Shown<'a>) {
        let layer = match slot {
            SlotName::Token => &self.token,
            SlotName::Job => {
                record.job.set(shown.value.object);
                &self.job
            }
        };
        layer.word.set(shown.word);
        layer.expected.set(shown.value.token);
    }

    /// Sets one slot. On an error the value's reference stays the caller's.
    #[inline(always)]
    pub fn set(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        slot: SlotName,
        shown: Shown<'a>,
    ) -> Result<u64, Error> {
        let ticket = record.next_ticket(numbers)?;
        let displaced = self.value(record, slot);
        record.frames.push(Frame { ticket, displaced, slot, origin: FrameOrigin::Set })?;
        self.show(record, slot, shown);
        Ok(ticket)
    }

    /// Sets both slots under one ticket. On an error the references stay the caller's.
    pub fn enter(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        token: Shown<'a>,
        job: Shown<'a>,
    ) -> Result<u64, Error> {
        self.set_both(record, numbers, token, job, FrameOrigin::Enter)
    }

    /// As `enter`, of values that the caller keeps until he has unwound them.
    pub fn lend(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        token: Shown<'a>,
        job: Shown<'a>,
    ) -> Result<u64, Error> {
        self.set_both(record, numbers, token, job, FrameOrigin::Lend)
    }

    #[inline]
    fn set_both(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        token: Shown<'a>,
        job: Shown<'a>,
        origin: FrameOrigin,
    ) -> Result<u64, Error> {
        let ticket = record.next_ticket(numbers)?;
        let frame = |slot| Frame { ticket, displaced: self.value(record, slot), slot, origin };
        record.frames.push(frame(SlotName::Token))?;
        record.frames.push(frame(SlotName::Job)).inspect_err(|_| record.frames.pop())?;
        self.show(record, SlotName::Token, token);
        self.show(record, SlotName::Job, job);
        Ok(ticket)
    }

    /// Finds out whether a ticket is one of this thread's.
    #[cold]
    fn absent(&self, ticket: u64) -> Error {
        let number = ticket >> SEQUENCE_BITS;
        let current = |record: &ThreadRecord| record.last_ticket.get() >> SEQUENCE_BITS;
        let own = self.record().is_some_and(|record| current(record) == number);
        if own || number == 0 || number > LAST_THREAD {
            Error::TicketUsed(ticket)
        } else {
            Error::WrongThread(ticket)
        }
    }

    /// Restores what a frame displaced, after the frame was taken out of the stack.
    #[inline(always)]
    fn restore(&self, record: &ThreadRecord, frame: Frame, words: Words<'a>) -> Removed {
        let value = self.value(record, frame.slot);
        let before = frame.displaced;
        let word = if before.token == NULL { None } else { words.tokens.word(before.token) };
        let shown = Shown { value: before, word: word.unwrap_or(words.never) };
        self.show(record, frame.slot, shown);
        Removed { slot: frame.slot, value, is_lent: frame.origin == FrameOrigin::Lend }
    }

    fn take_out(&self, record: &ThreadRecord, position: usize, words: Words<'a>) -> Removed {
        let frame = record.frames.remove(position);
        self.restore(record, frame, words)
    }

    /// Undoes the `set` that gave this ticket, if that is the newest. `None`: `reset_deeper` has to look.
    #[inline(always)]
    pub fn reset_newest(&self, words: Words<'a>, slot: SlotName, ticket: u64) -> Option<Removed> {
        let record = self.record()?;
        let frame = record.frames.pop_at_hand(|newest| {
            newest.ticket == ticket && newest.slot == slot && newest.origin == FrameOrigin::Set
        })?;
        // Its slot and origin are the caller's, which are known where this is compiled.
        Some(self.restore(record, Frame { slot, origin: FrameOrigin::Set, ..frame }, words))
    }

    /// Undoes the `set` that gave this ticket. The newest frame may be of the other slot, or the ticket is
    /// no good.
    pub fn reset_deeper(
        &self,
        words: Words<'a>,
        slot: SlotName,
        ticket: u64,
    ) -> Result<Removed, Error> {
        let record = self.record().ok_or_else(|| self.absent(ticket))?;
        let frames = &record.frames;
        let position = frames.position(ticket).ok_or_else(|| self.absent(ticket))?;
        let frame = frames.at(position);
        if frame.slot != slot || frame.origin != FrameOrigin::Set {
            return Err(Error::WrongSlot(ticket));
        }
        if (position + 1..frames.count()).any(|later| frames.at(later).slot == slot) {
            return Err(Error::WrongOrder(ticket));
        }
        Ok(self.take_out(record, position, words))
    }

    /// Undoes the `enter` that gave this ticket.
    pub fn exit(&self, words: Words<'a>, ticket: u64) -> Result<[Removed; 2], Error> {
        let record = self.record().ok_or_else(|| self.absent(ticket))?;
        let frames = &record.frames;
        let position = frames.position(ticket).ok_or_else(|| self.absent(ticket))?;
        if frames.at(position).origin != FrameOrigin::Enter {
            return Err(Error::WrongSlot(ticket));
        }
        // Both slots were set, so anything later is later in one of them.
        if position + 1 != frames.count() {
            return Err(Error::WrongOrder(ticket));
        }
        let job = self.take_out(record, position, words);
        let token = self.take_out(record, position - 1, words);
        Ok([job, token])
    }

    /// Takes out what a `lend` installed, if nothing lies upon it. False: nothing was done.
    #[inline]
    pub fn take_lent(&self, words: Words<'a>, ticket: u64) -> bool {
        let Some(record) = self.record() else { return false };
        let newest = record.frames.newest();
        if newest.is_none_or(|newest| newest.ticket != ticket || newest.origin != FrameOrigin::Lend)
        {
            return false;
        }
        for _ in SlotName::BOTH {
            if let Some(frame) = record.frames.newest() {
                record.frames.pop();
                let _ = self.restore(record, frame, words);
            }
        }
        true
    }

    /// Whether this ticket can be unwound to.
    pub fn find_ticket(&self, ticket: u64) -> Result<(), Error> {
        match self.record().and_then(|record| record.frames.position(ticket)) {
            Some(_) => Ok(()),
            None => Err(self.absent(ticket)),
        }
    }

    /// Takes out the newest frame if it is not older than the ticket. Says whether the frame was
    /// the ticket's own.
    pub fn unwind_one(&self, words: Words<'a>, ticket: u64) -> Option<(Removed, bool)> {
        let record = self.record()?;
        // Tickets of a thread grow, also from one of its numbers to the next.
        let newest = record.frames.newest().filter(|newest| newest.ticket >= ticket)?;
        record.frames.pop();
        Some((self.restore(record, newest, words), newest.ticket == ticket))
    }
}

/// What slots point to.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The tokens whose words are shown.
    pub tokens: &'a Tokens,
    /// A word that is always 0.
    pub never: &'a AtomicU64,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn tickets_grow_and_go_on_under_a_further_number() {
        let numbers = ThreadNumbers::new();
        let record = ThreadRecord::new(numbers.next().unwrap());
        let first = record.next_ticket(&numbers).unwrap();
        record.last_ticket.set(first | (LAST_SEQUENCE - 1));
        let last = record.next_ticket(&numbers).unwrap();
        let next = record.next_ticket(&numbers).unwrap();
        assert!(first < last && last < next, "{first:#x} {last:#x} {next:#x}");
        assert_eq!(next >> 63, 0);
    }

    #[test]
    fn thread_numbers_end_with_an_answer() {
        let numbers = ThreadNumbers(AtomicU64::new(LAST_THREAD - 1));
        assert_eq!(numbers.next(), Ok(LAST_THREAD));
        for _ in 0..3 {
            assert!(matches!(numbers.next(), Err(Error::Resources(_))));
        }
    }
}
