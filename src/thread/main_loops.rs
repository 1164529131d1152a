//! The loops of the timer thread and the callback thread. The loop of the workers is in
//! `dispatcher`.

use crate::sys::clock;
use crate::thread::context::Contexts;
use crate::thread::current::ThreadSlots;

impl<'a> Contexts<'a> {
    /// The loop of the timer thread. It returns when the thread is to stop.
    pub fn run_timer(self) {
        let tokens = self.tokens();
        loop {
            let now_ns = clock::now_ns();
            tokens.expire(now_ns);
            tokens.look_for_slow_cancels(now_ns);
            tokens.look_for_silent_checks(now_ns);
            if !tokens.deadlines().wait(now_ns, || tokens.next_look_ns()) {
                return;
            }
        }
    }

    /// The loop of the callback thread. It returns when the thread is to stop and no work is left.
    /// Values that a plugin's function has left current are removed and counted, as in a
    /// dispatcher: they would take effect in the functions of other plugins.
    pub fn run_callbacks(self, slots: &ThreadSlots<'a>) {
        let tokens = self.tokens();
        while let Some(work) = tokens.wait_deferred() {
            self.jobs().do_deferred(work);
            self.count_leaks(self.clear(slots));
        }
    }
}
