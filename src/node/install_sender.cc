#include "node/install_sender.h"

#include "base/log.h"
#include "node/segment_store.h"

#include <algorithm>
#include <utility>

namespace kumo::node {

namespace {

constexpr Duration kCallTimeout = std::chrono::seconds(10);
/// The other side makes everything durable, and reads it once.
constexpr Duration kEndTimeout = std::chrono::minutes(5);
constexpr Duration kAgainAfter = std::chrono::seconds(1);

std::string name_of(cluster::ShardId shard) {
    return "shard " + std::to_string(static_cast<std::uint64_t>(shard));
}

}  // namespace

void InstallSender::start(cluster::ShardId shard, const cluster::NodeId& node) {
    auto install = std::make_shared<Install>();
    install->shard = shard;
    install->node = node;
    give_up(shard, node);
    if (running_.size() >= kInstallsMax) {
        waiting_.push_back(std::move(install));
    } else {
        begin(install);
    }
}

void InstallSender::give_up(cluster::ShardId shard, const cluster::NodeId& node) {
    const auto is_same = [&](const InstallPtr& each) {
        return each->shard == shard && each->node == node;
    };
    std::erase_if(waiting_, is_same);
    for (const InstallPtr& each : std::vector(running_)) {
        if (is_same(each)) {
            end(each);
        }
    }
}

void InstallSender::begin(const InstallPtr& install) {
    running_.push_back(install);
    const auto shard = env_.local(install->shard);
    if (shard == nullptr) {
        finish(install, Error{ErrorCode::kNotFound, "the shard is gone"});
        return;
    }
    const auto& copies = shard->core().view().copies;
    const auto copy = copies.find(install->node);
    if (!shard->core().is_primary() || copy == copies.end()) {
        finish(install, Error{ErrorCode::kNotFound, "the copy is gone"});
        return;
    }
    install->copy = copy->second;
    install->origin = shard->copy();
    call(
        install,
        InstallAsk{install->shard, install->copy},
        kCallTimeout,
        [this, install](const Result<std::string>& answer) { on_asked(install, answer); }
    );
}

void InstallSender::on_asked(const InstallPtr& install, const Result<std::string>& answer) {
    if (answer.ok()) {
        open_files(install);
        return;
    }
    if (answer.error().code == ErrorCode::kConflict) {
        // Files go into empty copies only: nothing of the old one can be mistaken for new.
        env_.control.propose_cluster(
            cluster::ReplaceCopy{install->shard, install->node, install->copy}
        );
    }
    finish(install, answer.error());
}

/// In the lane of the jobs that replace manifests and remove segments, so that they are the same
/// ones from beginning to end.
void InstallSender::open_files(const InstallPtr& install) {
    io::Fs& fs = env_.fs;
    const std::string directory = env_.directory_of(install->origin);
    const auto job = [this, &fs, directory, install]() -> io::Task {
        const auto opened = std::make_shared<Status>(open(fs, directory, *install));
        return [this, install, opened] {
            if (install->ended) {
                install->files.clear();
            } else if (opened->ok()) {
                send_begin(install);
            } else {
                finish(install, *opened);
            }
        };
    };
    env_.jobs.submit(BackgroundJobs::Lane::kStore, job);
}

Status InstallSender::open(io::Fs& fs, const std::string& directory, Install& install) {
    KUMO_TRY_ASSIGN(const auto manifest, read_manifest(fs, directory));
    if (!manifest) {
        return Error{ErrorCode::kUnavailable, directory + ": nothing is stored yet"};
    }
    install.seq = manifest->index.applied_seq;
    install.manifest = encode_stored(*manifest);
    for (const search::ManifestSegment& segment : manifest->index.segments) {
        KUMO_TRY_ASSIGN(auto mapped, fs.map(segment_path(directory, segment.id)));
        install.files.push_back({segment.id, std::move(mapped), 0});
    }
    return {};
}

void InstallSender::send_begin(const InstallPtr& install) {
    InstallBegin begin{install->shard, install->copy, install->origin, {}};
    std::uint64_t bytes = 0;
    for (const File& file : install->files) {
        begin.files.push_back({file.segment, file.content->bytes().size()});
        bytes += file.content->bytes().size();
    }
    log_info(
        name_of(install->shard) + ": sends " + std::to_string(begin.files.size()) + " files, "
        + std::to_string(bytes) + " bytes, to node " + install->node.to_string()
    );
    call(install, begin, kCallTimeout, [this, install](const Result<std::string>& answer) {
        on_begun(install, answer);
    });
}

void InstallSender::on_begun(const InstallPtr& install, const Result<std::string>& answer) {
    if (!answer.ok()) {
        finish(install, answer.error());
        return;
    }
    const auto offsets = decode_offsets(answer.value());
    if (!offsets.ok() || offsets.value().size() != install->files.size()) {
        finish(install, corruption("an answer to an install message is not well formed"));
        return;
    }
    for (std::size_t i = 0; i < install->files.size(); ++i) {
        File& file = install->files[i];
        file.next = std::min<std::uint64_t>(offsets.value()[i], file.content->bytes().size());
    }
    pump(install);
}

void InstallSender::pump(const InstallPtr& install) {
    const auto shard = env_.local(install->shard);
    if (shard == nullptr || !shard->core().is_primary()) {
        finish(install, not_primary());
        return;
    }
    while (!install->ended && install->in_flight < kInstallWindow
           && install->file < install->files.size()) {
        File& file = install->files[install->file];
        if (file.next == file.content->bytes().size()) {
            ++install->file;
            continue;
        }
        const std::uint64_t offset = file.next;
        file.next =
            std::min<std::uint64_t>(offset + env_.chunk_bytes, file.content->bytes().size());
        ++install->in_flight;
        read_chunk(install, file, offset);
    }
    if (!install->ended && install->in_flight == 0 && install->file == install->files.size()) {
        send_end(install);
    }
}

/// By the pool: the pages may not be in memory.
void InstallSender::read_chunk(const InstallPtr& install, const File& file, std::uint64_t offset) {
    const std::size_t bytes = file.next - offset;
    const std::uint64_t number = install->next_read++;
    const auto read =
        [this, install, number, content = file.content, segment = file.segment, offset, bytes] {
            InstallData data{install->copy, segment, offset, {}};
            data.bytes = content->bytes().substr(offset, bytes);
            const auto message = std::make_shared<InstallMessage>(std::move(data));
            env_.loop.post([this, install, number, message] {
                install->read[number] = std::move(*message);
                send_chunks(install);
            });
        };
    const Status submitted = env_.pool.submit(read);
    if (!submitted.ok()) {
        finish(install, submitted);
    }
}

void InstallSender::send_chunks(const InstallPtr& install) {
    while (!install->ended && install->read.contains(install->next_sent)) {
        const auto next = install->read.extract(install->next_sent++);
        call(install, next.mapped(), kCallTimeout, [this, install](const auto& answer) {
            --install->in_flight;
            if (answer.ok()) {
                pump(install);
            } else {
                finish(install, answer.error());
            }
        });
    }
}

void InstallSender::send_end(const InstallPtr& install) {
    call(
        install,
        InstallEnd{install->copy, install->manifest},
        kEndTimeout,
        [this, install](const Result<std::string>& answer) {
            finish(install, answer.ok() ? Status() : Status(answer.error()));
        }
    );
}

/// Once. A failed one is tried again by the shard, but not at once.
void InstallSender::finish(const InstallPtr& install, const Status& delivered) {
    if (install->ended) {
        return;
    }
    const bool ok = delivered.ok();
    const auto tell = [this, install, ok] {
        const auto shard = env_.local(install->shard);
        if (shard != nullptr) {
            shard->install_done(install->node, install->copy, install->seq, ok);
        }
    };
    const std::string who =
        name_of(install->shard) + ": node " + install->node.to_string() + " has ";
    if (ok) {
        log_info(who + "its files");
        tell();
    } else {
        log_info(who + "not got its files: " + delivered.error().message);
        (void)env_.loop.add_timer(kAgainAfter, tell);
    }
    end(install);
}

void InstallSender::end(const InstallPtr& install) {
    install->ended = true;
    install->files.clear();
    install->read.clear();
    std::erase(running_, install);
    if (!waiting_.empty() && running_.size() < kInstallsMax) {
        const InstallPtr next = std::move(waiting_.front());
        waiting_.pop_front();
        begin(next);
    }
}

void InstallSender::call(
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

}  // namespace kumo::node
