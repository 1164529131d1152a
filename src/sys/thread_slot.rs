//! The few words of each thread that a probe reads, at the cheapest safe distance.
//!
//! On x86-64 Linux with glibc the words are reached through a TLS descriptor: about ten
//! instructions less than `__tls_get_addr`, and unlike the initial-exec model it never makes the
//! loader refuse the library for want of static TLS; glibc uses that when there is room and falls
//! back when there is none. The call is written by hand, and declared to clobber all that a C call
//! may, because `_dl_tlsdesc_dynamic` of glibc before 2.40 does not preserve vector registers as
//! compilers assume (glibc bug 31372). `--cfg dcc_plain_tls` selects the portable form there too
//! (ThreadSanitizer knows only that one).

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::AtomicU64;

/// The state word that stands for "nothing installed": always equal to the handle NULL.
pub static NEVER_CANCELLED: AtomicU64 = AtomicU64::new(0);

/// One thread's words. All zero but the pointers, which start at `NEVER_CANCELLED`.
#[repr(C)]
#[derive(Debug)]
pub struct Area {
    /// State word of the current token.
    pub token_word: Cell<*const AtomicU64>,
    /// What that word holds while nothing is asked.
    pub token_expected: Cell<u64>,
    /// State word of the current job's token.
    pub job_word: Cell<*const AtomicU64>,
    /// What that word holds while nothing is asked.
    pub job_expected: Cell<u64>,
    /// The colder rest of the thread's record; NULL until it is needed.
    pub record: Cell<*const ()>,
    /// The thread's free cells of pools; `thread_rack` says what it may be.
    pub rack: Cell<*const ()>,
}

impl Area {
    #[cfg_attr(tls_descriptor, expect(dead_code, reason = "the assembly below says it in bytes"))]
    const fn new() -> Self {
        Self {
            token_word: Cell::new(&raw const NEVER_CANCELLED),
            token_expected: Cell::new(0),
            job_word: Cell::new(&raw const NEVER_CANCELLED),
            job_expected: Cell::new(0),
            record: Cell::new(ptr::null()),
            rack: Cell::new(ptr::null()),
        }
    }
}

#[cfg(tls_descriptor)]
mod access {
    use super::{Area, NEVER_CANCELLED};

    const _: () = assert!(size_of::<Area>() == 48);

    // Layout of `Area::new()`; hidden, so that it is neither exported nor preempted.
    std::arch::global_asm!(
        ".pushsection .tdata.dcc_thread_area, \"awT\", @progbits",
        ".hidden dcc_thread_area",
        ".globl dcc_thread_area",
        ".type dcc_thread_area, @object",
        ".size dcc_thread_area, 48",
        ".balign 8",
        "dcc_thread_area:",
        ".quad {never}",
        ".quad 0",
        ".quad {never}",
        ".quad 0",
        ".quad 0",
        ".quad 0",
        ".popsection",
        never = sym NEVER_CANCELLED,
    );

    #[inline(always)]
    pub fn area() -> Option<*const Area> {
        let address: *const Area;
        // SAFETY: the canonical descriptor sequence, which leaves the offset from the thread
        // pointer in rax; all else that a call may touch is declared as clobbered.
        unsafe {
            std::arch::asm!(
                "leaq dcc_thread_area@tlsdesc(%rip), %rax",
                "callq *dcc_thread_area@tlscall(%rax)",
                "addq %fs:0, %rax",
                out("rax") address,
                clobber_abi("C"),
                options(att_syntax),
            );
        }
        Some(address)
    }
}

#[cfg(not(tls_descriptor))]
mod access {
    use super::Area;

    thread_local! {
        static AREA: Area = const { Area::new() };
    }

    #[inline(always)]
    pub fn area() -> Option<*const Area> {
        AREA.try_with(|area| std::ptr::from_ref(area)).ok()
    }
}

/// The calling thread's words, valid until the thread ends. `None` when the system has already
/// taken them away, which only platforms without native thread-locals do, late in a thread's end.
#[inline(always)]
pub fn area() -> Option<*const Area> {
    access::area()
}
