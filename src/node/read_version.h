#pragma once

#include <memory>
#include <utility>
#include <vector>

namespace kumo::node {

/// What the searches of a collection depend on at one moment: its documents and everything that
/// the state says about it. Two that are equal were taken with nothing changed between; that two
/// differ says nothing. A value; it keeps nothing alive.
class ReadVersion {
public:
    ReadVersion() = default;

    void add(const std::shared_ptr<const void>& part) { parts_.emplace_back(part); }

    bool operator==(const ReadVersion& other) const {
        bool same = parts_.size() == other.parts_.size();
        for (std::size_t i = 0; same && i < parts_.size(); ++i) {
            // What is gone differs from what came in its place, even at the same address.
            same = !parts_[i].owner_before(other.parts_[i])
                   && !other.parts_[i].owner_before(parts_[i]);
        }
        return same;
    }

private:
    std::vector<std::weak_ptr<const void>> parts_;
};

}  // namespace kumo::node
