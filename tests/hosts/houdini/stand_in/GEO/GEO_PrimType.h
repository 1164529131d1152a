// Stand-in for GEO/GEO_PrimType.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_GEO_GEO_PRIMTYPE_H
#define STAND_IN_GEO_GEO_PRIMTYPE_H

enum GEO_PrimTypeCompat { GEO_PRIMPOLY = 1, GEO_PRIMSPHERE = 2 };

class GA_PrimitiveTypeId
{
public:
    GA_PrimitiveTypeId(int id) : myId(id) {}
    bool operator==(const GA_PrimitiveTypeId &other) const { return myId == other.myId; }
    bool operator!=(const GA_PrimitiveTypeId &other) const { return myId != other.myId; }

private:
    int myId;
};

#endif
