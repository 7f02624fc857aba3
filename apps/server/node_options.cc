#include "node_options.h"

#include "api/kumosearch/auth/secrets.h"
#include "system_metrics.h"

namespace kumo::server {

node::NodeOptions node_options(const Config& config) {
    node::NodeOptions options;
    options.data_dir = config.data_dir;
    options.fsync = config.fsync;
    options.disk_used_max_percentage = config.disk_used_max_percentage;
    options.memory_used_max_percentage = config.memory_used_max_percentage;
    options.memory_used_percentage = SystemMetrics::memory_used_percentage;
    options.cluster = config.cluster;
    options.cluster.key_check = [key = config.api_key](ByteView salt) {
        return api_kumosearch::key_check(key, salt);
    };
    return options;
}

}  // namespace kumo::server
