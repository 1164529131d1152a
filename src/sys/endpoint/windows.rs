//! A named pipe that lets in its user alone, and nobody over a network. It has one instance: who comes
//! while another is served waits his turn.
//!
//! What a host calls can be refused memory; what only the command line tool calls cannot.

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

/// The size that the system is asked for; it takes more when it has to.
const BUFFER: u32 = 64 * 1024;

/// The pipe, and what wakes who waits for a client.
#[derive(Debug)]
pub struct Listener {
    pipe: OwnedHandle,
    address: String,
    closing: OwnedHandle,
}

/// A connection to one client, which is shown out when this goes.
#[derive(Debug)]
pub struct Client(OwnedHandle);

/// The address of the endpoint of a process, open or not.
pub fn address_of(process: u32) -> String {
    address(process).expect("memory for a short text")
}

fn address(process: u32) -> io::Result<String> {
    let mut text = Growing::default();
    write!(text, r"\\.\pipe\dcc-cancel-{process}").map_err(|_| ErrorKind::OutOfMemory)?;
    Ok(text.into_string())
}

/// The processes that have an endpoint; who may enter is found out at its door.
pub fn processes() -> Vec<u32> {
    let mut found = vec![0; 1024];
    loop {
        let mut bytes = 0;
        // SAFETY: room of the size that it says, a writable result.
        let status = unsafe {
            K32EnumProcesses(found.as_mut_ptr(), size_of_val(&found[..]) as u32, &mut bytes)
        };
        let count = if status == FALSE { 0 } else { bytes as usize / size_of::<u32>() };
        // It does not say whether that was all.
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

/// Whether a process has an endpoint, without a visit there.
fn is_there(process: u32) -> bool {
    let address = wide(&address_of(process)).expect("memory for a short text");
    // SAFETY: a text that ends with NUL.
    let is_free = unsafe { WaitNamedPipeW(address.as_ptr(), 1) } != FALSE;
    is_free || io::Error::last_os_error().raw_os_error() == Some(ERROR_SEM_TIMEOUT as i32)
}

fn wide(text: &str) -> io::Result<Vec<u16>> {
    let mut wide = Vec::new();
    // No more units than bytes.
    wide.try_reserve_exact(text.len() + 1).map_err(|_| ErrorKind::OutOfMemory)?;
    wide.extend(text.encode_utf16().chain([0]));
    Ok(wide)
}

fn event() -> io::Result<OwnedHandle> {
    // SAFETY: no security descriptor, no name: not inherited, reset by hand only.
    owned(unsafe { CreateEventW(null(), TRUE, FALSE, null()) })
}

fn owned(handle: HANDLE) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: a handle just made, owned by nobody else.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Memory of the system's, given back when dropped.
struct Local<T>(*mut T);

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        // SAFETY: the system allocated it for this.
        unsafe { LocalFree(self.0.cast()) };
    }
}

/// This user's number as the system writes it, ended by NUL.
fn user() -> io::Result<Local<u16>> {
    let mut token = null_mut();
    // SAFETY: this process, a writable result.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &mut token) } == FALSE {
        return Err(io::Error::last_os_error());
    }
    let token = owned(token)?;
    // As large as a user's number ever is, aligned as a `TOKEN_USER` has to be.
    let mut room = [0_u64; 32];
    let mut size = 0;
    // SAFETY: an open token, room of the size that it says.
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
    // SAFETY: filled in by the call before; a writable result.
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

/// What lets in this user and nobody else.
fn only_this_user() -> io::Result<Local<core::ffi::c_void>> {
    let user = user()?;
    // SAFETY: a text that ends with NUL.
    let length = (0..).take_while(|at| unsafe { *user.0.add(*at) } != 0).count();
    // SAFETY: of that length.
    let user = unsafe { std::slice::from_raw_parts(user.0, length) };
    let mut rule = wide("D:P(A;;GA;;;")?;
    rule.pop();
    rule.try_reserve_exact(length + 2).map_err(|_| ErrorKind::OutOfMemory)?;
    rule.extend(user.iter().copied().chain([b')'.into(), 0]));
    let mut descriptor: PSECURITY_DESCRIPTOR = null_mut();
    // SAFETY: a text that ends with NUL, a writable result.
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
        // SAFETY: a text that ends with NUL and a filled-in structure.
        let pipe = owned(unsafe {
            CreateNamedPipeW(
                name.as_ptr(),
                // Fails where somebody else has this name already.
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
                // SAFETY: an open pipe; the structure outlives the operation, see `transfer`.
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
            // One that has left already, or there are no handles, which may come back.
            // SAFETY: an open pipe and an open event.
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
        // SAFETY: the handle is open as long as `self`.
        unsafe { SetEvent(self.closing.as_raw_handle()) };
    }
}

/// Runs one operation of a pipe to its end and returns how many bytes it moved. `TimedOut`: it was given
/// up at `until`; `Interrupted`: because `stop` was set.
fn transfer(
    pipe: &OwnedHandle,
    until: Option<Instant>,
    stop: Option<HANDLE>,
    start: impl FnOnce(HANDLE, *mut OVERLAPPED) -> i32,
) -> io::Result<usize> {
    // What is always done at once would never be late.
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
        // SAFETY: so many open handles.
        let woken = unsafe { WaitForMultipleObjects(count, waits.as_ptr(), FALSE, milliseconds) };
        if woken != WAIT_OBJECT_0 {
            let stopped = woken == WAIT_OBJECT_0 + 1;
            given_up = Some(if stopped { ErrorKind::Interrupted } else { ErrorKind::TimedOut });
            // SAFETY: the operation that was begun; whether it can be ended is found out below.
            unsafe { CancelIoEx(pipe, overlapped) };
        }
    }
    let mut count = 0;
    // SAFETY: the operation that was begun; it has ended when this returns, so nobody writes to the
    // structure, or what it points to, after that.
    let ended = unsafe { GetOverlappedResult(pipe, overlapped, &mut count, TRUE) };
    match given_up {
        _ if ended != FALSE => Ok(count as usize),
        Some(why) => Err(why.into()),
        None => Err(io::Error::last_os_error()),
    }
}

impl Client {
    /// At least one byte.
    fn read(&mut self, room: &mut [u8], until: Instant) -> io::Result<usize> {
        let count = transfer(&self.0, Some(until), None, |pipe, overlapped| {
            // SAFETY: room of that length, which outlives the operation, see `transfer`.
            unsafe {
                let length = room.len() as u32;
                ReadFile(pipe, room.as_mut_ptr(), length, null_mut(), overlapped)
            }
        })?;
        if count == 0 { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(count) }
    }

    /// Reads up to the end of a line, which is not part of what comes back.
    pub fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let until = patience();
        read_line(MAX_LINE, |room| self.read(room, until))
    }

    /// Writes a line and waits until the client has taken it and left.
    pub fn answer(&mut self, line: &[u8]) -> io::Result<()> {
        let until = patience();
        self.write(line, until)?;
        self.write(b"\n", until)?;
        // Shown out at once he would lose what he has not read.
        while self.read(&mut [0; 64], until).is_ok() {}
        Ok(())
    }

    fn write(&mut self, mut bytes: &[u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            let piece = &bytes[..bytes.len().min(BUFFER as usize)];
            let count = transfer(&self.0, Some(until), None, |pipe, overlapped| {
                // SAFETY: bytes of that length, which outlive the operation, see `transfer`.
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
        // SAFETY: an open pipe.
        unsafe { DisconnectNamedPipe(self.0.as_raw_handle()) };
    }
}

/// A connection to an endpoint; waits its turn until then.
pub fn connect(address: &str, until: Instant) -> io::Result<File> {
    loop {
        // The other side must not act in this user's name.
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

/// Sends a line to an endpoint and returns what it answers.
pub fn exchange(address: &str, line: &str, patience: Duration) -> io::Result<String> {
    let until = Instant::now() + patience;
    let (address, line) = (address.to_owned(), format!("{line}\n"));
    let (to, from) = mpsc::channel();
    // A pipe that was opened so has no times of its own; who is late ends with this program.
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
