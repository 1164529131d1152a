// A job inside an FScopedSlowTask. The bar shows the job's progress. The Cancel button and Esc cancel the
// job.
#pragma once

#include "CoreMinimal.h"
#include "Misc/ScopedSlowTask.h"

#include "DccCancel.h"

/** Lives for the length of a scope, on the game thread. */
class FSlowTaskJob
{
public:
	/** `Shown` is the job that the bar shows and that Esc cancels. Any thread may cancel it meanwhile. */
	FSlowTaskJob(const dcc::job& Shown, const FText& Title, const dcc::owner& Owner)
		: Dialog(MakeShared<FDialog>(Shown, Title))
	{
		Dialog->SlowTask.MakeDialog(/*bShowCancelButton=*/true);
		dcc::job_options Options;
		Options.label = "Slow task";
		Options.parent = Shown.token();
		Options.owner = &Owner;
		// The polls of the work call it, at most once a frame. It holds the dialog's state, not the dialog.
		Options.min_interval = std::chrono::milliseconds(16);
		Options.is_cancelled = [Weak = TWeakPtr<FDialog>(Dialog)] {
			const TSharedPtr<FDialog> Pinned = Weak.Pin();
			return Pinned.IsValid() && Pinned->UpdateAndAsk();
		};
		Status = dcc::job::try_create(Asking, Options);
	}

	/** Runs the work, which answers whether it has come to its end and notes its progress in `Shown`. The
	 * answer is that of a job's function. */
	template <class FunctionType>
	dcc_status Run(FunctionType&& Function)
	{
		if (Status < 0)
		{
			return Status; // without this job the work would not see Esc
		}
		if (dcc::run(Asking, Forward<FunctionType>(Function)) != dcc::job_state::completed)
		{
			return DCC_CANCELLED_BY_JOB;
		}
		Dialog->ShowUpTo(1.0f);
		return DCC_OK;
	}

private:
	struct FDialog
	{
		FDialog(const dcc::job& InShown, const FText& Title) : Shown(InShown), SlowTask(1.0f, Title) {}

		bool UpdateAndAsk()
		{
			// The fraction covers all steps of the job and the libraries that they call.
			ShowUpTo(static_cast<float>(Shown.progress().fraction));
			// Unreal may forget that the user has asked to stop. The job does not forget it.
			const bool bIsCancelled = SlowTask.ShouldCancel();
			if (bIsCancelled)
			{
				Shown.cancel("cancelled in the editor");
			}
			return bIsCancelled;
		}

		void ShowUpTo(float Fraction)
		{
			if (Fraction > Entered)
			{
				SlowTask.EnterProgressFrame(Fraction - Entered);
				Entered = Fraction;
			}
		}

		dcc::job Shown;
		FScopedSlowTask SlowTask;
		float Entered = 0.0f;
	};

	TSharedRef<FDialog> Dialog;
	dcc::job Asking;
	dcc_status Status = DCC_OK;
};
