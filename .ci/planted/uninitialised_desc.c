/* Passes a descriptor that was not set to zero: the library reads a flag that was never written. */

#include <stdio.h>
#include <stdlib.h>

#include "dcc_cancel.h"

int main(void)
{
    dcc_job_desc *desc = malloc(sizeof *desc);
    dcc_job *job = NULL;
    dcc_status status;
    desc->struct_size = sizeof *desc;
    desc->label = NULL;
    desc->caller_id = NULL;
    desc->parent = NULL;
    desc->user_data = NULL;
    desc->destroy = NULL;
    desc->is_cancelled = NULL;
    desc->owner = NULL;
    status = dcc_job_create(desc, &job);
    free(desc);
    dcc_job_release(job);
    puts(status == DCC_OK ? "created" : "refused");
    return 0;
}
