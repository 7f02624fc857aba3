#include "cli/command.h"
#include "cli/import_source.h"
#include "cli/temporary_test.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

namespace kumo::cli {
namespace {

/// Takes every line but those that hold "bad"; breaks the connection at the line "cut".
class FakeServer final : public Session {
public:
    Result<Answer> ask(Ask what, const BodySink& sink) override {
        if (what.method == wire::HttpMethod::kGet) {
            return Answer{200, collection};
        }
        targets.push_back(what.target);
        if (busy > 0) {
            --busy;
            return Answer{503, R"({"message":"Too many writes are waiting; retry later."})"};
        }
        bodies += what.body;
        if (status != 200) {
            return Answer{status, R"({"message":"no"})"};
        }
        std::istringstream lines(what.body);
        for (std::string line; std::getline(lines, line);) {
            if (line == "cut") {
                return Error{ErrorCode::kUnavailable, "the connection broke"};
            }
            if (line != "unanswered") {
                sink(
                    line.find("bad") == std::string::npos
                        ? "{\"success\":true}\n"
                        : "{\"code\":400,\"error\":\"bad one\",\"success\":false}\n"
                );
            }
        }
        return Answer{200, ""};
    }

    MonotonicTime now() const override { return now_; }

    void wait(Duration span) override { now_ += span; }

    const BaseUrl& url() const override { return url_; }

    std::vector<std::string> targets;
    std::string bodies;
    std::string collection;  ///< What it says of the collection.
    int status = 200;
    int busy = 0;  ///< So many requests are refused for now.

private:
    MonotonicTime now_{};
    BaseUrl url_{false, "fake", 1};
};

class ImportCommand : public testing::Test {
protected:
    int import(const std::string& content) {
        const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
        options_.collection = "my books";
        options_.file = temporary_path(name);
        options_.errors_file = options_.file + ".errors";
        std::ofstream(options_.file, std::ios::binary) << content;
        return run_import(server_, options_);
    }

    std::string errors() const {
        std::ostringstream out;
        out << std::ifstream(options_.errors_file).rdbuf();
        return out.str();
    }

    FakeServer server_;
    ImportOptions options_;
};

TEST_F(ImportCommand, LoadsEveryLine) {
    EXPECT_EQ(import("{}\n{}\n"), kExitOk);
    EXPECT_EQ(errors(), "");
    EXPECT_EQ(
        server_.targets,
        std::vector<std::string>{
            "/collections/my%20books/documents/import?action=create&batch_size=1000"}
    );
}

TEST_F(ImportCommand, SendsABigFileInPieces) {
    std::string content;
    for (std::size_t i = 0; i <= kBatchLinesMax; ++i) {
        content += "{}\n";
    }
    EXPECT_EQ(import(content), kExitOk);
    EXPECT_EQ(server_.targets.size(), 2U);
}

TEST_F(ImportCommand, KeepsFailedLinesWithTheirErrors) {
    EXPECT_EQ(import("{}\n\nbad line\n{}\n"), kExitFailed);
    EXPECT_EQ(errors(), "{\"line\":3,\"error\":\"bad one\",\"document\":\"bad line\"}\n");
}

TEST_F(ImportCommand, AnEmptyFileIsNothingToDo) {
    EXPECT_EQ(import("\n\n"), kExitOk);
    EXPECT_TRUE(server_.targets.empty());
}

TEST_F(ImportCommand, ABrokenConnectionIsUnreachable) {
    EXPECT_EQ(import("{}\ncut\n{}\n"), kExitUnreachable);
}

TEST_F(ImportCommand, ALineWithoutAnAnswerIsNotSuccess) {
    EXPECT_EQ(import("{}\nunanswered\n"), kExitUnreachable);
}

TEST_F(ImportCommand, ARefusalIsAFailure) {
    server_.status = 404;
    EXPECT_EQ(import("{}\n"), kExitFailed);
}

TEST_F(ImportCommand, WaitsForAServerThatCannotTakeMore) {
    server_.busy = 5;
    EXPECT_EQ(import("{}\n"), kExitOk);
    EXPECT_EQ(server_.targets.size(), 6U);
    EXPECT_EQ(server_.bodies, "{}\n");
    server_.busy = 1000;
    EXPECT_EQ(import("{}\n"), kExitFailed) << "a minute at most";
    EXPECT_LT(server_.targets.size(), 30U);
}

TEST_F(ImportCommand, ReadsCsvWithTheTypesOfTheCollection) {
    server_.collection = R"({"fields":[{"name":"year","type":"int32"}]})";
    options_.format = "csv";
    EXPECT_EQ(import("id,year\n1,1999\nbad,\n2\n"), kExitFailed);
    EXPECT_EQ(server_.bodies, "{\"id\":\"1\",\"year\":1999}\n{\"id\":\"bad\"}\n");
    EXPECT_NE(errors().find("the record has 1 cells"), std::string::npos);
    EXPECT_NE(errors().find("{\"line\":3,\"error\":\"bad one\""), std::string::npos);
}

TEST_F(ImportCommand, GoesOnWhereItWasBrokenOff) {
    options_.state_file = temporary_path("resume");
    std::remove(options_.state_file.c_str());
    std::string content = "bad\n";
    for (std::size_t i = 1; i < kBatchLinesMax; ++i) {
        content += "{}\n";
    }
    EXPECT_EQ(import(content + "{}\ncut\n"), kExitUnreachable);
    server_.bodies.clear();
    // The rest, mended. What failed before still counts.
    EXPECT_EQ(import(content + "{}\nnew\n"), kExitFailed);
    EXPECT_EQ(server_.bodies, "{}\nnew\n");
    EXPECT_NE(errors().find("\"line\":1,"), std::string::npos) << "errors of both runs";
    EXPECT_FALSE(std::ifstream(options_.state_file).good()) << "it is done";
    server_.bodies.clear();
    EXPECT_EQ(import("{}\n"), kExitOk);
    EXPECT_EQ(server_.bodies, "{}\n");
}

TEST_F(ImportCommand, DoesNotGoOnWithAnotherFile) {
    options_.state_file = temporary_path("resume_other");
    std::ofstream(options_.state_file) << R"({"input":"x","collection":"y","line":1})";
    EXPECT_EQ(import("{}\n"), kExitUsage);
    std::ofstream(options_.state_file) << "[";
    EXPECT_EQ(import("{}\n"), kExitUsage);
    EXPECT_EQ(server_.bodies, "");
}

TEST_F(ImportCommand, AFileThatIsNotThereIsAUsageError) {
    options_.file = "/no/such/file";
    EXPECT_EQ(run_import(server_, options_), kExitUsage);
}

}  // namespace
}  // namespace kumo::cli
