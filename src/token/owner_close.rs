//! The close of an owner: the loop over all its things. Registrations are ended here. Jobs are
//! ended by `job/job.rs`, dispatchers and posted jobs by `dispatcher/owner_close.rs`. The loop
//! reaches both through [`Things`].

use crate::error::Error;
use crate::handle::Handle;
use crate::memory::pin::Keeper;
use crate::owner::{OwnerPin, Thing, Things};
use crate::sys::thread_identity;
use crate::token::Tokens;
use crate::token::registration::RegistrationPin;
use crate::token::running::Calls;

impl Tokens {
    /// Closes an owner: drops its registrations, has its other things ended, and waits for its
    /// running calls. On an error nothing has changed.
    pub fn close_owner(&self, owner: Handle, things: &impl Things) -> Result<(), Error> {
        let thread = thread_identity::current();
        let pin = OwnerPin::new(&self.owners, owner)?;
        let wait = self.owners.begin_close(&pin, &Calls(self), thread)?;
        let pin_thing = |thing| match thing {
            Thing::Registration(index) => self.registrations.arena().pin_index(index),
            other => things.pin_thing(other),
        };
        while let Some((thing, in_hand)) = self.owners.next_thing(&pin, thread, pin_thing) {
            match thing {
                Thing::Registration(index) => {
                    let _pin = RegistrationPin::take_over(&self.registrations, index);
                    if self.take_over(index) {
                        self.end_registration(index, None);
                    }
                }
                other => things.end_thing(other),
            }
            self.owners.leave(in_hand);
        }
        self.owners.announce_wait(&pin);
        if crate::weakened!("owner_waits") {
            self.owners.waits().end(wait);
        } else {
            self.owners.waits().sleep(&Calls(self), wait);
        }
        self.owners.release(owner)
    }
}
