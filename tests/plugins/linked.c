/* A plugin that links the library. One copy of it sets what is current, another one polls it. */
#include "dcc_cancel.h"

/* Makes a token current on the calling thread and leaves it there. */
int plugin_install(void);
int plugin_install(void)
{
    dcc_cancel_token *token = NULL;
    dcc_ticket ticket = 0;
    if (dcc_cancel_token_create(&token) != DCC_OK ||
        dcc_cancel_token_set_current(token, &ticket) != DCC_OK)
        return -1;
    return dcc_cancel_token_release(token);
}

/* Cancels the current token. */
int plugin_cancel(void);
int plugin_cancel(void)
{
    return dcc_cancel_token_cancel(dcc_cancel_token_current(), "by a plugin", DCC_NUL_TERMINATED);
}

/* The answer of a poll in this plugin. */
int plugin_poll(void);
int plugin_poll(void)
{
    return dcc_check_cancelled();
}

/* The number of live tokens. */
int plugin_live(void);
int plugin_live(void)
{
    dcc_stats stats = {0};
    stats.struct_size = sizeof stats;
    return dcc_stats_read(&stats) == DCC_OK ? (int)stats.live_tokens : -1;
}

int plugin_instance(void);
int plugin_instance(void)
{
    return dcc_instance_check();
}
