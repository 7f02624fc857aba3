#include "api/kumosearch/handlers/clone_documents.h"

#include "search/index/index.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

/// What one write takes.
constexpr std::size_t kWriteDocuments = 1000;
constexpr std::size_t kWriteBytes = std::size_t{4} << 20;
constexpr Duration kRetryDelay = std::chrono::milliseconds(50);

/// The worker and the loop take turns, as with an export.
class Copy : public std::enable_shared_from_this<Copy> {
public:
    Copy(
        CallPtr call,
        std::shared_ptr<const search::Snapshot> from,
        std::string target,
        std::function<void(const Status&)> done
    )
        : call_(std::move(call)),
          from_(std::move(from)),
          target_(std::move(target)),
          done_(std::move(done)) {}

    void go_on() {
        const Status submitted = call_->context.pool.submit([self = shared_from_this()]() mutable {
            auto read = std::make_shared<const Status>(self->read());
            io::Loop& loop = self->loop_;
            // The reference moves along: the last one must be dropped on the loop.
            loop.post([self = std::move(self), read = std::move(read)] { self->write(*read); });
        });
        if (!submitted.ok() && submitted.error().code == ErrorCode::kOverloaded) {
            (void)loop_.add_timer(kRetryDelay, [self = shared_from_this()] { self->go_on(); });
        } else if (!submitted.ok()) {
            done_(submitted);
        }
    }

private:
    struct Place {
        std::int64_t order;
        std::uint32_t shard;
        std::uint32_t part;
        search::DocId doc;

        // NOLINTNEXTLINE(modernize-use-nullptr): in what the compiler writes
        auto operator<=>(const Place&) const = default;
    };

    void find_places() {
        for (std::uint32_t p = 0; p < from_->parts.size(); ++p) {
            const search::Snapshot::Part& part = from_->parts[p];
            for (search::DocId doc = 0; doc < part.segment->doc_count; ++doc) {
                if (!part.deleted.test(doc)) {
                    places_.push_back(
                        {part.segment->order->first(doc).value_or(0), part.shard, p, doc}
                    );
                }
            }
        }
        std::sort(places_.begin(), places_.end());
    }

    /// On a worker.
    Status read() {
        if (!std::exchange(found_, true)) {
            find_places();
        }
        batch_ = {};
        batch_.action = search::WriteAction::kCreate;
        for (std::size_t bytes = 0; next_ < places_.size() && bytes < kWriteBytes
                                    && batch_.documents.size() < kWriteDocuments;
             ++next_) {
            const Place& place = places_[next_];
            std::string& document = batch_.documents.emplace_back();
            KUMO_TRY(from_->parts[place.part].segment->stored->append(place.doc, document));
            bytes += document.size();
        }
        return {};
    }

    void write(const Status& read) {
        if (!read.ok() || batch_.documents.empty()) {
            done_(read);
            return;
        }
        call_->context.node.write(
            target_,
            std::move(batch_),
            loop_,
            [self = shared_from_this()](const Result<std::vector<Result<search::Written>>>& written
            ) { self->on_written(written); }
        );
    }

    void on_written(const Result<std::vector<Result<search::Written>>>& written) {
        if (!written.ok()) {
            done_(written.error());
            return;
        }
        for (const auto& one : written.value()) {
            if (!one.ok()) {
                done_(one.error());
                return;
            }
        }
        go_on();
    }

    CallPtr call_;
    io::Loop& loop_ = call_->loop();
    std::shared_ptr<const search::Snapshot> from_;
    std::string target_;
    std::function<void(const Status&)> done_;
    std::vector<Place> places_;
    bool found_ = false;
    std::size_t next_ = 0;
    node::WriteBatch batch_;
};

}  // namespace

void clone_documents(
    const CallPtr& call,
    const std::string& source,
    const std::string& target,
    std::function<void(const Status&)> done
) {
    auto from = call->context.node.snapshot(source);
    if (!from.ok()) {
        done(from.error());
        return;
    }
    std::make_shared<Copy>(call, std::move(from).value(), target, std::move(done))->go_on();
}

}  // namespace kumo::api_kumosearch
