// Stand-in for maya/MString.h of Maya's devkit: only what the example uses, so that it is compiled and
// driven without the devkit.
#pragma once

#include <maya/MStatus.h>

#include <string>

class OPENMAYA_EXPORT MString
{
public:
    MString() {}
    MString(const char* text) : text_(text) {}
    MString& operator+=(const MString& other);
    MString operator+(const MString& other) const;
    MString operator+(const char* other) const;
    MString operator+(double value) const;
    bool operator==(const char* other) const { return text_ == other; }
    MStatus setUTF8(const char* text);
    const char* asChar() const { return text_.c_str(); }
    const char* asUTF8() const { return text_.c_str(); }
    unsigned int length() const { return static_cast<unsigned int>(text_.size()); }
    unsigned int numChars() const;
    MString substringW(int start, int end) const; // `end` is the last one

private:
    std::string text_;
};

OPENMAYA_EXPORT MString operator+(const char* text, const MString& other);
