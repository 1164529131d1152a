//! The two slots of a thread, token and job, and the probe that reads them.
//!
//! Everything here belongs to one thread, so there are no locks. A slot's value carries a
//! reference that its setter handed over; whoever takes a value out hands it back to be dropped
//! after the slots are consistent again, because dropping it may run a destroy-notify that uses
//! the slots.
//!
//! Invariants:
//! - `frames` is the stack of what was set, newest last; a frame keeps the value that its `set`
//!   displaced. Tickets grow towards the top.
//! - A frame may be taken out when it is the newest of its slot. The slots are independent, as two
//!   context variables are.

use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::memory::cut_text::CutText;
use crate::sys::fallible::OutOfMemory;
use crate::sys::sync::{AtomicU64, Ordering, constructor};
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

/// One of the two slots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotName {
    /// The current token.
    Token,
    /// The current job.
    Job,
}

/// How a frame came to be, and so which function takes it away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FrameOrigin {
    Set,
    Enter,
}

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

/// A value for a slot. Holds one reference of `object` unless that is NULL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the reference has to be dropped or kept in a slot"]
pub struct SlotValue {
    /// The token or job.
    pub object: Handle,
    /// The token to poll for it.
    pub token: Handle,
}

impl SlotValue {
    /// Masks what was set before.
    pub const NONE: Self = Self { object: NULL, token: NULL };
}

/// A value that left its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the reference has to be dropped"]
pub struct Removed {
    /// The slot.
    pub slot: SlotName,
    /// The value.
    pub value: SlotValue,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    ticket: u64,
    displaced: SlotValue,
    slot: SlotName,
    origin: FrameOrigin,
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
    ticket_number: Cell<u64>,
    sequence: Cell<u64>,
    job: Cell<Handle>,
    frames: RefCell<Vec<Frame>>,
    /// Text of the last error on this thread.
    pub last_error: RefCell<ErrorText>,
}

/// What is installed on a thread at once before its record grows: a job, and what the job itself does.
const FIRST_FRAMES: usize = 8;

impl ThreadRecord {
    /// A record for the thread of this number, with room for what one job installs.
    pub fn new(number: u64) -> Result<Self, OutOfMemory> {
        let mut frames = Vec::new();
        frames.try_reserve(FIRST_FRAMES).map_err(|_| OutOfMemory)?;
        Ok(Self {
            number,
            ticket_number: Cell::new(number),
            sequence: Cell::new(0),
            job: Cell::new(NULL),
            frames: RefCell::new(frames),
            last_error: RefCell::new(ErrorText::EMPTY),
        })
    }

    /// The thread's number.
    pub fn number(&self) -> u64 {
        self.number
    }

    fn next_ticket(&self, numbers: &ThreadNumbers) -> Result<u64, Error> {
        if self.sequence.get() == LAST_SEQUENCE {
            self.ticket_number.set(numbers.next()?);
            self.sequence.set(0);
        }
        self.sequence.set(self.sequence.get() + 1);
        Ok(self.ticket_number.get() << SEQUENCE_BITS | self.sequence.get())
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

    /// The current token; borrowed.
    pub fn token(&self) -> Handle {
        self.token.token()
    }

    /// The current job; borrowed.
    pub fn current_job(&self) -> Handle {
        self.record().map_or(NULL, |record| record.job.get())
    }

    fn value(&self, slot: SlotName) -> SlotValue {
        match slot {
            SlotName::Token => SlotValue { object: self.token.token(), token: self.token.token() },
            SlotName::Job => SlotValue { object: self.current_job(), token: self.job.token() },
        }
    }

    fn show(&self, record: &ThreadRecord, slot: SlotName, value: SlotValue, words: Words<'a>) {
        let layer = match slot {
            SlotName::Token => &self.token,
            SlotName::Job => {
                record.job.set(value.object);
                &self.job
            }
        };
        let word = if value.token == NULL { None } else { words.tokens.word(value.token) };
        layer.word.set(word.unwrap_or(words.never));
        layer.expected.set(value.token);
    }

    /// Sets one slot. On an error the value's reference stays the caller's.
    #[inline]
    pub fn set(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        words: Words<'a>,
        slot: SlotName,
        value: SlotValue,
    ) -> Result<u64, Error> {
        let mut frames = record.frames.borrow_mut();
        frames.try_reserve(1).map_err(|_| OutOfMemory)?;
        let ticket = record.next_ticket(numbers)?;
        frames.push(Frame { ticket, displaced: self.value(slot), slot, origin: FrameOrigin::Set });
        self.show(record, slot, value, words);
        Ok(ticket)
    }

    /// Sets both slots under one ticket. On an error the references stay the caller's.
    pub fn enter(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        words: Words<'a>,
        token: SlotValue,
        job: SlotValue,
    ) -> Result<u64, Error> {
        let mut frames = record.frames.borrow_mut();
        frames.try_reserve(2).map_err(|_| OutOfMemory)?;
        let ticket = record.next_ticket(numbers)?;
        for (slot, value) in [(SlotName::Token, token), (SlotName::Job, job)] {
            frames.push(Frame {
                ticket,
                displaced: self.value(slot),
                slot,
                origin: FrameOrigin::Enter,
            });
            self.show(record, slot, value, words);
        }
        Ok(ticket)
    }

    /// Finds out whether a ticket is one of this thread's.
    fn absent(&self, ticket: u64) -> Error {
        let number = ticket >> SEQUENCE_BITS;
        let own = self.record().is_some_and(|record| record.ticket_number.get() == number);
        if own || number == 0 || number > LAST_THREAD {
            Error::TicketUsed(ticket)
        } else {
            Error::WrongThread(ticket)
        }
    }

    /// Takes what a frame installed out again and restores what it displaced.
    #[inline]
    fn restore(&self, record: &ThreadRecord, frame: Frame, words: Words<'a>) -> Removed {
        let value = self.value(frame.slot);
        self.show(record, frame.slot, frame.displaced, words);
        Removed { slot: frame.slot, value }
    }

    fn take_out(
        &self,
        record: &ThreadRecord,
        frames: &mut Vec<Frame>,
        position: usize,
        words: Words<'a>,
    ) -> Removed {
        let frame = frames.remove(position);
        self.restore(record, frame, words)
    }

    /// Undoes the `set` that gave this ticket.
    #[inline]
    pub fn reset(&self, words: Words<'a>, slot: SlotName, ticket: u64) -> Result<Removed, Error> {
        let record = self.record().ok_or_else(|| self.absent(ticket))?;
        let mut frames = record.frames.borrow_mut();
        let newest = |frame: &mut Frame| {
            frame.ticket == ticket && frame.slot == slot && frame.origin == FrameOrigin::Set
        };
        match frames.pop_if(newest) {
            Some(frame) => Ok(self.restore(record, frame, words)),
            None => self.reset_deeper(record, &mut frames, words, slot, ticket),
        }
    }

    /// The newest frame is not the one that is wanted: it may be of the other slot, or the ticket
    /// is no good.
    #[cold]
    fn reset_deeper(
        &self,
        record: &ThreadRecord,
        frames: &mut Vec<Frame>,
        words: Words<'a>,
        slot: SlotName,
        ticket: u64,
    ) -> Result<Removed, Error> {
        let position = frames
            .iter()
            .rposition(|frame| frame.ticket == ticket)
            .ok_or_else(|| self.absent(ticket))?;
        let frame = frames[position];
        if frame.slot != slot || frame.origin != FrameOrigin::Set {
            return Err(Error::WrongSlot(ticket));
        }
        if frames[position + 1..].iter().any(|later| later.slot == slot) {
            return Err(Error::WrongOrder(ticket));
        }
        Ok(self.take_out(record, frames, position, words))
    }

    /// Undoes the `enter` that gave this ticket.
    pub fn exit(&self, words: Words<'a>, ticket: u64) -> Result<[Removed; 2], Error> {
        let record = self.record().ok_or_else(|| self.absent(ticket))?;
        let mut frames = record.frames.borrow_mut();
        let position = frames
            .iter()
            .rposition(|frame| frame.ticket == ticket)
            .ok_or_else(|| self.absent(ticket))?;
        if frames[position].origin != FrameOrigin::Enter {
            return Err(Error::WrongSlot(ticket));
        }
        // Both slots were set, so anything later is later in one of them.
        if position + 1 != frames.len() {
            return Err(Error::WrongOrder(ticket));
        }
        let job = self.take_out(record, &mut frames, position, words);
        let token = self.take_out(record, &mut frames, position - 1, words);
        Ok([job, token])
    }

    /// Whether this ticket can be unwound to.
    pub fn find_ticket(&self, ticket: u64) -> Result<(), Error> {
        let found = self.record().is_some_and(|record| {
            record.frames.borrow().iter().rev().any(|frame| frame.ticket == ticket)
        });
        if found { Ok(()) } else { Err(self.absent(ticket)) }
    }

    /// Takes out the newest frame if it is not older than the ticket. Says whether the frame was
    /// the ticket's own.
    pub fn unwind_one(&self, words: Words<'a>, ticket: u64) -> Option<(Removed, bool)> {
        let record = self.record()?;
        let mut frames = record.frames.borrow_mut();
        let position = frames.len().checked_sub(1)?;
        let newest = frames[position].ticket;
        // Tickets of a thread grow, also from one of its numbers to the next.
        (newest >= ticket)
            .then(|| (self.take_out(record, &mut frames, position, words), newest == ticket))
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
        let record = ThreadRecord::new(numbers.next().unwrap()).unwrap();
        let first = record.next_ticket(&numbers).unwrap();
        record.sequence.set(LAST_SEQUENCE - 1);
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
