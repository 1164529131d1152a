/* Sessions, requests, and messages of their peers. */
#include "rows.h"
#include <string.h>

#define REASON "a reason that is longer than what fits somewhere", DCC_NUL_TERMINATED
#define CLOSE OK(dcc_session_release(w->session))
#define END OK(dcc_request_end(w->request, NULL)); OK(dcc_request_release(w->request)); CLOSE

static int32_t create(struct world *w)
{
    dcc_session_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    MADE(w->session, dcc_session_create(&desc, &w->session));
}
ROW(dcc_session_create, 0, , return create(w), , CLOSE, )
ROW(dcc_session_retain, NEVER_REFUSED, make_session(w), return dcc_session_retain(w->session), , CLOSE, CLOSE)
ROW(dcc_session_release, NEVER_REFUSED, make_session(w), return dcc_session_release(w->session), , , )
ROW(dcc_session_close, NEVER_REFUSED, make_request(w); hear(w), return dcc_session_close(w->session),
    UNTIL(seen(&w->called)), , END)

static int32_t cancel(struct world *w, const char *text)
{
    dcc_request_id id = request_id(text);
    return dcc_session_cancel(w->session, &id, REASON);
}
ROW(dcc_session_cancel, NEVER_REFUSED, make_request(w); hear(w), return cancel(w, "request-1"),
    UNTIL(seen(&w->called)), , END)
ROW_AS(cancel_early, "dcc_session_cancel", 0, make_session(w), return cancel(w, "request-2"), , , CLOSE)

static int32_t query(struct world *w)
{
    int32_t state = DCC_REQUEST_UNKNOWN;
    dcc_request_id id = request_id("request-1");
    const int32_t status = dcc_session_query(w->session, &id, &state);
    return status == DCC_OK && state != DCC_REQUEST_CANCELLED ? -99 : status;
}
#define CANCELLED make_request(w); OK(dcc_request_cancel(w->request, REASON))
ROW(dcc_session_query, NEVER_REFUSED, CANCELLED, return query(w), , , END)

static int32_t reason(struct world *w)
{
    dcc_request_id id = request_id("request-1");
    return dcc_session_reason(w->session, &id, w->text, sizeof w->text, &w->length);
}
ROW(dcc_session_reason, NEVER_REFUSED, CANCELLED, return reason(w), , , END)

static int32_t clear(struct world *w)
{
    dcc_request_id id = request_id("request-2");
    return dcc_session_clear(w->session, &id);
}
ROW(dcc_session_clear, NEVER_REFUSED, make_session(w); OK(cancel(w, "request-2")), return clear(w), , , CLOSE)
ROW(dcc_session_sweep, NEVER_REFUSED, make_session(w); OK(cancel(w, "request-2")),
    return dcc_session_sweep(w->session, 0, &w->id), , , CLOSE)

#define CANCEL                                                                                        \
    "{\"method\":\"notifications/cancelled\",\"params\":{\"requestId\":\"request-1\","                    \
    "\"reason\":\"a reason that is longer than what fits\",\"deep\":[[[[[[[[[[1]]]]]]]]]]}}"

static int32_t handle(struct world *w, const char *message)
{
    return dcc_session_handle_message(w->session, message, strlen(message), NULL);
}
ROW(dcc_session_handle_message, 0, make_request(w); hear(w), return handle(w, CANCEL),
    UNTIL(seen(&w->called)), , END)
ROW_AS(early_message, "dcc_session_handle_message", 0, make_session(w), return handle(w, CANCEL), , , CLOSE)
ROW_AS(bad_message, "dcc_session_handle_message", 0, make_session(w),
    return handle(w, "[[[{\"a\":\"b\"},"), , ,
    CLOSE)

static int32_t stats(struct world *w)
{
    dcc_session_stats info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    return dcc_session_read_stats(w->session, &info);
}
ROW(dcc_session_read_stats, NEVER_REFUSED, make_session(w), return stats(w), , , CLOSE)

static int32_t begin(struct world *w)
{
    dcc_request_desc desc = request_desc("an id that is longer than what fits somewhere");
    desc.parent = w->token;
    MADE(w->request, dcc_request_begin(w->session, &desc, &w->request));
}
ROW(dcc_request_begin, 0, make_session(w); make_token(w), return begin(w), ,
    OK(dcc_request_end(w->request, NULL)); OK(dcc_request_release(w->request)), drop(w); CLOSE)
ROW(dcc_request_retain, NEVER_REFUSED, make_request(w), return dcc_request_retain(w->request), ,
    OK(dcc_request_release(w->request)), END)
ROW(dcc_request_release, NEVER_REFUSED, make_request(w), return dcc_request_release(w->request), , , CLOSE)
ROW(dcc_request_token, NEVER_REFUSED, make_request(w), return dcc_request_token(w->request) ? 0 : -99, , ,
    END)
ROW(dcc_request_cancel, NEVER_REFUSED, make_request(w); hear(w),
    return dcc_request_cancel(w->request, REASON),
    CHECK(seen(&w->called)), , END)
ROW(dcc_request_seal, NEVER_REFUSED, make_request(w); hear(w), return dcc_request_seal(w->request), , , END)
ROW(dcc_request_end, NEVER_REFUSED, CANCELLED, return dcc_request_end(w->request, NULL), , ,
    OK(dcc_request_release(w->request)); CLOSE)
ROW(dcc_request_write_cancelled, NEVER_REFUSED, CANCELLED; OK(dcc_request_end(w->request, NULL)),
    return dcc_request_write_cancelled(w->request, w->text, sizeof w->text, &w->length), , ,
    OK(dcc_request_release(w->request)); CLOSE)

static int32_t set_progress(struct world *w)
{
    dcc_request_progress progress;
    memset(&progress, 0, sizeof progress);
    progress.struct_size = sizeof progress;
    progress.progress = 0.5;
    progress.total = 1;
    progress.message = "a message that is longer than what fits somewhere";
    progress.message_length = DCC_NUL_TERMINATED;
    return dcc_request_set_progress(w->request, &progress);
}
ROW(dcc_request_set_progress, 0, make_request(w), return set_progress(w), , , END)

static void make_busy_job(struct world *w)
{
    make_request(w);
    make_running_job(w);
    OK(dcc_job_set_progress(w->job, 1, 2, REASON));
}
ROW(dcc_request_set_progress_of_job, 0, make_busy_job(w),
    return dcc_request_set_progress_of_job(w->request, w->job), , , OK(dcc_job_release(w->job)); END)
ROW(dcc_request_write_progress, 0, make_request(w); OK(set_progress(w)),
    return dcc_request_write_progress(w->request, DCC_PROGRESS_NOW, w->text, sizeof w->text, &w->length), , ,
    END)
