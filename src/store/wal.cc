#include "store/wal.h"

#include "store/internal/wal_impl.h"

namespace kumo::store {

Result<std::unique_ptr<Wal>> Wal::open(io::Loop& loop, io::Fs& fs, WalOptions options) {
    auto impl = std::make_shared<Impl>(loop, fs, std::move(options));
    KUMO_TRY(impl->open());
    return std::unique_ptr<Wal>(new Wal(std::move(impl)));
}

Wal::Wal(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

Wal::~Wal() {
    impl_->detach();
}

Status Wal::replay(const std::map<StreamId, Seq>& from, const ReplayCallback& callback) {
    return impl_->replay(from, callback);
}

std::vector<StreamId> Wal::streams() const {
    return impl_->streams();
}

Seq Wal::last_seq(StreamId stream) const {
    return impl_->last_seq(stream);
}

void Wal::sync_behind(bool wanted) {
    impl_->sync_behind(wanted);
}

Status Wal::append(StreamId stream, Seq seq, ByteView payload, AppendCallback done) {
    return impl_->append(stream, seq, payload, std::move(done));
}

Status Wal::cut(StreamId stream, Seq from, AppendCallback done) {
    return impl_->cut(stream, from, std::move(done));
}

Status Wal::read(StreamId stream, Seq from, std::size_t bytes_max, ReadCallback done) {
    return impl_->read(stream, from, bytes_max, std::move(done));
}

void Wal::release(StreamId stream, Seq seq) {
    impl_->release(stream, seq);
}

void Wal::drop(StreamId stream) {
    impl_->drop(stream);
}

std::size_t Wal::pending_bytes() const {
    return impl_->pending_bytes();
}

Status Wal::health() const {
    return impl_->health();
}

WalStats Wal::stats() const {
    return impl_->stats();
}

}  // namespace kumo::store
