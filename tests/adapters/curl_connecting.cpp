// libcurl: a cancel stops each stage before the first byte of an answer: connecting, a handshake, a silent
// server, and resolving a name.

#include <dlfcn.h>
#include <netdb.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "cancelled_work.hpp"
#include "dcc_cancel/adapters/curl.hpp"
#include "easy_handle.hpp"
#include "loopback_server.hpp"

namespace {

// A name whose resolving takes until the gate is open; it then resolves to this machine.
struct slow_name {
    const char *name;
    gate may_be_answered;
    std::atomic<bool> is_asked{false}, is_answered{false};

    explicit slow_name(const char *text) : name(text) {}

    void wait()
    {
        is_asked = true;
        may_be_answered.wait();
        is_answered = true;
    }
};

slow_name slow("slow.test"), slower("slower.test"), never("never.test");

} // namespace

// Replaces the C library's function. libcurl calls it on a thread that it starts for this.
extern "C" int getaddrinfo(const char *node, const char *service, const addrinfo *hints,
                           addrinfo **result)
{
    for (slow_name *one : {&slow, &slower, &never}) {
        if (node != nullptr && std::strcmp(node, one->name) == 0) {
            one->wait();
            node = "127.0.0.1";
        }
    }
    const auto resolve = reinterpret_cast<decltype(&getaddrinfo)>(dlsym(RTLD_NEXT, "getaddrinfo"));
    return resolve(node, service, hints, result);
}

namespace {

// Cancels a transfer when it has reached the stage in which it is to be stopped. Returns how long it went on.
double stopped(easy_handle &easy, const std::function<bool()> &is_there, bool polled = true,
               const std::function<void()> &after_cancel = [] {})
{
    const dcc::job job = dcc::job::create({"Connect"});
    canceller user(job);
    std::thread watcher([&] {
        until(is_there);
        user.work_has_begun();
        after_cancel();
    });
    test_clock::time_point end;
    EXPECT(dcc::run(job, [&] {
        if (!polled) {
            const bool was_stopped = curl_easy_perform(easy.get()) == CURLE_ABORTED_BY_CALLBACK;
            EXPECT(was_stopped);
        }
        dcc::curl_transfer transfer(easy.get());
        EXPECT(transfer.perform() == dcc::job_state::cancelled);
        end = test_clock::now();
        EXPECT(transfer.result() == CURLE_ABORTED_BY_CALLBACK);
        return false;
    }) == dcc::job_state::cancelled);
    watcher.join();
    EXPECT(easy.received == 0);
    return user.milliseconds_since_cancel(end);
}

// libcurl creates the socket just before it connects.
std::atomic<bool> is_connecting{false};

int note_connecting(void *, curl_socket_t, curlsocktype)
{
    is_connecting = true;
    return CURL_SOCKOPT_OK;
}

// The queue of the listening socket is full, so the system lets new connections wait.
double connecting(bool polled)
{
    listening_socket full(0);
    std::vector<int> waiting;
    for (int number = 0; number < 4; ++number) {
        waiting.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        connect(waiting.back(), full.address(), sizeof(sockaddr_in));
    }
    easy_handle easy("http://127.0.0.1:" + full.port());
    curl_easy_setopt(easy.get(), CURLOPT_SOCKOPTFUNCTION, note_connecting);
    const long limit = static_cast<long>(gives_up_after.count());
    curl_easy_setopt(easy.get(), CURLOPT_CONNECTTIMEOUT_MS, limit);
    is_connecting = false;
    const double to_return = stopped(easy, [] { return is_connecting.load(); }, polled);
    curl_off_t connect_time = 0;
    curl_easy_getinfo(easy.get(), CURLINFO_CONNECT_TIME_T, &connect_time);
    EXPECT(connect_time == 0);
    for (const int one : waiting)
        close(one);
    return to_return;
}

// A server that reads requests and does not answer.
double without_answer(loopback_server &server, easy_handle &easy)
{
    const int arrivals = server.arrivals();
    return stopped(easy, [&] { return server.arrivals() > arrivals; });
}

double greeting(loopback_server &server)
{
    // The server takes the TLS handshake for the beginning of a request.
    easy_handle easy(server.url("", "https"));
    return without_answer(server, easy);
}

double proxy(loopback_server &server)
{
    easy_handle easy("https://elsewhere.test");
    curl_easy_setopt(easy.get(), CURLOPT_PROXY, server.url("").c_str());
    return without_answer(server, easy);
}

double request(loopback_server &server)
{
    easy_handle easy(server.url(""));
    curl_easy_setopt(easy.get(), CURLOPT_CUSTOMREQUEST, "WAIT");
    return without_answer(server, easy);
}

// libcurl waits for its thread that resolves the name, so it returns some time after the cancel.
double resolving(loopback_server &server)
{
    easy_handle easy(std::string("http://") + slow.name + ":" + server.port());
    const double to_return = stopped(easy, [] { return slow.is_asked.load(); }, true, [] {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        slow.may_be_answered.open();
    });
    EXPECT(slow.is_answered);
    EXPECT(server.arrivals() == 0);
    return to_return;
}

// libcurl does not wait if it is told to leave that thread behind.
double resolving_left_behind()
{
    easy_handle easy(std::string("http://") + slower.name);
    curl_easy_setopt(easy.get(), CURLOPT_QUICK_EXIT, 1L);
    const double to_return = stopped(easy, [] { return slower.is_asked.load(); });
    EXPECT(!slower.is_answered);
    slower.may_be_answered.open();
    until([] { return slower.is_answered.load(); });
    return to_return;
}

// A transfer that was cancelled before does not begin.
void cancelled_before()
{
    easy_handle easy(std::string("http://") + never.name);
    never.may_be_answered.open();
    const dcc::token token = dcc::token::create();
    token.cancel();
    EXPECT(dcc::curl_transfer(easy.get(), token).perform() == dcc::job_state::cancelled);
    EXPECT(!never.is_asked);
}

} // namespace

int main(int argc, char **argv)
{
    EXPECT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
    const double to_connect = connecting(is_polled(argc, argv));
    cancelled_before();
    loopback_server server;
    const double left_behind = resolving_left_behind(), resolved = resolving(server);
    const double to_greet = greeting(server), to_proxy = proxy(server), to_answer = request(server);
    std::printf("FIGURE curl_connecting cancel to return: connecting %.1f ms; TLS %.1f ms; "
                "proxy %.1f ms; answer %.1f ms; name that takes 100 ms more %.1f ms, "
                "with CURLOPT_QUICK_EXIT %.1f ms\n",
                to_connect, to_greet, to_proxy, to_answer, resolved, left_behind);
    curl_global_cleanup();
    return 0;
}
