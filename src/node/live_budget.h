#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <set>
#include <utility>

namespace kumo::node {

/// How much the live segments of all engines of a node may hold together: when they hold more, the
/// largest is to be sealed before it is due. Loop-owned, as the engines are.
class LiveBudget {
public:
    /// Smaller live segments are left alone: many collections would make many small segments.
    static constexpr std::size_t kSealedBytesMin = std::size_t{1} << 20;

    explicit LiveBudget(std::size_t bytes_max) : bytes_max_(bytes_max) {}

    LiveBudget(const LiveBudget&) = delete;
    LiveBudget& operator=(const LiveBudget&) = delete;

    /// An engine, until it is closed. Engines may outlive the node, in tasks that never ran: the
    /// budget lives as long as its members.
    class Member {
    public:
        /// `seal` asks the owner to seal; it may call update() of this and others.
        Member(std::shared_ptr<LiveBudget> budget, std::function<void()> seal)
            : budget_(std::move(budget)), seal_(std::move(seal)) {}

        ~Member() { budget_->count(*this, 0); }

        Member(const Member&) = delete;
        Member& operator=(const Member&) = delete;

        /// The owner's live segment holds so much now, without what is being sealed.
        void update(std::size_t bytes) {
            budget_->count(*this, bytes);
            budget_->enforce();
        }

    private:
        friend class LiveBudget;

        const std::shared_ptr<LiveBudget> budget_;
        std::function<void()> seal_;
        std::size_t bytes_ = 0;
    };

private:
    void count(Member& member, std::size_t bytes) {
        total_ += bytes - member.bytes_;
        large_.erase({member.bytes_, &member});
        member.bytes_ = bytes;
        if (bytes >= kSealedBytesMin) {
            large_.emplace(bytes, &member);
        }
    }

    void enforce() {
        if (total_ > bytes_max_ && !large_.empty()) {
            large_.rbegin()->second->seal_();
        }
    }

    const std::size_t bytes_max_;
    std::size_t total_ = 0;
    std::set<std::pair<std::size_t, Member*>> large_;  ///< Those that may be sealed.
};

}  // namespace kumo::node
