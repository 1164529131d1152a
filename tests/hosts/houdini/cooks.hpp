// Scenario: cooks that run to their end, and cooks that are stopped in each way.
#ifndef DCC_TESTS_HOUDINI_COOKS_HPP
#define DCC_TESTS_HOUDINI_COOKS_HPP

#include "cook.hpp"

namespace cooks {

constexpr GA_Index side = 60;
constexpr exint iterations = 20;
// In the middle of a loop, which has as many chunks left as there are threads.
const int middle = chunks_of_cook(side * side, iterations) / 2;

inline bool nothing_is_current()
{
    return dcc_job_current() == nullptr && dcc_cancel_token_current() == nullptr;
}

inline void to_the_end()
{
    smooth_node smooth("whole", side, iterations);
    host::forget_questions();
    host::set_before_chunk([main = std::this_thread::get_id()] {
        // A loop that left something current on a thread of the pool would stop the next loop.
        EXPECT(std::this_thread::get_id() == main || nothing_is_current());
    });
    const auto begin = host::clock::now();
    EXPECT(smooth.cook());
    const auto elapsed = host::clock::now() - begin;
    host::set_before_chunk(nullptr);
    EXPECT(smooth.is_right());
    EXPECT(!same(smooth.result(), positions(smooth.input.geometry()), 0.1F));
    EXPECT(!smooth.is_untouched());
    EXPECT(nothing_is_current());
    EXPECT(!find_by_label("/obj/whole"));

    const std::vector<host::question> questions = host::questions();
    EXPECT(!questions.empty());
    // One more question is for the percentage at the end.
    EXPECT(static_cast<long>(questions.size()) <= elapsed / std::chrono::milliseconds(20) + 2);
}

// The percentages that this thread's cook reports. Only this thread reports them, and they do not fall.
inline std::vector<int> percentages()
{
    std::vector<int> result;
    for (const host::question &question : host::questions()) {
        EXPECT(question.thread == std::this_thread::get_id());
        EXPECT(result.empty() || question.percent >= result.back());
        result.push_back(question.percent);
    }
    return result;
}

// A cook reports its progress by its questions: both steps in one percentage, up to the end.
inline void tells_how_far_it_is()
{
    smooth_node smooth("percentage", side, iterations);
    host::forget_questions();
    {
        held_cook agent(middle, [](held_cook &) {
            EXPECT(find_by_label("/obj/percentage").progress_message() == "Smooth");
            wait_for_a_question_to_be_due();
        });
        EXPECT(smooth.cook());
    }
    EXPECT(smooth.is_right());
    const std::vector<int> shown = percentages();
    EXPECT(shown.front() <= 0 && shown.back() == 100);
    // The questions from half-way on; a fifth of the whole is the search for neighbours.
    const auto is_half_way = [](int percent) { return percent > 40 && percent < 90; };
    EXPECT(std::any_of(shown.begin(), shown.end(), is_half_way));
    EXPECT(host::shown_percent() == -1);
}

inline void stopped_by_esc()
{
    smooth_node smooth("esc", side, iterations);
    host::forget_questions();
    dcc::job job;
    {
        held_cook user(middle, [&job](held_cook &held) {
            job = find_by_label("/obj/esc");
            held.wait_for_all_threads();
            wait_for_a_question_to_be_due();
            host::press_esc();
            // Only the cooking thread asks Houdini; the other threads learn of the answer through the job.
            EXPECT(!job.is_cancelled());
            held.release_cooking_thread();
            EXPECT(job.token().wait_for(hangs_after));
        });
        const bool was_stopped = !smooth.cook();
        EXPECT(was_stopped);
    }
    EXPECT(smooth.error() == "Interrupted by the user");
    EXPECT(smooth.is_untouched());
    EXPECT(job && job.state() == dcc::job_state::cancelled);
    EXPECT(job.token().cause() == dcc::cause::foreign);
    EXPECT(threads_that_saw(job) == stand_in::number_of_threads);
    // The bar of a stopped cook does not reach its end, and disappears.
    EXPECT(percentages().back() > 40 && percentages().back() < 90);
    EXPECT(host::shown_percent() == -1);
    // Houdini is not asked for a job that is over, although the agent still holds the job.
    host::forget_questions();
    EXPECT(job.is_cancelled());
    EXPECT(host::questions().empty());

    EXPECT(smooth.cook());
    EXPECT(smooth.is_right());
}

inline void stopped_by_an_agent()
{
    smooth_node smooth("agent", side, iterations);
    std::size_t questions = 0;
    dcc::job job;
    {
        held_cook agent(middle, [&](held_cook &held) {
            job = find_by_label("/obj/agent");
            held.wait_for_all_threads();
            EXPECT(job.state() == dcc::job_state::running);
            EXPECT(dcc::job::find(job.id()).cancel("no longer needed"));
            questions = host::questions().size();
        });
        const bool was_stopped = !smooth.cook();
        EXPECT(was_stopped);
    }
    // Esc had no part in this; one question may have been on its way.
    EXPECT(host::questions().size() <= questions + 1);
    EXPECT(smooth.error() == "Cancelled: no longer needed");
    EXPECT(smooth.is_untouched());
    EXPECT(job.state() == dcc::job_state::cancelled);
    EXPECT(threads_that_saw(job) == stand_in::number_of_threads);
    EXPECT(nothing_is_current());

    EXPECT(smooth.cook());
    EXPECT(smooth.is_right());
}

// A script cooks the node for an agent's request, whose token is current.
inline void stopped_by_the_current_token()
{
    smooth_node smooth("request", side, iterations);
    const dcc::token request = dcc::token::create();
    {
        dcc::token_scope current(request);
        held_cook agent(middle, [&](held_cook &) { request.cancel("request 7"); });
        EXPECT(!smooth.cook());
    }
    EXPECT(smooth.error() == "Cancelled: request 7");
    EXPECT(smooth.is_untouched());

    // If the token was cancelled before, nothing is computed.
    std::atomic<int> chunks{0};
    host::set_before_chunk([&] { ++chunks; });
    const dcc::job outer = dcc::job::create({"outer"});
    outer.cancel("too late");
    {
        dcc::job_scope current(outer);
        EXPECT(!smooth.cook());
    }
    EXPECT(chunks == 0);
    EXPECT(smooth.error() == "Cancelled: too late");
    host::set_before_chunk(nullptr);
    EXPECT(smooth.cook() && smooth.is_right());
}

// A cook can also be stopped during the search for neighbours, when it has no percentage yet.
inline void stopped_at_the_beginning()
{
    smooth_node smooth("beginning", side, iterations);
    held_cook agent(1, [](held_cook &) {
        EXPECT(find_by_label("/obj/beginning").cancel("at once"));
    });
    EXPECT(!smooth.cook());
    EXPECT(smooth.error() == "Cancelled: at once");
    EXPECT(smooth.is_untouched());
}

// The cancel comes while the cook writes, after the point of no return: both sides are told so.
inline void a_cancel_that_comes_too_late()
{
    smooth_node smooth("late", side, iterations);
    dcc::job job;
    dcc_status told = DCC_OK;
    host::set_before_write([&] {
        job = find_by_label("/obj/late");
        EXPECT(job.is_sealed() && nothing_is_current());
        std::thread([&] { told = dcc_job_cancel(job.get(), nullptr, 0); }).join();
        host::press_esc();
        EXPECT(!job.is_cancelled());
    });
    EXPECT(smooth.cook());
    host::set_before_write(nullptr);
    EXPECT(told == DCC_SEALED && job.state() == dcc::job_state::completed);
    EXPECT(smooth.is_right());
}

// Two cooks at the same time: a cancel of one does not affect the other.
inline void side_by_side()
{
    smooth_node first("first", side, iterations), second("second", side, iterations);
    held_cook agent(middle, [](held_cook &) {
        EXPECT(wait_for_label("/obj/first").cancel("only the first"));
    });
    bool first_is_whole = true, second_is_whole = false;
    std::thread one([&] { first_is_whole = first.cook(); });
    std::thread other([&] { second_is_whole = second.cook(); });
    one.join();
    other.join();
    EXPECT(!first_is_whole && first.is_untouched());
    EXPECT(second_is_whole && second.is_right());
}

// Work that a waiting thread does for other code is not part of the cook.
inline void keeps_to_itself()
{
    smooth_node smooth("itself", side, iterations);
    host::set_other_task([] { EXPECT(nothing_is_current()); });
    EXPECT(smooth.cook());
    host::set_other_task(nullptr);
}

// Open curves, unused points, primitives that are not polygons, and empty geometry.
inline void all_kinds_of_geometry()
{
    host::geometry_node input("kinds_input");
    GU_Detail &detail = input.geometry();
    for (int i = 0; i < 25; ++i)
        add_point(detail, UT_Vector3F(float(i), float(i % 4), float(i * i % 5)));
    add_polygon(detail, {0, 1, 2, 3, 4}, true);
    add_polygon(detail, {2, 1, 20, 21}, true);
    add_polygon(detail, {5, 6, 7, 8, 9, 10}, false);
    add_polygon(detail, {11}, true);
    add_polygon(detail, {12, 12, 13}, true);
    add_polygon(detail, {}, false);
    detail.appendPrimitive(std::make_shared<GEO_Primitive>(GEO_PRIMSPHERE));
    detail.getP()->bumpDataId();

    const std::unique_ptr<SOP_Node> node(host::create_node("kinds"));
    node->setInput(0, &input);
    OP_Context context(0);
    for (const exint count : {0, 1, 7}) {
        for (const float strength : {0.0F, 0.3F, 1.0F}) {
            node->setInt("iterations", 0, 0, count);
            node->setFloat("strength", 0, 0, fpreal(strength));
            EXPECT(node->cook(context));
            EXPECT(same(positions(*node->getLastGeo()), smoothed(detail, count, strength), 1e-5F));
        }
    }
    host::geometry_node nothing("nothing");
    node->setInput(0, &nothing);
    EXPECT(node->cook(context) && node->getLastGeo()->getNumPoints() == 0);
}

inline void run()
{
    to_the_end();
    tells_how_far_it_is();
    stopped_by_esc();
    stopped_by_an_agent();
    stopped_by_the_current_token();
    stopped_at_the_beginning();
    a_cancel_that_comes_too_late();
    side_by_side();
    keeps_to_itself();
    all_kinds_of_geometry();
}

} // namespace cooks

#endif
