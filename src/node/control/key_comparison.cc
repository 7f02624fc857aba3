#include "node/control/key_comparison.h"

#include <utility>

namespace kumo::node {

void KeyComparison::set_own(std::string check) {
    own_ = std::move(check);
    for (auto& [node, peer] : peers_) {
        peer = {};
    }
}

void KeyComparison::on_connected(const cluster::NodeId& node) {
    peers_[node] = {};
}

void KeyComparison::on_gone(const cluster::NodeId& node) {
    peers_.erase(node);
}

std::vector<cluster::NodeId> KeyComparison::due(MonotonicTime now) {
    std::vector<cluster::NodeId> out;
    for (auto& [node, peer] : peers_) {
        if (!own_.empty() && peer.verdict == Verdict::kUnknown && now >= peer.ask_at) {
            peer.ask_at = now + kAskInterval;
            out.push_back(node);
        }
    }
    return out;
}

void KeyComparison::on_answer(const cluster::NodeId& node, const Result<std::string>& answer) {
    const auto peer = peers_.find(node);
    if (peer == peers_.end()) {
        return;
    }
    Verdict& verdict = peer->second.verdict;
    if (answer.ok() && answer.value().size() == kCheckBytes) {
        verdict = answer.value() == own_ ? Verdict::kSame : Verdict::kOther;
    } else if (answer.ok() || answer.error().code == ErrorCode::kUnsupported) {
        verdict = Verdict::kNeverKnown;
    }
}

std::vector<cluster::NodeId> KeyComparison::to_name(MonotonicTime now) {
    if (named_at_.size() >= cluster::kPeersMax) {
        named_at_.clear();  // Of nodes that are gone for good.
    }
    std::vector<cluster::NodeId> out;
    for (const auto& [node, peer] : peers_) {
        if (peer.verdict != Verdict::kOther) {
            continue;
        }
        const auto [named, is_new] = named_at_.emplace(node, now);
        if (is_new || now - named->second >= kNameInterval) {
            named->second = now;
            out.push_back(node);
        }
    }
    return out;
}

std::vector<cluster::NodeId> KeyComparison::mended() {
    std::vector<cluster::NodeId> out;
    for (const auto& [node, peer] : peers_) {
        if (peer.verdict == Verdict::kSame && named_at_.erase(node) > 0) {
            out.push_back(node);
        }
    }
    return out;
}

std::set<cluster::NodeId> KeyComparison::others() const {
    std::set<cluster::NodeId> out;
    for (const auto& [node, peer] : peers_) {
        if (peer.verdict == Verdict::kOther) {
            out.insert(node);
        }
    }
    return out;
}

}  // namespace kumo::node
