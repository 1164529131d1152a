// The methods that clients may call. The bridge's thread answers, so a busy game thread does not matter.
#include "JobBridgeClient.h"

#include "GameThreadJobs.h"
#include "SmoothingRuns.h"

namespace
{
	bool IsOver(const dcc::job& Job)
	{
		const dcc::job_state State = Job.state();
		return State != dcc::job_state::pending && State != dcc::job_state::running;
	}

	double Milliseconds(std::chrono::nanoseconds Time)
	{
		return std::chrono::duration<double, std::milli>(Time).count();
	}

	/** Answers a run. It is called once, on the game thread. */
	void AnswerRun(FJobBridgeOutbox& Outbox, const dcc::request& Request, const dcc::request_id& Id,
		const dcc::job& Job, dcc::job_state State, const FSmoothingOutcome& Outcome)
	{
		const std::string Note = Request.last_progress_note();
		if (!Note.empty())
		{
			Outbox.AddNote(Note);
		}
		const dcc::owed Owed = Request.end();
		if (Owed == dcc::owed::cancelled)
		{
			Outbox.AddAnswer(Request.cancelled_reply());
		}
		else if (Owed == dcc::owed::result && State == dcc::job_state::completed)
		{
			const TSharedRef<FJsonObject> Result = MakeShared<FJsonObject>();
			Result->SetNumberField(TEXT("passes"), Outcome.Passes);
			Result->SetNumberField(TEXT("revision"), Outcome.Revision);
			Result->SetNumberField(TEXT("roughness"), Outcome.Roughness);
			Outbox.AddAnswer(JobBridge::Result(Id, Result));
		}
		else if (Owed == dcc::owed::result)
		{
			// The peer has not cancelled it. The user has pressed Esc, or the plugin is unloaded.
			const bool bIsCancelled = State == dcc::job_state::cancelled;
			const FString Why = DccCancel::ToFString(bIsCancelled ? Job.token().reason() : Job.failure());
			Outbox.AddAnswer(JobBridge::Error(Id,
				bIsCancelled ? JobBridge::EErrorCode::Cancelled : JobBridge::EErrorCode::Refused,
				FString(DccCancel::StateText(State)) + TEXT(": ") + Why));
		}
	}
}

void FJobBridgeClient::Run(const dcc::request_id& Id, const FJsonObject& Params)
{
	FString ModeText = TEXT("worker");
	Params.TryGetStringField(TEXT("mode"), ModeText);
	const TOptional<ERunMode> Mode = RunModeFromText(ModeText);
	int32 Passes = 0;
	const bool bHasPasses = Params.TryGetNumberField(TEXT("passes"), Passes) && Passes >= 1;
	if (!Mode.IsSet() || !bHasPasses)
	{
		SendError(Id, EErrorCode::Params, bHasPasses
			? FString::Printf(TEXT("no mode \"%s\": there are worker, sliced and slow_task"), *ModeText)
			: FString(TEXT("\"passes\" is missing or no integer from 1 up")));
		return;
	}

	dcc::request_options RequestOptions;
	const TSharedPtr<FJsonObject>* Meta = nullptr;
	if (Params.TryGetObjectField(TEXT("_meta"), Meta))
	{
		const TOptional<dcc::request_id> ProgressToken =
			JobBridge::IdFrom((*Meta)->TryGetField(TEXT("progressToken")));
		if (ProgressToken.IsSet())
		{
			RequestOptions.progress_token = *ProgressToken;
		}
	}
	// From here on a later line can cancel the run, whatever state the job is in.
	dcc::request Request;
	if (Session.try_begin(Request, Id, RequestOptions) < 0)
	{
		SendError(Id, EErrorCode::Refused, DccCancel::LastError());
		return;
	}

	FSmoothingOptions Options;
	Options.Mode = *Mode;
	Options.Passes = Passes;
	Options.Parent = Request.token();
	Options.Progress = [Request, Box = Outbox](const dcc::job& Job) {
		Request.set_progress(Job);
		const std::string Note = Request.progress_note();
		if (!Note.empty())
		{
			Box->AddNote(Note);
		}
	};
	Options.Ended = [Request, Id, Box = Outbox](const auto& Job, auto State, const auto& Outcome) {
		AnswerRun(*Box, Request, Id, Job, State, Outcome);
	};
	dcc::job Job;
	if (Context.Runs.Post(Job, MoveTemp(Options)) < 0)
	{
		const FString Why = DccCancel::LastError();
		Request.end();
		SendError(Id, EErrorCode::Refused, Why);
		return;
	}
	Runs.RemoveAll([&Id](const FRun& Known) { return Known.Id == Id || IsOver(Known.Job); });
	Runs.Add({Id, MoveTemp(Job)});
}

void FJobBridgeClient::Cancel(const dcc::request_id& Id, const FJsonObject& Params)
{
	const TOptional<dcc::request_id> Meant = JobBridge::IdFrom(Params.TryGetField(TEXT("requestId")));
	if (!Meant.IsSet())
	{
		SendError(Id, EErrorCode::Params, TEXT("\"requestId\" is missing or no id of a run"));
		return;
	}
	FString Reason;
	Params.TryGetStringField(TEXT("reason"), Reason);
	const TSharedRef<FJsonObject> Result = MakeShared<FJsonObject>();
	Result->SetBoolField(TEXT("cancelled"), Session.cancel(*Meant, DccCancel::ToUtf8(Reason)));
	Send(Id, Result);
}

void FJobBridgeClient::Progress(const dcc::request_id& Id, const FJsonObject& Params)
{
	if (const FRun* Found = FindRun(Params))
	{
		Send(Id, Described(*Found));
		return;
	}
	SendError(
		Id, EErrorCode::Params, TEXT("\"requestId\" is missing or no id of a run that is not long over"));
}

void FJobBridgeClient::Status(const dcc::request_id& Id)
{
	TArray<TSharedPtr<FJsonValue>> Listed;
	for (const FRun& Known : Runs)
	{
		Listed.Add(MakeShared<FJsonValueObject>(Described(Known)));
	}
	const dcc::dispatcher_stats Stats = Context.Jobs.GetDispatcher().stats();
	const TSharedRef<FJsonObject> GameThread = MakeShared<FJsonObject>();
	GameThread->SetBoolField(TEXT("inJob"), Stats.present_job_id != 0);
	GameThread->SetNumberField(TEXT("inJobMilliseconds"), Milliseconds(Stats.present_for));
	GameThread->SetNumberField(TEXT("longestTickMilliseconds"), Milliseconds(Stats.longest_tick));
	const TSharedRef<FJsonObject> Result = MakeShared<FJsonObject>();
	Result->SetArrayField(TEXT("runs"), Listed);
	Result->SetNumberField(TEXT("waiting"), Stats.depth);
	Result->SetObjectField(TEXT("gameThread"), GameThread);
	Send(Id, Result);
}

const FJobBridgeClient::FRun* FJobBridgeClient::FindRun(const FJsonObject& Params) const
{
	const TOptional<dcc::request_id> Meant = JobBridge::IdFrom(Params.TryGetField(TEXT("requestId")));
	return Meant.IsSet() ? Runs.FindByPredicate([&Meant](const FRun& Known) { return Known.Id == *Meant; })
						 : nullptr;
}

TSharedRef<FJsonObject> FJobBridgeClient::Described(const FRun& Known) const
{
	const dcc::job_progress HowFar = Known.Job.progress();
	const TSharedRef<FJsonObject> Text = MakeShared<FJsonObject>();
	Text->SetField(TEXT("requestId"), JobBridge::JsonOf(Known.Id));
	Text->SetStringField(TEXT("label"), DccCancel::ToFString(Known.Job.label()));
	Text->SetStringField(TEXT("state"), DccCancel::StateText(Known.Job.state()));
	Text->SetBoolField(TEXT("cancelled"), Known.Job.is_cancelled());
	Text->SetNumberField(TEXT("progress"), static_cast<double>(HowFar.done));
	Text->SetNumberField(TEXT("total"), static_cast<double>(HowFar.total));
	return Text;
}

void FJobBridgeClient::Send(const dcc::request_id& Id, const TSharedRef<FJsonObject>& Result)
{
	Outbox->AddAnswer(JobBridge::Result(Id, Result));
}

void FJobBridgeClient::SendError(
	const TOptional<dcc::request_id>& Id, EErrorCode Code, const FString& Message)
{
	Outbox->AddAnswer(JobBridge::Error(Id, Code, Message));
}
