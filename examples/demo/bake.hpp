// A job of three loops. The second one does not poll, and the poll trace finds it.
#pragma once

#include <cstdint>
#include <vector>

#include "mesh.hpp"

namespace demo {

enum class bake_polls { in_every_loop, forgotten_in_one };

// The lines of bake.cpp at which the second loop begins and ends.
struct source_lines {
    std::uint32_t first;
    std::uint32_t last;
};

// How open the sky is above each vertex, from 0 to 1. Polls the job that is current on this thread.
// The answer is empty if the job was asked to stop.
std::vector<double> bake_openness(const mesh &input, bake_polls polls, source_lines &loop);

} // namespace demo
