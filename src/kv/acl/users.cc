#include "kv/acl/users.h"

#include "base/assert.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace kumo::kv {

namespace {

ByteView trim(ByteView text) {
    constexpr ByteView kBlank = " \t\r\n";
    const std::size_t first = text.find_first_not_of(kBlank);
    return first == ByteView::npos ? ByteView{}
                                   : text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

/// Words are kept apart by one blank each, as Redis writes them: two make an empty word between
/// them, which may be a user's name.
std::vector<ByteView> split_words(ByteView line) {
    std::vector<ByteView> out;
    while (true) {
        const std::size_t end = line.find(' ');
        out.push_back(line.substr(0, end));
        if (end == ByteView::npos) {
            return out;
        }
        line.remove_prefix(end + 1);
    }
}

/// Reads the lines of a file one by one and gathers what is wrong.
class Reader {
public:
    Reader(std::string_view file, const AclDefaults& defaults) : file_(file), defaults_(defaults) {}

    void read_line(ByteView line) {
        ++number_;
        line = trim(line);
        if (line.empty()) {
            return;
        }
        const std::vector<ByteView> words = split_words(line);
        if (words[0] != "user" || words.size() < 2) {
            errors_ += place() + " should start with user keyword followed by the username. ";
            return;
        }
        const std::string name(words[1]);
        if (acl_has_spaces(name)) {
            // The quote in front is Redis's.
            errors_ += "'" + place() + ": username '" + name + "' contains invalid characters. ";
            return;
        }
        if (read_.contains(name)) {
            errors_ += "WARNING: Duplicate user '" + name + "' found on line "
                       + std::to_string(number_) + ". ";
            return;
        }
        AclUser user(name, defaults_);
        read_rules(std::span(words).subspan(2), &user);
        read_.emplace(name, std::move(user));
    }

    Result<AclUsers> finish() && {
        if (!errors_.empty()) {
            return invalid_argument(
                errors_
                + "WARNING: ACL errors detected, no change to the previously active ACL rules was "
                  "performed"
            );
        }
        AclUsers users;
        for (auto& [name, user] : read_) {
            users.put(std::move(user));
        }
        return users;
    }

private:
    std::string place() const { return file_ + ":" + std::to_string(number_); }

    void fail(const std::string& why) { errors_ += place() + ": " + why + ". "; }

    void read_rules(std::span<const ByteView> words, AclUser* user) {
        std::vector<std::string> rules;
        std::size_t unmatched = 0;
        if (!join_acl_rules(words, &rules, &unmatched)) {
            errors_ += place() + ": Unmatched parenthesis in selector definition.";
            return;
        }
        bool told = false;
        for (const std::string& rule : rules) {
            const Status applied = user->apply(trim(rule), defaults_);
            if (applied.ok()) {
                continue;
            }
            if (applied.error().code == ErrorCode::kNotFound) {
                fail("Error in applying operation '" + rule + "': " + applied.error().message);
            } else if (!told) {
                // Of the others only the first: it may be the cause of those after it, and a
                // password must not be shown.
                fail(applied.error().message);
                told = true;
            }
        }
    }

    std::string file_;
    AclDefaults defaults_;
    std::size_t number_ = 0;
    std::map<std::string, AclUser> read_;
    std::string errors_;
};

}  // namespace

AclUsers::AclUsers() {
    put(AclUser::unlimited_default());
}

AclUsers::User AclUsers::find(ByteView name) const {
    const auto at = users_.find(name);
    return at == users_.end() ? nullptr : at->second;
}

void AclUsers::put(AclUser user) {
    std::string name = user.name();
    users_.insert_or_assign(std::move(name), std::make_shared<const AclUser>(std::move(user)));
}

bool AclUsers::remove(ByteView name) {
    KUMO_ASSERT(name != "default");
    const auto at = users_.find(name);
    if (at == users_.end()) {
        return false;
    }
    users_.erase(at);
    return true;
}

std::string acl_user_line(const AclUser& user) {
    return "user " + user.name() + " " + user.describe();
}

std::string AclUsers::to_text() const {
    std::string out;
    for (const auto& [name, user] : users_) {
        out.append(acl_user_line(*user)).append("\n");
    }
    return out;
}

Result<AclUsers>
AclUsers::parse(ByteView text, std::string_view file, const AclDefaults& defaults) {
    Reader reader(file, defaults);
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        reader.read_line(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return std::move(reader).finish();
}

}  // namespace kumo::kv
