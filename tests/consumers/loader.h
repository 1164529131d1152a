/* Loads the library through dcc_cancel_dl.h; compiled as C and as C++. */
#define DCC_CANCEL_DL_IMPLEMENTATION
#include "dcc_cancel_dl.h"

#include <stdio.h>
#include <string.h>

static int use_the_loader(const char *path)
{
    char why[256];
    dcc_cancel_token *token = NULL;
    dcc_cancel_token *left = (dcc_cancel_token *)(uintptr_t)8;
    char text[8] = "unset";
    size_t length = 5;
    dcc_ticket ticket = 1;
    dcc_poll_layer poll;
    /* Before: nothing is cancelled, nothing crashes, results are what a failure leaves. */
    if (dcc_check_cancelled() != DCC_OK || dcc_poll(dcc_poll_current()) != DCC_OK ||
        dcc_cancel_token_create(&left) != DCC_ERROR_UNSUPPORTED || left != NULL ||
        dcc_cancel_token_create(NULL) != DCC_ERROR_UNSUPPORTED || dcc_job_current() != NULL)
        return 1;
    if (dcc_last_error(text, sizeof text, &length) != DCC_ERROR_UNSUPPORTED || text[0] != '\0' ||
        length != 0 || dcc_last_error(NULL, 0, NULL) != DCC_ERROR_UNSUPPORTED ||
        dcc_cancel_token_set_current(NULL, &ticket) != DCC_ERROR_UNSUPPORTED || ticket != 0 ||
        dcc_poll_read_current(NULL) != DCC_ERROR_INVALID_ARGUMENT ||
        dcc_poll_read_token(NULL, NULL) != DCC_ERROR_INVALID_ARGUMENT)
        return 6;
    if (dcc_cancel_load("/no/such/file.so", why, sizeof why) != DCC_NOT_FOUND ||
        strstr(why, "/no/such/file.so") == NULL)
        return 2;
    if (dcc_cancel_load(path, why, sizeof why) != DCC_OK) {
        fputs(why, stderr);
        return 3;
    }
    if (dcc_cancel_load(NULL, NULL, 0) != DCC_OK || dcc_cancel_token_create(&token) != DCC_OK)
        return 4;
    poll = dcc_poll_of(token);
    if (dcc_poll_one(poll) != DCC_OK || dcc_cancel_token_cancel(token, NULL, 0) != DCC_OK ||
        dcc_poll_one(poll) != DCC_CANCELLED_BY_TOKEN || dcc_cancel_token_release(token) != DCC_OK)
        return 5;
    puts(dcc_version_string());
    return 0;
}
