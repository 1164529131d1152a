#include "SmoothingRuns.h"

#include "Misc/ScopeLock.h"

#include "GameThreadJobs.h"
#include "SlowTaskJob.h"

namespace
{
	/** So many vertices between two questions whether the slice is over: some tens of microseconds of
	 * work. */
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

/** The data that the function of a run and its completion share. */
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

	/** The last step of the work. It makes the result, which the completion only takes over. */
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

/** Makes the viewport show a run instead of the mesh until the end of its scope, however that ends. Of
 * several runs the last one that began is shown. For the game thread. */
class FSmoothingRuns::FPreview
{
public:
	FPreview(FSmoothingRuns& InRuns, const FRun& InRun) : Runs(InRuns), Run(InRun) { Runs.Previewed = &Run; }
	FPreview(const FPreview&) = delete;
	FPreview& operator=(const FPreview&) = delete;
	~FPreview()
	{
		check(IsInGameThread());
		if (Runs.Previewed == &Run)
		{
			Runs.Previewed = nullptr;
		}
	}

private:
	FSmoothingRuns& Runs;
	const FRun& Run;
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
	// A user waits at the bar of a slow task. The other runs have time.
	Posting.lane = Options.Mode == ERunMode::SlowTask ? dcc::lane::interactive : dcc::lane::normal;

	const ERunMode Mode = Options.Mode;
	const TSharedRef<FRun, ESPMode::ThreadSafe> Run =
		MakeShared<FRun, ESPMode::ThreadSafe>(MoveTemp(Snapshot), MoveTemp(Options));
	Posting.completion = [this, Run](const dcc::job& Job, dcc::job_state State) { End(*Run, Job, State); };
	if (Mode == ERunMode::Sliced)
	{
		return Jobs.GetDispatcher().try_post(
			OutJob, "Smooth mesh", [this, Run] { return RunInSlices(Run); }, MoveTemp(Posting));
	}
	const auto Work = [this, Run, Mode](const dcc::job& Job) -> dcc_status {
		return Mode == ERunMode::SlowTask ? RunInSlowTask(*Run, Job) : RunOnce(*Run, Job);
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

/** False: it was asked to stop. Unreal has no exceptions. So a cancel, or the close of the jobs, destroys the
 * coroutine at its await, on the game thread, and destructors undo what has to be undone. */
dcc::task<bool> FSmoothingRuns::RunInSlices(TSharedRef<FRun, ESPMode::ThreadSafe> Run)
{
	const dcc::job Job = dcc::job::current();
	const FPreview Preview(*this, *Run);
	while (!Run->Smoothing.IsDone())
	{
		if (!Run->Smoothing.SmoothSome(VerticesPerStep))
		{
			co_return false;
		}
		Run->Tell(Job);
		co_await dcc::slice(); // goes on in the next frame if this job's budget is used up
	}
	Run->Finish();
	co_return true;
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

FShownMesh FSmoothingRuns::GetShown() const
{
	check(IsInGameThread());
	const FScopeLock Lock(&MeshLock);
	FShownMesh Shown;
	Shown.Revision = Revision;
	if (Previewed != nullptr)
	{
		const FMeshSmoothing& Smoothing = Previewed->Smoothing;
		Shown.Passes = Smoothing.GetPasses();
		Shown.Roughness = FSmoothableMesh::Roughness(Smoothing.GetMesh(), Smoothing.GetPositions());
	}
	else
	{
		Shown.Roughness = FSmoothableMesh::Roughness(*Mesh, Mesh->Positions);
	}
	return Shown;
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
			// A real plugin would write into its UObject here, on the game thread, inside a transaction.
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
