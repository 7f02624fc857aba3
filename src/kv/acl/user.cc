#include "kv/acl/user.h"

#include "kv/command/words.h"
#include "wire/resp.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <utility>

namespace kumo::kv {

namespace {

constexpr std::string_view kBadHash =
    "The password hash must be exactly 64 characters and contain only lowercase hexadecimal "
    "characters";
constexpr std::string_view kNoSuchPassword =
    "The password you are trying to remove from the user does not exist";
constexpr std::size_t kHashDigits = std::size_t{2} * SHA256_DIGEST_LENGTH;

std::string hash_password(ByteView password) {
    std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
    SHA256(reinterpret_cast<const unsigned char*>(password.data()), password.size(), digest.data());
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : digest) {
        out.push_back(kDigits[byte >> 4U]);
        out.push_back(kDigits[byte & 15U]);
    }
    return out;
}

bool is_hash(ByteView text) {
    return text.size() == kHashDigits
           && text.find_first_not_of("0123456789abcdef") == ByteView::npos;
}

}  // namespace

AclUser::AclUser(std::string name, const AclDefaults& defaults) : name_(std::move(name)) {
    selectors_.emplace_back(defaults.all_channels);
}

AclUser AclUser::unlimited_default() {
    AclUser user("default", {});
    for (const ByteView rule : {"+@all", "~*", "&*", "on", "nopass"}) {
        (void)user.apply(rule, {});
    }
    return user;
}

bool AclUser::accepts(ByteView password) const {
    if (!enabled_) {
        return false;
    }
    if (no_password_) {
        return true;
    }
    const std::string given = hash_password(password);
    bool found = false;
    for (const std::string& known : passwords_) {
        found = CRYPTO_memcmp(known.data(), given.data(), kHashDigits) == 0 || found;
    }
    return found;
}

std::vector<std::string_view> AclUser::flags() const {
    std::vector<std::string_view> out = {enabled_ ? "on" : "off"};
    if (no_password_) {
        out.emplace_back("nopass");
    }
    if (sanitize_ != Sanitize::kUnsaid) {
        out.emplace_back(
            sanitize_ == Sanitize::kSkip ? "skip-sanitize-payload" : "sanitize-payload"
        );
    }
    return out;
}

// Rules -----------------------------------------------------------------------------------------

void AclUser::reset(const AclDefaults& defaults) {
    enabled_ = false;
    no_password_ = false;
    sanitize_ = Sanitize::kYes;
    passwords_.clear();
    selectors_.assign(1, AclSelector(defaults.all_channels));
}

/// The rules about the user itself that are one word; false: it is none of them.
bool AclUser::apply_word(ByteView rule, const AclDefaults& defaults) {
    const auto is = [rule](std::string_view word) {
        return same_word(rule, word);
    };
    if (is("on") || is("off")) {
        enabled_ = is("on");
    } else if (is("nopass") || is("resetpass")) {
        no_password_ = is("nopass");
        passwords_.clear();
    } else if (is("sanitize-payload")) {
        sanitize_ = Sanitize::kYes;
    } else if (is("skip-sanitize-payload")) {
        sanitize_ = Sanitize::kSkip;
    } else if (is("clearselectors")) {
        selectors_.erase(selectors_.begin() + 1, selectors_.end());
    } else if (is("reset")) {
        reset(defaults);
    } else {
        return false;
    }
    return true;
}

Status AclUser::apply_password(ByteView rule) {
    const ByteView given = rule.substr(1);
    const bool hashed = rule[0] == '#' || rule[0] == '!';
    if (hashed && !is_hash(given)) {
        return invalid_argument(std::string(kBadHash));
    }
    std::string hash = hashed ? std::string(given) : hash_password(given);
    const auto at = std::find(passwords_.begin(), passwords_.end(), hash);
    if (rule[0] == '<' || rule[0] == '!') {
        if (at == passwords_.end()) {
            return invalid_argument(std::string(kNoSuchPassword));
        }
        passwords_.erase(at);
        return {};
    }
    if (at == passwords_.end()) {
        passwords_.push_back(std::move(hash));
    }
    no_password_ = false;
    return {};
}

Status AclUser::add_selector(ByteView rule, const AclDefaults& defaults) {
    AclSelector selector(defaults.all_channels);
    std::vector<std::string> rules;
    // With unbalanced quotes there are no rules, and the selector allows nothing.
    if (wire::split_quoted(rule.substr(1, rule.size() - 2), &rules)) {
        for (const std::string& one : rules) {
            KUMO_TRY(selector.apply(one));
        }
    }
    selectors_.push_back(std::move(selector));
    return {};
}

Status AclUser::apply(ByteView rule, const AclDefaults& defaults) {
    if (rule.empty()) {
        return {};
    }
    Status applied;
    const char kind = rule[0];
    if (apply_word(rule, defaults)) {
        applied = {};
    } else if (kind == '>' || kind == '#' || kind == '<' || kind == '!') {
        applied = apply_password(rule);
    } else if (kind == '(' && rule.size() > 1 && rule.back() == ')') {
        applied = add_selector(rule, defaults);
    } else {
        applied = selectors_.front().apply(rule);
    }
    unlimited_ = std::any_of(selectors_.begin(), selectors_.end(), [](const AclSelector& selector) {
        return selector.unlimited();
    });
    return applied;
}

bool join_acl_rules(
    std::span<const ByteView> words,
    std::vector<std::string>* rules,
    std::size_t* unmatched
) {
    bool open = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
        const ByteView word = words[i];
        const bool closes = !word.empty() && word.back() == ')';
        if (open) {
            rules->back().append(" ").append(word);
            open = !closes;
        } else {
            rules->emplace_back(word);
            open = !word.empty() && word[0] == '(' && !closes;
            *unmatched = i;
        }
    }
    return !open;
}

// Checks ----------------------------------------------------------------------------------------

AclAnswer AclUser::check(const CommandSpec& command, std::span<const ByteView> arguments) const {
    if (unlimited_) {
        return {};
    }
    AclRequest request(command, arguments);
    AclAnswer nearest{AclVerdict::kCommand, 0};
    for (const AclSelector& selector : selectors_) {
        const AclAnswer answer = selector.check(request);
        if (answer.allowed()) {
            return answer;
        }
        if (std::pair(answer.verdict, answer.argument)
            > std::pair(nearest.verdict, nearest.argument)) {
            nearest = answer;
        }
    }
    return nearest;
}

bool AclUser::check_with_every_key(const CommandSpec& command, std::span<const ByteView> arguments)
    const {
    AclRequest request(command, arguments);
    return std::any_of(selectors_.begin(), selectors_.end(), [&](const AclSelector& selector) {
        return selector.reads_every_key() && selector.check(request).allowed();
    });
}

bool AclUser::all_channels() const {
    return std::any_of(selectors_.begin(), selectors_.end(), [](const AclSelector& selector) {
        return selector.all_channels();
    });
}

std::vector<std::string> AclUser::channels() const {
    std::vector<std::string> out;
    for (const AclSelector& selector : selectors_) {
        out.insert(out.end(), selector.channels().begin(), selector.channels().end());
    }
    return out;
}

std::string AclUser::describe() const {
    std::string out;
    for (const std::string_view flag : flags()) {
        out.append(flag).append(" ");
    }
    for (const std::string& hash : passwords_) {
        out.append("#").append(hash).append(" ");
    }
    out.append(selectors_.front().describe());
    for (std::size_t i = 1; i < selectors_.size(); ++i) {
        out.append(" (").append(selectors_[i].describe()).append(")");
    }
    return out;
}

}  // namespace kumo::kv
