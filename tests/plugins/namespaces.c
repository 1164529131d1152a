/* A host that loads copies of the library into link namespaces of their own, and one into its own namespace.
 * Exactly one copy says that it is the first: the one that was used first. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dcc_cancel.h"

#define EXPECT(condition) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "%s:%d: expected %s\n", __FILE__, __LINE__, #condition); \
            exit(1); \
        } \
    } while (0)

struct copy {
    dcc_status (*check)(void);
    dcc_status (*create)(dcc_cancel_token **out_token);
    dcc_status (*release)(dcc_cancel_token *token);
    dcc_status (*cancel)(const dcc_cancel_token *token, const char *reason, size_t length);
    dcc_status (*is_cancelled)(const dcc_cancel_token *token);
};

static void find(void *library, const char *name, void *to)
{
    void *found = library == NULL ? NULL : dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "%s: %s\n", name, dlerror());
        exit(1);
    }
    memcpy(to, &found, sizeof found);
}

static struct copy load(const char *path, Lmid_t where)
{
    struct copy copy;
    void *library = dlmopen(where, path, RTLD_NOW | RTLD_LOCAL);
    find(library, "dcc_instance_check", &copy.check);
    find(library, "dcc_cancel_token_create", &copy.create);
    find(library, "dcc_cancel_token_release", &copy.release);
    find(library, "dcc_cancel_token_cancel", &copy.cancel);
    find(library, "dcc_cancel_token_is_cancelled", &copy.is_cancelled);
    return copy;
}

/* The copy works, whatever it says. */
static void use(const struct copy *copy, dcc_status expected)
{
    dcc_cancel_token *token = NULL;
    EXPECT(copy->create(&token) == expected);
    EXPECT(copy->check() == expected);
    EXPECT(copy->is_cancelled(token) == DCC_OK);
    EXPECT(copy->cancel(token, "enough", DCC_NUL_TERMINATED) == DCC_OK);
    EXPECT(copy->is_cancelled(token) == DCC_CANCELLED_BY_TOKEN);
    EXPECT(copy->release(token) == DCC_OK);
}

static int descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    EXPECT(folder != NULL);
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static pthread_barrier_t together;

static void *race(void *copy)
{
    pthread_barrier_wait(&together);
    return (void *)(intptr_t)((const struct copy *)copy)->check();
}

int main(int count, char **arguments)
{
    struct copy own, other, third;
    pthread_t threads[2];
    void *answers[2];
    int before;
    EXPECT(count == 3);
    own = load(arguments[2], LM_ID_BASE);
    other = load(arguments[2], LM_ID_NEWLM);
    third = load(arguments[2], LM_ID_NEWLM);
    before = descriptors();
    if (strcmp(arguments[1], "own_first") == 0) {
        use(&own, DCC_OK);
        use(&other, DCC_SECOND_INSTANCE);
        use(&third, DCC_SECOND_INSTANCE);
        use(&own, DCC_OK);
    } else if (strcmp(arguments[1], "other_first") == 0) {
        use(&other, DCC_OK);
        use(&own, DCC_SECOND_INSTANCE);
        use(&third, DCC_SECOND_INSTANCE);
        use(&other, DCC_OK);
    } else {
        EXPECT(pthread_barrier_init(&together, NULL, 2) == 0);
        EXPECT(pthread_create(&threads[0], NULL, race, &own) == 0);
        EXPECT(pthread_create(&threads[1], NULL, race, &other) == 0);
        EXPECT(pthread_join(threads[0], &answers[0]) == 0);
        EXPECT(pthread_join(threads[1], &answers[1]) == 0);
        EXPECT((intptr_t)answers[0] + (intptr_t)answers[1] == DCC_OK + DCC_SECOND_INSTANCE);
        use(&third, DCC_SECOND_INSTANCE);
    }
    EXPECT(descriptors() == before);
    return 0;
}
