#include "api/redis/access.h"

#include "api/redis/call.h"
#include "api/redis/service.h"
#include "base/log.h"
#include "io/fs.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr std::uint64_t kFileBytesMax = std::uint64_t{64} << 20;
constexpr std::string_view kNoFile =
    "This Redis instance is not configured to use an ACL file. You may want to specify users via "
    "the ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis "
    "configuration file set) in order to store users in the Redis configuration.";

AclLog::Reason reason_of(kv::AclVerdict verdict) {
    return verdict == kv::AclVerdict::kKey       ? AclLog::Reason::kKey
           : verdict == kv::AclVerdict::kChannel ? AclLog::Reason::kChannel
                                                 : AclLog::Reason::kCommand;
}

/// Whether a user's listeners can stay whatever they listen to: nothing was taken away.
bool keeps_channels(const kv::AclUser& before, const kv::AclUser& now) {
    if (now.all_channels()) {
        return true;
    }
    const std::vector<std::string> left = now.channels();
    const std::vector<std::string> had = before.channels();
    return !before.all_channels()
           && std::all_of(had.begin(), had.end(), [&left](const std::string& channel) {
                  return std::find(left.begin(), left.end(), channel) != left.end();
              });
}

bool listens_to_others(const Subscriptions& of, std::span<const std::string> allowed) {
    const auto any_denied = [&](const std::set<std::string>& names, bool patterns) {
        return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            return !kv::acl_allows_channel(allowed, name, patterns);
        });
    };
    return any_denied(of.patterns, true) || any_denied(of.channels, false)
           || any_denied(of.shard_channels, false);
}

/// Applies the rules of a `user` line. The error names the rule.
Status apply_rules(
    std::span<const std::string> words,
    const kv::AclDefaults& defaults,
    kv::AclUser* user
) {
    const std::vector<ByteView> views(words.begin(), words.end());
    std::vector<std::string> rules;
    std::size_t unmatched = 0;
    if (!kv::join_acl_rules(views, &rules, &unmatched)) {
        return invalid_argument(
            "'" + words[unmatched] + "': Unmatched parenthesis in selector definition."
        );
    }
    for (const std::string& rule : rules) {
        if (const Status applied = user->apply(rule, defaults); !applied.ok()) {
            return invalid_argument("'" + rule + "': " + applied.error().message);
        }
    }
    return {};
}

Status replace_file(io::Fs& fs, const std::string& path, ByteView text) {
    KUMO_TRY(io::write_file(fs, path + ".tmp", text));
    KUMO_TRY(fs.rename(path + ".tmp", path));
    return fs.sync_dir(io::parent_path(path));
}

kv::AclDefaults defaults_of(const Settings& settings) {
    return {settings.text("acl-pubsub-default") == "allchannels"};
}

}  // namespace

Status add_user_line(Settings& settings, const std::vector<std::string>& words) {
    const std::string& name = words.front();
    for (const std::vector<std::string>& other : settings.users) {
        if (other.front() == name) {
            return invalid_argument(
                "Error in user declaration '" + name
                + "': Duplicate user found. A user can only be defined once in config files"
            );
        }
    }
    if (kv::acl_has_spaces(name)) {
        return invalid_argument("Spaces not allowed in ACL usernames");
    }
    const kv::AclDefaults defaults = defaults_of(settings);
    kv::AclUser trial(name, defaults);
    const Status applied = apply_rules(std::span(words).subspan(1), defaults, &trial);
    if (!applied.ok()) {
        return invalid_argument("Error in user declaration " + applied.error().message);
    }
    settings.users.push_back(words);
    return {};
}

// At the start ------------------------------------------------------------------------------------

Status Access::load_lines() {
    for (const std::vector<std::string>& words : service_.settings.users) {
        kv::AclUser user(words.front(), defaults());
        if (words.front() == "default") {
            (void)user.apply("reset", defaults());
        }
        const Status applied = apply_rules(std::span(words).subspan(1), defaults(), &user);
        if (!applied.ok()) {
            return applied.error();
        }
        if (!user.enabled()) {
            log_info(
                "the user '" + user.name() + "' is disabled: there is no 'on' in its description"
            );
        }
        users_.put(std::move(user));
    }
    return {};
}

Status Access::load_at_start() {
    if (const std::string& password = service_.settings.text("requirepass"); !password.empty()) {
        set_default_password(password);
    }
    if (service_.settings.text("aclfile").empty()) {
        KUMO_TRY(load_lines());
        users_changed();
        return {};
    }
    if (!service_.settings.users.empty()) {
        return invalid_argument(
            "Configuring Redis with users defined in redis.conf and at the same setting an ACL "
            "file path is invalid. This setup is very likely to lead to configuration errors and "
            "security holes, please define either an ACL file or declare users directly in your "
            "redis.conf, but not both."
        );
    }
    auto read = read_file();
    if (!read.ok()) {
        return Error{
            read.error().code,
            "Aborting Redis startup because of ACL errors: " + read.error().message};
    }
    users_ = std::move(read).value();
    users_changed();
    return {};
}

// Connections -------------------------------------------------------------------------------------

void Access::begin(Session& session) {
    session.user = users_.default_user();
    session.authenticated = default_is_open_;
}

bool Access::authenticate(Session& session, ByteView command, ByteView user, ByteView password) {
    const kv::AclUsers::User found = users_.find(user);
    if (found != nullptr && found->accepts(password)) {
        session.user = found;
        session.authenticated = true;
        return true;
    }
    add_to_log(
        {AclLog::Reason::kAuth,
         session.transaction.open ? AclLog::Place::kMulti : AclLog::Place::kToplevel,
         std::string(command),
         std::string(user),
         {}},
        session
    );
    return false;
}

void Access::add_to_log(AclLog::Entry entry, const Session& session) {
    Stats& stats = service_.stats;
    switch (entry.reason) {
        case AclLog::Reason::kCommand: ++stats.acl_denied_command; break;
        case AclLog::Reason::kKey: ++stats.acl_denied_key; break;
        case AclLog::Reason::kChannel: ++stats.acl_denied_channel; break;
        case AclLog::Reason::kAuth: ++stats.acl_denied_auth; break;
    }
    entry.client = describe_client(service_, session, {});
    entry.at_ms = service_.now_ms();
    log.add(std::move(entry), static_cast<std::size_t>(service_.settings.number("acllog-max-len")));
}

// Refusals ----------------------------------------------------------------------------------------

void Access::log_refusal(
    Session& session,
    AclLog::Place place,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments,
    const kv::AclAnswer& answer
) {
    std::string object = answer.verdict == kv::AclVerdict::kCommand
                             ? spec.full_name()
                             : std::string(arguments[answer.argument]);
    add_to_log(
        {reason_of(answer.verdict), place, std::move(object), session.user->name(), {}},
        session
    );
}

std::string Access::refusal(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    const kv::AclAnswer answer = session.user->check(spec, arguments);
    if (answer.allowed()) {
        return {};
    }
    const AclLog::Place place =
        session.transaction.open ? AclLog::Place::kMulti : AclLog::Place::kToplevel;
    log_refusal(session, place, spec, arguments, answer);
    switch (answer.verdict) {
        case kv::AclVerdict::kKey:
            return "NOPERM this user has no permissions to access one of the keys used as "
                   "arguments";
        case kv::AclVerdict::kChannel:
            return "NOPERM this user has no permissions to access one of the channels used as "
                   "arguments";
        case kv::AclVerdict::kCommand:
        case kv::AclVerdict::kAllowed: break;
    }
    return "NOPERM this user has no permissions to run the '" + spec.full_name() + "' command";
}

std::string Access::exec_refusal(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    const kv::AclAnswer answer = session.user->check(spec, arguments);
    if (answer.allowed()) {
        return {};
    }
    log_refusal(session, AclLog::Place::kMulti, spec, arguments, answer);
    const std::string why =
        answer.verdict == kv::AclVerdict::kKey ? "no permission to touch the specified keys"
        : answer.verdict == kv::AclVerdict::kChannel
            ? "no permission to access one of the channels used as arguments to the command"
            : "no permission to execute the command or subcommand";
    return "NOPERM ACLs rules changed between the moment the transaction was accumulated and the "
           "EXEC call. This command is no longer allowed for the following reason: "
           + why;
}

std::string Access::script_refusal(
    Session& session,
    const kv::CommandSpec& spec,
    std::span<const ByteView> arguments
) {
    const kv::AclAnswer answer = session.user->check(spec, arguments);
    if (answer.allowed()) {
        return {};
    }
    log_refusal(session, AclLog::Place::kScript, spec, arguments, answer);
    switch (answer.verdict) {
        case kv::AclVerdict::kKey:
            return "ERR The user executing the script can't access at least one of the keys "
                   "mentioned in the command arguments";
        case kv::AclVerdict::kChannel:
            return "ERR The user executing the script can't publish to the channel mentioned in "
                   "the command";
        case kv::AclVerdict::kCommand:
        case kv::AclVerdict::kAllowed: break;
    }
    return "ERR The user executing the script can't run this command or subcommand";
}

// Users -------------------------------------------------------------------------------------------

kv::AclDefaults Access::defaults() const {
    return defaults_of(service_.settings);
}

/// Gives every session the present form of its user; those whose user is gone stay as they are.
void Access::users_changed() {
    const kv::AclUser& open = *users_.default_user();
    default_is_open_ = open.enabled() && open.no_password();
    for (const auto& [id, session] : service_.sessions()) {
        if (const kv::AclUsers::User now = users_.find(session->user->name()); now != nullptr) {
            session->user = now;
        }
    }
}

/// The one whose command runs hears its answer first.
void Access::close(std::span<const SessionId> ids) {
    for (const SessionId id : ids) {
        Session* session = service_.session(id);
        if (session == nullptr) {
            continue;
        }
        if (session->executing) {
            session->close_after_reply = true;
        } else {
            session->abort();
        }
    }
}

void Access::put(kv::AclUser user) {
    const kv::AclUsers::User before = users_.find(user.name());
    std::vector<SessionId> lost;
    if (before != nullptr && !keeps_channels(*before, user)) {
        const std::vector<std::string> allowed = user.channels();
        for (const auto& [id, session] : service_.sessions()) {
            if (session->user == before && listens_to_others(session->subscriptions, allowed)) {
                lost.push_back(id);
            }
        }
    }
    users_.put(std::move(user));
    users_changed();
    close(lost);
}

bool Access::remove(ByteView name) {
    const kv::AclUsers::User user = users_.find(name);
    if (user == nullptr || !users_.remove(name)) {
        return false;
    }
    std::vector<SessionId> lost;
    for (const auto& [id, session] : service_.sessions()) {
        if (session->user == user) {
            // Until it is closed it can do nothing.
            session->user = users_.default_user();
            session->authenticated = false;
            lost.push_back(id);
        }
    }
    close(lost);
    return true;
}

void Access::set_default_password(ByteView password) {
    kv::AclUser user = *users_.default_user();
    (void)user.apply("resetpass", {});
    (void)user.apply(password.empty() ? "nopass" : ">" + std::string(password), {});
    put(std::move(user));
}

// Files -------------------------------------------------------------------------------------------

Result<kv::AclUsers> Access::read_file() const {
    const std::string& path = service_.settings.text("aclfile");
    io::Fs* fs = service_.environment().fs;
    auto text = fs == nullptr ? Result<std::string>(not_found("no file system"))
                              : io::read_file(*fs, path, kFileBytesMax);
    if (!text.ok()) {
        return Error{
            text.error().code,
            "Error loading ACLs, opening file '" + path + "': "
                + (text.error().code == ErrorCode::kNotFound ? "No such file or directory"
                                                             : text.error().message)};
    }
    return kv::AclUsers::parse(text.value(), path, defaults());
}

Status Access::load_file() {
    if (service_.settings.text("aclfile").empty()) {
        return invalid_argument(std::string(kNoFile));
    }
    auto read = read_file();
    if (!read.ok()) {
        log_warn(read.error().message);
        return read.error();
    }
    std::vector<SessionId> lost;
    for (const auto& [id, session] : service_.sessions()) {
        if (session->user->name() != "default") {
            session->user = read.value().default_user();
            session->authenticated = false;
            lost.push_back(id);
        }
    }
    users_ = std::move(read).value();
    users_changed();
    close(lost);
    return {};
}

Status Access::save_file() {
    const std::string& path = service_.settings.text("aclfile");
    if (path.empty()) {
        return invalid_argument(std::string(kNoFile));
    }
    const std::string text = users_.to_text();
    Status saved;
    // Names and patterns can be such that their line reads otherwise (parentheses in a selector's
    // pattern): better no new file than one that does not load, or loads as something else.
    const auto again = kv::AclUsers::parse(text, path, defaults());
    if (!again.ok() || again.value().to_text() != text) {
        saved = invalid_argument("the users cannot be written as lines");
    } else if (service_.environment().fs != nullptr) {
        saved = replace_file(*service_.environment().fs, path, text);
    }
    if (!saved.ok()) {
        log_error("the ACL file is not saved: " + saved.error().message);
        return invalid_argument(
            "There was an error trying to save the ACLs. Please check the server logs for more "
            "information"
        );
    }
    return {};
}

std::vector<std::vector<std::string>> Access::config_lines() const {
    std::vector<std::vector<std::string>> out;
    if (service_.settings.text("aclfile").empty()) {
        for (const auto& [name, user] : users_.all()) {
            out.push_back({name, user->describe()});
        }
    }
    return out;
}

}  // namespace kumo::api_redis
