// Client-side caching: CLIENT TRACKING, CACHING, GETREDIR, TRACKINGINFO (Redis 7.0).
#include "api/redis/service.h"
#include "kv/keyspace/number.h"

#include <string>
#include <vector>

namespace kumo::api_redis {

namespace {

bool overlap(const std::string& first, const std::string& second) {
    return first.starts_with(second) || second.starts_with(first);
}

bool read_options(Call& call, Tracking* wanted, std::vector<std::string>* prefixes) {
    for (std::size_t i = 3; i < call.argc(); ++i) {
        const bool more = i + 1 < call.argc();
        if (call.arg_is(i, "REDIRECT") && more) {
            std::int64_t id = 0;
            if (wanted->redirect != 0) {
                call.error("ERR A client can only redirect to a single other client");
                return false;
            }
            if (!call.integer(++i, &id, "ERR Invalid client ID")) {
                return false;
            }
            if (call.service.session(static_cast<SessionId>(id)) == nullptr) {
                call.error("ERR The client ID you want redirect to does not exist");
                return false;
            }
            wanted->redirect = static_cast<SessionId>(id);
        } else if (call.arg_is(i, "BCAST")) {
            wanted->broadcast = true;
        } else if (call.arg_is(i, "OPTIN")) {
            wanted->opt_in = true;
        } else if (call.arg_is(i, "OPTOUT")) {
            wanted->opt_out = true;
        } else if (call.arg_is(i, "NOLOOP")) {
            wanted->no_loop = true;
        } else if (call.arg_is(i, "PREFIX") && more) {
            prefixes->emplace_back(call.arg(++i));
        } else {
            call.syntax_error();
            return false;
        }
    }
    return true;
}

bool options_agree(Call& call, const Tracking& wanted, bool has_prefixes) {
    const Tracking& now = call.session.tracking;
    if (!wanted.broadcast && has_prefixes) {
        call.error("ERR PREFIX option requires BCAST mode to be enabled");
        return false;
    }
    if (now.on && now.broadcast != wanted.broadcast) {
        call.error(
            "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and "
            "then re-enabling it with a different mode."
        );
        return false;
    }
    if (wanted.broadcast && (wanted.opt_in || wanted.opt_out)) {
        call.error("ERR OPTIN and OPTOUT are not compatible with BCAST");
        return false;
    }
    if (wanted.opt_in && wanted.opt_out) {
        call.error("ERR You can't use both OPTIN mode and OPTOUT mode");
        return false;
    }
    if (now.on && ((wanted.opt_in && now.opt_out) || (wanted.opt_out && now.opt_in))) {
        call.error(
            "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and "
            "then re-enabling it with a different mode."
        );
        return false;
    }
    return true;
}

bool prefixes_agree(Call& call, const std::vector<std::string>& prefixes) {
    const auto clash = [&call](const std::string& first, const std::string& second) {
        call.error(
            "ERR Prefix '" + first + "' overlaps with "
            + (call.session.tracking.prefixes.contains(second) ? "an existing prefix '"
                                                               : "another provided prefix '")
            + second + "'. Prefixes for a single client must not overlap."
        );
        return false;
    };
    for (std::size_t i = 0; i < prefixes.size(); ++i) {
        for (const std::string& old : call.session.tracking.prefixes) {
            if (overlap(prefixes[i], old)) {
                return clash(prefixes[i], old);
            }
        }
        for (std::size_t k = i + 1; k < prefixes.size(); ++k) {
            if (overlap(prefixes[i], prefixes[k])) {
                return clash(prefixes[i], prefixes[k]);
            }
        }
    }
    return true;
}

void do_tracking(Call& call) {
    Tracking wanted;
    std::vector<std::string> prefixes;
    if (!read_options(call, &wanted, &prefixes)) {
        return;
    }
    if (call.arg_is(2, "OFF")) {
        call.service.stop_tracking(call.session);
        call.reply.ok();
        return;
    }
    if (!call.arg_is(2, "ON")) {
        call.syntax_error();
        return;
    }
    if (!options_agree(call, wanted, !prefixes.empty()) || !prefixes_agree(call, prefixes)) {
        return;
    }
    wanted.on = true;
    wanted.prefixes = call.session.tracking.prefixes;
    wanted.prefixes.insert(prefixes.begin(), prefixes.end());
    if (wanted.broadcast && wanted.prefixes.empty()) {
        wanted.prefixes.insert("");
    }
    call.service.set_tracking(call.session, wanted);
    call.reply.ok();
}

void do_caching(Call& call) {
    Tracking& of = call.session.tracking;
    if (!of.on) {
        call.error(
            "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN "
            "or "
            "OPTOUT mode enabled"
        );
        return;
    }
    const bool yes = call.arg_is(2, "YES");
    if (!yes && !call.arg_is(2, "NO")) {
        call.syntax_error();
        return;
    }
    if (yes ? !of.opt_in : !of.opt_out) {
        call.error(
            yes ? "ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode."
                : "ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode."
        );
        return;
    }
    of.caching_set = true;
    call.reply.ok();
}

void do_getredir(Call& call) {
    call.reply.integer(
        call.session.tracking.on ? static_cast<std::int64_t>(call.session.tracking.redirect) : -1
    );
}

void do_trackinginfo(Call& call) {
    const Tracking& of = call.session.tracking;
    std::vector<std::string_view> flags;
    const auto add = [&flags](bool is, std::string_view flag) {
        if (is) {
            flags.push_back(flag);
        }
    };
    add(!of.on, "off");
    add(of.on, "on");
    add(of.broadcast, "bcast");
    add(of.opt_in, "optin");
    add(of.opt_in && of.caching_set, "caching-yes");
    add(of.opt_out, "optout");
    add(of.opt_out && of.caching_set, "caching-no");
    add(of.no_loop, "noloop");
    add(of.broken_redirect, "broken_redirect");
    call.reply.map(3);
    call.reply.bulk("flags");
    call.reply.set(flags.size());
    for (const std::string_view flag : flags) {
        call.reply.bulk(flag);
    }
    call.reply.bulk("redirect");
    call.reply.integer(of.on ? static_cast<std::int64_t>(of.redirect) : -1);
    call.reply.bulk("prefixes");
    call.reply.array(of.prefixes.size());
    for (const std::string& prefix : of.prefixes) {
        call.reply.bulk(prefix);
    }
}

}  // namespace

void add_tracking_calls(CallTable& table) {
    table.add({
        {"client|caching", do_caching},
        {"client|getredir", do_getredir},
        {"client|tracking", do_tracking},
        {"client|trackinginfo", do_trackinginfo},
    });
}

}  // namespace kumo::api_redis
