// A QProgressDialog that is bound to a job: clicks, keys and closing cancel the job, and other code may
// cancel it, too. The dialog stays until the job has really ended. The test leaves pictures of it.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <thread>
#include <utility>

#include <QtCore/QPointer>
#include <QtWidgets/QApplication>

#include "dcc_cancel/adapters/qt_pump.hpp"
#include "qt_dialog_shows.hpp"

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t rows = 1000;

void bake_row()
{
    const auto end = test_clock::now() + 300us;
    while (test_clock::now() < end) {
    }
}

// A click cancels a worker's job. Returns how long the job went on after that.
double clicked_job(bool polled)
{
    const dcc::job job = dcc::job::create({"Bake ambient occlusion"});
    gate clicked;
    test_clock::time_point clicked_at, ended_at;
    std::thread worker([&] {
        dcc::run(job, [&] {
            dcc::poller cancelled;
            for (std::uint64_t row = 0; row < rows; ++row) {
                bake_row();
                job.set_progress(row, rows);
                // The job waits here, so that it cannot end first on a busy machine.
                if (row == rows / 4)
                    clicked.wait();
                if (polled && cancelled())
                    return false;
            }
            return true;
        });
        ended_at = test_clock::now();
    });
    dialog shown(job);
    show(shown);
    EXPECT_SOON(bar(shown).value() == 250);
    clicked_at = test_clock::now();
    click_cancel(shown);
    clicked.open();
    EXPECT_SOON(!shown.isVisible());
    worker.join();
    const bool was_stopped = job.state() == dcc::job_state::cancelled;
    EXPECT(was_stopped);
    return milliseconds(ended_at - clicked_at);
}

double whole_job()
{
    const auto begin = test_clock::now();
    for (std::uint64_t row = 0; row < rows; ++row)
        bake_row();
    return milliseconds(test_clock::now() - begin);
}

void stays_until_the_job_has_ended()
{
    const dcc::job job = running_job();
    dialog shown(job);
    int finished = 0;
    QObject::connect(&shown, &QDialog::finished, [&](int result) {
        EXPECT(result == QDialog::Rejected);
        ++finished;
    });
    show(shown);
    EXPECT(shown.labelText() == "Bake ambient occlusion\ntexel row 42 of 100");
    EXPECT(bar(shown).text() == "50%" && button(shown).isEnabled() && button(shown).text() == "Cancel");
    take_picture(shown, "running.png");
    const QSize size = shown.size();
    click_cancel(shown);
    EXPECT_SOON(state_shown(shown) == "Cancelling: the user cancelled it");
    EXPECT(job.token().reason() == "the user cancelled it");
    EXPECT(job.state() == dcc::job_state::running && shown.isVisible());
    EXPECT(!button(shown).isEnabled());
    // Nothing closes the dialog before the job's end.
    QTest::keyClick(&shown, Qt::Key_Escape);
    EXPECT(!shown.close());
    shown.reject();
    QTest::qWait(100);
    EXPECT(shown.isVisible() && finished == 0 && bar(shown).text() == "50%" && shown.size() == size);
    EXPECT(job.acknowledge_cancel());
    EXPECT_SOON(finished == 1);
    EXPECT(!shown.isVisible() && shown.result() == QDialog::Rejected);
    QTest::qWait(100);
    EXPECT(finished == 1 && !shown.isVisible());
}

// Each of these actions emits canceled() and is only a request.
template <class Act> void cancels(Act act)
{
    const dcc::job job = running_job();
    dialog shown(job);
    int cancelled = 0;
    QObject::connect(&shown, &QProgressDialog::canceled, [&] { ++cancelled; });
    show(shown);
    act(shown);
    EXPECT(cancelled == 1 && job.token().cause() == dcc::cause::request && shown.isVisible());
    EXPECT(job.acknowledge_cancel());
    EXPECT_SOON(!shown.isVisible());
    EXPECT(cancelled == 1);
}

void all_ways_to_cancel()
{
    cancels([](dialog &shown) { click_cancel(shown); });
    cancels([](dialog &shown) { button(shown).click(); });
    cancels([](dialog &shown) { QTest::keyClick(&shown, Qt::Key_Escape); });
    cancels([](dialog &shown) { EXPECT(!shown.close()); });
    cancels([](dialog &shown) { shown.reject(); });
    // The application cannot quit while the dialog is open.
    cancels([](dialog &) { QApplication::closeAllWindows(); });
    cancels([](dialog &shown) {
        // The host may prefer a dialog without a button.
        shown.setCancelButtonText(QString());
        EXPECT(shown.findChild<QPushButton *>() == nullptr);
        QTest::keyClick(&shown, Qt::Key_Escape);
    });
    // The same before it was shown.
    const dcc::job job = running_job();
    dialog hidden(job);
    EXPECT(!hidden.close() && job.token().cause() == dcc::cause::request);
}

void others_cancel()
{
    const dcc::job job = running_job();
    dialog shown(job);
    int cancelled = 0;
    QObject::connect(&shown, &QProgressDialog::canceled, [&] { ++cancelled; });
    show(shown);
    std::thread([&] { job.cancel("the agent gave up"); }).join();
    EXPECT_SOON(state_shown(shown) == "Cancelling: the agent gave up");
    EXPECT(!button(shown).isEnabled() && cancelled == 0);
    take_picture(shown, "cancelling.png");
    // The job may still complete.
    EXPECT(job.complete());
    EXPECT_SOON(!shown.isVisible());
    EXPECT(shown.result() == QDialog::Accepted);

    const dcc::job late = running_job();
    dialog of_late(late);
    show(of_late);
    late.token().set_deadline_after(1ms);
    EXPECT_SOON(state_shown(of_late).startsWith("Cancelling"));
}

void shows_its_steps_as_one_bar_with_the_time_left()
{
    dcc::job job = dcc::job::create({"Export"});
    EXPECT(job.begin());
    const dcc::job_scope current(job);
    dialog shown(job);
    dcc::progress all(4, "Scene");
    {
        const auto step = all.step(2, "Textures");
        dcc::progress library(1000);
        EXPECT(library.set_message("4k.exr") && !library.advance(500) && !library.flush());
        show(shown);
        EXPECT_SOON(bar(shown).value() == 250 && state_shown(shown) == "Scene > Textures > 4k.exr");
    }
    EXPECT_SOON(bar(shown).value() == 500 && state_shown(shown) == "Scene");
    // The remaining time is known once the job has run for a while.
    const auto step = all.step(2, "Write");
    dcc::progress library(10'000'000);
    EXPECT_SOON(!library.advance(1000) && !library.flush() && state_shown(shown).endsWith(" left"));
    EXPECT(state_shown(shown).startsWith("Scene > Write, about "));
    EXPECT(job.complete());
    EXPECT_SOON(!shown.isVisible());
    EXPECT(shown.result() == QDialog::Accepted);
}

void executed_and_modal()
{
    const dcc::job job = running_job();
    dialog shown(job);
    std::thread worker;
    QTimer::singleShot(0, &shown, [&] {
        EXPECT(shown.isModal() && shown.isVisible());
        worker = std::thread([&] {
            EXPECT(job.set_progress(100, 100));
            EXPECT(job.complete());
        });
    });
    EXPECT(shown.exec() == QDialog::Accepted);
    worker.join();
    const dcc::job other = running_job();
    dialog opened(other);
    opened.open();
    EXPECT(opened.isModal() && opened.isVisible() && other.complete());
    EXPECT_SOON(!opened.isVisible());
    // It can be called again, although the job has ended.
    EXPECT(shown.exec() == QDialog::Accepted);
    shown.show();
    EXPECT_SOON(!shown.isVisible());
}

void delete_on_close()
{
    const auto is_deleted = [](auto show_it) {
        const dcc::job job = running_job();
        auto *shown = new dialog(job);
        shown->setAttribute(Qt::WA_DeleteOnClose);
        const QPointer<dialog> watched(shown);
        show_it(*shown);
        EXPECT(comes_to_rest() && watched);
        EXPECT(job.complete());
        return happens([&] { return !watched; });
    };
    EXPECT(is_deleted([](dialog &shown) { shown.show(); }));
    EXPECT(is_deleted([](dialog &) {}));
    EXPECT(is_deleted([](dialog &shown) {
        shown.show();
        shown.hide();
    }));
}

void goes_before_and_after_the_job()
{
    const dcc::job job = running_job();
    {
        dialog shown(job);
        show(shown);
    }
    {
        dialog hidden(job);
        show(hidden);
        hidden.hide();
        EXPECT(comes_to_rest());
    }
    EXPECT(job.token().cause() == dcc::cause::none && job.complete());
    dialog of_ended(job);
    dialog of_none{dcc::job()};
    show(of_ended);
    show(of_none);
    EXPECT_SOON(!of_ended.isVisible() && !of_none.isVisible());
    EXPECT(of_ended.result() == QDialog::Accepted && of_none.result() == QDialog::Rejected);
    // The last reference to the job is released: it ends as interrupted, although the dialog is open.
    std::optional<dcc::job> left = running_job();
    const dcc::token token = left->token();
    dialog of_left(*left);
    show(of_left);
    left.reset();
    EXPECT_SOON(!of_left.isVisible());
    EXPECT(of_left.result() == QDialog::Rejected);
}

// Code that a cancel calls may delete the dialog, in each way to cancel.
template <class Act> void goes_in_its_own_cancel(Act act)
{
    const dcc::job job = running_job();
    auto *shown = new dialog(job);
    show(*shown);
    dcc::cancel_callback close_all(job.token(), [&] { delete std::exchange(shown, nullptr); });
    act(*shown);
    EXPECT(shown == nullptr && comes_to_rest());
}

// A job that blocks the UI thread, polls, and sometimes lets the event loop run.
void on_the_ui_thread()
{
    dcc::job_options options;
    options.label = "Bake";
    options.is_cancelled = [] {
        QCoreApplication::processEvents();
        return false;
    };
    options.min_interval = 20ms;
    const dcc::job job = dcc::job::create(options);
    dialog shown(job);
    shown.setWindowModality(Qt::ApplicationModal);
    shown.show();
    // The user, who watches for a while first.
    QTimer user;
    user.callOnTimeout([&] {
        if (bar(shown).value() > 0 && button(shown).isEnabled())
            click_cancel(shown);
    });
    user.start(10);
    const auto longest = test_clock::now() + hangs_after;
    const dcc::job_state end = dcc::run(job, [&] {
        dcc::poller cancelled;
        std::uint64_t done = 0;
        while (!cancelled() && test_clock::now() < longest)
            job.set_progress(std::min<std::uint64_t>(++done, 1000), 10'000);
        return test_clock::now() >= longest;
    });
    EXPECT(end == dcc::job_state::cancelled);
    EXPECT_SOON(!shown.isVisible());
}

// The header's own snippet, beside a pump in the same event loop: a job that is posted meanwhile does not run
// inside the running job.
void no_other_job_runs_in_the_middle()
{
    dcc::qt_pump ui;
    bool is_half_edited = false;
    int others = 0, turns = 0;
    QTimer turning;
    turning.callOnTimeout([&] { ++turns; });
    dcc::job_options options;
    options.is_cancelled = [] {
        QCoreApplication::processEvents();
        return false;
    };
    options.min_interval = 1ms;
    const dcc::job job = dcc::job::create(options);
    const dcc::job_state end = dcc::run(job, [&] {
        is_half_edited = true;
        std::thread agent([&] {
            ui.dispatcher().post("Edit", [&] {
                EXPECT(!is_half_edited);
                ++others;
            });
        });
        agent.join();
        // Long enough for the loop to see the post and for the pump's timer to fire several times.
        turning.start(40);
        dcc::poller cancelled;
        while (turns < 3 && !cancelled())
            std::this_thread::yield();
        is_half_edited = false;
        return true;
    });
    turning.stop();
    EXPECT(end == dcc::job_state::completed && others == 0);
    EXPECT_SOON(others == 1);
}

// The code of the header's first lines.
void of_a_posted_job()
{
    dcc::qt_pump ui;
    bool is_over = false;
    dcc::post_options options;
    options.completion = [&](const dcc::job &, dcc::job_state state) {
        is_over = state == dcc::job_state::cancelled;
    };
    QWidget main_window;
    auto *shown = new dialog(ui.dispatcher().post("Bake", [] { return dcc::step::again; }, options),
                             &main_window);
    const QPointer<dialog> watched(shown);
    shown->setAttribute(Qt::WA_DeleteOnClose);
    show(*shown);
    click_cancel(*shown);
    EXPECT_SOON(is_over);
    EXPECT_SOON(!watched);
}

} // namespace

int main(int argc, char **argv)
{
    qputenv("QT_QPA_PLATFORM", "offscreen");
    qputenv("QT_SCALE_FACTOR", "2");
    QApplication::setStyle("fusion");
    QApplication application(argc, argv);
    QApplication::setQuitOnLastWindowClosed(false);
    const double to_end = clicked_job(is_polled(argc, argv));
    print_figure("qt_progress_dialog", to_end, whole_job());
    stays_until_the_job_has_ended();
    all_ways_to_cancel();
    others_cancel();
    shows_its_steps_as_one_bar_with_the_time_left();
    executed_and_modal();
    minimum_duration();
    delete_on_close();
    says_how_it_ended();
    a_bar_for_each_total();
    texts_are_harmless();
    speaks_the_hosts_language();
    goes_before_and_after_the_job();
    goes_in_its_own_cancel([](dialog &shown) { click_cancel(shown); });
    goes_in_its_own_cancel([](dialog &shown) { QTest::keyClick(&shown, Qt::Key_Escape); });
    goes_in_its_own_cancel([](dialog &shown) { shown.close(); });
    is_no_poll();
    on_the_ui_thread();
    no_other_job_runs_in_the_middle();
    of_a_posted_job();
    return 0;
}
