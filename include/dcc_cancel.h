/* dcc-cancel: cooperative cancellation for native plugins of DCC hosts.
 *
 * This header is the reference manual. Each chapter has one object: its constants, types and functions.
 *
 *    1. Objects, statuses and texts: what all chapters share
 *    2. Tokens: a flag that says "stop"
 *    3. Current token and poll: how a loop learns that it is to stop
 *    4. Jobs: one unit of a host's work
 *    5. Progress: how far a job is
 *    6. Contexts: what is current, taken along to another thread
 *    7. Callbacks and owners: to be called at a cancel, and never after an unload
 *    8. Deadlines and waits: a cancel at a time, and threads that sleep until something happens
 *    9. Dispatchers: a bounded queue of jobs that one thread pumps from its tick
 *   10. Sessions and requests: cancels that come from a peer as messages
 *   11. Diagnosis: what happens, and why a job does not stop
 *   12. Control: answers for the same user's terminal, by the tool dcc-control
 *   13. The process: threads of the library, its version, its clock
 *   14. What the polls are made of
 *
 * These rules hold for every function, unless its comment says otherwise:
 *
 * Handles
 * - A handle is an opaque number in the shape of a pointer. A handle of a dead object, and a handle that
 *   was made up, is answered with DCC_ERROR_INVALID_HANDLE and never with a crash. A function that returns
 *   a handle or an id then returns NULL or 0.
 * - NULL is a token that is never cancelled, a job that does not exist, a context without token and job, a
 *   share of progress that counts nothing, and the owner of functions that stay loaded. Every function
 *   accepts it in that meaning. A NULL dispatcher, session, request, observer or registration does not
 *   exist: retain, release, close and unregister answer DCC_OK and do nothing, every other function answers
 *   DCC_ERROR_INVALID_HANDLE.
 * - A handle that a function writes to a parameter is a reference that you own. Give it back by `release`;
 *   an owner by dcc_owner_close, a registration by dcc_registration_unregister. Each `retain` adds a
 *   reference that you own.
 * - A handle that a function returns, or passes to a function of yours, is lent: it stays valid as long as
 *   the object that it belongs to.
 * - Where a parameter is `const T *`, the call may run at the same time as any other call on that object,
 *   and your reference remains. Where it is `T *`, the call ends your reference: `release`,
 *   dcc_owner_close, dcc_registration_unregister.
 *
 * Answers
 * - A status is 0 for success, positive for an ordinary answer such as "cancelled", negative for an error.
 *   Other results go out through parameters.
 * - A function with `_is_` in its name answers 0 for no, a positive number for yes, a negative one for a
 *   bad handle. Write `if (x)` for the questions whether to stop, for dcc_check_cancelled and for the
 *   polls: there a bad handle means "stop" as well. Write `if (x > 0)` for the rest. Each comment says
 *   which of them it is.
 * - A call checks its arguments before anything happens, and its handles next. A call that answers
 *   DCC_ERROR_INVALID_ARGUMENT or DCC_ERROR_UNSUPPORTED has done nothing, and dcc_last_error names the
 *   parameter, or the structure and its field.
 * - A parameter that a call writes through is called `out_...` or `buffer`, or is an array with a `stride`.
 *   It must not be NULL unless the function's comment allows that; the `out_length` of a text may always be
 *   NULL. After a failure a handle that goes out is NULL.
 *
 * Words
 * - To cancel a job is to ask it to stop; the job stops itself. `close` ends what an object has begun, and
 *   the object begins nothing afterwards. `shutdown` ends the threads of the library.
 * - A job id is a number of the library. A caller id is a text of yours. A request id is the peer's.
 *
 * Times
 * - All times are nanoseconds. `_at_ns` is a time on the clock of dcc_clock_now_ns, `_after_ns` a time from
 *   now or from the post, `timeout_ns` the longest time that a call waits, `_ns` alone a duration.
 *
 * Texts and functions
 * - A text is UTF-8. A text that goes in is a pointer and a length in bytes: DCC_NUL_TERMINATED for a text
 *   that ends with NUL, and a NULL pointer for no text. A text that goes out is written to your buffer as
 *   snprintf does it. Pointers to memory, texts and functions must be valid.
 * - A function that you pass to the library must not unwind or longjmp out of its call.
 *
 * Structures
 * - A structure that starts with `struct_size` may grow in later versions. Set that field to sizeof the
 *   structure, and all fields that you do not use to zero. A field that your structure lacks counts as 0.
 * - DCC_ERROR_INVALID_ARGUMENT answers a size that is smaller than the structure was when this major
 *   version was first released, and a size that cuts a field in half. DCC_ERROR_UNSUPPORTED answers a field
 *   that this version does not know and that is not zero.
 * - A structure that goes out is filled up to the smaller of the two sizes, and `struct_size` says which.
 *
 * Processes
 * - In a process that was forked after the library was used these work: polls, dcc_check_cancelled,
 *   dcc_cancel_token_check_current, dcc_cancel_token_is_cancelled, dcc_slice_is_over,
 *   dcc_library_call_begin, dcc_library_call_ask, dcc_last_error, dcc_instance_check, and functions that do
 *   not return a status, except dcc_context_run, which returns NULL. Every other function answers
 *   DCC_ERROR_FORKED. Use the library after exec.
 * - Only dcc_poll and dcc_poll_one are async-signal-safe, and only while nothing is cancelled or traced and
 *   no job that they ask, or that is current around it, has an `is_cancelled` function.
 * - The library exists for 64-bit platforms only.
 *
 * Generated from the library's source; do not edit. */

#ifndef DCC_CANCEL_H
#define DCC_CANCEL_H

#include <stddef.h>
#include <stdint.h>
#if defined(_MSC_VER) && !defined(__clang__)
#include <intrin.h>
#endif

/* How each function is declared. dcc_cancel_dl.h, which loads the library at run time, defines it. */
#ifndef DCC_API
#define DCC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* 1. Objects, statuses and texts: what all chapters share
 *
 * These are the types of handles; the chapter of each says more. */

/** A token: a cancellation flag with a reason. */
typedef struct dcc_cancel_token dcc_cancel_token;
/** A job: one unit of a host's work. */
typedef struct dcc_job dcc_job;
/** A share: a part of the progress bar of a job. */
typedef struct dcc_progress dcc_progress;
/** A context: the current token, job and share of progress of a thread, captured. */
typedef struct dcc_context dcc_context;
/** A registration: a callback that a cancel of a token calls. */
typedef struct dcc_registration dcc_registration;
/** An owner: the plugin, or the part of a plugin, that functions belong to. */
typedef struct dcc_owner dcc_owner;
/** A dispatcher: a bounded queue of jobs for one thread, as a rule the UI thread. */
typedef struct dcc_dispatcher dcc_dispatcher;
/** A session: the connection of one peer, the scope of its request ids. */
typedef struct dcc_session dcc_session;
/** A request: an id of a session that is in flight, with its token. */
typedef struct dcc_request dcc_request;
/** An observer: a ring of events that waits to be drained. */
typedef struct dcc_events dcc_events;

/* Version of the package that this header came with. */
#define DCC_CANCEL_VERSION "0.2.0"

/* Length of a text that ends with NUL. */
#define DCC_NUL_TERMINATED SIZE_MAX

/** No limit: a timeout that never expires, no deadline, no threshold. */
#define DCC_NO_LIMIT UINT64_MAX

/** Maximum length of a token's or a job's caller id, in bytes. */
#define DCC_MAX_CALLER_ID_LENGTH 128
/** Maximum length of every text that is not an id (reason, label, message, name, path), in bytes. */
#define DCC_MAX_TEXT_LENGTH 4096
/** Maximum length of a request id that is a text, in bytes. */
#define DCC_MAX_REQUEST_ID_LENGTH 256

/** Maximum length of a peer's message that the library examines, in bytes. A longer message cancels
 * nothing and is reported as DCC_MESSAGE_OTHER. */
#define DCC_MAX_MESSAGE_LENGTH 4194304

/** A function that ends the life of user data. It is called exactly once, after the last use of the
 * data. */
typedef void (*dcc_destroy_fn)(void *user_data);

/** The answer of most functions. 0 is success. A positive status is an ordinary answer. A negative
 * status is a mistake of the caller or a failure; dcc_last_error then gives its text. */
typedef int32_t dcc_status;

/** Success. As the answer to a question whether to stop: go on. */
#define DCC_OK 0
/** Stop: the token is cancelled. Its text is "Request cancelled by client". */
#define DCC_CANCELLED_BY_TOKEN 1
/** Stop: the job is cancelled. Its text is "Job cancelled by dispatcher". */
#define DCC_CANCELLED_BY_JOB 2
/** Stop: the object that was polled or waited for no longer exists. */
#define DCC_POLL_GONE 3
/** The token, job or request was cancelled before. The first reason stays. */
#define DCC_ALREADY_CANCELLED 4
/** The object is not cancelled, so there is no cause, reason or time to report. */
#define DCC_NOT_CANCELLED 5
/** The job or request had ended before. Its end stays as it was. */
#define DCC_ALREADY_ENDED 6

/** Nothing was found: no live object has this id, or the object does not have what was asked for,
 * such as a deadline. */
#define DCC_NOT_FOUND 7

/** The call succeeded, but this is a second copy of the library in the process. Users of the first
 * copy do not see what this copy creates. Load the library through `dcc_cancel_dl.h`, which finds
 * the first copy; copies in different link namespaces (dlmopen) cannot be shared. */
#define DCC_SECOND_INSTANCE 8

/** The timeout passed before the event that was waited for. */
#define DCC_TIMED_OUT 9

/** The event that was waited for can never happen. For instance, the token cannot be cancelled, or
 * no longer because it was sealed. */
#define DCC_NEVER 10

/** The registration is ended, but its callback had already run or been dropped: the token was gone
 * or sealed, or the owner was closed. */
#define DCC_CALLBACK_DONE 11

/** The registration is ended, but its callback is still running. */
#define DCC_CALLBACK_RUNNING 12
/** The dispatcher is closed, but completions are still to run on its thread. */
#define DCC_PENDING 13

/** The timeout passed after the job had started. The job was asked to stop, and its outcome is not
 * known. */
#define DCC_STARTED 14

/** The dispatcher's thread has been inside something else for longer than its threshold. The job
 * was taken back and never runs. */
#define DCC_WEDGED 15

/** No request has this id yet. The cancel is kept for the request that will have it. */
#define DCC_HELD 16
/** The peer cannot cancel this request. */
#define DCC_NOT_CANCELLABLE 17
/** The called library failed for a reason other than a cancel. */
#define DCC_LIBRARY_FAILED 18

/** Too late: the job or request is sealed, that is past its point of no return, and can no longer
 * be cancelled. */
#define DCC_SEALED 19

/** The handle belongs to no live object, or to an object of another kind. */
#define DCC_ERROR_INVALID_HANDLE -1

/** An argument is wrong: for instance a wrong `struct_size`, a NULL out-pointer, or a text that is
 * too long or not UTF-8. */
#define DCC_ERROR_INVALID_ARGUMENT -2

/** Out of memory, slots, references or system keys. Nothing was done. */
#define DCC_ERROR_RESOURCES -3
/** A structure sets a field that this version of the library does not know. */
#define DCC_ERROR_UNSUPPORTED -4
/** A panic inside the library was caught. */
#define DCC_ERROR_INTERNAL -5
/** The ticket was used before, or was never given out. */
#define DCC_ERROR_TICKET_USED -6
/** The ticket belongs to another slot. */
#define DCC_ERROR_WRONG_SLOT -7
/** The ticket or the dispatcher belongs to another thread. */
#define DCC_ERROR_WRONG_THREAD -8
/** The ticket is not the latest of its slot. */
#define DCC_ERROR_WRONG_ORDER -9
/** The job is in a state that does not allow this call. */
#define DCC_ERROR_WRONG_STATE -10

/** The call would wait for itself. It was made inside the function that it would wait for, or
 * inside a function that another thread waits for, and so on in a ring. */
#define DCC_ERROR_WOULD_DEADLOCK -11

/** The owner, dispatcher or session is closed, or the library is shut down. */
#define DCC_ERROR_SHUTDOWN -12
/** This process is a fork of the process that used the library. Only polls work in it. */
#define DCC_ERROR_FORKED -13

/** A limit is reached: too many jobs or requests wait, or the host's pool refused the job. The call
 * took over nothing. */
#define DCC_ERROR_OVERLOADED -14

/** An unfinished job of the dispatcher already has this caller id, or a request in flight in the
 * session already has this id. */
#define DCC_ERROR_DUPLICATE -15

/** The dispatcher was pumped from inside a pump: from a job, a completion or one of the host's
 * functions. Nothing ran. */
#define DCC_ERROR_REENTRANT -16

/** A file could not be written, or the control endpoint could not be opened. What was there before
 * is unchanged. */
#define DCC_ERROR_FILE -17

/** Returns the English text of a status. Any thread may call this. The text is static and never
 * NULL. */
DCC_API const char *dcc_status_string(dcc_status status);

/** Writes what was wrong in this thread's last call that answered a negative status: which
 * argument, which value, what to do. Any thread may call this; each thread has its own text. Calls
 * that succeed leave the text as it is. The buffer is filled as by dcc_cancel_token_reason. */
DCC_API dcc_status dcc_last_error(char *buffer, size_t size, size_t *out_length);

/* 2. Tokens: a flag that says "stop"
 *
 * A token: a cancellation flag with a reason. It is shared by reference count. NULL is the token that is
 * never cancelled.
 *
 * Any thread may cancel a token, once and for good, with a reason. A token may have parents, and is cancelled
 * when any of them is. What has the token as a parent, directly or through other tokens and jobs, is below
 * the token.
 *
 * A loop asks by a poll (chapter 3) whether it is to stop. A token can call functions at its cancel
 * (chapter 7). It can have a deadline, and threads can wait for it (chapter 8). */

/** Why a token is cancelled. A token that was cancelled through a parent has the parent's cause. */
typedef int32_t dcc_cause;

/** The token is not cancelled. */
#define DCC_CAUSE_NONE 0
/** A cancel function was called. */
#define DCC_CAUSE_REQUEST 1
/** The `is_cancelled` function of a job (dcc_job_desc) said stop. */
#define DCC_CAUSE_FOREIGN 2
/** The token's deadline passed. */
#define DCC_CAUSE_DEADLINE 3

/** Flag of a token without `parents`: the token is below what is current on the creating thread
 * (chapter 3). A cancel of that token or job then cancels it, as with DCC_JOB_BELOW_CURRENT. If
 * there are `parents`, the flag has no effect. Use the flag for a part of a job's work that can
 * also be stopped alone, such as one of its threads. */
#define DCC_TOKEN_BELOW_CURRENT 1

/** What a token is created from. Set all bytes to zero, then `struct_size` to sizeof, then the
 * fields that you need. */
typedef struct dcc_cancel_token_desc {
    /** sizeof(dcc_cancel_token_desc) */
    uint32_t struct_size;
    /** DCC_TOKEN_BELOW_CURRENT or 0. */
    uint32_t flags;
    /** Tokens whose cancel cancels this token. NULL entries are skipped. A token keeps its parents
     * alive; a parent does not keep its children alive. */
    const dcc_cancel_token *const *parents;
    /** Number of entries in `parents`. */
    size_t parent_count;
    /** The id that your caller, for instance a server, uses for the work of this token: UTF-8, up
     * to DCC_MAX_CALLER_ID_LENGTH bytes, copied. May be NULL. */
    const char *caller_id;
    /** Length of `caller_id` in bytes, or DCC_NUL_TERMINATED. */
    size_t caller_id_length;
} dcc_cancel_token_desc;

/** Creates a token and writes it to `out_token`. Any thread may call this. You get one reference,
 * which you release. */
DCC_API dcc_status dcc_cancel_token_create(dcc_cancel_token **out_token);

/** Creates a token with parents and a caller id, and writes it to `out_token`. Any thread may call
 * this.
 *
 * When any parent is cancelled, the token is cancelled with the same cause and reason. If a parent
 * is cancelled already, the token is created cancelled. A cancel of a parent at the same moment
 * always reaches the new token. The handle of a dead parent fails the call with
 * DCC_ERROR_INVALID_HANDLE. You get one reference, which you release. The token keeps its parents
 * alive. When the token ends, the parents keep no memory for it. */
DCC_API dcc_status dcc_cancel_token_create_from(const dcc_cancel_token_desc *desc,
                                                dcc_cancel_token **out_token);

/** Adds a reference, which you release. Any thread may call this. DCC_ERROR_RESOURCES: the token
 * has half a million references already. */
DCC_API dcc_status dcc_cancel_token_retain(const dcc_cancel_token *token);

/** Gives a reference back. Any thread may call this. The last release ends the token. If the
 * library still uses the token, for instance because it is current on a thread, has children, or
 * belongs to a job, the token ends after the last such use. A release too many takes the reference
 * of another holder. If there is none, the release answers DCC_ERROR_INVALID_HANDLE. */
DCC_API dcc_status dcc_cancel_token_release(dcc_cancel_token *token);

/** Cancels a token, and everything below it, for good. Any thread may call this.
 *
 * - DCC_OK: this call cancelled the token, or `token` is NULL and nothing happened.
 * - DCC_ALREADY_CANCELLED: another call was first, and its reason stays. The token's flag is
 *   visible when this call returns.
 * - DCC_SEALED: too late, the token belongs to a sealed job or request (dcc_job_seal), and nothing
 *   changes.
 *
 * `reason` is UTF-8 of `reason_length` bytes or DCC_NUL_TERMINATED, at most DCC_MAX_TEXT_LENGTH
 * bytes, and is copied; NULL is no reason. A reason that is too long or not UTF-8 fails the call
 * with DCC_ERROR_INVALID_ARGUMENT, and nothing is cancelled. If there is no memory for the reason,
 * the cancel happens without it.
 *
 * All flags are set first, then waits end and native events are set, then callbacks run on this
 * thread. A sealed job or request below the token is not cancelled. Nothing is cancelled that the
 * token reaches only through it. */
DCC_API dcc_status dcc_cancel_token_cancel(const dcc_cancel_token *token, const char *reason,
                                           size_t reason_length);

/** Tells whether a token is cancelled. Any thread may call this. It is cheap enough for inner
 * loops; dcc_poll_one is cheaper.
 *
 * The answer is 0, DCC_CANCELLED_BY_TOKEN, or a negative status for a bad handle.
 * `if (dcc_cancel_token_is_cancelled(token))` is right for the question whether to stop, because
 * nobody can cancel a bad handle. Write `> 0` for the question whether somebody cancelled. After a
 * positive answer this thread sees everything that the cancelling thread wrote before the cancel. */
DCC_API dcc_status dcc_cancel_token_is_cancelled(const dcc_cancel_token *token);

/** Writes the reason of the cancel. Any thread may call this. At most `size` bytes are written, NUL
 * included; a longer text is cut between two characters. `out_length` gets the whole length in
 * bytes without the NUL; it may be NULL. `buffer` may be NULL if `size` is 0. DCC_NOT_CANCELLED,
 * with an empty text: the token is not cancelled. */
DCC_API dcc_status dcc_cancel_token_reason(const dcc_cancel_token *token, char *buffer, size_t size,
                                           size_t *out_length);

/** Writes why the token is cancelled. Any thread may call this. DCC_NOT_CANCELLED, with
 * DCC_CAUSE_NONE: the token is not cancelled. */
DCC_API dcc_status dcc_cancel_token_cause(const dcc_cancel_token *token, dcc_cause *out_cause);

/** Writes how many nanoseconds ago the token was cancelled. For a token that was cancelled through
 * a parent this is the time since the cancel of the parent. Any thread may call this.
 * DCC_NOT_CANCELLED, with 0: the token is not cancelled. */
DCC_API dcc_status dcc_cancel_token_time_since_cancelled(const dcc_cancel_token *token,
                                                         uint64_t *out_since_cancel_ns);

/** Writes the caller id that the token was created with, or an empty text. Any thread may call
 * this. The buffer is filled as by dcc_cancel_token_reason. */
DCC_API dcc_status dcc_cancel_token_caller_id(const dcc_cancel_token *token, char *buffer,
                                              size_t size, size_t *out_length);

/** Creates a token that is cancelled when all of its `count` parents have left, and writes it to
 * `out_token`. Any thread may call this. A parent leaves when it is cancelled, or when its last
 * reference is gone. Use it for a result that several callers wait for, such as a shared bake or
 * download, which stops when the last of them has left. For a token that is cancelled when any
 * parent is, use dcc_cancel_token_create_from.
 *
 * - If all parents have left already, the token is cancelled at once.
 * - Without parents the token waits for the first parent that joins (dcc_cancel_token_join).
 * - A NULL entry stands for a parent that never leaves. So does a sealed parent (dcc_job_seal),
 *   which wants the result in any case.
 * - The handle of a dead parent fails the call with DCC_ERROR_INVALID_HANDLE. One parent may be
 *   given several times.
 *
 * You get one reference, which you release. The token does not keep its parents alive, and they do
 * not keep it alive. It can be cancelled, get a deadline and be a parent, as any other token.
 *
 * The token has the cause, time and reason of the parent that left last. If that parent was gone
 * rather than cancelled, the cause is DCC_CAUSE_REQUEST and the reason is "nobody waits for it any
 * more". The cancel or release that makes the last parent leave cancels the token, and what is
 * below it, before it returns. The token's callbacks run in that call too, or on the library's
 * callback thread if the call is one that leaves callbacks to that thread, such as
 * dcc_cancel_token_cancel_async. If several parents leave at the same moment, one of them is the
 * last. */
DCC_API dcc_status dcc_cancel_token_create_all(const dcc_cancel_token *const *parents, size_t count,
                                               dcc_cancel_token **out_token);

/** Lets a token of dcc_cancel_token_create_all wait for one more parent. Any thread may call this.
 * The parent leaves as the others do; a NULL parent never leaves.
 *
 * - DCC_OK: the token waits for this parent, too. The token itself can still be cancelled. If
 *   `token` is NULL, the answer is DCC_OK and nothing happens.
 * - DCC_ALREADY_CANCELLED: too late, all parents had left or the token was cancelled. Create a new
 *   token, and begin the work of the old one again.
 * - DCC_ERROR_INVALID_ARGUMENT: the token does not come from dcc_cancel_token_create_all.
 *
 * A join at the same moment as the last leave comes before or after it, and the answer says which. */
DCC_API dcc_status dcc_cancel_token_join(const dcc_cancel_token *token,
                                         const dcc_cancel_token *parent);

/* 3. Current token and poll: how a loop learns that it is to stop
 *
 * Each thread has a current token and a current job. The caller of a plugin sets them, and the plugin's loops
 * ask, without knowing who the caller is:
 *
 *     dcc_poll_pair poll = dcc_poll_current();
 *     for (size_t i = 0; i < count; ++i) {
 *         if (dcc_poll(poll))
 *             break;
 *         smooth(i);
 *     }
 *
 * Outside of inner loops dcc_check_cancelled asks the same without a snapshot. */

/** A ticket: a `set`, an enter or a shield writes it, and the matching reset or exit takes it. It
 * is good once, on the thread that got it. */
typedef uint64_t dcc_ticket;

/** Makes a token the current token of the calling thread, and writes the ticket for
 * dcc_cancel_token_reset_current. It is meant for dispatchers. Any thread may call this, for
 * itself; a new thread starts with nothing current.
 *
 * The library holds the token until the reset, and your reference stays yours. A NULL token masks
 * an outer token until the reset. Calls nest. The slots for the token and the job are independent.
 * DCC_ERROR_RESOURCES: too many holders keep the token, see dcc_context_capture. */
DCC_API dcc_status dcc_cancel_token_set_current(const dcc_cancel_token *token,
                                                dcc_ticket *out_ticket);

/** Restores the token that was current before the set that gave this ticket. Call it on the thread
 * of that set. It may release the last reference of a token.
 *
 * These errors leave the slots as they are:
 *
 * - DCC_ERROR_TICKET_USED: the ticket was used before, or was never given out.
 * - DCC_ERROR_WRONG_SLOT: the ticket is that of a job, a share or a context.
 * - DCC_ERROR_WRONG_THREAD: the ticket belongs to another thread.
 * - DCC_ERROR_WRONG_ORDER: a later set of this slot is still in force. */
DCC_API dcc_status dcc_cancel_token_reset_current(dcc_ticket ticket);

/** Returns the current token of the calling thread, or NULL. Any thread may call this, for itself.
 * The token is lent until the reset that takes it off this thread; retain it to keep it longer. */
DCC_API dcc_cancel_token *dcc_cancel_token_current(void);

/** Makes a job the current job of the calling thread, and writes the ticket for
 * dcc_job_reset_current. It is otherwise as dcc_cancel_token_set_current. */
DCC_API dcc_status dcc_job_set_current(const dcc_job *job, dcc_ticket *out_ticket);

/** Restores the job that was current before the set that gave this ticket. It is otherwise as
 * dcc_cancel_token_reset_current. It may release the last reference of a job, and so call the
 * job's `destroy`. */
DCC_API dcc_status dcc_job_reset_current(dcc_ticket ticket);

/** Returns the current job of the calling thread, or NULL. Any thread may call this, for itself.
 * The job is lent until the reset that takes it off this thread, as with dcc_cancel_token_current.
 * dcc_job_id gives its id. */
DCC_API dcc_job *dcc_job_current(void);

/** The probe: tells whether the work of the calling thread should stop. Any thread may call this,
 * for itself. It is cheap, so call it in every iteration. `if (dcc_check_cancelled())` means stop.
 *
 * - 0: go on. This is also the answer if nothing is current.
 * - DCC_CANCELLED_BY_TOKEN: the current token is cancelled.
 * - DCC_CANCELLED_BY_JOB: the current job is cancelled, and the current token is not.
 *
 * It asks a current job's `is_cancelled` function when that is due. */
DCC_API dcc_status dcc_check_cancelled(void);

/** Probes the current token alone, whatever the current job says. Any thread may call this, for
 * itself. The answer is 0 or DCC_CANCELLED_BY_TOKEN. */
DCC_API dcc_status dcc_cancel_token_check_current(void);

/** One layer of a poll, a snapshot of a token. Its layout never changes: inlined code compares
 * `*word` with `expected`. Do not fill it in or change it yourself. */
typedef struct dcc_poll_layer {
    /** The token's state word; never NULL, and readable for ever. */
    const uint64_t *word;
    /** The value of `*word` while there is nothing to ask: no cancel, no poll trace, no
     * `is_cancelled` function. `expected & DCC_POLL_HANDLE` is the token's handle. */
    uint64_t expected;
} dcc_poll_layer;

/** Both layers of a poll: of the current token and of the current job. */
typedef struct dcc_poll_pair {
    /** The layer of the current token. */
    dcc_poll_layer token;
    /** The layer of the current job. */
    dcc_poll_layer job;
} dcc_poll_pair;

/* Takes a snapshot of what is current on the calling thread, for dcc_poll in a loop. Any thread may call
 * this, for itself. A later set or reset does not change the snapshot. It holds no reference: after the token
 * or the job has died, a poll answers DCC_POLL_GONE, which means "stop". Other threads may poll it too. */
#define dcc_poll_current() dcc_poll_current_at(__FILE__, __LINE__)

/* Polls a snapshot of dcc_poll_current, and answers as dcc_check_cancelled does, or DCC_POLL_GONE. While
 * nothing is cancelled or traced and there is no `is_cancelled` function to ask, it costs one relaxed load
 * and one compare for the token, and the same for the job. Take the snapshot by value: behind a pointer the
 * compiler has to read it again in each iteration. */
#define dcc_poll(pair) dcc_poll_at((pair), __FILE__, __LINE__)

/* Takes a snapshot of one token, for dcc_poll_one. Any thread may call this. The snapshot holds no reference.
 * The snapshot of NULL is never cancelled. A poll of a bad handle's snapshot answers DCC_POLL_GONE. */
static inline dcc_poll_layer dcc_poll_of(const dcc_cancel_token *token);

/* Polls a snapshot of dcc_poll_of, or one layer of a dcc_poll_pair, and answers 0, DCC_CANCELLED_BY_TOKEN or
 * DCC_POLL_GONE. */
#define dcc_poll_one(layer) dcc_poll_one_at((layer), __FILE__, __LINE__)

/* 4. Jobs: one unit of a host's work
 *
 * A job: one unit of a host's work. It is a token with an id, a label, a state and a progress, shared by
 * reference count. NULL is a job that does not exist.
 *
 * A job begins, and it ends exactly once: as completed, failed, cancelled or interrupted. A cancel only asks
 * the job to stop. The job's code sees the cancel by polls while the job is current (chapter 3), and then
 * ends the job. */

/** State of a job: there is no job. */
#define DCC_JOB_NONE 0
/** State of a job: created and not begun. */
#define DCC_JOB_PENDING 1
/** State of a job: begun and not ended. */
#define DCC_JOB_RUNNING 2
/** State of a job that has ended: it did its work, whether or not it was asked to stop meanwhile. */
#define DCC_JOB_COMPLETED 3
/** State of a job that has ended: its work failed. */
#define DCC_JOB_FAILED 4
/** State of a job that has ended: it saw that it was asked to stop, and stopped. */
#define DCC_JOB_CANCELLED 5

/** State of a job that was ended from outside: its last reference was released before it ended, its
 * host gave it up (dcc_job_interrupt), or its dispatcher or owner was closed. */
#define DCC_JOB_INTERRUPTED 6

/** Flag of a job: its `is_cancelled` function may be asked on any thread, not only on the creating
 * thread. */
#define DCC_JOB_ASK_ON_ANY_THREAD 1

/** Flag of a job without a `parent`: the job is below what is current on the creating thread
 * (chapter 3). A cancel of that token or job then cancels the new job. So a job that is created
 * inside another job's work stops with that job, and a job that is created for the request whose
 * token is current stops with that request. If a `parent` is given, the flag has no effect.
 * dcc_cancel.hpp and the Python package set the flag unless the job is to be detached. In an event
 * loop that a job runs, do not set the flag for work that has nothing to do with that job.
 *
 * The current token or the current job may be below the other, for instance a current job below
 * the token of its request. Then only the lower of the two becomes the parent, here the current
 * job. So a seal of the current job keeps a cancel of the request from the new job, too; see
 * dcc_job_seal. After the current job has ended, a cancel from above it still reaches the new job,
 * unless the current job was sealed. */
#define DCC_JOB_BELOW_CURRENT 2

/** A host's own check whether the work should stop, for instance because the user has pressed Esc.
 * 0: go on. Any other answer: stop. The function must not unwind or longjmp. */
typedef int32_t (*dcc_is_cancelled_fn)(void *user_data);

/** What a job is created from. Set all bytes to zero, then `struct_size` to sizeof, then the fields
 * that you need. */
typedef struct dcc_job_desc {
    /** sizeof(dcc_job_desc) */
    uint32_t struct_size;
    /** DCC_JOB_ASK_ON_ANY_THREAD, DCC_JOB_BELOW_CURRENT, both or 0. */
    uint32_t flags;
    /** Name for people: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. May be NULL. */
    const char *label;
    /** Length of `label` in bytes, or DCC_NUL_TERMINATED. */
    size_t label_length;
    /** Your own id for the job: UTF-8, up to DCC_MAX_CALLER_ID_LENGTH bytes, copied. May be NULL. */
    const char *caller_id;
    /** Length of `caller_id` in bytes, or DCC_NUL_TERMINATED. */
    size_t caller_id_length;
    /** A token whose cancel cancels the job. With NULL no token does, unless `flags` has
     * DCC_JOB_BELOW_CURRENT. */
    const dcc_cancel_token *parent;
    /** Passed to `destroy` and `is_cancelled`, and returned by dcc_job_user_data. */
    void *user_data;
    /** Called once with `user_data` when the job is gone, in the call that gave back its last
     * reference; or in dcc_owner_close of `owner`. A call that must not run your code leaves this
     * to the library's callback thread. `destroy` is not called if the create fails. It may use
     * the library. May be NULL. */
    dcc_destroy_fn destroy;
    /** The host's own check. With it dcc_check_cancelled, polls of the job and waits ask this
     * function, too, unless the function is running already. They ask it on the creating thread
     * only, unless `flags` has DCC_JOB_ASK_ON_ANY_THREAD. Polls of a token or job that is made
     * current on top of this job on such a thread, for instance by a library that the job calls,
     * ask it as well, unless there is a mask (dcc_context_shield) in between. The first answer
     * other than 0 cancels the job for good (DCC_CAUSE_FOREIGN); workers and children see that
     * cancel. May be NULL. */
    dcc_is_cancelled_fn is_cancelled;
    /** Minimum number of nanoseconds between two calls of `is_cancelled`. Before they have passed,
     * the function is not due, and polls do not ask it. With 0 each poll asks. */
    uint64_t min_interval_ns;
    /** The plugin that `destroy` and `is_cancelled` belong to, see dcc_owner_close. NULL if they
     * stay loaded. */
    const dcc_owner *owner;
} dcc_job_desc;

/** Creates a pending job and writes it to `out_job`. Any thread may call this. You get one
 * reference, which you release. If the call fails, nothing is left behind and `user_data` is still
 * yours. */
DCC_API dcc_status dcc_job_create(const dcc_job_desc *desc, dcc_job **out_job);

/** Adds a reference, which you release. Any thread may call this. */
DCC_API dcc_status dcc_job_retain(const dcc_job *job);

/** Gives a reference back. Any thread may call this. The last release ends the life of the job: its
 * `destroy` is called, and a job that has not ended ends as interrupted. If the library still uses
 * the job, it lives on until the last such use: while it is posted and unfinished, current on a
 * thread, captured, or being listed. */
DCC_API dcc_status dcc_job_release(dcc_job *job);

/** Returns the id that the library gave the job. Any thread may call this. Ids are unique in the
 * process, below 2^53, and in no order. The id is 0 for NULL and for a bad handle. */
DCC_API uint64_t dcc_job_id(const dcc_job *job);

/** Finds a live job by its id and writes it to `out_job`. Any thread may call this. You get one
 * reference, which you release. DCC_NOT_FOUND, with NULL: no live job has this id. */
DCC_API dcc_status dcc_job_find(uint64_t id, dcc_job **out_job);

/** Returns the job's token, which is cancelled when the job is. Any thread may call this. The token
 * is lent as long as the job lives; retain it to keep it longer. For NULL and for a bad handle the
 * answer is NULL. */
DCC_API dcc_cancel_token *dcc_job_token(const dcc_job *job);

/** Writes the user data that the job was created with, or NULL. Any thread may call this. The data
 * lives as long as the job, so hold a reference of the job while you use it. */
DCC_API dcc_status dcc_job_user_data(const dcc_job *job, void **out_user_data);

/** Asks a job to stop. Any thread may call this. The job's polls see the cancel; the job ends
 * itself, and may still complete.
 *
 * - DCC_OK: this call was the first to ask.
 * - DCC_ALREADY_CANCELLED: another call was first, and its reason stays.
 * - DCC_ALREADY_ENDED, DCC_SEALED (see dcc_job_seal): too late, and nothing changes.
 *
 * `reason` and callbacks are as in dcc_cancel_token_cancel. If the job ends at the same moment,
 * its end stays, and the answer may be DCC_OK or DCC_ALREADY_ENDED. */
DCC_API dcc_status dcc_job_cancel(const dcc_job *job, const char *reason, size_t reason_length);

/** Tells whether a job was asked to stop. Any thread may call this. The answer is 0,
 * DCC_CANCELLED_BY_JOB, or a negative status for a bad handle. `if (dcc_job_is_cancelled(job))` is
 * right for the question whether to stop, `> 0` for the question whether somebody asked, as for
 * dcc_cancel_token_is_cancelled. */
DCC_API dcc_status dcc_job_is_cancelled(const dcc_job *job);

/** Writes the state of a job, one of the DCC_JOB_ states, to `out_state`. Any thread may call this.
 * The state of NULL is DCC_JOB_NONE. */
DCC_API dcc_status dcc_job_state(const dcc_job *job, int32_t *out_state);

/** Begins a pending job, which is running from then on. Any thread may call this. It does not make
 * the job current; dcc_job_set_current does.
 *
 * - DCC_CANCELLED_BY_JOB: the job was asked to stop before it began, and stays pending. Do not run
 *   it; call dcc_job_acknowledge_cancel.
 * - DCC_ERROR_WRONG_STATE: the job is not pending. */
DCC_API dcc_status dcc_job_begin(const dcc_job *job);

/** Ends a running job as completed. Any thread may call this. A cancel that came before changes
 * nothing.
 *
 * - DCC_OK: this call ended the job.
 * - DCC_ALREADY_ENDED: the job had ended before, and stays as it was.
 * - DCC_ERROR_WRONG_STATE: the job has not begun.
 *
 * If several calls end the job at the same moment, exactly one of them succeeds. */
DCC_API dcc_status dcc_job_complete(const dcc_job *job);

/** Ends a pending or running job as failed. Any thread may call this. `message` is for people:
 * UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied; it may be NULL. The answer is DCC_OK or
 * DCC_ALREADY_ENDED, as for dcc_job_complete. */
DCC_API dcc_status dcc_job_fail(const dcc_job *job, const char *message, size_t message_length);

/** Ends a pending or running job as cancelled: its code saw that the job or the current token was
 * asked to stop, and stopped. Any thread may call this. The answer is DCC_OK or DCC_ALREADY_ENDED,
 * as for dcc_job_complete, or DCC_SEALED: this call ended the job, but as failed, because the job
 * is sealed. */
DCC_API dcc_status dcc_job_acknowledge_cancel(const dcc_job *job);

/** Ends a pending or running job whose code gave up with an error. Call it on the thread whose code
 * gave up, before or after the job stops being current there. If the code was told to stop before,
 * the job ends as cancelled, with the message: a library that throws because its callback asked it
 * to stop has not failed. Otherwise, and if the job is sealed, it ends as failed, as by
 * dcc_job_fail. The answer is DCC_OK or DCC_ALREADY_ENDED, as for dcc_job_complete.
 *
 * The code was told to stop in each of these cases:
 *
 * - `was_told` is not 0: the caller knows that the code was told.
 * - While the job was current on this thread, a poll or another question of this thread whether to
 *   stop was answered with stop.
 * - A poll of another thread that has the job's context was answered with stop.
 * - This thread called the function that cancelled the job, while the job was current here.
 *
 * If the job itself is not cancelled, the answer "stop" counts only if it came from the current
 * token beside the job. A token below the job does not count, because it stops only a part of the
 * job's work. A token or job that is not current here does not count either. Another job may be
 * current around this job on this thread. If that job is cancelled, too, it counts as told from
 * then on. */
DCC_API dcc_status dcc_job_end_by_error(const dcc_job *job, int32_t was_told, const char *message,
                                        size_t message_length);

/** Ends a pending or running job from outside as interrupted, for instance because its host closes.
 * Any thread may call this. `message` says why, as in dcc_job_fail. The code that runs the job
 * does not see this end, so cancel the job before. The answer is DCC_OK or DCC_ALREADY_ENDED, as
 * for dcc_job_complete. */
DCC_API dcc_status dcc_job_interrupt(const dcc_job *job, const char *message,
                                     size_t message_length);

/** Writes the job's label. Any thread may call this. The buffer is filled as by
 * dcc_cancel_token_reason. */
DCC_API dcc_status dcc_job_label(const dcc_job *job, char *buffer, size_t size, size_t *out_length);

/** Writes the caller id that the job was created with. Any thread may call this. The buffer is
 * filled as by dcc_cancel_token_reason. */
DCC_API dcc_status dcc_job_caller_id(const dcc_job *job, char *buffer, size_t size,
                                     size_t *out_length);

/** Writes the message of the job's end: why the job failed or was interrupted, or the error with
 * which the code of a cancelled job gave up (dcc_job_end_by_error). Without such a message the
 * text is empty. Any thread may call this. The buffer is filled as by dcc_cancel_token_reason. */
DCC_API dcc_status dcc_job_failure(const dcc_job *job, char *buffer, size_t size,
                                   size_t *out_length);

/** Seals a running job: lets it pass its point of no return. Any thread may call this. Call it
 * right before a step that cannot be taken back, such as keeping an undo step or replacing a file.
 * `if (dcc_job_seal(job)) return;` is right.
 *
 * - DCC_OK: go ahead. The job is sealed, by this call or before, and no cancel reaches it any
 *   more.
 * - DCC_CANCELLED_BY_JOB: a cancel was first. Leave the irreversible step out, and stop.
 * - DCC_ALREADY_ENDED: the job has ended.
 * - DCC_ERROR_WRONG_STATE: the job has not begun, and nobody has asked it to stop.
 * - DCC_ERROR_RESOURCES: the job works for more than 32 requests, or more than 256 links to
 *   ancestors would have to be followed. Nothing happened.
 *
 * The call is also a question whether to stop: it first asks the job's `is_cancelled` function, if
 * there is one and it is due. If a cancel and a seal come at the same moment, one of them wins,
 * and both callers get the matching answer.
 *
 * After the seal no cancel changes the job. A cancel of the job itself answers DCC_SEALED, and a
 * cancel of a parent does not reach the job. The job's `is_cancelled` function is not asked any
 * more. This call clears the deadline of the job's token, drops the token's callbacks and runs
 * their destroy-notifies. Waits for the token answer DCC_NEVER, and its native events stay unset.
 * Polls of the job answer 0 from now on, even if the token of the same poll is cancelled. What was
 * created below the job keeps its own cancels, deadlines and other parents.
 *
 * A sealed job ends as completed, failed or interrupted, never as cancelled. If code after the
 * seal polls, put it behind dcc_context_shield.
 *
 * If the job works for a request of a peer (chapter 10), the peer is owed the result, even if the
 * request is cancelled after the seal. Such a cancel asks everything else that works for the
 * request to stop. The job works for a request if the request's token is the job's parent, or if
 * only tokens of no job, or of jobs that have ended, lie in between. Requests that only share a
 * token of dcc_cancel_token_create_all do not count: each of them is told of its own cancel. */
DCC_API dcc_status dcc_job_seal(const dcc_job *job);

/** Tells whether a job is sealed, that is past its point of no return (dcc_job_seal). Any thread
 * may call this. The answer is 0, DCC_SEALED, or a negative status for a bad handle, so
 * `if (dcc_job_is_sealed(job) > 0)` is right. A sealed job stays sealed, even after its end. */
DCC_API dcc_status dcc_job_is_sealed(const dcc_job *job);

/* 5. Progress: how far a job is
 *
 * A share: a part of the progress bar of a job. It is for a step, or for what a library does in a
 * step. It is shared by reference count. NULL is a share in which nothing counts; dcc_progress_add
 * still answers for it whether what is current should stop.
 *
 * The code that knows the whole work says what each step is worth. The code of a step counts in
 * its own units and need not know that it is a part of something. In this example `begin` fills in
 * a dcc_progress_desc:
 *
 *     dcc_progress *all = begin(NULL, 0, 100);          // the current job's, in 100 units
 *     dcc_progress *step = begin(all, 25, 0);           // 25 of these
 *     dcc_progress_set_current(step, &ticket);
 *     collect();                                        // takes the step, and counts as it likes:
 *
 *         dcc_progress *mine = begin(NULL, 0, count);
 *         dcc_progress_counter counter = dcc_progress_counter_of(mine);
 *         for (size_t i = 0; i < count && !dcc_progress_advance(&counter, 1); ++i)
 *             collect_one(i);
 *         dcc_progress_flush(&counter);
 *         dcc_progress_end(mine);
 *         dcc_progress_release(mine);
 *
 *     dcc_progress_reset_current(ticket);
 *     dcc_progress_end(step);
 *     dcc_progress_release(step);
 *
 * The shown progress never falls. If a total changes, the part of the share that is still empty is
 * spread over the units that are still to come. A share that has ended is full, however far it
 * was, and shares that were begun below it no longer count. If the job was asked to stop, a share
 * that ends stays as full as it was. A share does not keep its job alive; when the job is gone,
 * nothing counts in the share any more.
 *
 * dcc_job_set_progress is enough for a job with one counter. A job that is made of steps divides its bar into
 * shares, and a library that it calls fills its own share without knowing its caller. */

/** How far a job is. Set `struct_size` to sizeof before the call. */
typedef struct dcc_job_progress {
    /** sizeof(dcc_job_progress); the call writes back how many bytes it filled. */
    uint32_t struct_size;
    /** Reserved; the call writes 0. */
    uint32_t reserved;
    /** Units done, as dcc_job_read_progress defines them. */
    uint64_t done;
    /** Units in all, 0 while unknown. */
    uint64_t total;
    /** How much of the job's bar is filled, from 0 to 1. It never falls, and it is 1 only after the
     * job has completed. While a total is unknown it rises ever more slowly. */
    double fraction;
    /** Estimated time that the job still needs, 0 after its end. DCC_NO_LIMIT while it is unknown:
     * in the first seconds, in the first tenth of the bar, while the bar stands still, and while a
     * total is unknown or grew lately. The estimate is no better than the weights of the shares,
     * so show it coarsely. It is computed when somebody looks, so look regularly. */
    uint64_t time_left_ns;
    /** Units that were counted beyond the total of their share, or in a share all of which another
     * share has taken (dcc_progress_begin with a NULL `parent`). They are not shown. */
    uint64_t over;
    /** Units that were counted after their share or the job had ended. They are not shown. */
    uint64_t late;
} dcc_job_progress;

/** Reports how far a running job is, and answers whether to stop. Any thread may call this.
 *
 * - 0: go on. Behind dcc_context_shield this is the answer even if something is cancelled.
 * - DCC_CANCELLED_BY_TOKEN: the current token is cancelled.
 * - DCC_CANCELLED_BY_JOB: this job is cancelled.
 * - DCC_ERROR_WRONG_STATE: the job is not running.
 *
 * `total` is 0 while it is unknown. `message` is UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied;
 * NULL keeps the previous message. If a share of this job is current on this thread
 * (dcc_progress_set_current), the report counts in that share, else in the whole job.
 *
 * Progress only grows. A report with a smaller `done`, for instance of a slower worker, is ignored
 * if its `total` is the present or the previous one. With another `total` it begins a new count.
 * Whenever `total` changes, the part of the bar that is still empty is spread over the units that
 * are still to come. */
DCC_API dcc_status dcc_job_set_progress(const dcc_job *job, uint64_t done, uint64_t total,
                                        const char *message, size_t message_length);

/* Adds the place of the call, since a report of progress is a poll, too. The poll trace names the place. */
#define dcc_job_set_progress(...) dcc_job_set_progress_at(__VA_ARGS__, __FILE__, __LINE__)

/** Writes how far a job is to `out_progress`. Any thread may call this. `done` and `total` are what
 * dcc_job_set_progress reported. From the moment when the job has shares or its total has changed,
 * they are millionths of the bar. The call also asks the counters of the job's shares to flush, so
 * the next call shows what they have counted until now. */
DCC_API dcc_status dcc_job_read_progress(const dcc_job *job, dcc_job_progress *out_progress);

/** Writes what the job is doing: the newest message of the job and of those of its shares that have
 * not ended. The labels of the shares that the message belongs to stand before it, as in "Export >
 * Textures > 4k.exr". Any thread may call this. The buffer is filled as by
 * dcc_cancel_token_reason. */
DCC_API dcc_status dcc_job_progress_message(const dcc_job *job, char *buffer, size_t size,
                                            size_t *out_length);

/** What a share begins with. Set all bytes to zero, then `struct_size` to sizeof, then the fields
 * that you need. */
typedef struct dcc_progress_desc {
    /** sizeof(dcc_progress_desc) */
    uint32_t struct_size;
    /** Reserved; must be 0. */
    uint32_t reserved;
    /** The share that the new share is a part of. NULL: the new share takes the whole of the share
     * that is current on this thread or, if that does not belong to the current job, of the
     * current job. */
    const dcc_progress *parent;
    /** How many units of `parent` the share is worth; 0 if `parent` is NULL. Units beyond the total
     * of `parent` are worth nothing. */
    uint64_t weight;
    /** Units of the share itself, 0 while unknown. */
    uint64_t total;
    /** Name for people: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. May be NULL. */
    const char *label;
    /** Length of `label` in bytes, or DCC_NUL_TERMINATED. */
    size_t label_length;
} dcc_progress_desc;

/** Begins a share and writes it to `out_progress`. Any thread may call this. You get one reference,
 * which you release. The share is NULL, which all calls accept, if `parent` is NULL and no job is
 * current on this thread, or if the job is gone.
 *
 * With a NULL `parent` the share takes all of the current share or job, if that has no total,
 * nothing was counted in it, and no other share was begun in it. Otherwise the new share is worth
 * nothing: its messages are shown and its units are not, so nothing is counted twice. After a
 * share that took everything has ended, the next one gets the little that is left, or everything
 * if the first one counted nothing. Code that calls several libraries begins a share for each of
 * them, and makes it current. */
DCC_API dcc_status dcc_progress_begin(const dcc_progress_desc *desc, dcc_progress **out_progress);

/** Adds a reference, which you release. Any thread may call this. */
DCC_API dcc_status dcc_progress_retain(const dcc_progress *progress);

/** Gives a reference back. Any thread may call this. The last release ends the share. Contexts, and
 * threads on which the share is current, have references of their own, so call dcc_progress_end
 * for a share that has to end now. */
DCC_API dcc_status dcc_progress_release(dcc_progress *progress);

/** Ends a share. Any thread may call this. Your reference stays. The share is then full, however
 * far it was, unless its job was asked to stop. From then on nothing counts in it, not even from
 * threads that still have it, so flush your counters first. A second end does nothing. */
DCC_API dcc_status dcc_progress_end(const dcc_progress *progress);

/** Makes a share current on the calling thread, and writes the ticket for
 * dcc_progress_reset_current. Any thread may call this, for itself. Until the reset,
 * dcc_job_set_progress counts in this share, and a library's share without a `parent` becomes a
 * part of it. The library holds the share until then. Contexts that are captured meanwhile carry
 * the share to other threads. A NULL share masks an outer share; so does another job that becomes
 * current. */
DCC_API dcc_status dcc_progress_set_current(const dcc_progress *progress, dcc_ticket *out_ticket);

/** Restores the share that was current before the dcc_progress_set_current that gave this ticket.
 * Call it on the thread of that set. The errors are those of dcc_cancel_token_reset_current. */
DCC_API dcc_status dcc_progress_reset_current(dcc_ticket ticket);

/** Returns the share that is current on the calling thread, or NULL. Any thread may call this, for
 * itself. The share is lent. It may belong to a job other than the current one; then the work of
 * the current job does not count in it. */
DCC_API const dcc_progress *dcc_progress_current(void);

/** Counts `n` units of a share, and answers whether to stop. Any thread may call this. In loops
 * dcc_progress_advance is far cheaper. Units beyond the share's total are not shown. The answer is
 * that of dcc_job_set_progress for the share's job, or DCC_POLL_GONE, which means stop: the job is
 * gone. */
DCC_API dcc_status dcc_progress_add(const dcc_progress *progress, uint64_t n);

/** Changes how many units a share has in all, 0 while unknown. Any thread may call this. The part
 * of the share that is still empty is spread over the units that are still to come. A total that
 * is reached leaves about a thousandth of the share unfilled; units of a larger total that is set
 * afterwards fill that rest. DCC_POLL_GONE: the share's job is gone. */
DCC_API dcc_status dcc_progress_set_total(const dcc_progress *progress, uint64_t total);

/** Changes the message of a share, which dcc_job_progress_message shows. Any thread may call this.
 * `message` is UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. DCC_POLL_GONE: the share's job is
 * gone. */
DCC_API dcc_status dcc_progress_set_message(const dcc_progress *progress, const char *message,
                                            size_t message_length);

/** Counts units of a share for one loop on one thread, for dcc_progress_advance. Its layout never
 * changes, because inlined code reads and writes its fields. It holds no reference. Only
 * dcc_progress_counter_of and dcc_progress_read_counter make one. A counter of all zero bits must
 * not be used: its layers have no word to read, and a check for that would make each count dearer.
 * For a counter that counts nothing, take that of a NULL share. */
typedef struct dcc_progress_counter {
    /** The share that it counts for. */
    const dcc_progress *progress;
    /** Units that were counted here and are not yet counted in the share. */
    uint64_t pending;
    /** The word that changes when a reader asks for pending units. */
    dcc_poll_layer epoch;
    /** What was current when the counter was made, with the job of the share as its job. */
    dcc_poll_pair poll;
} dcc_progress_counter;

/* A counter of a share, for one loop on one thread; any number of threads may have one of the same share.
 * Count in it by dcc_progress_advance. Flush it by dcc_progress_flush after the loop, and before anything
 * that blocks or takes long: units that are not flushed are not shown, and are lost with the counter. A later
 * set or reset does not change it. It holds no reference: keep one of the share. */
static inline dcc_progress_counter dcc_progress_counter_of(const dcc_progress *progress);

/* Counts `n` units, and answers whether to stop: 0, or why to stop, as dcc_progress_add does. For innermost
 * loops: the units stay in the counter until a reader asks for them or something is cancelled. `counter` must
 * come from dcc_progress_counter_of: with a zeroed one this reads through NULL. */
#define dcc_progress_advance(counter, n) dcc_progress_advance_at((counter), (n), __FILE__, __LINE__)

/* Counts the units that the counter holds, and answers whether to stop, as dcc_progress_add does. */
#define dcc_progress_flush(counter) dcc_progress_flush_at((counter), __FILE__, __LINE__)

/* 6. Contexts: what is current, taken along to another thread
 *
 * A context: the current token, job and share of progress of a thread, captured. It is shared by reference
 * count. NULL is the empty context.
 *
 * A new thread has no current token and no current job. It enters the context to have both. A library call
 * carries them into a third-party library that has a callback for interrupts. */

/** Captures what is current on the calling thread, so that other threads can enter it, and writes
 * the context to `out_context`. Any thread may call this, for itself. You get one reference, which
 * you release. The context keeps the token and the job alive.
 *
 * DCC_ERROR_RESOURCES: 258,047 contexts, thread slots and other holders already keep the token or
 * the job. All other calls on that object still work. */
DCC_API dcc_status dcc_context_capture(dcc_context **out_context);

/** A function that a thread runs, in the form of POSIX threads. It must not unwind or longjmp.
 * pthread_exit unwinds, so return instead. */
typedef void *(*dcc_thread_fn)(void *user_data);

/** Captures what is current on the calling thread together with a function that another thread runs
 * in it, and writes the context to `out_context`. Any thread may call this, for itself. It serves
 * pthread_create and host pools, which take a function and one pointer. Without it a new thread
 * has nothing current, so its polls are never cancelled.
 *
 *     dcc_context *bound;
 *     if (dcc_context_bind(smooth_half, &half, NULL, &bound) < 0 ||
 *         pthread_create(&thread, NULL, dcc_context_run, bound) != 0)
 *         dcc_context_release(bound);
 *
 * You get one reference, which dcc_context_run takes. If the thread or task never starts, release
 * it with dcc_context_release. Retain the context once for each further thread that runs it, at
 * the same time or later. The context can also be entered, as one of dcc_context_capture.
 *
 * `destroy` may be NULL. Else it is called exactly once with `user_data` when the last reference
 * is gone and no thread is inside `function` any more, on the thread that causes this. If this
 * call fails, no function is called and `user_data` is still yours. The functions must stay loaded
 * until then: before the plugin is unloaded, join your threads and wait for your tasks in host
 * pools. */
DCC_API dcc_status dcc_context_bind(dcc_thread_fn function, void *user_data, dcc_destroy_fn destroy,
                                    dcc_context **out_context);

/** Runs the function of a bound context in that context; `bound` is what dcc_context_bind wrote.
 * Any thread may call this. Its type is that which pthread_create wants. For a pool whose tasks
 * have another type, write a function of your own:
 *
 *     static void task(void *bound) { dcc_context_run(bound); }
 *
 * The call takes one reference of `bound` and returns what the function returned. Anything that
 * the function left current on this thread is undone, as by dcc_context_unwind. The call may run
 * `destroy`, and a job's `destroy`.
 *
 * It returns NULL without calling the function, and dcc_last_error says why, in two cases:
 *
 * - `bound` is not a bound context, or it has no reference left.
 * - There is no memory for what this thread has current. The reference was taken nevertheless. */
DCC_API void *dcc_context_run(void *bound);

/** Adds a reference, which you release. Any thread may call this. */
DCC_API dcc_status dcc_context_retain(const dcc_context *context);

/** Gives a reference back. Any thread may call this. The last release lets the token and the job
 * go, and may call a job's `destroy`. */
DCC_API dcc_status dcc_context_release(dcc_context *context);

/** Makes a captured context current on the calling thread, all of it under one ticket, which
 * dcc_context_exit takes. Any thread may call this, any number of threads at the same time. A NULL
 * context masks what is current. If the thread ends without an exit, the library cleans up. */
DCC_API dcc_status dcc_context_enter(const dcc_context *context, dcc_ticket *out_ticket);

/** Masks what is current on the calling thread until dcc_context_exit, so that polls in between are
 * not cancelled. Any thread may call this, for itself. Use it for work that has to be done even
 * after a cancel, such as rolling back or closing files. It is as dcc_context_enter of NULL.
 * Contexts that are captured meanwhile carry the mask to other threads. */
DCC_API dcc_status dcc_context_shield(dcc_ticket *out_ticket);

/** Restores what was current before the enter or shield that gave this ticket. Call it on the
 * thread of the enter. The errors are those of dcc_cancel_token_reset_current. */
DCC_API dcc_status dcc_context_exit(dcc_ticket ticket);

/** Restores what was current before the call that gave this ticket, whichever slot that call set.
 * Call it on the thread of the ticket. Everything that was set since then is undone, and its
 * tickets are used up, so a plugin that forgets a reset cannot leave a UI thread cancelled for
 * ever. Tokens and jobs that later calls left current are counted in `context_leaks` of dcc_stats.
 * The call may run a job's `destroy`. */
DCC_API dcc_status dcc_context_unwind(dcc_ticket ticket);

/** Writes the caller id of what the calling thread works on: that of the current token, else that
 * of the current job, else an empty text. Any thread may call this, for itself. The buffer is
 * filled as by dcc_cancel_token_reason. */
DCC_API dcc_status dcc_context_caller_id(char *buffer, size_t size, size_t *out_length);

/** A call of a library that asks now and then whether to stop. Set `struct_size` to sizeof, and let
 * dcc_library_call_begin fill in the rest. The structure is yours and holds no references. Keep it
 * in place until the library has returned. */
typedef struct dcc_library_call {
    /** sizeof(dcc_library_call); dcc_library_call_begin writes back how many bytes it filled. */
    uint32_t struct_size;
    /** The first answer to the library that was not 0: DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB
     * or DCC_POLL_GONE. 0 while all answers were 0. */
    dcc_status told;
    /** The token that was current at the beginning. */
    const dcc_cancel_token *token;
    /** The token of the job that was current at the beginning. */
    const dcc_cancel_token *job_token;
    /** The job that was current at the beginning. Report the library's progress to it with
     * dcc_job_set_progress. */
    const dcc_job *job;
} dcc_library_call;

/** Begins a call of a library, and fills in `out_call`. Any thread may call this, for itself. What
 * is current on this thread now is what dcc_library_call_ask asks later, on any thread. To ask
 * another token or job, make it current around this call.
 *
 *     dcc_library_call call = {.struct_size = sizeof call};
 *     dcc_library_call_begin(&call);
 *     int result = denoise(image, dcc_library_call_ask, &call);
 *     return dcc_library_call_end(&call, result == DENOISE_OK, result == DENOISE_ABORTED,
 *                                 denoise_text(result), DCC_NUL_TERMINATED); */
DCC_API dcc_status dcc_library_call_begin(dcc_library_call *out_call);

/** Answers a library's question whether to stop. Any thread may call this, also several at the same
 * time. Pass it to a library that wants an `int (*)(void *)` whose answer stops it unless it is 0,
 * or call it from a function of your own. `call` is the dcc_library_call.
 *
 * The answer is 0 to go on, else why to stop, as of dcc_poll. The first answer that is not 0 is
 * noted in `call`. The function asks a current job's `is_cancelled` function if that is due and
 * may be asked on this thread. It is as cheap as dcc_cancel_token_is_cancelled, so let the library
 * call it as often as it can. */
DCC_API dcc_status dcc_library_call_ask(void *call);

/** Ends a call of a library, and answers with its outcome. Any thread may call this, after the
 * library has returned. Each answer is a valid answer of a dcc_job_fn.
 *
 * `succeeded` is not 0 if the library did its work. `was_aborted` is not 0 if the library itself
 * says that it was stopped; an interrupt may have stopped it although it never asked. `words` is
 * what the library says of its end, as `message` of dcc_job_fail.
 *
 * - 0: go on. The job is as it was.
 * - DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB or DCC_POLL_GONE: the library was told to stop,
 *   or says that it was aborted. The job that was current at the beginning ends as cancelled, with
 *   the words. But if a token below the job stopped only a part of the job's work, the job goes
 *   on.
 * - DCC_LIBRARY_FAILED: the library failed for another reason. The job that was current at the
 *   beginning ends as failed, with the words.
 *
 * A job that had ended before stays as it was. */
DCC_API dcc_status dcc_library_call_end(const dcc_library_call *call, int32_t succeeded,
                                        int32_t was_aborted, const char *words,
                                        size_t words_length);

/* 7. Callbacks and owners: to be called at a cancel, and never after an unload
 *
 * A registration: a callback that a cancel of a token calls. It is yours until you unregister it, even after
 * the callback has run and after the token has died.
 *
 * An owner: the plugin, or the part of a plugin, that functions belong to. Name it in every call that takes
 * functions, and close it before they are unloaded. NULL is the owner of functions that stay loaded as long
 * as the process.
 *
 * After dcc_owner_close no function that belongs to the owner runs, or is called any more. */

/** A function that is called once when a token is cancelled. `token` is lent for the duration of
 * the call. The function must not unwind or longjmp. It may use the library freely: register,
 * unregister (also itself), cancel, create and release anything. */
typedef void (*dcc_cancel_fn)(const dcc_cancel_token *token, void *user_data);

/** Registers `function`, which is called once when `token` is cancelled. Any thread may call this.
 *
 * The function runs on the thread that cancels the token; for deadlines and
 * dcc_cancel_token_cancel_async it runs on the library's callback thread. It runs after the flags
 * of the token and of everything below it are set. The newest registration of a token is called
 * first. If the token is already cancelled, the function runs on this thread before this call
 * returns. For a NULL or a sealed token (dcc_job_seal) it never runs.
 *
 * `out_registration` gets the handle to unregister. If it is NULL, the registration ends by
 * itself. `owner` is the plugin that both functions belong to, NULL if they stay loaded. The
 * registration does not keep the token alive; dcc_cancel_token_register_keeping does.
 *
 * `destroy` may be NULL. Else it is called exactly once with `user_data` after the last use of it:
 * after the callback, or when the registration is unregistered, the token is sealed or gone
 * without a cancel, or `owner` is closed. If this call fails, no function is called and
 * `user_data` is still yours.
 *
 * A cancel at the same moment finds the registration, or the registration finds the cancel: the
 * function is called once in either case. */
DCC_API dcc_status dcc_cancel_token_register(const dcc_cancel_token *token, dcc_cancel_fn function,
                                             void *user_data, dcc_destroy_fn destroy,
                                             const dcc_owner *owner,
                                             dcc_registration **out_registration);

/** As dcc_cancel_token_register, but the registration keeps `token` alive until it is unregistered
 * or its function has been called, as a scoped C++ object does. Any thread may call this. You may
 * release the token at once: the function is called when a parent of the token is cancelled, its
 * deadline passes, or its job's own check says stop.
 *
 * The token is kept only while it has such a parent, deadline or check. Without one, and without
 * an owner of a reference, nobody can cancel the token. It is then gone in spite of its
 * registrations: waits for it end as gone, and `destroy` is called.
 *
 * `out_registration` must not be NULL, because the caller has to end what keeps the token alive. */
DCC_API dcc_status dcc_cancel_token_register_keeping(const dcc_cancel_token *token,
                                                     dcc_cancel_fn function, void *user_data,
                                                     dcc_destroy_fn destroy, const dcc_owner *owner,
                                                     dcc_registration **out_registration);

/** Ends a registration and your use of its handle, and waits for the callback if that is running on
 * another thread. Any thread may call this; hold no lock that the callback takes. When it returns,
 * the callback is not running on another thread and never will, and `destroy` has been called. A
 * NULL registration is DCC_OK, and nothing happens.
 *
 * - DCC_OK: the callback had not begun and will not run. `destroy` ran in this call.
 * - DCC_CALLBACK_DONE: the callback had run or had been dropped, because its token was gone or
 *   sealed or its owner was closed. If it was running on another thread, this call waited for it,
 *   and for nothing else.
 * - DCC_CALLBACK_RUNNING: the call was made from inside the callback. `destroy` is called after
 *   the callback has returned.
 * - DCC_ERROR_WOULD_DEADLOCK: the callback is running and waits, directly or through other
 *   threads, for this thread. The handle stays yours; use dcc_registration_unregister_no_wait. */
DCC_API dcc_status dcc_registration_unregister(dcc_registration *registration);

/** As dcc_registration_unregister, but never waits. Any thread may call this. DCC_CALLBACK_RUNNING
 * is the answer even if the callback is running on another thread. The callback and `destroy` may
 * then still be running when this call returns. */
DCC_API dcc_status dcc_registration_unregister_no_wait(dcc_registration *registration);

/** Creates an owner and writes it to `out_owner`. Any thread may call this. dcc_owner_close ends
 * it. An owner can have 258,047 registrations, jobs, posted jobs and dispatchers at a time. A
 * further one is refused with DCC_ERROR_RESOURCES, so that the owner can always be closed. */
DCC_API dcc_status dcc_owner_create(dcc_owner **out_owner);

/** Closes an owner and releases its handle. Any thread may call this. Call it before the owner's
 * functions are unloaded, and hold no lock that they take. After DCC_OK the library never calls
 * any of them again.
 *
 * From now on, even after the close, every call that names the owner answers DCC_ERROR_SHUTDOWN.
 * The close then ends what the owner has:
 *
 * - Its registrations are dropped.
 * - The `is_cancelled` of its jobs is not asked any more. Its jobs that have not begun end as
 *   interrupted, and so do its posted jobs between two slices. Running jobs of dcc_job_create go
 *   on, without their functions.
 * - Completions of its posted jobs run if this is the thread of their dispatcher. On another
 *   thread, and for jobs that run on another thread at this moment, they are left out and counted
 *   (`completions_dropped` of dcc_dispatcher_read_stats).
 * - Its dispatchers are closed, which asks their jobs to stop. No function of their descriptors is
 *   called any more.
 * - Every destroy-notify runs, on this thread or on the thread that is running it already.
 * - Finally the call waits for the owner's functions that run on other threads, however long they
 *   take. If posted jobs of this owner may be running in dispatchers of other owners, cancel them
 *   before the close.
 *
 * Two errors change nothing, and the owner stays open:
 *
 * - DCC_ERROR_WOULD_DEADLOCK: the close would wait for this thread. It is inside one of the
 *   owner's functions, or inside another owner's function while the library on this thread is
 *   calling, ending or closing something of this owner. Or a thread that is inside such a function
 *   waits, directly or through other threads, for this thread. Call again after that function has
 *   returned.
 * - DCC_ERROR_RESOURCES: there is no memory for the wait.
 *
 * While the close waits, another wait that would complete a ring with it is refused instead. A
 * NULL owner is DCC_OK, and nothing happens. */
DCC_API dcc_status dcc_owner_close(dcc_owner *owner);

/* 8. Deadlines and waits: a cancel at a time, and threads that sleep until something happens */

/** As dcc_cancel_token_cancel, but callbacks run on the library's callback thread. Any thread may
 * call this; it is meant for transport and signal-handling threads, which must not run foreign
 * code. When it returns, all flags are set and waiters are woken. DCC_ERROR_RESOURCES: the
 * callback thread cannot be started, and nothing was done. */
DCC_API dcc_status dcc_cancel_token_cancel_async(const dcc_cancel_token *token, const char *reason,
                                                 size_t reason_length);

/** Sets the token's deadline to `after_ns` nanoseconds from now. Any thread may call this. When the
 * deadline passes, the token is cancelled with DCC_CAUSE_DEADLINE, unless
 * dcc_cancel_token_clear_deadline comes before.
 *
 * - DCC_OK: the deadline is set. A NULL `token` is DCC_OK, and nothing happens.
 * - DCC_ALREADY_CANCELLED, DCC_SEALED (see dcc_job_seal): no deadline was set.
 *
 * A token has one deadline. Setting it again moves it, earlier or later; DCC_NO_LIMIT sets one
 * that never comes. Any cancel of the token removes the deadline. The deadline does not keep the
 * token alive, except through callbacks that do: see dcc_cancel_token_register_keeping.
 *
 * The library's timer thread sets the flags, and no callback can delay it; callbacks run on the
 * library's callback thread. But if `after_ns` is 0, this call cancels the token as
 * dcc_cancel_token_cancel does, with callbacks on this thread. A thread that must not run
 * callbacks passes 1 or more. */
DCC_API dcc_status dcc_cancel_token_set_deadline_after(const dcc_cancel_token *token,
                                                       uint64_t after_ns);

/** As dcc_cancel_token_set_deadline_after, but `at_ns` is a time on the library's clock
 * (dcc_clock_now_ns). Any thread may call this. If that time has passed, this call cancels the
 * token itself, with callbacks on this thread, as for an `after_ns` of 0. The deadline of a posted
 * job (dcc_post_desc) is always left to the timer thread. */
DCC_API dcc_status dcc_cancel_token_set_deadline(const dcc_cancel_token *token, uint64_t at_ns);

/** Removes the token's own deadline; the deadlines of its ancestors stay. Any thread may call this.
 *
 * - DCC_OK: the token had a deadline, which will not cancel it any more.
 * - DCC_NOT_FOUND: the token had no deadline, or is cancelled, or its deadline has passed and
 *   cancels it at this moment. */
DCC_API dcc_status dcc_cancel_token_clear_deadline(const dcc_cancel_token *token);

/** Writes when a deadline will cancel the token, on the library's clock: the earliest deadline of
 * the token and of its ancestors. Any thread may call this. The call looks at every ancestor.
 * Polls do not look at deadlines: when one comes, the timer thread cancels the token.
 *
 * - DCC_NOT_FOUND, with 0: there is no deadline, or the token is cancelled.
 * - DCC_ERROR_RESOURCES: there is no memory to look at the token's many ancestors. */
DCC_API dcc_status dcc_cancel_token_deadline(const dcc_cancel_token *token, uint64_t *out_at_ns);

/** A native event of the operating system: on Windows a HANDLE, else a file descriptor (an eventfd
 * or the reading end of a pipe). */
typedef ptrdiff_t dcc_native_event;

/** The dcc_native_event that stands for no event. */
#define DCC_NO_NATIVE_EVENT -1

/** Waits until a token is cancelled, for at most `timeout_ns` nanoseconds. Any thread may call
 * this, but a host's UI thread should not wait at all. With 0 it only looks; with DCC_NO_LIMIT it
 * waits without a limit.
 *
 * - DCC_CANCELLED_BY_TOKEN: the token is cancelled. Everything that was written before the cancel
 *   is visible.
 * - DCC_TIMED_OUT: the timeout passed first.
 * - DCC_POLL_GONE: nobody holds the token any more, so nobody can cancel it.
 * - DCC_NEVER: the token is NULL and there is no timeout; or the token is sealed (dcc_job_seal),
 *   before the call or during it.
 *
 * The wait does not keep the token alive.
 *
 * A thread that waits still learns that the host's user has pressed Esc. The wait asks the
 * `is_cancelled` functions that this thread may ask, of the token and of what is current on the
 * thread: at the beginning, and then at their `min_interval_ns`. Without an interval a function is
 * asked every 10 milliseconds, and none more often than every millisecond. It runs on this thread,
 * without a lock, and may use the library. If it says stop, its job is cancelled; that ends this
 * wait only if the token is that job's token or below it. */
DCC_API dcc_status dcc_cancel_token_wait(const dcc_cancel_token *token, uint64_t timeout_ns);

/** Waits until any of `count` tokens is cancelled or gone, as dcc_cancel_token_wait. Any thread may
 * call this. It also asks the `is_cancelled` functions of these tokens. NULL and sealed tokens are
 * skipped; a stale token fails the call. DCC_NEVER: there are tokens besides NULL and all of them
 * are sealed; or there are none, and no timeout. `out_index` may be NULL; else it gets the
 * position of the token that ended the wait, 0 if none did. */
DCC_API dcc_status dcc_cancel_token_wait_any(const dcc_cancel_token *const *tokens, size_t count,
                                             uint64_t timeout_ns, size_t *out_index);

/** Asks hosts' own checks as the waits of this library do, for a thread that waits in its own way,
 * for instance for a condition variable or for other threads. Any thread may call this. It costs a
 * few loads if no job has an `is_cancelled` function. Hold no lock that such a function or a
 * callback takes: both may run in this call.
 *
 * The call asks the `is_cancelled` functions that this thread may ask, of `token`, which may be
 * NULL, and of what is current on the thread, each at most once per `min_interval_ns`. If a
 * function says stop, its job and what is below it are cancelled; look at the token afterwards.
 * `out_again_ns` gets the nanoseconds after which to call again, or DCC_NO_LIMIT if there is
 * nothing to ask on this thread.
 *
 *     uint64_t again;
 *     while (!is_done()) {
 *         dcc_context_ask(token, &again);
 *         wait_for_change_at_most(again);
 *     } */
DCC_API dcc_status dcc_context_ask(const dcc_cancel_token *token, uint64_t *out_again_ns);

/** Writes a native event that is set when the token is cancelled or gone. Any thread may call this.
 * Use the event with poll, epoll, WaitForMultipleObjects or a toolkit's notifier (QSocketNotifier,
 * QWinEventNotifier). On Linux it is a descriptor for `poll` with POLLIN. It is level-triggered
 * and stays set; do not read from it. For a NULL or a sealed token it is never set.
 *
 * The event is your own duplicate. Close it with dcc_native_event_close or the system's own call,
 * even after the token is gone. Programs that the process starts do not inherit it. */
DCC_API dcc_status dcc_cancel_token_native_event(const dcc_cancel_token *token,
                                                 dcc_native_event *out_native_event);

/** Closes a native event of this library, for languages that cannot call the system's own function.
 * Any thread may call this. For DCC_NO_NATIVE_EVENT nothing happens. */
DCC_API dcc_status dcc_native_event_close(dcc_native_event native_event);

/** Waits until a job has really ended, for at most `timeout_ns` nanoseconds. Any thread may call
 * this, but the host's UI thread should not wait long. With 0 it only looks; with DCC_NO_LIMIT it
 * waits without a limit. Use it to cancel a job, wait until it has stopped, and then free what it
 * works on: dcc_job_cancel only asks.
 *
 * - DCC_OK: the job has ended, and everything that was written before its end is visible.
 *   dcc_job_state tells how it ended. A NULL job is DCC_OK at once.
 * - DCC_TIMED_OUT: the job has not ended yet. With a timeout of 0 this is also the answer if a
 *   longer wait would be refused.
 * - DCC_POLL_GONE: the job's last reference was released while it was unfinished, so nobody can
 *   end it any more. Its destroy-notify has run.
 * - DCC_NEVER: the thread of the job's dispatcher has ended, so the job's completion never runs. A
 *   timeout of 0 gets this answer, too. dcc_job_state tells whether the job itself has stopped.
 * - DCC_ERROR_WOULD_DEADLOCK: the end needs this thread, and the call did not wait; see below.
 * - DCC_ERROR_RESOURCES: no token was left for the wait. The first wait for a job, or its first
 *   native event, takes a token of the library until the job is gone.
 *
 * A job that is not posted ends in the call that ends it, such as dcc_job_complete or
 * dcc_job_fail. Make that call after the last use of what the job works on. A posted job ends
 * after its completion and its destroy-notify have run, or when they would have run if it has
 * none. They run on the dispatcher's thread, so the end comes only after that thread has pumped,
 * wherever the job itself ran. That holds even if the job was cancelled before it ran or its
 * dispatcher was shut down. If the job's owner is closed on another thread, the completion is left
 * out, and the job ends with that close.
 *
 * The end needs this thread in these cases:
 *
 * - The job is current on this thread, even if others were set on top of it or a context was
 *   entered.
 * - The job is posted, and this is its dispatcher's thread.
 * - The thread that has to end the job waits in a call of the library, directly or through other
 *   threads, for this thread.
 *
 * If another thread's later wait would close the ring of waiting threads, that wait is refused
 * instead. The library does not see a thread that waits in its own way, nor a thread that has to
 * end the job without having it current; wait with a limit there.
 *
 * The wait does not keep the job alive, but a reference that you hold does. If all others drop the
 * job unfinished while you hold a reference, it stays unfinished, and the wait goes on. So wait
 * with a limit. Or keep only the job's id: find the job by dcc_job_find for each short wait, and
 * release it afterwards. A cancel of what is current on this thread does not end the wait. The
 * wait asks `is_cancelled` functions as dcc_cancel_token_wait does, also that of this job. If a
 * worker of the library waits for a job that waits for a worker, it runs that job itself. */
DCC_API dcc_status dcc_job_wait(const dcc_job *job, uint64_t timeout_ns);

/** Writes a native event that is set when dcc_job_wait would return: when the job has ended, is
 * gone unfinished, or can never end. Any thread may call this, even one that must not wait. To
 * learn which, call dcc_job_wait with a timeout of 0. For NULL, and for a job that has ended, the
 * event is set already. Otherwise it is like the event of dcc_cancel_token_native_event:
 * level-triggered, and your own duplicate, which you close. */
DCC_API dcc_status dcc_job_native_event(const dcc_job *job, dcc_native_event *out_native_event);

/* 9. Dispatchers: a bounded queue of jobs that one thread pumps from its tick
 *
 * A dispatcher: a bounded queue of jobs for one thread, as a rule the UI thread. It is shared by reference
 * count.
 *
 * Any thread posts jobs. One thread, the dispatcher's thread, runs them: its host calls dcc_dispatcher_pump
 * there again and again, for instance from a timer. Such a call is a pump, or a tick. A tick has a budget of
 * time; jobs for which there is no time stay in the queue.
 *
 * A posted job waits for its turn until its function is called for the first time. The function of a long job
 * returns before its work is done and is called again: each of these calls is a slice. When the job has
 * ended, its completion runs on the dispatcher's thread. The job is unfinished until then. */

/** Flag of a dispatcher: the first thread that pumps it becomes the dispatcher's thread. Without
 * the flag that is the thread that creates it. */
#define DCC_DISPATCHER_BIND_LATER 1

/** Largest `capacity` of a dispatcher. */
#define DCC_MAX_CAPACITY 131072

/** A host's function that is told that a dispatcher has work. It arranges for a pump, for instance
 * by executeDeferred, a queued signal of Qt, or a ticker. It is called at most once between two
 * pumps, on the thread whose call made the work: one that posts, cancels, wakes or closes, one
 * that has run a job, a thread of the library, or the dispatcher's own thread at the end of a
 * pump. It must not pump, unwind or longjmp. */
typedef void (*dcc_wake_fn)(void *user_data);

/** A host's function that says "not now", for instance while the host collects garbage or loads a
 * scene. The answer 0 lets the pump go on; any other answer ends the pump. The function is called
 * on the dispatcher's thread before each job, slice and completion of a pump, unless the
 * dispatcher is closed. It must not unwind or longjmp. */
typedef int32_t (*dcc_veto_fn)(void *user_data);

/** A host's function that shows the progress of a job. It is called on the dispatcher's thread,
 * mostly in a pump, when `done` has changed and `progress_interval_ns` have passed since the last
 * call for this job. It is also called at the job's end if `done` has changed since the last call.
 * `job` is lent for the call; dcc_job_progress_message has the message. The function must not
 * unwind or longjmp. */
typedef void (*dcc_progress_fn)(const dcc_job *job,
                                uint64_t done,
                                uint64_t total,
                                void *user_data);

/** A host's function that lets the host's own thread pool call `run` with `argument`, once for each
 * call of this function. Answer 0 if the pool will do so. Any other answer means that the pool has
 * no room: then the post is refused with DCC_ERROR_OVERLOADED, or, before a further slice, the job
 * fails. `run` may be called before this function returns. This function is called on the posting
 * thread, and for a further slice on the thread that ran the slice before it. It must not unwind
 * or longjmp. */
typedef int32_t (*dcc_execute_fn)(void (*run)(void *argument), void *argument, void *user_data);

/** What a dispatcher is created from. Set all bytes to zero, then `struct_size` to sizeof, then the
 * fields that you need. */
typedef struct dcc_dispatcher_desc {
    /** sizeof(dcc_dispatcher_desc) */
    uint32_t struct_size;
    /** DCC_DISPATCHER_BIND_LATER or 0. */
    uint32_t flags;
    /** The most jobs that may wait for their turn, up to DCC_MAX_CAPACITY; 0 means 1024. At most
     * `capacity` + 16384 jobs may be unfinished: waiting for their turn, running, between two
     * slices, or ended with a completion that has not run yet. */
    uint32_t capacity;
    /** Zero. */
    uint32_t reserved;
    /** The time from the post to the deadline, for a job whose descriptor has no deadline. 0: no
     * deadline. */
    uint64_t default_deadline_after_ns;
    /** The dispatcher's thread counts as stuck after so many nanoseconds inside one function that a
     * pump has called, or inside one wait of this library. dcc_dispatcher_read_stats says so, and
     * dcc_dispatcher_post_and_wait stops waiting for a job that needs this thread. 0 means ten
     * seconds, DCC_NO_LIMIT never. */
    uint64_t wedge_threshold_ns;
    /** The least number of nanoseconds between two calls of `progress` for one job; 0 means 100
     * milliseconds. */
    uint64_t progress_interval_ns;
    /** Passed to all functions below. */
    void *user_data;
    /** Called once with `user_data`, when the last reference is gone and no job is unfinished, in
     * the call that brought this about; or in dcc_owner_close of `owner`. It is not called if the
     * create fails. May be NULL. */
    dcc_destroy_fn destroy;
    /** Called when the dispatcher has work, so that you arrange for a pump. With NULL you pump at
     * regular intervals. */
    dcc_wake_fn wake;
    /** Asked whether jobs may run now. May be NULL. */
    dcc_veto_fn veto;
    /** Shows progress. May be NULL. */
    dcc_progress_fn progress;
    /** Runs jobs with DCC_POST_ANY_THREAD on the host's threads. With NULL up to four threads of
     * the library run them. */
    dcc_execute_fn execute;
    /** The plugin that these functions belong to, see dcc_owner_close. NULL if they stay loaded. */
    const dcc_owner *owner;
} dcc_dispatcher_desc;

/** Creates a dispatcher and writes it to `out_dispatcher`. Any thread may call this; the calling
 * thread becomes the dispatcher's thread, unless `flags` has DCC_DISPATCHER_BIND_LATER. You get
 * one reference, which you release. If the call fails, nothing is left behind: `user_data` is
 * still yours, and `destroy` is not called. */
DCC_API dcc_status dcc_dispatcher_create(const dcc_dispatcher_desc *desc,
                                         dcc_dispatcher **out_dispatcher);

/** Adds a reference, which you release. Any thread may call this. */
DCC_API dcc_status dcc_dispatcher_retain(const dcc_dispatcher *dispatcher);

/** Gives a reference back. Any thread may call this. The last release closes the dispatcher, as
 * dcc_dispatcher_close does. While jobs are unfinished after that, dcc_dispatcher_pump still takes
 * the handle.
 *
 * A dispatcher with DCC_DISPATCHER_BIND_LATER that was never pumped has no thread. So its last
 * release runs the completions that are due, on the thread that makes it. Completions of jobs that
 * still run on other threads are left to a pump. */
DCC_API dcc_status dcc_dispatcher_release(dcc_dispatcher *dispatcher);

/** Closes a dispatcher for good: posts are refused from now on. Any thread may call this, even
 * inside a job. Jobs that wait for their turn or for their next slice end as interrupted, and
 * their functions are not called again. Running jobs are asked to stop. A
 * dcc_dispatcher_post_and_wait for a job that ends in this way returns. For NULL nothing happens.
 *
 * - DCC_OK: no job is unfinished. On the dispatcher's thread, outside of its pump, the completions
 *   of all jobs that have ended run before this returns.
 * - DCC_PENDING: jobs are unfinished, because this is another thread, or the call is inside a job
 *   or a completion, or jobs run on other threads.
 *
 * The next pump or close on the dispatcher's thread runs the completions of the jobs that have
 * ended by then, even if a bound of the pump is reached. If the dispatcher's thread has ended, the
 * completions never run, and their jobs stay counted in `unfinished_posts` of dcc_stats.
 *
 * A dispatcher with DCC_DISPATCHER_BIND_LATER has no thread before its first pump. Until then this
 * answers DCC_PENDING on every thread if there are jobs. So pump once before you repeat the close
 * until it answers DCC_OK.
 *
 * A second close does no harm, and tells whether jobs are unfinished. A post at the same moment is
 * either refused or accepted. If it is accepted, its completion runs as that of any other job. */
DCC_API dcc_status dcc_dispatcher_close(const dcc_dispatcher *dispatcher);

/** Finds the dispatcher's unfinished job with this caller id and writes it to `out_job`. Any thread
 * may call this. You get one reference, which you release. DCC_NOT_FOUND, with NULL: there is no
 * such job. To find a job by the library's id use dcc_job_find. */
DCC_API dcc_status dcc_dispatcher_find(const dcc_dispatcher *dispatcher, const char *caller_id,
                                       size_t caller_id_length, dcc_job **out_job);

/** Lane of a posted job: a user waits for it at the screen. */
#define DCC_LANE_INTERACTIVE 1
/** Lane of a posted job: the usual one. 0 means this lane. */
#define DCC_LANE_NORMAL 2

/** Lane of a posted job: it runs when there is time. The lane with the smaller number goes first.
 * But while all lanes have jobs, at least one in five of the jobs that run is from the normal
 * lane, and one in seventeen from this lane. */
#define DCC_LANE_BACKGROUND 3

/** Flag of a post: the job's function runs on a thread other than the dispatcher's: a worker of the
 * library, or a thread of the pool behind the dispatcher's `execute`. The completion still runs on
 * the dispatcher's thread. */
#define DCC_POST_ANY_THREAD 1

/** Flag of a post: the job's function can undo what it has begun. After a cancel between two slices
 * the job does not end at once: its function is called once more, in the next tick. The function
 * learns of the cancel as in any slice, by polls, and its answer ends the job. With the answer 0
 * the job has completed in spite of the cancel, for instance with a part of its work as the
 * result. If the function asks to be called again, the job ends as cancelled. A cancel before the
 * first slice, and a close of the dispatcher or of the owner, end the job without that call. */
#define DCC_POST_UNWINDS 2

/** Flag of a post without a `parent`: the job works for what is current on the posting thread. The
 * current token becomes its parent, and is current while the job runs. A cancel of the current job
 * cancels the posted job too. If a `parent` is given, this flag has no effect. The flag is
 * otherwise as DCC_JOB_BELOW_CURRENT. */
#define DCC_POST_BELOW_CURRENT 4

/** Answer of a dcc_job_fn: this slice is over; call the function again. A pump does so in the next
 * tick. A worker does so when the jobs that wait already have had their turn. */
#define DCC_RUN_AGAIN 100

/** Answer of a dcc_job_fn in a pump: call the function again in the tick after dcc_job_wake. Until
 * then the job costs no time in a tick. A cancel ends the job, or wakes it if it was posted with
 * DCC_POST_UNWINDS. Outside of a pump, on a worker or in dcc_dispatcher_post_and_wait on the
 * dispatcher's thread, this answer and DCC_RUN_AWAY fail the job. */
#define DCC_RUN_WHEN_WOKEN 101

/** Answer of a dcc_job_fn in a pump: as DCC_RUN_WHEN_WOKEN, for a job whose data another thread
 * uses meanwhile. A cancel neither ends nor wakes the job: it takes effect in the tick after
 * dcc_job_wake, which the other thread calls when it has finished. That thread learns of the
 * cancel by the job's token. A close of the dispatcher or of the owner ends the job at once: wait
 * for the other thread in the completion, or in the destroy-notify if no completion is called. */
#define DCC_RUN_AWAY 102

/** The work of a posted job. While the function runs, `job` is the current job of its thread and
 * the posted `parent` is the current token, so dcc_check_cancelled and dcc_poll_current ask both.
 * `job` is lent for the call. The function answers:
 * - 0: the job has completed, whether or not it was asked to stop.
 * - What dcc_check_cancelled answered (1 to 3): the job stopped because it was asked to.
 * - DCC_RUN_AGAIN, DCC_RUN_WHEN_WOKEN, DCC_RUN_AWAY: this slice is over, the job is not.
 * - Any other number, usually a negative one: the job failed. Call dcc_job_fail before, to say
 *   why.
 *
 * If the function has ended its job itself, for instance by dcc_job_complete, that end stays. A
 * panic in Rust fails the job; otherwise the function must not unwind or longjmp. */
typedef int32_t (*dcc_job_fn)(const dcc_job *job, void *user_data);

/** A completion: a function that is told once that a posted job has ended, with the job's final
 * state (DCC_JOB_COMPLETED and so on). It is called on the dispatcher's thread, inside a pump, a
 * close or dcc_dispatcher_post_and_wait. `job` is lent for the call. The function may post but not
 * pump. It must not unwind or longjmp. */
typedef void (*dcc_completion_fn)(const dcc_job *job, int32_t state, void *user_data);

/** What a job is posted from. Set all bytes to zero, then `struct_size` to sizeof, then the fields
 * that you need. */
typedef struct dcc_post_desc {
    /** sizeof(dcc_post_desc) */
    uint32_t struct_size;
    /** DCC_POST_ANY_THREAD, DCC_POST_UNWINDS, DCC_POST_BELOW_CURRENT, several of them or 0. */
    uint32_t flags;
    /** Name of the job, for people: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes, copied. May be NULL. */
    const char *label;
    /** Bytes in `label`, or DCC_NUL_TERMINATED. */
    size_t label_length;
    /** Your own id for the job: UTF-8, up to DCC_MAX_CALLER_ID_LENGTH bytes, copied. No other
     * unfinished job of the dispatcher may have it. May be NULL. */
    const char *caller_id;
    /** Bytes in `caller_id`, or DCC_NUL_TERMINATED. */
    size_t caller_id_length;
    /** A token whose cancel cancels the job, for instance the token of the request that asked for
     * the job. It is the current token while the job runs. With NULL no token does and is, unless
     * `flags` has DCC_POST_BELOW_CURRENT. */
    const dcc_cancel_token *parent;
    /** The job's work. Not NULL. */
    dcc_job_fn function;
    /** Told when the job has ended. May be NULL. */
    dcc_completion_fn completion;
    /** Passed to `function`, `completion` and `destroy`. */
    void *user_data;
    /** Called once with `user_data` after the completion. It is not called if the post is refused.
     * May be NULL. */
    dcc_destroy_fn destroy;
    /** The plugin that these functions belong to, see dcc_owner_close. NULL if they stay loaded. */
    const dcc_owner *owner;
    /** The nanoseconds from the post to the deadline, which cancels the job (DCC_CAUSE_DEADLINE)
     * whether it waits or runs. 0: the dispatcher's `default_deadline_after_ns`. DCC_NO_LIMIT: no
     * deadline. */
    uint64_t deadline_after_ns;
    /** One of the DCC_LANE_ constants; 0 is the normal lane. */
    int32_t lane;
    /** Zero. */
    uint32_t reserved;
} dcc_post_desc;

/** How full a dispatcher was at a post. Set `struct_size` to sizeof before the call. */
typedef struct dcc_admission {
    /** sizeof(dcc_admission); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** Jobs that wait for their turn. */
    uint32_t depth;
    /** The most jobs that may wait for their turn. */
    uint32_t capacity;
    /** Zero. */
    uint32_t reserved;
    /** After how many nanoseconds to try a refused post again: about the time between two ticks. */
    uint64_t retry_after_ns;
} dcc_admission;

/** Posts a job. Any thread may call this, even inside jobs and completions. The dispatcher's pump
 * runs the job; with DCC_POST_ANY_THREAD another thread does.
 *
 * - DCC_ERROR_OVERLOADED: `capacity` jobs wait already, or too many are unfinished, or `execute`
 *   has no room.
 * - DCC_ERROR_SHUTDOWN: the dispatcher or the owner is closed.
 * - DCC_ERROR_DUPLICATE: an unfinished job has the same caller id.
 *
 * After every negative status no job was posted, and `user_data` is still yours.
 *
 * `out_job` gets a reference, which you release; pass NULL if you do not want it. `out_admission`
 * gets how full the dispatcher is, even if the post is refused; it may be NULL. dcc_job_user_data
 * does not give the `user_data` of a posted job.
 *
 * The job's completion and then its `destroy` are called exactly once, on the dispatcher's thread,
 * even if the job is cancelled before it runs. There are two exceptions. If `owner` is closed on
 * another thread, the completion is left out and `destroy` is called there. If the dispatcher's
 * thread has ended, neither is called before `owner` is closed. A job that is cancelled while it
 * waits for its turn leaves `depth` at once, and ends as cancelled in the next pump. */
DCC_API dcc_status dcc_dispatcher_post(const dcc_dispatcher *dispatcher, const dcc_post_desc *desc,
                                       dcc_job **out_job, dcc_admission *out_admission);

/** Posts a job and waits until it has ended, at most `timeout_ns` nanoseconds or, with
 * DCC_NO_LIMIT, without a limit. Any thread may call this. The calling thread, the poster, must
 * hold no lock that the job or an owner's functions need.
 *
 * - DCC_OK: the job has ended; `out_state` says how. The completion and `destroy` have run, too,
 *   except in two cases, in which the next pump runs them. In the first the job was cancelled or
 *   interrupted while it waited for its turn or its next slice. In the second the poster is the
 *   dispatcher's own thread, and the job has DCC_POST_ANY_THREAD.
 * - DCC_TIMED_OUT: the time was over before the job began, and the job never runs.
 * - DCC_WEDGED: the dispatcher's thread has been inside something else for `wedge_threshold_ns`,
 *   or has ended, before the job began. The job never runs.
 * - DCC_STARTED: the time was over after the job had begun, and the job was asked to stop. Or the
 *   job's function has returned, and the thread that has to run the completion is stuck or has
 *   ended.
 * - DCC_ERROR_WOULD_DEADLOCK: the dispatcher's thread waits in this library for the poster,
 *   directly or through other threads, so it would never run the job. An example is two UI threads
 *   that wait for each other.
 * - Other negative statuses are as for dcc_dispatcher_post. After every negative status no job was
 *   posted, and `user_data` is still yours.
 *
 * After any other status the completion and `destroy` run once, as for dcc_dispatcher_post. They
 * may run after this call has returned, so `user_data` must not be on your stack. `out_job` gets a
 * reference, which you release, and `out_state` the job's state at the return. Each may be NULL.
 *
 * On the dispatcher's own thread the job runs at once, with all its slices, before jobs that wait.
 * If the poster is a thread that runs jobs with DCC_POST_ANY_THREAD, such a job also runs at once
 * on it, slice after slice until `timeout_ns` have passed, because no other thread may be free. If
 * all of the library's threads for such jobs wait in calls of the library, a poster without a
 * limit runs the job on its own thread.
 *
 * A dispatcher with DCC_DISPATCHER_BIND_LATER that has no thread yet is not stuck: its jobs wait,
 * and so do their posters. If the thread that is to run a job with DCC_POST_ANY_THREAD waits for
 * the poster, the answer is DCC_WEDGED or DCC_STARTED at once. */
DCC_API dcc_status dcc_dispatcher_post_and_wait(const dcc_dispatcher *dispatcher,
                                                const dcc_post_desc *desc, uint64_t timeout_ns,
                                                dcc_job **out_job, int32_t *out_state);

/** What a pump did. Set `struct_size` to sizeof before the call. */
typedef struct dcc_tick {
    /** sizeof(dcc_tick); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** 1: the dispatcher's `veto` said "not now". Pump again when the host has time for jobs. */
    int32_t is_vetoed;
    /** How many times functions of jobs were called. */
    uint64_t executed;
    /** Jobs that ended in this pump, in whatever state, also those that were cancelled before they
     * ran. */
    uint64_t completed;
    /** How many of the jobs in `completed` ended as cancelled. */
    uint64_t cancelled;
    /** Jobs, next slices and completions that are left for the next tick. */
    uint64_t remaining;
    /** How many nanoseconds the pump took. */
    uint64_t elapsed_ns;
    /** How many nanoseconds longer than `budget_ns` the pump took; 0 if it did not. */
    uint64_t overrun_ns;
    /** After how many nanoseconds to pump again. While jobs wait, as long as this pump took, but at
     * most a 60 Hz frame. While only next slices wait, the rest of a 60 Hz frame. While only other
     * threads run jobs, 33 milliseconds. DCC_NO_LIMIT if nothing is left: then pump when something
     * was posted or woken. */
    uint64_t next_after_ns;
} dcc_tick;

/** Runs the jobs that wait. Call this on the dispatcher's thread, again and again; each call is a
 * tick. `out_tick` gets what was done; it may be NULL.
 *
 * - DCC_ERROR_WRONG_THREAD: the dispatcher belongs to another thread.
 * - DCC_ERROR_REENTRANT: the call is inside one of the dispatcher's jobs, completions or host's
 *   functions, for instance in the event loop of a dialog that a job has opened. Or it is inside
 *   the `is_cancelled` function of any job on this thread. Nothing ran. The `wake` that led here
 *   is not repeated, so pump again some milliseconds later.
 *
 * Completions of jobs that have ended run first. Then jobs run lane by lane, in the order of their
 * posts. A job in slices gets one slice a tick. The pump stops between two functions as soon as
 * `budget_ns` nanoseconds have passed or `max_jobs` functions of jobs were called. It cannot
 * interrupt a running function, which has to poll. At least one completion, job or slice runs,
 * however short the budget; but with a bound of 0 nothing runs. DCC_NO_LIMIT means no bound.
 *
 * While a job runs, the job and its parent token are current on this thread. Afterwards what was
 * current before is restored, even if the job left something else current. The pump of a closed
 * dispatcher runs the completions of all ended jobs, also beyond its bounds. If work is left,
 * `wake` is called before this returns, unless `veto` ended the pump. */
DCC_API dcc_status dcc_dispatcher_pump(const dcc_dispatcher *dispatcher, uint64_t budget_ns,
                                       uint64_t max_jobs, dcc_tick *out_tick);

/** Tells whether the function of a posted job should return now, to be called again in the next
 * tick. Any thread may call this, about its own slice. It is cheap enough for inner loops.
 * `if (dcc_slice_is_over())` is right for the question whether to return.
 *
 * - DCC_OK: go on.
 * - DCC_RUN_AGAIN: the slice is over.
 * - DCC_CANCELLED_BY_TOKEN, DCC_CANCELLED_BY_JOB, DCC_POLL_GONE: stop, as dcc_check_cancelled
 *   says.
 *
 * The function may return the answer:
 *
 *     for (; state->next < state->count; state->next++) {
 *         const dcc_status answer = dcc_slice_is_over();
 *         if (answer != DCC_OK)
 *             return answer;
 *         relax(&state->vertices[state->next]);
 *     }
 *     return DCC_OK;
 *
 * The slice is this job's part of the pump's budget, which is divided among the jobs that wait for
 * this tick. The first call in a slice answers DCC_OK unless the job was cancelled, so work goes
 * on, however short the budget. The clock is not read in each call. So a slice ends at most 50
 * microseconds late, or one iteration late if an iteration takes longer than that. If iterations
 * suddenly become longer, it may end six of them late.
 *
 * A slice has no end in a pump without a budget, in a job that runs on another thread than the
 * dispatcher's, and in a job that dcc_dispatcher_post_and_wait runs at once. Outside of posted
 * jobs there is no slice. In all these cases the answer is DCC_OK until a cancel comes. */
DCC_API dcc_status dcc_slice_is_over(void);

/** Returns when the slice of the calling thread ends, on the clock of dcc_clock_now_ns, for work
 * that plans ahead. Any thread may call this. DCC_NO_LIMIT: there is no slice, or it has no end. */
DCC_API uint64_t dcc_slice_ends_at_ns(void);

/** Lets a posted job that has answered DCC_RUN_WHEN_WOKEN or DCC_RUN_AWAY go on in its dispatcher's
 * next tick, and calls the dispatcher's `wake`. Any thread may call this, also a callback of a
 * cancel: no function of the job runs inside this call.
 *
 * A wake that comes while the job's function runs is kept: the job does not sleep after that
 * slice. So the function first registers for the event that it waits for, then answers
 * DCC_RUN_WHEN_WOKEN, and checks for the event in its next call. Several wakes may lead to one
 * call of the function, and a call may come without an event. A wake does not change a job that
 * waits for its turn or has ended.
 *
 * DCC_ERROR_WRONG_STATE: the job was not posted, or dcc_dispatcher_post_and_wait runs it at once.
 * For NULL nothing happens. */
DCC_API dcc_status dcc_job_wake(const dcc_job *job);

/** Wakes `job` once, as dcc_job_wake does, when `token` is cancelled or is gone; at once if it is
 * cancelled already. Any thread may call this. A cancel at the same moment wakes the job. A
 * dcc_shutdown that clears the token's deadline wakes the job, too.
 *
 * It is meant for a job that answers DCC_RUN_WHEN_WOKEN next and asks the token in its next call.
 * A callback that calls dcc_job_wake would be code of yours; this runs none, so there is nothing
 * to wait for before your code is unloaded. NULL and a token of a sealed job are never cancelled,
 * so they never wake the job.
 *
 * `out_registration` gets a registration. End it by dcc_registration_unregister when `job` no
 * longer waits. The registration keeps neither the token nor the job alive.
 *
 * DCC_ERROR_WRONG_STATE: the job was not posted, or dcc_dispatcher_post_and_wait runs it at once.
 * NULL for `job`: nothing happens, and NULL is written. */
DCC_API dcc_status dcc_job_wake_at_cancel(const dcc_job *job, const dcc_cancel_token *token,
                                          dcc_registration **out_registration);

/** Wakes `job` once, as dcc_job_wake does, when a dcc_job_wait for `awaited` would return: when
 * `awaited` has really ended, is gone unfinished, or can never end. It wakes `job` at once if
 * `awaited` has ended or is NULL. Any thread may call this. An end at the same moment wakes `job`.
 * If `job` is NULL, nothing happens.
 *
 * - DCC_ERROR_WOULD_DEADLOCK: `job` and `awaited` are the same, so `job` would wait for its own
 *   end. Two jobs that wait for each other in this way are not detected: they sleep until one of
 *   them is cancelled.
 * - DCC_ERROR_WRONG_STATE: `job` was not posted, or dcc_dispatcher_post_and_wait runs it at once.
 * - DCC_ERROR_RESOURCES: as for dcc_job_wait.
 *
 * In its next call `job` asks dcc_job_wait with a timeout of 0 how `awaited` ended. The call keeps
 * neither job alive, and runs no code of yours. Several calls with the same two jobs count as one.
 * The call need not be undone: if `job` has ended before `awaited`, nothing happens. A cancel of
 * `job` does not cancel `awaited`. */
DCC_API dcc_status dcc_job_wake_at_end(const dcc_job *job, const dcc_job *awaited);

/** Counts and times of a dispatcher since it was created. Times are nanoseconds. A quantile such as
 * `wait_p95_ns` is right to two decimal digits, and 0 while nothing was measured. Set
 * `struct_size` to sizeof before the call. */
typedef struct dcc_dispatcher_stats {
    /** sizeof(dcc_dispatcher_stats); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** 1 after a close. */
    int32_t is_closed;
    /** Jobs that wait for their turn, on whatever thread. */
    uint32_t depth;
    /** Maximum number of jobs that may wait. */
    uint32_t capacity;
    /** Jobs between two slices, on whatever thread, also those that wait to be woken. */
    uint32_t between_slices;
    /** Jobs whose functions run right now, on whatever thread. */
    uint32_t running;
    /** Jobs whose function is not called any more, and whose completion has not run yet. */
    uint32_t awaiting_completion;
    /** 1 if `present_for_ns` is above `wedge_threshold_ns`. */
    int32_t is_wedged;
    /** Jobs that were accepted. */
    uint64_t posted;
    /** Jobs whose function was called. */
    uint64_t executed;
    /** Jobs that ended as completed. */
    uint64_t completed;
    /** Jobs that ended as failed. */
    uint64_t failed;
    /** Jobs that ended as cancelled. */
    uint64_t cancelled;
    /** Jobs that ended as interrupted. */
    uint64_t interrupted;
    /** Posts that were refused with DCC_ERROR_OVERLOADED. */
    uint64_t rejected;
    /** Completions that were left out because their owner was closed on another thread. */
    uint64_t completions_dropped;
    /** The longest time for which one of the jobs that wait now has waited. */
    uint64_t oldest_wait_ns;
    /** From the post to the first call of the job's function: half of the jobs waited at most so
     * long. */
    uint64_t wait_p50_ns;
    /** 95 of 100 jobs waited at most so long. */
    uint64_t wait_p95_ns;
    /** 99 of 100 jobs waited at most so long. */
    uint64_t wait_p99_ns;
    /** The longest time that a job waited for its first call. */
    uint64_t wait_max_ns;
    /** Slices on the dispatcher's thread (a job that is not sliced is one): half took at most so
     * long. */
    uint64_t run_p50_ns;
    /** 95 of 100 slices took at most so long. */
    uint64_t run_p95_ns;
    /** 99 of 100 slices took at most so long. */
    uint64_t run_p99_ns;
    /** Longest slice, exactly. */
    uint64_t run_max_ns;
    /** Id of the job with the longest slice; dcc_dispatcher_longest_label has its label. */
    uint64_t longest_job_id;
    /** Pumps so far. */
    uint64_t ticks;
    /** Pumps that took longer than their budget. */
    uint64_t overruns;
    /** How long the longest pump took. */
    uint64_t longest_tick_ns;
    /** Id of the job that the dispatcher's thread is inside: inside its function, the `progress`
     * that shows it, its completion or its destroy-notify. 0: none. */
    uint64_t present_job_id;
    /** How long the thread has been inside that, or inside another function of the host in a pump,
     * or waiting in a call of this library; 0: in none of these. */
    uint64_t present_for_ns;
    /** How long ago the last pump ended; 0 inside a pump, DCC_NO_LIMIT before the first. If this
     * grows while `present_job_id` is 0, the host keeps the thread busy, for instance with a modal
     * dialog or loading a file. If `present_job_id` is not 0, the thread is inside that job. */
    uint64_t since_last_tick_ns;
} dcc_dispatcher_stats;

/** Fills in a dispatcher's counts and times. Any thread may call this. So another thread finds out
 * that a UI thread is stuck, and in which job. */
DCC_API dcc_status dcc_dispatcher_read_stats(const dcc_dispatcher *dispatcher,
                                             dcc_dispatcher_stats *out_stats);

/** Writes the label of the job with the longest slice so far on the dispatcher's thread. The label
 * is cut after 120 bytes. Any thread may call this. The buffer is filled as by
 * dcc_cancel_token_reason. */
DCC_API dcc_status dcc_dispatcher_longest_label(const dcc_dispatcher *dispatcher, char *buffer,
                                                size_t size, size_t *out_length);

/* 10. Sessions and requests: cancels that come from a peer as messages
 *
 * A session: the connection of one peer, the scope of its request ids. It is shared by reference count.
 *
 * A request: an id of a session that is in flight, with its token. It is shared by reference count. A stale
 * handle never names a later request of the same id.
 *
 * The library reads messages of MCP, LSP and ACP that cancel a request, and writes the answers that they
 * demand; the transport is yours. */

/** Type of an id: a 64-bit integer. */
#define DCC_ID_INTEGER 1
/** Type of an id: a text. */
#define DCC_ID_TEXT 2

/** A peer's id for one of its requests, in the type that came over the wire: 1 is not "1". */
typedef struct dcc_request_id {
    /** DCC_ID_INTEGER or DCC_ID_TEXT. */
    int32_t type;
    /** Zero. */
    uint32_t reserved;
    /** The id if `type` is DCC_ID_INTEGER. */
    int64_t integer;
    /** The id if `type` is DCC_ID_TEXT: UTF-8, up to DCC_MAX_REQUEST_ID_LENGTH bytes; read during
     * the call only. */
    const char *text;
    /** Length of `text` in bytes, or DCC_NUL_TERMINATED. */
    size_t text_length;
} dcc_request_id;

/** Reply policy: a request that its peer cancelled is not answered, as MCP demands. */
#define DCC_REPLIES_SILENT 0

/** Reply policy: a request that its peer cancelled is answered with the error -32800, as LSP, ACP
 * and MCP's streamable HTTP of 2025 demand. */
#define DCC_REPLIES_CANCELLED 1

/** Reply policy: the kind of the cancel decides. A request that is cancelled by `$/cancelRequest`
 * or `$/cancel_request` is answered with the error -32800, which LSP and ACP demand. After any
 * other cancel by the peer it is not answered, as MCP demands, except in a session of kind
 * DCC_SESSION_HTTP, which answers with that error. If a request is cancelled several times before
 * its end, one cancel that demands the answer is enough. */
#define DCC_REPLIES_AS_ASKED 2

/** Kind of a session: messages come one after the other, so a cancel never comes before its
 * request. */
#define DCC_SESSION_STDIO 0

/** Kind of a session: messages come on several threads, so a cancel may come before its request. */
#define DCC_SESSION_HTTP 1

/** Kind of a session: its requests are the tasks of MCP's extension
 * `io.modelcontextprotocol/tasks`, under the ids that the server gave them. Use it beside the
 * sessions of your connections, because a task outlives its connection. If you answer a
 * `tools/call` with a task, end the request of the call and begin one here, whose token is the
 * parent of the work.
 *
 * dcc_session_handle_message then takes `tasks/cancel`, which you answer. After
 * DCC_MESSAGE_CANCELLED and DCC_MESSAGE_WITHOUT_EFFECT answer with the result
 * `{"resultType":"complete"}`. After DCC_MESSAGE_MALFORMED answer with the error -32602. Do the
 * same after DCC_MESSAGE_UNKNOWN, but if you still know the task, answer with the result above.
 * The reply policy does not matter: at the end of a task DCC_OWED_RESULT means the status
 * `completed` or `failed`, and the other DCC_OWED_ constants mean `cancelled`. */
#define DCC_SESSION_TASKS 2

/** Early cancels, which come before their request: held in a session of kind DCC_SESSION_HTTP,
 * ignored in others. */
#define DCC_EARLY_BY_KIND 0

/** Early cancels: held for their request. */
#define DCC_EARLY_HELD 1
/** Early cancels: ignored and counted. */
#define DCC_EARLY_IGNORED 2

/** Flag of a session: the id 7 and the id "7" are the same, as in some servers. Answers still have
 * the type of the request's id. */
#define DCC_SESSION_IDS_ARE_TEXTS 1

/** Largest `max_requests` and `max_kept`. */
#define DCC_MAX_SESSION_QUOTA 65536

/** What a session is created from. Set all bytes to zero, then `struct_size` to sizeof, then the
 * fields that you need. */
typedef struct dcc_session_desc {
    /** sizeof(dcc_session_desc) */
    uint32_t struct_size;
    /** DCC_SESSION_IDS_ARE_TEXTS or 0. */
    uint32_t flags;
    /** DCC_SESSION_STDIO, DCC_SESSION_HTTP or DCC_SESSION_TASKS. */
    int32_t kind;
    /** DCC_REPLIES_SILENT, DCC_REPLIES_CANCELLED or DCC_REPLIES_AS_ASKED. */
    int32_t replies;
    /** One of the DCC_EARLY_ constants. */
    int32_t early;
    /** Maximum number of requests in flight, up to DCC_MAX_SESSION_QUOTA; 0 means 1024. */
    uint32_t max_requests;
    /** Maximum number of ids without a request in flight that are remembered: cancels that are
     * held, and the reasons of requests that were cancelled and have ended. Up to
     * DCC_MAX_SESSION_QUOTA; 0 means 256. An id for which there is no room is forgotten and
     * counted. If cancels are held, the ids of the latest ended requests are known as well, up to
     * `max_requests` plus `max_kept` of them. */
    uint32_t max_kept;
    /** Zero. */
    uint32_t reserved;
    /** For how many nanoseconds a cancel is held for its request. For the same time after a request
     * has ended, a cancel of its id counts as late, not as a cancel of the next request with that
     * id. 0 means 30 seconds. */
    uint64_t early_ttl_ns;
    /** The shortest time between two progress notifications of a request, in nanoseconds, see
     * dcc_request_write_progress; 0 means 100 milliseconds. */
    uint64_t progress_interval_ns;
    /** The longest time between two progress notifications of a request, in nanoseconds. After that
     * time a notification is due even if the progress has not changed, see
     * dcc_request_write_progress. 0: no limit. */
    uint64_t progress_heartbeat_ns;
} dcc_session_desc;

/** Creates a session and writes it to `out_session`. Any thread may call this. You get one
 * reference, which you release. */
DCC_API dcc_status dcc_session_create(const dcc_session_desc *desc, dcc_session **out_session);

/** Adds a reference, which you release. Any thread may call this. */
DCC_API dcc_status dcc_session_retain(const dcc_session *session);

/** Gives a reference back. Any thread may call this. The last release ends the session. If requests
 * of the session are still in flight, the session ends with the last of them. Close the session
 * before the last release: otherwise its requests go on, and cannot be cancelled by their ids any
 * more. */
DCC_API dcc_status dcc_session_release(dcc_session *session);

/** Closes a session for good, because its connection is closed: cancels all its requests in flight,
 * forgets what it remembers, and refuses new requests. Any thread may call this. Callbacks run on
 * this thread.
 *
 * You still end the requests. If only the stream of one HTTP response is closed, use
 * dcc_request_cancel, which cancels that one request. Closing again does no harm. If `session` is
 * NULL, nothing happens. */
DCC_API dcc_status dcc_session_close(const dcc_session *session);

/** Cancels the request in flight with this id, in its peer's name. Any thread may call this.
 * Callbacks run on this thread.
 *
 * - DCC_OK: this call is the first cancel.
 * - DCC_ALREADY_CANCELLED: there was a cancel before, whose reason stays.
 * - DCC_SEALED: too late, the request or a job for it is sealed (dcc_job_seal), and the peer gets
 *   the result.
 * - DCC_NOT_CANCELLABLE: the request was begun with DCC_REQUEST_NOT_CANCELLABLE.
 * - DCC_HELD: no request has this id yet; the cancel is held for it.
 * - DCC_NOT_FOUND: no request has this id, or it has ended; the cancel is ignored and counted.
 * - DCC_ERROR_RESOURCES: no memory to hold the cancel; nothing happened, so call again.
 *
 * `reason` is as for dcc_cancel_token_cancel, but may have DCC_MAX_MESSAGE_LENGTH bytes, because a
 * peer may have sent it: bytes after DCC_MAX_TEXT_LENGTH are cut off, and control characters are
 * left out.
 *
 * If the request ends while this call runs, a later request with the same id is not affected. A
 * session that holds early cancels knows the ids of ended requests, and does not hold a cancel for
 * them. It knows each id for `early_ttl_ns`, or until a request begins with the id again; for how
 * many ids, see `max_kept` of dcc_session_desc. */
DCC_API dcc_status dcc_session_cancel(const dcc_session *session, const dcc_request_id *id,
                                      const char *reason, size_t reason_length);

/** State of an id: nothing is known. Its request never began, or has ended and is forgotten. */
#define DCC_REQUEST_UNKNOWN 0
/** State of an id: its request is in flight, not cancelled. */
#define DCC_REQUEST_LIVE 1
/** State of an id: its request is in flight, and cancelled. */
#define DCC_REQUEST_CANCELLED 2
/** State of an id: its request has not begun, and a cancel is held for it. */
#define DCC_REQUEST_HELD 3
/** State of an id: its request has ended. It was not cancelled, or the cancel is forgotten. */
#define DCC_REQUEST_ENDED 4
/** State of an id: its request has ended, and was cancelled. */
#define DCC_REQUEST_ENDED_CANCELLED 5

/** Writes the state of an id to `out_state`: DCC_REQUEST_UNKNOWN, _LIVE, _CANCELLED, _HELD, _ENDED
 * or _ENDED_CANCELLED. Any thread may call this.
 *
 * The session remembers that a request was cancelled until its id is cleared or swept, a request
 * begins with the id again, or other ids need its place after `early_ttl_ns`. It knows that a
 * request ended without a cancel only if it holds early cancels, and only for `early_ttl_ns`;
 * otherwise the state is DCC_REQUEST_UNKNOWN. */
DCC_API dcc_status dcc_session_query(const dcc_session *session, const dcc_request_id *id,
                                     int32_t *out_state);

/** Writes why the request with this id was cancelled, or will be cancelled when it begins. Any
 * thread may call this. The buffer is filled as by dcc_cancel_token_reason. DCC_NOT_CANCELLED,
 * with an empty text: the request is not cancelled; dcc_session_query tells its state.
 * DCC_NOT_FOUND, with an empty text: nothing is known of the id. */
DCC_API dcc_status dcc_session_reason(const dcc_session *session, const dcc_request_id *id,
                                      char *buffer, size_t size, size_t *out_length);

/** Forgets what is remembered of an id without a request in flight: a held cancel, the cancel of an
 * ended request, or that a request was released before its end. Any thread may call this.
 * DCC_NOT_FOUND: nothing is remembered of the id. Even after this call a cancel of an ended
 * request counts as late. */
DCC_API dcc_status dcc_session_clear(const dcc_session *session, const dcc_request_id *id);

/** Does what dcc_session_clear does for all ids that have been remembered for more than `ttl_ns`
 * nanoseconds, and writes the number of these ids to `out_count`. Any thread may call this.
 * Requests in flight stay. `out_count` may be NULL. */
DCC_API dcc_status dcc_session_sweep(const dcc_session *session, uint64_t ttl_ns,
                                     uint64_t *out_count);

/** Maximum number of messages that are read of a batch. Later ones cancel nothing and count as
 * malformed. */
#define DCC_MAX_BATCH 1000

/** What a message was: the first cancel of a request in flight. */
#define DCC_MESSAGE_CANCELLED 1

/** What a message was: a cancel of a request that was cancelled before, cannot be cancelled, or is
 * past its point of no return because it or a job for it is sealed. */
#define DCC_MESSAGE_WITHOUT_EFFECT 2

/** What a message was: a cancel that is held for its request. */
#define DCC_MESSAGE_HELD 3
/** What a message was: a cancel that was ignored because no request in flight has its id. */
#define DCC_MESSAGE_UNKNOWN 4
/** What a message was: not a cancel; you handle the message. */
#define DCC_MESSAGE_OTHER 5
/** What a message was: not a JSON-RPC message, or a cancel that names no request. */
#define DCC_MESSAGE_MALFORMED 6
/** Size of a buffer for a request's id as text, with its NUL. */
#define DCC_REQUEST_ID_SIZE 264

/** What a message was. Set `struct_size` to sizeof before the call. */
typedef struct dcc_message_info {
    /** sizeof(dcc_message_info); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** Kind of the message, one of the DCC_MESSAGE_ constants. For a batch it is the kind of its
     * first cancel; if it has none, DCC_MESSAGE_MALFORMED if a message is malformed, else
     * DCC_MESSAGE_OTHER. */
    int32_t message;
    /** Type of the id that the cancel names: DCC_ID_INTEGER, DCC_ID_TEXT, or 0 if it was no cancel. */
    int32_t id_type;
    /** Bytes in `id_text`. */
    uint32_t id_text_length;
    /** The id if it is an integer. */
    int64_t id_integer;
    /** The id if it is a text; ended by NUL. */
    char id_text[DCC_REQUEST_ID_SIZE];
} dcc_message_info;

/** Does what a message from the peer asks for, if it is a cancel. Any thread may call this, even a
 * transport thread: it cancels as dcc_cancel_token_cancel_async does, so callbacks run on the
 * library's callback thread.
 *
 * Cancels are MCP's `notifications/cancelled`, LSP's `$/cancelRequest` and ACP's
 * `$/cancel_request`, alone or in a batch. In a session of kind DCC_SESSION_TASKS only MCP's
 * `tasks/cancel` is one. You handle all other messages. `message` has `message_length` bytes, as
 * they came over the wire; DCC_MAX_MESSAGE_LENGTH and DCC_MAX_BATCH limit what is read. The call
 * writes what the message was, and which request it named, to `out_info`, which may be NULL.
 *
 * A peer cannot make this call fail: malformed messages are ignored and counted, see
 * dcc_session_read_stats. DCC_ERROR_RESOURCES: there was no memory to read the message. A part of
 * a batch may have been handled by then. Pass the same bytes again: a repeated cancel has no
 * effect. */
DCC_API dcc_status dcc_session_handle_message(const dcc_session *session, const char *message,
                                              size_t message_length, dcc_message_info *out_info);

/** Counts of a session. Set `struct_size` to sizeof before the call. */
typedef struct dcc_session_stats {
    /** sizeof(dcc_session_stats); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** 1 after a close. */
    int32_t is_closed;
    /** Requests in flight: begun and not ended, even after a close. */
    uint32_t live;
    /** Other ids that are remembered; see `max_kept` of dcc_session_desc. */
    uint32_t kept;
    /** Requests that were begun, whether or not they have ended. */
    uint64_t begun;
    /** Requests whose first cancel came from the peer or from the close. */
    uint64_t cancelled;
    /** Cancels that were held for their request. */
    uint64_t early;
    /** Cancels that were ignored because no request in flight had their id, and that were not held. */
    uint64_t unknown;
    /** Cancels of requests that were cancelled before, are sealed, or cannot be cancelled. */
    uint64_t without_effect;
    /** Messages that were not JSON-RPC, or cancels that named no request. */
    uint64_t malformed;
    /** Messages that were not cancels. */
    uint64_t others;
    /** Ids that were not remembered because there was no room. */
    uint64_t forgotten;
} dcc_session_stats;

/** Fills in the counts of a session. Any thread may call this. */
DCC_API dcc_status dcc_session_read_stats(const dcc_session *session, dcc_session_stats *out_stats);

/** Flag of a request: its peer cannot cancel it, as MCP demands of `initialize`. */
#define DCC_REQUEST_NOT_CANCELLABLE 1

/** What a request begins with. Set all bytes to zero, then `struct_size` to sizeof, then the fields
 * that you need. */
typedef struct dcc_request_desc {
    /** sizeof(dcc_request_desc) */
    uint32_t struct_size;
    /** DCC_REQUEST_NOT_CANCELLABLE or 0. */
    uint32_t flags;
    /** The peer's id for the request. */
    dcc_request_id id;
    /** A token whose cancel cancels the request. May be NULL. */
    const dcc_cancel_token *parent;
    /** The peer's id for progress notifications: `params._meta.progressToken` of MCP. Its type is 0
     * if the peer does not ask for progress. */
    dcc_request_id progress_token;
    /** The call's `params._meta` as JSON, or NULL. These members are read: `progressToken`, unless
     * `progress_token` is given; `traceparent` of W3C's Trace Context, see
     * dcc_cancel_token_trace_parent; and `dcc-cancel/timeoutMs`, for how many milliseconds from
     * now the peer waits, which becomes the deadline of the request's token. Malformed members are
     * ignored, because strangers send them. */
    const char *meta;
    /** Length of `meta` in bytes, up to DCC_MAX_MESSAGE_LENGTH, or DCC_NUL_TERMINATED. */
    size_t meta_length;
} dcc_request_desc;

/** Begins a request of a session and writes it to `out_request`. Any thread may call this. You get
 * one reference, which you release after the request's end. If the session holds a cancel with the
 * request's id, the request is cancelled from the start.
 *
 * - DCC_ERROR_DUPLICATE: a request in flight has this id.
 * - DCC_ERROR_OVERLOADED: `max_requests` requests of the session are in flight.
 * - DCC_ERROR_SHUTDOWN: the session is closed. */
DCC_API dcc_status dcc_request_begin(const dcc_session *session, const dcc_request_desc *desc,
                                     dcc_request **out_request);

/** Adds a reference, which you release. Any thread may call this. */
DCC_API dcc_status dcc_request_retain(const dcc_request *request);

/** Gives a reference back. Any thread may call this. If the last release comes before the request's
 * end, the request's id can be used again. What the session still remembers of the request is
 * forgotten by dcc_session_clear or dcc_session_sweep. */
DCC_API dcc_status dcc_request_release(dcc_request *request);

/** Returns the request's token, the parent of the jobs that work for it. Any thread may call this.
 * The token is lent: it is valid as long as the request. The answer is NULL for NULL and for a bad
 * handle. */
DCC_API dcc_cancel_token *dcc_request_token(const dcc_request *request);

/** Cancels this request in its peer's name, for instance because the stream of its response was
 * closed. Any thread may call this. Callbacks run on this thread.
 *
 * It is as dcc_session_cancel, with two differences: it never reaches another request with the
 * same id, and it also cancels a request that was begun with DCC_REQUEST_NOT_CANCELLABLE.
 * DCC_ALREADY_ENDED: too late, the request has ended. DCC_SEALED: too late, the peer gets the
 * result, see dcc_job_seal. */
DCC_API dcc_status dcc_request_cancel(const dcc_request *request, const char *reason,
                                      size_t reason_length);

/** Owed to a peer: the result of its request. */
#define DCC_OWED_RESULT 1
/** Owed to a peer: nothing; the peer does not wait for an answer any more. */
#define DCC_OWED_NOTHING 2
/** Owed to a peer: the error that dcc_request_write_cancelled writes. */
#define DCC_OWED_CANCELLED 3

/** Ends a request, so that its id may be used again, and writes what is owed to the peer to
 * `out_owed`: one of the DCC_OWED_ constants. Any thread may call this. `out_owed` may be NULL.
 *
 * A request that was cancelled stays cancelled even if its work was done: the peer does not wait
 * for the result. But if the request or a job for it was sealed before the cancel, the result is
 * owed. DCC_ALREADY_ENDED: the request had ended before; `out_owed` is still filled in. */
DCC_API dcc_status dcc_request_end(const dcc_request *request, int32_t *out_owed);

/** Writes the JSON-RPC error that is owed to the peer of a cancelled request, with the id in its
 * exact type. Any thread may call this. The buffer is filled as by dcc_cancel_token_reason. The
 * error's code is -32800 if the peer cancelled the request, and -32802 if the request's parent, a
 * deadline or this side did. The text is empty if no error is owed: the request is not cancelled,
 * or its peer cancelled it and is not to be answered. 512 bytes are enough, except for ids with
 * many escaped characters. */
DCC_API dcc_status dcc_request_write_cancelled(const dcc_request *request, char *buffer,
                                               size_t size, size_t *out_length);

/** Progress of a request. Set all bytes to zero, then `struct_size` to sizeof, then the fields that
 * you need. */
typedef struct dcc_request_progress {
    /** sizeof(dcc_request_progress) */
    uint32_t struct_size;
    /** Zero. */
    uint32_t reserved;
    /** Progress in your own units, such as seconds, frames or steps. */
    double progress;
    /** Value of `progress` at the end; 0 while that is unknown. */
    double total;
    /** Text for people, or NULL: UTF-8, up to DCC_MAX_TEXT_LENGTH bytes; copied. */
    const char *message;
    /** Length of `message` in bytes, or DCC_NUL_TERMINATED. */
    size_t message_length;
} dcc_request_progress;

/** Notes the progress of a request, for dcc_request_write_progress. Any thread may call this. It is
 * cheap, so call it at each step.
 *
 * A value below an earlier one is ignored, and so is the same value unless its message is new.
 * DCC_ALREADY_ENDED: the request has ended. DCC_ERROR_INVALID_ARGUMENT: `progress` or `total` is
 * infinite or not a number. */
DCC_API dcc_status dcc_request_set_progress(const dcc_request *request,
                                            const dcc_request_progress *progress);

/** Lets a request's progress be that of this job, which works for it: of its counts and all its
 * shares. Any thread may call this. One call is enough: until dcc_request_set_progress is called,
 * dcc_request_write_progress asks the job by itself, as long as the job lives.
 *
 * All notifications keep the scale of the first count: if the job began with 200 frames, `total`
 * is 200 to the end, whatever steps follow; it is 1 if there was no such count. The peer is told
 * that `total` is reached only when the job has completed, or with DCC_PROGRESS_NOW when the job's
 * count has reached it. If `job` is NULL, nothing happens. DCC_ALREADY_ENDED: the request has
 * ended. */
DCC_API dcc_status dcc_request_set_progress_of_job(const dcc_request *request, const dcc_job *job);

/** Flag of dcc_request_write_progress: write now, without waiting for the session's interval. */
#define DCC_PROGRESS_NOW 1

/** Writes MCP's `notifications/progress` that is due for the request's peer, or an empty text. Any
 * thread may call this. The buffer is filled as by dcc_cancel_token_reason. Call it from a tick or
 * after each step, with 0 for `flags`. Call it with DCC_PROGRESS_NOW right before the request's
 * end, so that the peer learns of the last step.
 *
 * The text is empty if nothing has changed, the last notification is less than
 * `progress_interval_ns` ago, the peer did not ask for progress or has cancelled, or the request
 * has ended. A notification that does not fit into the buffer counts as not told: the next call
 * writes it.
 *
 * Values only rise. So a new message at the same progress has a value that is a little greater, by
 * at most a sixteenth of what is left. With `progress_heartbeat_ns` of the session, such a value
 * also tells that the request goes on, so that a peer that gives up on silent requests keeps
 * waiting. For that, call this from a thread that is not busy with the work; one thread for all
 * requests is enough.
 *
 * Send the notification before the answer. If another thread sends the answer, hold the lock of
 * your output from before this call until the notification is sent, and from before
 * dcc_request_end until the answer is sent: then no notification follows an answer. */
DCC_API dcc_status dcc_request_write_progress(const dcc_request *request, uint32_t flags,
                                              char *buffer, size_t size, size_t *out_length);

/** Seals a request, for work that no job stands for. Any thread may call this. As with
 * dcc_job_seal, the peer gets the result, and no cancel reaches the request's token any more, or
 * goes through it to what is below.
 *
 * - DCC_OK: go ahead. The request, or a job for it, is sealed.
 * - DCC_CANCELLED_BY_TOKEN: a cancel was first.
 * - DCC_ALREADY_ENDED: the request has ended. */
DCC_API dcc_status dcc_request_seal(const dcc_request *request);

/* 11. Diagnosis: what happens, and why a job does not stop
 *
 * An observer: a ring of events that waits to be drained. It is shared by reference count.
 *
 * The poll trace tells where polls are missing. Statistics list jobs and how long cancels took. A timeline
 * records all of that for Perfetto. */

/** Kind of an event: `count` events before this one were lost. Drain more often, or with a larger
 * ring. */
#define DCC_EVENT_OVERFLOW 1

/** Kind of an event: a token was cancelled. It has `token`, `cause`, the reason in `text`, and
 * `job_id` if it is a job's token. If a cancel spreads over a graph, there is one event for the
 * token that was cancelled, and one for each job's token and each token with a caller id that the
 * cancel reached. */
#define DCC_EVENT_TOKEN_CANCELLED 2

/** Kind of an event: a job has changed its state. It has `job_id`, `state` (DCC_JOB_PENDING: it was
 * created), the label in `text`, and at the end of a cancelled job `since_cancel_ns`. */
#define DCC_EVENT_JOB_STATE 3

/** Kind of an event: a thread that works for a job polled and saw the cancel for the first time. It
 * has `job_id`, `thread`, `token` (the cancelled token), `cause`, `since_cancel_ns`. */
#define DCC_EVENT_CANCEL_SEEN 4

/** Kind of an event: a job was cancelled, and none of its threads has seen that within the
 * threshold of dcc_events_set_slow_cancel_threshold. It has `job_id`, `token`, `since_cancel_ns`,
 * the reason in `text`. */
#define DCC_EVENT_SLOW_CANCEL 5

/** Kind of an event: a peer cancelled one of its requests, or its session was closed. It has the
 * request's `token`, and in `text` the request's id as JSON, a colon, a space, and the reason. */
#define DCC_EVENT_REQUEST_CANCELLED 6

/** Kind of an event: the `is_cancelled` of a running job, which only one thread may ask, was not
 * asked for longer than its own interval plus the threshold of
 * dcc_events_set_slow_cancel_threshold. So that thread neither polls nor waits in this library,
 * and the host's Esc is not noticed. Usually the thread joins worker threads without this library:
 * let it wait for a token or a job, or call dcc_context_ask in between, or let any thread ask
 * (DCC_JOB_ASK_ON_ANY_THREAD). The event comes once until the check is asked again. It has
 * `job_id`, `token`, in `since_cancel_ns` for how long the check was not asked, and in `text` an
 * explanation. */
#define DCC_EVENT_CHECK_NOT_ASKED 7

/** Kind of an event: a job or a request was sealed, see dcc_job_seal. It has `token` and `thread`;
 * for a job it also has `job_id`, and the label in `text`. */
#define DCC_EVENT_SEALED 8

/** Size of an event's `text`, with its NUL. */
#define DCC_EVENT_TEXT_SIZE 128
/** Largest ring of an observer, in events. */
#define DCC_MAX_EVENTS 65536

/** One event. Fields that its kind does not use are 0. */
typedef struct dcc_event {
    /** One of the DCC_EVENT_ kinds; ignore kinds that you do not know. */
    uint32_t kind;
    /** One of the DCC_JOB_ states. */
    int32_t state;
    /** Time of the event, on the library's clock. */
    uint64_t at_ns;
    /** The job's id, or 0 for no job; dcc_job_find finds the job while it lives. */
    uint64_t job_id;
    /** The token's handle as a number, only to compare it: the token may be gone. */
    uint64_t token;
    /** The system's number of the thread that caused the event. */
    uint64_t thread;
    /** Time since the cancel. For DCC_EVENT_CHECK_NOT_ASKED: for how long the check was not asked. */
    uint64_t since_cancel_ns;
    /** For DCC_EVENT_OVERFLOW: how many events were lost. */
    uint64_t count;
    /** Why a token was cancelled. */
    dcc_cause cause;
    /** Zero. */
    uint32_t reserved;
    /** Text, cut on a character boundary if it is too long, ended by NUL. */
    char text[DCC_EVENT_TEXT_SIZE];
} dcc_event;

/** Creates an observer whose ring holds `capacity` events, 1 to DCC_MAX_EVENTS, and writes it to
 * `out_events`. Any thread may call this. You get one reference, which you release.
 *
 * From now on the ring gets every event of the process. If there are several observers, each gets
 * all events. A full ring loses its oldest events. Without observers no events are made. */
DCC_API dcc_status dcc_events_create(size_t capacity, dcc_events **out_events);

/** Takes up to `capacity` events out of an observer, oldest first, and writes them to `events`, an
 * array whose entries lie `stride` bytes apart: sizeof(dcc_event). Any thread may call this; it is
 * cheap enough for every tick. `out_count` gets the number of events that were written. If that is
 * less than `capacity`, the ring is now empty. If several threads drain one observer, each event
 * goes to one of them. */
DCC_API dcc_status dcc_events_drain(const dcc_events *observer, dcc_event *events, size_t stride,
                                    size_t capacity, size_t *out_count);

/** Adds a reference, which you release. Any thread may call this. */
DCC_API dcc_status dcc_events_retain(const dcc_events *observer);

/** Gives a reference back. Any thread may call this. The last release ends the observer: events
 * that were not drained are lost. */
DCC_API dcc_status dcc_events_release(dcc_events *observer);

/** Sets the threshold for slow cancels of the whole process. Any thread may call this. If no thread
 * of a cancelled job has seen the cancel for that long, observers get DCC_EVENT_SLOW_CANCEL, once
 * for each cancel. The threshold is 1 second by default; with DCC_NO_LIMIT the event never comes.
 * The same threshold applies to DCC_EVENT_CHECK_NOT_ASKED. */
DCC_API dcc_status dcc_events_set_slow_cancel_threshold(uint64_t threshold_ns);

/** Size of a buffer for a `traceparent`, with its NUL. */
#define DCC_TRACE_PARENT_SIZE 56

/** Writes the `traceparent` of W3C's Trace Context that a token works for: the `traceparent` that
 * came with the token's request, see dcc_request_desc, or that of its nearest ancestor that has
 * one. Any thread may call this. The buffer is filled as by dcc_cancel_token_reason. The token of
 * a request or a job keeps the `traceparent`; other tokens have it until they are cancelled. The
 * text is empty if there is none. DCC_TRACE_PARENT_SIZE bytes are enough. */
DCC_API dcc_status dcc_cancel_token_trace_parent(const dcc_cancel_token *token, char *buffer,
                                                 size_t size, size_t *out_length);

/** Size of `reason` of dcc_event_details, with its NUL. */
#define DCC_EVENT_REASON_SIZE 4104

/** An event with its whole texts. Set `struct_size` to sizeof before the call. */
typedef struct dcc_event_details {
    /** sizeof(dcc_event_details); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** For DCC_EVENT_REQUEST_CANCELLED: DCC_ID_INTEGER or DCC_ID_TEXT, the type of the request's
     * id. Otherwise 0. */
    int32_t id_type;
    /** The request's id if it is an integer. */
    int64_t id_integer;
    /** Bytes in `id_text`. */
    uint32_t id_text_length;
    /** Bytes in `reason`. */
    uint32_t reason_length;
    /** The event as dcc_events_drain writes it. */
    dcc_event event;
    /** The request's id if it is a text, whole; ended by NUL. */
    char id_text[DCC_REQUEST_ID_SIZE];
    /** Why a token or a request was cancelled, whole; ended by NUL. */
    char reason[DCC_EVENT_REASON_SIZE];
    /** The `traceparent` that the request or the job works for, see dcc_cancel_token_trace_parent;
     * empty for none. Ended by NUL. */
    char trace_parent[DCC_TRACE_PARENT_SIZE];
} dcc_event_details;

/** Takes the oldest event out of an observer and writes it to `out_details`. Any thread may call
 * this. Use it for telemetry: it writes the whole reason and the whole id, while dcc_events_drain
 * cuts them to the size of its `text`. If several threads take from one observer, each event goes
 * to one of them.
 *
 * If there was no memory to keep the whole texts, the event has only its cut text. DCC_NOT_FOUND:
 * no event waits, and nothing is written. */
DCC_API dcc_status dcc_events_next(const dcc_events *observer, dcc_event_details *out_details);

/** Size of a file's name in these structures, with its NUL. */
#define DCC_FILE_SIZE 256

/** The longest time that one thread of a traced job went without a poll. Set `struct_size` to
 * sizeof before the call. */
typedef struct dcc_poll_gap {
    /** sizeof(dcc_poll_gap); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** Line of the poll before the gap; 0 if `from_file` is in parentheses. */
    uint32_t from_line;
    /** Line of the poll after the gap; 0 if `to_file` is in parentheses. */
    uint32_t to_line;
    /** Zero. */
    uint32_t reserved;
    /** Length of the gap. */
    uint64_t gap_ns;
    /** The system's number of the thread. */
    uint64_t thread;
    /** How often that thread polled while traced. */
    uint64_t polls;
    /** File of the poll before the gap, ended by NUL; only its end if it is too long. "(begin)"
     * means dcc_job_begin, "(end)" the job's end, "(unknown)" a poll that does not tell its place,
     * such as dcc_check_cancelled. */
    char from_file[DCC_FILE_SIZE];
    /** File of the poll after the gap, as `from_file`. */
    char to_file[DCC_FILE_SIZE];
} dcc_poll_gap;

/** One thread that works, or has worked, for a job. */
typedef struct dcc_job_thread {
    /** The system's number of the thread. */
    uint64_t thread;
    /** Time from the cancel to the thread's first poll that saw it; DCC_NO_LIMIT while no poll of
     * the thread has seen it. */
    uint64_t cancel_to_seen_ns;
    /** How often the thread polled while traced. */
    uint64_t polls;
    /** Time of the thread's last poll while traced, on the library's clock; 0 if there was none. */
    uint64_t last_poll_at_ns;
    /** The thread's longest time without a poll while traced. */
    uint64_t longest_gap_ns;
} dcc_job_thread;

/** Switches the poll trace of a job on (not 0) or off. Any thread may call this, even while the job
 * runs.
 *
 * While it is on, every poll of the job notes its place and time, which costs some hundred
 * nanoseconds; jobs that are not traced pay nothing. Polls follow the switch at once. The notes
 * stay until the trace is switched on again. If `job` is NULL, nothing happens. */
DCC_API dcc_status dcc_job_trace(const dcc_job *job, int32_t on);

/** Switches the poll trace on (not 0) or off for all live jobs and for all jobs that are created
 * from now on. Any thread may call this. */
DCC_API dcc_status dcc_trace_all(int32_t on);

/** Fills in the longest gap between two polls of one thread that the trace of this job has seen:
 * between these lines the thread does not poll. Any thread may call this. DCC_NOT_FOUND: the job
 * was not traced, or polled less than twice. */
DCC_API dcc_status dcc_job_poll_gap(const dcc_job *job, dcc_poll_gap *out_gap);

/** Writes what is known of a job's threads to `threads`, an array of `capacity` entries that lie
 * `stride` bytes apart: sizeof(dcc_job_thread). Any thread may call this. A thread is known once
 * it saw a cancel or polled while traced; only 64 threads of a job are noted. `out_count` gets the
 * number of known threads, which may be greater than `capacity`. */
DCC_API dcc_status dcc_job_threads(const dcc_job *job, dcc_job_thread *threads, size_t stride,
                                   size_t capacity, size_t *out_count);

/** Writes all live jobs as a JSON array of objects. Any thread may call this. The buffer is filled
 * as by dcc_cancel_token_reason. The call is for people and tools, not for every tick: with very
 * many jobs it takes long, and dcc_stats_jobs_page does not. It keeps no lock from one job to the
 * next: no other thread waits for it, and jobs begin and end meanwhile.
 *
 * Each job has id, label, caller_id, state, progress {done, total, fraction, time_left_ns (null
 * while unknown), over, late, message}, failure, age_ns, is_sealed (dcc_job_seal), cancelled
 * (null, or {cause, reason, since_ns, to_end_ns, is_seen}), is_traced, since_last_poll_ns and
 * longest_gap (null while nothing was traced, else {gap_ns, from {file, line}, to {file, line}}),
 * check_not_asked_ns (for how long the running job's own check was not asked; null unless that is
 * as long as DCC_EVENT_CHECK_NOT_ASKED says) and threads. Each thread has thread,
 * cancel_to_seen_ns, polls, since_last_poll_ns, last_poll_at {file, line} and longest_gap.
 * docs/job_facts.md says where else each member can be read. Later versions may add members.
 *
 * Characters of texts that could control a terminal are escaped in JSON's way, so the text may be
 * printed. The call may run the `destroy` of a job that is released meanwhile. */
DCC_API dcc_status dcc_stats_live_jobs(char *buffer, size_t size, size_t *out_length);

/** Maximum number of jobs in a page of dcc_stats_jobs_page. */
#define DCC_MAX_JOBS_PAGE 64

/** Writes one page of the live jobs as a JSON object {"jobs": [...], "next": number}, each job as
 * dcc_stats_live_jobs writes it. Any thread may call this. The call is for UI threads, and for
 * processes with very many jobs: a page takes well below a millisecond.
 *
 * A page has at most `most` jobs, up to DCC_MAX_JOBS_PAGE; 0 means DCC_MAX_JOBS_PAGE. It has fewer
 * if the jobs have long texts or many threads, and may have none if there are many free places to
 * skip. `from` is 0 for the first page; for each later page it is the number that the call before
 * wrote to `out_next`. `out_next` is 0 after the last page and after a failure. A job that lives
 * from the first page to the last is in exactly one page.
 *
 * Only whole jobs are written: a job that does not fit into `size` bytes is left to the next page.
 * If not even one fits, the answer is DCC_ERROR_INVALID_ARGUMENT, and `out_length`, unless that is
 * NULL, gets the bytes that the first job needs without the NUL. 16,384 bytes are mostly enough.
 * With a `size` of 0 the page is only measured. The call may run the `destroy` of a job that is
 * released meanwhile. */
DCC_API dcc_status dcc_stats_jobs_page(uint64_t from, uint32_t most, char *buffer, size_t size,
                                       size_t *out_length, uint64_t *out_next);

/** Counts of the whole process. Set `struct_size` to sizeof before the call. */
typedef struct dcc_stats {
    /** sizeof(dcc_stats); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** Zero. */
    uint32_t reserved;
    /** Live tokens, also those of jobs. */
    uint64_t live_tokens;
    /** Live jobs, ended or not. */
    uint64_t live_jobs;
    /** Contexts that are captured and not released. */
    uint64_t live_contexts;
    /** Jobs that ended as completed. */
    uint64_t jobs_completed;
    /** Jobs that ended as failed. */
    uint64_t jobs_failed;
    /** Jobs that ended as cancelled. */
    uint64_t jobs_cancelled;
    /** Jobs that ended as interrupted. */
    uint64_t jobs_interrupted;
    /** Tokens and jobs that were left current on a thread, found by dcc_context_unwind or by the
     * library on its own threads. */
    uint64_t context_leaks;
    /** Live registrations, also those of waits and native events. */
    uint64_t live_registrations;
    /** Live owners. */
    uint64_t live_owners;
    /** Deadlines that are set and have not come. */
    uint64_t armed_deadlines;
    /** Live dispatchers, also those that only wait for their thread to run the last completions. */
    uint64_t live_dispatchers;
    /** Posted jobs that were accepted and whose completion or destroy-notify has not returned. */
    uint64_t unfinished_posts;
    /** Live sessions. */
    uint64_t live_sessions;
    /** Live requests, ended or not. */
    uint64_t live_requests;
    /** How often the check of a running job was not asked for too long, see
     * DCC_EVENT_CHECK_NOT_ASKED. */
    uint64_t checks_not_asked;
    /** Snapshots of dcc_poll_current that threads with nothing current took while jobs ran: a poll
     * of such a snapshot is never cancelled. Carry the context to such threads, see
     * dcc_context_bind and dcc_poll_read_current_at. */
    uint64_t polls_without_job;
    /** Live shares of progress, ended or not. */
    uint64_t live_shares;
} dcc_stats;

/** Fills in the counts. Any thread may call this. It walks over all objects, so it is for
 * diagnosis, not for every tick. Counts that other threads change meanwhile may be of different
 * moments. */
DCC_API dcc_status dcc_stats_read(dcc_stats *out_stats);

/** Writes the snapshots that `polls_without_job` of dcc_stats counts as a JSON object {"count":
 * number, "places": [{file, line, count}]}. Any thread may call this. The buffer is filled as by
 * dcc_cancel_token_reason. At these lines the context is missing. Only the first sixteen places
 * are kept. "(unknown)" is a snapshot that does not tell its place. A snapshot that comes while
 * another is being noted has no place. */
DCC_API dcc_status dcc_stats_polls_without_job(char *buffer, size_t size, size_t *out_length);

/** A latency: from a cancel to the first poll of each thread of a job that saw it. */
#define DCC_LATENCY_CANCEL_TO_SEEN 1
/** A latency: from the cancel of a job to its end. */
#define DCC_LATENCY_CANCEL_TO_END 2

/** A latency of the whole process, in nanoseconds, right to two decimal digits; more than an hour
 * counts as an hour. All 0 while nothing was measured. Set `struct_size` to sizeof before the
 * call. */
typedef struct dcc_latency {
    /** sizeof(dcc_latency); the call writes back how much of it was filled. */
    uint32_t struct_size;
    /** Zero. */
    uint32_t reserved;
    /** How many cancels were measured. */
    uint64_t count;
    /** Half of the cancels took at most so long. */
    uint64_t p50_ns;
    /** 95 of 100 cancels took at most so long. */
    uint64_t p95_ns;
    /** 99 of 100 cancels took at most so long. */
    uint64_t p99_ns;
    /** The longest that was measured. */
    uint64_t max_ns;
} dcc_latency;

/** Fills in the latency `which`, one of the DCC_LATENCY_ constants. Any thread may call this. */
DCC_API dcc_status dcc_stats_latency(int32_t which, dcc_latency *out_latency);

/** Largest `max_entries` of dcc_timeline_begin. */
#define DCC_MAX_TIMELINE_ENTRIES 1048576

/** Begins to record what happens in the process: ticks of dispatchers, posted jobs, cancels, and
 * each thread's first poll of a job that saw a cancel. Any thread may call this.
 *
 * The latest `max_entries` entries, 1 to DCC_MAX_TIMELINE_ENTRIES, are kept, at about 200 bytes
 * each; older entries are only counted. An earlier recording is forgotten, even if it is still on.
 * If this call fails, the earlier recording stays. While nothing is recorded, no thread pays for
 * it. */
DCC_API dcc_status dcc_timeline_begin(uint64_t max_entries);

/** Ends the recording. Any thread may call this. The entries stay until the next begin and can be
 * written. If nothing is recorded, this does nothing and answers DCC_OK. */
DCC_API dcc_status dcc_timeline_end(void);

/** Writes the entries since the last begin to the file `path`: UTF-8 of `path_length` bytes, or
 * DCC_NUL_TERMINATED, up to DCC_MAX_TEXT_LENGTH. Any thread that may wait for a disk may call
 * this. The recording goes on meanwhile; no other thread waits for the file.
 *
 * The file is written beside an existing one, which it then replaces in one step. DCC_ERROR_FILE:
 * an existing file is as it was; dcc_last_error names path and reason, on Windows also that
 * another program has the file open.
 *
 * The file is JSON in Chrome's trace event format, to be opened in Perfetto: an object with
 * `displayTimeUnit` "ms", `otherData` {version, lost: how many entries were not kept} and
 * `traceEvents`, sorted by `ts`: microseconds on the library's clock, with the nanoseconds as a
 * fraction. Each has name, cat, ph, ts, pid, tid (the system's numbers) and args; slices, with
 * `ph` "X", also have `dur`, instants ("i") also `s`; entries with `ph` "M" name threads, if the
 * system knows their names. By `name`, with their args, in which a text is left out if it is
 * empty:
 *
 * - "tick", a slice: executed, remaining, as in dcc_tick.
 * - a posted job's label, or "job", a slice on whatever thread runs it: job_id, label, goes_on
 *   (whether another slice follows).
 * - the label of a dcc_progress, or "share", a slice from its start to its end, on the thread that
 *   ends it: job_id, label.
 * - "posted": job_id, label, lane (DCC_LANE_), depth (jobs that wait, with this one).
 * - "completion", a slice: job_id, label, state (a job state's name).
 * - "cancel": job_id (left out for none), cause, reason, inherited (whether a cancel of a parent
 *   reached it).
 * - "cancel seen": job_id, cause, reason, latency_ns since the cancel.
 * - "check not asked": job_id, silence_ns, why; see DCC_EVENT_CHECK_NOT_ASKED.
 * - "sealed": job_id (left out for a request), label; see dcc_job_seal.
 *
 * Args may also have `traceparent`, see dcc_cancel_token_trace_parent. Later versions may add
 * members, args and names. */
DCC_API dcc_status dcc_timeline_write(const char *path, size_t path_length);

/* 12. Control: answers for the same user's terminal, by the tool dcc-control */

/** What the control endpoint is opened with. Set all bytes to zero, then `struct_size` to sizeof,
 * then the fields that you need. */
typedef struct dcc_control_desc {
    /** sizeof(dcc_control_desc) */
    uint32_t struct_size;
    /** Zero. */
    uint32_t flags;
    /** Name of this host, for people, such as "Maya 2026, shot 12": UTF-8, up to
     * DCC_MAX_TEXT_LENGTH bytes, copied. NULL: the name of the program's file. */
    const char *name;
    /** Length of `name` in bytes, or DCC_NUL_TERMINATED. */
    size_t name_length;
} dcc_control_desc;

/** Opens the control endpoint of this process, for the command line tool `dcc-control`. Any thread
 * may call this. The tool, run by the same user on the same machine, lists this process's jobs,
 * watches and cancels them and traces their polls, even when the host's own window hangs. No
 * endpoint is open unless this is called. `desc` may be NULL. If the endpoint is already open,
 * this does nothing and answers DCC_OK; the name given first stays.
 *
 * The endpoint is a Unix socket in a folder that no other user can enter,
 * /run/user/USER/dcc-cancel or /tmp/dcc-cancel-USER, on Windows a named pipe; see
 * dcc_control_address. A thread of the library answers one client after the other. A client has
 * one second to send its request and one to take its answer; a silent client keeps others waiting
 * on Windows only.
 *
 * The thread calls no function of yours. A client's cancel is as dcc_cancel_token_cancel_async. If
 * a job's last reference goes while the thread looks at it, its `destroy` runs on the library's
 * callback thread. DCC_ERROR_FILE: the endpoint could not be opened, dcc_last_error says why.
 * DCC_ERROR_SHUTDOWN: after dcc_shutdown. */
DCC_API dcc_status dcc_control_open(const dcc_control_desc *desc);

/** Closes the control endpoint, whichever plugin opened it. Any thread may call this. The endpoint
 * may be opened again. A client that is being answered gets its answer before this returns.
 * DCC_TIMED_OUT: that answer takes more than some seconds; the endpoint is closed anyway. If no
 * endpoint is open, this does nothing and answers DCC_OK. A host that never calls this leaves a
 * file behind, which `dcc-control` removes. */
DCC_API dcc_status dcc_control_close(void);

/** Writes the address of the control endpoint: the path of its socket or the name of its pipe. Any
 * thread may call this. The buffer is filled as by dcc_cancel_token_reason. DCC_NOT_FOUND, with an
 * empty text: no endpoint is open. */
DCC_API dcc_status dcc_control_address(char *buffer, size_t size, size_t *out_length);

/* 13. The process: threads of the library, its version, its clock */

/** Ends the library's threads. For the host alone, when it closes: after its plugins are unloaded
 * and its dispatchers are closed. Any thread but the library's own. Not calling this does no harm,
 * nor does calling it again.
 *
 * - DCC_TIMED_OUT: a callback or a job did not return within 5 seconds, or the control endpoint's
 *   answer within 3; that thread is left running.
 * - DCC_ERROR_WOULD_DEADLOCK: the call is inside a callback or a job on a thread of the library;
 *   nothing happened.
 *
 * Jobs that wait for a thread of the library end as interrupted; their completions are left to
 * their dispatchers. The control endpoint is closed. Deadlines are cleared; callbacks that are due
 * run before. Jobs that sleep until the cancel of a token whose deadline is cleared are woken (see
 * dcc_job_wake_at_cancel). From then on calls that need the threads
 * (dcc_cancel_token_set_deadline_after, dcc_cancel_token_cancel_async and the like) answer
 * DCC_ERROR_SHUTDOWN. All other calls still work, so objects that live longer than the host's main
 * function can be released. */
DCC_API dcc_status dcc_shutdown(void);

/** Major version of the ABI: part of the library's file name. Another major is another library. */
#define DCC_ABI_MAJOR 2
/** Minor version of the ABI: grows when functions are added. */
#define DCC_ABI_MINOR 0

/** Returns the ABI's version, the major in the high and the minor in the low 16 bits. Any thread
 * may call this. Compare the major with DCC_ABI_MAJOR, and the minor with the DCC_ABI_MINOR that
 * you need. */
DCC_API uint32_t dcc_abi_version(void);

/** Returns version and build of the library as a text, for logs. Any thread may call this. The text
 * is static. */
DCC_API const char *dcc_version_string(void);

/** Returns the time on the library's clock in nanoseconds: monotonic, never 0, meaningless outside
 * this process. Any thread may call this. */
DCC_API uint64_t dcc_clock_now_ns(void);

/** Answers whether this is the first copy of the library in the process: DCC_OK, or
 * DCC_SECOND_INSTANCE if it is not. Any thread may call this. Two copies share nothing. The first
 * copy is the copy that was loaded first; if the copies are in different link namespaces
 * (dlmopen), it is the copy that was used first. Functions that create or install something give
 * the same two answers. DCC_ERROR_RESOURCES: no memory to register the hook that notices forks. */
DCC_API dcc_status dcc_instance_check(void);

/* 14. What the polls are made of
 *
 * Use chapters 3 and 5. Code of a compiler that cannot use their macros calls these. */

/** The bits in `expected` of a dcc_poll_layer that are the token's handle. */
#define DCC_POLL_HANDLE 9223372036854775807

/** Writes a snapshot of what is current on the calling thread, for languages without inline
 * functions; C and C++ use dcc_poll_current. Any thread may call this, for itself. It is as
 * dcc_poll_read_current_at without a place. */
DCC_API dcc_status dcc_poll_read_current(dcc_poll_pair *out_pair);

/** Writes a snapshot of what is current on the calling thread, with the place of the call in the
 * source. Any thread may call this, for itself. `file` ends with NUL, or is NULL if the place is
 * not known.
 *
 * The place helps to find polls that are never cancelled, because nothing is current on their
 * thread although jobs run. Such a thread was typically started for a job without the job's
 * context (dcc_context_bind). These snapshots are counted in `polls_without_job` of dcc_stats;
 * dcc_stats_polls_without_job and `dcc-control list` and `trace` name their file and line.
 * Snapshots behind dcc_context_shield or another mask are not counted, nor are those of a thread
 * that has pumped a dispatcher: between its jobs it does the host's work. */
DCC_API dcc_status dcc_poll_read_current_at(dcc_poll_pair *out_pair, const char *file,
                                            uint32_t line);

/** Writes a snapshot of a token; C and C++ use dcc_poll_of. Any thread may call this. A poll of the
 * snapshot of a bad handle answers DCC_POLL_GONE. */
DCC_API dcc_status dcc_poll_read_token(const dcc_cancel_token *token, dcc_poll_layer *out_layer);

/** The slow path of dcc_poll and dcc_poll_one, which call it; you need not. Any thread may call
 * this. It takes `expected` of both layers, 0 for none, and the place of the poll in the source:
 * `file` ends with NUL, or is NULL if the place is not known. */
DCC_API dcc_status dcc_poll_slow(uint64_t token, uint64_t job, const char *file, uint32_t line);

/** As dcc_job_set_progress, with the place of the call in the source for the poll trace. Any thread
 * may call this. `file` ends with NUL, or is NULL if the place is not known. In C
 * dcc_job_set_progress is a macro that passes its place. */
DCC_API dcc_status dcc_job_set_progress_at(const dcc_job *job, uint64_t done, uint64_t total,
                                           const char *message, size_t message_length,
                                           const char *file, uint32_t line);

/** As dcc_progress_add, with the place of the call in the source for the poll trace. Any thread may
 * call this. `file` ends with NUL, or is NULL if the place is not known. */
DCC_API dcc_status dcc_progress_add_at(const dcc_progress *progress, uint64_t n, const char *file,
                                       uint32_t line);

/** Writes a counter of a share, for languages without inline functions; C and C++ use
 * dcc_progress_counter_of. Any thread may call this, and only that thread uses the counter. The
 * counter of a NULL share counts nothing and polls what is current. */
DCC_API dcc_status dcc_progress_read_counter(const dcc_progress *progress,
                                             dcc_progress_counter *out_counter);

#if defined(__GNUC__) || defined(__clang__)
#define DCC_LIKELY_(condition) __builtin_expect(!!(condition), 1)
#else
#define DCC_LIKELY_(condition) (condition)
#endif

/* What dcc_poll_current expands to. The snapshot is copied: the library might otherwise still know where it
 * is, so the compiler would assume that any call changes it, and read it again in every iteration. */
static inline dcc_poll_pair dcc_poll_current_at(const char *file, uint32_t line)
{
    dcc_poll_pair now;
    dcc_poll_pair copy;
    dcc_poll_read_current_at(&now, file, line);
    copy.token.word = now.token.word;
    copy.token.expected = now.token.expected;
    copy.job.word = now.job.word;
    copy.job.expected = now.job.expected;
    return copy;
}

static inline dcc_poll_layer dcc_poll_of(const dcc_cancel_token *token)
{
    dcc_poll_layer now;
    dcc_poll_layer copy;
    dcc_poll_read_token(token, &now);
    copy.word = now.word;
    copy.expected = now.expected;
    return copy;
}

/* What the word of a layer holds now. */
static inline uint64_t dcc_poll_layer_now(dcc_poll_layer layer)
{
#if defined(_MSC_VER) && !defined(__clang__)
    return (uint64_t)__iso_volatile_load64((const volatile __int64 *)layer.word);
#else
    return __atomic_load_n(layer.word, __ATOMIC_RELAXED);
#endif
}

/* Whether nothing is asked of one layer: 1, else 0; `if (x)` is right, there is no bad one. */
static inline int dcc_poll_layer_is_quiet(dcc_poll_layer layer)
{
    return dcc_poll_layer_now(layer) == layer.expected;
}

/* What dcc_poll expands to. */
static inline dcc_status dcc_poll_at(dcc_poll_pair poll, const char *file, uint32_t line)
{
    if (DCC_LIKELY_(dcc_poll_layer_is_quiet(poll.token) && dcc_poll_layer_is_quiet(poll.job)))
        return DCC_OK;
    return dcc_poll_slow(poll.token.expected, poll.job.expected, file, line);
}

/* What dcc_poll_one expands to. */
static inline dcc_status dcc_poll_one_at(dcc_poll_layer layer, const char *file, uint32_t line)
{
    if (DCC_LIKELY_(dcc_poll_layer_is_quiet(layer)))
        return DCC_OK;
    return dcc_poll_slow(layer.expected, 0, file, line);
}

static inline dcc_progress_counter dcc_progress_counter_of(const dcc_progress *progress)
{
    dcc_progress_counter now;
    dcc_progress_counter copy;
    dcc_progress_read_counter(progress, &now);
    copy.progress = now.progress;
    copy.pending = now.pending;
    copy.epoch.word = now.epoch.word;
    copy.epoch.expected = now.epoch.expected;
    copy.poll.token.word = now.poll.token.word;
    copy.poll.token.expected = now.poll.token.expected;
    copy.poll.job.word = now.poll.job.word;
    copy.poll.job.expected = now.poll.job.expected;
    return copy;
}

/* What dcc_progress_flush expands to. */
static inline dcc_status dcc_progress_flush_at(dcc_progress_counter *counter, const char *file,
                                               uint32_t line)
{
    dcc_status status;
    counter->epoch.expected = dcc_poll_layer_now(counter->epoch);
    status = dcc_progress_add_at(counter->progress, counter->pending, file, line);
    if (status >= 0)
        counter->pending = 0;
    return status != DCC_OK ? status : dcc_poll_at(counter->poll, file, line);
}

/* What dcc_progress_advance expands to. */
static inline dcc_status dcc_progress_advance_at(dcc_progress_counter *counter, uint64_t n,
                                                 const char *file, uint32_t line)
{
    counter->pending += n;
    if (DCC_LIKELY_(dcc_poll_layer_is_quiet(counter->epoch) &&
                    dcc_poll_layer_is_quiet(counter->poll.token) &&
                    dcc_poll_layer_is_quiet(counter->poll.job)))
        return DCC_OK;
    return dcc_progress_flush_at(counter, file, line);
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* DCC_CANCEL_H */
