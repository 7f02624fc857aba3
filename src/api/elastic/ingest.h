#pragma once

#include "api/elastic/context.h"
#include "api/elastic/documents/writer.h"
#include "api/elastic/index_store.h"
#include "base/result.h"

namespace kumo::api_elastic {

/// Changes the item's source as its pipeline says, then as the index's final pipeline does
/// (`pipeline`, `index.default_pipeline`, `index.final_pipeline`). illegal_argument_exception for
/// pipelines that are not there; what processors say.
Status run_pipelines(const Context& context, const Index& index, WriteItem& item);

/// Checks a pipeline's definition. parse_exception.
Status check_pipeline(const Json& pipeline);

/// The document after a pipeline: `document` is {"_index", "_id", "_source", ...}.
Result<Json> run_pipeline(const Context& context, const Json& pipeline, Json document);

}  // namespace kumo::api_elastic
