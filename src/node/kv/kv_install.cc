#include "node/kv/kv_install.h"

#include "base/log.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

constexpr Duration kCallTimeout = std::chrono::seconds(10);
/// The other side makes everything durable, and reads it.
constexpr Duration kEndTimeout = std::chrono::minutes(30);
constexpr Duration kAgainAfter = std::chrono::milliseconds(300);

Result<std::string> answer_of(Status status) {
    return status.ok() ? Result<std::string>(std::string()) : Result<std::string>(status.error());
}

}  // namespace

// ---- sending

void KvInstallSender::start(const cluster::NodeId& node) {
    const auto before = running_.find(node);
    if (before != running_.end()) {
        before->second->ended = true;
        running_.erase(before);
    }
    const auto copy = env_.copy();
    if (copy == nullptr) {
        return;
    }
    const auto& copies = copy->core().view().copies;
    const auto target = copies.find(node);
    if (!copy->core().is_primary() || target == copies.end()) {
        return;
    }
    auto install = std::make_shared<Install>();
    install->node = node;
    install->shard = copy->shard();
    install->copy = target->second;
    install->origin = copy->copy();
    running_[node] = install;
    ask(install);
}

void KvInstallSender::ask(const InstallPtr& install) {
    const InstallAsk question{install->shard, install->copy};
    call(install, question, kCallTimeout, [this, install](const Result<std::string>& answer) {
        if (answer.ok()) {
            take_checkpoint(install);
            return;
        }
        if (answer.error().code == ErrorCode::kConflict) {
            // Files go into empty copies only: nothing of the old one can be mistaken for new.
            env_.control.propose_cluster(
                cluster::ReplaceCopy{install->shard, install->node, install->copy}
            );
        }
        finish(install, answer.error());
    });
}

void KvInstallSender::take_checkpoint(const InstallPtr& install) {
    const auto copy = env_.copy();
    if (copy == nullptr || copy->copy() != install->origin) {
        finish(install, Error{ErrorCode::kUnavailable, "the copy is gone"});
        return;
    }
    env_.checkpoint(copy->core().log().base(), [this, install](Result<Source> source) {
        if (install->ended) {
            return;
        }
        if (!source.ok()) {
            finish(install, source.error());
            return;
        }
        install->source = std::move(source).value();
        send_begin(install);
    });
}

void KvInstallSender::send_begin(const InstallPtr& install) {
    const KvCheckpoint& checkpoint = install->source.checkpoint;
    log_info(
        "sends the keys, " + std::to_string(checkpoint.bytes) + " bytes, to node "
        + install->node.to_string()
    );
    const InstallBegin begin{
        install->shard,
        install->copy,
        install->origin,
        {{checkpoint.seq, checkpoint.bytes}}};
    call(install, begin, kCallTimeout, [this, install](const Result<std::string>& answer) {
        if (answer.ok()) {
            pump(install);
        } else {
            finish(install, answer.error());
        }
    });
}

void KvInstallSender::pump(const InstallPtr& install) {
    const KvCheckpoint& checkpoint = install->source.checkpoint;
    if (install->next >= checkpoint.bytes && install->in_flight == 0) {
        const InstallEnd end{install->copy, encode_kv_checkpoint(checkpoint)};
        call(install, end, kEndTimeout, [this, install](const Result<std::string>& answer) {
            finish(install, answer.ok() ? Status() : Status(answer.error()));
        });
        return;
    }
    while (install->next < checkpoint.bytes && install->in_flight < kKvChunksInFlightMax
           && !install->ended) {
        read_chunk(install);
    }
}

/// In a lane, so that parts are read, and sent, in their order.
void KvInstallSender::read_chunk(const InstallPtr& install) {
    const std::uint64_t offset = install->next;
    const auto size = static_cast<std::size_t>(
        std::min<std::uint64_t>(env_.chunk_bytes, install->source.checkpoint.bytes - offset)
    );
    install->next += size;
    ++install->in_flight;
    const auto file = install->source.file;
    env_.jobs.submit(BackgroundJobs::Lane::kMerge, [=, this]() -> io::Task {
        const auto bytes = std::make_shared<Result<std::string>>(file->read(offset, size));
        return [=, this] {
            if (install->ended) {
                return;
            }
            if (!bytes->ok()) {
                finish(install, bytes->error());
                return;
            }
            InstallData data{
                install->copy,
                install->source.checkpoint.seq,
                offset,
                std::move(*bytes).value()};
            call(install, std::move(data), kCallTimeout, [=, this](const auto& answer) {
                --install->in_flight;
                if (answer.ok()) {
                    pump(install);
                } else {
                    finish(install, answer.error());
                }
            });
        };
    });
}

/// Once. A failed one is tried again by the copy, but not at once.
void KvInstallSender::finish(const InstallPtr& install, const Status& delivered) {
    if (std::exchange(install->ended, true)) {
        return;
    }
    const auto found = running_.find(install->node);
    if (found != running_.end() && found->second == install) {
        running_.erase(found);
    }
    const bool ok = delivered.ok();
    const auto tell = [this, install, ok] {
        const auto copy = env_.copy();
        if (copy != nullptr && copy->copy() == install->origin) {
            copy->install_done(install->node, install->copy, install->source.checkpoint.seq, ok);
        }
    };
    if (ok) {
        log_info("node " + install->node.to_string() + " has its keys");
        tell();
    } else {
        log_info(
            "node " + install->node.to_string()
            + " has not got its keys: " + delivered.error().message
        );
        (void)env_.loop.add_timer(kAgainAfter, tell);
    }
}

void KvInstallSender::call(
    const InstallPtr& install,
    const InstallMessage& message,
    Duration timeout,
    std::function<void(const Result<std::string>&)> done
) {
    env_.control.call(
        install->node,
        PeerRequest::kInstall,
        encode_install(message),
        timeout,
        [install, done = std::move(done)](const Result<std::string>& answer) {
            if (!install->ended) {
                done(answer);
            }
        }
    );
}

// ---- receiving

void KvInstallReceiver::on_request(const std::string& bytes, std::uint64_t reply) {
    auto message = decode_install(bytes);
    if (!message.ok()) {
        env_.control.answer(reply, message.error());
        return;
    }
    std::visit([&](auto& what) { handle(std::move(what), reply); }, message.value());
}

Status KvInstallReceiver::may_take(cluster::ShardId shard, cluster::CopyId copy) const {
    const auto here = env_.copy();
    if (here == nullptr || here->shard() != shard || here->copy() != copy
        || here->core().is_primary()) {
        return Error{ErrorCode::kUnavailable, "this node does not expect files for that copy"};
    }
    if (here->core().last() != 0) {
        return Error{ErrorCode::kConflict, "the copy is not empty"};
    }
    return {};
}

void KvInstallReceiver::handle(const InstallAsk& ask, std::uint64_t reply) {
    env_.control.answer(reply, answer_of(may_take(ask.shard, ask.copy)));
}

void KvInstallReceiver::handle(const InstallBegin& begin, std::uint64_t reply) {
    Status taken = may_take(begin.shard, begin.copy);
    if (taken.ok()) {
        taken = open(begin);
    }
    env_.control.answer(reply, answer_of(std::move(taken)));
}

Status KvInstallReceiver::open(const InstallBegin& begin) {
    if (begin.files.size() != 1) {
        return invalid_argument("a copy of keys is one file");
    }
    auto incoming = std::make_shared<Incoming>();
    incoming->copy = begin.copy;
    incoming->seq = begin.files.front().segment;
    incoming->bytes = begin.files.front().bytes;
    incoming->life = env_.life();
    KUMO_TRY(io::make_directories(env_.fs, env_.files.directory_of(incoming->life, incoming->copy))
    );
    incoming->path = env_.files.path_of(incoming->life, incoming->copy, incoming->seq);
    KUMO_TRY_ASSIGN(auto file, env_.fs.open(incoming->path + ".part", io::OpenMode::kCreate));
    KUMO_TRY(file->truncate(0));
    KUMO_TRY(file->allocate(incoming->bytes));
    incoming->file = std::move(file);
    incoming_ = std::move(incoming);
    return {};
}

void KvInstallReceiver::handle(InstallData&& data, std::uint64_t reply) {
    const auto incoming = incoming_;
    const bool fits = incoming != nullptr && incoming->copy == data.copy && !incoming->failed
                      && incoming->seq == data.segment && incoming->taken == data.offset
                      && data.bytes.size() <= incoming->bytes - incoming->taken;
    if (!fits) {
        env_.control.answer(reply, invalid_argument("a part of a file is not what should follow"));
        return;
    }
    incoming->taken += data.bytes.size();
    const auto part = std::make_shared<const InstallData>(std::move(data));
    env_.jobs.submit(BackgroundJobs::Lane::kInstall, [=, this]() -> io::Task {
        const auto written =
            std::make_shared<Status>(incoming->file->write(part->offset, part->bytes));
        return [=, this] {
            incoming->failed = incoming->failed || !written->ok();
            env_.control.answer(reply, answer_of(std::move(*written)));
        };
    });
}

void KvInstallReceiver::handle(const InstallEnd& end, std::uint64_t reply) {
    const auto incoming = incoming_;
    const auto checkpoint = decode_kv_checkpoint(end.manifest);
    if (incoming == nullptr || incoming->copy != end.copy || incoming->failed || !checkpoint.ok()
        || incoming->taken != incoming->bytes || checkpoint.value().seq != incoming->seq) {
        env_.control.answer(reply, invalid_argument("the file is not whole"));
        return;
    }
    incoming_.reset();
    const auto store = [this, incoming, mark = checkpoint.value()]() -> Status {
        KUMO_TRY(incoming->file->sync());
        KUMO_TRY(env_.fs.rename(incoming->path + ".part", incoming->path));
        KUMO_TRY(env_.fs.sync_dir(io::parent_path(incoming->path)));
        return env_.files.write_mark(incoming->life, incoming->copy, mark);
    };
    env_.jobs.submit(
        BackgroundJobs::Lane::kInstall,
        [this, incoming, store, reply, mark = checkpoint.value()]() -> io::Task {
            const auto stored = std::make_shared<Status>(store());
            return [=, this] {
                if (stored->ok()) {
                    env_.on_installed(incoming->copy, mark);
                }
                env_.control.answer(reply, answer_of(std::move(*stored)));
            };
        }
    );
}

}  // namespace kumo::node
