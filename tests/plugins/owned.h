/* The interface between the plugin of owned.c and its host. */
#ifndef DCC_TESTS_OWNED_H
#define DCC_TESTS_OWNED_H

#include "dcc_cancel.h"

struct counts {
    volatile int called;
    volatile int asked;
    volatile int destroyed;
    volatile int hold; /* A callback stays while this is not 0. */
};

/* Registers two callbacks with the token, creates a running foreign job below it, arms a deadline. */
int plugin_start(dcc_cancel_token *token, dcc_job **out_job, struct counts *counts);
/* Closes the owner of all these objects. */
int plugin_stop(void);

#endif
