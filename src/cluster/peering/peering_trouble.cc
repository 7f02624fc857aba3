#include "base/log.h"
#include "cluster/peering/internal/peering_impl.h"

#include <utility>

// What is said about connections that do not come about: to operators, who have mixed up ports,
// addresses, clusters or certificates.

namespace kumo::cluster {

namespace {

/// Beside the refusals.
constexpr auto kUnreachable = static_cast<std::uint8_t>(PeerRefusal::kCount);

}  // namespace

std::string place_of(const PeerTarget& target, const std::string& address) {
    return target.origin.empty() ? address : address + " (" + target.origin + ")";
}

std::string Peering::Impl::refusal_line(const Entry& entry, const FrameFault& fault) const {
    if (entry.target == nullptr) {
        return "connection with " + entry.connection->peer().to_string()
               + " refused: " + fault.what;
    }
    const std::string place =
        place_of(entry.target->wanted, entry.target->link(entry.channel).address);
    if (fault.reason == PeerRefusal::kSelf) {
        const auto& addresses = options_.self.addresses;
        return place + " is this node itself"
               + (addresses.empty() ? "" : ", whose address is " + addresses.front());
    }
    return entry.connection->was_refused_by_peer()
               ? place + " refuses this node: '" + fault.what + "'"
               : "connection to " + place + " refused: " + fault.what;
}

void Peering::Impl::note_refusal(
    PeerConnection& connection,
    const Entry& entry,
    const FrameFault& fault
) {
    ++stats_.refused[static_cast<std::size_t>(fault.reason)];
    if (fault.reason == PeerRefusal::kSelf && entry.target == nullptr) {
        return;  // Said at the other end, which knows the address.
    }
    const std::string who = entry.target == nullptr ? connection.peer().host_string()
                                                    : entry.target->link(entry.channel).address;
    const std::string line = troubles_.note(
        who,
        static_cast<std::uint8_t>(fault.reason),
        refusal_line(entry, fault),
        loop_.clock().monotonic_now()
    );
    if (line.empty()) {
        return;
    }
    if (fault.reason == PeerRefusal::kDuplicate) {
        log_info(line);
    } else {
        log_warn(line);
    }
}

/// Once for both channels.
void Peering::Impl::note_failed_dial(Target& target, Channel channel, const std::string& why) {
    ++stats_.dials_failed;
    Link& link = target.link(channel);
    const MonotonicTime now = loop_.clock().monotonic_now();
    if (!link.failing_since) {
        link.failing_since = now;
    }
    if (channel != Channel::kControl || now - *link.failing_since < kUnreachableLogAfter) {
        return;
    }
    const std::string place = place_of(target.wanted, link.address);
    const std::string line =
        troubles_.note(link.address, kUnreachable, place + " cannot be reached: " + why, now);
    if (!line.empty()) {
        log_warn(line);
    }
}

}  // namespace kumo::cluster
