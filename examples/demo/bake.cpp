#include "bake.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>

#include "dcc_cancel.hpp"

namespace demo {

std::vector<double> bake_openness(const mesh &input, bake_polls polls, source_lines &loop)
{
    const dcc::poller cancelled; // asks the current job
    const std::size_t count = input.vertex_count();
    const std::vector<double> &at = input.positions;

    // The direction away from the surface, from the triangles around each vertex.
    std::vector<double> normals(at.size());
    for (std::size_t corner = 0; corner < input.corners.size(); corner += 3) {
        if (cancelled())
            return {};
        const std::array<std::size_t, 3> vertex = {3 * std::size_t(input.corners[corner]),
                                                   3 * std::size_t(input.corners[corner + 1]),
                                                   3 * std::size_t(input.corners[corner + 2])};
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const std::size_t u = (axis + 1) % 3;
            const std::size_t v = (axis + 2) % 3;
            const double part = (at[vertex[1] + u] - at[vertex[0] + u]) *
                                    (at[vertex[2] + v] - at[vertex[0] + v]) -
                                (at[vertex[1] + v] - at[vertex[0] + v]) *
                                    (at[vertex[2] + u] - at[vertex[0] + u]);
            for (const std::size_t of : vertex)
                normals[of + axis] += part;
        }
    }

    // Counts which of some other vertices stand above each one. It takes a quarter of a second for a mesh of
    // any size, so other programs cannot make another loop look like the longest gap.
    const std::size_t samples = std::max<std::size_t>(1, 100'000'000 / count);
    std::vector<double> openness(count);
    loop.first = __LINE__;
    for (std::size_t vertex = 0; vertex < count; ++vertex) {
        if (polls == bake_polls::in_every_loop && cancelled())
            return {};
        std::size_t above = 0;
        for (std::size_t sample = 1; sample <= samples; ++sample) {
            const std::size_t other = (vertex + 7919 * sample) % count;
            double height = 0.0;
            for (std::size_t axis = 0; axis < 3; ++axis)
                height += (at[3 * other + axis] - at[3 * vertex + axis]) * normals[3 * vertex + axis];
            above += height > 0.0 ? 1 : 0;
        }
        openness[vertex] = 1.0 - static_cast<double>(above) / static_cast<double>(samples);
    }
    loop.last = __LINE__;

    // Softens the result along the edges.
    for (std::size_t corner = 0; corner + 1 < input.corners.size(); ++corner) {
        if (cancelled())
            return {};
        double &one = openness[input.corners[corner]];
        double &other = openness[input.corners[corner + 1]];
        one = other = 0.5 * (one + other);
    }
    return openness;
}

} // namespace demo
