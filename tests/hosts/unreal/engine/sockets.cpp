// The stand-in's sockets, over the system's.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "SocketSubsystem.h"
#include "Sockets.h"

namespace {

bool has(int descriptor, short events, const FTimespan &longest)
{
    pollfd polled = {descriptor, events, 0};
    return poll(&polled, 1, static_cast<int>(longest.GetTotalMilliseconds())) > 0;
}

class socket_subsystem : public ISocketSubsystem {
public:
    FSocket *CreateSocket(const FName &, const FString &, const FName &) override
    {
        const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return descriptor < 0 ? nullptr : new FSocket(descriptor);
    }
    void DestroySocket(FSocket *Socket) override { delete Socket; }
    ESocketErrors GetLastErrorCode() override
    {
        return errno == 0                             ? SE_NO_ERROR
            : errno == EAGAIN || errno == EWOULDBLOCK ? SE_EWOULDBLOCK
                                                      : SE_EINVAL;
    }
};

} // namespace

ISocketSubsystem *ISocketSubsystem::Get(const FName &)
{
    static socket_subsystem sockets;
    return &sockets;
}

bool FSocket::Bind(const FInternetAddr &Address)
{
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(Address.Address);
    address.sin_port = htons(Address.Port);
    return bind(Descriptor, reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0;
}

bool FSocket::Listen(int32 MaxBacklog) { return listen(Descriptor, MaxBacklog) == 0; }

bool FSocket::HasPendingConnection(bool &bHasPendingConnection)
{
    return WaitForPendingConnection(bHasPendingConnection, FTimespan());
}

bool FSocket::WaitForPendingConnection(bool &bHasPendingConnection, const FTimespan &WaitTime)
{
    bHasPendingConnection = has(Descriptor, POLLIN, WaitTime);
    return true;
}

FSocket *FSocket::Accept(const FString &)
{
    const int accepted = accept4(Descriptor, nullptr, nullptr, SOCK_CLOEXEC);
    return accepted < 0 ? nullptr : new FSocket(accepted);
}

bool FSocket::Recv(uint8 *Data, int32 BufferSize, int32 &BytesRead, ESocketReceiveFlags::Type)
{
    BytesRead = static_cast<int32>(recv(Descriptor, Data, static_cast<std::size_t>(BufferSize), 0));
    if (BytesRead >= 0)
        return BytesRead > 0;
    BytesRead = 0;
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

bool FSocket::Send(const uint8 *Data, int32 Count, int32 &BytesSent)
{
    BytesSent = static_cast<int32>(send(Descriptor, Data, static_cast<std::size_t>(Count), MSG_NOSIGNAL));
    return BytesSent >= 0;
}

bool FSocket::Wait(ESocketWaitConditions::Type Condition, FTimespan WaitTime)
{
    const short events = Condition == ESocketWaitConditions::WaitForRead    ? POLLIN
                         : Condition == ESocketWaitConditions::WaitForWrite ? POLLOUT
                                                                            : POLLIN | POLLOUT;
    return has(Descriptor, events, WaitTime);
}

bool FSocket::SetNonBlocking(bool bIsNonBlocking)
{
    const int flags = fcntl(Descriptor, F_GETFL, 0);
    return fcntl(Descriptor, F_SETFL, bIsNonBlocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) == 0;
}

bool FSocket::SetNoDelay(bool bIsNoDelay)
{
    const int value = bIsNoDelay ? 1 : 0;
    return setsockopt(Descriptor, IPPROTO_TCP, TCP_NODELAY, &value, sizeof value) == 0;
}

bool FSocket::Shutdown(ESocketShutdownMode Mode)
{
    const int how = Mode == ESocketShutdownMode::Read ? SHUT_RD
        : Mode == ESocketShutdownMode::Write          ? SHUT_WR
                                                      : SHUT_RDWR;
    return shutdown(Descriptor, how) == 0;
}

bool FSocket::Close()
{
    const bool was_open = Descriptor >= 0;
    if (was_open)
        close(Descriptor);
    Descriptor = -1;
    return was_open;
}

int32 FSocket::GetPortNo()
{
    sockaddr_in address = {};
    socklen_t size = sizeof address;
    return getsockname(Descriptor, reinterpret_cast<sockaddr *>(&address), &size) == 0
        ? ntohs(address.sin_port)
        : 0;
}
