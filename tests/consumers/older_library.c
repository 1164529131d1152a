/* Stands for an older library of the same ABI major, or with another OLDER_ABI_MAJOR of another: it has
 * three functions. */
#include "dcc_cancel.h"

#ifndef OLDER_ABI_MAJOR
#define OLDER_ABI_MAJOR DCC_ABI_MAJOR
#endif

uint32_t dcc_abi_version(void) { return (uint32_t)OLDER_ABI_MAJOR << 16; }

dcc_status dcc_check_cancelled(void) { return DCC_CANCELLED_BY_JOB; }

const char *dcc_version_string(void) { return "older"; }
