#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/index_admin.h"
#include "api/elastic/wildcard.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

IndicesOptions hidden_too() {
    IndicesOptions options;
    options.expand_closed = true;
    options.expand_hidden = true;
    return options;
}

bool is_wanted(const std::vector<std::string>& patterns, const std::string& name) {
    bool wanted = patterns.empty();
    for (const std::string& pattern : patterns) {
        if (pattern.starts_with('-') && wanted && pattern.size() > 1) {
            if (matches_wildcard(std::string_view(pattern).substr(1), name)) {
                wanted = false;
            }
        } else if (pattern == "_all" || matches_wildcard(pattern, name)) {
            wanted = true;
        }
    }
    return wanted;
}

Json aliases_of(
    const std::vector<ResolvedIndex>& indices,
    const std::vector<std::string>& patterns,
    std::set<std::string>& found
) {
    Json out = Json::object();
    for (const ResolvedIndex& one : indices) {
        Json aliases = Json::object();
        for (const auto& [name, alias] : one.index->aliases.members()) {
            if (is_wanted(patterns, name)) {
                aliases[name] = alias_json(alias);
                found.insert(name);
            }
        }
        if (!aliases.empty() || patterns.empty()) {
            out[one.index->name] = Json::object({{"aliases", std::move(aliases)}});
        }
    }
    return out;
}

Status check_alias_name(const Context& context, const std::string& name) {
    const auto invalid = [&name](const std::string& why) {
        return fault("invalid_alias_name_exception", "Invalid alias name [" + name + "]" + why);
    };
    if (name.empty() || name.find_first_of("\\/*?\"<>| ,") != std::string::npos) {
        return invalid(
            ": must not contain the following characters [ , \", *, \\, <, |, ,, >, /, ?]"
        );
    }
    if (name.find('#') != std::string::npos) {
        return invalid(": must not contain '#'");
    }
    if (name[0] == '_' || name[0] == '-' || name[0] == '+') {
        return invalid(": must not start with '_', '-', or '+'");
    }
    if (context.indices.find(name) != nullptr) {
        return invalid(": an index or data stream exists with the same name as the alias");
    }
    return {};
}

/// One action on one index.
struct Action {
    enum class Kind : std::uint8_t {
        kAdd,
        kRemove,
        kRemoveIndex,
    };

    Kind kind = Kind::kAdd;
    std::vector<std::string> indices;
    std::vector<std::string> aliases;
    Json options = Json::object();
    std::optional<bool> must_exist;
};

std::vector<std::string> names_of(const Json& value) {
    std::vector<std::string> out;
    if (!value.is_array()) {
        return split_list(value.text());
    }
    for (const Json& one : value.items()) {
        out.push_back(one.text());
    }
    return out;
}

Result<Action> read_action(const Json& entry) {
    if (!entry.is_object() || entry.size() != 1) {
        return fault("x_content_parse_exception", "[aliases] failed to parse field [actions]");
    }
    const auto& [name, options] = entry.members().front();
    Action out;
    if (name == "add") {
        out.kind = Action::Kind::kAdd;
    } else if (name == "remove") {
        out.kind = Action::Kind::kRemove;
    } else if (name == "remove_index") {
        out.kind = Action::Kind::kRemoveIndex;
    } else {
        return fault(
            "x_content_parse_exception",
            "[1:2] [alias_action] unknown field [" + name + "]"
        );
    }
    bool has_index = false;
    bool has_alias = false;
    for (const auto& [option, value] : options.members()) {
        if (option == "index" || option == "indices") {
            out.indices = names_of(value);
            has_index = true;
        } else if (option == "alias" || option == "aliases") {
            out.aliases = names_of(value);
            has_alias = true;
            if (out.aliases.empty()) {
                return illegal_argument("[" + option + "] can't be empty");
            }
        } else if (option == "must_exist") {
            out.must_exist = value.to_bool();
        } else {
            out.options[option] = value;
        }
    }
    if (!has_index || out.indices.empty()) {
        return illegal_argument("One of [index] or [indices] is required");
    }
    if (out.kind != Action::Kind::kRemoveIndex && (!has_alias || out.aliases.empty())) {
        return illegal_argument("One of [alias] or [aliases] is required");
    }
    return out;
}

/// What all actions together make of each index; nothing is changed before all are good.
class AliasChange {
public:
    explicit AliasChange(const Context& context) : context_(context) {}

    Status add(const Action& action);
    Status apply();

private:
    Status change(const Action& action, const IndexPtr& index, bool& found);

    const Context& context_;
    std::map<std::string, Json> next_;
    std::set<std::string> removed_;
};

Status AliasChange::change(const Action& action, const IndexPtr& index, bool& found) {
    Json& aliases = next_.try_emplace(index->name, index->aliases).first->second;
    if (action.kind == Action::Kind::kAdd) {
        for (const std::string& alias : action.aliases) {
            if (removed_.find(alias) == removed_.end()) {
                KUMO_TRY(check_alias_name(context_, alias));
            }
            KUMO_TRY_ASSIGN(
                const Json made,
                normalized_aliases(Json::object({{alias, action.options}}))
            );
            aliases[alias] = *made.find(alias);
        }
        return {};
    }
    const Json before = aliases;
    for (const auto& [name, value] : before.members()) {
        const bool wanted = std::any_of(
            action.aliases.begin(),
            action.aliases.end(),
            [&name = name](const std::string& pattern) {
                return pattern == "_all" || matches_wildcard(pattern, name);
            }
        );
        if (wanted) {
            aliases.erase(name);
            found = true;
        }
    }
    return {};
}

Status AliasChange::add(const Action& action) {
    bool found = action.kind != Action::Kind::kRemove;
    for (const std::string& expression : action.indices) {
        IndicesOptions options;
        options.allow_no_indices = false;
        options.expand_closed = true;
        options.forbid_aliases = true;
        KUMO_TRY_ASSIGN(const auto indices, resolve(context_, expression, options));
        for (const ResolvedIndex& one : indices) {
            if (action.kind == Action::Kind::kRemoveIndex) {
                removed_.insert(one.index->name);
            } else {
                KUMO_TRY(change(action, one.index, found));
            }
        }
    }
    if (!found && action.must_exist.value_or(true)) {
        return fault(
            "aliases_not_found_exception",
            "aliases [" +
                [&action] {
                    std::string names;
                    for (const std::string& name : action.aliases) {
                        names += (names.empty() ? "" : ", ") + name;
                    }
                    return names;
                }()
                + "] missing"
        );
    }
    return {};
}

Status AliasChange::apply() {
    for (const std::string& name : removed_) {
        KUMO_TRY(context_.indices.remove(name));
        next_.erase(name);
    }
    for (const auto& [name, aliases] : next_) {
        const Json& made = aliases;
        auto changed = context_.indices.update(name, [&made](Index& index) {
            index.aliases = made;
            ++index.aliases_version;
            return Status();
        });
        if (!changed.ok()) {
            return changed.error();
        }
    }
    return {};
}

}  // namespace

namespace {

/// Names that are asked for by themselves and are not there: those in front of the first wildcard,
/// unless what follows takes them out again.
std::string
missing_aliases(const std::vector<std::string>& patterns, const std::set<std::string>& found) {
    const auto is_wildcard = [](const std::string& pattern) {
        return pattern.find('*') != std::string::npos || pattern == "_all";
    };
    const auto first = static_cast<std::size_t>(
        std::find_if(patterns.begin(), patterns.end(), is_wildcard) - patterns.begin()
    );
    std::set<std::string> missing;
    for (std::size_t i = 0; i < first; ++i) {
        bool excluded = false;
        for (std::size_t j = std::max(i + 1, first); j < patterns.size(); ++j) {
            excluded =
                excluded
                || (patterns[j].starts_with('-')
                    && matches_wildcard(std::string_view(patterns[j]).substr(1), patterns[i]));
        }
        if (!excluded && found.find(patterns[i]) == found.end()) {
            missing.insert(patterns[i]);
        }
    }
    std::string out;
    for (const std::string& name : missing) {
        out += (out.empty() ? "" : ",") + name;
    }
    return out;
}

}  // namespace

Result<Answer> get_alias(const Request& request) {
    KUMO_TRY_ASSIGN(const auto indices, resolve_request(request, hidden_too()));
    std::set<std::string> found;
    const std::vector<std::string> patterns = split_list(request.part("name"));
    Json out = aliases_of(indices, patterns, found);
    const std::string missing = missing_aliases(patterns, found);
    if (!missing.empty()) {
        const bool many = missing.find(',') != std::string::npos;
        out["error"] = std::string(many ? "aliases [" : "alias [") + missing + "] missing";
        out["status"] = 404;
        std::rotate(out.members().begin(), out.members().end() - 2, out.members().end());
        return Answer(404, std::move(out));
    }
    return Answer(std::move(out));
}

Result<Answer> alias_exists(const Request& request) {
    const auto indices = resolve_request(request, hidden_too());
    std::set<std::string> found;
    if (indices.ok()) {
        (void)aliases_of(indices.value(), split_list(request.part("name")), found);
    }
    return Answer(found.empty() ? 404 : 200, Json::object());
}

Result<Answer> put_alias(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.json());
    Action action;
    action.indices = split_list(request.part("index"));
    if (!request.part("name").empty()) {
        action.aliases.push_back(request.part("name"));
    }
    for (const auto& [option, value] : body.is_object() ? body.members() : Json::Object()) {
        if (option == "index") {
            action.indices = names_of(value);
        } else if (option == "alias") {
            action.aliases = names_of(value);
        } else {
            action.options[option] = value;
        }
    }
    if (action.indices.empty() || action.aliases.empty()) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: " + std::string(action.indices.empty() ? "index" : "alias")
                + " is missing;"
        );
    }
    AliasChange change(request.context);
    KUMO_TRY(change.add(action));
    KUMO_TRY(change.apply());
    return Answer(acknowledged());
}

Result<Answer> delete_alias(const Request& request) {
    Action action;
    action.kind = Action::Kind::kRemove;
    action.indices = split_list(request.part("index"));
    action.aliases = split_list(request.part("name"));
    AliasChange change(request.context);
    KUMO_TRY(change.add(action));
    KUMO_TRY(change.apply());
    return Answer(acknowledged());
}

Result<Answer> update_aliases(const Request& request) {
    KUMO_TRY_ASSIGN(const Json body, request.required_json());
    const Json* const actions = body.find("actions");
    if (actions == nullptr || !actions->is_array() || actions->empty()) {
        return illegal_argument("No action specified");
    }
    std::vector<Action> all;
    for (const Json& entry : actions->items()) {
        KUMO_TRY_ASSIGN(Action action, read_action(entry));
        all.push_back(std::move(action));
    }
    AliasChange change(request.context);
    // Indices that go first make their names free.
    for (const bool removals : {true, false}) {
        for (const Action& action : all) {
            if ((action.kind == Action::Kind::kRemoveIndex) == removals) {
                KUMO_TRY(change.add(action));
            }
        }
    }
    KUMO_TRY(change.apply());
    return Answer(acknowledged());
}

}  // namespace kumo::api_elastic
