/* Shows: a GIMP 2.10 plug-in whose long work can be cancelled. A cancel leaves the image unchanged. The work
 * polls (smooth.c), a job has the sources of the cancel (plug-in-job.c), and the image is changed once, after
 * the last poll.
 *
 * Build, with libgimp2.0-dev and an installed dcc_cancel:  make
 * Put it where GIMP finds it:                              make install
 * Run it:
 *   gimp -i -b '(let* ((image (car (gimp-file-load 1 "in.png" "in.png")))
 *                      (layer (car (gimp-image-get-active-drawable image))))
 *                 (if (car (plug-in-dcc-smooth 1 image layer 20 30))
 *                     (gimp-file-save 1 image layer "out.png" "out.png")))' -b '(gimp-quit 0)'
 */

#include "plug-in-job.h"
#include "smooth.h"

#include <libgimp/gimp.h>

#define PLUG_IN_PROC   "plug-in-dcc-smooth"
#define MAX_ITERATIONS 10000
#define MAX_TIME_LIMIT 1e6

typedef struct
{
  gint    iterations;
  gdouble time_limit;
} SmoothValues;

static void query (void);
static void run   (const gchar      *name,
                   gint              n_params,
                   const GimpParam  *params,
                   gint             *n_return_vals,
                   GimpParam       **return_vals);

static const GimpPlugInInfo PLUG_IN_INFO = { NULL, plug_in_job_quit, query, run };

/* Replaces MAIN (), because the job needs the pipe that GIMP writes to. */
int
main (int   argc,
      char *argv[])
{
  plug_in_job_remember_pipe (argc, argv);

  return gimp_main (&PLUG_IN_INFO, argc, argv);
}

static void
query (void)
{
  static const GimpParamDef args[] =
  {
    { GIMP_PDB_INT32,    "run-mode",
      "The run mode { RUN-INTERACTIVE (0), RUN-NONINTERACTIVE (1), RUN-WITH-LAST-VALS (2) }" },
    { GIMP_PDB_IMAGE,    "image",      "Input image" },
    { GIMP_PDB_DRAWABLE, "drawable",   "Input drawable" },
    { GIMP_PDB_INT32,    "iterations", "How often to smooth, 1 to 10000" },
    { GIMP_PDB_FLOAT,    "time-limit",
      "Seconds after which the plug-in stops and leaves the image as it was; 0 for none" }
  };

  gimp_install_procedure (PLUG_IN_PROC,
                          "Smooth the drawable; can be cancelled",
                          "Averages each pixel with its neighbours, as often as is asked for. "
                          "SIGTERM and SIGINT to the plug-in's process cancel it, and so does its "
                          "time limit; the image is then as it was.",
                          "dcc-cancel", "dcc-cancel", "2026",
                          "S_mooth (can be cancelled)",
                          "RGB*, GRAY*",
                          GIMP_PLUGIN,
                          G_N_ELEMENTS (args), 0, args, NULL);
  gimp_plugin_menu_register (PLUG_IN_PROC, "<Image>/Filters/Blur");
}

/* Reads the arguments of the caller. FALSE: they are wrong, and the message says how. */
static gboolean
read_values (GimpRunMode       run_mode,
             gint              n_params,
             const GimpParam  *params,
             SmoothValues     *values,
             gchar           **message)
{
  if (run_mode != GIMP_RUN_NONINTERACTIVE)
    {
      gimp_get_data (PLUG_IN_PROC, values); /* changes nothing if the plug-in was not run before */
    }
  else if (n_params != 5)
    {
      *message = g_strdup_printf ("%d arguments were given; this procedure takes 5", n_params);
      return FALSE;
    }
  else
    {
      values->iterations = params[3].data.d_int32;
      values->time_limit = params[4].data.d_float;
    }

  if (values->iterations < 1 || values->iterations > MAX_ITERATIONS)
    {
      *message = g_strdup_printf ("iterations is %d; give 1 to %d",
                                  values->iterations, MAX_ITERATIONS);
      return FALSE;
    }
  if (! (values->time_limit >= 0.0 && values->time_limit <= MAX_TIME_LIMIT))
    {
      *message = g_strdup_printf ("time-limit is %g; give 0 for none, or up to %g seconds",
                                  values->time_limit, MAX_TIME_LIMIT);
      return FALSE;
    }

  return TRUE;
}

/* Smooths the drawable in place. After a cancel or an error it is unchanged, and the message says why. */
static GimpPDBStatusType
smooth_drawable (gint32          image_id,
                 gint32          drawable_id,
                 dcc_job        *job,
                 gint            iterations,
                 gchar         **message)
{
  GeglRectangle bounds;
  GeglBuffer   *source;
  GeglBuffer   *shadow;
  gboolean      is_complete;
  gboolean      is_merged;

  if (! gimp_drawable_mask_intersect (drawable_id, &bounds.x, &bounds.y,
                                      &bounds.width, &bounds.height))
    {
      dcc_job_complete (job);
      return GIMP_PDB_SUCCESS; /* the selection is outside of the drawable */
    }

  gimp_progress_init ("Smoothing");
  source      = gimp_drawable_get_buffer (drawable_id);
  shadow      = gimp_drawable_get_shadow_buffer (drawable_id);
  is_complete = smooth (source, shadow, &bounds, iterations);

  if (! is_complete)
    {
      /* The job ends before libgimp is called again: after GIMP's own Cancel libgimp ends this process. */
      gchar *reason = plug_in_job_acknowledge_cancel (job);

      *message = g_strdup_printf ("Cancelled (%s); the image is as it was.", reason);
      g_free (reason);
    }

  g_object_unref (shadow); /* sends its last tiles to GIMP */
  g_object_unref (source);

  if (! is_complete)
    {
      gimp_drawable_free_shadow (drawable_id);
      return GIMP_PDB_CANCEL;
    }

  /* Only the code from here on changes the image, after the last poll. So every cancel, also one that
   * kills this process, leaves the image unchanged and no empty step in the undo history. */
  gimp_image_undo_group_start (image_id);
  is_merged = gimp_drawable_merge_shadow (drawable_id, TRUE);
  if (is_merged)
    gimp_drawable_update (drawable_id, bounds.x, bounds.y, bounds.width, bounds.height);
  else
    *message = g_strdup_printf ("The result was not taken: %s", gimp_get_pdb_error ());
  gimp_image_undo_group_end (image_id);

  if (! is_merged)
    {
      dcc_job_fail (job, *message, DCC_NUL_TERMINATED);
      return GIMP_PDB_EXECUTION_ERROR;
    }

  dcc_job_complete (job);
  return GIMP_PDB_SUCCESS;
}

static void
run (const gchar      *name,
     gint              n_params,
     const GimpParam  *params,
     gint             *n_return_vals,
     GimpParam       **return_vals)
{
  static GimpParam  answer[2];
  static gchar     *message = NULL; /* it must live as long as the answer */
  GimpRunMode       run_mode = (GimpRunMode) params[0].data.d_int32;
  SmoothValues      values   = { 10, 0.0 };
  GimpPDBStatusType status   = GIMP_PDB_CALLING_ERROR;

  if (read_values (run_mode, n_params, params, &values, &message))
    {
      dcc_job *job = plug_in_job_begin ("Smooth", values.time_limit, &message);

      status = GIMP_PDB_EXECUTION_ERROR;
      if (job)
        {
          gegl_init (NULL, NULL); /* takes a while; signals are handled already */
          status = smooth_drawable (params[1].data.d_image, params[2].data.d_drawable,
                                    job, values.iterations, &message);
          gegl_exit ();
          plug_in_job_end (job);
        }
    }

  if (status == GIMP_PDB_SUCCESS && run_mode != GIMP_RUN_NONINTERACTIVE)
    {
      gimp_set_data (name, &values, sizeof (values));
      gimp_displays_flush ();
    }
  if (status == GIMP_PDB_CANCEL)
    gimp_message (message); /* GIMP itself shows no message in this case */

  answer[0].type          = GIMP_PDB_STATUS;
  answer[0].data.d_status = status;
  answer[1].type          = GIMP_PDB_STRING;
  answer[1].data.d_string = message;
  *n_return_vals = message ? 2 : 1;
  *return_vals   = answer;
}
