#include "cli/keys/keys_map.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <sstream>

namespace kumo::cli {

namespace {

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream in(line);
    std::vector<std::string> words;
    for (std::string word; in >> word;) {
        words.push_back(word);
    }
    return words;
}

std::optional<std::uint16_t> read_slot(ByteView text) {
    std::uint16_t slot = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), slot);
    const bool whole = parsed.ec == std::errc() && parsed.ptr == text.data() + text.size();
    return whole && slot < kSlotCount ? std::optional(slot) : std::nullopt;
}

/// "5", "0-5460", "[7->-ID]", "[7-<-ID]". False: it is none.
bool read_slots(const std::string& word, KeysNode& node) {
    if (word.starts_with('[')) {
        const bool importing = word.find("-<-") != std::string::npos;
        const std::size_t mark = word.find(importing ? "-<-" : "->-");
        if (mark == std::string::npos || !word.ends_with(']')) {
            return false;
        }
        const auto slot = read_slot(ByteView(word).substr(1, mark - 1));
        const std::size_t peer = mark + 3;
        if (slot) {
            node.open.push_back({*slot, importing, word.substr(peer, word.size() - 1 - peer)});
        }
        return slot.has_value();
    }
    const std::size_t dash = word.find('-');
    const auto first = read_slot(ByteView(word).substr(0, dash));
    const auto last =
        dash == std::string::npos ? first : read_slot(ByteView(word).substr(dash + 1));
    if (!first || !last || *first > *last) {
        return false;
    }
    for (std::size_t slot = *first; slot <= *last; ++slot) {
        node.slots.set(slot);
    }
    return true;
}

bool has_flag(const std::string& flags, ByteView flag) {
    return ("," + flags + ",").find("," + std::string(flag) + ",") != std::string::npos;
}

/// ID IP:PORT@BUS[,HOSTNAME] FLAGS MASTER PING PONG EPOCH LINK SLOTS..
Result<KeysNode> parse_node(const std::string& line) {
    constexpr std::size_t kFixedWords = 8;
    const auto words = words_of(line);
    const auto bad = [&line] {
        return corruption("this is no line of CLUSTER NODES: " + line);
    };
    if (words.size() < kFixedWords) {
        return bad();
    }
    KeysNode node;
    node.id = words[0];
    node.failed = has_flag(words[2], "fail") || has_flag(words[2], "noaddr");
    node.self = has_flag(words[2], "myself");
    node.master = words[3] == "-" ? "" : words[3];
    std::string address = words[1].substr(0, words[1].find('@'));
    const std::size_t colon = address.rfind(':');
    if (colon != std::string::npos) {
        const std::string host = address.substr(0, colon);
        if (host.find(':') != std::string::npos && !host.starts_with('[')) {
            address = "[" + host + "]" + address.substr(colon);
        }
        node.address = parse_resp_address(address).value_or(RespAddress{host, 0});
    }
    for (std::size_t i = kFixedWords; i < words.size(); ++i) {
        if (!read_slots(words[i], node)) {
            return bad();
        }
    }
    return node;
}

/// The first so many.
Slots take(const Slots& from, std::size_t count) {
    Slots out;
    for (std::size_t slot = 0; slot < kSlotCount && count > 0; ++slot) {
        if (from.test(slot)) {
            out.set(slot);
            --count;
        }
    }
    return out;
}

}  // namespace

const KeysNode* KeysMap::find(ByteView id) const {
    const KeysNode* found = nullptr;
    for (const KeysNode& node : nodes) {
        if (node.id == id) {
            return &node;
        }
        if (!id.empty() && node.id.starts_with(id)) {
            if (found != nullptr) {
                return nullptr;
            }
            found = &node;
        }
    }
    return found;
}

std::vector<const KeysNode*> KeysMap::masters() const {
    std::vector<const KeysNode*> out;
    for (const KeysNode& node : nodes) {
        if (node.is_master()) {
            out.push_back(&node);
        }
    }
    return out;
}

std::string KeysMap::signature() const {
    std::vector<std::string> parts;
    for (const KeysNode* node : masters()) {
        if (node->slots.any()) {
            parts.push_back(node->id + ":" + show_slots(node->slots));
        }
    }
    std::sort(parts.begin(), parts.end());
    std::string out;
    for (const std::string& part : parts) {
        out += part + "|";
    }
    return out;
}

Result<KeysMap> parse_keys_map(ByteView text) {
    KeysMap map;
    std::istringstream in{std::string(text)};
    for (std::string line; std::getline(in, line);) {
        if (!line.empty()) {
            KUMO_TRY_ASSIGN(KeysNode node, parse_node(line));
            map.nodes.push_back(std::move(node));
        }
    }
    if (map.nodes.empty()) {
        return corruption("the server knows no nodes, not even itself");
    }
    return map;
}

std::vector<std::pair<std::uint16_t, std::uint16_t>> ranges_of(const Slots& slots) {
    std::vector<std::pair<std::uint16_t, std::uint16_t>> out;
    for (std::size_t slot = 0; slot < kSlotCount; ++slot) {
        if (!slots.test(slot)) {
            continue;
        }
        const auto number = static_cast<std::uint16_t>(slot);
        if (!out.empty() && out.back().second + 1 == number) {
            out.back().second = number;
        } else {
            out.emplace_back(number, number);
        }
    }
    return out;
}

std::string show_slots(const Slots& slots) {
    std::string out;
    for (const auto& [first, last] : ranges_of(slots)) {
        out += (out.empty() ? "" : " ") + std::to_string(first)
               + (first == last ? "" : "-" + std::to_string(last));
    }
    return out;
}

std::vector<std::string> problems_of(const KeysMap& map) {
    std::vector<std::string> out;
    Slots covered;
    for (const KeysNode& node : map.nodes) {
        covered |= node.slots;
        if (node.failed) {
            out.push_back(
                "node " + node.id + " (" + node.address.to_string() + ") is down"
                + (node.slots.any() ? ", and has slots" : "")
            );
        }
        for (const KeysNode::OpenSlot& open : node.open) {
            out.push_back(
                "slot " + std::to_string(open.slot) + " is left "
                + (open.importing ? "importing" : "migrating") + " at node " + node.id
            );
        }
    }
    if (!covered.all()) {
        out.push_back("nobody has the slots " + show_slots(~covered));
    }
    return out;
}

// ---- plans

namespace {

struct Share {
    const KeysNode* node = nullptr;
    std::size_t has = 0;
    std::size_t wants = 0;
    double remainder = 0;
};

/// Rounded so that they are all slots together: the largest remainders get one more.
void round_shares(
    std::vector<Share>& shares,
    double total_weight,
    std::size_t slots,
    const BalanceOptions& options
) {
    std::size_t given = 0;
    for (Share& share : shares) {
        const auto weight = options.weights.find(share.node->id);
        const double exact = static_cast<double>(slots)
                             * (weight == options.weights.end() ? 1 : weight->second)
                             / total_weight;
        share.wants = static_cast<std::size_t>(std::floor(exact));
        share.remainder = exact - std::floor(exact);
        given += share.wants;
    }
    std::vector<Share*> order;
    for (Share& share : shares) {
        order.push_back(&share);
    }
    // Who has more keeps it: fewer slots move.
    std::stable_sort(order.begin(), order.end(), [](const Share* a, const Share* b) {
        return std::pair(a->remainder, a->has) > std::pair(b->remainder, b->has);
    });
    for (std::size_t i = 0; given < slots && !order.empty(); ++i) {
        ++order[i % order.size()]->wants;
        ++given;
    }
}

bool is_near(const std::vector<Share>& shares, double threshold_percent) {
    return std::all_of(shares.begin(), shares.end(), [threshold_percent](const Share& share) {
        const double off =
            std::abs(static_cast<double>(share.has) - static_cast<double>(share.wants));
        return share.wants == 0 ? share.has == 0
                                : off * 100 <= threshold_percent * static_cast<double>(share.wants);
    });
}

}  // namespace

Result<std::vector<SlotMove>> plan_balance(const KeysMap& map, const BalanceOptions& options) {
    std::vector<Share> shares;
    double total = 0;
    std::size_t slots = 0;
    for (const KeysNode* node : map.masters()) {
        const auto weight = options.weights.find(node->id);
        const bool said = weight != options.weights.end();
        if (node->failed || (node->slots.none() && !options.use_empty && !said)) {
            continue;
        }
        shares.push_back({node, node->slots.count(), 0, 0});
        total += said ? weight->second : 1;
        slots += node->slots.count();
    }
    if (total <= 0 || slots == 0) {
        return invalid_argument("no master that is up is to have slots, or nobody has any");
    }
    round_shares(shares, total, slots, options);
    std::vector<SlotMove> moves;
    if (is_near(shares, options.threshold_percent)) {
        return moves;
    }
    for (Share& giver : shares) {
        Slots left = giver.node->slots;
        for (Share& taker : shares) {
            if (giver.has <= giver.wants) {
                break;
            }
            if (taker.has >= taker.wants) {
                continue;
            }
            const std::size_t count = std::min(giver.has - giver.wants, taker.wants - taker.has);
            const Slots some = take(left, count);
            left &= ~some;
            giver.has -= count;
            taker.has += count;
            moves.push_back({giver.node->id, taker.node->id, some});
        }
    }
    return moves;
}

Result<std::vector<SlotMove>> plan_reshard(
    const KeysMap& map,
    const std::vector<std::string>& sources,
    const std::string& target,
    std::size_t count
) {
    std::size_t all = 0;
    std::vector<const KeysNode*> givers;
    for (const std::string& id : sources) {
        const KeysNode* node = map.find(id);
        if (node == nullptr || !node->is_master() || node->failed) {
            return invalid_argument("node " + id + " is not a master that is up");
        }
        if (node->id != target) {
            givers.push_back(node);
            all += node->slots.count();
        }
    }
    if (count > all) {
        return invalid_argument("the sources have only " + std::to_string(all) + " slots together");
    }
    std::vector<SlotMove> moves;
    std::size_t left = count;
    std::size_t left_of_all = all;
    for (const KeysNode* giver : givers) {
        const std::size_t has = giver->slots.count();
        // Of what is left: so the sum is right, whatever is rounded.
        const std::size_t share =
            left_of_all == 0 ? 0 : (left * has + left_of_all / 2) / left_of_all;
        const std::size_t taken = std::min({share, has, left});
        left -= taken;
        left_of_all -= has;
        if (taken > 0) {
            moves.push_back({giver->id, target, take(giver->slots, taken)});
        }
    }
    return moves;
}

}  // namespace kumo::cli
