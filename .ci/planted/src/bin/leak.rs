//! Leaks memory.

fn main() {
    for _ in 0..16 {
        std::hint::black_box(Box::into_raw(Box::new([7_u64; 32])));
    }
}
