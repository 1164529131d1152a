// Ends a process while the library is at work, in the way that the first argument names. The process must end
// soon and with status 0. `--list` prints the ways.

#include "dcc_cancel.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);           \
            std::fflush(stderr);                                                                   \
            std::_Exit(1);                                                                         \
        }                                                                                          \
    } while (false)

namespace {

constexpr std::uint64_t second = 1000000000;
constexpr std::uint64_t hour = 3600 * second;

std::atomic<int> called{0};
std::atomic<int> destroyed{0};

void count_call(const dcc_cancel_token *, void *)
{
    ++called;
}

void count_destroy(void *)
{
    ++destroyed;
}

dcc_cancel_token *new_token()
{
    dcc_cancel_token *token = nullptr;
    EXPECT(dcc_cancel_token_create(&token) == DCC_OK);
    return token;
}

void listen(dcc_cancel_token *token, dcc_cancel_fn function)
{
    EXPECT(dcc_cancel_token_register(token, function, nullptr, count_destroy, nullptr, nullptr) ==
           DCC_OK);
}

void await(const std::atomic<int> &count, int value)
{
    while (count != value)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

[[noreturn]] void stay_for_ever(const dcc_cancel_token *, void *)
{
    for (++called;;)
        std::this_thread::sleep_for(std::chrono::hours(1));
}

// Handles as a plugin keeps them: in a static object whose destructor releases them.
struct handles {
    bool used = false;
    dcc_cancel_token *token = nullptr;
    dcc_registration *registration = nullptr;
    dcc_owner *owner = nullptr;

    void use()
    {
        used = true;
        token = new_token();
        EXPECT(dcc_owner_create(&owner) == DCC_OK);
        EXPECT(dcc_cancel_token_register(token, count_call, nullptr, count_destroy, owner,
                                         &registration) == DCC_OK);
        listen(token, count_call);
        EXPECT(dcc_cancel_token_set_deadline_after(token, hour) == DCC_OK);
    }

    ~handles()
    {
        if (!used)
            return;
        EXPECT(dcc_check_cancelled() == DCC_OK);
        EXPECT(dcc_registration_unregister(registration) == DCC_OK);
        EXPECT(dcc_owner_close(owner) == DCC_OK);
        EXPECT(dcc_cancel_token_cancel(token, nullptr, 0) == DCC_OK);
        EXPECT(called == 1);
        EXPECT(destroyed == 2);
        EXPECT(dcc_cancel_token_wait(token, DCC_NO_LIMIT) == DCC_CANCELLED_BY_TOKEN);
        EXPECT(dcc_cancel_token_release(token) == DCC_OK);
    }
};

handles static_handles;

// Whether the host shuts the library down in the destructor of a static object, and the answer to that.
struct late_shutdown {
    bool wanted = false;
    dcc_status answer = DCC_OK;

    ~late_shutdown()
    {
        if (wanted)
            EXPECT(dcc_shutdown() == answer);
    }
};

late_shutdown static_shutdown;

void arm_many()
{
    for (int i = 0; i < 1000; ++i) {
        // These tokens are never released; half of their deadlines fire while the process ends.
        const std::uint64_t after = i % 2 == 0 ? hour : std::uint64_t(i) * 10000;
        dcc_cancel_token *token = new_token();
        listen(token, count_call);
        EXPECT(dcc_cancel_token_set_deadline_after(token, after) == DCC_OK);
    }
}

void start_waiting_threads()
{
    static std::atomic<int> waiting{0};
    dcc_cancel_token *token = new_token();
    for (int i = 0; i < 4; ++i) {
        std::thread([token] {
            ++waiting;
            dcc_cancel_token_wait(token, DCC_NO_LIMIT);
        }).detach();
    }
    await(waiting, 4);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

void armed_deadlines_and_exit()
{
    arm_many();
    std::exit(0);
}

void static_object()
{
    static_handles.use();
}

void everything_and_static_objects()
{
    static_handles.use();
    static_shutdown.wanted = true;
    start_waiting_threads();
    // arm_many is not used here, because it would count the deadlines that fire meanwhile.
    for (int i = 0; i < 1000; ++i)
        EXPECT(dcc_cancel_token_set_deadline_after(new_token(), std::uint64_t(i) * 10000) == DCC_OK);
}

void a_callback_that_never_returns()
{
    dcc_cancel_token *token = new_token();
    listen(token, stay_for_ever);
    EXPECT(dcc_cancel_token_cancel_async(token, nullptr, 0) == DCC_OK);
    await(called, 1);
}

void exit_here(const dcc_cancel_token *, void *)
{
    std::exit(0);
}

// Static destructors run on the library's callback thread.
void exit_from_a_callback()
{
    dcc_cancel_token *token = new_token();
    static_handles.use();
    static_shutdown.wanted = true;
    static_shutdown.answer = DCC_ERROR_WOULD_DEADLOCK;
    listen(token, exit_here);
    EXPECT(dcc_cancel_token_set_deadline_after(token, 1) == DCC_OK);
    for (;;)
        std::this_thread::sleep_for(std::chrono::hours(1));
}

// All calls that do not need the library's threads still work.
void expect_the_rest_works()
{
    dcc_cancel_token *token = new_token();
    const dcc_cancel_token *const parents[] = {token};
    dcc_cancel_token_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.parents = parents;
    desc.parent_count = 1;
    dcc_cancel_token *child = nullptr;
    dcc_owner *owner = nullptr;
    dcc_registration *registration = nullptr;
    dcc_native_event event = DCC_NO_NATIVE_EVENT;
    std::uint64_t time = 7;
    const int calls = called;
    const int notifies = destroyed;
    EXPECT(dcc_cancel_token_set_deadline_after(token, 1) == DCC_ERROR_SHUTDOWN);
    EXPECT(dcc_cancel_token_set_deadline(token, 1) == DCC_ERROR_SHUTDOWN);
    EXPECT(dcc_cancel_token_cancel_async(token, nullptr, 0) == DCC_ERROR_SHUTDOWN);
    EXPECT(dcc_cancel_token_is_cancelled(token) == DCC_OK);
    EXPECT(dcc_cancel_token_clear_deadline(token) == DCC_NOT_FOUND);
    EXPECT(dcc_cancel_token_deadline(token, &time) == DCC_NOT_FOUND);
    EXPECT(dcc_cancel_token_create_from(&desc, &child) == DCC_OK);
    EXPECT(dcc_owner_create(&owner) == DCC_OK);
    EXPECT(dcc_cancel_token_register(child, count_call, nullptr, count_destroy, owner,
                                     &registration) == DCC_OK);
    listen(child, count_call);
    EXPECT(dcc_registration_unregister(registration) == DCC_OK);
    EXPECT(dcc_cancel_token_native_event(child, &event) == DCC_OK);
    EXPECT(dcc_cancel_token_wait(child, 1000000) == DCC_TIMED_OUT);
    EXPECT(dcc_cancel_token_cancel(token, nullptr, 0) == DCC_OK);
    EXPECT(called == calls + 1);
    EXPECT(destroyed == notifies + 2);
    EXPECT(dcc_cancel_token_wait(child, DCC_NO_LIMIT) == DCC_CANCELLED_BY_TOKEN);
    EXPECT(dcc_native_event_close(event) == DCC_OK);
    EXPECT(dcc_owner_close(owner) == DCC_OK);
    EXPECT(dcc_cancel_token_release(child) == DCC_OK);
    EXPECT(dcc_cancel_token_release(token) == DCC_OK);
}

void shutdown_before_anything()
{
    EXPECT(dcc_shutdown() == DCC_OK);
    expect_the_rest_works();
    EXPECT(dcc_shutdown() == DCC_OK);
    expect_the_rest_works();
}

void shutdown_disarms_and_lets_due_callbacks_run()
{
    std::vector<dcc_cancel_token *> tokens;
    dcc_cancel_token *armed = new_token();
    dcc_stats stats = {};
    stats.struct_size = sizeof stats;
    EXPECT(dcc_cancel_token_set_deadline_after(armed, hour) == DCC_OK);
    for (int i = 0; i < 1000; ++i) {
        tokens.push_back(new_token());
        listen(tokens.back(), count_call);
        EXPECT(dcc_cancel_token_cancel_async(tokens.back(), nullptr, 0) == DCC_OK);
    }
    EXPECT(dcc_shutdown() == DCC_OK);
    EXPECT(called == 1000 && destroyed == 1000);
    EXPECT(dcc_cancel_token_is_cancelled(armed) == DCC_OK);
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    EXPECT(stats.armed_deadlines == 0 && stats.live_tokens == 1001);
    expect_the_rest_works();
    EXPECT(dcc_shutdown() == DCC_OK);
    tokens.push_back(armed);
    for (dcc_cancel_token *token : tokens)
        EXPECT(dcc_cancel_token_release(token) == DCC_OK);
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    EXPECT(stats.live_tokens == 0 && stats.live_registrations == 0 && stats.live_owners == 0);
}

std::atomic<dcc_status> heard{DCC_OK};

void shut_down_here(const dcc_cancel_token *, void *)
{
    heard = dcc_shutdown();
    ++called;
}

void shutdown_from_the_callback_thread()
{
    dcc_cancel_token *token = new_token();
    dcc_cancel_token *other = new_token();
    listen(token, shut_down_here);
    EXPECT(dcc_cancel_token_set_deadline_after(token, 1) == DCC_OK);
    await(called, 1);
    EXPECT(heard == DCC_ERROR_WOULD_DEADLOCK);
    // The shutdown was refused and changed nothing: the threads still work.
    EXPECT(dcc_cancel_token_set_deadline_after(other, 1) == DCC_OK);
    EXPECT(dcc_cancel_token_wait(other, 60 * second) == DCC_CANCELLED_BY_TOKEN);
    EXPECT(dcc_shutdown() == DCC_OK);
    expect_the_rest_works();
}

// A callback of a plain cancel runs on a thread that may shut the library down.
void shutdown_from_a_callback_of_another_thread()
{
    dcc_cancel_token *token = new_token();
    EXPECT(dcc_cancel_token_set_deadline_after(new_token(), hour) == DCC_OK);
    listen(token, shut_down_here);
    EXPECT(dcc_cancel_token_cancel(token, nullptr, 0) == DCC_OK);
    EXPECT(called == 1 && heard == DCC_OK);
    expect_the_rest_works();
}

void shutdown_does_not_wait_for_ever()
{
    const std::uint64_t start = dcc_clock_now_ns();
    a_callback_that_never_returns();
    EXPECT(dcc_shutdown() == DCC_TIMED_OUT);
    EXPECT(dcc_clock_now_ns() - start >= 5 * second);
}

std::int32_t do_nothing(const dcc_job *, void *)
{
    return DCC_OK;
}

dcc_status post_to_workers(const dcc_dispatcher *dispatcher, dcc_job_fn function, dcc_job **out_job)
{
    dcc_post_desc desc = {};
    desc.struct_size = sizeof desc;
    desc.flags = DCC_POST_ANY_THREAD;
    desc.function = function;
    desc.user_data = const_cast<dcc_dispatcher *>(dispatcher);
    return dcc_dispatcher_post(dispatcher, &desc, out_job, nullptr);
}

// A slice during which the library's workers are told to end.
std::int32_t go_on_after_the_shutdown(const dcc_job *, void *dispatcher)
{
    ++called;
    while (post_to_workers(static_cast<const dcc_dispatcher *>(dispatcher), do_nothing, nullptr) !=
           DCC_ERROR_SHUTDOWN)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return DCC_RUN_AGAIN;
}

void shutdown_interrupts_a_job_between_two_slices()
{
    dcc_dispatcher_desc desc = {};
    desc.struct_size = sizeof desc;
    dcc_dispatcher *dispatcher = nullptr;
    dcc_job *job = nullptr;
    EXPECT(dcc_dispatcher_create(&desc, &dispatcher) == DCC_OK);
    EXPECT(post_to_workers(dispatcher, go_on_after_the_shutdown, &job) == DCC_OK);
    await(called, 1);
    EXPECT(dcc_shutdown() == DCC_OK);
    EXPECT(dcc_dispatcher_pump(dispatcher, DCC_NO_LIMIT, DCC_NO_LIMIT, nullptr) == DCC_OK);
    std::int32_t state = DCC_JOB_PENDING;
    EXPECT(dcc_job_state(job, &state) == DCC_OK && state == DCC_JOB_INTERRUPTED);
    EXPECT(dcc_job_release(job) == DCC_OK && dcc_dispatcher_release(dispatcher) == DCC_OK);
}

// No callback is lost, whatever an async cancel answers while the threads end.
void shutdown_against_async_cancels()
{
    static std::atomic<int> done{0};
    constexpr int threads = 3;
    std::vector<std::thread> workers;
    static std::atomic<int> accepted{0};
    static std::atomic<int> registered{0};
    for (int i = 0; i < threads; ++i) {
        workers.emplace_back([] {
            for (int refused = 0; refused < 100;) {
                dcc_cancel_token *token = new_token();
                listen(token, count_call);
                ++registered;
                const dcc_status status = dcc_cancel_token_cancel_async(token, nullptr, 0);
                EXPECT(status == DCC_OK || status == DCC_ERROR_SHUTDOWN);
                status == DCC_OK ? ++accepted : ++refused;
                EXPECT(dcc_cancel_token_release(token) == DCC_OK);
            }
            ++done;
        });
    }
    // The shutdown comes in the middle of the cancels, however long a busy machine takes to start the
    // threads.
    while (accepted < 100)
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    EXPECT(dcc_shutdown() == DCC_OK);
    for (std::thread &worker : workers)
        worker.join();
    EXPECT(called == accepted);
    EXPECT(destroyed == registered);
}

struct way {
    const char *name;
    void (*run)();
};

#define WAY(function) {#function, function}
const way ways[] = {
    WAY(armed_deadlines_and_exit),
    WAY(static_object),
    WAY(everything_and_static_objects),
    WAY(a_callback_that_never_returns),
    WAY(exit_from_a_callback),
    WAY(shutdown_before_anything),
    WAY(shutdown_disarms_and_lets_due_callbacks_run),
    WAY(shutdown_from_the_callback_thread),
    WAY(shutdown_from_a_callback_of_another_thread),
    WAY(shutdown_does_not_wait_for_ever),
    WAY(shutdown_interrupts_a_job_between_two_slices),
    WAY(shutdown_against_async_cancels),
};

} // namespace

int main(int argc, char **argv)
{
    const char *wanted = argc == 2 ? argv[1] : "";
    for (const way &one : ways) {
        if (std::strcmp(wanted, "--list") == 0)
            std::printf("%s\n", one.name);
        else if (std::strcmp(wanted, one.name) == 0) {
            one.run();
            return 0;
        }
    }
    return std::strcmp(wanted, "--list") == 0 ? 0 : 9;
}
