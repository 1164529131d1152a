// Shows: a native loop over a mesh that its caller can stop. It polls before each vertex, and tells the
// current job how far it is. CMakeLists.txt beside this folder builds it.

#include "smooth_mesh.h"

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <vector>

#include "dcc_cancel.hpp"

namespace {

// For each vertex the vertices that it shares an edge with, one list after the other.
class neighbourhood {
public:
    neighbourhood(std::size_t vertex_count, const std::int32_t *edges, std::size_t edge_count)
        : begin_(vertex_count + 1), neighbours_(2 * edge_count)
    {
        const auto vertex = [&](std::size_t end) {
            const auto index = static_cast<std::size_t>(edges[end]);
            if (edges[end] < 0 || index >= vertex_count)
                throw std::out_of_range("edge " + std::to_string(end / 2) + " has vertex " +
                                        std::to_string(edges[end]) + ", of " +
                                        std::to_string(vertex_count));
            return index;
        };
        for (std::size_t end = 0; end < 2 * edge_count; ++end)
            ++begin_[vertex(end) + 1];
        for (std::size_t index = 0; index < vertex_count; ++index)
            begin_[index + 1] += begin_[index];
        std::vector<std::size_t> next(begin_.begin(), begin_.end() - 1);
        for (std::size_t end = 0; end < 2 * edge_count; ++end)
            neighbours_[next[vertex(end)]++] = vertex(end ^ 1);
    }

    // The position of a vertex that is moved by `factor` of the way to the middle of its neighbours.
    void relax(const std::vector<double> &from, std::vector<double> &to, std::size_t vertex,
               double factor) const
    {
        const std::size_t first = begin_[vertex];
        const std::size_t last = begin_[vertex + 1];
        for (std::size_t axis = 0; axis < 3; ++axis) {
            const double position = from[3 * vertex + axis];
            double sum = 0.0;
            for (std::size_t at = first; at < last; ++at)
                sum += from[3 * neighbours_[at] + axis];
            const double middle = first < last ? sum / static_cast<double>(last - first) : position;
            to[3 * vertex + axis] = position + factor * (middle - position);
        }
    }

private:
    std::vector<std::size_t> begin_;
    std::vector<std::size_t> neighbours_;
};

} // namespace

extern "C" std::int32_t smooth_mesh(float *positions, std::size_t vertex_count,
                                    const std::int32_t *edges, std::size_t edge_count,
                                    std::uint64_t passes, double factor, smooth_outcome *outcome)
{
    *outcome = {};
    try {
        const neighbourhood mesh(vertex_count, edges, edge_count);
        std::vector<double> now(positions, positions + 3 * vertex_count);
        std::vector<double> next(now.size());
        const dcc::poller cancelled; // asks what is current on this thread
        const dcc::job job = dcc::job::current();
        for (; outcome->passes < passes; ++outcome->passes) {
            job.set_progress(outcome->passes, passes);
            for (std::size_t vertex = 0; vertex < vertex_count; ++vertex) {
                if (const dcc_status why = cancelled.status())
                    return why;
                mesh.relax(now, next, vertex, factor);
            }
            now.swap(next);
        }
        job.set_progress(passes, passes);
        for (std::size_t index = 0; index < now.size(); ++index)
            positions[index] = static_cast<float>(now[index]);
        return DCC_OK;
    } catch (const std::exception &error) { // no exception may pass through C
        std::snprintf(outcome->error, sizeof outcome->error, "%s", error.what());
        return DCC_ERROR_INTERNAL;
    }
}
