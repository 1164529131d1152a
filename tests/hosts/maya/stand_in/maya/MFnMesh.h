// Stand-in for maya/MFnMesh.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MDagPath.h>
#include <maya/MPlug.h>
#include <maya/MPointArray.h>
#include <maya/MSpace.h>

class OPENMAYA_EXPORT MFnMesh
{
public:
    MFnMesh(const MDagPath& path, MStatus* ReturnStatus = nullptr);
    int numEdges(MStatus* ReturnStatus = nullptr) const;
    MStatus getEdgeVertices(int edgeId, int2& vertexList) const;
    MStatus getPoints(MPointArray& vertexArray, MSpace::Space space = MSpace::kObject) const;
    MStatus setPoints(MPointArray& vertexArray, MSpace::Space space = MSpace::kObject);
    MStatus updateSurface();
    MPlug findPlug(const MString& attrName, bool wantNetworkedPlug,
                   MStatus* ReturnStatus = nullptr) const;

private:
    std::string name_;
};
