//! Reads memory that it has freed.

fn main() {
    let pointer = Box::into_raw(Box::new(7_u64));
    // SAFETY: none; the second line is the planted bug.
    unsafe {
        drop(Box::from_raw(pointer));
        println!("{}", std::hint::black_box(pointer).read_volatile());
    }
}
