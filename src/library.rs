//! The library: all its parts side by side. The C boundary has the one static `Library`; tests make
//! their own.
//!
//! Each part is a table of objects of one kind. The operations on a table are in the part's room,
//! on a view of the table. A view is a set of references, to its own table and to the lower ones
//! that it needs, and is copied as a single reference would be. A view reaches what is below it and
//! nothing above it, and views are made only here. So the compiler enforces the order of the rooms.
//!
//! An object of the left column keeps the objects of the right column alive:
//!
//! | object | holds |
//! |---|---|
//! | a token | its parents |
//! | a token's list of callbacks and waits | each registration in it |
//! | the keeping registrations of a token, together | the token, while a cancel has a source |
//! | a job | its token |
//! | what is current on a thread, or captured | the token, the job and the share of progress |
//! | a posted job | its job, the token that it was posted under, its dispatcher |
//! | a request | its session, its token |
//! | a thing with an owner: a job, a registration, a posted job, a host's functions | its owner |
//!
//! All other links name an object by an index or an id and hold nothing: a deadline its token, a
//! share of progress its job, a token the job that is posted under it, a session or a dispatcher
//! the objects of its ids. Such a link is removed before the object dies, or it is compared with
//! the object before it is used.

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

/// All parts of the library.
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

    /// Lets threads have magazines of this library's pools. Only for one library in a process,
    /// before it is used. That library must never be dropped.
    pub fn give_places(&self) {
        let mut places = ShelfPlace::all();
        self.each_shelved(&mut |pool| {
            // A pool that gets no place works without magazines.
            pool.set_place(places.next().unwrap_or(ShelfPlace::NONE));
        });
    }

    /// Called when a thread ends. Takes back the free cells that the thread had at hand in `rack`.
    pub fn take_back(&self, rack: &Rack) {
        self.each_shelved(&mut |pool| pool.take_back(rack));
    }

    /// All tokens, of jobs, of requests and others.
    #[inline(always)]
    pub const fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// The owners of plugins' functions.
    #[inline(always)]
    pub fn owners(&self) -> &Owners {
        self.tokens.owners()
    }

    /// The queues of dispatchers, and the jobs that are posted to them.
    #[inline(always)]
    pub fn queues(&self) -> &Queues {
        self.tokens.queues()
    }

    /// What is recorded of polls and cancels.
    #[inline(always)]
    pub fn diagnosis(&self) -> &Diagnosis {
        self.tokens.diagnosis()
    }

    /// A view of all jobs.
    #[inline(always)]
    pub const fn jobs(&self) -> Jobs<'_> {
        Jobs::new(&self.jobs, &self.tokens)
    }

    /// A view of all shares of jobs' progress.
    #[inline(always)]
    pub const fn shares(&self) -> Shares<'_> {
        Shares::new(self.jobs())
    }

    /// A view of what is installed on threads, and captured.
    #[inline(always)]
    pub const fn contexts(&self) -> Contexts<'_> {
        Contexts::new(&self.contexts, self.shares())
    }

    /// A view of all dispatchers.
    #[inline(always)]
    pub const fn dispatchers(&self) -> Dispatchers<'_> {
        Dispatchers::new(&self.dispatchers, self.contexts())
    }

    #[inline(always)]
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// A view of all requests of peers.
    #[inline(always)]
    pub const fn requests(&self) -> Requests<'_> {
        Requests::new(&self.requests, &self.sessions, &self.tokens)
    }
}
