// The secret that lets a client in, and the file that tells this user's programs where the bridge is.
#pragma once

#include "CoreMinimal.h"

/** A file {"port", "secret", "process"} that only this user can read; deleted with this. */
class FJobBridgeSecret
{
public:
	FJobBridgeSecret();
	~FJobBridgeSecret();
	FJobBridgeSecret(const FJobBridgeSecret&) = delete;
	FJobBridgeSecret& operator=(const FJobBridgeSecret&) = delete;

	/** False: it could not be written. */
	bool WriteFile(int32 Port);

	const FString& GetPath() const { return Path; }

	/** Takes as long for a wrong secret as for the right one. */
	bool IsRight(const FString& Shown) const;

private:
	FString Secret;
	FString Path;
};
