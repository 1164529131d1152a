/* Loads the library by plain dlopen, without any of our headers, and prints its version. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void *library;

static void find(const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol);
}

int main(int argc, char **argv)
{
    int32_t (*create)(void **);
    int32_t (*cancel)(const void *, const char *, size_t);
    int32_t (*is_cancelled)(const void *);
    int32_t (*release)(void *);
    const char *(*version)(void);
    void *token = NULL;
    if (argc != 2 || (library = dlopen(argv[1], RTLD_NOW)) == NULL)
        return 1;
    find("dcc_cancel_token_create", &create);
    find("dcc_cancel_token_cancel", &cancel);
    find("dcc_cancel_token_is_cancelled", &is_cancelled);
    find("dcc_cancel_token_release", &release);
    find("dcc_version_string", &version);
    if (create(&token) != 0 || is_cancelled(token) != 0 || cancel(token, "x", 1) != 0 ||
        is_cancelled(token) != 1 || release(token) != 0 || release(token) != -1)
        return 2;
    puts(version());
    return dlclose(library);
}
