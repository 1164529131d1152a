//! The few words of each thread that a probe of the thread's current token and job reads. They are
//! reached in as few instructions as is safe.
//!
//! On x86-64 Linux with glibc the words are reached through a TLS descriptor. That takes about ten
//! instructions less than `__tls_get_addr`. The initial-exec model would be as fast, but it makes
//! the loader refuse the library if there is no static TLS left; with a descriptor glibc uses
//! static TLS if there is room, and dynamic TLS otherwise.
//!
//! The call is written by hand. It is declared to clobber all that a C call may, because
//! `_dl_tlsdesc_dynamic` of glibc before 2.40 does not preserve vector registers, although
//! compilers assume it (glibc bug 31372). `--cfg dcc_plain_tls` selects the portable form there
//! too; ThreadSanitizer knows no other.

use std::cell::Cell;
use std::ptr;
use std::sync::atomic::AtomicU64;

/// The state word that stands for "nothing installed". It always equals the handle NULL.
pub static NEVER_CANCELLED: AtomicU64 = AtomicU64::new(0);

/// One thread's words. All start as zero except the two word pointers, which start at
/// `NEVER_CANCELLED`.
#[repr(C)]
#[derive(Debug)]
pub struct Area {
    /// State word of the current token.
    pub token_word: Cell<*const AtomicU64>,
    /// The value that the word at `token_word` has while a probe may answer "go on" at once.
    pub token_expected: Cell<u64>,
    /// State word of the current job's token.
    pub job_word: Cell<*const AtomicU64>,
    /// The value that the word at `job_word` has while a probe may answer "go on" at once.
    pub job_expected: Cell<u64>,
    /// The rest of the thread's record, which is used less often; NULL until it is needed.
    pub record: Cell<*const ()>,
    /// The thread's free cells of pools; `thread_rack` says which values the word has.
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

    // The same bytes as `Area::new()`. The symbol is hidden, so that it is neither exported nor
    // preempted.
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
        // SAFETY: this is the canonical descriptor sequence. It leaves the offset from the thread
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

/// The calling thread's words, valid until the thread ends. `None` if the system has already taken
/// them away. That happens late in a thread's end, and only on platforms without native
/// thread-locals.
#[inline(always)]
pub fn area() -> Option<*const Area> {
    access::area()
}
