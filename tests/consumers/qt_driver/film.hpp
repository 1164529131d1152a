// Pictures of a window, one after another, as files of a folder. Their names give their order.
#pragma once

#include <QtWidgets>

class film {
public:
    film(QWidget *window, const QString &folder) : window_(window), folder_(folder) {}

    // Takes a picture if the bar has advanced by a fiftieth of its length since the last one. So the number
    // of pictures does not depend on the machine's speed.
    void follow(const QProgressBar *bar)
    {
        const int part = 50 * bar->value() / bar->maximum();
        if (bar == followed_ && part == part_)
            return;
        followed_ = bar;
        part_ = part;
        take("");
    }

    // Takes a picture that is shown for longer than the others.
    void hold() { take("-held"); }

    int taken() const { return taken_; }

private:
    void take(const char *mark)
    {
        const QString name = QString("%1%2.png").arg(taken_, 3, 10, QChar('0')).arg(mark);
        if (window_->grab().save(QDir(folder_).filePath(name)))
            ++taken_;
    }

    QWidget *window_;
    QString folder_;
    const QProgressBar *followed_ = nullptr;
    int part_ = -1;
    int taken_ = 0;
};
