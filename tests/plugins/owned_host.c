/* A host that really unloads a plugin which gave functions to the library, and then does all that would have
 * called these. Arguments: what to do, the plugin. */
#define _POSIX_C_SOURCE 200809L
#include "owned.h"
#include "unloading.h"

#include <pthread.h>
#include <time.h>

static struct counts counts;
static dcc_cancel_token *token;
static dcc_job *job;

static void *start(const char *path)
{
    int (*plugin_starts)(dcc_cancel_token *, dcc_job **, struct counts *);
    void *plugin = load(path);
    find(plugin, "plugin_start", &plugin_starts);
    EXPECT(plugin_starts(token, &job, &counts) == DCC_OK);
    EXPECT(dcc_job_is_cancelled(job) == DCC_OK);
    EXPECT(counts.asked == 1);
    return plugin;
}

static void stop_and_unload(void *plugin, const char *path)
{
    int (*plugin_stops)(void);
    find(plugin, "plugin_stop", &plugin_stops);
    EXPECT(plugin_stops() == DCC_OK);
    EXPECT(counts.destroyed == 3);
    unload(plugin, path);
}

static void release_all(void)
{
    dcc_stats stats = {0};
    EXPECT(dcc_job_is_cancelled(job) == DCC_CANCELLED_BY_JOB);
    EXPECT(counts.asked == 1);
    EXPECT(dcc_job_acknowledge_cancel(job) == DCC_OK);
    EXPECT(dcc_job_release(job) == DCC_OK);
    EXPECT(dcc_cancel_token_release(token) == DCC_OK);
    EXPECT(counts.destroyed == 3);
    stats.struct_size = sizeof stats;
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    EXPECT(stats.live_jobs == 0 && stats.live_owners == 0);
}

static void poll_the_job(void)
{
    EXPECT(dcc_job_is_cancelled(job) == DCC_OK);
    EXPECT(dcc_cancel_token_is_cancelled(dcc_job_token(job)) == DCC_OK);
    EXPECT(dcc_poll_one(dcc_poll_of(dcc_job_token(job))) == DCC_OK);
    EXPECT(counts.asked == 1);
}

static void *cancel(void *unused)
{
    (void)unused;
    EXPECT(dcc_cancel_token_cancel(token, NULL, 0) == DCC_OK);
    return NULL;
}

/* Tests the test itself: a plugin that stays loaded is called. */
static void stays(const char *path)
{
    start(path);
    cancel(NULL);
    EXPECT(counts.called == 2);
    EXPECT(counts.destroyed == 2);
}

static void cancelled_after_unloading(const char *path)
{
    stop_and_unload(start(path), path);
    poll_the_job();
    cancel(NULL);
    release_all();
    EXPECT(counts.called == 0);
}

static void deadline_after_unloading(const char *path)
{
    stop_and_unload(start(path), path);
    poll_the_job();
    EXPECT(dcc_cancel_token_wait(token, 60000000000u) == DCC_CANCELLED_BY_TOKEN);
    release_all();
    EXPECT(counts.called == 0);
}

static void *let_go(void *unused)
{
    struct timespec moment = {0, 100000000};
    (void)unused;
    nanosleep(&moment, NULL);
    counts.hold = 0;
    return NULL;
}

/* The plugin's owner is closed while one of its callbacks runs on another thread; the other callback is
 * dropped. */
static void closed_while_called(const char *path)
{
    pthread_t canceller;
    pthread_t releaser;
    void *plugin = start(path);
    counts.hold = 1;
    EXPECT(pthread_create(&canceller, NULL, cancel, NULL) == 0);
    while (counts.called == 0)
        ;
    EXPECT(pthread_create(&releaser, NULL, let_go, NULL) == 0);
    stop_and_unload(plugin, path);
    EXPECT(counts.hold == 0);
    EXPECT(pthread_join(canceller, NULL) == 0);
    EXPECT(pthread_join(releaser, NULL) == 0);
    release_all();
    EXPECT(counts.called == 1);
}

int main(int argc, char **argv)
{
    const char *what = argc == 3 ? argv[1] : "";
    EXPECT(dcc_cancel_token_create(&token) == DCC_OK);
    if (strcmp(what, "stays") == 0)
        stays(argv[2]);
    else if (strcmp(what, "cancelled") == 0)
        cancelled_after_unloading(argv[2]);
    else if (strcmp(what, "deadline") == 0)
        deadline_after_unloading(argv[2]);
    else if (strcmp(what, "closed_while_called") == 0)
        closed_while_called(argv[2]);
    else
        return 9;
    return 0;
}
