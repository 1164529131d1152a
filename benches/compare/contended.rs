//! Two threads at the same time, on one token and on a token each, beside one thread and beside two
//! threads of the peer.

use super::program::Program;
use super::table::Table;

/// Works, each with its peer if it has one.
const ROWS: &[(&str, Option<&str>)] = &[
    ("create and release", Some("std::stop_source")),
    ("create and release a child", None),
    ("register and unregister", Some("std::stop_callback")),
    ("post a job", Some("g_idle_source attached")),
    ("cancel", Some("std::stop_source::request_stop")),
];

pub fn compare(program: &Program, table: &mut Table) {
    table.head(&format!("two threads, built by {}", program.compiler));
    for (work, peer) in ROWS {
        let peer = peer.filter(|peer| program.has(peer));
        let arguments: Vec<&str> = ["threads", work].into_iter().chain(peer).collect();
        program.rows(&arguments, table);
    }
}
