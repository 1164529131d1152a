//! `dcc_dispatcher_post`, `dcc_dispatcher_post_and_wait`.

use super::argument::{Versioned, descriptor, flags, handle, reserved, text};
use super::dispatcher::{DCC_NO_LIMIT, dcc_dispatcher, dispatchers, pinned};
use super::guard::{Outcome, guard, guard_creating};
use super::job::{DCC_JOB_NONE, dcc_destroy_fn, dcc_job};
use super::limits::{DCC_MAX_CALLER_ID_LENGTH, DCC_MAX_TEXT_LENGTH};
use super::out::{HandleOut, StructOut, ValueOut};
use super::owner::dcc_owner;
use super::status::{
    DCC_CANCELLED_BY_TOKEN, DCC_OK, DCC_POLL_GONE, DCC_STARTED, DCC_TIMED_OUT, DCC_WEDGED,
    dcc_status,
};
use super::token::dcc_cancel_token;
use super::{library, library_threads, thread};
use crate::dispatcher::DispatcherPin;
use crate::dispatcher::post::Post;
use crate::dispatcher::post_wait::WaitEnd;
use crate::dispatcher::run::{RUN_AGAIN, RUN_AWAY, RUN_WHEN_WOKEN, STOPPED};
use crate::error::Error;
use crate::handle::{Handle, NULL};
use crate::queue::lane::Lane;
use crate::sys::callout::{Payload, UserData};
use crate::sys::clock;
use crate::sys::work::{CompletionFn, JobFn, Work};
use std::ffi::{c_char, c_void};

/// Lane of a posted job: someone waits for it at the screen.
pub const DCC_LANE_INTERACTIVE: i32 = 1;
/// Lane of a posted job: the usual one, also 0.
pub const DCC_LANE_NORMAL: i32 = 2;
/// Lane of a posted job: when there is time. A lane goes before those below it, but of the jobs that
/// run while others wait at least one in five is a normal and one in seventeen a background one.
pub const DCC_LANE_BACKGROUND: i32 = 3;

/// Flag of a post: the function may be called on any thread, and is, on another than the
/// dispatcher's: on the library's workers, or where the dispatcher's `execute` calls it. Its completion
/// runs on the dispatcher's thread all the same.
pub const DCC_POST_ANY_THREAD: u32 = 1;

/// Flag of a post: a cancel that comes after the function was called first does not end the job between two
/// slices: the function is called once more, in the next tick, so that it can undo what it has begun. It
/// learns of the cancel by asking, as ever, and its answer ends the job: 0 if the job has completed all the
/// same, by a part of its work perhaps. Where it asks to be called again the job ends as cancelled. A close
/// of the dispatcher or of the owner ends the job without that call.
pub const DCC_POST_UNWINDS: u32 = 2;

/// Flag of a post without a `parent`: it is for what is current on the posting thread. The current token is
/// its parent, and current while it runs; and a cancel of the current job cancels it, too. A `parent` that
/// is given goes before this flag. As DCC_JOB_BELOW_CURRENT, which says more.
pub const DCC_POST_BELOW_CURRENT: u32 = 4;

/// Answer of a dcc_job_fn: call it again, in the next tick; on a worker after those that wait.
pub const DCC_RUN_AGAIN: i32 = 100;
/// Answer of a dcc_job_fn that a pump has called: call it again in the tick after dcc_job_wake. Until then
/// the job costs no tick anything. A cancel ends it, or wakes it where it unwinds (DCC_POST_UNWINDS).
pub const DCC_RUN_WHEN_WOKEN: i32 = 101;
/// Answer of a dcc_job_fn that a pump has called: as DCC_RUN_WHEN_WOKEN, where another thread uses what the
/// job works on. A cancel neither ends the job nor wakes it: it takes effect in the tick after dcc_job_wake,
/// which that thread calls when it is done. The job's own token tells it of a cancel meanwhile. A close of
/// the dispatcher or of the owner ends the job without waiting: wait for that thread in the completion, or in
/// the destroy-notify where no completion is called.
pub const DCC_RUN_AWAY: i32 = 102;
const _: () = assert!(
    DCC_RUN_AGAIN == RUN_AGAIN && DCC_RUN_WHEN_WOKEN == RUN_WHEN_WOKEN && DCC_RUN_AWAY == RUN_AWAY
);
const _: () =
    assert!(DCC_CANCELLED_BY_TOKEN == *STOPPED.start() && DCC_POLL_GONE == *STOPPED.end());

/// What a posted job does. While it runs, `job` is the current job and the posted `parent` the current token,
/// so dcc_check_cancelled and dcc_poll_current ask for both. It answers 0: the job completed, whether or not
/// it was asked to stop; what dcc_check_cancelled answered (1 to 3): it stopped because it was asked to;
/// DCC_RUN_AGAIN, DCC_RUN_WHEN_WOKEN, DCC_RUN_AWAY: this was one slice; a negative number: it failed,
/// dcc_job_fail having said why, if it did. If it has ended its job itself that stays. A panic in Rust fails
/// the job; otherwise it must not unwind or longjmp.
pub type dcc_job_fn =
    Option<unsafe extern "C-unwind" fn(job: *const dcc_job, user_data: *mut c_void) -> i32>;

/// Told once that a posted job is over: on the dispatcher's thread, inside a pump or a close, with
/// the job's terminal state (DCC_JOB_COMPLETED and so on). It may post, not pump. Must not unwind or
/// longjmp.
pub type dcc_completion_fn =
    Option<unsafe extern "C" fn(job: *const dcc_job, state: i32, user_data: *mut c_void)>;

/// What is posted. Set all to zero, then `struct_size` to sizeof, then what you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_post_desc {
    /// sizeof(dcc_post_desc)
    pub struct_size: u32,
    /// DCC_POST_ANY_THREAD, DCC_POST_UNWINDS, DCC_POST_BELOW_CURRENT, several of them or 0.
    pub flags: u32,
    /// What to call the job, for people: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. May be NULL.
    pub label: *const c_char,
    /// Bytes in `label`, or DCC_NUL_TERMINATED.
    pub label_length: usize,
    /// Your own id for it: UTF-8, up to DCC_MAX_CALLER_ID_LENGTH bytes, copied; no unfinished job of the
    /// dispatcher may have the same. May be NULL.
    pub caller_id: *const c_char,
    /// Bytes in `caller_id`, or DCC_NUL_TERMINATED.
    pub caller_id_length: usize,
    /// A token whose cancel cancels the job, for instance of the request that asked for it; current
    /// while the job runs. NULL: there is none, unless `flags` says DCC_POST_BELOW_CURRENT.
    pub parent: *const dcc_cancel_token,
    /// What it does. Not NULL.
    pub function: dcc_job_fn,
    /// Told when it is over. May be NULL.
    pub completion: dcc_completion_fn,
    /// Handed to the functions.
    pub user_data: *mut c_void,
    /// Called once with `user_data` after the completion; never if the post is refused. May be NULL.
    pub destroy: dcc_destroy_fn,
    /// The plugin that these functions belong to, see dcc_owner_close. NULL if they stay loaded.
    pub owner: *const dcc_owner,
    /// Cancels the job (DCC_CAUSE_DEADLINE) so long after the post, whether it waits or
    /// runs. 0: as the dispatcher has it; DCC_NO_LIMIT: never.
    pub deadline_after_ns: u64,
    /// One of the DCC_LANE_ constants; 0 is the normal one.
    pub lane: i32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: numbers, pointers and nullable functions, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_post_desc {
    const NAME: &'static str = "dcc_post_desc";
}

/// How full a dispatcher is, as a post found it. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_admission {
    /// sizeof(dcc_admission); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// Jobs that wait for their turn.
    pub depth: u32,
    /// How many may.
    pub capacity: u32,
    /// Zero.
    pub reserved: u32,
    /// After how long a post that was refused has a chance: about the time of one tick.
    pub retry_after_ns: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_admission {
    const NAME: &'static str = "dcc_admission";
}

/// What a descriptor says.
struct Asked<'call> {
    post: Post<'call>,
    work: Work,
    /// The dispatcher says when the deadline is.
    has_usual_deadline: bool,
}

impl Asked<'_> {
    /// Gets what it needs of the dispatcher and of the library's threads.
    #[inline(always)]
    fn make_ready(&mut self, dispatcher: &DispatcherPin<'_>) -> Outcome<()> {
        if self.has_usual_deadline {
            self.post.deadline_ns = dispatcher.slot().live().deadline_ns();
        }
        if self.post.deadline_ns.is_some() {
            library_threads::ensure_timer_thread()?;
        }
        if self.post.elsewhere {
            library_threads::ensure_worker()?;
        }
        Ok(())
    }
}

#[inline(always)]
fn lane(given: i32) -> Outcome<Lane> {
    match given {
        DCC_LANE_INTERACTIVE => Ok(Lane::Interactive),
        0 | DCC_LANE_NORMAL => Ok(Lane::Normal),
        DCC_LANE_BACKGROUND => Ok(Lane::Background),
        given => {
            let known = "one of the DCC_LANE_ constants or 0";
            Err(Error::UnknownValue { what: "dcc_post_desc.lane", given, known })
        }
    }
}

/// The functions of a descriptor and their user data. Dropped, the payload is given up without its notify.
///
/// # Safety
/// They are what the header asks for.
#[inline(always)]
unsafe fn work(desc: &dcc_post_desc) -> Outcome<Work> {
    let Some(function) = desc.function else {
        return Err(Error::InvalidArgument(
            "dcc_post_desc.function is NULL; there is nothing to do",
        ));
    };
    // SAFETY: the caller's promise; a handle is what C has for the number that the functions are called with.
    Ok(unsafe {
        Work::new(
            std::mem::transmute::<
                unsafe extern "C-unwind" fn(*const dcc_job, *mut c_void) -> i32,
                JobFn,
            >(function),
            std::mem::transmute::<dcc_completion_fn, Option<CompletionFn>>(desc.completion),
            Payload::new(UserData::new(desc.user_data), desc.destroy),
        )
    })
}

/// # Safety
/// `desc` is NULL, or a descriptor whose pointers are what the header asks for.
#[inline(always)]
unsafe fn read<'call>(desc: *const dcc_post_desc) -> Outcome<Asked<'call>> {
    // SAFETY: promised by the caller.
    let desc = unsafe { descriptor("desc", desc) }?;
    let known = "DCC_POST_ANY_THREAD | DCC_POST_UNWINDS | DCC_POST_BELOW_CURRENT";
    let all = DCC_POST_ANY_THREAD | DCC_POST_UNWINDS | DCC_POST_BELOW_CURRENT;
    flags("dcc_post_desc.flags", desc.flags, all, known)?;
    reserved::<dcc_post_desc>(desc.reserved)?;
    let lane = lane(desc.lane)?;
    // SAFETY: the C caller's promise in the descriptor.
    let work = unsafe { work(&desc) }?;
    // SAFETY: the C caller's promise in the descriptor.
    let (label, caller_id) = unsafe {
        let name = "dcc_post_desc.label";
        let label = text(name, desc.label, desc.label_length, DCC_MAX_TEXT_LENGTH)?;
        let name = "dcc_post_desc.caller_id";
        (label, text(name, desc.caller_id, desc.caller_id_length, DCC_MAX_CALLER_ID_LENGTH)?)
    };
    let [parent, above] = match handle(desc.parent) {
        NULL if desc.flags & DCC_POST_BELOW_CURRENT != 0 => thread::current(),
        parent => [parent, NULL],
    };
    let post = Post {
        label,
        caller_id,
        parent,
        above,
        owner: handle(desc.owner),
        lane,
        elsewhere: desc.flags & DCC_POST_ANY_THREAD != 0,
        unwinds: desc.flags & DCC_POST_UNWINDS != 0,
        deadline_ns: Some(desc.deadline_after_ns).filter(|time| ![0, DCC_NO_LIMIT].contains(time)),
        is_kept: false,
    };
    Ok(Asked { post, work, has_usual_deadline: desc.deadline_after_ns == 0 })
}

/// Gives the poster's reference to who posted, or back.
fn hand_over(job: Handle, to: &HandleOut<dcc_job>) {
    to.write(job);
    if !to.is_wanted() {
        // It may be gone: a job can release the handle that it is called with once too often. What was
        // posted was taken all the same.
        let _ = library().jobs().release(job);
    }
}

/// Posts a job: it is run by the dispatcher's pump, or on another thread if `flags` says so, and its
/// completion and then `destroy` are called exactly once on the dispatcher's thread, also if it is
/// cancelled before it runs. Writes the job to `out_job`: a reference, yours to release; NULL if you
/// do not want it. Writes to `out_admission`, unless that is NULL, how full the dispatcher is, also if
/// the post is refused.
///
/// DCC_ERROR_OVERLOADED: as many as may wait already, or too many wait for their completion.
/// DCC_ERROR_SHUTDOWN: the dispatcher or the owner was closed. DCC_ERROR_DUPLICATE: an unfinished job
/// has the same caller id. On every negative status nothing was taken: `user_data` is still yours.
/// Cancelling a job that waits takes it out of the depth at once; it ends, as cancelled, with the next
/// pump. dcc_job_user_data knows nothing of `user_data`. Any thread, also inside jobs and completions.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_dispatcher_post(
    dispatcher: *const dcc_dispatcher,
    desc: *const dcc_post_desc,
    out_job: *mut *mut dcc_job,
    out_admission: *mut dcc_admission,
) -> dcc_status {
    // SAFETY: the C caller's promise: NULL or a writable result.
    let to = unsafe { HandleOut::optional(out_job) };
    guard_creating(|| {
        // SAFETY: the C caller's promise: NULL or writable for the size that it says, and a filled-in
        // descriptor.
        let (admission, mut asked) = unsafe { (StructOut::optional(out_admission), read(desc)?) };
        let admission =
            if crate::weakened!("post_looks_first") { admission } else { Ok(admission?) };
        let pin = pinned(dispatcher)?;
        asked.make_ready(&pin)?;
        let Asked { mut post, work, .. } = asked;
        post.is_kept = to.is_wanted();
        let posted = dispatchers().post(&pin, &post, work, thread::number());
        write_admission(&pin, &admission?);
        to.write(posted.map_err(|(error, _callers)| error)?);
        Ok(())
    })
}

fn write_admission(pin: &DispatcherPin<'_>, to: &StructOut<dcc_admission>) {
    if to.is_wanted() {
        let (depth, capacity) = dispatchers().fill(pin);
        let retry_after_ns = pin.slot().live().statistics().retry_after_ns();
        to.write(&dcc_admission { struct_size: 0, depth, capacity, reserved: 0, retry_after_ns });
    }
}

/// Posts a job and waits until it is over, at most `timeout_ns` nanoseconds (DCC_NO_LIMIT: as long as
/// it takes). On the dispatcher's own thread it runs at once, all its slices, without waiting for its
/// turn; so does a DCC_POST_ANY_THREAD job on a thread that runs such jobs, which may be the last free one,
/// until `timeout_ns` are over. Where all of the library's threads for such jobs wait in a call of it, a
/// poster without a limit runs the job on its own thread. Writes the job to `out_job` (a reference, yours to
/// release) and where it stands then to `out_state`; each may be NULL.
///
/// DCC_OK: it is over, see `out_state`; its completion and `destroy` have run, too, unless it was
/// cancelled or interrupted while it waited for its turn or its next slice, or the dispatcher's own thread
/// waits for a DCC_POST_ANY_THREAD job: then they follow in the next pump. DCC_TIMED_OUT: the time
/// was over before it started; it never runs. DCC_WEDGED: the same, because the thread has been stuck in
/// something else for the dispatcher's threshold, or has ended. While a dispatcher of
/// DCC_DISPATCHER_BIND_LATER has no thread yet its jobs wait, and so do their posters. DCC_STARTED: the time
/// was over after it started, and it was asked to stop; or it has run, and the thread that has to complete it
/// is stuck or has ended. In all these cases it was accepted: completion and `destroy` run once, so
/// `user_data` must not be on your stack.
///
/// DCC_ERROR_WOULD_DEADLOCK: the dispatcher's thread waits in this library, over whatever threads, for this
/// one, so it would never come to the job; as a rule two UI threads that wait for each other. Where the
/// thread that is to run a DCC_POST_ANY_THREAD job turns out to wait for this one after it was accepted,
/// the answer is DCC_WEDGED or DCC_STARTED, at once. Other negative statuses as in dcc_dispatcher_post; on
/// every one of them nothing was taken. Any thread; while it waits, hold no lock that the job or a plugin's
/// owner needs.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn dcc_dispatcher_post_and_wait(
    dispatcher: *const dcc_dispatcher,
    desc: *const dcc_post_desc,
    timeout_ns: u64,
    out_job: *mut *mut dcc_job,
    out_state: *mut i32,
) -> dcc_status {
    // SAFETY: the C caller's promise: NULL or a writable result.
    let to = unsafe { HandleOut::optional(out_job) };
    guard(|| {
        thread::is_first()?;
        // SAFETY: the C caller's promise: NULL or a writable result, and a filled-in descriptor.
        let (state, mut asked) =
            unsafe { (ValueOut::optional(out_state, DCC_JOB_NONE), read(desc)?) };
        let pin = pinned(dispatcher)?;
        asked.make_ready(&pin)?;
        let Asked { mut post, work, .. } = asked;
        post.is_kept = true;
        let until_ns =
            (timeout_ns != DCC_NO_LIMIT).then(|| clock::now_ns().saturating_add(timeout_ns));
        let waited = dispatchers()
            .post_and_wait(thread::this()?, &pin, &post, work, until_ns)
            .map_err(|(error, _callers)| error)?;
        state.write(waited.state as i32);
        hand_over(waited.job, &to);
        Ok(match waited.end {
            WaitEnd::Over => DCC_OK,
            WaitEnd::TimedOut => DCC_TIMED_OUT,
            WaitEnd::Wedged => DCC_WEDGED,
            WaitEnd::Started => DCC_STARTED,
        })
    })
}
