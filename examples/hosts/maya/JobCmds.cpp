#include "JobCmds.h"

#include "IdleQueue.h"

#include <maya/MArgDatabase.h>
#include <maya/MArgList.h>
#include <maya/MGlobal.h>
#include <maya/MStringArray.h>

#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace {

const char* const kReason = "-r";
const char* const kBudget = "-b";
const char* const kWake = "-w";

MStatus fail(const MString& why)
{
    MPxCommand::displayError(why);
    return MS::kFailure;
}

// The library's text for the last call that failed on this thread.
MString lastError()
{
    char text[512] = "";
    dcc_last_error(text, sizeof text, nullptr);
    MString shown;
    shown.setUTF8(text);
    return shown;
}

// The id that the text names. 0, which no job has, if the text is not a number.
std::uint64_t idFrom(const char* text)
{
    const char* const end = text + std::strlen(text);
    std::uint64_t id = 0;
    const std::from_chars_result read = std::from_chars(text, end, id);
    return read.ec == std::errc() && read.ptr == end ? id : 0;
}

} // namespace

void* PostCmd::creator()
{
    return new PostCmd;
}

MSyntax PostCmd::newSyntax()
{
    MSyntax syntax;
    syntax.addArg(MSyntax::kString);
    return syntax;
}

MStatus PostCmd::doIt(const MArgList& args)
{
    MStatus status;
    const MArgDatabase given(syntax(), args, &status);
    if (!status)
        return status;
    MString command;
    given.getCommandArgument(0, command);
    IdleQueue* const queue = IdleQueue::instance();
    if (queue == nullptr)
        return fail("dccPost: the plug-in is being unloaded");
    dcc::job job;
    if (queue->post(command, job) < 0)
        return fail("dccPost: " + lastError());
    setResult(std::to_string(job.id()).c_str());
    return MS::kSuccess;
}

void* JobsCmd::creator()
{
    return new JobsCmd;
}

MSyntax JobsCmd::newSyntax()
{
    return MSyntax();
}

MStatus JobsCmd::doIt(const MArgList& args)
{
    MStatus status;
    const MArgDatabase given(syntax(), args, &status);
    if (!status)
        return status;
    // New jobs may make the text longer between the call for the length and the call for the text.
    std::vector<char> text(4096);
    std::size_t length = 0;
    while (dcc_stats_live_jobs(text.data(), text.size(), &length) >= 0 && length >= text.size())
        text.resize(length + 4096);
    MString shown;
    shown.setUTF8(text.data());
    setResult(shown);
    return MS::kSuccess;
}

void* CancelCmd::creator()
{
    return new CancelCmd;
}

MSyntax CancelCmd::newSyntax()
{
    MSyntax syntax;
    syntax.addFlag(kReason, "-reason", MSyntax::kString);
    syntax.setObjectType(MSyntax::kStringObjects, 1);
    return syntax;
}

MStatus CancelCmd::doIt(const MArgList& args)
{
    MStatus status;
    const MArgDatabase given(syntax(), args, &status);
    if (!status)
        return status;
    MString reason("dccCancel was called");
    if (given.isFlagSet(kReason))
        given.getFlagArgument(kReason, 0, reason);
    MStringArray ids;
    given.getObjects(ids);
    int cancelled = 0;
    MString unknown;
    for (unsigned int index = 0; index < ids.length(); ++index)
    {
        // A cancel does not change a job that has ended.
        const dcc::job job = dcc::job::find(idFrom(ids[index].asChar()));
        if (!job)
            unknown += MString(" ") + ids[index];
        else if (job.cancel(reason.asUTF8()))
            ++cancelled;
    }
    setResult(cancelled);
    if (unknown.length() > 0)
        return fail("dccCancel: no live job has the id" + unknown + ", see dccJobs");
    return MS::kSuccess;
}

void* PumpCmd::creator()
{
    return new PumpCmd;
}

MSyntax PumpCmd::newSyntax()
{
    MSyntax syntax;
    syntax.addFlag(kBudget, "-budget", MSyntax::kDouble);
    syntax.addFlag(kWake, "-wake"); // used by IdleQueue::wake
    return syntax;
}

MStatus PumpCmd::doIt(const MArgList& args)
{
    MStatus status;
    const MArgDatabase given(syntax(), args, &status);
    if (!status)
        return status;
    using Milliseconds = std::chrono::duration<double, std::milli>;
    double budget = Milliseconds(IdleQueue::kBudget).count();
    if (given.isFlagSet(kBudget))
        given.getFlagArgument(kBudget, 0, budget);
    if (!(budget > 0 && budget <= 60000))
        return fail(MString("dccPump: -budget is ") + budget + ", give up to 60000 milliseconds");
    IdleQueue* const queue = IdleQueue::instance();
    if (queue == nullptr)
        return fail("dccPump: the plug-in is being unloaded");
    if (given.isFlagSet(kWake))
    {
        queue->onWake();
        return MS::kSuccess;
    }
    const dcc::tick tick =
        queue->pump(std::chrono::duration_cast<std::chrono::nanoseconds>(Milliseconds(budget)));
    setResult(static_cast<int>(tick.remaining));
    return MS::kSuccess;
}
