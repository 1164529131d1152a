/* Reads a job's user data that the release has destroyed. */

#include <stdio.h>
#include <stdlib.h>

#include "dcc_cancel.h"

int main(void)
{
    int *value = malloc(sizeof *value);
    dcc_job_desc desc = {0};
    dcc_job *job = NULL;
    *value = 7;
    desc.struct_size = sizeof desc;
    desc.user_data = value;
    desc.destroy = free;
    if (dcc_job_create(&desc, &job) != DCC_OK || dcc_job_release(job) != DCC_OK)
        return 0;
    printf("%d\n", *value);
    return 0;
}
