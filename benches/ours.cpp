// The works of dcc-cancel. Functions are called through the shared library; polls are inlined.
#include "ours.hpp"

namespace {

const AddWork poll_of_token{"poll of a given token", [](std::uint64_t times) {
    const dcc_poll_layer layer = dcc_poll_of(shared_token());
    ask_repeatedly(times, [=] { return dcc_poll_one(layer) != DCC_OK; });
}};

const AddWork poll_of_current_token{"poll of the current token", [](std::uint64_t times) {
    const Installed installed;
    const dcc_poll_layer layer = dcc_poll_current().token;
    ask_repeatedly(times, [=] { return dcc_poll_one(layer) != DCC_OK; });
}};

const AddWork poll_of_both{"poll of both layers", [](std::uint64_t times) {
    const Installed installed;
    const dcc_poll_pair pair = dcc_poll_current();
    ask_repeatedly(times, [=] { return dcc_poll(pair) != DCC_OK; });
}};

const AddWork probe{"dcc_check_cancelled", [](std::uint64_t times) {
    const Installed installed;
    call_repeatedly(times, [] { require(dcc_check_cancelled() == DCC_OK); });
}};

// The question is asked inside a slice of an hour.
const AddWork slice_is_over{"dcc_slice_is_over", [](std::uint64_t times) {
    static std::uint64_t asked;
    asked = times;
    dcc_post_desc desc{};
    desc.struct_size = sizeof desc;
    desc.function = [](const dcc_job *, void *) -> std::int32_t {
        call_repeatedly(asked, [] { require(dcc_slice_is_over() == DCC_OK); });
        return DCC_OK;
    };
    require(dcc_dispatcher_post(shared_dispatcher(), &desc, nullptr, nullptr) == DCC_OK);
    constexpr std::uint64_t hour_ns = 3'600'000'000'000;
    require(dcc_dispatcher_pump(shared_dispatcher(), hour_ns, DCC_NO_LIMIT, nullptr) == DCC_OK);
}};

// The share never ends and no thread reads it; the loop has a counter of its own.
const AddWork advance{"dcc_progress_advance", [](std::uint64_t times) {
    static dcc_progress *const share = [] {
        dcc_job_desc job_desc{};
        job_desc.struct_size = sizeof job_desc;
        dcc_job *job = nullptr;
        require(dcc_job_create(&job_desc, &job) == DCC_OK);
        dcc_ticket ticket = 0;
        require(dcc_job_set_current(job, &ticket) == DCC_OK);
        dcc_progress_desc desc{};
        desc.struct_size = sizeof desc;
        dcc_progress *begun = nullptr;
        require(dcc_progress_begin(&desc, &begun) == DCC_OK);
        require(dcc_job_reset_current(ticket) == DCC_OK);
        return begun;
    }();
    dcc_progress_counter counter = dcc_progress_counter_of(share);
    ask_repeatedly(times, [&] { return dcc_progress_advance(&counter, 1) != DCC_OK; });
    require(dcc_progress_flush(&counter) == DCC_OK);
}};

const AddWork is_cancelled{"dcc_cancel_token_is_cancelled", [](std::uint64_t times) {
    dcc_cancel_token *const token = shared_token();
    call_repeatedly(times, [=] { require(dcc_cancel_token_is_cancelled(token) == DCC_OK); });
}};

const AddWork set_and_reset{"set and reset current", [](std::uint64_t times) {
    dcc_cancel_token *const token = shared_token();
    call_repeatedly(times, [=] {
        dcc_ticket ticket = 0;
        require(dcc_cancel_token_set_current(token, &ticket) == DCC_OK);
        require(dcc_cancel_token_reset_current(ticket) == DCC_OK);
    });
}};

const AddWork create_and_release{"create and release", [](std::uint64_t times) {
    call_repeatedly(times, [] {
        dcc_cancel_token *token = nullptr;
        require(dcc_cancel_token_create(&token) == DCC_OK);
        require(dcc_cancel_token_release(token) == DCC_OK);
    });
}};

const AddWork create_and_release_child{"create and release a child", [](std::uint64_t times) {
    const dcc_cancel_token *const parents[] = {shared_token()};
    dcc_cancel_token_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.parents = parents;
    desc.parent_count = 1;
    call_repeatedly(times, [&] {
        dcc_cancel_token *token = nullptr;
        require(dcc_cancel_token_create_from(&desc, &token) == DCC_OK);
        require(dcc_cancel_token_release(token) == DCC_OK);
    });
}};

void ignore(const dcc_cancel_token *, void *) {}

const AddWork register_and_unregister{"register and unregister", [](std::uint64_t times) {
    dcc_cancel_token *const token = shared_token();
    call_repeatedly(times, [=] {
        dcc_registration *registration = nullptr;
        require(dcc_cancel_token_register(token, ignore, nullptr, nullptr, nullptr,
                                          &registration) == DCC_OK);
        require(dcc_registration_unregister(registration) == DCC_OK);
    });
}};

// Posts this many jobs, then runs them in one tick.
void post_and_run(std::uint64_t times, std::uint64_t batch)
{
    std::uint64_t runs = 0;
    for (std::uint64_t i = 0; i < times; i += batch) {
        for (std::uint64_t job = 0; job < batch; ++job) post(runs);
        require(dcc_dispatcher_pump(shared_dispatcher(), DCC_NO_LIMIT, batch, nullptr) == DCC_OK);
    }
    require(runs >= times);
}

const AddWork post_one{"post and run one job", [](std::uint64_t times) { post_and_run(times, 1); }};

const AddWork post_many{"post and run 64 jobs", [](std::uint64_t times) { post_and_run(times, 64); }};

const bool disturbs = [] {
    disturbance = [] {
        require(dcc_cancel_token_retain(shared_token()) == DCC_OK);
        require(dcc_cancel_token_release(shared_token()) == DCC_OK);
    };
    return true;
}();

} // namespace
