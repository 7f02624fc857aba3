#include "kv/acl/command_set.h"

#include "base/assert.h"
#include "kv/command/words.h"

#include <algorithm>
#include <limits>

// describe() has only the bits, not the rules that made them. As Redis does, it takes the category
// that explains most and contradicts least, as often as one explains more than it contradicts, and
// then corrects single commands.

namespace kumo::kv {

namespace {

/// Every command, each followed by its subcommands.
template <typename Visit>
void for_each_command(const Visit& visit) {
    for (const CommandSpec& command : all_commands()) {
        visit(command);
        for (const CommandSpec& subcommand : command.subcommands) {
            visit(subcommand);
        }
    }
}

}  // namespace

AclCommandSet::AclCommandSet() : bits_((command_count() + 63) / 64) {}

void AclCommandSet::allow_all() {
    std::fill(bits_.begin(), bits_.end(), ~std::uint64_t{0});
    first_arguments_.clear();
    all_ = future_ = true;
}

void AclCommandSet::deny_all() {
    std::fill(bits_.begin(), bits_.end(), 0);
    first_arguments_.clear();
    all_ = future_ = false;
}

void AclCommandSet::set_bit(const CommandSpec& command, bool allowed) {
    const std::uint64_t mask = std::uint64_t{1} << (command.id % 64U);
    std::uint64_t& word = bits_[command.id / 64U];
    word = allowed ? word | mask : word & ~mask;
    all_ = all_ && allowed;
    first_arguments_.erase(command.id);
}

void AclCommandSet::set(const CommandSpec& command, bool allowed) {
    set_bit(command, allowed);
    for (const CommandSpec& subcommand : command.subcommands) {
        set_bit(subcommand, allowed);
    }
}

void AclCommandSet::set_categories(std::uint32_t categories, bool allowed) {
    for_each_command([&](const CommandSpec& command) {
        if ((command.categories & categories) != 0) {
            set(command, allowed);
        }
    });
}

void AclCommandSet::allow_first_argument(const CommandSpec& command, ByteView argument) {
    KUMO_ASSERT(command.parent == nullptr && command.subcommands.empty());
    std::vector<std::string>& known = first_arguments_[command.id];
    const bool there = std::any_of(known.begin(), known.end(), [&](const std::string& one) {
        return same_word(one, argument);
    });
    if (!there) {
        known.emplace_back(argument);
    }
}

bool AclCommandSet::allows(const CommandSpec& command, std::span<const ByteView> arguments) const {
    if (all_ || bit(command)) {
        return true;
    }
    const auto at = first_arguments_.find(command.id);
    return at != first_arguments_.end() && arguments.size() > 1
           && std::any_of(at->second.begin(), at->second.end(), [&](const std::string& one) {
                  return same_word(one, arguments[1]);
              });
}

namespace {

struct Fit {
    std::size_t same = 0;
    std::size_t different = 0;
};

}  // namespace

std::string AclCommandSet::describe() const {
    const bool additive = !future_;
    AclCommandSet described;
    if (!additive) {
        described.allow_all();
    }
    std::string out = additive ? "-@all" : "+@all";
    AclCommandSet left = *this;
    std::uint32_t applied = 0;
    while (true) {
        const CategoryName* best = nullptr;
        Fit best_fit{0, std::numeric_limits<std::size_t>::max()};
        for (const CategoryName& category : acl_category_names()) {
            if ((applied & category.bit) != 0) {
                continue;
            }
            Fit fit;
            for_each_command([&](const CommandSpec& command) {
                if ((command.categories & category.bit) != 0) {
                    ++(left.bit(command) == additive ? fit.same : fit.different);
                }
            });
            if (fit.same > fit.different
                && (fit.different < best_fit.different
                    || (fit.different == best_fit.different && fit.same > best_fit.same))) {
                best = &category;
                best_fit = fit;
            }
        }
        if (best == nullptr) {
            break;
        }
        out.append(additive ? " +@" : " -@").append(best->name);
        described.set_categories(best->bit, additive);
        left.set_categories(best->bit, !additive);
        applied |= best->bit;
    }
    for_each_command([&](const CommandSpec& command) {
        const bool allowed = bit(command);
        if (allowed != described.bit(command)) {
            out.append(allowed ? " +" : " -").append(command.full_name());
            described.set(command, allowed);
        }
        const auto at = first_arguments_.find(command.id);
        if (!allowed && at != first_arguments_.end()) {
            for (const std::string& argument : at->second) {
                out.append(" +").append(command.full_name()).append("|").append(argument);
            }
        }
    });
    return out;
}

}  // namespace kumo::kv
