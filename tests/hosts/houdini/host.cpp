// The Houdini that the tests play; see host.hpp.

#include "host.hpp"

#include <dlfcn.h>

#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include <CH/CH_Manager.h>
#include <FS/FS_EventGenerator.h>
#include <GA/GA_Handle.h>
#include <OP/OP_AutoLockInputs.h>
#include <OP/OP_Context.h>
#include <OP/OP_Director.h>
#include <UT/UT_Exit.h>
#include <UT/UT_Interrupt.h>

#include "../../cpp/expect.hpp"

std::atomic<int64> GA_Attribute::theLastDataId{0};

namespace {

std::mutex interrupt_lock;
int open_operations = 0;
bool is_interrupted = false;
int percent_in_status_line = -1;
std::vector<host::question> asked;
std::function<void()> before_write;

std::mutex nodes_lock;
std::map<std::string, OP_Node *> nodes;

bool has_event_loop = false;
std::vector<FS_EventGenerator *> generators;

using exit_callback = std::pair<void (*)(void *), void *>;
std::deque<exit_callback> exit_callbacks;

void *plugin = nullptr;
std::string plugin_file;

} // namespace

int UT_Interrupt::opStart(const char *, int, int, int *)
{
    std::lock_guard<std::mutex> lock(interrupt_lock);
    ++open_operations;
    return is_interrupted ? 0 : 1;
}

int UT_Interrupt::opInterrupt(int percent)
{
    std::lock_guard<std::mutex> lock(interrupt_lock);
    EXPECT(open_operations > 0 && percent >= -1 && percent <= 100);
    asked.push_back({std::this_thread::get_id(), host::clock::now(), percent});
    percent_in_status_line = percent;
    return is_interrupted ? 1 : 0;
}

void UT_Interrupt::opEnd(int)
{
    std::lock_guard<std::mutex> lock(interrupt_lock);
    if (--open_operations == 0) {
        is_interrupted = false;
        percent_in_status_line = -1;
    }
}

void UT_Interrupt::interrupt(int)
{
    std::lock_guard<std::mutex> lock(interrupt_lock);
    is_interrupted = open_operations > 0;
}

UT_Interrupt *UTgetInterrupt()
{
    static UT_Interrupt interrupt;
    return &interrupt;
}

void host::press_esc() { UTgetInterrupt()->interrupt(1); }

std::vector<host::question> host::questions()
{
    std::lock_guard<std::mutex> lock(interrupt_lock);
    return asked;
}

int host::shown_percent()
{
    std::lock_guard<std::mutex> lock(interrupt_lock);
    return percent_in_status_line;
}

void host::forget_questions()
{
    std::lock_guard<std::mutex> lock(interrupt_lock);
    asked.clear();
}

void host::set_before_write(std::function<void()> before) { before_write = std::move(before); }

void GA_RWHandleV3::beginsToWrite()
{
    if (before_write)
        before_write();
}

fpreal CHgetEvalTime() { return 0; }

// Operators and nodes.

OP_Node::OP_Node(OP_Network *, const char *name, OP_Operator *entry)
    : myPath(std::string("/obj/") + name)
{
    for (PRM_Template *parm = entry != nullptr ? entry->myTemplates : nullptr;
         parm != nullptr && parm->myType != PRM_LIST_TERMINATOR; ++parm) {
        myParms[parm->myName->getToken()] = parm->myDefault->getFloat();
        myRanges[parm->myName->getToken()] = parm->myRange;
    }
    std::lock_guard<std::mutex> lock(nodes_lock);
    nodes[myPath] = this;
}

OP_Node::~OP_Node()
{
    std::lock_guard<std::mutex> lock(nodes_lock);
    nodes.erase(myPath);
}

void OP_Node::setInput(unsigned index, OP_Node *input)
{
    myInputs.resize(index + 1);
    myInputs[index] = input;
}

void OP_Node::setFloat(const char *parm, int, fpreal, fpreal value)
{
    myParms.at(parm) = myRanges.at(parm)->restricted(value);
}

void OP_Node::setInt(const char *parm, int component, fpreal time, exint value)
{
    setFloat(parm, component, time, static_cast<fpreal>(value));
}

void OP_Node::forceRecook(bool) {}

bool OP_Node::cook(OP_Context &context)
{
    mySeverity = UT_ERROR_NONE;
    myMessages.clear();
    EXPECT(cookMe(context) == error());
    return error() < UT_ERROR_ABORT;
}

int OP_Node::getErrorMessages(UT_String &messages, UT_ErrorSeverity severity)
{
    messages = UT_String(mySeverity >= severity ? myMessages : std::string());
    return mySeverity >= severity ? 1 : 0;
}

void OP_Node::addMessageOf(UT_ErrorSeverity severity, const char *message)
{
    mySeverity = std::max(mySeverity, severity);
    myMessages += message;
}

OP_ERROR OP_AutoLockInputs::lock(OP_Context &context)
{
    for (OP_Node *input : myNode->myInputs) {
        if (!input->cook(context)) {
            myNode->addMessageOf(UT_ERROR_ABORT, "The input has an error.");
            return UT_ERROR_ABORT;
        }
    }
    return myNode->error();
}

OP_Node *OP_Director::findNode(const char *path) const
{
    std::lock_guard<std::mutex> lock(nodes_lock);
    const auto found = nodes.find(path);
    return found != nodes.end() ? found->second : nullptr;
}

OP_Director *OPgetDirector()
{
    static OP_Director director;
    return &director;
}

OP_ERROR SOP_Node::cookMe(OP_Context &context) { return cookMySop(context); }

OP_ERROR SOP_Node::duplicateSource(unsigned index, OP_Context &)
{
    const auto *source = static_cast<const SOP_Node *>(myInputs.at(index));
    // Houdini takes all data IDs for changed that a SOP does not manage itself.
    if (!mySopFlags.getManagesDataIDs())
        gdp->getP()->bumpDataId();
    gdp->replaceWith(*source->getLastGeo());
    return error();
}

OP_OperatorTable &host::sop_operators()
{
    static OP_OperatorTable table;
    return table;
}

SOP_Node *host::create_node(const char *name)
{
    OP_Operator *op = sop_operators().myOperators.at(0).get();
    return static_cast<SOP_Node *>(op->myConstruct(nullptr, name, op));
}

// The event loop.

FS_EventGenerator::~FS_EventGenerator() { uninstallGenerator(); }

int FS_EventGenerator::installGenerator()
{
    if (!has_event_loop)
        return 0;
    generators.push_back(this);
    return 1;
}

void FS_EventGenerator::uninstallGenerator()
{
    generators.erase(std::remove(generators.begin(), generators.end(), this), generators.end());
}

void host::start_event_loop() { has_event_loop = true; }

std::size_t host::event_generators() { return generators.size(); }

void host::turn_event_loop()
{
    const std::vector<FS_EventGenerator *> polled = generators;
    for (FS_EventGenerator *generator : polled) {
        EXPECT(generator->getPollTime() > 0 || generator->getFileDescriptor() >= 0);
        generator->processEvents();
    }
}

// Load and exit.

void host::load_plugin(const std::string &file)
{
    plugin_file = file;
    plugin = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (plugin == nullptr) {
        std::fprintf(stderr, "%s\n", dlerror());
        std::exit(1);
    }
    EXPECT(plugin_symbol("HoudiniDSOVersion") != nullptr);
    void *const hook = plugin_symbol("newSopOperator");
    EXPECT(hook != nullptr);
    reinterpret_cast<void (*)(OP_OperatorTable *)>(hook)(&sop_operators());
}

bool host::unload_plugin()
{
    sop_operators().myOperators.clear();
    dlclose(plugin);
    return dlopen(plugin_file.c_str(), RTLD_NOW | RTLD_NOLOAD) == nullptr;
}

void *host::plugin_symbol(const char *name) { return dlsym(plugin, name); }

void UT_Exit::runExitCallbacks()
{
    while (!exit_callbacks.empty()) {
        const exit_callback first = exit_callbacks.front();
        exit_callbacks.pop_front();
        first.first(first.second);
    }
}

void UT_Exit::exit(UT_ExitCode exit_code)
{
    runExitCallbacks();
    std::exit(exit_code);
}

int UT_Exit::addExitCallback(void (*exitcallback)(void *data), void *data)
{
    exit_callbacks.emplace_back(exitcallback, data);
    return 1;
}

int UT_Exit::addEarlyExitCallback(void (*exitcallback)(void *data), void *data)
{
    exit_callbacks.emplace_front(exitcallback, data);
    return 1;
}
