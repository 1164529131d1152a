/* A C program linked against the DLL: tokens, jobs, polls, slots, and threads and fibers that end
 * with slots set. */

#include "check.h"
#include "dcc_cancel.h"

#include <string.h>
#include <windows.h>

static volatile LONG destroyed;

static void count_destroy(void *user_data)
{
    /* A destroy-notify may use the library, also at the very end of a thread. */
    CHECK(dcc_check_cancelled() >= 0);
    InterlockedIncrement((volatile LONG *)user_data);
}

static dcc_stats stats(void)
{
    dcc_stats now = {0};
    now.struct_size = sizeof now;
    CHECK(dcc_stats_read(&now) == DCC_OK);
    return now;
}

static dcc_job *new_job(const char *label)
{
    dcc_job_desc desc = {0};
    dcc_job *job = NULL;
    desc.struct_size = sizeof desc;
    desc.label = label;
    desc.label_length = DCC_NUL_TERMINATED;
    desc.user_data = (void *)&destroyed;
    desc.destroy = count_destroy;
    CHECK(dcc_job_create(&desc, &job) == DCC_OK);
    CHECK(job != NULL);
    return job;
}

static void a_token_is_cancelled_once_and_polls_see_it(void)
{
    dcc_cancel_token *token = NULL;
    char reason[32];
    size_t length = 0;
    dcc_poll_layer poll;
    CHECK(dcc_cancel_token_create(&token) == DCC_OK);
    poll = dcc_poll_of(token);
    CHECK(dcc_poll_one(poll) == DCC_OK);
    CHECK(dcc_cancel_token_cancel(token, "Esc", DCC_NUL_TERMINATED) == DCC_OK);
    CHECK(dcc_cancel_token_cancel(token, "late", DCC_NUL_TERMINATED) == DCC_ALREADY_CANCELLED);
    CHECK(dcc_poll_one(poll) == DCC_CANCELLED_BY_TOKEN);
    CHECK(dcc_cancel_token_is_cancelled(token) == DCC_CANCELLED_BY_TOKEN);
    CHECK(dcc_cancel_token_reason(token, reason, sizeof reason, &length) == DCC_OK);
    CHECK(length == 3 && strcmp(reason, "Esc") == 0);
    CHECK(dcc_cancel_token_release(token) == DCC_OK);
    CHECK(dcc_poll_one(poll) == DCC_POLL_GONE);
    CHECK(dcc_cancel_token_release(token) == DCC_ERROR_INVALID_HANDLE);
}

static void a_job_runs_and_its_probe_stops_it(void)
{
    dcc_ticket ticket = 0;
    dcc_poll_pair poll;
    LONG before = destroyed;
    dcc_job *job = new_job("smooth");
    CHECK(dcc_job_begin(job) == DCC_OK);
    CHECK(dcc_job_set_current(job, &ticket) == DCC_OK);
    poll = dcc_poll_current();
    CHECK(dcc_poll(poll) == DCC_OK);
    CHECK(dcc_check_cancelled() == DCC_OK);
    CHECK(dcc_job_cancel(job, NULL, 0) == DCC_OK);
    CHECK(dcc_poll(poll) == DCC_CANCELLED_BY_JOB);
    CHECK(dcc_check_cancelled() == DCC_CANCELLED_BY_JOB);
    CHECK(dcc_job_acknowledge_cancel(job) == DCC_OK);
    CHECK(dcc_job_reset_current(ticket) == DCC_OK);
    CHECK(dcc_job_reset_current(ticket) == DCC_ERROR_TICKET_USED);
    CHECK(dcc_check_cancelled() == DCC_OK);
    CHECK(destroyed == before);
    CHECK(dcc_job_release(job) == DCC_OK);
    CHECK(destroyed == before + 1);
}

static DWORD WINAPI end_with_slots_set(void *captured)
{
    dcc_ticket ticket = 0;
    dcc_job *job = new_job("forgotten");
    CHECK(dcc_job_current() == NULL);
    CHECK(dcc_context_enter((dcc_context *)captured, &ticket) == DCC_OK);
    CHECK(dcc_check_cancelled() == DCC_CANCELLED_BY_TOKEN);
    CHECK(dcc_job_set_current(job, &ticket) == DCC_OK);
    CHECK(dcc_job_release(job) == DCC_OK);
    return 0;
}

static void threads_that_end_with_slots_set_are_cleaned_up(void)
{
    enum { THREADS = 16 };
    HANDLE threads[THREADS];
    dcc_cancel_token *token = NULL;
    dcc_context *context = NULL;
    dcc_ticket ticket = 0;
    LONG before = destroyed;
    int i;
    CHECK(dcc_cancel_token_create(&token) == DCC_OK);
    CHECK(dcc_cancel_token_cancel(token, NULL, 0) == DCC_OK);
    CHECK(dcc_cancel_token_set_current(token, &ticket) == DCC_OK);
    CHECK(dcc_context_capture(&context) == DCC_OK);
    for (i = 0; i < THREADS; ++i) {
        threads[i] = CreateThread(NULL, 0, end_with_slots_set, context, 0, NULL);
        CHECK(threads[i] != NULL);
    }
    for (i = 0; i < THREADS; ++i) {
        CHECK(WaitForSingleObject(threads[i], 60000) == WAIT_OBJECT_0);
        CloseHandle(threads[i]);
    }
    CHECK(destroyed == before + THREADS);
    CHECK(dcc_cancel_token_reset_current(ticket) == DCC_OK);
    CHECK(dcc_context_release(context) == DCC_OK);
    CHECK(dcc_cancel_token_release(token) == DCC_OK);
    CHECK(stats().live_tokens == 0 && stats().live_jobs == 0 && stats().live_contexts == 0);
}

struct fiber_test {
    void *home;
    dcc_ticket ticket;
};

static void WINAPI set_a_job_in_a_fiber(void *data)
{
    struct fiber_test *test = (struct fiber_test *)data;
    dcc_job *job = new_job("in a fiber");
    CHECK(dcc_job_set_current(job, &test->ticket) == DCC_OK);
    CHECK(dcc_job_release(job) == DCC_OK);
    SwitchToFiber(test->home);
}

/* Whatever a fiber makes current belongs to its thread, and outlives the fiber but not the thread. */
static DWORD WINAPI delete_a_fiber_and_end(void *reset)
{
    struct fiber_test test = {0};
    void *fiber;
    LONG before = destroyed;
    test.home = ConvertThreadToFiber(NULL);
    CHECK(test.home != NULL);
    fiber = CreateFiber(0, set_a_job_in_a_fiber, &test);
    CHECK(fiber != NULL);
    SwitchToFiber(fiber);
    DeleteFiber(fiber);
    CHECK(destroyed == before);
    CHECK(dcc_job_current() != NULL);
    if (reset) {
        CHECK(dcc_job_reset_current(test.ticket) == DCC_OK);
        CHECK(destroyed == before + 1);
    }
    return 0;
}

static void a_deleted_fiber_is_not_the_end_of_its_thread(void)
{
    int reset;
    for (reset = 0; reset < 2; ++reset) {
        LONG before = destroyed;
        HANDLE thread =
            CreateThread(NULL, 0, delete_a_fiber_and_end, reset ? &reset : NULL, 0, NULL);
        CHECK(thread != NULL);
        CHECK(WaitForSingleObject(thread, 60000) == WAIT_OBJECT_0);
        CloseHandle(thread);
        CHECK(destroyed == before + 1);
    }
    CHECK(stats().live_jobs == 0);
}

int main(void)
{
    CHECK(dcc_abi_version() >> 16 == DCC_ABI_MAJOR);
    CHECK(dcc_instance_check() == DCC_OK);
    a_token_is_cancelled_once_and_polls_see_it();
    a_job_runs_and_its_probe_stops_it();
    threads_that_end_with_slots_set_are_cleaned_up();
    a_deleted_fiber_is_not_the_end_of_its_thread();
    puts("linked: fine");
    return 0;
}
