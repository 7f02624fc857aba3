#include "api/elastic/query/internal/query_parser.h"

namespace kumo::api_elastic {

NodeResult read_more_like_this(QueryParser& /*parser*/, const Json& /*body*/) {
    return not_supported("[more_like_this] queries are not supported");
}

}  // namespace kumo::api_elastic
