#include "api/kumosearch/handlers/handlers.h"
#include "api/kumosearch/handlers/stored_resource.h"
#include "api/kumosearch/resources/derive.h"
#include "wire/json.h"
#include "wire/json_writer.h"
#include "wire/lines.h"

#include <map>
#include <string>
#include <utility>

// Stemming dictionaries: words and their roots. One is stored as a set whose items are arrays of
// words, each well below what an item may hold, in the order of the words.

namespace kumo::api_kumosearch {

namespace {

using node::ResourceKind;

using Words = std::map<std::string, std::string, std::less<>>;  ///< Roots by word.

constexpr std::size_t kPartBytes = std::size_t{256} << 10;
constexpr std::size_t kWordBytesMax = 512;

Error wrong_format() {
    return invalid_argument("Invalid dictionary format.");
}

Status read_line(ByteView line, Words& words) {
    const auto parsed = wire::JsonDocument::parse(std::string(line));
    if (!parsed.ok() || !parsed.value().root().is_object()) {
        return wrong_format();
    }
    const wire::JsonValue word = parsed.value().root().find("word");
    const wire::JsonValue root = parsed.value().root().find("root");
    if (!word || !root) {
        return invalid_argument("dictionary lines should contain `word` and `root` values.");
    }
    if (!word.is_string() || !root.is_string() || word.as_string().empty()
        || word.as_string().size() > kWordBytesMax || root.as_string().size() > kWordBytesMax) {
        return wrong_format();
    }
    words.insert_or_assign(std::string(word.as_string()), std::string(root.as_string()));
    return {};
}

/// Adds the words of a body; its lines without their ends, as they are answered.
Result<std::string> read_lines(ByteView body, Words& words) {
    std::string answered;
    wire::LineSplitter splitter(body.size());
    const auto take = [&](const wire::Line& line) -> Status {
        if (line.text.find_first_not_of(" \t\r") == ByteView::npos) {
            return {};
        }
        KUMO_TRY(read_line(line.text, words));
        answered.append(answered.empty() ? "" : "\n").append(line.text);
        return {};
    };
    while (const auto line = splitter.next(body)) {
        KUMO_TRY(take(*line));
    }
    if (const auto last = splitter.finish()) {
        KUMO_TRY(take(*last));
    }
    if (answered.empty()) {
        return wrong_format();
    }
    return answered;
}

Words words_of(const node::ResourcePtr& stored) {
    Words words;
    if (stored == nullptr) {
        return words;
    }
    for (const node::Resource::Item& item : stored->items()) {
        const wire::JsonDocument part = parse_stored(item->value);
        for (const wire::JsonValue one : elements_of(part.root())) {
            words.emplace(text_of(one.find("word")), text_of(one.find("root")));
        }
    }
    return words;
}

node::PutResource put_of(const std::string& name, const Words& words) {
    node::PutResource put;
    put.kind = ResourceKind::kStemmingDictionary;
    put.name = name;
    auto at = words.begin();
    while (at != words.end()) {
        std::string part;
        wire::JsonWriter out(part);
        out.begin_array();
        for (; at != words.end() && part.size() < kPartBytes; ++at) {
            out.begin_object().key("root").string(at->second);
            out.key("word").string(at->first).end_object();
        }
        out.end_array();
        put.items.push_back({std::to_string(put.items.size()), std::move(part)});
    }
    return put;
}

void answer_missing(const Call& call) {
    answer_message(call, 404, "Stemming dictionary `" + call.path.front() + "` not found.");
}

void store(const CallPtr& call, Words words, const std::string& body) {
    const std::string& name = call->parameters.text("id");
    auto lines = read_lines(body, words);
    if (!lines.ok()) {
        answer_error(*call, lines.error());
        return;
    }
    call->context.node.put_resource(
        put_of(name, words),
        call->loop(),
        [call, lines = std::move(lines).value()](const Result<node::ResourcePtr>& put) {
            if (!put.ok()) {
                answer_error(*call, put.error());
                return;
            }
            count_answer(*call, 200);
            call->response->respond(200, answer_headers(*call, kPlainContentType), lines);
        }
    );
}

}  // namespace

void import_dictionary(const CallPtr& call, const std::string& body) {
    const std::string& name = call->parameters.text("id");
    if (name.empty()) {
        answer_error(
            *call,
            invalid_argument("Parameter `id` must be provided while importing dictionary words.")
        );
        return;
    }
    const auto batch = call->parameters.unsigned_32("batch_size", 1);
    if (!batch.ok() || batch.value() == 0) {
        answer_error(*call, invalid_argument("Parameter `batch_size` must be a positive integer."));
        return;
    }
    const auto found = call->context.node.resource(ResourceKind::kStemmingDictionary, name);
    if (found != nullptr) {
        store(call, words_of(found), body);
        return;
    }
    // Its first words may have come to another node a moment ago.
    call->context.node.refresh(call->loop(), [call, body](const Result<bool>&) {
        const node::Node& node = call->context.node;
        const std::string& id = call->parameters.text("id");
        store(call, words_of(node.resource(ResourceKind::kStemmingDictionary, id)), body);
    });
}

void list_dictionaries(const CallPtr& call) {
    std::string json;
    wire::JsonWriter out(json);
    out.begin_object().key("dictionaries").begin_array();
    const auto all = call->context.node.resources(ResourceKind::kStemmingDictionary);
    for (const auto& [name, resource] : *all) {
        out.string(name);
    }
    out.end_array().end_object();
    answer(*call, 200, std::move(json));
}

void get_dictionary(const CallPtr& call) {
    find_resource(call, ResourceKind::kStemmingDictionary, [call](const node::ResourcePtr& found) {
        if (found == nullptr) {
            answer_missing(*call);
            return;
        }
        std::string json;
        wire::JsonWriter out(json);
        out.begin_object().key("id").string(call->path.front()).key("words").begin_array();
        for (const node::Resource::Item& item : found->items()) {
            const wire::JsonDocument part = parse_stored(item->value);
            for (const wire::JsonValue one : elements_of(part.root())) {
                out.value(one);
            }
        }
        out.end_array().end_object();
        answer(*call, 200, std::move(json));
    });
}

void delete_dictionary(const CallPtr& call) {
    call->context.node.delete_resource(
        {ResourceKind::kStemmingDictionary, call->path.front(), {}},
        call->loop(),
        [call](const Result<node::ResourcePtr>& gone) {
            if (gone.ok()) {
                answer_name(*call, "id", call->path.front());
            } else if (gone.error().code == ErrorCode::kNotFound) {
                answer_missing(*call);
            } else {
                answer_error(*call, gone.error());
            }
        }
    );
}

}  // namespace kumo::api_kumosearch
