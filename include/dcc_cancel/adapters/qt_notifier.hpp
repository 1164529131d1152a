/* Qt: an object is told in its own event loop that a token was cancelled. Not part of dcc_cancel.hpp.
 *
 *     new dcc::qt_notifier(job.token(), this, [this] { stop_download(); });    // `this`: any QObject
 *
 * For Qt 5.15 and 6; it needs only QtCore, and no moc.
 *
 * When it tells: once, in the event loop of the parent's thread, whichever thread cancels, even if the parent
 * is moved to another thread meanwhile. For a token that was cancelled before, it tells in the first turn of
 * the event loop, never in the constructor. After the end of the parent or of the notifier it tells no more.
 * The callable may destroy both. Its exceptions go to set_callback_exception_handler's handler, not through
 * Qt.
 *
 * What cannot be interrupted: work that keeps that thread from its event loop. Nothing is polled here: if a
 * job has a host's own check (job_options::is_cancelled), some poll elsewhere has to ask it.
 *
 * What it takes: the token, and until it has told an event of the operating system: on Linux and macOS a
 * descriptor, and one more for all notifiers of a token; a process has a limited number of them. The
 * constructor throws dcc::error if none is left. */

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

/* Tells of a cancel. It is a child of its parent, and made on the parent's thread, which is the main thread
 * or a QThread. Without a parent you destroy it, on the same thread. */
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

    /* Qt's own notifier. Its event is used because its signal differs between versions of Qt. */
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
        /* The event stays set, so an enabled notifier would report it for ever. */
        watch_.setEnabled(false);
        event_ = native_event();
        /* Later, not here: the callable may destroy the object that Qt is calling just now. */
        QMetaObject::invokeMethod(this, [this] { tell(); }, Qt::QueuedConnection);
    }

    void tell()
    {
        /* The callable may destroy this notifier. */
        const std::function<void()> told = std::exchange(told_, nullptr);
        if (told)
            detail::call_guarded(told);
    }

    token token_;
    std::function<void()> told_;
    native_event event_;
    /* The last member: destroyed first, so that it never watches a closed event. */
    watch watch_;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_QT_NOTIFIER_HPP */
