#include "SmoothCmd.h"

#include "ComputationJob.h"
#include "IdleQueue.h"

#include <maya/MArgDatabase.h>
#include <maya/MArgList.h>
#include <maya/MFn.h>
#include <maya/MGlobal.h>
#include <maya/MPlug.h>
#include <maya/MPoint.h>
#include <maya/MSelectionList.h>
#include <maya/MThreadUtils.h>

#include <cstdint>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

const char* const SmoothCmd::kName = "dccSmooth";

namespace {

const char* const kIterations = "-i";
const char* const kStrength = "-s";

// The shares of the two steps in the bar, in percent.
constexpr std::uint64_t kReading = 10;
constexpr std::uint64_t kSmoothing = 90;

constexpr int kEdgesPerLook = 1024;

void check(const MStatus& status)
{
    if (!status)
        throw std::runtime_error(status.errorString().asUTF8());
}

MStatus refuse(const MString& why)
{
    MPxCommand::displayError(MString(SmoothCmd::kName) + ": " + why);
    return MS::kInvalidParameter;
}

} // namespace

void* SmoothCmd::creator()
{
    return new SmoothCmd;
}

MSyntax SmoothCmd::newSyntax()
{
    MSyntax syntax;
    syntax.addFlag(kIterations, "-iterations", MSyntax::kLong);
    syntax.addFlag(kStrength, "-strength", MSyntax::kDouble);
    syntax.setObjectType(MSyntax::kSelectionList, 1, 1);
    syntax.useSelectionAsDefault(true);
    return syntax;
}

MStatus SmoothCmd::parse(const MArgList& args)
{
    MStatus status;
    const MArgDatabase given(syntax(), args, &status);
    if (!status)
        return status; // Maya has shown what is wrong
    if (given.isFlagSet(kIterations))
        given.getFlagArgument(kIterations, 0, iterations_);
    if (given.isFlagSet(kStrength))
        given.getFlagArgument(kStrength, 0, strength_);
    if (iterations_ < 1)
        return refuse(MString("-iterations is ") + iterations_ + ", give 1 or more");
    if (!(strength_ > 0 && strength_ <= 1))
        return refuse(MString("-strength is ") + strength_ + ", give more than 0 and at most 1");

    MSelectionList objects;
    status = given.getObjects(objects);
    if (!status || objects.length() != 1 || !objects.getDagPath(0, mesh_))
        return refuse("name or select one mesh");
    mesh_.extendToShape();
    if (!mesh_.hasFn(MFn::kMesh))
        return refuse(mesh_.partialPathName() + " is not a mesh");
    // With history, the next evaluation would overwrite our points with those of the history.
    const MPlug input = MFnMesh(mesh_).findPlug("inMesh", true, &status);
    if (status && input.isDestination())
        return refuse(mesh_.partialPathName() + " has construction history, delete it first");
    return MS::kSuccess;
}

// False: it was asked to stop.
bool SmoothCmd::readMesh(Smoother& smoother, ComputationJob& computation)
{
    MFnMesh mesh(mesh_);
    check(mesh.getPoints(before_));
    std::vector<SmoothPoint> points(before_.length());
    for (unsigned int vertex = 0; vertex < before_.length(); ++vertex)
        points[vertex] = {before_[vertex].x, before_[vertex].y, before_[vertex].z};
    smoother = Smoother(std::move(points));
    const int count = mesh.numEdges();
    dcc::progress progress(static_cast<std::uint64_t>(count));
    for (int edge = 0; edge < count; ++edge)
    {
        if (progress.advance()) // counts, and polls
            return false;
        if (edge % kEdgesPerLook == 0)
            computation.show();
        int2 ends;
        check(mesh.getEdgeVertices(edge, ends));
        smoother.addEdge(static_cast<std::size_t>(ends[0]), static_cast<std::size_t>(ends[1]));
    }
    return true;
}

void SmoothCmd::readResult(const Smoother& smoother)
{
    after_.setLength(before_.length());
    for (unsigned int vertex = 0; vertex < after_.length(); ++vertex)
    {
        const SmoothPoint& point = smoother.points()[vertex];
        after_.set(vertex, point.x, point.y, point.z);
    }
}

// The work of the job, in two steps that fill one bar. False: it was asked to stop.
bool SmoothCmd::work(ComputationJob& computation)
{
    Smoother smoother({});
    dcc::progress progress(kReading + kSmoothing);
    {
        const dcc::progress_step step = progress.step(kReading, "Read");
        if (!readMesh(smoother, computation))
            return false;
    }
    {
        const dcc::progress_step step = progress.step(kSmoothing, "Smooth");
        if (!smoother.smooth(iterations_, strength_, MThreadUtils::getNumThreads(),
                             [&] { computation.show(); }))
            return false;
    }
    readResult(smoother);
    // Here the mesh changes, and Maya keeps the command for undo. If a cancel was first, neither happens. A
    // cancel from here on is answered with "too late".
    computation.job().commit([&] { check(redoIt()); });
    return true;
}

// Runs the job. False: the mesh is unchanged, and a message says why.
bool SmoothCmd::smooth()
{
    ComputationJob computation(kName, *IdleQueue::instance());
    const dcc::job& job = computation.job();
    const dcc::job_state end = dcc::run(job, [&] { return work(computation); });
    if (end == dcc::job_state::completed)
        return true;
    if (end == dcc::job_state::cancelled)
    {
        MString why("Esc was pressed");
        if (job.token().cause() != dcc::cause::foreign)
            why.setUTF8(job.token().reason().c_str());
        displayWarning(MString(kName) + " was cancelled (" + why + "), the mesh is as it was");
        return false;
    }
    const std::string why = job.failure();
    displayError(MString(kName) + ": " + (why.empty() ? "its job was ended by others" : why.c_str()));
    return false;
}

// A cancelled command fails. A script that went on would take the mesh for smoothed. After a failure MEL ends
// the script, and Python raises an error. Maya cannot undo a failed command, so such a command must not
// change anything. So the mesh gets its points only when all of them are computed.
MStatus SmoothCmd::doIt(const MArgList& args)
{
    MStatus status = parse(args);
    if (!status)
        return status;
    if (IdleQueue::instance() == nullptr)
        return refuse("its plug-in is being unloaded");
    try
    {
        return smooth() ? MS::kSuccess : MS::kFailure;
    }
    catch (const std::exception& thrown) // no memory, no thread or no job is left
    {
        displayError(MString(kName) + ": " + thrown.what());
        return MS::kFailure;
    }
}

// Undo and redo compute nothing. They are short, and cannot be cancelled.
MStatus SmoothCmd::redoIt()
{
    return writeMesh(after_);
}

MStatus SmoothCmd::undoIt()
{
    return writeMesh(before_);
}

MStatus SmoothCmd::writeMesh(MPointArray& points)
{
    MFnMesh mesh(mesh_);
    const MStatus status = mesh.setPoints(points);
    if (status)
        mesh.updateSurface();
    return status;
}
