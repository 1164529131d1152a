//! What a row of the table of closes is made from: a plugin with one object of each kind, which has
//! all functions that such an object can have. One of these functions closes an owner when it is
//! called for the n-th time.

use super::c_header::{Function, Header, Type};
use super::listening::{Owner, Registration, Token, Watch, until};
use super::posting::{Dispatcher, Job, Log, dispatcher_desc, nothing};
use dcc_cancel::ffi::{
    current::*, dispatcher::*, job::*, job_texts::*, post::*, registration::*, status::*, token::*,
};
use std::ffi::c_void;
use std::ptr::{null, null_mut};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

/// Which function closes, named by the place where the header takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    Callback,
    CallbackDestroy,
    KeepingCallback,
    KeepingDestroy,
    JobDestroy,
    Asked,
    HostDestroy,
    Wake,
    Veto,
    Progress,
    Execute,
    Run,
    Completion,
    PostDestroy,
}

pub const SPOTS: [(Spot, &str); 14] = [
    (Spot::Callback, "dcc_cancel_token_register(function)"),
    (Spot::CallbackDestroy, "dcc_cancel_token_register(destroy)"),
    (Spot::KeepingCallback, "dcc_cancel_token_register_keeping(function)"),
    (Spot::KeepingDestroy, "dcc_cancel_token_register_keeping(destroy)"),
    (Spot::JobDestroy, "dcc_job_desc.destroy"),
    (Spot::Asked, "dcc_job_desc.is_cancelled"),
    (Spot::HostDestroy, "dcc_dispatcher_desc.destroy"),
    (Spot::Wake, "dcc_dispatcher_desc.wake"),
    (Spot::Veto, "dcc_dispatcher_desc.veto"),
    (Spot::Progress, "dcc_dispatcher_desc.progress"),
    (Spot::Execute, "dcc_dispatcher_desc.execute"),
    (Spot::Run, "dcc_post_desc.function"),
    (Spot::Completion, "dcc_post_desc.completion"),
    (Spot::PostDestroy, "dcc_post_desc.destroy"),
];

/// All parameters and fields of the header that take a function, in the order of the header.
pub fn functions_taken(header: &Header) -> Vec<String> {
    let is_function = |kind: &Type| {
        kind.function.is_some() || header.function_types.iter().any(|other| other.name == kind.base)
    };
    let of_function = |function: &Function| {
        let taken = function.parameters.iter().filter(|parameter| is_function(&parameter.kind));
        taken.map(|parameter| format!("{}({})", function.name, parameter.name)).collect::<Vec<_>>()
    };
    let fields = header.structures.iter().flat_map(|structure| {
        let taken = structure.fields.iter().filter(|field| is_function(&field.kind));
        taken.map(|field| format!("{}.{}", structure.name, field.name))
    });
    let parameters = header.functions.iter().chain(&header.function_types).flat_map(of_function);
    parameters.chain(fields).collect()
}

/// The owner of the function that closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The owner that is closed.
    Own,
    /// Another owner.
    Others,
    /// No owner.
    Nobodys,
}

/// How the close comes about when the function is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// The function closes the owner.
    Here,
    /// Another thread closes the owner while the function runs.
    Beside,
    /// The function closes a second owner, while another thread, inside a function of that second
    /// owner, closes this one.
    Crosswise,
}

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub act: Act,
    pub spot: Spot,
    pub whose: Whose,
    pub way: super::Way,
    /// Which call of the function closes, counted from 1.
    pub call: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Thing {
    Registration,
    Job,
    Host,
    Posted,
}

impl Spot {
    fn thing(self) -> Thing {
        match self {
            Self::Callback | Self::CallbackDestroy => Thing::Registration,
            Self::JobDestroy | Self::Asked => Thing::Job,
            Self::Run | Self::Completion | Self::PostDestroy => Thing::Posted,
            _ => Thing::Host,
        }
    }
}

/// The user data of one object. It lives for ever, so that a call that comes too late is noted.
pub struct Unit {
    world: &'static World,
    whose: Whose,
    slices: AtomicU32,
    is_accepted: AtomicBool,
    destroyed: AtomicU32,
}

/// The state of a row while it runs.
pub struct World {
    pub row: Row,
    pub closed: Owner,
    pub other: Owner,
    pub parent: Token,
    pub is_closed: AtomicBool,
    /// Whether the row or another thread has begun a close, so that functions and refusals may come
    /// after it.
    pub is_closing: AtomicBool,
    /// Whether a close has been tried.
    is_tried: AtomicBool,
    has_acted: AtomicBool,
    /// Whether the other owner is closed.
    pub is_other_closed: AtomicBool,
    /// Whether the row has released its reference to the dispatcher.
    pub is_released: AtomicBool,
    /// A foreign job; the row's posted job asks it, too.
    pub foreign: OnceLock<super::listening::Job>,
    /// A call that the row's posted job makes on itself while it runs.
    pub while_it_runs: OnceLock<fn(&World, Job)>,
    pub dispatcher: OnceLock<Dispatcher>,
    calls: AtomicU32,
    units: Mutex<Vec<&'static Unit>>,
    /// The statuses that the closes answered.
    answers: Mutex<Vec<dcc_status>>,
    mistakes: Mutex<Vec<String>>,
    helpers: Mutex<Vec<thread::JoinHandle<()>>>,
    /// Other objects with the same owner. While the owner is open, none of their functions is ever
    /// called.
    bystander: Bystander,
}

struct Bystander {
    token: Token,
    watch: &'static Watch,
    registration: Registration,
    dispatcher: Dispatcher,
    log: Arc<Log>,
}

fn keep_for_ever<T: Send + Sync>(value: T) -> &'static T {
    static KEPT: Mutex<Vec<usize>> = Mutex::new(Vec::new());
    let kept: &'static T = Box::leak(Box::new(value));
    KEPT.lock().unwrap().push(std::ptr::from_ref(kept).expose_provenance());
    kept
}

impl World {
    pub fn new(row: Row) -> &'static Self {
        let (closed, token, watch) = (Owner::new(), Token::new(), Watch::new());
        let registration = token.try_register(watch, closed).unwrap();
        let dispatcher = Dispatcher::new();
        let log = dispatcher.post_only(nothing().owner(closed.pointer()));
        keep_for_ever(Self {
            row,
            closed,
            other: Owner::new(),
            parent: Token::new(),
            is_closed: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            is_tried: AtomicBool::new(false),
            has_acted: AtomicBool::new(false),
            is_other_closed: AtomicBool::new(false),
            is_released: AtomicBool::new(false),
            foreign: OnceLock::new(),
            while_it_runs: OnceLock::new(),
            dispatcher: OnceLock::new(),
            calls: AtomicU32::new(0),
            units: Mutex::default(),
            answers: Mutex::default(),
            mistakes: Mutex::default(),
            helpers: Mutex::default(),
            bystander: Bystander { token, watch, registration, dispatcher, log },
        })
    }

    fn unit(&'static self, thing: Thing, slices: u32) -> &'static Unit {
        let whose = if self.row.spot.thing() == thing { self.row.whose } else { Whose::Own };
        let unit = keep_for_ever(Unit {
            world: self,
            whose,
            slices: AtomicU32::new(slices),
            is_accepted: AtomicBool::new(false),
            destroyed: AtomicU32::new(0),
        });
        self.units.lock().unwrap().push(unit);
        unit
    }

    fn owner_of(&self, unit: &Unit) -> Owner {
        match unit.whose {
            Whose::Own => self.closed,
            Whose::Others => self.other,
            Whose::Nobodys => super::listening::NO_OWNER,
        }
    }

    fn mistake(&self, what: String) {
        self.mistakes.lock().unwrap().push(what);
    }

    fn expect(&self, what: &str, is_so: bool) {
        if !is_so {
            self.mistake(what.to_owned());
        }
    }

    /// Whether the function was called often enough, and what the closes answered.
    pub fn outcome(&self) -> (bool, Vec<dcc_status>) {
        let is_reached = self.calls.load(Ordering::SeqCst) >= self.row.call;
        if is_reached {
            until("the function is through", || self.has_acted.load(Ordering::SeqCst));
        }
        (is_reached, self.answers.lock().unwrap().clone())
    }

    /// Closes the owner on this thread, and checks that the state agrees with the answer.
    pub fn close(&self) -> dcc_status {
        self.is_tried.store(true, Ordering::SeqCst);
        let status = self.closed.close();
        match status {
            DCC_OK => {
                self.is_closed.store(true, Ordering::SeqCst);
                let units = self.units.lock().unwrap().clone();
                let left = units.iter().filter(|unit| {
                    unit.whose == Whose::Own
                        && unit.is_accepted.load(Ordering::SeqCst)
                        && unit.destroyed.load(Ordering::SeqCst) == 0
                });
                if left.count() > 0 {
                    self.mistake("closed, and something was not destroyed".to_owned());
                }
                let Bystander { watch, log, .. } = &self.bystander;
                self.expect("the bystander was dropped", watch.counts() == (0, 1));
                self.expect("its job never runs", (log.runs(), log.destroys()) == (0, 1));
            }
            DCC_ERROR_WOULD_DEADLOCK if !self.is_closing.load(Ordering::SeqCst) => {
                self.expect_open();
            }
            DCC_ERROR_WOULD_DEADLOCK => (),
            // Another thread has closed it meanwhile.
            DCC_ERROR_INVALID_HANDLE if self.is_closing.load(Ordering::SeqCst) => (),
            other => self.mistake(format!("a close answered {other}")),
        }
        status
    }

    /// Closes the other owner.
    pub fn close_other(&self) {
        self.is_other_closed.store(true, Ordering::SeqCst);
        self.expect("another owner can be closed", self.other.close() == DCC_OK);
    }

    /// Checks that the owner is unchanged, unless a close on another thread has begun meanwhile.
    fn expect_open(&self) {
        let expect = |what: &str, is_so: bool| {
            self.expect(what, is_so || self.is_closing.load(Ordering::SeqCst));
        };
        let Bystander { watch, log, .. } = &self.bystander;
        expect("the bystander is registered", watch.counts() == (0, 0));
        expect("its job waits", (log.runs(), log.completions(), log.destroys()) == (0, 0, 0));
        let (token, more) = (Token::new(), Watch::new());
        let registered = token.try_register(more, self.closed);
        let removed = registered.map(Registration::unregister);
        expect("registrations are accepted", removed == Ok(DCC_OK));
        let job = super::listening::Job::try_new(Watch::new(), self.closed, token, true);
        expect("jobs are accepted", job.map(|job| job.release()).is_ok());
        token.release();
        let dispatcher = Dispatcher::new();
        let posted = dispatcher.try_post(nothing().owner(self.closed.pointer()));
        let is_taken = posted.is_ok_and(|posted| {
            let pumped = dispatcher.try_pump(DCC_NO_LIMIT, DCC_NO_LIMIT);
            posted.job.release();
            // A thread that is inside a check may not pump.
            let is_inside_a_check = self.row.spot == Spot::Asked;
            posted.log.runs() == 1
                || is_inside_a_check && matches!(pumped, Err(DCC_ERROR_REENTRANT))
        });
        expect("posts are accepted", is_taken);
        dispatcher.release();
    }

    fn note(&self, status: dcc_status) {
        self.answers.lock().unwrap().push(status);
    }

    fn help(&'static self, body: impl FnOnce() + Send + 'static) {
        self.helpers.lock().unwrap().push(thread::spawn(body));
    }

    fn act(&'static self, whose: Whose) {
        match self.row.act {
            Act::Here => {
                let status = self.close();
                self.note(status);
                if whose == Whose::Own && status == DCC_OK {
                    self.mistake("closed from inside one of its own functions".to_owned());
                }
            }
            Act::Beside => {
                self.is_closing.store(true, Ordering::SeqCst);
                let is_over: &'static AtomicBool = keep_for_ever(AtomicBool::new(false));
                self.help(move || {
                    let status = self.close();
                    self.expect("nobody waits for it", status != DCC_ERROR_WOULD_DEADLOCK);
                    self.note(status);
                    is_over.store(true, Ordering::SeqCst);
                });
                let token = Token::new();
                until("the close has begun", || {
                    let registered = token.try_register(Watch::new(), self.closed);
                    let is_open = registered.map(Registration::unregister).is_ok();
                    is_over.load(Ordering::SeqCst) || !is_open
                });
                token.release();
            }
            Act::Crosswise => self.act_crosswise(),
        }
        self.has_acted.store(true, Ordering::SeqCst);
    }

    /// Whichever thread is faster, both are inside a function when they begin to close.
    fn act_crosswise(&'static self) {
        self.is_closing.store(true, Ordering::SeqCst);
        let second = Owner::new();
        let (token, is_inside) = (Token::new(), keep_for_ever(AtomicBool::new(false)));
        let watch = Watch::doing(move |_| {
            is_inside.store(true, Ordering::SeqCst);
            self.note(self.close());
        });
        assert_eq!(token.register_unkept(watch, second), DCC_OK);
        self.help(move || {
            token.cancel();
            token.release();
        });
        until("the other is inside", || is_inside.load(Ordering::SeqCst));
        let status = second.close();
        match status {
            DCC_OK => self.expect("its callback is over", watch.counts() == (1, 1)),
            DCC_ERROR_WOULD_DEADLOCK => self.help(move || {
                until("the callback is over", || watch.counts() == (1, 1));
                until("it can be closed", || second.close() == DCC_OK);
            }),
            other => self.mistake(format!("the second close answered {other}")),
        }
    }

    /// Waits for the helper threads of the row.
    pub fn join(&self) {
        loop {
            let helper = self.helpers.lock().unwrap().pop();
            let Some(helper) = helper else { return };
            if helper.join().is_err() {
                self.mistake("a helper panicked".to_owned());
            }
        }
    }

    /// Ends the row once all user data is destroyed, and returns what went wrong.
    pub fn end(&self) -> Vec<String> {
        // Threads of the library may still be calling destroy-notifies.
        until("all is destroyed", || {
            self.units.lock().unwrap().iter().all(|unit| {
                !unit.is_accepted.load(Ordering::SeqCst)
                    || unit.destroyed.load(Ordering::SeqCst) != 0
            })
        });
        self.join();
        if !self.is_closed.load(Ordering::SeqCst) {
            let status = self.close();
            self.expect("a later close succeeds", status == DCC_OK);
        }
        let Bystander { token, watch, registration, dispatcher, log } = &self.bystander;
        token.cancel();
        self.expect("nobody calls the bystander", watch.counts() == (0, 1));
        self.expect("it was dropped", registration.unregister() == DCC_CALLBACK_DONE);
        token.release();
        dispatcher.pump();
        dispatcher.release();
        self.expect("its job never ran", (log.runs(), log.destroys()) == (0, 1));
        if !self.is_other_closed.load(Ordering::SeqCst) {
            self.close_other();
        }
        for unit in self.units.lock().unwrap().iter() {
            let accepted = u32::from(unit.is_accepted.load(Ordering::SeqCst));
            let destroyed = unit.destroyed.load(Ordering::SeqCst);
            if destroyed != accepted {
                self.mistake(format!("accepted {accepted}, destroyed {destroyed}"));
            }
        }
        self.mistakes.lock().unwrap().clone()
    }
}

impl Unit {
    /// A function of this object is called.
    fn called(&'static self, spot: Spot) {
        let world = self.world;
        if self.whose == Whose::Own && world.is_closed.load(Ordering::SeqCst) {
            world.mistake(format!("{spot:?} is called, and its owner was closed"));
        }
        if self.destroyed.load(Ordering::SeqCst) != 0 {
            world.mistake(format!("{spot:?} is called after its destroy-notify"));
        }
        if spot == world.row.spot
            && world.calls.fetch_add(1, Ordering::SeqCst) + 1 == world.row.call
        {
            world.act(self.whose);
        }
    }

    fn end(&'static self, spot: Spot) {
        self.called(spot);
        self.destroyed.fetch_add(1, Ordering::SeqCst);
    }

    fn accepted(&self, status: dcc_status) -> bool {
        self.is_accepted.store(status >= 0, Ordering::SeqCst);
        let is_true = status >= 0
            || [DCC_ERROR_SHUTDOWN, DCC_ERROR_INVALID_HANDLE].contains(&status)
                && [&self.world.is_tried, &self.world.is_closing, &self.world.is_other_closed]
                    .iter()
                    .any(|is_so| is_so.load(Ordering::SeqCst));
        if !is_true {
            self.world.mistake(format!("refused with {status}"));
        }
        status >= 0
    }

    fn user_data(&'static self) -> *mut c_void {
        std::ptr::from_ref(self).cast_mut().cast()
    }
}

/// # Safety
/// The user data of a unit.
unsafe fn unit(user_data: *mut c_void) -> &'static Unit {
    // SAFETY: promised by the caller; units live for ever.
    unsafe { &*user_data.cast::<Unit>() }
}

macro_rules! functions {
    ($($name:ident: $spot:ident;)+) => {
        // SAFETY of each: the library hands back the user data of the unit.
        $(unsafe extern "C" fn $name(user_data: *mut c_void) {
            // SAFETY: as above.
            unsafe { unit(user_data) }.end(Spot::$spot);
        })+
    };
}

functions! {
    callback_destroy: CallbackDestroy;
    keeping_destroy: KeepingDestroy;
    job_destroy: JobDestroy;
    host_destroy: HostDestroy;
    post_destroy: PostDestroy;
}

unsafe extern "C" fn callback(_token: *const dcc_cancel_token, user_data: *mut c_void) {
    // SAFETY: a unit.
    unsafe { unit(user_data) }.called(Spot::Callback);
}

unsafe extern "C" fn keeping_callback(_token: *const dcc_cancel_token, user_data: *mut c_void) {
    // SAFETY: a unit.
    unsafe { unit(user_data) }.called(Spot::KeepingCallback);
}

unsafe extern "C" fn asked(user_data: *mut c_void) -> i32 {
    // SAFETY: a unit.
    unsafe { unit(user_data) }.called(Spot::Asked);
    0
}

unsafe extern "C" fn wake(user_data: *mut c_void) {
    // SAFETY: a unit.
    unsafe { unit(user_data) }.called(Spot::Wake);
}

unsafe extern "C" fn veto(user_data: *mut c_void) -> i32 {
    // SAFETY: a unit.
    unsafe { unit(user_data) }.called(Spot::Veto);
    0
}

unsafe extern "C" fn progress(_: *const dcc_job, _: u64, _: u64, user_data: *mut c_void) {
    // SAFETY: a unit.
    unsafe { unit(user_data) }.called(Spot::Progress);
}

unsafe extern "C" fn execute(
    run: Option<unsafe extern "C" fn(argument: *mut c_void)>,
    argument: *mut c_void,
    user_data: *mut c_void,
) -> i32 {
    // SAFETY: a unit.
    let unit = unsafe { unit(user_data) };
    unit.called(Spot::Execute);
    let (run, argument) = (run.expect("there is one"), argument.addr());
    let call = move || {
        // SAFETY: what the library gave.
        unsafe { run(std::ptr::without_provenance_mut(argument)) }
    };
    if unit.world.row.way == super::Way::PoolAtOnce {
        call()
    } else {
        unit.world.help(call)
    }
    0
}

unsafe extern "C-unwind" fn run(job: *const dcc_job, user_data: *mut c_void) -> i32 {
    // SAFETY: a unit.
    let unit = unsafe { unit(user_data) };
    unit.called(Spot::Run);
    let world = unit.world;
    let slices = unit.slices.load(Ordering::SeqCst);
    // SAFETY: no message.
    unsafe { dcc_job_set_progress(job, 100 - u64::from(slices), 100, null(), 0) };
    // The job leaves this token current. It dies while the library restores what was current
    // before.
    let left = Token::new();
    world.register_detached(left, true);
    let mut ticket = 0;
    // SAFETY: a writable result.
    assert_eq!(unsafe { dcc_cancel_token_set_current(left.pointer(), &mut ticket) }, DCC_OK);
    left.release();
    if let Some(foreign) = world.foreign.get() {
        foreign.is_cancelled();
    }
    if let Some(what) = world.while_it_runs.get() {
        what(world, Job(job.addr()));
    }
    if slices == 0 {
        return 0;
    }
    unit.slices.store(slices - 1, Ordering::SeqCst);
    DCC_RUN_AGAIN
}

unsafe extern "C" fn completion(_job: *const dcc_job, _state: i32, user_data: *mut c_void) {
    // SAFETY: a unit.
    unsafe { unit(user_data) }.called(Spot::Completion);
}

impl World {
    /// Registers with a token; the caller unregisters. In the rows of keeping registrations the
    /// registration keeps the token.
    pub fn register(&'static self, token: Token) -> Option<Registration> {
        if ![Spot::KeepingCallback, Spot::KeepingDestroy].contains(&self.row.spot) {
            return self.register_detached(token, false);
        }
        let unit = self.unit(Thing::Registration, 0);
        let mut registration = null_mut();
        // SAFETY: functions that take a unit; a writable result.
        let status = unsafe {
            dcc_cancel_token_register_keeping(
                token.pointer(),
                Some(keeping_callback),
                unit.user_data(),
                Some(keeping_destroy),
                self.owner_of(unit).pointer(),
                &mut registration,
            )
        };
        unit.accepted(status).then(|| Registration(registration.addr()))
    }

    /// Registers with a token that the registration does not keep. The caller decides whether it
    /// unregisters.
    fn register_detached(&'static self, token: Token, unkept: bool) -> Option<Registration> {
        let unit = self.unit(Thing::Registration, 0);
        let mut registration = null_mut();
        // SAFETY: functions that take a unit; a writable result or NULL.
        let status = unsafe {
            dcc_cancel_token_register(
                token.pointer(),
                Some(callback),
                unit.user_data(),
                Some(callback_destroy),
                self.owner_of(unit).pointer(),
                if unkept { null_mut() } else { &mut registration },
            )
        };
        (unit.accepted(status) && !unkept).then(|| Registration(registration.addr()))
    }

    /// A foreign job.
    pub fn foreign_job(&'static self) -> Option<super::listening::Job> {
        let unit = self.unit(Thing::Job, 0);
        let mut job = null_mut();
        // SAFETY: zero is a value of the descriptor; functions that take a unit; a writable result.
        let status = unsafe {
            let mut desc: dcc_job_desc = std::mem::zeroed();
            desc.struct_size = size_of::<dcc_job_desc>() as u32;
            desc.flags = DCC_JOB_ASK_ON_ANY_THREAD;
            desc.parent = self.parent.pointer();
            desc.user_data = unit.user_data();
            desc.destroy = Some(job_destroy);
            desc.is_cancelled = Some(asked);
            desc.owner = self.owner_of(unit).pointer();
            dcc_job_create(&desc, &mut job)
        };
        let created = unit.accepted(status).then(|| super::listening::Job(job.addr()))?;
        let _ = self.foreign.set(created);
        Some(created)
    }

    /// The dispatcher of this thread.
    pub fn create_dispatcher(&'static self) -> Option<Dispatcher> {
        let unit = self.unit(Thing::Host, 0);
        let mut desc = dispatcher_desc();
        desc.user_data = unit.user_data();
        desc.progress_interval_ns = 1;
        desc.destroy = Some(host_destroy);
        desc.wake = Some(wake);
        desc.veto = Some(veto);
        desc.progress = Some(progress);
        let has_pool = self.row.spot == Spot::Execute || self.row.way == super::Way::PoolAtOnce;
        desc.execute = has_pool.then_some(execute as _);
        desc.owner = self.owner_of(unit).pointer();
        let mut dispatcher = null_mut();
        // SAFETY: a filled-in descriptor and a writable result.
        let status = unsafe { dcc_dispatcher_create(&desc, &mut dispatcher) };
        let created = unit.accepted(status).then(|| Dispatcher(dispatcher.addr()));
        if let Some(created) = created {
            let _ = self.dispatcher.set(created);
        }
        created
    }

    fn post_desc(&self, unit: &'static Unit, flags: u32, deadline_ns: u64) -> dcc_post_desc {
        // SAFETY: numbers, pointers and nullable functions, for which zero is a value.
        let mut desc: dcc_post_desc = unsafe { std::mem::zeroed() };
        desc.struct_size = size_of::<dcc_post_desc>() as u32;
        desc.flags = flags;
        desc.deadline_after_ns = deadline_ns;
        desc.parent = self.parent.pointer();
        desc.function = Some(run);
        desc.completion = Some(completion);
        desc.user_data = unit.user_data();
        desc.destroy = Some(post_destroy);
        desc.owner = self.owner_of(unit).pointer();
        desc
    }

    /// Posts a job that has this many slices after its first.
    pub fn post(&'static self, slices: u32, flags: u32, deadline_ns: u64) -> Option<Job> {
        let dispatcher = *self.dispatcher.get()?;
        let unit = self.unit(Thing::Posted, slices);
        let desc = self.post_desc(unit, flags, deadline_ns);
        let mut job = null_mut();
        // SAFETY: a filled-in descriptor and a writable result.
        let status =
            unsafe { dcc_dispatcher_post(dispatcher.pointer(), &desc, &mut job, null_mut()) };
        if !unit.accepted(status) {
            return None;
        }
        // The token dies with the job, in the call that lets go of the job.
        let token = Token(dcc_job_token(job).addr());
        if token.is_alive() {
            self.register_detached(token, true);
        }
        Some(Job(job.addr()))
    }

    /// Posts a job and waits for it.
    pub fn post_and_wait(&'static self, slices: u32, flags: u32, timeout_ns: u64) {
        let Some(dispatcher) = self.dispatcher.get() else { return };
        let unit = self.unit(Thing::Posted, slices);
        let desc = self.post_desc(unit, flags, 0);
        let state = AtomicI32::new(0);
        // SAFETY: a filled-in descriptor, no results but a writable one.
        let status = unsafe {
            let (job, state) = (null_mut(), state.as_ptr());
            dcc_dispatcher_post_and_wait(dispatcher.pointer(), &desc, timeout_ns, job, state)
        };
        let accepted = status >= 0;
        if status == DCC_ERROR_WOULD_DEADLOCK {
            self.expect("nothing was taken", unit.destroyed.load(Ordering::SeqCst) == 0);
        } else {
            unit.accepted(status);
        }
        unit.is_accepted.store(accepted, Ordering::SeqCst);
    }
}
