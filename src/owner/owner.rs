//! Owners: an owner is the plugin that function pointers belong to. It is closed before the plugin
//! is unloaded.
//!
//! A close returns, because each thing of the owner is at any moment in one of two states:
//! - **within reach**: the close can end it, or it ends with its slot before any foreign code is
//!   called.
//! - **in the hands of a thread**: only that thread can end it. The thread is then inside the
//!   owner, whether it calls a function of this owner or of another. In hand are: a registration
//!   whose callback or notify is due; a posted job that runs, until its thread has looked whether a
//!   close left the job to it (`look_again`); a posted job whose work was taken out to be
//!   completed; a job that is being created, while tokens are linked for it; a check that is being
//!   asked; a host's functions that are being called; a thing that a close has taken off the list,
//!   until it is ended.
//!
//! So a thread enters the owner before foreign code can run while the thread has a thing in hand.
//! It leaves the owner when the thing is gone or within reach again. A close therefore always waits
//! for threads that are inside the owner.
//!
//! A close is decided before it changes anything. It begins its wait for the owner in the wait
//! graph. The graph refuses it with `WouldDeadlock` if its thread is inside the owner, or if a
//! thread inside waits for it. From then on the close counts as waiting. A thread inside the owner
//! that would wait for the close is refused instead, and the close cannot fail any more. While the
//! close ends things, it is inside the owner only for the thing that it has in hand. So two closes
//! of one owner do not wait for each other.
//!
//! Invariants, all under the owner's lock:
//! 1. Each thing that carries a function of the owner has a cell here, from before the function can
//!    be called until its destroy-notify runs. `things` counts the cells. `inside` has an entry for
//!    each time that a thread has entered. A closed owner waits until both are empty.
//! 2. A thing that dies gives its cell up (`disown`) before its slot can be used again. So while a
//!    cell is listed, its index means the thing that it was made for.
//! 3. After `closing` is set, no thing is adopted, and `enter` tells its caller to leave the call
//!    out. Destroy-notifies still run.
//! 4. Each cell holds one internal reference of the owner. All calls in progress share one more. So
//!    however many calls there are, they never fail for lack of references.
//!
//! Lock order: the wait graph's lock, then an owner's. No other lock is taken under an owner's
//! lock.

use crate::error::Error;
use crate::handle::{Handle, Kind};
use crate::memory::arena::{Arena, LivePart};
use crate::memory::few::Few;
use crate::memory::list::{List, ListNode, ListNodes};
use crate::memory::magazine::Shelved;
use crate::memory::pin::{Hold, Keeper, Pin};
use crate::memory::pool::{Link, NIL, Pool};
use crate::memory::slot::{Holder, Slot};
use crate::owner::owned::{Owned, OwnedId, Parting};
use crate::owner::wait_graph::{Blocker, Inside, Running, Wait, WaitGraph};
use crate::sys::sync::{AtomicU32, AtomicU64, Mutex, Ordering, constructor};
use crate::sys::thread_identity;

/// A thing that carries a function of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    Registration(u32),
    Job(u32),
    Posted(u32),
    Dispatcher(u32),
}

/// The keeper of all things that are not registrations, as the close of their owner uses it.
pub trait Things {
    /// Pins a thing. False: the thing is dying already, and its own burial ends it. Called under
    /// the owner's lock.
    fn pin_thing(&self, thing: Thing) -> bool;
    /// Ends everything that a pinned thing has of its owner, and unpins the thing.
    fn end_thing(&self, thing: Thing);
}

#[derive(Debug, Default)]
struct OwnerBody {
    closing: bool,
    awaited: bool,
    things: u32,
    /// The entries of threads that have things of the owner in hand.
    inside: Few<Inside, 2>,
    /// Number of further entries, for which there was no memory.
    unnamed: u32,
}

impl OwnerBody {
    fn begin(&mut self, inside: Inside) {
        if !self.inside.push(inside) {
            self.unnamed += 1;
        }
    }

    fn end(&mut self, thread: u64) {
        // Of several entries of this thread, the last one ends.
        let stay = |other: &Inside| (other.thread == thread).then_some(other.waits_before);
        if !self.inside.take_greatest(stay) {
            self.unnamed -= 1;
        }
    }

    fn has_no_calls(&self) -> bool {
        self.inside.is_empty() && self.unnamed == 0
    }

    fn is_idle(&self) -> bool {
        self.things == 0 && self.has_no_calls()
    }
}

/// The part of an owner's slot that is written while the owner lives.
#[derive(Debug, Default)]
pub struct OwnerLive {
    body: Mutex<OwnerBody>,
    first: AtomicU32,
}

impl LivePart for OwnerLive {
    const KIND: Kind = Kind::Owner;
    const NONE_LEFT: &'static str = "owner slots or memory for them; close owners that are done";
}

#[derive(Debug, Default)]
struct ThingCell {
    next_free: AtomicU32,
    node: ListNode,
    owner: AtomicU32,
    thing: AtomicU64,
}

impl Link for ThingCell {
    fn next(&self) -> &AtomicU32 {
        &self.next_free
    }
}

/// Kinds of things, in the high half of a cell's word. The low half is a number.
const REGISTRATION: u64 = 0;
const JOB: u64 = 1;
const POSTED: u64 = 2;
const DISPATCHER: u64 = 3;
const KIND_SHIFT: u32 = u32::BITS;

impl ThingCell {
    fn set_thing(&self, thing: Thing) {
        let (kind, number) = match thing {
            Thing::Registration(index) => (REGISTRATION, index),
            Thing::Job(index) => (JOB, index),
            Thing::Posted(number) => (POSTED, number),
            Thing::Dispatcher(index) => (DISPATCHER, index),
        };
        self.thing.store(kind << KIND_SHIFT | u64::from(number), Ordering::Relaxed);
    }

    fn thing(&self) -> Thing {
        let bits = self.thing.load(Ordering::Relaxed);
        let number = bits as u32;
        match bits >> KIND_SHIFT {
            REGISTRATION => Thing::Registration(number),
            JOB => Thing::Job(number),
            POSTED => Thing::Posted(number),
            _ => Thing::Dispatcher(number),
        }
    }
}

/// One entry of a thread into an owner. All entries share one internal reference of the owner.
#[derive(Debug)]
#[must_use = "`leave` has to end it"]
pub struct Call {
    owner: u32,
    thread: u64,
    /// False: the owner is being closed, so the function must not be called. A destroy-notify still
    /// runs.
    pub is_open: bool,
}

pub type OwnerPin<'a> = Pin<'a, &'a Owners>;

/// The table of all owners.
#[derive(Debug)]
pub struct Owners {
    arena: Arena<(), OwnerLive>,
    things: Pool<ThingCell>,
    waits: WaitGraph,
}

impl<'a> Keeper<'a> for &'a Owners {
    type Cold = ();
    type Live = OwnerLive;

    fn arena(self) -> &'a Arena<(), OwnerLive> {
        &self.arena
    }

    fn bury_slot(self, index: u32, slot: &'a Slot<(), OwnerLive>) {
        *slot.live().body.lock() = OwnerBody::default();
        self.arena.bury(index, slot);
    }
}

struct Cells<'a>(&'a Pool<ThingCell>);

impl ListNodes for Cells<'_> {
    fn node(&self, number: u32) -> &ListNode {
        &self.0.cell(number).node
    }
}

impl Owners {
    constructor! {
        pub fn new() -> Self {
            Self { arena: Arena::new(), things: Pool::new(), waits: WaitGraph::new() }
        }
    }

    /// Calls `each` with each pool of this table of which threads keep free cells ready (a
    /// magazine).
    pub fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        each(&self.things);
    }

    /// The graph of threads that wait for each other.
    pub fn waits(&self) -> &WaitGraph {
        &self.waits
    }

    /// Makes an owner. Its handle has the reference that a close releases.
    pub fn create(&self) -> Result<Handle, Error> {
        let (index, slot) = self.arena.take()?;
        Ok(self.arena.publish(index, slot, 0, Holder::Owner))
    }

    /// Gives a thing that carries a function of the owner a cell with the owner, and writes the
    /// cell's number into `owned`. Error: the owner is closed or does not exist, or there is no
    /// memory.
    pub fn adopt(&self, owner: Handle, thing: Thing, owned: &Owned) -> Result<(), Error> {
        // An owner dies only by being closed, so a dead handle means a closed owner.
        let closed =
            |error| if self.arena.is_past(owner) { Error::OwnerClosed(owner) } else { error };
        let held = Hold::new(self, owner).map_err(closed)?;
        let (number, cell) =
            self.things.take().map_err(|_| Error::Resources("memory for what owners own"))?;
        cell.owner.store(held.index(), Ordering::Relaxed);
        cell.set_thing(thing);
        let live = held.slot().live();
        let mut body = live.body.lock();
        if body.closing && !crate::weakened!("closed_refuses") {
            drop(body);
            self.things.free(number);
            return Err(Error::OwnerClosed(owner));
        }
        body.things += 1;
        owned.set(number);
        List::new(&Cells(&self.things), &live.first).push(number, held.index());
        drop(body);
        held.leave();
        Ok(())
    }

    /// Begins a call of a thing's function by this thread, which is inside the owner from now on.
    /// `leave` has to end the call, whether it is open or not. For a thing without an owner the
    /// call is always open. The caller makes sure that the cell is not given up meanwhile.
    #[inline]
    pub fn enter(&self, owned: OwnedId, thread: u64) -> Call {
        if owned.is_none() {
            return Call { owner: NIL, thread, is_open: true };
        }
        self.enter_owned(owned, thread)
    }

    /// As `enter`, for the calling thread.
    #[inline(always)]
    pub fn enter_here(&self, owned: OwnedId) -> Call {
        if owned.is_none() {
            return Call { owner: NIL, thread: 0, is_open: true };
        }
        self.enter_owned(owned, thread_identity::current())
    }

    #[inline(never)]
    fn enter_owned(&self, owned: OwnedId, thread: u64) -> Call {
        let owner = self.things.cell(owned.number()).owner.load(Ordering::Relaxed);
        let mut body = self.arena.slot(owner).live().body.lock();
        self.go_in(owner, &mut body, thread);
        Call { owner, thread, is_open: !body.closing }
    }

    /// Notes that a thread has entered an owner, whose lock the caller holds. The first entry pins
    /// the owner, which a cell or the caller holds meanwhile.
    fn go_in(&self, owner: u32, body: &mut OwnerBody, thread: u64) {
        if body.has_no_calls() {
            let held = self.arena.pin_index(owner);
            debug_assert!(held, "somebody holds it");
        }
        body.begin(self.inside_now(thread));
    }

    fn inside_now(&self, thread: u64) -> Inside {
        Inside { thread, waits_before: self.waits.begun() }
    }

    /// Begins the last call of a thing's functions, and parts the thing from its owner. `leave` has
    /// to end the call.
    #[inline]
    pub fn enter_last(&self, parting: Parting, thread: u64) -> Call {
        let call = self.enter(parting.id(), thread);
        self.disown(parting);
        call
    }

    /// As `enter_last`, for the calling thread.
    #[inline(always)]
    pub fn enter_last_here(&self, parting: Parting) -> Call {
        let call = self.enter_here(parting.id());
        self.disown(parting);
        call
    }

    /// Ends a call that `enter` or `next_thing` began: the thread has left the owner. If a close
    /// waits for that, it is woken.
    #[inline(always)]
    pub fn leave(&self, call: Call) {
        if call.owner != NIL {
            self.leave_owned(call);
        }
    }

    #[inline(never)]
    fn leave_owned(&self, call: Call) {
        let (is_last, wake) = {
            let mut body = self.arena.slot(call.owner).live().body.lock();
            body.end(call.thread);
            (body.has_no_calls(), body.awaited && body.is_idle())
        };
        if wake {
            self.waits.wake();
        }
        if is_last {
            drop(OwnerPin::take_over(self, call.owner));
        }
    }

    /// Gives up a thing's cell with its owner. Called inside the last call of the thing's
    /// functions, or before any call. If a close waits for that, it is woken.
    #[inline]
    pub fn disown(&self, parting: Parting) {
        if !parting.id().is_none() {
            self.disown_owned(parting);
        }
    }

    #[inline(never)]
    fn disown_owned(&self, parting: Parting) {
        let number = parting.id().number();
        let owner = self.things.cell(number).owner.load(Ordering::Relaxed);
        let live = self.arena.slot(owner).live();
        let mut body = live.body.lock();
        let cells = Cells(&self.things);
        if cells.node(number).list() != NIL {
            List::new(&cells, &live.first).remove(number);
        }
        body.things -= 1;
        let wake = body.awaited && body.is_idle();
        drop(body);
        self.things.free(number);
        if wake {
            self.waits.wake();
        }
        drop(OwnerPin::take_over(self, owner));
    }

    /// Whether the close of an owner has taken a thing off the owner's list and left the end of the
    /// thing to the caller. The answer may also be true because another thread has given the
    /// thing's cell up meanwhile. Then `Owned::take` returns nothing.
    #[inline]
    pub fn was_taken(&self, owned: OwnedId) -> bool {
        !owned.is_none() && self.was_owned_taken(owned)
    }

    fn was_owned_taken(&self, owned: OwnedId) -> bool {
        let number = owned.number();
        let owner = self.things.cell(number).owner.load(Ordering::Relaxed);
        let _body = self.arena.slot(owner).live().body.lock();
        Cells(&self.things).node(number).list() == NIL
    }

    /// Begins the close of an owner by this thread. Begins the thread's wait for the owner, and
    /// then lets the owner adopt no more things. Error: the thread would wait for itself, or there
    /// is no memory; nothing has changed.
    pub fn begin_close(
        &self,
        owner: &OwnerPin<'_>,
        running: &impl Running,
        thread: u64,
    ) -> Result<Wait, Error> {
        let wait = self.waits.begin(running, thread, Blocker::Owner(owner.index()))?;
        let _ = crate::weakened!("close_counts_as_waiting").then(|| self.waits.forget(&wait));
        owner.slot().live().body.lock().closing = true;
        Ok(wait)
    }

    /// Takes a thing off the list of an owner that this thread closes, and pins it. The thing is in
    /// this thread's hands until `leave`. `None`: the list is empty. `pin` is called under the
    /// owner's lock and must do nothing but pin. If it returns false, the thing is dying, and its
    /// own burial ends it.
    pub fn next_thing(
        &self,
        owner: &OwnerPin<'_>,
        thread: u64,
        pin: impl Fn(Thing) -> bool,
    ) -> Option<(Thing, Call)> {
        let live = owner.slot().live();
        let mut body = live.body.lock();
        let cells = Cells(&self.things);
        let list = List::new(&cells, &live.first);
        while !list.is_empty() {
            let number = list.first();
            let thing = self.things.cell(number).thing();
            list.remove(number);
            if pin(thing) {
                let owner = if crate::weakened!("closer_is_inside") { NIL } else { owner.index() };
                if owner != NIL {
                    self.go_in(owner, &mut body, thread);
                }
                return Some((thing, Call { owner, thread, is_open: false }));
            }
        }
        None
    }

    /// Announces that a close waits for an owner's things and calls to end. From now on the end of
    /// the last one wakes it.
    pub fn announce_wait(&self, owner: &OwnerPin<'_>) {
        owner.slot().live().body.lock().awaited = true;
    }

    /// Whether no thing of an owner is left and none of its functions runs.
    pub fn is_idle(&self, owner: u32) -> bool {
        self.arena.slot(owner).live().body.lock().is_idle()
    }

    /// Calls `each` with each thread that is inside an owner. False: there are further threads, for
    /// whose names there was no memory.
    pub fn inside(&self, owner: u32, each: &mut dyn FnMut(Inside)) -> bool {
        let body = self.arena.slot(owner).live().body.lock();
        body.inside.iter().for_each(|inside| each(*inside));
        body.unnamed == 0
    }

    /// Takes away the reference that `create` gave, at the end of a close.
    pub fn release(&self, owner: Handle) -> Result<(), Error> {
        if let Some((index, slot)) = self.arena.release(owner)? {
            self.bury_slot(index, slot);
        }
        Ok(())
    }
}
