// Stand-in for GA/GA_Iterator.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_GA_GA_ITERATOR_H
#define STAND_IN_GA_GA_ITERATOR_H

#include <GA/GA_Types.h>

class GA_Range
{
public:
    explicit GA_Range(GA_Offset end) : myEnd(end) {}
    GA_Offset end() const { return myEnd; }

private:
    GA_Offset myEnd;
};

class GA_Iterator
{
public:
    explicit GA_Iterator(const GA_Range &range) : myEnd(range.end()) {}
    bool atEnd() const { return myAt >= myEnd; }
    GA_Offset operator*() const { return myAt; }
    GA_Iterator &
    operator++()
    {
        ++myAt;
        return *this;
    }

private:
    GA_Offset myAt = 0, myEnd;
};

#endif
