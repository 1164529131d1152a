/* Runs each row while memory is short: the nth allocation of the call fails, for every n that the call
   reaches, alone or with all that follow; on a thread that has used the library and on one that has not.
   Each run is a process of its own, so that whatever is made at first use is refused, too.

   list: names of the functions. run [FUNCTION]: figures at the end, as lines NAME=NUMBER. limit
   as|nproc|nofile: the same with the system's own limits on memory, threads and descriptors in place of a
   failing allocation. */
#define _GNU_SOURCE
#include "rows.h"
#include "scarce.h"
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    HANG_SECONDS =
#include "../support/hang_seconds"
};

struct row *rows;

/* The exit status of a row's process. */
enum { REACHED = 0, NOT_REACHED = 10, BROKEN = 11 };

static const char *doing = "";

void broken(const char *what, const char *file, int line, int32_t got)
{
    char text[600];
    char error[256] = "";
    scarce_end();
    dcc_last_error(error, sizeof error, NULL);
    const char *name = strrchr(file, '/');
    int length = snprintf(text, sizeof text, "%s: %s:%d: %s (%d, \"%s\")\n", doing, name ? name + 1 : file,
                          line, what, got, error);
    if (write(2, text, (size_t)length) < 0)
        _exit(BROKEN);
    _exit(BROKEN);
}

void rest(void)
{
    struct timespec short_time = { 0, 50000 };
    nanosleep(&short_time, NULL);
}

int32_t seen(const int32_t *count)
{
    return __atomic_load_n(count, __ATOMIC_SEQ_CST);
}

/* The counts of the library's live objects. */
struct counts {
    uint64_t of[11];
};

static struct counts count(void)
{
    dcc_stats stats;
    memset(&stats, 0, sizeof stats);
    stats.struct_size = sizeof stats;
    OK(dcc_stats_read(&stats));
    struct counts now = { { stats.live_tokens, stats.live_jobs, stats.live_contexts,
                            stats.live_registrations, stats.live_owners, stats.armed_deadlines,
                            stats.live_dispatchers, stats.unfinished_posts, stats.live_sessions,
                            stats.live_requests, stats.live_shares } };
    return now;
}

static int same(const struct counts *one, const struct counts *two)
{
    return memcmp(one, two, sizeof *one) == 0;
}

/* One run of a row. */
struct run {
    const struct row *row;
    struct world world;
    /* The number of the allocation that fails first; 0 if none fails. */
    long nth;
    int for_good;
    /* Or the limit by which the system refuses: RLIMIT_AS, RLIMIT_NPROC or RLIMIT_NOFILE; below 0 for none.
     * */
    int limit;
    int on_fresh_thread;
    /* The answer of the call if memory is not short. */
    int32_t expected;
    int32_t answer;
    long refused;
    int may_undo;
    int step;
};

static void step_to(struct run *run, int step)
{
    __atomic_store_n(&run->step, step, __ATOMIC_SEQ_CST);
}

static void wait_for(struct run *run, int step)
{
    UNTIL(__atomic_load_n(&run->step, __ATOMIC_SEQ_CST) >= step);
}

static void call(struct run *run)
{
    run->answer = run->row->call(&run->world);
    if (run->answer >= 0)
        run->row->settle(&run->world);
}

static void *fresh_thread(void *argument)
{
    struct run *run = argument;
    wait_for(run, 1);
    call(run);
    step_to(run, 2);
    wait_for(run, 3);
    if (run->may_undo)
        run->row->undo(&run->world);
    return NULL;
}

static struct rlimit before_limit;

/* Uses up what the system still gives. */
static void limit_begin(int which)
{
    CHECK(getrlimit((__rlimit_resource_t)which, &before_limit) == 0);
    struct rlimit tight = before_limit;
    tight.rlim_cur = 0;
    if (which == (int)RLIMIT_AS) {
        char text[64];
        int file = open("/proc/self/statm", O_RDONLY);
        CHECK(file >= 0);
        ssize_t length = read(file, text, sizeof text - 1);
        close(file);
        CHECK(length > 0);
        text[length] = 0;
        tight.rlim_cur = (rlim_t)strtoul(text, NULL, 10) * 4096;
    } else if (which == (int)RLIMIT_NOFILE) {
        int next = dup(2);
        CHECK(next >= 0);
        close(next);
        tight.rlim_cur = (rlim_t)next;
    }
    CHECK(setrlimit((__rlimit_resource_t)which, &tight) == 0);
    for (size_t size = which == (int)RLIMIT_AS ? 8u << 20 : 0; size >= 16; size /= 2)
        for (void *taken = malloc(size); taken; taken = malloc(size))
            *(volatile char *)taken = 1;
}

static void limit_end(int which)
{
    CHECK(setrlimit((__rlimit_resource_t)which, &before_limit) == 0);
}

/* The limit of threads does not bind the superuser, so this becomes another user. */
static void become_another(const struct run *run)
{
    if (run->limit == (int)RLIMIT_NPROC && geteuid() == 0)
        CHECK(setgid(65534) == 0 && setuid(65534) == 0);
}

/* Makes the call with the nth allocation failing. A call that succeeded is undone with memory again. */
static void attempt(struct run *run, long nth)
{
    pthread_t thread;
    if (run->on_fresh_thread) {
        step_to(run, 0);
        CHECK(pthread_create(&thread, NULL, fresh_thread, run) == 0);
    }
    struct counts before = count();
    int32_t destroyed = seen(&run->world.destroyed);
    int32_t called = seen(&run->world.called) + seen(&run->world.ran);
    if (nth > 0 && run->limit >= 0)
        limit_begin(run->limit);
    else if (nth > 0)
        scarce_begin(nth, run->for_good);
    if (run->on_fresh_thread) {
        step_to(run, 1);
        wait_for(run, 2);
    } else {
        call(run);
    }
    if (nth > 0 && run->limit >= 0)
        limit_end(run->limit);
    run->refused = nth > 0 ? scarce_end() : 0;
    if (run->answer < 0 && !(run->row->flags & TAKES)) {
        /* A refused call has taken nothing. */
        struct counts after = count();
        CHECK(same(&before, &after));
        CHECK(seen(&run->world.destroyed) == destroyed);
        CHECK(seen(&run->world.called) + seen(&run->world.ran) == called);
    }
    run->may_undo = run->answer >= 0;
    if (run->on_fresh_thread) {
        step_to(run, 3);
        CHECK(pthread_join(thread, NULL) == 0);
    } else if (run->may_undo) {
        run->row->undo(&run->world);
    }
}

static int is_refusal(const struct run *run)
{
    if (run->row->flags & NEVER_REFUSED)
        return 0;
    return run->answer == DCC_ERROR_RESOURCES
           || ((run->row->flags & FILES) && run->answer == DCC_ERROR_FILE);
}

static void finish(struct run *run)
{
    /* The handle outlives the call of its function; a row may have released it. */
    if (run->world.registration)
        dcc_registration_unregister(run->world.registration);
    run->row->after(&run->world);
    /* The library's callback thread may still have the last reference of an object. */
    struct counts none;
    memset(&none, 0, sizeof none);
    for (int round = 0;; round++) {
        struct counts left = count();
        if (same(&left, &none) && seen(&run->world.destroyed) == run->world.given)
            return;
        if (round > 20000) {
            static char what[200];
            int at = snprintf(what, sizeof what, "left, destroyed of given, live of each:");
            for (size_t i = 0; i < sizeof left.of / sizeof left.of[0]; i++)
                at += snprintf(what + at, sizeof what - (size_t)at, " %d", (int)left.of[i]);
            broken(what, __FILE__, run->world.given, seen(&run->world.destroyed));
        }
        rest();
    }
}

/* Runs a row; called in the row's process. */
static int run_row(struct run *run)
{
    alarm(HANG_SECONDS);
    become_another(run);
    run->row->before(&run->world);
    attempt(run, run->nth);
    long refused = run->limit >= 0 ? run->answer < 0 : run->refused;
    if (run->answer < 0 || (run->answer != run->expected && is_refusal(run))) {
        if (!is_refusal(run))
            broken(run->row->function, __FILE__, __LINE__, run->answer);
        attempt(run, 0);
        if (run->answer != run->expected)
            broken("the same call with memory", __FILE__, __LINE__, run->answer);
    } else if (run->answer != run->expected) {
        broken("another answer", __FILE__, __LINE__, run->answer);
    }
    finish(run);
    return refused ? REACHED : NOT_REACHED;
}

static int32_t *shared;
static int errors = -1;

struct figures {
    long functions;
    long runs;
    long refused;
    long in_loader;
    long broken;
};

/* Runs a row in a process of its own. */
static int in_child(struct run *run, int (*body)(struct run *), struct figures *figures)
{
    CHECK(ftruncate(errors, 0) == 0 && lseek(errors, 0, SEEK_SET) == 0);
    fflush(stdout);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(errors, 2);
        _exit(body(run));
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    if (WIFEXITED(status) && (WEXITSTATUS(status) == REACHED || WEXITSTATUS(status) == NOT_REACHED))
        return WEXITSTATUS(status);
    char said[600];
    ssize_t length = pread(errors, said, sizeof said - 1, 0);
    said[length > 0 ? length : 0] = 0;
    if (strstr(said, "cannot allocate memory for thread-local data")) {
        figures->in_loader++;
        return REACHED;
    }
    figures->broken++;
    printf("BROKEN %s, allocation %ld%s, %s thread: %s %d: %s\n", run->row->function, run->nth,
           run->for_good ? " and all after it" : "", run->on_fresh_thread ? "fresh" : "used",
           WIFEXITED(status) ? "exit" : "signal", WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status),
           said);
    return BROKEN;
}

static int first_answer(struct run *run)
{
    alarm(HANG_SECONDS);
    become_another(run);
    run->row->before(&run->world);
    attempt(run, 0);
    CHECK(run->answer >= 0);
    *shared = run->answer;
    finish(run);
    return NOT_REACHED;
}

/* More allocations than any call makes. */
#define MOST_ALLOCATIONS 400

static void run_limited(const struct row *row, int limit, struct figures *figures)
{
    static struct run run;
    if (limit == (int)RLIMIT_NOFILE && (row->flags & TALKS))
        return;
    for (int fresh = 0; fresh < ((row->flags & SAME_THREAD) ? 1 : 2); fresh++) {
        memset(&run, 0, sizeof run);
        run.row = row;
        run.limit = limit;
        run.on_fresh_thread = fresh;
        doing = row->function;
        if (in_child(&run, first_answer, figures) == BROKEN)
            continue;
        run.expected = *shared;
        run.nth = 1;
        figures->refused += in_child(&run, run_row, figures) == REACHED;
        figures->runs++;
    }
    figures->functions++;
}

static void run_function(const struct row *row, struct figures *figures)
{
    static struct run run;
    for (int how = 0; how < 4; how++) {
        memset(&run, 0, sizeof run);
        run.row = row;
        run.limit = -1;
        run.for_good = how & 1;
        run.on_fresh_thread = how >> 1;
        doing = row->function;
        if (run.on_fresh_thread && (row->flags & SAME_THREAD))
            continue;
        if (in_child(&run, first_answer, figures) == BROKEN)
            continue;
        run.expected = *shared;
        for (run.nth = 1; run.nth <= MOST_ALLOCATIONS; run.nth++) {
            int end = in_child(&run, run_row, figures);
            if (end == NOT_REACHED)
                break;
            figures->runs++;
        }
        CHECK(run.nth <= MOST_ALLOCATIONS);
    }
    figures->functions++;
}

__attribute__((visibility("default"))) int run(int argument_count, char **arguments);

int run(int argument_count, char **arguments)
{
    if (argument_count > 1 && strcmp(arguments[1], "list") == 0) {
        for (struct row *row = rows; row; row = row->next)
            printf("%s\n", row->function);
        return 0;
    }
    shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    errors = memfd_create("errors", MFD_CLOEXEC);
    CHECK(shared != MAP_FAILED && errors >= 0);
    struct figures figures;
    memset(&figures, 0, sizeof figures);
    int limit = -1;
    if (argument_count > 2 && strcmp(arguments[1], "limit") == 0)
        limit = strcmp(arguments[2], "as") == 0      ? (int)RLIMIT_AS
                : strcmp(arguments[2], "nproc") == 0 ? (int)RLIMIT_NPROC
                                                     : (int)RLIMIT_NOFILE;
    for (struct row *row = rows; row; row = row->next)
        if (limit >= 0)
            run_limited(row, limit, &figures);
        else if (argument_count < 3 || strcmp(row->function, arguments[2]) == 0)
            run_function(row, &figures);
    printf("functions=%ld\nruns=%ld\nrefused=%ld\nin_loader=%ld\nbroken=%ld\n", figures.functions,
           figures.runs, figures.refused, figures.in_loader, figures.broken);
    return figures.broken ? 1 : 0;
}
