#include "api/kumosearch/internal/api_world_test.h"

#include <gtest/gtest.h>

namespace kumo::api_kumosearch {
namespace {

/// Authors and their books; shops, and which of the books they have.
class JoinsTest : public testing::Test {
protected:
    JoinsTest() {
        make(R"({"name": "authors", "fields": [{"name": "name", "type": "string", "sort": true},
            {"name": "code", "type": "int32"}, {"name": "born", "type": "int32", "optional": true}]})"
        );
        make(R"({"name": "books", "fields": [{"name": "title", "type": "string"},
            {"name": "price", "type": "int32", "facet": true},
            {"name": "author_id", "type": "string", "reference": "authors.id"}]})");
        make(R"({"name": "shops", "fields": [{"name": "city", "type": "string", "facet": true}]})");
        make(R"({"name": "stock", "fields": [{"name": "count", "type": "int32"},
            {"name": "book", "type": "string", "reference": "books.id"},
            {"name": "shop", "type": "string", "reference": "shops.id"}]})");
        add("authors", R"({"id": "a", "name": "Le Guin", "code": 1, "born": 1929}
{"id": "b", "name": "Pratchett", "code": 2, "born": 1948}
{"id": "c", "name": "Nobody", "code": 3})");
        add("books", R"({"id": "1", "title": "Left Hand", "price": 10, "author_id": "a"}
{"id": "2", "title": "Dispossessed", "price": 20, "author_id": "a"}
{"id": "3", "title": "Mort", "price": 5, "author_id": "b"})");
        add("shops", R"({"id": "x", "city": "Berlin"}
{"id": "y", "city": "Wien"})");
        add("stock", R"({"id": "s1", "count": 3, "book": "1", "shop": "x"}
{"id": "s2", "count": 0, "book": "2", "shop": "x"}
{"id": "s3", "count": 7, "book": "3", "shop": "y"}
{"id": "s4", "count": 1, "book": "1", "shop": "y"})");
    }

    void make(const std::string& schema) {
        const Answer made = world_.post("/collections", schema);
        ASSERT_EQ(made.status, 201) << made.body;
    }

    void add(const std::string& collection, const std::string& lines) {
        const Answer done = world_.post("/collections/" + collection + "/documents/import", lines);
        ASSERT_EQ(done.body.find("false"), std::string::npos) << done.body;
    }

    Answer write(const std::string& collection, const std::string& json) {
        return world_.post("/collections/" + collection + "/documents", json);
    }

    /// One search of a multi_search, whose parameters are JSON.
    std::string search(const std::string& collection, const std::string& parameters) {
        const Answer found = world_.ask_as(
            key_,
            wire::HttpMethod::kPost,
            "/multi_search",
            R"({"searches": [{"q": "*", "collection": ")" + collection + "\""
                + (parameters.empty() ? "" : ", ") + parameters + "}]}"
        );
        const auto parsed = wire::JsonDocument::parse(found.body);
        const wire::JsonValue results =
            parsed.ok() ? parsed.value().root().find("results") : wire::JsonValue();
        return results ? std::string((*results.as_array().begin()).raw()) : found.body;
    }

    /// "1 2 3", in the order of the hits; or the error.
    std::string ids(const std::string& collection, const std::string& parameters) {
        const std::string result = search(collection, parameters);
        const auto parsed = wire::JsonDocument::parse(result);
        const wire::JsonValue hits = parsed.value().root().find("hits");
        if (!hits) {
            return result;
        }
        std::string out;
        for (const wire::JsonValue hit : hits.as_array()) {
            out +=
                (out.empty() ? "" : " ") + std::string(hit.find("document").find("id").as_string());
        }
        return out;
    }

    std::string filtered(const std::string& collection, const std::string& filter) {
        return ids(collection, R"("filter_by": ")" + filter + "\"");
    }

    /// The document of the first hit.
    std::string first(const std::string& collection, const std::string& parameters) {
        const std::string result = search(collection, parameters);
        const auto parsed = wire::JsonDocument::parse(result);
        const wire::JsonValue hits = parsed.value().root().find("hits");
        return hits && hits.as_array().size() > 0
                   ? std::string((*hits.as_array().begin()).find("document").raw())
                   : result;
    }

    ApiWorld world_;
    std::string key_ = "root";
};

TEST_F(JoinsTest, AReferenceIsShownAndChecked) {
    const std::string shown = world_.get("/collections/books").body;
    EXPECT_NE(shown.find(R"("reference":"authors.id")"), std::string::npos) << shown;
    const auto refused = [&](const std::string& field) {
        return message(world_.post(
            "/collections",
            R"({"name": "z", "enable_nested_fields": true, "fields": [)" + field + "]}"
        ));
    };
    EXPECT_EQ(
        refused(R"({"name": "a", "type": "string", "reference": "foo"})"),
        "Invalid reference `foo`."
    );
    EXPECT_EQ(
        refused(R"({"name": "a", "type": "string", "reference": 1})"),
        "Reference should be a string."
    );
    EXPECT_EQ(
        refused(R"({"name": "a", "type": "string", "reference": "z.b"})"),
        "Referencing a field of the same collection is not allowed: `a` field references `z` "
        "collection."
    );
    EXPECT_EQ(
        refused(R"({"name": ".*", "type": "auto", "reference": "books.id"})"),
        "Field `.*` cannot be a reference field."
    );
    EXPECT_EQ(
        refused(R"({"name": "a.b.c", "type": "string", "reference": "books.id"})"),
        "`a.b.c` field cannot have a reference. Only the top-level field of an object is allowed."
    );
    EXPECT_EQ(
        refused(R"({"name": "a", "type": "string", "async_reference": true})"),
        "The `async_reference` property of the field `a` is only applicable if `reference` is "
        "specified."
    );
    EXPECT_EQ(
        world_
            .patch("/collections/books", R"({"fields": [
            {"name": "editor", "type": "string", "optional": true, "reference": "authors.id"}]})")
            .status,
        400
    );
}

TEST_F(JoinsTest, WhatADocumentReferencesHasToBeThere) {
    EXPECT_EQ(
        message(write("books", R"({"title": "x", "price": 1, "author_id": "zz"})")),
        "Referenced document having `id: zz` not found in the collection `authors`."
    );
    EXPECT_EQ(
        message(write("books", R"({"title": "x", "price": 1})")),
        "Missing the required reference field `author_id` in the document."
    );
    EXPECT_EQ(
        message(write("books", R"({"title": "x", "price": 1, "author_id": 7})")),
        "Field `author_id` must have string value."
    );
    EXPECT_EQ(
        message(world_.patch("/collections/books/documents/1", R"({"author_id": "zz"})")),
        "Referenced document having `id: zz` not found in the collection `authors`."
    );
    EXPECT_EQ(world_.patch("/collections/books/documents/1", R"({"price": 11})").status, 200);
    EXPECT_EQ(
        message(world_.patch(
            "/collections/books/documents?filter_by=price:%3E0",
            R"({"author_id": "zz"})"
        )),
        "Referenced document having `id: zz` not found in the collection `authors`."
    );
    // Of an import, the lines that are good.
    const Answer imported = world_.post(
        "/collections/books/documents/import",
        R"({"id": "7", "title": "x", "price": 1, "author_id": "a"}
{"id": "8", "title": "x", "price": 1, "author_id": "q"}
{"id": "9", "title": "x", "price": 1, "author_id": "b"})"
    );
    EXPECT_EQ(imported.body.find("{\"success\":true}\n{\"code\":400"), 0U) << imported.body;
    EXPECT_EQ(filtered("books", "id:[7,8,9]"), "9 7");
}

TEST_F(JoinsTest, AReferenceToAFieldIsByItsValue) {
    make(R"({"name": "notes", "fields": [
        {"name": "codes", "type": "int32[]", "optional": true, "reference": "authors.code"},
        {"name": "who", "type": "string", "optional": true, "reference": "authors.name"},
        {"name": "nope", "type": "string", "optional": true, "reference": "nothing.id"},
        {"name": "gone", "type": "string", "optional": true, "reference": "authors.gone"}]})");
    const auto error = [&](const std::string& json) {
        return message(write("notes", json));
    };
    EXPECT_EQ(
        error(R"({"codes": [1, 9]})"),
        "Reference document having `code: 9` not found in the collection `authors`."
    );
    EXPECT_EQ(
        error(R"({"who": "le guin"})"),
        "Reference document having `name:= `le guin`` not found in the collection `authors`."
    );
    EXPECT_EQ(error(R"({"codes": ["a"]})"), "Field `codes` must have `int32` value.");
    EXPECT_EQ(error(R"({"nope": "a"})"), "Referenced collection `nothing` not found.");
    EXPECT_EQ(
        error(R"({"gone": "a"})"),
        "Referenced field `gone` not found in the collection `authors`."
    );
    add("notes", R"({"id": "n1", "codes": [1, 2]}
{"id": "n2", "who": "Pratchett"}
{"id": "n3"})");
    EXPECT_EQ(filtered("authors", "$notes(id:*)"), "b a");
    EXPECT_EQ(filtered("notes", "$authors(born:>1940)"), "n1");
    add("authors", R"({"id": "d", "name": "Pratchett", "code": 4})");
    EXPECT_EQ(
        error(R"({"who": "Pratchett"})"),
        "Multiple documents having `name:= `Pratchett`` found in the collection `authors`."
    );
}

TEST_F(JoinsTest, AFilterJoinsInBothDirections) {
    EXPECT_EQ(filtered("books", "$authors(born:<1930)"), "2 1");
    EXPECT_EQ(filtered("authors", "$books(price:<10)"), "b");
    EXPECT_EQ(filtered("authors", "$books(id:*)"), "b a");
    EXPECT_EQ(filtered("authors", "!$books(id:*)"), "c");
    EXPECT_EQ(filtered("authors", "id:* || $books(id:*)"), "c b a");
    EXPECT_EQ(filtered("books", "price:>5 && $authors(name:Guin)"), "2 1");
    EXPECT_EQ(filtered("books", "($authors(name:Pratchett) || price:20) && !$stock(count:0)"), "3");
    EXPECT_EQ(filtered("books", "$authors(name:Pratchett) || $stock(count:0)"), "3 2");
    EXPECT_EQ(filtered("books", "$authors(name:`Le Guin` && (born:1929 || born:1))"), "2 1");
}

TEST_F(JoinsTest, JoinsAreNested) {
    EXPECT_EQ(filtered("shops", "$stock($books($authors(name:Guin)))"), "y x");
    EXPECT_EQ(
        filtered("shops", "$stock(count:>0 && $books($authors(name:Guin) && price:<=10))"),
        "y x"
    );
    EXPECT_EQ(filtered("shops", "$stock(count:0 && $books(price:20))"), "x");
    EXPECT_EQ(filtered("authors", "$books($stock($shops(city:Wien)))"), "b a");
    EXPECT_EQ(filtered("authors", "$books($stock($shops(city:Wien) && count:>5))"), "b");
    std::string deep = "id:*";
    for (int i = 0; i < 9; ++i) {
        deep = (i % 2 == 0 ? "$books(" : "$authors(") + deep + ")";
    }
    EXPECT_EQ(member(search("authors", R"("filter_by": ")" + deep + "\""), "code"), "400");
}

TEST_F(JoinsTest, WhatIsWrongIsSaid) {
    const auto error = [&](const std::string& filter) {
        return member(search("books", R"("filter_by": ")" + filter + "\""), "error");
    };
    EXPECT_EQ(error("$foo(id:*)"), "\"Referenced collection `foo` not found.\"");
    EXPECT_EQ(error("$shops(id:*)"), "\"Failed to join on `shops`: No reference field found.\"");
    EXPECT_EQ(
        error("$authors(foo:1)"),
        "\"Failed to join on `authors` collection: Could not find a filter field named `foo` in "
        "the schema.\""
    );
    EXPECT_EQ(
        error("$authors(name:x"),
        "\"Could not parse the reference filter: `$authors(name:x`.\""
    );
    EXPECT_EQ(error("$authors()"), "\"Could not parse the reference filter: `$authors()`.\"");
    EXPECT_EQ(error("$authors"), "\"Could not parse the reference filter: `$authors`.\"");
    EXPECT_EQ(
        member(search("books", R"j("query_by": "$authors(name)", "q": "x")j"), "error"),
        "\"Query by reference is not yet supported.\""
    );
}

TEST_F(JoinsTest, JoinedDocumentsAreShown) {
    EXPECT_EQ(
        first("books", R"j("filter_by": "id:1", "include_fields": "title, $authors(name)")j"),
        R"({"title":"Left Hand","authors":{"name":"Le Guin"}})"
    );
    EXPECT_EQ(
        first("books", R"("filter_by": "id:1", "include_fields": "title, $authors(name) as who")"),
        R"({"title":"Left Hand","who":{"name":"Le Guin"}})"
    );
    EXPECT_EQ(
        first(
            "books",
            R"j("filter_by": "id:1", "include_fields": "title, $authors(name, born, strategy: merge)")j"
        ),
        R"({"title":"Left Hand","name":"Le Guin","born":1929})"
    );
    EXPECT_EQ(
        first(
            "books",
            R"("filter_by": "id:1", "include_fields": "title, $authors(name, strategy: merge) as by")"
        ),
        R"({"title":"Left Hand","by.name":"Le Guin"})"
    );
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "id:a && $books(id:*)", "include_fields": "name, $books(title)")j"
        ),
        R"({"name":"Le Guin","books":[{"title":"Left Hand"},{"title":"Dispossessed"}]})"
    );
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "id:b && $books(id:*)", "include_fields": "name, $books(title)")j"
        ),
        R"({"name":"Pratchett","books":{"title":"Mort"}})"
    );
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "id:b && $books(id:*)", "include_fields": "name, $books(title, strategy: nest_array)")j"
        ),
        R"({"name":"Pratchett","books":[{"title":"Mort"}]})"
    );
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "id:a && $books(id:*)", "include_fields": "name, $books(title, strategy: merge)")j"
        ),
        R"({"name":"Le Guin","title":["Left Hand","Dispossessed"]})"
    );
}

TEST_F(JoinsTest, WhatAFilterJoinsIsShownUnlessItIsExcluded) {
    EXPECT_EQ(
        first("authors", R"j("filter_by": "$books(price:>15)", "include_fields": "name")j"),
        R"({"name":"Le Guin","books":{"id":"2","title":"Dispossessed","price":20,"author_id":"a"}})"
    );
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "$books(price:>15)", "include_fields": "name", "exclude_fields": "$books(*)")j"
        ),
        R"({"name":"Le Guin"})"
    );
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "$books(price:>15)", "include_fields": "name", "exclude_fields": "$books(id, author_id)")j"
        ),
        R"({"name":"Le Guin","books":{"title":"Dispossessed","price":20}})"
    );
    EXPECT_EQ(
        first("authors", R"("filter_by": "!$books(price:>15) && id:c", "include_fields": "name")"),
        R"({"name":"Nobody"})"
    );
    // A left join.
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "id:c || $books(price:>15)", "include_fields": "name, $books(title)")j"
        ),
        R"({"name":"Nobody"})"
    );
    EXPECT_EQ(
        first(
            "shops",
            R"j("filter_by": "city:Wien && $stock($books(price:<8))", "include_fields": "city, $stock(count, $books(title, $authors(name)))")j"
        ),
        R"({"city":"Wien","stock":{"count":7,"books":{"title":"Mort","authors":{"name":"Pratchett"}}}})"
    );
}

TEST_F(JoinsTest, JoinedDocumentsAreOrderedLimitedAndCounted) {
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "id:a && $books(id:*)", "include_fields": "name, $books(title, sort_by: price:desc, limit: 1, related_docs_count: n)")j"
        ),
        R"({"name":"Le Guin","n":2,"books":{"title":"Dispossessed"}})"
    );
    EXPECT_EQ(
        first(
            "authors",
            R"j("filter_by": "id:a && $books(id:*)", "include_fields": "name, $books(title, sort_by: id: desc)")j"
        ),
        R"({"name":"Le Guin","books":[{"title":"Dispossessed"},{"title":"Left Hand"}]})"
    );
    // Across the collection that links both.
    EXPECT_EQ(
        first(
            "books",
            R"j("filter_by": "id:1 && $stock(id:*)", "include_fields": "title, $shops(city) as at", "exclude_fields": "$stock(*)")j"
        ),
        R"({"title":"Left Hand","at":[{"city":"Berlin"},{"city":"Wien"}]})"
    );
    const auto error = [&](const std::string& fields) {
        return member(search("books", R"("include_fields": ")" + fields + "\""), "error");
    };
    EXPECT_EQ(
        error("$foo.bar"),
        "\"Invalid reference `$foo.bar` in include_fields/exclude_fields, expected "
        "`$CollectionName(fieldA, ...)`.\""
    );
    EXPECT_EQ(error("$foo(bar)"), "\"Referenced collection `foo` in `include_fields` not found.\"");
    EXPECT_EQ(
        error("$authors(name, strategy: foo) as x"),
        "\"Error parsing `$authors(name, strategy: foo) as x`: Unknown include strategy `foo`. "
        "Valid options are `merge`, `nest`, `nest_array`.\""
    );
    EXPECT_EQ(
        error("$authors(name, foo: bar)"),
        "\"Unknown reference `include_fields` parameter: `foo`.\""
    );
    EXPECT_EQ(
        member(
            search(
                "books",
                R"j("filter_by": "id:1", "include_fields": "*, $authors(*, strategy: merge)")j"
            ),
            "error"
        ),
        "\"Could not include the value of `id` key of the reference document of `authors` "
        "collection. Expected `id` to be an array. Try adding an alias.\""
    );
}

TEST_F(JoinsTest, HitsAreSortedByJoinedDocuments) {
    EXPECT_EQ(ids("books", R"("sort_by": "$authors(name:desc), price:asc")"), "3 1 2");
    EXPECT_EQ(ids("books", R"("sort_by": "$authors(born:asc), price:desc")"), "2 1 3");
    EXPECT_EQ(ids("authors", R"j("sort_by": "$books(price:asc)")j"), "b a c");
    EXPECT_EQ(ids("authors", R"j("sort_by": "$books(price:desc)")j"), "a b c");
    EXPECT_EQ(ids("authors", R"j("sort_by": "$books($stock(count:desc))")j"), "b a c");
    EXPECT_EQ(ids("authors", R"j("sort_by": "$books(_eval(title:mort):desc)")j"), "b a c");
    EXPECT_EQ(
        ids("books", R"("sort_by": "_eval($authors(name:Pratchett)):asc, price:asc")"),
        "1 2 3"
    );
    // What the filter does not let pass does not count.
    EXPECT_EQ(
        ids("authors", R"j("filter_by": "$books(price:[5,20])", "sort_by": "$books(price:asc)")j"),
        "b a"
    );
    const auto error = [&](const std::string& sort) {
        return member(search("books", R"("sort_by": ")" + sort + "\""), "error");
    };
    EXPECT_EQ(error("$foo(a:asc)"), "\"Referenced collection `foo` in `sort_by` not found.\"");
    EXPECT_EQ(
        error("$authors(foo:asc)"),
        "\"Referenced collection `authors`: Could not find a field named `foo` in the schema for "
        "sorting.\""
    );
    EXPECT_EQ(error("$authors"), "\"Reference `sort_by` is malformed.\"");
}

TEST_F(JoinsTest, FacetsCountByJoinedDocuments) {
    const std::string result = search("authors", R"j("facet_by": "$books(price)")j");
    EXPECT_NE(result.find(R"j("field_name":"books(price)")j"), std::string::npos) << result;
    EXPECT_NE(
        result.find(
            R"j({"count":1,"facet_filter":"$books(price: 20)","highlighted":"20","value":"20"})j"
        ),
        std::string::npos
    ) << result;
    EXPECT_NE(
        search("stock", R"j("facet_by": "$shops(city)")j")
            .find(
                R"j({"count":2,"facet_filter":"$shops(city: `Wien`)","highlighted":"Wien","value":"Wien"})j"
            ),
        std::string::npos
    );
    const std::string ranges =
        search("authors", R"j("facet_by": "$books(price(low:[0, 8], high:[8, 100]))")j");
    EXPECT_NE(ranges.find(R"("highlighted":"high","value":"high")"), std::string::npos) << ranges;
    EXPECT_EQ(
        member(search("authors", R"j("facet_by": "$foo(price)")j"), "error"),
        "\"Referenced collection `foo` in `facet_by` not found.\""
    );
}

TEST_F(JoinsTest, WhatReferencesADocumentGoesWithIt) {
    EXPECT_EQ(world_.remove("/collections/authors/documents/a").status, 200);
    EXPECT_EQ(ids("books", ""), "3");
    EXPECT_EQ(ids("stock", ""), "s3");
    EXPECT_EQ(world_.remove("/collections/authors/documents/a").status, 404);
    EXPECT_EQ(
        world_.remove("/collections/authors/documents?filter_by=code:%3E1").body,
        R"({"num_deleted":2})"
    );
    EXPECT_EQ(ids("books", "") + ids("stock", ""), "");
    EXPECT_EQ(ids("shops", ""), "y x");
}

TEST_F(JoinsTest, AnArrayGoesWithTheLastOne) {
    make(R"({"name": "lists", "fields": [
        {"name": "books", "type": "string[]", "reference": "books.id"}]})");
    make(R"({"name": "marks", "fields": [
        {"name": "book", "type": "string", "reference": "books.id", "async_reference": true,
         "cascade_delete": false}]})");
    make(R"({"name": "links", "fields": [
        {"name": "book", "type": "string", "optional": true, "reference": "books.id"},
        {"name": "shop", "type": "string", "optional": true, "reference": "shops.id"}]})");
    add("lists", R"({"id": "l1", "books": ["1", "2", "3"]}
{"id": "l2", "books": ["1"]})");
    add("marks", R"({"id": "m1", "book": "1"}
{"id": "m2", "book": "later"})");
    add("links", R"({"id": "k1", "book": "1", "shop": "x"}
{"id": "k2", "book": "1"})");
    EXPECT_EQ(world_.remove("/collections/books/documents/1").status, 200);
    EXPECT_EQ(ids("lists", ""), "l1");
    EXPECT_EQ(first("lists", R"("exclude_fields": "id")"), R"({"books":["2","3"]})");
    EXPECT_EQ(ids("marks", ""), "m2 m1");
    EXPECT_EQ(first("links", ""), R"({"id":"k1","shop":"x"})");
    EXPECT_EQ(filtered("marks", "$books(id:*)"), "");
    add("books", R"({"id": "later", "title": "x", "price": 1, "author_id": "a"})");
    EXPECT_EQ(filtered("marks", "$books(id:*)"), "m2");
}

TEST_F(JoinsTest, AReferenceInsideAnObjectIsShownThere) {
    make(R"({"name": "orders", "enable_nested_fields": true, "fields": [
        {"name": "order", "type": "object"}, {"name": "lines", "type": "object[]", "optional": true},
        {"name": "order.book", "type": "string", "reference": "books.id"},
        {"name": "lines.shop", "type": "string[]", "optional": true, "reference": "shops.id"}]})");
    EXPECT_EQ(
        message(write("orders", R"({"order": {"book": "zz"}})")),
        "Referenced document having `id: zz` not found in the collection `books`."
    );
    add("orders",
        R"({"id": "o1", "order": {"book": "1", "n": 2}, "lines": [{"shop": "x"}, {"shop": "y"}]})");
    EXPECT_EQ(
        first("orders", R"j("include_fields": "order, $books(title)")j"),
        R"({"order":{"book":"1","n":2,"books":{"title":"Left Hand"}}})"
    );
    EXPECT_EQ(
        first("orders", R"j("include_fields": "lines, $shops(city)")j"),
        R"({"lines":[{"shop":"x","shops":{"city":"Berlin"}},{"shop":"y","shops":{"city":"Wien"}}]})"
    );
    EXPECT_EQ(filtered("books", "$orders(id:o1)"), "1");
}

TEST_F(JoinsTest, AnAliasStandsForACollection) {
    world_.put("/aliases/writers", R"({"collection_name": "authors"})");
    make(R"({"name": "essays", "fields": [
        {"name": "by", "type": "string", "reference": "writers.id"}]})");
    EXPECT_EQ(
        message(write("essays", R"({"by": "zz"})")),
        "Referenced document having `id: zz` not found in the collection `writers`."
    );
    add("essays", R"({"id": "e", "by": "a"})");
    EXPECT_EQ(filtered("essays", "$writers(name:Guin)"), "e");
    EXPECT_EQ(filtered("essays", "$authors(name:Guin)"), "e");
    EXPECT_EQ(filtered("authors", "$essays(id:*)"), "a");
    EXPECT_EQ(
        first("essays", R"j("include_fields": "id, $writers(name)")j"),
        R"({"id":"e","writers":{"name":"Le Guin"}})"
    );
    EXPECT_EQ(world_.remove("/collections/writers/documents/a").status, 200);
    EXPECT_EQ(ids("essays", ""), "");
}

TEST_F(JoinsTest, DocumentsAndExportsShowJoinedOnes) {
    EXPECT_EQ(
        world_.get("/collections/books/documents/1?include_fields=title,$authors(name)").body,
        R"({"title":"Left Hand","authors":{"name":"Le Guin"}})"
    );
    EXPECT_EQ(
        world_
            .get("/collections/books/documents/export?filter_by=$authors(name:Guin)"
                 "&include_fields=title,$authors(name)")
            .body,
        "{\"title\":\"Left Hand\",\"authors\":{\"name\":\"Le Guin\"}}\n"
        "{\"title\":\"Dispossessed\",\"authors\":{\"name\":\"Le Guin\"}}"
    );
    EXPECT_EQ(
        world_.remove("/collections/stock/documents?filter_by=$books(price:20)").body,
        R"({"num_deleted":1})"
    );
    EXPECT_EQ(
        world_.patch("/collections/stock/documents?filter_by=$shops(city:Wien)", R"({"count": 99})")
            .body,
        R"({"num_updated":2})"
    );
    EXPECT_EQ(filtered("stock", "count:99"), "s4 s3");
}

TEST_F(JoinsTest, AKeyHasToCoverWhatItsRequestsJoin) {
    world_.post("/keys", R"({"description": "d", "actions": ["documents:search"],
        "collections": ["books"], "value": "onlybooks"})");
    key_ = "onlybooks";
    EXPECT_EQ(ids("books", ""), "3 2 1");
    EXPECT_EQ(member(search("books", R"j("filter_by": "$authors(id:*)")j"), "code"), "401");
    EXPECT_EQ(member(search("books", R"j("include_fields": "$authors(name)")j"), "code"), "401");
    EXPECT_EQ(member(search("books", R"j("sort_by": "$authors(name:asc)")j"), "code"), "401");
}

TEST_F(JoinsTest, AUnionShowsJoinedDocuments) {
    const Answer found = world_.post(
        "/multi_search",
        R"j({"union": true, "searches": [
            {"q": "*", "collection": "books", "filter_by": "$authors(born:>1940)", "include_fields": "title"},
            {"q": "*", "collection": "shops", "filter_by": "$stock(count:0)", "include_fields": "city", "exclude_fields": "$stock(*)"}]})j"
    );
    EXPECT_NE(found.body.find(R"("document":{"title":"Mort","authors":{)"), std::string::npos)
        << found.body;
    EXPECT_NE(found.body.find(R"("document":{"city":"Berlin"})"), std::string::npos) << found.body;
}

TEST_F(JoinsTest, SearchesOfSeveralShardsJoin) {
    make(R"({"name": "many", "num_shards": 3, "fields": [
        {"name": "author_id", "type": "string", "reference": "authors.id"}]})");
    std::string lines;
    for (int i = 0; i < 30; ++i) {
        lines += R"({"id": ")" + std::to_string(i) + R"(", "author_id": ")"
                 + (i % 3 == 0 ? "a" : "b") + "\"}\n";
    }
    add("many", lines);
    EXPECT_EQ(member(search("many", R"j("filter_by": "$authors(name:Guin)")j"), "found"), "10");
    EXPECT_EQ(member(search("authors", R"j("filter_by": "$many(id:*)")j"), "found"), "2");
    EXPECT_EQ(world_.remove("/collections/authors/documents/a").status, 200);
    EXPECT_EQ(member(search("many", ""), "found"), "20");
}

}  // namespace
}  // namespace kumo::api_kumosearch
