// The effects of a post, a pump and a close on callables. Also compiled without exceptions and RTTI; the
// throwing half is then left out.

#include "dcc_cancel.hpp"
#include "expect.hpp"
#include "hangs.hpp"

#include <cstdio>
#include <functional>
#include <memory>
#include <new>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

[[maybe_unused]] bool has_memory = true;

} // namespace

// With clang's ThreadSanitizer no other operator new may be defined; under valgrind its own is called and
// this one is not.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_SANITIZERS_NEW
#endif
#endif

#if !defined(HAS_SANITIZERS_NEW)
// The wrapper allocates with this operator.
void *operator new(std::size_t size, const std::nothrow_t &) noexcept
{
    return has_memory ? ::operator new(size) : nullptr;
}
#endif

namespace {

// Counts how often the object that it was moved into is destroyed; copies count, too.
struct destroyed {
    explicit destroyed(int *count) : count_(count) {}
    destroyed(const destroyed &other) : count_(other.count_) {}
    destroyed(destroyed &&other) noexcept : count_(std::exchange(other.count_, nullptr)) {}
    ~destroyed()
    {
        if (count_ != nullptr)
            ++*count_;
    }

    int *count_;
};

dcc::job_state state_after(const dcc::dispatcher &queue, const dcc::job &job)
{
    queue.pump_all();
    return job.state();
}

void a_callable_runs_in_the_pump_and_goes_when_its_job_is_over()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int gone = 0;
    std::string seen;
    const dcc::job job = queue.post("bake", [&seen, kept = destroyed(&gone)](const dcc::job &self) {
        EXPECT(self == dcc::job::current() && self.state() == dcc::job_state::running);
        seen = self.label();
    });
    EXPECT(job && job.state() == dcc::job_state::pending && seen.empty() && gone == 0);
    const dcc::tick tick = queue.pump_all();
    EXPECT(tick.status == DCC_OK && tick.executed == 1 && tick.completed == 1);
    EXPECT(seen == "bake" && gone == 1 && job.state() == dcc::job_state::completed);
    queue.pump_all();
    EXPECT(gone == 1);
}

dcc_status answer_five_below() { return -5; }

void what_a_callable_answers_is_how_its_job_ends()
{
    using state = dcc::job_state;
    dcc::dispatcher queue = dcc::dispatcher::create();
    EXPECT(state_after(queue, queue.post("", [] {})) == state::completed);
    EXPECT(state_after(queue, queue.post("", [] { return true; })) == state::completed);
    EXPECT(state_after(queue, queue.post("", [] { return false; })) == state::failed);
    EXPECT(state_after(queue, queue.post("", [](const dcc::job &job) { return !job.cancel(); })) ==
           state::cancelled);
    EXPECT(state_after(queue, queue.post("", [] { return dcc::step::done; })) == state::completed);
    EXPECT(state_after(queue, queue.post("", [] { return dcc_status(DCC_OK); })) == state::completed);
    EXPECT(state_after(queue, queue.post("", [](const dcc::job &job) {
               job.cancel();
               return dcc_check_cancelled();
           })) == state::cancelled);
    const dcc::job failed = queue.post("", answer_five_below);
    EXPECT(state_after(queue, failed) == state::failed);
    EXPECT(failed.failure() == "its function answered -5");
    // If the callable ended its job itself, that end stays.
    EXPECT(state_after(queue, queue.post("", [](const dcc::job &job) { job.fail("no disk"); })) ==
           state::failed);
}

void a_step_is_called_tick_by_tick()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::job job = queue.post("", [left = 3]() mutable {
        return --left > 0 ? dcc::step::again : dcc::step::done;
    });
    dcc::tick tick = queue.pump_all();
    EXPECT(tick.executed == 1 && tick.completed == 0 && tick.remaining == 1);
    EXPECT(tick.next && *tick.next <= 17ms);
    queue.pump_all();
    EXPECT(job.state() == dcc::job_state::running);
    tick = queue.pump_all();
    EXPECT(tick.completed == 1 && tick.remaining == 0 && !tick.next);
    EXPECT(job.state() == dcc::job_state::completed);
}

void a_step_gives_the_tick_back_when_its_slice_is_over()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int items = 0;
    auto smooth = [&items] {
        for (; items < 10; ++items) {
            if (dcc::slice_is_over())
                return dcc::step::again;
        }
        return dcc::step::done;
    };
    const dcc::job job = queue.post("", smooth);
    queue.pump(1ns);
    EXPECT(items > 0 && job.state() == dcc::job_state::running);
    EXPECT(queue.pump_all().completed == 1 && items == 10);

    items = 0;
    const dcc::job cancelled = queue.post("", [&] {
        dcc::job::current().cancel();
        return smooth();
    });
    queue.pump_all();
    EXPECT(items == 0 && cancelled.state() == dcc::job_state::cancelled);
    EXPECT(!dcc::slice_is_over());
}

void a_step_sleeps_until_it_is_woken()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    bool is_there = false;
    const dcc::job job = queue.post("", [&is_there] {
        return is_there ? dcc::step::done : dcc::step::when_woken;
    });
    EXPECT(queue.pump_all().executed == 1);
    const dcc::tick tick = queue.pump_all();
    EXPECT(tick.executed == 0 && tick.remaining == 0 && !tick.next);
    is_there = true;
    EXPECT(job.wake());
    EXPECT(queue.pump_all().completed == 1 && job.state() == dcc::job_state::completed);
    EXPECT(!dcc::job().wake() && !dcc::job::create().wake());
}

void a_step_that_unwinds_is_called_once_more_after_a_cancel()
{
    for (const bool unwinds : {false, true}) {
        dcc::dispatcher queue = dcc::dispatcher::create();
        int undone = 0;
        dcc::post_options options;
        options.unwinds = unwinds;
        const auto work = [&undone] {
            if (!dcc::is_cancelled())
                return dcc::step::when_woken;
            ++undone;
            return dcc::step::done;
        };
        const dcc::job job = queue.post("", work, options);
        queue.pump_all();
        EXPECT(job.cancel() && undone == 0);
        EXPECT(queue.pump_all().completed == 1 && undone == (unwinds ? 1 : 0));
        EXPECT(job.state() == (unwinds ? dcc::job_state::completed : dcc::job_state::cancelled));
    }
}

void callables_may_be_move_only_or_copied()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int sum = 0;
    queue.post("", [&sum, seven = std::make_unique<int>(7)] { sum += *seven; });
    const auto ten = std::make_shared<int>(10);
    const auto add = [&sum, ten] { sum += *ten; };
    queue.post("", add);
    EXPECT(ten.use_count() == 3); // here, in `add`, in its copy
    std::function<void()> twenty = [&sum] { sum += 20; };
    queue.post("", std::ref(twenty));
    queue.pump_all();
    EXPECT(sum == 37 && ten.use_count() == 2);
}

void the_job_it_gets_is_lent_and_may_be_kept()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::job kept;
    dcc::job ended;
    dcc::post_options options;
    options.completion = [&ended](const dcc::job &job, dcc::job_state) { ended = job; };
    std::uint64_t id = queue.post("", [&kept](dcc::job job) { kept = job; }, options).id();
    queue.pump_all();
    EXPECT(kept.id() == id && kept == ended);
    kept.reset();
    EXPECT(dcc::job::find(id) == ended);
    ended.reset();
    EXPECT(!dcc::job::find(id)); // no reference too many
}

void a_completion_is_told_once_and_may_post()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int gone = 0;
    int told = 0;
    bool second_ran = false;
    dcc::post_options options;
    options.completion = [&](const dcc::job &job, dcc::job_state state) {
        EXPECT(state == dcc::job_state::completed && job.state() == state && gone == 0);
        ++told;
        EXPECT(queue.pump_all().status == DCC_ERROR_REENTRANT);
        queue.post("next", [&second_ran] { second_ran = true; });
    };
    queue.post("", [kept = destroyed(&gone)] {}, std::move(options));
    queue.pump_all();
    EXPECT(told == 1 && gone == 1);
    queue.pump_all();
    EXPECT(told == 1 && second_ran);
}

void a_cancelled_job_never_runs_but_is_completed()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    int gone = 0;
    int told = 0;
    dcc::token parent = dcc::token::create();
    dcc::post_options options;
    options.parent = parent;
    options.completion = [&told](const dcc::job &, dcc::job_state state) {
        EXPECT(state == dcc::job_state::cancelled);
        ++told;
    };
    const auto never = [kept = destroyed(&gone)] { EXPECT(false); };
    const dcc::job first = queue.post("", never, options);
    const dcc::job second = queue.post("", never, options);
    first.cancel("Esc");
    EXPECT(queue.stats().depth == 1);
    parent.cancel();
    EXPECT(queue.stats().depth == 0 && told == 0 && gone == 0);
    const dcc::tick tick = queue.pump_all();
    EXPECT(tick.executed == 0 && tick.cancelled == 2 && told == 2 && gone == 2);
}

void a_refused_post_destroys_its_callable_once_and_says_how_full_it_is()
{
    dcc::dispatcher_options settings;
    settings.capacity = 2;
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(settings));
    queue.post("", [] {});
    queue.post("", [] {});
    int gone = 0;
    bool ran = false;
    auto callable = [kept = destroyed(&gone), &ran] { ran = true; };
    dcc::job job = dcc::job::create({"another"});
    dcc::admission found;
    EXPECT(queue.try_post(job, "", callable, {}, &found) == DCC_ERROR_OVERLOADED && !job);
    EXPECT(found.depth == 2 && found.capacity == 2 && gone == 1); // the copy
    EXPECT(found.retry_after >= 1ms && found.retry_after <= 1s && queue.stats().rejected == 1);
#if DCC_CANCEL_EXCEPTIONS
    bool thrown = false;
    try {
        queue.post("", callable);
    } catch (const dcc::overloaded_error &error) {
        thrown = true;
        EXPECT(error.status() == DCC_ERROR_OVERLOADED);
        EXPECT(error.admission().depth == 2 && error.admission().capacity == 2);
        EXPECT(error.admission().retry_after >= 1ms);
        EXPECT(std::string(error.what()).find("2 jobs wait and 2 may") == 0);
    }
    EXPECT(thrown && gone == 2);
#else
    EXPECT(!queue.post("", callable) && gone == 2);
#endif
    queue.pump_all();
    EXPECT(queue.try_post(job, "", std::move(callable), {}, &found) == DCC_OK && job);
    EXPECT(found.depth == 1 && gone == 2);
    queue.pump_all();
    EXPECT(ran && gone == 3);
}

void an_id_finds_its_job_and_is_taken_while_it_lives()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::post_options options;
    options.caller_id = "request 7";
    const dcc::job first = queue.post("", [] {}, options);
    EXPECT(queue.find("request 7") == first && !queue.find("request 8"));
    dcc::job second;
    EXPECT(queue.try_post(second, "", [] {}, options) == DCC_ERROR_DUPLICATE && !second);
#if DCC_CANCEL_EXCEPTIONS
    bool thrown = false;
    try {
        queue.post("", [] {}, options);
    } catch (const dcc::overloaded_error &) {
    } catch (const dcc::error &error) {
        thrown = error.status() == DCC_ERROR_DUPLICATE;
    }
    EXPECT(thrown);
#endif
    queue.pump_all();
    EXPECT(!queue.find("request 7"));
}

void lanes_go_in_order()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    std::string order;
    dcc::post_options options;
    options.lane = dcc::lane::background;
    queue.post("", [&order] { order += "background "; }, options);
    queue.post("", [&order] { order += "normal "; });
    options.lane = dcc::lane::interactive;
    queue.post("", [&order] { order += "interactive "; }, options);
    queue.pump_all();
    EXPECT(order == "interactive normal background ");
}

void a_deadline_is_the_posts_or_else_the_dispatchers()
{
    dcc::dispatcher_options settings;
    settings.default_deadline = 1ns;
    dcc::dispatcher queue = dcc::dispatcher::create(std::move(settings));
    dcc::post_options options;
    const dcc::job usual = queue.post("", [] {});
    EXPECT(usual.token().wait_for(hangs_after) && usual.token().cause() == dcc::cause::deadline);
    options.deadline = dcc::no_limit;
    const dcc::job never = queue.post("", [] {}, options);
    options.deadline = 1h;
    const dcc::job later = queue.post("", [] {}, options);
    EXPECT(!never.token().time_to_deadline() && later.token().time_to_deadline() > 59min);
    // A job that is over already stays over.
    dcc::dispatcher without = dcc::dispatcher::create();
    options.deadline = -1s;
    const dcc::job late = without.post("", [] {}, options);
    EXPECT(late.token().wait_for(hangs_after));
    queue.pump_all();
    without.pump_all();
    EXPECT(usual.state() == dcc::job_state::cancelled && late.state() == dcc::job_state::cancelled);
    EXPECT(never.state() == dcc::job_state::completed);
}

void a_pump_is_bounded()
{
    static_assert(dcc::detail::duration_of(DCC_NO_LIMIT) == dcc::no_limit, "not a negative one");
    dcc::dispatcher queue = dcc::dispatcher::create();
    for (int count = 0; count < 5; ++count)
        queue.post("", [] { std::this_thread::sleep_for(2ms); });
    EXPECT(queue.pump(0s).executed == 0 && queue.pump(-1s).executed == 0);
    EXPECT(queue.pump(dcc::no_limit, 0).executed == 0);
    dcc::tick tick = queue.pump(std::chrono::hours::max(), 2);
    EXPECT(tick.executed == 2 && tick.remaining == 3 && tick.overrun == 0s);
    tick = queue.pump(1us);
    EXPECT(tick.executed == 1 && tick.elapsed >= 2ms && tick.overrun == tick.elapsed - 1us);
    EXPECT(tick.next && *tick.next <= 17ms);
    EXPECT(queue.pump_all().executed == 2);
}

void only_its_own_thread_pumps_and_not_inside_a_job()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::tick inside;
    queue.post("", [&] { inside = queue.pump_all(); });
    std::thread([queue] {
        EXPECT(queue.pump_all().status == DCC_ERROR_WRONG_THREAD);
    }).join();
    EXPECT(queue.pump_all().executed == 1);
    EXPECT(inside.status == DCC_ERROR_REENTRANT && inside.executed == 0);
    dcc::dispatcher_options settings;
    settings.bind_later = true;
    dcc::dispatcher later = dcc::dispatcher::create(std::move(settings));
    std::thread([later] { EXPECT(later.pump_all().status == DCC_OK); }).join();
    EXPECT(later.pump_all().status == DCC_ERROR_WRONG_THREAD);
}

void a_job_for_any_thread_runs_on_another()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const std::thread::id here = std::this_thread::get_id();
    std::thread::id ran_on = here;
    std::thread::id completed_on;
    dcc::post_options options;
    options.any_thread = true;
    options.completion = [&](const dcc::job &, dcc::job_state) {
        completed_on = std::this_thread::get_id();
    };
    const dcc::job job = queue.post("", [&] { ran_on = std::this_thread::get_id(); }, options);
    while (completed_on == std::thread::id()) {
        std::this_thread::sleep_for(1ms);
        queue.pump_all();
    }
    EXPECT(ran_on != here && completed_on == here && job.state() == dcc::job_state::completed);
}

void copies_are_one_and_the_last_shuts_it_down()
{
    int gone = 0;
    std::vector<dcc::job_state> ends;
    dcc::post_options options;
    options.completion = [&ends](const dcc::job &, dcc::job_state state) { ends.push_back(state); };
    dcc::job job;
    {
        dcc::dispatcher queue = dcc::dispatcher::create();
        {
            dcc::dispatcher copy = queue;
            EXPECT(copy == queue && dcc::dispatcher::share(queue.get()) == queue);
            job = copy.post("", [kept = destroyed(&gone)] { EXPECT(false); }, options);
        }
        dcc::dispatcher moved = std::move(queue);
        EXPECT(!queue && moved.stats().depth == 1 && ends.empty());
    }
    EXPECT(gone == 1 && ends == std::vector{dcc::job_state::interrupted});
    EXPECT(job.state() == dcc::job_state::interrupted);
}

void a_close_ends_what_waits_and_refuses_the_rest()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::job waits = queue.post("", [] { EXPECT(false); });
    std::thread([queue] { EXPECT(queue.close() == DCC_PENDING); }).join();
    EXPECT(queue.close() == DCC_OK && queue.stats().is_closed);
    EXPECT(waits.state() == dcc::job_state::interrupted);
    dcc::job refused;
    EXPECT(queue.try_post(refused, "", [] {}) == DCC_ERROR_SHUTDOWN);
}

void an_empty_one_refuses_all()
{
    const dcc::dispatcher none;
    dcc::job job;
    EXPECT(!none && none.try_post(job, "", [] {}) < 0 && none.pump_all().status < 0);
    EXPECT(none.close() == DCC_OK && !none.find("1") && none.longest_label().empty());
    EXPECT(none.stats().capacity == 0);
}

void without_memory_nothing_is_made()
{
    has_memory = false;
    void *const made = ::operator new(1, std::nothrow);
    has_memory = true;
    if (made != nullptr) {
        ::operator delete(made);
        std::puts("SKIPPED what happens without memory: what checks this program has its own new");
        return;
    }
    dcc::dispatcher queue = dcc::dispatcher::create();
    dcc::dispatcher other = queue;
    const dcc::job waiting = queue.post("", [] {});
    dcc::job job = waiting;
    dcc::waited_job waited = queue.post_and_wait("", [] {}, dcc::no_limit);
    has_memory = false;
    EXPECT(dcc::dispatcher::try_create(other) == DCC_ERROR_RESOURCES && !other);
    EXPECT(queue.try_post(job, "", [] {}) == DCC_ERROR_RESOURCES && !job);
    EXPECT(queue.try_post_and_wait(waited, "", [] {}, dcc::no_limit) == DCC_ERROR_RESOURCES);
    EXPECT(waited.end == dcc::wait_end::refused && !waited.job);
    job = waiting;
    EXPECT(dcc::job::try_create(job) == DCC_ERROR_RESOURCES && !job);
    has_memory = true;
    EXPECT(queue.stats().posted == 2);
}

void its_statistics_are_those_of_the_library()
{
    dcc::dispatcher queue = dcc::dispatcher::create();
    const dcc::job slow = queue.post("slow", [] { std::this_thread::sleep_for(50ms); });
    queue.post("quick", [] {});
    queue.post("failing", [](const dcc::job &job) { job.fail("no disk"); });
    queue.post("", [] {}).cancel();
    queue.post("", [&queue, &slow](const dcc::job &self) {
        const dcc::dispatcher_stats inside = queue.stats();
        EXPECT(inside.present_job_id == self.id() && inside.running == 1);
        EXPECT(inside.longest_job_id == slow.id() && !inside.is_wedged);
        EXPECT(inside.since_last_tick == 0ns);
    });
    const dcc::dispatcher_stats before = queue.stats();
    EXPECT(before.depth == 4 && before.awaiting_completion == 1 && before.oldest_wait > 0s);
    EXPECT(!before.since_last_tick);
    EXPECT(queue.pump(1ms).remaining > 0);
    queue.pump_all();
    const dcc::dispatcher_stats stats = queue.stats();
    EXPECT(stats.capacity == 1024 && stats.posted == 5 && stats.executed == 4);
    EXPECT(stats.completed == 3 && stats.failed == 1 && stats.cancelled == 1);
    EXPECT(stats.ticks == 2 && stats.overruns == 1 && stats.longest_tick >= 50ms);
    std::this_thread::sleep_for(1ms); // a modal dialog of the host
    EXPECT(queue.stats().since_last_tick >= 1ms);
    EXPECT(stats.run.longest >= 50ms && stats.run.p50 < 50ms && stats.run.p99 >= stats.run.p95);
    EXPECT(stats.wait.longest >= stats.wait.p50 && stats.wait.p50 > 0s);
    EXPECT(queue.longest_label() == "slow" && stats.present_job_id == 0);
    EXPECT(stats.interrupted == 0 && stats.rejected == 0 && stats.between_slices == 0);
    queue.post("", [] { return dcc::step::again; });
    queue.pump_all();
    EXPECT(queue.stats().between_slices == 1);
    EXPECT(queue.close() == DCC_OK && queue.stats().interrupted == 1);
}

} // namespace

int main()
{
    a_callable_runs_in_the_pump_and_goes_when_its_job_is_over();
    what_a_callable_answers_is_how_its_job_ends();
    a_step_is_called_tick_by_tick();
    a_step_gives_the_tick_back_when_its_slice_is_over();
    a_step_sleeps_until_it_is_woken();
    a_step_that_unwinds_is_called_once_more_after_a_cancel();
    callables_may_be_move_only_or_copied();
    the_job_it_gets_is_lent_and_may_be_kept();
    a_completion_is_told_once_and_may_post();
    a_cancelled_job_never_runs_but_is_completed();
    a_refused_post_destroys_its_callable_once_and_says_how_full_it_is();
    an_id_finds_its_job_and_is_taken_while_it_lives();
    lanes_go_in_order();
    a_deadline_is_the_posts_or_else_the_dispatchers();
    a_pump_is_bounded();
    only_its_own_thread_pumps_and_not_inside_a_job();
    a_job_for_any_thread_runs_on_another();
    copies_are_one_and_the_last_shuts_it_down();
    a_close_ends_what_waits_and_refuses_the_rest();
    an_empty_one_refuses_all();
    without_memory_nothing_is_made();
    its_statistics_are_those_of_the_library();
    return 0;
}
