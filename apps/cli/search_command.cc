#include "cli/command.h"
#include "cli/explain.h"
#include "cli/search_view.h"
#include "cli/terminal.h"
#include "wire/json.h"
#include "wire/url.h"

#include <cstdio>

namespace kumo::cli {
namespace {

/// All text fields of the collection. Not kExitOk: the reason is printed.
int find_query_by(Session& session, SearchOptions& options) {
    const auto answer = session.ask(
        {wire::HttpMethod::kGet, "/collections/" + wire::percent_encode(options.collection), ""}
    );
    if (!answer.ok()) {
        return fail_unreachable(session.url(), answer.error());
    }
    if (answer.value().status == 401) {
        return fail(
            kExitFailed,
            explain_answer(answer.value())
                + "\nA key that may only search cannot look up the collection's fields: name them with "
                  "--query-by."
        );
    }
    if (answer.value().status != 200) {
        return fail_refused(answer.value());
    }
    const auto collection = wire::JsonDocument::parse(answer.value().body);
    if (collection.ok()) {
        options.query_by = text_fields(collection.value().root());
    }
    if (options.query_by.empty() && options.query != "*") {
        return fail(kExitFailed, "the collection has no text field to search; use the query '*'");
    }
    return kExitOk;
}

}  // namespace

int run_search(Session& session, const SearchOptions& options) {
    SearchOptions asked = options;
    if (asked.query_by.empty()) {
        if (const int code = find_query_by(session, asked); code != kExitOk) {
            return code;
        }
    }
    const std::string title = asked.query_by.substr(0, asked.query_by.find(','));
    const auto answer = session.ask({wire::HttpMethod::kGet, search_target(asked, title), ""});
    if (!answer.ok()) {
        return fail_unreachable(session.url(), answer.error());
    }
    if (answer.value().status != 200) {
        return fail_refused(answer.value());
    }
    if (asked.json) {
        (void)std::printf("%s\n", answer.value().body.c_str());
        return kExitOk;
    }
    const auto document = wire::JsonDocument::parse(answer.value().body);
    if (!document.ok()) {
        return fail(kExitFailed, "the server's answer is not JSON: " + document.error().message);
    }
    const Terminal terminal = Terminal::of(stdout);
    const SearchView view{title, terminal.width, terminal.colour};
    const std::string text = search_text(document.value().root(), view);
    (void)std::fwrite(text.data(), 1, text.size(), stdout);
    return kExitOk;
}

}  // namespace kumo::cli
