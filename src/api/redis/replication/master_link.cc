// A replica's way to its master: connection, handshake, retries.
#include "api/redis/replication/master_link.h"

#include "api/redis/replication/replication.h"
#include "api/redis/service.h"
#include "base/log.h"
#include "io/network.h"
#include "io/resolver.h"
#include "kv/aof/aof_writer.h"
#include "kv/command/words.h"
#include "kv/keyspace/number.h"

#include <algorithm>
#include <utility>

namespace kumo::api_redis {

namespace {

constexpr Duration kBackoffMin = std::chrono::milliseconds(100);
constexpr Duration kBackoffMax = std::chrono::seconds(4);
constexpr std::int64_t kAcknowledgeMs = 1000;

}  // namespace

MasterLink::MasterLink(
    Service& service,
    Replication& replication,
    MasterAddress master,
    bool takes_over
)
    : service_(service),
      replication_(replication),
      master_(std::move(master)),
      takes_over_(takes_over),
      down_since_ms_(service.now_ms()) {}

MasterLink::~MasterLink() {
    *alive_ = false;
    service_.loop().cancel_timer(timer_);
    drop_file();
}

void MasterLink::start() {
    connect();
}

// Connecting ------------------------------------------------------------------------------------

void MasterLink::connect() {
    io::Resolver* resolver = service_.environment().resolver;
    state_ = State::kConnecting;
    const std::uint64_t attempt = ++attempt_;
    if (resolver == nullptr) {
        fail("this server makes no connections");
        return;
    }
    log_info("connecting to the master " + master_.host + ":" + std::to_string(master_.port));
    resolver->resolve(
        service_.loop(),
        master_.host,
        master_.port,
        [this, attempt, alive = alive_](Result<std::vector<io::Address>> addresses) {
            if (!*alive || attempt != attempt_) {
                return;
            }
            if (!addresses.ok()) {
                fail(addresses.error().message);
                return;
            }
            connect_to(addresses.value());
        }
    );
}

/// Another try takes another address, if there are several.
void MasterLink::connect_to(const std::vector<io::Address>& addresses) {
    const std::uint64_t attempt = attempt_;
    service_.environment().network->connect(
        service_.loop(),
        addresses[static_cast<std::size_t>(attempt % addresses.size())],
        std::chrono::seconds(service_.settings.number("repl-timeout")),
        [this, attempt, alive = alive_](Result<std::unique_ptr<io::Stream>> made) {
            if (!*alive || attempt != attempt_) {
                return;
            }
            if (!made.ok()) {
                fail(made.error().message);
                return;
            }
            connected(std::move(made).value());
        }
    );
}

void MasterLink::connected(std::unique_ptr<io::Stream> stream) {
    stream_ = std::move(stream);
    state_ = State::kHandshake;
    input_ = std::make_unique<MasterStream>();
    asked_.clear();
    unit_.clear();
    unit_bytes_.clear();
    in_transaction_ = false;
    said_sync_ = false;
    last_heard_ms_ = service_.now_ms();
    stream_->start(*this);
    ask(Asked::kPing, {"PING"});
}

void MasterLink::fail(ByteView why) {
    log_warn(
        "the master " + master_.host + ":" + std::to_string(master_.port) + ": " + std::string(why)
    );
    stream_.reset();
    if (state_ == State::kConnected) {
        down_since_ms_ = service_.now_ms();
    }
    if (replacement_ != nullptr) {
        replication_.on_load_failed();
    }
    drop_file();
    retry_later();
}

bool MasterLink::drop(ByteView why) {
    const bool there = stream_ != nullptr;
    if (there) {
        fail(why);
    }
    return there;
}

void MasterLink::stop() {
    ++attempt_;
    service_.loop().cancel_timer(timer_);
    stream_.reset();
    drop_file();
}

void MasterLink::retry_later() {
    state_ = State::kConnect;
    ++attempt_;
    backoff_ = std::clamp(backoff_ * 2, kBackoffMin, kBackoffMax);
    service_.loop().cancel_timer(timer_);
    timer_ = service_.loop().add_timer(backoff_, [this] { connect(); });
}

void MasterLink::drop_file() {
    replacement_.reset();
    file_.reset();
    if (!path_.empty()) {
        (void)service_.environment().fs->unlink(std::exchange(path_, {}));
    }
}

void MasterLink::on_eof() {
    fail("the connection was closed");
}

void MasterLink::on_closed(Status why) {
    fail(why.ok() ? "the connection was closed" : why.error().message);
}

// The handshake -----------------------------------------------------------------------------------

void MasterLink::ask(Asked what, std::initializer_list<ByteView> words) {
    std::string bytes;
    kv::append_aof_command(std::span(words.begin(), words.size()), &bytes);
    asked_.push_back(what);
    (void)stream_->write(std::move(bytes));
}

/// Everything a master wants to know before PSYNC; its answers are read in this order.
void MasterLink::greet() {
    const Settings& settings = service_.settings;
    const std::string& password = settings.text("masterauth");
    const std::string& user = settings.text("masteruser");
    if (!password.empty() && !user.empty()) {
        ask(Asked::kAuth, {"AUTH", user, password});
    } else if (!password.empty()) {
        ask(Asked::kAuth, {"AUTH", password});
    }
    const std::int64_t announced = settings.number("replica-announce-port");
    const std::string port =
        std::to_string(announced > 0 ? announced : service_.environment().port);
    ask(Asked::kReplconf, {"REPLCONF", "listening-port", port});
    if (const std::string& ip = settings.text("replica-announce-ip"); !ip.empty()) {
        ask(Asked::kReplconf, {"REPLCONF", "ip-address", ip});
    }
    ask(Asked::kReplconf, {"REPLCONF", "capa", "eof", "capa", "psync2"});
}

void MasterLink::ask_for_stream() {
    std::string id = "?";
    std::string offset = "-1";
    if (replication_.knows_place()) {
        id = replication_.id();
        offset = std::to_string(replication_.offset() + 1);
    }
    if (takes_over_) {
        ask(Asked::kPsync, {"PSYNC", id, offset, "FAILOVER"});
    } else {
        ask(Asked::kPsync, {"PSYNC", id, offset});
    }
}

void MasterLink::on_line(ByteView line) {
    if (asked_.empty()) {
        fail("an answer that nobody asked for");
        return;
    }
    const Asked asked = asked_.front();
    asked_.pop_front();
    const bool is_error = line[0] == '-';
    switch (asked) {
        case Asked::kPing:
            if (is_error && line.substr(0, 7) != "-NOAUTH" && line.substr(0, 7) != "-NOPERM"
                && line.substr(0, 28) != "-ERR operation not permitted") {
                fail("PING was answered with: " + std::string(line.substr(1, 256)));
                return;
            }
            greet();
            return;
        case Asked::kAuth:
            if (is_error) {
                fail("AUTH was answered with: " + std::string(line.substr(1, 256)));
                return;
            }
            break;
        case Asked::kReplconf: break;  // A master that is too old for an option goes without it.
        case Asked::kPsync: on_psync_answer(line); return;
    }
    if (asked_.empty()) {
        ask_for_stream();
    }
}

void MasterLink::on_psync_answer(ByteView line) {
    std::vector<std::string> words;
    (void)wire::split_quoted(line, &words);
    if (words.size() >= 3 && words[0] == "+FULLRESYNC" && words[1].size() == 40) {
        const auto place = kv::parse_integer(words[2]);
        if (place.has_value() && *place >= 0) {
            begin_full(words[1], static_cast<std::uint64_t>(*place));
            return;
        }
    }
    if (!words.empty() && words[0] == "+CONTINUE") {
        go_on(words.size() > 1 ? words[1] : std::string());
        return;
    }
    if (takes_over_) {
        replication_.on_takeover_refused(line);
        return;
    }
    const bool later = line.substr(0, 13) == "-NOMASTERLINK" || line.substr(0, 8) == "-LOADING";
    const bool denied = line.substr(0, 7) == "-NOAUTH" || line.substr(0, 7) == "-NOPERM";
    if (later || denied || line[0] != '-' || said_sync_) {
        fail("PSYNC was answered with: " + std::string(line.substr(1, 256)));
        return;
    }
    // A server that knows no PSYNC.
    said_sync_ = true;
    kv::append_aof_command(std::vector<ByteView>{"SYNC"}, &unit_bytes_);
    (void)stream_->write(std::exchange(unit_bytes_, {}));
    begin_full({}, 0);
}

void MasterLink::begin_full(ByteView id, std::uint64_t place) {
    full_id_ = id;
    full_place_ = place;
    rdb_bytes_ = 0;
    state_ = State::kSync;
    io::Fs* fs = service_.environment().fs;
    if (fs == nullptr) {
        fail("there is no directory for the master's file");
        return;
    }
    path_ = io::join_path(
        service_.settings.text("dir"),
        "temp-master-" + replication_.random_id().substr(0, 12) + ".rdb"
    );
    auto opened = fs->open(path_, io::OpenMode::kCreate);
    if (!opened.ok()) {
        fail(opened.error().message);
        return;
    }
    file_ = std::move(opened).value();
    log_info("full synchronization with the master, from place " + std::to_string(place));
    if (takes_over_) {
        takes_over_ = false;
        replication_.on_takeover_done();
    }
    input_->expect_rdb();
}

void MasterLink::go_on(ByteView id) {
    log_info("the master goes on from place " + std::to_string(replication_.offset()));
    replication_.continue_as(id);
    if (takes_over_) {
        takes_over_ = false;
        replication_.on_takeover_done();
    }
    input_->expect_commands();
    set_connected();
}

void MasterLink::set_connected() {
    state_ = State::kConnected;
    backoff_ = {};
    last_heard_ms_ = service_.now_ms();
    acknowledge();
}

// The file ----------------------------------------------------------------------------------------

void MasterLink::on_rdb(ByteView bytes) {
    if (const Status written = file_->write(rdb_bytes_, bytes); !written.ok()) {
        fail(written.error().message);
        return;
    }
    rdb_bytes_ += bytes.size();
}

/// Nothing more is read before the file is in place: what follows it waits at the master.
void MasterLink::on_rdb_end() {
    state_ = State::kLoading;
    stream_->pause_reading();
    file_.reset();
    log_info("the master's file is here: " + std::to_string(rdb_bytes_) + " bytes");
    service_.loop().post([this, attempt = attempt_, alive = alive_] {
        if (*alive && attempt == attempt_) {
            begin_load();
        }
    });
}

void MasterLink::begin_load() {
    replication_.on_keys_go();
    auto begun = DatasetReplacement::begin(service_, *service_.environment().fs, path_);
    if (!begun.ok()) {
        fail(begun.error().message);
        return;
    }
    replacement_ = std::move(begun).value();
    load_some();
}

void MasterLink::load_some() {
    constexpr Duration kSlice = std::chrono::milliseconds(4);
    const auto more = replacement_->step(kSlice);
    if (!more.ok()) {
        fail("its file cannot be read: " + more.error().message);
        return;
    }
    if (!more.value()) {
        end_load();
        return;
    }
    // A timer, so that a turn for everybody else lies between two slices.
    service_.loop().cancel_timer(timer_);
    timer_ = service_.loop().add_timer(std::chrono::microseconds(10), [this] { load_some(); });
}

void MasterLink::end_load() {
    log_info("took over " + std::to_string(replacement_->keys()) + " keys from the master");
    db_ = replacement_->stream_database();
    drop_file();
    replication_.adopt(full_id_, full_place_);
    set_connected();
    stream_->resume_reading();
    service_.loop().post([this, attempt = attempt_, alive = alive_] {
        if (*alive && attempt == attempt_) {
            process();
        }
    });
}

std::uint64_t MasterLink::sync_total_bytes() const {
    return input_ == nullptr ? 0 : input_->rdb_bytes().value_or(0);
}

// What has its time -------------------------------------------------------------------------------

void MasterLink::acknowledge() {
    if (stream_ == nullptr || state_ != State::kConnected || said_sync_) {
        return;
    }
    acknowledged_ms_ = service_.now_ms();
    std::string bytes;
    const std::string offset = std::to_string(replication_.offset());
    kv::append_aof_command(std::vector<ByteView>{"REPLCONF", "ACK", offset}, &bytes);
    (void)stream_->write(std::move(bytes));
}

void MasterLink::periodic() {
    const std::int64_t now = service_.now_ms();
    const bool waits = state_ == State::kConnect || state_ == State::kConnecting;
    if (!waits && state_ != State::kLoading
        && now - last_heard_ms_ > service_.settings.number("repl-timeout") * 1000) {
        fail("nothing was heard of it for longer than repl-timeout");
        return;
    }
    if (now - acknowledged_ms_ < kAcknowledgeMs) {
        return;
    }
    if (state_ == State::kConnected) {
        acknowledge();
    } else if (state_ == State::kSync || state_ == State::kLoading) {
        acknowledged_ms_ = now;
        (void)stream_->write("\n");  // There is nothing to acknowledge yet, but we are alive.
    }
}

std::string_view MasterLink::state_name() const {
    switch (state_) {
        case State::kConnect: return "connect";
        case State::kConnecting: return "connecting";
        case State::kHandshake: return "handshake";
        case State::kSync:
        case State::kLoading: return "sync";
        case State::kConnected: return "connected";
    }
    return "unknown";
}

std::string MasterLink::peer_text() const {
    return stream_ == nullptr ? std::string() : stream_->peer().to_string();
}

std::uint64_t MasterLink::read_place() const {
    return replication_.offset() + unit_bytes_.size();
}

}  // namespace kumo::api_redis
