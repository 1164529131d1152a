// Parses the words of a command by its syntax, for the stand-ins.
#include "Host.h"

#include <maya/MArgDatabase.h>

#include <cstdlib>

using stand_in::Maya;

MStatus MArgList::addArg(const MString& arg)
{
    return words_.append(arg);
}

unsigned int MArgList::length(MStatus* ReturnStatus) const
{
    if (ReturnStatus != nullptr)
        *ReturnStatus = MS::kSuccess;
    return words_.length();
}

MString MArgList::asString(unsigned int index, MStatus* ReturnStatus) const
{
    const bool exists = index < words_.length();
    if (ReturnStatus != nullptr)
        *ReturnStatus = exists ? MS::kSuccess : MS::kFailure;
    return exists ? words_[index] : MString();
}

// Maya ignores flags whose short name has more than three letters, or whose long one less than four.
MStatus MSyntax::addFlag(const char* shortName, const char* longName, MArgType argType1)
{
    const Flag flag = {shortName, longName, argType1};
    if (flag.shortName.size() > 4 || flag.longName.size() < 5)
        Maya::fatal("a flag's name is too long or too short: " + flag.longName);
    flags_.push_back(flag);
    return MS::kSuccess;
}

MStatus MSyntax::addArg(MArgType arg)
{
    args_.push_back(arg);
    return MS::kSuccess;
}

void MSyntax::useSelectionAsDefault(bool useSelectionList)
{
    takesSelection_ = useSelectionList;
}

MStatus MSyntax::setObjectType(MObjectFormat objectFormat, unsigned int minimumObjects)
{
    return setObjectType(objectFormat, minimumObjects, ~0u);
}

MStatus MSyntax::setObjectType(MObjectFormat objectFormat, unsigned int minimumObjects,
                               unsigned int maximumObjects)
{
    objects_ = objectFormat;
    minimum_ = minimumObjects;
    maximum_ = maximumObjects;
    return MS::kSuccess;
}

MArgDatabase::MArgDatabase(const MSyntax& syntax, const MArgList& argList, MStatus* ReturnStatus)
    : syntax_(syntax)
{
    const MStatus status = parse(argList);
    if (!status)
        Maya::instance().shown.push_back("Invalid arguments.");
    if (ReturnStatus != nullptr)
        *ReturnStatus = status;
}

MStatus MArgDatabase::parse(const MArgList& argList)
{
    for (unsigned int index = 0; index < argList.length(); ++index)
    {
        const std::string word = argList.asString(index).asChar();
        if (word.size() < 2 || word[0] != '-')
        {
            rest_.append(word.c_str());
            continue;
        }
        const MSyntax::Flag* found = nullptr;
        for (const MSyntax::Flag& flag : syntax_.flags_)
            if (word == flag.shortName || word == flag.longName)
                found = &flag;
        if (found == nullptr)
            return MS::kInvalidParameter;
        MString value;
        if (found->type != MSyntax::kNoArg)
        {
            if (++index >= argList.length())
                return MS::kInvalidParameter;
            value = argList.asString(index);
        }
        char* end = nullptr;
        if (found->type == MSyntax::kLong)
            std::strtol(value.asChar(), &end, 10);
        if (found->type == MSyntax::kDouble)
            std::strtod(value.asChar(), &end);
        if (end != nullptr && *end != '\0')
            return MS::kInvalidParameter;
        flags_[found->shortName] = value;
    }
    const std::string& selected = Maya::instance().selected;
    if (rest_.length() == 0 && syntax_.takesSelection_ && !selected.empty())
        rest_.append(selected.c_str());
    const std::size_t arguments = syntax_.args_.size();
    if (arguments > 0)
        return rest_.length() == arguments ? MS::kSuccess : MS::kInvalidParameter;
    if (syntax_.objects_ == MSyntax::kNone)
        return rest_.length() == 0 ? MS::kSuccess : MS::kInvalidParameter;
    const bool fits = rest_.length() >= syntax_.minimum_ && rest_.length() <= syntax_.maximum_;
    return fits ? MS::kSuccess : MS::kInvalidParameter;
}

bool MArgDatabase::isFlagSet(const char* flag, MStatus* ReturnStatus) const
{
    if (ReturnStatus != nullptr)
        *ReturnStatus = MS::kSuccess;
    return flags_.count(flag) != 0;
}

MStatus MArgDatabase::getFlagArgument(const char* flag, unsigned int, int& result) const
{
    if (!isFlagSet(flag))
        return MS::kFailure;
    result = std::atoi(flags_.at(flag).asChar());
    return MS::kSuccess;
}

MStatus MArgDatabase::getFlagArgument(const char* flag, unsigned int, double& result) const
{
    if (!isFlagSet(flag))
        return MS::kFailure;
    result = std::atof(flags_.at(flag).asChar());
    return MS::kSuccess;
}

MStatus MArgDatabase::getFlagArgument(const char* flag, unsigned int, MString& result) const
{
    if (!isFlagSet(flag))
        return MS::kFailure;
    result = flags_.at(flag);
    return MS::kSuccess;
}

MStatus MArgDatabase::getCommandArgument(unsigned int index, MString& result) const
{
    if (index >= rest_.length())
        return MS::kFailure;
    result = rest_[index];
    return MS::kSuccess;
}

MStatus MArgDatabase::getObjects(MSelectionList& result) const
{
    result.clear();
    for (unsigned int index = 0; index < rest_.length(); ++index)
        if (const MStatus status = result.add(rest_[index]); !status)
            return status;
    return MS::kSuccess;
}

MStatus MArgDatabase::getObjects(MStringArray& result) const
{
    result = rest_;
    return MS::kSuccess;
}
