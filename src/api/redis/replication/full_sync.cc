#include "api/redis/replication/full_sync.h"

#include "api/redis/persistence/persistence.h"
#include "api/redis/replication/replication.h"
#include "api/redis/service.h"
#include "base/log.h"

#include <algorithm>
#include <array>
#include <utility>

namespace kumo::api_redis {

namespace {

/// Made in one turn of the loop.
constexpr std::size_t kStepBytes = std::size_t{256} * 1024;
constexpr Duration kStepPause = std::chrono::microseconds(200);

}  // namespace

FullSync::FullSync(
    Service& service,
    Replicas& replicas,
    Replication& replication,
    SyncWishes wishes
)
    : service_(service), replicas_(replicas), replication_(replication), wishes_(wishes) {}

FullSync::~FullSync() {
    service_.loop().cancel_timer(timer_);
    snapshot_.reset();
    file_.reset();
    if (!path_.empty()) {
        (void)service_.environment().fs->unlink(path_);
    }
}

void FullSync::forget(SessionId id) {
    members_.erase(id);
    if (!members_.empty()) {
        schedule(kStepPause);
    }
}

Status FullSync::open_file() {
    io::Fs* fs = service_.environment().fs;
    if (fs == nullptr) {
        return Error{ErrorCode::kUnsupported, "there is no directory for a file"};
    }
    path_ = io::join_path(
        service_.settings.text("dir"),
        "temp-sync-" + replication_.random_id().substr(0, 12) + ".rdb"
    );
    KUMO_TRY_ASSIGN(file_, fs->open(path_, io::OpenMode::kCreate));
    return {};
}

/// What follows in the stream begins with a SELECT: a replica that has just read a file knows of no
/// database.
Status FullSync::open_snapshot() {
    pending_.clear();
    file_bytes_ = 0;
    failed_ = {};
    place_ = replication_.begin_of_snapshot();
    for (const auto& [id, sent] : members_) {
        if (Replica* replica = replicas_.find(id); replica != nullptr) {
            replica->place = place_;
        }
    }
    writer_ = std::make_unique<kv::RdbWriter>(
        [this](ByteView bytes) {
            if (file_ == nullptr) {
                pending_.append(bytes);
            } else if (failed_.ok()) {
                failed_ = file_->write(file_bytes_, bytes);
                file_bytes_ += bytes.size();
            }
        },
        kv::RdbWriteOptions{
            service_.settings.flag("rdbcompression"),
            service_.settings.flag("rdbchecksum")}
    );
    write_rdb_head(service_, *writer_, {.functions = wishes_.functions});
    if (const std::optional<int> db = replication_.stream_database(); db.has_value()) {
        writer_->aux("repl-stream-db", std::to_string(*db));
    }
    if (wishes_.keys) {
        snapshot_ = std::make_unique<kv::Snapshot>(service_.keyspace, *writer_, service_.now_ms());
    }
    return {};
}

void FullSync::begin(std::vector<SessionId> members) {
    for (const SessionId id : members) {
        members_.emplace(id, 0);
        replicas_.find(id)->phase = ReplicaPhase::kSnapshot;
    }
    Status opened = wishes_.to_mark ? Status() : open_file();
    if (opened.ok()) {
        opened = open_snapshot();
    }
    if (!opened.ok()) {
        fail(opened.error().message);
        return;
    }
    log_info(
        "a snapshot for " + std::to_string(members_.size()) + " replicas begins"
        + (wishes_.to_mark ? "" : ", by way of a file")
    );
    if (wishes_.to_mark) {
        mark_ = replication_.random_id();
        for (const SessionId id : members) {
            announce(id, "$EOF:" + mark_ + "\r\n");
        }
    }
    schedule(kStepPause);
}

void FullSync::announce(SessionId id, ByteView rest) {
    Session* session = service_.session(id);
    Replica* replica = replicas_.find(id);
    if (session == nullptr || replica == nullptr) {
        return;
    }
    replica->announced = true;
    std::string head;
    if (!replica->old_protocol) {
        head = "+FULLRESYNC " + replication_.id() + " " + std::to_string(place_) + "\r\n";
    }
    (void)session->stream()->write(head.append(rest));
}

void FullSync::schedule(Duration delay) {
    if (scheduled_) {
        return;
    }
    scheduled_ = true;
    timer_ = service_.loop().add_timer(delay, [this] {
        scheduled_ = false;
        pump();
    });
}

bool FullSync::all_have_room() const {
    return std::all_of(members_.begin(), members_.end(), [this](const auto& member) {
        Session* session = service_.session(member.first);
        return session == nullptr || session->stream()->queued_bytes() < Replicas::kWindowBytes;
    });
}

void FullSync::fail(ByteView why) {
    snapshot_.reset();
    std::vector<SessionId> members;
    for (const auto& [id, sent] : members_) {
        members.push_back(id);
    }
    members_.clear();
    replicas_.snapshot_failed(members, why);
}

/// The next thing to do; on_drained() or forget() call again where it has to wait for a replica.
void FullSync::pump() {
    if (members_.empty()) {
        return;
    }
    if (file_complete_) {
        send_file();
    } else if (wishes_.to_mark && !all_have_room()) {
        return;
    } else {
        step_snapshot();
    }
}

void FullSync::step_snapshot() {
    if (snapshot_ != nullptr && snapshot_->broken()) {
        if (wishes_.to_mark) {
            fail("all keys were removed while it was made");
            return;
        }
        // Nothing of it has been sent yet.
        snapshot_.reset();
        if (const Status again = open_snapshot(); !again.ok()) {
            fail(again.error().message);
            return;
        }
    }
    const bool more = snapshot_ != nullptr && snapshot_->step(kStepBytes);
    // What changes before its turn is written at once, however slowly it is taken.
    if (replicas_.hard_limit_ > 0 && pending_.size() > replicas_.hard_limit_) {
        fail("it is taken more slowly than keys change");
        return;
    }
    if (!failed_.ok()) {
        fail(failed_.error().message);
        return;
    }
    if (more || (snapshot_ != nullptr && snapshot_->broken())) {
        distribute();
        schedule(kStepPause);
        return;
    }
    finish_snapshot();
}

void FullSync::distribute() {
    if (file_ != nullptr || pending_.empty()) {
        return;
    }
    const std::string piece = std::exchange(pending_, {});
    for (const auto& [id, sent] : members_) {
        if (Session* session = service_.session(id); session != nullptr) {
            (void)session->stream()->write(piece);
            service_.count_output(piece.size());
        }
    }
}

void FullSync::finish_snapshot() {
    const std::uint64_t keys = snapshot_ == nullptr ? 0 : snapshot_->keys();
    snapshot_.reset();
    writer_->finish();
    writer_.reset();
    if (!failed_.ok()) {
        fail(failed_.error().message);
        return;
    }
    log_info("a snapshot for replicas is complete: " + std::to_string(keys) + " keys");
    if (file_ != nullptr) {
        file_complete_ = true;
        for (const auto& [id, sent] : members_) {
            announce(id, "$" + std::to_string(file_bytes_) + "\r\n");
        }
        send_file();
        return;
    }
    pending_.append(mark_);
    distribute();
    for (const auto& [id, sent] : std::exchange(members_, {})) {
        replicas_.snapshot_sent(id);
    }
}

void FullSync::send_file() {
    std::vector<SessionId> complete;
    for (auto& [id, sent] : members_) {
        Session* session = service_.session(id);
        while (session != nullptr && sent < file_bytes_
               && session->stream()->queued_bytes() < Replicas::kWindowBytes) {
            auto piece = file_->read(sent, kStepBytes);
            if (!piece.ok() || piece.value().empty()) {
                fail(piece.ok() ? "the file has become shorter" : piece.error().message);
                return;
            }
            sent += piece.value().size();
            service_.count_output(piece.value().size());
            (void)session->stream()->write(std::move(piece).value());
        }
        if (sent == file_bytes_) {
            complete.push_back(id);
        }
    }
    for (const SessionId id : complete) {
        members_.erase(id);
        replicas_.snapshot_sent(id);
    }
}

}  // namespace kumo::api_redis
