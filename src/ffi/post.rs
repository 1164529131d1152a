//! Posting jobs: `dcc_dispatcher_post`, `dcc_dispatcher_post_and_wait`.

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

/// Lane of a posted job: a user waits for it at the screen.
pub const DCC_LANE_INTERACTIVE: i32 = 1;
/// Lane of a posted job: the usual one. 0 means this lane.
pub const DCC_LANE_NORMAL: i32 = 2;
/// Lane of a posted job: it runs when there is time. The lane with the smaller number goes first.
/// But while all lanes have jobs, at least one in five of the jobs that run is from the normal
/// lane, and one in seventeen from this lane.
pub const DCC_LANE_BACKGROUND: i32 = 3;

/// Flag of a post: the job's function runs on a thread other than the dispatcher's: a worker of the
/// library, or a thread of the pool behind the dispatcher's `execute`. The completion still runs on
/// the dispatcher's thread.
pub const DCC_POST_ANY_THREAD: u32 = 1;

/// Flag of a post: the job's function can undo what it has begun. After a cancel between two slices
/// the job does not end at once: its function is called once more, in the next tick. The function
/// learns of the cancel as in any slice, by polls, and its answer ends the job. With the answer 0
/// the job has completed in spite of the cancel, for instance with a part of its work as the
/// result. If the function asks to be called again, the job ends as cancelled. A cancel before the
/// first slice, and a close of the dispatcher or of the owner, end the job without that call.
pub const DCC_POST_UNWINDS: u32 = 2;

/// Flag of a post without a `parent`: the job works for what is current on the posting thread. The
/// current token becomes its parent, and is current while the job runs. A cancel of the current job
/// cancels the posted job too. If a `parent` is given, this flag has no effect. The flag is
/// otherwise as DCC_JOB_BELOW_CURRENT.
pub const DCC_POST_BELOW_CURRENT: u32 = 4;

/// Answer of a dcc_job_fn: this slice is over; call the function again. A pump does so in the next
/// tick. A worker does so when the jobs that wait already have had their turn.
pub const DCC_RUN_AGAIN: i32 = 100;
/// Answer of a dcc_job_fn in a pump: call the function again in the tick after dcc_job_wake. Until
/// then the job costs no time in a tick. A cancel ends the job, or wakes it if it was posted with
/// DCC_POST_UNWINDS. Outside of a pump, on a worker or in dcc_dispatcher_post_and_wait on the
/// dispatcher's thread, this answer and DCC_RUN_AWAY fail the job.
pub const DCC_RUN_WHEN_WOKEN: i32 = 101;
/// Answer of a dcc_job_fn in a pump: as DCC_RUN_WHEN_WOKEN, for a job whose data another thread
/// uses meanwhile. A cancel neither ends nor wakes the job: it takes effect in the tick after
/// dcc_job_wake, which the other thread calls when it has finished. That thread learns of the
/// cancel by the job's token. A close of the dispatcher or of the owner ends the job at once: wait
/// for the other thread in the completion, or in the destroy-notify if no completion is called.
pub const DCC_RUN_AWAY: i32 = 102;
const _: () = assert!(
    DCC_RUN_AGAIN == RUN_AGAIN && DCC_RUN_WHEN_WOKEN == RUN_WHEN_WOKEN && DCC_RUN_AWAY == RUN_AWAY
);
const _: () =
    assert!(DCC_CANCELLED_BY_TOKEN == *STOPPED.start() && DCC_POLL_GONE == *STOPPED.end());

/// The work of a posted job. While the function runs, `job` is the current job of its thread and
/// the posted `parent` is the current token, so dcc_check_cancelled and dcc_poll_current ask both.
/// `job` is lent for the call. The function answers:
/// - 0: the job has completed, whether or not it was asked to stop.
/// - What dcc_check_cancelled answered (1 to 3): the job stopped because it was asked to.
/// - DCC_RUN_AGAIN, DCC_RUN_WHEN_WOKEN, DCC_RUN_AWAY: this slice is over, the job is not.
/// - Any other number, usually a negative one: the job failed. Call dcc_job_fail before, to say
///   why.
///
/// If the function has ended its job itself, for instance by dcc_job_complete, that end stays. A
/// panic in Rust fails the job; otherwise the function must not unwind or longjmp.
pub type dcc_job_fn =
    Option<unsafe extern "C-unwind" fn(job: *const dcc_job, user_data: *mut c_void) -> i32>;

/// A completion: a function that is told once that a posted job has ended, with the job's final
/// state (DCC_JOB_COMPLETED and so on). It is called on the dispatcher's thread, inside a pump, a
/// close or dcc_dispatcher_post_and_wait. `job` is lent for the call. The function may post but not
/// pump. It must not unwind or longjmp.
pub type dcc_completion_fn =
    Option<unsafe extern "C" fn(job: *const dcc_job, state: i32, user_data: *mut c_void)>;

/// What a job is posted from. Set all bytes to zero, then `struct_size` to sizeof, then the fields
/// that you need.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_post_desc {
    /// sizeof(dcc_post_desc)
    pub struct_size: u32,
    /// DCC_POST_ANY_THREAD, DCC_POST_UNWINDS, DCC_POST_BELOW_CURRENT, several of them or 0.
    pub flags: u32,
    /// Name of the job, for people: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. May be NULL.
    pub label: *const c_char,
    /// Bytes in `label`, or DCC_NUL_TERMINATED.
    pub label_length: usize,
    /// Your own id for the job: UTF-8, up to DCC_MAX_CALLER_ID_LENGTH bytes, copied. No other
    /// unfinished job of the dispatcher may have it. May be NULL.
    pub caller_id: *const c_char,
    /// Bytes in `caller_id`, or DCC_NUL_TERMINATED.
    pub caller_id_length: usize,
    /// A token whose cancel cancels the job, for instance the token of the request that asked for
    /// the job. It is the current token while the job runs. With NULL no token does and is, unless
    /// `flags` has DCC_POST_BELOW_CURRENT.
    pub parent: *const dcc_cancel_token,
    /// The job's work. Not NULL.
    pub function: dcc_job_fn,
    /// Told when the job has ended. May be NULL.
    pub completion: dcc_completion_fn,
    /// Passed to `function`, `completion` and `destroy`.
    pub user_data: *mut c_void,
    /// Called once with `user_data` after the completion. It is not called if the post is refused.
    /// May be NULL.
    pub destroy: dcc_destroy_fn,
    /// The plugin that these functions belong to, see dcc_owner_close. NULL if they stay loaded.
    pub owner: *const dcc_owner,
    /// The nanoseconds from the post to the deadline, which cancels the job (DCC_CAUSE_DEADLINE)
    /// whether it waits or runs. 0: the dispatcher's `default_deadline_after_ns`. DCC_NO_LIMIT: no
    /// deadline.
    pub deadline_after_ns: u64,
    /// One of the DCC_LANE_ constants; 0 is the normal lane.
    pub lane: i32,
    /// Zero.
    pub reserved: u32,
}

// SAFETY: numbers, pointers and nullable functions, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_post_desc {
    const NAME: &'static str = "dcc_post_desc";
}

/// How full a dispatcher was at a post. Set `struct_size` to sizeof before the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct dcc_admission {
    /// sizeof(dcc_admission); the call writes back how much of it was filled.
    pub struct_size: u32,
    /// Jobs that wait for their turn.
    pub depth: u32,
    /// The most jobs that may wait for their turn.
    pub capacity: u32,
    /// Zero.
    pub reserved: u32,
    /// After how many nanoseconds to try a refused post again: about the time between two ticks.
    pub retry_after_ns: u64,
}

// SAFETY: numbers, for which zero is a value; starts with a u32.
unsafe impl Versioned for dcc_admission {
    const NAME: &'static str = "dcc_admission";
}

/// A descriptor that was read.
struct Asked<'call> {
    post: Post<'call>,
    work: Work,
    /// Whether the dispatcher's default deadline applies.
    has_usual_deadline: bool,
}

impl Asked<'_> {
    /// Fills in the dispatcher's default deadline and starts the library's threads that the job
    /// needs.
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

/// The functions of a descriptor and their user data. If the result is dropped, user data stays
/// C's: its notify is not called.
///
/// # Safety
/// The functions and their user data are as the header demands.
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
/// `desc` is NULL, or a descriptor whose pointers are as the header demands.
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

/// Hands the poster's reference to C, or releases it if C does not want it.
fn hand_over(job: Handle, to: &HandleOut<dcc_job>) {
    to.write(job);
    if !to.is_wanted() {
        // An error is ignored: the job may be gone, because a job can release the handle that it is
        // called with once too often. The post was still accepted.
        let _ = library().jobs().release(job);
    }
}

/// Posts a job. Any thread may call this, even inside jobs and completions. The dispatcher's pump
/// runs the job; with DCC_POST_ANY_THREAD another thread does.
///
/// - DCC_ERROR_OVERLOADED: `capacity` jobs wait already, or too many are unfinished, or `execute`
///   has no room.
/// - DCC_ERROR_SHUTDOWN: the dispatcher or the owner is closed.
/// - DCC_ERROR_DUPLICATE: an unfinished job has the same caller id.
///
/// After every negative status no job was posted, and `user_data` is still yours.
///
/// `out_job` gets a reference, which you release; pass NULL if you do not want it. `out_admission`
/// gets how full the dispatcher is, even if the post is refused; it may be NULL. dcc_job_user_data
/// does not give the `user_data` of a posted job.
///
/// The job's completion and then its `destroy` are called exactly once, on the dispatcher's thread,
/// even if the job is cancelled before it runs. There are two exceptions. If `owner` is closed on
/// another thread, the completion is left out and `destroy` is called there. If the dispatcher's
/// thread has ended, neither is called before `owner` is closed. A job that is cancelled while it
/// waits for its turn leaves `depth` at once, and ends as cancelled in the next pump.
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

/// Posts a job and waits until it has ended, at most `timeout_ns` nanoseconds or, with
/// DCC_NO_LIMIT, without a limit. Any thread may call this. The calling thread, the poster, must
/// hold no lock that the job or an owner's functions need.
///
/// - DCC_OK: the job has ended; `out_state` says how. The completion and `destroy` have run, too,
///   except in two cases, in which the next pump runs them. In the first the job was cancelled or
///   interrupted while it waited for its turn or its next slice. In the second the poster is the
///   dispatcher's own thread, and the job has DCC_POST_ANY_THREAD.
/// - DCC_TIMED_OUT: the time was over before the job began, and the job never runs.
/// - DCC_WEDGED: the dispatcher's thread has been inside something else for `wedge_threshold_ns`,
///   or has ended, before the job began. The job never runs.
/// - DCC_STARTED: the time was over after the job had begun, and the job was asked to stop. Or the
///   job's function has returned, and the thread that has to run the completion is stuck or has
///   ended.
/// - DCC_ERROR_WOULD_DEADLOCK: the dispatcher's thread waits in this library for the poster,
///   directly or through other threads, so it would never run the job. An example is two UI threads
///   that wait for each other.
/// - Other negative statuses are as for dcc_dispatcher_post. After every negative status no job was
///   posted, and `user_data` is still yours.
///
/// After any other status the completion and `destroy` run once, as for dcc_dispatcher_post. They
/// may run after this call has returned, so `user_data` must not be on your stack. `out_job` gets a
/// reference, which you release, and `out_state` the job's state at the return. Each may be NULL.
///
/// On the dispatcher's own thread the job runs at once, with all its slices, before jobs that wait.
/// If the poster is a thread that runs jobs with DCC_POST_ANY_THREAD, such a job also runs at once
/// on it, slice after slice until `timeout_ns` have passed, because no other thread may be free. If
/// all of the library's threads for such jobs wait in calls of the library, a poster without a
/// limit runs the job on its own thread.
///
/// A dispatcher with DCC_DISPATCHER_BIND_LATER that has no thread yet is not stuck: its jobs wait,
/// and so do their posters. If the thread that is to run a job with DCC_POST_ANY_THREAD waits for
/// the poster, the answer is DCC_WEDGED or DCC_STARTED at once.
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
