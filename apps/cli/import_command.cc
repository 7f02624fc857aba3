#include "cli/command.h"
#include "cli/explain.h"
#include "cli/import_answer.h"
#include "cli/import_source.h"
#include "cli/import_state.h"
#include "cli/progress.h"
#include "cli/stdio_file.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "wire/json.h"
#include "wire/url.h"

#include <algorithm>
#include <cstdio>
#include <memory>

namespace kumo::cli {
namespace {

constexpr Duration kRedrawEvery = std::chrono::milliseconds(100);
constexpr Duration kLineEvery = std::chrono::seconds(1);
constexpr Duration kManyLines = std::chrono::seconds(10);
constexpr std::uint64_t kErrorsShownMax = 5;
constexpr Duration kFirstWait = std::chrono::milliseconds(250);
constexpr Duration kWaitMax = std::chrono::seconds(8);

/// Shows how far it is on standard error: a bar that is redrawn for a person, a line now and then
/// for a log.
class ProgressDisplay {
public:
    void show(const Progress& progress) {
        Duration every = kRedrawEvery;
        if (!terminal_.interactive) {
            every = progress.elapsed < kManyLines ? kLineEvery : kManyLines;
        }
        if (progress.elapsed - shown_at_ >= every) {
            draw(progress);
        }
    }

    /// The bar at its end. A log needs none: the summary follows.
    void finish(const Progress& progress) {
        if (terminal_.interactive) {
            draw(progress);
        }
        leave();
    }

    /// Leaves the bar's line, so that something else can be printed.
    void leave() {
        if (drawn_) {
            (void)std::fputs("\n", stderr);
            drawn_ = false;
        }
    }

private:
    void draw(const Progress& progress) {
        shown_at_ = progress.elapsed;
        if (terminal_.interactive) {
            const std::string bar = progress_bar(progress, terminal_.width - 1);
            (void)std::fprintf(stderr, "\r\x1b[K%s", bar.c_str());
            drawn_ = true;
        } else {
            (void)std::fprintf(stderr, "%s\n", progress_line(progress).c_str());
        }
        (void)std::fflush(stderr);
    }

    Terminal terminal_ = Terminal::of(stderr);
    Duration shown_at_{};
    bool drawn_ = false;
};

/// Where failed lines go: the file a person asked for, or the first few to standard error.
class ErrorSink {
public:
    Status open(const std::string& path, bool append) {
        path_ = path;
        if (!path.empty()) {
            file_ = open_file(path, append ? "ae" : "we");
            if (file_ == nullptr) {
                return invalid_argument("cannot write " + path);
            }
        }
        return {};
    }

    void add(std::uint64_t line, ByteView error, ByteView document, ProgressDisplay& display) {
        if (file_ != nullptr) {
            const std::string record = error_record(line, error, document);
            lost_ |= std::fwrite(record.data(), 1, record.size(), file_.get()) != record.size();
        } else if (shown_++ < kErrorsShownMax) {
            display.leave();
            (void)std::fprintf(
                stderr,
                "line %s: %s\n",
                with_thousands(line).c_str(),
                printable(error).c_str()
            );
        }
    }

    /// Where to look for the failed lines, for the last line of the output.
    std::string hint() {
        if (file_ != nullptr) {
            lost_ |= std::fflush(file_.get()) != 0;
            return lost_ ? "; " + path_ + " could not be written completely" : "; see " + path_;
        }
        return shown_ > kErrorsShownMax ? "; --errors FILE keeps them all" : "";
    }

private:
    std::string path_;
    StdioFile file_;
    std::uint64_t shown_ = 0;
    bool lost_ = false;
};

class Import {
public:
    Import(Session& session, const ImportOptions& options, ImportSource source, ImportState state)
        : session_(session),
          source_(std::move(source)),
          target_(
              "/collections/" + wire::percent_encode(options.collection)
              + "/documents/import?action=" + options.action
              + "&batch_size=" + std::to_string(options.batch_size)
          ),
          state_file_(options.state_file),
          state_(std::move(state)),
          retry_for_(std::chrono::seconds(options.retry_seconds)) {
        progress_.bytes_total = source_.bytes_total();
    }

    int run(ErrorSink& errors) {
        began_ = session_.now();
        for (;;) {
            const auto batch = source_.next();
            if (!batch.ok()) {
                display_.leave();
                return fail(kExitUsage, batch.error().message);
            }
            if (batch.value().empty()) {
                break;
            }
            if (const int code = send(batch.value(), errors); code != kExitOk) {
                return code;
            }
            if (const Status noted = note(batch.value()); !noted.ok()) {
                display_.leave();
                return fail(kExitUsage, noted.error().message);
            }
        }
        if (!state_file_.empty()) {
            remove_import_state(state_file_);
        }
        progress_.elapsed = session_.now() - began_;
        progress_.bytes_done = progress_.bytes_total;
        display_.finish(progress_);
        return summary(errors);
    }

private:
    int send(const SourceBatch& batch, ErrorSink& errors) {
        for (const UnsentLine& line : batch.unsent) {
            ++progress_.documents;
            ++progress_.failed;
            errors.add(line.number, line.problem, "", display_);
        }
        if (batch.lines.empty()) {
            return kExitOk;
        }
        ImportAnswer fates([&](std::size_t index, const Status& fate) {
            if (index < batch.lines.size()) {
                take(batch, batch.lines[index], fate, errors);
            }
        });
        const auto answer = ask(batch, fates);
        if (!answer.ok()) {
            return cut_off(batch, fates.count(), answer.error());
        }
        if (answer.value().status / 100 != 2) {
            display_.leave();
            return fail_refused(answer.value());
        }
        fates.finish();
        if (fates.count() != batch.lines.size()) {
            const Error error{ErrorCode::kUnavailable, "the server answered too few lines"};
            return cut_off(batch, fates.count(), error);
        }
        return kExitOk;
    }

    /// A server that says that it cannot take more now has taken nothing: it is asked again, less
    /// and less often.
    Result<Answer> ask(const SourceBatch& batch, ImportAnswer& fates) {
        const MonotonicTime begin = session_.now();
        for (Duration pause = kFirstWait;; pause = std::min(2 * pause, kWaitMax)) {
            auto answer = session_.ask(
                {wire::HttpMethod::kPost, target_, batch.body},
                [&fates](ByteView piece) { fates.feed(piece); }
            );
            const bool busy =
                answer.ok() && (answer.value().status == 503 || answer.value().status == 429);
            if (!busy || session_.now() + pause - begin > retry_for_) {
                return answer;
            }
            session_.wait(pause);
        }
    }

    /// Another run would go on behind this batch.
    Status note(const SourceBatch& batch) {
        if (state_file_.empty()) {
            return {};
        }
        for (const SourceLine& line : batch.lines) {
            state_.line = std::max(state_.line, line.number);
        }
        for (const UnsentLine& line : batch.unsent) {
            state_.line = std::max(state_.line, line.number);
        }
        ImportState now = state_;
        now.documents += progress_.documents;
        now.failed += progress_.failed;
        return write_import_state(state_file_, now);
    }

    void
    take(const SourceBatch& batch, const SourceLine& line, const Status& fate, ErrorSink& errors) {
        ++progress_.documents;
        progress_.bytes_done = line.input_end;
        progress_.elapsed = session_.now() - began_;
        if (!fate.ok()) {
            ++progress_.failed;
            errors.add(line.number, fate.error().message, batch.text(line), display_);
        }
        display_.show(progress_);
    }

    int cut_off(const SourceBatch& batch, std::size_t answered, const Error& error) {
        display_.leave();
        const int code = progress_.documents == 0
                             ? fail_unreachable(session_.url(), error)
                             : fail(kExitUnreachable, "the import stopped: " + error.message);
        if (answered < batch.lines.size()) {
            (void)std::fprintf(
                stderr,
                "Lines %s to %s were on their way and may or may not have been taken; everything "
                "before them was answered. Loading them again with --action upsert is harmless "
                "where documents have ids.\n",
                with_thousands(batch.lines[answered].number).c_str(),
                with_thousands(batch.lines.back().number).c_str()
            );
        }
        if (!state_file_.empty()) {
            (void)std::fprintf(
                stderr,
                "The same command goes on behind line %s.\n",
                with_thousands(state_.line).c_str()
            );
        }
        return code;
    }

    int summary(ErrorSink& errors) const {
        const std::uint64_t good = progress_.documents - progress_.failed;
        std::string text = counted_documents(good) + " loaded in "
                           + human_seconds(progress_.elapsed) + " ("
                           + with_thousands(progress_.rate()) + "/s)";
        if (progress_.failed != 0) {
            text += ", " + with_thousands(progress_.failed) + " failed" + errors.hint();
        }
        if (state_.documents > 0) {
            text += "; " + counted_documents(state_.documents - state_.failed) + " before, "
                    + with_thousands(state_.failed) + " failed";
        }
        (void)std::printf("%s\n", text.c_str());
        return progress_.failed + state_.failed == 0 ? kExitOk : kExitFailed;
    }

    Session& session_;
    ImportSource source_;
    std::string target_;
    std::string state_file_;
    ImportState state_;  ///< Of the runs before, but for the line.
    Duration retry_for_;
    ProgressDisplay display_;
    Progress progress_;
    MonotonicTime began_;
};

/// The types of the collection's fields; none if this key may not look. Not kExitOk: the reason is
/// printed.
int find_types(Session& session, const std::string& collection, FieldTypes& types) {
    const auto answer =
        session.ask({wire::HttpMethod::kGet, "/collections/" + wire::percent_encode(collection), ""}
        );
    if (!answer.ok()) {
        return fail_unreachable(session.url(), answer.error());
    }
    if (answer.value().status == 401) {
        return kExitOk;
    }
    if (answer.value().status != 200) {
        return fail_refused(answer.value());
    }
    const auto parsed = wire::JsonDocument::parse(answer.value().body);
    const wire::JsonValue fields =
        parsed.ok() ? parsed.value().root().find("fields") : wire::JsonValue();
    if (!fields || !fields.is_array()) {
        return kExitOk;
    }
    for (const wire::JsonValue field : fields.as_array()) {
        const wire::JsonValue name = field.find("name");
        const wire::JsonValue type = field.find("type");
        if (name && name.is_string() && type && type.is_string()) {
            types.emplace(name.as_string(), type.as_string());
        }
    }
    return kExitOk;
}

bool is_csv(const ImportOptions& options) {
    return options.format == "csv" || (options.format == "auto" && options.file.ends_with(".csv"));
}

}  // namespace

int run_import(Session& session, const ImportOptions& options) {
    // Before anything is asked: a wrong name is told at once.
    auto probe = ImportSource::open(options.file);
    if (!probe.ok()) {
        return fail(kExitUsage, probe.error().message);
    }
    ImportState state{options.file, probe.value().bytes_total(), options.collection};
    if (!options.state_file.empty()) {
        if (options.file == "-") {
            return fail(kExitUsage, "--resume needs a file, not standard input");
        }
        auto known = read_import_state(options.state_file, state);
        if (!known.ok()) {
            return fail(kExitUsage, known.error().message);
        }
        state = std::move(known).value();
    }
    SourceFormat format;
    format.csv = is_csv(options);
    format.list_separator = options.list_separator.front();
    format.skip_to_line = state.line;
    if (format.csv) {
        if (const int code = find_types(session, options.collection, format.types);
            code != kExitOk) {
            return code;
        }
    }
    auto source = ImportSource::open(options.file, std::move(format));
    if (!source.ok()) {
        return fail(kExitUsage, source.error().message);
    }
    ErrorSink errors;
    if (const Status opened = errors.open(options.errors_file, state.line > 0); !opened.ok()) {
        return fail(kExitUsage, opened.error().message);
    }
    return Import(session, options, std::move(source).value(), std::move(state)).run(errors);
}

}  // namespace kumo::cli
