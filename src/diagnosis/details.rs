//! What is known of an event besides, at whatever length. It is made once and shared by the rings of all
//! observers; without memory for it there is the event alone.

use crate::diagnosis::trace_parent::TraceParent;
use crate::sys::allocator::with_reserve;
use crate::sys::fallible::try_string;
use std::sync::Arc;

/// An id of a request, kept.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum DetailId {
    /// Of no request.
    #[default]
    None,
    /// An integer.
    Integer(i64),
    /// A text.
    Text(String),
}

/// The details of one event.
#[derive(Debug, Default)]
pub struct Details {
    /// The request's id.
    pub id: DetailId,
    /// The reason of a cancel.
    pub reason: String,
    /// Which span of a trace the work is for.
    pub trace_parent: Option<TraceParent>,
}

/// Details, if there are any.
pub type SharedDetails = Option<Arc<Details>>;

impl Details {
    /// Details to be shared.
    #[cold]
    pub fn shared(id: DetailId, reason: &str, trace_parent: Option<TraceParent>) -> SharedDetails {
        let reason = try_string(reason).ok()?;
        let details = Self { id, reason, trace_parent };
        // The counts of a shared one stand before it.
        let bytes = size_of::<Self>() + 2 * size_of::<usize>();
        #[allow(clippy::disallowed_methods, reason = "called with what it needs")]
        with_reserve([bytes], || Arc::new(details)).ok()
    }
}
