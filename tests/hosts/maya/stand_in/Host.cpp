// The host of the stand-ins: plug-ins, commands with undo, events.
#include "Host.h"

#include <maya/MFnPlugin.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <utility>

namespace stand_in {

namespace {

// Words and "texts with \"quotes\"", up to the end of the first command.
std::vector<std::string> wordsOf(const std::string& mel)
{
    std::vector<std::string> words;
    bool inWord = false, quoted = false;
    for (std::size_t at = 0; at < mel.size(); ++at)
    {
        char letter = mel[at];
        if (!quoted && letter == ';')
            break;
        if (!quoted && letter == ' ')
        {
            inWord = false;
            continue;
        }
        if (!std::exchange(inWord, true))
            words.emplace_back();
        if (letter == '"')
        {
            quoted = !quoted;
            continue;
        }
        if (quoted && letter == '\\' && at + 1 < mel.size())
            letter = mel[++at];
        words.back() += letter;
    }
    return words;
}

template <class Function> Function* symbol(void* library, const char* name)
{
    return reinterpret_cast<Function*>(dlsym(library, name));
}

// The file that a function is in.
template <class Function> std::string fileOf(Function* function)
{
    Dl_info info = {};
    return dladdr(reinterpret_cast<void*>(function), &info) != 0 ? info.dli_fname : "";
}

} // namespace

Maya& Maya::instance()
{
    static Maya maya;
    return maya;
}

void Maya::fatal(const std::string& what)
{
    std::fprintf(stderr, "stand-in of Maya: %s\n", what.c_str());
    std::abort();
}

void Maya::requireMainThread(const char* function) const
{
    if (std::this_thread::get_id() != mainThread_)
        fatal(std::string(function) + " was called on another thread than the main one");
}

bool Maya::loadPlugin(const std::string& path)
{
    requireMainThread("loadPlugin");
    void* const library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr)
        fatal(dlerror());
    plugins_.push_back(std::make_unique<Plugin>(Plugin{path, library}));
    auto* const initialize = symbol<MStatus(MObject)>(library, "_Z16initializePlugin7MObject");
    if (initialize == nullptr)
        fatal(path + " has no initializePlugin");
    if (initialize(MObject(plugins_.back().get())))
        return true;
    requireNothingLeft(*plugins_.back());
    plugins_.pop_back();
    dlclose(library);
    return false;
}

bool Maya::unloadPlugin(const std::string& path)
{
    requireMainThread("unloadPlugin");
    const auto found = std::find_if(plugins_.begin(), plugins_.end(),
                                    [&](const auto& plugin) { return plugin->path == path; });
    if (found == plugins_.end() || isInUse(found->get()))
        return false;
    void* const library = (*found)->library;
    auto* const uninitialize = symbol<MStatus(MObject)>(library, "_Z18uninitializePlugin7MObject");
    if (uninitialize == nullptr)
        fatal(path + " has no uninitializePlugin");
    if (!uninitialize(MObject(found->get())))
        return false;
    requireNothingLeft(**found);
    plugins_.erase(found);
    dlclose(library);
    return true;
}

// Commands that could be undone count, too.
bool Maya::isInUse(const Plugin* plugin) const
{
    const auto isOfIt = [plugin](const Done& entry) { return entry.plugin == plugin; };
    return std::any_of(done_.begin(), done_.end(), isOfIt) ||
           std::any_of(undone_.begin(), undone_.end(), isOfIt);
}

void Maya::requireNothingLeft(const Plugin& plugin) const
{
    for (const auto& command : commands_)
        if (command.second.plugin == &plugin)
            fatal("a plug-in left its command " + command.first);
    for (const auto& timer : timers_)
        if (fileOf(timer.second.function) == plugin.path)
            fatal("a plug-in left its timer");
    for (const auto& callback : exiting_)
        if (fileOf(callback.second.first) == plugin.path)
            fatal("a plug-in left its callback for kMayaExiting");
}

MStatus Maya::registerCommand(Plugin* plugin, const std::string& name, MCreatorFunction creator,
                              MCreateSyntaxFunction syntax)
{
    requireMainThread("MFnPlugin::registerCommand");
    if (name == refusedCommand || exists(name))
        return MS::kFailure;
    commands_[name] = {plugin, creator, syntax != nullptr ? syntax() : MSyntax()};
    return MS::kSuccess;
}

MStatus Maya::deregisterCommand(const std::string& name)
{
    requireMainThread("MFnPlugin::deregisterCommand");
    return commands_.erase(name) != 0 ? MS::kSuccess : MS::kFailure;
}

const MSyntax& Maya::syntaxOf(const MPxCommand* command) const
{
    const auto found = running_.find(command);
    if (found == running_.end())
        fatal("MPxCommand::syntax was called outside doIt");
    return *found->second;
}

MStatus Maya::execute(const std::string& mel, bool undoEnabled)
{
    requireMainThread("executeCommand");
    const std::string ifExists = "if (`exists ", thenEval = "`) eval ";
    if (mel.compare(0, ifExists.size(), ifExists) == 0)
    {
        const std::size_t end = mel.find(thenEval);
        if (end == std::string::npos)
            fatal("MEL that the stand-in does not know: " + mel);
        if (!exists(mel.substr(ifExists.size(), end - ifExists.size())))
            return MS::kSuccess;
        return execute(wordsOf(mel.substr(end + thenEval.size())).front(), undoEnabled);
    }
    return executeWords(wordsOf(mel), undoEnabled);
}

MStatus Maya::executeWords(const std::vector<std::string>& words, bool undoEnabled)
{
    MArgList arguments;
    for (std::size_t index = 1; index < words.size(); ++index)
        arguments.addArg(words[index].c_str());
    result.clear();
    if (const auto own = builtIn.find(words.at(0)); own != builtIn.end())
        return own->second(arguments);
    const auto found = commands_.find(words[0]);
    if (found == commands_.end())
    {
        shown.push_back("Cannot find procedure \"" + words[0] + "\".");
        return MS::kFailure;
    }
    Plugin* const plugin = found->second.plugin;
    const MSyntax syntax = found->second.syntax;
    std::unique_ptr<MPxCommand> command(static_cast<MPxCommand*>(found->second.creator()));
    running_[command.get()] = &syntax;
    const MStatus status = command->doIt(arguments);
    running_.erase(command.get());
    if (status && undoEnabled && command->isUndoable())
    {
        done_.push_back({plugin, std::move(command)});
        undone_.clear();
    }
    return status;
}

bool Maya::undo()
{
    if (done_.empty() || !done_.back().command->undoIt())
        return false;
    undone_.push_back(std::move(done_.back()));
    done_.pop_back();
    return true;
}

bool Maya::redo()
{
    if (undone_.empty() || !undone_.back().command->redoIt())
        return false;
    done_.push_back(std::move(undone_.back()));
    undone_.pop_back();
    return true;
}

void Maya::flushUndo()
{
    done_.clear();
    undone_.clear();
}

void Maya::queueOnIdle(const std::string& mel)
{
    if (state != MGlobal::kInteractive)
        fatal("there is no idle without a window: " + mel);
    std::lock_guard<std::mutex> lock(idleMutex_);
    idle_.push_back(mel);
}

std::size_t Maya::idleCommands()
{
    std::lock_guard<std::mutex> lock(idleMutex_);
    return idle_.size();
}

MCallbackId Maya::addTimer(float period, MMessage::MElapsedTimeFunction function, void* clientData)
{
    const std::chrono::duration<float> seconds(period);
    const auto due = Clock::now() + std::chrono::duration_cast<Clock::duration>(seconds);
    timers_[++lastCallback_] = {seconds, due, function, clientData};
    return lastCallback_;
}

MCallbackId Maya::addExiting(MMessage::MBasicFunction function, void* clientData)
{
    exiting_[++lastCallback_] = {function, clientData};
    return lastCallback_;
}

MStatus Maya::removeCallback(MCallbackId id)
{
    return timers_.erase(id) + exiting_.erase(id) != 0 ? MS::kSuccess : MS::kFailure;
}

void Maya::processEvents()
{
    requireMainThread("the event loop");
    std::deque<std::string> commands;
    {
        std::lock_guard<std::mutex> lock(idleMutex_);
        commands.swap(idle_);
    }
    for (const std::string& mel : commands)
        execute(mel);
    std::vector<MCallbackId> ids;
    for (const auto& timer : timers_)
        ids.push_back(timer.first);
    for (MCallbackId id : ids)
    {
        const auto found = timers_.find(id);
        const Clock::time_point begin = Clock::now();
        if (found == timers_.end() || begin < found->second.due)
            continue;
        const Timer timer = found->second;
        timer.function(timer.period.count(), 0, timer.clientData);
        const auto again = timers_.find(id);
        if (again == timers_.end())
            continue;
        // A function that took long makes the timer skip one firing.
        const auto period = std::chrono::duration_cast<Clock::duration>(timer.period);
        const bool tookLong = Clock::now() - begin > period / 2;
        again->second.due = begin + (tookLong ? 2 : 1) * period;
    }
}

void Maya::exit()
{
    const auto callbacks = exiting_;
    for (const auto& callback : callbacks)
        callback.second.first(callback.second.second);
}

bool Maya::isInterruptRequested()
{
    if (asksHandleEvents)
        processEvents();
    return isEscPressed_;
}

} // namespace stand_in
