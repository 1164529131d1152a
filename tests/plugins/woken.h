/* The interface between the plugin of woken.c and its host. */
#ifndef DCC_TESTS_WOKEN_H
#define DCC_TESTS_WOKEN_H

#include "dcc_cancel.h"

/* Creates a dispatcher with an owner, whose wake adds one to `wakes`. */
int plugin_start(dcc_dispatcher **out_dispatcher, volatile int *wakes);
/* Posts a job to that dispatcher and pumps it. */
int plugin_work(void);
/* Closes the owner and releases the dispatcher. */
int plugin_stop(void);

#endif
