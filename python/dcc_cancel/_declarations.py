"""The declarations of dcc_cancel.h that this package uses. A test compares them with the header."""

from __future__ import annotations

from ctypes import (
    CFUNCTYPE,
    POINTER,
    Structure,
    c_char,
    c_char_p,
    c_double,
    c_int32,
    c_int64,
    c_size_t,
    c_ssize_t,
    c_uint32,
    c_uint64,
    c_void_p,
)
from typing import Any, Dict, List, Tuple

DCC_JOB_PENDING = 1
DCC_JOB_RUNNING = 2
DCC_JOB_COMPLETED = 3
DCC_JOB_FAILED = 4
DCC_JOB_CANCELLED = 5
DCC_JOB_INTERRUPTED = 6
DCC_NO_LIMIT = 0xFFFFFFFFFFFFFFFF
DCC_EVENT_OVERFLOW = 1
DCC_EVENT_TOKEN_CANCELLED = 2
DCC_EVENT_JOB_STATE = 3
DCC_EVENT_CANCEL_SEEN = 4
DCC_EVENT_SLOW_CANCEL = 5
DCC_EVENT_REQUEST_CANCELLED = 6
DCC_EVENT_CHECK_NOT_ASKED = 7
DCC_EVENT_SEALED = 8
DCC_EVENT_TEXT_SIZE = 128
DCC_EVENT_REASON_SIZE = 4104
DCC_TRACE_PARENT_SIZE = 56
DCC_MAX_EVENTS = 65536
DCC_CAUSE_REQUEST = 1
DCC_CAUSE_FOREIGN = 2
DCC_CAUSE_DEADLINE = 3
DCC_FILE_SIZE = 256
DCC_LATENCY_CANCEL_TO_SEEN = 1
DCC_LATENCY_CANCEL_TO_END = 2
DCC_MAX_TIMELINE_ENTRIES = 1048576
DCC_DISPATCHER_BIND_LATER = 1
DCC_LANE_INTERACTIVE = 1
DCC_LANE_NORMAL = 2
DCC_LANE_BACKGROUND = 3
DCC_POST_ANY_THREAD = 1
DCC_POST_UNWINDS = 2
DCC_POST_BELOW_CURRENT = 4
DCC_JOB_BELOW_CURRENT = 2
DCC_TOKEN_BELOW_CURRENT = 1
DCC_RUN_AGAIN = 100
DCC_RUN_WHEN_WOKEN = 101
DCC_RUN_AWAY = 102
DCC_REPLIES_SILENT = 0
DCC_REPLIES_CANCELLED = 1
DCC_REPLIES_AS_ASKED = 2
DCC_SESSION_STDIO = 0
DCC_SESSION_HTTP = 1
DCC_SESSION_TASKS = 2
DCC_EARLY_BY_KIND = 0
DCC_EARLY_HELD = 1
DCC_EARLY_IGNORED = 2
DCC_SESSION_IDS_ARE_TEXTS = 1
DCC_REQUEST_UNKNOWN = 0
DCC_REQUEST_LIVE = 1
DCC_REQUEST_CANCELLED = 2
DCC_REQUEST_HELD = 3
DCC_REQUEST_ENDED = 4
DCC_REQUEST_ENDED_CANCELLED = 5
DCC_MESSAGE_CANCELLED = 1
DCC_MESSAGE_WITHOUT_EFFECT = 2
DCC_MESSAGE_HELD = 3
DCC_MESSAGE_UNKNOWN = 4
DCC_MESSAGE_OTHER = 5
DCC_MESSAGE_MALFORMED = 6
DCC_ID_INTEGER = 1
DCC_ID_TEXT = 2
DCC_REQUEST_NOT_CANCELLABLE = 1
DCC_REQUEST_ID_SIZE = 264
DCC_MAX_CALLER_ID_LENGTH = 128
DCC_MAX_TEXT_LENGTH = 4096
DCC_MAX_REQUEST_ID_LENGTH = 256
DCC_MAX_CAPACITY = 131072
DCC_MAX_SESSION_QUOTA = 65536
DCC_OWED_RESULT = 1
DCC_OWED_NOTHING = 2
DCC_OWED_CANCELLED = 3
DCC_PROGRESS_NOW = 1
ABI_MAJOR = 2
DCC_OK = 0
DCC_CANCELLED_BY_TOKEN = 1
DCC_CANCELLED_BY_JOB = 2
DCC_ALREADY_CANCELLED = 4
DCC_NOT_CANCELLED = 5
DCC_NOT_FOUND = 7
DCC_TIMED_OUT = 9
DCC_NEVER = 10
DCC_STARTED = 14
DCC_WEDGED = 15
DCC_HELD = 16
DCC_NOT_CANCELLABLE = 17
DCC_SEALED = 19
DCC_ERROR_INVALID_HANDLE = -1
DCC_ERROR_INVALID_ARGUMENT = -2
DCC_ERROR_RESOURCES = -3
DCC_ERROR_INTERNAL = -5
DCC_ERROR_WRONG_THREAD = -8
DCC_ERROR_WRONG_STATE = -10
DCC_ERROR_WOULD_DEADLOCK = -11
DCC_ERROR_SHUTDOWN = -12
DCC_ERROR_FORKED = -13
DCC_ERROR_OVERLOADED = -14
DCC_ERROR_DUPLICATE = -15
DCC_ERROR_REENTRANT = -16

CancelFn: Any = CFUNCTYPE(None, c_void_p, c_void_p)
DestroyFn: Any = CFUNCTYPE(None, c_void_p)
IsCancelledFn: Any = CFUNCTYPE(c_int32, c_void_p)
WakeFn: Any = CFUNCTYPE(None, c_void_p)
VetoFn: Any = CFUNCTYPE(c_int32, c_void_p)
ProgressFn: Any = CFUNCTYPE(None, c_void_p, c_uint64, c_uint64, c_void_p)
ExecuteFn: Any = CFUNCTYPE(c_int32, c_void_p, c_void_p, c_void_p)
JobFn: Any = CFUNCTYPE(c_int32, c_void_p, c_void_p)
CompletionFn: Any = CFUNCTYPE(None, c_void_p, c_int32, c_void_p)


class CancelTokenDesc(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("parents", POINTER(c_void_p)),
        ("parent_count", c_size_t),
        ("caller_id", c_char_p),
        ("caller_id_length", c_size_t),
    ]


class JobDesc(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("label", c_char_p),
        ("label_length", c_size_t),
        ("caller_id", c_char_p),
        ("caller_id_length", c_size_t),
        ("parent", c_void_p),
        ("user_data", c_void_p),
        ("destroy", DestroyFn),
        ("is_cancelled", IsCancelledFn),
        ("min_interval_ns", c_uint64),
        ("owner", c_void_p),
    ]


class JobProgress(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("done", c_uint64),
        ("total", c_uint64),
        ("fraction", c_double),
        ("time_left_ns", c_uint64),
        ("over", c_uint64),
        ("late", c_uint64),
    ]


class PollLayer(Structure):
    _fields_ = [
        ("word", POINTER(c_uint64)),
        ("expected", c_uint64),
    ]


class PollPair(Structure):
    _fields_ = [
        ("token", PollLayer),
        ("job", PollLayer),
    ]


class ProgressDesc(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("parent", c_void_p),
        ("weight", c_uint64),
        ("total", c_uint64),
        ("label", c_char_p),
        ("label_length", c_size_t),
    ]


class ProgressCounter(Structure):
    _fields_ = [
        ("progress", c_void_p),
        ("pending", c_uint64),
        ("epoch", PollLayer),
        ("poll", PollPair),
    ]


class DispatcherDesc(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("capacity", c_uint32),
        ("reserved", c_uint32),
        ("default_deadline_after_ns", c_uint64),
        ("wedge_threshold_ns", c_uint64),
        ("progress_interval_ns", c_uint64),
        ("user_data", c_void_p),
        ("destroy", DestroyFn),
        ("wake", WakeFn),
        ("veto", VetoFn),
        ("progress", ProgressFn),
        ("execute", ExecuteFn),
        ("owner", c_void_p),
    ]


class PostDesc(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("label", c_char_p),
        ("label_length", c_size_t),
        ("caller_id", c_char_p),
        ("caller_id_length", c_size_t),
        ("parent", c_void_p),
        ("function", JobFn),
        ("completion", CompletionFn),
        ("user_data", c_void_p),
        ("destroy", DestroyFn),
        ("owner", c_void_p),
        ("deadline_after_ns", c_uint64),
        ("lane", c_int32),
        ("reserved", c_uint32),
    ]


class Admission(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("depth", c_uint32),
        ("capacity", c_uint32),
        ("reserved", c_uint32),
        ("retry_after_ns", c_uint64),
    ]


class Tick(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("is_vetoed", c_int32),
        ("executed", c_uint64),
        ("completed", c_uint64),
        ("cancelled", c_uint64),
        ("remaining", c_uint64),
        ("elapsed_ns", c_uint64),
        ("overrun_ns", c_uint64),
        ("next_after_ns", c_uint64),
    ]


class DispatcherStats(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("is_closed", c_int32),
        ("depth", c_uint32),
        ("capacity", c_uint32),
        ("between_slices", c_uint32),
        ("running", c_uint32),
        ("awaiting_completion", c_uint32),
        ("is_wedged", c_int32),
        ("posted", c_uint64),
        ("executed", c_uint64),
        ("completed", c_uint64),
        ("failed", c_uint64),
        ("cancelled", c_uint64),
        ("interrupted", c_uint64),
        ("rejected", c_uint64),
        ("completions_dropped", c_uint64),
        ("oldest_wait_ns", c_uint64),
        ("wait_p50_ns", c_uint64),
        ("wait_p95_ns", c_uint64),
        ("wait_p99_ns", c_uint64),
        ("wait_max_ns", c_uint64),
        ("run_p50_ns", c_uint64),
        ("run_p95_ns", c_uint64),
        ("run_p99_ns", c_uint64),
        ("run_max_ns", c_uint64),
        ("longest_job_id", c_uint64),
        ("ticks", c_uint64),
        ("overruns", c_uint64),
        ("longest_tick_ns", c_uint64),
        ("present_job_id", c_uint64),
        ("present_for_ns", c_uint64),
        ("since_last_tick_ns", c_uint64),
    ]


class Event(Structure):
    _fields_ = [
        ("kind", c_uint32),
        ("state", c_int32),
        ("at_ns", c_uint64),
        ("job_id", c_uint64),
        ("token", c_uint64),
        ("thread", c_uint64),
        ("since_cancel_ns", c_uint64),
        ("count", c_uint64),
        ("cause", c_int32),
        ("reserved", c_uint32),
        ("text", c_char * DCC_EVENT_TEXT_SIZE),
    ]


class EventDetails(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("id_type", c_int32),
        ("id_integer", c_int64),
        ("id_text_length", c_uint32),
        ("reason_length", c_uint32),
        ("event", Event),
        ("id_text", c_char * DCC_REQUEST_ID_SIZE),
        ("reason", c_char * DCC_EVENT_REASON_SIZE),
        ("trace_parent", c_char * DCC_TRACE_PARENT_SIZE),
    ]


class PollGap(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("from_line", c_uint32),
        ("to_line", c_uint32),
        ("reserved", c_uint32),
        ("gap_ns", c_uint64),
        ("thread", c_uint64),
        ("polls", c_uint64),
        ("from_file", c_char * DCC_FILE_SIZE),
        ("to_file", c_char * DCC_FILE_SIZE),
    ]


class JobThread(Structure):
    _fields_ = [
        ("thread", c_uint64),
        ("cancel_to_seen_ns", c_uint64),
        ("polls", c_uint64),
        ("last_poll_at_ns", c_uint64),
        ("longest_gap_ns", c_uint64),
    ]


class Stats(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("live_tokens", c_uint64),
        ("live_jobs", c_uint64),
        ("live_contexts", c_uint64),
        ("jobs_completed", c_uint64),
        ("jobs_failed", c_uint64),
        ("jobs_cancelled", c_uint64),
        ("jobs_interrupted", c_uint64),
        ("context_leaks", c_uint64),
        ("live_registrations", c_uint64),
        ("live_owners", c_uint64),
        ("armed_deadlines", c_uint64),
        ("live_dispatchers", c_uint64),
        ("unfinished_posts", c_uint64),
        ("live_sessions", c_uint64),
        ("live_requests", c_uint64),
        ("checks_not_asked", c_uint64),
        ("polls_without_job", c_uint64),
        ("live_shares", c_uint64),
    ]


class Latency(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("count", c_uint64),
        ("p50_ns", c_uint64),
        ("p95_ns", c_uint64),
        ("p99_ns", c_uint64),
        ("max_ns", c_uint64),
    ]


class SessionDesc(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("kind", c_int32),
        ("replies", c_int32),
        ("early", c_int32),
        ("max_requests", c_uint32),
        ("max_kept", c_uint32),
        ("reserved", c_uint32),
        ("early_ttl_ns", c_uint64),
        ("progress_interval_ns", c_uint64),
        ("progress_heartbeat_ns", c_uint64),
    ]


class RequestId(Structure):
    _fields_ = [
        ("type", c_int32),
        ("reserved", c_uint32),
        ("integer", c_int64),
        ("text", c_char_p),
        ("text_length", c_size_t),
    ]


class MessageInfo(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("message", c_int32),
        ("id_type", c_int32),
        ("id_text_length", c_uint32),
        ("id_integer", c_int64),
        ("id_text", c_char * DCC_REQUEST_ID_SIZE),
    ]


class SessionStats(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("is_closed", c_int32),
        ("live", c_uint32),
        ("kept", c_uint32),
        ("begun", c_uint64),
        ("cancelled", c_uint64),
        ("early", c_uint64),
        ("unknown", c_uint64),
        ("without_effect", c_uint64),
        ("malformed", c_uint64),
        ("others", c_uint64),
        ("forgotten", c_uint64),
    ]


class RequestDesc(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("id", RequestId),
        ("parent", c_void_p),
        ("progress_token", RequestId),
        ("meta", c_char_p),
        ("meta_length", c_size_t),
    ]


class RequestProgress(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("reserved", c_uint32),
        ("progress", c_double),
        ("total", c_double),
        ("message", c_char_p),
        ("message_length", c_size_t),
    ]


class ControlDesc(Structure):
    _fields_ = [
        ("struct_size", c_uint32),
        ("flags", c_uint32),
        ("name", c_char_p),
        ("name_length", c_size_t),
    ]


# For each function the type of its result and the types of its arguments.
FUNCTIONS: Dict[str, Tuple[Any, List[Any]]] = {
    "dcc_cancel_token_create_from": (c_int32, [POINTER(CancelTokenDesc), POINTER(c_void_p)]),
    "dcc_cancel_token_create_all": (c_int32, [POINTER(c_void_p), c_size_t, POINTER(c_void_p)]),
    "dcc_cancel_token_join": (c_int32, [c_void_p, c_void_p]),
    "dcc_cancel_token_retain": (c_int32, [c_void_p]),
    "dcc_cancel_token_release": (c_int32, [c_void_p]),
    "dcc_cancel_token_cancel": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "dcc_cancel_token_is_cancelled": (c_int32, [c_void_p]),
    "dcc_cancel_token_reason": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_cancel_token_cause": (c_int32, [c_void_p, POINTER(c_int32)]),
    "dcc_cancel_token_time_since_cancelled": (c_int32, [c_void_p, POINTER(c_uint64)]),
    "dcc_cancel_token_deadline": (c_int32, [c_void_p, POINTER(c_uint64)]),
    "dcc_cancel_token_trace_parent": (
        c_int32,
        [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)],
    ),
    "dcc_cancel_token_caller_id": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_owner_create": (c_int32, [POINTER(c_void_p)]),
    "dcc_owner_close": (c_int32, [c_void_p]),
    "dcc_cancel_token_register": (
        c_int32,
        [c_void_p, CancelFn, c_void_p, DestroyFn, c_void_p, POINTER(c_void_p)],
    ),
    "dcc_cancel_token_register_keeping": (
        c_int32,
        [c_void_p, CancelFn, c_void_p, DestroyFn, c_void_p, POINTER(c_void_p)],
    ),
    "dcc_registration_unregister": (c_int32, [c_void_p]),
    "dcc_registration_unregister_no_wait": (c_int32, [c_void_p]),
    "dcc_cancel_token_set_deadline_after": (c_int32, [c_void_p, c_uint64]),
    "dcc_cancel_token_clear_deadline": (c_int32, [c_void_p]),
    "dcc_cancel_token_wait_any": (
        c_int32,
        [POINTER(c_void_p), c_size_t, c_uint64, POINTER(c_size_t)],
    ),
    "dcc_job_create": (c_int32, [POINTER(JobDesc), POINTER(c_void_p)]),
    "dcc_job_retain": (c_int32, [c_void_p]),
    "dcc_job_release": (c_int32, [c_void_p]),
    "dcc_job_id": (c_uint64, [c_void_p]),
    "dcc_job_find": (c_int32, [c_uint64, POINTER(c_void_p)]),
    "dcc_job_token": (c_void_p, [c_void_p]),
    "dcc_job_cancel": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "dcc_job_is_cancelled": (c_int32, [c_void_p]),
    "dcc_job_state": (c_int32, [c_void_p, POINTER(c_int32)]),
    "dcc_job_begin": (c_int32, [c_void_p]),
    "dcc_job_complete": (c_int32, [c_void_p]),
    "dcc_job_fail": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "dcc_job_acknowledge_cancel": (c_int32, [c_void_p]),
    "dcc_job_end_by_error": (c_int32, [c_void_p, c_int32, c_char_p, c_size_t]),
    "dcc_job_interrupt": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "dcc_job_seal": (c_int32, [c_void_p]),
    "dcc_job_is_sealed": (c_int32, [c_void_p]),
    "dcc_job_set_progress_at": (
        c_int32,
        [c_void_p, c_uint64, c_uint64, c_char_p, c_size_t, c_char_p, c_uint32],
    ),
    "dcc_job_read_progress": (c_int32, [c_void_p, POINTER(JobProgress)]),
    "dcc_job_progress_message": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_job_label": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_job_caller_id": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_job_failure": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_job_wait": (c_int32, [c_void_p, c_uint64]),
    "dcc_job_native_event": (c_int32, [c_void_p, POINTER(c_ssize_t)]),
    "dcc_native_event_close": (c_int32, [c_ssize_t]),
    "dcc_cancel_token_set_current": (c_int32, [c_void_p, POINTER(c_uint64)]),
    "dcc_job_set_current": (c_int32, [c_void_p, POINTER(c_uint64)]),
    "dcc_poll_read_token": (c_int32, [c_void_p, POINTER(PollLayer)]),
    "dcc_progress_begin": (c_int32, [POINTER(ProgressDesc), POINTER(c_void_p)]),
    "dcc_progress_release": (c_int32, [c_void_p]),
    "dcc_progress_end": (c_int32, [c_void_p]),
    "dcc_progress_set_current": (c_int32, [c_void_p, POINTER(c_uint64)]),
    "dcc_progress_add_at": (c_int32, [c_void_p, c_uint64, c_char_p, c_uint32]),
    "dcc_progress_set_total": (c_int32, [c_void_p, c_uint64]),
    "dcc_progress_set_message": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "dcc_progress_read_counter": (c_int32, [c_void_p, POINTER(ProgressCounter)]),
    "dcc_cancel_token_check_current": (c_int32, []),
    "dcc_check_cancelled": (c_int32, []),
    "dcc_cancel_token_current": (c_void_p, []),
    "dcc_job_current": (c_void_p, []),
    "dcc_context_capture": (c_int32, [POINTER(c_void_p)]),
    "dcc_context_release": (c_int32, [c_void_p]),
    "dcc_context_enter": (c_int32, [c_void_p, POINTER(c_uint64)]),
    "dcc_context_unwind": (c_int32, [c_uint64]),
    "dcc_dispatcher_create": (c_int32, [POINTER(DispatcherDesc), POINTER(c_void_p)]),
    "dcc_dispatcher_release": (c_int32, [c_void_p]),
    "dcc_dispatcher_close": (c_int32, [c_void_p]),
    "dcc_dispatcher_find": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_void_p)]),
    "dcc_dispatcher_post": (
        c_int32,
        [c_void_p, POINTER(PostDesc), POINTER(c_void_p), POINTER(Admission)],
    ),
    "dcc_dispatcher_post_and_wait": (
        c_int32,
        [c_void_p, POINTER(PostDesc), c_uint64, POINTER(c_void_p), POINTER(c_int32)],
    ),
    "dcc_slice_is_over": (c_int32, []),
    "dcc_job_wake": (c_int32, [c_void_p]),
    "dcc_dispatcher_pump": (c_int32, [c_void_p, c_uint64, c_uint64, POINTER(Tick)]),
    "dcc_dispatcher_longest_label": (
        c_int32,
        [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)],
    ),
    "dcc_dispatcher_read_stats": (c_int32, [c_void_p, POINTER(DispatcherStats)]),
    "dcc_session_create": (c_int32, [POINTER(SessionDesc), POINTER(c_void_p)]),
    "dcc_session_release": (c_int32, [c_void_p]),
    "dcc_session_close": (c_int32, [c_void_p]),
    "dcc_session_cancel": (c_int32, [c_void_p, POINTER(RequestId), c_char_p, c_size_t]),
    "dcc_session_query": (c_int32, [c_void_p, POINTER(RequestId), POINTER(c_int32)]),
    "dcc_session_reason": (
        c_int32,
        [c_void_p, POINTER(RequestId), c_char_p, c_size_t, POINTER(c_size_t)],
    ),
    "dcc_session_clear": (c_int32, [c_void_p, POINTER(RequestId)]),
    "dcc_session_sweep": (c_int32, [c_void_p, c_uint64, POINTER(c_uint64)]),
    "dcc_session_handle_message": (
        c_int32,
        [c_void_p, c_char_p, c_size_t, POINTER(MessageInfo)],
    ),
    "dcc_session_read_stats": (c_int32, [c_void_p, POINTER(SessionStats)]),
    "dcc_request_begin": (c_int32, [c_void_p, POINTER(RequestDesc), POINTER(c_void_p)]),
    "dcc_request_release": (c_int32, [c_void_p]),
    "dcc_request_token": (c_void_p, [c_void_p]),
    "dcc_request_cancel": (c_int32, [c_void_p, c_char_p, c_size_t]),
    "dcc_request_seal": (c_int32, [c_void_p]),
    "dcc_request_end": (c_int32, [c_void_p, POINTER(c_int32)]),
    "dcc_request_write_cancelled": (c_int32, [c_void_p, c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_request_set_progress": (c_int32, [c_void_p, POINTER(RequestProgress)]),
    "dcc_request_set_progress_of_job": (c_int32, [c_void_p, c_void_p]),
    "dcc_request_write_progress": (
        c_int32,
        [c_void_p, c_uint32, c_char_p, c_size_t, POINTER(c_size_t)],
    ),
    "dcc_events_create": (c_int32, [c_size_t, POINTER(c_void_p)]),
    "dcc_events_next": (c_int32, [c_void_p, POINTER(EventDetails)]),
    "dcc_events_release": (c_int32, [c_void_p]),
    "dcc_events_set_slow_cancel_threshold": (c_int32, [c_uint64]),
    "dcc_job_trace": (c_int32, [c_void_p, c_int32]),
    "dcc_job_poll_gap": (c_int32, [c_void_p, POINTER(PollGap)]),
    "dcc_job_threads": (
        c_int32,
        [c_void_p, POINTER(JobThread), c_size_t, c_size_t, POINTER(c_size_t)],
    ),
    "dcc_trace_all": (c_int32, [c_int32]),
    "dcc_stats_read": (c_int32, [POINTER(Stats)]),
    "dcc_stats_polls_without_job": (c_int32, [c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_stats_latency": (c_int32, [c_int32, POINTER(Latency)]),
    "dcc_timeline_begin": (c_int32, [c_uint64]),
    "dcc_timeline_end": (c_int32, []),
    "dcc_timeline_write": (c_int32, [c_char_p, c_size_t]),
    "dcc_stats_jobs_page": (
        c_int32,
        [c_uint64, c_uint32, c_char_p, c_size_t, POINTER(c_size_t), POINTER(c_uint64)],
    ),
    "dcc_control_open": (c_int32, [POINTER(ControlDesc)]),
    "dcc_control_address": (c_int32, [c_char_p, c_size_t, POINTER(c_size_t)]),
    "dcc_control_close": (c_int32, []),
    "dcc_clock_now_ns": (c_uint64, []),
    "dcc_abi_version": (c_uint32, []),
    "dcc_version_string": (c_char_p, []),
    "dcc_status_string": (c_char_p, [c_int32]),
    "dcc_last_error": (c_int32, [c_char_p, c_size_t, POINTER(c_size_t)]),
}
