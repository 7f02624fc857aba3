#include "api/elastic/query/internal/query_parser.h"

namespace kumo::api_elastic {

NodeResult read_intervals(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[intervals] queries are not supported");
}

NodeResult read_span_term(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[span_term] queries are not supported");
}

NodeResult read_span_near(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[span_near] queries are not supported");
}

NodeResult read_span_or(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[span_or] queries are not supported");
}

NodeResult read_span_not(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[span_not] queries are not supported");
}

NodeResult read_span_first(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[span_first] queries are not supported");
}

NodeResult read_span_multi(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[span_multi] queries are not supported");
}

NodeResult read_span_containing(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[span_containing] queries are not supported");
}

NodeResult read_span_within(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[span_within] queries are not supported");
}

}  // namespace kumo::api_elastic
