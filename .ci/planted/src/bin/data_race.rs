//! Counts on two threads without synchronisation.

static mut COUNT: u64 = 0;

fn count() {
    for _ in 0..10_000 {
        // SAFETY: none; this is the bug.
        unsafe { *(&raw mut COUNT) += 1 };
    }
}

fn main() {
    let other = std::thread::spawn(count);
    count();
    other.join().unwrap();
}
