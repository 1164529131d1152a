-- The part of dcc-cancel that cancel.lua uses, declared for LuaJIT as in include/dcc_cancel.h. For more
-- functions add more lines of that header.

local ffi = require("ffi")

ffi.cdef [[
void *dlopen(const char *name, int flags);

typedef int32_t dcc_status;
typedef struct dcc_cancel_token dcc_cancel_token;
typedef struct dcc_job dcc_job;
typedef struct dcc_context dcc_context;
typedef intptr_t dcc_native_event;

typedef struct dcc_job_desc {
    uint32_t struct_size;
    uint32_t flags;
    const char *label;
    size_t label_length;
    const char *caller_id;
    size_t caller_id_length;
    const dcc_cancel_token *parent;
    void *user_data;
    void *destroy;
    void *is_cancelled;
    uint64_t min_interval_ns;
    const void *owner;
} dcc_job_desc;

typedef struct dcc_job_progress {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t done;
    uint64_t total;
    double fraction;
    uint64_t time_left_ns;
    uint64_t over;
    uint64_t late;
} dcc_job_progress;

typedef struct dcc_stats {
    uint32_t struct_size;
    uint32_t reserved;
    uint64_t live_tokens, live_jobs, live_contexts;
    uint64_t jobs_completed, jobs_failed, jobs_cancelled, jobs_interrupted;
    uint64_t context_leaks, live_registrations, live_owners, armed_deadlines;
    uint64_t live_dispatchers, unfinished_posts, live_sessions, live_requests, checks_not_asked;
    uint64_t polls_without_job, live_shares;
} dcc_stats;

uint32_t dcc_abi_version(void);
const char *dcc_version_string(void);
dcc_status dcc_instance_check(void);
dcc_status dcc_last_error(char *buffer, size_t size, size_t *out_length);
dcc_status dcc_stats_read(dcc_stats *out_stats);

dcc_status dcc_job_create(const dcc_job_desc *desc, dcc_job **out_job);
dcc_status dcc_job_release(dcc_job *job);
dcc_cancel_token *dcc_job_token(const dcc_job *job);
dcc_status dcc_job_begin(const dcc_job *job);
dcc_status dcc_job_complete(const dcc_job *job);
dcc_status dcc_job_fail(const dcc_job *job, const char *message, size_t message_length);
dcc_status dcc_job_acknowledge_cancel(const dcc_job *job);
dcc_status dcc_job_cancel(const dcc_job *job, const char *reason, size_t reason_length);
dcc_status dcc_job_seal(const dcc_job *job);
dcc_status dcc_job_wait(const dcc_job *job, uint64_t timeout_ns);
dcc_status dcc_job_native_event(const dcc_job *job, dcc_native_event *out_native_event);
dcc_status dcc_native_event_close(dcc_native_event native_event);
dcc_status dcc_job_state(const dcc_job *job, int32_t *out_state);
dcc_status dcc_job_label(const dcc_job *job, char *buffer, size_t size, size_t *out_length);
dcc_status dcc_job_failure(const dcc_job *job, char *buffer, size_t size, size_t *out_length);
dcc_status dcc_job_set_progress(const dcc_job *job, uint64_t done, uint64_t total,
                                const char *message, size_t message_length);
dcc_status dcc_job_read_progress(const dcc_job *job, dcc_job_progress *out_progress);
dcc_status dcc_job_set_current(const dcc_job *job, uint64_t *out_ticket);
dcc_status dcc_job_reset_current(uint64_t ticket);
dcc_status dcc_check_cancelled(void);

dcc_status dcc_context_capture(dcc_context **out_context);
dcc_status dcc_context_enter(const dcc_context *context, uint64_t *out_ticket);
dcc_status dcc_context_shield(uint64_t *out_ticket);
dcc_status dcc_context_exit(uint64_t ticket);
dcc_status dcc_context_release(dcc_context *context);

typedef struct dcc_library_call {
    uint32_t struct_size;
    dcc_status told;
    const dcc_cancel_token *token, *job_token;
    const dcc_job *job;
} dcc_library_call;

dcc_status dcc_library_call_begin(dcc_library_call *out_call);
dcc_status dcc_library_call_ask(void *call);
dcc_status dcc_library_call_end(const dcc_library_call *call, int32_t succeeded, int32_t was_aborted,
                                const char *words, size_t words_length);

dcc_status dcc_cancel_token_create_all(const dcc_cancel_token *const *parents, size_t count,
                                       dcc_cancel_token **out_token);
dcc_status dcc_cancel_token_is_cancelled(const dcc_cancel_token *token);
dcc_status dcc_cancel_token_release(dcc_cancel_token *token);
dcc_status dcc_cancel_token_set_deadline_after(const dcc_cancel_token *token, uint64_t nanoseconds);
dcc_status dcc_cancel_token_cause(const dcc_cancel_token *token, int32_t *out_cause);
dcc_status dcc_cancel_token_reason(const dcc_cancel_token *token, char *buffer, size_t size,
                                   size_t *out_length);
]]

local ABI_MAJOR = 2
local NAME = "libdcc_cancel.so.2" -- on Windows dcc_cancel.dll; ffi.load finds it if it is loaded
local RTLD_NOW, RTLD_NOLOAD = 2, 4

-- Finds an instance that the host or a plugin has loaded, because all of a process must share one. dlopen of
-- the bare name finds it by its SONAME wherever its file is, and with RTLD_NOLOAD it finds nothing else.
-- ffi.load of the bare name would also find it, but it would prefer a copy that is installed in the system to
-- the file that DCC_CANCEL_LIBRARY names.
local function load()
    local is_loaded = ffi.C.dlopen(NAME, RTLD_NOW + RTLD_NOLOAD) ~= nil
    local lib = ffi.load(is_loaded and NAME or os.getenv("DCC_CANCEL_LIBRARY") or NAME)
    local version = lib.dcc_abi_version()
    assert(bit.rshift(version, 16) == ABI_MAJOR, "dcc-cancel has another ABI")
    assert(lib.dcc_instance_check() == 0, "a second copy of dcc-cancel was loaded")
    return lib
end

local dcc = { lib = load(), states = { [0] = "none", "pending", "running", "completed", "failed",
    "cancelled", "interrupted" }, causes = { [0] = "none", "request", "foreign", "deadline" } }

-- Returns a status of 0 or more. A negative status is an error with the library's text.
function dcc.check(status)
    if status >= 0 then return status end
    local buffer = ffi.new("char[1024]")
    dcc.lib.dcc_last_error(buffer, 1024, nil)
    error(("dcc-cancel: %s (status %d)"):format(ffi.string(buffer), status), 2)
end

-- Makes a pending job. It is released when it is collected; dcc.release does that at once.
function dcc.create_job(label)
    local desc = ffi.new("dcc_job_desc", { label = label, label_length = #label })
    desc.struct_size = ffi.sizeof(desc)
    local out = ffi.new("dcc_job *[1]")
    dcc.check(dcc.lib.dcc_job_create(desc, out))
    return ffi.gc(out[0], dcc.lib.dcc_job_release)
end

function dcc.release(job)
    dcc.check(dcc.lib.dcc_job_release(ffi.gc(job, nil)))
end

-- Runs a function with the job as the current job of this thread, so the code that it calls need not know the
-- job. True completes the job, false ends it as cancelled, and an error fails it.
function dcc.run(job, work)
    if dcc.check(dcc.lib.dcc_job_begin(job)) ~= 0 then -- cancelled before it began
        return dcc.check(dcc.lib.dcc_job_acknowledge_cancel(job))
    end
    local ticket = ffi.new("uint64_t[1]")
    dcc.check(dcc.lib.dcc_job_set_current(job, ticket))
    local fine, result = pcall(work)
    dcc.check(dcc.lib.dcc_job_reset_current(ticket[0]))
    if not fine then
        dcc.lib.dcc_job_fail(job, tostring(result), #tostring(result))
        error(result, 0)
    end
    return dcc.check(result and dcc.lib.dcc_job_complete(job) or dcc.lib.dcc_job_acknowledge_cancel(job))
end

-- Leaves what a ticket has entered. Returns the results of the function, or raises its error.
local function leave(ticket, fine, ...)
    dcc.check(dcc.lib.dcc_context_exit(ticket[0]))
    if not fine then error((...), 0) end
    return ...
end

-- Carries what is current here to the code that calls the result: a host's idle queue, an event loop, or
-- another coroutine, where something else is current, or nothing. The result may be called once.
function dcc.with_context(work)
    local out = ffi.new("dcc_context *[1]")
    dcc.check(dcc.lib.dcc_context_capture(out))
    local context = ffi.gc(out[0], dcc.lib.dcc_context_release) -- releases it if the result is never called
    return function(...)
        local ticket = ffi.new("uint64_t[1]")
        dcc.check(dcc.lib.dcc_context_enter(context, ticket))
        dcc.check(dcc.lib.dcc_context_release(ffi.gc(context, nil)))
        return leave(ticket, pcall(work, ...))
    end
end

-- Calls a function whose polls are not cancelled, because it has to be done even after a cancel.
function dcc.shield(work)
    local ticket = ffi.new("uint64_t[1]")
    dcc.check(dcc.lib.dcc_context_shield(ticket))
    return leave(ticket, pcall(work))
end

-- Calls a C library that now and then calls a function of its caller to ask whether to stop. work(ask, data)
-- passes both to the library, for instance by sqlite3_progress_handler(db, 1000, ask, data). No Lua code runs
-- in the callback; on another thread LuaJIT could not run it. work returns whether the library succeeded,
-- whether it says that it was aborted, and its message. If it was stopped or has failed, the job ends with
-- that message. Answers whether to go on.
function dcc.call_library(work)
    local call = ffi.new("dcc_library_call")
    call.struct_size = ffi.sizeof(call)
    dcc.check(dcc.lib.dcc_library_call_begin(call))
    local succeeded, was_aborted, words = work(dcc.lib.dcc_library_call_ask, call)
    words = words or ""
    return dcc.check(dcc.lib.dcc_library_call_end(call, succeeded and 1 or 0, was_aborted and 1 or 0,
        words, #words)) == 0
end

-- The job's point of no return. Call it before the job does what cannot be taken back. True: go ahead, no
-- cancel reaches the job any more. False: a cancel was first.
function dcc.seal(job)
    return dcc.check(dcc.lib.dcc_job_seal(job)) == 0
end

-- Asks a job to stop. False: it is sealed, it has ended, or it was asked before.
function dcc.cancel(job, reason)
    return dcc.check(dcc.lib.dcc_job_cancel(job, reason, #reason)) == 0
end

-- Whether a job has really ended, so that its code does not run any more and its data can be freed. It waits
-- for at most so many seconds for a job that another thread runs.
function dcc.wait(job, seconds)
    return dcc.check(dcc.lib.dcc_job_wait(job, seconds * 1e9)) == 0
end

-- Gives a function a descriptor that is readable once the job has ended; dcc.wait then answers at once. It is
-- for a host's event loop, such as uv_poll of libuv, which must not read from it. It is closed at the end.
function dcc.with_end_event(job, use)
    local out = ffi.new("dcc_native_event[1]")
    dcc.check(dcc.lib.dcc_job_native_event(job, out))
    local fine, problem = pcall(use, tonumber(out[0]))
    dcc.check(dcc.lib.dcc_native_event_close(out[0]))
    if not fine then error(problem, 0) end
end

-- Gives a function the token of a result that several jobs wait for. It is cancelled when the last of them is
-- cancelled or gone. It is released when the function returns.
function dcc.with_shared_token(jobs, use)
    local parents = ffi.new("const dcc_cancel_token *[?]", #jobs)
    for index, job in ipairs(jobs) do parents[index - 1] = dcc.lib.dcc_job_token(job) end
    local out = ffi.new("dcc_cancel_token *[1]")
    dcc.check(dcc.lib.dcc_cancel_token_create_all(parents, #jobs, out))
    local fine, problem = pcall(use, out[0])
    dcc.check(dcc.lib.dcc_cancel_token_release(out[0]))
    if not fine then error(problem, 0) end
end

-- Whether the current work of this thread should stop.
function dcc.is_cancelled()
    return dcc.check(dcc.lib.dcc_check_cancelled()) ~= 0
end

function dcc.state(job)
    local out = ffi.new("int32_t[1]")
    dcc.check(dcc.lib.dcc_job_state(job, out))
    return dcc.states[out[0]]
end

function dcc.label(job)
    local text = ffi.new("char[4097]")
    dcc.check(dcc.lib.dcc_job_label(job, text, 4097, nil))
    return ffi.string(text)
end

-- The message of a job that failed, or that gave up because it was cancelled.
function dcc.failure(job)
    local text = ffi.new("char[4097]")
    dcc.check(dcc.lib.dcc_job_failure(job, text, 4097, nil))
    return ffi.string(text)
end

-- Why a job was cancelled: the cause, and the reason if the cancel gave one.
function dcc.reason(job)
    local token = dcc.lib.dcc_job_token(job) -- lent: valid as long as the job
    local cause, text = ffi.new("int32_t[1]"), ffi.new("char[4097]")
    dcc.check(dcc.lib.dcc_cancel_token_cause(token, cause))
    dcc.check(dcc.lib.dcc_cancel_token_reason(token, text, 4097, nil))
    return dcc.causes[cause[0]], ffi.string(text)
end

function dcc.progress(job)
    local info = ffi.new("dcc_job_progress")
    info.struct_size = ffi.sizeof(info)
    dcc.check(dcc.lib.dcc_job_read_progress(job, info))
    return tonumber(info.done), tonumber(info.total)
end

-- How many tokens, jobs and contexts live in the process.
function dcc.live_handles()
    local stats = ffi.new("dcc_stats")
    stats.struct_size = ffi.sizeof(stats)
    dcc.check(dcc.lib.dcc_stats_read(stats))
    return tonumber(stats.live_jobs + stats.live_tokens + stats.live_contexts)
end

return dcc
