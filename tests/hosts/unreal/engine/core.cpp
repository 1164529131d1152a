// The stand-in's texts, log, configuration, files and process.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "CoreMinimal.h"
#include "HAL/FileManager.h"
#include "HAL/PlatformProcess.h"
#include "Misc/ConfigCacheIni.h"
#include "Misc/FileHelper.h"
#include "Misc/Paths.h"
#include "engine.hpp"

namespace {

struct log_lines {
    std::mutex mutex;
    std::string text;
};

log_lines &lines()
{
    static log_lines all;
    return all;
}

std::u16string &user_settings()
{
    static std::u16string folder;
    return folder;
}

std::thread::id &game_thread()
{
    static std::thread::id thread;
    return thread;
}

FConfigCacheIni config;

// The number of bytes of the character that begins here; 0 if none does.
std::size_t character(const unsigned char *bytes, std::size_t left, std::uint32_t &code)
{
    const unsigned char first = bytes[0];
    const std::size_t length = first < 0x80 ? 1u
        : first < 0xC2                      ? 0u
        : first < 0xE0                      ? 2u
        : first < 0xF0                      ? 3u
        : first < 0xF5                      ? 4u
                                            : 0u;
    if (length == 0 || length > left)
        return 0;
    code = length == 1 ? first : first & (0x7Fu >> length);
    for (std::size_t at = 1; at < length; ++at) {
        if ((bytes[at] & 0xC0u) != 0x80u)
            return 0;
        code = code << 6 | (bytes[at] & 0x3Fu);
    }
    const bool is_too_long = (length == 3 && code < 0x800u) || (length == 4 && code < 0x10000u);
    return is_too_long || code > 0x10FFFFu || (code >= 0xD800u && code < 0xE000u) ? 0 : length;
}

} // namespace

FConfigCacheIni *GConfig = &config;
FString GEditorPerProjectIni = TEXT("EditorPerProjectUserSettings.ini");

bool IsInGameThread() { return std::this_thread::get_id() == game_thread(); }

FUTF8ToTCHAR::FUTF8ToTCHAR(const char *Begin, int32 Count)
{
    const auto *bytes = reinterpret_cast<const unsigned char *>(Begin);
    for (std::size_t at = 0, size = static_cast<std::size_t>(Count); at < size;) {
        std::uint32_t code = 0;
        const std::size_t length = character(bytes + at, size - at, code);
        at += length > 0 ? length : 1;
        if (length == 0) {
            Text += u'?';
        } else if (code < 0x10000u) {
            Text += static_cast<char16_t>(code);
        } else {
            Text += static_cast<char16_t>(0xD800u + ((code - 0x10000u) >> 10));
            Text += static_cast<char16_t>(0xDC00u + ((code - 0x10000u) & 0x3FFu));
        }
    }
}

FTCHARToUTF8::FTCHARToUTF8(const TCHAR *Begin, int32 Count)
{
    for (int32 at = 0; at < Count; ++at) {
        std::uint32_t code = Begin[at];
        const bool is_pair = code >= 0xD800u && code < 0xDC00u && at + 1 < Count && Begin[at + 1] >= 0xDC00u
            && Begin[at + 1] < 0xE000u;
        if (is_pair)
            code = 0x10000u + ((code - 0xD800u) << 10) + (Begin[++at] - 0xDC00u);
        else if (code >= 0xD800u && code < 0xE000u)
            code = '?';
        if (code < 0x80u) {
            Text += static_cast<char>(code);
            continue;
        }
        const int more = code < 0x800u ? 1 : code < 0x10000u ? 2 : 3;
        Text += static_cast<char>((0xFF00u >> (more + 1) & 0xFFu) | code >> (6 * more));
        for (int left = more - 1; left >= 0; --left)
            Text += static_cast<char>(0x80u | (code >> (6 * left) & 0x3Fu));
    }
}

FString FString::Formatted(const TCHAR *Format, std::initializer_list<FStandInArgument> Args)
{
    const std::string format = stand_in::utf8(Format);
    std::string result;
    auto next = Args.begin();
    for (std::size_t at = 0; at < format.size(); ++at) {
        if (format[at] != '%') {
            result += format[at];
            continue;
        }
        const std::size_t end = format.find_first_of("sduxX%", at + 1);
        check(end != std::string::npos);
        if (format[end] == '%') {
            result += '%';
        } else {
            check(next != Args.end());
            if (format[end] == 's') {
                check(next->Text != nullptr);
                result += stand_in::utf8(next->Text);
            } else {
                // Flags and width as they stand, the length as the argument has it.
                std::string flags = format.substr(at, end - at);
                flags.erase(std::remove(flags.begin(), flags.end(), 'l'), flags.end());
                char number[64];
                std::snprintf(number, sizeof number, (flags + "ll" + format[end]).c_str(), next->Integer);
                result += number;
            }
            ++next;
        }
        at = end;
    }
    check(next == Args.end());
    const FUTF8ToTCHAR converted(result.data(), static_cast<int32>(result.size()));
    return ConstructFromPtrSize(converted.Get(), converted.Length());
}

int32 FCString::Atoi(const TCHAR *Text) { return std::atoi(stand_in::utf8(Text).c_str()); }

void StandInLog(const char *Category, const char *Verbosity, const FString &Line)
{
    const std::string text = std::string(Verbosity) + ": " + stand_in::utf8(*Line) + "\n";
    const std::lock_guard<std::mutex> lock(lines().mutex);
    lines().text += text;
    std::fprintf(stderr, "%s: %s", Category, text.c_str());
}

const std::string *FConfigCacheIni::Find(const TCHAR *Key) const
{
    const auto found = StandInValues.find(stand_in::utf8(Key));
    return found == StandInValues.end() ? nullptr : &found->second;
}

bool FConfigCacheIni::GetBool(const TCHAR *, const TCHAR *Key, bool &Value, const FString &) const
{
    const std::string *text = Find(Key);
    if (text != nullptr)
        Value = *text == "True";
    return text != nullptr;
}

bool FConfigCacheIni::GetInt(const TCHAR *, const TCHAR *Key, int32 &Value, const FString &) const
{
    const std::string *text = Find(Key);
    if (text != nullptr)
        Value = std::stoi(*text);
    return text != nullptr;
}

bool FConfigCacheIni::GetDouble(const TCHAR *, const TCHAR *Key, double &Value, const FString &) const
{
    const std::string *text = Find(Key);
    if (text != nullptr)
        Value = std::stod(*text);
    return text != nullptr;
}

void FPlatformProcess::Sleep(float Seconds)
{
    std::this_thread::sleep_for(std::chrono::duration<float>(Seconds));
}

uint32 FPlatformProcess::GetCurrentProcessId() { return static_cast<uint32>(getpid()); }

const TCHAR *FPlatformProcess::UserSettingsDir() { return user_settings().c_str(); }

FString FPaths::GetPath(const FString &Path)
{
    const std::u16string text = *Path;
    const std::size_t end = text.rfind(u'/');
    return end == std::u16string::npos ? FString()
                                       : FString::ConstructFromPtrSize(text.data(), static_cast<int32>(end));
}

namespace {

class file_manager : public IFileManager {
public:
    bool Delete(const TCHAR *Path, bool bRequireExists, bool, bool) override
    {
        std::error_code failure;
        return std::filesystem::remove(stand_in::utf8(Path), failure) || (!failure && !bRequireExists);
    }
    bool Move(const TCHAR *To, const TCHAR *From, bool) override
    {
        std::error_code failure;
        std::filesystem::rename(stand_in::utf8(From), stand_in::utf8(To), failure);
        return !failure;
    }
    bool MakeDirectory(const TCHAR *Path, bool) override
    {
        std::error_code failure;
        std::filesystem::create_directories(stand_in::utf8(Path), failure);
        return !failure;
    }
};

} // namespace

IFileManager &IFileManager::Get()
{
    static file_manager files;
    return files;
}

bool FFileHelper::SaveStringToFile(const FString &Text, const TCHAR *Path, EEncodingOptions)
{
    std::ofstream file(stand_in::utf8(Path), std::ios::binary);
    file << stand_in::utf8(*Text);
    return file.good();
}

namespace stand_in {

void become_game_thread() { game_thread() = std::this_thread::get_id(); }

void set_user_settings_folder(const std::string &folder)
{
    const FUTF8ToTCHAR converted(folder.data(), static_cast<int32>(folder.size()));
    user_settings() = converted.Get();
}

std::string log()
{
    const std::lock_guard<std::mutex> lock(lines().mutex);
    return lines().text;
}

std::string last_in_log()
{
    const std::string all = log();
    const std::size_t end = all.empty() ? 0 : all.size() - 1; // of its line
    const std::size_t before = end == 0 ? std::string::npos : all.rfind('\n', end - 1);
    return all.substr(before + 1, end - before - 1);
}

int count_in_log(const std::string &text)
{
    int count = 0;
    const std::string all = log();
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = all.find('\n', at);
        count += all.substr(at, end - at).find(text) != std::string::npos ? 1 : 0;
        at = end + 1;
    }
    return count;
}

std::string utf8(const char16_t *text) { return FTCHARToUTF8(text).Get(); }

} // namespace stand_in
