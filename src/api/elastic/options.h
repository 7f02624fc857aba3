#pragma once

#include <map>
#include <string>

namespace kumo::api_elastic {

/// Which server this one says it is.
enum class Compat : unsigned char {
    kOpenSearch,  ///< OpenSearch 2.19.0
    kEs7,         ///< Elasticsearch 7.10.2
};

struct Options {
    Compat compat = Compat::kOpenSearch;
    std::string cluster_name = "kumosearch";
    std::string node_name;
    std::string http_address;                       ///< "127.0.0.1:9200"
    std::string transport_address;                  ///< "127.0.0.1:9300"
    std::map<std::string, std::string> attributes;  ///< node.attr.*
    std::string repositories;  ///< path.repo: where repositories may be. Empty: nowhere.
    std::string data_dir;
    std::string version;  ///< Ours.
};

}  // namespace kumo::api_elastic
