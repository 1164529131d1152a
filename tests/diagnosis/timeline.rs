//! The timeline through the C functions: which moments are recorded, and the file that is written.

#[path = "../support/listening.rs"]
mod listening;
#[path = "../support/shares.rs"]
mod shares;

use dcc_cancel::ffi::{
    current::*, job::*, job_life::*, library::*, limits::*, progress::*, status::*, timeline::*,
    token::*, trace::dcc_job_trace,
};
use listening::{Job, linked_to};
use serde_json::{Value, json};
use shares::Share;
use std::collections::BTreeSet;
use std::ffi::{CStr, c_char};
use std::path::{Path, PathBuf};
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Lets one test run at a time, because the timeline belongs to the whole process.
fn alone() -> MutexGuard<'static, ()> {
    static LOCK: Mutex<()> = Mutex::new(());
    LOCK.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("timeline_{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn write(path: &Path) -> dcc_status {
    let path = path.to_str().unwrap();
    // SAFETY: a text of that length.
    unsafe { dcc_timeline_write(path.as_ptr().cast(), path.len()) }
}

fn last_error() -> String {
    let mut buffer = [0 as c_char; 300];
    // SAFETY: a buffer of that size.
    unsafe {
        assert_eq!(dcc_last_error(buffer.as_mut_ptr(), buffer.len(), null_mut()), DCC_OK);
        CStr::from_ptr(buffer.as_ptr()).to_str().unwrap().to_owned()
    }
}

fn new_job(parent: *const dcc_cancel_token) -> *mut dcc_job {
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        desc.parent = parent;
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    job
}

fn linked(parents: &[*const dcc_cancel_token]) -> *mut dcc_cancel_token {
    let mut token = null_mut();
    // SAFETY: a filled-in descriptor, a writable result.
    let status = unsafe { dcc_cancel_token_create_from(&linked_to(parents), &mut token) };
    assert_eq!(status, DCC_OK);
    token
}

fn cancel(job: *const dcc_job, reason: &str) -> dcc_status {
    // SAFETY: a text of that length.
    unsafe { dcc_job_cancel(job, reason.as_ptr().cast(), reason.len()) }
}

/// Polls twice, as a thread that works for the job.
fn poll(job: *const dcc_job) {
    let mut ticket = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_job_set_current(job, &mut ticket) }, DCC_OK);
    let answers = [dcc_check_cancelled(), dcc_check_cancelled()];
    assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
    assert_eq!(answers, [DCC_CANCELLED_BY_JOB; 2]);
}

/// The microseconds of an event in nanoseconds. The last digits must be there.
fn nanoseconds(microseconds: &Value) -> u64 {
    let (whole, fraction) = microseconds.to_string().split_once('.').map_or_else(
        || panic!("{microseconds} has no fraction"),
        |(whole, fraction)| (whole.to_owned(), format!("{fraction:0<3}")),
    );
    format!("{whole}{fraction}").parse().unwrap()
}

/// All events except those that name threads. Checks the members that all events must have.
fn events(file: &Value) -> Vec<&Value> {
    assert_eq!(file["displayTimeUnit"], "ms");
    assert_eq!(file["otherData"]["version"], env!("CARGO_PKG_VERSION"));
    assert!(file["otherData"]["lost"].is_u64());
    let rows = file["traceEvents"].as_array().unwrap();
    assert!(rows.iter().all(|row| row["pid"] == std::process::id() && row["tid"].is_u64()));
    let events: Vec<&Value> = rows.iter().filter(|row| row["ph"] != "M").collect();
    for event in &events {
        assert!(["cancel", "cancel seen"].contains(&event["name"].as_str().unwrap()), "{event}");
        assert_eq!([&event["ph"], &event["s"], &event["cat"]], ["i", "t", "cancel"]);
        assert!(event.get("dur").is_none());
        assert_eq!(event["args"]["cause"], "request");
    }
    assert!(events.is_sorted_by_key(|event| nanoseconds(&event["ts"])));
    events
}

#[cfg(target_os = "linux")]
fn name_of_thread(row: &Value) -> (&Value, &str, &str) {
    (&row["tid"], row["name"].as_str().unwrap(), row["args"]["name"].as_str().unwrap())
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The recording as it is written now.
fn written(test: &str) -> Value {
    let path = folder(test).join("timeline.json");
    assert_eq!(write(&path), DCC_OK);
    read(&path)
}

fn job_ids(file: &Value) -> Vec<u64> {
    events(file).iter().map(|event| event["args"]["job_id"].as_u64().unwrap()).collect()
}

#[test]
fn steps_of_a_job_are_slices_inside_each_other() {
    let _alone = alone();
    let job = Job(new_job(null()).addr());
    let job_id = dcc_job_id(job.pointer());
    assert_eq!(dcc_job_begin(job.pointer()), DCC_OK);
    job.with_current(|| {
        let before = Share::begin(None, 0, 100, "before the start");
        assert_eq!(dcc_timeline_begin(100), DCC_OK);
        let step = Share::begin(Some(before), 40, 0, "Textures");
        let inner = step.with_current(|| Share::begin(None, 0, 2, ""));
        // Each share is recorded once, whether it ends or is let go.
        [inner, step, before].iter().for_each(|share| share.end());
        let released = Share::begin(None, 0, 0, "released");
        assert_eq!(dcc_progress_release(released.pointer()), DCC_OK);
    });
    assert_eq!(dcc_timeline_end(), DCC_OK);
    let file = written("shares");
    let rows = file["traceEvents"].as_array().unwrap();
    let slices: Vec<_> = rows.iter().filter(|row| row["cat"] == "progress").collect();
    let names: Vec<_> = slices.iter().map(|row| row["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["Textures", "share", "released"], "{file}");
    for slice in &slices {
        assert_eq!((&slice["ph"], &slice["args"]["job_id"]), (&json!("X"), &json!(job_id)));
    }
    let end = |row: &Value| nanoseconds(&row["ts"]) + nanoseconds(&row["dur"]);
    assert!(nanoseconds(&slices[0]["ts"]) <= nanoseconds(&slices[1]["ts"]));
    assert!(end(slices[1]) <= end(slices[0]), "the step is around it");
    job.release();
}

#[test]
fn the_cancel_of_a_job_and_the_first_poll_of_each_thread_are_recorded() {
    let _alone = alone();
    let earlier = new_job(null());
    assert_eq!(cancel(earlier, "before the start"), DCC_OK);
    assert_eq!(dcc_timeline_begin(100), DCC_OK);
    let job = new_job(null()) as usize;
    let job = move || std::ptr::without_provenance_mut::<dcc_job>(job);
    // A traced poll also takes the slow path each time, but must not be recorded as seeing the
    // cancel.
    assert_eq!(dcc_job_trace(job(), 1), DCC_OK);
    let start_ns = dcc_clock_now_ns();
    let named = std::thread::Builder::new().name("canceller".to_owned());
    named
        .spawn(move || assert_eq!(cancel(job(), "\"enough\" 🛑"), DCC_OK))
        .unwrap()
        .join()
        .unwrap();
    std::thread::sleep(Duration::from_millis(3));
    poll(job());
    let poller = std::thread::Builder::new().name("poller".to_owned());
    let poller = poller.spawn(move || {
        poll(job());
        let end_ns = dcc_clock_now_ns();
        assert_eq!(dcc_timeline_end(), DCC_OK);
        assert_eq!(dcc_timeline_end(), DCC_OK, "again");
        let late = new_job(null());
        assert_eq!(cancel(late, "after the stop"), DCC_OK);
        assert_eq!(dcc_job_release(late), DCC_OK);
        (end_ns, written("recorded"))
    });
    let (end_ns, file) = poller.unwrap().join().unwrap();
    assert_eq!(file["otherData"]["lost"], 0);
    let events = events(&file);
    let names: Vec<&Value> = events.iter().map(|event| &event["name"]).collect();
    assert_eq!(names, ["cancel", "cancel seen", "cancel seen"]);
    let id = dcc_job_id(job());
    assert_eq!(
        events[0]["args"],
        json!({"job_id": id, "cause": "request", "inherited": false, "reason": "\"enough\" 🛑"})
    );
    let cancelled_ns = nanoseconds(&events[0]["ts"]);
    assert!((start_ns..end_ns - 3_000_000).contains(&cancelled_ns), "{start_ns} {file}");
    for seen in &events[1..] {
        let latency_ns = seen["args"]["latency_ns"].as_u64().unwrap();
        assert_eq!(nanoseconds(&seen["ts"]), cancelled_ns + latency_ns);
        assert!((3_000_000..=end_ns - start_ns).contains(&latency_ns));
        let args = json!({
            "job_id": id, "cause": "request", "reason": "\"enough\" 🛑", "latency_ns": latency_ns,
        });
        assert_eq!(seen["args"], args);
    }
    let threads: BTreeSet<u64> =
        events.iter().map(|event| event["tid"].as_u64().unwrap()).collect();
    assert_eq!(threads.len(), 3);
    #[cfg(target_os = "linux")]
    {
        let rows = file["traceEvents"].as_array().unwrap().iter();
        let names: Vec<_> = rows.filter(|row| row["ph"] == "M").map(name_of_thread).collect();
        assert!(names.contains(&(&events[2]["tid"], "thread_name", "poller")), "{names:?}");
    }
    for job in [earlier, job()] {
        assert_eq!(dcc_job_release(job), DCC_OK);
    }
}

#[test]
fn a_cancel_that_spreads_is_told_of_its_origin_and_of_the_jobs_it_reached() {
    let _alone = alone();
    let origin = linked(&[]);
    let children = [linked(&[origin]), linked(&[origin])];
    let job = new_job(children[0]);
    assert_eq!(dcc_timeline_begin(100), DCC_OK);
    // SAFETY: a text of that length.
    assert_eq!(unsafe { dcc_cancel_token_cancel(origin, c"stop".as_ptr(), 4) }, DCC_OK);
    // SAFETY: as above.
    let again = unsafe { dcc_cancel_token_cancel(origin, c"more".as_ptr(), 4) };
    assert_eq!(again, DCC_ALREADY_CANCELLED);
    std::thread::sleep(Duration::from_millis(2));
    let made_ns = dcc_clock_now_ns();
    let stillborn = new_job(origin);
    let file = written("spread");
    let events = events(&file);
    let cancel = |inherited| json!({"cause": "request", "inherited": inherited, "reason": "stop"});
    let mut reached = cancel(true);
    reached["job_id"] = json!(dcc_job_id(job));
    let args: Vec<&Value> = events.iter().map(|event| &event["args"]).collect();
    assert_eq!(args, [&cancel(false), &reached, &cancel(true)]);
    assert_eq!(events[0]["ts"], events[1]["ts"], "one cancel");
    assert!(nanoseconds(&events[2]["ts"]) >= made_ns, "cancelled when it was made");
    for job in [job, stillborn] {
        assert_eq!(dcc_job_release(job), DCC_OK);
    }
    for token in [origin, children[0], children[1]] {
        assert_eq!(dcc_cancel_token_release(token), DCC_OK);
    }
}

#[test]
fn the_oldest_are_lost_and_counted_and_a_start_begins_anew() {
    let _alone = alone();
    let cancel_some = |count: usize| -> Vec<u64> {
        let one = |_| {
            let job = new_job(null());
            let id = dcc_job_id(job);
            assert_eq!(cancel(job, ""), DCC_OK);
            assert_eq!(dcc_job_release(job), DCC_OK);
            id
        };
        (0..count).map(one).collect()
    };
    assert_eq!(dcc_timeline_begin(3), DCC_OK);
    let ids = cancel_some(8);
    let file = written("lost");
    assert_eq!(file["otherData"]["lost"], 5);
    assert_eq!(job_ids(&file), ids[5..]);
    assert!(events(&file).iter().all(|event| event["args"].get("reason").is_none()));
    assert_eq!(written("lost"), file, "what was written stays");
    let more = cancel_some(1);
    let file = written("lost");
    assert_eq!(job_ids(&file), [&ids[6..], &more].concat(), "writing does not stop it");

    for refused in [0, DCC_MAX_TIMELINE_ENTRIES + 1, u64::MAX] {
        assert_eq!(dcc_timeline_begin(refused), DCC_ERROR_INVALID_ARGUMENT);
        assert!(last_error().contains("it can be 1 to 1048576"), "{}", last_error());
    }
    assert_eq!(written("lost"), file, "a start that is refused forgets nothing");
    assert_eq!(dcc_timeline_begin(DCC_MAX_TIMELINE_ENTRIES), DCC_OK);
    let file = written("lost");
    assert_eq!((&file["otherData"]["lost"], events(&file).len()), (&json!(0), 0));
    let ids = cancel_some(5);
    assert_eq!(job_ids(&written("lost")), ids);
    assert_eq!(dcc_timeline_end(), DCC_OK);
    assert_eq!(dcc_timeline_begin(1), DCC_OK);
    assert!(job_ids(&written("lost")).is_empty());
    assert_eq!(dcc_timeline_end(), DCC_OK);
}

#[test]
fn a_path_that_cannot_be_written_is_named_and_nothing_is_changed() {
    let _alone = alone();
    assert_eq!(dcc_timeline_begin(10), DCC_OK);
    let folder = folder("paths");
    let names = || -> BTreeSet<String> {
        let entries = std::fs::read_dir(&folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let missing = folder.join("no such folder").join("ü".repeat(100)).join("timeline.json");
    assert_eq!(write(&missing), DCC_ERROR_FILE);
    let text = last_error();
    let reason = std::fs::File::create(&missing).unwrap_err();
    assert!(text.starts_with("cannot write ...ü"), "{text}");
    let separator = std::path::MAIN_SEPARATOR;
    assert!(text.ends_with(&format!("üü{separator}timeline.json: {reason}")), "{text}");

    // A folder or a device with this name is refused and stays; a file is replaced.
    let kept = folder.join("kept");
    std::fs::create_dir(&kept).unwrap();
    std::fs::write(kept.join("old.json"), "old").unwrap();
    assert_eq!(write(&kept), DCC_ERROR_FILE);
    assert_eq!(std::fs::read_to_string(kept.join("old.json")).unwrap(), "old");
    #[cfg(unix)]
    {
        let device = folder.join("device");
        std::os::unix::fs::symlink("/dev/null", &device).unwrap();
        assert_eq!(write(&device), DCC_ERROR_FILE);
        assert!(last_error().ends_with("/device: something is there that is not a file"));
        assert!(std::fs::symlink_metadata(&device).unwrap().is_symlink());
        std::fs::remove_file(&device).unwrap();
    }

    let long = vec![b'x'; DCC_MAX_TEXT_LENGTH + 1];
    let bad: [(&[u8], &str); 4] = [
        (b"", "path is empty"),
        (b"a\0b", "has a NUL"),
        (b"a\xff", "path is not UTF-8 at byte 1"),
        (&long, "path has 4097 bytes"),
    ];
    for (path, complaint) in bad {
        // SAFETY: a text of that length.
        let status = unsafe { dcc_timeline_write(path.as_ptr().cast(), path.len()) };
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
        assert!(last_error().contains(complaint), "{}", last_error());
    }
    for length in [0, 5, usize::MAX] {
        // SAFETY: NULL is what is tested.
        let status = unsafe { dcc_timeline_write(null(), length) };
        assert_eq!(status, DCC_ERROR_INVALID_ARGUMENT);
    }
    assert_eq!(names(), ["kept".to_owned()].into());

    let path = folder.join("written ä.json");
    std::fs::write(&path, "old, and longer than what is to be written".repeat(100)).unwrap();
    let text = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: ended by NUL.
    assert_eq!(unsafe { dcc_timeline_write(text.as_ptr(), usize::MAX) }, DCC_OK);
    assert_eq!(events(&read(&path)).len(), 0);
    assert_eq!(names(), ["kept".to_owned(), "written ä.json".to_owned()].into());
    assert_eq!(dcc_timeline_end(), DCC_OK);
}

#[test]
fn every_file_is_whole_while_threads_cancel_start_stop_and_write() {
    const ROOM: u64 = 500;
    /// This many files with events are enough.
    const FILES: usize = 150;
    let _alone = alone();
    let folder = folder("stress");
    let shared = folder.join("shared.json");
    let with_events = AtomicUsize::new(0);
    assert_eq!(dcc_timeline_begin(ROOM), DCC_OK);
    assert_eq!(write(&shared), DCC_OK);
    let check = |file: &Value| {
        let events = events(file);
        assert!(events.len() as u64 <= ROOM);
        let told: BTreeSet<(&str, u64)> = events
            .iter()
            .map(|event| {
                let args = &event["args"];
                assert_eq!(args["reason"], format!("job {}", args["job_id"]), "torn");
                (event["name"].as_str().unwrap(), args["job_id"].as_u64().unwrap())
            })
            .collect();
        assert_eq!(told.len(), events.len(), "told twice");
        with_events.fetch_add(usize::from(!events.is_empty()), Ordering::Relaxed);
    };
    let hangs = Instant::now() + Duration::from_secs(include!("../support/hang_seconds"));
    let is_over = || with_events.load(Ordering::Relaxed) >= FILES || Instant::now() > hangs;
    let repeat = |step: &dyn Fn()| {
        while !is_over() {
            step();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                repeat(&|| {
                    let job = new_job(null());
                    assert_eq!(cancel(job, &format!("job {}", dcc_job_id(job))), DCC_OK);
                    poll(job);
                    assert_eq!(dcc_job_release(job), DCC_OK);
                });
            });
        }
        scope.spawn(|| {
            repeat(&|| {
                assert_eq!(dcc_timeline_begin(ROOM), DCC_OK);
                std::thread::sleep(Duration::from_millis(2));
                assert_eq!(dcc_timeline_end(), DCC_OK);
            });
        });
        for _ in 0..2 {
            scope.spawn(|| {
                repeat(&|| {
                    let status = write(&shared);
                    // Windows does not replace a file that another process has open.
                    assert!(status == DCC_OK || cfg!(windows) && status == DCC_ERROR_FILE);
                });
            });
        }
        scope.spawn(|| repeat(&|| check(&read(&shared))));
    });
    assert!(with_events.into_inner() >= FILES, "hardly a file had events");
    assert_eq!(dcc_timeline_end(), DCC_OK);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
}
