#include "api/redis/internal/redaction.h"

#include "kv/command/words.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>

namespace kumo::api_redis {

namespace {

constexpr ByteView kRedacted = "(redacted)";

constexpr std::array<std::string_view, 5> kSecretSettings =
    {"requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass"};

bool is(const kv::CommandSpec& spec, std::string_view container, std::string_view name) {
    const std::string_view parent = spec.parent == nullptr ? "" : spec.parent->name;
    return parent == container && spec.name == name;
}

/// Hides what follows the word, `count` arguments each time, from argument `first` on.
void hide_after(
    std::vector<ByteView>& arguments,
    std::size_t first,
    std::string_view word,
    std::size_t count
) {
    for (std::size_t i = first; i + count < arguments.size(); ++i) {
        if (kv::same_word(arguments[i], word)) {
            std::fill_n(arguments.begin() + static_cast<std::ptrdiff_t>(i) + 1, count, kRedacted);
            i += count;
        }
    }
}

void hide_settings(std::vector<ByteView>& arguments) {
    for (std::size_t i = 2; i + 1 < arguments.size(); i += 2) {
        const bool secret =
            std::any_of(kSecretSettings.begin(), kSecretSettings.end(), [&](std::string_view name) {
                return kv::same_word(arguments[i], name);
            });
        if (secret) {
            arguments[i + 1] = kRedacted;
        }
    }
}

void hide_from(std::vector<ByteView>& arguments, std::size_t first) {
    if (first < arguments.size()) {
        std::fill(
            arguments.begin() + static_cast<std::ptrdiff_t>(first),
            arguments.end(),
            kRedacted
        );
    }
}

}  // namespace

std::vector<ByteView> redacted(const kv::CommandSpec& spec, std::span<const ByteView> arguments) {
    std::vector<ByteView> out(arguments.begin(), arguments.end());
    if (is(spec, "", "auth")) {
        hide_from(out, 1);
    } else if (is(spec, "acl", "setuser")) {
        hide_from(out, 2);
    } else if (is(spec, "", "hello")) {
        hide_after(out, 2, "auth", 2);
    } else if (is(spec, "", "migrate")) {
        hide_after(out, 6, "auth", 1);
        hide_after(out, 6, "auth2", 2);
    } else if (is(spec, "config", "set")) {
        hide_settings(out);
    }
    return out;
}

}  // namespace kumo::api_redis
