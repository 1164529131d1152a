/* Memory that runs out at a chosen allocation, for the whole process. */
#ifndef SCARCE_H
#define SCARCE_H

/* From now on the nth allocation fails, counted over all threads; with `for_good` all after it, too. A
   thread counts as an allocation: its stack is one. */
void scarce_begin(long nth, int for_good);
/* Lets all allocations succeed again. Returns how many were refused. */
long scarce_end(void);

#endif
