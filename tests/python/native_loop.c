/* The native side of the Python tests: a plugin's loop, linked with the library as plugins are. */
#include "dcc_cancel.h"
#include <pthread.h>
#include <stdlib.h>

/* Polls until a poll says to stop, and returns that answer; 0 after `limit_ns`. */
int32_t loop_until_cancelled(uint64_t limit_ns)
{
    dcc_poll_pair poll = dcc_poll_current();
    uint64_t end = dcc_clock_now_ns() + limit_ns;
    while (dcc_clock_now_ns() < end) {
        dcc_status status = dcc_poll(poll);
        if (status != DCC_OK)
            return status;
    }
    return 0;
}

typedef struct polling {
    dcc_context *context;
    uint64_t count;
    uint64_t stopped;
} polling;

static void *poll_many(void *argument)
{
    polling *work = argument;
    dcc_ticket ticket;
    uint64_t i;
    if (dcc_context_enter(work->context, &ticket) < 0)
        return NULL;
    for (i = 0; i < work->count; ++i) {
        if (dcc_check_cancelled() != DCC_OK)
            ++work->stopped;
    }
    dcc_context_exit(ticket);
    return work;
}

/* Carries the current context to another thread, polls there this many times, and waits for that. Returns how
 * many polls said "stop", or -1. */
int64_t poll_on_another_thread(uint64_t count)
{
    polling work = {NULL, 0, 0};
    pthread_t thread;
    void *answer = NULL;
    work.count = count;
    if (dcc_context_capture(&work.context) < 0)
        return -1;
    if (pthread_create(&thread, NULL, poll_many, &work) == 0)
        pthread_join(thread, &answer);
    dcc_context_release(work.context);
    return answer != NULL ? (int64_t)work.stopped : -1;
}

/* Leaves a token current, like a plugin that forgot its reset. */
int32_t leave_a_token_behind(const dcc_cancel_token *token)
{
    dcc_ticket ticket;
    return dcc_cancel_token_set_current(token, &ticket);
}

static uint64_t linger_ns;

static void linger(void)
{
    uint64_t end = dcc_clock_now_ns() + linger_ns;
    while (dcc_clock_now_ns() < end)
        ;
}

/* Keeps the process busy after Python has ended in it. */
int32_t linger_at_exit(uint64_t nanoseconds)
{
    linger_ns = nanoseconds;
    return atexit(linger);
}

/* Counts this many units of a total in a share of its own, and calls `look` meanwhile, like a library that
 * does not know its caller. Returns the status of the last call. */
int32_t count_units(uint64_t units, uint64_t total, void (*look)(void))
{
    dcc_progress_desc desc = {0};
    dcc_progress *share = NULL;
    dcc_progress_counter counter;
    dcc_status status;
    desc.struct_size = sizeof desc;
    desc.total = total;
    desc.label = "Native";
    desc.label_length = DCC_NUL_TERMINATED;
    status = dcc_progress_begin(&desc, &share);
    if (status != DCC_OK)
        return status;
    counter = dcc_progress_counter_of(share);
    for (; units > 0 && status == DCC_OK; --units)
        status = dcc_progress_advance(&counter, 1);
    dcc_progress_flush(&counter);
    look();
    dcc_progress_end(share);
    dcc_progress_release(share);
    return status;
}

/* Runs a script inside a host's job that has a check of its own. Returns the job's state after that. */
int32_t run_script_in_a_host_job(dcc_is_cancelled_fn asks, void (*script)(dcc_job *job))
{
    dcc_job_desc desc = {0};
    dcc_job *job = NULL;
    dcc_ticket ticket;
    int32_t state = -1;
    desc.struct_size = sizeof desc;
    desc.is_cancelled = asks;
    desc.min_interval_ns = 1;
    if (dcc_job_create(&desc, &job) < 0)
        return -1;
    dcc_job_begin(job);
    dcc_job_set_current(job, &ticket);
    script(job);
    dcc_job_reset_current(ticket);
    dcc_job_acknowledge_cancel(job);
    dcc_job_state(job, &state);
    dcc_job_release(job);
    return state;
}
