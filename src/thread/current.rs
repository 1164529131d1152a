//! The slots of a thread for token, job and share of progress, and the probe that reads the first
//! two.
//!
//! Everything here belongs to one thread, so there are no locks. The value in a slot has a
//! reference that its setter handed over. A function that takes a value out returns it. The caller
//! drops it after the slots are consistent again, because the drop may run a destroy-notify that
//! uses the slots.
//!
//! Invariants:
//! 1. `frames` has what was set, newest last. A frame keeps the value that its `set` displaced.
//!    Tickets grow towards the top.
//! 2. A frame may be taken out when it is the newest one of its slot. The slots are independent of
//!    each other, as two context variables are.
//! 3. A layer expects AROUND, a bit that no state word has, if its value lies above a value with a
//!    foreign check, or above a value that itself expects AROUND. Polls then take the slow path,
//!    which asks the checks below, too. An empty value is a mask: nothing below it counts. A frame
//!    keeps the bit with the value that it displaced.

use crate::error::Error;
use crate::handle::{AROUND, FOREIGN, Handle, NULL};
use crate::memory::cut_text::CutText;
use crate::sys::sync::{AtomicU64, Ordering, constructor};
use crate::thread::frames::{Frame, FrameOrigin, Frames};
use crate::thread::slice_clock::{self, SliceClock};
use crate::thread::value::{Removed, Shown, SlotName, SlotValue};
use crate::token::Tokens;
use crate::token::ask::Answer;
use crate::token::asking::Asker;
use std::cell::{Cell, RefCell};

const SEQUENCE_BITS: u32 = 36;
const LAST_SEQUENCE: u64 = (1 << SEQUENCE_BITS) - 1;
/// The greatest thread number: a ticket's top bit must stay zero.
const LAST_THREAD: u64 = (1 << (63 - SEQUENCE_BITS)) - 1;

/// The text of an error. Its room is there beforehand, because noting an error must not need
/// memory.
pub type ErrorText = CutText<256>;

/// A ticket that is never given out.
pub const NO_TICKET: u64 = 0;

/// What a slot shows to polls: the state word of its token, and the value that this word has while
/// polls may take the fast path.
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

    /// The state word to poll.
    pub fn word(&self) -> &'a AtomicU64 {
        self.word.get()
    }

    /// The value of the state word while polls may take the fast path. With `AROUND`, which no word
    /// has, no poll takes it.
    pub fn expected(&self) -> u64 {
        self.expected.get()
    }

    /// The token that the word belongs to; NULL for none.
    #[inline(always)]
    pub fn token(&self) -> Handle {
        self.expected.get() & !AROUND
    }

    /// What this layer has to expect if it is to show `token` above the value that it shows now.
    fn seen_through(&self, token: Handle) -> u64 {
        let has_check = self.word.get().load(Ordering::Relaxed) & FOREIGN != 0;
        let is_around = has_check || self.expected.get() & AROUND != 0;
        if is_around && token != NULL { token | AROUND } else { token }
    }
}

/// Gives each thread a number of its own, and another one when its tickets run out.
#[derive(Debug)]
pub struct ThreadNumbers(AtomicU64);

impl ThreadNumbers {
    constructor! {
        pub fn new() -> Self {
            Self(AtomicU64::new(0))
        }
    }

    /// A number that was never given out before.
    pub fn next(&self) -> Result<u64, Error> {
        let number = self.0.fetch_add(1, Ordering::Relaxed) + 1;
        if number > LAST_THREAD {
            // The counter stays at its end and does not wrap round.
            self.0.fetch_sub(1, Ordering::Relaxed);
            return Err(Error::Resources("thread numbers; restart the host"));
        }
        Ok(number)
    }
}

/// All that a thread has beside its two layers. It is made at the thread's first `set` or its first
/// error.
#[derive(Debug)]
pub struct ThreadRecord {
    number: u64,
    /// The last ticket. Its upper bits are the thread's present number, its lower bits a sequence.
    last_ticket: Cell<u64>,
    job: Cell<Handle>,
    share: Cell<Handle>,
    told: Cell<Handle>,
    /// `FOREIGN` once a value with a check was current here; 0 before.
    checks: Cell<u64>,
    /// Whether the thread may poll without a job, because it has work of its own beside jobs.
    may_stray: Cell<bool>,
    frames: Frames,
    /// When the slice of the posted job that this thread runs is over.
    pub slice: SliceClock,
    /// The text of the last error on this thread.
    pub last_error: RefCell<ErrorText>,
}

impl ThreadRecord {
    /// A record for the thread of this number, with room for what one job installs.
    pub fn new(number: u64) -> Self {
        Self {
            number,
            last_ticket: Cell::new(number << SEQUENCE_BITS),
            job: Cell::new(NULL),
            share: Cell::new(NULL),
            told: Cell::new(NULL),
            checks: Cell::new(0),
            may_stray: Cell::new(false),
            frames: Frames::new(),
            slice: SliceClock::new(),
            last_error: RefCell::new(ErrorText::EMPTY),
        }
    }

    pub fn number(&self) -> u64 {
        self.number
    }

    /// Notes that the thread has work of its own beside the jobs that it runs.
    pub fn let_stray(&self) {
        self.may_stray.set(true);
    }

    /// The tokens below the value that a slot shows, newest first, down to the first mask.
    fn under(&self, slot: SlotName) -> impl Iterator<Item = Handle> {
        let frames = (0..self.frames.count()).rev().map(|at| self.frames.at(at));
        let displaced = frames.filter(move |frame| frame.slot == slot);
        displaced.map(|frame| frame.displaced.token & !AROUND).take_while(|token| *token != NULL)
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

/// A thread's slots. `ffi::thread` relies on this layout and keeps it in thread-local storage.
#[derive(Debug)]
#[repr(C)]
pub struct ThreadSlots<'a> {
    token: LayerCell<'a>,
    job: LayerCell<'a>,
    record: Cell<Option<&'a ThreadRecord>>,
}

impl<'a> ThreadSlots<'a> {
    /// Empty slots. `never` is a word that is always 0.
    pub fn new(never: &'a AtomicU64) -> Self {
        Self { token: LayerCell::new(never), job: LayerCell::new(never), record: Cell::new(None) }
    }

    /// The probe's fast path: one load and one compare per layer. False: the probe has to take the
    /// slow path.
    #[inline(always)]
    pub fn is_quiet(&self) -> bool {
        self.token.is_quiet() && self.job.is_quiet()
    }

    /// The probe's fast path for the token's layer alone. False: the probe has to take the slow
    /// path.
    #[inline(always)]
    pub fn is_token_quiet(&self) -> bool {
        self.token.is_quiet()
    }

    /// The layer of the token's slot.
    pub fn token_layer(&self) -> &LayerCell<'a> {
        &self.token
    }

    /// Whether neither layer shows a token.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.token.expected() | self.job.expected() == NULL
    }

    /// Whether nothing is current here because nothing was ever set. False if a value is masked, or
    /// if the thread has work of its own beside jobs.
    pub fn is_astray(&self) -> bool {
        let is_as_it_should =
            |record: &ThreadRecord| record.may_stray.get() || record.frames.count() != 0;
        self.is_empty() && !self.record().is_some_and(is_as_it_should)
    }

    /// Whether what was current here is masked, so that clean-up code is not told to stop.
    #[inline(always)]
    pub fn is_shielded(&self) -> bool {
        self.record().is_some_and(|record| record.frames.count() != 0) && self.has_masked_all()
    }

    #[cold]
    #[inline(never)]
    fn has_masked_all(&self) -> bool {
        self.is_empty() && self.masked(SlotName::Job).next().is_some()
    }

    /// The layer of the job's slot.
    pub fn job_layer(&self) -> &LayerCell<'a> {
        &self.job
    }

    /// The answer of the token's layer to a poll.
    pub fn token_answer(&self, tokens: &Tokens) -> Answer {
        tokens.answer(self.token.token(), || self.thread_number())
    }

    /// The thread's record, if it has one already.
    pub fn record(&self) -> Option<&'a ThreadRecord> {
        self.record.get()
    }

    /// Counts a question whether the slice that this thread runs is over. True: for this question
    /// the caller has to call `is_slice_over`.
    #[inline(always)]
    pub fn has_to_look(&self) -> bool {
        self.record().is_some_and(|record| record.slice.has_to_look())
    }

    /// Whether the slice that this thread runs is over. A question that does not have to look
    /// answers no. The question is counted, unless `has_to_look` has counted it already and found
    /// that it has to look.
    pub fn is_slice_over(&self) -> bool {
        self.record().is_some_and(|record| {
            (record.slice.is_look_due() || record.slice.has_to_look()) && record.slice.look()
        })
    }

    /// When the slice that this thread runs ends, on the library's clock. `NEVER`: there is no
    /// slice, or it has no end.
    pub fn slice_ends_ns(&self) -> u64 {
        self.record().map_or(slice_clock::NEVER, |record| record.slice.ends_ns())
    }

    /// Gives the thread its record, or takes the record away (`None`).
    pub fn set_record(&self, record: Option<&'a ThreadRecord>) {
        self.record.set(record);
    }

    /// The number of this thread. It is 0, which no thread has, until the thread gets a record.
    pub fn thread_number(&self) -> u64 {
        self.record().map_or(0, ThreadRecord::number)
    }

    /// What a wait of this thread needs to ask hosts' own checks meanwhile: the thread's number and
    /// the tokens whose checks count here.
    pub fn asker(&self, tokens: &Tokens) -> Asker {
        let current = [self.token.token(), self.job.token()];
        Asker { thread: self.thread_number(), current, around: self.checks_around(tokens) }
    }

    /// Whether a value with a check may lie below what is current here.
    #[inline]
    pub fn is_above_check(&self) -> bool {
        (self.token.expected() | self.job.expected()) & AROUND != 0
    }

    /// The tokens with a check that lie below what is current here, newest first, filled up with
    /// NULL. A mask hides everything below it. If there are more than `MOST`, the newest are given.
    pub fn checks_around<const MOST: usize>(&self, tokens: &Tokens) -> [Handle; MOST] {
        let mut found = [NULL; MOST];
        if self.is_above_check()
            && let Some(record) = self.record()
        {
            let under = SlotName::BOTH.into_iter().flat_map(|slot| record.under(slot));
            let with_check = under.filter(|token| tokens.look(*token) == (Answer::Quiet, true));
            found.iter_mut().zip(with_check).for_each(|(place, token)| *place = token);
        }
        found
    }

    /// Notes that this thread was told to stop while its current job was current.
    pub fn note_told(&self) {
        if let Some(record) = self.record() {
            record.told.set(record.job.get());
        }
    }

    /// Notes that this thread was told to stop while it worked for a given job.
    pub fn note_told_of(&self, job: Handle) {
        if let Some(record) = self.record() {
            record.told.set(job);
        }
    }

    /// Whether this thread was working for this job when it was last told to stop.
    pub fn was_told(&self, job: Handle) -> bool {
        self.record().is_some_and(|record| record.told.get() == job)
    }

    /// The current token, borrowed.
    pub fn token(&self) -> Handle {
        self.token.token()
    }

    /// The current job, borrowed.
    pub fn current_job(&self) -> Handle {
        self.record().map_or(NULL, |record| record.job.get())
    }

    /// The current share of progress, borrowed. It may belong to another job than the current one.
    pub fn current_share(&self) -> Handle {
        self.record().map_or(NULL, |record| record.share.get())
    }

    /// The jobs that are current here, including masked ones, borrowed.
    pub fn jobs(&self) -> impl Iterator<Item = Handle> {
        self.masked(SlotName::Job).chain([self.current_job()]).filter(|job| *job != NULL)
    }

    /// The tokens that are current here, including masked ones, borrowed.
    pub fn tokens(&self) -> impl Iterator<Item = Handle> {
        self.masked(SlotName::Token).chain([self.token()]).filter(|token| *token != NULL)
    }

    /// The values that lie below the current value of a slot, oldest first.
    fn masked(&self, slot: SlotName) -> impl Iterator<Item = Handle> {
        let record = self.record();
        let frames = record.map(|record| (0..record.frames.count()).map(|at| record.frames.at(at)));
        let masked = frames.into_iter().flatten().filter(move |frame| frame.slot == slot);
        masked.map(|frame| frame.displaced.object & !AROUND)
    }

    /// The value of a slot. For the token's slot both handles may have `AROUND`.
    #[inline(always)]
    fn value(&self, record: &ThreadRecord, slot: SlotName) -> SlotValue {
        match slot {
            SlotName::Token => {
                SlotValue { object: self.token.expected(), token: self.token.expected() }
            }
            SlotName::Job => SlotValue { object: record.job.get(), token: self.job.expected() },
            SlotName::Share => SlotValue { object: record.share.get(), token: NULL },
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
            SlotName::Share => return record.share.set(shown.value.object),
        };
        layer.word.set(shown.word);
        layer.expected.set(shown.value.token);
    }

    /// Makes a slot show a value, above the value that it shows now.
    #[inline(always)]
    fn show_above(&self, record: &ThreadRecord, slot: SlotName, shown: Shown<'a>) {
        let has_check = shown.word.load(Ordering::Relaxed) & FOREIGN;
        if has_check | record.checks.get() != 0 {
            self.show_above_checks(record, slot, shown);
        } else {
            self.show(record, slot, shown);
        }
    }

    #[cold]
    #[inline(never)]
    fn show_above_checks(&self, record: &ThreadRecord, slot: SlotName, shown: Shown<'a>) {
        record.checks.set(FOREIGN);
        let token = match slot {
            SlotName::Token => self.token.seen_through(shown.value.token),
            SlotName::Job => self.job.seen_through(shown.value.token),
            SlotName::Share => shown.value.token,
        };
        self.show(record, slot, Shown { value: SlotValue { token, ..shown.value }, ..shown });
    }

    /// Makes a value current in one slot, and returns the ticket with which it can be reset. On an
    /// error the value's reference stays the caller's.
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
        self.show_above(record, slot, shown);
        Ok(ticket)
    }

    /// Sets the token's and the job's slot under one ticket, and the share's if one is given.
    /// Returns the ticket for `exit`. On an error the references stay the caller's.
    pub fn enter(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        [token, job]: [Shown<'a>; 2],
        share: Option<Shown<'a>>,
    ) -> Result<u64, Error> {
        self.set_all(record, numbers, [token, job], share, FrameOrigin::Enter)
    }

    /// As `enter`, but the caller keeps the references until it has unwound the values.
    #[inline]
    pub fn lend(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        token: Shown<'a>,
        job: Shown<'a>,
    ) -> Result<u64, Error> {
        self.set_all(record, numbers, [token, job], None, FrameOrigin::Lend)
    }

    #[inline(always)]
    fn set_all(
        &self,
        record: &ThreadRecord,
        numbers: &ThreadNumbers,
        [token, job]: [Shown<'a>; 2],
        share: Option<Shown<'a>>,
        origin: FrameOrigin,
    ) -> Result<u64, Error> {
        let ticket = record.next_ticket(numbers)?;
        let frame = |slot| Frame { ticket, displaced: self.value(record, slot), slot, origin };
        record.frames.push(frame(SlotName::Token))?;
        record.frames.push(frame(SlotName::Job)).inspect_err(|_| record.frames.pop())?;
        if let Some(share) = share {
            let pushed = record.frames.push(frame(SlotName::Share));
            pushed.inspect_err(|_| SlotName::BOTH.iter().for_each(|_| record.frames.pop()))?;
            self.show(record, SlotName::Share, share);
        }
        self.show_above(record, SlotName::Token, token);
        self.show_above(record, SlotName::Job, job);
        Ok(ticket)
    }

    /// The error for a ticket that has no frame on this thread: the ticket was used, or it belongs
    /// to another thread.
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

    /// Puts back the value that a frame displaced, and returns the value that its slot showed until
    /// now. The caller has taken the frame out of the stack.
    #[inline(always)]
    fn restore(&self, record: &ThreadRecord, frame: Frame, words: Words<'a>) -> Removed {
        let value = self.value(record, frame.slot);
        let value = SlotValue { object: value.object & !AROUND, ..value };
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

    /// Undoes the `set` that gave this ticket, if its frame is the newest one and lies in the
    /// record. Returns the value that left the slot. `None`: nothing was done, and the caller has
    /// to call `reset_deeper`.
    #[inline(always)]
    pub fn reset_newest(&self, words: Words<'a>, slot: SlotName, ticket: u64) -> Option<Removed> {
        let record = self.record()?;
        let frame = record.frames.pop_at_hand(|newest| {
            newest.ticket == ticket && newest.slot == slot && newest.origin == FrameOrigin::Set
        })?;
        // Slot and origin are known from the comparison. Named here, they are constants where this
        // is inlined.
        Some(self.restore(record, Frame { slot, origin: FrameOrigin::Set, ..frame }, words))
    }

    /// Undoes the `set` that gave this ticket, and returns the value that left the slot. The newest
    /// frame may belong to another slot, or the ticket may be invalid.
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

    /// Undoes the `enter` that gave this ticket, and returns the values that left their slots.
    pub fn exit(&self, words: Words<'a>, ticket: u64) -> Result<[Option<Removed>; 3], Error> {
        let record = self.record().ok_or_else(|| self.absent(ticket))?;
        let frames = &record.frames;
        let position = frames.position(ticket).ok_or_else(|| self.absent(ticket))?;
        if frames.at(position).origin != FrameOrigin::Enter {
            return Err(Error::WrongSlot(ticket));
        }
        // An `enter` sets every slot that is in use, so any later frame lies above one of its own.
        if position + 1 != frames.count() {
            return Err(Error::WrongOrder(ticket));
        }
        Ok(std::array::from_fn(|_| {
            let newest = record.frames.newest().filter(|newest| newest.ticket == ticket)?;
            record.frames.pop();
            Some(self.restore(record, newest, words))
        }))
    }

    /// Takes out the token and the job that a `lend` installed under this ticket, if nothing lies
    /// above them. False: nothing was done.
    #[inline]
    pub fn take_lent(&self, words: Words<'a>, ticket: u64) -> bool {
        let Some(record) = self.record() else { return false };
        let is_wanted =
            |newest: &Frame| newest.ticket == ticket && newest.origin == FrameOrigin::Lend;
        let Some([token, job]) = record.frames.pop_two_at_hand(is_wanted) else {
            return self.take_lent_of_many(record, words, ticket);
        };
        // `set_all` has pushed the token's frame first.
        let origin = FrameOrigin::Lend;
        let _ = self.restore(record, Frame { slot: SlotName::Job, origin, ..job }, words);
        let _ = self.restore(record, Frame { slot: SlotName::Token, origin, ..token }, words);
        true
    }

    /// As `take_lent`, when frames may lie outside the record.
    #[inline(never)]
    fn take_lent_of_many(&self, record: &ThreadRecord, words: Words<'a>, ticket: u64) -> bool {
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

    /// Whether the slots can be unwound to this ticket. An error: the ticket has no frame on this
    /// thread.
    pub fn find_ticket(&self, ticket: u64) -> Result<(), Error> {
        match self.record().and_then(|record| record.frames.position(ticket)) {
            Some(_) => Ok(()),
            None => Err(self.absent(ticket)),
        }
    }

    /// Takes out the newest frame if it is not older than the ticket. Returns the value that left
    /// its slot, and whether the frame was the ticket's own. `None`: no such frame is left.
    pub fn unwind_one(&self, words: Words<'a>, ticket: u64) -> Option<(Removed, bool)> {
        let record = self.record()?;
        // The tickets of a thread grow, even when the thread gets another number.
        let newest = record.frames.newest().filter(|newest| newest.ticket >= ticket)?;
        record.frames.pop();
        Some((self.restore(record, newest, words), newest.ticket == ticket))
    }
}

/// The words that slots can show.
#[derive(Clone, Copy, Debug)]
pub struct Words<'a> {
    /// The tokens that the words belong to.
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
