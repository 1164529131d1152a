/* The C of docs/write_an_adapter.md, with a library of the kind that the page is about. */

#include "dcc_cancel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(truth)                                                                   \
    do {                                                                                \
        if (!(truth)) {                                                                 \
            fprintf(stderr, "%s:%d: %s is not so\n", __FILE__, __LINE__, #truth);       \
            exit(1);                                                                    \
        }                                                                               \
    } while (0)

enum ending { BY_ITSELF, BY_PROGRESS, BY_INTERRUPT, BY_MEMORY };

struct image {
    enum ending how;
    int is_interrupted;
    dcc_job *job;
};

#include "adapter_page_c.inc"

int denoise(struct image *image, denoise_progress progress, void *user)
{
    int row;
    if (image->how == BY_MEMORY)
        return DENOISE_NO_MEMORY;
    if (image->how != BY_ITSELF)
        dcc_job_cancel(image->job, "Esc", 3);
    /* It waits without polling. */
    if (image->how == BY_INTERRUPT)
        return image->is_interrupted ? DENOISE_ABORTED : DENOISE_OK;
    for (row = 0; row < 10; ++row)
        if (progress(user, row / 10.0) != 0)
            return DENOISE_ABORTED;
    return DENOISE_OK;
}

void denoise_interrupt(struct image *image)
{
    image->is_interrupted = 1;
}

const char *denoise_text(int result)
{
    return result == DENOISE_NO_MEMORY ? "no memory for the tiles" : "stopped between two tiles";
}

static void ends(enum ending how, dcc_status answer, int32_t expected, uint64_t done, const char *words)
{
    dcc_job_desc desc = {0};
    dcc_job_progress progress = {0};
    struct image frame = {0};
    dcc_ticket ticket;
    char text[64];
    int32_t state;

    desc.struct_size = sizeof desc;
    progress.struct_size = sizeof progress;
    frame.how = how;
    EXPECT(dcc_job_create(&desc, &frame.job) == DCC_OK && dcc_job_begin(frame.job) == DCC_OK);
    EXPECT(dcc_job_set_current(frame.job, &ticket) == DCC_OK);
    EXPECT(denoise_as_job(&frame) == answer);
    EXPECT(dcc_job_reset_current(ticket) == DCC_OK);
    EXPECT(dcc_job_state(frame.job, &state) == DCC_OK && state == expected);
    EXPECT(dcc_job_failure(frame.job, text, sizeof text, NULL) == DCC_OK && strcmp(text, words) == 0);
    EXPECT(dcc_job_read_progress(frame.job, &progress) == DCC_OK && progress.done == done);
    EXPECT(dcc_job_release(frame.job) == DCC_OK);
}

int main(void)
{
    ends(BY_ITSELF, DCC_OK, DCC_JOB_RUNNING, 900, "");
    ends(BY_PROGRESS, DCC_CANCELLED_BY_JOB, DCC_JOB_CANCELLED, 0, "stopped between two tiles");
    ends(BY_INTERRUPT, DCC_CANCELLED_BY_JOB, DCC_JOB_CANCELLED, 0, "stopped between two tiles");
    ends(BY_MEMORY, DCC_LIBRARY_FAILED, DCC_JOB_FAILED, 0, "no memory for the tiles");
    return 0;
}
