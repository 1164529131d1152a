// A window with three jobs and the dispatcher that runs them between its events.
#pragma once

#include <QtWidgets>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include "dcc_cancel.hpp"
#include "job_row.hpp"

class job_window : public QWidget {
public:
    // Of each sixtieth of a second the jobs get so much; the rest is for the window.
    static constexpr std::chrono::milliseconds budget{4};

    job_window()
    {
        setWindowTitle("Jobs");
        auto *column = new QVBoxLayout(this);
        column->setContentsMargins(18, 18, 18, 14);
        column->setSpacing(14);
        for (job_row *row : rows_)
            column->addWidget(row);
        auto *line = new QHBoxLayout;
        line->addWidget(statistics_, 1);
        line->addWidget(start_all_);
        column->addLayout(line);
        statistics_->setObjectName("statistics");
        start_all_->setObjectName("start_all");
        resize(560, sizeHint().height());

        connect(start_all_, &QPushButton::clicked, this, [this] { start_all(); });
        connect(&timer_, &QTimer::timeout, this, [this] { tick(); });
        timer_.setTimerType(Qt::PreciseTimer);
        timer_.setInterval(std::chrono::milliseconds(1000 / 60));
        show_news();
    }

    // Others may have the dispatcher, too; no job may tell the rows anything when they are gone.
    ~job_window() override { dispatcher_.shutdown(); }

    // For other plugins of the same host.
    dcc::dispatcher &dispatcher() { return dispatcher_; }

private:
    void start_all()
    {
        for (job_row *row : rows_)
            row->start(dispatcher_);
        show_news();
    }

    void tick()
    {
        const dcc::tick done = dispatcher_.pump(budget);
        if (done.status < 0)
            return; // inside a job's own event loop, for instance
        if (!done.next)
            timer_.stop(); // until the dispatcher wakes it
        show_news();
    }

    void show_news()
    {
        for (job_row *row : rows_)
            row->show_news();
        start_all_->setEnabled(std::none_of(rows_.begin(), rows_.end(),
                                            [](job_row *row) { return row->is_active(); }));
        const auto milliseconds = [](std::chrono::nanoseconds time) {
            return QString::number(std::chrono::duration<double, std::milli>(time).count(), 'f', 1);
        };
        const dcc::dispatcher_stats now = dispatcher_.stats();
        statistics_->setText(QString("%1 ticks, the longest %2 ms; depth %3, %4 under way")
                                 .arg(now.ticks)
                                 .arg(milliseconds(now.longest_tick))
                                 .arg(now.depth)
                                 .arg(now.between_slices));
    }

    dcc::dispatcher_options options()
    {
        dcc::dispatcher_options given;
        given.progress_interval = std::chrono::milliseconds(30);
        given.progress = [this](const dcc::job &job, dcc::job::progress_info progress) {
            for (job_row *row : rows_)
                row->note_progress(job, progress);
        };
        // Comes from any thread that posts or cancels, maybe when the window is gone.
        given.wake = [timer = QPointer<QTimer>(&timer_)] {
            const auto start = [timer] {
                if (timer && !timer->isActive())
                    timer->start();
            };
            QMetaObject::invokeMethod(qApp, start, Qt::QueuedConnection);
        };
        return given;
    }

    std::array<job_row *, 3> rows_ = {
        new job_row("Smooth a terrain", [] { return std::make_shared<scenes::smoothing>(); }),
        new job_row("Bake ambient occlusion", [] { return std::make_shared<scenes::baking>(); }),
        new job_row("Simulate a coral", [] { return std::make_shared<scenes::simulation>(); })};
    QLabel *statistics_ = new QLabel;
    QPushButton *start_all_ = new QPushButton("Start all");
    QTimer timer_;
    dcc::dispatcher dispatcher_ = dcc::dispatcher::create(options());
};
