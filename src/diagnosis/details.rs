//! Further facts of an event, of any length. They are allocated once for each event and shared by
//! the rings of all observers. If there is no memory for them, the event comes without them.

use crate::diagnosis::trace_parent::TraceParent;
use crate::sys::allocator::with_reserve;
use crate::sys::fallible::try_string;
use std::sync::Arc;

/// The id of the request that an event is about, as a copy.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum DetailId {
    /// The event is not about a request, or there was no memory for a copy of the id.
    #[default]
    None,
    Integer(i64),
    Text(String),
}

/// The details of one event.
#[derive(Debug, Default)]
pub struct Details {
    /// The id of the request.
    pub id: DetailId,
    /// The whole reason of a cancel.
    pub reason: String,
    /// The span of a distributed trace that the cancelled work is for; `None` if there is none.
    pub trace_parent: Option<TraceParent>,
}

/// The details of an event; `None` if it has none.
pub type SharedDetails = Option<Arc<Details>>;

impl Details {
    /// Details to be shared; `None` if there is no memory for them.
    #[cold]
    pub fn shared(id: DetailId, reason: &str, trace_parent: Option<TraceParent>) -> SharedDetails {
        let reason = try_string(reason).ok()?;
        let details = Self { id, reason, trace_parent };
        // An `Arc` allocates its two counts before its value.
        let bytes = size_of::<Self>() + 2 * size_of::<usize>();
        #[allow(clippy::disallowed_methods, reason = "called with what it needs")]
        with_reserve([bytes], || Arc::new(details)).ok()
    }
}
