#include "api/redis/internal/redaction.h"

#include "kv/command/words.h"

#include <algorithm>
#include <iterator>

namespace kumo::api_redis {

namespace {

constexpr ByteView kRedacted = "(redacted)";
constexpr std::size_t kMigrateOptions = 6;

void redact(std::vector<ByteView>* shown, std::size_t first, std::size_t count) {
    const std::size_t end = std::min(shown->size(), first + count);
    for (std::size_t i = first; i < end; ++i) {
        (*shown)[i] = kRedacted;
    }
}

bool secret_setting(ByteView name) {
    constexpr ByteView kSecret[] = {
        "requirepass",
        "masterauth",
        "masteruser",
        "tls-key-file-pass",
        "tls-client-key-file-pass"};
    return std::any_of(std::begin(kSecret), std::end(kSecret), [name](ByteView secret) {
        return kv::same_word(name, secret);
    });
}

void redact_hello(std::vector<ByteView>* shown) {
    for (std::size_t i = 2; i < shown->size(); ++i) {
        if (kv::same_word((*shown)[i], "auth")) {
            redact(shown, i + 1, 2);
            i += 2;
        } else if (kv::same_word((*shown)[i], "setname")) {
            ++i;
        }
    }
}

void redact_migrate(std::vector<ByteView>* shown) {
    for (std::size_t i = kMigrateOptions; i < shown->size(); ++i) {
        if (kv::same_word((*shown)[i], "auth")) {
            redact(shown, i + 1, 1);
            ++i;
        } else if (kv::same_word((*shown)[i], "auth2")) {
            redact(shown, i + 1, 2);
            i += 2;
        } else if (kv::same_word((*shown)[i], "keys")) {
            return;
        }
    }
}

void redact_settings(std::vector<ByteView>* shown) {
    for (std::size_t i = 2; i + 1 < shown->size(); i += 2) {
        if (secret_setting((*shown)[i])) {
            redact(shown, i + 1, 1);
        }
    }
}

}  // namespace

std::vector<ByteView>
shown_arguments(const kv::CommandSpec& spec, std::span<const ByteView> arguments) {
    std::vector<ByteView> shown(arguments.begin(), arguments.end());
    const std::string_view container = spec.parent != nullptr ? spec.parent->name : "";
    if (container.empty() && spec.name == "auth") {
        redact(&shown, 1, shown.size());
    } else if (container.empty() && spec.name == "hello") {
        redact_hello(&shown);
    } else if (container.empty() && spec.name == "migrate") {
        redact_migrate(&shown);
    } else if (container == "config" && spec.name == "set") {
        redact_settings(&shown);
    } else if (container == "acl" && (spec.name == "setuser" || spec.name == "deluser" || spec.name == "getuser")) {
        redact(&shown, 2, shown.size());
    }
    return shown;
}

}  // namespace kumo::api_redis
