#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/acl/command_set.h"
#include "kv/command/spec.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace kumo::kv {

/// What stands in a command's way. Of several selectors' objections the later in this order counts:
/// it came nearer to allowing.
enum class AclVerdict : std::uint8_t {
    kAllowed,
    kCommand,
    kKey,
    kChannel,
};

struct AclAnswer {
    AclVerdict verdict = AclVerdict::kAllowed;
    std::size_t argument = 0;  ///< kKey, kChannel: which argument.

    bool allowed() const { return verdict == AclVerdict::kAllowed; }
};

/// A command to be judged. Its keys are looked for once, when the first selector asks. Lives on the
/// stack beside the arguments.
class AclRequest {
public:
    /// `arguments` begins with the command's name and fits its arity.
    AclRequest(const CommandSpec& command, std::span<const ByteView> arguments)
        : command_(command), arguments_(arguments) {}

    const CommandSpec& command() const { return command_; }

    std::span<const ByteView> arguments() const { return arguments_; }

    /// None if the arguments do not fit the command: the command says so itself.
    std::span<const KeyRef> keys();

private:
    const CommandSpec& command_;
    std::span<const ByteView> arguments_;
    std::optional<std::vector<KeyRef>> keys_;
};

/// The channels among a command's arguments.
struct AclChannels {
    std::size_t first = 0;
    std::size_t end = 0;
    bool patterns = false;
};

AclChannels find_channels(const CommandSpec& command, std::size_t argc);

/// Commands, keys and channels that are allowed together: the root of a user, or what stands in
/// parentheses. A value.
class AclSelector {
public:
    explicit AclSelector(bool all_channels = false) : all_channels_(all_channels) {}

    /// One rule: "+get", "~key:*", "resetchannels". kNotFound: an unknown command or category;
    /// kInvalidArgument: anything else. The texts are Redis's.
    Status apply(ByteView rule);

    AclAnswer check(AclRequest& request) const;

    bool unlimited() const { return commands_.all() && all_keys_ && all_channels_; }

    bool all_channels() const { return all_channels_; }

    const std::vector<std::string>& channels() const { return channels_; }

    /// Whether every key may be read, whatever its name.
    bool reads_every_key() const;

    std::string describe_commands() const { return commands_.describe(); }

    std::string describe_keys() const;      ///< "~a* %R~b*", "~*" or "".
    std::string describe_channels() const;  ///< "&a* &b*", "&*" or "".
    std::string describe() const;           ///< All of it, as rules.

private:
    enum Permission : unsigned {
        kRead = 1,
        kWrite = 2
    };

    struct KeyPattern {
        std::string pattern;
        unsigned permissions;
    };

    bool apply_word(ByteView rule);
    Status add_key_pattern(ByteView rule);
    Status add_channel(ByteView pattern);
    Status set_command(ByteView name, bool allowed);
    bool allows_key(ByteView key, unsigned flags) const;

    AclCommandSet commands_;
    std::vector<KeyPattern> keys_;
    std::vector<std::string> channels_;
    bool all_keys_ = false;
    bool all_channels_;
};

/// Whether the channel matches one of the patterns; a pattern must be one of them.
bool acl_allows_channel(std::span<const std::string> allowed, ByteView channel, bool is_pattern);

/// Blanks, line breaks and zero bytes, which names and patterns cannot have.
bool acl_has_spaces(ByteView text);

}  // namespace kumo::kv
