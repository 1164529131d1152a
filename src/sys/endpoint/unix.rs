//! A Unix socket in a folder that only its user can enter; who connects is asked for his user id, too.

use super::{MAX_LINE, PATIENCE_NS};
use crate::sys::clock;
use std::fs::{self, DirBuilder};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// The socket, and what wakes who waits for a client.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    address: String,
    woken: UnixStream,
    waker: UnixStream,
}

/// A connection to one client.
#[derive(Debug)]
pub struct Client(UnixStream);

fn user() -> u32 {
    // SAFETY: a question that cannot fail.
    unsafe { libc::geteuid() }
}

/// Where this user's sockets may be, best first. Not from the environment: it differs between a host
/// and a terminal.
fn folders() -> [PathBuf; 2] {
    let user = user();
    [format!("/run/user/{user}/dcc-cancel").into(), format!("/tmp/dcc-cancel-{user}").into()]
}

/// Whether a folder is this user's, and nobody else may enter it.
pub fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|about| {
        about.is_dir() && about.uid() == user() && about.permissions().mode() & 0o077 == 0
    })
}

fn make_folder() -> io::Result<PathBuf> {
    let [best, other] = folders();
    for folder in [best, other.clone()] {
        match DirBuilder::new().mode(0o700).create(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && is_private(&folder) => {
                return Ok(folder);
            }
            Err(_) => (),
        }
    }
    Err(io::Error::new(
        ErrorKind::PermissionDenied,
        format!("{} is not a folder that only this user can enter", other.display()),
    ))
}

fn file_of(process: u32) -> String {
    format!("{process}.sock")
}

/// The address of the endpoint of a process, open or not.
pub fn address_of(process: u32) -> String {
    let [best, other] = folders().map(|folder| folder.join(file_of(process)));
    let there = if !best.exists() && other.exists() { other } else { best };
    there.to_string_lossy().into_owned()
}

/// The processes of this user that have an endpoint.
pub fn processes() -> Vec<u32> {
    let mut found = Vec::new();
    for folder in folders().iter().filter(|folder| is_private(folder)) {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let Some(process) = name.to_str().and_then(|name| name.strip_suffix(".sock")) else {
                continue;
            };
            let Ok(process) = process.parse() else { continue };
            if !is_left_over(&entry.path()) {
                found.push(process);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether nobody listens: its process ended without a word. Such a file is removed, unless it is so
/// young that its process may be about to listen.
fn is_left_over(address: &Path) -> bool {
    let answer = UnixStream::connect(address);
    if !answer.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused) {
        return false;
    }
    let made = fs::symlink_metadata(address).and_then(|about| about.modified());
    let age = made.ok().and_then(|made| SystemTime::now().duration_since(made).ok());
    if age.is_some_and(|age| age > Duration::from_secs(60)) {
        let _ = fs::remove_file(address);
    }
    true
}

fn bind(address: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => (),
        other => return other,
    }
    // An earlier process of the same number, or another copy of the library.
    if UnixStream::connect(address).is_ok() {
        return Err(io::Error::new(
            ErrorKind::AddrInUse,
            format!("{} is open already, by another copy of the library", address.display()),
        ));
    }
    fs::remove_file(address)?;
    UnixListener::bind(address)
}

impl Listener {
    pub fn open() -> io::Result<Self> {
        let path = make_folder()?.join(file_of(std::process::id()));
        let (woken, waker) = UnixStream::pair()?;
        let socket = bind(&path)?;
        let address = path.to_string_lossy().into_owned();
        let listener = Self { socket, address, woken, waker };
        listener.socket.set_nonblocking(true)?;
        Ok(listener)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn next(&self) -> Option<Client> {
        loop {
            if wait_for_input([self.woken.as_raw_fd(), self.socket.as_raw_fd()])?[0] {
                return None;
            }
            match self.socket.accept() {
                // A BSD hands the listener's ways on.
                Ok((client, _))
                    if is_same_user(&client) && client.set_nonblocking(false).is_ok() =>
                {
                    return Some(Client(client));
                }
                Ok(_) => (),
                Err(error) if error.kind() == ErrorKind::WouldBlock => (),
                // No descriptors, say: they may come back.
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    pub fn close(&self) {
        let _ = self.waker.shutdown(Shutdown::Both);
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.address);
    }
}

/// Which of them has something to be read; `None`: the system does not tell.
fn wait_for_input<const N: usize>(descriptors: [RawFd; N]) -> Option<[bool; N]> {
    let mut waits = descriptors.map(|fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 });
    loop {
        // SAFETY: an array of that length.
        let count = unsafe { libc::poll(waits.as_mut_ptr(), N as libc::nfds_t, -1) };
        if count > 0 {
            return Some(waits.map(|wait| wait.revents != 0));
        }
        if count < 0 && io::Error::last_os_error().kind() != ErrorKind::Interrupted {
            return None;
        }
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn peer(stream: &UnixStream) -> Option<u32> {
    let mut who = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: a writable result of the size that it says.
    let status = unsafe {
        libc::getsockopt(
            stream.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_PEERCRED,
            (&raw mut who).cast(),
            &mut size,
        )
    };
    (status == 0).then_some(who.uid)
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn peer(stream: &UnixStream) -> Option<u32> {
    let (mut user, mut group) = (0, 0);
    // SAFETY: writable results.
    let status = unsafe { libc::getpeereid(stream.as_raw_fd(), &mut user, &mut group) };
    (status == 0).then_some(user)
}

fn is_same_user(stream: &UnixStream) -> bool {
    peer(stream) == Some(user())
}

/// What is left until then; an error once nothing is.
fn left(until: Instant) -> io::Result<Option<Duration>> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
}

/// Reads up to the end of a line, which is not part of what comes back.
fn read_line(stream: &mut UnixStream, limit: usize, until: Instant) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut room = [0; 4096];
    loop {
        stream.set_read_timeout(left(until)?)?;
        let count = match stream.read(&mut room) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = room[..count].iter().position(|byte| *byte == b'\n');
        let piece = &room[..end.unwrap_or(count)];
        if line.len() + piece.len() > limit {
            return Err(io::Error::new(ErrorKind::InvalidData, "the line is too long"));
        }
        line.try_reserve(piece.len()).map_err(|_| ErrorKind::OutOfMemory)?;
        line.extend_from_slice(piece);
        if end.is_some() {
            return Ok(line);
        }
    }
}

/// Writes all of it. A peer that has gone is an error here, not a signal: the library's threads and
/// Rust's programs have SIGPIPE off.
fn write_line(stream: &mut UnixStream, mut line: &[u8], until: Instant) -> io::Result<()> {
    while !line.is_empty() {
        stream.set_write_timeout(left(until)?)?;
        match stream.write(line) {
            Ok(count) => line = &line[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => (),
            Err(error) => return Err(error),
        }
    }
    left(until)?;
    stream.write_all(b"\n")
}

fn patience() -> Instant {
    clock::instant_at(clock::now_ns() + PATIENCE_NS).unwrap_or_else(Instant::now)
}

impl Client {
    /// Reads up to the end of a line, which is not part of what comes back.
    pub fn read_line(&mut self) -> io::Result<Vec<u8>> {
        read_line(&mut self.0, MAX_LINE, patience())
    }

    /// Writes a line.
    pub fn answer(&mut self, line: &[u8]) -> io::Result<()> {
        write_line(&mut self.0, line, patience())
    }
}

/// A connection to an endpoint.
pub fn connect(address: &str, _until: Instant) -> io::Result<UnixStream> {
    UnixStream::connect(address)
}

/// Sends a line to an endpoint and returns what it answers.
pub fn exchange(address: &str, line: &str, patience: Duration) -> io::Result<String> {
    let until = Instant::now() + patience;
    let mut stream = connect(address, until)?;
    write_line(&mut stream, line.as_bytes(), until)?;
    let answer = read_line(&mut stream, usize::MAX, until)?;
    String::from_utf8(answer).map_err(|_| ErrorKind::InvalidData.into())
}
