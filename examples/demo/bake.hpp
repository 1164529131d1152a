// A job of three loops, the second of which forgot to poll: what the poll trace is for.
#pragma once

#include <cstdint>
#include <vector>

#include "mesh.hpp"

namespace demo {

enum class bake_polls { in_every_loop, forgotten_in_one };

// Where the loop that may forget is in bake.cpp.
struct source_lines {
    std::uint32_t first;
    std::uint32_t last;
};

// How open the sky is above each vertex, from 0 to 1; works for the job that is current on this
// thread. Empty if it was asked to stop.
std::vector<double> bake_openness(const mesh &input, bake_polls polls, source_lines &loop);

} // namespace demo
