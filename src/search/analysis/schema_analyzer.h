#pragma once

#include "search/analysis/analyzer.h"
#include "search/schema/schema.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace kumo::search {

/// How the schema analyses the text of one of its fields.
AnalysisOptions analysis_of(const Schema& schema, const Field& field);

/// The analyzers of a schema's fields, each made when it is first asked for. Refers to the schema.
/// One owner, one thread; the analyzers themselves live as long as it.
class SchemaAnalyzer {
public:
    explicit SchemaAnalyzer(const Schema& schema);

    const Analyzer& of(std::size_t field) const;

    /// For text that is of no field: without a locale and stems.
    const Analyzer& plain() const { return *plain_; }

private:
    const Schema& schema_;
    std::shared_ptr<const Analyzer> plain_;
    mutable std::vector<std::shared_ptr<const Analyzer>> by_field_;
};

}  // namespace kumo::search
