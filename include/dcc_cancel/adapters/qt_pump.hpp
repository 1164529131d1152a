/* Qt: an event loop pumps a dispatcher. Not part of dcc_cancel.hpp.
 *
 *     dcc::qt_pump pump;                                // on the UI thread, the last member of its object
 *     pump.dispatcher().post("Bake", [&] { bake(); });  // from any thread
 *
 * For Qt 5.15 and 6; it needs only QtCore, and no moc. For the UI thread of a host with Qt's event loop, or
 * any other thread with one.
 *
 * When it pumps: a post is run in the next turn of the event loop. While work is left, it pumps again when
 * tick::next says so, which gives the host as much time as the jobs. If no work is left, no timer runs. A
 * pump takes the budget and at most one job or slice more. The nested loops of dialogs pump too: if that is
 * wrong, let dispatcher_options::veto say "not now". Nothing is pumped in an event loop inside one of its
 * jobs, or inside the is_cancelled of any job (processEvents there): its jobs run afterwards.
 *
 * What cannot be interrupted: a running job. It sees a cancel when it polls.
 *
 * The destructor closes the dispatcher, even if others have references: jobs that wait end as interrupted,
 * and their completions run before the destructor returns. So make it the last member: it is then destroyed
 * before what the completions use. If one of its own jobs destroys it, the completions run when that job
 * returns; those of jobs that still run on other threads do not run. */

#ifndef DCC_CANCEL_ADAPTERS_QT_PUMP_HPP
#define DCC_CANCEL_ADAPTERS_QT_PUMP_HPP

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include <QtCore/QObject>
#include <QtCore/QPointer>
#include <QtCore/QTimer>

#include "../dispatcher.hpp"
#include "../exception_handler.hpp"

namespace dcc {

/* A dispatcher and the timer that pumps it. It belongs to the thread that makes it, which is the main thread
 * or a QThread, and is destroyed there. */
class qt_pump : public QObject {
public:
    /* The pump has a `wake` of its own: that of the options is not called. */
    explicit qt_pump(dispatcher_options options = {})
    {
        options.wake = [target = link_] { target->wake(); };
        dispatcher_ = dcc::dispatcher::create(std::move(options));
        timer_.setSingleShot(true);
        timer_.setTimerType(Qt::PreciseTimer);
        timer_.callOnTimeout(this, [this] { pump(); });
        link_->connect(this);
    }

    ~qt_pump() override
    {
        link_->connect(nullptr);
        dispatcher_.close();
    }

    /* The dispatcher, for posts. */
    const dcc::dispatcher &dispatcher() const noexcept { return dispatcher_; }

    /* Sets how long one pump may take; 4 ms by default. */
    void set_budget(std::chrono::nanoseconds budget) { budget_ = budget; }

    /* Sets a function that is called after each pump that could run, to show what is new. Its exceptions go
     * to set_callback_exception_handler's handler. It may destroy the pump. */
    void set_ticked(std::function<void(const tick &)> ticked) { ticked_ = std::move(ticked); }

private:
    /* A pointer to the pump for threads that post, because the pump may be destroyed meanwhile. */
    class link {
    public:
        void connect(qt_pump *pump)
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            pump_ = pump;
        }

        void wake()
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (pump_ != nullptr)
                QMetaObject::invokeMethod(pump_, [pump = pump_] { pump->note_wake(); },
                                          Qt::QueuedConnection);
        }

    private:
        std::mutex mutex_;
        qt_pump *pump_ = nullptr;
    };

    void note_wake()
    {
        /* If the last pump left work over, its timer is set already. */
        if (!is_paced_)
            timer_.start(0);
    }

    void pump()
    {
        /* A job may destroy this pump. */
        const QPointer<qt_pump> self(this);
        is_paced_ = false;
        const tick done = dispatcher_.pump(budget_);
        if (!self)
            return;
        if (done.status < 0) {
            /* Inside an event loop of a job or of a host's check: this has to be tried again. */
            if (done.next)
                timer_.start(std::chrono::ceil<std::chrono::milliseconds>(*done.next));
            return;
        }
        is_paced_ = done.remaining > 0;
        if (done.next)
            timer_.start(std::chrono::ceil<std::chrono::milliseconds>(*done.next));
        const std::function<void(const tick &)> ticked = ticked_;
        if (ticked)
            detail::call_guarded([&] { ticked(done); });
    }

    std::shared_ptr<link> link_ = std::make_shared<link>();
    dcc::dispatcher dispatcher_;
    std::chrono::nanoseconds budget_ = std::chrono::milliseconds(4);
    std::function<void(const tick &)> ticked_;
    QTimer timer_{this};
    bool is_paced_ = false;
};

} // namespace dcc

#endif /* DCC_CANCEL_ADAPTERS_QT_PUMP_HPP */
