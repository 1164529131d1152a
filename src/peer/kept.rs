//! What an id stands for: a live request, or what is remembered of an id without one, and for how long that
//! is good.

/// Why something is remembered of an id without a live request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptFor {
    /// Its cancel came first.
    Early,
    /// It was cancelled and has ended.
    Ended,
    /// It was let go without an end.
    Orphan,
    /// It is over, and all that matters is that a cancel of it is late: it was not cancelled, or there is no
    /// room for why.
    Completed,
}

/// What a session knows of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum IdState {
    /// Nothing.
    Unknown = 0,
    /// Its request is in flight, and not cancelled.
    Live = 1,
    /// Its request is in flight, and cancelled.
    Cancelled = 2,
    /// Its request has not come, a cancel is held for it.
    Held = 3,
    /// Its request is over, and was not cancelled, or that is forgotten.
    Ended = 4,
    /// Its request is over, and was cancelled.
    EndedCancelled = 5,
}

impl IdState {
    /// Whether its request is, or was, cancelled, or would be if it came now.
    pub fn is_cancelled(self) -> bool {
        matches!(self, Self::Cancelled | Self::Held | Self::EndedCancelled)
    }
}

/// What is remembered.
#[derive(Debug)]
pub struct Kept {
    /// Why.
    pub why: KeptFor,
    /// Since when, on the library's clock.
    pub since_ns: u64,
    /// Whether it was cancelled.
    pub is_cancelled: bool,
    /// Of a cancel that came first, whether its peer waits for an answer all the same.
    pub wants_answer: bool,
    /// Why it was cancelled.
    pub reason: String,
}

impl Kept {
    /// That a request is over, and nothing else of it.
    pub fn completed(since_ns: u64) -> Self {
        Self {
            why: KeptFor::Completed,
            since_ns,
            is_cancelled: false,
            wants_answer: false,
            reason: String::new(),
        }
    }

    /// What it says of its id. Both kinds that later messages look at are good for a time only.
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

    /// Whether it has been remembered for no longer than `ttl_ns`: the session's `early_ttl_ns`, or what a
    /// sweep was told.
    pub fn is_fresh(&self, now_ns: u64, ttl_ns: u64) -> bool {
        now_ns.saturating_sub(self.since_ns) <= ttl_ns
    }
}

/// What an id stands for.
#[derive(Debug)]
pub enum Entry {
    /// A live request's index.
    Live(u32),
    /// Something that is over, or has not come.
    Kept(Kept),
}
