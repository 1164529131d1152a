//! What a question whether to stop is answered in C.

use super::status::{
    DCC_CANCELLED_BY_JOB, DCC_CANCELLED_BY_TOKEN, DCC_OK, DCC_POLL_GONE, dcc_status,
};
use super::{library, thread};
use crate::diagnosis::place::Place;
use crate::handle::{Handle, NULL};
use crate::sys::process;
use crate::token::ask::Answer;

/// What the two layers of a poll say, noted for the diagnosis.
pub(super) fn poll_layers(
    token: Handle,
    job: Handle,
    thread: impl Fn() -> u64,
    place: impl FnOnce() -> Place,
) -> dcc_status {
    let tokens = library().tokens();
    // Where no lock can be taken only the words are looked at: asking hosts and taking notes need locks.
    let ask = |token| {
        if process::is_usable() { tokens.answer(token, &thread) } else { tokens.look(token).0 }
    };
    let by_token = ask(token);
    let answer = if by_token == Answer::Quiet { ask(job) } else { by_token };
    let cancelled = match (by_token, answer) {
        (Answer::Cancelled, _) => token,
        (_, Answer::Cancelled) => job,
        _ => NULL,
    };
    if process::is_usable() {
        tokens.note_poll(token, job, cancelled, place);
    }
    if by_token == Answer::Quiet { job_status(answer) } else { token_status(answer) }
}

/// What the answer of a token's layer is in C.
pub(super) fn token_status(answer: Answer) -> dcc_status {
    status(answer, DCC_CANCELLED_BY_TOKEN)
}

/// What the answer of a job's layer is in C.
pub(super) fn job_status(answer: Answer) -> dcc_status {
    status(answer, DCC_CANCELLED_BY_JOB)
}

/// An answer in C; one that says stop is noted of the thread.
fn status(answer: Answer, cancelled: dcc_status) -> dcc_status {
    if answer != Answer::Quiet {
        thread::note_told();
    }
    match answer {
        Answer::Quiet => DCC_OK,
        Answer::Cancelled => cancelled,
        Answer::Gone => DCC_POLL_GONE,
    }
}
