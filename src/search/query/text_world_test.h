#pragma once

#include "search/index/index.h"
#include "search/query/search.h"
#include "wire/json.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kumo::search {

/// An index of documents whose first field has text, in one live and several sealed segments, and
/// searches over it.
class TextWorld {
public:
    using Texts = std::vector<std::string>;

    explicit TextWorld(std::vector<Field> fields, std::vector<std::string> separators = {})
        : index_(schema_of(std::move(fields), std::move(separators)), Manifest{}, {}) {
        for (std::size_t i = 0; i < index_.schema().fields.size(); ++i) {
            request.fields.push_back({.field = i, .weight = static_cast<std::uint32_t>(15 - i)});
        }
    }

    void add(const std::string& json) {
        const auto written = index_.write(WriteAction::kCreate, json, DirtyValues::kReject);
        ASSERT_TRUE(written.ok()) << written.error().message;
        index_.publish(++seq_);
        if (seq_ % 3 == 0) {
            const auto job = index_.begin_seal();
            files_[job.segment_id] = job.run().value();
            index_.finish_seal(
                open_segment(index_.schema(), files_[job.segment_id], nullptr).value()
            );
        }
    }

    /// A document for each, with the text in its first field.
    void texts(const Texts& texts) {
        for (const std::string& text : texts) {
            add("{\"" + index_.schema().fields[0].name + "\":\"" + text + "\"}");
        }
    }

    SearchResult run(const std::string& q) {
        request.q = q;
        auto result = search(*index_.snapshot(), request, system_clock());
        EXPECT_TRUE(result.ok()) << result.error().message;
        return std::move(result).value();
    }

    /// The texts of the hits, in order.
    Texts hits(const std::string& q) {
        Texts out;
        for (const Hit& hit : run(q).hits) {
            const auto json = wire::JsonDocument::parse(hit.document).value();
            out.emplace_back(json.root().find(index_.schema().fields[0].name).as_string());
        }
        return out;
    }

    /// Their snippets.
    Texts snippets(const std::string& q) {
        request.highlight.fields = {0};
        Texts out;
        for (const Hit& hit : run(q).hits) {
            out.push_back(hit.highlights.empty() ? "" : hit.highlights[0].values[0].snippet);
        }
        return out;
    }

    Texts filtered(Filter::Kind kind, const std::string& text) {
        request.filter.kind = kind;
        request.filter.text = text;
        Texts out = hits("*");
        request.filter = {};
        return out;
    }

    SearchRequest request;

private:
    static std::shared_ptr<const Schema>
    schema_of(std::vector<Field> fields, std::vector<std::string> separators) {
        Schema schema;
        schema.fields = std::move(fields);
        for (std::size_t i = 1; i < schema.fields.size(); ++i) {
            schema.fields[i].optional = true;
        }
        schema.token_separators = std::move(separators);
        EXPECT_TRUE(validate(schema).ok());
        return std::make_shared<const Schema>(schema);
    }

    Index index_;
    std::map<std::uint64_t, std::string> files_;
    std::uint64_t seq_ = 0;
};

}  // namespace kumo::search
