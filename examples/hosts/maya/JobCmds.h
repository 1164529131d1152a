// The commands for jobs. None is undoable, and all of them run at once on Maya's main thread; other
// threads cancel by dcc::job::find(id).cancel(reason), which is what dccCancel does.
//
//     dccPost "dccSmooth -iterations 40 pSphere1"   runs it when Maya is idle; the job's id, a string
//     dccJobs                                       all live jobs of the process, as JSON
//     dccCancel -reason "not that one" "17"         how many jobs it asked to stop
//     dccPump -budget 8                             runs posted jobs for some milliseconds, where Maya
//                                                   has no idle (batch, mayapy); how many are left
//
// An id is a string because it has up to 53 bits, and MEL's integers have 32.
#pragma once

#include <maya/MPxCommand.h>
#include <maya/MSyntax.h>

class PostCmd : public MPxCommand
{
public:
    static void* creator();
    static MSyntax newSyntax();
    MStatus doIt(const MArgList& args) override;
};

class JobsCmd : public MPxCommand
{
public:
    static void* creator();
    static MSyntax newSyntax();
    MStatus doIt(const MArgList& args) override;
};

class CancelCmd : public MPxCommand
{
public:
    static void* creator();
    static MSyntax newSyntax();
    MStatus doIt(const MArgList& args) override;
};

class PumpCmd : public MPxCommand
{
public:
    static void* creator();
    static MSyntax newSyntax();
    MStatus doIt(const MArgList& args) override;
};
