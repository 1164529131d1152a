// Works with sessions, which are counted here. compare/requests.rs compares their times.
#include "counted.hpp"
#include "ours.hpp"

#include <cstdio>

namespace {

dcc_request_id integer(std::int64_t number)
{
    dcc_request_id id{};
    id.type = DCC_ID_INTEGER;
    id.integer = number;
    return id;
}

dcc_request *begin(const dcc_session *session, const dcc_request_id &id)
{
    dcc_request_desc desc{};
    desc.struct_size = sizeof desc;
    desc.id = id;
    dcc_request *request = nullptr;
    require(dcc_request_begin(session, &desc, &request) == DCC_OK);
    return request;
}

void end(dcc_request *request)
{
    require(dcc_request_end(request, nullptr) == DCC_OK);
    require(dcc_request_release(request) == DCC_OK);
}

// A session with some requests in flight.
dcc_session *shared_session()
{
    static dcc_session *const session = [] {
        dcc_session_desc desc{};
        desc.struct_size = sizeof desc;
        dcc_session *made = nullptr;
        require(dcc_session_create(&desc, &made) == DCC_OK);
        for (std::int64_t number = 1; number <= 16; ++number) begin(made, integer(-number));
        return made;
    }();
    return session;
}

const AddWork integer_request{"begin and end a request, an integer", [](std::uint64_t times) {
    std::int64_t number = 0;
    call_repeatedly(times, [&] { end(begin(shared_session(), integer(++number))); });
}};

// The ids are as long as those of clients. Writing the text is not counted; only the library's own work is.
class TextRequests : public Prepared {
public:
    explicit TextRequests(std::uint64_t count) : texts_(count)
    {
        for (std::uint64_t i = 0; i < count; ++i)
            std::snprintf(texts_[i].data(), texts_[i].size(), "request-%08llu",
                          static_cast<unsigned long long>(i + 1));
    }

    void run() override
    {
        for (const auto &text : texts_) {
            dcc_request_id id{};
            id.type = DCC_ID_TEXT;
            id.text = text.data();
            id.text_length = std::string_view("request-00000000").size();
            end(begin(shared_session(), id));
        }
    }

private:
    std::vector<std::array<char, 32>> texts_;
};

const AddPrepared<TextRequests> text_request{"begin and end a request, a text"};

const AddWork other_message{"a message that cancels nothing", [](std::uint64_t times) {
    constexpr std::string_view message =
        R"({"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"bake","arguments":{}}})";
    call_repeatedly(times, [&] {
        require(dcc_session_handle_message(shared_session(), message.data(), message.size(), nullptr) ==
                DCC_OK);
    });
}};

} // namespace
