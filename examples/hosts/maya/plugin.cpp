// Shows: a Maya plug-in with a long command that Esc, scripts and other threads can cancel. Its jobs run when
// Maya is idle. It can be unloaded while jobs wait.
//
// Build, with Maya's devkit, from the project's folder, and load target/maya/dccSmooth in Maya:
//     export DEVKIT_LOCATION=/path/to/devkitBase
//     cmake -S examples/hosts/maya -B target/maya && cmake --build target/maya
//
// CI compiles it and runs it against stand-ins for the devkit's headers. It was never run in Maya itself.

#include "IdleQueue.h"
#include "JobCmds.h"
#include "SmoothCmd.h"

#include <maya/MFnPlugin.h>
#include <maya/MGlobal.h>

#include <cstddef>

namespace {

struct Command
{
    const char* name;
    MCreatorFunction creator;
    MCreateSyntaxFunction syntax;
};

const Command kCommands[] = {
    {SmoothCmd::kName, SmoothCmd::creator, SmoothCmd::newSyntax},
    {"dccPost", PostCmd::creator, PostCmd::newSyntax},
    {"dccJobs", JobsCmd::creator, JobsCmd::newSyntax},
    {"dccCancel", CancelCmd::creator, CancelCmd::newSyntax},
    {"dccPump", PumpCmd::creator, PumpCmd::newSyntax},
};

std::size_t registered = 0; // how many of these, from the first on

MStatus deregisterAll(MFnPlugin& plugin)
{
    for (; registered > 0; --registered)
    {
        const char* const name = kCommands[registered - 1].name;
        const MStatus status = plugin.deregisterCommand(name);
        if (!status)
        {
            MGlobal::displayError(MString("Cannot deregister ") + name);
            return status;
        }
    }
    return MS::kSuccess;
}

} // namespace

// The dispatcher, for other plug-ins and for an agent's bridge. Call this on the main thread, and post on any
// thread. You release it. It may outlive this plug-in; posts are then refused with DCC_ERROR_SHUTDOWN.
extern "C" PLUGIN_EXPORT dcc_dispatcher* dccMayaDispatcher()
{
    IdleQueue* const queue = IdleQueue::instance();
    return queue != nullptr ? dcc::dispatcher(queue->dispatcher()).detach() : nullptr;
}

MStatus initializePlugin(MObject object)
{
    MFnPlugin plugin(object, "dcc-cancel", "0.1", "Any");
    MStatus status = IdleQueue::open();
    if (!status)
        return status;
    for (const Command& command : kCommands)
    {
        status = plugin.registerCommand(command.name, command.creator, command.syntax);
        if (!status)
        {
            MGlobal::displayError(MString("Cannot register ") + command.name);
            deregisterAll(plugin);
            IdleQueue::close();
            return status;
        }
        ++registered;
    }
    return status;
}

// After a failure Maya keeps the plug-in. It can be unloaded later.
MStatus uninitializePlugin(MObject object)
{
    MFnPlugin plugin(object);
    const MStatus status = IdleQueue::close();
    return status ? deregisterAll(plugin) : status;
}
