// Stand-in for Misc/ScopedSlowTask.h of Unreal Engine 5: only what the example uses, so that it is compiled
// and driven without the SDK
#pragma once

#include "CoreMinimal.h"

/** Of the game thread. What it shows, and whether Esc was pressed, is the driver's: engine.hpp. */
class FScopedSlowTask
{
public:
	FScopedSlowTask(float InAmountOfWork, const FText& InDefaultMessage = FText());
	~FScopedSlowTask();
	FScopedSlowTask(const FScopedSlowTask&) = delete;
	FScopedSlowTask& operator=(const FScopedSlowTask&) = delete;

	void MakeDialog(bool bShowCancelButton = false, bool bAllowInPIE = false);
	void EnterProgressFrame(float ExpectedWorkThisFrame = 1.0f, const FText& Text = FText());
	/** Lets the dialog live, and answers true once for each time Esc was pressed. */
	bool ShouldCancel() const;

	float TotalAmountOfWork;
	float CompletedWork = 0.0f;
	float CurrentFrameScope = 0.0f;

private:
	bool bHasCancelButton = false;
};
