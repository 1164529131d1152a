/* Qt: a QProgressDialog that shows a job and cancels it. Not part of dcc_cancel.hpp.
 *
 *     auto *dialog = new dcc::qt_progress_dialog(ui.post("Bake", bake_next_frame), main_window);
 *     dialog->setAttribute(Qt::WA_DeleteOnClose);
 *     dialog->show();                                   // or by itself, after minimumDuration()
 *
 * For Qt 5.15 and 6 (QtWidgets), without moc. It can be made modal, opened and executed as any QDialog.
 *
 * What it shows, sixty times a second: the job's label; its message behind the labels of its steps; about how
 * much time is left, if there is an estimate; and its whole progress, or a busy bar while the total is
 * unknown. Texts are cut to the dialog's width and shown as plain text. Its own words are translated in the
 * context "dcc::qt_progress_dialog".
 *
 * What cancels: the Cancel button, Esc and closing the window, all of which emit canceled(). Callbacks on the
 * job's token run at once, on the UI thread. The dialog then stays and says "Cancelling", with the reason,
 * until the job has really ended. It refuses to close before that, so no application is closed while the job
 * runs. It says the same if an agent, a deadline or other code cancels. Destroying or hiding it cancels
 * nothing.
 *
 * When the job has ended the dialog closes itself, even if it was never shown: result() is Accepted if the
 * job completed, else Rejected. With setAutoClose(false) it stays and says how the job ended; its button,
 * which also emits canceled() then, closes it.
 *
 * The dialog does not keep the job alive. If the job's last reference goes, the dialog closes as Rejected,
 * because it cannot know how the job ended.
 *
 * What it cannot show: a job that keeps the UI thread busy. A job that polls there can run the event loop now
 * and then; windows that are not modal then take clicks in the middle of the job:
 *
 *     options.is_cancelled = [] { QCoreApplication::processEvents(); return false; };
 *     options.min_interval = std::chrono::milliseconds(20);
 *
 * Jobs of a dispatcher do not run there: a pump in that event loop, also a dcc::qt_pump's, answers
 * DCC_ERROR_REENTRANT while the check is being asked, and runs its jobs once the polling job has returned.
 *
 * The functions by which QProgressDialog is driven by hand (setValue, reset, cancel, wasCanceled and so on)
 * are private here: the job drives it. */

#ifndef DCC_CANCEL_ADAPTERS_QT_PROGRESS_DIALOG_HPP
#define DCC_CANCEL_ADAPTERS_QT_PROGRESS_DIALOG_HPP

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <QtCore/QCoreApplication>
#include <QtCore/QString>
#include <QtCore/QTimer>
#include <QtGui/QCloseEvent>
#include <QtGui/QShowEvent>
#include <QtWidgets/QLabel>
#include <QtWidgets/QProgressBar>
#include <QtWidgets/QProgressDialog>
#include <QtWidgets/QPushButton>
#include <QtWidgets/QStyle>

#include "../job.hpp"

namespace dcc {

/* A job in a QProgressDialog, on the UI thread; the job may run on any thread. */
class qt_progress_dialog : public QProgressDialog {
public:
    /* For an empty job, and for one that has ended, the dialog closes in the first turn of the event loop. */
    explicit qt_progress_dialog(const job &shown, QWidget *parent = nullptr)
        : QProgressDialog(parent), job_id_(shown.id()), label_(one_line(shown.label()))
    {
        /* Qt's own slot would reset and hide the dialog at the click. */
        disconnect(this, &QProgressDialog::canceled, this, nullptr);
        connect(this, &QProgressDialog::canceled, this, [this] { cancel_or_close(); });
        /* In a window's title "[*]" means unsaved work; doubled, it stands for itself. */
        setWindowTitle(QString(cut(label_)).replace(QLatin1String("[*]"), QLatin1String("[*][*]")));
        auto *text = new QLabel;
        text->setTextFormat(Qt::PlainText);
        text->setAlignment(Qt::AlignCenter);
        setLabel(text);
        /* Our own bar, because QProgressDialog::setValue runs events, and hides the dialog at the end. */
        setBar(bar_);
        bar_->setRange(0, 0);
        /* setMinimumDuration has an effect as long as the bar is at its start. */
        bar_->setValue(0);
        show_text(QString());
        timer_.setInterval(1000 / 60);
        timer_.callOnTimeout(this, [this] { show_job_or_close(); });
        timer_.start();
    }

    QSize sizeHint() const override
    {
        const int margins = style()->pixelMetric(QStyle::PM_LayoutLeftMargin, nullptr, this) +
                            style()->pixelMetric(QStyle::PM_LayoutRightMargin, nullptr, this);
        return QProgressDialog::sizeHint().expandedTo({text_width() + margins, 0});
    }

    void reject() override
    {
        if (has_ended())
            done(result_of_job());
        else
            Q_EMIT canceled();
    }

protected:
    void closeEvent(QCloseEvent *event) override
    {
        if (has_ended())
            return QDialog::closeEvent(event);
        event->ignore();
        Q_EMIT canceled();
    }

    void showEvent(QShowEvent *event) override
    {
        show_job();
        QProgressDialog::showEvent(event);
        /* The timer sees that a job ended before the dialog was shown. */
        timer_.start();
    }

private:
    /* Private: the job drives the dialog. */
    using QProgressDialog::cancel;
    using QProgressDialog::reset;
    using QProgressDialog::setBar;
    using QProgressDialog::setCancelButton;
    using QProgressDialog::setLabel;
    using QProgressDialog::setLabelText;
    using QProgressDialog::setMaximum;
    using QProgressDialog::setMinimum;
    using QProgressDialog::setRange;
    using QProgressDialog::setValue;
    using QProgressDialog::wasCanceled;

    static constexpr int whole_bar = 1000;

    static QString translated(const char *text)
    {
        return QCoreApplication::translate("dcc::qt_progress_dialog", text);
    }

    static QString one_line(const std::string &text) { return QString::fromStdString(text).simplified(); }

    /* "Failed: out of memory", or just "Failed". */
    static QString with_reason(const QString &what, const std::string &reason)
    {
        const QString line = one_line(reason);
        return line.isEmpty() ? what : what + QStringLiteral(": ") + line;
    }

    QString cut(const QString &line) const
    {
        return fontMetrics().elidedText(line, Qt::ElideMiddle, text_width());
    }

    int text_width() const { return 56 * fontMetrics().averageCharWidth(); }

    bool has_ended() const { return state_ != job_state::pending && state_ != job_state::running; }

    int result_of_job() const
    {
        return state_ == job_state::completed ? QDialog::Accepted : QDialog::Rejected;
    }

    /* Must be the last statement of its caller: callbacks of the cancel may destroy the dialog. */
    void cancel_or_close()
    {
        if (has_ended())
            done(result_of_job());
        else
            job::find(job_id_).cancel("the user cancelled it");
    }

    void show_job_or_close()
    {
        show_job();
        if (!has_ended())
            return;
        timer_.stop();
        if (!autoClose()) {
            setCancelButtonText(translated("Close"));
            return;
        }
        /* Otherwise Qt would show the dialog when minimumDuration() is over. */
        reset();
        done(result_of_job());
    }

    void show_job()
    {
        const job shown = job::find(job_id_);
        state_ = shown.state();
        /* cause(), not is_cancelled(), which counts as a poll: the job has not seen the cancel yet. */
        const bool is_cancelled = shown.token().cause() != cause::none;
        const job_progress progress = shown.progress();
        show_progress(progress);
        show_text(state_text(shown, is_cancelled, progress.time_left));
        if (auto *button = findChild<QPushButton *>())
            button->setEnabled(has_ended() || !is_cancelled);
    }

    void show_progress(const job_progress &progress)
    {
        if (progress.total > 0) {
            bar_->setRange(0, whole_bar);
            /* The small addition keeps 0.29 from becoming 289 of 1000. */
            bar_->setValue(static_cast<int>(progress.fraction * whole_bar + 1e-6));
        } else if (!has_ended()) {
            bar_->setRange(0, 0);
        } else if (bar_->maximum() == 0) {
            bar_->setRange(0, whole_bar);
            bar_->setValue(state_ == job_state::completed ? whole_bar : 0);
        }
    }

    void show_text(const QString &state)
    {
        if (state_shown_ == state)
            return;
        state_shown_ = state;
        /* Always two lines, so that the layout does not jump. */
        setLabelText(cut(label_) + QLatin1Char('\n') + cut(state));
    }

    QString state_text(const job &shown, bool is_cancelled,
                       std::optional<std::chrono::nanoseconds> time_left) const
    {
        switch (state_) {
        case job_state::completed:
            return translated("Completed");
        case job_state::failed:
            return with_reason(translated("Failed"), shown.failure());
        case job_state::cancelled:
            return with_reason(translated("Cancelled"), shown.token().reason());
        case job_state::interrupted:
            return with_reason(translated("Interrupted"), shown.failure());
        case job_state::none:
            return translated("Ended");
        default:
            break;
        }
        if (is_cancelled)
            return with_reason(translated("Cancelling"), shown.token().reason());
        if (state_ == job_state::pending)
            return translated("Waiting");
        return with_time_left(one_line(shown.progress_message()), time_left);
    }

    /* "Export > Textures, about 2 min left"; without an estimate only the message. */
    static QString with_time_left(const QString &message, std::optional<std::chrono::nanoseconds> left)
    {
        if (!left)
            return message;
        const qint64 seconds = std::chrono::duration_cast<std::chrono::seconds>(*left).count() + 1;
        const QString about = seconds <= 10    ? translated("about %1 s left").arg(seconds)
                              : seconds <= 100 ? translated("about %1 s left").arg((seconds + 9) / 10 * 10)
                                               : translated("about %1 min left").arg((seconds + 59) / 60);
        return message.isEmpty() ? about : message + QStringLiteral(", ") + about;
    }

    std::uint64_t job_id_;
    QString label_;
    std::optional<QString> state_shown_;
    /* Owned by Qt after setBar. */
    QProgressBar *bar_ = new QProgressBar;
    QTimer timer_;
    job_state state_ = job_state::pending;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_QT_PROGRESS_DIALOG_HPP */
