// A window with three jobs. Qt's event loop runs them between its events.
#pragma once

#include <QtWidgets>

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include "dcc_cancel.hpp"
#include "dcc_cancel/adapters/qt_pump.hpp"
#include "job_row.hpp"

class job_window : public QWidget {
public:
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
        pump_.set_ticked([this](const dcc::tick &) { show_news(); });
        show_news();
    }

    // Other plugins of the same host may post to it.
    const dcc::dispatcher &dispatcher() const { return pump_.dispatcher(); }

private:
    void start_all()
    {
        for (job_row *row : rows_)
            row->start(dispatcher());
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
        const dcc::dispatcher_stats now = dispatcher().stats();
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
        given.progress = [this](const dcc::job &job, dcc::job_progress progress) {
            for (job_row *row : rows_)
                row->note_progress(job, progress);
        };
        return given;
    }

    std::array<job_row *, 3> rows_ = {
        new job_row("Smooth a terrain", [] { return std::make_shared<scenes::smoothing>(); }),
        new job_row("Bake ambient occlusion", [] { return std::make_shared<scenes::baking>(); }),
        new job_row("Simulate a coral", [] { return std::make_shared<scenes::simulation>(); })};
    QLabel *statistics_ = new QLabel;
    QPushButton *start_all_ = new QPushButton("Start all");
    // The last member, so it is destroyed first. After that no job uses the rows.
    dcc::qt_pump pump_{options()};
};
