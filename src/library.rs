//! The library: all that it keeps, side by side. The C boundary has the one static `Library`; tests make
//! their own.
//!
//! Each part is a table of objects of one kind. What is done with them is written in the part's room, for a
//! view: the references to its own table and to the lower ones that it needs, copied about as one reference
//! would be. A view reaches what is below it and nothing above it, and only here are views made. So the
//! compiler sees to the order of the rooms.
//!
//! Who holds whom, so that it lives for as long:
//!
//! | this | holds |
//! |---|---|
//! | a token | its parents |
//! | a token's list of callbacks and waits | each registration in it; a registration holds no token |
//! | a job | its token |
//! | what is current on a thread, or captured | the token, the job and the share of progress |
//! | a posted job | its job, the token that it was posted under, its dispatcher |
//! | a request | its session, its token |
//! | a thing with an owner: a job, a registration, a posted job, a host's functions | its owner |
//!
//! The rest names an object by an index or an id and holds nothing: a deadline, a share of progress its job,
//! what a token knows of the job posted under it, the ids of a session or a dispatcher. It goes before the
//! object does, or is compared.

use crate::diagnosis::Diagnosis;
use crate::dispatcher::{DispatcherTable, Dispatchers};
use crate::job::share::Shares;
use crate::job::{JobTable, Jobs};
use crate::memory::magazine::Shelved;
use crate::owner::Owners;
use crate::peer::request::{RequestTable, Requests};
use crate::peer::session::Sessions;
use crate::queue::Queues;
use crate::sys::sync::constructor;
use crate::sys::thread_rack::{Rack, ShelfPlace};
use crate::thread::context::{ContextTable, Contexts};
use crate::token::Tokens;

/// All that the library keeps.
#[derive(Debug)]
pub struct Library {
    tokens: Tokens,
    jobs: JobTable,
    contexts: ContextTable,
    dispatchers: DispatcherTable,
    sessions: Sessions,
    requests: RequestTable,
}

impl Library {
    constructor! {
        /// A library with nothing in it.
        pub fn new() -> Self {
            Self {
                tokens: Tokens::new(),
                jobs: JobTable::new(),
                contexts: ContextTable::new(),
                dispatchers: DispatcherTable::new(),
                sessions: Sessions::new(),
                requests: RequestTable::new(),
            }
        }
    }

    fn each_shelved(&self, each: &mut dyn FnMut(&dyn Shelved)) {
        self.tokens.each_shelved(each);
        self.jobs.each_shelved(each);
        self.requests.each_shelved(each);
        self.contexts.each_shelved(each);
    }

    /// Lets threads have magazines of this library's pools. Of one library in a process, before it is used;
    /// it is never dropped.
    pub fn give_places(&self) {
        let mut places = ShelfPlace::all();
        self.each_shelved(&mut |pool| {
            // A pool that finds no place goes on without.
            pool.set_place(places.next().unwrap_or(ShelfPlace::NONE));
        });
    }

    /// Takes back the free cells of a thread that ends.
    pub fn take_back(&self, rack: &Rack) {
        self.each_shelved(&mut |pool| pool.take_back(rack));
    }

    /// The tokens, of jobs, requests and others.
    #[inline(always)]
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The owners of plugins' functions.
    #[inline(always)]
    pub fn owners(&self) -> &Owners {
        self.tokens.owners()
    }

    /// What waits in dispatchers.
    #[inline(always)]
    pub fn queues(&self) -> &Queues {
        self.tokens.queues()
    }

    /// What is known of polls and cancels.
    #[inline(always)]
    pub fn diagnosis(&self) -> &Diagnosis {
        self.tokens.diagnosis()
    }

    /// The jobs.
    #[inline(always)]
    pub const fn jobs(&self) -> Jobs<'_> {
        Jobs::new(&self.jobs, &self.tokens)
    }

    /// The shares of jobs' progress.
    #[inline(always)]
    pub const fn shares(&self) -> Shares<'_> {
        Shares::new(self.jobs())
    }

    /// What is installed on threads, and captured.
    #[inline(always)]
    pub const fn contexts(&self) -> Contexts<'_> {
        Contexts::new(&self.contexts, self.shares())
    }

    /// The dispatchers.
    #[inline(always)]
    pub const fn dispatchers(&self) -> Dispatchers<'_> {
        Dispatchers::new(&self.dispatchers, self.contexts())
    }

    /// The sessions.
    #[inline(always)]
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// The requests.
    #[inline(always)]
    pub const fn requests(&self) -> Requests<'_> {
        Requests::new(&self.requests, &self.sessions, &self.tokens)
    }
}
