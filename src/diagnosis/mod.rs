//! What is kept so that somebody can be told what happened. It knows no tokens.
//!
//! - [`diagnosis`](mod@diagnosis): all of it.
//! - [`events`]: rings of events. [`watch`]: what is known of each job's threads. [`watchdog`]: slow cancels.
//! - [`count`], [`latency`]: counts and histograms. [`place`]: names of source files.
//! - [`timeline`]: what happened when, while somebody wants it; [`moment`] one such thing, [`recording`] all
//!   as a file.

pub mod count;
#[allow(clippy::module_inception)] // Its main file has its name.
pub mod diagnosis;
pub mod events;
pub mod latency;
pub mod moment;
pub mod place;
pub mod recording;
pub mod timeline;
pub mod watch;
pub mod watchdog;

pub use self::diagnosis::*;
