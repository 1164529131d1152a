//! The model: what exists, who owns how much of it, what was promised to each callback.
//!
//! There is one world a process, as there is one library. A sequence begins with an empty one and has to
//! leave it empty. Threads share it; its locks are never held over a call of the library.

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
    /// It was seen cancelled.
    pub is_cancelled: bool,
    /// How it ended, for a job; 0 while it has not.
    pub end: i64,
    /// Which thread a dispatcher belongs to; 0: not known.
    pub thread: u32,
    /// A dispatcher has threads of the host's; a session knows what has completed; a context has a function.
    pub executes: bool,
}

/// The id of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Id {
    Integer(i64),
    Text(Vec<u8>),
}

/// What is behind a piece of user data.
pub struct Payload {
    pub state: AtomicU32,
    /// The function that it was handed to.
    pub function: AtomicUsize,
    /// Which types of callbacks came with it, by number.
    pub given: AtomicU32,
    /// The handle of the owner that they belong to; 0: none.
    pub owner: AtomicU64,
    /// Calls by type of callback.
    pub calls: [AtomicU32; 16],
    /// How often its job may ask to be called again.
    pub again: AtomicU32,
    /// The posted job that it belongs to, once its function was called.
    pub job: AtomicU64,
    /// What its completion was told.
    pub end: AtomicI32,
    /// Threads inside its job function.
    pub running: AtomicI32,
    /// The thread that made it, and whether it may be asked elsewhere.
    pub thread: AtomicU32,
    pub any_thread: AtomicBool,
    /// What it is called with besides: a dispatcher's or job's handle.
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
    /// Threads that play; 1: what a call answers is known exactly.
    pub threads: AtomicU32,
    /// The library's own threads may be used.
    pub is_lively: AtomicBool,
    /// One of so many of 256 arguments is bad.
    pub badness: AtomicU32,
    /// Callbacks do no more.
    pub is_ending: AtomicBool,
    /// Functions that end the library's life may be called.
    pub may_shut_down: AtomicBool,
    /// Hundreds of thousands of objects may be made, which the library keeps room for: whoever walks over
    /// all of them is slow from then on.
    pub may_be_many: AtomicBool,
    /// It was shut down, or a fork: threads are not to be had.
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
    /// What a host's threads have promised to run.
    pub runs: Mutex<Vec<(usize, u64)>>,
    /// Jobs that asked to sleep until they are woken.
    pub sleepers: Mutex<Vec<u64>>,
    /// Snapshots of polls, of earlier sequences, too: words of memory and what is expected there.
    pub polls: Mutex<[(u64, u64); 16]>,
    /// Tickets of any thread.
    pub tickets: Mutex<Vec<u64>>,
    /// Numbers that the library gave: ids, times.
    pub numbers: Mutex<Vec<u64>>,
    /// References that a call is about to give and somebody took meanwhile.
    stolen: Mutex<Vec<u64>>,
    /// Calls under way that give handles.
    pub giving: AtomicI64,
    /// Actions under way, on all threads.
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

/// Keeps a list short: the newest of them.
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

    /// Forgets what a sequence left; handles become stale ones.
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

    /// All objects, as they are now.
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

    /// How many objects of a kind there are, and the one at this place among them, usable ones first.
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

    /// Any object, of whatever kind and state.
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

    /// Notes references that a call gave. Whether they are still there.
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

    /// Notes that a reference went which was not ours: it is one that a call is about to give.
    pub fn steal(&self, bits: u64) {
        let mut stolen = lock(&self.stolen);
        let mut objects = lock(&self.objects);
        match objects.iter_mut().find(|object| object.bits == bits && object.owned > 0) {
            Some(object) => object.owned -= 1,
            None => stolen.push(bits),
        }
    }

    /// A call has given a reference to nobody: if somebody took it meanwhile that is settled.
    pub fn settle(&self, bits: u64) {
        let mut stolen = lock(&self.stolen);
        if let Some(at) = stolen.iter().position(|taken| *taken == bits) {
            stolen.swap_remove(at);
        }
    }

    /// Takes one of our references, or all of them, to give it back. Whether we had one.
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

    /// User data for a call, or none when there is too much of it.
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

    /// What is behind user data of this sequence.
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

    /// A place for an owner that was created.
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

    /// The place of the owner of a payload's functions. `None`: it has none, or the call that creates the
    /// owner has not come back yet.
    pub fn owner_of(&self, payload: &Payload) -> Option<usize> {
        match payload.owner.load(SeqCst) {
            0 => None,
            bits => self.owner_number(bits),
        }
    }
}
