/* For agents, scripts and plugins in Houdini's process: what the plugin's shared object exports. C, so
 * that ctypes can call it, too. A dcc_status below 0 says what was wrong; see dcc_last_error. */
#ifndef DCC_HOUDINI_H
#define DCC_HOUDINI_H

#include <SYS/SYS_Visibility.h>

#include <dcc_cancel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The queue of jobs that Houdini's main thread runs between events: one reference, yours to release,
 * NULL after the exit. Post to it as to any dispatcher. Any thread. */
SYS_VISIBILITY_EXPORT dcc_dispatcher *dcc_houdini_main_thread(void);

/* Posts a job that cooks a node, named by its path, on the main thread; whatever it cooks has it as
 * its parent. `parent` is a token whose cancel cancels it, such as a request's, or NULL. `out_job` gets
 * one reference, yours to release. Any thread. */
SYS_VISIBILITY_EXPORT dcc_status dcc_houdini_post_cook(const char *node_path,
                                                       const dcc_cancel_token *parent,
                                                       dcc_job **out_job);

/* Runs what waits, for about so long. Houdini's event loop does that by itself; hython has none, so its
 * script calls this from time to time. Main thread. */
SYS_VISIBILITY_EXPORT dcc_status dcc_houdini_pump(double milliseconds);

#ifdef __cplusplus
}
#endif

#endif /* DCC_HOUDINI_H */
