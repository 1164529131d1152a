#ifndef SMOOTH_H
#define SMOOTH_H

#include <gegl.h>

/* Averages each pixel of `area` with its neighbours, `iterations` times, and writes it to `result`.
 * Outside of `source` the pixels of its edges are repeated. Polls what is current on this thread in each
 * row. FALSE: it was cancelled, and `result` must not be used. */
gboolean smooth (GeglBuffer          *source,
                 GeglBuffer          *result,
                 const GeglRectangle *area,
                 gint                 iterations);

#endif
