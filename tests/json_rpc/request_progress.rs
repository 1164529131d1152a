//! `notifications/progress`: the peer is told how far its request is.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/sessions.rs"]
mod sessions;
#[path = "../support/shares.rs"]
mod shares;

use dcc_cancel::ffi::{
    job::*, job_life::*, job_texts::*, request_progress::*, session::dcc_session_desc, status::*,
};
use listening::{Job, alone, until};
use serde_json::{Value, json};
use sessions::Id::{Int, Text};
use sessions::{Request, Session, read};
use shares::Share;
use std::ptr::{null, null_mut};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

fn every(interval: Duration) -> impl FnOnce(&mut dcc_session_desc) {
    move |desc| desc.progress_interval_ns = interval.as_nanos() as u64
}

/// A session that sends a silent request's progress again whenever a note is asked for.
fn beating(desc: &mut dcc_session_desc) {
    (desc.progress_interval_ns, desc.progress_heartbeat_ns) = (1, 1);
}

const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

fn set(request: Request, progress: f64, total: f64, message: &str) -> dcc_status {
    // SAFETY: a filled-in structure whose text has that length.
    unsafe {
        let mut given: dcc_request_progress = std::mem::zeroed();
        given.struct_size = size_of::<dcc_request_progress>() as u32;
        (given.progress, given.total) = (progress, total);
        (given.message, given.message_length) = (message.as_ptr().cast(), message.len());
        dcc_request_set_progress(request.pointer(), &given)
    }
}

fn written(request: Request, flags: u32) -> String {
    // SAFETY: a writable buffer of that size.
    let (status, text) = read(|buffer, size, length| unsafe {
        dcc_request_write_progress(request.pointer(), flags, buffer, size, length)
    });
    assert_eq!(status, DCC_OK);
    text
}

/// The `params` of the note that is due, or null.
fn note(request: Request, flags: u32) -> Value {
    let text = written(request, flags);
    if text.is_empty() {
        return Value::Null;
    }
    let mut message: Value = serde_json::from_str(&text).unwrap();
    let params = message["params"].take();
    let envelope = json!({"jsonrpc": "2.0", "method": "notifications/progress", "params": null});
    assert_eq!(message, envelope);
    params
}

#[test]
fn a_peer_is_told_as_it_asked_and_as_others_tell_it() {
    let _alone = alone();
    let session = Session::with(every(NEVER));
    let request = session.begin_told(Int(1), Text("tok-1"));
    assert_eq!(set(request, 1.0, 10.0, "step 1"), DCC_OK);
    let recorded = include_str!("../data/mcp/recorded_messages.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["msg"].take())
        .find(|message| message["params"]["message"] == "step 1")
        .expect("a recorded note");
    // Compared as numbers, because 1 and 1.0 are the same in JSON.
    let as_floats = |mut message: Value| {
        for member in ["progress", "total"] {
            message["params"][member] = message["params"][member].as_f64().into();
        }
        message
    };
    let told: Value = serde_json::from_str(&written(request, 0)).unwrap();
    assert_eq!(as_floats(told), as_floats(recorded));
    request.finish();

    let request = session.begin_told(Int(1), Int(i64::MIN));
    assert_eq!(set(request, 0.5, 0.0, ""), DCC_OK);
    assert_eq!(note(request, 0), json!({"progressToken": i64::MIN, "progress": 0.5}));
    request.finish();
    session.release();
}

#[test]
fn values_rise_an_interval_apart_and_the_last_one_is_told_before_the_end() {
    let _alone = alone();
    // If the machine stood still between the values, none of them is left out, and the test tries
    // again.
    listening::with_enough_time(|interval| {
        let left_out = values_rise_and_the_last_is_told(interval);
        left_out.then_some(())
    });
}

/// Whether values between two notes were left out. Notes rise, and the last value is always told.
fn values_rise_and_the_last_is_told(interval: Duration) -> bool {
    let session = Session::with(every(interval));
    let request = session.begin_told(Text("a"), Int(7));
    let (mut told, mut last) = (Vec::new(), 0.0);
    while told.len() < 5 {
        last += 1.0;
        assert_eq!(set(request, last, 0.0, ""), DCC_OK);
        assert_eq!(set(request, last - 1.0, 0.0, "a slower worker"), DCC_OK);
        let note = note(request, 0);
        if let Some(value) = note["progress"].as_f64() {
            assert_eq!((value, &note["message"]), (last, &Value::Null), "the latest");
            told.push((value, Instant::now()));
        }
    }
    // Each note was written before its clock was read, the first one with one read less.
    let elapsed = told[4].1 - told[0].1;
    assert!(elapsed > interval * 3, "{elapsed:?}");
    set(request, last + 1.0, 0.0, "the end");
    assert_eq!(note(request, DCC_PROGRESS_NOW)["message"], "the end");
    assert_eq!(note(request, DCC_PROGRESS_NOW), Value::Null);
    request.finish();
    session.release();
    told[4].0 > 5.0
}

#[test]
fn nothing_is_told_after_the_end_nor_after_a_cancel_of_the_peer() {
    let _alone = alone();
    let session = Session::new();
    let cancelled = session.begin_told(Int(1), Int(1));
    set(cancelled, 1.0, 2.0, "");
    session.cancel(Int(1), "");
    assert_eq!(note(cancelled, DCC_PROGRESS_NOW), Value::Null);
    cancelled.finish();

    let stopped = session.begin_told(Int(2), Int(2));
    set(stopped, 1.0, 2.0, "");
    stopped.token().cancel();
    assert_eq!(note(stopped, 0)["progress"], 1, "its peer waits for an answer still");
    set(stopped, 2.0, 2.0, "");
    stopped.end();
    assert_eq!(note(stopped, DCC_PROGRESS_NOW), Value::Null);
    assert_eq!(set(stopped, 3.0, 0.0, ""), DCC_ALREADY_ENDED);
    stopped.release();
    session.release();
}

#[test]
fn who_did_not_ask_is_told_nothing() {
    let _alone = alone();
    let session = Session::new();
    let request = session.begin(Int(1));
    assert_eq!(set(request, 1.0, 2.0, ""), DCC_OK);
    assert_eq!(note(request, DCC_PROGRESS_NOW), Value::Null);
    request.finish();
    session.release();
}

#[test]
fn what_does_not_fit_is_not_lost() {
    let _alone = alone();
    let session = Session::new();
    let request = session.begin_told(Int(1), Text("\u{1}\""));
    let message = "\u{1}".repeat(4096);
    assert_eq!(set(request, 1.0, 2.0, &message), DCC_OK);
    let whole = {
        let mut length = 0;
        // SAFETY: no buffer; a writable length.
        let status =
            unsafe { dcc_request_write_progress(request.pointer(), 0, null_mut(), 0, &mut length) };
        assert_eq!(status, DCC_OK);
        length
    };
    assert!(whole > 6 * 4096, "{whole}");
    let mut buffer = vec![0_u8; whole + 1];
    for size in [1, whole, whole + 1] {
        let mut length = 0;
        // SAFETY: a writable buffer of that size.
        let status = unsafe {
            let to = buffer.as_mut_ptr().cast();
            dcc_request_write_progress(request.pointer(), 0, to, size, &mut length)
        };
        assert_eq!((status, length), (DCC_OK, whole));
    }
    let told: Value = serde_json::from_slice(&buffer[..whole]).unwrap();
    assert_eq!(told["params"]["message"], message);
    assert_eq!(told["params"]["progressToken"], "\u{1}\"");
    assert_eq!(note(request, DCC_PROGRESS_NOW), Value::Null, "it was taken");
    request.finish();
    session.release();
}

#[test]
fn a_jobs_progress_is_its_requests() {
    let _alone = alone();
    let session = Session::with(every(NEVER));
    let request = session.begin_told(Int(1), Int(1));
    let mut job = null_mut();
    // SAFETY: a filled-in descriptor and a writable result; then a text of that length.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
        assert_eq!(dcc_job_begin(job), DCC_OK);
        assert_eq!(dcc_job_set_progress(job, 3, 9, c"tiles".as_ptr(), usize::MAX), DCC_OK);
    }
    assert_eq!(dcc_request_set_progress_of_job(request.pointer(), job), DCC_OK);
    let whole = json!({"progressToken": 1, "progress": 3, "total": 9, "message": "tiles"});
    assert_eq!(note(request, 0), whole);
    assert_eq!(dcc_request_set_progress_of_job(request.pointer(), job), DCC_OK);
    assert_eq!(note(request, DCC_PROGRESS_NOW), Value::Null, "it is as far as it was");
    assert_eq!(dcc_job_release(job), DCC_OK);
    request.finish();
    session.release();
}

fn running_job() -> Job {
    let mut job = null_mut();
    // SAFETY: a filled-in descriptor and a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    assert_eq!(dcc_job_begin(job), DCC_OK);
    Job(job.addr())
}

/// A helper whose author does not know that it becomes a part of something larger.
fn helper(job: Job, name: &str, items: u64, mut each: impl FnMut()) {
    for done in 1..=items {
        let (text, length) = (name.as_ptr().cast(), name.len());
        // SAFETY: a text of that length.
        let status = unsafe { dcc_job_set_progress(job.pointer(), done, items, text, length) };
        assert_eq!(status, DCC_OK);
        each();
    }
}

/// Collects the notes of a request, which must rise.
#[derive(Default)]
struct Notes {
    all: Vec<Value>,
}

impl Notes {
    /// Takes the next note, which must be due. The values rise and stay below the total.
    fn take(&mut self, request: Request) {
        // A note is due once the clock has moved on.
        until("a note is due", || {
            let note = note(request, 0);
            let is_due = !note.is_null();
            if is_due {
                self.all.push(note);
            }
            is_due
        });
        let value = |note: &Value| note["progress"].as_f64().unwrap();
        let last = self.all.last().unwrap();
        assert!(last["total"].as_f64().is_none_or(|total| value(last) < total), "{last}");
        assert!(self.all.is_sorted_by(|a, b| value(a) < value(b)), "{:?}", self.all);
    }

    fn messages(&self) -> Vec<&str> {
        let all = self.all.iter().filter_map(|note| note["message"].as_str());
        let mut messages: Vec<&str> = all.collect();
        messages.dedup();
        messages
    }
}

#[test]
fn each_step_of_a_jobs_shares_is_told() {
    let _alone = alone();
    let session = Session::with(every(Duration::from_nanos(1)));
    let request = session.begin_told(Int(1), Int(1));
    let job = running_job();
    let mut notes = Notes::default();
    // A second call does no harm.
    assert_eq!(dcc_request_set_progress_of_job(request.pointer(), job.pointer()), DCC_OK);
    job.with_current(|| {
        let all = Share::begin(None, 0, 100, "Export");
        for (weight, name, items) in [(25, "Collect", 200), (60, "Write", 40), (15, "Send", 3)] {
            let step = Share::begin(Some(all), weight, 0, name);
            step.with_current(|| helper(job, "item", items, || notes.take(request)));
            step.end();
        }
        all.end();
    });
    assert_eq!(notes.all.len(), 243);
    let steps = ["Export > Collect > item", "Export > Write > item", "Export > Send > item"];
    assert_eq!(notes.messages(), steps);
    assert_eq!(notes.all[199]["total"], 1, "of the bar");
    assert_eq!(dcc_job_complete(job.pointer()), DCC_OK);
    let last = note(request, DCC_PROGRESS_NOW);
    assert_eq!((&last["progress"], &last["total"]), (&json!(1), &json!(1)));
    job.release();
    assert_eq!(note(request, DCC_PROGRESS_NOW), Value::Null, "the job is gone");
    request.finish();
    session.release();
}

#[test]
fn counts_and_words_that_follow_each_other_in_one_job_are_all_told() {
    let _alone = alone();
    let session = Session::with(every(Duration::from_nanos(1)));
    let request = session.begin_told(Int(1), Int(1));
    let job = running_job();
    let mut notes = Notes::default();
    assert_eq!(dcc_request_set_progress_of_job(request.pointer(), job.pointer()), DCC_OK);
    helper(job, "collect", 200, || notes.take(request));
    helper(job, "write", 100, || notes.take(request));
    assert_eq!(notes.all.len(), 300);
    assert!(notes.all.iter().all(|note| note["total"] == 200), "the scale of the first");
    for second in 1..=50 {
        helper(job, &format!("fillet, {second} s"), 1, || ());
        notes.take(request);
    }
    job.release();
    request.finish();

    // A job that counts nothing at all.
    let request = session.begin_told(Int(1), Int(1));
    let (job, mut notes) = (running_job(), Notes::default());
    assert_eq!(dcc_request_set_progress_of_job(request.pointer(), job.pointer()), DCC_OK);
    for second in 1..=50 {
        let text = format!("fillet, {second} s");
        let (text, length) = (text.as_ptr().cast(), text.len());
        // SAFETY: a text of that length.
        let status = unsafe { dcc_job_set_progress(job.pointer(), 0, 0, text, length) };
        assert_eq!(status, DCC_OK);
        notes.take(request);
    }
    assert_eq!(notes.messages().len(), 50);
    job.release();
    request.finish();
    session.release();
}

#[test]
fn one_opaque_call_beats_until_its_peer_does_not_wait() {
    let _alone = alone();
    let session = Session::with(beating);
    let silent = session.begin_told(Int(1), Int(1));
    let mut notes = Notes::default();
    for _ in 0..100 {
        notes.take(silent);
    }
    assert!(notes.all.iter().all(|note| note["total"].is_null()), "nothing is known of it");
    session.cancel(Int(1), "");
    for flags in [0, DCC_PROGRESS_NOW] {
        assert_eq!(note(silent, flags), Value::Null, "its peer has cancelled");
    }
    silent.finish();

    // If the progress and its text are known, the note has both.
    let request = session.begin_told(Int(1), Int(1));
    let (job, mut notes) = (running_job(), Notes::default());
    assert_eq!(dcc_request_set_progress_of_job(request.pointer(), job.pointer()), DCC_OK);
    helper(job, "boolean", 2, || notes.take(request));
    for _ in 0..100 {
        notes.take(request);
    }
    let is_whole = |note: &Value| note["message"] == "boolean" && note["total"] == 2;
    assert!(notes.all.iter().all(is_whole), "{:?}", notes.all);
    request.end();
    assert_eq!(note(request, 0), Value::Null, "it has ended");
    request.release();
    job.release();

    let request = session.begin_told(Int(1), Int(1));
    session.close();
    assert_eq!(note(request, 0), Value::Null, "the connection is over");
    request.finish();
    session.release();
}

#[test]
fn no_beat_follows_an_answer_or_a_cancel() {
    const REQUESTS: i64 = 3000;
    let _alone = alone();
    let session = Session::with(beating);
    // The ids of what was sent, in order; answers and cancels are negative.
    let output = Mutex::new(Vec::new());
    let live = Mutex::new(None::<(i64, Request)>);
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Acquire) {
                    let present = *live.lock().unwrap();
                    let Some((id, request)) = present else { continue };
                    let mut output = output.lock().unwrap();
                    // SAFETY: a buffer of that size. The handle may be stale, which is answered.
                    let (status, text) = read(|buffer, size, length| unsafe {
                        dcc_request_write_progress(request.pointer(), 0, buffer, size, length)
                    });
                    if status == DCC_OK && !text.is_empty() {
                        output.push(id);
                    }
                }
            });
        }
        for id in 1..=REQUESTS {
            let request = session.begin_told(Int(id), Int(id));
            *live.lock().unwrap() = Some((id, request));
            if id % 100 == 0 {
                let is_told = || output.lock().unwrap().contains(&id);
                until("the request is told of", is_told);
            }
            if id % 2 == 0 {
                let mut output = output.lock().unwrap();
                session.cancel(Int(id), "");
                output.push(-id);
            }
            let mut output = output.lock().unwrap();
            let (status, _) = request.end();
            output.push(-id);
            drop(output);
            assert_eq!(status, DCC_OK);
            request.release();
        }
        is_over.store(true, Ordering::Release);
    });
    let sent = output.into_inner().unwrap();
    let mut answered = 0;
    for id in &sent {
        assert!(id.unsigned_abs() > answered || *id < 0, "a note of {id} after its answer");
        answered = answered.max(id.saturating_neg().max(0).unsigned_abs());
    }
    assert!(sent.iter().filter(|id| **id > 0).count() as i64 >= REQUESTS / 100);
    session.release();
}

#[test]
fn misuse_is_answered() {
    let _alone = alone();
    let session = Session::new();
    let request = session.begin_told(Int(1), Int(1));
    for (progress, total) in [(f64::NAN, 1.0), (f64::INFINITY, 1.0), (1.0, f64::NEG_INFINITY)] {
        assert_eq!(set(request, progress, total, ""), DCC_ERROR_INVALID_ARGUMENT);
    }
    // SAFETY: what the functions refuse.
    unsafe {
        let to = request.pointer();
        assert_eq!(dcc_request_set_progress(to, null()), DCC_ERROR_INVALID_ARGUMENT);
        let mut small: dcc_request_progress = std::mem::zeroed();
        small.struct_size = 8;
        assert_eq!(dcc_request_set_progress(to, &small), DCC_ERROR_INVALID_ARGUMENT);
        assert_eq!(dcc_request_set_progress_of_job(to, null()), DCC_OK, "no job, no progress");
        let flags = dcc_request_write_progress(to, 2, null_mut(), 0, null_mut());
        assert_eq!(flags, DCC_ERROR_INVALID_ARGUMENT);
        let no_buffer = dcc_request_write_progress(to, 0, null_mut(), 8, null_mut());
        assert_eq!(no_buffer, DCC_ERROR_INVALID_ARGUMENT);
    }
    assert_eq!(note(request, 0), Value::Null, "nothing of that was noted");
    request.finish();
    assert_eq!(set(request, 1.0, 1.0, ""), DCC_ERROR_INVALID_HANDLE);
    session.release();
}

#[test]
fn threads_that_report_and_tell_at_once_never_tell_less_than_before() {
    let _alone = alone();
    let session = Session::with(every(Duration::from_micros(50)));
    let request = session.begin_told(Int(1), Int(1));
    let (is_over, count, greatest) = (AtomicBool::new(false), AtomicU32::new(0), AtomicU32::new(0));
    let told = thread::scope(|scope| {
        let report = || {
            let mut step = 0;
            while step < 20_000 || count.load(Ordering::Acquire) < 20 {
                step = greatest.fetch_add(1, Ordering::Relaxed) + 1;
                set(request, f64::from(step), 0.0, "step");
            }
        };
        let workers = [scope.spawn(report), scope.spawn(report), scope.spawn(report)];
        let teller = scope.spawn(|| {
            let mut told = Vec::new();
            while !is_over.load(Ordering::Acquire) {
                told.extend(note(request, 0)["progress"].as_f64());
                count.store(told.len() as u32, Ordering::Release);
            }
            told.extend(note(request, DCC_PROGRESS_NOW)["progress"].as_f64());
            told
        });
        until("the workers are done", || workers.iter().all(|worker| worker.is_finished()));
        is_over.store(true, Ordering::Release);
        teller.join().unwrap()
    });
    assert!(told.is_sorted_by(|before, after| before < after));
    assert_eq!(told.last(), Some(&f64::from(greatest.into_inner())));
    request.finish();
    session.release();
}
