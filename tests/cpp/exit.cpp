// A process ends while much is unfinished: static handles and scopes, armed deadlines of which some are due
// now, a thread that waits, one that polls and one that cancels, and a callback that is running on the
// library's thread. The process must end in time and with status 0.

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "hangs.hpp"

#if !defined(_WIN32)
#include <unistd.h>
#endif

namespace {

using std::chrono::milliseconds;

struct quiet_callable {
    void operator()() const noexcept {}
};

// This is destroyed last. Its destructor makes calls after all else is gone.
struct last_words {
    ~last_words()
    {
        dcc::token late;
        if (dcc::token::try_create(late) >= 0)
            late.cancel("at the end");
        dcc_check_cancelled();
    }
} static_last_words;

dcc::token static_token = dcc::token::create();
dcc::job static_job = dcc::job::create({"outlives main"});
dcc::owner static_owner = dcc::owner::create();
std::unique_ptr<dcc::cancel_callback<quiet_callable>> static_callback;
std::unique_ptr<dcc::token_scope> static_scope;
std::unique_ptr<dcc::deadline> static_deadline;
std::vector<dcc::token> static_tokens;

std::atomic<bool> is_blocked{false};

// A callback that blocks; no object waits for it to return.
void block(const dcc_cancel_token *, void *)
{
    is_blocked = true;
    std::this_thread::sleep_for(std::chrono::minutes(5));
}

} // namespace

int main()
{
#if !defined(_WIN32)
    alarm(hang_seconds); // a hang is a failure
#endif
    static_callback = std::make_unique<dcc::cancel_callback<quiet_callable>>(
        static_token, quiet_callable{}, static_owner);
    static_scope = std::make_unique<dcc::token_scope>(static_token);
    static_deadline = std::make_unique<dcc::deadline>(static_token, std::chrono::hours(1));
    for (int i = 0; i < 2'000; ++i) {
        static_tokens.push_back(dcc::token::create());
        EXPECT(static_tokens.back().set_deadline_after(milliseconds(i % 50)));
    }

    const dcc::token slow = dcc::token::create();
    EXPECT(dcc_cancel_token_register(slow.get(), block, nullptr, nullptr, nullptr, nullptr) == DCC_OK);
    EXPECT(slow.set_deadline_after(milliseconds(1)));
    while (!is_blocked) std::this_thread::sleep_for(milliseconds(1));

    const dcc::token waited = static_token;
    std::thread([waited] { static_cast<void>(waited.wait()); }).detach();
    std::thread([token = dcc::token::create()] {
        const dcc::token_poller cancelled(token);
        while (!cancelled()) std::this_thread::yield();
    }).detach();
    std::thread([] {
        for (;;) {
            const dcc::token token = dcc::token::create();
            token.set_deadline_after(std::chrono::microseconds(100));
            token.cancel("over and over");
        }
    }).detach();
    std::this_thread::sleep_for(milliseconds(10));
    return 0;
}
