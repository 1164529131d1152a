//! The lanes of a dispatcher, and which lane has the next turn.
//!
//! A lane goes before those below it, but not for ever. A lane that has work and was passed over
//! often enough gets the next turn. So while all lanes have work, at least one in five of the jobs
//! that run is a normal one, and at least one in seventeen a background one.

pub const LANES: usize = 3;

/// How urgent a posted job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Lane {
    /// A user waits for the job at the screen.
    Interactive = 0,
    /// All other jobs.
    Normal = 1,
    /// Work for spare time.
    Background = 2,
}

impl Lane {
    /// All lanes, the most urgent first.
    pub const ALL: [Self; LANES] = [Self::Interactive, Self::Normal, Self::Background];

    /// The lane with this number. A number that is too great gives the least urgent lane.
    pub fn from_number(number: u32) -> Self {
        Self::ALL[(number as usize).min(LANES - 1)]
    }
}

/// For each lane how often it may be passed over while it has work.
const PATIENCE: [u32; LANES] = [u32::MAX, 4, 16];

/// For each lane how often it was passed over since its last turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turns([u32; LANES]);

impl Turns {
    /// No lane was passed over.
    pub const NONE: Self = Self([0; LANES]);

    /// Chooses the lane to take the next job from, and counts the turn. `has_work` says of each
    /// lane whether a job waits in it. `None`: no lane has work.
    #[inline]
    pub fn choose(&mut self, has_work: [bool; LANES]) -> Option<Lane> {
        if let [false, true, false] = has_work {
            // The same as `choose_of_all` does if no other lane has work.
            self.0[Lane::Normal as usize] = 0;
            return Some(Lane::Normal);
        }
        self.choose_of_all(has_work)
    }

    fn choose_of_all(&mut self, has_work: [bool; LANES]) -> Option<Lane> {
        let with_work = || Lane::ALL.into_iter().filter(|lane| has_work[*lane as usize]);
        let out_of_patience = |lane: &Lane| self.0[*lane as usize] >= PATIENCE[*lane as usize];
        // Among lanes that are out of patience the least urgent goes first, because it has waited
        // longest.
        let chosen = with_work().rev().find(out_of_patience).or_else(|| with_work().next())?;
        for lane in with_work() {
            let passed = &mut self.0[lane as usize];
            *passed = if lane == chosen { 0 } else { passed.saturating_add(1) };
        }
        Some(chosen)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_most_urgent_lane_goes_first_but_nobody_starves() {
        let mut turns = Turns::NONE;
        let mut counts = [0; 3];
        let mut waited = [0; 3];
        for _ in 0..1000 {
            let lane = turns.choose([true; 3]).unwrap() as usize;
            counts[lane] += 1;
            for other in 0..3 {
                waited[other] = if other == lane { 0 } else { waited[other] + 1 };
                assert!(waited[other] <= [2, 5, 17][other], "lane {other} waited");
            }
        }
        assert!(counts[0] > 700, "{counts:?}");
        assert!(counts[1] >= 180 && counts[2] >= 55, "{counts:?}");
    }

    #[test]
    fn a_lane_without_work_gets_no_turn_and_loses_none() {
        let mut turns = Turns::NONE;
        assert_eq!(turns.choose([false; 3]), None);
        for _ in 0..100 {
            assert_eq!(turns.choose([true, false, false]), Some(Lane::Interactive));
        }
        assert_eq!(turns.choose([true, true, false]), Some(Lane::Interactive));
        assert_eq!(turns.choose([false, true, true]), Some(Lane::Normal));
    }
}
