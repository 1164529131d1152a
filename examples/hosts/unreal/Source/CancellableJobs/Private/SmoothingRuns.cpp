#include "SmoothingRuns.h"

#include "HAL/PlatformTime.h"
#include "Misc/ScopeLock.h"

#include "GameThreadJobs.h"
#include "SlowTaskJob.h"

namespace
{
	/** A part of a frame's budget: several jobs get their turn, and no tick is longer than that over it. */
	constexpr double SliceSeconds = 0.001;
	/** Between two looks at the clock. */
	constexpr int32 VerticesPerStep = 4096;
}

TOptional<ERunMode> RunModeFromText(const FString& Text)
{
	if (Text == TEXT("worker"))
	{
		return ERunMode::Worker;
	}
	if (Text == TEXT("sliced"))
	{
		return ERunMode::Sliced;
	}
	if (Text == TEXT("slow_task"))
	{
		return ERunMode::SlowTask;
	}
	return {};
}

/** What a run's callable and its completion share. */
struct FSmoothingRuns::FRun
{
	FRun(FSharedMesh InMesh, FSmoothingOptions&& InOptions)
		: Options(MoveTemp(InOptions)), Smoothing(MoveTemp(InMesh), Options.Passes)
	{
	}

	void Tell(const dcc::job& Job) const
	{
		Job.set_progress(
			static_cast<uint64>(Smoothing.GetPasses()), static_cast<uint64>(Smoothing.GetTotalPasses()));
		if (Options.Progress)
		{
			Options.Progress(Job);
		}
	}

	/** The last part of the work: what the completion has only to take over. */
	dcc_status Finish()
	{
		const TSharedRef<FSmoothableMesh, ESPMode::ThreadSafe> Copy =
			MakeShared<FSmoothableMesh, ESPMode::ThreadSafe>(Smoothing.GetMesh());
		Copy->Positions = Smoothing.GetPositions();
		Roughness = FSmoothableMesh::Roughness(*Copy, Copy->Positions);
		Smoothed = Copy;
		return DCC_OK;
	}

	FSmoothingOptions Options;
	FMeshSmoothing Smoothing;
	FSharedMesh Smoothed;
	double Roughness = 0.0;
};

FSmoothingRuns::FSmoothingRuns(const FGameThreadJobs& InJobs, int32 Side)
	: Jobs(InJobs),
	  Mesh(MakeShared<FSmoothableMesh, ESPMode::ThreadSafe>(FSmoothableMesh::MakeBumpySheet(Side)))
{
}

dcc_status FSmoothingRuns::Post(dcc::job& OutJob, FSmoothingOptions Options)
{
	FSharedMesh Snapshot;
	{
		const FScopeLock Lock(&MeshLock);
		Snapshot = Mesh;
	}
	dcc::post_options Posting;
	Posting.parent = Options.Parent;
	Posting.any_thread = Options.Mode == ERunMode::Worker;
	Posting.owner = &Jobs.GetOwner();
	// Someone looks at the bar; the others are for when there is time.
	Posting.lane = Options.Mode == ERunMode::SlowTask ? dcc::lane::interactive : dcc::lane::normal;

	const ERunMode Mode = Options.Mode;
	const TSharedRef<FRun, ESPMode::ThreadSafe> Run =
		MakeShared<FRun, ESPMode::ThreadSafe>(MoveTemp(Snapshot), MoveTemp(Options));
	Posting.completion = [this, Run](const dcc::job& Job, dcc::job_state State) { End(*Run, Job, State); };
	const auto Work = [this, Run, Mode](const dcc::job& Job) -> dcc_status {
		switch (Mode)
		{
		case ERunMode::Sliced: return RunSlice(*Run, Job);
		case ERunMode::SlowTask: return RunInSlowTask(*Run, Job);
		default: return RunOnce(*Run, Job);
		}
	};
	return Jobs.GetDispatcher().try_post(OutJob, "Smooth mesh", Work, MoveTemp(Posting));
}

dcc_status FSmoothingRuns::RunOnce(FRun& Run, const dcc::job& Job) const
{
	while (!Run.Smoothing.IsDone())
	{
		if (!Run.Smoothing.SmoothPassOn(Jobs.GetPool()))
		{
			return DCC_CANCELLED_BY_JOB;
		}
		Run.Tell(Job);
	}
	return Run.Finish();
}

dcc_status FSmoothingRuns::RunSlice(FRun& Run, const dcc::job& Job) const
{
	if (Run.Smoothing.IsDone())
	{
		return Run.Finish();
	}
	const double Until = FPlatformTime::Seconds() + SliceSeconds;
	while (!Run.Smoothing.IsDone() && FPlatformTime::Seconds() < Until)
	{
		if (!Run.Smoothing.SmoothSome(VerticesPerStep))
		{
			return DCC_CANCELLED_BY_JOB;
		}
	}
	Run.Tell(Job);
	return DCC_RUN_AGAIN;
}

dcc_status FSmoothingRuns::RunInSlowTask(FRun& Run, const dcc::job& Job) const
{
	FSlowTaskJob SlowTask(
		Job, NSLOCTEXT("CancellableJobs", "Smoothing", "Smoothing mesh..."), Jobs.GetOwner());
	const dcc_status Status = SlowTask.Run([&Run, &Job] {
		while (!Run.Smoothing.IsDone())
		{
			if (!Run.Smoothing.SmoothSome(VerticesPerStep))
			{
				return false;
			}
			Run.Tell(Job);
		}
		return true;
	});
	return Status == DCC_OK ? Run.Finish() : Status;
}

void FSmoothingRuns::End(FRun& Run, const dcc::job& Job, dcc::job_state State)
{
	FSmoothingOutcome Outcome;
	Outcome.Passes = Run.Smoothing.GetPasses();
	Outcome.TotalPasses = Run.Smoothing.GetTotalPasses();
	Outcome.Roughness = Run.Roughness;
	{
		const FScopeLock Lock(&MeshLock);
		if (State == dcc::job_state::completed)
		{
			// The game thread is where a real plugin would write into its UObject, inside a transaction.
			Mesh = Run.Smoothed;
			++Revision;
		}
		Outcome.Revision = Revision;
	}
	UE_LOG(LogCancellableJobs, Log, TEXT("job %lld %s after %d of %d passes (%s); mesh revision %d"),
		static_cast<int64>(Job.id()), DccCancel::StateText(State), Outcome.Passes, Outcome.TotalPasses,
		*DccCancel::ToFString(Job.token().reason()), Outcome.Revision);
	if (Run.Options.Ended)
	{
		Run.Options.Ended(Job, State, Outcome);
	}
}
