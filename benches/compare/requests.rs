//! Requests of a session beside a concurrent map that would hold nothing but their tokens' handles.

use super::figures::{compared, nanoseconds, rounds};
use super::table::Table;
use super::targets::MAP;
use dashmap::DashMap;
use dcc_cancel::ffi::{request::*, request_id::*, session::*, status::DCC_OK};
use std::hint::black_box;
use std::ptr::null_mut;

/// So many requests are in flight while one comes and goes.
const IN_FLIGHT: i64 = 16;
const TIMES: i64 = 20_000;

#[derive(Clone, PartialEq, Eq, Hash)]
enum Id {
    Integer(i64),
    Text(String),
}

/// As clients number them.
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

fn requests(ids: &[Id]) -> f64 {
    let mut session = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_session_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_session_desc>() as u32;
        assert_eq!(dcc_session_create(&desc, &mut session), DCC_OK);
    }
    let others: Vec<_> = (-IN_FLIGHT..0).map(|id| begin(session, &Id::Integer(id))).collect();
    let time = nanoseconds(|| ids.iter().for_each(|id| end(begin(session, id))));
    others.into_iter().for_each(end);
    assert_eq!(dcc_session_release(session), DCC_OK);
    time
}

fn map(ids: &[Id]) -> f64 {
    let map: DashMap<(u64, Id), u64> = DashMap::new();
    for other in -IN_FLIGHT..0 {
        map.insert((1, Id::Integer(other)), 7);
    }
    nanoseconds(|| {
        for id in ids {
            // Its key is its own, as a request's is; who takes it out has one already.
            let key = (1, id.clone());
            map.insert((1, id.clone()), black_box(7));
            assert!(black_box(map.remove(&key)).is_some());
        }
    })
}

/// Requests that come and go, with both types of id.
pub fn compare(table: &mut Table) {
    table.head("requests, called from Rust");
    for (name, is_text) in [("an integer", false), ("a text", true)] {
        let ids: Vec<Id> = (1..=TIMES).map(|number| id(number, is_text)).collect();
        let figures = compared(rounds(41, 5), TIMES as u64, || requests(&ids), || map(&ids));
        table.row(&format!("begin and end a request, {name}"), MAP, &figures);
    }
}
