/* The interface between the demo's host and its plugin. It is plain C, so that the two may be built with
 * different compilers. It has nothing about cancels, because host and plugin both load dcc_cancel. */

#ifndef DEMO_SMOOTHING_H
#define DEMO_SMOOTHING_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A mesh that is being smoothed. The plugin owns it. */
typedef struct smoothing_task smoothing_task;

/* The host's mesh, which the plugin smooths in place. The host does not move it while the task lives. */
typedef struct smoothing_mesh {
    double *positions; /* x, y, z of each vertex */
    size_t vertex_count;
    const uint32_t *corners; /* three vertices of each triangle */
    size_t triangle_count;
} smoothing_mesh;

/* Why a slice returned. */
#define SMOOTHING_UNFINISHED 0 /* the time is over; call again */
#define SMOOTHING_FINISHED 1
#define SMOOTHING_STOPPED 2 /* the current job was cancelled; the mesh is smoothed in part */

typedef struct smoothing_slice {
    int32_t answer;
    uint64_t visits; /* vertices moved since the task began; each pass counts them again */
    uint64_t polls; /* questions "should I stop?" since the task began */
} smoothing_slice;

typedef struct smoothing_plugin {
    /* Smooths by `strength` in `passes` over all vertices; NULL if there is no memory. */
    smoothing_task *(*begin)(const smoothing_mesh *mesh, uint64_t passes, double strength);
    /* Works for about `budget_ns` nanoseconds, and polls the job that is current on this thread. */
    void (*run_slice)(smoothing_task *task, uint64_t budget_ns, smoothing_slice *slice);
    /* The mean distance of a vertex from the middle of its neighbours. */
    double (*roughness)(const smoothing_task *task);
    void (*end)(smoothing_task *task);
} smoothing_plugin;

/* The one symbol that the plugin exports. */
const smoothing_plugin *smoothing_plugin_entry(void);
#define SMOOTHING_PLUGIN_ENTRY "smoothing_plugin_entry"

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* DEMO_SMOOTHING_H */
