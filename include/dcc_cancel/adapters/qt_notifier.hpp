/* Qt: an object is told in its own event loop that a token was cancelled. Not part of dcc_cancel.hpp.
 *
 *     new dcc::qt_notifier(job.token(), this, [this] { stop_download(); });    // `this`: any QObject
 *
 * With Qt 5.15 and 6, of which it needs QtCore alone; no moc.
 *
 * When it is told: once, in the event loop of the thread that the parent lives in, whichever thread
 * cancels; also if the parent is moved to another thread meanwhile. A token that was cancelled before
 * is told in the first turn of the event loop, never in the constructor. With the parent, or when the
 * notifier is destroyed, nobody is told any more. The callable may destroy both. What it throws goes to
 * set_callback_exception_handler's handler, not through Qt.
 *
 * What cannot be interrupted: whatever keeps that thread from its event loop. Nothing is polled, so a
 * job whose host is asked (job_options::is_cancelled) is told only once some poll has asked.
 *
 * What it takes: the token, and an event of the operating system until it was told: on Linux and macOS
 * a descriptor, and one for all notifiers of a token, which a process has a limited number of. The
 * constructor throws dcc::error if there is none left. */

#ifndef DCC_CANCEL_ADAPTERS_QT_NOTIFIER_HPP
#define DCC_CANCEL_ADAPTERS_QT_NOTIFIER_HPP

#include <functional>
#include <utility>

#include <QtCore/QEvent>
#include <QtCore/QObject>
#if defined(_WIN32)
#include <QtCore/QWinEventNotifier>
#else
#include <QtCore/QSocketNotifier>
#endif

#include "../exception_handler.hpp"
#include "../native_event.hpp"
#include "../token.hpp"

namespace dcc {

/* Tells of a cancel. It is a child of its parent, and made on the parent's thread, which is the main
 * one or a QThread. Without a parent it is yours to destroy, on that same thread. */
class qt_notifier : public QObject {
public:
    qt_notifier(token watched, QObject *parent, std::function<void()> told)
        : QObject(parent), token_(std::move(watched)), told_(std::move(told)),
          event_(token_.native_event()), watch_(event_.native(), this)
    {
    }

private:
#if defined(_WIN32)
    using system_notifier = QWinEventNotifier;
    static constexpr QEvent::Type set_event = QEvent::WinEventAct;
#else
    using system_notifier = QSocketNotifier;
    static constexpr QEvent::Type set_event = QEvent::SockAct;
#endif

    /* Qt's own notifier. Its signal has another shape in each version of Qt, its event has not. */
    class watch : public system_notifier {
    public:
        watch(native_event::native_type event, qt_notifier *told)
#if defined(_WIN32)
            : system_notifier(event, told), told_(*told)
#else
            : system_notifier(event, system_notifier::Read, told), told_(*told)
#endif
        {
        }

    protected:
        bool event(QEvent *occurred) override
        {
            if (occurred->type() != set_event)
                return system_notifier::event(occurred);
            told_.note_cancel();
            return true;
        }

    private:
        qt_notifier &told_;
    };

    void note_cancel()
    {
        /* The event stays set: whoever watches on is woken for ever. */
        watch_.setEnabled(false);
        event_ = native_event();
        /* Not here: the callable may destroy what Qt is just calling. */
        QMetaObject::invokeMethod(this, [this] { tell(); }, Qt::QueuedConnection);
    }

    void tell()
    {
        /* The callable may destroy this. */
        const std::function<void()> told = std::exchange(told_, nullptr);
        if (told)
            detail::call_guarded(told);
    }

    token token_;
    std::function<void()> told_;
    native_event event_;
    /* The last member: nobody watches an event that is closed. */
    watch watch_;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_QT_NOTIFIER_HPP */
