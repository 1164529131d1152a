// An HTTP server that only this machine can reach. It is silent for a while if a test asks for that.
#ifndef DCC_TESTS_LOOPBACK_SERVER_HPP
#define DCC_TESTS_LOOPBACK_SERVER_HPP

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "../cpp/expect.hpp"

// A socket that listens on a free port.
class listening_socket {
public:
    explicit listening_socket(int backlog) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        EXPECT(bind(socket_, address(), size) == 0);
        EXPECT(listen(socket_, backlog) == 0);
        EXPECT(getsockname(socket_, address(), &size) == 0);
    }

    listening_socket(const listening_socket &) = delete;
    listening_socket &operator=(const listening_socket &) = delete;

    ~listening_socket() { close(socket_); }

    int get() const { return socket_; }
    sockaddr *address() { return reinterpret_cast<sockaddr *>(&address_); }
    std::string port() const { return std::to_string(ntohs(address_.sin_port)); }

private:
    int socket_;
    sockaddr_in address_ = {};
};

// The body of requests and answers: bytes that depend on their positions.
inline std::string make_body(std::size_t size)
{
    std::string body(size, ' ');
    for (std::size_t place = 0; place < size; ++place)
        body[place] = static_cast<char>('a' + (place + place / 1000) % 26);
    return body;
}

// GET /SIZE answers with this many bytes; GET /SIZE/stalls stops after half of them. PUT answers "right" if
// the body was make_body; PUT /stalls stops reading after a part. Other requests get no answer. A stalled
// connection continues when go_on is called, or after `gives_up_after`, so that a test fails and does not
// wait for ever.
class loopback_server {
public:
    loopback_server() : listening_(64), accepting_([this] { accept_all(); }) {}

    ~loopback_server()
    {
        ends_ = true;
        go_on();
        shutdown(listening_.get(), SHUT_RDWR);
        accepting_.join();
        for (const int peer : peers_)
            shutdown(peer, SHUT_RDWR);
        for (std::thread &answering : answering_)
            answering.join();
        for (const int peer : peers_)
            close(peer);
    }

    std::string url(const std::string &path, const char *scheme = "http") const
    {
        return std::string(scheme) + "://127.0.0.1:" + listening_.port() + "/" + path;
    }

    std::string port() const { return listening_.port(); }

    // The connections that stall now continue; later ones stall again.
    void go_on()
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        ++released_;
        changed_.notify_all();
    }

    // How many connections have stalled, were accepted, or arrived at all.
    int stalls() const { return stalls_; }
    int connections() const { return connections_; }
    int arrivals() const { return arrivals_; }

private:
    void accept_all()
    {
        for (;;) {
            const int peer = accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
            if (peer < 0)
                return;
            // No test waits for ever for an event that never comes.
            const timeval longest = {hang_seconds, 0};
            EXPECT(setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &longest, sizeof longest) == 0);
            ++connections_;
            peers_.push_back(peer);
            answering_.emplace_back([this, peer] {
                std::string received;
                while (answer(peer, received)) {
                }
                shutdown(peer, SHUT_RDWR);
            });
        }
    }

    bool stall()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        const int before = released_;
        ++stalls_;
        changed_.wait_for(lock, gives_up_after, [&] { return ends_ || released_ > before; });
        return !ends_;
    }

    bool receive(int peer, std::string &received)
    {
        char bytes[16384];
        const ssize_t count = recv(peer, bytes, sizeof bytes, 0);
        if (count <= 0)
            return false;
        ++arrivals_;
        received.append(bytes, static_cast<std::size_t>(count));
        return true;
    }

    static bool send_all(int peer, const std::string &text)
    {
        for (std::size_t sent = 0; sent < text.size();) {
            const ssize_t count = send(peer, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
            if (count <= 0)
                return false;
            sent += static_cast<std::size_t>(count);
        }
        return true;
    }

    static std::string head(std::size_t length)
    {
        return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
    }

    // Answers one request. False: no more requests come.
    bool answer(int peer, std::string &received)
    {
        std::size_t end = 0;
        while ((end = received.find("\r\n\r\n")) == std::string::npos)
            if (!receive(peer, received))
                return false;
        const std::string request = received.substr(0, end);
        received.erase(0, end + 4);
        const bool stalls = request.find("/stalls ") != std::string::npos;
        if (request.compare(0, 5, "PUT /") == 0)
            return take(peer, request, received, stalls);
        if (request.compare(0, 5, "GET /") != 0)
            return stall() && false;
        const std::size_t size = std::strtoul(request.c_str() + 5, nullptr, 10);
        const std::string body = make_body(size);
        if (!stalls)
            return send_all(peer, head(size) + body);
        return send_all(peer, head(size) + body.substr(0, size / 2)) && stall() &&
               send_all(peer, body.substr(size / 2));
    }

    bool take(int peer, const std::string &request, std::string &received, bool stalls)
    {
        const std::string name = "Content-Length: ";
        const std::size_t place = request.find(name);
        EXPECT(place != std::string::npos);
        const std::size_t size = std::strtoul(request.c_str() + place + name.size(), nullptr, 10);
        while (received.size() < size) {
            if (stalls && received.size() > size / 100) {
                stalls = false;
                if (!stall())
                    return false;
            }
            if (!receive(peer, received))
                return false;
        }
        const std::string words = received.substr(0, size) == make_body(size) ? "right" : "wrong";
        received.erase(0, size);
        return send_all(peer, head(words.size()) + words);
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    int released_ = 0;
    std::atomic<bool> ends_{false};
    std::atomic<int> stalls_{0}, connections_{0}, arrivals_{0};
    std::vector<int> peers_;
    std::vector<std::thread> answering_;
    listening_socket listening_;
    std::thread accepting_;
};

#endif
