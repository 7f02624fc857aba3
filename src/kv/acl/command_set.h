#pragma once

#include "base/bytes.h"
#include "kv/command/spec.h"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace kumo::kv {

/// Which commands may be run: a bit for each command and subcommand, and for commands that are
/// denied, first arguments with which they are allowed all the same. A value.
class AclCommandSet {
public:
    AclCommandSet();  ///< Nothing.

    void allow_all();
    void deny_all();
    /// The command with all its subcommands.
    void set(const CommandSpec& command, bool allowed);
    /// All commands of the categories.
    void set_categories(std::uint32_t categories, bool allowed);
    /// Requires: the command has no subcommands and is none.
    void allow_first_argument(const CommandSpec& command, ByteView argument);

    /// Nothing has been denied since everything was allowed.
    bool all() const { return all_; }

    /// `arguments` begins with the command's name.
    bool allows(const CommandSpec& command, std::span<const ByteView> arguments) const;

    /// Rules that make this set out of an empty one: "+@all -@string +incr". They begin with what
    /// commands of later versions get; categories are preferred where they fit well.
    std::string describe() const;

private:
    bool bit(const CommandSpec& command) const {
        return (bits_[command.id / 64U] >> (command.id % 64U) & 1U) != 0;
    }

    void set_bit(const CommandSpec& command, bool allowed);

    std::vector<std::uint64_t> bits_;
    std::map<std::uint16_t, std::vector<std::string>> first_arguments_;  ///< By CommandSpec::id.
    bool all_ = false;
    bool future_ = false;  ///< +@all came after the last -@all.
};

}  // namespace kumo::kv
