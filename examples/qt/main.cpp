// Shows: long jobs in a window that stays alive without a second thread. The jobs are coroutines of C++20. A
// dispatcher runs them in slices while a timer of Qt pumps it. Each job has a bar, and can be cancelled.
//
// Build and run, with Qt 6 (Debian: qt6-base-dev), a Rust toolchain and CMake, from the project's folder:
//     cmake -S examples/qt -B target/qt && cmake --build target/qt
//     target/qt/qt_jobs

#include <QtWidgets>

#include "job_window.hpp"

int main(int argc, char **argv)
{
    QApplication application(argc, argv);
    job_window window;
    window.show();
    return application.exec();
}
