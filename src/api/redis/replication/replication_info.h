#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::api_redis {

class Service;
struct Call;

using InfoLine = std::function<void(std::string_view name, const std::string& value)>;

/// INFO's section "Replication".
void write_replication_info(Service& service, const InfoLine& line);
/// The connections that follow this server, each as INFO describes it.
std::vector<std::string> describe_replicas(Service& service);
/// While a master's file is loaded: the fields of "Persistence" about that.
void write_loading_info(Service& service, const InfoLine& line);

/// ROLE.
void write_role(Call& call);

}  // namespace kumo::api_redis
