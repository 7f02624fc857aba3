#include "cli/explain.h"

#include "cli/text.h"
#include "wire/json.h"

#include <cstdio>

namespace kumo::cli {
namespace {

constexpr std::size_t kWordsMax = 500;

/// The "message" of an error answer; the body itself if it has none.
std::string server_words(const Answer& answer) {
    const auto document = wire::JsonDocument::parse(answer.body);
    if (document.ok()) {
        const wire::JsonValue message = document.value().root().find("message");
        if (message && message.is_string()) {
            return clip(printable(message.as_string()), kWordsMax);
        }
    }
    return clip(printable(answer.body), kWordsMax);
}

}  // namespace

std::string explain_answer(const Answer& answer) {
    const std::string words = server_words(answer);
    switch (answer.status) {
        case 401:
            return "the server wants a valid API key (--api-key-file FILE, or KUMOSEARCH_API_KEY): "
                   + words;
        case 404: return words + " (kumosearch-cli status lists the collections)";
        case 429:
        case 503: return "the server cannot take this now, try again in a moment: " + words;
        default:
            return "the server refused with status " + std::to_string(answer.status) + ": " + words;
    }
}

std::string explain_unreachable(const BaseUrl& url, const Error& error) {
    std::string text = "no answer from " + url.to_string() + ": " + error.message + ". ";
    if (url.tls && error.message.find("TLS") != std::string::npos) {
        return text
             + "Is it an https address? --ca-file FILE trusts a certificate of your own, "
               "--insecure trusts any.";
    }
    return text
           + "Is kumosearch-server running there? --url or KUMOSEARCH_URL names another address.";
}

int fail(ExitCode code, const std::string& message) {
    (void)std::fflush(stdout);
    (void)std::fprintf(stderr, "kumosearch-cli: %s\n", message.c_str());
    return code;
}

int fail_unreachable(const BaseUrl& url, const Error& error) {
    return fail(kExitUnreachable, explain_unreachable(url, error));
}

int fail_refused(const Answer& answer) {
    return fail(kExitFailed, explain_answer(answer));
}

}  // namespace kumo::cli
