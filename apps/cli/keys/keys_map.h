#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "cli/keys/resp_session.h"

#include <bitset>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// A cluster of keys as one of its nodes tells it, what is wrong with it, and which slots would
/// have to move. Stateless.
namespace kumo::cli {

inline constexpr std::size_t kSlotCount = 16384;

using Slots = std::bitset<kSlotCount>;

struct KeysNode {
    struct OpenSlot {
        std::uint16_t slot = 0;
        bool importing = false;  ///< Else migrating.
        std::string peer;
    };

    std::string id;
    RespAddress address;
    std::string master;  ///< Its id; empty: it is one.
    bool failed = false;
    bool self = false;  ///< It told this.
    Slots slots;
    std::vector<OpenSlot> open;

    bool is_master() const { return master.empty(); }
};

struct KeysMap {
    std::vector<KeysNode> nodes;

    /// By its id, or by the beginning of it if that is only one's; nullptr: none.
    const KeysNode* find(ByteView id) const;
    std::vector<const KeysNode*> masters() const;
    /// What two nodes have to agree on.
    std::string signature() const;
};

/// What CLUSTER NODES answers.
Result<KeysMap> parse_keys_map(ByteView text);

/// Ascending ranges, as in "0-5460".
std::string show_slots(const Slots& slots);
std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges_of(const Slots& slots);

/// A sentence each; none: all is well.
std::vector<std::string> problems_of(const KeysMap& map);

struct SlotMove {
    std::string source;
    std::string target;
    Slots slots;
};

struct BalanceOptions {
    std::map<std::string, double> weights;  ///< By id; 1 if not said, 0: it is to have none.
    bool use_empty = false;                 ///< Masters without slots, too.
    double threshold_percent = 2;           ///< Nearer than that to what it should have is well.
};

/// What makes every master have its share; nothing, if all are near it. kInvalidArgument: nobody
/// is to have any.
Result<std::vector<SlotMove>> plan_balance(const KeysMap& map, const BalanceOptions& options);

/// `count` slots to `target`, from each source in proportion to what it has. kInvalidArgument:
/// they have not so many.
Result<std::vector<SlotMove>> plan_reshard(
    const KeysMap& map,
    const std::vector<std::string>& sources,
    const std::string& target,
    std::size_t count
);

}  // namespace kumo::cli
