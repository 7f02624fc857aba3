#include "api/kumosearch/errors.h"
#include "api/kumosearch/handlers/document_parameters.h"
#include "api/kumosearch/handlers/handlers.h"
#include "base/assert.h"
#include "wire/json_writer.h"
#include "wire/lines.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kumo::api_kumosearch {

namespace {

constexpr std::uint64_t kImportBytesMax = std::uint64_t{1} << 40;
constexpr std::uint64_t kBatchDocuments = 500;  ///< If the client does not say.
constexpr std::size_t kBatchBytes = std::size_t{1} << 20;
/// What may be written and not answered by the node. Beyond it the body waits.
constexpr std::size_t kBatchesInFlightMax = 32;
constexpr std::size_t kBytesInFlightMax = std::size_t{16} << 20;
/// Answers that wait because the client sends all before it reads anything, as most do.
constexpr std::size_t kAnswerBytesMax = std::size_t{64} << 20;

struct ImportOptions {
    node::WriteBatch empty;  ///< Action and dirty_values of every batch.
    std::uint64_t batch_documents = kBatchDocuments;
    bool return_id = false;
    bool return_doc = false;
};

Result<ImportOptions> read_options(const Parameters& parameters) {
    ImportOptions out;
    KUMO_TRY_ASSIGN(out.empty, plan_write(parameters, search::WriteAction::kCreate));
    KUMO_TRY_ASSIGN(
        const std::uint64_t documents,
        parameters.unsigned_integer("batch_size", kBatchDocuments)
    );
    if (documents == 0) {
        return invalid_argument("Parameter `batch_size` must be a positive integer.");
    }
    out.batch_documents = std::min<std::uint64_t>(documents, node::kBatchDocumentsMax);
    out.return_id = parameters.flag("return_id", false);
    out.return_doc = parameters.flag("return_doc", false);
    return out;
}

/// What becomes of one line: a document of the batch, or a refusal already.
struct LineFate {
    std::string text;  ///< As it was sent, for the answer to a bad one.
    std::optional<Error> refused;
};

/// Lines that are answered together. The answers of a batch leave when all before it have left.
struct ImportBatch {
    std::vector<LineFate> lines;
    std::size_t bytes = 0;
    std::string answers;  ///< Set once `done`; each behind a line end.
    bool done = false;
};

/// One import from its first byte to its last answer: body -> lines -> batches -> node -> answers
/// in the order of the lines. Shared by the sink, the node's replies and the response's callbacks;
/// it lives until the last of them is gone, so what was handed to the node is applied although the
/// client may be gone. Loop-owned.
class Import : public std::enable_shared_from_this<Import> {
public:
    Import(CallPtr call, ImportOptions options)
        : call_(std::move(call)), options_(std::move(options)), lines_(kDocumentBytesMax) {}

    void take(ByteView piece) {
        while (const auto line = lines_.next(piece)) {
            add(*line);
        }
        if (batches_.empty()) {
            close_batch();  // Nothing to wait for: do not hold back what is here.
        }
        apply_back_pressure();
    }

    void finish() {
        if (const auto line = lines_.finish()) {
            add(*line);
        }
        close_batch();
        complete_ = true;
        flush();
    }

private:
    void add(const wire::Line& line) {
        LineFate fate;
        if (line.too_long) {
            fate.refused = invalid_argument(
                "Bad JSON: the line is longer than " + std::to_string(kDocumentBytesMax) + " bytes."
            );
        } else if (line.text.find_first_not_of(" \t\r") == ByteView::npos) {
            return;  // Blank lines are not documents and get no answer.
        } else {
            fate.text = line.text;
        }
        open_.bytes += fate.text.size();
        open_.lines.push_back(std::move(fate));
        if (open_.lines.size() >= options_.batch_documents || open_.bytes >= kBatchBytes) {
            close_batch();
        }
    }

    /// Hands the open batch to the node.
    void close_batch() {
        if (open_.lines.empty()) {
            return;
        }
        const auto batch = std::make_shared<ImportBatch>(std::exchange(open_, ImportBatch()));
        batches_.push_back(batch);
        bytes_in_flight_ += batch->bytes;
        node::WriteBatch write = options_.empty;
        for (const LineFate& line : batch->lines) {
            if (!line.refused) {
                write.documents.push_back(line.text);
            }
        }
        if (write.documents.empty()) {
            answer_batch(*batch, std::vector<Result<search::Written>>());
            return;
        }
        call_->context.node.write(
            call_->collection(),
            std::move(write),
            call_->loop(),
            [self = shared_from_this(), batch](Result<std::vector<Result<search::Written>>> results
            ) { self->answer_batch(*batch, std::move(results)); }
        );
    }

    void answer_batch(ImportBatch& batch, Result<std::vector<Result<search::Written>>> results) {
        std::size_t next = 0;
        for (const LineFate& line : batch.lines) {
            if (line.refused) {
                append_failure(batch.answers, line, *line.refused);
            } else if (!results.ok()) {
                append_failure(batch.answers, line, results.error());
            } else {
                KUMO_ASSERT(next < results.value().size());
                append_answer(batch.answers, line, results.value()[next++]);
            }
        }
        batch.lines.clear();
        batch.done = true;
        bytes_in_flight_ -= batch.bytes;
        while (!batches_.empty() && batches_.front()->done) {
            // No line end before the first answer, nor after the last.
            const bool first = !std::exchange(answered_, true);
            pending_.append(batches_.front()->answers, first ? 1 : 0, std::string::npos);
            batches_.pop_front();
        }
        flush();
    }

    void append_answer(
        std::string& out,
        const LineFate& line,
        const Result<search::Written>& written
    ) const {
        if (!written.ok()) {
            append_failure(out, line, written.error());
            return;
        }
        out.push_back('\n');
        wire::JsonWriter writer(out);
        writer.begin_object();
        if (options_.return_doc) {
            writer.key("document").raw(written.value().document);
        }
        if (options_.return_id) {
            writer.key("id").string(written.value().id);
        }
        writer.key("success").boolean(true).end_object();
    }

    static void append_failure(std::string& out, const LineFate& line, const Error& error) {
        out.push_back('\n');
        wire::JsonWriter writer(out);
        writer.begin_object();
        writer.key("code").integer(http_status(error.code));
        writer.key("document").string(line.text);
        writer.key("error").string(error.message);
        writer.key("success").boolean(false).end_object();
    }

    /// Sends what is answered, as far as the client takes it, and ends the answer at the end.
    void flush() {
        if (!call_->response->alive()) {
            return;
        }
        begin_answer();
        send_pending();
        const bool last = complete_ && batches_.empty();
        if (last && pending_.empty()) {
            count_answer(*call_, 200);
            call_->response->end();
            return;
        }
        apply_back_pressure();
    }

    void send_pending() {
        while (sent_ < pending_.size() && call_->response->queued_bytes() < http::kStreamPauseBytes
        ) {
            const std::size_t size = std::min(pending_.size() - sent_, http::kStreamPauseBytes);
            call_->response->write(ByteView(pending_).substr(sent_, size));
            sent_ += size;
        }
        if (sent_ * 2 >= pending_.size()) {
            pending_.erase(0, sent_);
            sent_ = 0;
        }
    }

    void begin_answer() {
        if (std::exchange(begun_, true)) {
            return;
        }
        call_->response->begin(200, answer_headers(*call_, kPlainContentType));
        call_->response->on_writable([self = shared_from_this()] { self->flush(); });
    }

    void apply_back_pressure() {
        const bool full = batches_.size() >= kBatchesInFlightMax
                          || bytes_in_flight_ >= kBytesInFlightMax
                          || pending_.size() - sent_ >= kAnswerBytesMax;
        if (full && !paused_) {
            paused_ = true;
            call_->response->pause_body();
        } else if (!full && paused_) {
            paused_ = false;
            call_->response->resume_body();
        }
    }

    CallPtr call_;
    ImportOptions options_;
    wire::LineSplitter lines_;
    ImportBatch open_;                                  ///< Being filled.
    std::deque<std::shared_ptr<ImportBatch>> batches_;  ///< With the node, oldest first.
    std::size_t bytes_in_flight_ = 0;
    std::string pending_;  ///< Answers in order, from sent_ on not given to the response.
    std::size_t sent_ = 0;
    bool begun_ = false;
    bool answered_ = false;  ///< Some line is answered.
    bool paused_ = false;
    bool complete_ = false;
};

class ImportSink final : public http::RequestSink {
public:
    explicit ImportSink(std::shared_ptr<Import> import) : import_(std::move(import)) {}

    std::uint64_t body_bytes_max() const override { return kImportBytesMax; }

    void on_body(ByteView piece) override { import_->take(piece); }

    void on_complete() override { import_->finish(); }

private:
    std::shared_ptr<Import> import_;
};

}  // namespace

std::unique_ptr<http::RequestSink> import_documents(const CallPtr& call) {
    auto options = read_options(call->parameters);
    if (!options.ok()) {
        answer_error(*call, options.error());
        return nullptr;
    }
    const auto info = call->context.node.collection(call->collection());
    if (!info.ok()) {
        answer_error(*call, info.error());
        return nullptr;
    }
    return std::make_unique<ImportSink>(std::make_shared<Import>(call, std::move(options).value()));
}

}  // namespace kumo::api_kumosearch
