#pragma once

#include "api/redis/session.h"
#include "api/redis/state/acl_log.h"
#include "api/redis/state/settings.h"
#include "base/bytes.h"
#include "base/result.h"
#include "kv/acl/users.h"
#include "kv/command/spec.h"

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace kumo::api_redis {

class Service;

/// Who may do what: the users (src/kv/acl/), which one each connection is, what was refused, and
/// what a change of users means for connections that are open.
///
/// Every session holds the present snapshot of its user, so that the check of a command is one look
/// at AclUser::unlimited(), and for limited users a call of AclUser::check().
///
/// Thread rule: loop-owned.
class Access final {
public:
    explicit Access(Service& service) : service_(service) {}

    /// The users of the settings: `user` lines, or the ACL file. Errors end the server.
    Status load_at_start();

    // Connections.
    /// As a new connection, or after RESET: the default user.
    void begin(Session& session);
    /// False: the password is wrong; logged as `command`'s ("AUTH", "HELLO", as the client wrote
    /// it).
    bool authenticate(Session& session, ByteView command, ByteView user, ByteView password);

    bool needs_authentication(const Session& session) const {
        return !default_is_open_ && !session.authenticated;
    }

    // Refusals. Each logs what it says.
    /// Requires: !session.user->unlimited(). "": it may. Otherwise the error, beginning with
    /// NOPERM.
    std::string
    refusal(Session& session, const kv::CommandSpec& spec, std::span<const ByteView> arguments);
    /// The same for a command of EXEC's and of a script's, in their words.
    std::string exec_refusal(
        Session& session,
        const kv::CommandSpec& spec,
        std::span<const ByteView> arguments
    );
    std::string script_refusal(
        Session& session,
        const kv::CommandSpec& spec,
        std::span<const ByteView> arguments
    );

    // Users.
    const kv::AclUsers& users() const { return users_; }

    kv::AclDefaults defaults() const;
    /// Connections that listen to channels which the user may not listen to any more are closed.
    void put(kv::AclUser user);
    /// Its connections are closed. False: there is no such user. Requires: not the default user.
    bool remove(ByteView name);
    /// The default user's only password; "": it needs none.
    void set_default_password(ByteView password);

    /// The ACL file takes the place of all users; all connections but the default user's are
    /// closed. An error changes nothing; its text is Redis's.
    Status load_file();
    Status save_file();
    /// For redis.conf, as Settings::users; none if there is an ACL file.
    std::vector<std::vector<std::string>> config_lines() const;

    AclLog log;

private:
    Result<kv::AclUsers> read_file() const;
    Status load_lines();
    void users_changed();
    void close(std::span<const SessionId> ids);
    void log_refusal(
        Session& session,
        AclLog::Place place,
        const kv::CommandSpec& spec,
        std::span<const ByteView> arguments,
        const kv::AclAnswer& answer
    );
    void add_to_log(AclLog::Entry entry, const Session& session);

    Service& service_;
    kv::AclUsers users_;
    bool default_is_open_ = true;  ///< The default user is on and needs no password.
};

/// Checks a `user` line of redis.conf, without its first word, and keeps it for load_at_start().
/// The error is for the user.
Status add_user_line(Settings& settings, const std::vector<std::string>& words);

}  // namespace kumo::api_redis
