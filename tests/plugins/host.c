/* A host that loads plugins and has them share one instance of the library. What it does is its
 * first argument; the rest are files. It does not link the library itself. */
#define _POSIX_C_SOURCE 200809L
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
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

typedef int (*call)(void);

static void *load(const char *path, int flags)
{
    void *library = dlopen(path, flags);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(1);
    }
    return library;
}

static void *symbol(void *library, const char *name)
{
    void *found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s is missing\n", name);
        exit(1);
    }
    return found;
}

static call function(void *library, const char *name)
{
    void *found = symbol(library, name);
    call result;
    memcpy(&result, &found, sizeof result);
    return result;
}

static int ask(void *library, const char *name)
{
    return function(library, name)();
}

static int load_copy(void *plugin, const char *path)
{
    void *found = symbol(plugin, "plugin_load");
    int (*result)(const char *);
    memcpy(&result, &found, sizeof result);
    return result(path);
}

/* One plugin makes a token current and cancels it, the other one sees that. */
static void expect_shared(void *first, void *second)
{
    EXPECT(ask(second, "plugin_poll") == 0);
    EXPECT(ask(first, "plugin_install") == 0);
    EXPECT(ask(second, "plugin_poll") == 0);
    EXPECT(ask(first, "plugin_cancel") == 0);
    EXPECT(ask(second, "plugin_poll") == 1);
    EXPECT(ask(second, "plugin_instance") == 0);
    EXPECT(ask(second, "plugin_live") == 1);
}

static void linked(char **files, int flags)
{
    expect_shared(load(files[0], RTLD_NOW | flags), load(files[1], RTLD_NOW | flags));
}

static void own_copies(char **files, int flags)
{
    void *first = load(files[0], RTLD_NOW | flags);
    void *second = load(files[1], RTLD_NOW | flags);
    EXPECT(load_copy(first, files[2]) == 0);
    EXPECT(load_copy(second, files[3]) == 0);
    /* The second plugin found the first one's library and did not even load its own. */
    EXPECT(dlopen(files[3], RTLD_NOW | RTLD_NOLOAD) == NULL);
    expect_shared(first, second);
}

static void second_copy(char **files)
{
    int (*create)(void **);
    void *token = NULL;
    void *first = load(files[0], RTLD_NOW | RTLD_LOCAL);
    void *second = load(files[1], RTLD_NOW | RTLD_LOCAL);
    void *found = symbol(second, "dcc_cancel_token_create");
    EXPECT(first != second);
    EXPECT(ask(first, "dcc_instance_check") == 0);
    EXPECT(ask(second, "dcc_instance_check") == 8);
    memcpy(&create, &found, sizeof create);
    EXPECT(create(&token) == 8 && token != NULL);
    found = symbol(first, "dcc_cancel_token_create");
    memcpy(&create, &found, sizeof create);
    EXPECT(create(&token) == 0 && token != NULL);
}

static void *leave_and_unload(void *path)
{
    void *plugin = load(path, RTLD_NOW | RTLD_LOCAL);
    EXPECT(ask(plugin, "plugin_install") == 0);
    EXPECT(ask(plugin, "plugin_live") == 1);
    EXPECT(dlclose(plugin) == 0);
    return NULL;
}

/* A thread outlives the plugin that left a token on it. */
static void unload(char **files)
{
    pthread_t thread;
    void *again;
    int round;
    for (round = 0; round < 20; ++round) {
        EXPECT(pthread_create(&thread, NULL, leave_and_unload, files[0]) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
        EXPECT(dlopen(files[0], RTLD_NOW | RTLD_NOLOAD) == NULL);
    }
    again = load(files[0], RTLD_NOW | RTLD_LOCAL);
    EXPECT(ask(again, "plugin_live") == 0);
}

/* The plugin that brought the library is unloaded before any plugin has used the library; the plugin that
 * found it there continues. */
static void first_user_leaves(char **files)
{
    void *brought_it = load(files[0], RTLD_NOW | RTLD_LOCAL);
    void *found_it = load(files[1], RTLD_NOW | RTLD_LOCAL);
    EXPECT(load_copy(found_it, files[2]) == 0);
    EXPECT(dlclose(brought_it) == 0);
    EXPECT(ask(found_it, "plugin_install") == 0);
    EXPECT(ask(found_it, "plugin_cancel") == 0);
    EXPECT(ask(found_it, "plugin_poll") == 1);
    EXPECT(ask(found_it, "plugin_instance") == 0);
}

static pthread_barrier_t together;

struct racer {
    void *plugin;
    const char *copy;
};

static void *race(void *argument)
{
    const struct racer *racer = argument;
    pthread_barrier_wait(&together);
    EXPECT(load_copy(racer->plugin, racer->copy) == 0);
    return NULL;
}

enum { RACERS = 8 };

/* Two plugins, each on several threads, load their own copies at the same moment. */
static void racing_loaders(char **files)
{
    struct racer racers[RACERS];
    pthread_t threads[RACERS];
    void *plugins[2];
    int i;
    pthread_barrier_init(&together, NULL, RACERS);
    for (i = 0; i < 2; ++i)
        plugins[i] = load(files[i], RTLD_NOW | RTLD_LOCAL);
    for (i = 0; i < RACERS; ++i) {
        racers[i].plugin = plugins[i % 2];
        racers[i].copy = files[2 + i % 2];
        EXPECT(pthread_create(&threads[i], NULL, race, &racers[i]) == 0);
    }
    for (i = 0; i < RACERS; ++i)
        EXPECT(pthread_join(threads[i], NULL) == 0);
    expect_shared(plugins[0], plugins[1]);
}

static void *poll_there(void *plugin)
{
    EXPECT(ask(plugin, "plugin_poll") == 0);
    EXPECT(ask(plugin, "plugin_install") == 0);
    EXPECT(ask(plugin, "plugin_cancel") == 0);
    EXPECT(ask(plugin, "plugin_poll") == 1);
    return NULL;
}

static void *wait_then_poll(void *plugin)
{
    pthread_barrier_wait(&together);
    pthread_barrier_wait(&together);
    return poll_there(*(void **)plugin);
}

/* The library is loaded last, after others have used up the static TLS. */
static void exhausted_static_tls(char **files, int count)
{
    pthread_t old_thread;
    pthread_t new_thread;
    void *plugin = NULL;
    int taken = 0;
    int i;
    pthread_barrier_init(&together, NULL, 2);
    EXPECT(pthread_create(&old_thread, NULL, wait_then_poll, &plugin) == 0);
    pthread_barrier_wait(&together);
    for (i = 1; i < count; ++i)
        taken += dlopen(files[i], RTLD_NOW | RTLD_LOCAL) != NULL;
    /* The last of these loads were refused, so there really is none left. */
    EXPECT(taken >= 2 && taken < count - 1);
    plugin = load(files[0], RTLD_NOW | RTLD_LOCAL);
    pthread_barrier_wait(&together);
    EXPECT(pthread_join(old_thread, NULL) == 0);
    EXPECT(pthread_create(&new_thread, NULL, poll_there, plugin) == 0);
    EXPECT(pthread_join(new_thread, NULL) == 0);
    poll_there(plugin);
}

int main(int argc, char **argv)
{
    const char *what = argc > 2 ? argv[1] : "";
    if (strcmp(what, "linked_local") == 0)
        linked(argv + 2, RTLD_LOCAL);
    else if (strcmp(what, "linked_global") == 0)
        linked(argv + 2, RTLD_GLOBAL);
    else if (strcmp(what, "own_copies") == 0)
        own_copies(argv + 2, RTLD_LOCAL);
    else if (strcmp(what, "own_copies_global") == 0)
        own_copies(argv + 2, RTLD_GLOBAL);
    else if (strcmp(what, "first_user_leaves") == 0)
        first_user_leaves(argv + 2);
    else if (strcmp(what, "second_copy") == 0)
        second_copy(argv + 2);
    else if (strcmp(what, "unload") == 0)
        unload(argv + 2);
    else if (strcmp(what, "racing_loaders") == 0)
        racing_loaders(argv + 2);
    else if (strcmp(what, "exhausted_static_tls") == 0)
        exhausted_static_tls(argv + 2, argc - 2);
    else
        return 9;
    return 0;
}
