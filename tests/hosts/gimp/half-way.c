/* Preloaded into the plug-in. It prints on the standard error output when the plug-in's job has begun and is
 * half done, and how the job ended if it was cancelled; without its interface GIMP shows that to no user.
 * With WAIT_FOR_CANCEL set, the job continues from there only when it is cancelled. */

#define _GNU_SOURCE

#include "dcc_cancel.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_NANOSECONDS UINT64_C (60000000000)

static void
find (const char *name, void *function)
{
  void *symbol = dlsym (RTLD_NEXT, name);

  memcpy (function, &symbol, sizeof (symbol));
}

dcc_status
dcc_job_set_progress_at (const dcc_job *job, uint64_t done, uint64_t total, const char *message,
                         size_t message_length, const char *file, uint32_t line)
{
  static int has_begun = 0;
  static int is_half_done = 0;
  dcc_status (*next) (const dcc_job *, uint64_t, uint64_t, const char *, size_t, const char *, uint32_t);

  if (! has_begun)
    fprintf (stderr, "begun\n");
  if (done >= total / 2 && ! is_half_done)
    {
      fprintf (stderr, "half-way: process %ld\n", (long) getpid ());
      if (getenv ("WAIT_FOR_CANCEL"))
        dcc_cancel_token_wait (dcc_job_token (job), WAIT_NANOSECONDS);
    }
  has_begun = 1;
  is_half_done = is_half_done || done >= total / 2;

  find ("dcc_job_set_progress_at", &next);
  return next (job, done, total, message, message_length, file, line);
}

dcc_status
dcc_job_acknowledge_cancel (const dcc_job *job)
{
  char       reason[256];
  dcc_status status;
  dcc_status (*next) (const dcc_job *);

  find ("dcc_job_acknowledge_cancel", &next);
  status = next (job);
  if (status == DCC_OK)
    {
      dcc_cancel_token_reason (dcc_job_token (job), reason, sizeof (reason), NULL);
      fprintf (stderr, "ended as cancelled: %s\n", reason);
    }
  return status;
}
