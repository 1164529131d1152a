// Stand-in for UT/UT_Exit.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_UT_UT_EXIT_H
#define STAND_IN_UT_UT_EXIT_H

class UT_Exit
{
public:
    enum UT_ExitCode { EXIT_OK = 0 };

    // Runs the callbacks, then ends the process.
    static void exit(UT_ExitCode exit_code = EXIT_OK);
    static void runExitCallbacks();
    static int addExitCallback(void (*exitcallback)(void *data), void *data = nullptr);
    static int addEarlyExitCallback(void (*exitcallback)(void *data), void *data = nullptr);
};

#endif
