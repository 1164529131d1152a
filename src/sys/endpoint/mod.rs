//! An endpoint by which programs of the same user reach this process: a Unix socket in a folder of
//! that user, on Windows a named pipe. Other users cannot connect, and nothing comes over a
//! network.
//!
//! A client has a limited time to send its line, and again to take its answer. On a Unix socket
//! clients wait side by side, so a client that says nothing, or takes no answer, keeps nobody
//! waiting. On a pipe clients are served one after the other, so such a client delays the next
//! client, but no longer than its time.
//!
//! - `line`: the limits of lines and answers, and the reading of a line.
//! - `unix`: the socket, with `clients`, which has the clients that are not done. `windows`: the
//!   pipe. The module of this platform is called `system` here.

use std::io;

#[cfg(unix)]
mod clients;
mod line;
#[cfg(unix)]
#[path = "unix.rs"]
#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_macros,
    reason = "opened with a reserve; the rest is what the command line tool does"
)]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;

pub use line::{MAX_ANSWER, MAX_LINE, PATIENCE_NS};
#[cfg(unix)]
pub use system::is_private;
pub use system::{address_of, exchange, processes};

/// A client that has connected and is to be answered.
pub use system::Client;

/// The place where this process lets clients in.
#[derive(Debug)]
pub struct Endpoint(system::Listener);

impl Endpoint {
    /// Opens the endpoint of this process.
    pub fn open() -> io::Result<Self> {
        system::Listener::open().map(Self)
    }

    /// The address of the endpoint: the path of the socket or the name of the pipe.
    pub fn address(&self) -> &str {
        self.0.address()
    }

    /// Waits for the next client. `None`: the endpoint was closed, or the system failed for good.
    pub fn next(&self) -> Option<Client> {
        self.0.next()
    }

    /// Closes the endpoint: no further client is let in, and `next` returns `None` once the answers
    /// under way are done.
    pub fn close(&self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Mutex, MutexGuard};
    use std::time::{Duration, Instant};

    /// Held by each test that opens the endpoint, because a process has only one.
    static ONE: Mutex<()> = Mutex::new(());

    fn alone() -> MutexGuard<'static, ()> {
        ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn with_echo(test: impl FnOnce(&str)) {
        let _alone = alone();
        echo(test);
    }

    /// Answers each line with itself, twice.
    fn echo(test: impl FnOnce(&str)) {
        serve(|line| line.repeat(2), test);
    }

    fn serve(answer: impl Fn(&[u8]) -> Vec<u8> + Sync, test: impl FnOnce(&str)) {
        let endpoint = Endpoint::open().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while let Some(mut client) = endpoint.next() {
                    if let Ok(line) = client.read_line() {
                        let _ = client.answer(&answer(&line));
                    }
                }
            });
            struct Close<'a>(&'a Endpoint);
            impl Drop for Close<'_> {
                fn drop(&mut self) {
                    self.0.close();
                }
            }
            let _close = Close(&endpoint);
            test(endpoint.address());
        });
    }

    const SOON: Duration = Duration::from_secs(5);

    #[test]
    fn a_line_is_answered() {
        with_echo(|address| {
            assert_eq!(address, address_of(std::process::id()));
            assert!(processes().contains(&std::process::id()));
            for line in ["one", "", "three ä"] {
                assert_eq!(exchange(address, line, SOON).unwrap(), line.repeat(2));
            }
        });
    }

    /// Not on Unix, where the endpoint is opened with a reserve of memory.
    #[cfg(windows)]
    #[test]
    fn without_memory_none_is_opened() {
        use crate::sys::scarce_memory::{Limits, with_limits};
        let _alone = alone();
        let mut left = 0;
        while let Err(error) =
            with_limits(Limits { left, largest: usize::MAX }, || Endpoint::open().map(drop))
        {
            assert_eq!(error.kind(), io::ErrorKind::OutOfMemory, "{left}: {error}");
            left += 1;
        }
        assert!(left >= 4, "{left}");
    }

    #[test]
    fn a_long_answer_comes_whole() {
        with_echo(|address| {
            let line = "x".repeat(MAX_LINE);
            assert_eq!(exchange(address, &line, SOON).unwrap(), line.repeat(2));
        });
    }

    #[test]
    fn a_line_that_is_too_long_is_not_answered() {
        with_echo(|address| {
            exchange(address, &"x".repeat(MAX_LINE + 1), SOON).unwrap_err();
            assert_eq!(exchange(address, "next", SOON).unwrap(), "nextnext");
        });
    }

    /// Asserts that the client gets no answer.
    fn assert_shown_out(client: &mut impl io::Read) {
        assert!(!matches!(client.read(&mut [0]), Ok(1..)), "it got an answer");
    }

    #[test]
    fn who_says_nothing_is_shown_out() {
        with_echo(|address| {
            let mut silent = system::connect(address, Instant::now() + SOON).unwrap();
            assert_eq!(exchange(address, "next", SOON).unwrap(), "nextnext");
            assert_shown_out(&mut silent);
        });
    }

    /// Served one after the other, they would delay the last client for minutes.
    #[cfg(unix)]
    const MANY: usize = 200;
    #[cfg(unix)]
    const A_MINUTE: Duration = Duration::from_secs(60);

    #[cfg(unix)]
    #[test]
    fn any_number_of_silent_ones_keep_nobody_waiting() {
        with_echo(|address| {
            let connect = || system::connect(address, Instant::now() + A_MINUTE).unwrap();
            let mut silent: Vec<_> = (0..MANY).map(|_| connect()).collect();
            // Some have begun to send a line.
            for half in silent.iter_mut().step_by(2) {
                let _ = io::Write::write_all(half, b"half a line");
            }
            assert_eq!(exchange(address, "next", A_MINUTE).unwrap(), "nextnext");
            silent.iter_mut().for_each(assert_shown_out);
        });
    }

    #[cfg(unix)]
    #[test]
    fn any_number_that_take_no_answer_keep_nobody_waiting() {
        let _alone = alone();
        let long = |line: &[u8]| if line == b"long" { vec![b'x'; 1 << 20] } else { line.to_vec() };
        serve(long, |address| {
            let ask = || {
                let mut client = system::connect(address, Instant::now() + A_MINUTE).unwrap();
                io::Write::write_all(&mut client, b"long\n").unwrap();
                client
            };
            let asking: Vec<_> = (0..MANY).map(|_| ask()).collect();
            assert_eq!(exchange(address, "next", A_MINUTE).unwrap(), "next");
            drop(asking);
            // A client that takes its answer gets all of it, however slowly the system hands it
            // over.
            assert_eq!(exchange(address, "long", A_MINUTE).unwrap().len(), 1 << 20);
        });
    }

    #[test]
    fn who_takes_his_answer_slowly_keeps_nobody_from_his() {
        let _alone = alone();
        let long = |line: &[u8]| if line == b"long" { vec![b'x'; 8 << 20] } else { line.to_vec() };
        serve(long, |address| {
            let mut slow = system::connect(address, Instant::now() + SOON).unwrap();
            io::Write::write_all(&mut slow, b"long\n").unwrap();
            std::thread::scope(|scope| {
                let next = scope.spawn(|| exchange(address, "next", SOON).unwrap());
                let mut room = vec![0; 64 * 1024];
                while !next.is_finished() {
                    let _ = io::Read::read(&mut slow, &mut room);
                    std::thread::sleep(Duration::from_millis(100));
                }
                assert_eq!(next.join().unwrap(), "next");
            });
        });
    }

    /// A close must not cut an answer off. On a busy machine the answer's own time may do so, hence
    /// some attempts.
    #[cfg(unix)]
    #[test]
    fn who_is_being_answered_has_his_answer_after_a_close() {
        let _alone = alone();
        let long = vec![b'x'; 1 << 20];
        let has_answer = || {
            let endpoint = Endpoint::open().unwrap();
            let mut client = system::connect(endpoint.address(), Instant::now() + SOON).unwrap();
            io::Write::write_all(&mut client, b"line\n").unwrap();
            let mut asked = endpoint.next().unwrap();
            assert_eq!(asked.read_line().unwrap(), b"line");
            asked.answer(&long).unwrap();
            endpoint.close();
            std::thread::scope(|scope| {
                let over = scope.spawn(|| assert!(endpoint.next().is_none()));
                let mut answer = vec![0; long.len() + 1];
                let is_whole = io::Read::read_exact(&mut client, &mut answer).is_ok();
                over.join().unwrap();
                is_whole && answer.ends_with(b"x\n")
            })
        };
        assert!((0..20).any(|_| has_answer()));
    }

    #[test]
    fn who_goes_on_talking_is_shown_out() {
        with_echo(|address| {
            let mut talker = system::connect(address, Instant::now() + SOON).unwrap();
            std::thread::scope(|scope| {
                let next = scope.spawn(|| exchange(address, "next", SOON).unwrap());
                let _ = io::Write::write_all(&mut talker, b"line\n");
                while !next.is_finished() {
                    let _ = io::Write::write(&mut talker, &[b'x'; 64]);
                    std::thread::yield_now();
                }
                assert_eq!(next.join().unwrap(), "nextnext");
            });
        });
    }

    #[test]
    fn who_leaves_early_harms_nobody() {
        with_echo(|address| {
            for _ in 0..20 {
                drop(system::connect(address, Instant::now() + SOON).unwrap());
                let mut leaving = system::connect(address, Instant::now() + SOON).unwrap();
                io::Write::write_all(&mut leaving, &[b'x'; 1000]).unwrap();
            }
            assert_eq!(exchange(address, "next", SOON).unwrap(), "nextnext");
        });
    }

    #[test]
    fn there_is_one_in_a_process_and_then_none() {
        let _alone = alone();
        let mut here = String::new();
        echo(|address| {
            here = address.to_owned();
            Endpoint::open().unwrap_err();
            assert_eq!(exchange(address, "still", SOON).unwrap(), "stillstill");
        });
        exchange(&here, "gone", Duration::from_millis(200)).unwrap_err();
        assert!(!processes().contains(&std::process::id()));
        echo(|address| assert_eq!(exchange(address, "again", SOON).unwrap(), "againagain"));
    }
}
