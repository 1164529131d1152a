// Stand-in for maya/MSyntax.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MStatus.h>

#include <string>
#include <vector>

class OPENMAYA_EXPORT MSyntax
{
public:
    enum MArgType
    {
        kInvalidArgType,
        kNoArg,
        kBoolean,
        kLong,
        kDouble,
        kString
    };
    enum MObjectFormat
    {
        kInvalidObjectFormat,
        kNone,
        kStringObjects,
        kSelectionList
    };

    MStatus addFlag(const char* shortName, const char* longName, MArgType argType1 = kNoArg);
    MStatus addArg(MArgType arg);
    void useSelectionAsDefault(bool useSelectionList = false);
    MStatus setObjectType(MObjectFormat objectFormat, unsigned int minimumObjects = 0);
    MStatus setObjectType(MObjectFormat objectFormat, unsigned int minimumObjects,
                          unsigned int maximumObjects);

private:
    friend class MArgDatabase;
    struct Flag
    {
        std::string shortName, longName;
        MArgType type;
    };
    std::vector<Flag> flags_;
    std::vector<MArgType> args_;
    MObjectFormat objects_ = kNone;
    unsigned int minimum_ = 0;
    unsigned int maximum_ = ~0u;
    bool takesSelection_ = false;
};
