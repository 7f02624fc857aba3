#include "api/elastic/fault.h"

#include <map>
#include <utility>

namespace kumo::api_elastic {

namespace {

const std::map<std::string_view, int>& statuses() {
    static const std::map<std::string_view, int> kStatuses = {
        {"index_not_found_exception", 404},
        {"resource_not_found_exception", 404},
        {"resource_already_exists_exception", 400},
        {"aliases_not_found_exception", 404},
        {"alias_not_found_exception", 404},
        {"index_template_missing_exception", 404},
        {"repository_missing_exception", 404},
        {"snapshot_missing_exception", 404},
        {"document_missing_exception", 404},
        {"search_context_missing_exception", 404},
        {"type_missing_exception", 404},
        {"pipeline_missing_exception", 404},
        {"version_conflict_engine_exception", 409},
        {"cluster_block_exception", 403},
        {"index_closed_exception", 400},
        {"security_exception", 401},
        {"not_acceptable", 406},
        {"method_not_allowed", 405},
        {"rejected_execution_exception", 429},
        {"circuit_breaking_exception", 429},
        {"too_many_buckets_exception", 503},
        {"unavailable_shards_exception", 503},
        {"no_shard_available_action_exception", 503},
        {"cluster_manager_not_discovered_exception", 503},
        {"process_cluster_event_timeout_exception", 503},
        {"timeout_exception", 503},
        {"exception", 500},
        {"aggregation_execution_exception", 500},
        {"null_pointer_exception", 500},
        {"illegal_state_exception", 500},
        {"io_exception", 500},
    };
    return kStatuses;
}

/// What an error from below is here.
Fault fault_of_code(const Error& error) {
    switch (error.code) {
        case ErrorCode::kInvalidArgument:
        case ErrorCode::kLimitExceeded: return {400, "illegal_argument_exception", error.message};
        case ErrorCode::kUnauthenticated: return {401, "security_exception", error.message};
        case ErrorCode::kNotFound: return {404, "resource_not_found_exception", error.message};
        case ErrorCode::kAlreadyExists:
            return {400, "resource_already_exists_exception", error.message};
        case ErrorCode::kConflict: return {409, "version_conflict_engine_exception", error.message};
        case ErrorCode::kResourceExhausted: return {429, "cluster_block_exception", error.message};
        case ErrorCode::kOverloaded: return {429, "rejected_execution_exception", error.message};
        case ErrorCode::kUnavailable:
            return {503, "cluster_manager_not_discovered_exception", error.message};
        case ErrorCode::kTimeout: return {503, "timeout_exception", error.message};
        case ErrorCode::kUnsupported:
            return {400, "unsupported_operation_exception", error.message};
        case ErrorCode::kIo:
        case ErrorCode::kCorruption: return {500, "io_exception", error.message};
        case ErrorCode::kInternal: break;
    }
    return {500, "exception", error.message};
}

ErrorCode code_of(int status) {
    switch (status) {
        case 401: return ErrorCode::kUnauthenticated;
        case 404: return ErrorCode::kNotFound;
        case 409: return ErrorCode::kConflict;
        case 429: return ErrorCode::kOverloaded;
        case 500: return ErrorCode::kInternal;
        case 503: return ErrorCode::kUnavailable;
        default: return ErrorCode::kInvalidArgument;
    }
}

int status_of(std::string_view type) {
    const auto found = statuses().find(type);
    return found == statuses().end() ? 400 : found->second;
}

/// A search's: "index, type, reason" of the shards that failed.
Fault search_failure(const Fault& all) {
    const std::size_t first = all.reason.find(kFaultSeparator);
    const std::size_t second = all.reason.find(kFaultSeparator, first + 1);
    if (first == std::string::npos || second == std::string::npos) {
        return all;
    }
    Fault cause;
    cause.type = all.reason.substr(first + 1, second - first - 1);
    cause.reason = all.reason.substr(second + 1);
    Fault out;
    out.type = all.type;
    out.status = status_of(cause.type);
    out.reason = "all shards failed";
    out.root = cause_json(cause);
    out.details = Json::object(
        {{"phase", "query"},
         {"grouped", true},
         {"failed_shards",
          Json::array({Json::object(
              {{"shard", 0}, {"index", all.reason.substr(0, first)}, {"reason", out.root}}
          )})},
         {"caused_by", out.root}}
    );
    return out;
}

void add_index_details(std::string_view index, Json& details) {
    details["resource.type"] = "index_or_alias";
    details["resource.id"] = index;
    details["index_uuid"] = "_na_";
    details["index"] = index;
}

}  // namespace

Error fault(std::string_view type, std::string reason) {
    std::string message(type);
    message += kFaultSeparator;
    message += reason;
    return Error{code_of(status_of(type)), std::move(message)};
}

Error no_such_index(std::string_view index) {
    return fault("index_not_found_exception", "no such index [" + std::string(index) + "]");
}

Fault fault_of(const Error& error) {
    const std::size_t at = error.message.find(kFaultSeparator);
    if (at == std::string::npos) {
        return fault_of_code(error);
    }
    Fault out;
    out.type = error.message.substr(0, at);
    out.reason = error.message.substr(at + 1);
    out.status = status_of(out.type);
    if (out.type == "search_phase_execution_exception") {
        return search_failure(out);
    }
    if (const std::size_t cause = out.reason.find(kFaultSeparator); cause != std::string::npos) {
        const std::size_t end = out.reason.find(kFaultSeparator, cause + 1);
        out.details["caused_by"] = Json::object(
            {{"type", out.reason.substr(cause + 1, end - cause - 1)},
             {"reason", end == std::string::npos ? "" : out.reason.substr(end + 1)}}
        );
        out.reason.resize(cause);
    }
    if (out.type == "index_not_found_exception") {
        const std::size_t begin = out.reason.find('[');
        const std::size_t end = out.reason.rfind(']');
        if (begin != std::string::npos && end != std::string::npos && end > begin) {
            add_index_details(out.reason.substr(begin + 1, end - begin - 1), out.details);
        }
    }
    return out;
}

Json cause_json(const Fault& fault) {
    Json out = Json::object({{"type", fault.type}, {"reason", fault.reason}});
    out.merge(fault.details);
    return out;
}

Json error_json(const Fault& fault) {
    Json out = Json::object(
        {{"root_cause", Json::array({fault.root.is_null() ? cause_json(fault) : fault.root})}}
    );
    out.merge(cause_json(fault));
    return out;
}

Json error_body(const Fault& fault) {
    return Json::object({{"error", error_json(fault)}, {"status", fault.status}});
}

}  // namespace kumo::api_elastic
