// The works of GLib: GCancellable, and its main loop.
#include "work.hpp"

#include <gio/gio.h>

namespace {

GCancellable *shared_cancellable()
{
    static GCancellable *const cancellable = g_cancellable_new();
    return cancellable;
}

const AddWork probe{"g_cancellable_is_cancelled(g_cancellable_get_current())",
                    [](std::uint64_t times) {
    g_cancellable_push_current(shared_cancellable());
    call_repeatedly(times,
                    [] { require(!g_cancellable_is_cancelled(g_cancellable_get_current())); });
    g_cancellable_pop_current(shared_cancellable());
}};

const AddWork is_cancelled{"g_cancellable_is_cancelled", [](std::uint64_t times) {
    GCancellable *const cancellable = shared_cancellable();
    call_repeatedly(times, [=] { require(!g_cancellable_is_cancelled(cancellable)); });
}};

const AddWork push_and_pop{"g_cancellable push and pop", [](std::uint64_t times) {
    GCancellable *const cancellable = shared_cancellable();
    call_repeatedly(times, [=] {
        g_cancellable_push_current(cancellable);
        g_cancellable_pop_current(cancellable);
    });
}};

gboolean count_run(gpointer runs)
{
    ++*static_cast<std::uint64_t *>(runs);
    return G_SOURCE_REMOVE;
}

// Attaches this many idle sources, then runs them; one iteration is enough if there are no others.
void attach_and_run(std::uint64_t times, std::uint64_t batch)
{
    static GMainContext *const context = g_main_context_new();
    std::uint64_t runs = 0;
    for (std::uint64_t i = 0; i < times; i += batch) {
        for (std::uint64_t job = 0; job < batch; ++job) {
            GSource *const source = g_idle_source_new();
            g_source_set_callback(source, count_run, &runs, nullptr);
            require(g_source_attach(source, context) != 0);
            g_source_unref(source);
        }
        while (runs < i + batch) g_main_context_iteration(context, FALSE);
    }
    require(runs >= times);
}

const AddWork idle_one{"g_idle_source", [](std::uint64_t times) {
    attach_and_run(times, 1);
}};

const AddWork idle_many{"g_idle_source, 64 of them", [](std::uint64_t times) {
    attach_and_run(times, 64);
}};

} // namespace
