//! The largest ratios that are wanted on a quiet machine.

/// The target for the rows of this work beside this peer.
pub struct Target {
    pub work: &'static str,
    pub peer: &'static str,
    pub most: f64,
}

impl Target {
    pub fn is_of(&self, work: &str, peer: &str) -> bool {
        self.work == work && self.peer == peer
    }
}

const fn target(work: &'static str, peer: &'static str, most: f64) -> Target {
    Target { work, peer, most }
}

pub const LOAD: &str = "load and compare";
pub const GLIB_PROBE: &str = "g_cancellable_is_cancelled(g_cancellable_get_current())";
pub const TBB_PROBE: &str = "tbb::is_current_task_group_canceling";
pub const CLOCK: &str = "std::chrono::steady_clock::now";
pub const TOKIO: &str = "tokio_util CancellationToken";
pub const MAP: &str = "DashMap insert and remove";

pub const ONE_THREAD: &str = "1 thread";

pub const TARGETS: &[Target] = &[
    target("poll of a given token", LOAD, 1.05),
    target("poll of the current token", LOAD, 1.05),
    target("poll of both layers", LOAD, 2.05),
    target("poll of a given token, others retain it", LOAD, 1.05),
    target("poll of both layers, others retain it", LOAD, 2.05),
    target("dcc_check_cancelled", GLIB_PROBE, 0.5),
    target("dcc_check_cancelled", TBB_PROBE, 0.5),
    target("dcc_slice_is_over", CLOCK, 0.25),
    target("dcc_progress_advance", "fetch_add", 0.5),
    target("dcc_cancel_token_is_cancelled", "g_cancellable_is_cancelled", 1.15),
    target("set and reset current", "g_cancellable push and pop", 0.45),
    target("create and release", "std::stop_source", 0.8),
    target("register and unregister", "std::stop_callback", 1.3),
    target("post and run one job", "g_idle_source", 0.4),
    target("post and run 64 jobs", "g_idle_source, 64 of them", 0.5),
    target("cancel to the wake-up of a waiter", "futex", 1.15),
    target("create and release, 2 threads", ONE_THREAD, 1.2),
    target("create and release a child, from Rust", TOKIO, 0.4),
    target("cancel with 1000 children", TOKIO, 0.4),
    target("cancel with 10000 children", TOKIO, 0.4),
    target("cancel with 100000 children", TOKIO, 0.4),
    target("cancel with 1000000 children", TOKIO, 0.4),
    target("begin and end a request, an integer", MAP, 2.0),
    target("begin and end a request, a text", MAP, 2.0),
];
