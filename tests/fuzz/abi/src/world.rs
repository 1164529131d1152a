//! The model: which objects exist, how many references the fuzzer has, and which calls each
//! callback was promised.
//!
//! A process has one world, as it has one library. A sequence begins with an empty world and has to
//! leave it empty. Threads share it. Its locks are never held during a call of the library.

use crate::abi::HANDLES;
use crate::finding;
use std::sync::atomic::{
    AtomicBool, AtomicI32, AtomicI64, AtomicU32, AtomicU64, AtomicUsize,
    Ordering::{Relaxed, SeqCst},
};
use std::sync::{Mutex, MutexGuard};

/// A handle that the library gave.
#[derive(Debug, Clone, Copy)]
pub struct Object {
    pub bits: u64,
    pub kind: usize,
    /// References that the fuzzer has.
    pub owned: i64,
    /// Whether it was seen cancelled.
    pub is_cancelled: bool,
    /// A job's final state; 0 while it has none.
    pub end: i64,
    /// The thread that a dispatcher belongs to; 0 if that is not known.
    pub thread: u32,
    /// For a dispatcher: it has threads of the host. For a session: it knows completed ids. For a
    /// context: it has a function.
    pub executes: bool,
}

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    Integer(i64),
    Text(Vec<u8>),
}

/// The object behind a piece of user data.
pub struct Payload {
    pub state: AtomicU32,
    /// The function that it was passed to.
    pub function: AtomicUsize,
    /// The callback types that came with it, by number.
    pub given: AtomicU32,
    /// The handle of the callbacks' owner; 0 for none.
    pub owner: AtomicU64,
    /// The number of calls, by callback type.
    pub calls: [AtomicU32; 16],
    /// How often its job may still ask to be called again.
    pub again: AtomicU32,
    /// The posted job that it belongs to, once its function was called.
    pub job: AtomicU64,
    /// The state that its completion was called with.
    pub end: AtomicI32,
    /// The number of threads inside its job function.
    pub running: AtomicI32,
    /// The thread that created it, and whether other threads may ask its check.
    pub thread: AtomicU32,
    pub any_thread: AtomicBool,
    /// The handle that it is called with, too: a dispatcher's or a job's.
    pub handle: AtomicU64,
}

pub const FREE: u32 = 0;
pub const OFFERED: u32 = 1;
pub const ACCEPTED: u32 = 2;
pub const REFUSED: u32 = 3;

/// A plugin.
pub struct Owner {
    pub bits: AtomicU64,
    pub is_closed: AtomicBool,
    pub inside: AtomicI64,
}

pub const PAYLOADS: usize = 2048;
const OWNERS: usize = 512;

pub struct World {
    pub sequence: AtomicU64,
    pub random: AtomicU64,
    /// The number of playing threads. If it is 1, the answer of each call is known exactly.
    pub threads: AtomicU32,
    /// Whether the library's own threads may be used.
    pub is_lively: AtomicBool,
    /// How many of 256 arguments are bad.
    pub badness: AtomicU32,
    /// Whether callbacks make no more calls.
    pub is_ending: AtomicBool,
    /// Whether functions that end the library's life may be called.
    pub may_shut_down: AtomicBool,
    /// Whether hundreds of thousands of objects may be created. The library keeps the room for
    /// them, so calls that walk over all objects are slow from then on.
    pub may_be_many: AtomicBool,
    /// Whether the library was shut down or this is a fork: then there are no threads.
    pub is_shut_down: AtomicBool,
    objects: Mutex<Vec<Object>>,
    /// Handles of earlier sequences.
    stale: Mutex<(usize, [u64; 64])>,
    payloads: [Payload; PAYLOADS],
    next_payload: AtomicUsize,
    owners: [Owner; OWNERS],
    next_owner: AtomicUsize,
    /// Events of the operating system that are ours to close.
    pub events: Mutex<Vec<i64>>,
    /// The functions that the host's threads have accepted and will run.
    pub runs: Mutex<Vec<(usize, u64)>>,
    /// Jobs that asked to sleep until they are woken.
    pub sleepers: Mutex<Vec<u64>>,
    /// Snapshots of polls, also of earlier sequences: addresses of words, and the values that are
    /// expected there.
    pub polls: Mutex<[(u64, u64); 16]>,
    /// Tickets of any thread.
    pub tickets: Mutex<Vec<u64>>,
    /// Numbers that the library gave: ids, times.
    pub numbers: Mutex<Vec<u64>>,
    /// References that a call is about to give and that another thread has released already.
    stolen: Mutex<Vec<u64>>,
    /// The number of running calls that give handles.
    pub giving: AtomicI64,
    /// The number of running actions, on all threads.
    pub acting: AtomicI64,
    /// The request that completed last in each session: session and id.
    pub completed: Mutex<Vec<(u64, Id)>>,
    /// The requests in flight: request, session and id.
    pub begun: Mutex<Vec<(u64, u64, Id)>>,
    /// Slots of switches that are for the whole process.
    pub switched: AtomicBool,
}

pub static WORLD: World = World {
    sequence: AtomicU64::new(0),
    random: AtomicU64::new(0),
    threads: AtomicU32::new(1),
    is_lively: AtomicBool::new(false),
    badness: AtomicU32::new(0),
    is_ending: AtomicBool::new(true),
    may_shut_down: AtomicBool::new(false),
    may_be_many: AtomicBool::new(false),
    is_shut_down: AtomicBool::new(false),
    objects: Mutex::new(Vec::new()),
    stale: Mutex::new((0, [0; 64])),
    payloads: [const {
        Payload {
            state: AtomicU32::new(FREE),
            function: AtomicUsize::new(0),
            given: AtomicU32::new(0),
            owner: AtomicU64::new(0),
            calls: [const { AtomicU32::new(0) }; 16],
            again: AtomicU32::new(0),
            job: AtomicU64::new(0),
            end: AtomicI32::new(0),
            running: AtomicI32::new(0),
            thread: AtomicU32::new(0),
            any_thread: AtomicBool::new(false),
            handle: AtomicU64::new(0),
        }
    }; PAYLOADS],
    next_payload: AtomicUsize::new(0),
    owners: [const {
        Owner {
            bits: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            inside: AtomicI64::new(0),
        }
    }; OWNERS],
    next_owner: AtomicUsize::new(0),
    events: Mutex::new(Vec::new()),
    runs: Mutex::new(Vec::new()),
    sleepers: Mutex::new(Vec::new()),
    polls: Mutex::new([(0, 0); 16]),
    tickets: Mutex::new(Vec::new()),
    numbers: Mutex::new(Vec::new()),
    stolen: Mutex::new(Vec::new()),
    giving: AtomicI64::new(0),
    acting: AtomicI64::new(0),
    completed: Mutex::new(Vec::new()),
    begun: Mutex::new(Vec::new()),
    switched: AtomicBool::new(false),
};

/// A lock that a finding elsewhere does not poison.
pub fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// Adds a number, and keeps only the newest ones.
fn keep(list: &mut Vec<u64>, number: u64) {
    if list.len() >= 32 {
        list.remove(0);
    }
    list.push(number);
}

impl World {
    pub fn is_single(&self) -> bool {
        self.threads.load(Relaxed) == 1
    }

    pub fn is_ending(&self) -> bool {
        self.is_ending.load(SeqCst)
    }

    pub fn is_lively(&self) -> bool {
        self.is_lively.load(Relaxed)
    }

    /// Forgets the objects of the last sequence; their handles become stale ones.
    pub fn begin(&self, random: u64, threads: u32, is_lively: bool, badness: u32) {
        {
            let mut stale = lock(&self.stale);
            for object in lock(&self.objects).drain(..) {
                let at = stale.0 % stale.1.len();
                stale.1[at] = object.bits;
                stale.0 += 1;
            }
        }
        for payload in &self.payloads[..self.next_payload.load(Relaxed).min(PAYLOADS)] {
            payload.state.store(FREE, Relaxed);
        }
        self.next_payload.store(0, Relaxed);
        self.next_owner.store(0, Relaxed);
        lock(&self.runs).clear();
        lock(&self.sleepers).clear();
        lock(&self.stolen).clear();
        lock(&self.tickets).clear();
        lock(&self.numbers).clear();
        lock(&self.completed).clear();
        lock(&self.begun).clear();
        self.sequence.fetch_add(1, Relaxed);
        self.random.store(random, Relaxed);
        self.threads.store(threads, Relaxed);
        self.is_lively.store(is_lively, Relaxed);
        self.badness.store(badness, Relaxed);
        self.is_ending.store(false, SeqCst);
    }

    /// A copy of all objects as they are now.
    pub fn objects(&self) -> Vec<Object> {
        lock(&self.objects).clone()
    }

    pub fn object(&self, bits: u64) -> Option<Object> {
        lock(&self.objects).iter().find(|object| object.bits == bits).copied()
    }

    pub fn owned(&self, bits: u64) -> i64 {
        self.object(bits).map_or(0, |object| object.owned)
    }

    pub fn change(&self, bits: u64, change: impl FnOnce(&mut Object)) {
        if let Some(object) = lock(&self.objects).iter_mut().find(|object| object.bits == bits) {
            change(object);
        }
    }

    /// Chooses one of the objects of a kind: `choose` gets their number and returns the place of
    /// one, usable ones first.
    pub fn pick(&self, kind: usize, choose: impl FnOnce(usize) -> usize) -> Option<u64> {
        let objects = lock(&self.objects);
        let usable = |object: &&Object| object.kind == kind && object.owned > 0;
        let count = objects.iter().filter(usable).count();
        if count == 0 {
            return None;
        }
        let chosen = choose(count);
        objects.iter().filter(usable).nth(chosen).map(|object| object.bits)
    }

    /// How many objects of this kind are ours.
    pub fn count(&self, kind: usize) -> usize {
        lock(&self.objects).iter().filter(|object| object.kind == kind && object.owned > 0).count()
    }

    /// Any object, of any kind and in any state.
    pub fn pick_any(&self, choose: impl FnOnce(usize) -> usize) -> Option<u64> {
        let objects = lock(&self.objects);
        if objects.is_empty() { None } else { Some(objects[choose(objects.len())].bits) }
    }

    pub fn stale(&self, choose: impl FnOnce(usize) -> usize) -> u64 {
        let stale = lock(&self.stale);
        stale.1[choose(stale.1.len())]
    }

    /// Notes a handle that belongs to something else.
    pub fn borrowed(&self, kind: usize, bits: u64) {
        if bits != 0 {
            self.add(kind, bits, 0);
        }
    }

    fn add(&self, kind: usize, bits: u64, count: i64) {
        let mut objects = lock(&self.objects);
        if let Some(object) = objects.iter_mut().find(|object| object.bits == bits) {
            if object.kind != kind {
                finding!("{bits:#x} is a {} and a {}", HANDLES[object.kind], HANDLES[kind]);
            }
            object.owned += count;
            return;
        }
        objects.push(Object {
            bits,
            kind,
            owned: count,
            is_cancelled: false,
            end: 0,
            thread: 0,
            executes: false,
        });
    }

    /// Notes references that a call gave. Returns whether they still exist.
    pub fn adopt(&self, kind: usize, bits: u64, count: i64) -> bool {
        let mut stolen = lock(&self.stolen);
        if let Some(at) = stolen.iter().position(|taken| *taken == bits) {
            stolen.swap_remove(at);
            self.add(kind, bits, count - 1);
            return false;
        }
        self.add(kind, bits, count);
        true
    }

    /// Notes the release of a reference that was not ours yet: a call is about to give it.
    pub fn steal(&self, bits: u64) {
        let mut stolen = lock(&self.stolen);
        let mut objects = lock(&self.objects);
        match objects.iter_mut().find(|object| object.bits == bits && object.owned > 0) {
            Some(object) => object.owned -= 1,
            None => stolen.push(bits),
        }
    }

    /// Settles a reference that a call has given to no caller, if another thread has released it
    /// meanwhile.
    pub fn settle(&self, bits: u64) {
        let mut stolen = lock(&self.stolen);
        if let Some(at) = stolen.iter().position(|taken| *taken == bits) {
            stolen.swap_remove(at);
        }
    }

    /// Takes one or all of our references in order to release them. Returns whether we had one.
    pub fn take(&self, bits: u64) -> bool {
        let mut objects = lock(&self.objects);
        match objects.iter_mut().find(|object| object.bits == bits && object.owned > 0) {
            Some(object) => {
                object.owned -= 1;
                true
            }
            None => false,
        }
    }

    pub fn note_number(&self, number: u64) {
        keep(&mut lock(&self.numbers), number);
    }

    pub fn note_ticket(&self, ticket: u64) {
        keep(&mut lock(&self.tickets), ticket);
    }

    /// User data for a call; `None` if there is too much of it.
    pub fn offer(&self, function: usize, thread: u32) -> Option<u64> {
        let number = self.next_payload.fetch_add(1, Relaxed);
        let Some(payload) = self.payloads.get(number) else {
            self.next_payload.store(PAYLOADS, Relaxed);
            return None;
        };
        payload.function.store(function, Relaxed);
        payload.given.store(0, Relaxed);
        payload.owner.store(0, Relaxed);
        payload.again.store(0, Relaxed);
        payload.end.store(0, Relaxed);
        payload.job.store(0, Relaxed);
        payload.running.store(0, Relaxed);
        payload.thread.store(thread, Relaxed);
        payload.any_thread.store(false, Relaxed);
        payload.handle.store(0, Relaxed);
        for calls in &payload.calls {
            calls.store(0, Relaxed);
        }
        payload.state.store(OFFERED, SeqCst);
        Some((self.sequence.load(Relaxed) & 0xffff_ffff) << 16 | number as u64 + 1)
    }

    /// The payload behind user data of this sequence.
    pub fn payload(&self, user_data: u64) -> Option<&Payload> {
        if user_data >> 16 != self.sequence.load(Relaxed) & 0xffff_ffff {
            return None;
        }
        self.payloads.get((user_data & 0xffff).checked_sub(1)? as usize)
    }

    /// All payloads of this sequence.
    pub fn payloads(&self) -> &[Payload] {
        &self.payloads[..self.next_payload.load(Relaxed).min(PAYLOADS)]
    }

    /// Gives a place to an owner that was created.
    pub fn note_owner(&self, bits: u64) {
        let number = self.next_owner.fetch_add(1, Relaxed);
        if let Some(owner) = self.owners.get(number) {
            owner.is_closed.store(false, Relaxed);
            owner.inside.store(0, Relaxed);
            owner.bits.store(bits, SeqCst);
        }
    }

    /// The place of an owner with this handle.
    pub fn owner_number(&self, bits: u64) -> Option<usize> {
        let known = self.next_owner.load(SeqCst).min(OWNERS);
        self.owners[..known].iter().position(|owner| owner.bits.load(SeqCst) == bits)
    }

    pub fn owner(&self, number: usize) -> &Owner {
        &self.owners[number]
    }

    /// The place of the owner of a payload's functions. `None` if it has no owner, or if the call
    /// that creates the owner has not returned yet.
    pub fn owner_of(&self, payload: &Payload) -> Option<usize> {
        match payload.owner.load(SeqCst) {
            0 => None,
            bits => self.owner_number(bits),
        }
    }
}
