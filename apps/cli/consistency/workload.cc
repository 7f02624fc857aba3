#include "cli/consistency/workload.h"

#include "cli/text.h"
#include "wire/json.h"
#include "wire/json_writer.h"

#include <algorithm>

namespace kumo::cli {
namespace {

using Kind = Subject::Kind;

constexpr Duration kAfterAFailure = std::chrono::milliseconds(20);
constexpr std::size_t kWordsMax = 200;
constexpr std::uint64_t kRecent = 1000;  ///< Half of the reads look at one of so many documents.

std::string to_json(const Write& write) {
    std::string out;
    wire::JsonWriter(out)
        .begin_object()
        .key("id")
        .string(write.subject.id())
        .key("n")
        .integer(write.value)
        .end_object();
    return out;
}

Fate fate_of(const Result<Answer>& answer) {
    if (!answer.ok()) {
        return Fate::kUnknown;
    }
    const int status = answer.value().status;
    if (status / 100 == 2) {
        return Fate::kAcknowledged;
    }
    // 408 and 409 leave it open: a server may have tried twice by itself.
    return status / 100 == 4 && status != 408 && status != 409 ? Fate::kRefused : Fate::kUnknown;
}

/// What a read has seen; absent if it was not answered.
std::optional<std::int64_t> value_of(const Result<Answer>& answer) {
    if (!answer.ok()) {
        return std::nullopt;
    }
    if (answer.value().status == 404) {
        return 0;
    }
    const auto document = wire::JsonDocument::parse(answer.value().body);
    if (answer.value().status != 200 || !document.ok()) {
        return std::nullopt;
    }
    const wire::JsonValue value = document.value().root().find("n");
    return value && value.is_integer() ? value.as_int64() : -1;
}

}  // namespace

/// Does one thing after the other until the workload stops.
class Workload::Worker {
public:
    Worker(Workload& work, std::size_t server)
        : work_(work), caller_(work.fleet_), server_(server % work.fleet_.size()) {}

    virtual ~Worker() = default;
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void go() {
        if (work_.stopping_) {
            work_.ended();
        } else {
            step();
        }
    }

protected:
    virtual void step() = 0;

    Workload& work() { return work_; }

    std::size_t server() const { return server_; }

    void ask(Ask what, Caller::Done done) {
        caller_.ask(server_, std::move(what), std::move(done));
    }

    void move_on() { server_ = work_.fleet_.next_after(server_); }

    /// This server did not do it; soon, another one's turn.
    void fail_over() {
        ++work_.counts_.errors;
        work_.fleet_.failed(server_);
        move_on();
        work_.fleet_.loop().add_timer(kAfterAFailure, [this] { go(); });
    }

private:
    Workload& work_;
    Caller caller_;
    std::size_t server_;
};

/// Stays with a server until that fails.
class Workload::Writer final : public Worker {
public:
    using Worker::Worker;

private:
    void step() override {
        ++turn_;
        const auto created = turn_ % 2 == 0 ? work().book_.begin_create() : std::nullopt;
        const Write write = created ? *created : work().book_.begin_raise(counter_);
        if (!created) {
            counter_ = write.subject.number;
        }
        ask(ask_for(write), [this, write](const Result<Answer>& answer) { end(write, answer); });
    }

    Ask ask_for(const Write& write) const {
        const std::string body = to_json(write);
        if (write.subject.kind == Kind::kDocument) {
            return {wire::HttpMethod::kPost, documents_, body};
        }
        if (is_update(write)) {
            return {wire::HttpMethod::kPatch, documents_ + "/" + write.subject.id(), body};
        }
        return {wire::HttpMethod::kPost, documents_ + "?action=upsert", body};
    }

    /// Every other raise of a counter that is there.
    static bool is_update(const Write& write) {
        return write.subject.kind == Kind::kCounter && write.value > 1 && write.value % 2 == 0;
    }

    void end(const Write& write, const Result<Answer>& answer) {
        const Fate fate = fate_of(answer);
        work().book_.end_write(write, fate);
        if (is_update(write) && answer.ok() && answer.value().status == 404) {
            work().end_read({write.subject, write.value - 1}, 0, server(), answer.value());
        }
        if (fate == Fate::kAcknowledged) {
            work().wrote();
            go();
        } else {
            fail_over();
        }
    }

    const std::string& documents_ = work().documents_;
    std::optional<std::uint64_t> counter_;
    std::uint64_t turn_ = 0;
};

/// Asks each server in turn.
class Workload::Reader final : public Worker {
public:
    using Worker::Worker;

private:
    void step() override {
        const auto subject = choose();
        if (!subject) {
            work().fleet_.loop().add_timer(kAfterAFailure, [this] { go(); });
            return;
        }
        const Read read = work().book_.begin_read(*subject);
        ask({wire::HttpMethod::kGet, work().documents_ + "/" + subject->id(), ""},
            [this, read](const Result<Answer>& answer) { end(read, answer); });
    }

    std::optional<Subject> choose() {
        const ConsistencyBook& book = work().book_;
        Random& random = work().fleet_.loop().random();
        const std::uint64_t documents = book.documents();
        if (book.counters() != 0 && random.chance(1, 2)) {
            return Subject{Kind::kCounter, random.below(book.counters())};
        }
        if (documents == 0) {
            return std::nullopt;
        }
        const std::uint64_t of = random.chance(1, 2) ? std::min(documents, kRecent) : documents;
        return Subject{Kind::kDocument, documents - 1 - random.below(of)};
    }

    void end(const Read& read, const Result<Answer>& answer) {
        const auto seen = value_of(answer);
        if (!seen) {
            fail_over();
            return;
        }
        work().end_read(read, *seen, server(), answer.value());
        ++work().counts_.reads;
        move_on();
        go();
    }
};

Workload::Workload(
    Fleet& fleet,
    ConsistencyBook& book,
    std::string collection,
    std::uint32_t writers
)
    : fleet_(fleet),
      book_(book),
      documents_("/collections/" + std::move(collection) + "/documents"),
      wrote_at_(fleet.now()) {
    for (std::uint32_t i = 0; i < writers; ++i) {
        workers_.push_back(std::make_unique<Writer>(*this, i));
        workers_.push_back(std::make_unique<Reader>(*this, i));
    }
}

Workload::~Workload() = default;

void Workload::start() {
    wrote_at_ = fleet_.now();
    at_work_ = workers_.size();
    for (const auto& worker : workers_) {
        worker->go();
    }
}

void Workload::stop(io::Task idle) {
    stopping_ = true;
    idle_ = std::move(idle);
}

Duration Workload::longest_pause() const {
    const Duration current = stopping_ ? Duration{} : fleet_.now() - wrote_at_;
    return std::max(longest_pause_, current);
}

void Workload::ended() {
    if (--at_work_ == 0) {
        fleet_.loop().post(idle_);
    }
}

void Workload::end_read(
    const Read& read,
    std::int64_t seen,
    std::size_t server,
    const Answer& answer
) {
    const ConsistencyBook::Totals before = book_.totals();
    book_.end_read(read, seen);
    if (book_.totals() == before || found_ == kFindingsMax) {
        return;
    }
    ++found_;
    findings_.push_back(
        read.subject.id() + " at " + fleet_.url(server).to_string() + ": saw "
        + std::to_string(seen) + ", must be " + std::to_string(read.least) + " to "
        + std::to_string(book_.most(read.subject)) + "; status " + std::to_string(answer.status)
        + ", " + clip(printable(answer.body), kWordsMax)
    );
}

void Workload::wrote() {
    const MonotonicTime now = fleet_.now();
    if (!stopping_) {
        longest_pause_ = std::max(longest_pause_, now - wrote_at_);
    }
    wrote_at_ = now;
    ++counts_.writes;
}

}  // namespace kumo::cli
