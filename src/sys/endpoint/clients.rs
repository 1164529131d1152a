//! The clients of a socket that have not sent their line yet or have not taken all of their answer.
//! They wait side by side, so that a client that says nothing, or takes nothing, does not delay the
//! others.
//!
//! Invariants, which bound what a host spends on clients:
//! 1. At most `MOST_SILENT` clients wait with their line unsent, and at most `MOST_TAKING` with
//!    their answer not taken. If one more comes, the oldest is dropped.
//! 2. Each client has a limited time and is dropped when that is over.

use super::line::{MAX_LINE, patience};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// Maximum number of clients that may wait without having sent their whole line.
pub const MOST_SILENT: usize = 64;
/// Maximum number of clients that may wait without having taken their whole answer.
const MOST_TAKING: usize = 8;

/// A client whose line is awaited; `line` has what was read of it.
#[derive(Debug)]
struct Talker {
    stream: UnixStream,
    line: Vec<u8>,
    until: Instant,
}

/// A client that is to take its answer, from byte `sent` on.
#[derive(Debug)]
struct Taker {
    stream: UnixStream,
    answer: Vec<u8>,
    sent: usize,
    until: Instant,
}

/// The clients that wait, oldest first.
#[derive(Debug)]
pub struct Clients {
    talkers: Vec<Talker>,
    takers: Vec<Taker>,
}

/// How a client stands after a read or a write.
enum Step {
    Waits,
    Done,
    Gone,
}

/// Maximum number of descriptors that `wait` waits for: those of all clients, and two of the
/// caller.
const MOST_WAITS: usize = 2 + MOST_SILENT + MOST_TAKING;

/// Which of the caller's two descriptors can be read.
pub struct Heard(pub [bool; 2]);

impl Clients {
    /// No clients yet. The memory for as many clients as may wait is allocated here.
    pub fn new() -> io::Result<Self> {
        let mut clients = Self { talkers: Vec::new(), takers: Vec::new() };
        let no_memory = |_| io::Error::from(ErrorKind::OutOfMemory);
        clients.talkers.try_reserve_exact(MOST_SILENT).map_err(no_memory)?;
        clients.takers.try_reserve_exact(MOST_TAKING).map_err(no_memory)?;
        Ok(clients)
    }

    /// Adds a client that has connected. Its stream is non-blocking. If there are too many, the
    /// oldest client whose line is awaited is dropped.
    pub fn let_in(&mut self, stream: UnixStream) {
        if self.talkers.len() == MOST_SILENT {
            self.talkers.remove(0);
        }
        self.talkers.push(Talker { stream, line: Vec::new(), until: patience() });
    }

    /// Drops the oldest client whose line is awaited, which frees a descriptor. False: there is no
    /// such client.
    pub fn make_room(&mut self) -> bool {
        let is_there = !self.talkers.is_empty();
        self.talkers.drain(..usize::from(is_there));
        is_there
    }

    /// Drops all clients whose line is awaited.
    pub fn stop_listening(&mut self) {
        self.talkers.clear();
    }

    /// Whether a client has not yet taken its whole answer.
    pub fn is_answering(&self) -> bool {
        !self.takers.is_empty()
    }

    /// Sends as much of the client's answer, and its end of line, as the system takes at once. The
    /// rest follows during `wait`. An error: there is no memory for a copy of the answer.
    pub fn answer(&mut self, stream: UnixStream, line: &[u8]) -> io::Result<()> {
        let mut answer = Vec::new();
        answer.try_reserve_exact(line.len() + 1).map_err(|_| ErrorKind::OutOfMemory)?;
        answer.extend_from_slice(line);
        answer.push(b'\n');
        let mut taker = Taker { stream, answer, sent: 0, until: patience() };
        if matches!(taker.go_on(), Step::Waits) {
            if self.takers.len() == MOST_TAKING {
                self.takers.remove(0);
            }
            self.takers.push(taker);
        }
        Ok(())
    }

    /// Waits until a client or one of the two descriptors `others` is ready, or a client's time is
    /// over. Then reads from and writes to the clients that are ready. `None`: the system's wait
    /// failed.
    pub fn wait(&mut self, others: [RawFd; 2]) -> Option<Heard> {
        let now = Instant::now();
        self.talkers.retain(|talker| talker.until > now);
        self.takers.retain(|taker| taker.until > now);
        let none = libc::pollfd { fd: -1, events: 0, revents: 0 };
        let mut waits = [none; MOST_WAITS];
        let to_read = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
        let to_write = |fd| libc::pollfd { fd, events: libc::POLLOUT, revents: 0 };
        let talkers = self.talkers.iter().map(|talker| to_read(talker.stream.as_raw_fd()));
        let takers = self.takers.iter().map(|taker| to_write(taker.stream.as_raw_fd()));
        let all = others.into_iter().map(to_read).chain(talkers).chain(takers);
        let count = 2 + self.talkers.len() + self.takers.len();
        waits.iter_mut().zip(all).for_each(|(place, wait)| *place = wait);
        let times = self.talkers.iter().map(|talker| talker.until);
        let next = times.chain(self.takers.iter().map(|taker| taker.until)).min();
        let until = next.map(|time| time.saturating_duration_since(now));
        // Rounded up; otherwise the last part of a millisecond would be spent on polls that do not
        // wait.
        let milliseconds =
            until.map_or(-1, |time: Duration| i32::try_from(time.as_millis() + 1).unwrap_or(-1));
        // SAFETY: the array has at least `count` elements.
        let found = unsafe { libc::poll(waits.as_mut_ptr(), count as libc::nfds_t, milliseconds) };
        if found < 0 {
            let is_interrupted = io::Error::last_os_error().kind() == ErrorKind::Interrupted;
            return is_interrupted.then_some(Heard([false; 2]));
        }
        let mut clients = waits[2..count].iter().map(|wait| wait.revents != 0);
        let mut can_go_on = || clients.next().unwrap_or(false);
        self.talkers.retain_mut(|talker| !can_go_on() || !matches!(talker.go_on(), Step::Gone));
        self.takers.retain_mut(|taker| !can_go_on() || matches!(taker.go_on(), Step::Waits));
        Some(Heard([waits[0].revents != 0, waits[1].revents != 0]))
    }

    /// Takes out the oldest client that has sent its whole line, and returns it with the line,
    /// without the newline. `None`: no client has.
    pub fn take_heard(&mut self) -> Option<(UnixStream, Vec<u8>)> {
        let at = self.talkers.iter().position(Talker::is_heard)?;
        let Talker { stream, mut line, .. } = self.talkers.remove(at);
        line.pop();
        Some((stream, line))
    }
}

impl Talker {
    /// Whether the line is complete. Bytes behind its newline are ignored.
    fn is_heard(&self) -> bool {
        self.line.last() == Some(&b'\n')
    }

    /// Reads one piece of the line, up to its end, and adds it to `line`, with the newline.
    fn go_on(&mut self) -> Step {
        let mut room = [0; 4096];
        let count = match self.stream.read(&mut room) {
            Ok(0) => return Step::Gone,
            Ok(count) => count,
            Err(error) => return waits_or_gone(&error),
        };
        let end = room[..count].iter().position(|byte| *byte == b'\n');
        let piece = &room[..end.map_or(count, |end| end + 1)];
        let length = self.line.len() + piece.len() - usize::from(end.is_some());
        if length > MAX_LINE || self.line.try_reserve(piece.len()).is_err() {
            return Step::Gone;
        }
        self.line.extend_from_slice(piece);
        if end.is_some() { Step::Done } else { Step::Waits }
    }
}

impl Taker {
    /// Writes as much of the answer as the system takes. A peer that has gone is an error here, not
    /// a signal: the library's threads block SIGPIPE.
    fn go_on(&mut self) -> Step {
        loop {
            match self.stream.write(&self.answer[self.sent..]) {
                Ok(0) => return Step::Gone,
                Ok(count) => self.sent += count,
                Err(error) => return waits_or_gone(&error),
            }
            if self.sent == self.answer.len() {
                return Step::Done;
            }
        }
    }
}

fn waits_or_gone(error: &io::Error) -> Step {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::Interrupted => Step::Waits,
        _ => Step::Gone,
    }
}
