/* Preloaded: one more locked instruction in each dcc_cancel_token_retain. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <stdint.h>

int32_t dcc_cancel_token_retain(const void *token);

int32_t dcc_cancel_token_retain(const void *token)
{
    static int32_t (*retain)(const void *) = NULL;
    static uint64_t calls = 0;
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    if (retain == NULL) *(void **)&retain = dlsym(RTLD_NEXT, "dcc_cancel_token_retain");
    return retain(token);
}
