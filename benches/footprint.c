/* The library's size: `footprint LIBRARY WHAT` prints one number. "dlopen" is the nanoseconds to load and
 * relocate it. The others are the bytes of the process's memory that one of many objects takes. */
#include <dcc_cancel.h>

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define REQUIRE(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "failed: %s\n", #condition); \
            exit(1); \
        } \
    } while (0)

static void *library;

/* The library is loaded by hand, so that loading it can be measured. */
#define CALL(function) ((__typeof__(&function))dlsym(library, #function))

static double resident_bytes(void)
{
    unsigned long all = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    REQUIRE(file && fscanf(file, "%lu %lu", &all, &resident) == 2);
    fclose(file);
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void token(void)
{
    dcc_cancel_token *made = NULL;
    REQUIRE(CALL(dcc_cancel_token_create)(&made) == DCC_OK);
}

static void job(void)
{
    dcc_job_desc desc;
    dcc_job *made = NULL;
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    REQUIRE(CALL(dcc_job_create)(&desc, &made) == DCC_OK);
}

static int32_t run(const dcc_job *of, void *user_data)
{
    (void)of;
    (void)user_data;
    return 0;
}

/* With its job and the job's token. */
static void posted(void)
{
    static dcc_dispatcher *dispatcher;
    dcc_post_desc desc;
    if (!dispatcher) {
        dcc_dispatcher_desc of;
        memset(&of, 0, sizeof of);
        of.struct_size = sizeof of;
        of.capacity = DCC_MAX_CAPACITY;
        REQUIRE(CALL(dcc_dispatcher_create)(&of, &dispatcher) == DCC_OK);
    }
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.function = run;
    REQUIRE(CALL(dcc_dispatcher_post)(dispatcher, &desc, NULL, NULL) == DCC_OK);
}

/* With its token and what its session keeps of its id. */
static void request(void)
{
    static dcc_session *session;
    static int64_t number;
    dcc_request_desc desc;
    dcc_request *made = NULL;
    if (!session) {
        dcc_session_desc of;
        memset(&of, 0, sizeof of);
        of.struct_size = sizeof of;
        of.max_requests = DCC_MAX_SESSION_QUOTA;
        REQUIRE(CALL(dcc_session_create)(&of, &session) == DCC_OK);
    }
    memset(&desc, 0, sizeof desc);
    desc.struct_size = sizeof desc;
    desc.id.type = DCC_ID_INTEGER;
    desc.id.integer = ++number;
    REQUIRE(CALL(dcc_request_begin)(session, &desc, &made) == DCC_OK);
}

static double each(void (*make)(void), long count)
{
    /* What is made once is there before. */
    for (long i = 0; i < 1024; ++i) make();
    const double before = resident_bytes();
    for (long i = 0; i < count; ++i) make();
    return (resident_bytes() - before) / (double)count;
}

enum { THREADS = 200 };
static pthread_barrier_t stage;

static void *use(void *unused)
{
    dcc_ticket ticket = 0;
    pthread_barrier_wait(&stage);
    pthread_barrier_wait(&stage);
    REQUIRE(CALL(dcc_cancel_token_set_current)(NULL, &ticket) == DCC_OK);
    REQUIRE(CALL(dcc_check_cancelled)() == DCC_OK);
    REQUIRE(CALL(dcc_cancel_token_reset_current)(ticket) == DCC_OK);
    pthread_barrier_wait(&stage);
    pthread_barrier_wait(&stage);
    return unused;
}

/* Above what a thread takes that sleeps: its stack is part of both. */
static double each_thread(void)
{
    pthread_t threads[THREADS];
    REQUIRE(pthread_barrier_init(&stage, NULL, THREADS + 1) == 0);
    for (int i = 0; i < THREADS; ++i) REQUIRE(pthread_create(&threads[i], NULL, use, NULL) == 0);
    pthread_barrier_wait(&stage);
    const double before = resident_bytes();
    pthread_barrier_wait(&stage);
    pthread_barrier_wait(&stage);
    const double after = resident_bytes();
    pthread_barrier_wait(&stage);
    for (int i = 0; i < THREADS; ++i) pthread_join(threads[i], NULL);
    return (after - before) / THREADS;
}

static double now_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

int main(int argc, char **argv)
{
    REQUIRE(argc == 3);
    const char *const what = argv[2];
    const double start = now_ns();
    library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    const double loaded = now_ns() - start;
    REQUIRE(library);
    double found = -1;
    if (strcmp(what, "dlopen") == 0) found = loaded;
    if (strcmp(what, "token") == 0) found = each(token, 1000000);
    if (strcmp(what, "job") == 0) found = each(job, 200000);
    if (strcmp(what, "posted") == 0) found = each(posted, DCC_MAX_CAPACITY - 1024);
    if (strcmp(what, "request") == 0) found = each(request, DCC_MAX_SESSION_QUOTA - 1024);
    if (strcmp(what, "thread") == 0) found = each_thread();
    REQUIRE(found >= 0);
    printf("%.1f\n", found);
    return 0;
}
