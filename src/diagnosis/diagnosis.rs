//! All that is kept, side by side.

use crate::diagnosis::events::Observers;
use crate::diagnosis::latency::Latency;
use crate::diagnosis::place::FileNames;
use crate::diagnosis::stray::StrayPolls;
use crate::diagnosis::timeline::Timeline;
use crate::diagnosis::watch::Watches;
use crate::diagnosis::watchdog::Watchdog;
use crate::sys::sync::{AtomicU32, constructor};

/// What the library knows for people who look for the job that does not stop.
#[derive(Debug)]
pub struct Diagnosis {
    /// Who drains events.
    pub observers: Observers,
    /// From a cancel to each job's and thread's first poll that saw it.
    pub cancel_to_seen: Latency,
    /// From a cancel to the end of each job.
    pub cancel_to_end: Latency,
    /// Names of traced files.
    pub files: FileNames,
    /// Polls on threads without a job.
    pub strays: StrayPolls,
    /// What is known of each job.
    pub watches: Watches,
    /// Cancels that may become slow.
    pub watchdog: Watchdog,
    /// What happened, while somebody wants it recorded.
    pub timeline: Timeline,
    /// Whether new jobs are traced, too.
    pub trace_all: AtomicU32,
}

impl Diagnosis {
    constructor! {
        /// Nothing known.
        pub fn new() -> Self {
            Self {
                observers: Observers::new(),
                cancel_to_seen: Latency::new(),
                cancel_to_end: Latency::new(),
                files: FileNames::new(),
                strays: StrayPolls::new(),
                watches: Watches::new(),
                watchdog: Watchdog::new(),
                timeline: Timeline::new(),
                trace_all: AtomicU32::new(0),
            }
        }
    }
}
