//! The status that a question whether to stop is answered with.

use super::status::{
    DCC_CANCELLED_BY_JOB, DCC_CANCELLED_BY_TOKEN, DCC_OK, DCC_POLL_GONE, dcc_status,
};
use super::{library, thread};
use crate::diagnosis::place::Place;
use crate::handle::{AROUND, Handle, NULL};
use crate::sys::process;
use crate::token::ask::Answer;

/// The answer of a poll of a token and a job. `token` and `job` are the `expected` values of the
/// poll's two layers. What the poll saw is noted for the diagnosis. The poll of a sealed job always
/// answers `DCC_OK`.
pub(super) fn poll_layers(
    token: Handle,
    job: Handle,
    thread: impl Fn() -> u64,
    place: impl FnOnce() -> Place,
) -> dcc_status {
    let tokens = library().tokens();
    if (token | job) & AROUND != 0 && process::is_usable() {
        thread::ask_around();
    }
    let (token, job) = (token & !AROUND, job & !AROUND);
    // Asking a host's check and noting for the diagnosis take locks. Where no lock may be taken,
    // only the words are read.
    let ask = |token| {
        if process::is_usable() { tokens.answer(token, &thread) } else { tokens.look(token).0 }
    };
    let mut by_token = ask(token);
    let mut answer = if by_token == Answer::Quiet { ask(job) } else { by_token };
    if answer != Answer::Quiet && tokens.is_sealed(job) {
        (by_token, answer) = (Answer::Quiet, Answer::Quiet);
    }
    let cancelled = match (by_token, answer) {
        // The token stops only a part of the job's work, so the job itself was not told to stop.
        (Answer::Cancelled, _) if !thread::is_told_by_token(token, job) => NULL,
        (Answer::Cancelled, _) => token,
        (_, Answer::Cancelled) => job,
        _ => NULL,
    };
    if process::is_usable() {
        tokens.note_poll(token, job, cancelled, place);
    }
    if by_token != Answer::Quiet {
        return token_status(token, answer);
    }
    if answer != Answer::Quiet {
        thread::note_told();
    }
    status(answer, DCC_CANCELLED_BY_JOB)
}

/// The status for a token's answer. An answer that says stop is also noted for the calling thread,
/// see `thread::note_told_by_token`.
pub(super) fn token_status(token: Handle, answer: Answer) -> dcc_status {
    if answer != Answer::Quiet {
        thread::note_told_by_token(token);
    }
    status(answer, DCC_CANCELLED_BY_TOKEN)
}

/// The status for a job's answer. An answer that says stop is also noted for the calling thread,
/// see `thread::note_told_by_job`.
pub(super) fn job_status(job: Handle, answer: Answer) -> dcc_status {
    if answer != Answer::Quiet {
        thread::note_told_by_job(job);
    }
    status(answer, DCC_CANCELLED_BY_JOB)
}

fn status(answer: Answer, cancelled: dcc_status) -> dcc_status {
    match answer {
        Answer::Quiet => DCC_OK,
        Answer::Cancelled => cancelled,
        Answer::Gone => DCC_POLL_GONE,
    }
}
