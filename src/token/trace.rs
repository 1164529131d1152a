//! Which span of a distributed trace a token works for: what the peer of a request said, which what is made
//! below it works for, too.
//!
//! Tokens that are told of, those of requests and jobs, have it from when they are made, so that it is known
//! after a cancel as well, which takes children out of the lists of their parents. It stands in the place of
//! the caller id, which they have not, and is never written again before the token's death. What has a caller
//! id, and what is not told of, has that of its nearest ancestor, as long as it is not cancelled.
//!
//! While no token has one, nobody looks for one.

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
    /// Whether any token works for a span.
    #[inline]
    pub(super) fn has_traces(&self) -> bool {
        self.traces.load(Ordering::Relaxed) != 0
    }

    /// What is made of these parents works for what the first of them does that has one.
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

    /// What a pinned token works for: its own, or that of its nearest ancestor.
    pub fn trace_parent(&self, token: &TokenPin<'_>) -> Option<TraceParent> {
        if !self.has_traces() {
            return None;
        }
        self.own_trace(token.index())
            .or_else(|| self.nearest_above(token, |ancestor| self.own_trace(ancestor.index())))
    }

    /// What a token itself works for that is pinned or in a walk.
    pub(crate) fn own_trace(&self, index: u32) -> Option<TraceParent> {
        let slot = self.arena.slot(index);
        if slot.mark.load(Ordering::Relaxed) & HAS_TRACE == 0 {
            return None;
        }
        let text = TextId(slot.cold.caller_id.load(Ordering::Relaxed));
        self.texts.show(text, TraceParent::parse)
    }

    /// What an event of such a token has besides its text, which is this reason.
    pub(crate) fn details_of(&self, index: u32, reason: &str) -> SharedDetails {
        let trace_parent = if self.has_traces() { self.own_trace(index) } else { None };
        let is_needed = trace_parent.is_some() || reason.len() > EVENT_TEXT;
        is_needed.then(|| Details::shared(DetailId::None, reason, trace_parent)).flatten()
    }
}
