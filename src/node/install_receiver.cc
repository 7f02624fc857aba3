#include "node/install_receiver.h"

#include "base/log.h"

#include <utility>
#include <vector>

namespace kumo::node {

namespace {

Error not_expected() {
    return Error{ErrorCode::kUnavailable, "this node does not expect files for that copy"};
}

}  // namespace

void InstallReceiver::on_request(const std::string& bytes, std::uint64_t reply) {
    auto message = decode_install(bytes);
    if (!message.ok()) {
        env_.control.answer(reply, message.error());
        return;
    }
    std::visit([&](auto& what) { handle(std::move(what), reply); }, message.value());
}

Result<std::shared_ptr<Shard>>
InstallReceiver::find_empty(cluster::ShardId id, cluster::CopyId copy) const {
    const auto shard = env_.local(id);
    if (shard == nullptr || shard->copy() != copy || shard->core().is_primary()) {
        return not_expected();
    }
    if (shard->core().last() != 0) {
        return Error{ErrorCode::kConflict, "the copy is not empty"};
    }
    return shard;
}

void InstallReceiver::handle(const InstallAsk& ask, std::uint64_t reply) {
    const auto shard = find_empty(ask.shard, ask.copy);
    env_.control.answer(
        reply,
        shard.ok() ? Result<std::string>(std::string()) : Result<std::string>(shard.error())
    );
}

void InstallReceiver::handle(const InstallBegin& begin, std::uint64_t reply) {
    const auto shard = find_empty(begin.shard, begin.copy);
    if (!shard.ok()) {
        env_.control.answer(reply, shard.error());
        return;
    }
    env_.control.answer(reply, prepare(begin, *shard.value()));
}

Result<std::string> InstallReceiver::prepare(const InstallBegin& begin, const Shard& shard) {
    std::erase_if(incoming_, [this](const auto& each) {
        const auto here = each.second == nullptr ? nullptr : env_.local(each.second->shard);
        return here == nullptr || here->copy() != each.first;
    });
    const IncomingPtr before = std::exchange(incoming_[begin.copy], nullptr);
    auto incoming = std::make_shared<Incoming>();
    incoming->shard = begin.shard;
    incoming->copy = begin.copy;
    incoming->origin = begin.origin;
    incoming->directory = env_.directory_of(begin.copy);
    incoming->schema = schema_of(shard.shared_collection());
    KUMO_TRY(io::make_directories(env_.fs, incoming->directory));
    const bool go_on = before != nullptr && before->origin == begin.origin && !before->failed;
    std::vector<std::uint64_t> offsets;
    for (const InstallFile& expected : begin.files) {
        File file;
        file.bytes = expected.bytes;
        const auto known = go_on ? before->files.find(expected.segment) : incoming->files.end();
        if (go_on && known != before->files.end() && known->second.bytes == expected.bytes) {
            file = known->second;
        } else {
            const std::string path = incoming_path(*incoming, expected.segment);
            KUMO_TRY_ASSIGN(auto opened, env_.fs.open(path, io::OpenMode::kCreate));
            KUMO_TRY(opened->truncate(0));
            KUMO_TRY(opened->allocate(expected.bytes));
            file.file = std::move(opened);
        }
        offsets.push_back(file.taken);
        incoming->files[expected.segment] = std::move(file);
    }
    incoming_[begin.copy] = std::move(incoming);
    return encode_offsets(offsets);
}

/// What is under way, unless it has failed.
InstallReceiver::IncomingPtr InstallReceiver::find_incoming(cluster::CopyId copy) const {
    const auto found = incoming_.find(copy);
    const bool good =
        found != incoming_.end() && found->second != nullptr && !found->second->failed;
    return good ? found->second : nullptr;
}

void InstallReceiver::handle(InstallData&& data, std::uint64_t reply) {
    const IncomingPtr incoming = find_incoming(data.copy);
    if (incoming == nullptr) {
        env_.control.answer(reply, not_expected());
        return;
    }
    const auto file = incoming->files.find(data.segment);
    const bool fits = file != incoming->files.end() && data.offset == file->second.taken
                      && data.bytes.size() <= file->second.bytes - file->second.taken;
    if (!fits) {
        env_.control.answer(reply, invalid_argument("a part of a file is not what should follow"));
        return;
    }
    file->second.taken += data.bytes.size();
    const auto target = file->second.file;
    const auto part = std::make_shared<const InstallData>(std::move(data));
    const auto job = [this, incoming, target, part, reply]() -> io::Task {
        // A sender that is too fast for the disk is held up, as it waits for answers.
        Status done = io::write_evenly(*target, part->offset, part->bytes);
        const auto written = std::make_shared<Status>(std::move(done));
        return [this, incoming, written, reply] {
            incoming->failed = incoming->failed || !written->ok();
            env_.control.answer(
                reply,
                written->ok() ? Result<std::string>(std::string())
                              : Result<std::string>(written->error())
            );
        };
    };
    env_.jobs.submit(BackgroundJobs::Lane::kInstall, job);
}

void InstallReceiver::handle(const InstallEnd& end, std::uint64_t reply) {
    const IncomingPtr incoming = find_incoming(end.copy);
    if (incoming == nullptr) {
        env_.control.answer(reply, not_expected());
        return;
    }
    for (const auto& [segment, file] : incoming->files) {
        if (file.taken != file.bytes) {
            env_.control.answer(reply, invalid_argument("a file is not complete"));
            return;
        }
    }
    incoming_.erase(end.copy);
    install(incoming, end.manifest, reply);
}

void InstallReceiver::install(
    const IncomingPtr& incoming,
    const std::string& manifest,
    std::uint64_t reply
) {
    io::Fs& fs = env_.fs;
    const auto job = [this, &fs, incoming, manifest, reply]() -> io::Task {
        const auto stored =
            std::make_shared<Result<SegmentStore::Content>>(store(fs, *incoming, manifest));
        return [this, incoming, stored, reply] {
            const auto shard = find_empty(incoming->shard, incoming->copy);
            if (!stored->ok() || !shard.ok()) {
                const Error why = stored->ok() ? shard.error() : stored->error();
                log_warn(incoming->directory + ": the files are of no use: " + why.message);
                env_.control.answer(reply, why);
                return;
            }
            env_.on_installed(incoming->shard, incoming->copy, std::move(*stored).value());
            env_.control.answer(reply, std::string());
        };
    };
    env_.jobs.submit(BackgroundJobs::Lane::kInstall, job);
}

Result<SegmentStore::Content>
InstallReceiver::store(io::Fs& fs, const Incoming& incoming, const std::string& manifest) {
    KUMO_TRY_ASSIGN(const StoredManifest stored, decode_stored(manifest));
    for (const auto& [segment, file] : incoming.files) {
        KUMO_TRY(file.file->sync());
        KUMO_TRY(
            fs.rename(incoming_path(incoming, segment), segment_path(incoming.directory, segment))
        );
    }
    KUMO_TRY(fs.sync_dir(incoming.directory));
    const SegmentStore files(fs, incoming.directory);
    KUMO_TRY(files.store_manifest(stored));
    return files.open(*incoming.schema);
}

std::string InstallReceiver::incoming_path(const Incoming& incoming, std::uint64_t segment) {
    return segment_path(incoming.directory, segment) + ".tmp";
}

}  // namespace kumo::node
