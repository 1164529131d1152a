//! Shares of progress for tests: the C functions behind small types, and the inlined counter.

#![allow(dead_code, reason = "each test uses a part of it")]

use crate::listening::Job;
use dcc_cancel::ffi::{
    current::*, job_texts::*, poll::*, progress::*, progress_counter::*, status::*,
};
use std::ffi::c_char;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicU64, Ordering};

/// The progress of a job.
pub fn bar(job: Job) -> dcc_job_progress {
    // SAFETY: numbers, for which zero is a value; then a structure of that size.
    unsafe {
        let mut progress: dcc_job_progress = std::mem::zeroed();
        progress.struct_size = size_of::<dcc_job_progress>() as u32;
        assert_eq!(dcc_job_read_progress(job.pointer(), &mut progress), DCC_OK);
        progress
    }
}

/// The text of a job's progress.
pub fn words(job: Job) -> String {
    let mut buffer = [0_u8; 8192];
    let mut length = 0;
    let to = buffer.as_mut_ptr().cast::<c_char>();
    // SAFETY: a buffer of that size.
    let status = unsafe { dcc_job_progress_message(job.pointer(), to, buffer.len(), &mut length) };
    assert_eq!(status, DCC_OK);
    String::from_utf8(buffer[..length].to_vec()).unwrap()
}

impl Job {
    /// Runs the work while this job is current.
    pub fn with_current<T>(self, work: impl FnOnce() -> T) -> T {
        let mut ticket = 0;
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_job_set_current(self.pointer(), &mut ticket) }, DCC_OK);
        let result = work();
        assert_eq!(dcc_job_reset_current(ticket), DCC_OK);
        result
    }
}

/// A share's handle as a number, so that threads can share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub usize);

impl Share {
    pub fn begin(parent: Option<Self>, weight: u64, total: u64, label: &str) -> Self {
        let mut share = null_mut();
        let desc = dcc_progress_desc {
            struct_size: size_of::<dcc_progress_desc>() as u32,
            reserved: 0,
            parent: parent.map_or(null(), |parent| parent.pointer().cast_const()),
            weight,
            total,
            label: label.as_ptr().cast(),
            label_length: label.len(),
        };
        // SAFETY: a filled-in descriptor, a writable result.
        assert_eq!(unsafe { dcc_progress_begin(&desc, &mut share) }, DCC_OK);
        Self(share.addr())
    }

    pub fn pointer(self) -> *mut dcc_progress {
        std::ptr::without_provenance_mut(self.0)
    }

    pub fn add(self, units: u64) -> dcc_status {
        dcc_progress_add(self.pointer(), units)
    }

    pub fn say(self, message: &str) {
        let (text, length) = (message.as_ptr().cast(), message.len());
        // SAFETY: a text of that length.
        let status = unsafe { dcc_progress_set_message(self.pointer(), text, length) };
        assert_eq!(status, DCC_OK);
    }

    /// Runs the work while this share is current.
    pub fn with_current<T>(self, work: impl FnOnce() -> T) -> T {
        let mut ticket = 0;
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_progress_set_current(self.pointer(), &mut ticket) }, DCC_OK);
        let result = work();
        assert_eq!(dcc_progress_reset_current(ticket), DCC_OK);
        result
    }

    pub fn end(self) {
        assert_eq!(dcc_progress_end(self.pointer()), DCC_OK);
        self.release();
    }

    pub fn release(self) {
        assert_eq!(dcc_progress_release(self.pointer()), DCC_OK);
    }
}

/// Counts units as the header's inlined `dcc_progress_advance` does.
pub struct Counter {
    counter: dcc_progress_counter,
    pub flushes: u64,
}

fn now(layer: &dcc_poll_layer) -> u64 {
    // SAFETY: a word of a snapshot is readable for ever.
    unsafe { AtomicU64::from_ptr(layer.word.cast_mut()) }.load(Ordering::Relaxed)
}

impl Counter {
    pub fn of(share: Share) -> Self {
        let none = dcc_poll_layer { word: null(), expected: 0 };
        let poll = dcc_poll_pair { token: none, job: none };
        let mut counter = dcc_progress_counter { progress: null(), pending: 0, epoch: none, poll };
        // SAFETY: a writable result.
        let status = unsafe { dcc_progress_read_counter(share.pointer(), &mut counter) };
        assert_eq!(status, DCC_OK);
        Self { counter, flushes: 0 }
    }

    pub fn advance(&mut self, units: u64) -> dcc_status {
        self.counter.pending += units;
        let layers = [&self.counter.epoch, &self.counter.poll.token, &self.counter.poll.job];
        if layers.iter().all(|layer| now(layer) == layer.expected) {
            return DCC_OK;
        }
        self.flush()
    }

    pub fn flush(&mut self) -> dcc_status {
        self.flushes += 1;
        self.counter.epoch.expected = now(&self.counter.epoch);
        let status = dcc_progress_add(self.counter.progress, self.counter.pending);
        if status >= 0 {
            self.counter.pending = 0;
        }
        if status != DCC_OK {
            return status;
        }
        let poll = &self.counter.poll;
        // SAFETY: no place.
        unsafe { dcc_poll_slow(poll.token.expected, poll.job.expected, null(), 0) }
    }
}
