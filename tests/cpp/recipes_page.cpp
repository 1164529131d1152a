// The code of docs/recipes.md, with a host of the kind that the page is about.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "gate.hpp"
#include "hangs.hpp"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using mesh = std::vector<double>;
using offsets = std::vector<double>;

// This is called when half of the work is done.
thread_local std::function<void()> half_way;

void tell_half_way(std::size_t position, std::size_t size)
{
    if (position == size / 2 && half_way)
        std::exchange(half_way, nullptr)();
}

template <class Change> bool change_each(mesh &changed, Change change)
{
    dcc::poller cancelled;
    for (std::size_t i = 0; i < changed.size(); ++i) {
        tell_half_way(i, changed.size());
        if (cancelled())
            return false;
        change(changed[i], i);
    }
    return true;
}

bool apply(mesh &moved, const offsets &by)
{
    return change_each(moved, [&by](double &point, std::size_t i) { point += by[i]; });
}

bool restore(mesh &moved, const mesh &before)
{
    return change_each(moved, [&before](double &point, std::size_t i) { point = before[i]; });
}

bool smooth(mesh &smoothed)
{
    return change_each(smoothed, [](double &point, std::size_t) { point *= 0.5; });
}

struct undo_stack {
    std::vector<mesh> steps;
    std::function<void()> pushing; // what happens at the same moment

    void push(const char *, const mesh &before)
    {
        if (pushing)
            pushing();
        steps.push_back(before);
    }
};

std::string result_of(const dcc::job &job)
{
    return job.state() == dcc::job_state::completed ? "smoothed" : "not smoothed";
}

struct scene {
    std::atomic<bool> in_use{false};
    ~scene() { EXPECT(!in_use); }
};

using picture = int;
gate render_begins;

picture render()
{
    render_begins.open();
    dcc::poller cancelled;
    while (!cancelled())
        std::this_thread::yield();
    throw dcc::cancelled_error();
}

// A host's pool: nothing is current on its threads.
class pool {
public:
    pool() : thread_([this] { work(); }) {}
    ~pool()
    {
        submit(nullptr);
        thread_.join();
    }

    void submit(std::function<void()> function)
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        waiting_.push_back(std::move(function));
        changed_.notify_all();
    }

private:
    void work()
    {
        for (;;) {
            std::unique_lock<std::mutex> lock(mutex_);
            changed_.wait(lock, [this] { return !waiting_.empty(); });
            const std::function<void()> next = std::move(waiting_.front());
            waiting_.pop_front();
            lock.unlock();
            if (!next)
                return;
            next();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> waiting_;
    std::thread thread_;
};

#include "recipes_page.inc"

void a_rollback_is_whole()
{
    mesh moved(1000, 1.0);
    const offsets by(1000, 1.0);
    const dcc::job job = dcc::job::create({"Move"});
    half_way = [&job] { job.cancel("Esc"); };
    EXPECT(dcc::run(job, [&] { return move_points(moved, by); }) == dcc::job_state::cancelled);
    EXPECT(moved == mesh(1000, 1.0));
    EXPECT(dcc::run(dcc::job::create(), [&] { return move_points(moved, by); }) ==
           dcc::job_state::completed);
    EXPECT(moved == mesh(1000, 2.0));
}

// Pumps until the job is over, and cancels it after this many ticks.
dcc::job_state pump_to_the_end(const dcc::dispatcher &ui, const dcc::job &job, int ticks_before_the_cancel)
{
    while (!job.wait_for(0s)) {
        if (ticks_before_the_cancel-- == 0)
            job.cancel("Esc");
        ui.pump(1ns); // one slice
    }
    return job.state();
}

void an_edit_in_slices_is_one_undo_step_or_none()
{
    const mesh whole(100, 1.0);
    const dcc::dispatcher ui = dcc::dispatcher::create();
    mesh edited = whole;
    undo_stack undo;
    dcc::job job = post_smoothing(ui, edited, undo);
    EXPECT(pump_to_the_end(ui, job, -1) == dcc::job_state::completed);
    EXPECT(undo.steps == std::vector<mesh>{whole} && edited == mesh(whole.size(), 0.5));

    edited = whole;
    undo.steps.clear();
    job = post_smoothing(ui, edited, undo);
    ui.pump(1ns);
    EXPECT(job.state() == dcc::job_state::running && edited != whole); // between two slices
    EXPECT(pump_to_the_end(ui, job, 0) == dcc::job_state::cancelled);
    EXPECT(undo.steps.empty() && edited == whole);

    job = post_smoothing(ui, edited, undo);
    undo.pushing = [&job] { EXPECT(!job.cancel("too late") && dcc_job_is_sealed(job.get()) == DCC_SEALED); };
    EXPECT(pump_to_the_end(ui, job, -1) == dcc::job_state::completed);
    EXPECT(undo.steps.size() == 1 && edited != whole);

    edited = whole;
    undo.steps.clear();
    undo.pushing = [] { throw std::runtime_error("the undo stack is full"); };
    job = post_smoothing(ui, edited, undo);
    EXPECT(pump_to_the_end(ui, job, -1) == dcc::job_state::failed);
    EXPECT(undo.steps.empty() && edited == whole);
}

const char *const cancel_of_1 =
    R"({"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}})";

void the_agent_is_told_what_became_of_the_scene()
{
    dcc::session_options options;
    options.replies = dcc::reply_policy::cancelled;
    dcc::session agent = dcc::session::create(options);
    const auto cancel = [&agent] { agent.handle_message(cancel_of_1); };
    const mesh whole(100, 1.0);
    mesh edited = whole;
    undo_stack undo;

    half_way = cancel;
    const std::string answer = smooth_for_agent(agent.begin(1), edited, undo);
    EXPECT(answer.find("-32800") != std::string::npos && undo.steps.empty() && edited == whole);

    undo.pushing = cancel; // it comes after the commit
    EXPECT(smooth_for_agent(agent.begin(1), edited, undo) == "smoothed");
    EXPECT(undo.steps == std::vector<mesh>{whole} && edited != whole);
}

void a_scene_is_freed_when_its_jobs_have_stopped()
{
    auto shown = std::make_unique<scene>();
    gate begun;
    const dcc::job job = dcc::job::create({"Bake"});
    std::thread baking([&job, &begun, &used = *shown] {
        dcc::run(job, [&begun, &used] {
            used.in_use = true;
            begun.open();
            dcc::poller cancelled;
            while (!cancelled())
                std::this_thread::yield();
            std::this_thread::sleep_for(1ms);
            used.in_use = false;
            return false;
        });
    });
    begun.wait();
    EXPECT(free_scene(shown, {job, dcc::job()}) && !shown);
    EXPECT(job.state() == dcc::job_state::cancelled);
    baking.join();

    shown = std::make_unique<scene>();
    const dcc::job not_begun = dcc::job::create({"Bake later"});
    EXPECT(free_scene(shown, {not_begun}) && !shown);
    EXPECT(dcc_job_begin(not_begun.get()) < 0);

    const dcc::dispatcher ui = dcc::dispatcher::create();
    shown = std::make_unique<scene>();
    dcc::post_options options;
    options.completion = [&used = *shown](const dcc::job &, dcc::job_state) { used.in_use = false; };
    const dcc::job posted = ui.post("Bake", [&used = *shown] {
        used.in_use = true;
        return dcc::step::again;
    }, options);
    ui.pump(1ns);
    EXPECT(shown->in_use && posted.try_wait_for(hangs_after) == DCC_ERROR_WOULD_DEADLOCK);
    EXPECT(free_scene_on_ui_thread(shown, posted, ui) && !shown);
    EXPECT(posted.state() == dcc::job_state::cancelled);
}

void a_render_stops_when_its_last_window_is_closed()
{
    const dcc::dispatcher ui = dcc::dispatcher::create();
    shared_render shared;
    dcc::token first = dcc::token::create();
    const dcc::token second = dcc::token::create();
    const std::shared_future<picture> result = picture_for(first, shared, ui);
    picture_for(second, shared, ui);
    render_begins.wait();
    first.reset();
    EXPECT(!shared.windows.is_cancelled());
    second.cancel("its window was closed");
    EXPECT(shared.windows.is_cancelled());
    bool was_cancelled = false;
    while (result.wait_for(0s) != std::future_status::ready)
        ui.pump(1ms);
    try {
        result.get();
    } catch (const dcc::cancelled_error &) {
        was_cancelled = true;
    }
    EXPECT(was_cancelled);

    const dcc::token third = dcc::token::create(); // too late for that render: one of its own
    picture_for(third, shared, ui);
    EXPECT(!shared.windows.is_cancelled());
    third.cancel();
    while (shared.result.wait_for(0s) != std::future_status::ready)
        ui.pump(1ms);
}

void the_parts_in_a_pool_are_cancelled_by_the_hosts_esc()
{
    pool workers;
    std::vector<mesh> parts(8, mesh(1000, 1.0));
    EXPECT(dcc::run(dcc::job::create(), [&] { return smooth_on(workers, parts); }) ==
           dcc::job_state::completed);
    EXPECT(parts.front() == mesh(1000, 0.5) && parts.back() == parts.front());

    // The key is pressed while the job's thread, which alone may ask, waits for the pool.
    std::atomic<bool> is_pressed{false};
    const std::thread::id ui = std::this_thread::get_id();
    dcc::job_options options;
    options.is_cancelled = [&is_pressed, ui] {
        EXPECT(std::this_thread::get_id() == ui);
        return is_pressed.load();
    };
    const dcc::job job = dcc::job::create(options);
    workers.submit([&] {
        half_way = [&] {
            is_pressed = true;
            while (!job.is_cancelled())
                std::this_thread::yield();
        };
    });
    EXPECT(dcc::run(job, [&] { return smooth_on(workers, parts); }) == dcc::job_state::cancelled);
    EXPECT(job.token().cause() == dcc::cause::foreign && parts.back() == mesh(1000, 0.5));
}

} // namespace

int main()
{
    a_rollback_is_whole();
    an_edit_in_slices_is_one_undo_step_or_none();
    the_agent_is_told_what_became_of_the_scene();
    a_scene_is_freed_when_its_jobs_have_stopped();
    a_render_stops_when_its_last_window_is_closed();
    the_parts_in_a_pool_are_cancelled_by_the_hosts_esc();
    return 0;
}
