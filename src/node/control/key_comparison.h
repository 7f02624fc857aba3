#pragma once

#include "base/clock.h"
#include "base/result.h"
#include "cluster/peering/peering.h"

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kumo::node {

/// Whether the other nodes were started with the same API key, which they are to tell clients apart
/// with. Each node makes a short check of its key and shows it to whoever asks; nobody shows a key.
///
/// The check is made slowly (scrypt), under the cluster's id, and is two bytes long. So nothing can
/// be tried in advance or for many clusters at once; each guess costs a slow derivation; and what
/// somebody has recorded only tells which guesses are wrong, never that one is right: of 65536
/// wrong keys one has the same check. Fresh nonces with a long digest would be worse here, as a
/// single recording would prove a guess. The price is that one wrong key of 65536 stays unnoticed.
///
/// What is kept is bounded by Peering::kPeersMax. Loop-owned; no I/O.
class KeyComparison {
public:
    static constexpr std::size_t kCheckBytes = 2;
    static constexpr Duration kAskInterval = std::chrono::seconds(1);
    static constexpr Duration kNameInterval = std::chrono::seconds(60);

    /// Before this, nobody is asked. An empty one: never.
    void set_own(std::string check);

    const std::string& own() const { return own_; }

    /// A run of a node begins or ends to be connected: its key is as old as its process.
    void on_connected(const cluster::NodeId& node);
    void on_gone(const cluster::NodeId& node);

    /// Whom to ask now; each until it has answered, once in kAskInterval.
    std::vector<cluster::NodeId> due(MonotonicTime now);

    /// kUnsupported: a version that does not know the question; it is not asked again.
    void on_answer(const cluster::NodeId& node, const Result<std::string>& answer);

    /// Who has another key, and was not named in the last kNameInterval.
    std::vector<cluster::NodeId> to_name(MonotonicTime now);

    /// Who was named, and has the same key by now. Once.
    std::vector<cluster::NodeId> mended();

    /// Who is connected and has another key.
    std::set<cluster::NodeId> others() const;

private:
    enum class Verdict : std::uint8_t {
        kUnknown,
        kSame,
        kOther,
        kNeverKnown,
    };

    struct Peer {
        Verdict verdict = Verdict::kUnknown;
        MonotonicTime ask_at;
    };

    std::string own_;
    std::map<cluster::NodeId, Peer> peers_;
    std::map<cluster::NodeId, MonotonicTime> named_at_;
};

}  // namespace kumo::node
