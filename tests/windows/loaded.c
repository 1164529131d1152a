/* A C program that loads the DLL by path: the functions by GetProcAddress, a second copy from
 * another folder, and a FreeLibrary that must change nothing.
 *
 *     loaded.exe first\dcc_cancel.dll second\dcc_cancel.dll
 */

#include "check.h"
#include "dcc_cancel.h"

#include <string.h>
#include <windows.h>

typedef dcc_status (*create_token_fn)(dcc_cancel_token **);
typedef dcc_status (*cancel_fn)(const dcc_cancel_token *, const char *, size_t);
typedef dcc_status (*release_token_fn)(dcc_cancel_token *);
typedef dcc_status (*create_job_fn)(const dcc_job_desc *, dcc_job **);
typedef dcc_status (*set_job_fn)(const dcc_job *, dcc_ticket *);
typedef dcc_status (*release_job_fn)(dcc_job *);
typedef dcc_status (*status_fn)(void);
typedef dcc_status (*read_pair_fn)(dcc_poll_pair *, const char *, uint32_t);
typedef dcc_status (*read_layer_fn)(const dcc_cancel_token *, dcc_poll_layer *);
typedef dcc_status (*poll_slow_fn)(uint64_t, uint64_t, const char *, uint32_t);
typedef dcc_status (*read_counter_fn)(const dcc_progress *, dcc_progress_counter *);
typedef dcc_status (*add_fn)(const dcc_progress *, uint64_t, const char *, uint32_t);

struct library {
    HMODULE module;
    create_token_fn create_token;
    cancel_fn cancel;
    release_token_fn release_token;
    create_job_fn create_job;
    set_job_fn set_job;
    release_job_fn release_job;
    status_fn check_cancelled;
    status_fn instance_check;
    read_pair_fn poll_read_current_at;
    read_layer_fn poll_read_token;
    poll_slow_fn poll_slow;
    read_counter_fn progress_read_counter;
    add_fn progress_add_at;
};

static struct library first, second;
static volatile LONG destroyed;

dcc_status dcc_poll_read_current_at(dcc_poll_pair *out_pair, const char *file, uint32_t line)
{
    return first.poll_read_current_at(out_pair, file, line);
}

dcc_status dcc_poll_read_token(const dcc_cancel_token *token, dcc_poll_layer *out_layer)
{
    return first.poll_read_token(token, out_layer);
}

dcc_status dcc_poll_slow(uint64_t token, uint64_t job, const char *file, uint32_t line)
{
    return first.poll_slow(token, job, file, line);
}

dcc_status dcc_progress_read_counter(const dcc_progress *progress, dcc_progress_counter *out_counter)
{
    return first.progress_read_counter(progress, out_counter);
}

dcc_status dcc_progress_add_at(const dcc_progress *progress, uint64_t n, const char *file,
                                      uint32_t line)
{
    return first.progress_add_at(progress, n, file, line);
}

static void *function(HMODULE module, const char *name)
{
    FARPROC address = GetProcAddress(module, name);
    void *pointer = NULL;
    CHECK(address != NULL);
    memcpy(&pointer, &address, sizeof pointer);
    return pointer;
}

#define LOOK_UP(library, member, name)                                                             \
    do {                                                                                           \
        void *address = function((library)->module, name);                                         \
        memcpy(&(library)->member, &address, sizeof address);                                      \
    } while (0)

static void load(struct library *library, const char *path)
{
    library->module = LoadLibraryExA(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
    if (library->module == NULL)
        fprintf(stderr, "%s: error %lu\n", path, GetLastError());
    CHECK(library->module != NULL);
    LOOK_UP(library, create_token, "dcc_cancel_token_create");
    LOOK_UP(library, cancel, "dcc_cancel_token_cancel");
    LOOK_UP(library, release_token, "dcc_cancel_token_release");
    LOOK_UP(library, create_job, "dcc_job_create");
    LOOK_UP(library, set_job, "dcc_job_set_current");
    LOOK_UP(library, release_job, "dcc_job_release");
    LOOK_UP(library, check_cancelled, "dcc_check_cancelled");
    LOOK_UP(library, instance_check, "dcc_instance_check");
    LOOK_UP(library, poll_read_current_at, "dcc_poll_read_current_at");
    LOOK_UP(library, poll_read_token, "dcc_poll_read_token");
    LOOK_UP(library, poll_slow, "dcc_poll_slow");
    LOOK_UP(library, progress_read_counter, "dcc_progress_read_counter");
    LOOK_UP(library, progress_add_at, "dcc_progress_add_at");
}

static void count_destroy(void *user_data)
{
    InterlockedIncrement((volatile LONG *)user_data);
}

static HANDLE slots_are_set, library_is_freed;

static DWORD WINAPI outlive_the_library(void *unused)
{
    dcc_job_desc desc = {0};
    dcc_job *job = NULL;
    dcc_ticket ticket = 0;
    (void)unused;
    desc.struct_size = sizeof desc;
    desc.user_data = (void *)&destroyed;
    desc.destroy = count_destroy;
    CHECK(first.create_job(&desc, &job) == DCC_OK);
    CHECK(first.set_job(job, &ticket) == DCC_OK);
    CHECK(first.release_job(job) == DCC_OK);
    SetEvent(slots_are_set);
    CHECK(WaitForSingleObject(library_is_freed, 60000) == WAIT_OBJECT_0);
    return 0;
}

static void a_second_copy_says_so(void)
{
    dcc_cancel_token *token = NULL;
    CHECK(second.module != first.module);
    CHECK(second.instance_check() == DCC_SECOND_INSTANCE);
    CHECK(second.create_token(&token) == DCC_SECOND_INSTANCE);
    CHECK(token != NULL);
    CHECK(second.release_token(token) == DCC_OK);
    CHECK(first.instance_check() == DCC_OK);
}

static void a_token_is_polled(void)
{
    dcc_cancel_token *token = NULL;
    dcc_poll_layer poll;
    CHECK(first.create_token(&token) == DCC_OK);
    poll = dcc_poll_of(token);
    CHECK(dcc_poll_one(poll) == DCC_OK);
    CHECK(first.cancel(token, "Esc", DCC_NUL_TERMINATED) == DCC_OK);
    CHECK(dcc_poll_one(poll) == DCC_CANCELLED_BY_TOKEN);
    CHECK(first.release_token(token) == DCC_OK);
}

static void freeing_the_library_changes_nothing(const char *path)
{
    HANDLE thread = CreateThread(NULL, 0, outlive_the_library, NULL, 0, NULL);
    HMODULE module = first.module;
    int i;
    CHECK(thread != NULL);
    CHECK(WaitForSingleObject(slots_are_set, 60000) == WAIT_OBJECT_0);
    /* FreeLibrary is called more often than LoadLibrary was. */
    for (i = 0; i < 8; ++i)
        (void)FreeLibrary(module);
    CHECK(GetModuleHandleA(path) == module);
    SetEvent(library_is_freed);
    CHECK(WaitForSingleObject(thread, 60000) == WAIT_OBJECT_0);
    CloseHandle(thread);
    CHECK(destroyed == 1);
    a_token_is_polled();
    CHECK(first.check_cancelled() == DCC_OK);
}

int main(int count, char **arguments)
{
    CHECK(count == 3);
    slots_are_set = CreateEventA(NULL, TRUE, FALSE, NULL);
    library_is_freed = CreateEventA(NULL, TRUE, FALSE, NULL);
    CHECK(slots_are_set != NULL && library_is_freed != NULL);
    load(&first, arguments[1]);
    load(&second, arguments[2]);
    a_token_is_polled();
    a_second_copy_says_so();
    freeing_the_library_changes_nothing(arguments[1]);
    puts("loaded: fine");
    return 0;
}
