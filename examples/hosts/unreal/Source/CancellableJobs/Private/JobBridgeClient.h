// One client of the bridge: its connection, its session, what it asked for.
#pragma once

#include "CoreMinimal.h"
#include "Dom/JsonObject.h"

#include "DccCancel.h"
#include "JobBridgeMessage.h"
#include "JobBridgeOutbox.h"

class FGameThreadJobs;
class FJobBridgeSecret;
class FSmoothingRuns;

/** The bounds that each client keeps or is shown the door. [CancellableJobs] in
 * EditorPerProjectUserSettings.ini. */
struct FJobBridgeSettings
{
	bool bEnabled = false;
	int32 MaxClients = 4;
	int32 MaxLineBytes = 64 * 1024;
	int32 MaxOutputBytes = 1024 * 1024;
	int32 MaxRuns = 16;
	/** From the connection to the first line, and from the first byte of a line to its end. */
	double LineSeconds = 5.0;
	/** Without a line, while nothing runs for it. */
	double IdleSeconds = 600.0;

	static FJobBridgeSettings FromConfig();
};

/** What clients work with; it outlives them. */
struct FJobBridgeContext
{
	FJobBridgeSettings Settings;
	const FJobBridgeSecret& Secret;
	const FGameThreadJobs& Jobs;
	FSmoothingRuns& Runs;
};

/** Of the bridge's thread. Its end cancels what the client asked for. */
class FJobBridgeClient
{
public:
	/** Takes the socket over. */
	FJobBridgeClient(FSocket* InSocket, const FJobBridgeContext& InContext);
	~FJobBridgeClient();
	FJobBridgeClient(const FJobBridgeClient&) = delete;
	FJobBridgeClient& operator=(const FJobBridgeClient&) = delete;

	/** Reads, answers and sends what can be without waiting. False: it is over. */
	bool Tick();

	/** Waits until there is something to read, but not for long. */
	void WaitForInput(const FTimespan& Longest) { Socket->Wait(ESocketWaitConditions::WaitForRead, Longest); }

	/** Says why, sends that, and is over. */
	void Refuse(JobBridge::EErrorCode Code, const FString& Why);

	bool IsRefused() const { return bIsRefused; }

private:
	using EErrorCode = JobBridge::EErrorCode;

	/** A run, as long as one may ask about it. */
	struct FRun
	{
		dcc::request_id Id;
		dcc::job Job;
	};

	bool Receive(double Now);
	bool TickRefused(double Now);
	void CheckTimes(double Now);
	void ReadLine(const std::string& Line);
	void Welcome(const TSharedPtr<FJsonObject>& Message);
	void Answer(const TSharedPtr<FJsonObject>& Message);
	void Run(const dcc::request_id& Id, const FJsonObject& Params);
	void Cancel(const dcc::request_id& Id, const FJsonObject& Params);
	void Progress(const dcc::request_id& Id, const FJsonObject& Params);
	void Status(const dcc::request_id& Id);
	const FRun* FindRun(const FJsonObject& Params) const;
	TSharedRef<FJsonObject> Described(const FRun& Known) const;
	void Send(const dcc::request_id& Id, const TSharedRef<FJsonObject>& Result);
	void SendError(const TOptional<dcc::request_id>& Id, EErrorCode Code, const FString& Message);

	const FJobBridgeContext& Context;
	FSocket* Socket;
	/** Also of the completions of its runs, which may come after its end. */
	TSharedRef<FJobBridgeOutbox, ESPMode::ThreadSafe> Outbox;
	dcc::session Session;
	TArray<FRun> Runs;
	/** Of a line whose end has not come. */
	std::string Input;
	/** When the present line began, the connection for the first one. */
	double LineSince;
	double LastLine;
	double RefusedAt = 0.0;
	bool bIsWelcome = false;
	bool bIsRefused = false;
	bool bIsShutDown = false;
};
