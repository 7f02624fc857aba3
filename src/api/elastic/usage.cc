#include "api/elastic/usage.h"

namespace kumo::api_elastic {

namespace {

std::uint64_t& slot(IndexUse& of, Use use) {
    return of.counts[static_cast<std::size_t>(use)];
}

/// The count of a name; null if there are too many.
std::uint64_t* named(std::map<std::string, std::uint64_t>& all, const std::string& name) {
    const auto found = all.find(name);
    if (found != all.end()) {
        return &found->second;
    }
    return all.size() >= kUseNamesMax ? nullptr : &all[name];
}

}  // namespace

void Usage::add(const std::string& uuid, Counts counts) {
    const MutexLock lock(mutex_);
    IndexUse& of = all_[uuid];
    for (const auto& [use, count] : counts) {
        slot(of, use) += count;
    }
}

void Usage::flushed(const std::string& uuid) {
    const MutexLock lock(mutex_);
    IndexUse& of = all_[uuid];
    ++slot(of, Use::kFlush);
    slot(of, Use::kSinceFlush) = 0;
    slot(of, Use::kSinceFlushBytes) = 0;
}

void Usage::read_fielddata(const std::string& uuid, const std::string& field, std::uint64_t bytes) {
    const MutexLock lock(mutex_);
    if (std::uint64_t* const of = named(all_[uuid].fielddata, field)) {
        *of = bytes;
    }
}

void Usage::searched_group(const std::string& uuid, const std::string& group) {
    const MutexLock lock(mutex_);
    if (std::uint64_t* const of = named(all_[uuid].groups, group)) {
        ++*of;
    }
}

void Usage::clear_fielddata(const std::string& uuid) {
    const MutexLock lock(mutex_);
    all_[uuid].fielddata.clear();
}

void Usage::forget(const std::string& uuid) {
    const MutexLock lock(mutex_);
    all_.erase(uuid);
}

IndexUse Usage::of(std::string_view uuid) {
    const MutexLock lock(mutex_);
    const auto found = all_.find(uuid);
    return found == all_.end() ? IndexUse() : found->second;
}

}  // namespace kumo::api_elastic
