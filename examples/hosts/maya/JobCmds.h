// The commands for jobs. None can be undone, and all of them run at once on Maya's main thread. Other threads
// cancel by dcc::job::find(id).cancel(reason), as dccCancel does.
//
//     dccPost "dccSmooth -iterations 40 pSphere1"   runs it when Maya is idle; returns the job's id
//     dccJobs                                       all live jobs of the process, as JSON
//     dccCancel -reason "not that one" "17"         returns how many jobs it asked to stop
//     dccPump -budget 8                             runs posted jobs for some milliseconds if Maya has no
//                                                   idle time (batch, mayapy); how many are left
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
