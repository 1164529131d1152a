// The adapters for C libraries, compiled without exceptions: a failed registration is reported by their
// status.

#include "cancelled_work.hpp"
#include "database.hpp"
#include "dcc_cancel/adapters/curl.hpp"
#include "dcc_cancel/adapters/embree.hpp"
#include "dcc_cancel/adapters/sqlite.hpp"
#include "easy_handle.hpp"
#include "without_memory.hpp"

static_assert(DCC_CANCEL_EXCEPTIONS == 0, "compiled with -fno-exceptions");

namespace {

constexpr int rows = 1000000;

int sum(const database &numbers)
{
    return numbers.execute(up_to(rows) + "SELECT sum(seen(x)) FROM counted");
}

double a_query_stops(database &numbers, bool polled)
{
    const dcc::job job = dcc::job::create({"Query"});
    canceller user(job);
    numbers.on_seen = [&] { user.work_has_begun(); };
    double to_return = 0;
    EXPECT(dcc::run(job, [&] {
        if (!polled) {
            const bool was_stopped = sum(numbers) == SQLITE_INTERRUPT;
            EXPECT(was_stopped);
        }
        const dcc::sqlite_interrupter interrupter(numbers.get());
        EXPECT(interrupter.status() == DCC_OK);
        EXPECT(interrupter.ended(sum(numbers)) == dcc::job_state::cancelled);
        to_return = user.milliseconds_since_cancel(test_clock::now());
        return false;
    }) == dcc::job_state::cancelled);
    numbers.on_seen = nullptr;
    return to_return;
}

void transfers_stop(loopback_server &server)
{
    easy_handle easy(server.url("100000/stalls"));
    const dcc::job job = dcc::job::create({"Download"});
    dcc::curl_transfer transfer(easy.get(), job);
    EXPECT(transfer.status() == DCC_OK);
    EXPECT(dcc::run(job, [&] {
        dcc::job_state how = dcc::job_state::none;
        cancelled_once(job, [&] { return job.progress().fraction == 0.5; },
                       [&] { how = transfer.perform(); });
        EXPECT(how == dcc::job_state::cancelled);
        return false;
    }) == dcc::job_state::cancelled);
}

// Then nothing calls into the libraries, and the poll still stops them.
void no_memory(database &numbers, loopback_server &server)
{
    const dcc::token token = dcc::token::create();
    easy_handle easy(server.url("100000"));
    const without_memory none;
    {
        const dcc::sqlite_interrupter interrupter(numbers.get(), token);
        EXPECT(interrupter.status() == DCC_ERROR_RESOURCES);
        dcc::curl_transfer transfer(easy.get(), token);
        EXPECT(transfer.status() == DCC_ERROR_RESOURCES);
        token.cancel();
        EXPECT(sum(numbers) == SQLITE_INTERRUPT);
        EXPECT(transfer.perform() == dcc::job_state::cancelled);
        EXPECT(transfer.result() == CURLE_ABORTED_BY_CALLBACK);
    }
    EXPECT(curl_easy_perform(easy.get()) == CURLE_OK);
}

// A job that is gone cannot be made current: the status says that something else is polled.
void gone(database &numbers)
{
    const dcc::job job = dcc::job::create();
    dcc_job_release(job.get());
    {
        const dcc::sqlite_interrupter interrupter(numbers.get(), job);
        EXPECT(interrupter.status() == DCC_ERROR_INVALID_HANDLE);
    }
    easy_handle easy("http://127.0.0.1");
    EXPECT(dcc::curl_transfer(easy.get(), job).status() == DCC_ERROR_INVALID_HANDLE);
    const RTCDevice device = rtcNewDevice(nullptr);
    const RTCScene scene = rtcNewScene(device);
    EXPECT(dcc::embree_monitor(scene, job).status() == DCC_ERROR_INVALID_HANDLE);
    EXPECT(dcc::embree_monitor(scene).status() == DCC_OK);
    rtcReleaseScene(scene);
    rtcReleaseDevice(device);
}

} // namespace

int main(int argc, char **argv)
{
    EXPECT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    {
        database numbers(":memory:");
        const double to_return = a_query_stops(numbers, is_polled(argc, argv));
        const auto begin = test_clock::now();
        EXPECT(sum(numbers) == SQLITE_OK);
        print_figure("without_exceptions", to_return, milliseconds(test_clock::now() - begin));
        loopback_server server;
        transfers_stop(server);
        no_memory(numbers, server);
        gone(numbers);
    }
    curl_global_cleanup();
    return 0;
}
