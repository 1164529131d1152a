//! The close of an owner whose things may be dispatchers and posted jobs: how each of those ends. The loop
//! over the owner's things, and what it waits for, is that of `token/owner_close.rs`.

use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::error::Error;
use crate::handle::Handle;
use crate::memory::pin::Keeper;
use crate::owner::{Thing, Things};
use crate::queue::posted::HeldPosted;
use crate::sys::thread_identity;

impl Dispatchers<'_> {
    /// Closes an owner: nothing of its functions is called any more when this returns.
    pub fn close_owner(self, owner: Handle, here: u64) -> Result<(), Error> {
        self.tokens().close_owner(owner, &FromThread { dispatchers: self, here })
    }

    /// Takes the host's functions from a dispatcher whose owner is being closed, and closes it.
    /// Takes over an internal.
    pub(crate) fn give_up_host(self, index: u32, here: u64) {
        let pin = DispatcherPin::take_over(self, index);
        let live = pin.slot().live();
        let queue = pin.queue();
        self.shut_down(&pin, here);
        let payload = live.payload.lock().take();
        let payload = self.queues().forget_host(queue, payload);
        let parting = self.queues().host_owned(queue).take();
        let call = self.owners().enter_last(parting, thread_identity::current());
        if let Some(payload) = payload {
            payload.destroy();
        }
        self.owners().leave(call);
    }
}

/// The close of an owner, on a thread.
struct FromThread<'a> {
    dispatchers: Dispatchers<'a>,
    here: u64,
}

impl Things for FromThread<'_> {
    fn pin_thing(&self, thing: Thing) -> bool {
        match thing {
            Thing::Posted(number) => {
                // It gives up its place in the owner's list before its last hold.
                self.dispatchers.queues().posted().hold(number);
                true
            }
            Thing::Dispatcher(index) => self.dispatchers.arena().pin_index(index),
            other => self.dispatchers.jobs().pin_thing(other),
        }
    }

    fn end_thing(&self, thing: Thing) {
        match thing {
            Thing::Posted(number) => {
                let held = HeldPosted::take_over(self.dispatchers.queues().posted(), number);
                self.dispatchers.give_up(&held, self.here);
            }
            Thing::Dispatcher(index) => self.dispatchers.give_up_host(index, self.here),
            other => self.dispatchers.jobs().end_thing(other),
        }
    }
}
