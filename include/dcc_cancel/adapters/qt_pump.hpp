/* Qt: an event loop pumps a dispatcher. Not part of dcc_cancel.hpp.
 *
 *     dcc::qt_pump pump;                                // on the UI thread, the last member of its object
 *     pump.dispatcher().post("Bake", [&] { bake(); });  // from any thread
 *
 * With Qt 5.15 and 6, of which it needs QtCore alone; no moc. For the UI thread of a host whose event
 * loop is Qt's, or any other thread with one.
 *
 * When it pumps: a post is run in the next turn of the event loop. While work is left it goes on when
 * tick::next says so, as long for the host as for the jobs; when nothing is, no timer runs. One pump
 * takes the budget and at most one job or slice more. The nested loops of dialogs pump, too: have
 * dispatcher_options::veto say "not now" where that is wrong. In a loop that one of its jobs runs, or that
 * the is_cancelled of any job runs (processEvents in it), nothing is pumped; what waits there goes on
 * afterwards.
 *
 * What cannot be interrupted: a job that runs. It sees a cancel when it polls.
 *
 * Its end closes the dispatcher, also if others have it: jobs that wait end as interrupted, and
 * their completions run before the destructor returns. So let it go before what they use: as the last
 * member. Where one of its own jobs destroys it, the completions run when that job returns; those of
 * jobs that are still on other threads do not run. */

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

/* A dispatcher and the timer that pumps it. It stays on the thread that makes it, the main one or a
 * QThread, and is destroyed there. */
class qt_pump : public QObject {
public:
    /* `wake` of the options is the pump's own: a given one is not called. */
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

    /* For whoever posts. */
    const dcc::dispatcher &dispatcher() const noexcept { return dispatcher_; }

    /* How long one pump may take; 4 ms unless this is called. */
    void set_budget(std::chrono::nanoseconds budget) { budget_ = budget; }

    /* Called after each pump that could run, to show what is new. What it throws goes to
     * set_callback_exception_handler's handler. It may destroy the pump. */
    void set_ticked(std::function<void(const tick &)> ticked) { ticked_ = std::move(ticked); }

private:
    /* What threads that post have of the pump, which may be destroyed meanwhile. */
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
        /* What a pump has left over waits for its time. */
        if (!is_paced_)
            timer_.start(0);
    }

    void pump()
    {
        /* A job may destroy this. */
        const QPointer<qt_pump> self(this);
        is_paced_ = false;
        const tick done = dispatcher_.pump(budget_);
        if (!self)
            return;
        if (done.status < 0) {
            /* In a loop of a job's or of a host's check: somebody has to come back. */
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
