//! What becomes of who is in a queue: each way from one stage to the next, under the lock of the lists.

use crate::memory::list::Fifo;
use crate::memory::pool::NIL;
use crate::queue::admission::UNFINISHED;
use crate::queue::counts::Left;
use crate::queue::lane::Lane;
use crate::queue::lists::{
    ASLEEP, AWAY, ELSEWHERE, ENDED, Lists, NEXT_TICK, READY, RUNNING, total,
};
use crate::queue::posted::{HeldPosted, PostedCell, PostedId, Stage};
use crate::queue::{HeldQueue, OWED, Queues};
use crate::queue_id::QueueId;
use crate::sys::sync::{MutexGuard, Ordering};

/// Who gets the dispatcher's thread next.
#[derive(Debug)]
pub enum Next<'a> {
    /// Complete this one.
    Complete(HeldPosted<'a>),
    /// Run this one; `first`: it waited in the queue until now.
    Run {
        /// The job, with the queue's hold.
        job: HeldPosted<'a>,
        /// Whether it begins now.
        first: bool,
        /// How many others wait for this thread.
        waiting: u32,
        /// What is left beside it, if none of that can go on now: good as long as `has_no_news`, and until
        /// the job is parked.
        last: Option<Left>,
    },
}

/// How long a job waits between two slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Until the next tick.
    NextTick,
    /// Until it is woken.
    Woken,
    /// The same, also if it is cancelled.
    WokenAlone,
    /// Until a thread other than the dispatcher's has time.
    Elsewhere,
}

impl Queues {
    /// Decides what becomes of a job that is Queued or Parked, under the lock of the lists.
    #[inline]
    pub(super) fn decide(&self, queue: HeldQueue<'_>, posted: &PostedCell, to: Stage) {
        if posted.stage() == Stage::Queued {
            queue.cell.admission.fetch_sub(1, Ordering::AcqRel);
        }
        posted.set_stage(to);
    }

    /// As `decide`, of one that begins to run; those that are `over` are counted out with it, where it is
    /// counted itself.
    #[inline]
    fn decide_to_run(&self, queue: HeldQueue<'_>, posted: &PostedCell, over: &mut u64) {
        if posted.stage() == Stage::Queued {
            // None of them is the last one of a closed queue: this one is to come.
            let counted = 1 + std::mem::take(over) * UNFINISHED;
            queue.cell.admission.fetch_sub(counted, Ordering::AcqRel);
        }
        posted.set_stage(Stage::Running);
    }

    /// The job of an id under the lock of its queue's lists, with where it stands and its queue, which may go
    /// once the lock is given back. Any id may come; `None`: that is over.
    fn locked(&self, id: PostedId) -> Option<(MutexGuard<'_, Lists>, &PostedCell, Stage, QueueId)> {
        let posted = self.posted.find(id)?;
        // Of the id's use of the cell, or no longer: then the comparison below fails.
        let queue = posted.queue();
        let lists = self.cells.get(queue.number())?.lists.lock();
        if posted.queue() != queue {
            return None;
        }
        let stage = self.posted.stage_of(id)?;
        Some((lists, posted, stage, queue))
    }

    /// Takes a job that is Queued, or Parked if that is asked for, away from whom it waits for.
    /// Any id may come. The queue that it waited in: it runs no more, and waits there for its
    /// completion; withdrawn, it was never there. Once the lock is given back the queue may go.
    ///
    /// One that is Parked and unwinds is not taken away by a cancel: it waits for its next slice, its last.
    /// Nor is one whose things another thread uses: it waits to be woken.
    pub fn claim(&self, id: PostedId, to: Stage, also_parked: bool) -> Option<QueueId> {
        let (mut lists, posted, stage, queue) = self.locked(id)?;
        if !(stage == Stage::Queued || also_parked && stage == Stage::Parked) {
            return None;
        }
        let number = id.number();
        if stage == Stage::Parked && to == Stage::Cancelled {
            if posted.node().list() == AWAY && !crate::weakened!("away_outlasts_cancel") {
                return None;
            }
            if posted.unwinds() {
                if !crate::weakened!("cancel_rouses") {
                    self.rouse(&mut lists, posted, number);
                }
                return None;
            }
        }
        // Who waits in it holds its dispatcher.
        self.decide(self.held(queue), posted, to);
        if posted.node().list() != NIL {
            if to == Stage::Withdrawn {
                lists.take_out(&self.posted, number);
                self.posted.drop_hold(number);
            } else {
                lists.put(&self.posted, number, ENDED);
            }
        }
        // Else it is in an inbox, and who takes it out of there does that.
        posted.notify();
        Some(queue)
    }

    /// Lets a job that sleeps have a slice in the next tick. Whether it slept.
    fn rouse(&self, lists: &mut Lists, posted: &PostedCell, number: u32) -> bool {
        let slept = matches!(posted.node().list(), ASLEEP | AWAY);
        if slept {
            lists.put(&self.posted, number, NEXT_TICK + posted.lane() as u32);
        }
        slept
    }

    /// Wakes a job: one that sleeps has its next slice in the next tick, and one whose function runs does not
    /// sleep after it. Any id may come. The queue whose host is to be told of it.
    pub fn wake_job(&self, id: PostedId) -> Option<QueueId> {
        let (mut lists, posted, stage, queue) = self.locked(id)?;
        match stage {
            Stage::Running if !crate::weakened!("wake_is_kept") => {
                posted.is_woken.store(1, Ordering::Relaxed);
                None
            }
            Stage::Parked => self.rouse(&mut lists, posted, id.number()).then_some(queue),
            _ => None,
        }
    }

    /// Notes that the host has come: whoever posts from now on tells it again.
    pub fn host_comes(&self, queue: HeldQueue<'_>) {
        let waking = &queue.cell.waking;
        // Whoever told it has stored that before.
        if waking.load(Ordering::Relaxed) & OWED != 0 {
            waking.fetch_and(!OWED, Ordering::AcqRel);
        }
    }

    /// Begins a tick: steps of the last one may run again.
    #[inline]
    fn begin_tick(&self, lists: &mut Lists) {
        if total(&lists.next_tick) == 0 {
            return;
        }
        for lane in Lane::ALL {
            let list = READY + lane as u32;
            while let Some(number) = lists.next_tick[lane as usize].first() {
                lists.put(&self.posted, number, list);
            }
        }
    }

    /// Who gets the dispatcher's thread next; one to run is marked as running. An error: nobody in
    /// this tick, and what is left. `begins`: it is the tick's first look. `over`: so many are over and not
    /// counted out; 0 if that was done.
    pub fn next(
        &self,
        queue: HeldQueue<'_>,
        begins: bool,
        over: &mut u64,
    ) -> Result<Next<'_>, Left> {
        let mut lists = self.drained(queue);
        if begins {
            self.begin_tick(&mut lists);
        }
        if let Some(number) = lists.ended.first() {
            let job = HeldPosted::take_over(&self.posted, number);
            lists.ended.remove_node(&self.posted, job.cell().node());
            return Ok(Next::Complete(job));
        }
        let has_work = lists.ready.map(|list| list.first().is_some());
        let chosen = lists.turns.choose(has_work).map(|lane| &mut lists.ready[lane as usize]);
        let Some((list, number)) =
            chosen.and_then(|list| list.first().map(|number| (list, number)))
        else {
            return Err(Left::of(&lists));
        };
        let job = HeldPosted::take_over(&self.posted, number);
        let first = job.cell().stage() == Stage::Queued;
        if !first {
            // Whatever woke it: it looks again now.
            job.cell().is_woken.store(0, Ordering::Relaxed);
        }
        self.decide_to_run(queue, job.cell(), over);
        list.remove_node(&self.posted, job.cell().node());
        queue.cell.runs_here.store(job.id().0, Ordering::Relaxed);
        let waiting = total(&lists.ready);
        let is_last = waiting + lists.ended.length() == 0;
        let last = is_last.then(|| {
            queue.cell.has_news.store(0, Ordering::Relaxed);
            Left::of(&lists)
        });
        Ok(Next::Run { job, first, waiting, last })
    }

    /// Whether nothing was posted since `next` gave a `last`.
    pub fn has_no_news(&self, queue: HeldQueue<'_>) -> bool {
        queue.cell.inbox.is_empty() && queue.cell.has_news.load(Ordering::Relaxed) == 0
    }

    /// The function that the pump called has returned. For the dispatcher's thread.
    pub fn stops_here(&self, queue: HeldQueue<'_>) {
        queue.cell.runs_here.store(PostedId::NONE.0, Ordering::Release);
    }

    /// What is left when a pump ends. `begins`: it had no look before.
    pub fn left(&self, queue: HeldQueue<'_>, begins: bool) -> Left {
        let mut lists = self.drained(queue);
        if begins {
            self.begin_tick(&mut lists);
        }
        Left::of(&lists)
    }

    /// Who is to be completed, with the queue's hold; `None`: nobody.
    pub fn next_ended(&self, queue: HeldQueue<'_>) -> Option<HeldPosted<'_>> {
        let mut lists = self.drained(queue);
        let number = lists.ended.first()?;
        lists.take_out(&self.posted, number);
        Some(HeldPosted::take_over(&self.posted, number))
    }

    /// Begins a published job on the thread that posts it.
    pub fn begin_here(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>) {
        let mut lists = queue.cell.lists.lock();
        lists.put(&self.posted, job.number(), RUNNING);
    }

    /// Begins a job, or its next slice, on another thread. Any id may come. The job, and whether it was
    /// Queued; `None`: it runs no more.
    pub fn begin_elsewhere(&self, id: PostedId) -> Option<(HeldPosted<'_>, bool)> {
        let (mut lists, posted, stage, queue) = self.locked(id)?;
        let number = id.number();
        if !matches!(stage, Stage::Queued | Stage::Parked) || posted.node().list() != ELSEWHERE {
            return None;
        }
        // Who waits in it holds its dispatcher.
        let queue = self.held(queue);
        // Who closed it, or its poster, who looks after the push, ends it.
        if self.is_closed(queue) {
            return None;
        }
        let first = posted.stage() == Stage::Queued;
        self.decide(queue, posted, Stage::Running);
        lists.put(&self.posted, number, RUNNING);
        self.posted.hold(number);
        Some((HeldPosted::take_over(&self.posted, number), first))
    }

    /// Lets a running job wait for its next slice.
    /// False: it is over instead, because the queue was closed.
    pub fn park(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>, until: Until) -> bool {
        let mut lists = queue.cell.lists.lock();
        let (posted, number) = (job.cell(), job.number());
        // Who closed it may have looked at what waits already.
        if self.is_closed(queue) && !crate::weakened!("park_looks_again") {
            posted.set_stage(Stage::ShutDown);
            lists.put(&self.posted, number, ENDED);
            // The dispatcher's own thread may wait for it, and completes it only after that.
            if !crate::weakened!("ending_for_parking_wakes") {
                posted.notify();
            }
            return false;
        }
        posted.set_stage(Stage::Parked);
        let list = match until {
            Until::Elsewhere => ELSEWHERE,
            Until::Woken if posted.is_woken.load(Ordering::Relaxed) == 0 => ASLEEP,
            Until::WokenAlone if posted.is_woken.load(Ordering::Relaxed) == 0 => AWAY,
            Until::Woken | Until::WokenAlone | Until::NextTick => NEXT_TICK + posted.lane() as u32,
        };
        lists.put(&self.posted, number, list);
        true
    }

    /// Ends the run of a job that `begin_here` or `begin_elsewhere` began: it is then in this thread's hands
    /// alone, or waits for the dispatcher's thread.
    pub fn ran(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>, is_elsewhere: bool) {
        let mut lists = queue.cell.lists.lock();
        job.cell().set_stage(Stage::Ran);
        if is_elsewhere {
            lists.put(&self.posted, job.number(), ENDED);
        } else {
            lists.take_out(&self.posted, job.number());
        }
    }

    /// Ends everything that waits in a closed queue, and those who wait for it.
    pub fn end_waiting(&self, queue: HeldQueue<'_>) {
        loop {
            let mut lists = self.drained(queue);
            let waiting = |lists: &Lists| {
                let parked = [&lists.elsewhere, &lists.asleep, &lists.away];
                let mut all = lists.ready.iter().chain(&lists.next_tick).chain(parked);
                all.find_map(Fifo::first)
            };
            let Some(number) = waiting(&lists) else { break };
            let posted = self.posted.listed(number);
            self.decide(queue, posted, Stage::ShutDown);
            lists.put(&self.posted, number, ENDED);
            posted.notify();
        }
    }

    /// What the pump runs at this moment. `pin` is called with a job's number and must only pin it, and
    /// `unpin` with that of one that was pinned, if it is another.
    pub fn running_here(
        &self,
        queue: HeldQueue<'_>,
        pin: impl Fn(u32) -> bool,
        unpin: impl Fn(u32),
    ) -> Option<u32> {
        let runs_here = &queue.cell.runs_here;
        let id = PostedId(runs_here.load(Ordering::Acquire));
        let job = self.posted.find(id).filter(|_| id != PostedId::NONE)?.task().job;
        if job == NIL || !pin(job) {
            return None;
        }
        // What it runs lets its job go after this word has changed.
        if runs_here.load(Ordering::Acquire) == id.0 || crate::weakened!("closer_looks_again") {
            return Some(job);
        }
        unpin(job);
        None
    }

    /// A job of `begin_here` or `begin_elsewhere` that no shutdown has asked to stop. `pin` is called under
    /// the lock with the job's number and must only pin.
    pub fn next_unasked(&self, queue: HeldQueue<'_>, pin: impl Fn(u32) -> bool) -> Option<u32> {
        let lists = queue.cell.lists.lock();
        lists.running.iter(&self.posted).find_map(|number| {
            let posted = self.posted.listed(number);
            if posted.is_asked.swap(1, Ordering::Relaxed) != 0 {
                return None;
            }
            let job = posted.task().job;
            (job != NIL && pin(job)).then_some(job)
        })
    }

    /// The running job behind another one that was named last, held; the first for none.
    pub fn next_running(
        &self,
        queue: HeldQueue<'_>,
        after: Option<&HeldPosted<'_>>,
    ) -> Option<HeldPosted<'_>> {
        let lists = queue.cell.lists.lock();
        let mut running = lists.running.iter(&self.posted);
        let number = match after {
            None => running.next(),
            // One that stopped meanwhile ends the round; the next round begins anew.
            Some(last) => running.skip_while(|number| *number != last.number()).nth(1),
        }?;
        self.posted.hold(number);
        Some(HeldPosted::take_over(&self.posted, number))
    }

    /// Whether a thread that is not the dispatcher's runs one of its jobs.
    pub fn is_run_by(&self, queue: HeldQueue<'_>, thread: u64) -> bool {
        let lists = queue.cell.lists.lock();
        let mut running = lists.running.iter(&self.posted);
        running.any(|number| {
            let inside = self.posted.listed(number).inside();
            inside.is_some_and(|inside| inside.thread == thread)
        })
    }

    /// The queue of a posted job, which may go at any time. Any id may come; `None`: it is over.
    pub fn queue_of(&self, id: PostedId) -> Option<QueueId> {
        let queue = self.posted.find(id)?.queue();
        // After it: a later use of the cell has another id by the time it has another queue.
        let is_there = self.posted.id_of(id.number()) == id;
        (is_there || crate::weakened!("over_has_no_queue")).then_some(queue)
    }
}
