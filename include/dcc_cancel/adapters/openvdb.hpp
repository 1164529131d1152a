/* OpenVDB: a cancel stops the tools that take an interrupter. Not part of dcc_cancel.hpp.
 *
 *     dcc::openvdb_interrupter interrupter;             // stops with the current token or job
 *     auto grid = tools::meshToVolume<FloatGrid>(interrupter.interrupter(), mesh, transform);
 *     if (interrupter.was_stopped())
 *         return;                                       // the grid is partial: drop it
 *
 * For all tools that take a util::NullInterrupter: meshToVolume, LevelSetFilter, Filter, the level set
 * shapes, advection, the Poisson solver. `interrupter()` returns the base class, for which OpenVDB's library
 * has most tools compiled.
 *
 * When it polls: on TBB's workers, at once, for each range of leaf nodes or polygons, which are microseconds
 * to milliseconds apart. Keep the interrupter until the tool has returned.
 *
 * Progress: the percentages of tools that report them (meshToVolume), and the names of their stages.
 *
 * What cannot be interrupted: tools and steps that do not ask, such as pruning and building a tree from
 * parts, and tools that take no interrupter, such as volumeToMesh.
 *
 * What is left: no tool says that it stopped; was_stopped() does. A grid that a tool returns is partial or
 * empty. A grid that it works on is changed in part, and is no longer a level set: keep a copy (deepCopy) if
 * you still need it. Both are valid objects, and can be destroyed. */

#ifndef DCC_CANCEL_ADAPTERS_OPENVDB_HPP
#define DCC_CANCEL_ADAPTERS_OPENVDB_HPP

#include <openvdb/util/NullInterrupter.h>

#include "../library_call.hpp"

namespace dcc {

class openvdb_interrupter : public openvdb::util::NullInterrupter {
public:
    /* Polls what is current here, and shows progress in the current job. */
    openvdb_interrupter() = default;

    /* Polls this token in place of the current one, and shows no progress: for hosts that show it themselves.
     */
    explicit openvdb_interrupter(const token &polled) : poll_(polled) {}

    /* Polls this job in place of the current one, and shows progress in it. */
    explicit openvdb_interrupter(const job &polled) : poll_(polled) {}

    /* Whether a tool was told to stop. A tool that had just ended then also counts as stopped. */
    bool was_stopped() const noexcept { return poll_.was_stopped(); }

    /* Called by the tools, as the functions below. */
    void start(const char *name = nullptr) override
    {
        poll_.set_stage(name != nullptr ? name : "");
    }

    /* The bar of a stopped tool stays where it was. */
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
