#include "Smoother.h"

#include "PassBarrier.h"

#include <dcc_cancel.hpp>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <utility>

namespace {

using Points = std::vector<SmoothPoint>;

// With fewer vertices a thread costs more time than it saves.
constexpr std::size_t kVerticesPerThread = 2048;

// The polls of this job are calls, because it also asks Maya for Esc. One in a microsecond is enough.
constexpr std::size_t kVerticesPerPoll = 64;

// Joins the threads on every way out, also after an exception.
class Workers
{
public:
    explicit Workers(PassBarrier& barrier) : barrier_(barrier) {}
    Workers(const Workers&) = delete;
    Workers& operator=(const Workers&) = delete;
    ~Workers()
    {
        barrier_.stop(); // ends the waits of the other threads
        for (std::thread& thread : threads_)
            thread.join();
    }

    template <class Function> void start(Function function)
    {
        threads_.emplace_back(std::move(function));
    }

private:
    PassBarrier& barrier_;
    std::vector<std::thread> threads_;
};

} // namespace

Smoother::Smoother(std::vector<SmoothPoint> points) : points_(std::move(points)) {}

void Smoother::addEdge(std::size_t first, std::size_t second)
{
    edges_.push_back(first);
    edges_.push_back(second);
}

Smoother::Neighbours Smoother::neighbours() const
{
    Neighbours result;
    result.first.assign(points_.size() + 1, 0);
    for (std::size_t vertex : edges_)
        ++result.first[vertex + 1];
    for (std::size_t vertex = 0; vertex < points_.size(); ++vertex)
        result.first[vertex + 1] += result.first[vertex];
    result.vertices.resize(edges_.size());
    std::vector<std::size_t> next(result.first.begin(), result.first.end() - 1);
    for (std::size_t end = 0; end < edges_.size(); ++end)
        result.vertices[next[edges_[end]]++] = edges_[end ^ 1u]; // the other end of the edge
    return result;
}

bool Smoother::smooth(int passes, double strength, int threads,
                      const std::function<void()>& passDone)
{
    if (points_.empty())
        return true;
    const Neighbours around = neighbours();
    // A pass reads one array and writes the other, so the result does not depend on the number of threads.
    Points buffers[2] = {points_, points_};

    // False: it was asked to stop before the end.
    const auto relax = [&](const Points& from, Points& to, std::size_t begin, std::size_t end) {
        dcc::poller cancelled; // asks what is current on this thread
        for (std::size_t vertex = begin; vertex < end; ++vertex)
        {
            if (vertex % kVerticesPerPoll == 0 && cancelled())
                return false;
            const std::size_t first = around.first[vertex], last = around.first[vertex + 1];
            if (first == last)
                continue; // a vertex without edges stays where it is
            SmoothPoint mean = {0, 0, 0};
            for (std::size_t neighbour = first; neighbour < last; ++neighbour)
            {
                const SmoothPoint& other = from[around.vertices[neighbour]];
                mean.x += other.x;
                mean.y += other.y;
                mean.z += other.z;
            }
            const double count = static_cast<double>(last - first);
            const SmoothPoint& own = from[vertex];
            to[vertex] = {own.x + strength * (mean.x / count - own.x),
                          own.y + strength * (mean.y / count - own.y),
                          own.z + strength * (mean.z / count - own.z)};
        }
        return true;
    };

    const std::size_t most = points_.size() / kVerticesPerThread + 1;
    const std::size_t team = (std::min)(most, static_cast<std::size_t>((std::max)(threads, 1)));
    PassBarrier barrier(team);
    dcc::progress progress(static_cast<std::uint64_t>(passes));
    const auto work = [&](std::size_t member) {
        const std::size_t begin = points_.size() * member / team;
        const std::size_t end = points_.size() * (member + 1) / team;
        for (int pass = 0; pass < passes; ++pass)
        {
            if (!barrier.meet(relax(buffers[pass % 2], buffers[(pass + 1) % 2], begin, end)))
                return false;
            if (member == 0)
            {
                progress.advance();
                progress.flush(); // because this thread may wait for the others next
                passDone();
            }
        }
        return true;
    };

    // A new thread starts with nothing current. The context carries the job to it.
    const dcc::context context = dcc::context::capture();
    bool done = false;
    {
        Workers workers(barrier);
        for (std::size_t member = 1; member < team; ++member)
            workers.start([&, member] {
                try
                {
                    const dcc::context_scope current(context);
                    work(member);
                }
                catch (...)
                {
                    barrier.fail(std::current_exception());
                }
            });
        done = work(0);
    }
    barrier.rethrow();
    if (done)
        points_ = std::move(buffers[passes % 2]);
    return done;
}
