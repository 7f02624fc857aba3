#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/joins.h"
#include "api/kumosearch/query/filter_parser.h"
#include "api/kumosearch/query/joined_fields.h"
#include "api/kumosearch/query/search_plan.h"
#include "node/joined_snapshots.h"
#include "search/join/joiner.h"
#include "search/query/search.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

/// A slice is read at once by a worker: about this much, at first by the count of documents.
constexpr std::size_t kSliceBytes = std::size_t{512} << 10;
constexpr std::size_t kFirstSliceDocuments = 64;
constexpr std::size_t kSliceDocumentsMax = 4096;
constexpr Duration kRetryDelay = std::chrono::milliseconds(20);

/// What a worker read.
struct Slice {
    std::string text;  ///< Lines, each with its end.
    std::size_t documents = 0;
    bool last = false;
};

/// One export. The worker and the loop take turns: while a slice is being read nobody else touches
/// `position_`. Loop-owned otherwise; shared by whoever has the next turn.
class Export : public std::enable_shared_from_this<Export> {
public:
    Export(
        CallPtr call,
        std::shared_ptr<const search::Snapshot> snapshot,
        search::Filter filter,
        ShownFields fields,
        search::JoinRequest joins
    )
        : call_(std::move(call)),
          snapshot_(std::move(snapshot)),
          filter_(std::move(filter)),
          fields_(std::move(fields)),
          joins_(std::move(joins)) {}

    void start() {
        call_->response->begin(200, answer_headers(*call_, kPlainContentType));
        call_->response->on_writable([self = shared_from_this()] { self->go_on(); });
        read_slice();
    }

private:
    /// The client has taken all: read more, unless that is under way.
    void go_on() {
        if (std::exchange(waiting_, false)) {
            read_slice();
        }
    }

    void read_slice() {
        if (!call_->response->alive()) {
            return;
        }
        const Status submitted = call_->context.pool.submit([self = shared_from_this()]() mutable {
            auto slice = std::make_shared<const Result<Slice>>(self->read());
            io::Loop& loop = self->loop_;
            // The reference moves along: the last one must be dropped on the loop.
            loop.post([self = std::move(self), slice = std::move(slice)] { self->send(*slice); });
        });
        if (!submitted.ok() && submitted.error().code == ErrorCode::kOverloaded) {
            (void)loop_.add_timer(kRetryDelay, [self = shared_from_this()] { self->read_slice(); });
        } else if (!submitted.ok()) {
            call_->response->abort();
        }
    }

    /// On a worker.
    Result<Slice> read() {
        search::Joiner joiner(joins_, &call_->context.node.key_tables());
        if (!std::exchange(resolved_, true)) {
            joiner.resolve(*snapshot_, filter_);
        }
        std::vector<std::string> documents;
        KUMO_TRY(search::scan_documents(*snapshot_, filter_, slice_documents_, position_, documents)
        );
        Slice out;
        out.documents = documents.size();
        out.last = documents.size() < slice_documents_;
        KUMO_TRY_ASSIGN(
            const auto joined,
            joiner.include(*snapshot_->schema, documents, fields_.includes)
        );
        for (std::size_t i = 0; i < documents.size(); ++i) {
            KUMO_TRY(append_shown(fields_.fields, fields_.shapes, documents[i], joined[i], out.text)
            );
            out.text.push_back('\n');
        }
        return out;
    }

    void send(const Result<Slice>& slice) {
        if (!call_->response->alive()) {
            return;
        }
        if (!slice.ok()) {
            call_->response->abort();  // The status is out already: a cut answer says it.
            return;
        }
        write_lines(slice.value());
        if (slice.value().last) {
            count_answer(*call_, 200);
            call_->response->end();
            return;
        }
        resize(slice.value());
        if (call_->response->queued_bytes() < http::kStreamPauseBytes) {
            read_slice();
        } else {
            waiting_ = true;
        }
    }

    /// Lines end between documents only: the last one has no end.
    void write_lines(const Slice& slice) {
        ByteView text = slice.text;
        if (text.empty()) {
            return;
        }
        text.remove_suffix(1);
        if (std::exchange(begun_, true)) {
            call_->response->write("\n");
        }
        call_->response->write(text);
    }

    /// The next slice is as many documents as fill kSliceBytes, going by this one.
    void resize(const Slice& slice) {
        const std::size_t each = std::max<std::size_t>(slice.text.size() / slice.documents, 1);
        slice_documents_ = std::clamp<std::size_t>(kSliceBytes / each, 1, kSliceDocumentsMax);
    }

    CallPtr call_;
    io::Loop& loop_ = call_->loop();
    std::shared_ptr<const search::Snapshot> snapshot_;
    search::Filter filter_;
    ShownFields fields_;
    search::JoinRequest joins_;
    bool resolved_ = false;  ///< The filter's joins are.
    search::ScanPosition position_;
    std::size_t slice_documents_ = kFirstSliceDocuments;
    bool waiting_ = false;  ///< For the client to take what is queued.
    bool begun_ = false;
};

Result<std::shared_ptr<Export>> make_export(const CallPtr& call) {
    const Parameters& parameters = call->parameters;
    KUMO_TRY_ASSIGN(auto snapshot, call->context.node.snapshot(call->collection()));
    JoinPlanner joins =
        join_planner(call->context.node, call->grant, {call->collection(), snapshot->schema});
    FilterLimits limits{
        call->context.options.filter_by_max_ops,
        parameters.flag("validate_field_names", true)};
    limits.joins = &joins;
    KUMO_TRY_ASSIGN(
        search::Filter filter,
        parse_filter(parameters.text("filter_by"), *snapshot->schema, limits)
    );
    KUMO_TRY_ASSIGN(ShownFields fields, plan_shown_fields(parameters, filter, &joins));
    search::JoinRequest request = joins.request();
    KUMO_TRY(node::take_joined(call->context.node, request));
    return std::make_shared<Export>(
        call,
        std::move(snapshot),
        std::move(filter),
        std::move(fields),
        std::move(request)
    );
}

}  // namespace

void export_documents(const CallPtr& call) {
    const auto made = make_export(call);
    if (!made.ok()) {
        answer_error(*call, made.error());
        return;
    }
    made.value()->start();
}

}  // namespace kumo::api_kumosearch
