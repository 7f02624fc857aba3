#pragma once

#include "kv/command/spec.h"

#include <span>
#include <string>
#include <string_view>

namespace kumo::kv {

// The words for flags and categories, in the order in which Redis lists them.

struct FlagName {
    std::string_view name;
    CommandFlag bit;
    bool shown;  ///< COMMAND does not tell all.
};

struct CategoryName {
    std::string_view name;  ///< Without '@'.
    AclCategory bit;
};

struct KeyFlagName {
    std::string_view name;
    KeyFlag bit;
};

std::span<const FlagName> command_flag_names();
std::span<const CategoryName> acl_category_names();
std::span<const KeyFlagName> key_flag_names();

/// Whether both are the same letters, in any case (ASCII).
bool same_word(ByteView a, ByteView b);

/// The same letters in lower case (ASCII).
std::string lower_word(ByteView word);

/// Of a category's name in any case, without '@'; 0: there is none.
std::uint32_t acl_category(ByteView name);

}  // namespace kumo::kv
