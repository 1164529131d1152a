/* A host that loads and unloads a plugin with a dispatcher. Meanwhile another thread cancels a job of a
 * dispatcher that has been freed and whose slot the plugin's dispatcher has. Arguments: when the cancel ends,
 * the plugin. */
#define _POSIX_C_SOURCE 200809L
#include "unloading.h"
#include "woken.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>

enum { ROUNDS = 50 };

static sem_t is_cancelling;
static sem_t may_end;
static sem_t has_ended;
static volatile int wakes;

static int32_t run(const dcc_job *job, void *unused)
{
    (void)job;
    (void)unused;
    return 0;
}

static void wake(void *unused)
{
    (void)unused;
}

/* Keeps the cancel from ending. Its last step is to wake the host of the job's dispatcher. */
static void stay(const dcc_cancel_token *token, void *unused)
{
    (void)token;
    (void)unused;
    EXPECT(sem_post(&is_cancelling) == 0);
    EXPECT(sem_wait(&may_end) == 0);
}

static void *cancel(void *job)
{
    EXPECT(dcc_job_cancel((dcc_job *)job, NULL, 0) == DCC_OK);
    EXPECT(sem_post(&has_ended) == 0);
    return NULL;
}

/* The slot of a dispatcher: the next dispatcher in the slot has the same number. */
static uintptr_t place(const dcc_dispatcher *dispatcher)
{
    return (uintptr_t)dispatcher >> 8 & 0xffffff;
}

/* A thread that cancels a job of a dispatcher that is freed meanwhile. */
static pthread_t begin_cancel(dcc_job **out_job, uintptr_t *out_place)
{
    pthread_t canceller;
    dcc_dispatcher *gone;
    dcc_dispatcher_desc desc = {0};
    dcc_post_desc post = {0};
    desc.struct_size = sizeof desc;
    desc.wake = wake;
    EXPECT(dcc_dispatcher_create(&desc, &gone) == DCC_OK);
    post.struct_size = sizeof post;
    post.function = run;
    EXPECT(dcc_dispatcher_post(gone, &post, out_job, NULL) == DCC_OK);
    EXPECT(dcc_cancel_token_register(dcc_job_token(*out_job), stay, NULL, NULL, NULL, NULL) == DCC_OK);
    EXPECT(pthread_create(&canceller, NULL, cancel, *out_job) == 0);
    EXPECT(sem_wait(&is_cancelling) == 0);
    EXPECT(dcc_dispatcher_pump(gone, DCC_NO_LIMIT, DCC_NO_LIMIT, NULL) == DCC_OK);
    EXPECT(dcc_dispatcher_release(gone) == DCC_OK);
    *out_place = place(gone);
    return canceller;
}

static void end_cancel(void)
{
    EXPECT(sem_post(&may_end) == 0);
    EXPECT(sem_wait(&has_ended) == 0);
}

/* Loads and unloads the plugin; between its start and its work, `between` is called unless it is NULL. */
static void play(const char *path, uintptr_t the_place, void (*between)(void))
{
    int (*start)(dcc_dispatcher **, volatile int *);
    int (*work)(void);
    int (*stop)(void);
    dcc_dispatcher *dispatcher;
    void *plugin = load(path);
    find(plugin, "plugin_start", &start);
    find(plugin, "plugin_work", &work);
    find(plugin, "plugin_stop", &stop);
    wakes = 0;
    EXPECT(start(&dispatcher, &wakes) == DCC_OK);
    /* Otherwise the test would show nothing. */
    EXPECT(place(dispatcher) == the_place);
    if (between != NULL)
        between();
    EXPECT(wakes == 0);
    EXPECT(work() == DCC_OK);
    EXPECT(wakes == 1);
    EXPECT(stop() == DCC_OK);
    unload(plugin, path);
}

/* The cancel ends at the same time as the plugin's calls. */
static void play_beside(const char *path, uintptr_t the_place)
{
    int ended = 0;
    EXPECT(sem_post(&may_end) == 0);
    while (!ended) {
        ended = sem_trywait(&has_ended) == 0;
        play(path, the_place, NULL);
    }
}

int main(int argc, char **argv)
{
    const char *when = argc == 3 ? argv[1] : "";
    const char *path = argc == 3 ? argv[2] : "";
    dcc_stats stats = {0};
    int round;
    EXPECT(sem_init(&is_cancelling, 0, 0) == 0);
    EXPECT(sem_init(&may_end, 0, 0) == 0);
    EXPECT(sem_init(&has_ended, 0, 0) == 0);
    for (round = 0; round < ROUNDS; ++round) {
        dcc_job *job;
        uintptr_t the_place;
        pthread_t canceller = begin_cancel(&job, &the_place);
        if (strcmp(when, "while_loaded") == 0) {
            play(path, the_place, end_cancel);
        } else if (strcmp(when, "after_unloading") == 0) {
            play(path, the_place, NULL);
            end_cancel();
        } else if (strcmp(when, "meanwhile") == 0) {
            play_beside(path, the_place);
        } else {
            return 9;
        }
        EXPECT(pthread_join(canceller, NULL) == 0);
        EXPECT(dcc_job_release(job) == DCC_OK);
    }
    stats.struct_size = sizeof stats;
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    EXPECT(stats.live_dispatchers == 0 && stats.live_owners == 0 && stats.live_jobs == 0);
    return 0;
}
