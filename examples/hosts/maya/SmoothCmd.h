// dccSmooth [-iterations 10] [-strength 0.5] [mesh]: smooths the named mesh, or else the selected one. It can
// be undone. Esc and dccCancel stop it. Then it fails, and the mesh is unchanged.
#pragma once

#include "Smoother.h"

#include <maya/MDagPath.h>
#include <maya/MFnMesh.h>
#include <maya/MPointArray.h>
#include <maya/MPxCommand.h>
#include <maya/MSyntax.h>

#include <dcc_cancel.hpp>

class ComputationJob;

class SmoothCmd : public MPxCommand
{
public:
    static const char* const kName;
    static void* creator();
    static MSyntax newSyntax();

    MStatus doIt(const MArgList& args) override;
    MStatus redoIt() override;
    MStatus undoIt() override;
    bool isUndoable() const override { return true; }

private:
    MStatus parse(const MArgList& args);
    bool readMesh(Smoother& smoother, ComputationJob& computation);
    void readResult(const Smoother& smoother);
    MStatus writeMesh(MPointArray& points);
    bool work(ComputationJob& computation);
    bool smooth();

    MDagPath mesh_;
    int iterations_ = 10;
    double strength_ = 0.5;
    MPointArray before_;
    MPointArray after_;
};
