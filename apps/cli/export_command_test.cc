#include "cli/command.h"
#include "cli/temporary_test.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <vector>

namespace kumo::cli {
namespace {

class FakeServer final : public Session {
public:
    Result<Answer> ask(Ask what, const BodySink& sink) override {
        asked.push_back(std::move(what));
        if (status / 100 != 2) {
            return Answer{status, R"({"message":"no"})"};
        }
        for (const std::string& piece : pieces) {
            if (piece == "cut") {
                return Error{ErrorCode::kUnavailable, "the connection broke"};
            }
            if (sink) {
                sink(piece);
            }
        }
        return Answer{status, pieces.empty() ? "" : pieces.front()};
    }

    MonotonicTime now() const override { return {}; }

    void wait(Duration /*span*/) override {}

    const BaseUrl& url() const override { return url_; }

    std::vector<Ask> asked;
    std::vector<std::string> pieces;
    int status = 200;

private:
    BaseUrl url_{false, "fake", 1};
};

std::string content(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
}

class ExportCommand : public testing::Test {
protected:
    ExportCommand() {
        options_.collection = "my books";
        options_.file = temporary_path("export");
        std::remove(options_.file.c_str());
    }

    FakeServer server_;
    ExportOptions options_;
};

TEST_F(ExportCommand, WritesEveryLine) {
    server_.pieces = {"{\"a\"", ":1}\n{}"};
    options_.filter_by = "a:>0 && b:c";
    options_.exclude_fields = "x";
    EXPECT_EQ(run_export(server_, options_), kExitOk);
    EXPECT_EQ(content(options_.file), "{\"a\":1}\n{}\n");
    EXPECT_EQ(
        server_.asked.front().target,
        "/collections/my%20books/documents/export?filter_by=a%3A%3E0%20%26%26%20b%3Ac"
        "&exclude_fields=x"
    );
}

TEST_F(ExportCommand, AFileIsThereOnlyWhenItIsComplete) {
    server_.pieces = {"{}\n", "cut"};
    EXPECT_EQ(run_export(server_, options_), kExitUnreachable);
    EXPECT_FALSE(std::ifstream(options_.file).good());
    EXPECT_EQ(content(options_.file + ".part"), "{}\n");
    server_.status = 404;
    EXPECT_EQ(run_export(server_, options_), kExitFailed);
    EXPECT_FALSE(std::ifstream(options_.file + ".part").good());
    options_.file = "/no/such/directory/file";
    EXPECT_EQ(run_export(server_, options_), kExitUsage);
}

TEST_F(ExportCommand, OfNothingIsEmpty) {
    EXPECT_EQ(run_export(server_, options_), kExitOk);
    EXPECT_EQ(content(options_.file), "");
}

TEST(KeyCommand, PrintsTheKeyAlone) {
    FakeServer server;
    server.status = 201;
    server.pieces = {R"({"id":7,"value":"secret"})"};
    testing::internal::CaptureStdout();
    EXPECT_EQ(
        run_create_key(server, {"for me", {"documents:search"}, {"a", "b.*"}, 5, true}),
        kExitOk
    );
    EXPECT_EQ(testing::internal::GetCapturedStdout(), "secret\n");
    EXPECT_EQ(
        server.asked.front().body,
        R"({"description":"for me","actions":["documents:search"],"collections":["a","b.*"],)"
        R"("expires_at":5,"autodelete":true})"
    );
    server.pieces = {"{}"};
    EXPECT_EQ(run_create_key(server, {"x", {"*"}, {"*"}}), kExitFailed);
    server.status = 401;
    EXPECT_EQ(run_create_key(server, {"x", {"*"}, {"*"}}), kExitFailed);
}

}  // namespace
}  // namespace kumo::cli
