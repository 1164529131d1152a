// What a user sees in a progress dialog, and does to it.
#ifndef DCC_TESTS_QT_DIALOG_HPP
#define DCC_TESTS_QT_DIALOG_HPP

#include <cstdint>

#include <QtTest/QTest>
#include <QtWidgets/QLabel>
#include <QtWidgets/QProgressBar>
#include <QtWidgets/QPushButton>

#include "dcc_cancel/adapters/qt_progress_dialog.hpp"
#include "qt_loop.hpp"

using dialog = dcc::qt_progress_dialog;

// A job that is half done and still running.
inline dcc::job running_job(std::uint64_t total = 100)
{
    const dcc::job job = dcc::job::create({"Bake ambient occlusion"});
    EXPECT(job.begin());
    EXPECT(job.set_progress(total / 2, total, "texel row 42 of 100"));
    return job;
}

inline QPushButton &button(const dialog &shown)
{
    auto *found = shown.findChild<QPushButton *>();
    EXPECT(found != nullptr);
    return *found;
}

inline QProgressBar &bar(const dialog &shown)
{
    return *shown.findChild<QProgressBar *>();
}

// The second line of the dialog; the first is the job's label.
inline QString state_shown(const dialog &shown)
{
    return shown.labelText().section('\n', 1);
}

inline void show(dialog &shown)
{
    shown.show();
    EXPECT(QTest::qWaitForWindowActive(&shown));
}

inline void click_cancel(dialog &shown)
{
    EXPECT(button(shown).isEnabled());
    QTest::mouseClick(&button(shown), Qt::LeftButton);
}

inline void take_picture(dialog &shown, const char *file)
{
    const QImage picture = shown.grab().toImage();
    EXPECT(picture.save(file));
}

#endif
