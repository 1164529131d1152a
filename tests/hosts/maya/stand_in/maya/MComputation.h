// Stand-in for maya/MComputation.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MString.h>

class OPENMAYA_EXPORT MComputation
{
public:
    MComputation();
    virtual ~MComputation();
    void beginComputation(bool showProgressBar = false, bool isInterruptable = true,
                          bool useWaitCursor = true);
    bool isInterruptRequested();
    void endComputation();
    MStatus setProgressRange(const int minValue, const int maxValue);
    MStatus setProgress(const int amount);

private:
    bool hasBegun_ = false;
    int min_ = 0, max_ = 100;
};
