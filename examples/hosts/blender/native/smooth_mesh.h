// The function that the add-on calls. It is plain C, and knows nothing of Blender or Python.

#ifndef SMOOTH_MESH_H
#define SMOOTH_MESH_H

#include <cstddef>
#include <cstdint>

#ifdef _WIN32
#define SMOOTH_MESH_API __declspec(dllexport)
#else
#define SMOOTH_MESH_API __attribute__((visibility("default")))
#endif

extern "C" {

// native.py declares the same layout.
struct smooth_outcome {
    std::uint64_t passes; // whole passes that were done
    char error[256];      // what went wrong; empty if nothing did
};

// Moves each vertex by `factor` of the way to the middle of its neighbours, in `passes` over the mesh.
// `positions`: x, y, z of each vertex; `edges`: two vertices of each edge. It polls the token and the job
// that are current on this thread.
//
// DCC_OK: it is done. Positive: it was cancelled. Negative: `error` says why. If it is not done, `positions`
// are unchanged.
SMOOTH_MESH_API std::int32_t smooth_mesh(float *positions, std::size_t vertex_count,
                                         const std::int32_t *edges, std::size_t edge_count,
                                         std::uint64_t passes, double factor,
                                         smooth_outcome *outcome);

} // extern "C"

#endif // SMOOTH_MESH_H
