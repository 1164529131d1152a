//! The listing of live jobs as JSON, for people and tools that look for the job that does not stop.

use crate::diagnosis::place::Place;
use crate::diagnosis::watch::{MOST_THREADS, ThreadReport, Watched};
use crate::handle::TRACED;
use crate::job::pages::SLOTS_OF_A_SHORT_PAGE;
use crate::job::texts::JobText;
use crate::job::{JobPin, Jobs};
use crate::json::object::{Array, Object};
use crate::memory::pin::Keeper;
use crate::sys::clock;
use crate::sys::sync::Ordering;
use crate::token::{Cause, Tokens};
use std::fmt::{self, Write};

/// A copy of what is known of a job's threads. So no lock is held while these are written to the
/// listing.
struct Threads {
    reports: [ThreadReport; MOST_THREADS],
    count: usize,
}

impl Threads {
    fn of(tokens: &Tokens, watched: &Watched) -> Self {
        let mut all = Self { reports: [ThreadReport::default(); MOST_THREADS], count: 0 };
        tokens.diagnosis().watches.threads(watched, |report| {
            if let Some(place) = all.reports.get_mut(all.count) {
                *place = *report;
                all.count += 1;
            }
        });
        all
    }

    fn all(&self) -> &[ThreadReport] {
        &self.reports[..self.count]
    }

    /// The time of the last poll of any of the job's threads; 0 if none has polled.
    fn last_poll_ns(&self) -> u64 {
        self.all().iter().map(|report| report.last_poll_ns).max().unwrap_or(0)
    }

    /// The report of the thread with the longest gap between two polls.
    fn longest(&self) -> ThreadReport {
        let mut longest = ThreadReport::default();
        self.all().iter().for_each(|report| longest.keep_longer(report));
        longest
    }
}

impl<'a> Jobs<'a> {
    /// Writes all live jobs as one array of objects, page after page. Nothing is held between two
    /// jobs, so no thread waits for the listing.
    pub fn write_listing(self, out: &mut dyn Write) -> fmt::Result {
        let mut list = Array::begin(out)?;
        let (mut next, mut result) = (Some(0), Ok(()));
        while let Some(from) = next {
            let page = self.page(from, SLOTS_OF_A_SHORT_PAGE, |job| {
                result = self.write_job(&job, &mut list);
                result.is_ok()
            });
            result?;
            next = page.next;
        }
        list.end()
    }

    /// All live jobs. Each job is pinned when the iteration reaches it.
    pub(crate) fn live(self) -> impl Iterator<Item = JobPin<'a>> {
        let pinned = self.arena().slots().filter(move |(index, _)| self.arena().pin_index(*index));
        pinned.map(move |(index, _)| JobPin::take_over(self, index))
    }

    /// Writes a job as the next entry of a JSON list.
    pub(crate) fn write_job(self, job: &JobPin<'_>, list: &mut Array<'_>) -> fmt::Result {
        self.write_members(job, list.object()?)
    }

    /// Writes all that is known of a job into `one`, the job's JSON object, and ends that object.
    pub(crate) fn write_members(self, job: &JobPin<'_>, mut one: Object<'_>) -> fmt::Result {
        let token = self.token_held_by(job);
        let now_ns = clock::now_ns();
        let since = |time_ns: u64| now_ns.saturating_sub(time_ns);
        let watched = &token.slot().cold.watched;
        let course = self.tokens().diagnosis().watches.course(watched);
        let threads = Threads::of(self.tokens(), watched);
        let last_poll_ns = threads.last_poll_ns();

        one.value("id", self.id(job))?;
        self.show_text(job, JobText::Label, |text| one.text("label", text))?;
        self.show_text(job, JobText::CallerId, |text| one.text("caller_id", text))?;
        one.text("state", self.state(job).name())?;
        let mut progress = one.object("progress")?;
        let far = self.bar(job);
        progress.value("done", far.count.done)?;
        progress.value("total", far.count.total)?;
        progress.value("fraction", far.fraction)?;
        progress.value_or_null("time_left_ns", far.time_left_ns)?;
        progress.value("over", far.over)?;
        progress.value("late", far.late)?;
        self.show_text(job, JobText::ProgressMessage, |text| progress.text("message", text))?;
        progress.end()?;
        self.show_text(job, JobText::Failure, |text| one.text("failure", text))?;
        one.value("age_ns", since(self.made_ns(job)))?;
        one.value("is_sealed", self.is_sealed(job))?;

        let (cancelled_ns, cause) = self.tokens().record(&token);
        if cause == Cause::None {
            one.null("cancelled")?;
        } else {
            let mut cancelled = one.object("cancelled")?;
            cancelled.text("cause", cause.name())?;
            self.tokens().show_reason(&token, |reason| cancelled.text("reason", reason))?;
            cancelled.value("since_ns", since(cancelled_ns))?;
            cancelled.value_or_null("to_end_ns", course.to_end_ns)?;
            cancelled.value("is_seen", course.is_seen)?;
            cancelled.end()?;
        }
        let traced = token.slot().state().load(Ordering::Relaxed) & TRACED != 0;
        one.value("is_traced", traced)?;
        let since_last_poll_ns = (last_poll_ns != 0).then(|| since(last_poll_ns));
        one.value_or_null("since_last_poll_ns", since_last_poll_ns)?;
        self.write_gap(&mut one, &threads.longest())?;
        one.value_or_null("check_not_asked_ns", self.tokens().silence_ns(&token, now_ns))?;

        let mut list = one.list("threads")?;
        for report in threads.all() {
            let mut thread = list.object()?;
            thread.value("thread", report.thread)?;
            thread.value_or_null("cancel_to_seen_ns", report.cancel_to_seen_ns)?;
            thread.value("polls", report.polls)?;
            if report.last_poll_ns == 0 {
                thread.null("since_last_poll_ns")?;
                thread.null("last_poll_at")?;
            } else {
                thread.value("since_last_poll_ns", since(report.last_poll_ns))?;
                self.write_place(&mut thread, "last_poll_at", report.last_place)?;
            }
            self.write_gap(&mut thread, report)?;
            thread.end()?;
        }
        list.end()?;
        one.end()
    }

    fn write_gap(self, out: &mut Object<'_>, report: &ThreadReport) -> fmt::Result {
        if report.longest_gap.nanoseconds == 0 {
            return out.null("longest_gap");
        }
        let mut gap = out.object("longest_gap")?;
        gap.value("gap_ns", report.longest_gap.nanoseconds)?;
        self.write_place(&mut gap, "from", report.longest_gap.from)?;
        self.write_place(&mut gap, "to", report.longest_gap.to)?;
        gap.end()
    }

    fn write_place(self, out: &mut Object<'_>, key: &str, place: Place) -> fmt::Result {
        self.tokens().diagnosis().files.show(place, |file, line| {
            let mut there = out.object(key)?;
            there.text("file", file)?;
            there.value("line", line)?;
            there.end()
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::handle::{Handle, NULL};
    use crate::job::{JobOrigin, JobTable};
    use crate::token::create::Origin;

    /// A reader of a listing. Between two jobs of it, it releases a job, and begins and cancels
    /// another.
    struct Busy {
        jobs: Jobs<'static>,
        left: Vec<Handle>,
        text: String,
        depth: i32,
    }

    impl Write for Busy {
        fn write_str(&mut self, piece: &str) -> fmt::Result {
            self.text.push_str(piece);
            let count = |brackets: [char; 2]| piece.matches(brackets).count() as i32;
            self.depth += count(['{', '[']) - count(['}', ']']);
            if piece == "," && self.depth == 1 {
                self.jobs.release(self.left.pop().unwrap()).unwrap();
                let job = create(self.jobs);
                self.jobs.cancel(&JobPin::new(self.jobs, job).unwrap(), "").unwrap();
                self.left.insert(0, job);
            }
            Ok(())
        }
    }

    fn create(jobs: Jobs<'_>) -> Handle {
        let token = Origin::default();
        let origin =
            JobOrigin { label: "one", caller_id: "", parents: [NULL; 2], token, owner: NULL };
        jobs.create(&origin, None).map_err(|(error, _)| error).unwrap()
    }

    /// If anything were held from one job to the next, this would wait for itself.
    #[test]
    fn jobs_come_and_go_between_two_of_a_listing() {
        const LISTED: usize = 2 * SLOTS_OF_A_SHORT_PAGE as usize;
        static TOKENS: Tokens = Tokens::new();
        static TABLE: JobTable = JobTable::new();
        let jobs = Jobs::new(&TABLE, &TOKENS);
        let left: Vec<Handle> = (0..LISTED).map(|_| create(jobs)).collect();
        let mut busy = Busy { jobs, left, text: String::new(), depth: 0 };
        jobs.write_listing(&mut busy).unwrap();
        let listed: Vec<serde_json::Value> = serde_json::from_str(&busy.text).unwrap();
        assert_eq!(listed.len(), LISTED);
        assert!(listed.iter().any(|job| !job["cancelled"].is_null()), "those that came are there");
        busy.left.into_iter().for_each(|job| jobs.release(job).unwrap());
        assert_eq!(jobs.arena().live(), 0);
    }
}
