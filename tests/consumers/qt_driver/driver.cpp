// Runs inside the Qt example, clicks in its window as a user would, and looks at what it shows. Its arguments
// are the file for a picture of the window, and a folder for the pictures of an animation.

#include <QtTest>
#include <QtWidgets>

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <vector>

#include "../../cpp/hangs.hpp"
#include "film.hpp"
#include "job_window.hpp"

namespace {

constexpr int longest_wait_ms = 1000 * hang_seconds;

void expect(bool holds, const QString &what)
{
    if (holds)
        return;
    std::fprintf(stderr, "FAILED: %s\n", qPrintable(what));
    std::_Exit(1);
}

template <class Condition> void wait_until(Condition holds, const char *what)
{
    expect(QTest::qWaitFor(holds, longest_wait_ms), QString("waited in vain until ") + what);
}

void click(QPushButton *button)
{
    expect(button != nullptr && button->isEnabled(), "a button that is to be clicked is enabled");
    QTest::mouseClick(button, Qt::LeftButton);
}

// The parts of a row that a user sees.
struct seen_row {
    explicit seen_row(const QWidget *row)
        : bar(row->findChild<QProgressBar *>()), cancel(row->findChild<QPushButton *>()),
          state(row->findChild<QLabel *>("state")), picture(row->findChild<QLabel *>("picture"))
    {
        expect(bar && cancel && state && picture, "a row has its parts");
    }

    bool is(const char *word) const { return state->text().startsWith(word); }
    double part() const { return double(bar->value()) / bar->maximum(); }
    bool is_in_progress() const { return is("running") && part() > 0.0 && part() < 1.0; }
    QImage image() const { return picture->pixmap().toImage(); }

    QProgressBar *bar;
    QPushButton *cancel;
    QLabel *state;
    QLabel *picture;
};

int colours_of(const QImage &image)
{
    QSet<QRgb> found;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            found.insert(image.pixel(x, y));
    return int(found.size());
}

class driver {
public:
    explicit driver(job_window *window)
        : window_(window), film_(window, QCoreApplication::arguments().value(2))
    {
        for (const QWidget *row : window->findChildren<QWidget *>("row"))
            rows_.emplace_back(row);
        start_all_ = window->findChild<QPushButton *>("start_all");
        expect(rows_.size() == 3 && start_all_ != nullptr, "three jobs and a button");
    }

    void run()
    {
        nothing_moves_before_the_start();
        the_second_of_three_is_cancelled();
        the_others_complete();
        a_tick_ends_with_its_budget();
        nothing_ticks_when_nothing_is_to_do();
        the_window_is_closed_over_its_jobs();
    }

private:
    void nothing_moves_before_the_start()
    {
        QTest::qWait(50);
        expect(window_->dispatcher().stats().ticks == 0, "nothing was pumped yet");
        for (const seen_row &row : rows_)
            expect(row.is("not started") && row.bar->value() == 0 && !row.cancel->isEnabled(),
                   "a row is idle");
        film_.hold();
    }

    void the_second_of_three_is_cancelled()
    {
        click(start_all_);
        expect(!start_all_->isEnabled(), "what runs is not started again");
        for (const seen_row &row : rows_)
            expect(row.is("waiting") && row.cancel->isEnabled(), "a row waits for the first tick");
        wait_until([this] { return filmed(1).part() >= 0.55; }, "the second is half way");
        expect(rows_[0].is_in_progress() && rows_[2].is_in_progress(), "the others are under way");
        const int clicked_at = rows_[1].bar->value();
        QTest::mousePress(rows_[1].cancel, Qt::LeftButton);
        film_.hold();
        QTest::mouseRelease(rows_[1].cancel, Qt::LeftButton);
        wait_until([this] { return rows_[1].is("cancelled"); }, "the second is cancelled");
        expect(rows_[1].state->text().endsWith("its button was clicked"), "the reason is shown");
        expect(!rows_[1].cancel->isEnabled(), "what is over is not cancelled");
        stopped_at_ = rows_[1].bar->value();
        // Progress is shown at intervals, so the bar may have had to catch up once.
        expect(stopped_at_ >= clicked_at && stopped_at_ < clicked_at + 10,
               QString("it stopped at %1, clicked at %2").arg(stopped_at_).arg(clicked_at));
        film_.hold();
        wait_until([this] { return filmed(0).part() >= 0.70; }, "the first is further");
        expect(rows_[0].is_in_progress() && rows_[2].is_in_progress(), "the others go on");
        take_picture();
    }

    void take_picture()
    {
        const QImage picture = window_->grab().toImage();
        expect(colours_of(picture) > 1000, "the picture shows something");
        expect(!QFontDatabase::families().isEmpty(), "there is a font (Debian: fonts-dejavu-core)");
        const QStringList arguments = QCoreApplication::arguments();
        expect(arguments.size() == 3 && picture.save(arguments[1]), "the picture can be written");
    }

    void the_others_complete()
    {
        wait_until([this] { return filmed(2).is("completed") && rows_[0].is("completed"); },
                   "the others have completed");
        film_.hold();
        expect(film_.taken() > 20, QString("a film of %1 pictures").arg(film_.taken()));
        expect(rows_[0].part() == 1.0 && rows_[2].part() == 1.0, "their bars are full");
        expect(rows_[1].is("cancelled") && rows_[1].bar->value() == stopped_at_,
               "the cancelled one stays where it was");
        const QImage baked = rows_[1].image();
        const auto is_painted = [&baked](int y) {
            return baked.pixel(scenes::width / 2, y) != scenes::scene::nothing;
        };
        expect(is_painted(stopped_at_ - 1) && !is_painted(stopped_at_), "its work is kept");
        wait_until([this] { return start_all_->isEnabled(); }, "it could be started again");
        const dcc::dispatcher_stats stats = window_->dispatcher().stats();
        expect(stats.posted == 3 && stats.completed == 2 && stats.cancelled == 1, "so it is counted");
        const QString line = window_->findChild<QLabel *>("statistics")->text();
        expect(line.startsWith(QString("%1 ticks").arg(stats.ticks)) && line.endsWith("depth 0, 0 under way"),
               "the line of statistics is right: " + line);
    }

    // The same with a queue of jobs that would take 25 budgets.
    void a_tick_ends_with_its_budget()
    {
        int left = 100;
        std::map<std::uint64_t, int> jobs_of_tick;
        const dcc::dispatcher &dispatcher = window_->dispatcher();
        for (int count = left; count > 0; --count)
            dispatcher.post("a millisecond", [&left, &jobs_of_tick, &dispatcher] {
                const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(1);
                while (std::chrono::steady_clock::now() < end) {
                }
                ++jobs_of_tick[dispatcher.stats().ticks];
                --left;
            });
        wait_until([&left] { return left == 0; }, "the queue is empty");
        for (const auto &[tick, jobs] : jobs_of_tick)
            expect(jobs <= 4, QString("a tick of 4 ms ran %1 jobs of 1 ms").arg(jobs));

        const dcc::dispatcher_stats stats = dispatcher.stats();
        std::puts(qPrintable(QString("longest tick %1 us, longest slice %2 us")
                                 .arg(stats.longest_tick.count() / 1000)
                                 .arg(stats.run.longest.count() / 1000)));
    }

    void nothing_ticks_when_nothing_is_to_do()
    {
        QTest::qWait(50);
        const auto ticks = window_->dispatcher().stats().ticks;
        QTest::qWait(200);
        expect(window_->dispatcher().stats().ticks == ticks, "the timer rests");
    }

    void the_window_is_closed_over_its_jobs()
    {
        click(start_all_);
        dcc::post_options options;
        options.completion = [](const dcc::job &, dcc::job_state state) {
            std::puts(state == dcc::job_state::interrupted ? "interrupted" : "ended otherwise");
        };
        window_->dispatcher().post("for ever", [] { return dcc::step::again; }, options);
        wait_until([this] { return rows_[2].is_in_progress(); }, "they run again");
        expect(rows_[1].is("running") && rows_[1].part() < 0.5, "also the one that was cancelled");
        // Other code still has the dispatcher: the dispatcher outlives the window, but its jobs do not.
        static_cast<void>(dcc::dispatcher(window_->dispatcher()).detach());
        std::puts("closing");
        window_->close();
    }

    const seen_row &filmed(std::size_t number)
    {
        film_.follow(rows_[number].bar);
        return rows_[number];
    }

    job_window *window_;
    film film_;
    std::vector<seen_row> rows_;
    QPushButton *start_all_ = nullptr;
    int stopped_at_ = 0;
};

// A slice under a cancelled job changes nothing.
template <class Scene> void expect_polls()
{
    Scene scene;
    const auto before = scene.pixels();
    const dcc::job job = dcc::job::create();
    dcc::job_scope current(job);
    job.cancel();
    expect(!scene.run_slice(), "a slice says that it stopped");
    expect(scene.done() == 0 && scene.pixels() == before, "a slice stops at its first poll");
}

void drive()
{
    alarm(2 * hang_seconds); // ends the process if the window should never close
    expect_polls<scenes::smoothing>();
    expect_polls<scenes::baking>();
    expect_polls<scenes::simulation>();
    for (QWidget *widget : QApplication::topLevelWidgets())
        if (auto *window = dynamic_cast<job_window *>(widget))
            return driver(window).run();
    expect(false, "the window is there");
}

// Begins at the application's first event.
void start_to_drive()
{
    QTimer::singleShot(0, qApp, drive);
}

} // namespace

Q_COREAPP_STARTUP_FUNCTION(start_to_drive)
