#include "api/kumosearch/handlers/document_parameters.h"

#include <string_view>

namespace kumo::api_kumosearch {

Result<search::DirtyValues> plan_dirty_values(const Parameters& parameters) {
    const std::string_view text = parameters.text("dirty_values");
    if (text.empty()) {
        return search::DirtyValues::kBySchema;
    }
    if (text == "reject") {
        return search::DirtyValues::kReject;
    }
    if (text == "drop") {
        return search::DirtyValues::kDrop;
    }
    if (text == "coerce_or_reject") {
        return search::DirtyValues::kCoerceOrReject;
    }
    if (text == "coerce_or_drop") {
        return search::DirtyValues::kCoerceOrDrop;
    }
    return invalid_argument(
        "Parameter `dirty_values` must be one of `coerce_or_reject`, `coerce_or_drop`, `drop` or "
        "`reject`."
    );
}

Result<node::WriteBatch> plan_write(const Parameters& parameters, search::WriteAction absent) {
    node::WriteBatch batch;
    batch.action = absent;
    const std::string_view action = parameters.text("action");
    if (action == "create") {
        batch.action = search::WriteAction::kCreate;
    } else if (action == "upsert") {
        batch.action = search::WriteAction::kUpsert;
    } else if (action == "update") {
        batch.action = search::WriteAction::kUpdate;
    } else if (action == "emplace") {
        batch.action = search::WriteAction::kEmplace;
    } else if (!action.empty()) {
        return invalid_argument("Parameter `action` must be a create|update|upsert|emplace.");
    }
    KUMO_TRY_ASSIGN(batch.dirty, plan_dirty_values(parameters));
    return batch;
}

}  // namespace kumo::api_kumosearch
