#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/acl/selector.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::kv {

/// What rules mean when they do not say: redis.conf's `acl-pubsub-default`.
struct AclDefaults {
    bool all_channels = false;
};

/// Somebody who may log in: passwords, and what is allowed by any one of the selectors. A value;
/// once others see it, immutable.
class AclUser {
public:
    /// Off, without a password, with nothing allowed (but all channels, if that is the default).
    AclUser(std::string name, const AclDefaults& defaults);
    /// On, without a password, everything allowed: who clients are that do not say.
    static AclUser unlimited_default();

    const std::string& name() const { return name_; }

    bool enabled() const { return enabled_; }

    /// Any password is right.
    bool no_password() const { return no_password_; }

    /// In a time that does not tell which passwords there are.
    bool accepts(ByteView password) const;

    /// SHA-256 of each password, in hexadecimal.
    const std::vector<std::string>& passwords() const { return passwords_; }

    /// "on", "nopass" and so on.
    std::vector<std::string_view> flags() const;

    /// The first is the root.
    const std::vector<AclSelector>& selectors() const { return selectors_; }

    /// One rule; parentheses with all they hold are one (join_acl_rules()). Errors as
    /// AclSelector::apply(). The user may be left changed in part: apply to a copy.
    Status apply(ByteView rule, const AclDefaults& defaults);

    /// Every command on every key and channel: nothing needs to be checked.
    bool unlimited() const { return unlimited_; }

    AclAnswer check(const CommandSpec& command, std::span<const ByteView> arguments) const;

    /// Whether one selector allows the command and to read every key, which SORT's BY and GET need.
    bool check_with_every_key(const CommandSpec& command, std::span<const ByteView> arguments)
        const;

    bool all_channels() const;
    /// The channels of all selectors.
    std::vector<std::string> channels() const;

    /// All of it as rules: "on #... ~* resetchannels -@all +get (~x* resetchannels -@all +set)".
    std::string describe() const;

private:
    bool apply_word(ByteView rule, const AclDefaults& defaults);
    Status apply_password(ByteView rule);
    Status add_selector(ByteView rule, const AclDefaults& defaults);
    void reset(const AclDefaults& defaults);

    enum class Sanitize : std::uint8_t {
        kUnsaid,
        kYes,
        kSkip
    };

    std::string name_;
    bool enabled_ = false;
    bool no_password_ = false;
    Sanitize sanitize_ = Sanitize::kUnsaid;
    std::vector<std::string> passwords_;
    std::vector<AclSelector> selectors_;
    bool unlimited_ = false;
};

/// Puts what stands in parentheses, given as several words, together as one rule each. False: a
/// parenthesis stays open; `*unmatched` is the word it is in.
bool join_acl_rules(
    std::span<const ByteView> words,
    std::vector<std::string>* rules,
    std::size_t* unmatched
);

}  // namespace kumo::kv
