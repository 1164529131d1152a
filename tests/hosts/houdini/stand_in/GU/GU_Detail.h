// Stand-in for GU/GU_Detail.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_GU_GU_DETAIL_H
#define STAND_IN_GU_GU_DETAIL_H

#include <GA/GA_Attribute.h>
#include <GA/GA_Iterator.h>
#include <GEO/GEO_PrimPoly.h>

#include <memory>
#include <vector>

// As in Houdini a point's offset is not its index: every tenth offset is a hole.
class GU_Detail
{
public:
    GA_Size getNumPoints() const { return static_cast<GA_Size>(myOffsets.size()); }
    GA_Size getNumPrimitives() const { return static_cast<GA_Size>(myPrimitives.size()); }
    GA_Offset pointOffset(GA_Index index) const { return myOffsets.at(static_cast<std::size_t>(index)); }
    GA_Index pointIndex(GA_Offset offset) const { return myIndices.at(static_cast<std::size_t>(offset)); }
    GA_Attribute *getP() { return &myP; }
    const GA_Attribute *getP() const { return &myP; }
    GA_Range
    getPrimitiveRange() const
    {
        return GA_Range(static_cast<GA_Offset>(myPrimitives.size()));
    }
    const GEO_Primitive *
    getGEOPrimitive(GA_Offset offset) const
    {
        return myPrimitives.at(static_cast<std::size_t>(offset)).get();
    }

    GA_Offset
    appendPointOffset()
    {
        if (myIndices.size() % 10 == 9)
            myIndices.push_back(-1);
        myIndices.push_back(getNumPoints());
        myOffsets.push_back(static_cast<GA_Offset>(myIndices.size()) - 1);
        myP.myValues.resize(myIndices.size());
        return myOffsets.back();
    }
    void
    appendPrimitive(std::shared_ptr<const GEO_Primitive> primitive)
    {
        myPrimitives.push_back(std::move(primitive));
    }

    // Copies what is another's by its data id, so a change that bumped none would stay.
    void
    replaceWith(const GU_Detail &source)
    {
        myOffsets = source.myOffsets;
        myIndices = source.myIndices;
        myPrimitives = source.myPrimitives;
        if (myP.getDataId() != source.myP.getDataId() || myP.myValues.size() != myIndices.size())
            myP = source.myP;
    }

private:
    std::vector<GA_Offset> myOffsets;
    std::vector<GA_Index> myIndices;
    std::vector<std::shared_ptr<const GEO_Primitive>> myPrimitives;
    GA_Attribute myP;
};

#endif
