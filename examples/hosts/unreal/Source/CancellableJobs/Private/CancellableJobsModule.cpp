// Shows: an editor plugin with long jobs that can be cancelled. The core ticker pumps a dispatcher for a few
// milliseconds of each frame. A job runs there in slices, or in a slow task that Esc cancels, or on workers.
// A bridge on loopback lets an agent's adapter run, follow and cancel the same jobs.
//
// README.md says how to build it. CI compiles it and runs it against stand-ins. It was never run in the
// editor.
//
// In the editor's console:
//     CancellableJobs.Smooth 2000 slow_task       (or worker, or sliced)
//     CancellableJobs.Cancel
//     CancellableJobs.Show                        (what the viewport shows)

#include "CoreMinimal.h"
#include "HAL/IConsoleManager.h"
#include "Misc/ConfigCacheIni.h"
#include "Modules/ModuleManager.h"

#if PLATFORM_WINDOWS
#include "HAL/PlatformProcess.h"
#include "Interfaces/IPluginManager.h"
#include "Misc/Paths.h"
#endif

#include "DccCancel.h"
#include "GameThreadJobs.h"
#include "JobBridge.h"
#include "SmoothingRuns.h"

DEFINE_LOG_CATEGORY(LogCancellableJobs);

class FCancellableJobsModule : public IModuleInterface
{
public:
	virtual void StartupModule() override;
	virtual void ShutdownModule() override;

	/** Refused inside the dialog of a slow task, because one of our jobs is running below that. */
	virtual bool SupportsDynamicReloading() override { return !Jobs.IsInsideJob(); }

private:
	void Smooth(const TArray<FString>& Arguments);
	void Cancel();
	void Show();

	FGameThreadJobs Jobs;
	TUniquePtr<FSmoothingRuns> Runs;
	TUniquePtr<FJobBridge> Bridge;
	/** The parent of the runs that the console has started. */
	dcc::token ConsoleRuns;
	TArray<IConsoleObject*> Commands;
};

IMPLEMENT_MODULE(FCancellableJobsModule, CancellableJobs)

void FCancellableJobsModule::StartupModule()
{
#if PLATFORM_WINDOWS
	// The first call into the library loads it by its name, unless it is loaded already. It stays loaded.
	const FString Folder = FPaths::Combine(
		IPluginManager::Get().FindPlugin(TEXT("CancellableJobs"))->GetBaseDir(), TEXT("Binaries/Win64"));
	FPlatformProcess::GetDllHandle(*FPaths::Combine(Folder, TEXT("dcc_cancel.dll")));
#endif
	double BudgetMilliseconds = 4.0;
	int32 Side = 512;
	GConfig->GetDouble(
		TEXT("CancellableJobs"), TEXT("BudgetMilliseconds"), BudgetMilliseconds, GEditorPerProjectIni);
	GConfig->GetInt(TEXT("CancellableJobs"), TEXT("SheetSide"), Side, GEditorPerProjectIni);
	if (!Jobs.Start(BudgetMilliseconds))
	{
		return;
	}
	Runs = MakeUnique<FSmoothingRuns>(Jobs, FMath::Clamp(Side, 3, 4096));
	const FJobBridgeSettings Settings = FJobBridgeSettings::FromConfig();
	if (Settings.bEnabled)
	{
		Bridge = MakeUnique<FJobBridge>(Settings, Jobs, *Runs);
		if (!Bridge->Open())
		{
			Bridge.Reset();
		}
	}
	dcc::token::try_create(ConsoleRuns);
	IConsoleManager& Console = IConsoleManager::Get();
	Commands.Add(Console.RegisterConsoleCommand(TEXT("CancellableJobs.Smooth"),
		TEXT("Smooths the mesh: <passes> <worker|sliced|slow_task>"),
		FConsoleCommandWithArgsDelegate::CreateRaw(this, &FCancellableJobsModule::Smooth)));
	Commands.Add(Console.RegisterConsoleCommand(TEXT("CancellableJobs.Cancel"),
		TEXT("Cancels what CancellableJobs.Smooth started"),
		FConsoleCommandDelegate::CreateRaw(this, &FCancellableJobsModule::Cancel)));
	Commands.Add(Console.RegisterConsoleCommand(TEXT("CancellableJobs.Show"),
		TEXT("Logs which mesh the viewport shows, and how rough that is"),
		FConsoleCommandDelegate::CreateRaw(this, &FCancellableJobsModule::Show)));
}

void FCancellableJobsModule::ShutdownModule()
{
	for (IConsoleObject* Command : Commands)
	{
		IConsoleManager::Get().UnregisterConsoleObject(Command);
	}
	Commands.Empty();
	Bridge.Reset(); // it posts nothing any more, and the jobs of its clients are cancelled
	Jobs.Stop();    // every completion has run, and no function of ours is called any more
	Runs.Reset();
	ConsoleRuns = dcc::token();
}

void FCancellableJobsModule::Smooth(const TArray<FString>& Arguments)
{
	FSmoothingOptions Options;
	const TOptional<ERunMode> Mode =
		RunModeFromText(Arguments.Num() > 1 ? Arguments[1] : FString(TEXT("worker")));
	Options.Passes = Arguments.Num() > 0 ? FCString::Atoi(*Arguments[0]) : 0;
	if (!Mode.IsSet() || Options.Passes < 1)
	{
		UE_LOG(LogCancellableJobs, Warning,
			TEXT("CancellableJobs.Smooth takes a number of passes from 1 up, and worker, sliced or "
				 "slow_task"));
		return;
	}
	Options.Mode = *Mode;
	Options.Parent = ConsoleRuns;
	dcc::job Job;
	if (Runs->Post(Job, MoveTemp(Options)) < 0)
	{
		UE_LOG(LogCancellableJobs, Warning, TEXT("not smoothed: %s"), *DccCancel::LastError());
		return;
	}
	UE_LOG(LogCancellableJobs, Log, TEXT("job %lld posted"), static_cast<int64>(Job.id()));
}

void FCancellableJobsModule::Cancel()
{
	ConsoleRuns.cancel("CancellableJobs.Cancel");
	// Later runs get a new parent, because this one stays cancelled.
	dcc::token::try_create(ConsoleRuns);
}

void FCancellableJobsModule::Show()
{
	const FShownMesh Shown = Runs->GetShown();
	UE_LOG(LogCancellableJobs, Log, TEXT("shown: %d passes over mesh revision %d, roughness %lld millionths"),
		Shown.Passes, Shown.Revision, static_cast<int64>(Shown.Roughness * 1e6));
}
