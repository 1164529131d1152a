//! What a question whether to stop is answered in C.

use super::status::{
    DCC_CANCELLED_BY_JOB, DCC_CANCELLED_BY_TOKEN, DCC_OK, DCC_POLL_GONE, dcc_status,
};
use super::{library, thread};
use crate::diagnosis::place::Place;
use crate::handle::{AROUND, Handle, NULL};
use crate::sys::process;
use crate::token::ask::Answer;

/// What the two layers of a poll say, by what they expect, noted for the diagnosis. Nothing stops a job that
/// is sealed.
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
    // Where no lock can be taken only the words are looked at: asking hosts and taking notes need locks.
    let ask = |token| {
        if process::is_usable() { tokens.answer(token, &thread) } else { tokens.look(token).0 }
    };
    let mut by_token = ask(token);
    let mut answer = if by_token == Answer::Quiet { ask(job) } else { by_token };
    if answer != Answer::Quiet && tokens.is_sealed(job) {
        (by_token, answer) = (Answer::Quiet, Answer::Quiet);
    }
    let cancelled = match (by_token, answer) {
        // That a part of its work is stopped says nothing of the job.
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

/// What the answer of a token is in C; one that says stop is noted of the thread.
pub(super) fn token_status(token: Handle, answer: Answer) -> dcc_status {
    if answer != Answer::Quiet {
        thread::note_told_by_token(token);
    }
    status(answer, DCC_CANCELLED_BY_TOKEN)
}

/// What the answer of a job is in C; one that says stop is noted of the thread.
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
