//! Free slots that threads keep at hand are used again, however threads start, end and pass tokens
//! to each other.

use dcc_cancel::ffi::{context::*, current::*, status::*, token::*};
use std::ptr::null_mut;
use std::sync::mpsc;
use std::sync::{Mutex, MutexGuard};
use std::thread;

/// The number of tokens that a thread of these tests has at a time.
const AT_A_TIME: usize = 100;

/// A number of slots that is larger than all live objects and all slots at hand of threads, and far
/// smaller than what would be lost if ended threads kept theirs.
const ENOUGH: u64 = 1000;

/// The slot's number in an object's handle.
fn slot(handle: usize) -> u64 {
    handle as u64 >> 8 & 0xff_ffff
}

/// A token of the library that other threads may use.
struct Token(*mut dcc_cancel_token);

// SAFETY: a token is for all threads.
unsafe impl Send for Token {}

impl Token {
    fn new() -> Self {
        let mut token = null_mut();
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_cancel_token_create(&mut token) }, DCC_OK);
        Self(token)
    }

    fn slot(&self) -> u64 {
        slot(self.0.addr())
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        assert_eq!(dcc_cancel_token_release(self.0), DCC_OK);
    }
}

/// Lets one test run at a time, because the tests count slots.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|broken| broken.into_inner())
}

/// Creates many tokens, releases them, and returns the highest slot.
fn use_many() -> u64 {
    let tokens: Vec<Token> = (0..AT_A_TIME).map(|_| Token::new()).collect();
    tokens.iter().map(Token::slot).max().unwrap()
}

#[test]
fn threads_that_end_give_theirs_back() {
    let _alone = alone();
    let highest = (0..300).map(|_| thread::spawn(use_many).join().unwrap()).max().unwrap();
    assert!(highest < ENOUGH, "slot {highest}");
}

/// Captures the current objects many times, releases the contexts, and returns the highest slot.
fn capture_many() -> u64 {
    let token = Token::new();
    let mut ticket = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_cancel_token_set_current(token.0, &mut ticket) }, DCC_OK);
    let captured = || {
        let mut context = null_mut();
        // SAFETY: a writable result.
        assert_eq!(unsafe { dcc_context_capture(&mut context) }, DCC_OK);
        context
    };
    let contexts: Vec<*mut dcc_context> = (0..AT_A_TIME).map(|_| captured()).collect();
    assert_eq!(dcc_cancel_token_reset_current(ticket), DCC_OK);
    let release = |context: *mut dcc_context| {
        assert_eq!(dcc_context_release(context), DCC_OK);
        slot(context.addr())
    };
    contexts.into_iter().map(release).max().unwrap()
}

#[test]
fn threads_that_end_give_contexts_back() {
    let _alone = alone();
    let highest = (0..300).map(|_| thread::spawn(capture_many).join().unwrap()).max().unwrap();
    assert!(highest < ENOUGH, "slot {highest}");
}

#[test]
fn who_only_releases_gives_slots_back_to_who_only_creates() {
    let _alone = alone();
    let (give, take) = mpsc::sync_channel::<Token>(AT_A_TIME);
    let releasing = thread::spawn(move || take.into_iter().for_each(drop));
    let highest = (0..50_000)
        .map(|_| {
            let token = Token::new();
            let slot = token.slot();
            give.send(token).unwrap();
            slot
        })
        .max()
        .unwrap();
    drop(give);
    releasing.join().unwrap();
    assert!(highest < ENOUGH, "slot {highest}");
}

/// Calls with tokens still work after the library has cleaned up behind the ending thread.
#[cfg(unix)]
#[test]
fn a_thread_at_its_end_uses_slots_again() {
    use std::ffi::c_void;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static HIGHEST: AtomicU64 = AtomicU64::new(0);
    static RUNS: AtomicU64 = AtomicU64::new(0);
    static KEY: OnceLock<libc::pthread_key_t> = OnceLock::new();

    /// The system runs this several times, even after the library's destructor.
    extern "C" fn at_exit(value: *mut c_void) {
        HIGHEST.fetch_max(use_many(), Ordering::Relaxed);
        RUNS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: a key that is never deleted.
        unsafe { libc::pthread_setspecific(*KEY.get().unwrap(), value) };
    }

    let _alone = alone();
    use_many();
    let mut key = 0;
    // SAFETY: a writable result, and a function that stays.
    assert_eq!(unsafe { libc::pthread_key_create(&mut key, Some(at_exit)) }, 0);
    KEY.set(key).unwrap();
    for _ in 0..100 {
        thread::spawn(|| {
            use_many();
            // SAFETY: a key that is never deleted.
            unsafe { libc::pthread_setspecific(*KEY.get().unwrap(), (&raw const RUNS).cast()) };
        })
        .join()
        .unwrap();
    }
    assert!(RUNS.load(Ordering::Relaxed) >= 200, "twice a thread at least");
    let highest = HIGHEST.load(Ordering::Relaxed);
    assert!(highest < ENOUGH, "slot {highest}");
}
