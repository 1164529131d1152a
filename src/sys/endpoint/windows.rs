//! A named pipe that admits its own user and nobody over a network. It has one instance: a client
//! that comes while another is served waits for its turn.
//!
//! Functions that a host calls return an error if there is no memory. Functions that only the
//! command line tool calls may abort.

use super::line::{MAX_ANSWER, MAX_LINE, patience, read_line};
use crate::sys::fallible::Growing;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::ptr::{null, null_mut};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use windows_sys::Win32::Foundation::{
    ERROR_IO_PENDING, ERROR_PIPE_BUSY, ERROR_PIPE_CONNECTED, ERROR_SEM_TIMEOUT, FALSE, HANDLE,
    INVALID_HANDLE_VALUE, LocalFree, TRUE, WAIT_OBJECT_0,
};
use windows_sys::Win32::Security::Authorization::{
    ConvertSidToStringSidW, ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{
    GetTokenInformation, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_FIRST_PIPE_INSTANCE, FILE_FLAG_OVERLAPPED, PIPE_ACCESS_DUPLEX, ReadFile,
    SECURITY_IDENTIFICATION, WriteFile,
};
use windows_sys::Win32::System::IO::{CancelIoEx, GetOverlappedResult, OVERLAPPED};
use windows_sys::Win32::System::Pipes::{
    ConnectNamedPipe, CreateNamedPipeW, DisconnectNamedPipe, PIPE_READMODE_BYTE,
    PIPE_REJECT_REMOTE_CLIENTS, PIPE_TYPE_BYTE, PIPE_WAIT, WaitNamedPipeW,
};
use windows_sys::Win32::System::ProcessStatus::K32EnumProcesses;
use windows_sys::Win32::System::Threading::{
    CreateEventW, GetCurrentProcess, INFINITE, OpenProcessToken, SetEvent, WaitForMultipleObjects,
    WaitForSingleObject,
};

/// Bytes of the pipe's buffers that the system is asked for. The system takes more if it has to.
const BUFFER: u32 = 64 * 1024;

/// The pipe, and the event that wakes a waiting `next`.
#[derive(Debug)]
pub struct Listener {
    pipe: OwnedHandle,
    address: String,
    closing: OwnedHandle,
}

/// The connection to one client; dropping it disconnects the client.
#[derive(Debug)]
pub struct Client(OwnedHandle);

/// The address of a process's endpoint, whether it is open or not.
pub fn address_of(process: u32) -> String {
    address(process).expect("memory for a short text")
}

fn address(process: u32) -> io::Result<String> {
    let mut text = Growing::default();
    write!(text, r"\\.\pipe\dcc-cancel-{process}").map_err(|_| ErrorKind::OutOfMemory)?;
    Ok(text.into_string())
}

/// The processes of all users that have an endpoint. Only a connect shows whether this user may use
/// it.
pub fn processes() -> Vec<u32> {
    let mut found = vec![0; 1024];
    loop {
        let mut bytes = 0;
        // SAFETY: the buffer has the size passed, and the result is writable.
        let status = unsafe {
            K32EnumProcesses(found.as_mut_ptr(), size_of_val(&found[..]) as u32, &mut bytes)
        };
        let count = if status == FALSE { 0 } else { bytes as usize / size_of::<u32>() };
        // The call does not say whether these were all processes, so it is repeated with a larger
        // buffer if the buffer is full.
        if count == found.len() {
            found.resize(2 * count, 0);
            continue;
        }
        found.truncate(count);
        found.retain(|process| *process != 0 && is_there(*process));
        found.sort_unstable();
        return found;
    }
}

/// Whether a process has an endpoint; asked without connecting.
fn is_there(process: u32) -> bool {
    let address = wide(&address_of(process)).expect("memory for a short text");
    // SAFETY: the text ends with NUL.
    let is_free = unsafe { WaitNamedPipeW(address.as_ptr(), 1) } != FALSE;
    is_free || io::Error::last_os_error().raw_os_error() == Some(ERROR_SEM_TIMEOUT as i32)
}

fn wide(text: &str) -> io::Result<Vec<u16>> {
    let mut wide = Vec::new();
    // UTF-16 has at most as many units as UTF-8 has bytes.
    wide.try_reserve_exact(text.len() + 1).map_err(|_| ErrorKind::OutOfMemory)?;
    wide.extend(text.encode_utf16().chain([0]));
    Ok(wide)
}

fn event() -> io::Result<OwnedHandle> {
    // SAFETY: the call gets no security descriptor and no name. The event is not inherited and is
    // never reset by itself.
    owned(unsafe { CreateEventW(null(), TRUE, FALSE, null()) })
}

fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and nothing else owns it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Memory that the system allocated, freed when dropped.
struct Local<T>(*mut T);

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: the system allocated it, to be freed by this call.
        unsafe { LocalFree(self.0.cast()) };
    }
}

/// This user's SID as text, ended by NUL.
fn user() -> io::Result<Local<u16>> {
    let mut token = null_mut();
    // SAFETY: a constant for this process, and a writable result.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) } == FALSE {
        return Err(io::Error::last_os_error());
    }
    let token = owned(token)?;
    // As large as a SID can be, and aligned as `TOKEN_USER` requires.
    let mut room = [0_u64; 32];
    let mut size = 0;
    // SAFETY: the token is open, and the buffer has the size passed.
    let status = unsafe {
        let room_size = size_of_val(&room) as u32;
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            room.as_mut_ptr().cast(),
            room_size,
            &mut size,
        )
    };
    let mut text = Local(null_mut());
    // SAFETY: the call above has filled the buffer in; the result is writable.
    if status == FALSE
        || unsafe {
            let user = &*room.as_ptr().cast::<TOKEN_USER>();
            ConvertSidToStringSidW(user.User.Sid, &mut text.0)
        } == FALSE
    {
        return Err(io::Error::last_os_error());
    }
    Ok(text)
}

/// A security descriptor that admits this user and nobody else.
fn only_this_user() -> io::Result<Local<core::ffi::c_void>> {
    let user = user()?;
    // SAFETY: the text ends with NUL, which stops the count.
    let length = (0..).take_while(|at| unsafe { *user.0.add(*at) } != 0).count();
    // SAFETY: the text has that length.
    let user = unsafe { std::slice::from_raw_parts(user.0, length) };
    let mut rule = wide("D:P(A;;GA;;;")?;
    rule.pop();
    rule.try_reserve_exact(length + 2).map_err(|_| ErrorKind::OutOfMemory)?;
    rule.extend(user.iter().copied().chain([b')'.into(), 0]));
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: the text ends with NUL, and the result is writable.
    let status = unsafe {
        ConvertStringSecurityDescriptorToSecurityDescriptorW(
            rule.as_ptr(),
            SDDL_REVISION_1,
            &mut descriptor,
            null_mut(),
        )
    };
    if status == FALSE {
        return Err(io::Error::last_os_error());
    }
    Ok(Local(descriptor))
}

impl Listener {
    pub fn open() -> io::Result<Self> {
        let address = address(std::process::id())?;
        let name = wide(&address)?;
        let rule = only_this_user()?;
        let security = SECURITY_ATTRIBUTES {
            nLength: size_of::<SECURITY_ATTRIBUTES>() as u32,
            lpSecurityDescriptor: rule.0,
            bInheritHandle: FALSE,
        };
        // SAFETY: the name ends with NUL, and the structure is filled in.
        let pipe = owned(unsafe {
            CreateNamedPipeW(
                name.as_ptr(),
                // FILE_FLAG_FIRST_PIPE_INSTANCE fails if another program already has this name.
                PIPE_ACCESS_DUPLEX | FILE_FLAG_OVERLAPPED | FILE_FLAG_FIRST_PIPE_INSTANCE,
                PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT | PIPE_REJECT_REMOTE_CLIENTS,
                1,
                BUFFER,
                BUFFER,
                0,
                &security,
            )
        })?;
        Ok(Self { pipe, address, closing: event()? })
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn next(&self) -> Option<Client> {
        loop {
            let closing = self.closing.as_raw_handle();
            let arrived = transfer(&self.pipe, None, Some(closing), |pipe, overlapped| {
                // SAFETY: the pipe is open; `transfer` keeps the structure until the operation has
                // ended.
                unsafe { ConnectNamedPipe(pipe, overlapped) }
            });
            let is_here = match arrived {
                Ok(_) => true,
                Err(error) if error.kind() == ErrorKind::Interrupted => return None,
                Err(error) => error.raw_os_error() == Some(ERROR_PIPE_CONNECTED as i32),
            };
            if is_here && let Ok(pipe) = self.pipe.try_clone() {
                return Some(Client(pipe));
            }
            // Either the client has left already, or the system has no handles at the moment; the
            // loop tries again a little later.
            // SAFETY: both the pipe and the event are open.
            let woken = unsafe {
                DisconnectNamedPipe(self.pipe.as_raw_handle());
                WaitForSingleObject(closing, if is_here { 100 } else { 1 })
            };
            if woken == WAIT_OBJECT_0 {
                return None;
            }
        }
    }

    pub fn close(&self) {
        // SAFETY: the handle stays open as long as `self` lives.
        unsafe { SetEvent(self.closing.as_raw_handle()) };
    }
}

/// Runs one operation of a pipe to its end and returns how many bytes it moved. `TimedOut`: the
/// operation was given up at `until`. `Interrupted`: it was given up because `stop` was set.
fn transfer(
    pipe: &OwnedHandle,
    until: Option<Instant>,
    stop: Option<HANDLE>,
    start: impl FnOnce(HANDLE, *mut OVERLAPPED) -> i32,
) -> io::Result<usize> {
    // An operation that the system always completes at once would otherwise never be late.
    if until.is_some_and(|until| Instant::now() >= until) {
        return Err(ErrorKind::TimedOut.into());
    }
    let done = event()?;
    let pipe = pipe.as_raw_handle();
    let mut overlapped = OVERLAPPED { hEvent: done.as_raw_handle(), ..OVERLAPPED::default() };
    let overlapped: *mut OVERLAPPED = &mut overlapped;
    let mut given_up = None;
    if start(pipe, overlapped) == FALSE {
        let error = io::Error::last_os_error();
        if error.raw_os_error() != Some(ERROR_IO_PENDING as i32) {
            return Err(error);
        }
        let waits = [done.as_raw_handle(), stop.unwrap_or(null_mut())];
        let count = 1 + u32::from(stop.is_some());
        let milliseconds = until.map_or(INFINITE, |until| {
            until.saturating_duration_since(Instant::now()).as_millis().min(60_000) as u32
        });
        // SAFETY: the array has `count` open handles.
        let woken = unsafe { WaitForMultipleObjects(count, waits.as_ptr(), FALSE, milliseconds) };
        if woken != WAIT_OBJECT_0 {
            let stopped = woken == WAIT_OBJECT_0 + 1;
            given_up = Some(if stopped { ErrorKind::Interrupted } else { ErrorKind::TimedOut });
            // SAFETY: it names the operation that was begun. GetOverlappedResult below tells
            // whether it was ended.
            unsafe { CancelIoEx(pipe, overlapped) };
        }
    }
    let mut count = 0;
    // SAFETY: it names the operation that was begun. The call waits for its end, so the system does
    // not write to the structure, or to the buffer, after that.
    let ended = unsafe { GetOverlappedResult(pipe, overlapped, &mut count, TRUE) };
    match given_up {
        _ if ended != FALSE => Ok(count as usize),
        Some(why) => Err(why.into()),
        None => Err(io::Error::last_os_error()),
    }
}

impl Client {
    /// Reads at least one byte into `room` and returns how many; an error if none comes until
    /// `until`.
    fn read(&mut self, room: &mut [u8], until: Instant) -> io::Result<usize> {
        let count = transfer(&self.0, Some(until), None, |pipe, overlapped| {
            // SAFETY: the buffer has that length; `transfer` returns only after the operation has
            // ended.
            unsafe {
                let length = room.len() as u32;
                ReadFile(pipe, room.as_mut_ptr(), length, null_mut(), overlapped)
            }
        })?;
        if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
    }

    /// Reads the client's line and returns it without its newline.
    pub fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let until = patience();
        read_line(MAX_LINE, |room| self.read(room, until))
    }

    /// Writes the answer and waits until the client has taken it and left.
    pub fn answer(&mut self, line: &[u8]) -> io::Result<()> {
        let until = patience();
        self.write(line, until)?;
        self.write(b"\n", until)?;
        // Waits until the client has left: a client that is disconnected at once would lose bytes
        // that it has not read yet.
        while self.read(&mut [0; 64], until).is_ok() {}
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let piece = &bytes[..bytes.len().min(BUFFER as usize)];
            let count = transfer(&self.0, Some(until), None, |pipe, overlapped| {
                // SAFETY: the bytes have that length; `transfer` returns only after the operation
                // has ended.
                unsafe {
                    let length = piece.len() as u32;
                    WriteFile(pipe, piece.as_ptr(), length, null_mut(), overlapped)
                }
            })?;
            bytes = &bytes[count..];
        }
        Ok(())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // SAFETY: the pipe is open.
        unsafe { DisconnectNamedPipe(self.0.as_raw_handle()) };
    }
}

/// Connects to an endpoint, and waits until `until` for its turn.
pub fn connect(address: &str, until: Instant) -> io::Result<File> {
    loop {
        // Lets the server identify this user, but not act in the user's name.
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .security_qos_flags(SECURITY_IDENTIFICATION)
            .open(address);
        match opened {
            Err(error)
                if error.raw_os_error() == Some(ERROR_PIPE_BUSY as i32)
                    && Instant::now() < until =>
            {
                thread::sleep(Duration::from_millis(5));
            }
            other => return other,
        }
    }
}

/// Sends a line to an endpoint and returns the endpoint's answer. An error if that takes longer
/// than `patience`.
pub fn exchange(address: &str, line: &str, patience: Duration) -> io::Result<String> {
    let until = Instant::now() + patience;
    let (address, line) = (address.to_owned(), format!("{line}\n"));
    let (to, from) = mpsc::channel();
    // A pipe that is opened as a file has no timeouts, so a thread of its own does the exchange. If
    // that thread is late, it ends with this program.
    thread::spawn(move || {
        let _ = to.send(talk(&address, &line, until));
    });
    from.recv_timeout(patience).unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}

fn talk(address: &str, line: &str, until: Instant) -> io::Result<String> {
    let mut pipe = connect(address, until)?;
    pipe.write_all(line.as_bytes())?;
    let answer = read_line(MAX_ANSWER, |room| pipe.read(room))?;
    String::from_utf8(answer).map_err(|_| ErrorKind::InvalidData.into())
}
