//! What passes between a client and the process: one line and one answer, each of limited length
//! and in limited time.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// The time that each client has to send its line, and again to take its answer.
pub const PATIENCE_NS: u64 = 1_000_000_000;

/// Maximum number of bytes of a client's line, without its newline.
pub const MAX_LINE: usize = 16 * 1024;

/// Maximum number of bytes of an answer that a client accepts.
pub const MAX_ANSWER: usize = 64 << 20;

/// The moment when a client's time is over if it begins now.
pub fn patience() -> Instant {
    Instant::now() + Duration::from_nanos(PATIENCE_NS)
}

/// Reads a line by calls of `read`, and returns it without its newline. Bytes behind the newline
/// are dropped. An error: `read` failed or ended before the newline, the line has more than `limit`
/// bytes, or there is no memory.
pub fn read_line(
    limit: usize,
    mut read: impl FnMut(&mut [u8]) -> io::Result<usize>,
) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    let mut room = [0; 4096];
    loop {
        let count = match read(&mut room) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let end = room[..count].iter().position(|byte| *byte == b'\n');
        let piece = &room[..end.unwrap_or(count)];
        if line.len() + piece.len() > limit {
            // An error with a text of its own would allocate.
            return Err(ErrorKind::FileTooLarge.into());
        }
        line.try_reserve(piece.len()).map_err(|_| ErrorKind::OutOfMemory)?;
        line.extend_from_slice(piece);
        if end.is_some() {
            return Ok(line);
        }
    }
}
