// A coroutine that ends at each of its suspension points in turn, in each way. Compiled as C++20 only, and
// also without exceptions and RTTI.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "task_log.hpp"

#include <atomic>
#include <thread>

using namespace std::chrono_literals;

namespace {

enum class at { begin, slice, woken, token, time, job, worker, end };

// What a task awaits, and how far the task is.
struct world {
    log told;
    at place = at::begin;
    dcc::token token = dcc::token::create();
    dcc::job awaited = dcc::job::create();
    std::atomic<bool> has_begun{false};
    std::atomic<bool> may_return{false};
    std::atomic<bool> has_returned{false};
};

// Works until it is released or cancelled, and uses the frame all the time.
int work_elsewhere(world &all, const int &in_frame)
{
    all.has_begun = true;
    while (!all.may_return && dcc_check_cancelled() == DCC_OK)
        std::this_thread::yield();
    const int result = in_frame;
    all.has_returned = true;
    return result;
}

dcc::task<int> inner(world &all)
{
    const guard kept(all.told);
    all.place = at::slice;
    co_await dcc::slice();
    co_await dcc::slice();
    all.place = at::token;
    co_await all.token;
    all.place = at::time;
    co_await 1us;
    const int in_frame = 7;
    const auto work = [&all, &in_frame] { return work_elsewhere(all, in_frame); };
    all.place = at::worker;
    const int result = co_await dcc::on_worker(work);
    EXPECT(all.has_returned);
    all.place = at::slice;
    co_await dcc::slice();
    co_return result;
}

dcc::task<> outer(world &all)
{
    const guard kept(all.told);
    all.place = at::woken;
    co_await dcc::woken();
    {
        const guard within(all.told);
        all.told.committed += co_await inner(all);
    }
    all.place = at::job;
    EXPECT(co_await all.awaited == dcc::job_state::completed);
    all.place = at::slice;
    co_await dcc::slice();
    co_await dcc::slice();
    all.place = at::end;
    ++all.told.committed;
}

// Makes the event happen that the task awaits.
void provide(world &all, const dcc::job &job)
{
    switch (all.place) {
    case at::woken:
        EXPECT(job.wake());
        break;
    case at::token:
        all.token.cancel();
        break;
    case at::job:
        if (all.awaited.begin())
            all.awaited.complete();
        break;
    case at::worker:
        all.may_return = true;
        break;
    default:
        break;
    }
}

// One more slice of the task.
void step(world &all, const dcc::dispatcher &queue, const dcc::job &job)
{
    provide(all, job);
    const int before = all.told.completions;
    // The worker's job is completed in a pump as well, and that pump calls nothing.
    while (queue.pump(1ns, 1).executed == 0 && all.told.completions == before)
        std::this_thread::yield();
}

enum class way {
    cancel,
    // The cancel comes after a worker has begun its function, if the task awaits one.
    cancel_late,
    close,
    close_elsewhere,
    close_owner,
    close_owner_elsewhere,
    // The close comes while the task goes on.
    close_owner_at_any_time
};

// Closes an owner on another thread, which waits for this one. `when_ended`: this thread pumps only after the
// job is over.
void close_elsewhere(const dcc::dispatcher &queue, dcc::owner &owner, const dcc::job &job, bool when_ended)
{
    std::atomic<bool> is_closed{false};
    std::thread closer([&] {
        EXPECT(owner.close() == DCC_OK);
        is_closed = true;
    });
    while (when_ended && job.state() <= dcc::job_state::running)
        std::this_thread::yield();
    while (!is_closed) {
        queue.pump_all();
        std::this_thread::yield();
    }
    closer.join();
}

void end(world &all, const dcc::dispatcher &queue, dcc::owner &owner, const dcc::job &job, way ending)
{
    const int alive = all.told.made - all.told.destroyed;
    const at place = all.place;
    if (place == at::worker && ending != way::cancel) {
        while (!all.has_begun)
            std::this_thread::yield();
    }
    switch (ending) {
    case way::cancel:
    case way::cancel_late:
        EXPECT(job.cancel() && all.told.completions == 0);
        EXPECT(all.told.made - all.told.destroyed == alive); // nothing goes on inside a cancel
        pump_until_over(queue, all.told);
        break;
    case way::close:
        EXPECT(queue.close() >= DCC_OK);
        break;
    case way::close_elsewhere: {
        std::thread closer([&queue] { EXPECT(queue.close() == DCC_PENDING); });
        closer.join();
        EXPECT(all.told.made - all.told.destroyed == alive); // they wait for their thread
        break;
    }
    case way::close_owner:
        EXPECT(owner.close() == DCC_OK);
        break;
    case way::close_owner_elsewhere:
    case way::close_owner_at_any_time:
        close_elsewhere(queue, owner, job, ending == way::close_owner_elsewhere);
        break;
    }
    queue.pump_all();
    EXPECT(all.told.made == all.told.destroyed);
    EXPECT(!all.has_begun || all.has_returned);
    const dcc::job_state state = job.state();
    switch (ending) {
    case way::cancel:
    case way::cancel_late:
        EXPECT(state == dcc::job_state::cancelled && all.told.completions == 1);
        EXPECT(all.told.rolled_back == (DCC_CANCEL_EXCEPTIONS ? alive : 0));
        break;
    case way::close_owner_elsewhere:
        EXPECT(state == dcc::job_state::interrupted && all.told.completions == 0);
        break;
    case way::close_owner_at_any_time:
        EXPECT(state == dcc::job_state::interrupted || state == dcc::job_state::completed);
        EXPECT(all.told.completions <= 1);
        break;
    default:
        EXPECT(state == dcc::job_state::interrupted && all.told.completions == 1);
        break;
    }
}

std::uint64_t unfinished()
{
    dcc_stats stats = {};
    stats.struct_size = sizeof stats;
    EXPECT(dcc_stats_read(&stats) == DCC_OK);
    return stats.live_jobs + stats.live_registrations + stats.unfinished_posts + stats.live_dispatchers +
           stats.live_owners + stats.live_tokens + stats.live_contexts;
}

// Runs the task for this many slices, then ends it. Returns whether it had ended before.
bool end_after(int slices, way ending)
{
    world all;
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::owner owner = dcc::owner::create();
    dcc::post_options options = told_to(all.told);
    options.owner = &owner;
    const dcc::job job = queue.post("all", outer(all), options);
    for (int slice = 0; slice < slices && all.told.completions == 0; ++slice)
        step(all, queue, job);
    const bool was_over = all.told.completions != 0;
    EXPECT(slices == 0 || was_over || all.told.made > all.told.destroyed);
    if (was_over) {
        EXPECT(all.told.state == dcc::job_state::completed && all.told.committed == 8 && all.told.made == 3);
        EXPECT(all.told.destroyed == 3);
    } else {
        end(all, queue, owner, job, ending);
    }
    owner.close();
    queue.pump_all();
    EXPECT(queue.close() == DCC_OK);
    return was_over;
}

void a_task_may_end_at_each_of_its_awaits()
{
    for (const way ending : {way::cancel, way::cancel_late, way::close, way::close_elsewhere,
                             way::close_owner, way::close_owner_elsewhere,
                             way::close_owner_at_any_time}) {
        const std::uint64_t before = unfinished();
        int slices = 0;
        while (!end_after(slices, ending))
            EXPECT(++slices < 100000);
        // The workers and the timer may still hold the last references.
        while (unfinished() != before)
            std::this_thread::yield();
        EXPECT(slices > 6);
    }
}

class counting {
public:
    explicit counting(int &count) : count_(count) {}
    counting(const counting &) = delete;
    counting &operator=(const counting &) = delete;
    ~counting() { ++count_; }

private:
    int &count_;
};

dcc::task<> sleep_for_ever(int &destroyed)
{
    const counting counted(destroyed);
    co_await dcc::woken();
}

// The close does not wait for a thread that never comes back.
void the_frames_of_a_thread_that_has_ended_go_where_their_owner_is_closed()
{
    dcc::owner owner = dcc::owner::create();
    int destroyed = 0;
    dcc::job job;
    dcc_dispatcher *left = nullptr;
    std::thread thread([&] {
        dcc::dispatcher queue = dcc::dispatcher::create();
        dcc::post_options options;
        options.owner = &owner;
        job = queue.post("orphan", sleep_for_ever(destroyed), options);
        queue.pump_all();
        left = queue.detach();
    });
    thread.join();
    EXPECT(destroyed == 0);
    EXPECT(owner.close() == DCC_OK);
    EXPECT(job.state() == dcc::job_state::interrupted && destroyed == 1);
    static_cast<void>(dcc::dispatcher::adopt(left));
}

} // namespace

int main()
{
    a_task_may_end_at_each_of_its_awaits();
    the_frames_of_a_thread_that_has_ended_go_where_their_owner_is_closed();
}
