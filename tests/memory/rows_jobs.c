/* Jobs, what is current on a thread, polls, contexts. */
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
ROW(dcc_job_set_progress, 0, make_running_job(w), return dcc_job_set_progress(w->job, 1, 2, TEXT), , ,
    RELEASE)

static int32_t progress(struct world *w)
{
    dcc_job_progress info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    return dcc_job_read_progress(w->job, &info);
}
ROW(dcc_job_read_progress, NEVER_REFUSED, make_running_job(w), return progress(w), , , RELEASE)
GETS(dcc_job_progress_message, w->text, sizeof w->text, &w->length)
GETS(dcc_job_label, w->text, sizeof w->text, &w->length)
GETS(dcc_job_caller_id, w->text, sizeof w->text, &w->length)
GETS(dcc_job_failure, w->text, sizeof w->text, &w->length)
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
ROW(dcc_context_retain, NEVER_REFUSED, CAPTURED, return dcc_context_retain(w->context), ,
    OK(dcc_context_release(w->context)), UNCAPTURED)
ROW(dcc_context_release, NEVER_REFUSED, CAPTURED, return dcc_context_release(w->context), , , UNINSTALLED)
ROW(dcc_context_enter, 0, CAPTURED, return dcc_context_enter(w->context, &w->outer), ,
    OK(dcc_context_exit(w->outer)), UNCAPTURED)
ROW(dcc_context_shield, 0, INSTALLED, return dcc_context_shield(&w->outer), , OK(dcc_context_exit(w->outer)),
    UNINSTALLED)
ROW(dcc_context_exit, NEVER_REFUSED | SAME_THREAD, CAPTURED; OK(dcc_context_enter(w->context, &w->outer)),
    return dcc_context_exit(w->outer), , , UNCAPTURED)
ROW(dcc_context_unwind, NEVER_REFUSED | SAME_THREAD,
    make_job(w); OK(dcc_job_set_current(w->job, &w->outer)); OK(dcc_job_set_current(w->job, &w->ticket)),
    return dcc_context_unwind(w->outer), , , RELEASE)
ROW(dcc_context_caller_id, NEVER_REFUSED, INSTALLED,
    return dcc_context_caller_id(w->text, sizeof w->text, &w->length), , , UNINSTALLED)
