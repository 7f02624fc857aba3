#pragma once

#include "base/bytes.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::kv {

/// What a command is allowed to and does: Redis's command flags, one bit each.
enum CommandFlag : std::uint32_t {
    kFlagWrite = 1U << 0,
    kFlagReadonly = 1U << 1,
    kFlagDenyOom = 1U << 2,
    kFlagAdmin = 1U << 3,
    kFlagPubsub = 1U << 4,
    kFlagNoscript = 1U << 5,
    kFlagBlocking = 1U << 6,
    kFlagLoading = 1U << 7,
    kFlagStale = 1U << 8,
    kFlagSkipMonitor = 1U << 9,
    kFlagSkipSlowlog = 1U << 10,
    kFlagAsking = 1U << 11,
    kFlagFast = 1U << 12,
    kFlagNoAuth = 1U << 13,
    kFlagMayReplicate = 1U << 14,
    kFlagNoAsyncLoading = 1U << 15,
    kFlagNoMulti = 1U << 16,
    kFlagMovableKeys = 1U << 17,
    kFlagAllowBusy = 1U << 18,
    kFlagNoMandatoryKeys = 1U << 19,
};

/// ACL categories, one bit each.
enum AclCategory : std::uint32_t {
    kAclKeyspace = 1U << 0,
    kAclRead = 1U << 1,
    kAclWrite = 1U << 2,
    kAclSet = 1U << 3,
    kAclSortedset = 1U << 4,
    kAclList = 1U << 5,
    kAclHash = 1U << 6,
    kAclString = 1U << 7,
    kAclBitmap = 1U << 8,
    kAclHyperloglog = 1U << 9,
    kAclGeo = 1U << 10,
    kAclStream = 1U << 11,
    kAclPubsub = 1U << 12,
    kAclAdmin = 1U << 13,
    kAclFast = 1U << 14,
    kAclSlow = 1U << 15,
    kAclBlocking = 1U << 16,
    kAclDangerous = 1U << 17,
    kAclConnection = 1U << 18,
    kAclTransaction = 1U << 19,
    kAclScripting = 1U << 20,
};

/// What a command does to a key, as COMMAND's key specifications say.
enum KeyFlag : std::uint16_t {
    kKeyRo = 1U << 0,  ///< Reads.
    kKeyRw = 1U << 1,  ///< Reads and changes.
    kKeyOw = 1U << 2,  ///< Overwrites.
    kKeyRm = 1U << 3,  ///< Removes.
    kKeyAccess = 1U << 4,
    kKeyUpdate = 1U << 5,
    kKeyInsert = 1U << 6,
    kKeyDelete = 1U << 7,
    kKeyNotKey = 1U << 8,
    kKeyIncomplete = 1U << 9,
    kKeyVariable = 1U << 10,
};

/// Where the keys of a command are (https://redis.io/docs/reference/key-specs/).
struct KeySpec {
    enum class Begin : std::uint8_t {
        kUnknown,
        kIndex,
        kKeyword
    };
    enum class Find : std::uint8_t {
        kUnknown,
        kRange,
        kKeynum
    };
    std::string_view notes;
    std::uint16_t flags;
    Begin begin;
    int index;  ///< kIndex: position; kKeyword: where the search starts.
    std::string_view keyword;
    Find find;
    int last_key, step, limit;              ///< kRange.
    int keynum_index, first_key, key_step;  ///< kKeynum.
};

struct CommandDocs;  ///< Summary, since, complexity, arguments, hints: introspection.cc.

/// One command or subcommand. Immutable; all live in one table for the life of the process.
struct CommandSpec {
    std::string_view name;      ///< Lower case; of a subcommand its own part ("setname").
    const CommandSpec* parent;  ///< nullptr: not a subcommand.
    std::uint16_t id;           ///< Dense, from 0: index of arrays beside the table.
    std::int16_t arity;         ///< Arguments with the name; negative: at least that many.
    std::uint32_t flags;        ///< CommandFlag.
    std::uint32_t categories;   ///< AclCategory.
    std::int16_t first_key, last_key, key_step;
    std::span<const KeySpec> keys;
    std::span<const CommandSpec> subcommands;
    const CommandDocs* docs;

    bool is(std::uint32_t flag) const { return (flags & flag) != 0; }

    /// "client|setname".
    std::string full_name() const;
};

/// How many commands and subcommands there are; ids are below.
std::size_t command_count();
/// All commands, without their subcommands, in the table's order.
std::span<const CommandSpec> all_commands();
/// By name in any case; nullptr: there is none. Not subcommands.
const CommandSpec* find_command(ByteView name);
/// nullptr: the command has no such subcommand.
const CommandSpec* find_subcommand(const CommandSpec& command, ByteView name);

struct KeyRef {
    std::size_t index;    ///< In the arguments; the command's name has 0.
    std::uint16_t flags;  ///< KeyFlag.
};

/// The arguments that are keys. kInvalidArgument: the arguments do not fit the command (a count of
/// keys that is none). Commands without keys: empty.
Result<std::vector<KeyRef>> find_keys(const CommandSpec& spec, std::span<const ByteView> arguments);

}  // namespace kumo::kv
