//! The control endpoint and `dcc-control`. This test program is the host and has several jobs; it
//! starts the tool, which asks it from outside.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/shares.rs"]
mod shares;

use dcc_cancel::ffi::{
    control::*, current::*, deadline::*, dispatcher::*, events::*, job::*, job_life::*,
    job_texts::*, library::*, poll::*, post::*, pump::*, registration::*, seal::*, status::*,
    token::*,
};
use dcc_cancel::printable::{self, Escaped};
use dcc_cancel::sys::endpoint;
use listening::state_of;
use serde_json::{Value, json};
use shares::Share;
use std::collections::HashSet;
use std::ffi::{CStr, CString, c_void};
use std::process::{Command, Output};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

#[path = "../support/raw_job.rs"]
mod raw_job;

use raw_job::{new_job, poll, with_current};

/// Lets one test run at a time, because the endpoint belongs to the whole process.
struct Host(#[allow(dead_code, reason = "held")] MutexGuard<'static, ()>);

impl Host {
    fn alone() -> MutexGuard<'static, ()> {
        static LOCK: Mutex<()> = Mutex::new(());
        LOCK.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(name: &str) -> Self {
        let alone = Self::alone();
        assert_eq!(open(name), DCC_OK);
        Self(alone)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        assert_eq!(dcc_control_close(), DCC_OK);
    }
}

fn open(name: &str) -> dcc_status {
    // SAFETY: zero is a value of the descriptor; a text of that length.
    unsafe {
        let mut desc: dcc_control_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_control_desc>() as u32;
        desc.name = name.as_ptr().cast();
        desc.name_length = name.len();
        dcc_control_open(&desc)
    }
}

fn address() -> (dcc_status, String) {
    let mut room = [0; 256];
    let mut length = 0;
    // SAFETY: a buffer of that size, a writable result.
    let status = unsafe { dcc_control_address(room.as_mut_ptr(), room.len(), &mut length) };
    // SAFETY: ended by NUL.
    let text = unsafe { CStr::from_ptr(room.as_ptr()) }.to_str().unwrap().to_owned();
    assert_eq!(text.len(), length);
    (status, text)
}

/// The output of the tool, and its exit status.
struct Answer {
    status: i32,
    shown: String,
    complaint: String,
}

fn tool(arguments: &[&str]) -> Answer {
    let process = std::process::id().to_string();
    let mut command = Command::new(env!("CARGO_BIN_EXE_dcc-control"));
    let Output { status, stdout, stderr } =
        command.args(arguments).args(["--process", &process]).output().unwrap();
    Answer {
        status: status.code().unwrap(),
        shown: String::from_utf8(stdout).unwrap(),
        complaint: String::from_utf8(stderr).unwrap(),
    }
}

/// A listing of all pages. The host gives a client a second to read an answer. On a busy machine a
/// client may need more; the tool then says so and is run again.
fn list_of_all_pages(arguments: &[&str]) -> Answer {
    let mut answer = tool(arguments);
    for _ in 1..100 {
        if answer.status == 0 {
            break;
        }
        answer = tool(arguments);
    }
    assert_eq!(answer.status, 0, "{}", answer.complaint);
    answer
}

fn listed(arguments: &[&str]) -> Value {
    let answer = list_of_all_pages(&[&["list", "--json"], arguments].concat());
    let hosts: Value = serde_json::from_str(&answer.shown).unwrap();
    hosts[0].clone()
}

fn set_progress(job: *mut dcc_job, done: u64, total: u64, message: &CStr) {
    let length = message.count_bytes();
    // SAFETY: a text of that length.
    let status = unsafe { dcc_job_set_progress(job, done, total, message.as_ptr(), length) };
    assert_eq!(status, DCC_OK);
}

/// Ends the threads that ask in a loop, even when the test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A job that another thread works on until it sees a cancel.
fn working(label: &CStr, body: impl FnOnce(*mut dcc_job) + Send + 'static) -> (u64, Work) {
    let job = new_job(label);
    assert_eq!(dcc_job_begin(job), DCC_OK);
    let (id, bits) = (dcc_job_id(job), job as usize);
    let thread = thread::spawn(move || {
        let job = bits as *mut dcc_job;
        with_current(job, || body(job));
        assert_eq!(dcc_job_acknowledge_cancel(job), DCC_OK);
        assert_eq!(dcc_job_release(job), DCC_OK);
    });
    (id, Work(Some(thread)))
}

/// A wait that takes longer counts as hanging.
const LONG_TIME: Duration = Duration::from_secs(include!("../support/hang_seconds"));

struct Work(Option<thread::JoinHandle<()>>);

impl Work {
    fn join(mut self) {
        self.0.take().unwrap().join().unwrap();
    }
}

fn until_cancelled(_job: *mut dcc_job) {
    while poll(c"bake.cpp", 40) == DCC_OK {
        thread::sleep(Duration::from_millis(1));
    }
}

/// A reference to the job of this id.
fn found(id: u64) -> *mut dcc_job {
    let mut job = null_mut();
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_find(id, &mut job) }, DCC_OK);
    job
}

fn release(job: *mut dcc_job) {
    assert_eq!(dcc_job_release(job), DCC_OK);
}

#[test]
fn nothing_is_open_unless_it_is_asked_for() {
    let _alone = Host::alone();
    assert_eq!(address(), (DCC_NOT_FOUND, String::new()));
    assert_eq!(dcc_control_close(), DCC_OK);
    let answer = tool(&["list"]);
    assert_eq!(answer.status, 1);
    assert!(answer.complaint.contains("has not called dcc_control_open"), "{}", answer.complaint);
}

#[test]
fn it_is_opened_once_closed_and_opened_again() {
    let _alone = Host::alone();
    for name in ["First", "Second"] {
        assert_eq!(open(name), DCC_OK);
        assert_eq!(open("Another"), DCC_OK, "it is open");
        assert_eq!(address(), (DCC_OK, endpoint::address_of(std::process::id())));
        assert_eq!(listed(&[])["host"]["name"], name);
        assert_eq!(dcc_control_close(), DCC_OK);
        assert_eq!(address().0, DCC_NOT_FOUND);
        assert_eq!(tool(&["list"]).status, 1);
    }
    // SAFETY: NULL is all defaults.
    assert_eq!(unsafe { dcc_control_open(null()) }, DCC_OK);
    let program = std::env::current_exe().unwrap();
    let host = &listed(&[])["host"];
    assert_eq!(host["name"], program.file_name().unwrap().to_str().unwrap());
    assert_eq!(host["process"], std::process::id());
    assert_eq!(host["library"], env!("CARGO_PKG_VERSION"));
    assert_eq!(dcc_control_close(), DCC_OK);
}

#[test]
fn wrong_descriptors_open_nothing() {
    let _alone = Host::alone();
    // SAFETY: zero is a value of the descriptor.
    let mut desc: dcc_control_desc = unsafe { std::mem::zeroed() };
    // SAFETY: a readable descriptor.
    assert_eq!(unsafe { dcc_control_open(&desc) }, DCC_ERROR_INVALID_ARGUMENT, "no size");
    desc.struct_size = size_of::<dcc_control_desc>() as u32;
    desc.flags = 1;
    // SAFETY: as above.
    assert_eq!(unsafe { dcc_control_open(&desc) }, DCC_ERROR_INVALID_ARGUMENT, "flags");
    desc.flags = 0;
    desc.name = c"\xff".as_ptr();
    desc.name_length = 1;
    // SAFETY: as above.
    assert_eq!(unsafe { dcc_control_open(&desc) }, DCC_ERROR_INVALID_ARGUMENT, "no UTF-8");
    assert_eq!(address().0, DCC_NOT_FOUND);
}

#[test]
fn jobs_are_listed_with_their_progress() {
    let _host = Host::open("Maya 2026, shot 12");
    let job = new_job(c"Bake\x1b[2Jlighting");
    let id = dcc_job_id(job);
    let answer = tool(&["list"]);
    assert_eq!(answer.status, 0, "{}", answer.complaint);
    assert!(answer.shown.starts_with("Maya 2026, shot 12, process "), "{}", answer.shown);
    assert!(answer.shown.contains(" pending "), "{}", answer.shown);

    assert_eq!(dcc_job_begin(job), DCC_OK);
    set_progress(job, 3, 4, c"frame 3");
    let answer = tool(&["list"]);
    let bar = "[###############-----]  75 %";
    assert!(answer.shown.contains(bar), "{}", answer.shown);
    assert!(!answer.shown.contains('\x1b'), "it steers the terminal\n{}", answer.shown);
    assert!(answer.shown.contains(r"Bake\u{1b}[2Jlighting: frame 3"), "{}", answer.shown);

    let host = listed(&[]);
    let listed_job = host["jobs"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap();
    assert_eq!(listed_job["label"], "Bake\x1b[2Jlighting");
    let progress = &listed_job["progress"];
    assert_eq!((&progress["done"], &progress["fraction"]), (&json!(3), &json!(0.75)));
    assert!(progress["time_left_ns"].is_null(), "it has just begun");
    assert!(answer.shown.contains("frame 3 [time left unknown]"), "{}", answer.shown);

    assert_eq!(dcc_job_complete(job), DCC_OK);
    let has_it = |host: &Value| host["jobs"].as_array().unwrap().iter().any(|one| one["id"] == id);
    assert!(!has_it(&listed(&[])), "it has ended");
    assert!(has_it(&listed(&["--ended"])));
    release(job);
    assert!(!has_it(&listed(&["--ended"])), "it is gone");
}

/// One character of each kind that could steer a terminal, reverse a line or hide in it: C0, DEL,
/// C1, marks of direction, of zero width and of order, separators, tags.
const HOSTILE: &str = "<\u{1}\u{7}\
    \u{1b}[2J\u{7f}\u{80}\u{85}\u{9b}31m\u{9d}0;x\u{9c}\u{ad}\u{61c}\u{200b}\u{200d}\
    \u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\
    \u{feff}\u{fffb}\u{e0001}\u{e0041}\u{e007f}\n\r\tä 😀>";

fn assert_harmless(output: &str, what: &str) {
    for line in output.lines() {
        let bad = line.chars().find(|character| !printable::is_printable(*character));
        assert_eq!(bad, None, "{what}: {line:?}");
    }
    assert!(!output.contains('\r'), "{what}: {output:?}");
}

#[test]
fn nothing_that_is_printed_steers_a_terminal() {
    let _host = Host::open(HOSTILE);
    let hostile = CString::new(HOSTILE).unwrap();
    let escaped = Escaped(HOSTILE).to_string();
    let file = hostile.clone();
    let (id, work) = working(&hostile, move |_| {
        while poll(&file, 40) == DCC_OK {
            thread::sleep(Duration::from_millis(1));
        }
    });
    let job = found(id);
    set_progress(job, 1, 2, &hostile);
    // A job that does not poll, so that it is listed with the reason of its cancel.
    let deaf = new_job(&hostile);
    assert_eq!(dcc_job_begin(deaf), DCC_OK);
    let length = hostile.count_bytes();
    // SAFETY: a text of that length.
    assert_eq!(unsafe { dcc_job_cancel(deaf, hostile.as_ptr(), length) }, DCC_OK);
    let deaf_id = dcc_job_id(deaf).to_string();

    let id = id.to_string();
    let list = tool(&["list"]);
    assert_eq!(
        list.shown.matches(&escaped).count(),
        5,
        "name, labels, message, reason\n{}",
        list.shown
    );
    let answers = [
        ("list", list),
        ("list --json", tool(&["list", "--json"])),
        ("trace", tool(&["trace", &id, "--seconds", "0.2"])),
        ("cancel", tool(&["cancel", &id, "--reason", HOSTILE])),
        ("cancel of a deaf one", tool(&["cancel", &deaf_id, "--wait", "0"])),
        ("watch", {
            assert_eq!(dcc_job_acknowledge_cancel(deaf), DCC_OK);
            tool(&["watch", &deaf_id])
        }),
        ("a wrong command", tool(&[HOSTILE])),
        ("a wrong option", tool(&[&format!("--{HOSTILE}")])),
    ];
    for (what, answer) in &answers {
        assert_harmless(&answer.shown, what);
        assert_harmless(&answer.complaint, what);
        let is_json = *what == "list --json";
        let all = format!("{}{}", answer.shown, answer.complaint);
        assert!(is_json || all.contains(&escaped), "{what} shows nothing of it: {all}");
    }
    let hosts: Value = serde_json::from_str(&answers[1].1.shown).unwrap();
    assert_eq!(hosts[0]["host"]["name"], HOSTILE, "JSON means the same");
    let jobs = hosts[0]["jobs"].as_array().unwrap();
    assert!(jobs.iter().all(|job| job["label"] == HOSTILE), "{jobs:?}");
    release(job);
    release(deaf);
    work.join();
}

#[test]
fn more_jobs_than_fit_are_counted() {
    let _host = Host::open("Crowded");
    let jobs: Vec<_> = (0..3010).map(|_| new_job(c"one of many")).collect();
    let host = listed(&[]);
    assert_eq!(host["jobs"].as_array().unwrap().len(), 1000);
    assert!(host["more"].as_u64().unwrap() >= 2010, "{}", host["more"]);
    assert!(tool(&["list"]).shown.contains("more jobs; --all shows them"));
    let ids = |host: &Value| -> HashSet<u64> {
        host["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_u64().unwrap()).collect()
    };
    let all = listed(&["--all"]);
    let ids_of_all = ids(&all);
    assert_eq!(all["jobs"].as_array().unwrap().len(), ids_of_all.len(), "each once");
    assert!(ids_of_all.is_superset(&ids(&host)));
    assert!(jobs.iter().all(|job| ids_of_all.contains(&dcc_job_id(*job))));
    assert_eq!((&all["more"], &all["host"]["name"]), (&Value::from(0), &Value::from("Crowded")));
    let shown = list_of_all_pages(&["list", "--all"]).shown;
    assert!(!shown.contains("more jobs"), "{shown}");
    for job in &jobs {
        let id = format!("\n  {:>10}  pending", dcc_job_id(*job));
        assert_eq!(shown.matches(&id).count(), 1, "{id}");
    }
    // Each job is still found by its id.
    for job in [jobs[0], jobs[3009]] {
        let answer = tool(&["cancel", &dcc_job_id(job).to_string(), "--wait", "0"]);
        assert!(answer.shown.contains("has not seen the cancel"), "{}", answer.shown);
    }
    jobs.into_iter().for_each(release);
}

/// Each character of their texts takes six in an answer: a thousand such jobs would be more than a
/// client accepts.
#[test]
fn an_answer_has_fewer_jobs_if_their_texts_are_long() {
    let _host = Host::open("Wordy");
    let longest = "\u{1}".repeat(4096);
    let label = CString::new(longest.clone()).unwrap();
    let jobs: Vec<_> = (0..24)
        .map(|_| {
            let job = new_job(&label);
            assert_eq!(dcc_job_begin(job), DCC_OK);
            set_progress(job, 1, 2, &label);
            let (text, length) = (label.as_ptr(), longest.len());
            // SAFETY: a text of that length.
            assert_eq!(unsafe { dcc_job_cancel(job, text, length) }, DCC_OK);
            job
        })
        .collect();
    let host = listed(&[]);
    let count = host["jobs"].as_array().unwrap().len() as u64;
    assert!(
        (1..24).contains(&count) && host["more"].as_u64().unwrap() + count >= 24,
        "{count}, {}",
        host["more"]
    );
    let all = tool(&["list", "--all"]).shown;
    for job in &jobs {
        let id = format!("\n  {:>10}  running", dcc_job_id(*job));
        assert_eq!(all.matches(&id).count(), 1, "{id}");
    }
    jobs.into_iter().for_each(release);
}

#[test]
fn a_job_is_cancelled_and_seen_to_end() {
    let _host = Host::open("Host");
    let (id, work) = working(c"Bake", until_cancelled);
    let answer = tool(&["cancel", &id.to_string(), "--reason", "too slow"]);
    assert_eq!(answer.status, 0, "{}{}", answer.shown, answer.complaint);
    let expected = format!("{id}  Bake: cancelled ");
    let gone = format!("{id}  Bake: has ended");
    assert!(
        answer.shown.starts_with(&expected) || answer.shown.starts_with(&gone),
        "{}",
        answer.shown
    );
    work.join();

    let again = tool(&["cancel", &id.to_string()]);
    assert_eq!(again.status, 1);
    assert!(again.complaint.contains(&format!("no job has the id {id}")), "{}", again.complaint);
}

#[test]
fn the_reason_and_the_end_stay_with_the_job() {
    let _host = Host::open("Host");
    let job = new_job(c"Bake");
    let id = dcc_job_id(job).to_string();
    assert_eq!(dcc_job_begin(job), DCC_OK);
    let answer = tool(&["cancel", &id, "--reason", "a\nb", "--wait", "0.05"]);
    assert_eq!(answer.status, 1, "it does not poll\n{}", answer.shown);
    assert!(answer.shown.contains("has not seen the cancel within"), "{}", answer.shown);
    assert!(answer.shown.contains(&format!("dcc-control trace {id}")), "{}", answer.shown);
    assert!(tool(&["list"]).shown.contains("not seen yet: a b]"));

    let mut room = [0; 64];
    // SAFETY: a buffer of that size.
    let status =
        unsafe { dcc_cancel_token_reason(dcc_job_token(job), room.as_mut_ptr(), 64, null_mut()) };
    assert_eq!(status, DCC_OK);
    // SAFETY: ended by NUL.
    assert_eq!(unsafe { CStr::from_ptr(room.as_ptr()) }, c"a b");

    assert_eq!(dcc_job_acknowledge_cancel(job), DCC_OK);
    let late = tool(&["cancel", &id]);
    assert_eq!((late.status, late.shown), (0, format!("{id}  Bake: had ended\n")));
    release(job);
}

#[test]
fn all_jobs_of_a_host_are_cancelled() {
    let _host = Host::open("Host");
    let works = [c"one", c"two", c"three"].map(|label| working(label, until_cancelled).1);
    let answer = tool(&["cancel", "--all"]);
    assert_eq!(answer.status, 0, "{}{}", answer.shown, answer.complaint);
    for label in ["one", "two", "three"] {
        assert!(answer.shown.contains(&format!("  {label}: ")), "{}", answer.shown);
    }
    works.into_iter().for_each(Work::join);
    let none = tool(&["cancel", "--all"]);
    assert_eq!((none.status, &*none.shown), (0, "no job runs there\n"));
}

/// The user data of a callback and a destroy-notify: on which thread they run, and when they may go
/// on.
#[derive(Default)]
struct Foreign {
    thread: AtomicU64,
    is_called: AtomicBool,
    may_go_on: AtomicBool,
    destroyed: AtomicU32,
}

fn this_thread() -> u64 {
    dcc_cancel::sys::system_thread::current()
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let until = Instant::now() + LONG_TIME;
    while !condition() {
        assert!(Instant::now() < until, "{what} does not come about");
        thread::sleep(Duration::from_millis(1));
    }
}

unsafe extern "C" fn block(_token: *const dcc_cancel_token, foreign: *mut c_void) {
    // SAFETY: the test's own, which outlives the registration.
    let foreign = unsafe { &*foreign.cast::<Foreign>() };
    foreign.thread.store(this_thread(), Ordering::Relaxed);
    foreign.is_called.store(true, Ordering::Release);
    while !foreign.may_go_on.load(Ordering::Acquire) {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Registers `block` with a token.
fn register(token: *const dcc_cancel_token, foreign: &Foreign) -> *mut dcc_registration {
    let data = (&raw const *foreign).cast_mut().cast();
    let mut registration = null_mut();
    // SAFETY: `block` takes what `data` is; a writable result.
    let status = unsafe {
        dcc_cancel_token_register(token, Some(block), data, None, null_mut(), &mut registration)
    };
    assert_eq!(status, DCC_OK);
    registration
}

#[test]
fn a_callback_that_hangs_keeps_nobody_from_looking() {
    let _host = Host::open("Host");
    let job = new_job(c"Hangs");
    assert_eq!(dcc_job_begin(job), DCC_OK);
    let foreign = Foreign::default();
    let registration = register(dcc_job_token(job), &foreign);
    let id = dcc_job_id(job).to_string();
    assert_eq!(tool(&["cancel", &id, "--wait", "0"]).status, 1);
    wait_for("the callback", || foreign.is_called.load(Ordering::Acquire));
    for _ in 0..3 {
        assert!(tool(&["list"]).shown.contains("Hangs [asked to stop"));
    }
    foreign.may_go_on.store(true, Ordering::Release);
    assert!(dcc_registration_unregister(registration) >= 0);
    release(job);
}

/// The number of the library's callback thread.
fn callback_thread() -> u64 {
    let foreign = Foreign { may_go_on: AtomicBool::new(true), ..Foreign::default() };
    let job = new_job(c"to be cancelled");
    let registration = register(dcc_job_token(job), &foreign);
    // SAFETY: no text.
    let status = unsafe { dcc_cancel_token_cancel_async(dcc_job_token(job), null(), 0) };
    assert_eq!(status, DCC_OK);
    wait_for("the callback", || foreign.is_called.load(Ordering::Acquire));
    assert!(dcc_registration_unregister(registration) >= 0);
    release(job);
    foreign.thread.load(Ordering::Relaxed)
}

unsafe extern "C" fn destroyed(foreign: *mut c_void) {
    // SAFETY: the test's own, which it waits for.
    let foreign = unsafe { &*foreign.cast::<Foreign>() };
    foreign.thread.store(this_thread(), Ordering::Relaxed);
    foreign.destroyed.fetch_add(1, Ordering::Release);
}

static LONG: [u8; 4000] = [b'x'; 4000];

/// A job with a destroy-notify, and with a label whose listing takes time.
fn job_of(foreign: &Foreign) -> *mut dcc_job {
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.label = LONG.as_ptr().cast();
        desc.label_length = LONG.len();
        desc.user_data = (&raw const *foreign).cast_mut().cast();
        desc.destroy = Some(destroyed);
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    job
}

/// Jobs die while they are listed: each destroy-notify runs once, on the thread that let go of the
/// job or on the callback thread, and never on the thread that lists.
#[test]
fn who_looks_runs_no_function_of_the_host() {
    let _host = Host::open("Host");
    let line = r#"{"do":"list","ended":true}"#;
    let address = address().1;
    let is_over = AtomicBool::new(false);
    let may_run = [this_thread(), callback_thread()];
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                endpoint::exchange(&address, line, LONG_TIME).unwrap();
            }
        });
        let _over = Over(&is_over);
        for _ in 0..3000 {
            let foreign: Vec<Foreign> = (0..50).map(|_| Foreign::default()).collect();
            let jobs: Vec<_> = foreign.iter().map(job_of).collect();
            jobs.into_iter().for_each(release);
            for one in &foreign {
                wait_for("a destroy-notify", || one.destroyed.load(Ordering::Acquire) == 1);
                let thread = one.thread.load(Ordering::Relaxed);
                assert!(may_run.contains(&thread), "{thread} ran it, not one of {may_run:?}");
            }
        }
    });
}

#[test]
fn a_trace_shows_where_a_job_polls_and_where_not() {
    let _host = Host::open("Host");
    let (id, work) = working(c"Bake", |_| {
        loop {
            if poll(c"bake.cpp", 40) != DCC_OK {
                return;
            }
            thread::sleep(Duration::from_millis(60));
            if poll(c"bake.cpp", 88) != DCC_OK {
                return;
            }
        }
    });
    let id = id.to_string();
    // From line 88 to line 40 a longer gap is possible only if the machine stood still just then.
    wait_for("the gap between the two", || {
        let answer = tool(&["trace", &id, "--seconds", "0.5"]);
        assert_eq!(answer.status, 0, "{}", answer.complaint);
        let shown = &answer.shown;
        assert!(
            shown.contains("polls, the last one ") && shown.contains(" ago, at bake.cpp:"),
            "{shown}"
        );
        let gap = shown.lines().find(|line| line.contains("longest time without a poll")).unwrap();
        gap.ends_with("from bake.cpp:40 to bake.cpp:88")
    });
    let is_traced = |host: Value| {
        let jobs = host["jobs"].as_array().unwrap().clone();
        jobs.iter().any(|job| job["is_traced"] == true)
    };
    assert!(!is_traced(listed(&[])), "it goes on");

    // The time between two traces is not a gap.
    thread::sleep(Duration::from_millis(700));
    let began = Instant::now();
    let shown = tool(&["trace", &id, "--seconds", "0.3"]).shown;
    let traced_ms = began.elapsed().as_secs_f64() * 1e3;
    let gap = shown.lines().find_map(|line| line.split_once("longest time without a poll: "));
    let milliseconds: f64 = gap.unwrap().1.split_once(" ms").unwrap().0.parse().unwrap();
    assert!(milliseconds <= traced_ms, "{shown}");
    assert_eq!(tool(&["cancel", &id]).status, 0);
    work.join();
}

#[test]
fn polls_on_threads_without_a_job_are_named_with_file_and_line() {
    let _host = Host::open("Host");
    let (id, work) = working(c"Bake", until_cancelled);
    let before = listed(&[])["polls_without_job"]["count"].as_u64().unwrap();
    // A worker that the job has started without passing its context.
    let snap = |line| {
        // SAFETY: zero is a value; a writable result; a name with NUL.
        unsafe {
            let mut pair: dcc_poll_pair = std::mem::zeroed();
            let file = c"worker.cpp".as_ptr();
            assert_eq!(dcc_poll_read_current_at(&mut pair, file, line), DCC_OK);
        }
    };
    thread::spawn(move || [12, 34, 12].into_iter().for_each(snap)).join().unwrap();
    let count = before + 3;
    assert_eq!(listed(&[])["polls_without_job"]["count"], count);
    let answers = [tool(&["list"]), tool(&["trace", &id.to_string(), "--seconds", "0.05"])];
    for answer in answers {
        let shown = answer.shown;
        let said =
            format!("{count} polls were made on threads that have no job: carry the context (");
        assert!(shown.contains(&said), "{shown}");
        for place in ["2 at worker.cpp:12", "1 at worker.cpp:34"] {
            assert!(shown.contains(place), "{shown}");
        }
    }
    assert_eq!(tool(&["cancel", &id.to_string()]).status, 0);
    work.join();
}

#[test]
fn a_trace_shows_where_progress_is_told() {
    let _host = Host::open("Host");
    let (id, work) = working(c"Bake", |job| {
        // SAFETY: no message; a name with NUL.
        let tell = |done| unsafe {
            dcc_job_set_progress_at(job, done, 0, null(), 0, c"bake.cpp".as_ptr(), 77)
        };
        (0..).find(|done| tell(*done) != DCC_OK);
    });
    wait_for("a report of progress", || {
        let answer = tool(&["trace", &id.to_string(), "--seconds", "0.05"]);
        answer.shown.contains("at bake.cpp:77")
    });
    assert_eq!(tool(&["cancel", &id.to_string()]).status, 0);
    work.join();
}

#[test]
fn steps_of_libraries_are_shown_as_one_bar_with_their_path() {
    let _host = Host::open("Host");
    let job = listening::Job(new_job(c"Export").addr());
    assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
    let id = dcc_job_id(job.pointer()).to_string();
    job.with_current(|| {
        let all = Share::begin(None, 0, 100, "Scene");
        let step = Share::begin(Some(all), 40, 0, "Textures");
        let mine = step.with_current(|| Share::begin(None, 0, 2, "4k"));
        assert_eq!(mine.add(1), DCC_OK);
        mine.say("wood.exr");
        let at = "Scene > Textures > 4k > wood.exr";
        let list = tool(&["list"]).shown;
        assert!(list.contains("[####----------------]  20 %"), "{list}");
        assert!(list.contains(&format!("Export: {at} [time left unknown]")), "{list}");
        let trace = tool(&["trace", &id, "--seconds", "0.01"]).shown;
        assert!(trace.contains(&format!("\n  20 %, at {at}, time left unknown")), "{trace}");
        [mine, step].iter().for_each(|share| share.end());
        let list = tool(&["list"]).shown;
        assert!(list.contains("  40 %") && list.contains("Export: Scene [time"), "{list}");
        all.end();
    });
    assert_eq!(dcc_job_complete(job.pointer()), DCC_OK);
    let list = tool(&["list", "--ended"]).shown;
    assert!(list.contains(" 100 %") && !list.contains("left"), "{list}");
    release(job.pointer());
}

#[test]
fn a_trace_says_that_a_job_does_not_poll() {
    let _host = Host::open("Host");
    let job = new_job(c"Deaf");
    assert_eq!(dcc_job_begin(job), DCC_OK);
    let answer = tool(&["trace", &dcc_job_id(job).to_string(), "--seconds", "0.05"]);
    assert_eq!(answer.status, 0, "{}", answer.complaint);
    assert!(answer.shown.contains("no thread has polled within 50.0 ms"), "{}", answer.shown);
    release(job);
}

/// The state of a job that blocks the dispatcher's thread, like a frozen window.
struct Frozen {
    seen: Mutex<Option<(Value, Answer)>>,
}

unsafe extern "C-unwind" fn freeze(job: *const dcc_job, frozen: *mut c_void) -> dcc_status {
    // SAFETY: the test's own, which outlives the job.
    let frozen = unsafe { &*frozen.cast::<Frozen>() };
    let seen = (listed(&[]), tool(&["cancel", &dcc_job_id(job).to_string(), "--wait", "0"]));
    *frozen.seen.lock().unwrap() = Some(seen);
    dcc_check_cancelled()
}

#[test]
fn a_dispatcher_that_is_inside_a_job_is_seen_so() {
    let _host = Host::open("Host");
    let frozen = Frozen { seen: Mutex::new(None) };
    let mut dispatcher = null_mut();
    let mut job = null_mut();
    // SAFETY: zero is a value of each structure, with the size set; writable results; what `freeze` takes.
    unsafe {
        let mut desc: dcc_dispatcher_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_dispatcher_desc>() as u32;
        assert_eq!(dcc_dispatcher_create(&desc, &mut dispatcher), DCC_OK);
        for position in 0..3 {
            let mut post: dcc_post_desc = std::mem::zeroed();
            post.struct_size = size_of::<dcc_post_desc>() as u32;
            post.label = c"Freeze".as_ptr();
            post.label_length = usize::MAX;
            post.function = Some(if position == 0 { freeze } else { idle });
            post.user_data = (&raw const frozen).cast_mut().cast();
            let to = if position == 0 { &raw mut job } else { null_mut() };
            assert_eq!(dcc_dispatcher_post(dispatcher, &post, to, null_mut()), DCC_OK);
        }
        assert_eq!(dcc_dispatcher_pump(dispatcher, u64::MAX, u64::MAX, null_mut()), DCC_OK);
    }
    let (host, cancel) = frozen.seen.lock().unwrap().take().unwrap();
    let seen = &host["dispatchers"][0];
    assert_eq!(seen["inside_job"], dcc_job_id(job), "{host}");
    assert_eq!(seen["waiting"], 2, "{host}");
    assert!(seen["inside_since_ns"].as_u64().unwrap() > 0, "{host}");
    assert!(seen["since_tick_ns"].as_u64() >= seen["inside_since_ns"].as_u64(), "{host}");
    assert_eq!(cancel.status, 1, "it cannot end while it waits for the answer");
    assert_eq!(state_of(job), DCC_JOB_CANCELLED);
    let after = listed(&[]);
    assert_eq!(after["dispatchers"][0]["inside_job"], Value::Null);
    release(job);
    dcc_dispatcher_close(dispatcher);
    assert_eq!(dcc_dispatcher_release(dispatcher), DCC_OK);
    assert_eq!(listed(&[])["dispatchers"].as_array().unwrap().len(), 0);
}

unsafe extern "C-unwind" fn idle(_job: *const dcc_job, _data: *mut c_void) -> dcc_status {
    DCC_OK
}

fn post_idle(dispatcher: *mut dcc_dispatcher) {
    // SAFETY: zero is a value of the structure, with the size set; `idle` takes nothing.
    unsafe {
        let mut post: dcc_post_desc = std::mem::zeroed();
        post.struct_size = size_of::<dcc_post_desc>() as u32;
        post.function = Some(idle);
        assert_eq!(dcc_dispatcher_post(dispatcher, &post, null_mut(), null_mut()), DCC_OK);
    }
}

/// The text for a host whose thread runs a modal dialog: it blames no job.
#[test]
fn a_dispatcher_whose_thread_is_busy_elsewhere_is_seen_so() {
    const BUSY: &str = "its thread is busy with something of the host's own, a modal dialog";
    let _host = Host::open("Host");
    let mut dispatcher = null_mut();
    // SAFETY: zero is a value of the structure, with the size set; writable results.
    unsafe {
        let mut desc: dcc_dispatcher_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_dispatcher_desc>() as u32;
        assert_eq!(dcc_dispatcher_create(&desc, &mut dispatcher), DCC_OK);
    }
    let pump = || {
        // SAFETY: no result is wanted.
        assert_eq!(unsafe { dcc_dispatcher_pump(dispatcher, u64::MAX, 9, null_mut()) }, DCC_OK);
    };
    assert_eq!(listed(&[])["dispatchers"][0]["since_last_tick_ns"], Value::Null, "there was none");
    pump();
    wait_for("a second without a tick", || {
        let seen = &listed(&[])["dispatchers"][0];
        seen["since_last_tick_ns"].as_u64().unwrap() > 1_000_000_000
    });
    let idle = tool(&["list"]).shown;
    assert!(idle.contains("0 waiting, last tick ") && !idle.contains(BUSY), "{idle}");
    post_idle(dispatcher);
    let modal = tool(&["list"]).shown;
    assert!(modal.contains("inside no job, 1 waiting, last tick "), "{modal}");
    assert!(modal.contains(BUSY), "{modal}");
    pump();
    assert!(!tool(&["list"]).shown.contains(BUSY), "it has ticked");
    dcc_dispatcher_close(dispatcher);
    assert_eq!(dcc_dispatcher_release(dispatcher), DCC_OK);
}

#[test]
fn a_sealed_job_is_shown_so_and_is_not_waited_for() {
    let _host = Host::open("Host");
    let job = new_job(c"Write");
    assert_eq!(dcc_job_begin(job), DCC_OK);
    assert!(!tool(&["list"]).shown.contains("sealed"));
    assert_eq!(dcc_job_seal(job), DCC_OK);
    let shown = tool(&["list"]).shown;
    assert!(shown.contains("Write [sealed: too late to cancel]\n"), "{shown}");
    let id = dcc_job_id(job).to_string();
    // Waiting would take a day.
    let answer = tool(&["cancel", &id, "--wait", "86400"]);
    let said = format!("{id}  Write: is sealed, too late to cancel: it goes on to its end\n");
    assert_eq!((answer.status, answer.shown), (1, said));
    assert_eq!(dcc_job_complete(job), DCC_OK);
    let shown = tool(&["list", "--ended"]).shown;
    assert!(shown.contains("completed") && !shown.contains("sealed"), "{shown}");
    release(job);
}

unsafe extern "C" fn not_pressed(_data: *mut c_void) -> i32 {
    0
}

/// The slow cancel threshold of the process, until the end of the scope.
struct Threshold;

impl Threshold {
    fn of_ns(nanoseconds: u64) -> Self {
        assert_eq!(dcc_events_set_slow_cancel_threshold(nanoseconds), DCC_OK);
        Self
    }
}

impl Drop for Threshold {
    fn drop(&mut self) {
        assert_eq!(dcc_events_set_slow_cancel_threshold(1_000_000_000), DCC_OK);
    }
}

#[test]
fn a_check_that_nobody_asks_is_told() {
    let _host = Host::open("Host");
    let _threshold = Threshold::of_ns(10_000_000);
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.label = c"Join".as_ptr();
        desc.label_length = usize::MAX;
        desc.is_cancelled = Some(not_pressed);
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    assert!(!tool(&["list"]).shown.contains("Esc"), "it does not run");
    assert_eq!(dcc_job_begin(job), DCC_OK);
    let id = dcc_job_id(job).to_string();
    for command in [&["list"][..], &["trace", &id, "--seconds", "0.02"]] {
        wait_for("a check that was not asked", || {
            let shown = tool(command).shown;
            let [begin, end] = ["the host's Esc has not been asked for ", "waits in the library"];
            shown.contains(begin) && shown.contains(end)
        });
    }
    assert_eq!(dcc_job_complete(job), DCC_OK);
    assert!(!tool(&["list", "--ended"]).shown.contains("Esc"), "it has ended");
    release(job);
}

#[test]
fn a_watch_follows_a_job_to_its_end() {
    let _host = Host::open("Host");
    let job = new_job(c"Bake");
    assert_eq!(dcc_job_begin(job), DCC_OK);
    set_progress(job, 1, 4, c"");
    let id = dcc_job_id(job).to_string();
    let process = std::process::id().to_string();
    let mut watch = Command::new(env!("CARGO_BIN_EXE_dcc-control"))
        .args(["watch", &id, "--interval", "0.02", "--process", &process])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(watch.stdout.take().unwrap()));
    let mut next = || lines.next().unwrap().unwrap();
    assert!(next().contains(" 25 %"));
    set_progress(job, 2, 4, c"");
    assert!(next().contains(" 50 %"), "each change is a line, and nothing else");
    assert_eq!(dcc_job_seal(job), DCC_OK);
    assert!(next().contains("[sealed: too late to cancel]"));
    assert_eq!(dcc_job_complete(job), DCC_OK);
    assert!(next().contains(" completed "));
    assert!(lines.next().is_none());
    assert_eq!(watch.wait().unwrap().code(), Some(0));
    release(job);
    assert_eq!(tool(&["watch", &id]).status, 1);
}

#[test]
fn wrong_use_is_told() {
    for (arguments, complaint) in [
        (&[][..], "no command was given"),
        (&["stop"], "stop is no command"),
        (&["cancel"], "cancel takes the id of one job, or --all"),
        (&["cancel", "1", "--all"], "cancel takes the id of one job, or --all"),
        (&["cancel", "1", "2"], "cancel takes the id of one job, or --all"),
        (&["cancel", "Bake"], "cannot parse"),
        (&["trace"], "trace takes the id of one job"),
        (&["watch", "--all"], "--all is not for watch"),
        (&["list", "7"], "a job is not for list"),
        (&["list", "--colour"], "invalid option '--colour'"),
        (&["watch", "--interval", "0"], "--interval is 0; it can be 0.01 to 86400 seconds"),
        (&["cancel", "1", "--wait", "nan"], "--wait is NaN"),
        (&["list", "-x"], "-x is no option"),
    ] {
        let answer = tool(arguments);
        assert_eq!(answer.status, 2, "{arguments:?}");
        assert!(answer.complaint.contains(complaint), "{arguments:?}: {}", answer.complaint);
        assert!(answer.complaint.contains("Usage: dcc-control"), "{arguments:?}");
    }
    let help = tool(&["--help"]);
    assert_eq!(help.status, 0);
    assert!(help.shown.starts_with("Usage: dcc-control"), "{}", help.shown);
    assert_eq!(tool(&["--version"]).shown, format!("dcc-control {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn lines_that_are_no_question_are_answered_with_what_is_wrong() {
    let _host = Host::open("Host");
    let address = address().1;
    let ask = |line: &str| {
        let answer = endpoint::exchange(&address, line, LONG_TIME).unwrap();
        serde_json::from_str::<Value>(&answer).unwrap()["error"].as_str().unwrap().to_owned()
    };
    for (line, error) in [
        ("", "the line is not JSON"),
        ("GET / HTTP/1.1\r", "the line is not JSON"),
        ("[]", "`do` is null; it can be list, cancel or trace"),
        (r#"{"do":7}"#, "`do` is 7; it can be list, cancel or trace"),
        (r#"{"do":"cancel"}"#, "`job` is null; give the id of a job, or `all` as true"),
        (r#"{"do":"cancel","job":-1}"#, "`job` is -1"),
        (r#"{"do":"cancel","job":"7"}"#, "`job` is \"7\""),
        (r#"{"do":"cancel","job":7,"all":true}"#, "both `job` and `all` were given"),
        (r#"{"do":"cancel","job":9007199254740991}"#, "no job here has the id 9007199254740991"),
        (r#"{"do":"trace","all":true}"#, "`on` is neither true nor false"),
    ] {
        let answer = ask(line);
        assert!(answer.contains(error), "{line}: {answer}");
    }
    let deep = "[".repeat(10_000);
    assert!(ask(&deep).contains("the line is not JSON"));
}

/// An open during another thread's close waits for that close, and for nothing else.
#[test]
#[cfg(unix)]
fn it_is_opened_beside_a_close() {
    let _alone = Host::alone();
    assert_eq!(open("Host"), DCC_OK);
    for _ in 0..2 {
        let silent = std::os::unix::net::UnixStream::connect(address().1).unwrap();
        // The control thread now serves this client.
        thread::sleep(Duration::from_millis(50));
        thread::scope(|scope| {
            let closing = scope.spawn(|| dcc_control_close());
            wait_for("the close", || address().0 == DCC_NOT_FOUND);
            assert_eq!(open("Host"), DCC_OK, "{}", last_error());
            assert_eq!(closing.join().unwrap(), DCC_OK);
        });
        drop(silent);
        assert_eq!(listed(&[])["host"]["name"], "Host");
    }
    assert_eq!(dcc_control_close(), DCC_OK);
}

#[test]
fn it_is_opened_and_closed_while_it_is_asked() {
    let _alone = Host::alone();
    let line = r#"{"do":"list"}"#;
    assert_eq!(open("Host"), DCC_OK);
    let address = address().1;
    assert_eq!(dcc_control_close(), DCC_OK);
    let is_over = AtomicBool::new(false);
    let answered = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = endpoint::exchange(&address, line, LONG_TIME);
                    // An answer is complete or does not come.
                    if let Ok(answer) = answer {
                        assert!(serde_json::from_str::<Value>(&answer).is_ok(), "{answer}");
                        answered.fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        let _over = Over(&is_over);
        for round in 0..200 {
            let status = open("Host");
            assert_eq!(status, DCC_OK, "round {round}: {}", last_error());
            wait_for("an answer", {
                let before = answered.load(Ordering::Relaxed);
                let answered = &answered;
                move || round % 10 != 0 || answered.load(Ordering::Relaxed) > before
            });
            assert_eq!(dcc_control_close(), DCC_OK);
        }
    });
}

fn last_error() -> String {
    let mut room = [0; 512];
    // SAFETY: a buffer of that size.
    unsafe {
        dcc_last_error(room.as_mut_ptr(), room.len(), null_mut());
        CStr::from_ptr(room.as_ptr()).to_string_lossy().into_owned()
    }
}
