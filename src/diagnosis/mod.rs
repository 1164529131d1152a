//! What is kept so that somebody can be told what happened. It knows no tokens.
//!
//! - [`diagnosis`](mod@diagnosis): all of it.
//! - [`events`]: rings of events; [`details`] of one, and [`trace_parent`] among them. [`watch`]: what is
//!   known of each job's threads. [`watchdog`]: slow cancels. [`stray`]: polls on threads without a job.
//! - [`count`], [`latency`]: counts and histograms. [`place`]: names of source files.
//! - [`timeline`]: what happened when, while somebody wants it; [`moment`] one such thing, [`recording`] all
//!   as a file.

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
