// A C++ program linked against the DLL: worker threads enter a captured context, poll inline and
// stop; one of them ends by an exception that unwinds its scope.

#include "check.h"
#include "dcc_cancel.h"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

struct release_token {
    void operator()(dcc_cancel_token *token) const noexcept { dcc_cancel_token_release(token); }
};
using token_ptr = std::unique_ptr<dcc_cancel_token, release_token>;

class entered {
public:
    explicit entered(const dcc_context *context)
    {
        CHECK(dcc_context_enter(context, &ticket_) == DCC_OK);
    }
    ~entered() { CHECK(dcc_context_exit(ticket_) == DCC_OK); }
    entered(const entered &) = delete;
    entered &operator=(const entered &) = delete;

private:
    dcc_ticket ticket_ = 0;
};

void work(const dcc_context *context, std::atomic<int> &polling)
{
    entered scope(context);
    const dcc_poll_pair poll = dcc_poll_current();
    for (bool counted = false;;) {
        if (dcc_poll(poll))
            throw std::runtime_error("cancelled");
        if (!counted)
            ++polling;
        counted = true;
    }
}

} // namespace

int main()
{
    dcc_cancel_token *raw = nullptr;
    CHECK(dcc_cancel_token_create(&raw) == DCC_OK);
    const token_ptr token(raw);
    dcc_ticket ticket = 0;
    dcc_context *context = nullptr;
    CHECK(dcc_cancel_token_set_current(token.get(), &ticket) == DCC_OK);
    CHECK(dcc_context_capture(&context) == DCC_OK);

    constexpr int workers = 4;
    std::atomic<int> polling{0};
    std::atomic<int> stopped{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < workers; ++i) {
        threads.emplace_back([&] {
            try {
                work(context, polling);
            } catch (const std::runtime_error &) {
                CHECK(dcc_cancel_token_current() == nullptr);
                ++stopped;
            }
        });
    }
    while (polling != workers)
        std::this_thread::yield();
    CHECK(dcc_cancel_token_cancel(token.get(), nullptr, 0) == DCC_OK);
    for (std::thread &thread : threads)
        thread.join();
    CHECK(stopped == workers);
    CHECK(dcc_cancel_token_reset_current(ticket) == DCC_OK);
    CHECK(dcc_context_release(context) == DCC_OK);
    std::puts("linked C++: fine");
    return 0;
}
