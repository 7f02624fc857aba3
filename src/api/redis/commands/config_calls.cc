// CONFIG GET, SET, RESETSTAT, REWRITE (Redis 7.0).
#include "api/redis/access.h"
#include "api/redis/call.h"
#include "api/redis/service.h"
#include "kv/keyspace/glob.h"

#include <array>
#include <map>
#include <set>
#include <string>

namespace kumo::api_redis {

namespace {

bool has_glob(ByteView text) {
    return text.find_first_of("*?[") != ByteView::npos;
}

/// The parameters that a pattern of CONFIG GET names, under the name that matched.
void find_matching(ByteView pattern, std::map<std::string, const SettingSpec*>* out) {
    if (!has_glob(pattern)) {
        if (const SettingSpec* spec = find_setting_spec(pattern); spec != nullptr) {
            out->emplace(
                kv::glob_matches(pattern, spec->name, true) ? spec->name : spec->alias,
                spec
            );
        }
        return;
    }
    for (const SettingSpec& spec : all_setting_specs()) {
        if ((spec.flags & kHidden) != 0) {
            continue;
        }
        if (kv::glob_matches(pattern, spec.name, true)) {
            out->emplace(spec.name, &spec);
        }
        if (!spec.alias.empty() && kv::glob_matches(pattern, spec.alias, true)) {
            out->emplace(spec.alias, &spec);
        }
    }
}

void do_get(Call& call) {
    std::map<std::string, const SettingSpec*> found;
    for (std::size_t i = 2; i < call.argc(); ++i) {
        find_matching(call.arg(i), &found);
    }
    call.reply.map(found.size());
    for (const auto& [name, spec] : found) {
        call.reply.bulk(name);
        call.reply.bulk(call.service.settings.text(spec->name));
    }
}

void set_failed(Call& call, ByteView name, ByteView why) {
    call.error(
        "ERR CONFIG SET failed (possibly related to argument '" + std::string(name) + "') - "
        + std::string(why)
    );
}

struct Change {
    const SettingSpec* spec;
    std::string value;
};

bool check_change(Call& call, ByteView name, ByteView value, std::vector<Change>* changes) {
    const SettingSpec* spec = find_setting_spec(name);
    if (spec == nullptr) {
        call.error(
            "ERR Unknown option or number of arguments for CONFIG SET - '" + std::string(name) + "'"
        );
        return false;
    }
    if ((spec->flags & kImmutable) != 0) {
        set_failed(call, name, "can't set immutable config");
        return false;
    }
    if ((spec->flags & kProtected) != 0
        && !protected_action_allowed(
            call.service.settings.text("enable-protected-configs"),
            call.session
        )) {
        set_failed(call, name, "can't set protected config");
        return false;
    }
    for (const Change& other : *changes) {
        if (other.spec == spec) {
            set_failed(call, name, "duplicate parameter");
            return false;
        }
    }
    auto checked = Settings::check(*spec, std::string(value));
    if (!checked.ok()) {
        set_failed(call, name, checked.error().message);
        return false;
    }
    changes->push_back({spec, std::move(checked).value()});
    return true;
}

void do_set(Call& call) {
    if (call.argc() % 2 != 0) {
        call.wrong_arguments();
        return;
    }
    std::vector<Change> changes;
    for (std::size_t i = 2; i < call.argc(); i += 2) {
        if (!check_change(call, call.arg(i), call.arg(i + 1), &changes)) {
            return;
        }
    }
    // Nobody needs to act on what stays as it is.
    std::erase_if(changes, [&call](const Change& change) {
        return call.service.settings.text(change.spec->name) == change.value;
    });
    std::vector<Change> old;
    for (Change& change : changes) {
        old.push_back({change.spec, call.service.settings.text(change.spec->name)});
        call.service.settings.put(*change.spec, std::move(change.value));
    }
    for (std::size_t i = 0; i < changes.size(); ++i) {
        const Status applied = call.service.setting_changed(changes[i].spec->name);
        if (applied.ok()) {
            continue;
        }
        for (Change& before : old) {
            call.service.settings.put(*before.spec, std::move(before.value));
        }
        for (std::size_t done = 0; done < i; ++done) {
            (void)call.service.setting_changed(changes[done].spec->name);
        }
        set_failed(call, changes[i].spec->name, applied.error().message);
        return;
    }
    call.service.apply_settings();
    call.reply.ok();
}

void do_resetstat(Call& call) {
    call.service.stats.reset();
    call.service.keyspace.stats = {};
    call.service.latency.reset_all();
    call.reply.ok();
}

void do_rewrite(Call& call) {
    if (call.service.settings.config_file.empty()) {
        call.error("ERR The server is running without a config file");
        return;
    }
    call.service.settings.users = call.service.access().config_lines();
    const Status written = call.service.environment().rewrite_config
                               ? call.service.environment().rewrite_config(call.service.settings)
                               : Status(Error{ErrorCode::kUnsupported, "not supported"});
    if (!written.ok()) {
        call.error("ERR Rewriting config file: " + written.error().message);
        return;
    }
    call.reply.ok();
}

void do_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "GET <pattern>",
        "    The parameters that match the pattern and their values.",
        "SET <directive> <value>",
        "    Change parameters while the server runs.",
        "RESETSTAT",
        "    Begin the statistics of INFO anew.",
        "REWRITE",
        "    Write the present values into the configuration file."};
    reply_help(call.reply, "CONFIG", kLines);
}

}  // namespace

bool protected_action_allowed(ByteView setting, const Session& session) {
    return setting == "yes" || (setting == "local" && session.is_local());
}

void add_config_calls(CallTable& table) {
    table.add({
        {"config|get", do_get},
        {"config|help", do_help},
        {"config|resetstat", do_resetstat},
        {"config|rewrite", do_rewrite},
        {"config|set", do_set},
    });
}

}  // namespace kumo::api_redis
