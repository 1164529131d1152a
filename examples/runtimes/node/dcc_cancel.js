// The part of dcc-cancel that cancel.js uses, declared for koffi as in include/dcc_cancel.h. For more
// functions add more lines of that header.
'use strict';

const koffi = require('koffi');

const NAME = 'libdcc_cancel.so.2'; // on Windows dcc_cancel.dll; koffi finds it if it is loaded
const ABI_MAJOR = 2;
const RTLD_NOW = 2;
const RTLD_NOLOAD = 4;

// Finds an instance that the host or a plugin has loaded, because all of a process must share one. dlopen of
// the bare name finds it by its SONAME wherever its file is, and with RTLD_NOLOAD it finds nothing else.
// koffi.load of the bare name would also find it, but it would prefer a copy that is installed in the system
// to the file that DCC_CANCEL_LIBRARY names.
function load() {
    const dlopen = koffi.load(null).func('void *dlopen(const char *name, int flags)');
    const isLoaded = dlopen(NAME, RTLD_NOW | RTLD_NOLOAD) !== null;
    const file = (!isLoaded && process.env.DCC_CANCEL_LIBRARY) || NAME;
    try {
        return koffi.load(file);
    } catch (cause) {
        throw new Error(`cannot load ${file}; set DCC_CANCEL_LIBRARY to the library's path`, { cause });
    }
}

koffi.struct('dcc_job_desc', {
    struct_size: 'uint32_t', flags: 'uint32_t',
    label: 'const char *', label_length: 'size_t',
    caller_id: 'const char *', caller_id_length: 'size_t',
    parent: 'void *', user_data: 'void *', destroy: 'void *', is_cancelled: 'void *',
    min_interval_ns: 'uint64_t', owner: 'void *',
});
koffi.struct('dcc_job_progress', {
    struct_size: 'uint32_t', reserved: 'uint32_t', done: 'uint64_t', total: 'uint64_t',
    fraction: 'double', time_left_ns: 'uint64_t', over: 'uint64_t', late: 'uint64_t',
});
koffi.struct('dcc_stats', {
    struct_size: 'uint32_t', reserved: 'uint32_t',
    live_tokens: 'uint64_t', live_jobs: 'uint64_t', live_contexts: 'uint64_t',
    others: koffi.array('uint64_t', 15),
});
koffi.struct('dcc_library_call', {
    struct_size: 'uint32_t', told: 'int32_t', token: 'void *', job_token: 'void *', job: 'void *',
});
koffi.alias('dcc_status', 'int32_t');
koffi.alias('dcc_native_event', 'intptr_t');
koffi.pointer('handle', koffi.opaque()); // a BigInt in JavaScript, so that it can be sent to workers

const library = load();
const native = Object.fromEntries([
    'uint32_t dcc_abi_version(void)',
    'const char *dcc_version_string(void)',
    'dcc_status dcc_instance_check(void)',
    'dcc_status dcc_last_error(_Out_ char *buffer, size_t size, void *out_length)',
    'dcc_status dcc_stats_read(_Inout_ dcc_stats *out_stats)',
    'dcc_status dcc_job_create(const dcc_job_desc *desc, _Out_ handle *out_job)',
    'dcc_status dcc_job_find(uint64_t id, _Out_ handle *out_job)',
    'dcc_status dcc_job_release(handle job)',
    'uint64_t dcc_job_id(handle job)',
    'handle dcc_job_token(handle job)',
    'dcc_status dcc_job_begin(handle job)',
    'dcc_status dcc_job_complete(handle job)',
    'dcc_status dcc_job_fail(handle job, const char *message, size_t message_length)',
    'dcc_status dcc_job_acknowledge_cancel(handle job)',
    'dcc_status dcc_job_cancel(handle job, const char *reason, size_t reason_length)',
    'dcc_status dcc_job_seal(handle job)',
    'dcc_status dcc_job_wait(handle job, uint64_t timeout_ns)',
    'dcc_status dcc_job_native_event(handle job, _Out_ dcc_native_event *out_native_event)',
    'dcc_status dcc_native_event_close(dcc_native_event native_event)',
    'dcc_status dcc_job_state(handle job, _Out_ int32_t *out_state)',
    'dcc_status dcc_job_failure(handle job, _Out_ char *buffer, size_t size, void *out_length)',
    'dcc_status dcc_job_label(handle job, _Out_ char *buffer, size_t size, void *out_length)',
    `dcc_status dcc_job_set_progress(handle job, uint64_t done, uint64_t total, const char *message,
        size_t message_length)`,
    'dcc_status dcc_job_read_progress(handle job, _Inout_ dcc_job_progress *out_progress)',
    'dcc_status dcc_job_set_current(handle job, _Out_ uint64_t *out_ticket)',
    'dcc_status dcc_job_reset_current(uint64_t ticket)',
    'dcc_status dcc_check_cancelled(void)',
    'dcc_status dcc_context_capture(_Out_ handle *out_context)',
    'dcc_status dcc_context_enter(handle context, _Out_ uint64_t *out_ticket)',
    'dcc_status dcc_context_shield(_Out_ uint64_t *out_ticket)',
    'dcc_status dcc_context_exit(uint64_t ticket)',
    'dcc_status dcc_context_release(handle context)',
    'dcc_status dcc_library_call_begin(dcc_library_call *out_call)',
    'dcc_status dcc_library_call_ask(void *call)',
    `dcc_status dcc_library_call_end(const dcc_library_call *call, int32_t succeeded, int32_t was_aborted,
        const char *words, size_t words_length)`,
    'dcc_status dcc_cancel_token_create_all(const handle *parents, size_t count, _Out_ handle *out_token)',
    'dcc_status dcc_cancel_token_is_cancelled(handle token)',
    'dcc_status dcc_cancel_token_release(handle token)',
    'dcc_status dcc_cancel_token_wait(handle token, uint64_t timeout_ns)',
    'dcc_status dcc_cancel_token_reason(handle token, _Out_ char *buffer, size_t size, void *out_length)',
].map((line) => [line.match(/(\w+)\(/)[1], library.func(line)]));

if (native.dcc_abi_version() >>> 16 !== ABI_MAJOR) throw new Error('dcc-cancel has another ABI');
if (native.dcc_instance_check() !== 0) throw new Error('a second copy of dcc-cancel was loaded');

const NUL_TERMINATED = 0xffffffffffffffffn; // SIZE_MAX
const FOREVER = 0xffffffffffffffffn;
const CANCELLED_BY_TOKEN = 1;
const SEALED = 19;
const STATES = ['none', 'pending', 'running', 'completed', 'failed', 'cancelled', 'interrupted'];

// The text that a function writes into a buffer of `size` bytes.
function text(size, write) {
    const out = ['\0'.repeat(size)];
    write(out);
    return out[0];
}

// Returns a status of 0 or more. A negative status is thrown with the library's text. The text belongs to the
// thread of the call, and an `.async` call runs on a thread of koffi, so for such a call only the status is
// known.
function check(status) {
    if (status >= 0) return status;
    const why = text(1024, (out) => native.dcc_last_error(out, 1024, null));
    throw new Error(`dcc-cancel: ${why} (status ${status})`);
}

// Runs work while what `enter` has set is current. The work must not `await`, because other code would run on
// this thread meanwhile.
function within(enter, work) {
    const ticket = [0];
    check(enter(ticket));
    try {
        return work();
    } finally {
        check(native.dcc_context_exit(ticket[0]));
    }
}

// Runs work whose polls are not cancelled, because it has to be done even after a cancel.
const shield = (work) => within(native.dcc_context_shield, work);

// Captures what is current on this thread, for a callback or a worker, where something else is current, or
// nothing. The handle may be sent to a worker. Release it where it was captured.
class Context {
    static capture() {
        const out = [null];
        check(native.dcc_context_capture(out));
        return new Context(out[0]);
    }

    constructor(handle) { this.handle = handle; }

    run(work) { return within((ticket) => native.dcc_context_enter(this.handle, ticket), work); }

    release() { check(native.dcc_context_release(this.handle)); }
}

// The token of a result that several jobs wait for. It is cancelled when the last of them is cancelled or
// gone.
class SharedToken {
    // Release it in a `finally`.
    constructor(...jobs) {
        const out = [null];
        check(native.dcc_cancel_token_create_all(jobs.map((job) => job.token), jobs.length, out));
        this.handle = out[0];
    }

    get isCancelled() { return check(native.dcc_cancel_token_is_cancelled(this.handle)) !== 0; }

    release() { check(native.dcc_cancel_token_release(this.handle)); }
}

class Job {
    #released = false;

    // Makes a pending job. Release it in a `finally`.
    static create(label) {
        const out = [null];
        const desc = { struct_size: koffi.sizeof('dcc_job_desc'), label, label_length: NUL_TERMINATED };
        check(native.dcc_job_create(desc, out));
        return new Job(out[0]);
    }

    // The same job in another thread. Release it there as well.
    static find(id) {
        const out = [null];
        if (check(native.dcc_job_find(id, out)) !== 0) throw new Error(`there is no job ${id}`);
        return new Job(out[0]);
    }

    constructor(handle) { this.handle = handle; }

    // Call it once. The handle is kept, so that the library answers a later use with "invalid handle".
    release() {
        if (!this.#released) check(native.dcc_job_release(this.handle));
        this.#released = true;
    }

    get id() { return native.dcc_job_id(this.handle); }
    get token() { return native.dcc_job_token(this.handle); } // lent: valid as long as the job
    get state() {
        const out = [0];
        check(native.dcc_job_state(this.handle, out));
        return STATES[out[0]];
    }
    // The message of a job that failed, or that gave up because it was cancelled.
    get failure() { return text(4097, (out) => check(native.dcc_job_failure(this.handle, out, 4097, null))); }
    get label() { return text(4097, (out) => check(native.dcc_job_label(this.handle, out, 4097, null))); }
    get reason() {
        return text(4097, (out) => check(native.dcc_cancel_token_reason(this.token, out, 4097, null)));
    }
    get progress() {
        const info = {
            struct_size: koffi.sizeof('dcc_job_progress'), reserved: 0, done: 0, total: 0,
            fraction: 0, time_left_ns: 0, over: 0, late: 0,
        };
        check(native.dcc_job_read_progress(this.handle, info));
        return info;
    }
    setProgress(done, total) { check(native.dcc_job_set_progress(this.handle, done, total, null, 0)); }
    // Asks the job to stop. SEALED: too late.
    cancel(reason) { return check(native.dcc_job_cancel(this.handle, reason, NUL_TERMINATED)); }

    // The job's point of no return. Call it before the job does what cannot be taken back. True: go ahead, no
    // cancel reaches the job any more. False: a cancel was first.
    seal() { return check(native.dcc_job_seal(this.handle)) === 0; }

    // Resolves with true when the job has really ended, on any thread, or with false if it never can. The
    // event loop waits for a native event. On Windows the loop can wait for sockets only; there call
    // dcc_job_wait on a thread, as `cancelled` does with the token.
    async ended() {
        const out = [0];
        check(native.dcc_job_native_event(this.handle, out));
        let poll;
        try {
            await new Promise((resolve) => { poll = koffi.node.poll(out[0], { readable: true }, resolve); });
        } finally {
            poll?.close();
            check(native.dcc_native_event_close(out[0]));
        }
        return check(native.dcc_job_wait(this.handle, 0)) === 0;
    }

    // Resolves with true when the job is cancelled, and with false when it is gone. It waits on a thread of
    // koffi, so the event loop goes on meanwhile.
    cancelled() {
        return new Promise((resolve, reject) => {
            native.dcc_cancel_token_wait.async(this.token, FOREVER, (error, status) =>
                error ? reject(error) : resolve(status === CANCELLED_BY_TOKEN));
        });
    }

    // Runs a function with this job as the current job of this thread, so the code that it calls need not
    // know the job. The function must not `await`, because other code would run on this thread meanwhile.
    // True completes the job, false ends it as cancelled, and an exception fails it.
    run(work) {
        if (!this.#begin()) return;
        try {
            this.#end(this.#whileCurrent(work));
        } catch (error) {
            this.#fail(error);
        }
    }

    // As `run`, for work that awaits. It gets a context. Parts of the work that run in that context, here or
    // in workers, have the job as their current job.
    async runAsync(work) {
        if (!this.#begin()) return;
        const context = this.#whileCurrent(() => Context.capture());
        try {
            this.#end(await work(context));
        } catch (error) {
            this.#fail(error);
        } finally {
            context.release();
        }
    }

    #whileCurrent(work) {
        const ticket = [0];
        check(native.dcc_job_set_current(this.handle, ticket));
        try {
            return work();
        } finally {
            check(native.dcc_job_reset_current(ticket[0]));
        }
    }

    #begin() {
        const begins = check(native.dcc_job_begin(this.handle)) === 0;
        if (!begins) this.#end(false); // cancelled before it began
        return begins;
    }

    #end(isDone) {
        check(isDone ? native.dcc_job_complete(this.handle)
            : native.dcc_job_acknowledge_cancel(this.handle));
    }

    #fail(error) {
        native.dcc_job_fail(this.handle, String(error.message), NUL_TERMINATED);
        throw error;
    }
}

// A call of a native library that now and then calls a function of its caller to ask whether to stop. Give
// the library `ask` and `data`, so that no JavaScript runs in the callback. `end` tells how the library has
// returned. If it was stopped or has failed, the job ends with the library's message. It answers whether to
// go on.
class LibraryCall {
    ask = native.dcc_library_call_ask;

    constructor() {
        this.data = koffi.alloc('dcc_library_call', 1);
        koffi.encode(this.data, 'uint32_t', koffi.sizeof('dcc_library_call'));
        check(native.dcc_library_call_begin(this.data));
    }

    end(succeeded, wasAborted, words = '') {
        const status = native.dcc_library_call_end(this.data, succeeded ? 1 : 0, wasAborted ? 1 : 0, words,
            NUL_TERMINATED);
        koffi.free(this.data);
        return check(status) === 0;
    }
}

// Whether the current work of this thread should stop.
const isCancelled = () => check(native.dcc_check_cancelled()) !== 0;

// How many tokens, jobs and contexts live in the process.
function liveHandles() {
    const stats = { struct_size: koffi.sizeof('dcc_stats'), reserved: 0, live_tokens: 0, live_jobs: 0,
        live_contexts: 0, others: new Array(15).fill(0) };
    check(native.dcc_stats_read(stats));
    return Number(stats.live_tokens) + Number(stats.live_jobs) + Number(stats.live_contexts);
}

module.exports = {
    Context, Job, LibraryCall, SEALED, SharedToken, check, isCancelled, liveHandles, native, shield,
    version: native.dcc_version_string,
};
