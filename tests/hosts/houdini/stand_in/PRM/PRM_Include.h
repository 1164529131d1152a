// Stand-in for PRM/PRM_Include.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_PRM_PRM_INCLUDE_H
#define STAND_IN_PRM_PRM_INCLUDE_H

#include <SYS/SYS_Types.h>

class PRM_Name
{
public:
    PRM_Name(const char *token, const char *label) : myToken(token), myLabel(label) {}
    const char *getToken() const { return myToken; }
    const char *getLabel() const { return myLabel; }

private:
    const char *myToken, *myLabel;
};

class PRM_Default
{
public:
    PRM_Default(fpreal value) : myValue(value) {}
    fpreal getFloat() const { return myValue; }

private:
    fpreal myValue;
};

enum PRM_RangeFlag { PRM_RANGE_RESTRICTED, PRM_RANGE_UI };

class PRM_Range
{
public:
    PRM_Range(PRM_RangeFlag minflag, fpreal min, PRM_RangeFlag maxflag, fpreal max)
        : myMinFlag(minflag), myMaxFlag(maxflag), myMin(min), myMax(max)
    {
    }
    fpreal
    restricted(fpreal value) const
    {
        if (myMinFlag == PRM_RANGE_RESTRICTED && value < myMin)
            return myMin;
        return myMaxFlag == PRM_RANGE_RESTRICTED && value > myMax ? myMax : value;
    }

private:
    PRM_RangeFlag myMinFlag, myMaxFlag;
    fpreal myMin, myMax;
};

class PRM_ChoiceList;

enum PRM_Type { PRM_LIST_TERMINATOR, PRM_INT_J, PRM_FLT_J };

class PRM_Template
{
public:
    PRM_Template() = default;
    PRM_Template(PRM_Type type, int vector_size, PRM_Name *name, PRM_Default *defaults = nullptr,
                 PRM_ChoiceList * = nullptr, PRM_Range *range = nullptr)
        : myType(type), mySize(vector_size), myName(name), myDefault(defaults), myRange(range)
    {
    }

    PRM_Type myType = PRM_LIST_TERMINATOR;
    int mySize = 0;
    PRM_Name *myName = nullptr;
    PRM_Default *myDefault = nullptr;
    PRM_Range *myRange = nullptr;
};

#endif
