/* Jobs, the current objects of a thread, polls, and contexts. */
#include "rows.h"
#include <string.h>

#define TEXT "a text that is longer than what fits somewhere", DCC_NUL_TERMINATED
#define RELEASE OK(dcc_job_release(w->job))
#define GETS(fn, ...)                                                                                 \
    ROW(fn, NEVER_REFUSED, make_running_job(w), return fn(w->job, __VA_ARGS__), , , RELEASE)

static int32_t create_job(struct world *w)
{
    dcc_job_desc desc = job_desc(w);
    desc.owner = w->owner;
    GIVEN(w->made_job, dcc_job_create(&desc, &w->made_job));
}
ROW(dcc_job_create, 0, make_token(w); OK(dcc_owner_create(&w->owner)), return create_job(w), ,
    OK(dcc_job_release(w->made_job)), OK(dcc_owner_close(w->owner)); drop(w))
ROW(dcc_job_retain, NEVER_REFUSED, make_job(w), return dcc_job_retain(w->job), , RELEASE, RELEASE)
ROW(dcc_job_release, NEVER_REFUSED, make_job(w), return dcc_job_release(w->job),
    CHECK(seen(&w->destroyed)), , )
ROW(dcc_job_id, NEVER_REFUSED, make_job(w), return dcc_job_id(w->job) ? 0 : -99, , , RELEASE)
ROW(dcc_job_find, NEVER_REFUSED, make_job(w); w->id = dcc_job_id(w->job),
    return dcc_job_find(w->id, &w->made_job), , OK(dcc_job_release(w->made_job)), RELEASE)
ROW(dcc_job_token, NEVER_REFUSED, make_job(w), return dcc_job_token(w->job) ? 0 : -99, , , RELEASE)
ROW(dcc_job_cancel, NEVER_REFUSED, make_running_job(w), return dcc_job_cancel(w->job, TEXT), , , RELEASE)
ROW(dcc_job_is_cancelled, NEVER_REFUSED, make_running_job(w); OK(dcc_job_cancel(w->job, TEXT)),
    return dcc_job_is_cancelled(w->job), , , RELEASE)
ROW(dcc_job_seal, NEVER_REFUSED, make_running_job(w), return dcc_job_seal(w->job), , , RELEASE)
ROW(dcc_job_is_sealed, NEVER_REFUSED, make_running_job(w); OK(dcc_job_seal(w->job)),
    return dcc_job_is_sealed(w->job), , , RELEASE)
ROW(dcc_job_state, NEVER_REFUSED, make_running_job(w), int32_t state = 0;
    return dcc_job_state(w->job, &state), , , RELEASE)
ROW(dcc_job_begin, NEVER_REFUSED, make_job(w), return dcc_job_begin(w->job), , , RELEASE)
ROW(dcc_job_complete, NEVER_REFUSED, make_running_job(w), return dcc_job_complete(w->job), , , RELEASE)
ROW(dcc_job_acknowledge_cancel, NEVER_REFUSED, make_running_job(w); OK(dcc_job_cancel(w->job, TEXT)),
    return dcc_job_acknowledge_cancel(w->job), , , RELEASE)
ROW(dcc_job_fail, 0, make_running_job(w), return dcc_job_fail(w->job, TEXT), , , RELEASE)
ROW_AS(fail_without_text, "dcc_job_fail", NEVER_REFUSED, make_running_job(w),
    return dcc_job_fail(w->job, NULL, 0), , , RELEASE)
ROW(dcc_job_end_by_error, 0, make_running_job(w), return dcc_job_end_by_error(w->job, 0, TEXT), , , RELEASE)
ROW_AS(end_by_error_without_text, "dcc_job_end_by_error", NEVER_REFUSED, make_running_job(w),
    return dcc_job_end_by_error(w->job, 1, NULL, 0), , , RELEASE)
ROW(dcc_job_interrupt, 0, make_running_job(w), return dcc_job_interrupt(w->job, TEXT), , , RELEASE)
ROW_AS(set_progress, "dcc_job_set_progress", 0, make_running_job(w),
    return (dcc_job_set_progress)(w->job, 1, 2, TEXT), , , RELEASE)
ROW(dcc_job_set_progress_at, 0, make_running_job(w); OK(dcc_job_trace(w->job, 1)),
    return dcc_job_set_progress_at(w->job, 1, 2, TEXT, "a file of this row", 7), , , RELEASE)

static int32_t progress(struct world *w)
{
    dcc_job_progress info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    return dcc_job_read_progress(w->job, &info);
}
ROW(dcc_job_read_progress, NEVER_REFUSED, make_running_job(w), return progress(w), , , RELEASE)
GETS(dcc_job_progress_message, w->text, sizeof w->text, &w->length)

static int32_t begin_share(struct world *w, const dcc_progress *parent, dcc_progress **out)
{
    dcc_progress_desc desc;
    (void)w;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.parent = parent;
    desc.weight = parent != NULL;
    desc.label = "a label that is longer than what fits somewhere";
    desc.label_length = DCC_NUL_TERMINATED;
    MADE(*out, dcc_progress_begin(&desc, out));
}
#define CURRENT_JOB make_running_job(w); OK(dcc_job_set_current(w->job, &w->ticket))
#define NO_CURRENT_JOB OK(dcc_job_reset_current(w->ticket)); RELEASE
#define SHARED CURRENT_JOB; OK(begin_share(w, NULL, &w->share))
#define UNSHARED OK(dcc_progress_release(w->share)); NO_CURRENT_JOB
#define OF_SHARE(fn, refused, ...) ROW(fn, refused, SHARED, __VA_ARGS__, , , UNSHARED)
ROW(dcc_progress_begin, SAME_THREAD, CURRENT_JOB, return begin_share(w, NULL, &w->share), ,
    OK(dcc_progress_release(w->share)), NO_CURRENT_JOB)
ROW_AS(begin_share_below, "dcc_progress_begin", 0, SHARED, return begin_share(w, w->share, &w->below), ,
    OK(dcc_progress_release(w->below)), UNSHARED)
ROW(dcc_progress_retain, NEVER_REFUSED, SHARED, return dcc_progress_retain(w->share), ,
    OK(dcc_progress_release(w->share)), UNSHARED)
ROW(dcc_progress_release, NEVER_REFUSED, SHARED, return dcc_progress_release(w->share), , , NO_CURRENT_JOB)
OF_SHARE(dcc_progress_end, NEVER_REFUSED, return dcc_progress_end(w->share))
OF_SHARE(dcc_progress_add, NEVER_REFUSED, return dcc_progress_add(w->share, 1))
OF_SHARE(dcc_progress_add_at, NEVER_REFUSED,
    return dcc_progress_add_at(w->share, 1, "a file of this row", 7))
OF_SHARE(dcc_progress_set_total, NEVER_REFUSED, return dcc_progress_set_total(w->share, 7))
OF_SHARE(dcc_progress_set_message, 0, return dcc_progress_set_message(w->share, TEXT))
OF_SHARE(dcc_progress_read_counter, NEVER_REFUSED, dcc_progress_counter counter;
    return dcc_progress_read_counter(w->share, &counter))
ROW(dcc_progress_set_current, 0, SHARED, return dcc_progress_set_current(w->share, &w->second_ticket), ,
    OK(dcc_progress_reset_current(w->second_ticket)), UNSHARED)
ROW(dcc_progress_reset_current, NEVER_REFUSED | SAME_THREAD,
    SHARED; OK(dcc_progress_set_current(w->share, &w->second_ticket)),
    return dcc_progress_reset_current(w->second_ticket), , , UNSHARED)
ROW(dcc_progress_current, NEVER_REFUSED, , return dcc_progress_current() ? -99 : 0, , , )
ROW_AS(message_of_share, "dcc_job_progress_message", NEVER_REFUSED, SHARED,
    return dcc_job_progress_message(w->job, w->text, sizeof w->text, &w->length), , , UNSHARED)
ROW_AS(progress_of_share, "dcc_job_read_progress", NEVER_REFUSED, SHARED, return progress(w), , , UNSHARED)
GETS(dcc_job_label, w->text, sizeof w->text, &w->length)
GETS(dcc_job_caller_id, w->text, sizeof w->text, &w->length)
GETS(dcc_job_failure, w->text, sizeof w->text, &w->length)
ROW(dcc_job_wait, 0, make_running_job(w), return dcc_job_wait(w->job, 100000), , , RELEASE)
ROW_AS(wait_for_ended_job, "dcc_job_wait", NEVER_REFUSED, make_running_job(w); OK(dcc_job_complete(w->job)),
    return dcc_job_wait(w->job, DCC_NO_LIMIT), , , RELEASE)
ROW(dcc_job_native_event, 0, make_running_job(w), return dcc_job_native_event(w->job, &w->event), ,
    OK(dcc_native_event_close(w->event)), RELEASE)
ROW_AS(event_of_no_job, "dcc_job_native_event", 0, , return dcc_job_native_event(NULL, &w->event), ,
    OK(dcc_native_event_close(w->event)), )
ROW(dcc_job_user_data, NEVER_REFUSED, make_job(w), void *data; return dcc_job_user_data(w->job, &data), , ,
    RELEASE)

ROW(dcc_cancel_token_set_current, 0, make_token(w),
    return dcc_cancel_token_set_current(w->token, &w->ticket), ,
    OK(dcc_cancel_token_reset_current(w->ticket)), drop(w))
ROW(dcc_cancel_token_reset_current, NEVER_REFUSED | SAME_THREAD,
    make_token(w); OK(dcc_cancel_token_set_current(w->token, &w->ticket)),
    return dcc_cancel_token_reset_current(w->ticket), , , drop(w))
ROW(dcc_cancel_token_current, NEVER_REFUSED, , return dcc_cancel_token_current() ? -99 : 0, , , )
ROW(dcc_job_set_current, 0, make_job(w), return dcc_job_set_current(w->job, &w->ticket), ,
    OK(dcc_job_reset_current(w->ticket)), RELEASE)
ROW(dcc_job_reset_current, NEVER_REFUSED | SAME_THREAD,
    make_job(w); OK(dcc_job_set_current(w->job, &w->ticket)), return dcc_job_reset_current(w->ticket), , ,
    RELEASE)
ROW(dcc_job_current, NEVER_REFUSED, , return dcc_job_current() ? -99 : 0, , , )

#define INSTALLED                                                                                     \
    make_running_job(w); OK(dcc_job_trace(w->job, 1)); OK(dcc_job_set_current(w->job, &w->ticket));    \
    OK(dcc_job_cancel(w->job, TEXT))
#define UNINSTALLED OK(dcc_job_reset_current(w->ticket)); RELEASE
ROW(dcc_check_cancelled, NEVER_REFUSED, INSTALLED, return dcc_check_cancelled(), , , UNINSTALLED)
ROW(dcc_cancel_token_check_current, NEVER_REFUSED, INSTALLED, return dcc_cancel_token_check_current(), , ,
    UNINSTALLED)
ROW(dcc_poll_read_current, NEVER_REFUSED, INSTALLED, dcc_poll_pair pair;
    return dcc_poll_read_current(&pair), , ,
    UNINSTALLED)
/* A thread without a job, while a job runs on another. */
ROW(dcc_poll_read_current_at, NEVER_REFUSED, make_running_job(w), dcc_poll_pair pair;
    return dcc_poll_read_current_at(&pair, "another file of this row", 7), , , RELEASE)
static dcc_library_call library_call(struct world *w)
{
    dcc_library_call call = {sizeof call, 0, NULL, NULL, NULL};
    call.job = w->job;
    call.job_token = dcc_job_token(w->job);
    return call;
}
ROW(dcc_library_call_begin, NEVER_REFUSED, INSTALLED, dcc_library_call call = library_call(w);
    return dcc_library_call_begin(&call), , , UNINSTALLED)
ROW(dcc_library_call_ask, NEVER_REFUSED, INSTALLED, dcc_library_call call = library_call(w);
    return dcc_library_call_ask(&call), , , UNINSTALLED)
ROW(dcc_library_call_end, 0, INSTALLED, dcc_library_call call = library_call(w);
    return dcc_library_call_end(&call, 0, 1, TEXT), , , UNINSTALLED)
ROW(dcc_poll_read_token, NEVER_REFUSED, make_token(w), dcc_poll_layer layer;
    return dcc_poll_read_token(w->token, &layer), , , drop(w))
ROW(dcc_poll_slow, NEVER_REFUSED, INSTALLED,
    return dcc_poll_slow((uint64_t)(uintptr_t)dcc_job_token(w->job), 0, __FILE__, __LINE__), , , UNINSTALLED)

#define CAPTURED INSTALLED; OK(dcc_context_capture(&w->context))
#define UNCAPTURED OK(dcc_context_release(w->context)); UNINSTALLED
ROW(dcc_context_capture, SAME_THREAD, INSTALLED, MADE(w->context, dcc_context_capture(&w->context)), ,
    OK(dcc_context_release(w->context)), UNINSTALLED)
ROW_AS(capture_nothing, "dcc_context_capture", 0, , MADE(w->context, dcc_context_capture(&w->context)), ,
    OK(dcc_context_release(w->context)), )
#define BIND GIVEN(w->context, dcc_context_bind(on_thread, w, on_destroy, &w->context))
static void *on_thread(void *user_data)
{
    ((struct world *)user_data)->ran++;
    return user_data;
}
static void bind(struct world *w)
{
    OK(dcc_context_bind(on_thread, w, on_destroy, &w->context));
    w->given++;
}
/* Memory may be too short to make the thread's objects current. The destroy-notify is called in any case. */
static int32_t run_bound(struct world *w)
{
    void *answer;
    int32_t destroyed;
    /* A second call, after a refusal. */
    if (w->context == NULL)
        bind(w);
    destroyed = seen(&w->destroyed);
    answer = dcc_context_run(w->context);
    w->context = NULL;
    CHECK(answer == (w->ran ? w : NULL) && seen(&w->destroyed) == destroyed + 1);
    return answer ? DCC_OK : DCC_ERROR_RESOURCES;
}
ROW(dcc_context_bind, SAME_THREAD, INSTALLED, BIND, , OK(dcc_context_release(w->context)), UNINSTALLED)
ROW(dcc_context_run, TAKES, INSTALLED; bind(w), return run_bound(w), , , UNINSTALLED)
ROW(dcc_context_retain, NEVER_REFUSED, CAPTURED, return dcc_context_retain(w->context), ,
    OK(dcc_context_release(w->context)), UNCAPTURED)
ROW(dcc_context_release, NEVER_REFUSED, CAPTURED, return dcc_context_release(w->context), , , UNINSTALLED)
ROW(dcc_context_enter, 0, CAPTURED, return dcc_context_enter(w->context, &w->outer), ,
    OK(dcc_context_exit(w->outer)), UNCAPTURED)
ROW(dcc_context_shield, 0, INSTALLED, return dcc_context_shield(&w->outer), , OK(dcc_context_exit(w->outer)),
    UNINSTALLED)
ROW(dcc_context_ask, NEVER_REFUSED, INSTALLED, return dcc_context_ask(w->token, &w->id), , , UNINSTALLED)
ROW(dcc_context_exit, NEVER_REFUSED | SAME_THREAD, CAPTURED; OK(dcc_context_enter(w->context, &w->outer)),
    return dcc_context_exit(w->outer), , , UNCAPTURED)
ROW(dcc_context_unwind, NEVER_REFUSED | SAME_THREAD,
    make_job(w); OK(dcc_job_set_current(w->job, &w->outer)); OK(dcc_job_set_current(w->job, &w->ticket)),
    return dcc_context_unwind(w->outer), , , RELEASE)
ROW(dcc_context_caller_id, NEVER_REFUSED, INSTALLED,
    return dcc_context_caller_id(w->text, sizeof w->text, &w->length), , , UNINSTALLED)
