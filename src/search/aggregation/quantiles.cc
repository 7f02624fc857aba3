#include "search/aggregation/internal/quantiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kumo::search::aggregation {

void Quantiles::add(double value) {
    groups_.push_back({value, 1});
    ++count_;
    sorted_ = false;
    if (groups_.size() < kGroupsMax) {
        return;
    }
    sort();
    std::size_t kept = 0;
    for (std::size_t i = 0; i + 1 < groups_.size(); i += 2) {
        const Group a = groups_[i];
        const Group b = groups_[i + 1];
        const double count = a.count + b.count;
        groups_[kept++] = {a.mean + (b.mean - a.mean) * b.count / count, count};
    }
    groups_.resize(kept);
}

void Quantiles::sort() {
    if (!sorted_) {
        std::sort(groups_.begin(), groups_.end(), [](const Group& a, const Group& b) {
            return a.mean < b.mean;
        });
        sorted_ = true;
    }
}

double Quantiles::at(double q) {
    sort();
    if (groups_.empty()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const double index = q * static_cast<double>(count_);
    double before = 0;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        const double middle = before + groups_[i].count / 2;
        if (index < middle) {
            if (i == 0) {
                return groups_[0].mean;
            }
            const double last = before - groups_[i - 1].count / 2;
            const double width = middle - last;
            return (groups_[i - 1].mean * (middle - index) + groups_[i].mean * (index - last))
                   / width;
        }
        before += groups_[i].count;
    }
    return groups_.back().mean;
}

double Quantiles::below(double value) {
    sort();
    if (groups_.empty()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const auto total = static_cast<double>(count_);
    if (groups_.size() == 1) {
        return value < groups_[0].mean ? 0 : 1;
    }
    double before = 0;
    double right = (groups_[1].mean - groups_[0].mean) / 2;
    double left = right;
    for (std::size_t i = 0; i < groups_.size(); ++i) {
        if (i > 0) {
            left = right;
        }
        if (i + 1 < groups_.size()) {
            right = (groups_[i + 1].mean - groups_[i].mean) / 2;
        }
        if (value < groups_[i].mean + right) {
            const double low = groups_[i].mean - left;
            const double width = left + right;
            const double part = width > 0 ? (value - low) / width : 0.5;
            return std::max(0.0, (before + groups_[i].count * part) / total);
        }
        before += groups_[i].count;
    }
    return 1;
}

double Quantiles::ranked(double q, unsigned digits) {
    sort();
    if (groups_.empty()) {
        return std::numeric_limits<double>::quiet_NaN();
    }
    const double wanted = std::max(1.0, std::floor(q * static_cast<double>(count_) + 0.5));
    double seen = 0;
    double value = groups_.back().mean;
    for (const Group& group : groups_) {
        seen += group.count;
        if (seen >= wanted) {
            value = group.mean;
            break;
        }
    }
    if (value <= 0) {
        return value;
    }
    // The histogram's finest unit follows from the least value it holds; a value stands for the
    // whole of its bucket, whose width keeps the digits.
    const double least = groups_.front().mean > 0 ? groups_.front().mean : value;
    const double half =
        std::exp2(std::ceil(std::log2(2 * std::pow(10, static_cast<double>(digits))))) / 2;
    const double unit = std::exp2(std::floor(std::log2(least))) / half;
    const double width = std::exp2(std::floor(std::log2(value))) / half;
    return std::floor(value / width) * width + width - unit;
}

}  // namespace kumo::search::aggregation
