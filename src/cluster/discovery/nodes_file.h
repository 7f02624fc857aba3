#pragma once

#include "base/result.h"
#include "cluster/discovery/host_port.h"
#include "io/fs.h"
#include "io/loop.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kumo::cluster {

/// A node as a nodes list names it.
struct NodeAddress {
    HostPort peering;
    std::uint16_t api_port = 0;
    std::size_t line = 0;  ///< Where it stands in the list, from 1.

    bool operator==(const NodeAddress&) const = default;
};

inline constexpr std::size_t kNodesListMax = 256;
inline constexpr std::uint64_t kNodesFileBytesMax = std::uint64_t{1} << 20;

/// Reads "host:peering_port:api_port,...": IPv6 addresses stand in brackets, and white space and
/// line breaks may stand around entries. kInvalidArgument names the entry (from 1), its line and
/// what is wrong: no entry at all, an empty one, a part missing, a port out of range, or a node
/// that was named before. kLimitExceeded above kNodesListMax.
Result<std::vector<NodeAddress>> parse_nodes_list(std::string_view text);

struct NodesFileOptions {
    std::string path;
    Duration interval = std::chrono::seconds(5);  ///< At most kNodesFileIntervalMax.
};

inline constexpr Duration kNodesFileIntervalMax = std::chrono::seconds(10);

/// Reads a nodes file again and again. What cannot be read or parsed changes nothing: the last
/// good list stays, and the next reading starts afresh. Each change of what is there (a new list, a
/// new error, good again) is logged once.
///
/// The file is read on the loop: it is small and local. Loop-owned; loop and Fs outlive it. The
/// callback may destroy it.
class NodesFileWatcher {
public:
    /// A list that differs from the last one.
    using Changed = std::function<void(const std::vector<NodeAddress>&)>;

    NodesFileWatcher(io::Loop& loop, io::Fs& fs, NodesFileOptions options, Changed changed);
    ~NodesFileWatcher();
    NodesFileWatcher(const NodesFileWatcher&) = delete;
    NodesFileWatcher& operator=(const NodesFileWatcher&) = delete;

    /// Reads now, and tells a first or changed list before it returns; then every interval. The
    /// error is that of this reading. Once.
    Status start();

    /// The same, at once and not only after an interval.
    Status read_now();

    /// The last good list; nothing until there was one.
    const std::optional<std::vector<NodeAddress>>& nodes() const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace kumo::cluster
