#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace kumo::kv::internal {

/// One command as it stands in spec_table_*.cc; spec_table.cc makes a CommandSpec of it. Words are
/// separated by spaces, empty is none.
struct SpecRow {
    struct Range {
        std::int16_t first, last, step;
    };

    std::string_view name;   ///< "client|setname".
    std::string_view since;  ///< The version of Redis (7.2 and later: of Valkey) that has it first.
    std::int16_t arity;
    std::string_view flags;
    /// Those that the flags do not imply: readonly is @read, write @write, fast @fast or else
    /// @slow, admin @admin and @dangerous, pubsub @pubsub, blocking @blocking.
    std::string_view categories;
    Range legacy;
    /// Specifications, separated by "; ": flags, where the search begins, how keys are found,
    /// notes.
    ///   @1            begins at the argument 1
    ///   @STORE:5      begins after that word, looked for from the argument 5 on; negative:
    ///   backwards 0/1/0         last key (relative, or negative from the end), step, limit #0/1/1
    ///   where their number stands, the first key, step; relative
    ///   -- Words.     notes
    /// Without @ the place is unknown.
    std::string_view keys;
    std::string_view tips;
    std::string_view summary;
    std::string_view complexity;
    /// "6.2.0 ZRANGE REV": since when it is deprecated and what is better; "syscmd": for servers.
    std::string_view standing;
    /// Arguments, separated by spaces: name, type, token, marks, parts.
    ///   .i .d .p .u   integer, double, pattern, unix time; .k0 the key of specification 0; else
    ///   string 'EX'          the token before it !  !'EX'      a token only: the name in capitals,
    ///   or that ?  *  +       may be left out; may be repeated; its token as well
    ///   @6.2.0 ~7.0.0 since, deprecated since
    ///   (a b)  [a b]  a block; one of them
    std::string_view arguments;
};

struct SpecGroup {
    std::string_view name;
    std::span<const SpecRow> rows;
};

extern const SpecGroup kGenericGroup, kStringGroup, kBitmapGroup, kHyperloglogGroup, kListGroup,
    kSetGroup, kHashGroup, kSortedSetGroup, kGeoGroup, kStreamGroup, kConnectionGroup, kPubsubGroup,
    kTransactionsGroup, kScriptingGroup, kServerGroup, kClusterGroup;

}  // namespace kumo::kv::internal

namespace kumo::kv {

/// What people read of a command.
struct CommandDocs {
    const internal::SpecRow* row;
    std::string_view group;
};

}  // namespace kumo::kv
