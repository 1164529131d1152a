//! Requests of a session, beside a concurrent map that would hold only the handles of their tokens.

use super::figures::{Figures, compared, nanoseconds, rounds};
use super::table::Table;
use super::targets::MAP;
use dashmap::DashMap;
use dcc_cancel::ffi::{request::*, request_id::*, session::*, status::DCC_OK};
use std::hint::black_box;
use std::ptr::null_mut;

/// The number of requests in flight in the rows that have a target.
const IN_FLIGHT: i64 = 16;
const TIMES: i64 = 20_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Id {
    Integer(i64),
    Text(String),
}

/// An id of the kind that clients use.
fn id(number: i64, is_text: bool) -> Id {
    if is_text { Id::Text(format!("request-{number:08}")) } else { Id::Integer(number) }
}

fn begin(session: *const dcc_session, id: &Id) -> *mut dcc_request {
    let mut request = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_request_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_request_desc>() as u32;
        match id {
            Id::Integer(integer) => {
                (desc.id.r#type, desc.id.integer) = (DCC_ID_INTEGER, *integer);
            }
            Id::Text(text) => {
                desc.id.r#type = DCC_ID_TEXT;
                (desc.id.text, desc.id.text_length) = (text.as_ptr().cast(), text.len());
            }
        }
        assert_eq!(dcc_request_begin(session, &desc, &mut request), DCC_OK);
    }
    request
}

fn end(request: *mut dcc_request) {
    // SAFETY: what is owed does not matter.
    assert_eq!(unsafe { dcc_request_end(request, null_mut()) }, DCC_OK);
    assert_eq!(dcc_request_release(request), DCC_OK);
}

fn session() -> *mut dcc_session {
    let mut session = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_session_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_session_desc>() as u32;
        desc.max_requests = DCC_MAX_SESSION_QUOTA;
        assert_eq!(dcc_session_create(&desc, &mut session), DCC_OK);
    }
    session
}

/// This many requests in flight, in as many sessions as that needs, and the map.
struct InFlight {
    sessions: Vec<*mut dcc_session>,
    requests: Vec<*mut dcc_request>,
    map: DashMap<(u64, Id), u64>,
}

impl InFlight {
    fn new(count: i64) -> Self {
        // Each session has room for one more.
        let of_each = i64::from(DCC_MAX_SESSION_QUOTA) - 1;
        let sessions: Vec<_> = (0..(count + of_each - 1) / of_each).map(|_| session()).collect();
        let other = |number: i64| (number as usize % sessions.len(), Id::Integer(-1 - number));
        let requests = (0..count).map(other).map(|(of, id)| begin(sessions[of], &id)).collect();
        let map = (0..count).map(other).map(|(of, id)| ((of as u64, id), 7)).collect();
        Self { sessions, requests, map }
    }

    fn requests(&self, ids: &[Id]) -> f64 {
        let sessions = self.sessions.iter().cycle();
        nanoseconds(|| ids.iter().zip(sessions).for_each(|(id, of)| end(begin(*of, id))))
    }

    fn map(&self, ids: &[Id]) -> f64 {
        let sessions = (0..self.sessions.len() as u64).cycle();
        nanoseconds(|| {
            for (id, of) in ids.iter().zip(sessions) {
                // The map owns its keys, as a session owns ids. The code that removes an entry has
                // a key already.
                let key = (of, id.clone());
                self.map.insert((of, id.clone()), black_box(7));
                assert!(black_box(self.map.remove(&key)).is_some());
            }
        })
    }

    fn compared(&self, rounds: usize, ids: &[Id]) -> Figures {
        compared(rounds, ids.len() as u64, || self.requests(ids), || self.map(ids))
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.requests.drain(..).for_each(end);
        for session in self.sessions.drain(..) {
            assert_eq!(dcc_session_release(session), DCC_OK);
        }
    }
}

/// Requests that begin and end, with both types of id; then the same while one to a million are in
/// flight.
pub fn compare(table: &mut Table) {
    table.head("requests, called from Rust");
    let few = InFlight::new(IN_FLIGHT);
    for (name, is_text) in [("an integer", false), ("a text", true)] {
        let ids: Vec<Id> = (1..=TIMES).map(|number| id(number, is_text)).collect();
        let figures = few.compared(rounds(41, 5), &ids);
        table.row(&format!("begin and end a request, {name}"), MAP, &figures);
    }
    let ids: Vec<Id> = (1..=TIMES).map(|number| id(number, false)).collect();
    for count in [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000] {
        let figures = InFlight::new(count).compared(rounds(21, 3), &ids);
        table.row(&format!("begin and end a request, {count} in flight"), MAP, &figures);
    }
}
