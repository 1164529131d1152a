//! What the timer thread and the callback thread do until they are stopped. The workers' loop is the
//! dispatchers'.

use crate::sys::clock;
use crate::thread::context::Contexts;
use crate::thread::current::ThreadSlots;

impl<'a> Contexts<'a> {
    /// What the timer thread does until it is stopped.
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

    /// What the callback thread does until it is stopped and all is done. What a plugin's function leaves
    /// current there is removed and counted, as a dispatcher does: it would steer those of other plugins.
    pub fn run_callbacks(self, slots: &ThreadSlots<'a>) {
        let tokens = self.tokens();
        while let Some(work) = tokens.wait_deferred() {
            self.jobs().do_deferred(work);
            self.count_leaks(self.clear(slots));
        }
    }
}
