/* As much of dlfcn.h as the hosts of the tests use, over the Windows loader. */

#ifndef DCC_TESTS_WINDOWS_DLFCN_H
#define DCC_TESTS_WINDOWS_DLFCN_H

#include <stdio.h>
#include <string.h>
#include <windows.h>

#define RTLD_NOW 0
#define RTLD_LOCAL 0
#define RTLD_GLOBAL 0
#define RTLD_NOLOAD 1

static inline void *dlopen(const char *path, int flags)
{
    if (flags & RTLD_NOLOAD) {
        HMODULE loaded = NULL;
        GetModuleHandleExA(0, path, &loaded);
        return (void *)loaded;
    }
    return (void *)LoadLibraryExA(path, NULL, LOAD_WITH_ALTERED_SEARCH_PATH);
}

static inline void *dlsym(void *library, const char *name)
{
    FARPROC function = GetProcAddress((HMODULE)library, name);
    void *found = NULL;
    memcpy(&found, &function, sizeof found);
    return found;
}

static inline int dlclose(void *library)
{
    return FreeLibrary((HMODULE)library) ? 0 : -1;
}

static inline const char *dlerror(void)
{
    static char text[32];
    snprintf(text, sizeof text, "error %lu", GetLastError());
    return text;
}

#endif
