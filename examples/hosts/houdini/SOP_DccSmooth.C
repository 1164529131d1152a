// Shows: a SOP that smooths polygons on all cores and stops at once when the user presses Esc
// (UT_AutoInterrupt), when an agent, a script or another plugin cancels its job, and when Houdini
// exits. The job's label is the node's path; DCC_CookJob.h is what makes a cook a job, DCC_Plugin.C
// runs agents' jobs on Houdini's main thread.
//
// Build: source houdini_setup; cmake -S . -B build && cmake --build build
//
// It was compiled and driven against stand-ins for the HDK, never run in Houdini itself.

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

/// Of the percentage in the status line.
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
    // When plugins are loaded Houdini may have no event loop yet; when nodes are made it has.
    DCC_Plugin::installPump();
    return new SOP_DccSmooth(net, name, op);
}

SOP_DccSmooth::SOP_DccSmooth(OP_Network *net, const char *name, OP_Operator *op)
    : SOP_Node(net, name, op)
{
    // P alone changes, and its data id is bumped only when all of it is written.
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
            // The geometry has all of the result or none of it, and who cancels is told which.
            cook.commit([&] { smooth.writePositions(*gdp); });
            return true;
        });
        // An error, not a warning: what was stopped is the input's geometry, which nobody
        // downstream may take for the result.
        if (end != dcc::job_state::completed)
            addError(SOP_MESSAGE, cook.whyNotCompleted().c_str());
    } catch (const std::exception &thrown) {
        addError(SOP_MESSAGE, thrown.what());
    }
    return error();
}
