//! The processor's own counter of time: several times cheaper to read than the clock.
//!
//! Its unit is not known, and it may jump where a virtual machine moves or the computer sleeps. So it only
//! says when it is worth reading the clock.

/// What the counter says; `None` where the processor has none that programs may read.
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
        // SAFETY: each processor of this architecture has the instruction. It changes nothing.
        Some(unsafe { std::arch::x86_64::_rdtsc() })
    }
}

#[cfg(target_arch = "aarch64")]
mod counter {
    #[inline]
    pub fn now() -> Option<u64> {
        let ticks: u64;
        // SAFETY: Linux, macOS and Windows let programs read this register. Reading changes nothing.
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
