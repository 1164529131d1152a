// An easy handle of libcurl that keeps the bytes that it receives and sends the bytes that a test asks for.
#ifndef DCC_TESTS_EASY_HANDLE_HPP
#define DCC_TESTS_EASY_HANDLE_HPP

#include <algorithm>
#include <atomic>
#include <cstring>
#include <functional>
#include <string>

#include <curl/curl.h>

#include "../cpp/expect.hpp"
#include "loopback_server.hpp"

class easy_handle {
public:
    explicit easy_handle(const std::string &url) : easy_(curl_easy_init())
    {
        EXPECT(easy_ != nullptr);
        curl_easy_setopt(easy_, CURLOPT_PROXY, "");
        curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, write);
        curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
        // With this limit a test fails, and does not hang, if its transfer does not stop.
        const auto limit = 5 * gives_up_after;
        curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, static_cast<long>(limit.count()));
        begin(url);
    }

    easy_handle(const easy_handle &) = delete;
    easy_handle &operator=(const easy_handle &) = delete;

    ~easy_handle() { curl_easy_cleanup(easy_); }

    CURL *get() const { return easy_; }

    void begin(const std::string &url)
    {
        curl_easy_setopt(easy_, CURLOPT_URL, url.c_str());
        body.clear();
        received = 0;
        on_write = nullptr;
    }

    // The next transfer sends this many bytes.
    void upload(std::size_t size)
    {
        to_send_ = make_body(size);
        sent = 0;
        curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(easy_, CURLOPT_READFUNCTION, read);
        curl_easy_setopt(easy_, CURLOPT_READDATA, this);
        curl_easy_setopt(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(size));
        // The server answers only at the end.
        curl_easy_setopt(easy_, CURLOPT_EXPECT_100_TIMEOUT_MS, 1L);
    }

    std::string body;
    std::function<void()> on_write;
    std::atomic<std::size_t> received{0}, sent{0};

private:
    static std::size_t write(char *bytes, std::size_t one, std::size_t count, void *data)
    {
        easy_handle &self = *static_cast<easy_handle *>(data);
        self.body.append(bytes, one * count);
        self.received += one * count;
        if (self.on_write)
            self.on_write();
        return one * count;
    }

    static std::size_t read(char *bytes, std::size_t one, std::size_t count, void *data)
    {
        easy_handle &self = *static_cast<easy_handle *>(data);
        const std::size_t length = std::min(one * count, self.to_send_.size() - self.sent);
        std::memcpy(bytes, self.to_send_.data() + self.sent, length);
        self.sent += length;
        return length;
    }

    CURL *easy_;
    std::string to_send_;
};

#endif
