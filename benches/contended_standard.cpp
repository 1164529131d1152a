// Work that two threads do with the C++ standard library at the same time.
#include "contended.hpp"

#include <stop_token>

namespace {

class Creating : public Thing {
public:
    void run() override
    {
        call_repeatedly(contended_calls, [] {
            std::stop_source source;
            shown(source);
        });
    }
};

class Registering : public Thing {
public:
    void run() override
    {
        const std::stop_token token = source_.get_token();
        call_repeatedly(contended_calls, [&] {
            std::stop_callback callback(token, [] {});
            shown(callback);
        });
    }

private:
    std::stop_source source_;
};

class Cancelling : public Thing {
public:
    void run() override
    {
        for (std::stop_source &source : sources_) source.request_stop();
    }

    void renew() override { sources_ = std::vector<std::stop_source>(contended_calls); }

private:
    std::vector<std::stop_source> sources_{contended_calls};
};

const AddContended<Creating> creating{"std::stop_source", nullptr};
const AddContended<Registering> registering{"std::stop_callback", "source"};
const AddContended<Cancelling> cancelling{"std::stop_source::request_stop", "source"};

} // namespace
