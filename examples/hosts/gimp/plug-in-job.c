/* The job of a plug-in's call, and the sources of its cancel: GIMP, signals and a time limit. */

#define _XOPEN_SOURCE 700 /* sigaction */

#include "plug-in-job.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NANOSECONDS_PER_SECOND 1e9

static gint       pipe_of_gimp = -1;
static gint       signal_pipe[2] = { -1, -1 };
static dcc_job   *running = NULL;
static dcc_ticket ticket;

void
plug_in_job_remember_pipe (gint   argc,
                           gchar *argv[])
{
  /* <plug-in> -gimp <read> <write> -run <mode> */
  if (argc > 2 && strcmp (argv[1], "-gimp") == 0)
    pipe_of_gimp = atoi (argv[2]);
}

/* GIMP 2.10 does not ask a plug-in to stop. Its Cancel button writes "quit" to the pipe, kills the process
 * 10 ms later and drops its shadow tiles. GIMP does the same when it ends, and a crash of GIMP closes the
 * pipe. Between two calls of libgimp nothing else can be in the pipe, unless the plug-in has temporary
 * procedures, as dialogs with a preview have. So between two rows the main thread asks whether there is
 * anything to read. */
static int32_t
gimp_ends_this_process (void *user_data)
{
  GPollFD from_gimp = { pipe_of_gimp, G_IO_IN | G_IO_HUP | G_IO_ERR, 0 };

  (void) user_data;
  return g_poll (&from_gimp, 1, 0) > 0;
}

/* A signal handler must not cancel, because a cancel takes locks. So it sends the number to a thread. */
static void
on_signal (int number)
{
  const gint   error = errno;
  const guchar byte  = (guchar) number;

  if (write (signal_pipe[1], &byte, 1) != 1)
    {
      /* The pipe is full, so a signal is on its way already, and one is enough. */
    }
  errno = error;
}

static gpointer
relay_signals (gpointer job)
{
  guchar number;

  while (read (signal_pipe[0], &number, 1) == 1)
    {
      gchar *reason = g_strdup_printf ("signal %d, %s", number, g_strsignal (number));

      dcc_job_cancel (job, reason, DCC_NUL_TERMINATED);
      g_free (reason);
    }

  return NULL;
}

/* The thread has a reference to the job. Thread and reference live until the process ends. */
static gboolean
cancel_on_signals (dcc_job  *job,
                   GError  **error)
{
  struct sigaction action;
  GThread         *thread;

  if (! g_unix_open_pipe (signal_pipe, FD_CLOEXEC, error) ||
      ! g_unix_set_fd_nonblocking (signal_pipe[1], TRUE, error))
    return FALSE;

  dcc_job_retain (job);
  thread = g_thread_try_new ("signals", relay_signals, job, error);
  if (! thread)
    {
      dcc_job_release (job);
      return FALSE;
    }
  g_thread_unref (thread);

  memset (&action, 0, sizeof (action));
  sigemptyset (&action.sa_mask);
  action.sa_handler = on_signal;
  action.sa_flags   = SA_RESTART; /* a read of libgimp must not fail */
  sigaction (SIGTERM, &action, NULL);
  sigaction (SIGINT, &action, NULL);

  return TRUE;
}

static gchar *
last_error (void)
{
  char text[512];

  dcc_last_error (text, sizeof (text), NULL);
  return g_strdup (text);
}

dcc_job *
plug_in_job_begin (const gchar  *label,
                   gdouble       time_limit,
                   gchar       **message)
{
  dcc_job_desc  desc  = { 0 };
  dcc_job      *job   = NULL;
  GError       *error = NULL;

  desc.struct_size     = sizeof (desc);
  desc.label           = label;
  desc.label_length    = DCC_NUL_TERMINATED;
  desc.is_cancelled    = gimp_ends_this_process;
  desc.min_interval_ns = 1000000; /* GIMP leaves us 10 ms */

  if (dcc_job_create (&desc, &job) < 0 ||
      (time_limit > 0.0 &&
       dcc_cancel_token_set_deadline_after (dcc_job_token (job),
                                      (guint64) (time_limit * NANOSECONDS_PER_SECOND)) < 0) ||
      dcc_job_begin (job) < 0 ||
      dcc_job_set_current (job, &ticket) < 0)
    {
      *message = last_error ();
      dcc_job_release (job);
      return NULL;
    }

  running = job;
  if (! cancel_on_signals (job, &error))
    {
      *message = g_strdup_printf ("signals cannot be taken: %s", error->message);
      g_error_free (error);
      plug_in_job_end (job);
      return NULL;
    }

  return job;
}

gchar *
plug_in_job_acknowledge_cancel (dcc_job *job)
{
  char reason[256];

  dcc_cancel_token_reason (dcc_job_token (job), reason, sizeof (reason), NULL);
  dcc_job_acknowledge_cancel (job);

  return g_strdup (reason);
}

void
plug_in_job_end (dcc_job *job)
{
  running = NULL;
  dcc_job_reset_current (ticket);
  dcc_job_release (job);
}

void
plug_in_job_quit (void)
{
  dcc_job *job = running;

  if (! job)
    return;

  dcc_job_cancel (job, "GIMP ended the plug-in", DCC_NUL_TERMINATED);
  dcc_job_acknowledge_cancel (job);
  plug_in_job_end (job);
}
