// Stand-in for Misc/Timespan.h of Unreal Engine 5: only what the example uses, so that it is compiled and
// driven without the SDK
#pragma once

class FTimespan
{
public:
	static FTimespan FromMilliseconds(double Milliseconds)
	{
		FTimespan Result;
		Result.Seconds = Milliseconds / 1000.0;
		return Result;
	}
	double GetTotalSeconds() const { return Seconds; }
	double GetTotalMilliseconds() const { return Seconds * 1000.0; }

private:
	double Seconds = 0.0;
};
