#include "kv/command/spec.h"
#include "kv/command/words.h"
#include "wire/decimal.h"

#include <algorithm>
#include <optional>

// Keys follow from the command's key specifications. Four commands have keys that no specification
// can describe (SORT, SORT_RO, MIGRATE), or use them in ways that depend on other arguments (SET,
// BITFIELD): these have a function each.

namespace kumo::kv {
namespace {

using Arguments = std::span<const ByteView>;
using Keys = std::vector<KeyRef>;

std::ptrdiff_t ssize(Arguments arguments) {
    return static_cast<std::ptrdiff_t>(arguments.size());
}

ByteView at(Arguments arguments, std::ptrdiff_t index) {
    return arguments[static_cast<std::size_t>(index)];
}

void add(Keys* keys, std::ptrdiff_t index, unsigned flags) {
    keys->push_back({static_cast<std::size_t>(index), static_cast<std::uint16_t>(flags)});
}

/// The argument after the keyword; 0: it is not there, or the last argument.
std::ptrdiff_t after_keyword(const KeySpec& spec, Arguments arguments) {
    const std::ptrdiff_t argc = ssize(arguments);
    const bool forward = spec.index >= 0;
    const std::ptrdiff_t end = forward ? argc - 1 : 0;
    for (std::ptrdiff_t i = forward ? spec.index : argc + spec.index; forward ? i < end : i > end;
         i += forward ? 1 : -1) {
        if (same_word(at(arguments, i), spec.keyword)) {
            return i + 1;
        }
    }
    return 0;
}

struct Run {
    std::ptrdiff_t first, last, step;
};

std::optional<Run> range_run(const KeySpec& spec, std::ptrdiff_t begin, std::ptrdiff_t argc) {
    if (spec.last_key >= 0) {
        return Run{begin, begin + spec.last_key, spec.step};
    }
    if (spec.limit == 0) {
        return Run{begin, argc + spec.last_key, spec.step};
    }
    return Run{begin, begin + (argc - begin) / spec.limit + spec.last_key, spec.step};
}

std::optional<Run> counted_run(const KeySpec& spec, std::ptrdiff_t begin, Arguments arguments) {
    const std::ptrdiff_t argc = ssize(arguments);
    if (begin + spec.keynum_index >= argc) {
        return std::nullopt;
    }
    const auto count = wire::parse_decimal(at(arguments, begin + spec.keynum_index));
    if (!count || *count < 0 || *count > argc) {
        return std::nullopt;
    }
    const std::ptrdiff_t first = begin + spec.first_key;
    return Run{first, first + (*count - 1) * spec.key_step, spec.key_step};
}

/// False: the arguments do not fit the specification.
bool add_spec(const KeySpec& spec, Arguments arguments, Keys* keys) {
    if (spec.begin == KeySpec::Begin::kUnknown || spec.find == KeySpec::Find::kUnknown) {
        return false;
    }
    const bool keyword = spec.begin == KeySpec::Begin::kKeyword;
    const std::ptrdiff_t begin = keyword ? after_keyword(spec, arguments) : spec.index;
    if (begin == 0) {
        return true;  // What the keyword would bring is left out.
    }
    const std::ptrdiff_t argc = ssize(arguments);
    const auto run = spec.find == KeySpec::Find::kRange ? range_run(spec, begin, argc)
                                                        : counted_run(spec, begin, arguments);
    if (!run || run->last >= argc || run->last < run->first || run->first >= argc) {
        return false;
    }
    for (std::ptrdiff_t i = run->first; i <= run->last; i += run->step) {
        add(keys, i, spec.flags);
    }
    return (spec.flags & kKeyIncomplete) == 0;
}

/// SET reads only if GET is given.
Keys set_keys(Arguments arguments) {
    Keys keys;
    unsigned flags = kKeyOw | kKeyUpdate;
    for (std::size_t i = 3; i < arguments.size(); ++i) {
        if (same_word(arguments[i], "get")) {
            flags = kKeyRw | kKeyAccess | kKeyUpdate;
        }
    }
    add(&keys, 1, flags);
    return keys;
}

/// BITFIELD only reads if it only gets; what cannot be understood counts as a change.
Keys bitfield_keys(Arguments arguments) {
    Keys keys;
    bool reads_only = true;
    const std::size_t argc = arguments.size();
    for (std::size_t i = 2; i < argc && reads_only; ++i) {
        const std::size_t left = argc - i - 1;
        if (same_word(arguments[i], "get") && left >= 2) {
            i += 2;
        } else if (same_word(arguments[i], "overflow") && left >= 1) {
            i += 1;
        } else {
            reads_only = false;
        }
    }
    add(&keys, 1, reads_only ? kKeyRo | kKeyAccess : kKeyRw | kKeyAccess | kKeyUpdate);
    return keys;
}

/// The last STORE counts.
Keys sort_keys(Arguments arguments, bool may_store) {
    Keys keys;
    add(&keys, 1, kKeyRo | kKeyAccess);
    std::size_t store = 0;
    for (std::size_t i = 2; may_store && i < arguments.size(); ++i) {
        if (same_word(arguments[i], "limit")) {
            i += 2;
        } else if (same_word(arguments[i], "get") || same_word(arguments[i], "by")) {
            i += 1;
        } else if (same_word(arguments[i], "store") && i + 1 < arguments.size()) {
            store = ++i;
        }
    }
    if (store != 0) {
        add(&keys, static_cast<std::ptrdiff_t>(store), kKeyOw | kKeyUpdate);
    }
    return keys;
}

Keys migrate_keys(Arguments arguments) {
    Keys keys;
    std::size_t first = 3;
    std::size_t end = 4;
    for (std::size_t i = 6; i < arguments.size(); ++i) {
        if (same_word(arguments[i], "keys")) {
            if (!arguments[3].empty()) {
                return keys;  // A syntax error; the command says so.
            }
            first = i + 1;
            end = arguments.size();
            break;
        }
        i += same_word(arguments[i], "auth") ? 1U : same_word(arguments[i], "auth2") ? 2U : 0U;
    }
    for (std::size_t i = first; i < end && i < arguments.size(); ++i) {
        add(&keys, static_cast<std::ptrdiff_t>(i), kKeyRw | kKeyAccess | kKeyDelete);
    }
    return keys;
}

using Finder = Keys (*)(Arguments);

/// nullptr: the specifications say it all.
Finder special_finder(const CommandSpec& spec) {
    struct Special {
        std::string_view name;
        Finder find;
    };

    static constexpr Special kSpecials[] = {
        {"set", set_keys},
        {"bitfield", bitfield_keys},
        {"sort",
         [](Arguments arguments) {
             return sort_keys(arguments, true);
         }},
        {"sort_ro",
         [](Arguments arguments) {
             return sort_keys(arguments, false);
         }},
        {"migrate", migrate_keys},
    };
    if (spec.parent != nullptr) {
        return nullptr;
    }
    for (const Special& special : kSpecials) {
        if (special.name == spec.name) {
            return special.find;
        }
    }
    return nullptr;
}

bool needs_finder(const KeySpec& spec) {
    return (spec.flags & (kKeyIncomplete | kKeyVariable)) != 0
           || spec.begin == KeySpec::Begin::kUnknown;
}

}  // namespace

Result<std::vector<KeyRef>>
find_keys(const CommandSpec& spec, std::span<const ByteView> arguments) {
    Keys keys;
    const auto argc = ssize(arguments);
    if (spec.arity >= 0 ? argc != spec.arity : argc < -spec.arity) {
        return invalid_argument("Invalid number of arguments specified for command");
    }
    if (std::any_of(spec.keys.begin(), spec.keys.end(), needs_finder)) {
        if (const Finder find = special_finder(spec)) {
            return find(arguments);
        }
    }
    for (const KeySpec& key : spec.keys) {
        if (!add_spec(key, arguments, &keys)) {
            if (spec.is(kFlagNoMandatoryKeys)) {
                return Keys{};
            }
            return invalid_argument("Invalid arguments specified for command");
        }
    }
    return keys;
}

}  // namespace kumo::kv
