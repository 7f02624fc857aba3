// Watching the server work: SLOWLOG, LATENCY, MONITOR (Redis 7.0).
#include "api/redis/service.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <array>
#include <string>

namespace kumo::api_redis {

namespace {

// SLOWLOG ---------------------------------------------------------------------------------------

void do_slowlog_get(Call& call) {
    std::int64_t count = 10;
    if (call.argc() > 3) {
        call.wrong_arguments();
        return;
    }
    if (call.argc() == 3) {
        const auto wanted = kv::parse_integer(call.arg(2));
        if (!wanted.has_value() || *wanted < -1) {
            call.error("ERR count should be greater than or equal to -1");
            return;
        }
        count = *wanted;
    }
    const auto& entries = call.service.slow_log.entries();
    const std::size_t shown =
        count < 0 ? entries.size() : std::min(entries.size(), static_cast<std::size_t>(count));
    call.reply.array(shown);
    for (std::size_t i = 0; i < shown; ++i) {
        const SlowEntry& entry = entries[i];
        call.reply.array(6);
        call.reply.integer(static_cast<std::int64_t>(entry.id));
        call.reply.integer(entry.at_seconds);
        call.reply.integer(static_cast<std::int64_t>(entry.microseconds));
        call.reply.array(entry.arguments.size());
        for (const std::string& argument : entry.arguments) {
            call.reply.bulk(argument);
        }
        call.reply.bulk(entry.peer);
        call.reply.bulk(entry.name);
    }
}

void do_slowlog_len(Call& call) {
    call.reply.integer(static_cast<std::int64_t>(call.service.slow_log.entries().size()));
}

void do_slowlog_reset(Call& call) {
    call.service.slow_log.clear();
    call.reply.ok();
}

void do_slowlog_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "GET [<count>]",
        "    The newest entries, 10 unless a count is given; -1: all. Of each: id, time,",
        "    microseconds, arguments, client address, client name.",
        "LEN",
        "    How many entries there are.",
        "RESET",
        "    Forget them."};
    reply_help(call.reply, "SLOWLOG", kLines);
}

// LATENCY ---------------------------------------------------------------------------------------

void do_latency_latest(Call& call) {
    const auto& events = call.service.latency.events();
    call.reply.array(events.size());
    for (const auto& [name, event] : events) {
        call.reply.array(4);
        call.reply.bulk(name);
        call.reply.integer(event.samples.back().at_seconds);
        call.reply.integer(static_cast<std::int64_t>(event.samples.back().milliseconds));
        call.reply.integer(static_cast<std::int64_t>(event.worst_ms));
    }
}

void do_latency_history(Call& call) {
    const auto& events = call.service.latency.events();
    const auto at = events.find(call.arg(2));
    if (at == events.end()) {
        call.reply.array(0);
        return;
    }
    call.reply.array(at->second.samples.size());
    for (const LatencyMonitor::Sample& sample : at->second.samples) {
        call.reply.array(2);
        call.reply.integer(sample.at_seconds);
        call.reply.integer(static_cast<std::int64_t>(sample.milliseconds));
    }
}

void do_latency_reset(Call& call) {
    std::size_t forgotten = 0;
    if (call.argc() == 2) {
        forgotten = call.service.latency.reset_all();
    }
    for (std::size_t i = 2; i < call.argc(); ++i) {
        forgotten += call.service.latency.reset(call.arg(i));
    }
    call.reply.integer(static_cast<std::int64_t>(forgotten));
}

void reply_histogram(Call& call, const kv::CommandSpec& spec, const CommandStats& of) {
    call.reply.bulk(spec.full_name());
    call.reply.map(2);
    call.reply.bulk("calls");
    call.reply.integer(static_cast<std::int64_t>(of.histogram->count()));
    call.reply.bulk("histogram_usec");
    const auto rows = of.histogram->cumulative();
    call.reply.map(rows.size());
    for (const auto& [edge, count] : rows) {
        call.reply.integer(static_cast<std::int64_t>(edge));
        call.reply.integer(static_cast<std::int64_t>(count));
    }
}

void do_latency_histogram(Call& call) {
    std::vector<const kv::CommandSpec*> shown;
    const auto add = [&](const kv::CommandSpec& spec) {
        const CommandStats& of = call.service.stats.commands[spec.id];
        if (of.histogram != nullptr && of.histogram->count() > 0) {
            shown.push_back(&spec);
        }
    };
    const auto add_all = [&add](const kv::CommandSpec& spec) {
        add(spec);
        for (const kv::CommandSpec& sub : spec.subcommands) {
            add(sub);
        }
    };
    if (call.argc() == 2) {
        for (const kv::CommandSpec& spec : kv::all_commands()) {
            add_all(spec);
        }
    }
    for (std::size_t i = 2; i < call.argc(); ++i) {
        const std::size_t bar = call.arg(i).find('|');
        const kv::CommandSpec* spec = kv::find_command(call.arg(i).substr(0, bar));
        if (spec == nullptr) {
            continue;
        }
        if (bar == ByteView::npos) {
            add_all(*spec);
        } else if (const auto* sub = kv::find_subcommand(*spec, call.arg(i).substr(bar + 1));
                   sub != nullptr) {
            add(*sub);
        }
    }
    call.reply.map(shown.size());
    for (const kv::CommandSpec* spec : shown) {
        reply_histogram(call, *spec, call.service.stats.commands[spec->id]);
    }
}

void do_latency_graph(Call& call) {
    const auto& events = call.service.latency.events();
    const auto at = events.find(call.arg(2));
    if (at == events.end()) {
        call.error("ERR No samples available for event '" + std::string(call.arg(2)) + "'");
        return;
    }
    const LatencyMonitor::Event& event = at->second;
    std::uint64_t low = UINT64_MAX;
    for (const LatencyMonitor::Sample& sample : event.samples) {
        low = std::min(low, sample.milliseconds);
    }
    std::string out = at->first + " - high " + std::to_string(event.worst_ms) + " ms, low "
                      + std::to_string(low) + " ms (all time high " + std::to_string(event.worst_ms)
                      + " ms)\n" + std::string(80, '-') + "\n";
    for (const LatencyMonitor::Sample& sample : event.samples) {
        const std::uint64_t bar =
            event.worst_ms == 0 ? 0 : sample.milliseconds * 40 / event.worst_ms;
        out += std::to_string(call.service.now_ms() / 1000 - sample.at_seconds) + "s ago "
               + std::string(bar, '#') + " " + std::to_string(sample.milliseconds) + "\n";
    }
    call.reply.verbatim("txt", out);
}

void do_latency_doctor(Call& call) {
    const auto& events = call.service.latency.events();
    if (call.service.settings.number("latency-monitor-threshold") == 0) {
        call.reply.verbatim(
            "txt",
            "Latency monitoring is disabled in this instance. Set latency-monitor-threshold to the "
            "milliseconds from which on an event is worth a sample.\n"
        );
        return;
    }
    std::string out = events.empty() ? "No latency spike was observed since the last reset.\n" : "";
    for (const auto& [name, event] : events) {
        std::uint64_t sum = 0;
        for (const LatencyMonitor::Sample& sample : event.samples) {
            sum += sample.milliseconds;
        }
        out += name + ": " + std::to_string(event.samples.size()) + " latency spikes (average "
               + std::to_string(sum / event.samples.size()) + "ms). Worst all time event "
               + std::to_string(event.worst_ms) + "ms.\n";
    }
    call.reply.verbatim("txt", out);
}

void do_latency_help(Call& call) {
    constexpr std::string_view kLines[] = {
        "DOCTOR",
        "    What the samples say, in words.",
        "GRAPH <event>",
        "    The samples of an event as a graph.",
        "HISTORY <event>",
        "    The samples of an event, time and milliseconds.",
        "LATEST",
        "    The last sample of each event.",
        "RESET [<event> ...]",
        "    Forget the samples of these events, or of all.",
        "HISTOGRAM [COMMAND ...]",
        "    How long commands took, as a cumulative distribution."};
    reply_help(call.reply, "LATENCY", kLines);
}

void do_monitor(Call& call) {
    call.service.start_monitoring(call.session);
    call.reply.ok();
}

}  // namespace

void add_observation_calls(CallTable& table) {
    table.add({
        {"latency|doctor", do_latency_doctor},
        {"latency|graph", do_latency_graph},
        {"latency|help", do_latency_help},
        {"latency|histogram", do_latency_histogram},
        {"latency|history", do_latency_history},
        {"latency|latest", do_latency_latest},
        {"latency|reset", do_latency_reset},
        {"monitor", do_monitor},
        {"slowlog|get", do_slowlog_get},
        {"slowlog|help", do_slowlog_help},
        {"slowlog|len", do_slowlog_len},
        {"slowlog|reset", do_slowlog_reset},
    });
}

}  // namespace kumo::api_redis
