// Smooths the points of polygons. Each point moves towards the mean of the points that it shares an edge
// with.
#ifndef __LaplacianSmooth_h__
#define __LaplacianSmooth_h__

#include <GA/GA_Handle.h>
#include <GA/GA_Iterator.h>
#include <GEO/GEO_PrimPoly.h>
#include <GEO/GEO_PrimType.h>
#include <GU/GU_Detail.h>
#include <UT/UT_ParallelUtil.h>
#include <UT/UT_Vector3.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include <dcc_cancel.hpp>

/// It polls, and counts in the step of progress that is current, so it need not know the cook. A pass reads
/// one array and writes another, so the result of a stopped pass is simply dropped. A function that answers
/// false was stopped.
class LaplacianSmooth
{
public:
    explicit LaplacianSmooth(const GU_Detail &gdp) : myGdp(gdp), myCount(gdp.getNumPoints())
    {
        const GA_ROHandleV3 position(gdp.getP());
        myPositions.reserve(size(myCount));
        for (exint i = 0; i < myCount; ++i)
            myPositions.push_back(position.get(gdp.pointOffset(GA_Index(i))));
    }

    /// Finds each point's neighbours along the edges of polygons. An edge that several polygons share counts
    /// once.
    bool
    findNeighbours()
    {
        const exint polygons = myGdp.getNumPrimitives();
        dcc::progress progress(units(2 * polygons + myCount));
        std::vector<exint> ends(size(myCount) + 1, 0);
        if (!forEachEdge(progress, [&](exint a, exint b) {
                ++ends[size(a)];
                ++ends[size(b)];
            }))
            return false;
        exint sum = 0;
        for (exint &end : ends)
            end = std::exchange(sum, sum + end);
        myStarts = ends;
        myNeighbours.resize(size(sum));
        if (!forEachEdge(progress, [&](exint a, exint b) {
                myNeighbours[size(ends[size(a)]++)] = b;
                myNeighbours[size(ends[size(b)]++)] = a;
            }))
            return false;
        myEnds = std::move(ends);
        return forEachPoint(progress, [&](exint point) {
            const auto first = myNeighbours.begin() + myStarts[size(point)];
            const auto last = myNeighbours.begin() + myEnds[size(point)];
            std::sort(first, last);
            myEnds[size(point)] = std::unique(first, last) - myNeighbours.begin();
        });
    }

    bool
    run(exint iterations, fpreal strength)
    {
        const fpreal32 weight = fpreal32(strength);
        std::vector<UT_Vector3F> moved(myPositions.size());
        dcc::progress progress(units(iterations * myCount));
        for (exint pass = 0; pass < iterations; ++pass) {
            if (!forEachPoint(progress,
                              [&](exint point) { moved[size(point)] = relaxed(point, weight); }))
                return false;
            myPositions.swap(moved);
        }
        return true;
    }

    void
    writePositions(GU_Detail &gdp) const
    {
        GA_RWHandleV3 position(gdp.getP());
        for (exint i = 0; i < myCount; ++i)
            position.set(gdp.pointOffset(GA_Index(i)), myPositions[size(i)]);
        position.bumpDataId();
    }

private:
    /// So many points or polygons come between two polls, which is some microseconds of work. The poll of a
    /// job that asks its host is a call of some tens of nanoseconds. For each point it would take as long as
    /// the smoothing.
    static constexpr exint theStride = 256;

    static std::size_t size(exint number) { return static_cast<std::size_t>(number); }
    static std::uint64_t units(exint number) { return static_cast<std::uint64_t>(number); }

    UT_Vector3F
    relaxed(exint point, fpreal32 weight) const
    {
        const UT_Vector3F here = myPositions[size(point)];
        const exint first = myStarts[size(point)], last = myEnds[size(point)];
        if (first == last)
            return here;
        UT_Vector3F sum(0, 0, 0);
        for (exint i = first; i < last; ++i)
            sum += myPositions[size(myNeighbours[size(i)])];
        return here + (sum / fpreal32(last - first) - here) * weight;
    }

    template <typename Edge>
    bool
    forEachEdge(dcc::progress &progress, const Edge &edge) const
    {
        exint visited = 0;
        for (GA_Iterator it(myGdp.getPrimitiveRange()); !it.atEnd(); ++it) {
            if (++visited % theStride == 0 && progress.advance(units(theStride)))
                return false;
            const GEO_Primitive *prim = myGdp.getGEOPrimitive(*it);
            if (prim->getTypeId() != GEO_PRIMPOLY)
                continue;
            const auto *poly = static_cast<const GEO_PrimPoly *>(prim);
            const GA_Size count = poly->getVertexCount();
            for (GA_Size i = poly->isClosed() ? 0 : 1; i < count; ++i) {
                const exint a = myGdp.pointIndex(poly->getPointOffset(i > 0 ? i - 1 : count - 1));
                const exint b = myGdp.pointIndex(poly->getPointOffset(i));
                if (a != b)
                    edge(a, b);
            }
        }
        return !progress.advance(units(visited % theStride));
    }

    /// Runs a pass on all cores, and all of them count. The cook's job is current on each worker, so a count
    /// sees every cancel, as a poll does. It sees Esc as well, because the cooking thread asks Houdini and
    /// then cancels the job.
    template <typename Point>
    bool
    forEachPoint(dcc::progress &progress, const Point &point) const
    {
        progress.flush();
        const auto work = dcc::with_context([&](const UT_BlockedRange<exint> &range) {
            dcc::progress_counter counter(progress);
            for (exint i = range.begin(); i < range.end();) {
                const exint end = std::min(i + theStride, range.end());
                if (counter.advance(units(end - i)))
                    return;
                for (; i < end; ++i)
                    point(i);
            }
        });
        // Isolated, so that this thread takes no task of another cook while it waits for the workers. Such a
        // task would find this cook's job current, and stop with it.
        UTisolate([&] { UTparallelFor(UT_BlockedRange<exint>(0, myCount), work); });
        // A cancel is for good, so this poll sees the cancel that made a worker return early.
        return !dcc::is_cancelled();
    }

    const GU_Detail &myGdp;
    exint myCount;
    std::vector<UT_Vector3F> myPositions;
    /// The neighbours of point i are the entries from myStarts[i] to myEnds[i].
    std::vector<exint> myNeighbours, myStarts, myEnds;
};

#endif
