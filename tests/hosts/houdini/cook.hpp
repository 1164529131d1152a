// What the scenarios share: geometry, its expected result, and code that interferes with a cook.
#ifndef DCC_TESTS_HOUDINI_COOK_HPP
#define DCC_TESTS_HOUDINI_COOK_HPP

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <GA/GA_Handle.h>
#include <OP/OP_Context.h>
#include <UT/UT_ParallelUtil.h>
#include <dcc_cancel.hpp>

#include "../../cpp/expect.hpp"
#include "../../cpp/gate.hpp"
#include "../../cpp/hangs.hpp"
#include "host.hpp"

using points = std::vector<UT_Vector3F>;

inline points positions(const GU_Detail &detail)
{
    const GA_ROHandleV3 handle(detail.getP());
    points result;
    for (GA_Index i = 0; i < detail.getNumPoints(); ++i)
        result.push_back(handle.get(detail.pointOffset(i)));
    return result;
}

inline bool same(const points &left, const points &right, float tolerance = 0)
{
    const auto near = [tolerance](float a, float b) { return std::abs(a - b) <= tolerance; };
    return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                      [&](const UT_Vector3F &a, const UT_Vector3F &b) {
                          return near(a.x(), b.x()) && near(a.y(), b.y()) && near(a.z(), b.z());
                      });
}

inline void add_point(GU_Detail &detail, const UT_Vector3F &position)
{
    const GA_Offset offset = detail.appendPointOffset();
    GA_RWHandleV3(detail.getP()).set(offset, position);
}

inline void add_polygon(GU_Detail &detail, const std::vector<GA_Index> &indices, bool closed)
{
    std::vector<GA_Offset> offsets;
    for (GA_Index index : indices)
        offsets.push_back(detail.pointOffset(index));
    detail.appendPrimitive(std::make_shared<GEO_PrimPoly>(std::move(offsets), closed));
}

// Quads over points of uneven heights.
inline void make_grid(GU_Detail &detail, GA_Index side)
{
    for (GA_Index i = 0; i < side * side; ++i)
        add_point(detail, UT_Vector3F(float(i % side), float(i / side), float(i * i % 7)));
    for (GA_Index y = 0; y + 1 < side; ++y) {
        for (GA_Index x = 0; x + 1 < side; ++x) {
            const GA_Index a = y * side + x;
            add_polygon(detail, {a, a + 1, a + side + 1, a + side}, true);
        }
    }
    detail.getP()->bumpDataId();
}

// The same smoothing as a plain loop.
inline points smoothed(const GU_Detail &detail, exint iterations, float strength)
{
    points now = positions(detail);
    std::vector<std::set<std::size_t>> neighbours(now.size());
    for (GA_Offset number = 0; number < detail.getPrimitiveRange().end(); ++number) {
        const auto *polygon = dynamic_cast<const GEO_PrimPoly *>(detail.getGEOPrimitive(number));
        if (polygon == nullptr)
            continue;
        const GA_Size count = polygon->getVertexCount();
        for (GA_Size i = 0; i < (polygon->isClosed() ? count : count - 1); ++i) {
            const auto a = std::size_t(detail.pointIndex(polygon->getPointOffset(i)));
            const auto b = std::size_t(detail.pointIndex(polygon->getPointOffset((i + 1) % count)));
            if (a != b) {
                neighbours[a].insert(b);
                neighbours[b].insert(a);
            }
        }
    }
    for (exint pass = 0; pass < iterations; ++pass) {
        const points before = now;
        for (std::size_t point = 0; point < now.size(); ++point) {
            UT_Vector3F sum(0, 0, 0);
            for (std::size_t neighbour : neighbours[point])
                sum += before[neighbour];
            if (!neighbours[point].empty()) {
                const UT_Vector3F mean = sum / float(neighbours[point].size());
                now[point] = before[point] + (mean - before[point]) * strength;
            }
        }
    }
    return now;
}

// A node of the plugin over a grid.
struct smooth_node {
    host::geometry_node input;
    std::unique_ptr<SOP_Node> node;

    smooth_node(const char *name, GA_Index side, exint iterations)
        : input((std::string(name) + "_input").c_str()), node(host::create_node(name))
    {
        make_grid(input.geometry(), side);
        node->setInput(0, &input);
        node->setInt("iterations", 0, 0, iterations);
        node->setFloat("strength", 0, 0, 0.5);
    }

    bool cook()
    {
        OP_Context context(0);
        node->forceRecook();
        return node->cook(context);
    }

    std::string error()
    {
        UT_String messages;
        node->getErrorMessages(messages, UT_ERROR_ABORT);
        return messages.toStdString();
    }

    points result() const { return positions(*node->getLastGeo()); }
    points expected() { return smoothed(input.geometry(), node->evalInt("iterations", 0, 0), 0.5F); }

    bool is_right() { return error().empty() && same(result(), expected(), 1e-5F); }

    // Whether the geometry is as it came in, and is not reported as changed.
    bool is_untouched()
    {
        const int64 id = node->getLastGeo()->getP()->getDataId();
        return same(result(), positions(input.geometry())) &&
               id == input.geometry().getP()->getDataId();
    }
};

// The number of chunks that a cook of this many points works on.
inline int chunks_of_cook(exint point_count, exint iterations)
{
    const exint grain = std::max<exint>(1, point_count / (2 * stand_in::number_of_threads));
    return static_cast<int>((point_count + grain - 1) / grain * (iterations + 1));
}

// The job with this label, as an agent finds it.
inline dcc::job find_by_label(const std::string &label)
{
    const std::string jobs = dcc::detail::text(dcc_stats_live_jobs);
    const std::size_t found = jobs.find("\"label\":\"" + label + "\"");
    if (found == std::string::npos)
        return dcc::job();
    const std::size_t id = jobs.rfind("\"id\":", found);
    return dcc::job::find(std::stoull(jobs.substr(id + 5)));
}

// As find_by_label; waits until there is one.
inline dcc::job wait_for_label(const std::string &label)
{
    const auto limit = host::clock::now() + hangs_after;
    dcc::job found = find_by_label(label);
    while (!found && host::clock::now() < limit) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        found = find_by_label(label);
    }
    return found;
}

// Waits until the cooking thread's next poll asks Houdini again. These cooks are too short to get there by
// themselves.
inline void wait_for_a_question_to_be_due()
{
    std::this_thread::sleep_until(host::questions().back().at + std::chrono::milliseconds(20));
}

// Holds all threads of a cook after this many chunks until another thread has done something.
class held_cook {
public:
    // `act` is called with this object. The thread that creates the object is the cooking one.
    template <class Act>
    held_cook(int chunks, Act act) : chunks_(chunks), chunks_left_(chunks), thread_([this, act] {
        reached_.wait();
        measure_from_now();
        act(*this);
        released_.open();
        done_.open();
    })
    {
        host::set_before_chunk([this, cooking = std::this_thread::get_id()] {
            if (--chunks_left_ >= 0)
                return;
            ++held_;
            reached_.open();
            (std::this_thread::get_id() == cooking ? released_ : done_).wait();
        });
    }

    ~held_cook()
    {
        host::set_before_chunk(nullptr);
        reached_.open();
        thread_.join();
    }

    void measure_from_now() { at_ = host::clock::now(); }

    // For use in `act`, in a cook with at least as many chunks left in its loop as it has threads.
    void wait_for_all_threads() const
    {
        while (held_ < stand_in::number_of_threads)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }

    // The number of chunks that were begun.
    int chunks() const { return chunks_ - chunks_left_; }

    // For use in `act`: the other threads still wait.
    void release_cooking_thread() { released_.open(); }

    // For use after the cook.
    double milliseconds_since()
    {
        done_.wait();
        return std::chrono::duration<double, std::milli>(host::clock::now() - at_).count();
    }

private:
    const int chunks_;
    std::atomic<int> chunks_left_, held_{0};
    gate reached_, released_, done_;
    host::clock::time_point at_;
    std::thread thread_;
};

// The number of threads that saw the job's cancel.
inline std::size_t threads_that_saw(const dcc::job &job)
{
    std::size_t count = 0;
    EXPECT(dcc_job_threads(job.get(), nullptr, sizeof(dcc_job_thread), 0, &count) == DCC_OK);
    return count;
}

#endif
