/* A host with an allocator of its own, through which the whole process goes, the C library and the loader
   included: it refuses what scarce_begin says. It loads the program under test, as a host loads plugins.

   host PROGRAM ARGUMENTS... */
#define _GNU_SOURCE
#include "scarce.h"
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static long left;
static int is_for_good;
static int is_armed;
static long refused;

void scarce_begin(long nth, int for_good)
{
    __atomic_store_n(&refused, 0, __ATOMIC_SEQ_CST);
    __atomic_store_n(&is_for_good, for_good, __ATOMIC_SEQ_CST);
    __atomic_store_n(&left, nth, __ATOMIC_SEQ_CST);
    __atomic_store_n(&is_armed, 1, __ATOMIC_SEQ_CST);
}

long scarce_end(void)
{
    __atomic_store_n(&is_armed, 0, __ATOMIC_SEQ_CST);
    return __atomic_load_n(&refused, __ATOMIC_SEQ_CST);
}

static int refuses(void)
{
    if (!__atomic_load_n(&is_armed, __ATOMIC_RELAXED))
        return 0;
    long now = __atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST);
    if (now > 0 || (now < 0 && !__atomic_load_n(&is_for_good, __ATOMIC_RELAXED)))
        return 0;
    __atomic_add_fetch(&refused, 1, __ATOMIC_SEQ_CST);
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t size)
{
    return refuses() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return refuses() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return refuses() ? NULL : __libc_realloc(old, size);
}

void *memalign(size_t alignment, size_t size)
{
    return refuses() ? NULL : __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return refuses() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *made = refuses() ? NULL : __libc_memalign(alignment, size);
    if (made == NULL)
        return ENOMEM;
    *out = made;
    return 0;
}

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
static create_fn *real_create;

int pthread_create(pthread_t *thread, const pthread_attr_t *how, void *(*body)(void *), void *argument)
{
    return refuses() ? EAGAIN : real_create(thread, how, body, argument);
}

static void *need(const char *file, const char *name)
{
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    void *found = library ? dlsym(library, name) : NULL;
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    return found;
}

int main(int count, char **arguments)
{
    void *create = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real_create, &create, sizeof real_create);
    if (count < 2) {
        fprintf(stderr, "which program?\n");
        return 2;
    }
    int (*run)(int, char **);
    void *found = need(arguments[1], "run");
    memcpy(&run, &found, sizeof run);
    return run(count - 1, arguments + 1);
}
