// One job in the window: its picture, label, bar, state and Cancel button. During a tick it only notes what
// is new, so that painting does not take time of the tick.
#pragma once

#include <QtWidgets>

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "dcc_cancel.hpp"
#include "scenes.hpp"

class job_row : public QWidget {
public:
    using scene_maker = std::function<std::shared_ptr<scenes::scene>()>;

    job_row(const QString &label, scene_maker make_scene)
        : label_(label), make_scene_(std::move(make_scene)), scene_(make_scene_())
    {
        auto *grid = new QGridLayout(this);
        grid->setContentsMargins(0, 0, 0, 0);
        grid->setHorizontalSpacing(16);
        grid->addWidget(picture_, 0, 0, 3, 1);
        grid->addWidget(new QLabel("<b>" + label + "</b>"), 0, 1, 1, 2);
        grid->addWidget(bar_, 1, 1);
        grid->addWidget(cancel_, 1, 2);
        grid->addWidget(state_, 2, 1, 1, 2);
        grid->setVerticalSpacing(4);
        grid->setColumnStretch(1, 1);
        setObjectName("row");
        picture_->setObjectName("picture");
        state_->setObjectName("state");
        bar_->setRange(0, scene_->total());
        connect(cancel_, &QPushButton::clicked, this, [this] { job_.cancel("its button was clicked"); });
        note("not started", idle_colour);
        show_news();
    }

    // Posts the job. The row must live until the job has ended.
    void start(const dcc::dispatcher &dispatcher)
    {
        scene_ = make_scene_();
        done_ = 0;
        dcc::post_options options;
        options.completion = [this](const dcc::job &job, dcc::job_state state) { end(job, state); };
        // A coroutine, so each slice goes on where the last one stopped. The library keeps the lambda, and
        // with it the scene, as long as the coroutine runs.
        const auto run = [scene = scene_]() -> dcc::task<> {
            const dcc::job job = dcc::job::current();
            while (scene->done() < scene->total()) {
                if (scene->run_slice())
                    job.set_progress(std::uint64_t(scene->done()), std::uint64_t(scene->total()),
                                     scene->progress_text());
                // Goes on in the next tick if the share of this one is used up. A cancel is thrown here, even
                // if the scene has stopped half-way.
                co_await dcc::slice();
            }
        };
        // Not `post`, because no exception may pass through Qt.
        is_active_ = dispatcher.try_post(job_, label_.toStdString(), run, options) >= 0;
        if (is_active_)
            note("waiting", running_colour);
        else
            note("refused", failed_colour);
    }

    // The dispatcher tells every row of every job. A row notes only the progress of its own job.
    void note_progress(const dcc::job &job, dcc::job_progress progress)
    {
        if (job.id() != job_.id())
            return;
        done_ = int(progress.done);
        note("running, " + QString::fromStdString(job.progress_message()), running_colour);
    }

    // Shows what was noted since the last call.
    void show_news()
    {
        if (!has_news_)
            return;
        has_news_ = false;
        QPalette of_bar = palette();
        of_bar.setColor(QPalette::Highlight, QColor(colour_));
        bar_->setPalette(of_bar);
        bar_->setValue(done_);
        QPalette of_state = palette();
        of_state.setColor(QPalette::WindowText, QColor(colour_));
        state_->setPalette(of_state);
        state_->setText(words_);
        cancel_->setEnabled(is_active_);
        const auto *bytes = reinterpret_cast<const uchar *>(scene_->pixels().data());
        const QImage image(bytes, scenes::width, scenes::height, QImage::Format_RGB32);
        QPixmap picture = QPixmap::fromImage(image);
        picture.setDevicePixelRatio(2.0);
        picture_->setPixmap(picture);
    }

    bool is_active() const { return is_active_; }

private:
    static constexpr QRgb idle_colour = 0xff7a7a7a;
    static constexpr QRgb running_colour = 0xff3574b8;
    static constexpr QRgb completed_colour = 0xff3f8f4f;
    static constexpr QRgb cancelled_colour = 0xffc0702a;
    static constexpr QRgb failed_colour = 0xffb03030;

    void note(const QString &words, QRgb colour)
    {
        words_ = words;
        colour_ = colour;
        has_news_ = true;
    }

    void end(const dcc::job &job, dcc::job_state state)
    {
        is_active_ = false;
        const std::string message = job.progress_message();
        const QString at = message.empty() ? "the start" : QString::fromStdString(message);
        switch (state) {
        case dcc::job_state::completed:
            return note("completed, " + at, completed_colour);
        case dcc::job_state::cancelled:
            return note("cancelled at " + at + ": " + QString::fromStdString(job.token().reason()),
                        cancelled_colour);
        case dcc::job_state::failed:
            return note("failed: " + QString::fromStdString(job.failure()), failed_colour);
        default:
            return note("interrupted", failed_colour);
        }
    }

    // These members are what the row shows.
    QString words_;
    QRgb colour_ = idle_colour;
    int done_ = 0;
    bool is_active_ = false;
    bool has_news_ = false;

    QString label_;
    scene_maker make_scene_;
    std::shared_ptr<scenes::scene> scene_;
    dcc::job job_;
    QLabel *picture_ = new QLabel;
    QProgressBar *bar_ = new QProgressBar;
    QPushButton *cancel_ = new QPushButton("Cancel");
    QLabel *state_ = new QLabel;
};
