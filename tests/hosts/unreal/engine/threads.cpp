// The stand-in's ticker, threads, slow task and console.
#include <algorithm>
#include <condition_variable>
#include <deque>
#include <map>
#include <sstream>
#include <thread>

#include "Containers/Ticker.h"
#include "CoreMinimal.h"
#include "HAL/IConsoleManager.h"
#include "HAL/RunnableThread.h"
#include "Misc/QueuedThreadPool.h"
#include "Misc/ScopedSlowTask.h"
#include "engine.hpp"

FTSTicker &FTSTicker::GetCoreTicker()
{
    static FTSTicker ticker;
    return ticker;
}

FTSTicker::FDelegateHandle FTSTicker::AddTicker(const FTickerDelegate &Delegate, float)
{
    const TSharedRef<FElement> element = MakeShared<FElement>();
    element->Delegate = Delegate;
    const std::lock_guard<std::mutex> lock(Lock);
    Elements.push_back(element);
    return element;
}

void FTSTicker::RemoveTicker(FDelegateHandle Handle)
{
    const TSharedPtr<FElement> element = Handle.Pin();
    if (!element.IsValid())
        return;
    const std::lock_guard<std::recursive_mutex> waits(element->IsTicking);
    element->bIsRemoved = true;
    element->Delegate.Function = nullptr; // it is code of a module that may go
}

void FTSTicker::Tick(float DeltaTime)
{
    std::list<TSharedRef<FElement>> present;
    {
        const std::lock_guard<std::mutex> lock(Lock);
        present = Elements;
    }
    for (const TSharedRef<FElement> &element : present) {
        const std::lock_guard<std::recursive_mutex> ticking(element->IsTicking);
        if (!element->bIsRemoved && !element->Delegate.Function(DeltaTime))
            element->bIsRemoved = true;
    }
    const std::lock_guard<std::mutex> lock(Lock);
    Elements.remove_if([](const TSharedRef<FElement> &element) { return element->bIsRemoved; });
}

int32 FTSTicker::StandInNum()
{
    const std::lock_guard<std::mutex> lock(Lock);
    return static_cast<int32>(std::count_if(Elements.begin(), Elements.end(),
        [](const TSharedRef<FElement> &element) { return !element->bIsRemoved; }));
}

namespace {

class thread_pool : public FQueuedThreadPool {
public:
    ~thread_pool() override { check(threads_.empty()); }

    bool Create(uint32 NumQueuedThreads, uint32, EThreadPriority, const TCHAR *) override
    {
        for (uint32 number = 0; number < NumQueuedThreads; ++number)
            threads_.emplace_back([this] { work(); });
        return true;
    }

    void Destroy() override
    {
        std::deque<IQueuedWork *> left;
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            is_ending_ = true;
            left.swap(queue_);
        }
        for (IQueuedWork *one : left)
            one->Abandon();
        changed_.notify_all();
        for (std::thread &thread : threads_)
            thread.join();
        threads_.clear();
    }

    void AddQueuedWork(IQueuedWork *Work) override
    {
        {
            const std::lock_guard<std::mutex> lock(mutex_);
            if (!is_ending_) {
                queue_.push_back(Work);
                changed_.notify_one();
                return;
            }
        }
        Work->Abandon();
    }

    bool RetractQueuedWork(IQueuedWork *Work) override
    {
        const std::lock_guard<std::mutex> lock(mutex_);
        const auto found = std::find(queue_.begin(), queue_.end(), Work);
        if (found == queue_.end())
            return false;
        queue_.erase(found);
        return true;
    }

    int32 GetNumThreads() const override { return static_cast<int32>(threads_.size()); }

private:
    void work()
    {
        std::unique_lock<std::mutex> lock(mutex_);
        while (true) {
            changed_.wait(lock, [this] { return is_ending_ || !queue_.empty(); });
            if (queue_.empty())
                return;
            IQueuedWork *const next = queue_.front();
            queue_.pop_front();
            lock.unlock();
            next->DoThreadedWork();
            lock.lock();
        }
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<IQueuedWork *> queue_;
    std::vector<std::thread> threads_;
    bool is_ending_ = false;
};

class runnable_thread : public FRunnableThread {
public:
    explicit runnable_thread(FRunnable *runnable) : runnable_(runnable), thread_([runnable] {
        if (runnable->Init())
            runnable->Run();
        runnable->Exit();
    })
    {
    }
    ~runnable_thread() override { runnable_thread::Kill(true); }

    bool Kill(bool) override
    {
        if (thread_.joinable())
            runnable_->Stop();
        runnable_thread::WaitForCompletion();
        return true;
    }
    void WaitForCompletion() override
    {
        if (thread_.joinable())
            thread_.join();
    }

private:
    FRunnable *runnable_;
    std::thread thread_;
};

struct dialogs {
    std::function<bool(float)> live;
    int open = 0;
    bool is_esc_pressed = false;
    std::vector<float> shown;
};

dialogs &all_dialogs()
{
    static dialogs all;
    return all;
}

struct command : IConsoleObject {
    std::function<void(const TArray<FString> &)> function;
};

class console_manager : public IConsoleManager {
public:
    IConsoleObject *RegisterConsoleCommand(
        const TCHAR *Name, const TCHAR *, const FConsoleCommandDelegate &Command) override
    {
        return add(Name, Command.Function);
    }
    IConsoleObject *RegisterConsoleCommand(
        const TCHAR *Name, const TCHAR *, const FConsoleCommandWithArgsDelegate &Command) override
    {
        return add(Name, Command.Function);
    }
    void UnregisterConsoleObject(IConsoleObject *Object, bool) override
    {
        for (auto at = commands_.begin(); at != commands_.end(); ++at) {
            if (&at->second == Object) {
                commands_.erase(at);
                return;
            }
        }
        check(Object == nullptr);
    }

    bool run(const std::string &line)
    {
        std::istringstream words(line);
        std::string name;
        words >> name;
        TArray<FString> arguments;
        for (std::string word; words >> word;) {
            const FUTF8ToTCHAR converted(word.data(), static_cast<int32>(word.size()));
            arguments.Add(converted.Get());
        }
        const auto found = commands_.find(name);
        if (found == commands_.end())
            return false;
        found->second.function(arguments);
        return true;
    }

private:
    IConsoleObject *add(const TCHAR *name, std::function<void(const TArray<FString> &)> function)
    {
        command &made = commands_[stand_in::utf8(name)];
        made.function = std::move(function);
        return &made;
    }

    std::map<std::string, command> commands_;
};

console_manager &console_of_engine()
{
    static console_manager console;
    return console;
}

} // namespace

FQueuedThreadPool *FQueuedThreadPool::Allocate() { return new thread_pool; }

FRunnableThread *FRunnableThread::Create(FRunnable *Runnable, const TCHAR *, uint32, EThreadPriority)
{
    return new runnable_thread(Runnable);
}

IConsoleManager &IConsoleManager::Get() { return console_of_engine(); }

FScopedSlowTask::FScopedSlowTask(float InAmountOfWork, const FText &) : TotalAmountOfWork(InAmountOfWork)
{
    check(IsInGameThread());
    all_dialogs().shown.clear();
}

FScopedSlowTask::~FScopedSlowTask()
{
    check(IsInGameThread());
    all_dialogs().open -= bHasCancelButton ? 1 : 0;
}

void FScopedSlowTask::MakeDialog(bool bShowCancelButton, bool)
{
    bHasCancelButton = bShowCancelButton;
    all_dialogs().open += bHasCancelButton ? 1 : 0;
}

void FScopedSlowTask::EnterProgressFrame(float ExpectedWorkThisFrame, const FText &)
{
    check(IsInGameThread());
    CompletedWork += CurrentFrameScope;
    CurrentFrameScope = ExpectedWorkThisFrame;
    check(CompletedWork + CurrentFrameScope <= TotalAmountOfWork * 1.001f);
    all_dialogs().shown.push_back((CompletedWork + CurrentFrameScope) / TotalAmountOfWork);
}

bool FScopedSlowTask::ShouldCancel() const
{
    check(IsInGameThread());
    dialogs &all = all_dialogs();
    if (bHasCancelButton && all.live)
        all.is_esc_pressed =
            all.live((CompletedWork + CurrentFrameScope) / TotalAmountOfWork) || all.is_esc_pressed;
    return bHasCancelButton && std::exchange(all.is_esc_pressed, false);
}

namespace stand_in {

bool console(const std::string &line) { return console_of_engine().run(line); }

void on_dialog(std::function<bool(float fraction)> live) { all_dialogs().live = std::move(live); }

std::vector<float> shown_fractions() { return all_dialogs().shown; }

int open_dialogs() { return all_dialogs().open; }

} // namespace stand_in
