//! One object of each kind with something at stake, and all that can be counted of them.

use crate::c_header::{Function, Header};
use crate::c_layout::layout;
use crate::call::{Call, Library, ROOM, Role, Use, roles};
use std::cell::Cell;
use std::ffi::c_void;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

/// The id of the request in flight.
pub const REQUEST_ID: &str = "in flight";
/// The id of a cancel that is held for its request.
pub const EARLY_ID: &str = "early";
/// The caller id of the job that is queued in the dispatcher.
pub const WAITING_ID: &str = "waiting";

static CALLS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

fn note(which: usize) {
    CALLS[which].fetch_add(1, Ordering::Relaxed);
}

/// A callback of a cancel.
pub extern "C" fn cancelled(_token: *const c_void, _user_data: *mut c_void) {
    note(0);
}

/// A job's function.
pub extern "C" fn work(_job: *const c_void, _user_data: *mut c_void) -> i32 {
    note(1);
    0
}

/// A job's completion.
pub extern "C" fn complete(_job: *const c_void, _state: i32, _user_data: *mut c_void) {
    note(2);
}

/// A destroy-notify.
pub extern "C" fn destroy(_user_data: *mut c_void) {
    note(3);
}

fn scratch(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The path to which the function under test writes a timeline.
pub fn timeline_path() -> PathBuf {
    scratch("arguments_timeline.json")
}

/// The objects that calls are made with.
pub struct World<'a> {
    library: &'a Library,
    header: &'a Header,
    pub parent: u64,
    pub event: u64,
    pub job_id: u64,
    token: u64,
    registration: u64,
    owner: u64,
    context: u64,
    job: u64,
    share: u64,
    dispatcher: u64,
    waiting: u64,
    session: u64,
    request: u64,
    observer: u64,
    /// An observer that gets the same events as the first one.
    twin: u64,
    /// An observer of the events from now on.
    watcher: u64,
    parents: Box<[u64; 2]>,
    /// A handle that was released already.
    pub gone: Cell<u64>,
}

/// A structure of the header that is filled in.
struct Filled<'a>(&'a Header, &'static str, Vec<u64>);

impl<'a> Filled<'a> {
    fn new(header: &'a Header, name: &'static str) -> Self {
        let layout = layout(header, header.structure(name).unwrap());
        let mut filled = Self(header, name, vec![0; layout.size / 8]);
        if layout.fields[0].field.name == "struct_size" {
            filled.put(0, layout.size as u64);
        }
        filled
    }

    /// Writes a word at an offset.
    fn put(&mut self, offset: usize, word: u64) {
        self.2[offset / 8] |= word << (offset % 8 * 8);
    }

    fn with(mut self, field: &str, value: u64) -> Self {
        let layout = layout(self.0, self.0.structure(self.1).unwrap());
        self.put(layout.place(field).offset, value);
        self
    }

    fn with_text(self, field: &str, text: &'static str) -> Self {
        let length = format!("{field}_length");
        self.with(field, text.as_ptr() as u64).with(&length, text.len() as u64)
    }

    fn pointer(&self) -> u64 {
        self.2.as_ptr() as u64
    }

    /// The fields that are numbers, by name, without those that change with time alone.
    fn numbers(&self) -> Vec<(String, u64)> {
        let layout = layout(self.0, self.0.structure(self.1).unwrap());
        let steady = layout.fields.iter().filter(|place| !place.field.name.ends_with("_ns"));
        steady
            .map(|place| {
                let word = self.2[place.offset / 8] >> (place.offset % 8 * 8);
                let value = if place.size == 4 { word & u64::from(u32::MAX) } else { word };
                (format!("{}.{}", self.1, place.field.name), value)
            })
            .collect()
    }
}

impl<'a> World<'a> {
    pub fn new(library: &'a Library, header: &'a Header) -> Self {
        let call = |name: &str, arguments: &[u64]| {
            let status = library.call(name, arguments) as i32;
            assert!(status >= 0, "{name}: {status}, {}", library.last_error());
        };
        // Makes a call that writes a handle or a number to its last parameter.
        let made = |name: &str, arguments: &[u64]| {
            let mut out = 0_u64;
            let mut all = arguments.to_vec();
            all.push(&raw mut out as u64);
            call(name, &all);
            out
        };
        call("dcc_timeline_begin", &[1000]);
        let observer = made("dcc_events_create", &[1000]);
        let twin = made("dcc_events_create", &[1000]);
        let parent = made("dcc_cancel_token_create", &[]);
        // A token that parents may join.
        let token = made("dcc_cancel_token_create_all", &[0, 0]);
        let owner = made("dcc_owner_create", &[]);
        let function = cancelled as *const () as u64;
        let notify = destroy as *const () as u64;
        let registration = made("dcc_cancel_token_register", &[token, function, 0, notify, owner]);
        let ticket = made("dcc_cancel_token_set_current", &[token]);
        let context = made("dcc_context_capture", &[]);
        call("dcc_cancel_token_reset_current", &[ticket]);
        let desc = Filled::new(header, "dcc_job_desc").with("destroy", notify);
        let job = made("dcc_job_create", &[desc.pointer()]);
        call("dcc_job_begin", &[job]);
        let ticket = made("dcc_job_set_current", &[job]);
        let desc = Filled::new(header, "dcc_progress_desc").with("total", 9);
        let share = made("dcc_progress_begin", &[desc.pointer()]);
        call("dcc_job_reset_current", &[ticket]);
        call("dcc_job_set_progress", &[job, 2, 7, 0, 0]);
        let job_id = library.call("dcc_job_id", &[job]);
        let desc = Filled::new(header, "dcc_dispatcher_desc").with("destroy", notify);
        let dispatcher = made("dcc_dispatcher_create", &[desc.pointer()]);
        let post = Filled::new(header, "dcc_post_desc")
            .with_text("caller_id", WAITING_ID)
            .with("function", work as *const () as u64)
            .with("completion", complete as *const () as u64)
            .with("destroy", notify);
        let mut waiting = 0_u64;
        let to = &raw mut waiting as u64;
        call("dcc_dispatcher_post", &[dispatcher, post.pointer(), to, 0]);
        // A session of HTTP, because that holds early cancels.
        let desc = Filled::new(header, "dcc_session_desc").with("kind", 1);
        let session = made("dcc_session_create", &[desc.pointer()]);
        let id =
            |text| Filled::new(header, "dcc_request_id").with("type", 2).with_text("text", text);
        call("dcc_session_cancel", &[session, id(EARLY_ID).pointer(), 0, 0]);
        let mut desc = Filled::new(header, "dcc_request_desc");
        for (field, id) in [("id", id(REQUEST_ID)), ("progress_token", id(REQUEST_ID))] {
            let at =
                layout(header, header.structure("dcc_request_desc").unwrap()).place(field).offset;
            for (word, value) in id.2.iter().enumerate() {
                desc.put(at + word * 8, *value);
            }
        }
        let request = made("dcc_request_begin", &[session, desc.pointer()]);
        let progress = Filled::new(header, "dcc_request_progress")
            .with("progress", 1_f64.to_bits())
            .with("total", 9_f64.to_bits());
        call("dcc_request_set_progress", &[request, progress.pointer()]);
        let event = made("dcc_cancel_token_native_event", &[token]);
        let watcher = made("dcc_events_create", &[65_536]);
        let parents = Box::new([parent, 0]);
        Self {
            library,
            header,
            parent,
            event,
            job_id,
            token,
            registration,
            owner,
            context,
            job,
            share,
            dispatcher,
            waiting,
            session,
            request,
            observer,
            twin,
            watcher,
            parents,
            gone: Cell::new(0),
        }
    }

    /// An array of two parents, one of them NULL.
    pub fn parents(&self) -> u64 {
        self.parents.as_ptr() as u64
    }

    /// The object that a function is called with.
    pub fn handle(&self, function: &str, base: &str) -> u64 {
        match base {
            "dcc_cancel_token" => self.token,
            "dcc_job" => self.job,
            "dcc_progress" => self.share,
            "dcc_context" => self.context,
            "dcc_owner" => self.owner,
            "dcc_dispatcher" => self.dispatcher,
            "dcc_session" => self.session,
            "dcc_request" => self.request,
            "dcc_events" => self.observer,
            "dcc_registration" => self.registration,
            _ => panic!("{function} takes a {base}, of which this world has none"),
        }
    }

    fn answer(&self, name: &str, arguments: &[u64]) -> u64 {
        u64::from(self.library.call(name, arguments) as u32)
    }

    fn filled(&self, name: &str, structure: &'static str, of: &[u64]) -> Vec<(String, u64)> {
        let out = Filled::new(self.header, structure);
        let mut arguments = of.to_vec();
        arguments.push(out.pointer());
        assert_eq!(self.library.call(name, &arguments) as i32, 0, "{name}");
        out.numbers()
    }

    /// Reads a text by giving the function a buffer that is just too small, so that the call does
    /// not consume the text.
    fn text(&self, name: &str, of: &[u64]) -> String {
        let mut length = 0_u64;
        let to = &raw mut length as u64;
        let status = self.library.call(name, &[of, &[0, 0, to]].concat()) as i32;
        let mut room = vec![0_u8; length as usize + 1];
        let room_length = length.max(1);
        let pointer = room.as_mut_ptr() as u64;
        self.library.call(name, &[of, &[pointer, room_length, to]].concat());
        room.truncate(room_length as usize - 1);
        format!("{status} {length} {}", String::from_utf8(room).unwrap())
    }

    /// All counts of the process. For functions of the timeline, the recording as well.
    pub fn snapshot(&self, function: &str) -> Vec<(String, String)> {
        let mut numbers = self.filled("dcc_stats_read", "dcc_stats", &[]);
        let of = |handle| [handle];
        let info = "dcc_dispatcher_stats";
        numbers.extend(self.filled("dcc_dispatcher_read_stats", info, &of(self.dispatcher)));
        numbers.extend(self.filled(
            "dcc_session_read_stats",
            "dcc_session_stats",
            &of(self.session),
        ));
        numbers.extend(self.filled("dcc_job_read_progress", "dcc_job_progress", &of(self.job)));
        let request_token = self.library.call("dcc_request_token", &[self.request]);
        for (name, arguments) in [
            ("dcc_job_is_cancelled", &[self.job][..]),
            ("dcc_job_is_sealed", &[self.job]),
            ("dcc_cancel_token_is_cancelled", &[self.token]),
            ("dcc_cancel_token_is_cancelled", &[self.parent]),
            ("dcc_cancel_token_is_cancelled", &[request_token]),
        ] {
            numbers.push((format!("{name} of {arguments:x?}"), self.answer(name, arguments)));
        }
        for job in [self.job, self.waiting] {
            let mut state = 0_u64;
            self.library.call("dcc_job_state", &[job, &raw mut state as u64]);
            numbers.push((format!("state of {job:#x}"), state));
        }
        for current in ["dcc_cancel_token_current", "dcc_job_current", "dcc_progress_current"] {
            numbers.push((current.to_owned(), self.library.call(current, &[])));
        }
        let mut deadline = 0_u64;
        self.library.call("dcc_cancel_token_deadline", &[self.token, &raw mut deadline as u64]);
        numbers.push(("deadline".to_owned(), deadline));
        numbers.push(("events".to_owned(), self.events(self.watcher)));
        for (name, calls) in ["callbacks", "runs", "completions", "destroys"].iter().zip(&CALLS) {
            numbers.push(((*name).to_owned(), calls.load(Ordering::Relaxed)));
        }
        for folder in ["/proc/self/fd", "/proc/self/task"] {
            let count = std::fs::read_dir(folder).unwrap().count() as u64;
            numbers.push((folder.to_owned(), count));
        }
        let mut all: Vec<_> =
            numbers.into_iter().map(|(name, number)| (name, number.to_string())).collect();
        let mut text = |name: &str, of: &[u64]| all.push((name.to_owned(), self.text(name, of)));
        text("dcc_job_failure", &[self.job]);
        text("dcc_job_progress_message", &[self.job]);
        text("dcc_control_address", &[]);
        text("dcc_request_write_progress", &[self.request, 1]);
        if function.starts_with("dcc_timeline") {
            let path = scratch("arguments_snapshot.json");
            let text = path.to_str().unwrap();
            let arguments = [text.as_ptr() as u64, text.len() as u64];
            assert_eq!(self.library.call("dcc_timeline_write", &arguments) as i32, 0);
            all.push(("timeline".to_owned(), std::fs::read_to_string(path).unwrap()));
        }
        all
    }

    /// Drains an observer and returns the number of its events.
    fn events(&self, observer: u64) -> u64 {
        let event = layout(self.header, self.header.structure("dcc_event").unwrap());
        let mut room = vec![0_u64; event.size / 8 * 1000];
        let mut count = 0_u64;
        let to = &raw mut count as u64;
        let (events, stride) = (room.as_mut_ptr() as u64, event.size as u64);
        let status = self.library.call("dcc_events_drain", &[observer, events, stride, 1000, to]);
        assert_eq!(status as i32, 0);
        count
    }

    /// Checks that the good call drained the events that were there before the refused calls.
    pub fn assert_drained(&self, good: &Call) {
        let count = good.arguments.last().unwrap().memory.as_ref().unwrap().1[0];
        assert!(count > 0, "nothing to be lost");
        assert_eq!(count, self.events(self.twin).min(ROOM), "refusals have taken events");
    }

    /// A handle that is neither a token's nor a job's.
    pub fn session(&self) -> u64 {
        self.session
    }

    /// Releases the objects that the good call created, and then all others.
    pub fn end(self, good: &Call, function: &Function) {
        for (argument, role) in good.arguments.iter().zip(roles(self.header, function)) {
            let Some((Use::Handle | Use::Value, memory)) = &argument.memory else { continue };
            match (&role, argument.field.name.as_str()) {
                (Role::HandleOut(base), _) if memory[0] != 0 => self.release(base, memory[0]),
                (_, "out_ticket") => self.done("dcc_context_unwind", &[memory[0]]),
                (_, "out_native_event") => self.done("dcc_native_event_close", &[memory[0]]),
                _ => (),
            }
        }
        if function.name != "dcc_native_event_close" {
            self.done("dcc_native_event_close", &[self.event]);
        }
        self.done("dcc_control_close", &[]);
        self.done("dcc_registration_unregister", &[self.registration]);
        self.done("dcc_request_end", &[self.request, 0]);
        self.release("dcc_request", self.request);
        self.done("dcc_session_close", &[self.session]);
        self.release("dcc_session", self.session);
        self.release("dcc_progress", self.share);
        self.release("dcc_job", self.job);
        self.release("dcc_job", self.waiting);
        self.done("dcc_dispatcher_close", &[self.dispatcher]);
        self.release("dcc_dispatcher", self.dispatcher);
        self.release("dcc_context", self.context);
        self.release("dcc_cancel_token", self.token);
        self.release("dcc_cancel_token", self.parent);
        self.release("dcc_owner", self.owner);
        self.release("dcc_events", self.observer);
        self.release("dcc_events", self.twin);
        self.release("dcc_events", self.watcher);
        self.done("dcc_timeline_end", &[]);
        assert_nothing_is_left(self.library, self.header, &function.name);
    }

    fn release(&self, base: &str, handle: u64) {
        let name = match base {
            "dcc_owner" => "dcc_owner_close".to_owned(),
            "dcc_registration" => "dcc_registration_unregister".to_owned(),
            base => format!("{base}_release"),
        };
        self.done(&name, &[handle]);
    }

    fn done(&self, name: &str, arguments: &[u64]) {
        if arguments.first().is_some_and(|handle| *handle != 0 && *handle == self.gone.get()) {
            return;
        }
        let status = self.library.call(name, arguments) as i32;
        assert!(status >= 0, "{name}: {status}, {}", self.library.last_error());
    }
}

/// How often the test looks, every hundredth of a second, whether all objects are gone. The
/// library's callback thread releases the last ones when it comes to them.
const LOOKS: usize = 6000;

/// Waits until no object is alive any more. A reference that no caller got would show here.
fn assert_nothing_is_left(library: &Library, header: &Header, about: &str) {
    let mut left = Vec::new();
    for _ in 0..LOOKS {
        let out = Filled::new(header, "dcc_stats");
        assert_eq!(library.call("dcc_stats_read", &[out.pointer()]) as i32, 0);
        left = out.numbers();
        let alive = [".live_", ".unfinished", ".armed"];
        left.retain(|(name, count)| *count != 0 && alive.iter().any(|part| name.contains(part)));
        if left.is_empty() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("{about} has left {left:?}");
}
