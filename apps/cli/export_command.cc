#include "cli/command.h"
#include "cli/explain.h"
#include "cli/stdio_file.h"
#include "cli/terminal.h"
#include "cli/text.h"
#include "wire/url.h"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

namespace kumo::cli {
namespace {

constexpr Duration kShowEvery = std::chrono::milliseconds(200);

std::string target_of(const ExportOptions& options) {
    std::string target =
        "/collections/" + wire::percent_encode(options.collection) + "/documents/export";
    char separator = '?';
    const auto add = [&](ByteView key, ByteView value) {
        if (!value.empty()) {
            target += separator + std::string(key) + "=" + wire::percent_encode(value);
            separator = '&';
        }
    };
    add("filter_by", options.filter_by);
    add("include_fields", options.fields);
    add("exclude_fields", options.exclude_fields);
    return target;
}

/// Takes the documents as they come. A file has its name only when it is complete.
class Output {
public:
    explicit Output(const std::string& path) : path_(path) {}

    Status open() {
        file_ = to_file() ? open_file(part(), "we") : StdioFile(stdout);
        return file_ == nullptr ? Status(error()) : Status();
    }

    void write(ByteView piece) {
        if (failure_) {
            return;
        }
        for (const char c : piece) {
            lines_ += c == '\n' ? 1 : 0;
        }
        bytes_ += piece.size();
        last_ = piece.empty() ? last_ : piece.back();
        put(piece);
    }

    /// After all of it. The server ends the last line without an LF.
    Status finish() {
        if (bytes_ > 0 && last_ != '\n') {
            ++lines_;
            put("\n");
        }
        if (!failure_ && std::fflush(file_.get()) != 0) {
            failure_ = error();
        }
        if (!failure_ && to_file()) {
            file_.reset();
            if (std::rename(part().c_str(), path_.c_str()) != 0) {
                failure_ = error();
            }
        }
        return failure_ ? Status(*failure_) : Status();
    }

    std::uint64_t lines() const { return lines_; }

    std::uint64_t bytes() const { return bytes_; }

    bool to_file() const { return path_ != "-"; }

    /// What is there if it could not be completed.
    std::string part() const { return path_ + ".part"; }

private:
    void put(ByteView piece) {
        if (!failure_ && std::fwrite(piece.data(), 1, piece.size(), file_.get()) != piece.size()) {
            failure_ = error();
        }
    }

    Error error() const {
        return Error{
            ErrorCode::kIo,
            "cannot write " + (to_file() ? path_ : std::string("the output")) + ": "
                + std::generic_category().message(errno)};
    }

    std::string path_;
    StdioFile file_;
    std::optional<Error> failure_;
    std::uint64_t lines_ = 0;
    std::uint64_t bytes_ = 0;
    char last_ = '\n';
};

/// How far it is, on a terminal that does not show the documents.
class ExportDisplay {
public:
    ExportDisplay(const Session& session, const Output& output)
        : session_(session),
          output_(output),
          began_(session.now()),
          shown_at_(began_),
          wanted_(output.to_file() && Terminal::of(stderr).interactive) {}

    void show() {
        if (wanted_ && session_.now() - shown_at_ >= kShowEvery) {
            shown_at_ = session_.now();
            (void)std::fprintf(stderr, "\r\x1b[K%s", text().c_str());
            drawn_ = true;
        }
    }

    void leave() const {
        if (drawn_) {
            (void)std::fputs("\r\x1b[K", stderr);
        }
    }

    std::string text() const {
        return counted_documents(output_.lines()) + ", " + human_bytes(output_.bytes()) + " in "
               + human_seconds(session_.now() - began_);
    }

private:
    const Session& session_;
    const Output& output_;
    MonotonicTime began_;
    MonotonicTime shown_at_;
    bool wanted_;
    bool drawn_ = false;
};

}  // namespace

int run_export(Session& session, const ExportOptions& options) {
    Output output(options.file);
    if (const Status opened = output.open(); !opened.ok()) {
        return fail(kExitUsage, opened.error().message);
    }
    ExportDisplay display(session, output);
    const auto answer =
        session.ask({wire::HttpMethod::kGet, target_of(options), ""}, [&](ByteView piece) {
            output.write(piece);
            display.show();
        });
    display.leave();
    if (!answer.ok() && output.bytes() == 0) {
        return fail_unreachable(session.url(), answer.error());
    }
    if (!answer.ok()) {
        return fail(
            kExitUnreachable,
            "the export is not complete: " + answer.error().message
                + (output.to_file() ? "; what there is of it: " + output.part() : "")
        );
    }
    if (answer.value().status / 100 != 2) {
        (void)(output.to_file() && std::remove(output.part().c_str()) == 0);
        return fail_refused(answer.value());
    }
    if (const Status written = output.finish(); !written.ok()) {
        return fail(kExitFailed, written.error().message);
    }
    if (output.to_file()) {
        (void)std::fprintf(stderr, "%s\n", display.text().c_str());
    }
    return kExitOk;
}

}  // namespace kumo::cli
