// Shows: a SOP that smooths polygons on all cores. It stops at once when the user presses Esc
// (UT_AutoInterrupt), when an agent, a script or another plugin cancels its job, and when Houdini exits. The
// job's label is the node's path. DCC_CookJob.h makes a cook a job, and DCC_Plugin.C runs agents' jobs on
// Houdini's main thread.
//
// Build: source houdini_setup; cmake -S . -B build && cmake --build build
//
// It was compiled and run against stand-ins for the HDK, and never in Houdini itself.

#include "SOP_DccSmooth.h"

#include "DCC_CookJob.h"
#include "DCC_Plugin.h"
#include "LaplacianSmooth.h"

#include <GA/GA_Handle.h>
#include <GU/GU_Detail.h>
#include <OP/OP_AutoLockInputs.h>
#include <OP/OP_Context.h>
#include <OP/OP_Operator.h>
#include <OP/OP_OperatorTable.h>
#include <PRM/PRM_Include.h>
#include <UT/UT_DSOVersion.h>

#include <cstdint>
#include <exception>

static PRM_Name theIterationsName("iterations", "Iterations");
static PRM_Default theIterationsDefault(10);
static PRM_Range theIterationsRange(PRM_RANGE_RESTRICTED, 0, PRM_RANGE_UI, 100);
static PRM_Name theStrengthName("strength", "Strength");
static PRM_Default theStrengthDefault(0.5);
static PRM_Range theStrengthRange(PRM_RANGE_RESTRICTED, 0, PRM_RANGE_RESTRICTED, 1);

/// The shares of the steps in the status line, in percent.
static constexpr std::uint64_t theNeighboursShare = 20;
static constexpr std::uint64_t theSmoothingShare = 80;

PRM_Template SOP_DccSmooth::myTemplateList[] = {
    PRM_Template(PRM_INT_J, 1, &theIterationsName, &theIterationsDefault, nullptr,
                 &theIterationsRange),
    PRM_Template(PRM_FLT_J, 1, &theStrengthName, &theStrengthDefault, nullptr, &theStrengthRange),
    PRM_Template(),
};

/// Houdini calls this once, on the main thread, when it loads the plugin.
void
newSopOperator(OP_OperatorTable *table)
{
    DCC_Plugin::open();
    table->addOperator(new OP_Operator("dcc_smooth", "DCC Smooth", SOP_DccSmooth::myConstructor,
                                       SOP_DccSmooth::myTemplateList, 1, 1));
}

OP_Node *
SOP_DccSmooth::myConstructor(OP_Network *net, const char *name, OP_Operator *op)
{
    // Houdini may have no event loop yet when it loads plugins. It has one when a node is made.
    DCC_Plugin::installPump();
    return new SOP_DccSmooth(net, name, op);
}

SOP_DccSmooth::SOP_DccSmooth(OP_Network *net, const char *name, OP_Operator *op)
    : SOP_Node(net, name, op)
{
    // Only P changes, and its data id is changed after all of it was written.
    mySopFlags.setManagesDataIDs(true);
}

OP_ERROR
SOP_DccSmooth::cookMySop(OP_Context &context)
{
    OP_AutoLockInputs inputs(this);
    if (inputs.lock(context) >= UT_ERROR_ABORT)
        return error();
    if (duplicateSource(0, context) >= UT_ERROR_ABORT)
        return error();

    const fpreal now = context.getTime();
    const exint iterations = ITERATIONS(now);
    const fpreal strength = STRENGTH(now);
    try {
        DCC_CookJob cook(getFullPath(), "Smoothing");
        const dcc::job_state end = cook.run([&] {
            LaplacianSmooth smooth(*gdp);
            dcc::progress progress(theNeighboursShare + theSmoothingShare);
            {
                const dcc::progress_step step = progress.step(theNeighboursShare, "Neighbours");
                if (!smooth.findNeighbours())
                    return false;
            }
            {
                const dcc::progress_step step = progress.step(theSmoothingShare, "Smooth");
                if (!smooth.run(iterations, strength))
                    return false;
            }
            // The geometry gets all of the result or none of it, and the answer to a cancel says which.
            cook.commit([&] { smooth.writePositions(*gdp); });
            return true;
        });
        // An error and not a warning: the geometry of a stopped cook is that of the input, and later nodes
        // must not take it for the result.
        if (end != dcc::job_state::completed)
            addError(SOP_MESSAGE, cook.whyNotCompleted().c_str());
    } catch (const std::exception &thrown) {
        addError(SOP_MESSAGE, thrown.what());
    }
    return error();
}
