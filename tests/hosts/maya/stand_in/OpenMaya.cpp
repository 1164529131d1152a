// The functions of the stand-ins' classes, except the parsing of arguments.
#include "Host.h"

#include <maya/MComputation.h>
#include <maya/MFnMesh.h>
#include <maya/MFnPlugin.h>
#include <maya/MSceneMessage.h>
#include <maya/MSelectionList.h>
#include <maya/MThreadUtils.h>
#include <maya/MTimerMessage.h>

#include <sstream>
#include <string>
#include <utility>

using stand_in::Maya;

namespace {

Maya& maya(const char* function)
{
    Maya::instance().requireMainThread(function);
    return Maya::instance();
}

MStatus answer(MStatus status, MStatus* ReturnStatus)
{
    if (ReturnStatus != nullptr)
        *ReturnStatus = status;
    return status;
}

std::size_t nextLetter(const std::string& text, std::size_t at)
{
    do
        ++at;
    while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0u) == 0x80u);
    return at;
}

} // namespace

MString MStatus::errorString() const
{
    return code_ == kSuccess ? "Success" : code_ == kInvalidParameter ? "(kInvalidParameter)" : "(kFailure)";
}

MString& MString::operator+=(const MString& other)
{
    text_ += other.text_;
    return *this;
}

MString MString::operator+(const MString& other) const
{
    return MString((text_ + other.text_).c_str());
}

MString MString::operator+(const char* other) const
{
    return MString((text_ + other).c_str());
}

MString MString::operator+(double value) const
{
    std::ostringstream text;
    text << text_ << value;
    return MString(text.str().c_str());
}

MString operator+(const char* text, const MString& other)
{
    return MString(text) + other;
}

MStatus MString::setUTF8(const char* text)
{
    text_ = text;
    return MS::kSuccess;
}

unsigned int MString::numChars() const
{
    unsigned int count = 0;
    for (std::size_t at = 0; at < text_.size(); at = nextLetter(text_, at))
        ++count;
    return count;
}

MString MString::substringW(int start, int end) const
{
    std::size_t begin = 0;
    for (int letter = 0; letter < start; ++letter)
        begin = nextLetter(text_, begin);
    std::size_t behind = begin;
    for (int letter = start; letter <= end; ++letter)
        behind = nextLetter(text_, behind);
    return MString(text_.substr(begin, behind - begin).c_str());
}

MStatus MStringArray::append(const MString& item)
{
    items_.push_back(item);
    return MS::kSuccess;
}

MStatus MStringArray::clear()
{
    items_.clear();
    return MS::kSuccess;
}

MStatus MPointArray::setLength(unsigned int length)
{
    points_.resize(length);
    return MS::kSuccess;
}

MStatus MPointArray::set(unsigned int index, double x, double y, double z, double w)
{
    points_.at(index) = MPoint(x, y, z, w);
    return MS::kSuccess;
}

MStatus MPointArray::append(const MPoint& point)
{
    points_.push_back(point);
    return MS::kSuccess;
}

MStatus MDagPath::extendToShape()
{
    const Maya& host = maya("MDagPath::extendToShape");
    if (host.meshes.count(name_ + "Shape") == 0)
        return host.meshes.count(name_) != 0 ? MS::kSuccess : MS::kFailure;
    name_ += "Shape";
    return MS::kSuccess;
}

bool MDagPath::hasFn(MFn::Type type, MStatus* ReturnStatus) const
{
    answer(MS::kSuccess, ReturnStatus);
    return type == MFn::kMesh && maya("MDagPath::hasFn").meshes.count(name_) != 0;
}

MString MDagPath::partialPathName(MStatus* ReturnStatus) const
{
    answer(MS::kSuccess, ReturnStatus);
    return MString(name_.c_str());
}

unsigned int MSelectionList::length(MStatus* ReturnStatus) const
{
    answer(MS::kSuccess, ReturnStatus);
    return static_cast<unsigned int>(names_.size());
}

// Any shape or transform; "camera" is neither.
MStatus MSelectionList::add(const MString& matchString, const bool)
{
    const Maya& host = maya("MSelectionList::add");
    const std::string name = matchString.asChar();
    if (name != "camera" && host.meshes.count(name) == 0 && host.meshes.count(name + "Shape") == 0)
        return MS::kInvalidParameter;
    names_.push_back(name);
    return MS::kSuccess;
}

MStatus MSelectionList::getDagPath(unsigned int index, MDagPath& dagPath) const
{
    if (index >= names_.size())
        return MS::kFailure;
    dagPath.name_ = names_[index];
    return MS::kSuccess;
}

MStatus MSelectionList::clear()
{
    names_.clear();
    return MS::kSuccess;
}

bool MPlug::isDestination(MStatus* ReturnStatus) const
{
    answer(MS::kSuccess, ReturnStatus);
    return isDestination_;
}

MFnMesh::MFnMesh(const MDagPath& path, MStatus* ReturnStatus) : name_(path.partialPathName().asChar())
{
    const bool isMesh = maya("MFnMesh::MFnMesh").meshes.count(name_) != 0;
    answer(isMesh ? MS::kSuccess : MS::kInvalidParameter, ReturnStatus);
}

int MFnMesh::numEdges(MStatus* ReturnStatus) const
{
    answer(MS::kSuccess, ReturnStatus);
    return static_cast<int>(maya("MFnMesh::numEdges").meshes.at(name_).edges.size());
}

MStatus MFnMesh::getEdgeVertices(int edgeId, int2& vertexList) const
{
    const auto& edges = maya("MFnMesh::getEdgeVertices").meshes.at(name_).edges;
    if (edgeId < 0 || static_cast<std::size_t>(edgeId) >= edges.size())
        return MS::kFailure;
    vertexList[0] = edges[static_cast<std::size_t>(edgeId)][0];
    vertexList[1] = edges[static_cast<std::size_t>(edgeId)][1];
    return MS::kSuccess;
}

MStatus MFnMesh::getPoints(MPointArray& vertexArray, MSpace::Space) const
{
    vertexArray.setLength(0);
    for (const MPoint& point : maya("MFnMesh::getPoints").meshes.at(name_).points)
        vertexArray.append(point);
    return MS::kSuccess;
}

MStatus MFnMesh::setPoints(MPointArray& vertexArray, MSpace::Space)
{
    auto& points = maya("MFnMesh::setPoints").meshes.at(name_).points;
    const auto& onWrite = maya("MFnMesh::setPoints").onWrite;
    if (onWrite && !onWrite())
        return MS::kFailure;
    if (vertexArray.length() != points.size())
        return MS::kFailure;
    for (unsigned int vertex = 0; vertex < vertexArray.length(); ++vertex)
        points[vertex] = vertexArray[vertex];
    return MS::kSuccess;
}

MStatus MFnMesh::updateSurface()
{
    maya("MFnMesh::updateSurface");
    return MS::kSuccess;
}

MPlug MFnMesh::findPlug(const MString& attrName, bool, MStatus* ReturnStatus) const
{
    MPlug plug;
    const bool found = attrName == "inMesh";
    plug.isDestination_ = found && maya("MFnMesh::findPlug").meshes.at(name_).hasHistory;
    answer(found ? MS::kSuccess : MS::kInvalidParameter, ReturnStatus);
    return plug;
}

MPxCommand::MPxCommand() {}
MPxCommand::~MPxCommand() {}
MStatus MPxCommand::doIt(const MArgList&) { return MS::kFailure; }
MStatus MPxCommand::undoIt() { return MS::kFailure; }
MStatus MPxCommand::redoIt() { return MS::kFailure; }
bool MPxCommand::isUndoable() const { return false; }
MSyntax MPxCommand::syntax() const { return maya("MPxCommand::syntax").syntaxOf(this); }
void MPxCommand::displayWarning(const MString& theWarning, bool) { MGlobal::displayWarning(theWarning); }
void MPxCommand::displayError(const MString& theError, bool) { MGlobal::displayError(theError); }
void MPxCommand::setResult(int val) { maya("MPxCommand::setResult").result = std::to_string(val); }
void MPxCommand::setResult(const char* val) { maya("MPxCommand::setResult").result = val; }
void MPxCommand::setResult(const MString& val) { setResult(val.asChar()); }

MFnPlugin::MFnPlugin(MObject& object, const char*, const char*, const char*, MStatus* ReturnStatus)
    : plugin_(object)
{
    answer(MS::kSuccess, ReturnStatus);
}

MStatus MFnPlugin::registerCommand(const MString& commandName, MCreatorFunction creatorFunction,
                                   MCreateSyntaxFunction createSyntaxFunction)
{
    return Maya::instance().registerCommand(static_cast<stand_in::Plugin*>(plugin_.data()),
                                            commandName.asChar(), creatorFunction,
                                            createSyntaxFunction);
}

MStatus MFnPlugin::deregisterCommand(const MString& commandName)
{
    return Maya::instance().deregisterCommand(commandName.asChar());
}

MGlobal::MMayaState MGlobal::mayaState(MStatus* ReturnStatus)
{
    answer(MS::kSuccess, ReturnStatus);
    return maya("MGlobal::mayaState").state;
}

MStatus MGlobal::executeCommand(const MString& command, bool, bool undoEnabled)
{
    return maya("MGlobal::executeCommand").execute(command.asChar(), undoEnabled);
}

// The only function that any thread may call.
MStatus MGlobal::executeCommandOnIdle(const MString& command, bool)
{
    Maya::instance().queueOnIdle(command.asChar());
    return MS::kSuccess;
}

void MGlobal::displayWarning(const MString& theWarning)
{
    maya("MGlobal::displayWarning").shown.push_back(theWarning.asUTF8());
}
void MGlobal::displayError(const MString& theError)
{
    maya("MGlobal::displayError").shown.push_back(theError.asUTF8());
}

MComputation::MComputation() {}

MComputation::~MComputation()
{
    if (hasBegun_)
        Maya::fatal("a computation was not ended");
}

void MComputation::beginComputation(bool showProgressBar, bool, bool)
{
    Maya& host = maya("MComputation::beginComputation");
    if (host.state != MGlobal::kInteractive)
        Maya::fatal("a computation was begun without a window");
    if (std::exchange(hasBegun_, true))
        Maya::fatal("a computation was begun twice");
    host.clearEsc();
    host.bar.clear();
    host.isBarShown = showProgressBar;
    ++host.computations;
    ++host.computationsBegun;
    if (host.onBegin)
        host.onBegin();
}

bool MComputation::isInterruptRequested()
{
    Maya& host = maya("MComputation::isInterruptRequested");
    if (!hasBegun_)
        Maya::fatal("a computation was asked that has not begun");
    return host.isInterruptRequested();
}

void MComputation::endComputation()
{
    if (!std::exchange(hasBegun_, false))
        Maya::fatal("a computation was ended that has not begun");
    Maya& host = maya("MComputation::endComputation");
    --host.computations;
    host.isBarShown = false;
}

MStatus MComputation::setProgressRange(const int minValue, const int maxValue)
{
    maya("MComputation::setProgressRange");
    min_ = minValue;
    max_ = maxValue;
    return MS::kSuccess;
}

MStatus MComputation::setProgress(const int amount)
{
    Maya& host = maya("MComputation::setProgress");
    if (!hasBegun_)
        Maya::fatal("a computation showed progress that has not begun");
    if (amount < min_ || amount > max_)
        Maya::fatal("a computation showed " + std::to_string(amount) + ", which is out of its range");
    host.bar.push_back(amount);
    if (host.onProgress)
        host.onProgress(amount);
    return MS::kSuccess;
}

MStatus MMessage::removeCallback(MCallbackId id)
{
    return maya("MMessage::removeCallback").removeCallback(id);
}

MCallbackId MTimerMessage::addTimerCallback(float period, MMessage::MElapsedTimeFunction func,
                                            void* clientData, MStatus* ReturnStatus)
{
    answer(MS::kSuccess, ReturnStatus);
    return maya("MTimerMessage::addTimerCallback").addTimer(period, func, clientData);
}

MCallbackId MSceneMessage::addCallback(Message, MMessage::MBasicFunction func, void* clientData,
                                       MStatus* ReturnStatus)
{
    answer(MS::kSuccess, ReturnStatus);
    return maya("MSceneMessage::addCallback").addExiting(func, clientData);
}

int MThreadUtils::getNumThreads()
{
    return maya("MThreadUtils::getNumThreads").threads;
}
