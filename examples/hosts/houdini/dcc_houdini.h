/* The functions that the plugin exports for agents, scripts and other plugins in Houdini's process. They
 * are C, so that ctypes can call them. A negative dcc_status is an error; dcc_last_error has its text. */
#ifndef DCC_HOUDINI_H
#define DCC_HOUDINI_H

#include <SYS/SYS_Visibility.h>

#include <dcc_cancel.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Returns the queue of jobs that Houdini's main thread runs between events, or NULL after the exit. You
 * get one reference, which you release. Post to it as to any dispatcher. Any thread may call this. */
SYS_VISIBILITY_EXPORT dcc_dispatcher *dcc_houdini_main_thread(void);

/* Posts a job that cooks a node, named by its path, on the main thread. A cancel of the job reaches every
 * cook that it causes. A cancel of the token `parent`, such as a request's, cancels the job; it may be
 * NULL. `out_job` gets one reference, which you release. Any thread may call this. */
SYS_VISIBILITY_EXPORT dcc_status dcc_houdini_post_cook(const char *node_path,
                                                       const dcc_cancel_token *parent,
                                                       dcc_job **out_job);

/* Runs the jobs that wait, for about so long. Houdini's event loop does this by itself. hython has no
 * event loop, so its script calls this from time to time, on the main thread. */
SYS_VISIBILITY_EXPORT dcc_status dcc_houdini_pump(double milliseconds);

#ifdef __cplusplus
}
#endif

#endif /* DCC_HOUDINI_H */
