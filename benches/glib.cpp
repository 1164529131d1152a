// The works of GLib's GCancellable.
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

} // namespace
