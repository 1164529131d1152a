// While a slice of a coroutine runs, another thread closes its dispatcher or the owner of its code. The
// coroutine then awaits something. Compiled as C++20 only, and also without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "task_log.hpp"

#include <thread>

using namespace std::chrono_literals;

namespace {

// What the coroutine awaits after the close has begun.
enum class kind { slice, woken, token, time, job, worker };
constexpr kind kinds[] = {kind::slice, kind::woken, kind::token, kind::time, kind::job, kind::worker};

// What is closed.
enum class closed { owner, dispatcher, dispatcher_of_sealed };

struct world {
    log told;
    kind awaits = kind::slice;
    closed what = closed::owner;
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::owner owner = dcc::owner::create();
    std::thread closer;
};

void do_nothing(const dcc_cancel_token *, void *) {}

// Closes the owner on a thread that has to wait for this one. Returns once the owner accepts no more objects.
void begin_to_close_owner(world &all)
{
    all.closer = std::thread([&all] { EXPECT(all.owner.close() == DCC_OK); });
    const dcc::token token = dcc::token::create();
    for (;;) {
        dcc_registration *registration = nullptr;
        const dcc_status status = dcc_cancel_token_register(token.get(), do_nothing, nullptr, nullptr,
                                                            all.owner.get(), &registration);
        if (status == DCC_ERROR_SHUTDOWN)
            return;
        EXPECT(status == DCC_OK);
        dcc_registration_unregister(registration);
    }
}

void close_meanwhile(world &all)
{
    if (all.what == closed::owner) {
        begin_to_close_owner(all);
        return;
    }
    // The close asks the job to stop, unless the job is sealed.
    EXPECT(all.what == closed::dispatcher || dcc::job::current().seal());
    std::thread closer([&all] { EXPECT(all.queue.close() == DCC_PENDING); });
    closer.join();
    EXPECT(all.what == closed::dispatcher_of_sealed || dcc::is_cancelled());
}

dcc::task<> closed_meanwhile(world &all)
{
    const guard kept(all.told);
    close_meanwhile(all);
    switch (all.awaits) {
    case kind::slice:
        for (;;)
            co_await dcc::slice();
    case kind::woken:
        co_await dcc::woken();
        break;
    case kind::token:
        co_await dcc::token::create();
        break;
    case kind::time:
        co_await 1h;
        break;
    case kind::job:
        co_await dcc::job::create();
        break;
    case kind::worker:
        const auto never = [] { EXPECT(false); };
        co_await dcc::on_worker(never);
        break;
    }
    ++all.told.committed;
}

void it_ends(kind awaits, closed what)
{
    world all;
    all.awaits = awaits;
    all.what = what;
    dcc::post_options options = told_to(all.told);
    options.owner = &all.owner;
    const dcc::job job = all.queue.post("closed", closed_meanwhile(all), options);
    while (job.state() <= dcc::job_state::running)
        all.queue.pump(1ms);
    const auto expected = what == closed::dispatcher ? dcc::job_state::cancelled
                                                     : dcc::job_state::interrupted;
    EXPECT(job.state() == expected && all.told.committed == 0);
    if (all.closer.joinable()) {
        // Destroying the frames may be left to this thread.
        while (all.told.destroyed == 0)
            all.queue.pump_all();
        all.closer.join();
    }
    all.queue.pump_all();
    EXPECT(all.told.made == 1 && all.told.destroyed == 1);
    EXPECT(all.told.completions == 1 || (what == closed::owner && all.told.completions == 0));
    EXPECT(all.queue.close() == DCC_OK);
    all.owner.close();
}

} // namespace

int main()
{
    for (const kind awaits : kinds) {
        for (const closed what : {closed::dispatcher_of_sealed, closed::dispatcher, closed::owner})
            it_ends(awaits, what);
    }
}
