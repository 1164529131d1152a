//! Questions from outside the process, and their answers: one line of JSON each. They serve a user
//! whose host's own window no longer answers. So nothing here waits for a thread of the host, runs
//! a function of the host, or gives a job back in a way that would.
//!
//! A question is an object that has one of these as `do`:
//! - "list": `job`: only this job. `ended`: with the jobs that have ended. `from`: only the jobs
//!   after an earlier list.
//! - "cancel": `job`, or `all` as true; `reason`.
//! - "trace": `job`, or `all` as true; `on`.
//!
//! The answer has `error`, or what was asked for. For "list" that is `host`, `polls_without_job`,
//! `dispatchers` and `jobs`. For the others it is `changed`, with `id`, `label` and `outcome` of
//! each job. `more` is the number of jobs that were left out. It is null in a list with `from`:
//! these jobs are not counted again. `next` is the value of `from` for the next list, or null if
//! this was the last one.

use crate::dispatcher::Dispatchers;
use crate::job::pages::Page;
use crate::job::texts::JobText;
use crate::job::{JobPin, Jobs};
use crate::json::members::{self, NoMembers};
use crate::json::object::{Array, Object};
use crate::json::text::is_text;
use crate::json_rpc::wire::readable;
use crate::library::Library;
use crate::memory::pin::Keeper;
use crate::queue::counts::Glance;
use crate::sys::clock;
use crate::sys::fallible::Growing;
use crate::token::Cause;
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt::{self, Write};

/// The greatest number of jobs in a list.
pub const MOST_JOBS: usize = 1000;

/// An answer of at least this many bytes gets no further jobs, however few it has. Texts may be
/// long: with 1000 jobs of the longest texts an answer would be longer than a client takes.
const ENOUGH_BYTES: usize = 1 << 20;

/// What is known of the process without asking any of its threads.
#[derive(Clone, Debug)]
pub struct HostName {
    /// The host's name, for people.
    pub name: String,
    pub library: &'static str,
}

/// An answer that is being written, and its length so far, in bytes.
struct Counted<'a> {
    out: &'a mut Growing,
    length: &'a Cell<usize>,
}

impl Write for Counted<'_> {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        self.length.set(self.length.get() + piece.len());
        self.out.write_str(piece)
    }
}

/// The jobs that a question is about.
enum Which {
    All,
    One(u64),
}

/// Why there is no answer.
enum NoAnswer {
    /// The question is wrong. The text says why.
    Wrong(Growing),
    /// There is no memory for the answer.
    OutOfMemory,
    /// What was asked for is done, but there is no memory to say so. A lack of memory for the
    /// answer must not keep a job from being stopped.
    DoneWithoutMemory,
}

impl From<fmt::Error> for NoAnswer {
    /// Writing an answer fails for no other reason than memory.
    fn from(_: fmt::Error) -> Self {
        Self::OutOfMemory
    }
}

fn wrong(text: fmt::Arguments<'_>) -> NoAnswer {
    let mut kept = Growing::default();
    match kept.write_fmt(text) {
        Ok(()) => NoAnswer::Wrong(kept),
        Err(refused) => refused.into(),
    }
}

const NO_MEMORY: &str = r#"{"error":"the host has no memory left"}"#;
const DONE_BUT_NO_MEMORY: &str =
    r#"{"error":"it is done, but the host has no memory left to say which jobs it was"}"#;

/// A question: the members that can be in it. A member that is a text here is JSON that is not
/// decoded yet.
struct Question<'l> {
    /// The value of `do`. Here and below, `None` stands for a member that is left out or null.
    what: Option<&'l str>,
    job: Option<&'l str>,
    all: bool,
    ended: bool,
    reason: Option<&'l str>,
    on: Option<&'l str>,
    from: Option<&'l str>,
}

/// Answers one line, which has a question. The answer is one line of JSON, even if the question is
/// wrong or memory runs out.
pub fn answer(library: &Library, host: &HostName, line: &[u8]) -> Cow<'static, str> {
    let mut out = Growing::default();
    let error = match question(line).and_then(|asked| dispatch(library, host, &asked, &mut out)) {
        Ok(()) => return Cow::Owned(out.into_string()),
        Err(NoAnswer::OutOfMemory) => return Cow::Borrowed(NO_MEMORY),
        Err(NoAnswer::DoneWithoutMemory) => return Cow::Borrowed(DONE_BUT_NO_MEMORY),
        Err(NoAnswer::Wrong(error)) => error,
    };
    let mut out = Growing::default();
    match write_error(&mut out, error.as_str()) {
        Ok(()) => Cow::Owned(out.into_string()),
        Err(fmt::Error) => Cow::Borrowed(NO_MEMORY),
    }
}

fn write_error(out: &mut Growing, error: &str) -> fmt::Result {
    let mut answer = Object::begin(out)?;
    answer.text("error", error)?;
    answer.end()
}

fn question(line: &[u8]) -> Result<Question<'_>, NoAnswer> {
    let names = ["do", "job", "all", "ended", "reason", "on", "from"];
    let text = std::str::from_utf8(line);
    let text = text.map_err(|_| wrong(format_args!("the line is not JSON: it is not UTF-8")))?;
    let members = match members::members(text.trim_ascii_start(), names) {
        Ok(members) => members,
        // A value that is not an object asks for nothing, which `dispatch` refuses.
        Err(NoMembers::NotAnObject) => Default::default(),
        Err(NoMembers::NotJson) => return Err(wrong(format_args!("the line is not JSON"))),
        Err(NoMembers::OutOfMemory) => return Err(NoAnswer::OutOfMemory),
    };
    if let Some(which) = members.iter().position(|member| member.is_repeated) {
        return Err(wrong(format_args!(
            "`{}` was given more than once; give it once",
            names[which]
        )));
    }
    let [what, job, all, ended, reason, on, from] =
        members.map(|member| member.value.filter(|value| *value != "null"));
    let is_true = |value| value == Some("true");
    Ok(Question { what, job, all: is_true(all), ended: is_true(ended), reason, on, from })
}

fn dispatch(
    library: &Library,
    host: &HostName,
    asked: &Question<'_>,
    out: &mut Growing,
) -> Result<(), NoAnswer> {
    let jobs = library.jobs();
    let what = asked.what.unwrap_or("null");
    if is_text(what, "list") {
        let one = match asked.job {
            Some(_) => Some(which(asked)?),
            None => None,
        };
        let from = asked.from.map_or(Ok(0), |from| {
            let no_place = |_| wrong(format_args!("`from` is {from}; give what `next` was"));
            from.parse().map_err(no_place)
        })?;
        return Ok(write_list(library, host, one, from, asked.ended, out)?);
    }
    if is_text(what, "cancel") {
        let reason = asked.reason.and_then(readable);
        let reason = reason.as_deref().unwrap_or("cancelled from outside the host");
        return change(jobs, &which(asked)?, |job| cancel(library, job, reason), out);
    }
    if !is_text(what, "trace") {
        return Err(wrong(format_args!("`do` is {what}; it can be list, cancel or trace")));
    }
    let on = match asked.on {
        Some("true") => true,
        Some("false") => false,
        _ => return Err(wrong(format_args!("`on` is neither true nor false; give one of them"))),
    };
    let which = which(asked)?;
    if matches!(which, Which::All) {
        library.tokens().trace_all_deferred(on);
    }
    change(jobs, &which, |job| trace(library, job, on), out)
}

fn which(asked: &Question<'_>) -> Result<Which, NoAnswer> {
    match (asked.job, asked.all) {
        (None, true) => Ok(Which::All),
        (Some(_), true) => {
            Err(wrong(format_args!("both `job` and `all` were given; give one of them")))
        }
        (id, false) => {
            let id = id.unwrap_or("null");
            id.parse().map(Which::One).map_err(|_| {
                let hint = "give the id of a job, or `all` as true in its place";
                wrong(format_args!("`job` is {id}; {hint}"))
            })
        }
    }
}

/// Calls `each` with the jobs that a question is about. Each job is pinned only during its call.
fn each_meant(jobs: Jobs<'_>, which: &Which, mut each: impl FnMut(&JobPin<'_>)) {
    let mut look = |job: JobPin<'_>| {
        each(&job);
        jobs.unpin_deferred(job);
    };
    match which {
        Which::All => jobs.live().for_each(look),
        Which::One(id) => _ = jobs.pin_by_id(*id).map(&mut look),
    }
}

fn write_list(
    library: &Library,
    host: &HostName,
    one: Option<Which>,
    from: u32,
    with_ended: bool,
    out: &mut Growing,
) -> fmt::Result {
    let jobs = library.jobs();
    let length = Cell::new(0);
    let mut out = Counted { out, length: &length };
    let mut answer = Object::begin(&mut out)?;
    let mut about = answer.object("host")?;
    about.text("name", &host.name)?;
    about.value("process", std::process::id())?;
    about.text("library", host.library)?;
    about.end()?;
    let diagnosis = library.diagnosis();
    diagnosis.strays.write(&diagnosis.files, answer.object("polls_without_job")?)?;
    let mut glances = answer.list("dispatchers")?;
    library.dispatchers().write_glances(&mut glances)?;
    glances.end()?;
    let mut shown = answer.list("jobs")?;
    let (mut count, mut result) = (0, Ok(()));
    let mut show = |job: &JobPin<'_>| {
        // Jobs that have ended are shown only on request.
        if with_ended || !jobs.state(job).is_terminal() {
            count += 1;
            result = result.and_then(|()| jobs.write_job(job, &mut shown));
        }
        count < MOST_JOBS && length.get() < ENOUGH_BYTES
    };
    let next = match one {
        Some(which) => {
            each_meant(jobs, &which, |job| _ = show(job));
            None
        }
        None => list_from(jobs, from, show),
    };
    result?;
    shown.end()?;
    answer.value_or_null("next", next)?;
    let more = (from == 0).then(|| next.map_or(0, |next| jobs.count_from(next, with_ended)));
    answer.value_or_null("more", more)?;
    answer.end()
}

/// Calls `show` with the jobs in the slots from `from` on, until it answers false. Returns the slot
/// where the next list begins. `None`: no job is left.
fn list_from(jobs: Jobs<'_>, from: u32, mut show: impl FnMut(&JobPin<'_>) -> bool) -> Option<u32> {
    let mut is_enough = false;
    let Page { next, .. } = jobs.page(from, u32::MAX, |job| {
        let is_left = is_enough;
        if !is_left {
            is_enough = !show(&job);
        }
        jobs.unpin_deferred(job);
        !is_left
    });
    next
}

/// Calls `outcome`, which changes a job, with each job that a question is about, and writes the
/// word that it returns. Of all jobs, those that have ended are passed over.
fn change(
    jobs: Jobs<'_>,
    which: &Which,
    outcome: impl Fn(&JobPin<'_>) -> &'static str,
    out: &mut Growing,
) -> Result<(), NoAnswer> {
    let (mut count, mut more) = (0, 0_u64);
    let length = Cell::new(0);
    let mut out = Counted { out, length: &length };
    // A failure to write is told at the end. Until then the jobs are changed anyway.
    let mut result = out.write_str(r#"{"changed":"#);
    let mut list = Array::begin(&mut out);
    each_meant(jobs, which, |job| {
        if matches!(which, Which::All) && jobs.state(job).is_terminal() {
            return;
        }
        let outcome = outcome(job);
        count += 1;
        if count > MOST_JOBS || length.get() >= ENOUGH_BYTES {
            more += 1;
        } else if let (Ok(()), Ok(list)) = (result, &mut list) {
            result = write_changed(jobs, job, outcome, list);
        }
    });
    if let (Which::One(id), 0) = (which, count) {
        return Err(wrong(format_args!("no job here has the id {id}; ask for a list of the jobs")));
    }
    result
        .and_then(|()| list?.end())
        .and_then(|()| write!(out, r#","more":{more}}}"#))
        .map_err(|fmt::Error| NoAnswer::DoneWithoutMemory)
}

fn write_changed(
    jobs: Jobs<'_>,
    job: &JobPin<'_>,
    outcome: &str,
    list: &mut Array<'_>,
) -> fmt::Result {
    let mut one = list.object()?;
    one.value("id", jobs.id(job))?;
    jobs.show_text(job, JobText::Label, |label| one.text("label", label))?;
    one.text("outcome", outcome)?;
    one.end()
}

fn cancel(library: &Library, job: &JobPin<'_>, reason: &str) -> &'static str {
    let jobs = library.jobs();
    if jobs.state(job).is_terminal() {
        return "had ended";
    }
    let token = jobs.token_held_by(job);
    let is_first = library.tokens().cancel_deferred(&token, Cause::Request, reason);
    match is_first {
        true => "asked",
        false if library.tokens().is_sealed(token.handle()) => "is sealed: too late",
        false => "was asked before",
    }
}

fn trace(library: &Library, job: &JobPin<'_>, on: bool) -> &'static str {
    library.tokens().set_traced(&library.jobs().token_held_by(job), on);
    if on { "traced" } else { "not traced" }
}

impl Dispatchers<'_> {
    /// Writes how full each dispatcher is and what keeps its thread busy. It takes no pin, because
    /// giving the last pin back would bury the dispatcher on this thread. The memory that it reads
    /// is never unmapped. A dispatcher that goes meanwhile is left out, or at worst is shown with
    /// figures of the next one in its slot.
    fn write_glances(self, list: &mut Array<'_>) -> fmt::Result {
        let now_ns = clock::now_ns();
        let since = |time_ns: u64| (time_ns != 0).then(|| now_ns.saturating_sub(time_ns));
        for (_, slot) in self.arena().slots().filter(|(_, slot)| slot.is_alive()) {
            let live = slot.live();
            let Some(Glance { waiting, busy }) = self.queues().glance(live.queue_id()) else {
                continue;
            };
            let (inside, inside_since_ns) = busy;
            let mut one = list.object()?;
            one.value("waiting", waiting)?;
            one.value_or_null("inside_job", (inside != 0).then_some(inside))?;
            one.value_or_null("inside_since_ns", since(inside_since_ns))?;
            let statistics = live.statistics();
            one.value_or_null("since_tick_ns", since(statistics.last_tick_ns()))?;
            one.value_or_null("since_last_tick_ns", statistics.since_last_tick_ns(now_ns))?;
            one.end()?;
        }
        Ok(())
    }
}
