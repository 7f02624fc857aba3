#pragma once

#include "api/elastic/aggregation/aggregation.h"
#include "api/elastic/fault.h"
#include "api/elastic/mapping/document_mapper.h"
#include "api/elastic/nested/nested_search.h"
#include "api/elastic/query/query.h"
#include "search/index/index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

/// An index of documents, in one live and several sealed segments, as its mapping makes them, and
/// queries and aggregations over it.
class DslWorld {
public:
    explicit DslWorld(std::string_view mapping = "{}")
        : index_(std::make_shared<const search::Schema>(), search::Manifest{}, {}),
          json_(Json::parse(mapping).value()) {
        remake();
    }

    void add(const std::string& id, const std::string& source) {
        auto mapped = map_document(*mapping_, id, source);
        ASSERT_TRUE(mapped.ok()) << mapped.error().message;
        if (!mapped.value().update.is_null()) {
            json_ = mapping_->merged(mapped.value().update).value();
            remake();
            mapped = map_document(*mapping_, id, source);
            ASSERT_TRUE(mapped.ok()) << mapped.error().message;
        }
        search::MappedWrite write;
        write.id = id;
        write.source = source;
        write.values = mapped.value().values;
        const auto written = index_.write_mapped({mapped.value().fields, {write}});
        ASSERT_TRUE(written.ok()) << written.error().message;
        index_.publish(++seq_);
        if (seq_ % 3 == 0) {
            const auto job = index_.begin_seal();
            files_[job.segment_id] = job.run().value();
            index_.finish_seal(
                search::open_segment(index_.schema(), files_[job.segment_id], nullptr).value()
            );
        }
    }

    void add_all(const std::vector<std::string>& sources) {
        for (std::size_t i = 0; i < sources.size(); ++i) {
            add(std::to_string(i + 1), sources[i]);
        }
    }

    /// "1:0.69 4:0.12" of {"match": ...}: ids in order, with their scores if `scored`; or what is
    /// wrong.
    std::string find(const std::string& query, bool scored = false) {
        prepare();
        const auto json = Json::parse(query);
        if (!json.ok()) {
            return json.error().message;
        }
        const auto node = parse_query(json.value(), *context_);
        if (!node.ok()) {
            const Fault fault = fault_of(node.error());
            return fault.type + ": " + fault.reason;
        }
        tree::Evaluation evaluation(*snapshot_);
        const auto found = tree::evaluate(*node.value(), evaluation, true);
        if (!found.ok()) {
            return found.error().message;
        }
        std::map<std::string, float> scores;
        for (std::size_t p = 0; p < found.value().size(); ++p) {
            const auto& matches = found.value()[p];
            for (std::size_t i = 0; i < matches.size(); ++i) {
                scores[id_of(p, matches.docs[i])] = matches.score_at(i);
            }
        }
        std::string out;
        for (const auto& [id, score] : scores) {
            out += out.empty() ? id : " " + id;
            if (scored) {
                char text[32];
                std::snprintf(text, sizeof(text), ":%.4f", static_cast<double>(score));
                out += text;
            }
        }
        return out;
    }

    /// The answer to {"name": {"terms": ...}} over all documents, or what is wrong.
    std::string aggregate(const std::string& aggregations, const std::string& query = {}) {
        prepare();
        const auto json = Json::parse(aggregations);
        if (!json.ok()) {
            return json.error().message;
        }
        NestedSearch nested({context_.get()}, {snapshot_.get()}, indices_);
        AggregationContext context{{context_.get()}};
        context.nested = nested.entry();
        const auto parsed = parse_aggregations(json.value(), context);
        if (!parsed.ok()) {
            const Fault fault = fault_of(parsed.error());
            return fault.type + ": " + fault.reason;
        }
        std::vector<agg::IndexInput> inputs{{.snapshot = snapshot_.get()}};
        for (const agg::IndexInput& input : nested.inputs()) {
            inputs.push_back(input);
        }
        agg::Run run(inputs, {});
        agg::DocSet docs = run.everything();
        if (!query.empty()) {
            const auto node = parse_query(Json::parse(query).value(), *context_).value();
            tree::Evaluation evaluation(*snapshot_);
            auto found = tree::evaluate(*node, evaluation, true).value();
            for (std::size_t p = 0; p < docs.size(); ++p) {
                docs[p].docs = std::move(found[p].docs);
            }
        }
        const auto outputs = parsed.value().level.run(run, docs);
        if (!outputs.ok()) {
            const Fault fault = fault_of(aggregation_fault(outputs.error()));
            return fault.type + ": " + fault.reason;
        }
        const auto out = aggregations_json(parsed.value(), outputs.value(), false, {});
        return out.ok() ? out.value().dump() : out.error().message;
    }

    QueryContext& context() {
        prepare();
        return *context_;
    }

    /// What context() is for.
    const search::Snapshot& snapshot() const { return *snapshot_; }

private:
    void remake() { mapping_ = Mapping::make(json_, Json::object()).value(); }

    void prepare() {
        snapshot_ = index_.snapshot();
        indices_ = std::make_shared<NestedIndices>();
        context_ = std::make_unique<QueryContext>(
            QueryContext{.mapping = *mapping_, .schema = *snapshot_->schema, .index = "test"}
        );
        // 2020-06-15T12:00:00Z
        context_->now_millis = 1592222400000;
        enable_nested(*context_, indices_);
    }

    std::string id_of(std::size_t part, search::DocId doc) const {
        std::string stored;
        EXPECT_TRUE(snapshot_->parts[part].segment->stored->append(doc, stored).ok());
        return search::parse_stored(stored).value().id;
    }

    search::Index index_;
    Json json_;
    std::shared_ptr<const Mapping> mapping_;
    std::map<std::uint64_t, std::string> files_;
    std::uint64_t seq_ = 0;
    std::shared_ptr<const search::Snapshot> snapshot_;
    std::shared_ptr<NestedIndices> indices_;
    std::unique_ptr<QueryContext> context_;
};

}  // namespace kumo::api_elastic
