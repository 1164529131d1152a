// Stand-in for UT/UT_Interrupt.h of the HDK: only what the example uses, so that it is compiled and driven
// without the SDK.
#ifndef STAND_IN_UT_UT_INTERRUPT_H
#define STAND_IN_UT_UT_INTERRUPT_H

// The host that the tests play defines these.
class UT_Interrupt
{
public:
    int opStart(const char *opname = nullptr, int npoll = 0, int immediate_dialog = 0,
                int *opid = nullptr);
    int opInterrupt(int percent = -1);
    void opEnd(int opid = -1);
    void interrupt(int use_semaphore = 0);
};

UT_Interrupt *UTgetInterrupt();

class UT_AutoInterrupt
{
public:
    UT_AutoInterrupt(const char *operation_name, UT_Interrupt *boss = UTgetInterrupt())
        : myInterrupt(boss)
    {
        myRunOk = boss->opStart(operation_name, 0, 0, &myId) != 0;
    }
    ~UT_AutoInterrupt() { myInterrupt->opEnd(myId); }

    bool wasInterrupted() { return wasInterrupted(-1); }
    bool
    wasInterrupted(int percent)
    {
        myRunOk = myRunOk && myInterrupt->opInterrupt(percent) == 0;
        return !myRunOk;
    }

private:
    UT_Interrupt *myInterrupt;
    bool myRunOk = false;
    int myId = 0;
};

#endif
