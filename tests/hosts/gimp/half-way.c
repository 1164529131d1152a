/* Preloaded into the plug-in: says on the standard error output when half of its work is done, as it
 * tells GIMP, which shows that to nobody without its interface, and how its job ended if it was
 * cancelled. */

#define _GNU_SOURCE

#include "dcc_cancel.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int gimp_progress_update (double fraction);

static void
find (const char *name, void *function)
{
  void *symbol = dlsym (RTLD_NEXT, name);

  memcpy (function, &symbol, sizeof (symbol));
}

/* After GIMP knows it: what is done to GIMP now happens while the plug-in works. */
static void
say (double fraction)
{
  static int is_half_done = 0;
  static int has_begun = 0;

  if (! has_begun)
    fprintf (stderr, "begun\n");
  if (fraction >= 0.5 && ! is_half_done)
    fprintf (stderr, "half-way: process %ld\n", (long) getpid ());
  has_begun = 1;
  is_half_done = is_half_done || fraction >= 0.5;
}

int
gimp_progress_update (double fraction)
{
  int (*next) (double);
  int answer;

  find ("gimp_progress_update", &next);
  answer = next (fraction);
  /* Those that read and write files tell their progress, too. */
  if (strcmp (program_invocation_short_name, "dcc-smooth") == 0)
    say (fraction);
  return answer;
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
