//! What passes between a client and the process: a line, then an answer, each of bounded length and in
//! bounded time.

use std::io::{self, ErrorKind};
use std::time::{Duration, Instant};

/// A time for each client to have sent its line, and again to have taken its answer.
pub const PATIENCE_NS: u64 = 1_000_000_000;

/// The most bytes of a line that comes in.
pub const MAX_LINE: usize = 16 * 1024;

/// The most bytes of an answer.
pub const MAX_ANSWER: usize = 64 << 20;

/// When a client's time is over that begins now.
pub fn patience() -> Instant {
    Instant::now() + Duration::from_nanos(PATIENCE_NS)
}

/// Collects what `read` brings up to the end of a line, which is not part of what comes back.
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
            // Without a text of its own, which would be allocated.
            return Err(ErrorKind::FileTooLarge.into());
        }
        line.try_reserve(piece.len()).map_err(|_| ErrorKind::OutOfMemory)?;
        line.extend_from_slice(piece);
        if end.is_some() {
            return Ok(line);
        }
    }
}
