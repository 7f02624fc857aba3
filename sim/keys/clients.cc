#include "keys/cluster.h"

#include <algorithm>

// What clients ask of nodes, and what their answers say.

namespace kumo::node::sim {

namespace {

constexpr std::size_t kCallsMax = 40;

}  // namespace

void Cluster::use() {
    if (calls_.size() >= kCallsMax || pick(100) >= use_chance_) {
        return;
    }
    const Part& part = parts_[pick(parts_.size())];
    Operation operation;
    operation.slot = part.slot;
    const std::size_t first = pick(part.keys.size());
    operation.keys.push_back(part.keys[first]);
    if (first + 1 < part.keys.size() && pick(2) == 0) {
        operation.keys.push_back(part.keys[first + 1]);
    }
    if (pick(10) < 6) {
        operation.id = next_id_++;
        operation.padding = pick(padding_max_);
    }
    std::vector<std::size_t> up;
    std::vector<std::size_t> leading;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].up) {
            up.push_back(i);
            const KvGroup* own = node(i).group();
            if (own != nullptr && own->slots.contains(part.slot) && node(i).may_run()) {
                leading.push_back(i);
            }
        }
    }
    const auto& some = leading.empty() || pick(8) == 0 ? up : leading;
    if (some.empty()) {
        return;
    }
    const std::size_t i = some[pick(some.size())];
    if (is_hindered(i) && seed_ % 2 == 0) {
        operation.id =
            0;  // What writes there waits for does not come, and reads behind it wait, too.
    }
    send(i, std::move(operation));
}

/// Whether something that it sends does not arrive.
bool Cluster::is_hindered(std::size_t i) const {
    return std::any_of(cuts_.begin(), cuts_.end(), [i](const auto& cut) {
        return cut.first.first == i && cut.second > 0;
    });
}

void Cluster::send(std::size_t i, Operation operation) {
    const std::uint64_t number = next_call_++;
    if (operation.id != 0) {
        for (const std::string& key : operation.keys) {
            histories_[key].begin_append(operation.id, now());
        }
        if (operation.keys.size() == 2) {
            pairs_[{operation.keys[0], operation.keys[1]}].made.push_back(operation.id);
        }
    }
    KvMachine& machine = *nodes_[i].machine;
    Engine& engine = machine.engine();
    machine.loop().post([this, number, operation, &engine] {
        engine.run(operation, [this, number](Engine::End end, const Answer& answer) {
            on_end(number, end, answer);
        });
    });
    calls_[number] = {i, std::move(operation), now()};
}

void Cluster::on_end(std::uint64_t number, Engine::End end, const Answer& answer) {
    const auto found = calls_.find(number);
    if (found == calls_.end()) {
        fail("a call was answered twice, or by the dead");
        return;
    }
    const Call call = std::move(found->second);
    calls_.erase(found);
    const Operation& operation = call.operation;
    if (end == Engine::End::kDropped) {
        ++outcome_.unknown;
        return;
    }
    if (end == Engine::End::kRefused) {
        ++outcome_.refused;
        for (const std::string& key : operation.keys) {
            if (operation.id != 0) {
                histories_[key].refuse_append(operation.id);
            }
        }
        return;
    }
    ++(operation.id != 0 ? outcome_.appends : outcome_.reads);
    for (std::size_t k = 0; k < operation.keys.size(); ++k) {
        const std::string wrong =
            histories_[operation.keys[k]].answer(operation.id, answer[k], call.begin, now());
        if (!wrong.empty()) {
            fail("node " + std::to_string(call.node) + ", " + operation.keys[k] + ": " + wrong);
        }
    }
    if (operation.keys.size() == 2) {
        pairs_[{operation.keys[0], operation.keys[1]}].seen.emplace_back(
            answer[0].ids.size(),
            answer[1].ids.size()
        );
    }
}

void Cluster::drop_calls(std::size_t i) {
    for (auto call = calls_.begin(); call != calls_.end();) {
        const bool lost = call->second.node == i;
        outcome_.unknown += lost ? 1 : 0;
        call = lost ? calls_.erase(call) : std::next(call);
    }
}

// ---- the end

/// Everything is well: what the masters have now is what all histories have come to.
void Cluster::check_end() {
    if (!calls_.empty() && !failed()) {
        const Call& call = calls_.begin()->second;
        fail(
            "node " + std::to_string(call.node) + " never answered what it was asked at "
            + std::to_string(call.begin / 1'000'000) + " ms"
        );
    }
    for (const Part& part : parts_) {
        for (std::size_t i = 0; i < nodes_.size() && !failed(); ++i) {
            const State& state = *node(i).state();
            const KvGroup* led = group_led_by(state.kv, state.cluster, node(i).self());
            if (led != nullptr && led->slots.contains(part.slot)) {
                read_all(i, part);
            }
        }
    }
    for (const auto& [key, history] : histories_) {
        const std::string wrong = failed() ? "" : history.check();
        if (!wrong.empty()) {
            fail("no order explains " + key + ": " + wrong);
        }
    }
    check_pairs();
}

void Cluster::read_all(std::size_t i, const Part& part) {
    const auto& data = nodes_[i].machine->engine().data();
    const auto slot = data.find(part.slot);
    for (const std::string& key : part.keys) {
        const bool there = slot != data.end() && slot->second.contains(key);
        const Value value = there ? slot->second.at(key) : Value();
        const std::string wrong = histories_[key].answer(0, value, now(), now());
        if (!wrong.empty()) {
            fail("in the end, " + key + " at node " + std::to_string(i) + ": " + wrong);
        }
    }
}

/// Whoever appended to two keys did both at once.
void Cluster::check_pairs() {
    if (async_) {
        return;  // Histories do not say what came of all appends.
    }
    for (const auto& [keys, pair] : pairs_) {
        for (const std::uint64_t id : pair.made) {
            const std::size_t first = histories_[keys.first].place_of(id);
            const std::size_t second = histories_[keys.second].place_of(id);
            const bool halved =
                (first == 0) != (second == 0)
                || (first != 0
                    && std::any_of(pair.seen.begin(), pair.seen.end(), [&](const auto& seen) {
                           return (seen.first >= first) != (seen.second >= second);
                       }));
            if (halved && !failed()) {
                fail(
                    "append " + std::to_string(id) + " to " + keys.first + " and " + keys.second
                    + " was done in parts"
                );
            }
        }
    }
}

}  // namespace kumo::node::sim
