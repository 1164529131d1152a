// Stand-in for FS/FS_EventGenerator.h of the HDK: only what the example uses, so that it is compiled and
// driven without the SDK.
#ifndef STAND_IN_FS_FS_EVENTGENERATOR_H
#define STAND_IN_FS_FS_EVENTGENERATOR_H

class FS_EventGenerator
{
public:
    FS_EventGenerator() = default;
    FS_EventGenerator(const FS_EventGenerator &) = delete;
    FS_EventGenerator &operator=(const FS_EventGenerator &) = delete;
    virtual ~FS_EventGenerator();

    virtual const char *getClassName() const = 0;
    virtual int getFileDescriptor() { return -1; }
    virtual int getPollTime() { return -1; }
    virtual bool areEventsWaiting() { return false; }
    virtual int processEvents() = 0;

    // 0 if the application has no event loop, or none yet.
    int installGenerator();
    void uninstallGenerator();
};

#endif
