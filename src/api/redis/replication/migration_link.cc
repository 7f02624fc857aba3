#include "api/redis/replication/migration_link.h"

#include "api/redis/replication/migrations.h"
#include "api/redis/service.h"
#include "io/network.h"
#include "io/resolver.h"
#include "kv/aof/aof_writer.h"

#include <utility>

namespace kumo::api_redis {

namespace {

/// Payloads are made as the target takes them.
constexpr std::size_t kWindowBytes = std::size_t{1} << 20U;
constexpr std::size_t kLineBytesMax = std::size_t{64} * 1024;

}  // namespace

MigrationLink::MigrationLink(
    Service& service,
    Migrations& migrations,
    std::string host,
    std::uint16_t port
)
    : service_(service), migrations_(migrations), host_(std::move(host)), port_(port) {}

MigrationLink::~MigrationLink() {
    *alive_ = false;
    service_.loop().cancel_timer(timer_);
}

// Beginning and end -------------------------------------------------------------------------------

void MigrationLink::begin(Migration& migration) {
    migration_ = &migration;
    was_kept_ = stream_ != nullptr;
    watch_silence();
    if (was_kept_) {
        greet();
        return;
    }
    io::Resolver* resolver = service_.environment().resolver;
    if (resolver == nullptr) {
        migrations_.finish(migration, "IOERR error or timeout connecting to the client");
        return;
    }
    resolver->resolve(
        service_.loop(),
        host_,
        port_,
        [this, alive = alive_](Result<std::vector<io::Address>> addresses) {
            if (!*alive || migration_ == nullptr) {
                return;
            }
            if (!addresses.ok()) {
                broken("connecting");
                return;
            }
            connect_to(addresses.value());
        }
    );
}

void MigrationLink::connect_to(const std::vector<io::Address>& addresses) {
    service_.environment().network->connect(
        service_.loop(),
        addresses.front(),
        std::chrono::milliseconds(migration_->timeout_ms),
        [this, alive = alive_](Result<std::unique_ptr<io::Stream>> made) {
            if (!*alive || migration_ == nullptr) {
                return;
            }
            if (!made.ok()) {
                broken("connecting");
                return;
            }
            stream_ = std::move(made).value();
            stream_->start(*this);
            greet();
        }
    );
}

void MigrationLink::rest() {
    migration_ = nullptr;
    rests_since_ms_ = service_.now_ms();
    service_.loop().cancel_timer(timer_);
}

void MigrationLink::broken(ByteView doing) {
    Migration* migration = std::exchange(migration_, nullptr);
    stream_.reset();
    if (migration == nullptr) {
        return;  // One that rested; it is dropped when somebody looks.
    }
    if (doing == "connecting") {
        migrations_.finish(*migration, "IOERR error or timeout connecting to the client");
    } else if (was_kept_ && !migration->any_answer && !migration->retried) {
        migrations_.retry(*migration);
    } else {
        migrations_.finish(
            *migration,
            "IOERR error or timeout " + std::string(doing) + " to target instance"
        );
    }
}

/// Each answer begins the time anew.
void MigrationLink::watch_silence() {
    service_.loop().cancel_timer(timer_);
    timer_ = service_.loop().add_timer(std::chrono::milliseconds(migration_->timeout_ms), [this] {
        if (migration_ != nullptr) {
            was_kept_ = false;  // It was not the keeping.
            broken(stream_ == nullptr ? "connecting" : "reading");
        }
    });
}

// What is sent ------------------------------------------------------------------------------------

void MigrationLink::ask(Asked what, const std::vector<std::string>& words) {
    const std::vector<ByteView> views(words.begin(), words.end());
    std::string bytes;
    kv::append_aof_command(views, &bytes);
    asked_.push_back(what);
    (void)stream_->write(std::move(bytes));
}

/// No key is sent before it is known that it gets into the right database.
void MigrationLink::greet() {
    asked_.clear();
    if (!migration_->authentication.empty()) {
        ask(Asked::kAuth, migration_->authentication);
    }
    if (db_ != migration_->target_db) {
        ask(Asked::kSelect, {"SELECT", std::to_string(migration_->target_db)});
    }
    if (asked_.empty()) {
        send_more();
    }
}

void MigrationLink::send_more() {
    while (migration_ != nullptr && stream_->queued_bytes() < kWindowBytes) {
        std::string command = migrations_.next_restore(*migration_);
        if (command.empty()) {
            break;
        }
        asked_.push_back(Asked::kRestore);
        (void)stream_->write(std::move(command));
    }
    if (migration_ != nullptr && asked_.empty()) {
        migrations_.finish(*migration_, {});  // The last keys went before their turn.
    }
}

void MigrationLink::on_drained() {
    if (migration_ != nullptr && !asked_.empty() && asked_.front() == Asked::kRestore) {
        send_more();
    }
}

// What comes back ---------------------------------------------------------------------------------

void MigrationLink::on_data(ByteView bytes) {
    input_.append(bytes);
    std::size_t from = 0;
    const auto alive = alive_;
    for (std::size_t end = input_.find('\n'); end != std::string::npos && migration_ != nullptr;
         end = input_.find('\n', from)) {
        std::string line = input_.substr(from, end - from);
        from = end + 1;
        if (!line.empty() && line.back() == '\r') {
            line.pop_back();
        }
        on_line(line);
        if (!*alive) {
            return;
        }
    }
    input_.erase(0, from);
    if (input_.size() > kLineBytesMax || (migration_ == nullptr && !input_.empty())) {
        broken("reading");
    }
}

void MigrationLink::on_line(ByteView line) {
    if (asked_.empty() || line.empty()) {
        broken("reading");
        return;
    }
    migration_->any_answer = true;
    watch_silence();
    const Asked asked = asked_.front();
    asked_.pop_front();
    if (asked == Asked::kRestore) {
        migrations_.on_restored(*migration_, line);
    } else if (line[0] == '-') {
        db_ = -1;
        migrations_.finish(
            *migration_,
            "ERR Target instance replied with error: " + std::string(line.substr(1))
        );
        return;
    } else if (asked == Asked::kSelect) {
        db_ = migration_->target_db;
    }
    if (asked_.empty() || asked_.front() == Asked::kRestore) {
        send_more();
    }
}

void MigrationLink::on_eof() {
    broken("reading");
}

void MigrationLink::on_closed(Status /*why*/) {
    broken("reading");
}

}  // namespace kumo::api_redis
