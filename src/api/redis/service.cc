#include "api/redis/service.h"

#include "api/redis/access.h"
#include "api/redis/internal/command_effects.h"
#include "api/redis/internal/random_id.h"
#include "api/redis/replication/migrations.h"
#include "api/redis/replication/replication.h"
#include "api/redis/scripting.h"
#include "base/log.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr ByteView kTooManyClients = "-ERR max number of clients reached\r\n";
constexpr ByteView kProtectedMode =
    "-DENIED Redis is running in protected mode because protected mode is enabled and no password "
    "is "
    "set for the default user. In this mode connections are only accepted from the loopback "
    "interface. To connect from other hosts, set a password (requirepass), or, if the network is "
    "trusted, disable protected mode with CONFIG SET protected-mode no from the server itself or "
    "with --protected-mode no at its start.\r\n";

OutputLimit output_limit(const std::string& limits, std::string_view client_class) {
    std::vector<std::string> words;
    (void)wire::split_quoted(limits, &words);
    const auto number = [&words](std::size_t at) {
        return kv::parse_integer(words[at]).value_or(0);
    };
    for (std::size_t i = 0; i + 3 < words.size(); i += 4) {
        if (words[i] == client_class) {
            return {
                static_cast<std::size_t>(number(i + 1)),
                static_cast<std::size_t>(number(i + 2)),
                number(i + 3) * 1000};
        }
    }
    return {};
}

}  // namespace

Service::Service(ServiceEnvironment environment, Settings with)
    : settings(std::move(with)),
      keyspace(
          random_seed(),
          // The second one is where a file has the keys of slots that are arriving.
          std::max(
              static_cast<int>(settings.number("databases")),
              settings.flag("cluster-enabled") ? 2 : 1
          ),
          settings.flag("cluster-enabled")
      ),
      run_id(random_id()),
      environment_(std::move(environment)),
      effects_(std::make_unique<CommandEffects>(*this)),
      scripting_(std::make_unique<Scripting>(*this)),
      access_(std::make_unique<Access>(*this)) {
    stats.commands.resize(kv::command_count());
    expire_cursors_.resize(static_cast<std::size_t>(keyspace.database_count()));
    eviction_cursors_.resize(expire_cursors_.size());
    started_ms_ = now_ms();
    last_save_seconds = started_ms_ / 1000;
    migrations_ = std::make_unique<Migrations>(*this);
    replication_ = std::make_unique<Replication>(*this);
    startup_memory_ = used_memory();
    stats.peak_memory = startup_memory_;
    apply_settings();
    on_setting("requirepass", [this] {
        access_->set_default_password(settings.text("requirepass"));
        return Status();
    });
    environment_.shutdown = [this, end = std::move(environment_.shutdown)](bool save, bool force) {
        scripting_->stop();
        Status ended = end(save, force);
        stopping = ended.ok();
        return ended;
    };
    cron();
}

Service::~Service() {
    environment_.loop.cancel_timer(cron_timer_);
    environment_.loop.cancel_timer(pause_timer_);
}

void Service::apply_settings() {
    kv::EncodingLimits& limits = keyspace.limits;
    const auto size = [this](ByteView name) {
        return static_cast<std::size_t>(settings.number(name));
    };
    limits.hash_max_listpack_entries = size("hash-max-listpack-entries");
    limits.hash_max_listpack_value = size("hash-max-listpack-value");
    limits.set_max_intset_entries = size("set-max-intset-entries");
    limits.zset_max_listpack_entries = size("zset-max-listpack-entries");
    limits.zset_max_listpack_value = size("zset-max-listpack-value");
    limits.list_max_listpack_size = settings.number("list-max-listpack-size");
    limits.list_compress_depth = settings.number("list-compress-depth");
    limits.stream_node_max_bytes = size("stream-node-max-bytes");
    limits.stream_node_max_entries = size("stream-node-max-entries");
    limits.hll_sparse_bytes_max = size("hll-sparse-max-bytes");
    kv::KeyspaceSettings& of_keys = keyspace.settings;
    const std::string& policy = settings.text("maxmemory-policy");
    constexpr std::array<std::string_view, 8> kPolicies = {
        "noeviction",
        "allkeys-lru",
        "allkeys-lfu",
        "allkeys-random",
        "volatile-lru",
        "volatile-lfu",
        "volatile-random",
        "volatile-ttl"};
    const auto* const at = std::find(kPolicies.begin(), kPolicies.end(), policy);
    of_keys.policy = static_cast<kv::EvictionPolicy>(at - kPolicies.begin());
    of_keys.lfu_log_factor = static_cast<int>(settings.number("lfu-log-factor"));
    of_keys.lfu_decay_minutes = static_cast<int>(settings.number("lfu-decay-time"));
    of_keys.string_bytes_max = size("proto-max-bulk-len");
    query_buffer_bytes_max_ = size("client-query-buffer-limit");
    event_flags_ = event_mask(settings.text("notify-keyspace-events"));
    settings_cache_.latency_tracking = settings.flag("latency-tracking");
    settings_cache_.slow_microseconds = settings.number("slowlog-log-slower-than");
    settings_cache_.latency_milliseconds = settings.number("latency-monitor-threshold");
    const auto memory_max = static_cast<std::uint64_t>(settings.number("maxmemory"));
    if (std::exchange(settings_cache_.memory_max, memory_max) != memory_max && memory_max > 0) {
        evict_later();
    }
    settings_cache_.client_memory_max = static_cast<std::uint64_t>(
        settings.share("maxmemory-clients", static_cast<std::int64_t>(memory_max))
    );
    of_keys.shares_numbers = memory_max == 0 || !kv::watches_access(of_keys.policy);
    const std::string& output = settings.text("client-output-buffer-limit");
    settings_cache_.normal_output = output_limit(output, "normal");
    settings_cache_.subscriber_output = output_limit(output, "pubsub");
    slow_log.trim(size("slowlog-max-len"));
    trim_tracking();
    replication_->apply_settings();
}

void Service::let_others_in() {
    environment_.loop.let_others_in();
}

Status Service::setting_changed(ByteView name) {
    const auto at = setting_actions_.find(name);
    return at == setting_actions_.end() ? Status() : at->second();
}

std::int64_t Service::now_us() const {
    if (frozen_now_us_.has_value()) {
        return *frozen_now_us_;
    }
    return std::chrono::duration_cast<std::chrono::microseconds>(
               environment_.loop.clock().wall_now().time_since_epoch()
    )
        .count();
}

MonotonicTime Service::monotonic_now() const {
    return environment_.loop.clock().monotonic_now();
}

std::uint64_t Service::used_memory() const {
    return environment_.used_memory ? environment_.used_memory() - freed_elsewhere_.load() : 0;
}

void Service::free_elsewhere(const std::function<void()>& free) {
    // Of its own thread each counts what it took less what it freed, which wraps.
    const auto count = [this] {
        return environment_.used_memory ? environment_.used_memory() : 0;
    };
    const std::uint64_t before = count();
    free();
    freed_elsewhere_ += before - count();
}

void Service::accept(std::unique_ptr<io::Stream> stream, std::uint16_t port) {
    ++stats.connections_received;
    const bool full = sessions_.size() >= static_cast<std::size_t>(settings.number("maxclients"));
    const bool barred = settings.flag("protected-mode")
                        && access_->users().default_user()->no_password()
                        && settings.text("bind") == find_setting_spec("bind")->standard
                        && !stream->peer().is_loopback();
    const SessionId id = next_session_++;
    auto made = std::make_unique<Session>(*this, id, std::move(stream));
    Session& session = *made;
    session.created_ms = now_ms();
    session.last_used_ms = session.created_ms;
    access_->begin(session);
    // A connection over loopback ends where it begins; of others the stream does not say.
    session.set_local_text(
        (session.is_local() ? session.peer_text().substr(0, session.peer_text().rfind(':'))
                            : "0.0.0.0")
        + ":" + (port == 0 ? settings.text("port") : std::to_string(port))
    );
    sessions_.emplace(id, std::move(made));
    session.start();
    if (full || barred) {
        ++stats.connections_rejected;
        session.reply.raw(full ? kTooManyClients : kProtectedMode);
        session.close_gently();
    }
}

Session* Service::session(SessionId id) {
    const auto at = sessions_.find(id);
    return at == sessions_.end() || at->second->closing() ? nullptr : at->second.get();
}

void Service::forget(Session& session) {
    client_bytes_ -= std::exchange(session.noted_bytes, 0);
    unwatch_all(session);
    channels.remove(session.id, session.subscriptions);
    stop_tracking(session);
    if (session.blocked.has_value()) {
        leave_blocked(session);
    }
    std::erase(monitors_, session.id);
    std::erase(paused_, session.id);
    std::erase(parked_, session.id);
    session.monitor = false;
    replication_->forget(session);
}

void Service::remove(Session& session) {
    if (session.executing) {
        session.gone = true;  // Its process() calls again.
        return;
    }
    sessions_.erase(session.id);
}

bool Service::needs_authentication(const Session& session) const {
    return access_->needs_authentication(session);
}

void Service::count_protocol_error() {
    stats.count_error("-ERR");
}

void Service::log_closed(const Session& session, ByteView why) {
    ++stats.output_limit_disconnections;
    log_warn("client " + std::to_string(session.id) + " is closed: " + std::string(why));
}

bool Service::over_output_limit(Session& session) const {
    if (session.replica) {
        return false;  // It is sent a stream at its pace.
    }
    const OutputLimit& limit = session.subscriptions.any() ? settings_cache_.subscriber_output
                                                           : settings_cache_.normal_output;
    const std::size_t waiting = session.output_bytes();
    if (limit.hard_bytes > 0 && waiting > limit.hard_bytes) {
        return true;
    }
    if (limit.soft_bytes == 0 || waiting <= limit.soft_bytes) {
        session.over_soft_limit_since_ms = 0;
        return false;
    }
    if (session.over_soft_limit_since_ms == 0) {
        session.over_soft_limit_since_ms = now_ms();
    }
    return now_ms() - session.over_soft_limit_since_ms > limit.soft_ms;
}

void Service::note_memory(Session& session) {
    if (settings_cache_.client_memory_max == 0 || session.no_evict || session.replica
        || session.closing()) {
        return;
    }
    const std::size_t now = session.memory_bytes();
    client_bytes_ += now - std::exchange(session.noted_bytes, now);
    if (client_bytes_ > settings_cache_.client_memory_max && !evicts_clients_later_) {
        evicts_clients_later_ = true;
        environment_.loop.defer([this] {
            evicts_clients_later_ = false;
            evict_clients();
        });
    }
}

std::size_t Service::client_bytes() const {
    return client_bytes_;
}

void Service::evict_clients() {
    std::vector<std::pair<std::size_t, SessionId>> by_size;
    client_bytes_ = 0;
    for (const auto& [id, open] : sessions_) {
        open->noted_bytes =
            open->closing() || open->no_evict || open->replica ? 0 : open->memory_bytes();
        client_bytes_ += open->noted_bytes;
        by_size.emplace_back(open->noted_bytes, id);
    }
    std::sort(by_size.rbegin(), by_size.rend());
    for (const auto& [bytes, id] : by_size) {
        if (settings_cache_.client_memory_max == 0 || bytes == 0
            || client_bytes_ <= settings_cache_.client_memory_max) {
            return;
        }
        log_info("client " + std::to_string(id) + " is closed: clients use too much memory");
        ++stats.evicted_clients;
        sessions_.at(id)->abort();
    }
}

void Service::flush_later(Session& session) {
    if (session.executing) {
        return;  // Its own process() does.
    }
    to_flush_.push_back(session.id);
    if (!flush_scheduled_) {
        flush_scheduled_ = true;
        environment_.loop.defer([this] {
            flush_scheduled_ = false;
            for (const SessionId id : std::exchange(to_flush_, {})) {
                if (Session* waiting = this->session(id); waiting != nullptr) {
                    waiting->flush();
                }
            }
        });
    }
}

void Service::close_all() {
    std::vector<SessionId> ids;
    for (const auto& [id, open] : sessions_) {
        ids.push_back(id);
    }
    for (const SessionId id : ids) {
        if (Session* open = session(id); open != nullptr) {
            open->close_gently();
        }
    }
}

}  // namespace kumo::api_redis
