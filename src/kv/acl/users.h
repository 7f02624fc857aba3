#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "kv/acl/user.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace kumo::kv {

/// All users, of whom "default" is always one. A value whose copies share the users, none of which
/// ever changes: put() takes another's place.
class AclUsers {
public:
    using User = std::shared_ptr<const AclUser>;

    /// Only an unlimited default user.
    AclUsers();

    /// nullptr: there is none.
    User find(ByteView name) const;

    const User& default_user() const { return users_.find("default")->second; }

    void put(AclUser user);
    /// False: there is none. Requires: it is not the default user.
    bool remove(ByteView name);

    /// By name.
    const std::map<std::string, User, std::less<>>& all() const { return users_; }

    /// A line for each user, as an ACL file has them: "user alice on ...\n".
    std::string to_text() const;

    /// Reads such lines; empty ones are nothing. Without a default user among them there is an
    /// unlimited one. kInvalidArgument: all that is wrong, as Redis says it, lines as of `file`.
    static Result<AclUsers>
    parse(ByteView text, std::string_view file, const AclDefaults& defaults);

private:
    std::map<std::string, User, std::less<>> users_;
};

/// "user alice on ~* ...": the user as a line of redis.conf or of an ACL file, and what ACL LIST
/// shows.
std::string acl_user_line(const AclUser& user);

}  // namespace kumo::kv
