// The mesh and the arithmetic of dccSmooth. This is plain C++ that knows nothing of Maya, so that its threads
// cannot call Maya by mistake. They poll the job that is current where smooth() was called.
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

    // Moves each vertex towards the mean of its neighbours, by `strength` of the way, `passes` times. It uses
    // `threads` threads, this one included. It counts passes in the step of progress that is current, and
    // calls `passDone` after each pass on this thread. False: it was asked to stop, and points() must not be
    // used.
    bool smooth(int passes, double strength, int threads, const std::function<void()>& passDone);

    const std::vector<SmoothPoint>& points() const { return points_; }

private:
    // The neighbours of all vertices, one list after the other.
    struct Neighbours
    {
        std::vector<std::size_t> first; // where the list of each vertex begins, and the end of the last one
        std::vector<std::size_t> vertices;
    };

    Neighbours neighbours() const;

    std::vector<SmoothPoint> points_;
    std::vector<std::size_t> edges_; // two vertices for each edge
};
