/* OpenVDB: a cancel stops the tools that take an interrupter. Not part of dcc_cancel.hpp.
 *
 *     dcc::openvdb_interrupter interrupter;             // stops with the current token or job
 *     auto grid = tools::meshToVolume<FloatGrid>(interrupter.interrupter(), mesh, transform);
 *     if (interrupter.was_stopped())
 *         return;                                       // the grid is partial: drop it
 *
 * For all that takes a util::NullInterrupter: meshToVolume, LevelSetFilter, Filter, the level set
 * shapes, advection, the Poisson solver. `interrupter()` gives the base class, for which OpenVDB's
 * library has most tools compiled.
 *
 * When it is asked: on TBB's workers, at once, once for each range of leaf nodes or polygons, which are
 * microseconds to milliseconds apart. Keep it until the tool has returned.
 *
 * Progress: the percentages of the tools that tell them (meshToVolume), and the names of their stages.
 *
 * What cannot be interrupted: what does not ask, as pruning, the building of a tree from parts, and
 * what takes no interrupter, as volumeToMesh.
 *
 * What is left: no tool says that it stopped; was_stopped() does. A grid that a tool returns is partial
 * or empty, one that it works on is changed in part, and is no level set any more: keep a copy
 * (deepCopy) if it is still needed. Both are whole as objects, and can be destroyed. */

#ifndef DCC_CANCEL_ADAPTERS_OPENVDB_HPP
#define DCC_CANCEL_ADAPTERS_OPENVDB_HPP

#include <openvdb/util/NullInterrupter.h>

#include "../library_call.hpp"

namespace dcc {

class openvdb_interrupter : public openvdb::util::NullInterrupter {
public:
    /* Polls what is current here; the current job is told how far it is. */
    openvdb_interrupter() = default;

    /* Polls this token in place of the current one; for hosts that tell of progress themselves. */
    explicit openvdb_interrupter(const token &polled) : poll_(polled) {}

    /* Polls and tells this job in place of the current one. */
    explicit openvdb_interrupter(const job &polled) : poll_(polled) {}

    /* Whether a tool was told to stop. A tool that had just ended by then is taken for stopped. */
    bool was_stopped() const noexcept { return poll_.was_stopped(); }

    /* The tools call these. */
    void start(const char *name = nullptr) override
    {
        poll_.set_stage(name != nullptr ? name : "");
    }

    /* What was stopped stays where it was. */
    void end() override
    {
        if (!poll_.was_stopped())
            poll_.end_progress();
    }

    bool wasInterrupted(int percent = -1) override
    {
        if (percent >= 0)
            poll_.set_progress(percent / 100.0);
        return poll_.should_stop();
    }

private:
    library_call poll_;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_OPENVDB_HPP */
