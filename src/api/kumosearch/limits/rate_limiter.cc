#include "api/kumosearch/limits/rate_limiter.h"

#include <algorithm>
#include <chrono>

namespace kumo::api_kumosearch {

namespace {

constexpr std::int64_t kMinuteSeconds = 60;
constexpr std::int64_t kHourSeconds = 3600;

std::int64_t seconds_of(WallTime time) {
    return std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
}

/// An IPv4 address is the same one whichever socket it came to.
std::string_view plain_address(std::string_view address) {
    constexpr std::string_view kMapped = "::ffff:";
    const bool mapped = address.starts_with(kMapped) && address.find('.') != std::string_view::npos;
    return mapped ? address.substr(kMapped.size()) : address;
}

bool names_all(const std::vector<std::string>& names) {
    return names.empty() || std::find(names.begin(), names.end(), kAnybody) != names.end();
}

}  // namespace

std::shared_ptr<const RateLimiter::Parsed> RateLimiter::rules() {
    auto stored = node_.resources(node::ResourceKind::kLimit);
    auto known = rules_.load();
    if (known == nullptr || known->stored != stored) {
        LimitRules parsed(*stored);
        known = std::make_shared<const Parsed>(Parsed{std::move(stored), std::move(parsed)});
        rules_.store(known);
    }
    return known;
}

bool RateLimiter::is_limited(ByteView key, std::string_view address) {
    const auto known = rules();
    if (known->rules.empty()) {
        return false;
    }
    Subject subject{
        known->rules.name_keys() ? limited_key(key) : std::string(),
        std::string(plain_address(address))};
    const LimitRule* rule = known->rules.find(subject.key, subject.address);
    if (rule == nullptr || rule->action == LimitRule::Action::kAllow) {
        return false;
    }
    if (rule->action == LimitRule::Action::kBlock) {
        return true;
    }
    const std::int64_t now = seconds_of(clock_.wall_now());
    const MutexLock lock(mutex_);
    if (is_banned(subject, now)) {
        return true;
    }
    if (names_all(rule->keys)) {
        subject.key = kAnybody;
    }
    if (names_all(rule->addresses) && !rule->per_address) {
        subject.address = kAnybody;
    }
    return count(*rule, counter_of(rule->id, std::move(subject)), now);
}

bool RateLimiter::is_banned(const Subject& subject, std::int64_t now) {
    const std::string anybody(kAnybody);
    for (const Subject& one :
         {subject,
          Subject{subject.key, anybody},
          Subject{anybody, subject.address},
          Subject{anybody, anybody}}) {
        const auto found = bans_.find(one);
        if (found == bans_.end()) {
            continue;
        }
        if (found->second.to > now) {
            return true;
        }
        bans_.erase(found);
        forget(one);
    }
    return false;
}

void RateLimiter::forget(const Subject& subject) {
    std::erase_if(by_subject_, [&](const auto& entry) { return entry.first.second == subject; });
    std::erase_if(counters_, [&](const Counter& counter) { return counter.subject == subject; });
}

RateLimiter::Counter& RateLimiter::counter_of(std::uint64_t rule, Subject subject) {
    const auto [found, is_new] =
        by_subject_.try_emplace({rule, std::move(subject)}, counters_.end());
    if (!is_new) {
        counters_.splice(counters_.begin(), counters_, found->second);
        return counters_.front();
    }
    counters_.push_front(Counter{rule, found->first.second});
    found->second = counters_.begin();
    if (counters_.size() > kCountersMax) {
        by_subject_.erase({counters_.back().rule, counters_.back().subject});
        counters_.pop_back();
    }
    return counters_.front();
}

double RateLimiter::Window::advance(std::int64_t now, std::int64_t span) {
    const std::int64_t age = now - begin;
    if (age >= 2 * span || age < 0) {
        *this = {now, 0, 0};  // Nothing came for long, or the clock was set back.
    } else if (age >= span) {
        *this = {begin + span, 0, current};
    }
    const auto left = static_cast<double>(span - (now - begin)) / static_cast<double>(span);
    return static_cast<double>(current) + left * static_cast<double>(previous);
}

bool RateLimiter::count(const LimitRule& rule, Counter& counter, std::int64_t now) {
    const double in_minute = counter.minute.advance(now, kMinuteSeconds);
    const double in_hour = counter.hour.advance(now, kHourSeconds);
    const bool minute = rule.minute_max >= 0 && in_minute >= static_cast<double>(rule.minute_max);
    const bool hour = rule.hour_max >= 0 && in_hour >= static_cast<double>(rule.hour_max);
    if (!minute && !hour) {
        ++counter.minute.current;
        ++counter.hour.current;
        counter.exceeds = false;
        return false;
    }
    if (!counter.exceeds) {
        counter.exceeds = true;
        counter.exceed_id = next_exceed_id_++;
        counter.refused = 0;
        counter.times_exceeded += minute ? 1 : 0;
    }
    ++counter.refused;
    if (minute && rule.ban_threshold > 0 && rule.ban_hours > 0
        && counter.times_exceeded > rule.ban_threshold) {
        ban(rule, counter.subject, now);
    }
    return true;
}

void RateLimiter::ban(const LimitRule& rule, const Subject& subject, std::int64_t now) {
    if (bans_.size() >= kBansMax) {
        bans_.erase(std::min_element(bans_.begin(), bans_.end(), [](const auto& a, const auto& b) {
            return a.second.id < b.second.id;
        }));
    }
    const std::int64_t to = now + rule.ban_hours * kHourSeconds;
    bans_.try_emplace(subject, Ban{next_ban_id_++, subject.key, subject.address, now, to});
}

std::vector<RateLimiter::Exceed> RateLimiter::exceeds() {
    const MutexLock lock(mutex_);
    std::vector<Exceed> out;
    for (const Counter& counter : counters_) {
        if (counter.exceeds) {
            const Subject& subject = counter.subject;
            out.push_back({counter.exceed_id, subject.key, subject.address, counter.refused});
        }
    }
    std::sort(out.begin(), out.end(), [](const Exceed& a, const Exceed& b) { return a.id < b.id; });
    return out;
}

std::vector<RateLimiter::Ban> RateLimiter::bans() {
    const std::int64_t now = seconds_of(clock_.wall_now());
    const MutexLock lock(mutex_);
    std::vector<Ban> out;
    for (const auto& [subject, ban] : bans_) {
        if (ban.to > now) {
            out.push_back(ban);
        }
    }
    std::sort(out.begin(), out.end(), [](const Ban& a, const Ban& b) { return a.id < b.id; });
    return out;
}

bool RateLimiter::forget_exceed(std::uint64_t id) {
    const MutexLock lock(mutex_);
    const auto found = std::find_if(counters_.begin(), counters_.end(), [&](const Counter& one) {
        return one.exceeds && one.exceed_id == id;
    });
    if (found == counters_.end()) {
        return false;
    }
    by_subject_.erase({found->rule, found->subject});
    counters_.erase(found);
    return true;
}

bool RateLimiter::lift_ban(std::uint64_t id) {
    const MutexLock lock(mutex_);
    const auto found = std::find_if(bans_.begin(), bans_.end(), [&](const auto& entry) {
        return entry.second.id == id;
    });
    if (found == bans_.end()) {
        return false;
    }
    forget(Subject(found->first));
    bans_.erase(found);
    return true;
}

}  // namespace kumo::api_kumosearch
