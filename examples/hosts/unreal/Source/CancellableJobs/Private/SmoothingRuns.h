// Smooths the mesh of the scene as a job: on workers, on the game thread in slices, or in a slow task.
#pragma once

#include "CoreMinimal.h"
#include "HAL/CriticalSection.h"
#include "Misc/Optional.h"

#include "DccCancel.h"
#include "SmoothableMesh.h"

class FGameThreadJobs;

/** Where a run works. */
enum class ERunMode
{
	/** On the threads of the pool; the game thread only takes the result over. */
	Worker,
	/** On the game thread, a slice each frame: for work that touches UObjects. The editor stays usable, and
	 * shows the passes as they are made. */
	Sliced,
	/** On the game thread in one go, under a slow task's dialog. */
	SlowTask
};

TOptional<ERunMode> RunModeFromText(const FString& Text);

/** What a run was, when it is over. */
struct FSmoothingOutcome
{
	int32 Passes = 0;
	int32 TotalPasses = 0;
	/** Of the scene's mesh afterwards, which only a completed run changes. */
	int32 Revision = 0;
	/** Of what a completed run made of it. */
	double Roughness = 0.0;
};

/** What the viewport shows. */
struct FShownMesh
{
	/** How many passes of a run under way; 0 for the scene's mesh. */
	int32 Passes = 0;
	/** Of the scene's mesh. */
	int32 Revision = 0;
	double Roughness = 0.0;
};

struct FSmoothingOptions
{
	ERunMode Mode = ERunMode::Worker;
	int32 Passes = 1;
	/** A cancel of it cancels the run. */
	dcc::token Parent;
	/** Told now and then on the thread that works. */
	std::function<void(const dcc::job&)> Progress;
	/** Told once on the game thread, also when the run never began. */
	std::function<void(const dcc::job&, dcc::job_state, const FSmoothingOutcome&)> Ended;
};

/** The mesh, and the runs on it. Destroyed after its jobs were stopped. */
class FSmoothingRuns
{
public:
	FSmoothingRuns(const FGameThreadJobs& InJobs, int32 Side);

	/** Any thread. Negative: refused, nothing of the options is called. */
	dcc_status Post(dcc::job& OutJob, FSmoothingOptions Options);

	/** On the game thread. */
	FShownMesh GetShown() const;

private:
	struct FRun;
	class FPreview;

	dcc_status RunOnce(FRun& Run, const dcc::job& Job) const;
	dcc::task<bool> RunInSlices(TSharedRef<FRun, ESPMode::ThreadSafe> Run);
	dcc_status RunInSlowTask(FRun& Run, const dcc::job& Job) const;
	void End(FRun& Run, const dcc::job& Job, dcc::job_state State);

	const FGameThreadJobs& Jobs;
	mutable FCriticalSection MeshLock;
	FSharedMesh Mesh;
	int32 Revision = 0;
	/** The run that the viewport shows instead of the mesh, or null. Game thread. */
	const FRun* Previewed = nullptr;
};
