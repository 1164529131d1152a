// The demo's plugin. It smooths a mesh in slices, and asks before each vertex whether to stop.
// `run_slice` is what this demo is about. Run it with `cargo run --release --example demo`.

#include "smoothing.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dcc_cancel.hpp"

namespace {

using point = std::array<double, 3>;

// For each vertex the vertices that it shares an edge with.
class one_rings {
public:
    explicit one_rings(const smoothing_mesh &mesh) : begin_(mesh.vertex_count + 1)
    {
        std::vector<std::vector<std::uint32_t>> rings(mesh.vertex_count);
        for (std::size_t corner = 0; corner < 3 * mesh.triangle_count; corner += 3) {
            for (std::size_t side = 0; side < 3; ++side) {
                const std::uint32_t from = mesh.corners[corner + side];
                const std::uint32_t to = mesh.corners[corner + (side + 1) % 3];
                if (from == to)
                    continue;
                rings[from].push_back(to);
                rings[to].push_back(from);
            }
        }
        for (std::size_t vertex = 0; vertex < rings.size(); ++vertex) {
            std::vector<std::uint32_t> &ring = rings[vertex];
            std::sort(ring.begin(), ring.end());
            ring.erase(std::unique(ring.begin(), ring.end()), ring.end());
            neighbours_.insert(neighbours_.end(), ring.begin(), ring.end());
            begin_[vertex + 1] = neighbours_.size();
        }
    }

    std::size_t count(std::size_t vertex) const { return begin_[vertex + 1] - begin_[vertex]; }

    // The way from a vertex to the middle of its neighbours.
    point to_middle(const double *positions, std::size_t vertex) const
    {
        point way = {};
        const std::size_t neighbours = count(vertex);
        if (neighbours == 0)
            return way;
        for (std::size_t at = begin_[vertex]; at < begin_[vertex + 1]; ++at)
            for (std::size_t axis = 0; axis < 3; ++axis)
                way[axis] += positions[3 * neighbours_[at] + axis];
        for (std::size_t axis = 0; axis < 3; ++axis)
            way[axis] = way[axis] / static_cast<double>(neighbours) - positions[3 * vertex + axis];
        return way;
    }

private:
    std::vector<std::size_t> begin_;
    std::vector<std::uint32_t> neighbours_;
};

} // namespace

struct smoothing_task {
public:
    smoothing_task(const smoothing_mesh &mesh, std::uint64_t passes, double strength)
        : positions_(mesh.positions), vertices_(mesh.vertex_count), rings_(mesh),
          step_(std::min(1.0, strength / static_cast<double>(passes))),
          total_(passes * mesh.vertex_count)
    {
    }

    smoothing_slice run_slice(std::uint64_t budget_ns)
    {
        const std::uint64_t start = dcc_clock_now_ns();
        const dcc::poller cancelled; // asks the current job of this thread
        const dcc::job job = dcc::job::current();
        std::int32_t answer = SMOOTHING_UNFINISHED;
        do {
            // To read the clock takes longer than to smooth a vertex; a poll does not.
            for (int until_clock = 256; until_clock > 0 && answer == SMOOTHING_UNFINISHED;
                 --until_clock) {
#ifndef DEMO_FORGET_TO_POLL
                ++polls_;
                if (cancelled()) {
                    answer = SMOOTHING_STOPPED;
                    break;
                }
#endif
                smooth_next_vertex();
                if (visits_ == total_)
                    answer = SMOOTHING_FINISHED;
            }
            job.set_progress(visits_, total_);
        } while (answer == SMOOTHING_UNFINISHED && dcc_clock_now_ns() - start < budget_ns);
        return {answer, visits_, polls_};
    }

    // Vertices with many neighbours count more. With this measure smoothing never makes a mesh rougher.
    double roughness() const
    {
        double sum = 0.0;
        double weights = 0.0;
        for (std::size_t vertex = 0; vertex < vertices_; ++vertex) {
            const point way = rings_.to_middle(positions_, vertex);
            const double weight = static_cast<double>(rings_.count(vertex));
            sum += weight * (way[0] * way[0] + way[1] * way[1] + way[2] * way[2]);
            weights += weight;
        }
        return std::sqrt(sum / weights);
    }

private:
    void smooth_next_vertex()
    {
        const point way = rings_.to_middle(positions_, next_);
        for (std::size_t axis = 0; axis < 3; ++axis)
            positions_[3 * next_ + axis] += step_ * way[axis];
        next_ = next_ + 1 < vertices_ ? next_ + 1 : 0;
        ++visits_;
    }

    double *positions_;
    std::size_t vertices_;
    one_rings rings_;
    double step_;
    std::uint64_t total_;
    std::uint64_t visits_ = 0;
    std::uint64_t polls_ = 0;
    std::size_t next_ = 0;
};

extern "C" __attribute__((visibility("default"))) const smoothing_plugin *smoothing_plugin_entry(void)
{
    static const smoothing_plugin entry = {
        [](const smoothing_mesh *mesh, std::uint64_t passes, double strength) -> smoothing_task * {
            try {
                return new smoothing_task(*mesh, passes, strength);
            } catch (...) {
                return nullptr; // no exception may pass through the C interface
            }
        },
        [](smoothing_task *task, std::uint64_t budget_ns, smoothing_slice *slice) {
            *slice = task->run_slice(budget_ns);
        },
        [](const smoothing_task *task) { return task->roughness(); },
        [](smoothing_task *task) { delete task; },
    };
    return &entry;
}
