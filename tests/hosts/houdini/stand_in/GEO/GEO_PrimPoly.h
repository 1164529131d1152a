// Stand-in for GEO/GEO_PrimPoly.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_GEO_GEO_PRIMPOLY_H
#define STAND_IN_GEO_GEO_PRIMPOLY_H

#include <GA/GA_Types.h>
#include <GEO/GEO_PrimType.h>

#include <utility>
#include <vector>

class GEO_Primitive
{
public:
    explicit GEO_Primitive(GA_PrimitiveTypeId type) : myType(type) {}
    virtual ~GEO_Primitive() = default;
    const GA_PrimitiveTypeId &getTypeId() const { return myType; }

private:
    GA_PrimitiveTypeId myType;
};

class GEO_PrimPoly : public GEO_Primitive
{
public:
    GEO_PrimPoly(std::vector<GA_Offset> points, bool closed)
        : GEO_Primitive(GEO_PRIMPOLY), myPoints(std::move(points)), myClosed(closed)
    {
    }
    GA_Size getVertexCount() const { return static_cast<GA_Size>(myPoints.size()); }
    GA_Offset getPointOffset(GA_Size i) const { return myPoints.at(static_cast<std::size_t>(i)); }
    bool isClosed() const { return myClosed; }

private:
    std::vector<GA_Offset> myPoints;
    bool myClosed;
};

#endif
