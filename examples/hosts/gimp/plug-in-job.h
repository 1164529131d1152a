#ifndef PLUG_IN_JOB_H
#define PLUG_IN_JOB_H

#include <dcc_cancel.h>
#include <glib.h>

/* The job of a plug-in's one call: its process is GIMP's, started for the call and ended after it. */

/* To be called by main (): finds the pipe that GIMP writes to. */
void plug_in_job_remember_pipe (gint   argc,
                                gchar *argv[]);

/* Begins a job and makes it current on this thread, the main one. These ask it to stop:
 *
 * - its time limit in seconds, 0 for none;
 * - SIGTERM and SIGINT, which do not end the process any more, so that it can answer GIMP;
 * - GIMP itself: its Cancel button, its end.
 *
 * NULL and a message: it cannot be. */
dcc_job *plug_in_job_begin (const gchar  *label,
                            gdouble       time_limit,
                            gchar       **message);

/* Ends the job as cancelled. Why it was, to be freed. */
gchar *plug_in_job_acknowledge_cancel (dcc_job *job);

/* Lets go of a job that has ended. A signal that comes now is too late, and changes nothing. */
void plug_in_job_end (dcc_job *job);

/* For GimpPlugInInfo: ends a job that still runs as cancelled. libgimp exits from within whichever of
 * its functions finds that GIMP ended the plug-in, if none of the job's polls finds it first. */
void plug_in_job_quit (void);

#endif
