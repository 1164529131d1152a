#ifndef PLUG_IN_JOB_H
#define PLUG_IN_JOB_H

#include <dcc_cancel.h>
#include <glib.h>

/* The job of a plug-in's call. GIMP starts a process for each call, and ends it afterwards. */

/* Call it in main (). It remembers the pipe that GIMP writes to. */
void plug_in_job_remember_pipe (gint   argc,
                                gchar *argv[]);

/* Begins a job and makes it current on this thread, which must be the main one. These ask it to stop:
 *
 * - its time limit in seconds; 0 for none;
 * - SIGTERM and SIGINT. They do not end the process any more, so that it can answer GIMP;
 * - GIMP itself, by its Cancel button or by its end.
 *
 * NULL: there is no job, and the message says why. */
dcc_job *plug_in_job_begin (const gchar  *label,
                            gdouble       time_limit,
                            gchar       **message);

/* Ends the job as cancelled. Returns the reason, which the caller frees. */
gchar *plug_in_job_acknowledge_cancel (dcc_job *job);

/* Releases a job that has ended. A signal that comes later changes nothing. */
void plug_in_job_end (dcc_job *job);

/* For GimpPlugInInfo. Ends a job that still runs as cancelled. If GIMP ends the plug-in and no poll of the
 * job finds that first, a function of libgimp finds it, and exits the process. */
void plug_in_job_quit (void);

#endif
