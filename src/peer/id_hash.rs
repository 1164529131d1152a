//! The hash of ids in a session's table.
//!
//! A peer chooses the ids, so the hash has a secret key: the peer must not be able to find many ids
//! that meet in one bucket. Almost all ids are short. A short id is a vector of words. Its hash is
//! a sum of products of the words and random 128-bit numbers, of which the highest bits are taken
//! (multiply-shift, which is strongly universal). So any two ids that a peer chooses have the same
//! hash under one in 2^32 keys, and a peer never sees a hash. This takes a few instructions. Long
//! ids use the standard library's hash, which is keyed as well.

use crate::json_rpc::id_key::{IdKey, SHORT_WORDS};
use std::hash::{BuildHasher, RandomState};

/// The number of random factors of a key: one for each word of a short id, and one for the length
/// of a text.
const FACTORS: usize = SHORT_WORDS + 1;

/// The secret key of a table's hash.
#[derive(Debug)]
pub struct IdHash {
    factors: [u128; FACTORS],
    addend: u128,
    long: RandomState,
}

impl IdHash {
    /// A new random key.
    pub fn new() -> Self {
        let long = RandomState::new();
        let random = |number: usize| {
            let half = |number: usize| u128::from(long.hash_one(number));
            half(2 * number) << 64 | half(2 * number + 1)
        };
        Self { factors: std::array::from_fn(random), addend: random(FACTORS), long }
    }

    /// The hash of an id.
    #[inline(always)]
    pub fn of(&self, id: &IdKey<'_>) -> u32 {
        match id {
            IdKey::Short(id) => {
                // A word that is 0 adds nothing. So the unused words and an integer's form need no
                // product.
                let mut sum = self.addend;
                if let Some(length) = id.text_length() {
                    let form = self.factors[SHORT_WORDS].wrapping_mul(length as u128 + 1);
                    sum = sum.wrapping_add(form);
                }
                for (factor, word) in self.factors.iter().zip(id.words()).take(id.used_words()) {
                    sum = sum.wrapping_add(factor.wrapping_mul((*word).into()));
                }
                (sum >> 96) as u32
            }
            IdKey::Long(text) => self.long.hash_one(text) as u32,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json_rpc::request_id::IdRef;
    use std::collections::HashSet;

    /// How many of the ids meet in the fullest bucket, if there are at least as many buckets as
    /// ids.
    fn fullest(ids: &[IdRef<'_>]) -> usize {
        let (hash, mut buckets) = (IdHash::new(), vec![0; ids.len().next_power_of_two()]);
        for id in ids {
            let bucket = hash.of(&IdKey::of(*id)) as usize & (buckets.len() - 1);
            buckets[bucket] += 1;
        }
        buckets.into_iter().max().unwrap()
    }

    /// If 4,096 ids fall into 4,096 buckets by chance, the fullest bucket has about 7 ids. A bucket
    /// of 24 ids happens about once in 10^20 times.
    #[test]
    fn ids_that_peers_use_or_choose_do_not_meet_in_one_bucket() {
        const COUNT: i64 = 4096;
        let texts = |form: fn(i64) -> String| (0..COUNT).map(form).collect::<Vec<_>>();
        for shift in [0, 12, 32, 52] {
            let ids: Vec<_> = (0..COUNT).map(|id| IdRef::Integer(id << shift)).collect();
            assert!(fullest(&ids) < 24, "integers from bit {shift} on");
        }
        for texts in [
            texts(|id| format!("request-{id:08}")),
            texts(|id| format!("{id:04x}{}", "x".repeat(36))),
            texts(|id| format!("{}{id:04x}", "x".repeat(36))),
            texts(|id| format!("{}{id:04x}", "x".repeat(200))),
            texts(|id| "\0".repeat(id as usize % 41) + &id.to_string()),
        ] {
            let ids: Vec<_> = texts.iter().map(|text| IdRef::Text(text)).collect();
            assert!(fullest(&ids) < 24, "{}", texts[1]);
        }
    }

    #[test]
    fn each_word_the_length_and_the_type_count_and_so_does_the_key() {
        let a_byte_each = (0..40).map(|at| {
            let mut text = vec![b'a'; 40];
            text[at] = b'b';
            String::from_utf8(text).unwrap()
        });
        let zeroes = (0..40).map(|length| "\0".repeat(length));
        let texts: Vec<String> = a_byte_each.chain(zeroes).collect();
        let ids = texts.iter().map(|text| IdRef::Text(text)).chain([IdRef::Integer(0)]);
        let hash = IdHash::new();
        let hashes: HashSet<u32> = ids.clone().map(|id| hash.of(&IdKey::of(id))).collect();
        assert_eq!(hashes.len(), ids.count());
        let other = hash.of(&IdKey::of(IdRef::Integer(1)));
        assert_ne!(IdHash::new().of(&IdKey::of(IdRef::Integer(1))), other, "another key");
    }
}
