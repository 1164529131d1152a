// A job inside an FScopedSlowTask: its bar shows the job's progress, its Cancel button and Esc cancel the
// job.
#pragma once

#include "CoreMinimal.h"
#include "Misc/ScopedSlowTask.h"

#include "DccCancel.h"

/** On the game thread, for the length of a scope. */
class FSlowTaskJob
{
public:
	/** `Shown` is what Esc cancels and what can be cancelled meanwhile, from any thread. */
	FSlowTaskJob(const dcc::job& Shown, const FText& Title, const dcc::owner& Owner)
		: Dialog(MakeShared<FDialog>(Shown, Title))
	{
		Dialog->SlowTask.MakeDialog(/*bShowCancelButton=*/true);
		dcc::job_options Options;
		Options.label = "Slow task";
		Options.parent = Shown.token();
		Options.owner = &Owner;
		// Asked by the polls of the work, at most once a frame. It keeps the dialog's state, not the dialog.
		Options.min_interval = std::chrono::milliseconds(16);
		Options.is_cancelled = [Weak = TWeakPtr<FDialog>(Dialog)] {
			const TSharedPtr<FDialog> Pinned = Weak.Pin();
			return Pinned.IsValid() && Pinned->UpdateAndAsk();
		};
		Status = dcc::job::try_create(Asking, Options);
	}

	/** Runs what answers whether it came to its end, and tells how far it is by `Shown`. Answers as a
	 * job's function. */
	template <class FunctionType>
	dcc_status Run(FunctionType&& Function)
	{
		if (Status < 0)
		{
			return Status; // the work would not see Esc
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
			// Of all its steps and of the libraries in them.
			ShowUpTo(static_cast<float>(Shown.progress().fraction));
			// Unreal may forget that it was asked; the job does not.
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
