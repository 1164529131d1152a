// The driver's access to the stand-in of the engine.
#ifndef DCC_TESTS_HOSTS_UNREAL_ENGINE_HPP
#define DCC_TESTS_HOSTS_UNREAL_ENGINE_HPP

#include <functional>
#include <string>
#include <vector>

namespace stand_in {

// This thread is the game thread from now on.
void become_game_thread();

// The folder of the user's settings.
void set_user_settings_folder(const std::string &folder);

// The log so far, one line for each entry: "Log: text".
std::string log();

// The last line of the log.
std::string last_in_log();

// The number of lines of the log that contain this text.
int count_in_log(const std::string &text);

// Runs a line of the console. False: there is no such command.
bool console(const std::string &line);

// Called at each update of a slow task's dialog, with the fraction that its bar shows. True: Esc is pressed
// now.
void on_dialog(std::function<bool(float fraction)> live);

// The fractions that the bar of the last slow task has shown, as it entered its frames.
std::vector<float> shown_fractions();

// The number of open dialogs.
int open_dialogs();

std::string utf8(const char16_t *text);

} // namespace stand_in

#endif
