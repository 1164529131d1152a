//! The host's functions of one queue, and how their payload is destroyed.
//!
//! The functions are called on threads that have no hold of the dispatcher. While a cancel wakes
//! the host, the dispatcher may be pumped empty and released, or the owner of the functions closed.
//! So the calls are counted. After the functions are forgotten no call begins. Work that has to
//! wait for the last call is left to that call.
//!
//! Lock order: this lock, then the owner's.

use crate::sys::callout::Payload;
use crate::sys::host::Host;
use crate::sys::sync::Mutex;

#[derive(Debug, Default)]
struct HostedBody {
    functions: Option<Host>,
    /// The number of calls of the functions that are under way.
    calls: u32,
    /// The payload of functions that were forgotten during calls. The last call destroys it.
    retired: Option<Payload>,
    /// Whether the queue was removed during calls, so that the last call frees it.
    is_removed: bool,
}

/// The host's functions of a queue. The lock guards all of it.
#[derive(Debug, Default)]
pub struct Hosted(Mutex<HostedBody>);

/// The work that was left to the last call of forgotten functions.
#[derive(Debug, Default)]
pub struct Leftover {
    /// The payload that the caller of `end` has to destroy.
    pub payload: Option<Payload>,
    /// Whether the caller of `end` has to free the queue.
    pub is_removed: bool,
}

impl Hosted {
    /// Lets the host's functions be called from now on.
    pub fn set(&self, functions: Host) {
        self.0.lock().functions = Some(functions);
    }

    /// Begins a call of the host's functions. Returns them with the result of `enter`, which runs
    /// under the lock once the call is counted. `is_same` is asked under the lock and says whether
    /// the functions are still those of the caller's dispatcher. `None`: they are not, or there are
    /// none.
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

    /// Ends a call, and returns the work that was left to it.
    pub fn end(&self) -> Leftover {
        let mut body = self.0.lock();
        body.calls -= 1;
        if body.calls > 0 {
            return Leftover::default();
        }
        let is_removed = std::mem::take(&mut body.is_removed);
        Leftover { payload: body.retired.take(), is_removed }
    }

    /// Forgets the functions, so that no further call begins. The payload comes back to be
    /// destroyed, unless a call is under way; then the last call destroys it.
    pub fn forget(&self, payload: Option<Payload>) -> Option<Payload> {
        let mut body = self.0.lock();
        body.functions = None;
        if body.calls == 0 {
            return payload;
        }
        // The close of the functions' owner may have left a payload here before the dispatcher
        // went.
        body.retired = body.retired.take().or(payload);
        None
    }

    /// Forgets the functions of a queue that is being removed. True: the caller frees the queue.
    /// False: a call is under way, and the thread of the last call frees it.
    pub fn remove(&self) -> bool {
        let mut body = self.0.lock();
        body.functions = None;
        body.is_removed = body.calls > 0;
        !body.is_removed
    }
}
