// Work that two threads do with GLib's main loop at the same time.
#include "contended.hpp"

#include <gio/gio.h>

namespace {

class Attaching : public Thing {
public:
    ~Attaching() override { g_main_context_unref(context_); }

    void run() override
    {
        call_repeatedly(contended_calls, [this] {
            GSource *const source = g_idle_source_new();
            g_source_set_callback(source, count_run, &runs_, nullptr);
            require(g_source_attach(source, context_) != 0);
            g_source_unref(source);
        });
    }

    void renew() override
    {
        runs_ = 0;
        while (g_main_context_iteration(context_, FALSE)) {}
        require(runs_ >= contended_calls);
    }

private:
    static gboolean count_run(gpointer runs)
    {
        ++*static_cast<std::uint64_t *>(runs);
        return G_SOURCE_REMOVE;
    }

    GMainContext *const context_ = g_main_context_new();
    std::uint64_t runs_ = 0;
};

const AddContended<Attaching> attaching{"g_idle_source attached", "context"};

} // namespace
