/* The same plugin as linked.c, but it loads its own copy of the library by path. */
#define DCC_CANCEL_DL_IMPLEMENTATION
#include "dcc_cancel_dl.h"

int plugin_load(const char *path);
int plugin_load(const char *path)
{
    char why[256];
    const dcc_status status = dcc_cancel_load(path, why, sizeof why);
    if (status != DCC_OK)
        fprintf(stderr, "%s\n", why);
    return status;
}

#include "linked.c"
