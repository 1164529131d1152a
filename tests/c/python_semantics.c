/* What the Python package dcc_mcp_core promises of cancellation, in C, a function for each row.
 * Run with the name of a row, or with --list. */
#define _POSIX_C_SOURCE 200809L
#include "dcc_cancel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

static dcc_cancel_token *new_token(void)
{
    dcc_cancel_token *token = NULL;
    EXPECT(dcc_cancel_token_create(&token) == DCC_OK && token != NULL);
    return token;
}

static dcc_cancel_token *new_token_for(const char *caller_id)
{
    dcc_cancel_token *token = NULL;
    dcc_cancel_token_desc desc = {0};
    desc.struct_size = sizeof desc;
    desc.caller_id = caller_id;
    desc.caller_id_length = DCC_NUL_TERMINATED;
    EXPECT(dcc_cancel_token_create_from(&desc, &token) == DCC_OK);
    return token;
}

static dcc_job *new_job_from(dcc_job_desc desc)
{
    dcc_job *job = NULL;
    desc.struct_size = sizeof desc;
    EXPECT(dcc_job_create(&desc, &job) == DCC_OK && job != NULL);
    return job;
}

static dcc_job *new_job(void)
{
    const dcc_job_desc desc = {0};
    return new_job_from(desc);
}

static dcc_ticket set_token(const dcc_cancel_token *token)
{
    dcc_ticket ticket = 0;
    EXPECT(dcc_cancel_token_set_current(token, &ticket) == DCC_OK && ticket != 0);
    return ticket;
}

static dcc_ticket set_job(const dcc_job *job)
{
    dcc_ticket ticket = 0;
    EXPECT(dcc_job_set_current(job, &ticket) == DCC_OK && ticket != 0);
    return ticket;
}

static void cancel_token(const dcc_cancel_token *token)
{
    EXPECT(dcc_cancel_token_cancel(token, NULL, 0) == DCC_OK);
}

static void cancel_job(const dcc_job *job)
{
    EXPECT(dcc_job_cancel(job, NULL, 0) == DCC_OK);
}

static dcc_stats stats(void)
{
    dcc_stats now = {0};
    now.struct_size = sizeof now;
    EXPECT(dcc_stats_read(&now) == DCC_OK);
    return now;
}

static void run_thread(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, body, argument) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
}

static void token_cancel_is_idempotent(void)
{
    dcc_cancel_token *token = new_token();
    char reason[16];
    EXPECT(dcc_cancel_token_is_cancelled(token) == DCC_OK);
    EXPECT(dcc_cancel_token_cancel(token, "first", 5) == DCC_OK);
    EXPECT(dcc_cancel_token_cancel(token, "second", 6) == DCC_ALREADY_CANCELLED);
    EXPECT(dcc_cancel_token_is_cancelled(token) == DCC_CANCELLED_BY_TOKEN);
    EXPECT(dcc_cancel_token_reason(token, reason, sizeof reason, NULL) == DCC_OK);
    EXPECT(strcmp(reason, "first") == 0);
}

static void the_two_texts(void)
{
    dcc_cancel_token *token = new_token();
    dcc_job *job = new_job();
    set_token(token);
    set_job(job);
    cancel_job(job);
    EXPECT(strcmp(dcc_status_string(dcc_check_cancelled()), "Job cancelled by dispatcher") == 0);
    cancel_token(token);
    EXPECT(strcmp(dcc_status_string(dcc_check_cancelled()), "Request cancelled by client") == 0);
}

static void token_beats_job(void)
{
    dcc_cancel_token *token = new_token();
    dcc_job *job = new_job();
    set_token(token);
    set_job(job);
    cancel_job(job);
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_JOB);
    cancel_token(token);
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_TOKEN);
    EXPECT(dcc_poll(dcc_poll_current()) == DCC_CANCELLED_BY_TOKEN);
}

static void check_current_ignores_the_job(void)
{
    dcc_job *job = new_job();
    set_job(job);
    cancel_job(job);
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_JOB);
    EXPECT(dcc_cancel_token_check_current() == DCC_OK);
}

static void the_probe_without_anything_is_a_no_op(void)
{
    EXPECT(dcc_check_cancelled() == DCC_OK);
    EXPECT(dcc_cancel_token_check_current() == DCC_OK);
    EXPECT(dcc_poll(dcc_poll_current()) == DCC_OK);
    EXPECT(dcc_cancel_token_current() == NULL && dcc_job_current() == NULL);
    EXPECT(dcc_job_id(dcc_job_current()) == 0);
}

static void null_clears_an_inherited_value_and_reset_restores_it(void)
{
    dcc_cancel_token *token = new_token();
    dcc_job *job = new_job();
    dcc_ticket no_token;
    dcc_ticket no_job;
    set_token(token);
    set_job(job);
    cancel_token(token);
    cancel_job(job);
    no_token = set_token(NULL);
    EXPECT(dcc_cancel_token_current() == NULL && dcc_check_cancelled() == DCC_CANCELLED_BY_JOB);
    no_job = set_job(NULL);
    EXPECT(dcc_job_current() == NULL && dcc_check_cancelled() == DCC_OK);
    EXPECT(dcc_cancel_token_reset_current(no_token) == DCC_OK);
    EXPECT(dcc_cancel_token_current() == token);
    EXPECT(dcc_job_reset_current(no_job) == DCC_OK);
    EXPECT(dcc_job_current() == job);
}

static void set_and_reset_nest(void)
{
    dcc_cancel_token *outer = new_token();
    dcc_cancel_token *inner = new_token();
    dcc_job *outer_job = new_job();
    dcc_job *inner_job = new_job();
    const dcc_ticket first = set_token(outer);
    const dcc_ticket first_job = set_job(outer_job);
    const dcc_ticket second = set_token(inner);
    const dcc_ticket second_job = set_job(inner_job);
    cancel_token(inner);
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_TOKEN);
    EXPECT(dcc_job_reset_current(second_job) == DCC_OK && dcc_job_current() == outer_job);
    EXPECT(dcc_cancel_token_reset_current(second) == DCC_OK);
    EXPECT(dcc_cancel_token_current() == outer && dcc_check_cancelled() == DCC_OK);
    EXPECT(dcc_cancel_token_reset_current(first) == DCC_OK && dcc_cancel_token_current() == NULL);
    EXPECT(dcc_job_reset_current(first_job) == DCC_OK && dcc_job_current() == NULL);
}

static void the_slots_are_independent(void)
{
    dcc_cancel_token *token = new_token();
    dcc_job *job = new_job();
    const dcc_ticket first = set_token(token);
    const dcc_ticket second = set_job(job);
    EXPECT(dcc_cancel_token_reset_current(first) == DCC_OK);
    EXPECT(dcc_job_current() == job && dcc_cancel_token_current() == NULL);
    EXPECT(dcc_job_reset_current(second) == DCC_OK);
}

static void *expect_empty(void *unused)
{
    the_probe_without_anything_is_a_no_op();
    return unused;
}

static void new_threads_start_empty(void)
{
    dcc_cancel_token *token = new_token();
    dcc_job *job = new_job();
    set_token(token);
    set_job(job);
    cancel_token(token);
    run_thread(expect_empty, NULL);
}

struct carried {
    dcc_context *context;
    dcc_cancel_token *token;
    dcc_job *job;
};

static void *enter_and_exit(void *argument)
{
    const struct carried *carried = argument;
    dcc_ticket ticket = 0;
    EXPECT(dcc_context_enter(carried->context, &ticket) == DCC_OK);
    EXPECT(dcc_cancel_token_current() == carried->token && dcc_job_current() == carried->job);
    EXPECT(dcc_check_cancelled() == DCC_OK);
    cancel_job(carried->job);
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_JOB);
    cancel_token(carried->token);
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_TOKEN);
    EXPECT(dcc_context_exit(ticket) == DCC_OK);
    EXPECT(dcc_context_exit(ticket) == DCC_ERROR_TICKET_USED);
    return expect_empty(NULL);
}

static void captured_contexts_carry(void)
{
    struct carried carried = {NULL, NULL, NULL};
    dcc_ticket token_ticket;
    dcc_ticket job_ticket;
    carried.token = new_token();
    carried.job = new_job();
    token_ticket = set_token(carried.token);
    job_ticket = set_job(carried.job);
    EXPECT(dcc_context_capture(&carried.context) == DCC_OK);
    EXPECT(dcc_cancel_token_reset_current(token_ticket) == DCC_OK);
    EXPECT(dcc_job_reset_current(job_ticket) == DCC_OK);
    /* Now only the context keeps them. */
    EXPECT(dcc_cancel_token_release(carried.token) == DCC_OK);
    EXPECT(dcc_job_release(carried.job) == DCC_OK);
    run_thread(enter_and_exit, &carried);
    EXPECT(stats().live_jobs == 1);
    EXPECT(dcc_context_release(carried.context) == DCC_OK);
    EXPECT(stats().live_tokens == 0 && stats().live_jobs == 0 && stats().live_contexts == 0);
}

static int asked;
static int answer;

static int32_t foreign(void *user_data)
{
    EXPECT(user_data == &asked);
    asked += 1;
    /* A poll inside the check does not ask the check again. */
    EXPECT(dcc_check_cancelled() == DCC_OK);
    return answer;
}

static dcc_job *new_foreign_job(uint32_t flags, uint64_t min_interval_ns)
{
    dcc_job_desc desc = {0};
    desc.is_cancelled = foreign;
    desc.user_data = &asked;
    desc.flags = flags;
    desc.min_interval_ns = min_interval_ns;
    return new_job_from(desc);
}

static void a_foreign_jobs_callback_is_asked(void)
{
    dcc_job *job = new_foreign_job(0, 0);
    dcc_cancel_token *child = NULL;
    const dcc_cancel_token *parent = dcc_job_token(job);
    dcc_cause cause = DCC_CAUSE_NONE;
    dcc_cancel_token_desc desc = {0};
    desc.struct_size = sizeof desc;
    desc.parents = &parent;
    desc.parent_count = 1;
    EXPECT(dcc_cancel_token_create_from(&desc, &child) == DCC_OK);
    set_job(job);
    EXPECT(dcc_check_cancelled() == DCC_OK && asked == 1);
    EXPECT(dcc_poll(dcc_poll_current()) == DCC_OK && asked == 2);
    answer = 1;
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_JOB && asked == 3);
    answer = 0;
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_JOB && asked == 3);
    EXPECT(dcc_cancel_token_is_cancelled(child) == DCC_CANCELLED_BY_TOKEN);
    EXPECT(dcc_cancel_token_cause(child, &cause) == DCC_OK && cause == DCC_CAUSE_FOREIGN);
}

static void a_foreign_callback_is_asked_no_more_often_than_wanted(void)
{
    int i;
    set_job(new_foreign_job(0, UINT64_C(3600000000000)));
    for (i = 0; i < 1000; ++i)
        EXPECT(dcc_check_cancelled() == DCC_OK);
    EXPECT(asked == 1);
}

static void *ask_here(void *job)
{
    const dcc_ticket ticket = set_job(job);
    EXPECT(dcc_check_cancelled() == DCC_OK);
    EXPECT(dcc_job_reset_current(ticket) == DCC_OK);
    return NULL;
}

static void a_foreign_callback_is_asked_on_its_thread_only(void)
{
    dcc_job *job = new_foreign_job(0, 0);
    run_thread(ask_here, job);
    EXPECT(asked == 0);
    ask_here(job);
    EXPECT(asked == 1);
}

static void a_foreign_callback_may_be_asked_on_any_thread(void)
{
    run_thread(ask_here, new_foreign_job(DCC_JOB_ASK_ON_ANY_THREAD, 0));
    EXPECT(asked == 1);
}

static void reset_twice_changes_nothing(void)
{
    dcc_cancel_token *outer = new_token();
    const dcc_ticket first = set_token(outer);
    const dcc_ticket second = set_token(NULL);
    EXPECT(dcc_cancel_token_reset_current(second) == DCC_OK);
    EXPECT(dcc_cancel_token_reset_current(second) == DCC_ERROR_TICKET_USED);
    EXPECT(dcc_cancel_token_current() == outer);
    EXPECT(dcc_cancel_token_reset_current(first) == DCC_OK);
    EXPECT(dcc_cancel_token_reset_current(first) == DCC_ERROR_TICKET_USED);
    EXPECT(dcc_cancel_token_reset_current(0) == DCC_ERROR_TICKET_USED);
    EXPECT(dcc_cancel_token_current() == NULL);
}

static void reset_of_the_other_slot_changes_nothing(void)
{
    dcc_cancel_token *token = new_token();
    dcc_job *job = new_job();
    const dcc_ticket of_token = set_token(token);
    const dcc_ticket of_job = set_job(job);
    EXPECT(dcc_cancel_token_reset_current(of_job) == DCC_ERROR_WRONG_SLOT);
    EXPECT(dcc_job_reset_current(of_token) == DCC_ERROR_WRONG_SLOT);
    EXPECT(dcc_context_exit(of_token) == DCC_ERROR_WRONG_SLOT);
    EXPECT(dcc_cancel_token_current() == token && dcc_job_current() == job);
    EXPECT(dcc_job_reset_current(of_job) == DCC_OK);
    EXPECT(dcc_cancel_token_reset_current(of_token) == DCC_OK);
}

static void *reset_here(void *ticket)
{
    dcc_cancel_token *own = new_token();
    EXPECT(dcc_cancel_token_reset_current(*(dcc_ticket *)ticket) == DCC_ERROR_WRONG_THREAD);
    set_token(own);
    EXPECT(dcc_cancel_token_reset_current(*(dcc_ticket *)ticket) == DCC_ERROR_WRONG_THREAD);
    EXPECT(dcc_context_unwind(*(dcc_ticket *)ticket) == DCC_ERROR_WRONG_THREAD);
    EXPECT(dcc_cancel_token_current() == own);
    return NULL;
}

static void reset_on_another_thread_changes_nothing(void)
{
    dcc_cancel_token *token = new_token();
    dcc_ticket ticket = set_token(token);
    run_thread(reset_here, &ticket);
    EXPECT(dcc_cancel_token_current() == token);
    EXPECT(dcc_cancel_token_reset_current(ticket) == DCC_OK);
}

static void reset_in_the_wrong_order_changes_nothing(void)
{
    dcc_cancel_token *outer = new_token();
    dcc_cancel_token *inner = new_token();
    const dcc_ticket first = set_token(outer);
    const dcc_ticket second = set_token(inner);
    EXPECT(dcc_cancel_token_reset_current(first) == DCC_ERROR_WRONG_ORDER);
    EXPECT(dcc_cancel_token_current() == inner);
    EXPECT(dcc_cancel_token_reset_current(second) == DCC_OK);
    EXPECT(dcc_cancel_token_current() == outer);
    EXPECT(dcc_cancel_token_reset_current(first) == DCC_OK);
    EXPECT(dcc_cancel_token_current() == NULL);
}

static void the_job_id_is_the_tokens_then_the_jobs(void)
{
    char id[32];
    size_t length = 99;
    dcc_job_desc desc = {0};
    dcc_job *job;
    dcc_ticket ticket;
    EXPECT(dcc_context_caller_id(id, sizeof id, &length) == DCC_OK && length == 0 && id[0] == '\0');
    desc.caller_id = "job-of-the-host";
    desc.caller_id_length = DCC_NUL_TERMINATED;
    job = new_job_from(desc);
    set_job(job);
    EXPECT(dcc_context_caller_id(id, sizeof id, &length) == DCC_OK);
    EXPECT(strcmp(id, "job-of-the-host") == 0 && length == strlen(id));
    set_token(new_token());
    EXPECT(dcc_context_caller_id(id, sizeof id, NULL) == DCC_OK && strcmp(id, "job-of-the-host") == 0);
    ticket = set_token(new_token_for("job-of-the-server"));
    EXPECT(dcc_context_caller_id(id, sizeof id, NULL) == DCC_OK);
    EXPECT(strcmp(id, "job-of-the-server") == 0);
    EXPECT(dcc_cancel_token_caller_id(dcc_cancel_token_current(), id, 4, &length) == DCC_OK);
    EXPECT(strcmp(id, "job") == 0 && length == strlen("job-of-the-server"));
    EXPECT(dcc_cancel_token_reset_current(ticket) == DCC_OK);
    EXPECT(dcc_job_id(dcc_job_current()) == dcc_job_id(job) && dcc_job_id(job) != 0);
}

static int destroyed;

static void destroy(void *user_data)
{
    destroyed += 1;
    EXPECT(user_data == &destroyed);
    /* A destroy-notify may use the library, even while its thread ends. */
    EXPECT(dcc_cancel_token_release(new_token()) == DCC_OK);
}

static pthread_key_t late_key;

static void late(void *value)
{
    static int rounds;
    EXPECT(dcc_check_cancelled() == DCC_OK || rounds == 0);
    if (rounds++ < 2) {
        set_token(new_token());
        pthread_setspecific(late_key, value);
    }
}

static void *end_with_slots_set(void *job)
{
    dcc_cancel_token *token = new_token();
    pthread_setspecific(late_key, &late_key);
    set_job(job);
    set_token(token);
    cancel_token(token);
    EXPECT(dcc_cancel_token_release(token) == DCC_OK);
    EXPECT(dcc_job_release(job) == DCC_OK);
    return NULL;
}

static void a_thread_that_ends_with_slots_set_is_cleaned_up(void)
{
    dcc_job_desc desc = {0};
    desc.user_data = &destroyed;
    desc.destroy = destroy;
    EXPECT(pthread_key_create(&late_key, late) == 0);
    run_thread(end_with_slots_set, new_job_from(desc));
    EXPECT(destroyed == 1);
    EXPECT(stats().live_jobs == 0);
    /* The library also lets go of what a late destructor of the host set, except for the destructor's own
     * reference. */
    EXPECT(stats().live_tokens == 2);
}

static void unwind_restores_and_counts_what_was_left(void)
{
    dcc_cancel_token *token = new_token();
    const dcc_ticket outer = set_token(token);
    const dcc_ticket own = set_token(NULL);
    const dcc_ticket left = set_token(new_token());
    const dcc_ticket left_job = set_job(new_job());
    EXPECT(dcc_context_unwind(own) == DCC_OK);
    EXPECT(dcc_cancel_token_current() == token && dcc_job_current() == NULL);
    EXPECT(stats().context_leaks == 2);
    EXPECT(dcc_context_unwind(own) == DCC_ERROR_TICKET_USED);
    EXPECT(dcc_cancel_token_reset_current(left) == DCC_ERROR_TICKET_USED);
    EXPECT(dcc_job_reset_current(left_job) == DCC_ERROR_TICKET_USED);
    EXPECT(dcc_cancel_token_reset_current(outer) == DCC_OK);
}

static void a_snapshot_does_not_see_a_later_set(void)
{
    dcc_cancel_token *first = new_token();
    dcc_cancel_token *second = new_token();
    dcc_poll_pair poll;
    set_token(first);
    poll = dcc_poll_current();
    set_token(second);
    cancel_token(second);
    EXPECT(dcc_poll(poll) == DCC_OK && dcc_poll_one(dcc_poll_current().token) != DCC_OK);
    cancel_token(first);
    EXPECT(dcc_poll(poll) == DCC_CANCELLED_BY_TOKEN);
}

static void a_poll_of_what_died_answers_gone(void)
{
    dcc_cancel_token *token = new_token();
    const dcc_poll_layer poll = dcc_poll_of(token);
    dcc_job *job = new_job();
    dcc_ticket ticket = set_job(job);
    const dcc_poll_pair pair = dcc_poll_current();
    EXPECT(dcc_poll_one(poll) == DCC_OK && dcc_poll(pair) == DCC_OK);
    EXPECT(dcc_cancel_token_release(token) == DCC_OK);
    EXPECT(dcc_poll_one(poll) == DCC_POLL_GONE);
    EXPECT(dcc_poll_one(dcc_poll_of(token)) == DCC_POLL_GONE);
    EXPECT(dcc_job_reset_current(ticket) == DCC_OK && dcc_job_release(job) == DCC_OK);
    EXPECT(dcc_poll(pair) == DCC_POLL_GONE);
    /* This holds, too, when the slot is used again. */
    EXPECT(new_token() != token && dcc_poll_one(poll) == DCC_POLL_GONE);
    EXPECT(dcc_poll_one(dcc_poll_of(NULL)) == DCC_OK);
}

static void what_is_installed_outlives_its_references(void)
{
    dcc_cancel_token *token = new_token();
    const dcc_ticket ticket = set_token(token);
    EXPECT(dcc_cancel_token_release(token) == DCC_OK);
    EXPECT(dcc_cancel_token_release(token) == DCC_ERROR_INVALID_HANDLE);
    EXPECT(dcc_cancel_token_current() == token && dcc_check_cancelled() == DCC_OK);
    cancel_token(token);
    EXPECT(dcc_check_cancelled() == DCC_CANCELLED_BY_TOKEN);
    EXPECT(dcc_cancel_token_reset_current(ticket) == DCC_OK);
    EXPECT(dcc_cancel_token_is_cancelled(token) == DCC_ERROR_INVALID_HANDLE);
}

#define ROW(name) {#name, name}

static const struct {
    const char *name;
    void (*run)(void);
} rows[] = {
    ROW(token_cancel_is_idempotent),
    ROW(the_two_texts),
    ROW(token_beats_job),
    ROW(check_current_ignores_the_job),
    ROW(the_probe_without_anything_is_a_no_op),
    ROW(null_clears_an_inherited_value_and_reset_restores_it),
    ROW(set_and_reset_nest),
    ROW(the_slots_are_independent),
    ROW(new_threads_start_empty),
    ROW(captured_contexts_carry),
    ROW(a_foreign_jobs_callback_is_asked),
    ROW(a_foreign_callback_is_asked_no_more_often_than_wanted),
    ROW(a_foreign_callback_is_asked_on_its_thread_only),
    ROW(a_foreign_callback_may_be_asked_on_any_thread),
    ROW(reset_twice_changes_nothing),
    ROW(reset_of_the_other_slot_changes_nothing),
    ROW(reset_on_another_thread_changes_nothing),
    ROW(reset_in_the_wrong_order_changes_nothing),
    ROW(the_job_id_is_the_tokens_then_the_jobs),
    ROW(a_thread_that_ends_with_slots_set_is_cleaned_up),
    ROW(unwind_restores_and_counts_what_was_left),
    ROW(a_snapshot_does_not_see_a_later_set),
    ROW(a_poll_of_what_died_answers_gone),
    ROW(what_is_installed_outlives_its_references),
};

int main(int argc, char **argv)
{
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; ++i) {
        if (argc == 2 && strcmp(argv[1], "--list") == 0)
            puts(rows[i].name);
        else if (argc == 2 && strcmp(argv[1], rows[i].name) == 0)
            return rows[i].run(), 0;
    }
    return argc == 2 && strcmp(argv[1], "--list") == 0 ? 0 : 9;
}
