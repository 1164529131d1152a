#ifndef SMOOTH_H
#define SMOOTH_H

#include <gegl.h>

/* Averages each pixel of `area` with its neighbours, as often as `iterations` says, and writes it to
 * `result`; outside of `source` its edges go on. Polls what is current on this thread in each row.
 * FALSE: was cancelled; what is in `result` is not to be used. */
gboolean smooth (GeglBuffer          *source,
                 GeglBuffer          *result,
                 const GeglRectangle *area,
                 gint                 iterations);

#endif
