#include "base/assert.h"
#include "kv/command/internal/spec_rows.h"
#include "kv/command/spec.h"
#include "kv/command/words.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>
#include <string>

namespace kumo::kv {
namespace {

using internal::SpecGroup;
using internal::SpecRow;

const std::array<const SpecGroup*, 16> kGroups{
    &internal::kGenericGroup,
    &internal::kStringGroup,
    &internal::kBitmapGroup,
    &internal::kHyperloglogGroup,
    &internal::kListGroup,
    &internal::kSetGroup,
    &internal::kHashGroup,
    &internal::kSortedSetGroup,
    &internal::kGeoGroup,
    &internal::kStreamGroup,
    &internal::kConnectionGroup,
    &internal::kPubsubGroup,
    &internal::kTransactionsGroup,
    &internal::kScriptingGroup,
    &internal::kServerGroup,
    &internal::kClusterGroup};

/// Calls `each` with every part of the text that the separator divides.
template <typename Each>
void split(std::string_view text, std::string_view separator, Each each) {
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(separator), text.size());
        each(text.substr(0, end));
        text.remove_prefix(std::min(end + separator.size(), text.size()));
    }
}

int number(std::string_view digits) {
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    KUMO_ASSERT(error == std::errc{} && end == digits.data() + digits.size());
    return value;
}

std::array<int, 3> three_numbers(std::string_view text) {
    std::array<int, 3> out{};
    std::size_t n = 0;
    split(text, "/", [&](std::string_view part) { out.at(n++) = number(part); });
    KUMO_ASSERT(n == out.size());
    return out;
}

template <typename Name>
std::uint32_t bits(std::string_view words, std::span<const Name> names) {
    std::uint32_t out = 0;
    split(words, " ", [&](std::string_view word) {
        const auto at = std::find_if(names.begin(), names.end(), [&](const Name& name) {
            return name.name == word;
        });
        KUMO_ASSERT(at != names.end());
        out |= static_cast<std::uint32_t>(at->bit);
    });
    return out;
}

std::uint32_t implied_categories(std::uint32_t flags, std::uint32_t categories) {
    categories |= (flags & kFlagWrite) != 0 ? kAclWrite : 0U;
    if ((flags & kFlagReadonly) != 0 && (categories & kAclScripting) == 0) {
        categories |= kAclRead;
    }
    categories |= (flags & kFlagAdmin) != 0 ? kAclAdmin | kAclDangerous : 0U;
    categories |= (flags & kFlagPubsub) != 0 ? kAclPubsub : 0U;
    categories |= (flags & kFlagBlocking) != 0 ? kAclBlocking : 0U;
    return categories | ((flags & kFlagFast) != 0 ? kAclFast : kAclSlow);
}

void read_place(std::string_view word, KeySpec* spec) {
    if (word[0] == '@') {
        word.remove_prefix(1);
        const std::size_t colon = word.find(':');
        if (colon == std::string_view::npos) {
            spec->begin = KeySpec::Begin::kIndex;
            spec->index = number(word);
        } else {
            spec->begin = KeySpec::Begin::kKeyword;
            spec->keyword = word.substr(0, colon);
            spec->index = number(word.substr(colon + 1));
        }
    } else if (word[0] == '#') {
        const auto [count, first, step] = three_numbers(word.substr(1));
        spec->find = KeySpec::Find::kKeynum;
        spec->keynum_index = count;
        spec->first_key = first;
        spec->key_step = step;
    } else {
        const auto [last, step, limit] = three_numbers(word);
        spec->find = KeySpec::Find::kRange;
        spec->last_key = last;
        spec->step = step;
        spec->limit = limit;
    }
}

KeySpec read_key(std::string_view text) {
    KeySpec spec{};
    const std::size_t dashes = text.find("-- ");
    if (dashes != std::string_view::npos) {
        spec.notes = text.substr(dashes + 3);
        text = text.substr(0, dashes);
    }
    split(text, " ", [&](std::string_view word) {
        const char c = word[0];
        if (c == '@' || c == '#' || c == '-' || (c >= '0' && c <= '9')) {
            read_place(word, &spec);
        } else {
            const std::uint32_t flag = bits(word, key_flag_names());
            spec.flags = static_cast<std::uint16_t>(spec.flags | flag);
        }
    });
    return spec;
}

constexpr std::size_t kSlots = 1024;  ///< A power of two, four times the commands.
constexpr std::size_t kNameBytesMax = 32;

/// A name in lower case, in place; empty: longer than any name we have.
class Folded {
public:
    explicit Folded(ByteView name) : size_(name.size() > kNameBytesMax ? 0 : name.size()) {
        for (std::size_t i = 0; i < size_; ++i) {
            const char c = name[i];
            bytes_[i] = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
    }

    std::string_view view() const { return {bytes_.data(), size_}; }

    std::size_t slot() const {
        std::uint64_t mixed = load_unaligned<std::uint64_t>(bytes_.data()) + size_;
        mixed = mixed * 0x9E3779B97F4A7C15U ^ load_unaligned<std::uint64_t>(bytes_.data() + 8);
        mixed = mixed * 0x9E3779B97F4A7C15U ^ load_unaligned<std::uint64_t>(bytes_.data() + 16);
        mixed *= 0x9E3779B97F4A7C15U;
        return (mixed >> 40U) % kSlots;
    }

private:
    std::array<char, kNameBytesMax> bytes_{};
    std::size_t size_;
};

/// Everything a CommandSpec points to. Built once, before anybody asks; immutable then.
class Table {
public:
    Table() {
        std::size_t rows = 0;
        for (const SpecGroup* group : kGroups) {
            rows += group->rows.size();
        }
        docs_.reserve(rows);
        keys_.reserve(2 * rows);
        for (const SpecGroup* group : kGroups) {
            add_group(*group);
        }
        link();
    }

    std::size_t size() const { return commands_.size() + subcommands_.size(); }

    std::span<const CommandSpec> commands() const { return commands_; }

    const CommandSpec* find(ByteView name) const {
        const Folded folded(name);
        for (std::size_t slot = folded.slot(); slots_[slot] != nullptr;
             slot = (slot + 1) % kSlots) {
            if (slots_[slot]->name == folded.view()) {
                return slots_[slot];
            }
        }
        return nullptr;
    }

private:
    void add_group(const SpecGroup& group) {
        for (const SpecRow& row : group.rows) {
            docs_.push_back(CommandDocs{&row, group.name});
            const std::size_t bar = row.name.find('|');
            CommandSpec spec{};
            spec.name = row.name.substr(bar == std::string_view::npos ? 0 : bar + 1);
            spec.id = static_cast<std::uint16_t>(docs_.size() - 1);
            spec.arity = row.arity;
            spec.flags = bits(row.flags, command_flag_names());
            spec.categories =
                implied_categories(spec.flags, bits(row.categories, acl_category_names()));
            spec.first_key = row.legacy.first;
            spec.last_key = row.legacy.last;
            spec.key_step = row.legacy.step;
            const std::size_t first = keys_.size();
            split(row.keys, "; ", [&](std::string_view text) { keys_.push_back(read_key(text)); });
            KUMO_ASSERT(keys_.size() <= keys_.capacity());
            spec.keys = {keys_.data() + first, keys_.size() - first};
            spec.docs = &docs_.back();
            (bar == std::string_view::npos ? commands_ : subcommands_).push_back(spec);
        }
    }

    /// Rows of subcommands follow their command's, in the order of names: a parent's are a run.
    void link() {
        KUMO_ASSERT(commands_.size() * 4 <= kSlots);
        const auto parent_name = [](const CommandSpec& spec) {
            const std::string_view name = spec.docs->row->name;
            return name.substr(0, name.find('|'));
        };
        for (CommandSpec& command : commands_) {
            std::size_t slot = Folded(command.name).slot();
            while (slots_[slot] != nullptr) {
                slot = (slot + 1) % kSlots;
            }
            slots_[slot] = &command;
        }
        for (std::size_t i = 0; i < subcommands_.size();) {
            std::size_t end = i;
            const std::string_view name = parent_name(subcommands_[i]);
            auto* parent = const_cast<CommandSpec*>(find(name));
            KUMO_ASSERT(parent != nullptr);
            for (; end < subcommands_.size() && parent_name(subcommands_[end]) == name; ++end) {
                subcommands_[end].parent = parent;
            }
            KUMO_ASSERT(parent->subcommands.empty());
            parent->subcommands = {subcommands_.data() + i, end - i};
            i = end;
        }
    }

    std::vector<CommandSpec> commands_;
    std::vector<CommandSpec> subcommands_;
    std::vector<CommandDocs> docs_;
    std::vector<KeySpec> keys_;
    std::array<const CommandSpec*, kSlots> slots_{};
};

const Table& table() {
    static const Table built;
    return built;
}

}  // namespace

std::string CommandSpec::full_name() const {
    return std::string(docs->row->name);
}

std::size_t command_count() {
    return table().size();
}

std::span<const CommandSpec> all_commands() {
    return table().commands();
}

const CommandSpec* find_command(ByteView name) {
    return table().find(name);
}

const CommandSpec* find_subcommand(const CommandSpec& command, ByteView name) {
    if (command.subcommands.empty()) {
        return nullptr;
    }
    const Folded folded(name);
    for (const CommandSpec& subcommand : command.subcommands) {
        if (subcommand.name == folded.view()) {
            return &subcommand;
        }
    }
    return nullptr;
}

}  // namespace kumo::kv
