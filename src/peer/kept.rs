//! What a request id stands for: a live request, or what the session remembers of an id without a
//! live request, and how long that is valid.

/// Why an id without a live request is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptFor {
    /// A cancel of the id came before the id's request.
    Early,
    /// The id's request was cancelled and has ended.
    Ended,
    /// The last reference to the id's request was released before the request ended.
    Orphan,
    /// The id's request is over, and the id is remembered only so that a cancel of it counts as
    /// late. The request was not cancelled, or there was no room to remember more.
    Completed,
}

/// What a session knows of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum IdState {
    /// Nothing is known of the id.
    Unknown = 0,
    /// The id's request is in flight and not cancelled.
    Live = 1,
    /// The id's request is in flight and cancelled.
    Cancelled = 2,
    /// The id's request has not come yet, and a cancel is held for it.
    Held = 3,
    /// The id's request is over. It was not cancelled, or its cancel is forgotten.
    Ended = 4,
    /// The id's request is over and was cancelled.
    EndedCancelled = 5,
}

impl IdState {
    /// Whether the id's request is or was cancelled, or would be cancelled if it came now.
    pub fn is_cancelled(self) -> bool {
        matches!(self, Self::Cancelled | Self::Held | Self::EndedCancelled)
    }
}

/// What is remembered of an id without a live request.
#[derive(Debug)]
pub struct Kept {
    /// Why the id is remembered.
    pub why: KeptFor,
    /// Since when the id is remembered, on the library's clock.
    pub since_ns: u64,
    /// Whether the id's request was cancelled, or will be cancelled when it comes.
    pub is_cancelled: bool,
    /// For an early cancel: whether the peer still waits for an answer to the request.
    pub wants_answer: bool,
    /// The reason of the cancel.
    pub reason: String,
}

impl Kept {
    /// What is remembered of a request of which only the end is to be known.
    pub fn completed(since_ns: u64) -> Self {
        Self {
            why: KeptFor::Completed,
            since_ns,
            is_cancelled: false,
            wants_answer: false,
            reason: String::new(),
        }
    }

    /// What the entry says of its id. An early cancel and a completed request are valid for a time
    /// only.
    pub fn state(&self, now_ns: u64, ttl_ns: u64) -> IdState {
        let is_fresh = self.is_fresh(now_ns, ttl_ns);
        match (self.why, self.is_cancelled) {
            (KeptFor::Early, _) if is_fresh => IdState::Held,
            (KeptFor::Completed, _) if is_fresh => IdState::Ended,
            (KeptFor::Early | KeptFor::Completed, _) => IdState::Unknown,
            (KeptFor::Ended | KeptFor::Orphan, false) => IdState::Ended,
            (KeptFor::Ended | KeptFor::Orphan, true) => IdState::EndedCancelled,
        }
    }

    /// Whether the id has been remembered for at most `ttl_ns`, which is the session's
    /// `early_ttl_ns` or the time of a sweep.
    pub fn is_fresh(&self, now_ns: u64, ttl_ns: u64) -> bool {
        now_ns.saturating_sub(self.since_ns) <= ttl_ns
    }
}

/// What an id stands for.
#[derive(Debug)]
pub enum Entry {
    /// A live request, by the index of its slot.
    Live(u32),
    /// A request that is over, or a cancel whose request has not come.
    Kept(Kept),
}
