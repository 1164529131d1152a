//! The processor's own counter of time, which is several times cheaper to read than the clock.
//!
//! The counter's unit is not known, and the counter may jump when a virtual machine moves or the
//! computer sleeps. So it is used only to tell when it is worth reading the clock.

/// The counter's value; `None` if the processor has no counter that programs may read.
#[inline]
pub fn now() -> Option<u64> {
    if cfg!(loom) {
        return None;
    }
    counter::now()
}

#[cfg(target_arch = "x86_64")]
mod counter {
    #[inline]
    pub fn now() -> Option<u64> {
        // SAFETY: every x86-64 processor has the instruction, and it changes nothing.
        Some(unsafe { std::arch::x86_64::_rdtsc() })
    }
}

#[cfg(target_arch = "aarch64")]
mod counter {
    #[inline]
    pub fn now() -> Option<u64> {
        let ticks: u64;
        // SAFETY: Linux, macOS and Windows let programs read this register, and reading changes
        // nothing.
        unsafe { std::arch::asm!("mrs {}, cntvct_el0", out(reg) ticks, options(nomem, nostack)) };
        Some(ticks)
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod counter {
    #[inline]
    pub fn now() -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    fn the_counter_moves() {
        let began = now().expect("this processor has one");
        while now() == Some(began) {}
    }
}
