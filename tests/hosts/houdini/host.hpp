// The stand-in for Houdini: the actions of its user and of its main thread. The headers in stand_in declare
// the parts that plugins see.
#ifndef DCC_TESTS_HOUDINI_HOST_HPP
#define DCC_TESTS_HOUDINI_HOST_HPP

#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <GU/GU_Detail.h>
#include <OP/OP_OperatorTable.h>
#include <SOP/SOP_Node.h>

namespace host {

using clock = std::chrono::steady_clock;

// The user presses Esc. As in Houdini, that is forgotten when no operation is left.
void press_esc();

// A call of UT_Interrupt::opInterrupt.
struct question {
    std::thread::id thread;
    clock::time_point at;
    int percent;
};

std::vector<question> questions();
void forget_questions();

// The percentage in the status line; -1 for none, as when no operation is left.
int shown_percent();

// Called by each thread of a parallel loop before each of its chunks; empty for no call.
void set_before_chunk(std::function<void()> before);

// A task of other code that a thread runs while it waits for a parallel loop of its own, unless that loop is
// isolated; empty for none.
void set_other_task(std::function<void()> task);

// Called on the thread that begins to write an attribute of a node's geometry; empty for no call.
void set_before_write(std::function<void()> before);

// Loads a plugin as Houdini does; and unloads it, which Houdini never does. True if it is unmapped.
void load_plugin(const std::string &file);
bool unload_plugin();
void *plugin_symbol(const char *name);
OP_OperatorTable &sop_operators();

// Starts the event loop. Before that, event generators cannot be installed.
void start_event_loop();
// The number of installed generators.
std::size_t event_generators();
// Runs one turn of the event loop, in which the poll time of each generator has passed.
void turn_event_loop();

// A node "/obj/<name>" of the plugin's first operator.
SOP_Node *create_node(const char *name);

// A node with the geometry that it is given.
class geometry_node : public SOP_Node {
public:
    explicit geometry_node(const char *name) : SOP_Node(nullptr, name) {}
    GU_Detail &geometry() { return myDetail; }

protected:
    OP_ERROR cookMySop(OP_Context &) override { return error(); }
};

} // namespace host

#endif
