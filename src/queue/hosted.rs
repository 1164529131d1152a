//! The host's functions of one queue, and who destroys what they need.
//!
//! They are called on threads that hold nothing of the dispatcher: a cancel wakes the host while the
//! dispatcher may be pumped empty and released, or the owner of the functions closed. So calls are
//! counted. Once the functions are forgotten none begins; what has to be done after the last call
//! is left to it.
//!
//! Lock order: this lock, then the owner's.

use crate::sys::callout::Payload;
use crate::sys::host::Host;
use crate::sys::sync::Mutex;

#[derive(Debug, Default)]
struct HostedBody {
    functions: Option<Host>,
    /// Calls that run.
    calls: u32,
    /// What the last of them destroys.
    retired: Option<Payload>,
    /// Whether the last of them frees the queue.
    is_removed: bool,
}

/// The host's functions of a queue.
#[derive(Debug, Default)]
pub struct Hosted(Mutex<HostedBody>);

/// What is left to the last call of forgotten functions.
#[derive(Debug, Default)]
pub struct Leftover {
    /// To be destroyed.
    pub payload: Option<Payload>,
    /// The queue is to be freed.
    pub is_removed: bool,
}

impl Hosted {
    /// Functions that may be called from now on.
    pub fn set(&self, functions: Host) {
        self.0.lock().functions = Some(functions);
    }

    /// Begins a call, with what `enter` does under the lock. `None`: there is nothing to call, or
    /// `is_same`, asked under the lock, says that the functions are another dispatcher's.
    pub fn begin<T>(
        &self,
        is_same: impl FnOnce() -> bool,
        enter: impl FnOnce() -> T,
    ) -> Option<(Host, T)> {
        let mut body = self.0.lock();
        let functions = body.functions.filter(|_| is_same())?;
        body.calls += 1;
        Some((functions, enter()))
    }

    /// Ends a call. What is left to it comes back.
    pub fn end(&self) -> Leftover {
        let mut body = self.0.lock();
        body.calls -= 1;
        if body.calls > 0 {
            return Leftover::default();
        }
        let is_removed = std::mem::take(&mut body.is_removed);
        Leftover { payload: body.retired.take(), is_removed }
    }

    /// Lets no call begin any more. The payload comes back to be destroyed, unless a call runs, which
    /// then does it.
    pub fn forget(&self, payload: Option<Payload>) -> Option<Payload> {
        let mut body = self.0.lock();
        body.functions = None;
        if body.calls == 0 {
            return payload;
        }
        // The owner's close may have left one before the dispatcher went.
        body.retired = body.retired.take().or(payload);
        None
    }

    /// Whether the queue of forgotten functions is free at once; else the last call frees it.
    pub fn remove(&self) -> bool {
        let mut body = self.0.lock();
        body.functions = None;
        body.is_removed = body.calls > 0;
        !body.is_removed
    }
}
