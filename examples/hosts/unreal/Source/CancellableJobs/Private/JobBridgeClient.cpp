#include "JobBridgeClient.h"

#include "HAL/PlatformTime.h"
#include "Misc/ConfigCacheIni.h"
#include "SocketSubsystem.h"
#include "Sockets.h"

#include "GameThreadJobs.h"
#include "JobBridgeSecret.h"
#include "SmoothingRuns.h"

namespace
{
	/** How long a refused client has to read the reason. */
	constexpr double RefusalSeconds = 1.0;

	const TCHAR* const Section = TEXT("CancellableJobs");
}

FJobBridgeSettings FJobBridgeSettings::FromConfig()
{
	FJobBridgeSettings Settings;
	GConfig->GetBool(Section, TEXT("bBridge"), Settings.bEnabled, GEditorPerProjectIni);
	GConfig->GetInt(Section, TEXT("MaxClients"), Settings.MaxClients, GEditorPerProjectIni);
	GConfig->GetInt(Section, TEXT("MaxLineBytes"), Settings.MaxLineBytes, GEditorPerProjectIni);
	GConfig->GetInt(Section, TEXT("MaxOutputBytes"), Settings.MaxOutputBytes, GEditorPerProjectIni);
	GConfig->GetInt(Section, TEXT("MaxRuns"), Settings.MaxRuns, GEditorPerProjectIni);
	GConfig->GetDouble(Section, TEXT("LineSeconds"), Settings.LineSeconds, GEditorPerProjectIni);
	GConfig->GetDouble(Section, TEXT("IdleSeconds"), Settings.IdleSeconds, GEditorPerProjectIni);
	return Settings;
}

FJobBridgeClient::FJobBridgeClient(FSocket* InSocket, const FJobBridgeContext& InContext)
	: Context(InContext), Socket(InSocket),
	  Outbox(MakeShared<FJobBridgeOutbox, ESPMode::ThreadSafe>(InContext.Settings.MaxOutputBytes)),
	  LineSince(FPlatformTime::Seconds()), LastLine(LineSince)
{
	Socket->SetNonBlocking(true);
	Socket->SetNoDelay(true);
	dcc::session_options Options;
	// An adapter waits for an answer to every run, also to one that it has cancelled.
	Options.replies = dcc::reply_policy::cancelled;
	Options.max_requests = static_cast<uint32>(FMath::Max(Context.Settings.MaxRuns, 1));
	if (dcc::session::try_create(Session, Options) < 0)
	{
		Refuse(EErrorCode::Refused, DccCancel::LastError());
	}
}

FJobBridgeClient::~FJobBridgeClient()
{
	Outbox->Close();
	Session.close(); // cancels the client's runs
	Socket->Close();
	ISocketSubsystem::Get(PLATFORM_SOCKETSUBSYSTEM)->DestroySocket(Socket);
}

bool FJobBridgeClient::Tick()
{
	const double Now = FPlatformTime::Seconds();
	if (bIsRefused)
	{
		return TickRefused(Now);
	}
	if (!Receive(Now) || !Outbox->Send(*Socket))
	{
		return false;
	}
	CheckTimes(Now);
	return true;
}

bool FJobBridgeClient::Receive(double Now)
{
	// A limit, so that one client does not keep the others waiting.
	for (int32 Turn = 0; Turn < 16 && !bIsRefused; ++Turn)
	{
		uint8 Bytes[4096];
		int32 NumBytes = 0;
		if (!Socket->Recv(Bytes, sizeof(Bytes), NumBytes))
		{
			return false;
		}
		if (NumBytes == 0)
		{
			return true;
		}
		for (int32 At = 0; At < NumBytes && !bIsRefused; ++At)
		{
			if (Bytes[At] == '\n')
			{
				const std::string Line = MoveTemp(Input);
				Input.clear();
				LastLine = Now;
				ReadLine(Line);
				continue;
			}
			if (Input.empty() && bIsWelcome)
			{
				LineSince = Now;
			}
			Input.push_back(static_cast<char>(Bytes[At]));
			if (Input.size() > static_cast<std::size_t>(Context.Settings.MaxLineBytes))
			{
				Refuse(EErrorCode::Bound,
					FString::Printf(
						TEXT("a line has up to %d bytes; this one has more"), Context.Settings.MaxLineBytes));
			}
		}
	}
	return true;
}

void FJobBridgeClient::CheckTimes(double Now)
{
	if (bIsRefused)
	{
		return;
	}
	if (!bIsWelcome || !Input.empty())
	{
		if (Now - LineSince > Context.Settings.LineSeconds)
		{
			Refuse(EErrorCode::Bound,
				bIsWelcome ? TEXT("the end of a line did not come in time")
						   : TEXT("no \"hello\" came in time"));
		}
	}
	else if (Session.stats().live > 0)
	{
		LastLine = Now; // the client waits for us, so it is not idle
	}
	else if (Now - LastLine > Context.Settings.IdleSeconds)
	{
		Refuse(EErrorCode::Bound,
			TEXT("nothing came for too long; connect again when there is something to do"));
	}
}

void FJobBridgeClient::Refuse(EErrorCode Code, const FString& Why)
{
	SendError({}, Code, Why);
	Outbox->Close();
	bIsRefused = true;
	RefusedAt = FPlatformTime::Seconds();
	Session.close();
}

bool FJobBridgeClient::TickRefused(double Now)
{
	// Bytes that the client still sends are read. A close over unread bytes would drop the answer.
	uint8 Bytes[4096];
	int32 NumBytes = 0;
	for (int32 Turn = 0; Turn < 16; ++Turn)
	{
		if (!Socket->Recv(Bytes, sizeof(Bytes), NumBytes))
		{
			return false;
		}
		if (NumBytes == 0)
		{
			break;
		}
	}
	if (!Outbox->Send(*Socket) || Now - RefusedAt > RefusalSeconds)
	{
		return false;
	}
	if (Outbox->IsEmpty() && !bIsShutDown)
	{
		bIsShutDown = Socket->Shutdown(ESocketShutdownMode::Write);
	}
	return true;
}

void FJobBridgeClient::ReadLine(const std::string& Line)
{
	if (!bIsWelcome)
	{
		Welcome(JobBridge::Parse(DccCancel::ToFString(Line)));
		return;
	}
	dcc::message_outcome Outcome = dcc::message_outcome::failed;
	if (Session.try_handle_message(Outcome, Line) < 0)
	{
		SendError({}, EErrorCode::Refused, DccCancel::LastError());
		return;
	}
	if (Outcome == dcc::message_outcome::malformed)
	{
		SendError({}, EErrorCode::Parse,
			TEXT("this line is no JSON-RPC message: send one object a line, in UTF-8"));
	}
	else if (Outcome == dcc::message_outcome::other)
	{
		Answer(JobBridge::Parse(DccCancel::ToFString(Line)));
	}
	// Otherwise the line was a cancel, which the session has carried out.
}

void FJobBridgeClient::Welcome(const TSharedPtr<FJsonObject>& Message)
{
	FString Method;
	FString Shown;
	const TSharedPtr<FJsonObject>* Params = nullptr;
	const bool bIsHello = Message.IsValid() && Message->TryGetStringField(TEXT("method"), Method)
		&& Method == TEXT("hello") && Message->TryGetObjectField(TEXT("params"), Params)
		&& (*Params)->TryGetStringField(TEXT("secret"), Shown);
	const TOptional<dcc::request_id> Id =
		bIsHello ? JobBridge::IdFrom(Message->TryGetField(TEXT("id"))) : TOptional<dcc::request_id>();
	if (!Id.IsSet() || !Context.Secret.IsRight(Shown))
	{
		Refuse(EErrorCode::Stranger,
			TEXT("the first line has to be the request \"hello\" with \"params\":{\"secret\":...} as the "
				 "bridge's file has it"));
		return;
	}
	bIsWelcome = true;
	const TSharedRef<FJsonObject> Result = MakeShared<FJsonObject>();
	Result->SetStringField(TEXT("name"), TEXT("CancellableJobs"));
	Result->SetNumberField(TEXT("protocol"), 1);
	Send(*Id, Result);
}

void FJobBridgeClient::Answer(const TSharedPtr<FJsonObject>& Message)
{
	if (!Message.IsValid())
	{
		SendError({}, EErrorCode::InvalidRequest, TEXT("a message is an object; send no batches"));
		return;
	}
	FString Method;
	if (!Message->TryGetStringField(TEXT("method"), Method))
	{
		SendError(JobBridge::IdFrom(Message->TryGetField(TEXT("id"))), EErrorCode::InvalidRequest,
			TEXT("\"method\" is missing or no text"));
		return;
	}
	if (Method.StartsWith(TEXT("notifications/")))
	{
		return; // the session has handled the notifications that matter
	}
	const TOptional<dcc::request_id> Id = JobBridge::IdFrom(Message->TryGetField(TEXT("id")));
	if (!Id.IsSet())
	{
		SendError(
			{}, EErrorCode::InvalidRequest, TEXT("\"id\" is missing, or no text and no integer below 2^53"));
		return;
	}
	const TSharedPtr<FJsonObject>* Given = nullptr;
	const TSharedRef<FJsonObject> NoParams = MakeShared<FJsonObject>();
	const FJsonObject& Params = Message->TryGetObjectField(TEXT("params"), Given) ? **Given : *NoParams;
	if (Method == TEXT("run"))
	{
		Run(*Id, Params);
	}
	else if (Method == TEXT("cancel"))
	{
		Cancel(*Id, Params);
	}
	else if (Method == TEXT("progress"))
	{
		Progress(*Id, Params);
	}
	else if (Method == TEXT("status"))
	{
		Status(*Id);
	}
	else
	{
		SendError(Id, EErrorCode::NoMethod,
			FString::Printf(TEXT("no method \"%s\": there are run, cancel, progress and status"), *Method));
	}
}
