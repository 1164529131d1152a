// The programs with Qt share this: waits in which the event loop runs.
#ifndef DCC_TESTS_QT_LOOP_HPP
#define DCC_TESTS_QT_LOOP_HPP

#include <chrono>
#include <stdexcept>

#include <QtCore/QAbstractEventDispatcher>
#include <QtCore/QCoreApplication>
#include <QtCore/QTimer>

#include "cancelled_work.hpp"

// Runs the event loop until the condition holds. False if it hangs. QTest::qWaitFor looks only every ten
// milliseconds, which is too seldom for measured figures.
template <class Condition> bool happens(Condition condition)
{
    const auto end = test_clock::now() + hangs_after;
    QTimer looks;
    looks.start(1);
    while (!condition()) {
        if (test_clock::now() > end)
            return false;
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
        QCoreApplication::sendPostedEvents(nullptr, QEvent::DeferredDelete);
    }
    return true;
}

#define EXPECT_SOON(condition) EXPECT(happens([&] { return (condition); }))

// Runs the event loop until it has nothing to do. False if it never rests.
inline bool comes_to_rest()
{
    const auto end = test_clock::now() + hangs_after;
    while (QAbstractEventDispatcher::instance()->processEvents(QEventLoop::AllEvents))
        if (test_clock::now() > end)
            return false;
    return true;
}

// Counts the exceptions that callables threw.
class thrown_ones {
public:
    thrown_ones() { dcc::set_callback_exception_handler(note); }
    ~thrown_ones() { dcc::set_callback_exception_handler(nullptr); }

    int count() const { return counted(); }

private:
    static int &counted()
    {
        static int number = 0;
        return number;
    }

    static void note(std::exception_ptr) noexcept { ++counted(); }
};

#endif
