// Stand-in for GA/GA_Handle.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_GA_GA_HANDLE_H
#define STAND_IN_GA_GA_HANDLE_H

#include <GA/GA_Attribute.h>

class GA_ROHandleV3
{
public:
    explicit GA_ROHandleV3(const GA_Attribute *attribute) : myAttribute(attribute) {}
    bool isValid() const { return myAttribute != nullptr; }
    UT_Vector3F
    get(GA_Offset offset) const
    {
        return myAttribute->myValues.at(static_cast<std::size_t>(offset));
    }

private:
    const GA_Attribute *myAttribute;
};

class GA_RWHandleV3
{
public:
    explicit GA_RWHandleV3(GA_Attribute *attribute) : myAttribute(attribute) { beginsToWrite(); }
    bool isValid() const { return myAttribute != nullptr; }
    void
    set(GA_Offset offset, const UT_Vector3F &value) const
    {
        myAttribute->myValues.at(static_cast<std::size_t>(offset)) = value;
    }
    void bumpDataId() const { myAttribute->bumpDataId(); }

private:
    // The host that the tests play defines it.
    static void beginsToWrite();

    GA_Attribute *myAttribute;
};

#endif
