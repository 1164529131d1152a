//! The timeline: what happened in the process and when. It records while it is on, and is written
//! to a file on request; `recording` is its form as a file.
//!
//! A full ring loses its oldest moments. Each moment that was noted is either in a recording or
//! counted there as lost.
//!
//! The lock of the ring is a leaf and is held for a bounded time only. A recording of a million
//! moments is copied in batches, because a UI thread may want to note its tick meanwhile.

use crate::diagnosis::moment::Moment;
use crate::diagnosis::recording::Recording;
use crate::error::Error;
use crate::sys::fallible::Late;
use crate::sys::sync::{AtomicU32, Mutex, Ordering, constructor};
use std::collections::VecDeque;

/// The largest capacity of a timeline, in moments.
pub const MOST_MOMENTS: usize = 1 << 20;

/// Moments that are copied during one hold of the lock.
const BATCH: usize = if cfg!(test) { 3 } else { 256 };

#[derive(Debug, Default)]
struct MomentRing {
    moments: VecDeque<Moment>,
    capacity: usize,
    /// How many moments were noted since the start; `moments` has the latest of them.
    noted: u64,
    /// How often the timeline was started, so that `copy` notices a restart.
    start: u64,
}

impl MomentRing {
    /// The number of the oldest moment that is still in the ring, counted from 0 at the start.
    fn oldest(&self) -> u64 {
        self.noted - self.moments.len() as u64
    }
}

#[derive(Debug)]
pub struct Timeline {
    /// 1 while moments are recorded. Written under the lock of `ring`.
    on: AtomicU32,
    ring: Mutex<Late<MomentRing>>,
}

impl Timeline {
    constructor! {
        /// A timeline that is off, with nothing recorded.
        pub fn new() -> Self {
            Self { on: AtomicU32::new(0), ring: Mutex::new(Late::new()) }
        }
    }

    /// Whether moments are recorded. While they are not, this relaxed load is the whole cost of the
    /// timeline.
    #[inline]
    pub fn is_on(&self) -> bool {
        self.on.load(Ordering::Relaxed) != 0
    }

    /// Starts to record, with room for `capacity` moments. Forgets what was recorded before. If the
    /// call fails, nothing changes.
    pub fn start(&self, capacity: usize) -> Result<(), Error> {
        if capacity == 0 || capacity > MOST_MOMENTS {
            return Err(Error::InvalidArgument(
                "the timeline's number of events is not between 1 and DCC_MAX_TIMELINE_ENTRIES",
            ));
        }
        let no_memory = |_| Error::Resources("memory for the timeline; ask for fewer events");
        let mut moments = VecDeque::new();
        moments.try_reserve_exact(capacity).map_err(no_memory)?;
        let mut lock = self.ring.lock();
        let ring = lock.get_or_make(|| Ok(MomentRing::default()))?;
        let fresh = MomentRing { moments, capacity, noted: 0, start: ring.start + 1 };
        let old = std::mem::replace(ring, fresh);
        self.on.store(1, Ordering::Relaxed);
        drop(lock);
        drop(old);
        Ok(())
    }

    /// Stops recording. What was recorded stays.
    pub fn stop(&self) {
        let _lock = self.ring.lock();
        self.on.store(0, Ordering::Relaxed);
    }

    /// Notes a moment. `moment` makes it, and is called only while the timeline is on.
    #[inline]
    pub fn note(&self, moment: impl FnOnce() -> Moment) {
        if self.is_on() {
            self.push(&moment());
        }
    }

    #[cold]
    fn push(&self, moment: &Moment) {
        let mut lock = self.ring.lock();
        if !self.is_on() {
            return;
        }
        let Some(ring) = lock.get_mut() else { return };
        if ring.moments.len() == ring.capacity {
            ring.moments.pop_front();
        }
        ring.moments.push_back(*moment);
        ring.noted += 1;
    }

    /// A copy of what was recorded so far.
    pub fn recording(&self) -> Result<Recording, Error> {
        loop {
            if let Some((moments, noted)) = self.copy()? {
                return Ok(Recording::new(moments, noted)?);
            }
        }
    }

    /// Copies the moments, and returns them with the number of moments that were noted up to the
    /// begin of the copy. `None`: the timeline was restarted meanwhile, and the caller copies
    /// again.
    fn copy(&self) -> Result<Option<(Vec<Moment>, u64)>, Error> {
        let mut moments = Vec::new();
        let Some((start, end, count)) =
            self.ring.lock().get().map(|ring| (ring.start, ring.noted, ring.moments.len()))
        else {
            return Ok(Some((moments, 0)));
        };
        let no_memory = |_| Error::Resources("memory for a copy of the timeline");
        moments.try_reserve_exact(count).map_err(no_memory)?;
        let mut next = 0;
        loop {
            let lock = self.ring.lock();
            let Some(ring) = lock.get().filter(|ring| ring.start == start) else {
                return Ok(None);
            };
            next = ring.oldest().max(next);
            if next >= end {
                return Ok(Some((moments, end)));
            }
            let first = (next - ring.oldest()) as usize;
            let last = (end - ring.oldest()) as usize;
            let batch = first..last.min(first + BATCH);
            next += batch.len() as u64;
            moments.extend(ring.moments.range(batch));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::diagnosis::events::EventText;
    use crate::diagnosis::moment::MomentKind;

    fn posted(number: u64) -> Moment {
        let kind = MomentKind::Posted { lane: 0, depth: 1 };
        Moment::since(number, kind, number, EventText::default())
    }

    fn ids(timeline: &Timeline) -> (Vec<u64>, u64) {
        let recording = timeline.recording().unwrap();
        (recording.in_order().map(|moment| moment.job_id).collect(), recording.lost())
    }

    #[test]
    fn nothing_is_made_while_it_is_off_and_what_was_recorded_stays() {
        let timeline = Timeline::new();
        timeline.note(|| unreachable!("it was never on"));
        assert_eq!(ids(&timeline), (vec![], 0));
        timeline.start(4).unwrap();
        timeline.note(|| posted(1));
        timeline.stop();
        timeline.note(|| unreachable!("it was stopped"));
        assert_eq!(ids(&timeline), (vec![1], 0));
    }

    /// The timeline stops while the moment is being made.
    #[test]
    fn a_moment_that_comes_after_the_stop_is_left_out() {
        let timeline = Timeline::new();
        timeline.start(4).unwrap();
        timeline.note(|| {
            timeline.stop();
            posted(1)
        });
        assert_eq!(ids(&timeline), (vec![], 0));
    }

    #[test]
    fn a_full_ring_loses_its_oldest_moments_and_a_restart_all() {
        let timeline = Timeline::new();
        timeline.start(10).unwrap();
        (1..=25).for_each(|number| timeline.note(|| posted(number)));
        assert_eq!(ids(&timeline), ((16..=25).collect(), 15));
        timeline.start(2).unwrap();
        assert_eq!(ids(&timeline), (vec![], 0));
        (1..=3).for_each(|number| timeline.note(|| posted(number)));
        assert_eq!(ids(&timeline), (vec![2, 3], 1));
    }

    #[test]
    fn no_room_and_absurd_room_are_refused_and_nothing_is_forgotten() {
        let timeline = Timeline::new();
        timeline.start(1).unwrap();
        timeline.note(|| posted(1));
        for capacity in [0, MOST_MOMENTS + 1, usize::MAX] {
            assert!(matches!(timeline.start(capacity), Err(Error::InvalidArgument(_))));
        }
        assert_eq!(ids(&timeline), (vec![1], 0));
        timeline.start(MOST_MOMENTS).unwrap();
    }

    #[test]
    fn each_moment_is_recorded_or_counted_as_lost_while_others_note() {
        const EACH: u64 = 20_000;
        let timeline = Timeline::new();
        timeline.start(1000).unwrap();
        std::thread::scope(|scope| {
            let notes = |first: u64| {
                let timeline = &timeline;
                move || (0..EACH).for_each(|at| timeline.note(|| posted(first + at)))
            };
            let writers: Vec<_> = (1..=4).map(|n| scope.spawn(notes(n * 1_000_000))).collect();
            let mut before = 0;
            while !writers.iter().all(|writer| writer.is_finished()) {
                let (ids, lost) = ids(&timeline);
                assert!(ids.len() <= 1000);
                assert!(ids.len() as u64 + lost >= before, "none is uncounted");
                before = ids.len() as u64 + lost;
                assert!(ids.is_sorted_by(|one, next| one < next), "none is there twice");
            }
        });
        let (ids, lost) = ids(&timeline);
        assert_eq!((ids.len(), lost), (1000, 4 * EACH - 1000));
    }
}
