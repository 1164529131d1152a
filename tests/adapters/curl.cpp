// libcurl: a cancel of a job stops the transfers that work for the job, from and to a server of this program,
// even while no bytes move.

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "cancelled_work.hpp"
#include "curl_allocations.hpp"
#include "dcc_cancel/adapters/curl.hpp"
#include "easy_handle.hpp"
#include "loopback_server.hpp"
#include "without_memory.hpp"

namespace {

constexpr std::size_t size = 100000;

const std::string stalls = std::to_string(size) + "/stalls";
const std::string whole = std::to_string(size);

// Checks the result of a cancelled transfer that was performed with the adapter.
void expect_cancelled(const dcc::curl_transfer &transfer, dcc::job_state how)
{
    const bool was_stopped = how == dcc::job_state::cancelled;
    EXPECT(was_stopped);
    EXPECT(transfer.result() == CURLE_ABORTED_BY_CALLBACK);
}

// The answer stops in its middle, and the transfer waits. Returns how long the transfer took to return.
double a_quiet_download_stops(loopback_server &server, bool polled, bool is_job_given = false)
{
    easy_handle easy(server.url(stalls));
    const dcc::job job = dcc::job::create({"Download"});
    double to_return = 0;
    EXPECT(dcc::run(job, [&] {
        if (!polled) {
            to_return = cancelled_once(job, [&] { return easy.received == size / 2; }, [&] {
                const bool was_stopped = curl_easy_perform(easy.get()) != CURLE_OK;
                EXPECT(was_stopped);
            });
            return true;
        }
        dcc::curl_transfer transfer = is_job_given ? dcc::curl_transfer(easy.get(), job)
                                                   : dcc::curl_transfer(easy.get());
        // The progress is set after the bytes came; then the transfer waits.
        to_return = cancelled_once(job, [&] { return job.progress().fraction == 0.5; },
                                   [&] { expect_cancelled(transfer, transfer.perform()); });
        EXPECT(easy.body == make_body(size / 2));
        return false;
    }) == dcc::job_state::cancelled);

    // The same handle works afterwards, without the part that was cancelled.
    server.go_on();
    easy.begin(server.url(whole));
    EXPECT(curl_easy_perform(easy.get()) == CURLE_OK);
    EXPECT(easy.body == make_body(size));
    return to_return;
}

// The state of a plugin that only sets the progress function.
struct second_by_second {
    dcc::curl_progress progress;
    test_clock::time_point last_call;
    std::atomic<bool> was_quiet{false};

    explicit second_by_second(CURL *easy) : progress(easy)
    {
        curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, ask);
        curl_easy_setopt(easy, CURLOPT_XFERINFODATA, this);
    }

    static int ask(void *data, curl_off_t to_download, curl_off_t downloaded, curl_off_t to_upload,
                   curl_off_t uploaded)
    {
        second_by_second &self = *static_cast<second_by_second *>(data);
        const int answer = dcc::curl_progress::callback(&self.progress, to_download, downloaded,
                                                        to_upload, uploaded);
        const auto now = test_clock::now();
        // After connecting, libcurl calls it sooner once or twice.
        if (downloaded > 0 && now - self.last_call > std::chrono::milliseconds(600))
            self.was_quiet = true;
        self.last_call = now;
        return answer;
    }
};

double by_the_progress_function_alone(loopback_server &server)
{
    easy_handle easy(server.url(stalls));
    const dcc::job job = dcc::job::create({"Download"});
    double to_return = 0;
    EXPECT(dcc::run(job, [&] {
        second_by_second asked(easy.get());
        to_return = cancelled_once(job, [&] { return asked.was_quiet.load(); }, [&] {
            EXPECT(asked.progress.ended(curl_easy_perform(easy.get())) == dcc::job_state::cancelled);
        });
        return false;
    }) == dcc::job_state::cancelled);
    return to_return;
}

// The server pauses for as long as a slow server may.
double a_whole_transfer(loopback_server &server)
{
    easy_handle easy(server.url(stalls));
    const int before = server.stalls();
    const auto begin = test_clock::now();
    std::thread slow_server([&] {
        while (server.stalls() == before)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        std::this_thread::sleep_for(std::chrono::seconds(3));
        server.go_on();
    });
    EXPECT(curl_easy_perform(easy.get()) == CURLE_OK);
    slow_server.join();
    EXPECT(easy.body == make_body(size));
    return milliseconds(test_clock::now() - begin);
}

// The cancel comes while bytes arrive as fast as they can.
void a_busy_download_stops(loopback_server &server)
{
    constexpr std::size_t much = 50000000;
    easy_handle easy(server.url(std::to_string(much)));
    const dcc::job job = dcc::job::create({"Download"});
    canceller user(job);
    easy.on_write = [&] { user.work_has_begun(); };
    EXPECT(dcc::run(job, [&] {
        dcc::curl_transfer transfer(easy.get());
        expect_cancelled(transfer, transfer.perform());
        return false;
    }) == dcc::job_state::cancelled);
    EXPECT(easy.received > 0 && easy.received < much);
    EXPECT(easy.body == make_body(easy.received));
}

// The performing thread cancels, from inside a callback of libcurl.
void a_callback_cancels(loopback_server &server)
{
    easy_handle easy(server.url(stalls));
    const dcc::token token = dcc::token::create();
    easy.on_write = [&] { token.cancel("enough"); };
    dcc::curl_transfer transfer(easy.get(), token);
    expect_cancelled(transfer, transfer.perform());
}

void uploads_stop(loopback_server &server)
{
    // More bytes than sockets take without a reader.
    constexpr std::size_t much = 30000000;
    easy_handle easy(server.url("stalls"));
    easy.upload(much);
    const dcc::job job = dcc::job::create({"Upload"});
    const int stalls_before = server.stalls();
    dcc::curl_transfer transfer(easy.get(), job);
    EXPECT(dcc::run(job, [&] {
        cancelled_once(job, [&] { return server.stalls() > stalls_before; },
                       [&] { expect_cancelled(transfer, transfer.perform()); });
        return false;
    }) == dcc::job_state::cancelled);
    EXPECT(easy.sent > 0 && easy.sent < much);
    EXPECT(job.progress().fraction > 0 && job.progress().fraction < 1);

    // The same handle now transfers everything.
    server.go_on();
    const dcc::job again = dcc::job::create({"Upload again"});
    easy.begin(server.url("takes"));
    easy.upload(much);
    EXPECT(dcc::run(again, [&] {
        return dcc::curl_transfer(easy.get()).perform() == dcc::job_state::completed;
    }) == dcc::job_state::completed);
    EXPECT(easy.body == "right");
    EXPECT(again.progress().fraction == 1);
}

// libcurl reads such a file in one go, and asks between its pieces.
void files_stop()
{
    const std::string path = "much";
    std::ofstream(path) << make_body(10000000);
    easy_handle easy("file://" + std::filesystem::absolute(path).string());
    const dcc::token token = dcc::token::create();
    easy.on_write = [&] { token.cancel(); };
    dcc::curl_transfer transfer(easy.get(), token);
    expect_cancelled(transfer, transfer.perform());
    EXPECT(easy.received > 0 && easy.received < 10000000);
    std::remove(path.c_str());
}

// The host's check is asked while no bytes move, although no cancel comes.
void the_host_is_asked(loopback_server &server)
{
    easy_handle easy(server.url(stalls));
    int questions = 0;
    dcc::job_options options;
    // The check is asked more often than libcurl calls by itself before the server continues.
    options.is_cancelled = [&] { return easy.received == size / 2 && ++questions > 15; };
    const dcc::job job = dcc::job::create(options);
    EXPECT(dcc::run(job, [&] {
        dcc::curl_transfer transfer(easy.get());
        expect_cancelled(transfer, transfer.perform());
        return false;
    }) == dcc::job_state::cancelled);
    EXPECT(job.token().cause() == dcc::cause::foreign);
}

// A multi handle of the plugin: two transfers, and a wait that only a cancel can end in time.
void a_multi_handle_wakes_up(loopback_server &server)
{
    easy_handle first(server.url(stalls)), second(server.url(stalls));
    const dcc::job job = dcc::job::create({"Downloads"});
    CURLM *multi = curl_multi_init();
    int stopped = 0;
    double longest_wait = 0;
    EXPECT(dcc::run(job, [&] {
        dcc::curl_progress first_progress(first.get()), second_progress(second.get());
        dcc::curl_wakeup wakeup(multi);
        EXPECT(curl_multi_add_handle(multi, first.get()) == CURLM_OK);
        EXPECT(curl_multi_add_handle(multi, second.get()) == CURLM_OK);
        const auto both_wait = [&] { return first.received + second.received == size; };
        cancelled_once(job, both_wait, [&] {
            for (int running = 2; running > 0;) {
                EXPECT(curl_multi_perform(multi, &running) == CURLM_OK);
                const auto begin = test_clock::now();
                if (running > 0)
                    EXPECT(curl_multi_poll(multi, nullptr, 0, 60000, nullptr) == CURLM_OK);
                longest_wait = std::max(longest_wait, milliseconds(test_clock::now() - begin));
            }
        });
        int left = 0;
        while (const CURLMsg *message = curl_multi_info_read(multi, &left)) {
            dcc::curl_progress &progress =
                message->easy_handle == first.get() ? first_progress : second_progress;
            stopped += progress.ended(message->data.result) == dcc::job_state::cancelled ? 1 : 0;
        }
        curl_multi_remove_handle(multi, first.get());
        curl_multi_remove_handle(multi, second.get());
        return false;
    }) == dcc::job_state::cancelled);
    EXPECT(stopped == 2);
    EXPECT(longest_wait < static_cast<double>(gives_up_after.count()));
    curl_multi_cleanup(multi);
}

void connections_are_kept(loopback_server &server)
{
    easy_handle easy(server.url(whole));
    dcc::curl_transfer transfer(easy.get());
    const int connections = server.connections();
    for (int round = 0; round < 3; ++round) {
        easy.begin(server.url(whole));
        EXPECT(transfer.perform() == dcc::job_state::completed);
        EXPECT(transfer.result() == CURLE_OK && easy.body == make_body(size));
    }
    EXPECT(server.connections() == connections + 1);

    // Other handles have these only through the share.
    CURLSH *share = curl_share_init();
    EXPECT(curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_CONNECT) == CURLSHE_OK);
    {
        easy_handle sharing(server.url(whole));
        curl_easy_setopt(sharing.get(), CURLOPT_SHARE, share);
        for (int round = 0; round < 3; ++round)
            EXPECT(dcc::curl_transfer(sharing.get()).perform() == dcc::job_state::completed);
        EXPECT(server.connections() == connections + 2);
        // A connection on which the rest of an answer may arrive is not shared.
        const dcc::token token = dcc::token::create();
        sharing.on_write = [&] { token.cancel(); };
        EXPECT(dcc::curl_transfer(sharing.get(), token).perform() == dcc::job_state::cancelled);
        sharing.begin(server.url(whole));
        EXPECT(dcc::curl_transfer(sharing.get()).perform() == dcc::job_state::completed);
        EXPECT(sharing.body == make_body(size) && server.connections() == connections + 3);
    }
    EXPECT(curl_share_cleanup(share) == CURLSHE_OK);
}

// An error of libcurl is not a cancel.
void failures(loopback_server &server)
{
    std::string port;
    {
        const listening_socket nobody(1);
        port = nobody.port();
    }
    easy_handle easy("http://127.0.0.1:" + port);
    const dcc::token token = dcc::token::create();
    dcc::curl_transfer transfer(easy.get(), token);
    EXPECT(transfer.perform() == dcc::job_state::failed);
    EXPECT(transfer.result() == CURLE_COULDNT_CONNECT);

    // The handle is at work in a multi handle.
    CURLM *multi = curl_multi_init();
    EXPECT(curl_multi_add_handle(multi, easy.get()) == CURLM_OK);
    EXPECT(transfer.perform() == dcc::job_state::failed);
    EXPECT(transfer.result() == CURLE_FAILED_INIT);
    curl_multi_remove_handle(multi, easy.get());
    curl_multi_cleanup(multi);

    // Nothing of the transfer is left, cancelled or not.
    {
        dcc::curl_progress progress(easy.get(), token);
        token.cancel();
        EXPECT(dcc::curl_progress::callback(&progress, 0, 0, 0, 0) != 0);
        // The job was cancelled, but the transfer had ended.
        EXPECT(progress.ended(CURLE_OK) == dcc::job_state::completed);
        // Other code can abort a transfer, too.
        EXPECT(progress.ended(CURLE_ABORTED_BY_CALLBACK) == dcc::job_state::failed);
    }
    easy.begin(server.url(whole));
    EXPECT(curl_easy_perform(easy.get()) == CURLE_OK);
}

// If a registration fails, the adapter reports it, and nothing stays behind.
void no_memory(loopback_server &server)
{
    easy_handle easy(server.url(whole));
    const dcc::token token = dcc::token::create();
    const long before = curl_allocations;
    dcc_status thrown = DCC_OK;
    {
        const without_memory none;
        try {
            dcc::curl_transfer transfer(easy.get(), token);
        } catch (const dcc::error &error) {
            thrown = error.status();
        }
    }
    EXPECT(thrown == DCC_ERROR_RESOURCES);
    EXPECT(curl_allocations == before);
    token.cancel();
    EXPECT(curl_easy_perform(easy.get()) == CURLE_OK);
    EXPECT(easy.body == make_body(size));
}

// Another thread cancels while the transfer ends: it is complete or cancelled, and nothing hangs.
void transfers_end_while_they_are_cancelled(loopback_server &server)
{
    int completed = 0, rounds = 0;
    for (; rounds < 300; ++rounds) {
        easy_handle easy(server.url(whole));
        const dcc::token token = dcc::token::create();
        std::thread user([&] {
            until([&] { return easy.received >= size * static_cast<std::size_t>(rounds % 5) / 4; });
            token.cancel();
        });
        const dcc::job_state how = dcc::curl_transfer(easy.get(), token).perform();
        completed += how == dcc::job_state::completed ? 1 : 0;
        EXPECT(how == dcc::job_state::completed ? easy.body == make_body(size)
                                                : how == dcc::job_state::cancelled);
        // Frees the cancelling thread, which waits for more bytes.
        easy.received = size;
        user.join();
    }
    EXPECT(completed > 0 && completed < rounds);
}

} // namespace

int main(int argc, char **argv)
{
    init_counting_allocations();
    {
        loopback_server server;
        double to_return = a_quiet_download_stops(server, is_polled(argc, argv));
        double given = a_quiet_download_stops(server, true, true);
        // The wait would end by itself later than this. On a busy machine it may take some rounds until one
        // is not disturbed.
        const double before_its_end = 25;
        for (int round = 1; round < 5 || (round < 300 && std::max(to_return, given) >= before_its_end);
             ++round) {
            to_return = std::min(to_return, a_quiet_download_stops(server, true));
            given = std::min(given, a_quiet_download_stops(server, true, true));
        }
        EXPECT(to_return < before_its_end && given < before_its_end);
        print_figure("curl", to_return, a_whole_transfer(server));
        std::printf("FIGURE curl without curl_transfer, with curl_progress alone, cancel to return: "
                    "%.0f ms\n",
                    by_the_progress_function_alone(server));
        a_busy_download_stops(server);
        a_callback_cancels(server);
        uploads_stop(server);
        files_stop();
        the_host_is_asked(server);
        a_multi_handle_wakes_up(server);
        connections_are_kept(server);
        failures(server);
        no_memory(server);
        transfers_end_while_they_are_cancelled(server);
    }
    curl_global_cleanup();
    return 0;
}
