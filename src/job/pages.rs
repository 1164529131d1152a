//! The live jobs page by page, so that a walk over a million jobs takes linear time and no page
//! takes long.
//!
//! A page begins at a slot and looks at a bounded number of slots, without a lock over the whole.
//! The walk goes on by the number of the next slot, which stays valid for ever: a job stays in its
//! slot. So a job that lives from the first page to the last is met exactly once, whatever begins
//! and ends meanwhile.

use crate::job::{JobPin, Jobs};
use crate::memory::pin::Keeper;

/// The most slots that a page looks at if a thread waits for the page and must not wait long.
pub const SLOTS_OF_A_SHORT_PAGE: u32 = 1024;

/// The outcome of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// The slot where the next page begins; `None`: this was the last page.
    pub next: Option<u32>,
    /// How many slots the page looked at.
    pub looked_at: u32,
}

impl<'a> Jobs<'a> {
    /// Calls `take` with the live jobs, pinned, in the slots from `from` on, but in at most
    /// `most_slots` slots. `take` answers false for a job that it leaves to the next page.
    pub fn page(
        self,
        from: u32,
        most_slots: u32,
        mut take: impl FnMut(JobPin<'a>) -> bool,
    ) -> Page {
        let last = self.arena().used();
        let from = from.max(1);
        let beyond = from.saturating_add(most_slots).min(last.saturating_add(1));
        for index in from..beyond {
            let is_taken = !self.arena().slot(index).is_alive()
                || !self.arena().pin_index(index)
                || take(JobPin::take_over(self, index));
            if !is_taken {
                return Page { next: Some(index), looked_at: index + 1 - from };
            }
        }
        let next = from.max(beyond);
        Page { next: (next <= last).then_some(next), looked_at: next - from }
    }

    /// How many jobs live from a slot on; without `with_ended` only those that have not ended. The
    /// walk pins nothing, so it is exact only while nothing changes.
    pub fn count_from(self, from: u32, with_ended: bool) -> u64 {
        let slots = (from.max(1)..=self.arena().used()).map(|index| self.arena().slot(index));
        slots.filter(|slot| slot.is_alive() && (with_ended || !Self::has_ended(slot))).count()
            as u64
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::handle::{Handle, NULL};
    use crate::job::{JobOrigin, JobTable};
    use crate::token::Tokens;
    use crate::token::create::Origin;
    use std::collections::HashMap;

    fn create(jobs: Jobs<'_>) -> Handle {
        let token = Origin::default();
        let origin =
            JobOrigin { label: "one", caller_id: "", parents: [NULL; 2], token, owner: NULL };
        jobs.create(&origin, None).map_err(|(error, _)| error).unwrap()
    }

    /// All pages, and how often each job was met.
    fn walk(jobs: Jobs<'_>, slots: u32, most: usize) -> (Vec<Page>, HashMap<Handle, u32>) {
        let (mut pages, mut met) = (Vec::new(), HashMap::new());
        let mut from = 0;
        loop {
            let mut count = 0;
            let page = jobs.page(from, slots, |job| {
                if count == most {
                    return false;
                }
                count += 1;
                *met.entry(job.handle()).or_default() += 1;
                true
            });
            pages.push(page);
            match page.next {
                Some(next) => from = next,
                None => return (pages, met),
            }
        }
    }

    #[test]
    fn every_job_is_met_once_and_a_page_looks_at_a_bounded_number_of_slots() {
        static TABLE: JobTable = JobTable::new();
        static TOKENS: Tokens = Tokens::new();
        let jobs = Jobs::new(&TABLE, &TOKENS);
        assert_eq!(jobs.page(0, 100, |_| true), Page { next: None, looked_at: 0 });
        let all: Vec<Handle> = (0..20_000).map(|_| create(jobs)).collect();
        // Few jobs are left where the walk begins, and all of them where it ends.
        let (gone, left): (Vec<_>, Vec<_>) =
            all.iter().enumerate().partition(|(at, _)| *at < 10_000 && at % 3000 != 0);
        gone.iter().for_each(|(_, job)| jobs.release(**job).unwrap());
        for (slots, most) in [(SLOTS_OF_A_SHORT_PAGE, 64), (1, 1), (u32::MAX, 7), (100, usize::MAX)]
        {
            let (pages, met) = walk(jobs, slots, most);
            assert_eq!(met.len(), left.len());
            assert!(left.iter().all(|(_, job)| met[job] == 1));
            assert!(pages.iter().all(|page| page.looked_at <= slots));
            let looked_at: u64 = pages.iter().map(|page| u64::from(page.looked_at)).sum();
            // The last slot of a page that was full is looked at twice.
            assert!(looked_at <= all.len() as u64 + pages.len() as u64, "{looked_at}");
        }
        assert_eq!(jobs.count_from(0, true), left.len() as u64);
        assert_eq!(jobs.count_from(19_999, false), 2);
        for beyond in [20_001, u32::MAX] {
            assert_eq!(jobs.page(beyond, 100, |_| true).next, None);
            assert_eq!(jobs.count_from(beyond, true), 0);
        }
        left.iter().for_each(|(_, job)| jobs.release(**job).unwrap());
        assert_eq!(jobs.arena().live(), 0);
    }

    #[test]
    fn what_lives_all_the_time_is_met_once_whatever_begins_and_ends() {
        static TABLE: JobTable = JobTable::new();
        static TOKENS: Tokens = Tokens::new();
        let jobs = Jobs::new(&TABLE, &TOKENS);
        let lasting: Vec<Handle> = (0..300).map(|_| create(jobs)).collect();
        let mut passing: Vec<Handle> = (0..300).map(|_| create(jobs)).collect();
        let (mut met, mut from): (HashMap<Handle, u32>, _) = (HashMap::new(), 0);
        while let Some(next) = jobs
            .page(from, 10, |job| {
                *met.entry(job.handle()).or_default() += 1;
                true
            })
            .next
        {
            from = next;
            passing.drain(..3).for_each(|job| jobs.release(job).unwrap());
            passing.extend((0..3).map(|_| create(jobs)));
        }
        assert!(lasting.iter().all(|job| met.get(job) == Some(&1)));
        assert!(met.values().all(|times| *times == 1));
        lasting.into_iter().chain(passing).for_each(|job| jobs.release(job).unwrap());
    }
}
