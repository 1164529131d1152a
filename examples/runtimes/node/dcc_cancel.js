// The part of dcc-cancel that cancel.js uses, for Node.js: declarations as in include/dcc_cancel.h, by
// koffi. More functions are more lines of that header.
'use strict';

const koffi = require('koffi');

const NAME = 'libdcc_cancel.so.2'; // Windows: dcc_cancel.dll, which koffi finds where it is loaded
const ABI_MAJOR = 2;
const RTLD_NOW = 2;
const RTLD_NOLOAD = 4;

// An instance that the host or a plugin has loaded goes first: dlopen of the bare name finds it by its
// SONAME wherever its file is, and with RTLD_NOLOAD finds nothing else. koffi.load of the bare name
// would, too, but a copy that the system has installed before DCC_CANCEL_LIBRARY.
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
    live_tokens: 'uint64_t', live_jobs: 'uint64_t', others: koffi.array('uint64_t', 16),
});
koffi.struct('dcc_library_call', {
    struct_size: 'uint32_t', told: 'int32_t', token: 'void *', job_token: 'void *', job: 'void *',
});
koffi.alias('dcc_status', 'int32_t');
koffi.pointer('handle', koffi.opaque()); // a BigInt in JavaScript: workers may be sent it

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
    'dcc_status dcc_job_state(handle job, _Out_ int32_t *out_state)',
    'dcc_status dcc_job_label(handle job, _Out_ char *buffer, size_t size, void *out_length)',
    `dcc_status dcc_job_set_progress(handle job, uint64_t done, uint64_t total, const char *message,
        size_t message_length)`,
    'dcc_status dcc_job_read_progress(handle job, _Inout_ dcc_job_progress *out_progress)',
    'dcc_status dcc_job_set_current(handle job, _Out_ uint64_t *out_ticket)',
    'dcc_status dcc_job_reset_current(uint64_t ticket)',
    'dcc_status dcc_check_cancelled(void)',
    'dcc_status dcc_library_call_begin(dcc_library_call *out_call)',
    'dcc_status dcc_library_call_ask(void *call)',
    `dcc_status dcc_library_call_end(const dcc_library_call *call, int32_t succeeded, int32_t was_aborted,
        const char *words, size_t words_length)`,
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

// What a function writes into a buffer of `size` bytes.
function text(size, write) {
    const out = ['\0'.repeat(size)];
    write(out);
    return out[0];
}

// A status of 0 or more is an answer; a negative one throws the library's text. The text is the
// thread's: of a `.async` call, which runs on a thread of koffi, only the status is known.
function check(status) {
    if (status >= 0) return status;
    const why = text(1024, (out) => native.dcc_last_error(out, 1024, null));
    throw new Error(`dcc-cancel: ${why} (status ${status})`);
}

class Job {
    #released = false;

    // A pending job; release it in a `finally`.
    static create(label) {
        const out = [null];
        const desc = { struct_size: koffi.sizeof('dcc_job_desc'), label, label_length: NUL_TERMINATED };
        check(native.dcc_job_create(desc, out));
        return new Job(out[0]);
    }

    // The same job in another thread; release it there, too.
    static find(id) {
        const out = [null];
        if (check(native.dcc_job_find(id, out)) !== 0) throw new Error(`there is no job ${id}`);
        return new Job(out[0]);
    }

    constructor(handle) { this.handle = handle; }

    // Once. The handle stays, so that a later use is told that it is stale.
    release() {
        if (!this.#released) check(native.dcc_job_release(this.handle));
        this.#released = true;
    }

    get id() { return native.dcc_job_id(this.handle); }
    get token() { return native.dcc_job_token(this.handle); } // borrowed: good as long as the job
    get state() {
        const out = [0];
        check(native.dcc_job_state(this.handle, out));
        return STATES[out[0]];
    }
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
    // SEALED: too late.
    cancel(reason) { return check(native.dcc_job_cancel(this.handle, reason, NUL_TERMINATED)); }

    // The point of no return, before what cannot be taken back. True: go ahead, no cancel reaches it any
    // more. False: a cancel was first.
    seal() { return check(native.dcc_job_seal(this.handle)) === 0; }

    // Resolves when the job has really ended, on whichever thread: with true, or with false if it never
    // can.
    // Waits on a thread of koffi.
    ended() {
        return new Promise((resolve, reject) => {
            native.dcc_job_wait.async(this.handle, FOREVER, (error, status) =>
                error ? reject(error) : resolve(status === 0));
        });
    }

    // Resolves with true when the job is cancelled, with false when it is gone. Waits on a thread of
    // koffi: the event loop goes on meanwhile.
    cancelled() {
        return new Promise((resolve, reject) => {
            native.dcc_cancel_token_wait.async(this.token, FOREVER, (error, status) =>
                error ? reject(error) : resolve(status === CANCELLED_BY_TOKEN));
        });
    }

    // Runs a function with the job as the current one of this thread: what it calls need not know the
    // job. No `await` inside: other code would run on this thread meanwhile. The job ends as the
    // function does: true is done; what it throws fails the job.
    run(work) {
        if (check(native.dcc_job_begin(this.handle)) !== 0) { // cancelled before it began
            return check(native.dcc_job_acknowledge_cancel(this.handle));
        }
        const ticket = [0];
        check(native.dcc_job_set_current(this.handle, ticket));
        try {
            const isDone = work();
            return check(isDone ? native.dcc_job_complete(this.handle)
                : native.dcc_job_acknowledge_cancel(this.handle));
        } catch (error) {
            native.dcc_job_fail(this.handle, String(error.message), NUL_TERMINATED);
            throw error;
        } finally {
            check(native.dcc_job_reset_current(ticket[0]));
        }
    }
}

// A call of a native library that asks a function of its caller now and then: give it `ask` and `data`, and
// no JavaScript runs in its callback. `end` says how it returned; a job that was stopped or has failed ends
// with the library's words. Whether to go on.
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

// Whether the work of this thread should stop.
const isCancelled = () => check(native.dcc_check_cancelled()) !== 0;

// Tokens and jobs that live in the process.
function liveHandles() {
    const stats = { struct_size: koffi.sizeof('dcc_stats'), reserved: 0, live_tokens: 0, live_jobs: 0,
        others: new Array(15).fill(0) };
    check(native.dcc_stats_read(stats));
    return Number(stats.live_tokens) + Number(stats.live_jobs);
}

module.exports = {
    Job, LibraryCall, SEALED, isCancelled, liveHandles, native, check, version: native.dcc_version_string,
};
