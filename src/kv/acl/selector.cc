#include "kv/acl/selector.h"

#include "kv/command/introspection.h"
#include "kv/command/words.h"
#include "kv/keyspace/glob.h"

#include <algorithm>

namespace kumo::kv {

namespace {

constexpr std::string_view kSyntax = "Syntax error";
constexpr std::string_view kUnknown = "Unknown command or category name in ACL";
constexpr std::string_view kAfterAllKeys =
    "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have "
    "any effect. Try 'resetkeys' to start with an empty list of patterns";
constexpr std::string_view kAfterAllChannels =
    "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not "
    "have any effect. Try 'resetchannels' to start with an empty list of channels";
constexpr std::string_view kOfSubcommand = "Allowing first-arg of a subcommand is not supported";

Status syntax_error() {
    return invalid_argument(std::string(kSyntax));
}

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const std::string& word : words) {
        out.append(out.empty() ? "" : " ").append(word);
    }
    return out;
}

}  // namespace

std::span<const KeyRef> AclRequest::keys() {
    if (!keys_.has_value()) {
        auto found = find_keys(command_, arguments_);
        keys_ = found.ok() ? std::move(found).value() : std::vector<KeyRef>();
        std::erase_if(*keys_, [this](const KeyRef& key) {
            return (key.flags & kKeyNotKey) != 0 || key.index >= arguments_.size();
        });
    }
    return *keys_;
}

AclChannels find_channels(const CommandSpec& command, std::size_t argc) {
    if (!command.is(kFlagPubsub) || command.parent != nullptr) {
        return {};
    }
    const std::string_view name = command.name;
    if (name == "publish" || name == "spublish") {
        return {1, std::min<std::size_t>(2, argc), false};
    }
    if (name == "subscribe" || name == "ssubscribe" || name == "psubscribe") {
        return {1, argc, name == "psubscribe"};
    }
    return {};
}

bool acl_has_spaces(ByteView text) {
    return text.find_first_of(ByteView(" \t\n\v\f\r\0", 7)) != ByteView::npos;
}

bool acl_allows_channel(std::span<const std::string> allowed, ByteView channel, bool is_pattern) {
    return std::any_of(allowed.begin(), allowed.end(), [&](const std::string& one) {
        return is_pattern ? one == channel : glob_matches(one, channel);
    });
}

// Rules -----------------------------------------------------------------------------------------

/// The rules that are one word; false: it is none of them.
bool AclSelector::apply_word(ByteView rule) {
    const auto is = [rule](std::string_view a, std::string_view b) {
        return same_word(rule, a) || same_word(rule, b);
    };
    if (is("allkeys", "~*") || is("resetkeys", "resetkeys")) {
        all_keys_ = is("allkeys", "~*");
        keys_.clear();
    } else if (is("allchannels", "&*") || is("resetchannels", "resetchannels")) {
        all_channels_ = is("allchannels", "&*");
        channels_.clear();
    } else if (is("allcommands", "+@all")) {
        commands_.allow_all();
    } else if (is("nocommands", "-@all")) {
        commands_.deny_all();
    } else {
        return false;
    }
    return true;
}

Status AclSelector::apply(ByteView rule) {
    if (apply_word(rule)) {
        return {};
    }
    const char kind = rule.empty() ? '\0' : rule[0];
    if (kind == '~' || kind == '%') {
        return add_key_pattern(rule);
    }
    if (kind == '&') {
        return add_channel(rule.substr(1));
    }
    if (kind != '+' && kind != '-') {
        return syntax_error();
    }
    if (!rule.substr(1).starts_with('@')) {
        return set_command(rule.substr(1), kind == '+');
    }
    const std::uint32_t category = acl_category(rule.substr(2));
    if (category == 0) {
        return not_found(std::string(kUnknown));
    }
    commands_.set_categories(category, kind == '+');
    return {};
}

Status AclSelector::add_key_pattern(ByteView rule) {
    if (all_keys_) {
        return invalid_argument(std::string(kAfterAllKeys));
    }
    std::size_t at = 1;
    unsigned permissions = kRead | kWrite;
    if (rule[0] == '%') {
        permissions = 0;
        for (; at < rule.size() && rule[at] != '~'; ++at) {
            const bool reads = rule[at] == 'R' || rule[at] == 'r';
            const bool writes = rule[at] == 'W' || rule[at] == 'w';
            const unsigned one = reads ? kRead : writes ? kWrite : 0U;
            if (one == 0 || (permissions & one) != 0) {
                return syntax_error();
            }
            permissions |= one;
        }
        if (permissions == 0) {
            return syntax_error();
        }
        at = std::min(at + 1, rule.size());
    }
    const ByteView pattern = rule.substr(at);
    if (acl_has_spaces(pattern)) {
        return syntax_error();
    }
    for (KeyPattern& known : keys_) {
        if (known.pattern == pattern) {
            known.permissions |= permissions;
            return {};
        }
    }
    keys_.push_back({std::string(pattern), permissions});
    return {};
}

Status AclSelector::add_channel(ByteView pattern) {
    if (all_channels_) {
        return invalid_argument(std::string(kAfterAllChannels));
    }
    if (acl_has_spaces(pattern)) {
        return syntax_error();
    }
    if (std::find(channels_.begin(), channels_.end(), pattern) == channels_.end()) {
        channels_.emplace_back(pattern);
    }
    return {};
}

Status AclSelector::set_command(ByteView name, bool allowed) {
    if (const CommandSpec* command = find_by_full_name(name); command != nullptr) {
        commands_.set(*command, allowed);
        return {};
    }
    const std::size_t bar = name.rfind('|');
    const CommandSpec* command =
        !allowed || bar == ByteView::npos ? nullptr : find_by_full_name(name.substr(0, bar));
    if (command == nullptr) {
        return not_found(std::string(kUnknown));
    }
    const ByteView argument = name.substr(bar + 1);
    if (command->parent != nullptr) {
        return invalid_argument(std::string(kOfSubcommand));
    }
    if (argument.empty() || acl_has_spaces(argument)) {
        return syntax_error();
    }
    if (!command->subcommands.empty()) {
        return not_found(std::string(kUnknown));
    }
    commands_.allow_first_argument(*command, argument);
    return {};
}

// Checks ----------------------------------------------------------------------------------------

bool AclSelector::allows_key(ByteView key, unsigned flags) const {
    const unsigned needed = ((flags & kKeyAccess) != 0 ? kRead : 0U)
                            | ((flags & (kKeyInsert | kKeyDelete | kKeyUpdate)) != 0 ? kWrite : 0U);
    return std::any_of(keys_.begin(), keys_.end(), [&](const KeyPattern& pattern) {
        return (pattern.permissions & needed) == needed && glob_matches(pattern.pattern, key);
    });
}

AclAnswer AclSelector::check(AclRequest& request) const {
    const CommandSpec& command = request.command();
    const std::span<const ByteView> arguments = request.arguments();
    if (!command.is(kFlagNoAuth) && !commands_.allows(command, arguments)) {
        return {AclVerdict::kCommand, 0};
    }
    if (!all_keys_) {
        for (const KeyRef& key : request.keys()) {
            if (!allows_key(arguments[key.index], key.flags)) {
                return {AclVerdict::kKey, key.index};
            }
        }
    }
    if (!all_channels_) {
        const AclChannels named = find_channels(command, arguments.size());
        for (std::size_t i = named.first; i < named.end; ++i) {
            if (!acl_allows_channel(channels_, arguments[i], named.patterns)) {
                return {AclVerdict::kChannel, i};
            }
        }
    }
    return {};
}

bool AclSelector::reads_every_key() const {
    return all_keys_ || std::any_of(keys_.begin(), keys_.end(), [](const KeyPattern& pattern) {
               return pattern.pattern == "*" && (pattern.permissions & kRead) != 0;
           });
}

// Words -----------------------------------------------------------------------------------------

std::string AclSelector::describe_keys() const {
    if (all_keys_) {
        return "~*";
    }
    std::vector<std::string> words;
    for (const KeyPattern& pattern : keys_) {
        const char* sign = pattern.permissions == kRead    ? "%R~"
                           : pattern.permissions == kWrite ? "%W~"
                                                           : "~";
        words.push_back(sign + pattern.pattern);
    }
    return joined(words);
}

std::string AclSelector::describe_channels() const {
    if (all_channels_) {
        return "&*";
    }
    std::vector<std::string> words;
    for (const std::string& channel : channels_) {
        words.push_back("&" + channel);
    }
    return joined(words);
}

std::string AclSelector::describe() const {
    std::vector<std::string> words;
    if (std::string keys = describe_keys(); !keys.empty()) {
        words.push_back(std::move(keys));
    }
    if (!all_channels_) {
        words.emplace_back("resetchannels");
    }
    if (std::string channels = describe_channels(); !channels.empty()) {
        words.push_back(std::move(channels));
    }
    words.push_back(commands_.describe());
    return joined(words);
}

}  // namespace kumo::kv
