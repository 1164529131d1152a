/* Loads a plugin, starts it and ends with it loaded, or frees it first if there is a second
 * argument. */

#include "check.h"
#include "dlfcn.h"

int main(int argc, char **argv)
{
    int (*start)(void) = NULL;
    void *symbol;
    void *plugin;
    CHECK(argc >= 2);
    plugin = dlopen(argv[1], RTLD_NOW);
    CHECK(plugin != NULL);
    symbol = dlsym(plugin, "plugin_start");
    CHECK(symbol != NULL);
    memcpy(&start, &symbol, sizeof start);
    CHECK(start() == 0);
    if (argc > 2)
        CHECK(dlclose(plugin) == 0);
    puts("ends: fine");
    return 0;
}
