#pragma once

#include "api/elastic/json.h"
#include "base/result.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace kumo::api_elastic {

inline constexpr std::size_t kTemplateBytesMax = std::size_t{1} << 20;
/// Of what a template makes.
inline constexpr std::size_t kRenderedBytesMax = std::size_t{8} << 20;

/// A template's text with its variables filled in, each escaped as it stands in a JSON string:
/// {{x}}, {{a.b}}, {{{x}}}, {{#x}}...{{/x}}, {{^x}}...{{/x}}, {{! }}, {{#toJson}}x{{/toJson}},
/// {{#join}}x{{/join}}, {{#join delimiter='-'}}x{{/join delimiter='-'}}, {{#url}}x{{/url}}.
/// script_exception for what is none, and for results that grow too large. Stateless.
Result<std::string> render_mustache(std::string_view text, const Json& params);

}  // namespace kumo::api_elastic
