// One job in the window: its picture, label, state, bar and Cancel button.
#pragma once

#include <QtWidgets>

#include <functional>
#include <memory>

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
        grid->addWidget(picture_, 0, 0, 4, 1);
        grid->addWidget(new QLabel("<b>" + label + "</b>"), 0, 1, 1, 2);
        grid->addWidget(bar_, 1, 1);
        grid->addWidget(cancel_, 1, 2);
        grid->addWidget(state_, 2, 1, 1, 2);
        grid->setRowStretch(3, 1);
        grid->setColumnStretch(1, 1);
        bar_->setRange(0, scene_->total());
        bar_->setValue(0);
        cancel_->setEnabled(false);
        connect(cancel_, &QPushButton::clicked, this, [this] { job_.cancel("its button was clicked"); });
        show_state("not started", "#7a7a7a");
        show_picture();
    }

    // Posts the job. The row has to be there until it has ended.
    void start(dcc::dispatcher &dispatcher)
    {
        scene_ = make_scene_();
        dcc::post_options options;
        options.completion = [this](const dcc::job &job, dcc::job_state state) { end(job, state); };
        // A slice that stopped half way needs no answer of its own: a cancelled job gets no other.
        job_ = dispatcher.post(label_.toStdString(), [scene = scene_](const dcc::job &job) {
            if (scene->run_slice())
                job.set_progress(std::uint64_t(scene->done()), std::uint64_t(scene->total()),
                                 scene->progress_text());
            return scene->done() < scene->total() ? dcc::step::again : dcc::step::done;
        }, options);
        bar_->setValue(0);
        cancel_->setEnabled(true);
        show_state("waiting", "#3574b8");
        show_picture();
    }

    // The dispatcher tells it for each job; this row shows its own.
    void show_progress(const dcc::job &job, dcc::job::progress_info progress)
    {
        if (job.id() != job_.id())
            return;
        bar_->setValue(int(progress.done));
        show_state("running, " + QString::fromStdString(job.progress_message()), "#3574b8");
        show_picture();
    }

    bool is_active() const { return cancel_->isEnabled(); }

private:
    void end(const dcc::job &job, dcc::job_state state)
    {
        cancel_->setEnabled(false);
        const QString at = QString::fromStdString(job.progress_message());
        switch (state) {
        case dcc::job_state::completed:
            return show_state("completed, " + at, "#3f8f4f");
        case dcc::job_state::cancelled:
            return show_state("cancelled at " + at + ": " +
                                  QString::fromStdString(job.token().reason()),
                              "#c0702a");
        case dcc::job_state::failed:
            return show_state("failed: " + QString::fromStdString(job.failure()), "#b03030");
        default:
            return show_state("interrupted", "#b03030");
        }
    }

    void show_state(const QString &words, const QColor &colour)
    {
        QPalette of_bar = palette();
        of_bar.setColor(QPalette::Highlight, colour);
        bar_->setPalette(of_bar);
        QPalette of_state = palette();
        of_state.setColor(QPalette::WindowText, colour);
        state_->setPalette(of_state);
        state_->setText(words);
    }

    void show_picture()
    {
        const auto *bytes = reinterpret_cast<const uchar *>(scene_->pixels().data());
        const QImage image(bytes, scenes::width, scenes::height, QImage::Format_RGB32);
        picture_->setPixmap(QPixmap::fromImage(image));
    }

    QString label_;
    scene_maker make_scene_;
    std::shared_ptr<scenes::scene> scene_;
    dcc::job job_;
    QLabel *picture_ = new QLabel;
    QProgressBar *bar_ = new QProgressBar;
    QPushButton *cancel_ = new QPushButton("Cancel");
    QLabel *state_ = new QLabel;
};
