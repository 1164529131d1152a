/* The loader with a library that is older than its header: what is there is called, what is missing
 * answers as before loading. Prints the status of loading. */
#define DCC_CANCEL_DL_IMPLEMENTATION
#include "dcc_cancel_dl.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    char why[256];
    dcc_cancel_token *token = (dcc_cancel_token *)(uintptr_t)8;
    dcc_native_event event = 7;
    dcc_status status;
    if (argc != 2)
        return 9;
    status = dcc_cancel_load(argv[1], why, sizeof why);
    printf("%d %s\n", (int)status, why);
    if (status != DCC_OK)
        return 0;
    if (dcc_check_cancelled() != DCC_CANCELLED_BY_JOB || dcc_abi_version() >> 16 != DCC_ABI_MAJOR)
        return 1;
    if (dcc_cancel_token_create(&token) != DCC_ERROR_UNSUPPORTED || token != NULL ||
        dcc_cancel_token_native_event(NULL, &event) != DCC_ERROR_UNSUPPORTED ||
        event != DCC_NO_NATIVE_EVENT ||
        dcc_cancel_token_set_deadline_after(NULL, 1) != DCC_ERROR_UNSUPPORTED)
        return 2;
    return dcc_poll(dcc_poll_current()) == DCC_OK ? 0 : 3;
}
