//! A job's message in words: the message that changed last among the live shares, behind the labels
//! of the shares that it is in.

use crate::progress::tree::{ROOT, Tree};
use crate::sys::fallible::Growing;
use std::fmt::{self, Write};

/// Limit of labels that are shown. If there are more, those of the innermost shares are shown.
const MOST_LABELS: usize = 16;

const BETWEEN: &str = " > ";

impl Tree {
    /// The live share that changed its message last, or began last.
    fn newest(&self) -> u32 {
        let live = self.numbers().filter(|number| self.is_live(*number));
        live.max_by_key(|number| self.node(*number).told).unwrap_or(ROOT)
    }

    /// Calls `reader` with the newest message, behind the labels of the shares that it is in. If
    /// there is no memory for the labels, calls it with the message alone.
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
