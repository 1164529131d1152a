//! Random numbers that are the same in each run: xorshift from a seed.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::hint::spin_loop;

pub struct Random(pub u64);

impl Random {
    pub fn of(seed: u64) -> Self {
        Self(seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// True on average once in this many calls.
    pub fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Lets a random, short time pass.
    pub fn dawdle(&mut self, most: u64) {
        (0..self.below(most)).for_each(|_| spin_loop());
    }
}
