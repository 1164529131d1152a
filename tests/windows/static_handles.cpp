// A plugin DLL that keeps its handles in a static object. At the end of a process its destructor runs
// after the system has ended all other threads, the library's included, and under the loader lock.

#include "check.h"
#include "dcc_cancel.h"

#include <cstdint>

namespace {

void ignore(const dcc_cancel_token *, void *) {}

struct handles {
    dcc_cancel_token *token = nullptr;
    dcc_registration *registration = nullptr;
    dcc_owner *owner = nullptr;

    ~handles()
    {
        // Runs at the end of a process or in FreeLibrary: in both cases each of these calls returns. At the
        // end of the process some are refused.
        dcc_check_cancelled();
        dcc_cancel_token_is_cancelled(token);
        dcc_registration_unregister(registration);
        dcc_owner_close(owner);
        dcc_cancel_token_cancel_async(token, nullptr, 0);
        dcc_cancel_token_set_deadline_after(token, 1);
        dcc_cancel_token_cancel(token, nullptr, 0);
        dcc_cancel_token_wait(token, 1000000);
        dcc_cancel_token_release(token);
    }
};

handles static_handles;

} // namespace

extern "C" int plugin_start();
extern "C" int plugin_start()
{
    handles &own = static_handles;
    CHECK(dcc_cancel_token_create(&own.token) == DCC_OK);
    CHECK(dcc_owner_create(&own.owner) == DCC_OK);
    CHECK(dcc_cancel_token_register(own.token, ignore, nullptr, nullptr, own.owner,
                                    &own.registration) == DCC_OK);
    CHECK(dcc_cancel_token_set_deadline_after(own.token, 3600000000000u) == DCC_OK);
    for (int i = 0; i < 1000; ++i) {
        dcc_cancel_token *token = nullptr;
        CHECK(dcc_cancel_token_create(&token) == DCC_OK);
        CHECK(dcc_cancel_token_register(token, ignore, nullptr, nullptr, own.owner, nullptr) == DCC_OK);
        CHECK(dcc_cancel_token_set_deadline_after(token, static_cast<std::uint64_t>(i) * 10000) == DCC_OK);
    }
    return 0;
}
