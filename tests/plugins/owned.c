/* A plugin with an owner. It gives functions to the library, and is unloaded after it has closed its owner.
 * The counts belong to the host and outlive the plugin. */
#include "owned.h"

static dcc_owner *owner;

static void on_cancel(const dcc_cancel_token *token, void *user_data)
{
    struct counts *counts = (struct counts *)user_data;
    (void)token;
    ++counts->called;
    while (counts->hold)
        ;
}

static int32_t is_cancelled(void *user_data)
{
    ++((struct counts *)user_data)->asked;
    return 0;
}

static void on_destroy(void *user_data)
{
    ++((struct counts *)user_data)->destroyed;
}

int plugin_start(dcc_cancel_token *token, dcc_job **out_job, struct counts *counts)
{
    dcc_job_desc desc = {0};
    dcc_registration *kept = NULL;
    if (dcc_owner_create(&owner) != DCC_OK)
        return 1;
    if (dcc_cancel_token_register(token, on_cancel, counts, on_destroy, owner, NULL) != DCC_OK ||
        dcc_cancel_token_register(token, on_cancel, counts, on_destroy, owner, &kept) != DCC_OK)
        return 2;
    desc.struct_size = sizeof desc;
    desc.user_data = counts;
    desc.destroy = on_destroy;
    desc.is_cancelled = is_cancelled;
    desc.parent = token;
    desc.owner = owner;
    if (dcc_job_create(&desc, out_job) != DCC_OK || dcc_job_begin(*out_job) != DCC_OK)
        return 3;
    return dcc_cancel_token_set_deadline_after(token, 300000000);
}

int plugin_stop(void)
{
    return dcc_owner_close(owner);
}
