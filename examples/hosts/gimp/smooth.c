/* The work. It reads and writes bands of rows, so that each of GIMP's tiles is fetched once per iteration. It
 * polls once per row, which is a few microseconds of work. */

#include "smooth.h"

#include <dcc_cancel.h>
#include <libgimp/gimp.h>

#define BAND_HEIGHT 64
#define CHANNELS    4

/* The pixels that an iteration needs. */
typedef struct
{
  gfloat *before; /* a band with one pixel more on each side */
  gfloat *after;
} Bands;

/* The progress of all iterations together. */
typedef struct
{
  guint64 done;
  guint64 total;
} Rows;

/* Smooths one row. `above` is the row before it, in a band whose rows are `stride` long. */
static void
smooth_row (const gfloat *above,
            gsize         stride,
            gfloat       *result,
            gsize         length)
{
  const gfloat *here  = above + stride;
  const gfloat *below = here + stride;
  gsize         i;

  for (i = 0; i < length; i++)
    {
      const gsize left  = i;
      const gsize at    = i + CHANNELS;
      const gsize right = i + 2 * CHANNELS;

      result[i] = (above[left] + 2 * above[at] + above[right] +
                   2 * here[left] + 4 * here[at] + 2 * here[right] +
                   below[left] + 2 * below[at] + below[right]) / 16;
    }
}

static gboolean
smooth_once (GeglBuffer          *from,
             GeglBuffer          *to,
             const GeglRectangle *area,
             const Bands         *bands,
             Rows                *rows)
{
  const Babl          *format = babl_format ("RaGaBaA float");
  const dcc_poll_pair  poll   = dcc_poll_current ();
  const gsize          length = (gsize) area->width * CHANNELS;
  const gsize          stride = length + 2 * CHANNELS;
  GeglRectangle        band   = *area;
  gint                 row;

  for (; band.y < area->y + area->height; band.y += BAND_HEIGHT)
    {
      GeglRectangle around;

      band.height = MIN (BAND_HEIGHT, area->y + area->height - band.y);
      around      = *GEGL_RECTANGLE (band.x - 1, band.y - 1, band.width + 2, band.height + 2);
      gegl_buffer_get (from, &around, 1.0, format, bands->before,
                       GEGL_AUTO_ROWSTRIDE, GEGL_ABYSS_CLAMP);

      for (row = 0; row < band.height; row++)
        {
          if (dcc_poll (poll))
            return FALSE;

          smooth_row (bands->before + (gsize) row * stride, stride,
                      bands->after + (gsize) row * length, length);
        }

      gegl_buffer_set (to, &band, 0, format, bands->after, GEGL_AUTO_ROWSTRIDE);
      rows->done += (guint64) band.height;
      dcc_job_set_progress (dcc_job_current (), rows->done, rows->total, NULL, 0);
      gimp_progress_update ((gdouble) rows->done / (gdouble) rows->total);
    }

  return TRUE;
}

gboolean
smooth (GeglBuffer          *source,
        GeglBuffer          *result,
        const GeglRectangle *area,
        gint                 iterations)
{
  const Babl    *format      = babl_format ("RaGaBaA float");
  GeglRectangle  all         = *area;
  gboolean       is_complete = TRUE;
  GeglBuffer    *buffers[2];
  Bands          bands;
  Rows           rows = { 0, 0 };
  gint           i;

  /* After so many iterations a pixel depends on pixels so far away. So a margin of that width is smoothed,
   * too. */
  all.x      -= iterations;
  all.y      -= iterations;
  all.width  += 2 * iterations;
  all.height += 2 * iterations;
  gegl_rectangle_intersect (&all, &all, gegl_buffer_get_extent (source));

  buffers[0]   = gegl_buffer_new (&all, format);
  buffers[1]   = gegl_buffer_new (&all, format);
  bands.before = g_new (gfloat, (gsize) (all.width + 2) * (BAND_HEIGHT + 2) * CHANNELS);
  bands.after  = g_new (gfloat, (gsize) all.width * BAND_HEIGHT * CHANNELS);
  rows.total   = (guint64) all.height * (guint64) iterations;

  for (i = 0; i < iterations && is_complete; i++)
    is_complete = smooth_once (i == 0 ? source : buffers[i % 2],
                               i == iterations - 1 ? result : buffers[(i + 1) % 2],
                               &all, &bands, &rows);

  g_free (bands.after);
  g_free (bands.before);
  g_object_unref (buffers[1]);
  g_object_unref (buffers[0]);

  return is_complete;
}
