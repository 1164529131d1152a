/* Dispatchers, and jobs that are posted to them. */
#include "rows.h"
#include <string.h>

#define RELEASE OK(dcc_dispatcher_release(w->dispatcher))

static void post(struct world *w, uint32_t flags)
{
    dcc_post_desc desc = post_desc(w);
    desc.flags = flags;
    OK(dcc_dispatcher_post(w->dispatcher, &desc, &w->job, NULL));
    w->given++;
}

/* Pumps once; returns whether all posted jobs are over. */
static int pumped(struct world *w)
{
    dcc_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    OK(dcc_dispatcher_pump(w->dispatcher, DCC_NO_LIMIT, DCC_NO_LIMIT, NULL));
    OK(dcc_stats_read(&stats));
    return stats.unfinished_posts == 0;
}

/* A job that ran on another thread may still be on its way back. */
static void pump(struct world *w)
{
    UNTIL(pumped(w));
}

static int32_t create(struct world *w)
{
    dcc_dispatcher_desc desc;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.user_data = w;
    desc.destroy = on_destroy;
    desc.owner = w->owner;
    GIVEN(w->dispatcher, dcc_dispatcher_create(&desc, &w->dispatcher));
}
ROW(dcc_dispatcher_create, 0, OK(dcc_owner_create(&w->owner)), return create(w), , RELEASE,
    OK(dcc_owner_close(w->owner)))
ROW(dcc_dispatcher_retain, NEVER_REFUSED, make_dispatcher(w, 0),
    return dcc_dispatcher_retain(w->dispatcher), ,
    RELEASE, RELEASE)
ROW(dcc_dispatcher_release, NEVER_REFUSED | SAME_THREAD, make_dispatcher(w, 0); post(w, 0),
    return dcc_dispatcher_release(w->dispatcher), , , OK(dcc_job_release(w->job)))
ROW(dcc_dispatcher_close, NEVER_REFUSED, make_dispatcher(w, 0); post(w, 0),
    return dcc_dispatcher_close(w->dispatcher), , , pump(w); OK(dcc_job_release(w->job)); RELEASE)
ROW(dcc_dispatcher_find, NEVER_REFUSED, make_dispatcher(w, 0); post(w, 0),
    return dcc_dispatcher_find(w->dispatcher, "posted-1", DCC_NUL_TERMINATED, &w->made_job), ,
    OK(dcc_job_release(w->made_job)), pump(w); OK(dcc_job_release(w->job)); RELEASE)

static int32_t post_one(struct world *w, uint32_t flags)
{
    dcc_post_desc desc = post_desc(w);
    desc.flags = flags;
    desc.parent = w->token;
    desc.owner = w->owner;
    desc.deadline_after_ns = flags ? 0 : UINT64_C(3600000000000);
    GIVEN(w->made_job, dcc_dispatcher_post(w->dispatcher, &desc, &w->made_job, NULL));
}
#define OWNED make_token(w); OK(dcc_owner_create(&w->owner)); make_dispatcher(w, 0)
#define DISOWNED pump(w); RELEASE; OK(dcc_owner_close(w->owner)); drop(w)
ROW(dcc_dispatcher_post, 0, OWNED, return post_one(w, 0), , OK(dcc_job_release(w->made_job)), DISOWNED)
/* A job that a thread of the library runs. There may be no memory for that thread's slots. */
ROW_AS(post_any_thread, "dcc_dispatcher_post", 0, OWNED, return post_one(w, DCC_POST_ANY_THREAD),
    UNTIL(state_of(w->made_job) > DCC_JOB_RUNNING), OK(dcc_job_release(w->made_job)), DISOWNED)

static int32_t post_and_wait(struct world *w, uint32_t flags)
{
    int32_t state = 0;
    dcc_post_desc desc = post_desc(w);
    desc.flags = flags;
    GIVEN(w->made_job,
        dcc_dispatcher_post_and_wait(w->dispatcher, &desc, DCC_NO_LIMIT, &w->made_job, &state));
}
ROW(dcc_dispatcher_post_and_wait, SAME_THREAD, make_dispatcher(w, 0), return post_and_wait(w, 0), ,
    OK(dcc_job_release(w->made_job)), pump(w); RELEASE)

ROW(dcc_slice_is_over, NEVER_REFUSED, , return dcc_slice_is_over(), , , )
ROW(dcc_job_wake, NEVER_REFUSED, make_dispatcher(w, 0); post(w, 0), return dcc_job_wake(w->job), , ,
    pump(w); OK(dcc_job_release(w->job)); RELEASE)
ROW(dcc_job_wake_at_cancel, 0, make_token(w); make_dispatcher(w, 0); post(w, 0),
    return dcc_job_wake_at_cancel(w->job, w->token, &w->made_registration), ,
    OK(dcc_registration_unregister(w->made_registration)),
    pump(w); OK(dcc_job_release(w->job)); RELEASE; drop(w))
ROW(dcc_job_wake_at_end, 0, make_job(w); w->made_job = w->job; make_dispatcher(w, 0); post(w, 0),
    return dcc_job_wake_at_end(w->job, w->made_job), , ,
    OK(dcc_job_release(w->made_job)); pump(w); OK(dcc_job_release(w->job)); RELEASE)
ROW_AS(wake_at_end_of_none, "dcc_job_wake_at_end", NEVER_REFUSED, make_dispatcher(w, 0); post(w, 0),
    return dcc_job_wake_at_end(w->job, NULL), , , pump(w); OK(dcc_job_release(w->job)); RELEASE)
ROW(dcc_slice_ends_at_ns, NEVER_REFUSED, , return dcc_slice_ends_at_ns() == DCC_NO_LIMIT ? 0 : -99, , , )
ROW(dcc_dispatcher_pump, NEVER_REFUSED | SAME_THREAD, make_dispatcher(w, 0); post(w, 0),
    return dcc_dispatcher_pump(w->dispatcher, DCC_NO_LIMIT, DCC_NO_LIMIT, NULL),
    CHECK(state_of(w->job) > DCC_JOB_RUNNING), , OK(dcc_job_release(w->job)); RELEASE)
/* The first tick on a thread that has not used the library yet. */
ROW_AS(bind_later, "dcc_dispatcher_pump", 0, make_dispatcher(w, DCC_DISPATCHER_BIND_LATER); post(w, 0),
    return dcc_dispatcher_pump(w->dispatcher, DCC_NO_LIMIT, DCC_NO_LIMIT, NULL),
    CHECK(state_of(w->job) > DCC_JOB_RUNNING), , OK(dcc_job_release(w->job)); RELEASE)

static int32_t stats(struct world *w)
{
    dcc_dispatcher_stats info;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    return dcc_dispatcher_read_stats(w->dispatcher, &info);
}
#define RAN make_dispatcher(w, 0); post(w, 0); pump(w)
#define RAN_AFTER OK(dcc_job_release(w->job)); RELEASE
ROW(dcc_dispatcher_read_stats, NEVER_REFUSED, RAN, return stats(w), , , RAN_AFTER)
ROW(dcc_dispatcher_longest_label, NEVER_REFUSED, RAN,
    return dcc_dispatcher_longest_label(w->dispatcher, w->text, sizeof w->text, &w->length), , , RAN_AFTER)
