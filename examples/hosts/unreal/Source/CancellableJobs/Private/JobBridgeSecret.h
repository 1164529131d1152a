// The secret that a client has to know, and the file that tells this user's programs where the bridge is.
#pragma once

#include "CoreMinimal.h"

/** A file {"port", "secret", "process"} that only this user can read. The destructor deletes it. */
class FJobBridgeSecret
{
public:
	FJobBridgeSecret();
	~FJobBridgeSecret();
	FJobBridgeSecret(const FJobBridgeSecret&) = delete;
	FJobBridgeSecret& operator=(const FJobBridgeSecret&) = delete;

	/** Writes the file. False: that has failed. */
	bool WriteFile(int32 Port);

	const FString& GetPath() const { return Path; }

	/** Compares secrets. A wrong secret takes as long as the right one, so time tells nothing about it. */
	bool IsRight(const FString& Shown) const;

private:
	FString Secret;
	FString Path;
};
