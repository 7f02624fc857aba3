#include "kv/script/script_cache.h"

#include "wire/resp.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace kumo::kv {
namespace {

constexpr std::size_t kSha1Digits = 40;

bool has_first_line(ByteView body) {
    return body.substr(0, 2) == "#!";
}

/// The first line "#!lua flags=a,b" of a script; what it says. kInvalidArgument: Redis's words.
Result<std::uint32_t> read_first_line(ByteView body) {
    const std::size_t line_end = body.find('\n');
    if (line_end == ByteView::npos) {
        return invalid_argument("Invalid script shebang");
    }
    std::vector<std::string> words;
    if (!wire::split_quoted(body.substr(0, line_end), &words) || words.empty()) {
        return invalid_argument("Invalid engine in script shebang");
    }
    if (words[0] != "#!lua") {
        return invalid_argument("Unexpected engine in script shebang: " + words[0]);
    }
    std::uint32_t flags = 0;
    for (std::size_t i = 1; i < words.size(); ++i) {
        if (words[i].rfind("flags=", 0) != 0) {
            return invalid_argument("Unknown lua shebang option: " + words[i]);
        }
        ByteView list = ByteView(words[i]).substr(6);
        while (!list.empty()) {
            const std::size_t end = std::min(list.find(','), list.size());
            const std::uint32_t flag = script_flag(list.substr(0, end));
            if (flag == 0) {
                return invalid_argument(
                    "Unexpected flag in script shebang: " + std::string(list.substr(0, end))
                );
            }
            flags |= flag;
            list.remove_prefix(std::min(end + 1, list.size()));
        }
    }
    return flags;
}

}  // namespace

std::string script_sha1(ByteView body) {
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest.data());
    static constexpr char kHex[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : digest) {
        text += kHex[byte >> 4U];
        text += kHex[byte & 15U];
    }
    return text;
}

std::uint32_t ScriptCache::declared_flags(ByteView body) {
    if (!has_first_line(body)) {
        return kScriptOldStyle;
    }
    const auto flags = read_first_line(body);
    return flags.ok() ? flags.value() : kScriptOldStyle;
}

ScriptCache::ScriptCache(const ScriptLimits& limits)
    : limits_(limits),
      interpreter_(std::make_unique<Interpreter>(Interpreter::Kind::kEval, limits)) {}

const ScriptCache::Script* ScriptCache::find(ByteView sha1) const {
    if (sha1.size() != kSha1Digits) {
        return nullptr;
    }
    std::string lower(sha1);
    for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
    }
    const auto at = scripts_.find(lower);
    return at == scripts_.end() ? nullptr : &at->second;
}

Result<const ScriptCache::Script*> ScriptCache::load(ByteView body) {
    std::string sha1 = script_sha1(body);
    if (const Script* known = find(sha1)) {
        return known;
    }
    Script script{sha1, 0, kScriptOldStyle, body.size()};
    ByteView code = body;
    if (has_first_line(body)) {
        KUMO_TRY_ASSIGN(script.flags, read_first_line(body));
        code = body.substr(body.find('\n'));  // With the break: the lines keep their numbers.
    }
    auto compiled = interpreter_->compile(code);
    if (!compiled.ok()) {
        return invalid_argument(
            "Error compiling script (new function): " + compiled.error().message
        );
    }
    script.reference = compiled.value();
    return &scripts_.emplace(std::move(sha1), std::move(script)).first->second;
}

void ScriptCache::flush() {
    scripts_.clear();
    interpreter_ = std::make_unique<Interpreter>(Interpreter::Kind::kEval, limits_);
}

std::size_t ScriptCache::memory_bytes() const {
    std::size_t bytes = 0;
    for (const auto& [sha1, script] : scripts_) {
        bytes += sizeof(Script) + 2 * sha1.size() + script.bytes;
    }
    return bytes;
}

}  // namespace kumo::kv
