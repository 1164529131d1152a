//! A Unix socket in a folder that only its user can enter. The user id of each peer is checked as
//! well.

use super::clients::{Clients, Heard};
use super::line::{MAX_ANSWER, read_line};
use crate::sys::sync::Mutex;
use std::fs::{self, DirBuilder, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// The socket, a pair of streams that wakes a waiting `next`, and the clients that are not done.
/// The lock of `clients` is a leaf; only the thread that serves takes it.
#[derive(Debug)]
pub struct Listener {
    socket: UnixListener,
    address: String,
    woken: UnixStream,
    waker: UnixStream,
    clients: Arc<Mutex<Clients>>,
}

/// A client that has sent its line, the request.
#[derive(Debug)]
pub struct Client {
    stream: Option<UnixStream>,
    line: Vec<u8>,
    others: Arc<Mutex<Clients>>,
}

fn user() -> u32 {
    // SAFETY: the call takes no arguments and cannot fail.
    unsafe { libc::geteuid() }
}

/// The folders where this user's sockets may be, the best first. They are not taken from the
/// environment, which differs between a host and a terminal.
fn folders() -> [PathBuf; 2] {
    let user = user();
    [format!("/run/user/{user}/dcc-cancel").into(), format!("/tmp/dcc-cancel-{user}").into()]
}

/// Whether a folder belongs to this user and no other user may enter it.
pub fn is_private(folder: &Path) -> bool {
    fs::symlink_metadata(folder).is_ok_and(|about| {
        about.is_dir() && about.uid() == user() && about.permissions().mode() & 0o077 == 0
    })
}

/// Gives the user access to the folder, which the user's own umask may have taken away. No other
/// user can have replaced the folder meanwhile: its parent belongs to root, or lets only owners
/// rename entries.
fn open_to_its_user(folder: &Path) -> io::Result<()> {
    let mode = fs::symlink_metadata(folder)?.permissions().mode() & 0o777;
    if mode == 0o700 { Ok(()) } else { fs::set_permissions(folder, Permissions::from_mode(0o700)) }
}

fn make_folder() -> io::Result<PathBuf> {
    let [best, other] = folders();
    for folder in [best, other.clone()] {
        match DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => (),
            _ if is_private(&folder) && open_to_its_user(&folder).is_ok() => return Ok(folder),
            _ => (),
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

/// The address of a process's endpoint, whether it is open or not.
pub fn address_of(process: u32) -> String {
    let [best, other] = folders();
    let file = file_of(process);
    let is_other = !best.join(&file).exists() && is_private(&other) && other.join(&file).exists();
    let there = if is_other { other } else { best };
    there.join(file).to_string_lossy().into_owned()
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
            if !is_left_over(&entry.path(), process) {
                found.push(process);
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Whether a socket's file is left over: no process listens there, because the process that made
/// the file ended without removing it. If no process has this number, the file is also removed,
/// unless it is so young that its process may be about to listen.
fn is_left_over(address: &Path, process: u32) -> bool {
    if !has_ended(process) {
        // A link that leads nowhere is not a socket either.
        return try_connect(address).is_err_and(|error| {
            matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::NotFound)
        });
    }
    // A child that the process forked may still hold the socket, but it answers no client.
    let is_held = try_connect(address).is_ok();
    let made = fs::symlink_metadata(address).and_then(|about| about.modified());
    let age = made.ok().and_then(|made| SystemTime::now().duration_since(made).ok());
    if !is_held && age.is_some_and(|age| age > Duration::from_secs(60)) {
        let _ = fs::remove_file(address);
    }
    true
}

/// Whether there is no process with this number.
fn has_ended(process: u32) -> bool {
    let Ok(process) = libc::pid_t::try_from(process) else { return true };
    // SAFETY: signal 0 is not sent; the call only asks whether it could be.
    let status = unsafe { libc::kill(process, 0) };
    status != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ESRCH)
}

fn bind(address: &Path) -> io::Result<UnixListener> {
    match UnixListener::bind(address) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => (),
        other => return other,
    }
    // The file belongs to an earlier process of the same number, or to another copy of the library.
    match try_connect(address) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(address)?,
        _ => {
            return Err(io::Error::new(
                ErrorKind::AddrInUse,
                format!("{} is open already, by another copy of the library", address.display()),
            ));
        }
    }
    UnixListener::bind(address)
}

/// Connects without waiting. If other clients already wait to be let in, the error is `WouldBlock`.
fn try_connect(address: &Path) -> io::Result<UnixStream> {
    // SAFETY: all zeros is a valid address.
    let mut name: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    name.sun_family = libc::AF_UNIX as libc::sa_family_t;
    let path = address.as_os_str().as_encoded_bytes();
    if path.len() >= name.sun_path.len() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "the path of a socket is too long"));
    }
    for (to, from) in name.sun_path.iter_mut().zip(path) {
        *to = *from as libc::c_char;
    }
    // SAFETY: the call takes no pointers; a descriptor or -1 comes back.
    let descriptor = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_STREAM, 0) };
    if descriptor < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new, and nothing else owns it.
    let stream = UnixStream::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
    // SAFETY: the descriptor is open. Programs that this one starts do not inherit it.
    unsafe { libc::fcntl(descriptor, libc::F_SETFD, libc::FD_CLOEXEC) };
    stream.set_nonblocking(true)?;
    let size = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: the descriptor is open, and the address has that size.
    if unsafe { libc::connect(descriptor, (&raw const name).cast(), size) } != 0 {
        return Err(io::Error::last_os_error());
    }
    stream.set_nonblocking(false)?;
    Ok(stream)
}

impl Listener {
    pub fn open() -> io::Result<Self> {
        let path = make_folder()?.join(file_of(std::process::id()));
        let (woken, waker) = UnixStream::pair()?;
        let clients = Arc::new(Mutex::new(Clients::new()?));
        let socket = bind(&path)?;
        let address = path.to_string_lossy().into_owned();
        let listener = Self { socket, address, woken, waker, clients };
        listener.socket.set_nonblocking(true)?;
        // A client of this user needs permission to write, whatever the umask is.
        fs::set_permissions(&listener.address, Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Waits for the next client that has sent its line. `None`: the endpoint was closed and all
    /// answers have been taken or given up, or the system's wait failed.
    pub fn next(&self) -> Option<Client> {
        let mut clients = self.clients.lock();
        let mut is_closed = false;
        while !is_closed || clients.is_answering() {
            if let Some((stream, line)) = clients.take_heard() {
                let others = self.clients.clone();
                return Some(Client { stream: Some(stream), line, others });
            }
            // `poll` ignores a descriptor below 0.
            let others =
                if is_closed { [-1; 2] } else { [self.woken.as_raw_fd(), self.socket.as_raw_fd()] };
            let Heard([is_woken, has_visitors]) = clients.wait(others)?;
            if is_woken {
                is_closed = true;
                clients.stop_listening();
            } else if has_visitors {
                self.let_in(&mut clients);
            }
        }
        None
    }

    fn let_in(&self, clients: &mut Clients) {
        match self.socket.accept() {
            // Not every system makes an accepted stream non-blocking like its listener.
            Ok((client, _)) if is_same_user(&client) && client.set_nonblocking(true).is_ok() => {
                clients.let_in(client);
            }
            Ok(_) => (),
            Err(error) if error.kind() == ErrorKind::WouldBlock => (),
            // The system refuses the client, for instance because there is no descriptor left. A
            // silent client is dropped to free one. If there is none, this waits a moment, in which
            // others may be closed.
            Err(_) if clients.make_room() => (),
            Err(_) => std::thread::sleep(Duration::from_millis(100)),
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

#[cfg(any(target_os = "linux", target_os = "android"))]
fn peer(stream: &UnixStream) -> Option<u32> {
    let mut who = libc::ucred { pid: 0, uid: 0, gid: 0 };
    let mut size = size_of::<libc::ucred>() as libc::socklen_t;
    // SAFETY: the result is writable and has the size passed.
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
    // SAFETY: both results are writable.
    let status = unsafe { libc::getpeereid(stream.as_raw_fd(), &mut user, &mut group) };
    (status == 0).then_some(user)
}

fn is_same_user(stream: &UnixStream) -> bool {
    peer(stream) == Some(user())
}

/// The time left until `until`; an error once that moment has come.
fn left(until: Instant) -> io::Result<Option<Duration>> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
}

/// Reads a peer's line; an error if it is not complete by `until`.
fn read_line_until(stream: &mut UnixStream, limit: usize, until: Instant) -> io::Result<Vec<u8>> {
    read_line(limit, |room| {
        stream.set_read_timeout(left(until)?)?;
        stream.read(room)
    })
}

/// Maximum number of bytes of one write. A stream's time limit counts for each write, so a long
/// line is written in pieces, and the time is checked between them.
const PIECE: usize = 16 * 1024;

/// Writes the whole line and its end. A peer that has gone is an error here, not a signal: a Rust
/// program ignores SIGPIPE, and the library's threads block it.
fn write_line(stream: &mut UnixStream, line: &[u8], until: Instant) -> io::Result<()> {
    for mut piece in line.chunks(PIECE).chain([&b"\n"[..]]) {
        while !piece.is_empty() {
            stream.set_write_timeout(left(until)?)?;
            match stream.write(piece) {
                Ok(count) => piece = &piece[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => (),
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

impl Client {
    /// The client's line, without its end.
    pub fn read_line(&mut self) -> io::Result<Vec<u8>> {
        Ok(std::mem::take(&mut self.line))
    }

    /// Writes the answer; a client gets only one. The part that the client does not take at once
    /// follows while other clients are served.
    pub fn answer(&mut self, line: &[u8]) -> io::Result<()> {
        match self.stream.take() {
            Some(stream) => self.others.lock().answer(stream, line),
            None => Err(ErrorKind::NotConnected.into()),
        }
    }
}

/// Connects to an endpoint of this user, and waits until `until` to be let in.
pub fn connect(address: &str, until: Instant) -> io::Result<UnixStream> {
    loop {
        match try_connect(Path::new(address)) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => (),
            Ok(stream) if !is_same_user(&stream) => {
                return Err(io::Error::new(ErrorKind::PermissionDenied, "it is another user's"));
            }
            other => return other,
        }
        left(until)?;
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Sends a line to an endpoint and returns the endpoint's answer. An error if that takes longer
/// than `patience`.
pub fn exchange(address: &str, line: &str, patience: Duration) -> io::Result<String> {
    let until = Instant::now() + patience;
    let mut stream = connect(address, until)?;
    write_line(&mut stream, line.as_bytes(), until)?;
    let answer = read_line_until(&mut stream, MAX_ANSWER, until)?;
    String::from_utf8(answer).map_err(|_| ErrorKind::InvalidData.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number that no process has.
    const NOBODY: u32 = i32::MAX as u32;

    fn folder(test: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("dcc-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// A host that is stopped as a whole does not accept the clients that have connected.
    #[test]
    fn where_too_many_wait_nobody_waits_for_ever() {
        let address = folder("backlog").join("stopped.sock");
        let stopped = UnixListener::bind(&address).unwrap();
        // SAFETY: an open socket that listens already.
        unsafe { libc::listen(stopped.as_raw_fd(), 0) };
        let mut waiting = Vec::new();
        let error = loop {
            match try_connect(&address) {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
            assert!(waiting.len() < 100, "it lets all in");
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        assert!(!is_left_over(&address, std::process::id()));
        assert_eq!(bind(&address).unwrap_err().kind(), ErrorKind::AddrInUse);
        let late = exchange(address.to_str().unwrap(), "", Duration::from_millis(50));
        assert_eq!(late.unwrap_err().kind(), ErrorKind::TimedOut);
        fs::remove_dir_all(address.parent().unwrap()).unwrap();
    }

    /// Other things that may lie in the folder under the number of a living process.
    #[test]
    fn what_is_no_socket_is_left_over_and_stays() {
        let folder = folder("strangers");
        let [link, file] = ["link.sock", "file.sock"].map(|name| folder.join(name));
        std::os::unix::fs::symlink(folder.join("nowhere"), &link).unwrap();
        fs::write(&file, "").unwrap();
        for stranger in [&link, &file, &folder] {
            assert!(is_left_over(stranger, std::process::id()), "{stranger:?}");
            assert!(fs::symlink_metadata(stranger).is_ok());
        }
        fs::remove_dir_all(folder).unwrap();
    }

    /// A forked child still holds its host's socket after the host has ended.
    #[test]
    fn a_file_of_nobody_is_left_over_though_its_socket_is_held() {
        let address = folder("held").join("held.sock");
        let held = UnixListener::bind(&address).unwrap();
        let age = |seconds| {
            let then = SystemTime::now() - Duration::from_secs(seconds);
            let then = then.duration_since(SystemTime::UNIX_EPOCH).unwrap();
            let text = format!("@{}", then.as_secs());
            let touch =
                std::process::Command::new("touch").args(["-d", &text]).arg(&address).status();
            assert!(touch.unwrap().success());
        };
        age(120);
        assert!(!is_left_over(&address, std::process::id()));
        assert!(is_left_over(&address, NOBODY));
        assert!(address.exists(), "somebody holds it");
        drop(held);
        age(10);
        assert!(is_left_over(&address, NOBODY) && address.exists(), "it is young");
        age(120);
        assert!(is_left_over(&address, NOBODY) && !address.exists());
        fs::remove_dir_all(address.parent().unwrap()).unwrap();
    }
}
