#include "api/kumosearch/handlers/document_parameters.h"
#include "api/kumosearch/internal/api_world_test.h"
#include "search/query/search.h"

#include <gtest/gtest.h>

#include <sstream>

namespace kumo::api_kumosearch {
namespace {

const std::string kImport = "/collections/books/documents/import";
const std::string kExport = "/collections/books/documents/export";

bool has_document(ApiWorld& world, std::string_view collection, std::string_view id) {
    const auto snapshot = world.node().snapshot(collection);
    return snapshot.ok() && search::fetch_document(*snapshot.value(), id).ok();
}

std::string book(int i) {
    return R"({"id":"b)" + std::to_string(i) + R"(","title":"Book number )" + std::to_string(i)
           + R"(","authors":["a"],"year":)" + std::to_string(1000 + i) + "}";
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    std::string line;
    while (std::getline(in, line)) {
        lines.push_back(line);
    }
    return lines;
}

TEST(Import, AnswersEachLineInOrder) {
    ApiWorld world;
    world.add_books();
    const Answer answer = world.post(
        kImport,
        book(1) + "\n" + book(1) + "\r\n\n   \nnot json\n{\"id\":\"x\"}\n" + book(2)
    );
    EXPECT_EQ(answer.status, 200);
    EXPECT_NE(answer.headers.find("text/plain; charset=utf-8"), std::string::npos);
    const auto lines = lines_of(answer.body);
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_EQ(lines[0], R"({"success":true})");
    EXPECT_EQ(member(lines[1], "code"), "409");
    EXPECT_EQ(member(lines[1], "success"), "false");
    EXPECT_EQ(member(lines[2], "code"), "400");
    EXPECT_EQ(member(lines[2], "document"), "\"not json\"");
    EXPECT_EQ(member(lines[3], "code"), "400");
    EXPECT_EQ(lines[4], R"({"success":true})");
    EXPECT_FALSE(answer.body.ends_with("\n"));
}

TEST(Import, ReturnsIdsAndDocuments) {
    ApiWorld world;
    world.add_books();
    EXPECT_EQ(
        world.post(kImport + "?return_id=true", book(7)).body,
        R"({"id":"b7","success":true})"
    );
    EXPECT_EQ(
        world.post(kImport + "?return_doc=true&action=upsert", book(7)).body,
        R"({"document":)" + book(7) + R"(,"success":true})"
    );
}

TEST(Import, ChecksItsParametersBeforeTheBody) {
    ApiWorld world;
    world.add_books();
    EXPECT_EQ(world.post(kImport + "?batch_size=0", book(1)).status, 400);
    EXPECT_EQ(world.post(kImport + "?action=make", book(1)).status, 400);
    EXPECT_EQ(world.post(kImport + "?dirty_values=wash", book(1)).status, 400);
    EXPECT_EQ(world.post("/collections/none/documents/import", book(1)).status, 404);
    EXPECT_EQ(world.post(kImport, "").status, 200);
}

TEST(Import, CoercesDirtyValuesAsAsked) {
    ApiWorld world;
    world.add_books();
    const std::string dirty = R"({"title":"t","authors":["a"],"year":"1999"})";
    EXPECT_EQ(member(world.post(kImport, dirty).body, "code"), "400");
    EXPECT_EQ(
        world.post(kImport + "?dirty_values=coerce_or_reject", dirty).body,
        R"({"success":true})"
    );
}

TEST(Import, StreamsManyBatchesAndExportsThemAgain) {
    ApiWorld world;
    world.add_books();
    std::string body;
    for (int i = 0; i < 3000; ++i) {
        body += book(i) + "\n";
    }
    const auto lines = lines_of(world.post(kImport + "?batch_size=40", body).body);
    ASSERT_EQ(lines.size(), 3000U);
    for (const std::string& line : lines) {
        ASSERT_EQ(line, R"({"success":true})");
    }
    const Answer exported = world.get(kExport + "?filter_by=year:%3C2991");
    EXPECT_NE(exported.headers.find("text/plain; charset=utf-8"), std::string::npos);
    const auto documents = lines_of(exported.body);
    EXPECT_FALSE(exported.body.ends_with("\n"));
    ASSERT_EQ(documents.size(), 1994U);  // 3 older books and b0 to b1990.
    EXPECT_EQ(documents[3], book(0));
    EXPECT_EQ(documents[1993], book(1990));
}

TEST(Import, RefusesALineThatIsTooLongAndGoesOn) {
    ApiWorld world;
    world.add_books();
    const std::string body =
        book(1) + "\n{\"title\":\"" + std::string(kDocumentBytesMax, 'x') + "\"}\n" + book(2);
    const auto lines = lines_of(world.post(kImport, body).body);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], R"({"success":true})");
    EXPECT_NE(member(lines[1], "error").find("longer than 16777216 bytes"), std::string::npos);
    EXPECT_LT(lines[1].size(), 200U);
    EXPECT_EQ(lines[2], R"({"success":true})");
}

TEST(Import, AppliesWhatItTookFromAClientThatLeft) {
    ApiWorld world;
    world.add_books();
    const auto client = world.connect();
    http::ClientRequest request;
    request.method = wire::HttpMethod::kPost;
    request.target = kImport;
    request.headers = {{"x-typesense-api-key", "root"}};
    request.streamed = true;
    Answer answer;
    answer.writable = [&] {
        client->write(book(1) + "\n" + book(2) + "\n{\"id\":\"half");
    };
    client->send(std::move(request), answer);
    ASSERT_TRUE(world.run_until([&] { return has_document(world, "books", "b2"); }));
    client->cancel();
    world.run_for(std::chrono::seconds(5));
    EXPECT_TRUE(has_document(world, "books", "b1"));
    EXPECT_EQ(member(world.get("/collections/books").body, "num_documents"), "5");
}

TEST(Export, SelectsFieldsAndHasNoLineAtTheEnd) {
    ApiWorld world;
    world.add_books();
    EXPECT_EQ(
        world.get(kExport + "?include_fields=id,year").body,
        "{\"id\":\"1\",\"year\":1969}\n{\"id\":\"2\",\"year\":1974}\n{\"id\":\"3\",\"year\":1990}"
    );
    EXPECT_EQ(world.get(kExport + "?filter_by=id:none").body, "");
    EXPECT_EQ(world.get(kExport + "?filter_by=none:1").status, 400);
    EXPECT_EQ(world.get("/collections/none/documents/export").status, 404);
}

TEST(Export, WaitsForASlowReader) {
    ApiWorld world;
    world.add_books();
    std::string body;
    const std::string filler(2000, 'f');
    for (int i = 0; i < 2000; ++i) {
        body += R"({"title":")" + filler + R"(","authors":["a"],"year":1})" + "\n";
    }
    ASSERT_EQ(lines_of(world.post(kImport, body).body).size(), 2000U);
    const auto client = world.connect();
    http::ClientRequest request;
    request.target = kExport;
    request.headers = {{"x-typesense-api-key", "root"}};
    Answer answer;
    client->send(std::move(request), answer);
    ASSERT_TRUE(world.run_until([&] { return answer.status == 200; }));
    client->pause_body();
    world.run_for(std::chrono::seconds(5));
    const std::size_t held = answer.body.size();
    EXPECT_LT(held, body.size() / 2);
    client->resume_body();
    ASSERT_TRUE(world.run_until([&] { return answer.over; }));
    EXPECT_EQ(lines_of(answer.body).size(), 2003U);
}

TEST(Import, OperationsIncrementWhatIsThere) {
    ApiWorld world;
    world.post("/collections", R"({"name": "queries", "fields": [
        {"name": "q", "type": "string"}, {"name": "count", "type": "int32"}]})");
    const std::string line = R"({"id": "a", "q": "x", "$operations": {"increment": {"count": 3}}})";
    for (const char* action : {"emplace", "emplace", "update"}) {
        EXPECT_EQ(
            world.post("/collections/queries/documents/import?action=" + std::string(action), line)
                .body,
            R"({"success":true})"
        );
    }
    EXPECT_EQ(
        world.get("/collections/queries/documents/a").body,
        R"({"id":"a","q":"x","count":9})"
    );
    const Answer wrong = world.post(
        "/collections/queries/documents/import?action=update",
        R"({"id": "a", "$operations": {"increment": {"q": 1}}})"
    );
    EXPECT_NE(wrong.body.find("can only be incremented"), std::string::npos) << wrong.body;
}

}  // namespace
}  // namespace kumo::api_kumosearch
