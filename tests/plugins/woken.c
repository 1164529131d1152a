/* A plugin whose dispatcher has a wake function, and which is unloaded after its owner was closed. The count
 * belongs to the host and outlives the plugin. */
#include "woken.h"

static dcc_owner *owner;
static dcc_dispatcher *dispatcher;

static void wake(void *wakes)
{
    ++*(volatile int *)wakes;
}

static int32_t run(const dcc_job *job, void *unused)
{
    (void)job;
    (void)unused;
    return 0;
}

int plugin_start(dcc_dispatcher **out_dispatcher, volatile int *wakes)
{
    dcc_dispatcher_desc desc = {0};
    dcc_status status = dcc_owner_create(&owner);
    if (status != DCC_OK)
        return status;
    desc.struct_size = sizeof desc;
    desc.user_data = (void *)wakes;
    desc.wake = wake;
    desc.owner = owner;
    status = dcc_dispatcher_create(&desc, &dispatcher);
    *out_dispatcher = dispatcher;
    return status;
}

int plugin_work(void)
{
    dcc_post_desc desc = {0};
    dcc_status status;
    desc.struct_size = sizeof desc;
    desc.function = run;
    desc.owner = owner;
    status = dcc_dispatcher_post(dispatcher, &desc, NULL, NULL);
    return status != DCC_OK ? status : dcc_dispatcher_pump(dispatcher, DCC_NO_LIMIT, DCC_NO_LIMIT, NULL);
}

int plugin_stop(void)
{
    dcc_status status = dcc_owner_close(owner);
    return status != DCC_OK ? status : dcc_dispatcher_release(dispatcher);
}
