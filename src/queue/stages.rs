//! Every way from one stage of a posted job to the next, under the lock of its queue's lists.

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

/// What the dispatcher's thread does next.
#[derive(Debug)]
pub enum Next<'a> {
    /// The thread completes this job.
    Complete(HeldPosted<'a>),
    /// The thread runs this job.
    Run {
        /// The job, with the hold of the queue.
        job: HeldPosted<'a>,
        /// Whether the job begins now: it was Queued until now.
        first: bool,
        /// How many other jobs wait for this thread.
        waiting: u32,
        /// What is left beside this job, if none of that can go on now. This stays right while
        /// `has_no_news` says so, and until the job is parked.
        last: Option<Left>,
    },
}

/// What a job waits for between two slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// The job waits for the next tick.
    NextTick,
    /// The job waits to be woken; a cancel ends the wait, too.
    Woken,
    /// The job waits to be woken; a cancel does not end the wait.
    WokenAlone,
    /// The job waits for a thread other than the dispatcher's.
    Elsewhere,
}

impl Queues {
    /// Moves a job out of Queued or Parked to the stage `to`. If the job was Queued, this lowers
    /// the depth. The caller holds the lock of the lists.
    #[inline]
    pub(super) fn decide(&self, queue: HeldQueue<'_>, posted: &PostedCell, to: Stage) {
        if posted.stage() == Stage::Queued {
            queue.cell.admission.fetch_sub(1, Ordering::AcqRel);
        }
        posted.set_stage(to);
    }

    /// As `decide`, for a job that begins to run. If it leaves Queued, the `over` jobs are counted
    /// out in the same step, and `over` becomes 0.
    #[inline]
    fn decide_to_run(&self, queue: HeldQueue<'_>, posted: &PostedCell, over: &mut u64) {
        if posted.stage() == Stage::Queued {
            // These jobs cannot be the last ones of a closed queue, because this one is not over
            // yet.
            let counted = 1 + std::mem::take(over) * UNFINISHED;
            queue.cell.admission.fetch_sub(counted, Ordering::AcqRel);
        }
        posted.set_stage(Stage::Running);
    }

    /// Locks the lists of the queue that a posted job is in. Returns the lock with the job's cell,
    /// its stage and its queue; the queue may go once the lock is given back. Any id may come.
    /// `None`: that job is over.
    fn locked(&self, id: PostedId) -> Option<(MutexGuard<'_, Lists>, &PostedCell, Stage, QueueId)> {
        let posted = self.posted.find(id)?;
        // The queue of this id's use of the cell, or of a later use. In the second case a
        // comparison below fails.
        let queue = posted.queue();
        let lists = self.cells.get(queue.number())?.lists.lock();
        if posted.queue() != queue {
            return None;
        }
        let stage = self.posted.stage_of(id)?;
        Some((lists, posted, stage, queue))
    }

    /// Takes a job out of Queued, or out of Parked if `also_parked`, so that it runs no more. Any
    /// id may come. Returns the queue that the job waited in, which may go once the lock is given
    /// back. The job waits there for its completion; if `to` is Withdrawn it is out of the queue
    /// instead, as if it had never been there.
    ///
    /// A cancel does not claim two kinds of Parked jobs. One whose function unwinds gets its next
    /// slice, the last one. One whose data another thread uses waits until it is woken.
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
        // The job waits in its queue, so its queue holds the dispatcher.
        self.decide(self.held(queue), posted, to);
        if posted.node().list() != NIL {
            if to == Stage::Withdrawn {
                lists.take_out(&self.posted, number);
                self.posted.drop_hold(number);
            } else {
                lists.put(&self.posted, number, ENDED);
            }
        }
        // A job in no list is still in an inbox. The thread that takes it out of there puts it into
        // its list.
        posted.notify();
        Some(queue)
    }

    /// Gives a sleeping job a slice in the next tick. False: the job did not sleep, so nothing was
    /// done.
    fn rouse(&self, lists: &mut Lists, posted: &PostedCell, number: u32) -> bool {
        let slept = matches!(posted.node().list(), ASLEEP | AWAY);
        if slept {
            lists.put(&self.posted, number, NEXT_TICK + posted.lane() as u32);
        }
        slept
    }

    /// Wakes a job. One that sleeps gets its next slice in the next tick. One whose function runs
    /// will not sleep after this slice. Any id may come. Returns the queue whose host the caller
    /// has to wake. `None`: no host has to be woken.
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

    /// Notes that the host pumps. A post after this tells the host again.
    pub fn host_comes(&self, queue: HeldQueue<'_>) {
        let waking = &queue.cell.waking;
        // A thread stores OWED before it tells the host, so a host that comes for that sees OWED
        // here.
        if waking.load(Ordering::Relaxed) & OWED != 0 {
            waking.fetch_and(!OWED, Ordering::AcqRel);
        }
    }

    /// Begins a tick: jobs that had their slice of the last tick may run again.
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

    /// The job that gets the dispatcher's thread next; if it is to run, it becomes Running. An
    /// error: no job can go on in this tick. It says what is left. `begins`: this is the first look
    /// of the tick. `over`: the number of jobs that are over and not counted out; it becomes 0 if
    /// this call counts them out.
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
            // The slice that begins now sees whatever the job was woken for, so the note of that
            // wake is cleared.
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

    /// Whether nothing was posted since `next` returned a `last`.
    pub fn has_no_news(&self, queue: HeldQueue<'_>) -> bool {
        queue.cell.inbox.is_empty() && queue.cell.has_news.load(Ordering::Relaxed) == 0
    }

    /// Notes that the function that the pump called has returned. Only for the dispatcher's thread.
    pub fn stops_here(&self, queue: HeldQueue<'_>) {
        queue.cell.runs_here.store(PostedId::NONE.0, Ordering::Release);
    }

    /// What is left to do in the queue when a pump ends. `begins`: the pump has not looked at the
    /// lists before.
    pub fn left(&self, queue: HeldQueue<'_>, begins: bool) -> Left {
        let mut lists = self.drained(queue);
        if begins {
            self.begin_tick(&mut lists);
        }
        Left::of(&lists)
    }

    /// The next job to be completed, with the hold of the queue. `None`: there is none.
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

    /// Begins a job, or its next slice, on a thread other than the dispatcher's. Any id may come.
    /// Returns the job, and whether this is its first slice. `None`: this thread must not run it,
    /// because it is over, runs elsewhere, or its queue is closed.
    pub fn begin_elsewhere(&self, id: PostedId) -> Option<(HeldPosted<'_>, bool)> {
        let (mut lists, posted, stage, queue) = self.locked(id)?;
        let number = id.number();
        if !matches!(stage, Stage::Queued | Stage::Parked) || posted.node().list() != ELSEWHERE {
            return None;
        }
        // The job waits in its queue, so its queue holds the dispatcher.
        let queue = self.held(queue);
        // Another thread ends the job: the one that closed the queue, or the job's poster, which
        // looks at it after its push.
        if self.is_closed(queue) {
            return None;
        }
        let first = posted.stage() == Stage::Queued;
        self.decide(queue, posted, Stage::Running);
        lists.put(&self.posted, number, RUNNING);
        self.posted.hold(number);
        Some((HeldPosted::take_over(&self.posted, number), first))
    }

    /// Lets a running job wait for its next slice. False: the queue was closed, so the job is over
    /// instead.
    pub fn park(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>, until: Until) -> bool {
        let mut lists = queue.cell.lists.lock();
        let (posted, number) = (job.cell(), job.number());
        // The thread that closed the queue may have looked at the waiting jobs before this one was
        // among them.
        if self.is_closed(queue) && !crate::weakened!("park_looks_again") {
            posted.set_stage(Stage::ShutDown);
            lists.put(&self.posted, number, ENDED);
            // The dispatcher's own thread may wait for this job. It completes the job only after
            // that wait.
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

    /// Ends a run that `begin_here` or `begin_elsewhere` began. `is_elsewhere`: the job then waits
    /// for the dispatcher's thread; otherwise it is in the hands of this thread alone.
    pub fn ran(&self, queue: HeldQueue<'_>, job: &HeldPosted<'_>, is_elsewhere: bool) {
        let mut lists = queue.cell.lists.lock();
        job.cell().set_stage(Stage::Ran);
        if is_elsewhere {
            lists.put(&self.posted, job.number(), ENDED);
        } else {
            lists.take_out(&self.posted, job.number());
        }
    }

    /// Ends every job that waits in a closed queue, and wakes the threads that wait for these jobs.
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

    /// The job that the pump runs at this moment, pinned. `pin` is called with a job's number and
    /// must only pin that job. `unpin` is called with the number of a pinned job that turned out to
    /// be the wrong one. `None`: the pump runs no job.
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
        // The pump changes this word before it lets the job go. So if the word is unchanged, we
        // have pinned the right job.
        if runs_here.load(Ordering::Acquire) == id.0 || crate::weakened!("closer_looks_again") {
            return Some(job);
        }
        unpin(job);
        None
    }

    /// A job begun by `begin_here` or `begin_elsewhere` that no shutdown has asked to stop, pinned.
    /// From now on it counts as asked. `None`: there is no such job. `pin` is called under the lock
    /// with the job's number and must only pin that job.
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

    /// The job behind `after` in the list of running jobs, held; with `None` the first job there.
    /// The answer is `None` if there is no such job.
    pub fn next_running(
        &self,
        queue: HeldQueue<'_>,
        after: Option<&HeldPosted<'_>>,
    ) -> Option<HeldPosted<'_>> {
        let lists = queue.cell.lists.lock();
        let mut running = lists.running.iter(&self.posted);
        let number = match after {
            None => running.next(),
            // If the job in `after` has stopped meanwhile, this round of calls ends here. The
            // caller's next round begins anew.
            Some(last) => running.skip_while(|number| *number != last.number()).nth(1),
        }?;
        self.posted.hold(number);
        Some(HeldPosted::take_over(&self.posted, number))
    }

    /// Whether a thread, which is not the dispatcher's, runs one of the queue's jobs.
    pub fn is_run_by(&self, queue: HeldQueue<'_>, thread: u64) -> bool {
        let lists = queue.cell.lists.lock();
        let mut running = lists.running.iter(&self.posted);
        running.any(|number| {
            let inside = self.posted.listed(number).inside();
            inside.is_some_and(|inside| inside.thread == thread)
        })
    }

    /// The queue of a posted job. The queue may go at any time. Any id may come. `None`: the job is
    /// over.
    pub fn queue_of(&self, id: PostedId) -> Option<QueueId> {
        let queue = self.posted.find(id)?.queue();
        // The id is compared after the queue was read. A later use of the cell changes the id
        // before it changes the queue.
        let is_there = self.posted.id_of(id.number()) == id;
        (is_there || crate::weakened!("over_has_no_queue")).then_some(queue)
    }
}
