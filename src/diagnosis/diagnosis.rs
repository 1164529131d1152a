//! All that the library keeps for diagnosis, in one structure.

use crate::diagnosis::events::Observers;
use crate::diagnosis::latency::Latency;
use crate::diagnosis::place::FileNames;
use crate::diagnosis::stray::StrayPolls;
use crate::diagnosis::timeline::Timeline;
use crate::diagnosis::watch::Watches;
use crate::diagnosis::watchdog::Watchdog;
use crate::sys::sync::{AtomicU32, constructor};

/// What the library records to show people why a job does not stop.
#[derive(Debug)]
pub struct Diagnosis {
    /// The observers of events, each with its ring.
    pub observers: Observers,
    /// Times from a cancel to the first poll that saw it, one for each thread of a job.
    pub cancel_to_seen: Latency,
    /// Times from the cancel of a job to its end.
    pub cancel_to_end: Latency,
    /// Names of the source files with traced polls.
    pub files: FileNames,
    /// Polls that were made while jobs ran, on threads without a current job.
    pub strays: StrayPolls,
    /// What is known of the threads of each job.
    pub watches: Watches,
    /// Cancels that may become slow.
    pub watchdog: Watchdog,
    /// The timeline, which records what happens while it is on.
    pub timeline: Timeline,
    /// 1 if new jobs are created with the poll trace on, otherwise 0.
    pub trace_all: AtomicU32,
}

impl Diagnosis {
    constructor! {
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
