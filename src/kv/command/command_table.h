#pragma once

#include "base/assert.h"
#include "kv/command/spec.h"

#include <initializer_list>
#include <string_view>
#include <vector>

namespace kumo::kv {

/// What stands beside each command of the one table: handlers of some kind, by CommandSpec::id.
/// Immutable once made.
template <typename Handler>
class CommandTable {
public:
    struct Entry {
        std::string_view name;  ///< "get", or "object|encoding" for a subcommand.
        Handler handler;
    };

    CommandTable() : by_id_(command_count(), Handler{}) {}

    /// Requires: the table of commands has every name, and none has a handler yet.
    void add(std::initializer_list<Entry> entries) {
        for (const Entry& entry : entries) {
            const std::size_t bar = entry.name.find('|');
            const CommandSpec* spec = find_command(entry.name.substr(0, bar));
            if (spec != nullptr && bar != std::string_view::npos) {
                spec = find_subcommand(*spec, entry.name.substr(bar + 1));
            }
            KUMO_ASSERT(spec != nullptr);
            KUMO_ASSERT(by_id_[spec->id] == Handler{});
            by_id_[spec->id] = entry.handler;
        }
    }

    /// Handler{}: the command is not of this kind (or not there yet).
    Handler find(const CommandSpec& spec) const { return by_id_[spec.id]; }

private:
    std::vector<Handler> by_id_;
};

}  // namespace kumo::kv
