/* The state and the helpers that the rows share. */
#include "rows.h"
#include <string.h>

void on_cancel(const dcc_cancel_token *token, void *user_data)
{
    (void)token;
    __atomic_add_fetch(&((struct world *)user_data)->called, 1, __ATOMIC_SEQ_CST);
}

void on_destroy(void *user_data)
{
    __atomic_add_fetch(&((struct world *)user_data)->destroyed, 1, __ATOMIC_SEQ_CST);
}

int32_t never(void *user_data)
{
    (void)user_data;
    return 0;
}

int32_t work(const dcc_job *job, void *user_data)
{
    (void)job;
    __atomic_add_fetch(&((struct world *)user_data)->ran, 1, __ATOMIC_SEQ_CST);
    return DCC_OK;
}

void on_completion(const dcc_job *job, int32_t state, void *user_data)
{
    (void)job;
    (void)state;
    (void)user_data;
}

void make_token(struct world *w)
{
    OK(dcc_cancel_token_create(&w->token));
}

void drop(struct world *w)
{
    OK(dcc_cancel_token_release(w->token));
}

dcc_job_desc job_desc(struct world *w)
{
    dcc_job_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.label = "a label that is longer than what fits somewhere";
    desc.label_length = DCC_NUL_TERMINATED;
    desc.caller_id = "caller-1";
    desc.caller_id_length = DCC_NUL_TERMINATED;
    desc.user_data = w;
    desc.destroy = on_destroy;
    desc.is_cancelled = never;
    desc.parent = w->token;
    return desc;
}

void make_job(struct world *w)
{
    dcc_job_desc desc = job_desc(w);
    OK(dcc_job_create(&desc, &w->job));
    w->given++;
}

void make_running_job(struct world *w)
{
    make_job(w);
    OK(dcc_job_begin(w->job));
}

void make_dispatcher(struct world *w, uint32_t flags)
{
    dcc_dispatcher_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.flags = flags;
    OK(dcc_dispatcher_create(&desc, &w->dispatcher));
}

dcc_post_desc post_desc(struct world *w)
{
    dcc_post_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.label = "a label that is longer than what fits somewhere";
    desc.label_length = DCC_NUL_TERMINATED;
    desc.caller_id = "posted-1";
    desc.caller_id_length = DCC_NUL_TERMINATED;
    desc.function = work;
    desc.completion = on_completion;
    desc.user_data = w;
    desc.destroy = on_destroy;
    return desc;
}

void make_session(struct world *w)
{
    dcc_session_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.replies = DCC_REPLIES_CANCELLED;
    desc.early = DCC_EARLY_HELD;
    OK(dcc_session_create(&desc, &w->session));
}

dcc_request_id request_id(const char *text)
{
    dcc_request_id id;
    memset(&id, 0, sizeof id);
    id.type = DCC_ID_TEXT;
    id.text = text;
    id.text_length = DCC_NUL_TERMINATED;
    return id;
}

dcc_request_desc request_desc(const char *text)
{
    dcc_request_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.id = request_id(text);
    desc.progress_token = request_id("progress-1");
    return desc;
}

void make_request(struct world *w)
{
    make_session(w);
    dcc_request_desc desc = request_desc("request-1");
    OK(dcc_request_begin(w->session, &desc, &w->request));
    w->token = dcc_request_token(w->request);
    CHECK(w->token != NULL);
}

void hear(struct world *w)
{
    OK(dcc_cancel_token_register(w->token, on_cancel, w, on_destroy, w->owner, &w->registration));
    w->given++;
}

int32_t state_of(const dcc_job *job)
{
    int32_t state = DCC_JOB_NONE;
    CHECK(dcc_job_state(job, &state) == DCC_OK);
    return state;
}
