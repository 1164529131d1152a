// A cancel reaches Qt's event loop, where it ends an external program that a job has started.

#include <sys/resource.h>

#include <cstdio>
#include <filesystem>
#include <iterator>
#include <memory>
#include <thread>

#include <QtCore/QCoreApplication>
#include <QtCore/QProcess>
#include <QtCore/QThread>

#include "dcc_cancel/adapters/qt_notifier.hpp"
#include "qt_loop.hpp"

namespace {

std::ptrdiff_t open_descriptors()
{
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                         std::filesystem::directory_iterator());
}

struct after_cancel {
    double to_call, to_return;
};

// A job waits for an external renderer, which cannot poll. Returns how long after the cancel the renderer was
// notified and had ended.
after_cancel cancelled_render(bool polled)
{
    const dcc::job job = dcc::job::create({"Render"});
    EXPECT(job.begin());
    QProcess renderer;
    test_clock::time_point called;
    if (polled)
        new dcc::qt_notifier(job.token(), &renderer, [&] {
            called = test_clock::now();
            renderer.kill();
        });
    renderer.start("sleep", {polled ? QString::number(4 * hang_seconds) : QString("2")});
    EXPECT_SOON(renderer.state() == QProcess::Running);
    canceller user(job);
    user.work_has_begun();
    EXPECT_SOON(renderer.state() == QProcess::NotRunning);
    const auto returned = test_clock::now();
    const bool was_stopped = renderer.exitStatus() == QProcess::CrashExit;
    EXPECT(was_stopped);
    EXPECT(job.acknowledge_cancel());
    return {user.milliseconds_since_cancel(called), user.milliseconds_since_cancel(returned)};
}

double whole_render()
{
    const auto begin = test_clock::now();
    const dcc::token token = dcc::token::create();
    QProcess renderer;
    new dcc::qt_notifier(token, &renderer, [&renderer] { renderer.kill(); });
    renderer.start("sleep", {"2"});
    EXPECT_SOON(renderer.state() == QProcess::Running);
    EXPECT_SOON(renderer.state() == QProcess::NotRunning);
    EXPECT(renderer.exitStatus() == QProcess::NormalExit);
    return milliseconds(test_clock::now() - begin);
}

// The call comes once, whichever thread cancels. It does not keep the loop awake, and the descriptor is
// closed afterwards.
void tells_once_in_the_loop()
{
    const auto descriptors_before = open_descriptors();
    const dcc::token parent = dcc::token::create();
    const dcc::token token = dcc::token::create({parent});
    QObject object;
    int told = 0;
    new dcc::qt_notifier(token, &object, [&, here = std::this_thread::get_id()] {
        EXPECT(std::this_thread::get_id() == here);
        EXPECT(token.reason() == "closing the scene");
        ++told;
    });
    EXPECT(comes_to_rest() && told == 0);
    // The notifier's own descriptor and the token's.
    EXPECT(open_descriptors() == descriptors_before + 2);
    std::thread([&] { parent.cancel("closing the scene"); }).join();
    EXPECT(told == 0);
    EXPECT_SOON(told == 1);
    EXPECT(comes_to_rest());
    EXPECT(told == 1);
    EXPECT(open_descriptors() == descriptors_before);
}

void tells_of_deadlines()
{
    const dcc::token token = dcc::token::create();
    QObject object;
    bool told = false;
    new dcc::qt_notifier(token, &object, [&] { told = true; });
    EXPECT(token.set_deadline_after(std::chrono::milliseconds(1)));
    EXPECT_SOON(told);
    EXPECT(token.cause() == dcc::cause::deadline);
}

void tells_of_what_was_cancelled_before()
{
    const dcc::token token = dcc::token::create();
    token.cancel();
    QObject object;
    int told = 0;
    new dcc::qt_notifier(token, &object, [&] { ++told; });
    EXPECT(told == 0);
    EXPECT(comes_to_rest());
    EXPECT(told == 1);
}

void tells_nobody_who_is_gone()
{
    // The library keeps the event for tokens that are never cancelled.
    static_cast<void>(dcc::token().native_event());
    const auto descriptors_before = open_descriptors();
    const dcc::token token = dcc::token::create();
    const auto kept = std::make_shared<int>(0);
    auto *object = new QObject;
    new dcc::qt_notifier(token, object, [kept] { ++*kept; });
    auto *lonely = new dcc::qt_notifier(token, nullptr, [kept] { ++*kept; });
    new dcc::qt_notifier(dcc::token(), object, [kept] { ++*kept; });
    delete lonely;
    token.cancel();
    delete object;
    EXPECT(comes_to_rest());
    EXPECT(*kept == 0 && kept.use_count() == 1);
    EXPECT(open_descriptors() == descriptors_before);
    // The same when Qt has seen the event already.
    object = new QObject;
    new dcc::qt_notifier(token, object, [kept] { ++*kept; });
    struct last_word : QObject {
        explicit last_word(QObject *&destroyed) : destroyed_(destroyed) {}
        // The queued call of the callable.
        bool eventFilter(QObject *, QEvent *occurred) override
        {
            if (occurred->type() != QEvent::MetaCall)
                return false;
            delete std::exchange(destroyed_, nullptr);
            return true;
        }
        QObject *&destroyed_;
    } before(object);
    object->children().first()->installEventFilter(&before);
    EXPECT_SOON(object == nullptr);
    EXPECT(comes_to_rest());
    EXPECT(*kept == 0 && kept.use_count() == 1);
}

void follows_its_parent_to_another_thread()
{
    QThread other;
    other.start();
    const dcc::token token = dcc::token::create();
    const dcc::token cancelled_before = dcc::token::create();
    cancelled_before.cancel();
    auto *object = new QObject;
    gate told, told_before;
    const auto note = [&](gate &by) {
        EXPECT(QThread::currentThread() == &other);
        by.open();
    };
    new dcc::qt_notifier(token, object, [&] { note(told); });
    new dcc::qt_notifier(cancelled_before, object, [&] { note(told_before); });
    object->moveToThread(&other);
    // The event loop of this thread does not run.
    told_before.wait();
    token.cancel();
    told.wait();
    object->deleteLater();
    other.quit();
    EXPECT(other.wait(20'000));
}

void may_destroy_itself()
{
    const dcc::token token = dcc::token::create();
    auto *object = new QObject;
    bool told = false;
    // The captures live while the callable runs.
    new dcc::qt_notifier(token, object, [&told, kept = std::make_shared<int>(7), object] {
        delete object;
        told = *kept == 7;
    });
    token.cancel();
    EXPECT_SOON(told);
    EXPECT(comes_to_rest());
}

void may_throw()
{
    const thrown_ones thrown;
    const dcc::token token = dcc::token::create();
    token.cancel();
    QObject object;
    new dcc::qt_notifier(token, &object, [] { throw std::runtime_error("no such layer"); });
    EXPECT_SOON(thrown.count() == 1);
}

// Only polls ask a host's check.
void foreign_jobs_are_told_when_someone_has_asked()
{
    dcc::job_options options;
    bool is_escape_pressed = false;
    options.is_cancelled = [&] { return is_escape_pressed; };
    const dcc::job job = dcc::job::create(options);
    QObject object;
    bool told = false;
    new dcc::qt_notifier(job.token(), &object, [&] { told = true; });
    is_escape_pressed = true;
    EXPECT(comes_to_rest() && !told);
    EXPECT(job.is_cancelled());
    EXPECT_SOON(told);
}

void says_that_there_is_no_descriptor()
{
    rlimit usual;
    EXPECT(getrlimit(RLIMIT_NOFILE, &usual) == 0);
    rlimit none_left = usual;
    none_left.rlim_cur = 0;
    const dcc::token token = dcc::token::create();
    QObject object;
    bool was_refused = false;
    EXPECT(setrlimit(RLIMIT_NOFILE, &none_left) == 0);
    try {
        new dcc::qt_notifier(token, &object, [] {});
    } catch (const dcc::error &error) {
        was_refused = error.status() == DCC_ERROR_RESOURCES;
    }
    EXPECT(setrlimit(RLIMIT_NOFILE, &usual) == 0);
    EXPECT(was_refused && object.children().isEmpty());
}

} // namespace

int main(int argc, char **argv)
{
    QCoreApplication application(argc, argv);
    const after_cancel took = cancelled_render(is_polled(argc, argv));
    std::printf("FIGURE qt_notifier cancel to call: %.2f ms, to return: %.1f ms; "
                "whole run without: %.0f ms\n",
                took.to_call, took.to_return, whole_render());
    tells_once_in_the_loop();
    tells_of_what_was_cancelled_before();
    tells_nobody_who_is_gone();
    // This runs after the tests that count descriptors, because the library's thread may close one a moment
    // later.
    tells_of_deadlines();
    follows_its_parent_to_another_thread();
    may_destroy_itself();
    may_throw();
    foreign_jobs_are_told_when_someone_has_asked();
    says_that_there_is_no_descriptor();
    return 0;
}
