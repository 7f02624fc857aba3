// Messages: SUBSCRIBE and its like, PUBLISH, SPUBLISH, PUBSUB (Redis 7.0).
#include "api/redis/call.h"
#include "api/redis/cluster/cluster.h"
#include "api/redis/service.h"

#include <array>
#include <functional>
#include <string>

namespace kumo::api_redis {

namespace {

struct Kind {
    ByteView subscribed, unsubscribed;
    bool (Channels::*subscribe)(SessionId, Subscriptions&, ByteView);
    bool (Channels::*unsubscribe)(SessionId, Subscriptions&, ByteView);
    std::set<std::string> Subscriptions::*own;
    bool shard;
};

constexpr Kind kChannel = {
    "subscribe",
    "unsubscribe",
    &Channels::subscribe,
    &Channels::unsubscribe,
    &Subscriptions::channels,
    false};
constexpr Kind kPattern = {
    "psubscribe",
    "punsubscribe",
    &Channels::subscribe_pattern,
    &Channels::unsubscribe_pattern,
    &Subscriptions::patterns,
    false};
constexpr Kind kShard = {
    "ssubscribe",
    "sunsubscribe",
    &Channels::subscribe_shard,
    &Channels::unsubscribe_shard,
    &Subscriptions::shard_channels,
    true};

void confirm(Call& call, const Kind& kind, ByteView what, ByteView channel) {
    const Subscriptions& own = call.session.subscriptions;
    wire::RespWriter pushed(call.reply.protocol());
    // CLIENT REPLY OFF does not silence what is pushed, and this is.
    const bool silenced = call.session.reply_mode != ReplyMode::kOn;
    wire::RespWriter& out = silenced ? pushed : call.reply;
    out.push(3);
    out.bulk(what);
    if (channel.data() == nullptr) {
        out.null();
    } else {
        out.bulk(channel);
    }
    out.integer(static_cast<std::int64_t>(kind.shard ? own.shard_channels.size() : own.count()));
    if (silenced) {
        call.session.after_reply.append(pushed.bytes());
    }
}

void subscribe(Call& call, const Kind& kind) {
    for (std::size_t i = 1; i < call.argc(); ++i) {
        (call.service.channels.*kind.subscribe
        )(call.session.id, call.session.subscriptions, call.arg(i));
        confirm(call, kind, kind.subscribed, call.arg(i));
    }
}

void unsubscribe(Call& call, const Kind& kind) {
    Subscriptions& own = call.session.subscriptions;
    std::vector<std::string> names;
    if (call.argc() > 1) {
        names.assign(call.arguments.begin() + 1, call.arguments.end());
    } else {
        names.assign((own.*kind.own).begin(), (own.*kind.own).end());
        if (names.empty()) {
            confirm(call, kind, kind.unsubscribed, {});
            return;
        }
    }
    for (const std::string& name : names) {
        (call.service.channels.*kind.unsubscribe)(call.session.id, own, name);
        confirm(call, kind, kind.unsubscribed, name);
    }
}

void do_subscribe(Call& call) {
    subscribe(call, kChannel);
}

void do_psubscribe(Call& call) {
    subscribe(call, kPattern);
}

void do_ssubscribe(Call& call) {
    subscribe(call, kShard);
}

void do_unsubscribe(Call& call) {
    unsubscribe(call, kChannel);
}

void do_punsubscribe(Call& call) {
    unsubscribe(call, kPattern);
}

void do_sunsubscribe(Call& call) {
    unsubscribe(call, kShard);
}

void do_publish(Call& call) {
    const std::size_t receivers = call.service.publish(call.arg(1), call.arg(2));
    if (call.service.cluster != nullptr) {
        call.service.cluster->broadcast(call.arg(1), call.arg(2));
    } else {
        call.service.propagate_message({call.arguments.begin(), call.arguments.end()});
    }
    call.reply.integer(static_cast<std::int64_t>(receivers));
}

void do_spublish(Call& call) {
    const std::size_t receivers = call.service.publish_shard(call.arg(1), call.arg(2));
    if (call.service.cluster != nullptr) {
        call.service.cluster->broadcast_shard(call.arg(1), call.arg(2));
    } else {
        call.service.propagate_message({call.arguments.begin(), call.arguments.end()});
    }
    call.reply.integer(static_cast<std::int64_t>(receivers));
}

void reply_names(Call& call, const std::vector<std::string>& names) {
    call.reply.array(names.size());
    for (const std::string& name : names) {
        call.reply.bulk(name);
    }
}

void do_channels(Call& call) {
    if (call.argc() > 3) {
        call.wrong_arguments();
        return;
    }
    reply_names(call, call.service.channels.active(call.argc() > 2 ? call.arg(2) : ByteView{}));
}

void do_shard_channels(Call& call) {
    if (call.argc() > 3) {
        call.wrong_arguments();
        return;
    }
    reply_names(
        call,
        call.service.channels.active_shard(call.argc() > 2 ? call.arg(2) : ByteView{})
    );
}

void reply_counts(Call& call, const std::function<std::size_t(ByteView)>& count) {
    call.reply.array((call.argc() - 2) * 2);
    for (std::size_t i = 2; i < call.argc(); ++i) {
        call.reply.bulk(call.arg(i));
        call.reply.integer(static_cast<std::int64_t>(count(call.arg(i))));
    }
}

void do_numsub(Call& call) {
    reply_counts(call, [&call](ByteView channel) {
        return call.service.channels.subscribers(channel);
    });
}

void do_shard_numsub(Call& call) {
    reply_counts(call, [&call](ByteView channel) {
        return call.service.channels.shard_subscribers(channel);
    });
}

void do_numpat(Call& call) {
    call.reply.integer(static_cast<std::int64_t>(call.service.channels.pattern_count()));
}

void do_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "CHANNELS [<pattern>]",
        "    The channels somebody listens to, those that match the pattern (default: '*').",
        "NUMPAT",
        "    How many patterns somebody listens to.",
        "NUMSUB [<channel> ...]",
        "    How many listen to each channel; patterns do not count.",
        "SHARDCHANNELS [<pattern>]",
        "    The shard channels somebody listens to.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    How many listen to each shard channel."};
    reply_help(call.reply, "PUBSUB", kLines);
}

}  // namespace

void add_pubsub_calls(CallTable& table) {
    table.add({
        {"psubscribe", do_psubscribe},
        {"publish", do_publish},
        {"pubsub|channels", do_channels},
        {"pubsub|help", do_help},
        {"pubsub|numpat", do_numpat},
        {"pubsub|numsub", do_numsub},
        {"pubsub|shardchannels", do_shard_channels},
        {"pubsub|shardnumsub", do_shard_numsub},
        {"punsubscribe", do_punsubscribe},
        {"spublish", do_spublish},
        {"ssubscribe", do_ssubscribe},
        {"subscribe", do_subscribe},
        {"sunsubscribe", do_sunsubscribe},
        {"unsubscribe", do_unsubscribe},
    });
}

}  // namespace kumo::api_redis
