#include "IdleQueue.h"

#include <maya/MGlobal.h>
#include <maya/MSceneMessage.h>
#include <maya/MTimerMessage.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace {

// A raw pointer, so that nothing is destroyed when Maya exits. The queue is closed by then.
IdleQueue* theQueue = nullptr;

// This is MEL and not a function of this plug-in. A queued command cannot be taken back, so Maya may run it
// after the plug-in was unloaded.
const char* const kWakeCommand = "if (`exists dccPump`) eval \"dccPump -wake\";";

// How long close() waits for jobs on other threads.
constexpr std::chrono::seconds kPatience(3);

// Runs a command while its job is current, so that a cancel of this job reaches the jobs of the command.
bool runCommand(const MString& command, const dcc::job& job)
{
    const MStatus status = MGlobal::executeCommand(command, true, true);
    if (status)
        return true;
    if (job.is_cancelled())
        return false;
    throw std::runtime_error(status.errorString().asUTF8());
}

// Tells how a posted job has ended, as Maya tells it of a command that a user has typed.
void tellEnd(const dcc::job& job, dcc::job_state state)
{
    std::string text = "dcc job " + std::to_string(job.id()) + " (" + job.label() + ") ";
    if (state == dcc::job_state::cancelled)
        text += "was cancelled: " + job.token().reason();
    else if (state == dcc::job_state::failed)
        text += "failed: " + job.failure();
    else if (state == dcc::job_state::interrupted)
        text += "did not run: its plug-in was closed";
    else
        return;
    MString shown;
    shown.setUTF8(text.c_str());
    MGlobal::displayWarning(shown);
}

bool hasMayaWindow()
{
    const MGlobal::MMayaState state = MGlobal::mayaState();
    return state == MGlobal::kInteractive || state == MGlobal::kBaseUIMode;
}

} // namespace

IdleQueue* IdleQueue::instance()
{
    return theQueue;
}

MStatus IdleQueue::open()
{
    if (theQueue != nullptr)
        return MS::kSuccess;
    try
    {
        theQueue = new IdleQueue;
        return MS::kSuccess;
    }
    catch (const std::exception& thrown)
    {
        MGlobal::displayError(MString("The queue of jobs cannot be made: ") + thrown.what());
        return MS::kFailure;
    }
}

MStatus IdleQueue::close()
{
    if (theQueue == nullptr)
        return MS::kSuccess;
    if (theQueue->working_ > 0 || theQueue->isPumping_)
    {
        MGlobal::displayError("A command or job of this plug-in is running: cancel it first.");
        return MS::kFailure;
    }
    theQueue->isPumping_ = true; // the close runs completions
    const MStatus status = theQueue->finish();
    theQueue->isPumping_ = false;
    if (status)
        delete std::exchange(theQueue, nullptr);
    else
        theQueue->startTimer(); // it will run the completions that are left
    return status;
}

MStatus IdleQueue::finish()
{
    // The close is pending while other threads are inside a post, or still run jobs, which were asked to
    // stop.
    const auto patience = std::chrono::steady_clock::now() + kPatience;
    while (dispatcher_.close() == DCC_PENDING)
    {
        if (std::chrono::steady_clock::now() > patience)
        {
            MGlobal::displayError("A job on another thread does not stop, see dccJobs; try again later.");
            return MS::kFailure;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    const dcc_status status = owner_.close();
    if (status == DCC_OK)
        return MS::kSuccess;
    MGlobal::displayError(MString("The jobs cannot be closed: ") + dcc_status_string(status));
    return MS::kFailure;
}

IdleQueue::IdleQueue() : hasWindow_(hasMayaWindow())
{
    dcc::dispatcher_options options;
    options.wake = [this] { wake(); };
    options.veto = [this] { return working_ > 0; };
    options.owner = &owner_;
    dispatcher_ = dcc::dispatcher::create(std::move(options));
    MStatus status;
    exiting_ = MSceneMessage::addCallback(MSceneMessage::kMayaExiting, onExit, nullptr, &status);
    if (!status)
        throw std::runtime_error(status.errorString().asUTF8());
}

IdleQueue::~IdleQueue()
{
    stopTimer();
    MMessage::removeCallback(exiting_);
}

dcc_status IdleQueue::post(const MString& command, dcc::job& job)
{
    dcc::post_options options;
    options.completion = tellEnd;
    options.owner = &owner_;
    const MString label =
        command.numChars() <= 80 ? command : command.substringW(0, 76) + MString("...");
    return dispatcher_.try_post(
        job, label.asUTF8(),
        [command](const dcc::job& posted) { return runCommand(command, posted); }, options);
}

dcc::tick IdleQueue::pump(std::chrono::nanoseconds budget)
{
    if (isPumping_)
        return dispatcher_.pump(budget); // the call is inside a job, so the dispatcher refuses it
    isPumping_ = true;
    const dcc::tick tick = dispatcher_.pump(budget);
    isPumping_ = false;
    // In the middle of a command the pump is vetoed. It is refused if Maya handles events while it is asked
    // for Esc. In both cases the timer tries again.
    const bool isTooEarly = tick.is_vetoed || tick.status == DCC_ERROR_REENTRANT;
    if (std::exchange(wokenInside_, false) || isTooEarly || tick.next)
        startTimer();
    else
        stopTimer();
    return tick;
}

// Called on any thread that posts or cancels. executeCommandOnIdle is the only function of Maya that other
// threads may call; it runs dccPump on the main thread, which may start the timer. Without a window Maya has
// no idle time, and the script calls dccPump. Each wake has to lead to a pump, because the dispatcher does
// not call wake again before that.
void IdleQueue::wake()
{
    if (!hasWindow_)
        return;
    if (std::this_thread::get_id() == mainThread_ && isPumping_)
        wokenInside_ = true; // the pump that is running starts the timer at its end
    else
        MGlobal::executeCommandOnIdle(kWakeCommand, false);
}

void IdleQueue::onWake()
{
    if (timer_ == 0)
        pump(kBudget);
}

// The timer runs only while there are jobs, so that an idle Maya stays idle. It is a timer and not the "idle"
// event: callbacks of that event use a whole processor as long as they are registered, and keep Maya's own
// idle tasks of the lowest priority from running. A timer also fires when Maya is idle.
void IdleQueue::startTimer()
{
    if (!hasWindow_ || timer_ != 0)
        return;
    MStatus status;
    timer_ = MTimerMessage::addTimerCallback(1.0f / 60.0f, onTimer, this, &status);
    if (!status)
    {
        timer_ = 0;
        MGlobal::displayError(MString("Jobs wait until dccPump is called: ") + status.errorString());
    }
}

void IdleQueue::stopTimer()
{
    if (timer_ != 0)
        MMessage::removeCallback(std::exchange(timer_, 0));
}

void IdleQueue::onTimer(float, float, void* queue)
{
    static_cast<IdleQueue*>(queue)->pump(kBudget);
}

// Maya does not uninitialize its plug-ins when it exits, but threads that wait for a job have to be told.
void IdleQueue::onExit(void*)
{
    close();
}
