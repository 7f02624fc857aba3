#include "redis/oom_score.h"

#include "base/log.h"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

namespace kumo::server {

namespace {

constexpr const char* kScoreFile = "/proc/self/oom_score_adj";
constexpr int kScoreMax = 1000;

std::optional<int> read_score() {
    int score = 0;
    std::ifstream file(kScoreFile);
    return file >> score ? std::optional(score) : std::nullopt;
}

Status write_score(int score) {
    std::ofstream file(kScoreFile);
    file << std::clamp(score, -kScoreMax, kScoreMax);
    file.flush();
    if (!file) {
        log_warn("cannot write " + std::string(kScoreFile));
        return Error{
            ErrorCode::kIo,
            "Failed to apply new oom_score_adj configuration, check server logs."};
    }
    return {};
}

}  // namespace

Status OomScore::apply(const api_redis::Settings& settings) {
    const std::string& mode = settings.text("oom-score-adj");
    if (mode == "no") {
        const auto back = std::exchange(original_, std::nullopt);
        return back.has_value() ? write_score(*back) : Status();
    }
    const auto now = original_.has_value() ? original_ : read_score();
    if (!now.has_value()) {
        return Error{ErrorCode::kIo, "Failed to read the present oom_score_adj"};
    }
    int value = 0;
    std::istringstream(settings.text("oom-score-adj-values")) >> value;
    KUMO_TRY(write_score(mode == "absolute" ? value : *now + value));
    original_ = now;
    return {};
}

}  // namespace kumo::server
