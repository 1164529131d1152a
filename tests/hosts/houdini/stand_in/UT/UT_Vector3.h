// Stand-in for UT/UT_Vector3.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_UT_UT_VECTOR3_H
#define STAND_IN_UT_UT_VECTOR3_H

#include <SYS/SYS_Types.h>

class UT_Vector3F
{
public:
    UT_Vector3F() = default;
    UT_Vector3F(fpreal32 vx, fpreal32 vy, fpreal32 vz) : myX(vx), myY(vy), myZ(vz) {}

    fpreal32 x() const { return myX; }
    fpreal32 y() const { return myY; }
    fpreal32 z() const { return myZ; }

    UT_Vector3F &
    operator+=(const UT_Vector3F &v)
    {
        myX += v.myX;
        myY += v.myY;
        myZ += v.myZ;
        return *this;
    }

    friend UT_Vector3F
    operator+(UT_Vector3F a, const UT_Vector3F &b)
    {
        return a += b;
    }
    friend UT_Vector3F
    operator-(const UT_Vector3F &a, const UT_Vector3F &b)
    {
        return UT_Vector3F(a.myX - b.myX, a.myY - b.myY, a.myZ - b.myZ);
    }
    friend UT_Vector3F
    operator*(const UT_Vector3F &v, fpreal32 scalar)
    {
        return UT_Vector3F(v.myX * scalar, v.myY * scalar, v.myZ * scalar);
    }
    friend UT_Vector3F
    operator/(const UT_Vector3F &v, fpreal32 scalar)
    {
        return UT_Vector3F(v.myX / scalar, v.myY / scalar, v.myZ / scalar);
    }

private:
    fpreal32 myX = 0, myY = 0, myZ = 0;
};

#endif
