// Smooths the mesh of the scene as a job, on workers, on the game thread in slices, or in a slow task.
#pragma once

#include "CoreMinimal.h"
#include "HAL/CriticalSection.h"
#include "Misc/Optional.h"

#include "DccCancel.h"
#include "SmoothableMesh.h"

class FGameThreadJobs;

/** On which threads a run works. */
enum class ERunMode
{
	/** It works on the threads of the pool. The game thread only takes the result over. */
	Worker,
	/** It works on the game thread, one slice in each frame, as work that touches UObjects has to. The editor
	 * stays usable, and shows each pass. */
	Sliced,
	/** It works on the game thread without a break, under the dialog of a slow task. */
	SlowTask
};

TOptional<ERunMode> RunModeFromText(const FString& Text);

/** The outcome of a run that is over. */
struct FSmoothingOutcome
{
	int32 Passes = 0;
	int32 TotalPasses = 0;
	/** The revision of the scene's mesh after the run. Only a completed run changes it. */
	int32 Revision = 0;
	/** The roughness of the mesh that a completed run has made. */
	double Roughness = 0.0;
};

/** What the viewport shows now. */
struct FShownMesh
{
	/** How many passes the shown run has done; 0 if the scene's mesh is shown. */
	int32 Passes = 0;
	/** The revision of the scene's mesh. */
	int32 Revision = 0;
	double Roughness = 0.0;
};

struct FSmoothingOptions
{
	ERunMode Mode = ERunMode::Worker;
	int32 Passes = 1;
	/** A cancel of this token cancels the run. */
	dcc::token Parent;
	/** Called now and then, on the thread that works. */
	std::function<void(const dcc::job&)> Progress;
	/** Called once on the game thread, also if the run has never begun. */
	std::function<void(const dcc::job&, dcc::job_state, const FSmoothingOutcome&)> Ended;
};

/** The mesh, and the runs on it. Stop its jobs before it is destroyed. */
class FSmoothingRuns
{
public:
	FSmoothingRuns(const FGameThreadJobs& InJobs, int32 Side);

	/** Begins a run. Any thread may call this. Negative: it was refused, and no function of the options is
	 * called. */
	dcc_status Post(dcc::job& OutJob, FSmoothingOptions Options);

	/** Call it on the game thread. */
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
	/** The run that the viewport shows instead of the mesh, or null. For the game thread. */
	const FRun* Previewed = nullptr;
};
