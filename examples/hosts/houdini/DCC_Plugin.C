// The objects that the plugin has once: the owner of all its functions that the library calls, the queue of
// jobs for Houdini's main thread, and the event generator that pumps the queue.

#include "DCC_Plugin.h"
#include "dcc_houdini.h"

#include <CH/CH_Manager.h>
#include <FS/FS_EventGenerator.h>
#include <OP/OP_Context.h>
#include <OP/OP_Director.h>
#include <OP/OP_Node.h>
#include <UT/UT_Exit.h>
#include <UT/UT_NonCopyable.h>
#include <UT/UT_String.h>

#include <chrono>
#include <exception>
#include <iostream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace {

constexpr std::chrono::milliseconds theBudget(8);
constexpr int thePollMilliseconds = 20;

/// Makes Houdini's event loop, also that of hbatch, run agents' jobs. This way needs neither Python nor Qt.
/// The other way is hou.ui.addEventLoopCallback, which is called every 50 ms.
class EventPump : public FS_EventGenerator
{
public:
    const char *getClassName() const override { return "DCC_EventPump"; }
    int getPollTime() override { return thePollMilliseconds; }

    int
    processEvents() override
    {
        // If a cook inside a job lets Houdini handle events, the pump is refused, which is harmless.
        DCC_Plugin::mainThread().pump(theBudget);
        return 1; // Houdini goes on calling this
    }
};

struct Plugin : UT_NonCopyable
{
    dcc::owner myOwner;
    dcc::token myExit = dcc::token::create();
    dcc::dispatcher myMainThread;
    EventPump myPump;
    bool myPumpIsInstalled = false;
};

/// A raw pointer, so that no destructor runs at the exit: on Windows it would run before close(). Only the
/// main thread sets it. Other threads read it under the lock. Nothing is released under the lock, because a
/// release may call code of others.
std::mutex theLock;
Plugin *thePlugin = nullptr;

/// The work of an agent's job. It runs on the main thread.
bool
cookNode(const std::string &path)
{
    OP_Node *node = OPgetDirector()->findNode(path.c_str());
    if (!node)
        throw std::runtime_error("There is no node " + path + " to cook; give the full path of one.");
    OP_Context context(CHgetEvalTime());
    node->forceRecook();
    if (node->cook(context))
        return true;
    if (dcc::is_cancelled())
        return false;
    UT_String messages;
    node->getErrorMessages(messages, UT_ERROR_ABORT);
    throw std::runtime_error(messages.toStdString());
}

} // namespace

void
DCC_Plugin::open() noexcept
{
    if (thePlugin)
        return;
    try {
        auto opened = std::make_unique<Plugin>();
        const dcc_status status = dcc::owner::try_create(opened->myOwner);
        if (status < 0)
            throw dcc::error(status);
        if (status == DCC_SECOND_INSTANCE)
            std::cerr << "SOP_DccSmooth: Houdini has loaded a second copy of dcc_cancel; agents that "
                         "use the first one do not see its jobs. Ship one copy for all plugins.\n";
        dcc::dispatcher_options options;
        options.owner = &opened->myOwner;
        opened->myMainThread = dcc::dispatcher::create(std::move(options));
        {
            std::lock_guard<std::mutex> lock(theLock);
            thePlugin = opened.release();
        }
        // An early callback runs before Houdini deletes the nodes that running jobs work on.
        UT_Exit::addEarlyExitCallback(DCC_Plugin::close);
        installPump();
    } catch (const std::exception &thrown) {
        std::cerr << "SOP_DccSmooth: its nodes will not cook: " << thrown.what() << '\n';
    }
}

void
DCC_Plugin::close(void *) noexcept
{
    std::unique_ptr<Plugin> closed;
    {
        std::lock_guard<std::mutex> lock(theLock);
        closed.reset(std::exchange(thePlugin, nullptr));
    }
    if (!closed)
        return;
    if (closed->myPumpIsInstalled)
        closed->myPump.uninstallGenerator();
    closed->myExit.cancel("Houdini exits");
    closed->myMainThread.close();
    // Inside one of the plugin's own jobs the owner cannot be closed. Then no code is unloaded either.
    closed->myOwner.close();
}

void
DCC_Plugin::installPump() noexcept
{
    if (thePlugin && !thePlugin->myPumpIsInstalled)
        thePlugin->myPumpIsInstalled = thePlugin->myPump.installGenerator() != 0;
}

dcc::job
DCC_Plugin::createJob(dcc::job_options options)
{
    const dcc::token outer = dcc::job::current().token();
    std::lock_guard<std::mutex> lock(theLock);
    if (!thePlugin)
        throw std::runtime_error("dcc_cancel is closed: Houdini exits, or the plugin could not open it; "
                                 "then the console says why.");
    // A given parent replaces what is current. So a cook is not below the token of the current request. If it
    // were, the commit of the first of several nodes would decide for the whole request.
    options.parent = dcc::token::create({outer, thePlugin->myExit});
    options.owner = &thePlugin->myOwner;
    return dcc::job::create(options);
}

dcc::dispatcher
DCC_Plugin::mainThread() noexcept
{
    std::lock_guard<std::mutex> lock(theLock);
    return thePlugin ? thePlugin->myMainThread : dcc::dispatcher();
}

dcc_dispatcher *
dcc_houdini_main_thread(void)
{
    return DCC_Plugin::mainThread().detach();
}

dcc_status
dcc_houdini_post_cook(const char *node_path, const dcc_cancel_token *parent, dcc_job **out_job)
{
    if (!node_path || !out_job)
        return DCC_ERROR_INVALID_ARGUMENT;
    *out_job = nullptr;
    try {
        const std::string path = node_path;
        dcc::post_options options;
        options.parent = dcc::token::share(parent);
        dcc::job job;
        std::lock_guard<std::mutex> lock(theLock);
        if (!thePlugin)
            return DCC_ERROR_SHUTDOWN;
        options.owner = &thePlugin->myOwner;
        const dcc_status status = thePlugin->myMainThread.try_post(
            job, "Cook " + path, [path] { return cookNode(path); }, options);
        *out_job = job.detach();
        return status;
    } catch (const std::exception &) {
        return DCC_ERROR_RESOURCES;
    }
}

dcc_status
dcc_houdini_pump(double milliseconds)
{
    return DCC_Plugin::mainThread()
        .pump(std::chrono::duration<double, std::milli>(milliseconds))
        .status;
}
