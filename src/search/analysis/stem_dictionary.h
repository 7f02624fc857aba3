#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kumo::search {

/// Words and the roots that stand for them. A value whose copies share the words; without a name
/// it is none.
struct StemDictionary {
    using Roots = std::map<std::string, std::string, std::less<>>;

    std::string name;
    std::shared_ptr<const Roots> roots;  ///< Null: not known yet.

    /// Null if the word has none of its own.
    const std::string* root_of(std::string_view word) const {
        if (roots == nullptr) {
            return nullptr;
        }
        const auto at = roots->find(word);
        return at == roots->end() ? nullptr : &at->second;
    }

    std::size_t bytes() const {
        std::size_t total = 0;
        for (const auto& [word, root] : known()) {
            total += word.size() + root.size();
        }
        return total;
    }

    const Roots& known() const {
        static const Roots kNone;
        return roots == nullptr ? kNone : *roots;
    }

    bool operator==(const StemDictionary& other) const {
        return name == other.name && (roots == other.roots || known() == other.known());
    }
};

}  // namespace kumo::search
