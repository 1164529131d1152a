// Stand-in for UT/UT_String.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_UT_UT_STRING_H
#define STAND_IN_UT_UT_STRING_H

#include <string>
#include <utility>

class UT_String
{
public:
    UT_String() = default;
    explicit UT_String(std::string text) : myText(std::move(text)) {}
    const char *c_str() const { return myText.c_str(); }
    std::string toStdString() const { return myText; }

private:
    std::string myText;
};

#endif
