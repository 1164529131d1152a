//! Random calls on one thread, and a reference model that predicts every answer.
//!
//! `DCC_MODEL_SEED` repeats a run, `DCC_MODEL_STEPS` makes it longer. There is one test only,
//! because the library's state belongs to the whole process.

#[path = "../support/job_state.rs"]
mod job_state;
#[path = "../support/linked.rs"]
mod linked;

use dcc_cancel::ffi::{
    context::*, current::*, job::*, job_life::*, job_texts::*, poll::*, stats::*, status::*,
    token::*,
};
use job_state::state_of;
use linked::linked_to;
use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }
}

/// A token of the model. It lives while anything refers to it.
#[derive(Default)]
struct Token {
    bits: usize,
    owners: u32,
    /// References of thread slots, frames, contexts and the token's job.
    holds: u32,
    children: Vec<usize>,
    parents: Vec<usize>,
    reason: Option<u64>,
    dead: bool,
}

struct Job {
    bits: usize,
    owners: u32,
    holds: u32,
    token: usize,
    state: dcc_status,
    done: u64,
    dead: bool,
}

struct Context {
    bits: usize,
    owners: u32,
    token: Option<usize>,
    job: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Slot {
    Token,
    Job,
}

#[derive(Clone, Copy)]
struct Frame {
    ticket: u64,
    slot: Slot,
    by_enter: bool,
    displaced: Option<usize>,
}

#[derive(Default)]
struct Model {
    tokens: Vec<Token>,
    jobs: Vec<Job>,
    contexts: Vec<Context>,
    frames: Vec<Frame>,
    current_token: Option<usize>,
    current_job: Option<usize>,
    used_tickets: Vec<u64>,
    ended: [u64; 4],
    destroyed: u64,
    leaks: u64,
}

static DESTROYED: AtomicU64 = AtomicU64::new(0);

unsafe extern "C" fn destroy(_: *mut c_void) {
    DESTROYED.fetch_add(1, Ordering::Relaxed);
}

fn token_pointer(bits: usize) -> *mut dcc_cancel_token {
    std::ptr::without_provenance_mut(bits)
}

fn job_pointer(bits: usize) -> *mut dcc_job {
    std::ptr::without_provenance_mut(bits)
}

fn context_pointer(bits: usize) -> *mut dcc_context {
    std::ptr::without_provenance_mut(bits)
}

/// A randomly chosen handle, and what it is.
#[derive(Clone, Copy, Debug)]
enum Pick {
    Null,
    Live(usize),
    Bad,
}

impl Pick {
    fn live(self) -> Option<usize> {
        if let Self::Live(index) = self { Some(index) } else { None }
    }

    /// The expected answer of a call that does nothing for NULL.
    fn expect(self, null: dcc_status, live: impl FnOnce(usize) -> dcc_status) -> dcc_status {
        match self {
            Self::Null => null,
            Self::Live(index) => live(index),
            Self::Bad => DCC_ERROR_INVALID_HANDLE,
        }
    }
}

impl Model {
    // Picks: mostly recent objects, dead ones among them; sometimes NULL, a handle of another kind,
    // or random bits.

    fn pick(random: &mut Random, bits: &[(usize, bool)], foreign: usize) -> (usize, Pick) {
        if bits.is_empty() || random.below(12) == 0 {
            return (0, Pick::Null);
        }
        let index = bits.len() - 1 - random.below(bits.len().min(24));
        let (handle, live) = bits[index];
        match random.below(20) {
            0 => (handle | 1 << random.below(4), Pick::Bad),
            1 if foreign != 0 => (foreign, Pick::Bad),
            2 => (handle ^ 1 << (40 + random.below(24)), Pick::Bad),
            _ => (handle, if live { Pick::Live(index) } else { Pick::Bad }),
        }
    }

    fn pick_token(&self, random: &mut Random) -> (usize, Pick) {
        let all: Vec<_> = self.tokens.iter().map(|token| (token.bits, !token.dead)).collect();
        Self::pick(random, &all, self.jobs.last().map_or(0, |job| job.bits))
    }

    fn pick_job(&self, random: &mut Random) -> (usize, Pick) {
        let all: Vec<_> = self.jobs.iter().map(|job| (job.bits, !job.dead)).collect();
        Self::pick(random, &all, self.tokens.last().map_or(0, |token| token.bits))
    }

    fn pick_context(&self, random: &mut Random) -> (usize, Pick) {
        let all: Vec<_> = self.contexts.iter().map(|c| (c.bits, c.owners > 0)).collect();
        Self::pick(random, &all, self.jobs.last().map_or(0, |job| job.bits))
    }

    // Lifetimes.

    fn drop_token_if_unused(&mut self, index: usize) {
        let token = &mut self.tokens[index];
        if token.dead || token.owners + token.holds > 0 || !token.children.is_empty() {
            return;
        }
        token.dead = true;
        for parent in std::mem::take(&mut token.parents) {
            let children = &mut self.tokens[parent].children;
            let position = children.iter().position(|child| *child == index).unwrap();
            children.remove(position);
            self.drop_token_if_unused(parent);
        }
    }

    fn drop_job_if_unused(&mut self, index: usize) {
        let job = &mut self.jobs[index];
        if job.dead || job.owners + job.holds > 0 {
            return;
        }
        job.dead = true;
        if job.state < DCC_JOB_COMPLETED {
            self.ended[3] += 1;
        }
        self.destroyed += 1;
        let token = job.token;
        self.tokens[token].holds -= 1;
        self.drop_token_if_unused(token);
    }

    fn hold(&mut self, slot: Slot, value: Option<usize>, by: i32) {
        let Some(index) = value else { return };
        match slot {
            Slot::Token => {
                let holds = &mut self.tokens[index].holds;
                *holds = holds.checked_add_signed(by).unwrap();
                self.drop_token_if_unused(index);
            }
            Slot::Job => {
                let holds = &mut self.jobs[index].holds;
                *holds = holds.checked_add_signed(by).unwrap();
                self.drop_job_if_unused(index);
            }
        }
    }

    fn cancel(&mut self, index: usize, reason: u64) {
        let mut queue = vec![index];
        self.tokens[index].reason = Some(reason);
        while let Some(next) = queue.pop() {
            for child in std::mem::take(&mut self.tokens[next].children) {
                let links = &mut self.tokens[child].parents;
                let position = links.iter().position(|parent| *parent == next).unwrap();
                links.remove(position);
                if self.tokens[child].reason.is_none() {
                    self.tokens[child].reason = Some(reason);
                    queue.push(child);
                }
            }
            self.drop_token_if_unused(next);
        }
    }

    /// Adds a token; `None` if a parent is bad.
    fn create(&mut self, parents: &[Pick], bits: usize) -> Option<usize> {
        if parents.iter().any(|pick| matches!(pick, Pick::Bad)) {
            return None;
        }
        let index = self.tokens.len();
        let mut token = Token { bits, ..Token::default() };
        for parent in parents.iter().filter_map(|pick| pick.live()) {
            if token.reason.is_some() {
                break;
            }
            match self.tokens[parent].reason {
                Some(reason) => token.reason = Some(reason),
                None => {
                    self.tokens[parent].children.push(index);
                    token.parents.push(parent);
                }
            }
        }
        self.tokens.push(token);
        Some(index)
    }

    // Slots.

    fn show(&mut self, slot: Slot, value: Option<usize>) -> Option<usize> {
        let current = match slot {
            Slot::Token => &mut self.current_token,
            Slot::Job => &mut self.current_job,
        };
        std::mem::replace(current, value)
    }

    fn push(&mut self, ticket: u64, slot: Slot, by_enter: bool, value: Option<usize>) {
        self.hold(slot, value, 1);
        let displaced = self.show(slot, value);
        self.frames.push(Frame { ticket, slot, by_enter, displaced });
    }

    fn take_out(&mut self, position: usize) {
        let frame = self.frames.remove(position);
        let value = self.show(frame.slot, frame.displaced);
        self.used_tickets.push(frame.ticket);
        self.hold(frame.slot, value, -1);
    }

    fn pick_ticket(&self, random: &mut Random) -> u64 {
        match (random.below(8), self.frames.last(), self.used_tickets.last()) {
            (0, _, Some(used)) => *used,
            (1, _, _) => random.below(4) as u64,
            (2, _, _) => 999 << 36 | 7,
            (3 | 4, Some(_), _) => self.frames[random.below(self.frames.len())].ticket,
            (_, Some(frame), _) => frame.ticket,
            _ => 0,
        }
    }

    fn absent(ticket: u64) -> dcc_status {
        if ticket == 999 << 36 | 7 { DCC_ERROR_WRONG_THREAD } else { DCC_ERROR_TICKET_USED }
    }

    fn reset(&mut self, slot: Slot, ticket: u64) -> dcc_status {
        let Some(position) = self.frames.iter().rposition(|frame| frame.ticket == ticket) else {
            return Self::absent(ticket);
        };
        let frame = self.frames[position];
        if frame.slot != slot || frame.by_enter {
            return DCC_ERROR_WRONG_SLOT;
        }
        if self.frames[position + 1..].iter().any(|later| later.slot == slot) {
            return DCC_ERROR_WRONG_ORDER;
        }
        self.take_out(position);
        DCC_OK
    }

    fn exit(&mut self, ticket: u64) -> dcc_status {
        let Some(position) = self.frames.iter().rposition(|frame| frame.ticket == ticket) else {
            return Self::absent(ticket);
        };
        if !self.frames[position].by_enter {
            return DCC_ERROR_WRONG_SLOT;
        }
        if position + 1 != self.frames.len() {
            return DCC_ERROR_WRONG_ORDER;
        }
        self.take_out(position);
        self.take_out(position - 1);
        DCC_OK
    }

    fn unwind(&mut self, ticket: u64) -> dcc_status {
        if !self.frames.iter().any(|frame| frame.ticket == ticket) {
            return Self::absent(ticket);
        }
        while let Some(frame) = self.frames.last().copied().filter(|frame| frame.ticket >= ticket) {
            self.leaks += u64::from(frame.ticket != ticket);
            self.take_out(self.frames.len() - 1);
        }
        DCC_OK
    }

    fn probe(&self) -> dcc_status {
        let cancelled = |index: usize| self.tokens[index].reason.is_some();
        if self.current_token.is_some_and(cancelled) {
            DCC_CANCELLED_BY_TOKEN
        } else if self.current_job.is_some_and(|job| cancelled(self.jobs[job].token)) {
            DCC_CANCELLED_BY_JOB
        } else {
            DCC_OK
        }
    }

    // The library's answers, compared with the model's.

    fn check_counts(&self) {
        // SAFETY: numbers, for which zero is a value; then a structure of that size.
        let stats = unsafe {
            let mut stats: dcc_stats = std::mem::zeroed();
            stats.struct_size = size_of::<dcc_stats>() as u32;
            assert_eq!(dcc_stats_read(&mut stats), DCC_OK);
            stats
        };
        let live = |dead: &dyn Fn(usize) -> bool, count: usize| {
            (0..count).filter(|index| !dead(*index)).count() as u64
        };
        assert_eq!(stats.live_tokens, live(&|i| self.tokens[i].dead, self.tokens.len()));
        assert_eq!(stats.live_jobs, live(&|i| self.jobs[i].dead, self.jobs.len()));
        assert_eq!(
            stats.live_contexts,
            live(&|i| self.contexts[i].owners == 0, self.contexts.len())
        );
        let ended =
            [stats.jobs_completed, stats.jobs_failed, stats.jobs_cancelled, stats.jobs_interrupted];
        assert_eq!(ended, self.ended);
        assert_eq!(DESTROYED.load(Ordering::Relaxed), self.destroyed);
        assert_eq!(stats.context_leaks, self.leaks);
    }

    fn check_current(&self) {
        let token = self.current_token.map_or(0, |index| self.tokens[index].bits);
        let job = self.current_job.map_or(0, |index| self.jobs[index].bits);
        assert_eq!(dcc_cancel_token_current().addr(), token);
        assert_eq!(dcc_job_current().addr(), job);
        assert_eq!(dcc_check_cancelled(), self.probe());
        let empty = dcc_poll_layer { word: null(), expected: 0 };
        let mut pair = dcc_poll_pair { token: empty, job: empty };
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_poll_read_current(&mut pair) }, DCC_OK);
        assert_eq!(poll(pair), self.probe());
    }

    fn step(&mut self, random: &mut Random) {
        match random.below(20) {
            0 | 1 => self.create_token(random),
            2 => self.create_job(random),
            3..=5 => self.count_references(random),
            6 => self.cancel_token(random),
            7 | 8 => self.ask_token(random),
            9..=11 => self.job_verb(random),
            12 | 13 => self.set(random),
            14 | 15 => {
                let ticket = self.pick_ticket(random);
                let (found, expected) = match random.below(5) {
                    0 | 1 => {
                        (dcc_cancel_token_reset_current(ticket), self.reset(Slot::Token, ticket))
                    }
                    2 => (dcc_job_reset_current(ticket), self.reset(Slot::Job, ticket)),
                    3 => (dcc_context_exit(ticket), self.exit(ticket)),
                    _ => (dcc_context_unwind(ticket), self.unwind(ticket)),
                };
                assert_eq!(found, expected, "ticket {ticket:#x}");
            }
            16 => self.capture(),
            17 => self.enter(random),
            _ => self.check_current(),
        }
    }

    fn create_token(&mut self, random: &mut Random) {
        let picks: Vec<_> = (0..random.below(4)).map(|_| self.pick_token(random)).collect();
        let parents: Vec<_> =
            picks.iter().map(|(bits, _)| token_pointer(*bits).cast_const()).collect();
        let mut created = null_mut();
        // SAFETY: a filled-in descriptor, a writable result.
        let status = unsafe { dcc_cancel_token_create_from(&linked_to(&parents), &mut created) };
        let picks: Vec<_> = picks.into_iter().map(|(_, pick)| pick).collect();
        match self.create(&picks, created.addr()) {
            Some(index) => {
                assert_eq!(status, DCC_OK);
                self.tokens[index].owners = 1;
            }
            None => assert_eq!((status, created.addr()), (DCC_ERROR_INVALID_HANDLE, 0)),
        }
    }

    fn create_job(&mut self, random: &mut Random) {
        let (bits, pick) = self.pick_token(random);
        let mut created = null_mut();
        // SAFETY: zero is a value of the descriptor; a writable result.
        let status = unsafe {
            let mut desc: dcc_job_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_job_desc>() as u32;
            desc.parent = token_pointer(bits);
            desc.destroy = Some(destroy);
            dcc_job_create(&desc, &mut created)
        };
        let token_bits = dcc_job_token(created).addr();
        match self.create(&[pick], token_bits) {
            Some(token) => {
                assert_eq!(status, DCC_OK);
                self.tokens[token].holds = 1;
                let bits = created.addr();
                let state = DCC_JOB_PENDING;
                self.jobs.push(Job {
                    bits,
                    owners: 1,
                    holds: 0,
                    token,
                    state,
                    done: 0,
                    dead: false,
                });
            }
            None => assert_eq!((status, created.addr()), (DCC_ERROR_INVALID_HANDLE, 0)),
        }
    }

    fn count_references(&mut self, random: &mut Random) {
        let release = random.below(3) > 0;
        match random.below(3) {
            0 => {
                let (bits, pick) = self.pick_token(random);
                let found = if release {
                    dcc_cancel_token_release(token_pointer(bits))
                } else {
                    dcc_cancel_token_retain(token_pointer(bits))
                };
                let tokens = &mut self.tokens;
                let expected = pick.expect(DCC_OK, |i| change(&mut tokens[i].owners, release));
                assert_eq!(found, expected, "{bits:#x}");
                pick.live().into_iter().for_each(|index| self.drop_token_if_unused(index));
            }
            1 => {
                let (bits, pick) = self.pick_job(random);
                let found = if release {
                    dcc_job_release(job_pointer(bits))
                } else {
                    dcc_job_retain(job_pointer(bits))
                };
                let jobs = &mut self.jobs;
                let expected = pick.expect(DCC_OK, |i| change(&mut jobs[i].owners, release));
                assert_eq!(found, expected, "{bits:#x}");
                pick.live().into_iter().for_each(|index| self.drop_job_if_unused(index));
            }
            _ => {
                let (bits, pick) = self.pick_context(random);
                let found = if release {
                    dcc_context_release(context_pointer(bits))
                } else {
                    dcc_context_retain(context_pointer(bits))
                };
                let contexts = &mut self.contexts;
                let expected = pick.expect(DCC_OK, |i| change(&mut contexts[i].owners, release));
                assert_eq!(found, expected, "{bits:#x}");
                pick.live().into_iter().for_each(|index| self.drop_context_if_unused(index));
            }
        }
    }

    fn drop_context_if_unused(&mut self, index: usize) {
        if self.contexts[index].owners == 0 {
            let (token, job) = (self.contexts[index].token, self.contexts[index].job);
            self.hold(Slot::Job, job, -1);
            self.hold(Slot::Token, token, -1);
        }
    }

    fn cancel_token(&mut self, random: &mut Random) {
        let (bits, pick) = self.pick_token(random);
        let number = random.0;
        let reason = number.to_string();
        // SAFETY: a text of that length.
        let found = unsafe {
            dcc_cancel_token_cancel(token_pointer(bits), reason.as_ptr().cast(), reason.len())
        };
        let cancelled = pick.live().is_some_and(|index| self.tokens[index].reason.is_some());
        let expected =
            pick.expect(DCC_OK, |_| if cancelled { DCC_ALREADY_CANCELLED } else { DCC_OK });
        assert_eq!(found, expected);
        if let (Some(index), false) = (pick.live(), cancelled) {
            self.cancel(index, number);
        }
    }

    fn ask_token(&mut self, random: &mut Random) {
        let (bits, pick) = self.pick_token(random);
        let token = token_pointer(bits);
        let reason = pick.live().and_then(|index| self.tokens[index].reason);
        let flag = |_| if reason.is_some() { DCC_CANCELLED_BY_TOKEN } else { DCC_OK };
        let told = |_| if reason.is_some() { DCC_OK } else { DCC_NOT_CANCELLED };
        assert_eq!(dcc_cancel_token_is_cancelled(token), pick.expect(DCC_OK, flag), "{bits:#x}");
        let mut text = [0 as c_char; 32];
        let mut cause = 99;
        let mut layer = dcc_poll_layer { word: null(), expected: 0 };
        // SAFETY: a buffer of that size, writable results.
        unsafe {
            let found = dcc_cancel_token_reason(token, text.as_mut_ptr(), text.len(), null_mut());
            assert_eq!(found, pick.expect(DCC_NOT_CANCELLED, told));
            let text = CStr::from_ptr(text.as_ptr()).to_str().unwrap();
            assert_eq!(text, reason.map_or(String::new(), |number| number.to_string()));
            let found = dcc_cancel_token_cause(token, &mut cause);
            assert_eq!(found, pick.expect(DCC_NOT_CANCELLED, told));
            assert_eq!(cause, if reason.is_some() { DCC_CAUSE_REQUEST } else { DCC_CAUSE_NONE });
            dcc_poll_read_token(token, &mut layer);
        }
        let empty = dcc_poll_layer { word: layer.word, expected: 0 };
        let slow = layer.expected != 0;
        let expected = match pick {
            Pick::Bad => DCC_POLL_GONE,
            _ => pick.expect(DCC_OK, flag),
        };
        // SAFETY: a NUL-terminated name.
        let found = unsafe {
            dcc_poll_slow(
                if slow { layer.expected } else { empty.expected },
                0,
                c"here".as_ptr(),
                1,
            )
        };
        assert_eq!(found, expected);
    }

    fn job_verb(&mut self, random: &mut Random) {
        let (bits, pick) = self.pick_job(random);
        let job = job_pointer(bits);
        assert_eq!(state_of(job), pick.expect(DCC_JOB_NONE, |index| self.jobs[index].state));
        let verb = random.below(7);
        // SAFETY: no texts.
        let found = unsafe {
            match verb {
                0 => dcc_job_begin(job),
                1 => dcc_job_complete(job),
                2 => dcc_job_fail(job, null(), 0),
                3 => dcc_job_acknowledge_cancel(job),
                4 => dcc_job_interrupt(job, null(), 0),
                5 => dcc_job_cancel(job, c"77".as_ptr(), 2),
                _ => dcc_job_set_progress(job, 3, 9, null(), 0),
            }
        };
        let expected = pick.expect(DCC_OK, |index| self.job_verb_answer(index, verb));
        assert_eq!(found, expected, "verb {verb}");
    }

    fn job_verb_answer(&mut self, index: usize, verb: usize) -> dcc_status {
        let (state, token) = (self.jobs[index].state, self.jobs[index].token);
        let cancelled = self.tokens[token].reason.is_some();
        match verb {
            0 if state != DCC_JOB_PENDING => DCC_ERROR_WRONG_STATE,
            0 if cancelled => DCC_CANCELLED_BY_JOB,
            0 => {
                self.jobs[index].state = DCC_JOB_RUNNING;
                DCC_OK
            }
            1..=5 if state >= DCC_JOB_COMPLETED => DCC_ALREADY_ENDED,
            1 if state == DCC_JOB_PENDING => DCC_ERROR_WRONG_STATE,
            1..=4 => {
                self.jobs[index].state = DCC_JOB_RUNNING + verb as dcc_status;
                self.ended[verb - 1] += 1;
                DCC_OK
            }
            5 if cancelled => DCC_ALREADY_CANCELLED,
            5 => {
                self.cancel(token, 77);
                DCC_OK
            }
            _ if state != DCC_JOB_RUNNING => DCC_ERROR_WRONG_STATE,
            _ => {
                self.jobs[index].done = 3;
                let is_empty = self.current_token.is_none() && self.current_job.is_none();
                if is_empty && self.frames.iter().any(|frame| frame.slot == Slot::Job) {
                    return DCC_OK;
                }
                match self.current_token {
                    Some(current) if self.tokens[current].reason.is_some() => {
                        DCC_CANCELLED_BY_TOKEN
                    }
                    _ if cancelled => DCC_CANCELLED_BY_JOB,
                    _ => DCC_OK,
                }
            }
        }
    }

    fn set(&mut self, random: &mut Random) {
        if self.frames.len() > 12 {
            return;
        }
        let mut ticket = 99;
        let of_job = random.below(2) == 0;
        let (bits, pick) = if of_job { self.pick_job(random) } else { self.pick_token(random) };
        // SAFETY: a writable result.
        let found = unsafe {
            if of_job {
                dcc_job_set_current(job_pointer(bits), &mut ticket)
            } else {
                dcc_cancel_token_set_current(token_pointer(bits), &mut ticket)
            }
        };
        assert_eq!(found, pick.expect(DCC_OK, |_| DCC_OK));
        assert_eq!(ticket == 0, found != DCC_OK);
        if found == DCC_OK {
            self.push(ticket, if of_job { Slot::Job } else { Slot::Token }, false, pick.live());
        }
    }

    fn capture(&mut self) {
        let mut context = null_mut();
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_context_capture(&mut context) }, DCC_OK);
        let (token, job) = (self.current_token, self.current_job);
        self.hold(Slot::Token, token, 1);
        self.hold(Slot::Job, job, 1);
        self.contexts.push(Context { bits: context.addr(), owners: 1, token, job });
    }

    fn enter(&mut self, random: &mut Random) {
        if self.frames.len() > 12 {
            return;
        }
        let (bits, pick) = self.pick_context(random);
        let mut ticket = 99;
        // SAFETY: a writable result.
        let found = unsafe { dcc_context_enter(context_pointer(bits), &mut ticket) };
        assert_eq!(found, pick.expect(DCC_OK, |_| DCC_OK));
        if found == DCC_OK {
            let context = pick.live().map(|index| &self.contexts[index]);
            let (token, job) = context.map_or((None, None), |context| (context.token, context.job));
            self.push(ticket, Slot::Token, true, token);
            self.push(ticket, Slot::Job, true, job);
        }
    }

    /// Releases everything and checks that nothing is left.
    fn end(&mut self) {
        if let Some(first) = self.frames.first().map(|frame| frame.ticket) {
            assert_eq!(dcc_context_unwind(first), self.unwind(first));
        }
        for index in 0..self.contexts.len() {
            while self.contexts[index].owners > 0 {
                self.contexts[index].owners -= 1;
                let context = context_pointer(self.contexts[index].bits);
                assert_eq!(dcc_context_release(context), DCC_OK);
                self.drop_context_if_unused(index);
            }
        }
        for index in 0..self.jobs.len() {
            while self.jobs[index].owners > 0 {
                self.jobs[index].owners -= 1;
                assert_eq!(dcc_job_release(job_pointer(self.jobs[index].bits)), DCC_OK);
                self.drop_job_if_unused(index);
            }
        }
        for index in 0..self.tokens.len() {
            while self.tokens[index].owners > 0 {
                self.tokens[index].owners -= 1;
                let token = token_pointer(self.tokens[index].bits);
                assert_eq!(dcc_cancel_token_release(token), DCC_OK);
                self.drop_token_if_unused(index);
            }
        }
        assert!(self.tokens.iter().all(|token| token.dead));
        assert!(self.jobs.iter().all(|job| job.dead));
        self.check_counts();
    }
}

/// Changes a count of owners as retain and release do.
fn change(owners: &mut u32, release: bool) -> dcc_status {
    if !release {
        *owners += 1;
    } else if *owners == 0 {
        return DCC_ERROR_INVALID_HANDLE;
    } else {
        *owners -= 1;
    }
    DCC_OK
}

/// What the inlined poll of the header does.
fn poll(pair: dcc_poll_pair) -> dcc_status {
    let quiet = |layer: dcc_poll_layer| {
        // SAFETY: a word of a snapshot is readable for ever.
        let word = unsafe { AtomicU64::from_ptr(layer.word.cast_mut()) };
        word.load(Ordering::Relaxed) == layer.expected
    };
    if quiet(pair.token) && quiet(pair.job) {
        return DCC_OK;
    }
    // SAFETY: a NUL-terminated name.
    unsafe { dcc_poll_slow(pair.token.expected, pair.job.expected, c"here".as_ptr(), 1) }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn the_library_answers_as_the_model_predicts() {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let seed = setting("DCC_MODEL_SEED", clock.as_nanos() as u64 | 1);
    println!("repeat with DCC_MODEL_SEED={seed}");
    let mut random = Random(seed);
    let mut model = Model::default();
    // The run is cut into rounds, so that the model's lists stay short.
    for _ in 0..setting("DCC_MODEL_STEPS", 400_000) / 2000 {
        for step in 0..2000 {
            model.step(&mut random);
            if step % 100 == 0 {
                model.check_current();
                model.check_counts();
            }
        }
        model.end();
        model = Model {
            ended: model.ended,
            destroyed: model.destroyed,
            leaks: model.leaks,
            ..Model::default()
        };
    }
}
