// One client of the bridge: its connection, its session and its runs.
#pragma once

#include "CoreMinimal.h"
#include "Dom/JsonObject.h"

#include "DccCancel.h"
#include "JobBridgeMessage.h"
#include "JobBridgeOutbox.h"

class FGameThreadJobs;
class FJobBridgeSecret;
class FSmoothingRuns;

/** The limits for each client. A client that exceeds one is disconnected. They are in [CancellableJobs] of
 * EditorPerProjectUserSettings.ini. */
struct FJobBridgeSettings
{
	bool bEnabled = false;
	int32 MaxClients = 4;
	int32 MaxLineBytes = 64 * 1024;
	int32 MaxOutputBytes = 1024 * 1024;
	int32 MaxRuns = 16;
	/** The longest time from the connection to the first line, and from the first byte of a line to its
	 * end. */
	double LineSeconds = 5.0;
	/** The longest time without a line while no run of the client is going on. */
	double IdleSeconds = 600.0;

	static FJobBridgeSettings FromConfig();
};

/** The objects that all clients use. They outlive the clients. */
struct FJobBridgeContext
{
	FJobBridgeSettings Settings;
	const FJobBridgeSecret& Secret;
	const FGameThreadJobs& Jobs;
	FSmoothingRuns& Runs;
};

/** Belongs to the bridge's thread. Its destructor cancels the client's runs. */
class FJobBridgeClient
{
public:
	/** Takes ownership of the socket. */
	FJobBridgeClient(FSocket* InSocket, const FJobBridgeContext& InContext);
	~FJobBridgeClient();
	FJobBridgeClient(const FJobBridgeClient&) = delete;
	FJobBridgeClient& operator=(const FJobBridgeClient&) = delete;

	/** Reads, answers and sends as much as is possible without waiting. False: the connection is over. */
	bool Tick();

	/** Waits a short time for something to read. */
	void WaitForInput(const FTimespan& Longest) { Socket->Wait(ESocketWaitConditions::WaitForRead, Longest); }

	/** Sends the reason, and ends the connection. */
	void Refuse(JobBridge::EErrorCode Code, const FString& Why);

	bool IsRefused() const { return bIsRefused; }

private:
	using EErrorCode = JobBridge::EErrorCode;

	/** A run, kept as long as the client may ask about it. */
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
	/** The completions of the runs share it, because they may come after the end of the client. */
	TSharedRef<FJobBridgeOutbox, ESPMode::ThreadSafe> Outbox;
	dcc::session Session;
	TArray<FRun> Runs;
	/** The bytes of a line that has not ended yet. */
	std::string Input;
	/** When the present line began. For the first line: when the client connected. */
	double LineSince;
	double LastLine;
	double RefusedAt = 0.0;
	bool bIsWelcome = false;
	bool bIsRefused = false;
	bool bIsShutDown = false;
};
