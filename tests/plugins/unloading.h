/* Helpers of hosts that load a plugin and really unload it. */
#ifndef DCC_TESTS_UNLOADING_H
#define DCC_TESTS_UNLOADING_H

#include <dlfcn.h>
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

/* Whether any part of a file is mapped into memory. */
static int is_mapped(const char *path)
{
    char line[4096];
    int found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    EXPECT(maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL)
        found |= strstr(line, path) != NULL;
    fclose(maps);
    return found;
}

static void *load(const char *path)
{
    void *plugin = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    EXPECT(plugin != NULL);
    EXPECT(is_mapped(path));
    return plugin;
}

static void unload(void *plugin, const char *path)
{
    EXPECT(dlclose(plugin) == 0);
    EXPECT(!is_mapped(path));
}

/* Writes the plugin's function with this name to `function`, a pointer to a pointer to a function. */
static void find(void *plugin, const char *name, void *function)
{
    void *symbol = dlsym(plugin, name);
    EXPECT(symbol != NULL);
    memcpy(function, &symbol, sizeof symbol);
}

#endif
