//! What a job is at, in words: the message that changed last among the shares that live, behind the labels of
//! those that it is in.

use crate::progress::tree::{ROOT, Tree};
use crate::sys::fallible::Growing;
use std::fmt::{self, Write};

/// So many labels are shown, those next to the message.
const MOST_LABELS: usize = 16;

const BETWEEN: &str = " > ";

impl Tree {
    /// The share that was told of last among those that live.
    fn newest(&self) -> u32 {
        let live = self.numbers().filter(|number| self.is_live(*number));
        live.max_by_key(|number| self.node(*number).told).unwrap_or(ROOT)
    }

    /// Shows what it is at. Where there is no memory for the labels, the message alone.
    pub fn show_text<R>(&self, reader: impl FnOnce(&str) -> R) -> R {
        let newest = self.newest();
        let message = self.node(newest).message.as_str();
        if newest == ROOT {
            return reader(message);
        }
        let mut text = Growing::default();
        match self.write(newest, &mut text) {
            Ok(()) => reader(text.as_str()),
            Err(fmt::Error) => reader(message),
        }
    }

    fn write(&self, newest: u32, out: &mut dyn Write) -> fmt::Result {
        let (mut labels, mut count, mut at) = ([""; MOST_LABELS], 0, newest);
        while count < MOST_LABELS {
            let label = self.node(at).label.as_str();
            if !label.is_empty() {
                labels[count] = label;
                count += 1;
            }
            if at == ROOT {
                break;
            }
            at = self.node(at).above;
        }
        let message = self.node(newest).message.as_str();
        let message = (!message.is_empty()).then_some(message);
        let mut is_first = true;
        for piece in labels[..count].iter().rev().copied().chain(message) {
            if !is_first {
                out.write_str(BETWEEN)?;
            }
            out.write_str(piece)?;
            is_first = false;
        }
        Ok(())
    }
}
