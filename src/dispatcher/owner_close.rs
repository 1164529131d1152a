//! The close of an owner that owns dispatchers or posted jobs: how each of these ends. The loop
//! over the owner's things, and its wait, are in `token/owner_close.rs`.

use crate::dispatcher::{DispatcherPin, Dispatchers};
use crate::error::Error;
use crate::handle::Handle;
use crate::memory::pin::Keeper;
use crate::owner::{Thing, Things};
use crate::queue::posted::HeldPosted;
use crate::sys::thread_identity;

impl Dispatchers<'_> {
    /// Closes an owner. After this has returned, none of the owner's functions is called any more.
    pub fn close_owner(self, owner: Handle, here: u64) -> Result<(), Error> {
        self.tokens().close_owner(owner, &FromThread { dispatchers: self, here })
    }

    /// Takes the host's functions from a dispatcher whose owner is being closed, and shuts the
    /// dispatcher down. The caller passes on an internal reference of the dispatcher.
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

/// The close of an owner, as the thread `here` does it.
struct FromThread<'a> {
    dispatchers: Dispatchers<'a>,
    here: u64,
}

impl Things for FromThread<'_> {
    fn pin_thing(&self, thing: Thing) -> bool {
        match thing {
            Thing::Posted(number) => {
                // The job's cell still has a hold: a posted job leaves its owner's list before its
                // last hold is dropped.
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
