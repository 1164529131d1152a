// The mesh and the arithmetic of dccSmooth. Plain C++ that knows nothing of Maya, so that its threads
// cannot call Maya by mistake: they poll whatever job is current where smooth() was called.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

struct SmoothPoint
{
    double x, y, z;
};

class Smoother
{
public:
    explicit Smoother(std::vector<SmoothPoint> points);

    void addEdge(std::size_t first, std::size_t second);

    // Moves each vertex towards the mean of its neighbours, by `strength` of the way, `passes` times, on
    // this thread and as many others as make `threads`. Counts its passes in the step of progress that is
    // current, and calls `passDone` after each on this thread. False: it was asked to stop, and points()
    // are not to be used.
    bool smooth(int passes, double strength, int threads, const std::function<void()>& passDone);

    const std::vector<SmoothPoint>& points() const { return points_; }

private:
    // The vertices whose edges lead to one vertex, for all of them in one row.
    struct Neighbours
    {
        std::vector<std::size_t> first; // of a vertex; one more at the end
        std::vector<std::size_t> vertices;
    };

    Neighbours neighbours() const;

    std::vector<SmoothPoint> points_;
    std::vector<std::size_t> edges_; // two vertices each
};
