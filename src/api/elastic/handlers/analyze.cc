#include "api/elastic/handlers/common.h"
#include "api/elastic/handlers/handlers.h"
#include "api/elastic/mapping/analysis.h"
#include "search/analysis/chain.h"
#include "wire/utf8.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_elastic {

namespace {

/// `index.analyze.max_token_count`
constexpr std::int64_t kTokensMax = 10'000;

std::string_view type_name(search::TokenType type) {
    switch (type) {
        case search::TokenType::kWord: return "word";
        case search::TokenType::kAlphanumeric: return "<ALPHANUM>";
        case search::TokenType::kNumber: return "<NUM>";
        case search::TokenType::kIdeographic: return "<IDEOGRAPHIC>";
        case search::TokenType::kHiragana: return "<HIRAGANA>";
        case search::TokenType::kKatakana: return "<KATAKANA>";
        case search::TokenType::kHangul: return "<HANGUL>";
        case search::TokenType::kSoutheastAsian: return "<SOUTHEAST_ASIAN>";
        case search::TokenType::kEmoji: return "<EMOJI>";
        case search::TokenType::kUrl: return "<URL>";
        case search::TokenType::kEmail: return "<EMAIL>";
        case search::TokenType::kSynonym: return "SYNONYM";
        case search::TokenType::kShingle: return "shingle";
    }
    return "word";
}

/// UTF-16 code units in the first `bytes` of a text.
std::int64_t units_before(std::string_view text, std::size_t bytes) {
    std::int64_t units = 0;
    for (std::size_t at = 0; at < bytes && at < text.size();) {
        const auto decoded = wire::utf8_decode(text.substr(at));
        units += decoded.code_point >= 0x10000 ? 2 : 1;
        at += std::max<std::size_t>(decoded.bytes, 1);
    }
    return units;
}

Json token_json(
    const search::ChainToken& token,
    std::string_view text,
    std::int64_t offset,
    std::uint32_t position
) {
    Json out = Json::object(
        {{"token", token.text},
         {"start_offset", offset + units_before(text, token.begin)},
         {"end_offset", offset + units_before(text, token.end)},
         {"type", type_name(token.type)},
         {"position", position + token.position}}
    );
    if (token.position_length > 1) {
        out["positionLength"] = token.position_length;
    }
    return out;
}

struct Texts {
    std::vector<std::string> all;
};

/// Tokens of all texts, one behind the other as the values of one field.
Json tokens_json(const search::AnalysisChain& chain, const Texts& texts, std::size_t filters) {
    Json out = Json::array();
    std::uint32_t position = 0;
    std::int64_t offset = 0;
    for (const std::string& text : texts.all) {
        std::uint32_t last = position;
        for (const search::ChainToken& token : chain.tokens(text, filters)) {
            out.push(token_json(token, text, offset, position));
            last = position + token.position + 1;
        }
        position = last + 100;
        offset += units_before(text, text.size()) + 1;
    }
    return out;
}

Result<Json> custom_chain(const Json& analysis, const Json& body) {
    Json out = Json::object();
    const auto list = [&](const char* kind, const char* name) -> Status {
        const Json* const given = body.find(name);
        Json parts = Json::array();
        for (const Json& one : given == nullptr    ? Json::Array()
                               : given->is_array() ? given->items()
                                                   : Json::Array{*given}) {
            KUMO_TRY_ASSIGN(Json part, analysis_part(analysis, kind, one));
            parts.push(std::move(part));
        }
        out[name] = std::move(parts);
        return {};
    };
    KUMO_TRY(list("char_filter", "char_filter"));
    KUMO_TRY(list("filter", "filter"));
    const Json* const tokenizer = body.find("tokenizer");
    KUMO_TRY_ASSIGN(
        out["tokenizer"],
        analysis_part(analysis, "tokenizer", tokenizer == nullptr ? Json("keyword") : *tokenizer)
    );
    return out;
}

std::string part_name(const Json& part) {
    if (!part.is_object()) {
        return part.text();
    }
    return "__anonymous__" + (part.find("type") == nullptr ? "" : part.find("type")->text());
}

Json explained(const search::AnalysisChain& chain, const Json& body, const Texts& texts) {
    Json out = Json::object({{"custom_analyzer", true}});
    if (const Json* const filters = body.find("char_filter")) {
        Json list = Json::array();
        std::size_t n = 0;
        for (const Json& one : filters->is_array() ? filters->items() : Json::Array{*filters}) {
            Json filtered = Json::array();
            ++n;
            for (const std::string& text : texts.all) {
                filtered.push(chain.filtered(text, n));
            }
            list.push(
                Json::object({{"name", part_name(one)}, {"filtered_text", std::move(filtered)}})
            );
        }
        out["charfilters"] = std::move(list);
    }
    const Json* const tokenizer = body.find("tokenizer");
    out["tokenizer"] = Json::object(
        {{"name", tokenizer == nullptr ? "keyword" : part_name(*tokenizer)},
         {"tokens", tokens_json(chain, texts, 0)}}
    );
    if (const Json* const filters = body.find("filter")) {
        Json list = Json::array();
        std::size_t n = 0;
        for (const Json& one : filters->is_array() ? filters->items() : Json::Array{*filters}) {
            list.push(
                Json::object({{"name", part_name(one)}, {"tokens", tokens_json(chain, texts, ++n)}})
            );
        }
        out["tokenfilters"] = std::move(list);
    }
    return out;
}

/// The chain that a request names, and what it is called.
Result<Json>
chain_of(const Json& analysis, const IndexPtr& index, const Json& body, std::string& name) {
    if (const Json* const analyzer = body.find("analyzer")) {
        name = analyzer->text();
        return analyzer_chain(analysis, name);
    }
    if (const Json* const normalizer = body.find("normalizer")) {
        name = normalizer->text();
        return normalizer_chain(analysis, name);
    }
    if (const Json* const field_name = body.find("field")) {
        if (index == nullptr) {
            return illegal_argument("analysis based on a specific field requires an index");
        }
        const MappedField* const field = index->mapping->find(field_name->text());
        name = "default";
        if (field != nullptr && field->is_text()) {
            return Json::parse(field->analyzer);
        }
        if (field != nullptr && !field->normalizer.empty()) {
            return Json::parse(field->normalizer);
        }
        return analyzer_chain(analysis, field == nullptr ? "default" : "keyword");
    }
    if (body.find("tokenizer") != nullptr || body.find("filter") != nullptr
        || body.find("char_filter") != nullptr) {
        return custom_chain(analysis, body);
    }
    name = "default";
    return analyzer_chain(analysis, "default");
}

}  // namespace

Result<Answer> analyze(const Request& request) {
    KUMO_TRY_ASSIGN(Json body, request.json());
    if (body.is_null()) {
        body = Json::object();
        for (const auto& [name, value] : request.parameters.all()) {
            if (name == "text" || name == "analyzer" || name == "field" || name == "tokenizer") {
                body[name] = value;
            }
        }
    }
    static const std::vector<std::string_view> kKnown = {
        "text",
        "analyzer",
        "field",
        "tokenizer",
        "filter",
        "char_filter",
        "explain",
        "attributes",
        "normalizer"};
    for (const auto& [name, value] : body.members()) {
        if (std::find(kKnown.begin(), kKnown.end(), name) == kKnown.end()) {
            return illegal_argument(
                "Unknown parameter [" + name
                + "] in request body or parameter is of the wrong type[" + value.text() + "] "
            );
        }
    }
    const Json* const given = body.find("text");
    if (given == nullptr) {
        return fault(
            "action_request_validation_exception",
            "Validation Failed: 1: text is missing;"
        );
    }
    Texts texts;
    for (const Json& one : given->is_array() ? given->items() : Json::Array{*given}) {
        texts.all.push_back(one.text());
    }
    IndexPtr index;
    Json analysis;
    if (!request.part("index").empty()) {
        KUMO_TRY_ASSIGN(const auto resolved, resolve(request.context, request.part("index"), {}));
        if (resolved.size() != 1) {
            return no_such_index(request.part("index"));
        }
        index = resolved.front().index;
        analysis = nested_settings(index->settings)["index"]["analysis"];
    }
    std::string name;
    KUMO_TRY_ASSIGN(const Json chain_json, chain_of(analysis, index, body, name));
    const auto chain = search::AnalysisChain::make(chain_json.dump());
    if (!chain.ok()) {
        return illegal_argument(chain.error().message);
    }
    const Json* const explain = body.find("explain");
    Json tokens = tokens_json(*chain.value(), texts, search::kChainFiltersMax);
    std::int64_t limit = kTokensMax;
    if (index != nullptr) {
        limit = Json(index->setting("index.analyze.max_token_count")).to_int64().value_or(limit);
    }
    if (static_cast<std::int64_t>(tokens.size()) > limit) {
        return fault(
            "illegal_state_exception",
            "The number of tokens produced by calling _analyze has exceeded the allowed maximum of ["
                + std::to_string(limit)
                + "]. This limit can be set by changing the [index.analyze.max_token_count] index level setting."
        );
    }
    if (explain == nullptr || !explain->to_bool().value_or(false)) {
        return Answer(Json::object({{"tokens", std::move(tokens)}}));
    }
    if (name.empty()) {
        return Answer(Json::object({{"detail", explained(*chain.value(), body, texts)}}));
    }
    return Answer(Json::object(
        {{"detail",
          Json::object(
              {{"custom_analyzer", false},
               {"analyzer", Json::object({{"name", name}, {"tokens", std::move(tokens)}})}}
          )}}
    ));
}

}  // namespace kumo::api_elastic
