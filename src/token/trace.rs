//! The span of a distributed trace that a token works for. The peer of a request names it, and
//! everything made below the request works for it as well.
//!
//! Tokens of requests and jobs are reported, so they store the span when they are made. It is then
//! known after a cancel too, although the cancel takes children out of their parents' lists. The
//! span is stored in place of the caller id, which these tokens do not have, and is not written
//! again before the token's death. Tokens with a caller id, and tokens that are not reported, have
//! the span of their nearest ancestor with one, until they are cancelled.
//!
//! While no token has a span, no lookup searches for one.

use crate::diagnosis::details::{DetailId, Details, SharedDetails};
use crate::diagnosis::events::EVENT_TEXT;
use crate::diagnosis::trace_parent::TraceParent;
use crate::handle::{Handle, NULL};
use crate::memory::text::TextId;
use crate::sys::sync::Ordering;
use crate::token::cell::HAS_TRACE;
use crate::token::create::Origin;
use crate::token::{TokenPin, Tokens};

impl Tokens {
    /// Whether any live token has a span.
    #[inline]
    pub(super) fn has_traces(&self) -> bool {
        self.traces.load(Ordering::Relaxed) != 0
    }

    /// The span that a new token inherits: that of the first parent that has one. `None`: no parent
    /// has one, or the new token gets a span or a caller id of its own.
    #[cold]
    pub(super) fn inherited_trace(
        &self,
        origin: &Origin<'_>,
        parents: impl Iterator<Item = Handle>,
    ) -> Option<TraceParent> {
        if origin.trace_parent.is_some() || !origin.caller_id.is_empty() {
            return None;
        }
        let mut parents = parents.filter(|parent| *parent != NULL);
        parents.find_map(|parent| self.trace_parent(&TokenPin::new(self, parent).ok()?))
    }

    /// The span of a pinned token: its own, or that of its nearest ancestor with one.
    pub fn trace_parent(&self, token: &TokenPin<'_>) -> Option<TraceParent> {
        if !self.has_traces() {
            return None;
        }
        self.own_trace(token.index())
            .or_else(|| self.nearest_above(token, |ancestor| self.own_trace(ancestor.index())))
    }

    /// The span stored in a token itself; `None` if it stores none. The caller has the token
    /// pinned, or walks over it in a cancel.
    pub(crate) fn own_trace(&self, index: u32) -> Option<TraceParent> {
        let slot = self.arena.slot(index);
        if slot.mark.load(Ordering::Relaxed) & HAS_TRACE == 0 {
            return None;
        }
        let text = TextId(slot.cold.caller_id.load(Ordering::Relaxed));
        self.texts.show(text, TraceParent::parse)
    }

    /// The parts of an event about a token that do not fit into the event's text: the token's own
    /// span, and the end of a long `reason`, which is the event's text. `None`: there are no such
    /// parts.
    pub(crate) fn details_of(&self, index: u32, reason: &str) -> SharedDetails {
        let trace_parent = if self.has_traces() { self.own_trace(index) } else { None };
        let is_needed = trace_parent.is_some() || reason.len() > EVENT_TEXT;
        is_needed.then(|| Details::shared(DetailId::None, reason, trace_parent)).flatten()
    }
}
