#include "cluster/discovery/nodes_file.h"

#include "base/assert.h"
#include "base/log.h"

#include <algorithm>
#include <utility>

namespace kumo::cluster {

namespace {

constexpr std::string_view kSpace = " \t\r\n";

std::string_view trim(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(kSpace);
    if (begin == std::string_view::npos) {
        return {};
    }
    return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

Result<NodeAddress> parse_entry(std::string_view entry) {
    if (entry.empty()) {
        return invalid_argument("it is empty");
    }
    const std::size_t last = entry.rfind(':');
    const std::size_t first =
        last == std::string_view::npos || last == 0 ? last : entry.rfind(':', last - 1);
    const std::size_t bracket = entry.rfind(']');
    const bool cut = last == std::string_view::npos || first == std::string_view::npos
                     || first == last || (bracket != std::string_view::npos && first < bracket);
    if (cut) {
        return invalid_argument(
            "'" + std::string(entry.substr(0, kHostBytesMax))
            + "' is not host:peering_port:api_port"
        );
    }
    NodeAddress node;
    KUMO_TRY_ASSIGN(node.peering, parse_host_port(entry.substr(0, last)));
    KUMO_TRY_ASSIGN(node.api_port, parse_port(entry.substr(last + 1)));
    return node;
}

}  // namespace

Result<std::vector<NodeAddress>> parse_nodes_list(std::string_view text) {
    if (trim(text).empty()) {
        return invalid_argument("the nodes list is empty");
    }
    std::vector<NodeAddress> nodes;
    std::size_t begin = 0;
    while (begin <= text.size()) {
        const std::size_t end = std::min(text.find(',', begin), text.size());
        const std::string_view raw = text.substr(begin, end - begin);
        const std::string_view entry = trim(raw);
        const auto lead = entry.empty() ? raw.size() : raw.find_first_not_of(kSpace);
        const auto line = 1
                          + std::count(
                              text.begin(),
                              text.begin() + static_cast<std::ptrdiff_t>(begin + lead),
                              '\n'
                          );
        const std::string where = "entry " + std::to_string(nodes.size() + 1) + " (line "
                                  + std::to_string(line) + ") of the nodes list: ";
        if (nodes.size() == kNodesListMax) {
            return Error{
                ErrorCode::kLimitExceeded,
                where + "more than " + std::to_string(kNodesListMax) + " nodes"};
        }
        auto node = parse_entry(entry);
        if (!node.ok()) {
            return invalid_argument(where + node.error().message);
        }
        const bool known = std::any_of(nodes.begin(), nodes.end(), [&](const NodeAddress& before) {
            return before.peering == node.value().peering;
        });
        if (known) {
            return invalid_argument(where + node.value().peering.to_string() + " is named twice");
        }
        nodes.push_back(std::move(node).value());
        nodes.back().line = static_cast<std::size_t>(line);
        begin = end + 1;
    }
    return nodes;
}

struct NodesFileWatcher::State : std::enable_shared_from_this<NodesFileWatcher::State> {
    State(io::Loop& the_loop, io::Fs& the_fs, NodesFileOptions the_options, Changed the_changed)
        : loop(the_loop),
          fs(the_fs),
          options(std::move(the_options)),
          changed(std::move(the_changed)) {}

    Status read() {
        auto text = io::read_file(fs, options.path, kNodesFileBytesMax);
        auto parsed = text.ok() ? parse_nodes_list(text.value())
                                : Result<std::vector<NodeAddress>>(text.error());
        if (!parsed.ok()) {
            const std::string message = options.path + ": " + parsed.error().message;
            if (std::exchange(last_error, message) != message) {
                log_warn(message + (nodes.has_value() ? "; the last good list stays" : ""));
            }
            return Error{parsed.error().code, message};
        }
        const bool was_bad = !std::exchange(last_error, {}).empty();
        if (nodes == parsed.value()) {
            if (was_bad) {
                log_info(options.path + ": it is readable again, and unchanged");
            }
            return {};
        }
        nodes = std::move(parsed).value();
        log_info(options.path + ": it names " + std::to_string(nodes->size()) + " nodes");
        const auto told = *nodes;
        changed(told);
        return {};
    }

    void schedule() {
        const auto weak = weak_from_this();
        timer = loop.add_timer(options.interval, [weak] {
            const auto self = weak.lock();
            if (self == nullptr) {
                return;
            }
            self->schedule();
            (void)self->read().ok();
        });
    }

    io::Loop& loop;
    io::Fs& fs;
    const NodesFileOptions options;
    const Changed changed;
    std::optional<std::vector<NodeAddress>> nodes;
    std::string last_error;
    io::TimerId timer;
};

NodesFileWatcher::NodesFileWatcher(
    io::Loop& loop,
    io::Fs& fs,
    NodesFileOptions options,
    Changed changed
) {
    options.interval = std::min(options.interval, kNodesFileIntervalMax);
    state_ = std::make_shared<State>(loop, fs, std::move(options), std::move(changed));
}

NodesFileWatcher::~NodesFileWatcher() {
    state_->loop.cancel_timer(state_->timer);
}

Status NodesFileWatcher::start() {
    const auto state = state_;
    state->schedule();
    return state->read();
}

Status NodesFileWatcher::read_now() {
    const auto state = state_;  // The callback may destroy the watcher.
    return state->read();
}

const std::optional<std::vector<NodeAddress>>& NodesFileWatcher::nodes() const {
    return state_->nodes;
}

}  // namespace kumo::cluster
