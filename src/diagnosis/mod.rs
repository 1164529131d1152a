//! What the library records in order to tell later what happened. This module does not use tokens.
//!
//! - [`diagnosis`](mod@diagnosis): all of it in one structure.
//! - [`events`]: rings of events; [`details`]: further facts of an event, with its
//!   [`trace_parent`]. [`watch`]: what is known of each job's threads. [`watchdog`]: slow cancels.
//!   [`stray`]: polls on threads without a job.
//! - [`count`], [`latency`]: counters and histograms. [`place`]: names of source files.
//! - [`timeline`]: what happened when, recorded while it is started; [`moment`]: one such thing,
//!   [`recording`]: all of them as a file.

pub mod count;
pub mod details;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod diagnosis;
pub mod events;
pub mod latency;
pub mod moment;
pub mod place;
pub mod recording;
pub mod stray;
pub mod timeline;
pub mod trace_parent;
pub mod watch;
pub mod watchdog;

pub use self::diagnosis::*;
