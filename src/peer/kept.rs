//! What an id stands for: a live request, or what is remembered of an id without one.

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

/// What is remembered.
#[derive(Debug)]
pub struct Kept {
    /// Why.
    pub why: KeptFor,
    /// Since when, on the library's clock.
    pub since_ns: u64,
    /// Whether it was cancelled.
    pub is_cancelled: bool,
    /// Why it was cancelled.
    pub reason: String,
}

impl Kept {
    /// That a request is over, and nothing else of it.
    pub fn completed(since_ns: u64) -> Self {
        Self { why: KeptFor::Completed, since_ns, is_cancelled: false, reason: String::new() }
    }

    /// For how long it has been remembered.
    pub fn age_ns(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.since_ns)
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
