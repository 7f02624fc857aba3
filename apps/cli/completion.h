#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Scripts that let a shell complete what can be typed. Stateless.
namespace kumo::cli {

struct OptionHelp {
    std::string name;  ///< "--url"
    std::string help;
    bool takes_value = false;
    bool takes_file = false;
    std::vector<std::string> choices{};  ///< The values there are; empty: any.
};

struct CommandHelp {
    std::string name;  ///< Words: "collection create". Empty: options of every command.
    std::string help;
    std::vector<OptionHelp> options{};
    bool takes_file = false;
};

enum class Shell : unsigned char {
    kBash,
    kZsh,
    kFish
};

std::string completion_script(Shell shell, const std::vector<CommandHelp>& commands);

}  // namespace kumo::cli
