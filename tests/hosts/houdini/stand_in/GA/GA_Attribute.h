// Stand-in for GA/GA_Attribute.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_GA_GA_ATTRIBUTE_H
#define STAND_IN_GA_GA_ATTRIBUTE_H

#include <GA/GA_Types.h>
#include <UT/UT_Vector3.h>

#include <atomic>
#include <vector>

class GA_Attribute
{
public:
    int64 getDataId() const { return myDataId; }
    void bumpDataId() { myDataId = ++theLastDataId; }

private:
    friend class GA_ROHandleV3;
    friend class GA_RWHandleV3;
    friend class GU_Detail;

    // By offset.
    std::vector<UT_Vector3F> myValues;
    int64 myDataId = 0;
    static std::atomic<int64> theLastDataId;
};

#endif
