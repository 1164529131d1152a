// What a progress dialog shows about its job, and when.
#ifndef DCC_TESTS_QT_DIALOG_SHOWS_HPP
#define DCC_TESTS_QT_DIALOG_SHOWS_HPP

#include <cstdint>
#include <memory>
#include <string>

#include <QtCore/QTranslator>

#include "qt_dialog.hpp"

// False if the job was not over within that time.
inline bool quick_job_is_not_shown(int minimum)
{
    const dcc::job quick = running_job();
    dialog of_quick(quick);
    bool was_shown = false, is_finished = false;
    QObject::connect(&of_quick, &QDialog::finished, [&] { is_finished = true; });
    struct : QObject {
        bool *was_shown;
        bool eventFilter(QObject *, QEvent *occurred) override
        {
            *was_shown = *was_shown || occurred->type() == QEvent::Show;
            return false;
        }
    } filter;
    filter.was_shown = &was_shown;
    of_quick.installEventFilter(&filter);
    const auto begin = test_clock::now();
    of_quick.setMinimumDuration(minimum);
    EXPECT(quick.complete());
    EXPECT_SOON(is_finished);
    if (test_clock::now() - begin >= std::chrono::milliseconds(minimum))
        return false;
    QTest::qWait(2 * minimum);
    EXPECT(!was_shown && of_quick.result() == QDialog::Accepted);
    return true;
}

// A dialog for a short job is never shown; one for a long job shows itself.
inline void minimum_duration()
{
    const dcc::job job = running_job();
    dialog shown(job);
    EXPECT(shown.minimumDuration() == 4000);
    // The dialog is not shown before the end of this test; after that the duration is set again.
    shown.setMinimumDuration(4 * 1000 * hang_seconds);
    EXPECT(!shown.isVisible());
    shown.setMinimumDuration(50);
    EXPECT(!shown.isVisible());
    EXPECT_SOON(shown.isVisible());
    EXPECT(job.complete());
    EXPECT_SOON(!shown.isVisible());

    // If the machine stood still so long that the job was not over soon, the test gives it more time.
    int minimum = 150;
    while (!quick_job_is_not_shown(minimum))
        minimum *= 2;
}

// The text for each end, if the host wants users to read it.
inline void says_how_it_ended()
{
    const auto ended = [](auto end, QDialog::DialogCode result) {
        dcc::job job = running_job(0);
        auto shown = std::make_unique<dialog>(job);
        shown->setAutoClose(false);
        int finished = 0;
        QObject::connect(shown.get(), &QDialog::finished, [&] { ++finished; });
        show(*shown);
        EXPECT(bar(*shown).maximum() == 0);
        end(job);
        EXPECT_SOON(button(*shown).text() == "Close");
        QTest::qWait(50);
        EXPECT(shown->isVisible() && button(*shown).isEnabled() && bar(*shown).maximum() > 0);
        const QString state = state_shown(*shown);
        if (result == QDialog::Accepted)
            take_picture(*shown, "ended.png");
        click_cancel(*shown);
        EXPECT(!shown->isVisible() && shown->result() == result);
        // Other ways to close the dialog.
        show(*shown);
        QTest::keyClick(shown.get(), Qt::Key_Escape);
        EXPECT(!shown->isVisible() && shown->result() == result);
        show(*shown);
        EXPECT(shown->close() && !shown->isVisible() && shown->result() == result);
        EXPECT(finished == 3);
        return state;
    };
    EXPECT(ended([](dcc::job &job) { job.complete(); }, QDialog::Accepted) == "Completed");
    EXPECT(ended([](dcc::job &job) { job.fail("no such layer"); }, QDialog::Rejected) ==
           "Failed: no such layer");
    EXPECT(ended([](dcc::job &job) { job.interrupt("the host quits"); }, QDialog::Rejected) ==
           "Interrupted: the host quits");
    EXPECT(ended([](dcc::job &job) {
               job.cancel("the agent gave up");
               job.acknowledge_cancel();
           }, QDialog::Rejected) == "Cancelled: the agent gave up");
    // The dialog does not keep the job alive.
    EXPECT(ended([](dcc::job &job) { job.reset(); }, QDialog::Rejected) == "Ended");
}

inline void a_bar_for_each_total()
{
    const dcc::job job = dcc::job::create({"Import"});
    dialog shown(job);
    show(shown);
    EXPECT(state_shown(shown) == "Waiting" && bar(shown).maximum() == 0);
    EXPECT(job.begin());
    EXPECT_SOON(state_shown(shown).isEmpty());
    EXPECT(bar(shown).maximum() == 0);
    const auto shows = [&](std::uint64_t done, std::uint64_t total, const char *text) {
        job.set_progress(done, total);
        return happens([&] { return bar(shown).text() == text; });
    };
    EXPECT(shows(1, 4, "25%"));
    // The remaining part of the bar stands for the rest of the new total.
    EXPECT(shows(UINT64_MAX / 4 * 3, UINT64_MAX, "81%"));
    EXPECT(shows(UINT64_MAX, UINT64_MAX, "99%"));
    EXPECT(shown.isVisible());

    const dcc::job unknown = dcc::job::create({"Import"});
    EXPECT(unknown.begin());
    dialog of_unknown(unknown);
    show(of_unknown);
    unknown.set_progress(UINT64_MAX, 0);
    EXPECT_SOON(unknown.progress().done == UINT64_MAX && bar(of_unknown).maximum() == 0);

    const dcc::job huge = dcc::job::create({"Import"});
    EXPECT(huge.begin());
    dialog of_huge(huge);
    show(of_huge);
    huge.set_progress(UINT64_MAX / 4 * 3, UINT64_MAX);
    EXPECT_SOON(bar(of_huge).text() == "75%");
    huge.set_progress(UINT64_MAX, UINT64_MAX);
    // The bar shows its end only at the job's end.
    EXPECT_SOON(bar(of_huge).text() == "99%");
}

// Labels, messages and reasons come from other programs and may contain markup.
inline void texts_are_harmless()
{
    const dcc::job job = dcc::job::create({"<b>bold</b> & [*] %1"});
    EXPECT(job.begin());
    dialog shown(job);
    show(shown);
    const QSize size = shown.size();
    EXPECT(shown.labelText() == "<b>bold</b> & [*] %1\n");
    EXPECT(shown.findChild<QLabel *>()->textFormat() == Qt::PlainText);
    job.set_progress(0, 0, std::string(DCC_MAX_TEXT_LENGTH, 'x'));
    EXPECT_SOON(state_shown(shown).size() > 10);
    EXPECT(state_shown(shown).size() < 200 && shown.size() == size);
    job.set_progress(0, 0, "three\nlines\nlong");
    EXPECT_SOON(state_shown(shown) == "three lines long");
    job.cancel(std::string(DCC_MAX_TEXT_LENGTH, 'y'));
    EXPECT_SOON(state_shown(shown).startsWith("Cancelling: y"));
    EXPECT(state_shown(shown).size() < 200 && shown.size() == size);

    const dcc::job endless = dcc::job::create({std::string(DCC_MAX_TEXT_LENGTH, 'z')});
    dialog of_endless(endless);
    show(of_endless);
    EXPECT(of_endless.width() == size.width() && of_endless.windowTitle().size() < 200);
}

inline void speaks_the_hosts_language()
{
    struct : QTranslator {
        bool isEmpty() const override { return false; }
        QString translate(const char *context, const char *source, const char *, int) const override
        {
            const bool is_ours = QLatin1String(context) == QLatin1String("dcc::qt_progress_dialog");
            return is_ours ? QString::fromLatin1(source).toUpper() : QString();
        }
    } loud;
    EXPECT(QCoreApplication::installTranslator(&loud));
    const dcc::job job = dcc::job::create({"Import"});
    dialog shown(job);
    show(shown);
    EXPECT(shown.labelText() == "Import\nWAITING");
    job.cancel("the agent gave up");
    EXPECT_SOON(state_shown(shown) == "CANCELLING: the agent gave up");
    EXPECT(QCoreApplication::removeTranslator(&loud));
}

// A dialog that reads a job does not poll for it: the job has not seen the cancel, and the host's check is
// not asked.
inline void is_no_poll()
{
    dcc::job_options options;
    int asked = 0;
    options.is_cancelled = [&] { return ++asked > 0; };
    const dcc::job job = dcc::job::create(options);
    EXPECT(job.begin());
    dialog shown(job);
    show(shown);
    QTest::qWait(100);
    EXPECT(asked == 0 && shown.isVisible());
    EXPECT(job.is_cancelled());
    EXPECT_SOON(state_shown(shown).startsWith("Cancelling"));
}

#endif
