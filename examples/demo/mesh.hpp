#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace demo {

struct mesh {
    std::vector<double> positions; // x, y, z of each vertex
    std::vector<std::uint32_t> corners; // three vertices of each triangle

    std::size_t vertex_count() const { return positions.size() / 3; }
    std::size_t triangle_count() const { return corners.size() / 3; }
};

} // namespace demo
