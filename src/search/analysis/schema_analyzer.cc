#include "search/analysis/schema_analyzer.h"

#include <utility>

namespace kumo::search {

AnalysisOptions analysis_of(const Schema& schema, const Field& field) {
    return {
        schema.token_separators,
        schema.symbols_to_index,
        field.locale,
        field.stem,
        field.stem_dictionary,
        field.exact,
        field.analysis};
}

SchemaAnalyzer::SchemaAnalyzer(const Schema& schema)
    : schema_(schema),
      plain_(std::make_shared<const Analyzer>(schema.token_separators, schema.symbols_to_index)),
      by_field_(schema.fields.size()) {}

const Analyzer& SchemaAnalyzer::of(std::size_t field) const {
    const Field& declared = schema_.fields[field];
    if (declared.locale.empty() && !declared.stem && !declared.exact && declared.analysis.empty()) {
        return *plain_;
    }
    std::shared_ptr<const Analyzer>& analyzer = by_field_[field];
    if (analyzer == nullptr) {
        analyzer = std::make_shared<const Analyzer>(analysis_of(schema_, declared));
    }
    return *analyzer;
}

}  // namespace kumo::search
