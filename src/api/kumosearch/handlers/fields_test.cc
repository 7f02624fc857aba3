#include "api/kumosearch/internal/api_world_test.h"

namespace kumo::api_kumosearch {
namespace {

/// "name:type" of each field of the collection.
std::string fields_of(ApiWorld& world, const std::string& collection = "books") {
    const Answer got = world.get("/collections/" + collection);
    const auto parsed = wire::JsonDocument::parse(got.body);
    std::string out;
    for (const wire::JsonValue field : parsed.value().root().find("fields").as_array()) {
        out += out.empty() ? "" : " ";
        out += field.find("name").as_string();
        out += ":";
        out += field.find("type").as_string();
    }
    return out;
}

std::string found(ApiWorld& world, const std::string& query) {
    const Answer got = world.get("/collections/books/documents/search?" + query);
    return got.status == 200 ? member(got.body, "found") : message(got);
}

std::string alter(ApiWorld& world, const std::string& fields) {
    const std::string body = R"({"fields":)" + fields + "}";
    const Answer got = world.patch("/collections/books", body);
    EXPECT_TRUE(got.status != 200 || got.body == body) << got.body;
    return got.status == 200 ? "" : std::to_string(got.status) + " " + message(got);
}

TEST(Fields, AreAddedWithTheValuesOfStoredDocuments) {
    ApiWorld world;
    world.add_books();
    world.post("/collections/books/documents", R"({"id":"4","title":"New","authors":[],"year":2000,
        "pages":310,"subtitle":"A longer tale"})");
    EXPECT_EQ(
        found(world, "q=*&filter_by=pages:>300"),
        "Could not find a filter field named `pages` in the schema."
    );
    EXPECT_EQ(
        alter(
            world,
            R"([{"name":"pages","type":"int32","optional":true},)"
            R"({"name":"subtitle","type":"string","optional":true,"facet":true}])"
        ),
        ""
    );
    EXPECT_EQ(
        fields_of(world),
        "title:string authors:string[] year:int32 rating:float "
        "in_print:bool pages:int32 subtitle:string"
    );
    EXPECT_EQ(found(world, "q=*&filter_by=pages:>300"), "1");
    EXPECT_EQ(found(world, "q=longer&query_by=subtitle"), "1");
    EXPECT_EQ(found(world, "q=*"), "4");
    // What was there is found as before, and new documents have all of it.
    EXPECT_EQ(found(world, "q=darkness&query_by=title"), "1");
    EXPECT_EQ(found(world, "q=*&filter_by=year:<1980"), "2");
    world.post("/collections/books/documents", R"({"id":"5","title":"Newer","authors":["X"],
        "year":2001,"pages":400,"subtitle":"Longer still"})");
    EXPECT_EQ(found(world, "q=*&filter_by=pages:>300"), "2");
    EXPECT_EQ(found(world, "q=longer&query_by=subtitle&facet_by=subtitle,authors"), "2");
    const Answer sorted = world.get("/collections/books/documents/search?q=*&sort_by=pages:desc");
    EXPECT_LT(sorted.body.find("Newer"), sorted.body.find("Dispossessed"));
}

TEST(Fields, OfPlacesAndVectorsAreAddedAndStay) {
    ApiWorld world;
    world.add_books();
    world.post("/collections/books/documents", R"({"id":"4","title":"New","authors":[],"year":2000,
        "place":[48.8,2.3],"vec":[1,0]})");
    world.post("/collections/books/documents", R"({"id":"5","title":"Far","authors":[],"year":2001,
        "place":[-33.8,151.2],"vec":[0,1]})");
    const std::string near = "q=*&filter_by=place:(48.9,2.4,50 km)";
    const std::string like = "q=*&vector_query=vec:([1,0],distance_threshold:0.5)";
    EXPECT_EQ(
        alter(
            world,
            R"([{"name":"place","type":"geopoint","optional":true},)"
            R"({"name":"vec","type":"float[]","num_dim":2,"optional":true}])"
        ),
        ""
    );
    EXPECT_EQ(found(world, near), "1");
    EXPECT_EQ(found(world, like), "1");
    // They are taken over by the next change.
    EXPECT_EQ(alter(world, R"([{"name":"year","drop":true}])"), "");
    EXPECT_EQ(found(world, near), "1");
    EXPECT_EQ(found(world, like), "1");
    world.post("/collections/books/documents", R"({"id":"6","title":"Newer","authors":[],
        "place":[48.8,2.4],"vec":[2,0]})");
    EXPECT_EQ(found(world, near), "2");
    EXPECT_EQ(found(world, like), "2");
    EXPECT_NE(
        alter(world, R"([{"name":"title","drop":true},{"name":"title","type":"geopoint"}])"),
        ""
    );
    EXPECT_EQ(found(world, near), "2");
}

TEST(Fields, ArePlacesThatPatternsFind) {
    ApiWorld world;
    world.post("/collections", R"({"name":"books","fields":[{"name":".*_at","type":"geopoint"}]})");
    world.post("/collections/books/documents", R"({"id":"1"})");
    world.post("/collections/books/documents", R"({"id":"2","made_at":[48.8,2.3]})");
    EXPECT_EQ(found(world, "q=*&filter_by=made_at:(48.9,2.4,50 km)"), "1");
    EXPECT_EQ(found(world, "q=*&sort_by=made_at(48.9,2.4):asc"), "2");
}

TEST(Fields, ChangeTheirTypeInOneRequest) {
    ApiWorld world;
    world.add_books();
    EXPECT_EQ(
        alter(
            world,
            R"([{"name":"rating","drop":true},{"name":"rating","type":"string",)"
            R"("optional":true,"facet":true}])"
        ),
        ""
    );
    EXPECT_EQ(found(world, "q=*&filter_by=rating:=`4.5`"), "1");
    const Answer document = world.get("/collections/books/documents/1");
    EXPECT_EQ(member(document.body, "rating"), "\"4.5\"");
    // In any order.
    EXPECT_EQ(alter(world, R"([{"name":"year","type":"int64"},{"name":"year","drop":true}])"), "");
    EXPECT_EQ(found(world, "q=*&filter_by=year:>1970"), "2");
    EXPECT_EQ(member(world.get("/collections/books").body, "default_sorting_field"), "\"year\"");
    EXPECT_EQ(
        fields_of(world),
        "title:string authors:string[] year:int64 rating:string in_print:bool"
    );
}

TEST(Fields, ThatAreDroppedStayInDocuments) {
    ApiWorld world;
    world.add_books();
    EXPECT_EQ(alter(world, R"([{"name":"authors","drop":true},{"name":"year","drop":true}])"), "");
    EXPECT_EQ(fields_of(world), "title:string rating:float in_print:bool");
    EXPECT_EQ(member(world.get("/collections/books").body, "default_sorting_field"), "\"\"");
    EXPECT_EQ(
        found(world, "q=guin&query_by=authors"),
        "Could not find a field named `authors` in the schema."
    );
    const Answer document = world.get("/collections/books/documents/1");
    EXPECT_EQ(member(document.body, "authors"), R"(["Le Guin"])");
    EXPECT_EQ(
        world.post("/collections/books/documents", R"({"id":"9","title":"Short"})").status,
        201
    );
    EXPECT_EQ(alter(world, R"([{"name":"authors","type":"string[]","optional":true}])"), "");
    EXPECT_EQ(found(world, "q=guin&query_by=authors"), "2");
}

TEST(Fields, DoNotChangeIfOneDocumentDoesNotFit) {
    ApiWorld world;
    world.add_books();
    const std::string before = fields_of(world);
    const std::string incompatible =
        "400 Schema change is incompatible with the type of documents already stored in this "
        "collection. Existing data for field `";
    EXPECT_EQ(
        alter(world, R"([{"name":"title","drop":true},{"name":"title","type":"int32"}])"),
        incompatible + "title` cannot be coerced into an int32."
    );
    EXPECT_EQ(
        alter(
            world,
            R"([{"name":"authors","drop":true},)"
            R"({"name":"authors","type":"float[]"}])"
        ),
        incompatible + "authors` cannot be coerced into an array of float."
    );
    EXPECT_EQ(
        alter(world, R"([{"name":"isbn","type":"string"}])"),
        "400 Field `isbn` has been declared in the schema, but is not found in the documents "
        "already present in the collection. If you still want to add this field, set it as "
        "`optional: true`."
    );
    EXPECT_EQ(fields_of(world), before);
    EXPECT_EQ(found(world, "q=darkness&query_by=title"), "1");
    EXPECT_EQ(
        world
            .post(
                "/collections/books/documents",
                R"({"id":"4","title":"After","authors":[],"year":1}")"
            )
            .status,
        400
    );
    EXPECT_EQ(
        world
            .post(
                "/collections/books/documents",
                R"({"id":"4","title":"After","authors":[],"year":1})"
            )
            .status,
        201
    );
}

TEST(Fields, OfWrongChangesAreNamed) {
    ApiWorld world;
    world.add_books();
    EXPECT_EQ(
        alter(world, R"([{"name":"pages","drop":true}])"),
        "400 Field `pages` is not part of collection schema."
    );
    EXPECT_EQ(
        alter(world, R"([{"name":"title","type":"string[]"}])"),
        "400 Field `title` is already part of the schema: To change this field, drop it first "
        "before adding it back to the schema."
    );
    EXPECT_EQ(
        alter(world, R"([{"name":"title","drop":123}])"),
        "400 Field `title` must have a drop value of `true`."
    );
    EXPECT_EQ(alter(world, R"([{"name":"id","drop":true}])"), "400 Field `id` cannot be altered.");
    EXPECT_EQ(
        alter(world, R"([{"name":"age","typezzz":"int32"}])"),
        "400 Wrong format for `fields`. It should be an array of objects containing `name`, "
        "`type`, `optional` and `facet` properties."
    );
    EXPECT_EQ(
        alter(world, "[]"),
        "400 The `fields` value should be an array of objects containing the field `name` and "
        "other properties."
    );
    EXPECT_EQ(
        alter(world, R"([{"name":"title","drop":true},{"name":"title","type":"foobar"}])"),
        "400 Field `title` has an invalid data type `foobar`, see docs for supported data "
        "types."
    );
    EXPECT_EQ(
        message(world.post("/collections", R"({"name":"x","fields":[
                  {"name":"title","type":"string","drop":true}]})")),
        "Invalid property `drop` on field `title`: it is allowed only during schema update."
    );
    EXPECT_EQ(
        world.patch("/collections/nothing", R"({"fields":[{"name":"a","drop":true}]})").status,
        404
    );
    EXPECT_EQ(
        message(world.patch("/collections/books", R"({"name":"x"})")),
        "Only `fields`, `metadata`, `synonym_sets` and `curation_sets` can be updated at the "
        "moment."
    );
}

TEST(Fields, AndPropertiesChangeTogether) {
    ApiWorld world;
    world.add_books();
    const std::string body =
        R"({"fields":[{"name":"rating","drop":true}],"metadata":{"owner":"me"}})";
    const Answer got = world.patch("/collections/books", body);
    EXPECT_EQ(got.body, body);
    EXPECT_EQ(fields_of(world), "title:string authors:string[] year:int32 in_print:bool");
    EXPECT_EQ(member(world.get("/collections/books").body, "metadata"), R"({"owner":"me"})");
    // The fields do not go back with a later change, and a clone has them as they are now.
    world.patch("/collections/books", R"({"metadata":{}})");
    EXPECT_EQ(fields_of(world), "title:string authors:string[] year:int32 in_print:bool");
    EXPECT_EQ(world.post("/collections?src_name=books", R"({"name":"copy"})").status, 201);
    EXPECT_EQ(fields_of(world, "copy"), "title:string authors:string[] year:int32 in_print:bool");
    EXPECT_EQ(world.get("/operations/schema_changes").body, "[]");
    const Answer dropped = world.remove("/collections/books");
    EXPECT_EQ(dropped.body.find("rating"), std::string::npos);
}

TEST(Fields, OfSeveralShardsDoNotChangeYet) {
    ApiWorld world;
    world.post(
        "/collections",
        R"({"name":"books","num_shards":2,"fields":[{"name":"a","type":"string"}]})"
    );
    EXPECT_EQ(
        alter(world, R"([{"name":"a","drop":true}])"),
        "400 Changing `fields` of a collection with several shards is not supported yet."
    );
}

// ---- fields that are found

std::string make(ApiWorld& world, const std::string& fields) {
    const Answer made = world.post("/collections", R"({"name":"books","fields":)" + fields + "}");
    return made.status == 201 ? "" : message(made);
}

std::string write(ApiWorld& world, const std::string& document, const std::string& query = "") {
    const Answer written = world.post("/collections/books/documents" + query, document);
    return written.status == 201 ? "" : message(written);
}

TEST(FoundFields, HaveTheTypeOfTheirFirstValue) {
    ApiWorld world;
    ASSERT_EQ(make(world, R"([{"name":".*","type":"auto"}])"), "");
    EXPECT_EQ(fields_of(world), ".*:auto");
    EXPECT_EQ(
        found(world, "q=a&query_by=title"),
        "Could not find a field named `title` in the schema."
    );
    ASSERT_EQ(
        write(world, R"({"id":"1","title":"One word","n":7,"x":1.5,"b":true,"tags":["a","b"],
        "ns":[1,2],"none":null,"empty":[],"object":{"a":1},"arrays":[[1]]})"),
        ""
    );
    EXPECT_EQ(
        fields_of(world),
        ".*:auto title:string n:int64 x:float b:bool tags:string[] ns:int64[]"
    );
    EXPECT_EQ(
        found(
            world,
            "q=word&query_by=title&filter_by=n:=7%26%26x:>1%26%26b:true"
            "%26%26tags:=b%26%26ns:=2&sort_by=n:asc"
        ),
        "1"
    );
    // What comes later is coerced, or refused.
    ASSERT_EQ(write(world, R"({"id":"2","title":12,"n":"8","empty":["z"]})"), "");
    EXPECT_EQ(member(world.get("/collections/books/documents/2").body, "title"), "\"12\"");
    EXPECT_EQ(found(world, "q=12&query_by=title&filter_by=n:8"), "1");
    EXPECT_EQ(found(world, "q=z&query_by=empty"), "1");
    EXPECT_EQ(write(world, R"({"id":"3","n":"eight","late":1})"), "Field `n` must be an int64.");
    EXPECT_EQ(
        write(world, R"({"id":"3","n":"8"})", "?dirty_values=reject"),
        "Field `n` must be an int64."
    );
    // A document that is refused leaves no field behind.
    EXPECT_EQ(fields_of(world).find("late"), std::string::npos);
    ASSERT_EQ(
        write(world, R"({"id":"3","n":"eight","late":"x"})", "?dirty_values=coerce_or_drop"),
        ""
    );
    EXPECT_EQ(found(world, "q=x&query_by=late"), "1");
    EXPECT_EQ(found(world, "q=*"), "3");
    EXPECT_EQ(found(world, "q=*&query_by=.*"), "Could not find a field named `.*` in the schema.");
}

TEST(FoundFields, FollowThePatternOfTheirName) {
    ApiWorld world;
    ASSERT_EQ(
        make(world, R"([{"name":"title","type":"string"},{"name":".*_facet","type":"string[]",
        "facet":true},{"name":"num_.*","type":"int32"},{"name":"any","type":"string*"},
        {"name":"own","type":"auto","facet":true}])"),
        ""
    );
    ASSERT_EQ(
        write(world, R"({"id":"1","title":"a","color_facet":"red","num_a":"5","any":["x","y"],
        "own":3,"other":"not indexed"})"),
        ""
    );
    EXPECT_EQ(
        fields_of(world),
        "title:string .*_facet:string[] num_.*:int32 any:string[] own:int64 "
        "color_facet:string[] num_a:int32"
    );
    EXPECT_EQ(found(world, "q=*&facet_by=color_facet,own&filter_by=num_a:5"), "1");
    EXPECT_EQ(
        found(world, "q=not&query_by=other"),
        "Could not find a field named `other` in the schema."
    );
    EXPECT_EQ(found(world, "q=red&query_by=color_facet"), "1");
    EXPECT_EQ(
        found(world, "q=*&facet_by=*_facet"),
        "Could not find a facet field named `*_facet` in the schema."
    );
    EXPECT_EQ(found(world, "q=*&facet_by=color*"), "1");
    // Without a pattern nothing is coerced by itself.
    EXPECT_EQ(write(world, R"({"id":"2","title":1})"), "");
}

TEST(FoundFields, AreDeclaredWithCare) {
    ApiWorld world;
    EXPECT_EQ(
        make(world, R"([{"name":".*","type":"auto","facet":true}])"),
        "Field `.*` cannot be a facet field."
    );
    EXPECT_EQ(
        make(world, R"([{"name":".*_a","type":"auto","optional":false}])"),
        "Field `.*_a` must be an optional field."
    );
    EXPECT_EQ(
        make(world, R"([{"name":".*(","type":"auto"}])"),
        "Field `.*(`: the name is no regular expression."
    );
    EXPECT_EQ(
        make(world, R"([{"name":".*","type":"auto[]"}])"),
        "Field `.*` has an invalid data type `auto[]`, see docs for supported data types."
    );
    EXPECT_EQ(
        message(world.post(
            "/collections",
            R"({"name":"b","num_shards":2,"fields":[{"name":".*","type":"auto"}]})"
        )),
        "Fields of type `auto`, `string*`, `object` and patterns as names are not supported yet in "
        "a "
        "collection with several shards."
    );
}

TEST(FoundFields, AreAtMostSoMany) {
    ApiWorld world;
    ASSERT_EQ(make(world, R"([{"name":".*","type":"auto"}])"), "");
    std::string lines;
    for (int i = 0; i < 110; ++i) {
        lines += R"({"id":")" + std::to_string(i) + "\"";
        for (int j = 0; j < 10; ++j) {
            const std::string name = "f" + std::to_string(i * 10 + j);
            lines += ",\"" + name + "\":" + std::to_string(j);
        }
        lines += "}\n";
    }
    const Answer imported = world.post("/collections/books/documents/import", lines);
    std::size_t good = 0;
    for (std::size_t at = imported.body.find("\"success\":true"); at != std::string::npos;
         at = imported.body.find("\"success\":true", at + 1)) {
        ++good;
    }
    EXPECT_EQ(good, 102U);  // 1 pattern and 1020 fields; the next ten do not fit.
    EXPECT_NE(
        imported.body.find("Field `f1023` cannot be added: a collection can have at most 1024 "
                           "fields."),
        std::string::npos
    ) << imported.body.substr(imported.body.size() - 300);
    EXPECT_EQ(found(world, "q=*&filter_by=f1019:=9"), "1");
    EXPECT_EQ(found(world, "q=*"), "102");
}

TEST(FoundFields, AreFoundInStoredDocumentsToo) {
    ApiWorld world;
    ASSERT_EQ(make(world, R"([{"name":"title","type":"string"}])"), "");
    write(
        world,
        R"({"id":"1","title":"a","quantity_int":1000,"year_int":"2020","some_txt":"foo"})"
    );
    write(world, R"({"id":"2","title":"b","quantity_int":5})");
    EXPECT_EQ(alter(world, R"([{"name":".*_int","type":"int32","optional":true}])"), "");
    EXPECT_EQ(fields_of(world), "title:string .*_int:int32 quantity_int:int32 year_int:int32");
    EXPECT_EQ(found(world, "q=*&filter_by=quantity_int:1000%26%26year_int:2020"), "1");
    // Drop and add again: what it had found follows.
    EXPECT_EQ(
        alter(
            world,
            R"([{"name":".*_int","type":"int32","facet":true},)"
            R"({"name":".*_int","drop":true}])"
        ),
        ""
    );
    EXPECT_EQ(found(world, "q=*&facet_by=quantity_int,year_int"), "2");
    EXPECT_EQ(alter(world, R"([{"name":".*_int","drop":true}])"), "");
    EXPECT_EQ(fields_of(world), "title:string");
    EXPECT_EQ(
        alter(world, R"([{"name":".*_txt","type":"int32"}])"),
        "400 Schema change is incompatible with the type of documents already stored in this "
        "collection. Existing data for field `some_txt` cannot be coerced into an int32."
    );
    EXPECT_EQ(
        alter(
            world,
            R"([{"name":"title","drop":true},{"name":"title","type":"string*",)"
            R"("facet":true}])"
        ),
        ""
    );
    EXPECT_EQ(fields_of(world), "title:string");
    EXPECT_EQ(found(world, "q=a&query_by=title&facet_by=title"), "1");
}

}  // namespace
}  // namespace kumo::api_kumosearch
