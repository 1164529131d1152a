//! The live jobs page by page, through the C functions: each page is a whole document and takes a
//! bounded time, and all pages together contain each job once.

#[path = "../support/listening.rs"]
mod listening;

use dcc_cancel::ffi::{job::*, status::*, trace::*};
use listening::*;
use serde_json::Value;
use std::collections::HashSet;
use std::ffi::CStr;
use std::ptr::{null, null_mut};

fn job(label: &str) -> Job {
    let mut job = null_mut();
    // SAFETY: zero is a value of the descriptor; a text of that length; a writable result.
    unsafe {
        let mut desc: dcc_job_desc = std::mem::zeroed();
        desc.struct_size = size_of::<dcc_job_desc>() as u32;
        (desc.label, desc.label_length) = (label.as_ptr().cast(), label.len());
        assert_eq!(dcc_job_create(&desc, &mut job), DCC_OK);
    }
    Job(job.addr())
}

/// The result of a call for a page.
struct Page {
    status: dcc_status,
    text: String,
    length: usize,
    next: u64,
}

fn page(from: u64, most: u32, size: usize) -> Page {
    let mut buffer = vec![b'#'; size + 1];
    let (mut length, mut next) = (7, 7);
    // SAFETY: a buffer of that size, writable results.
    let status = unsafe {
        let to = buffer.as_mut_ptr().cast();
        dcc_stats_jobs_page(from, most, to, size, &mut length, &mut next)
    };
    assert_eq!(buffer[size], b'#', "it writes beyond its end");
    assert!(status == DCC_OK || next == 0, "who goes on until it is 0 ends after a failure");
    let text = match CStr::from_bytes_until_nul(&buffer[..size]) {
        Ok(text) => text.to_str().unwrap().to_owned(),
        Err(_) => String::new(),
    };
    Page { status, text, length, next }
}

/// Reads all pages, each of which must be a whole document. Returns the jobs' ids and the number of
/// pages.
fn ids(most: u32, size: usize) -> (Vec<u64>, usize) {
    let (mut ids, mut from) = (Vec::new(), 0);
    for pages in 1.. {
        let page = page(from, most, size);
        assert_eq!(page.status, DCC_OK, "after {} jobs", ids.len());
        assert_eq!(page.text.len(), page.length);
        let value: Value = serde_json::from_str(&page.text).unwrap();
        let jobs = value["jobs"].as_array().unwrap();
        assert!(jobs.len() <= most as usize, "{}", jobs.len());
        assert_eq!(value["next"].as_u64(), Some(page.next));
        ids.extend(jobs.iter().map(|job| job["id"].as_u64().unwrap()));
        if page.next == 0 {
            return (ids, pages);
        }
        assert!(page.next > from, "it goes on");
        from = page.next;
    }
    unreachable!("it ends");
}

/// These run in this order, because the crowd leaves many free slots behind, and a page looks at a
/// limited number of slots.
#[test]
fn pages_of_few_jobs_and_then_of_a_crowd() {
    a_page_is_whole_whatever_room_it_has();
    long_texts_end_a_page_early();
    a_crowd_is_listed_in_pages_with_each_job_once();
}

fn a_crowd_is_listed_in_pages_with_each_job_once() {
    const JOBS: usize = 60_000;
    let _alone = alone();
    let jobs: Vec<Job> = (0..JOBS).map(|_| job("one of many")).collect();
    let (ids_found, pages) = ids(DCC_MAX_JOBS_PAGE, 32 * 1024);
    let distinct: HashSet<u64> = ids_found.iter().copied().collect();
    assert_eq!((ids_found.len(), distinct.len()), (JOBS, JOBS));
    assert!(jobs.iter().all(|job| distinct.contains(&dcc_job_id(job.pointer()))));
    assert!(pages <= JOBS / DCC_MAX_JOBS_PAGE as usize + 2, "{pages} pages");
    // If few jobs are left, a page looks at 1024 slots, however few jobs it finds.
    let (left, gone): (Vec<_>, Vec<_>) =
        jobs.into_iter().enumerate().partition(|(number, _)| number % 10_000 == 0);
    gone.into_iter().for_each(|(_, job)| job.release());
    let (ids_found, pages) = ids(DCC_MAX_JOBS_PAGE, 32 * 1024);
    assert_eq!(ids_found.len(), left.len());
    assert!(pages >= JOBS / 1024, "{pages} pages: one looked at too much");
    left.into_iter().for_each(|(_, job)| job.release());
}

fn a_page_is_whole_whatever_room_it_has() {
    let _alone = alone();
    let jobs: Vec<Job> = (0..5).map(|number| job(&"ä\"".repeat(1 << number))).collect();
    let whole = page(0, 0, 32 * 1024);
    assert_eq!((whole.status, whole.next), (DCC_OK, 0));
    let mut met = HashSet::new();
    for size in 0..whole.length + 100 {
        let found = page(0, 0, size);
        if found.status != DCC_OK {
            assert_eq!(found.status, DCC_ERROR_INVALID_ARGUMENT);
            assert_eq!((found.text.as_str(), found.next), ("", 0));
            assert!(found.length + 1 > size, "{} in {size}", found.length);
            continue;
        }
        if size == 0 {
            assert_eq!(found.next, 0, "measured as if there were room for all");
            continue;
        }
        let value: Value = serde_json::from_str(&found.text).unwrap();
        let count = value["jobs"].as_array().unwrap().len();
        assert_eq!(count == jobs.len(), found.next == 0, "{count} in {size}");
        met.insert(count);
    }
    assert_eq!(met.len(), jobs.len(), "{met:?}");
    // With a buffer of the size that the call asks for, each page has one job and no job is left
    // out.
    let mut from = 0;
    for number in 1..=jobs.len() {
        let refused = page(from, 0, 1);
        assert_eq!(refused.status, DCC_ERROR_INVALID_ARGUMENT);
        // The job's age may have grown by a digit meanwhile.
        let found = page(from, 1, refused.length + 20);
        assert_eq!((found.status, found.next == 0), (DCC_OK, number == jobs.len()));
        from = found.next;
    }
    jobs.into_iter().for_each(Job::release);
}

fn long_texts_end_a_page_early() {
    let _alone = alone();
    let label = "\u{1}".repeat(4000);
    let jobs: Vec<Job> = (0..20).map(|_| job(&label)).collect();
    let first = page(0, 0, 1 << 20);
    assert!(first.next != 0 && first.length < 64 * 1024, "{}", first.length);
    assert_eq!(ids(DCC_MAX_JOBS_PAGE, 1 << 20).0.len(), jobs.len());
    jobs.into_iter().for_each(Job::release);
}

#[test]
fn wrong_arguments_are_answered() {
    let _alone = alone();
    assert_eq!(page(0, DCC_MAX_JOBS_PAGE + 1, 100).status, DCC_ERROR_INVALID_ARGUMENT);
    for beyond in [u64::MAX, u64::from(u32::MAX), 1 << 40] {
        let found = page(beyond, 0, 100);
        assert_eq!((found.status, found.next), (DCC_OK, 0));
        assert_eq!(found.text, r#"{"jobs":[],"next":0}"#);
    }
    let mut next = 7;
    // SAFETY: no buffer; NULL where a result is wanted, which is refused.
    unsafe {
        let without = dcc_stats_jobs_page(0, 0, null_mut(), 0, null_mut(), null_mut());
        assert_eq!(without, DCC_ERROR_INVALID_ARGUMENT);
        let without = dcc_stats_jobs_page(0, 0, null::<i8>().cast_mut(), 7, null_mut(), &mut next);
        assert_eq!((without, next), (DCC_ERROR_INVALID_ARGUMENT, 0));
        assert_eq!(dcc_stats_jobs_page(0, 0, null_mut(), 0, null_mut(), &mut next), DCC_OK);
    }
}
