/* Calls that concern the whole process: events, traces, counts, the timeline, the control endpoint, and the
 * shutdown. */
#define _GNU_SOURCE
#include "rows.h"
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define RELEASE OK(dcc_job_release(w->job))

ROW(dcc_events_create, 0, , MADE(w->events, dcc_events_create(100, &w->events)), ,
    OK(dcc_events_release(w->events)), )
ROW(dcc_events_drain, NEVER_REFUSED, OK(dcc_events_create(100, &w->events)); make_job(w), dcc_event event;
    return dcc_events_drain(w->events, &event, sizeof event, 1, &w->length), , ,
    RELEASE; OK(dcc_events_release(w->events)))
ROW(dcc_events_next, NEVER_REFUSED, OK(dcc_events_create(100, &w->events)); make_job(w),
    dcc_event_details details = {.struct_size = sizeof details};
    return dcc_events_next(w->events, &details), , , RELEASE; OK(dcc_events_release(w->events)))
ROW(dcc_events_retain, NEVER_REFUSED, OK(dcc_events_create(100, &w->events)),
    return dcc_events_retain(w->events), , OK(dcc_events_release(w->events)),
    OK(dcc_events_release(w->events)))
ROW(dcc_events_release, NEVER_REFUSED, OK(dcc_events_create(100, &w->events)),
    return dcc_events_release(w->events), , , )
/* The timer looks for cancels that were not seen, and reports them. */
ROW(dcc_events_set_slow_cancel_threshold, 0, , return dcc_events_set_slow_cancel_threshold(1000), ,
    OK(dcc_events_set_slow_cancel_threshold(0)), )
ROW_AS(slow_cancel, "dcc_events_set_slow_cancel_threshold", NEVER_REFUSED,
    OK(dcc_events_create(100, &w->events)); make_running_job(w);
    OK(dcc_events_set_slow_cancel_threshold(1000)),
    return dcc_job_cancel(w->job, "slow", 4), , , OK(dcc_events_set_slow_cancel_threshold(0)); RELEASE;
    OK(dcc_events_release(w->events)))

ROW(dcc_job_trace, 0, make_running_job(w), return dcc_job_trace(w->job, 1), , , RELEASE)
ROW(dcc_trace_all, NEVER_REFUSED, make_running_job(w), return dcc_trace_all(1), , OK(dcc_trace_all(0)),
    RELEASE)

static void poll_traced(struct world *w)
{
    make_running_job(w);
    OK(dcc_job_trace(w->job, 1));
    for (uint32_t line = 1; line < 4; line++)
        OK(dcc_poll_slow((uint64_t)(uintptr_t)dcc_job_token(w->job), 0, __FILE__, line));
}
static int32_t poll_gap(struct world *w)
{
    dcc_poll_gap gap;
    memset(&gap, 0, sizeof gap);
    gap.struct_size = sizeof gap;
    return dcc_job_poll_gap(w->job, &gap);
}
ROW(dcc_job_poll_gap, NEVER_REFUSED, poll_traced(w), return poll_gap(w), , , RELEASE)
ROW(dcc_job_threads, NEVER_REFUSED, poll_traced(w), dcc_job_thread thread;
    return dcc_job_threads(w->job, &thread, sizeof thread, 1, &w->length), , , RELEASE)
ROW(dcc_stats_polls_without_job, NEVER_REFUSED, ,
    return dcc_stats_polls_without_job(w->text, sizeof w->text, &w->length), , , )
ROW(dcc_stats_live_jobs, NEVER_REFUSED, poll_traced(w); OK(dcc_job_cancel(w->job, "enough", 6)),
    return dcc_stats_live_jobs(w->text, sizeof w->text, &w->length),
    CHECK(w->length > 300 && w->length < sizeof w->text && strlen(w->text) == w->length), , RELEASE)

ROW(dcc_stats_jobs_page, NEVER_REFUSED, poll_traced(w),
    return dcc_stats_jobs_page(0, 0, w->text, sizeof w->text, &w->length, &w->id),
    CHECK(w->length > 300 && w->length < sizeof w->text && strlen(w->text) == w->length), , RELEASE)

static int32_t stats_read(void)
{
    dcc_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    return dcc_stats_read(&stats);
}
ROW(dcc_stats_read, NEVER_REFUSED, , return stats_read(), , , )
static int32_t latency(void)
{
    dcc_latency latency;
    memset(&latency, 0, sizeof latency);
    latency.struct_size = sizeof latency;
    return dcc_stats_latency(DCC_LATENCY_CANCEL_TO_END, &latency);
}
ROW(dcc_stats_latency, NEVER_REFUSED, make_running_job(w); OK(dcc_job_cancel(w->job, "enough", 6));
    OK(dcc_job_acknowledge_cancel(w->job)), return latency(), , , RELEASE)

static const char *path(void)
{
    /* Longer than the paths that standard libraries copy to the stack. */
    static char text[600];
    static const char folder[] = "/tmp/";
    size_t length = sizeof folder - 1;
    memcpy(text, folder, length);
    while (length < 450) {
        memcpy(text + length, "././", 4);
        length += 4;
    }
    long number = (long)getpid();
    memcpy(text + length, "dcc-full-memory-", 16);
    length += 16;
    for (int digit = 0; digit < 12; digit++, number /= 10)
        text[length++] = (char)('0' + number % 10);
    text[length] = 0;
    return text;
}
ROW(dcc_timeline_begin, 0, , return dcc_timeline_begin(1000), , OK(dcc_timeline_end()), )
ROW(dcc_timeline_end, NEVER_REFUSED, OK(dcc_timeline_begin(1000)), return dcc_timeline_end(), , , )
ROW(dcc_timeline_write, FILES, OK(dcc_timeline_begin(1000)); make_running_job(w);
    OK(dcc_job_cancel(w->job, "enough", 6)), return dcc_timeline_write(path(), DCC_NUL_TERMINATED),
    CHECK(access(path(), R_OK) == 0), CHECK(unlink(path()) == 0), OK(dcc_timeline_end()); RELEASE)

ROW(dcc_control_open, FILES, , return dcc_control_open(NULL), , OK(dcc_control_close()), )
ROW(dcc_control_close, NEVER_REFUSED, OK(dcc_control_open(NULL)), return dcc_control_close(), , , )
ROW(dcc_control_address, NEVER_REFUSED, OK(dcc_control_open(NULL)),
    return dcc_control_address(w->text, sizeof w->text, &w->length), , , OK(dcc_control_close()))

/* Asks like the command line tool. If no byte of an answer comes, the endpoint had no memory for it. */
static int32_t ask(struct world *w, const char *line)
{
    struct sockaddr_un name;
    memset(&name, 0, sizeof name);
    name.sun_family = AF_UNIX;
    strncpy(name.sun_path, w->text, sizeof name.sun_path - 1);
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(client >= 0 && connect(client, (struct sockaddr *)&name, sizeof name) == 0);
    ssize_t sent = send(client, line, strlen(line), MSG_NOSIGNAL);
    char answer[4096];
    size_t length = 0;
    for (;;) {
        ssize_t more = sent < 0 ? 0 : recv(client, answer + length, sizeof answer - 1 - length, 0);
        if (more <= 0)
            break;
        length += (size_t)more;
    }
    answer[length] = 0;
    close(client);
    if (length == 0 || strstr(answer, "no memory left"))
        return DCC_ERROR_RESOURCES;
    return strstr(answer, "error") ? DCC_NOT_FOUND : DCC_OK;
}
#define ASKED make_running_job(w); OK(dcc_control_open(NULL));                                         \
    OK(dcc_control_address(w->text, sizeof w->text, &w->length))
#define ANSWERED OK(dcc_control_close()); RELEASE
ROW_AS(ask_list, "dcc_control_open", TALKS, ASKED, return ask(w, "{\"do\":\"list\",\"ended\":true}\n"), , ,
    ANSWERED)
ROW_AS(ask_wrongly, "dcc_control_open", TALKS, ASKED,
    return ask(w, "{\"do\":\"cancel\",\"job\":[[[[[[[[[[[[[[[[[[[[1}\n"), , , ANSWERED)
ROW_AS(ask_cancel, "dcc_control_open", TALKS, ASKED,
    return ask(w, "{\"do\":\"trace\",\"all\":true,\"on\":true}\n"), , , ANSWERED; OK(dcc_trace_all(0)))

ROW(dcc_shutdown, NEVER_REFUSED, make_token(w);
    OK(dcc_cancel_token_set_deadline_after(w->token, UINT64_C(3600000000000)));
    OK(dcc_control_open(NULL)), return dcc_shutdown(), , , drop(w))
ROW_AS(shutdown_of_nothing, "dcc_shutdown", NEVER_REFUSED, , return dcc_shutdown(), , , )
ROW(dcc_abi_version, NEVER_REFUSED, , return dcc_abi_version() ? 0 : -99, , , )
ROW(dcc_version_string, NEVER_REFUSED, , return dcc_version_string() ? 0 : -99, , , )
ROW(dcc_status_string, NEVER_REFUSED, , return dcc_status_string(DCC_ERROR_RESOURCES) ? 0 : -99, , , )
ROW(dcc_last_error, NEVER_REFUSED, dcc_job_begin((dcc_job *)(uintptr_t)1234567),
    return dcc_last_error(w->text, sizeof w->text, &w->length), , , )
ROW(dcc_clock_now_ns, NEVER_REFUSED, , return dcc_clock_now_ns() ? 0 : -99, , , )
ROW(dcc_instance_check, 0, , return dcc_instance_check(), , , )
