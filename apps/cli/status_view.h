#pragma once

#include "wire/json.h"

#include <string>

/// What a server says about itself, as text. Stateless; absent answers are left out.
namespace kumo::cli {

struct StatusAnswers {
    wire::JsonValue health;
    wire::JsonValue debug;
    wire::JsonValue metrics;
    wire::JsonValue collections;
};

std::string status_text(const StatusAnswers& answers, bool colour);

}  // namespace kumo::cli
