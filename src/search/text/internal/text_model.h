#pragma once

#include "base/random.h"
#include "search/text/doc.h"
#include "search/text/live_text.h"
#include "search/text/seal.h"
#include "search/text/sealed_text.h"
#include "search/text/section_file.h"

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// For tests: a corpus kept in the plainest form, to compare the text index against.
namespace kumo::search {

/// Word at position, in order.
using ModelDoc = std::vector<std::pair<std::string, std::uint32_t>>;

struct ModelPosting {
    DocId doc;
    std::vector<std::uint32_t> positions;

    bool operator==(const ModelPosting&) const = default;
};

struct TextModel {
    std::vector<ModelDoc> docs;
    std::vector<float> ranks;

    std::map<std::string, std::vector<ModelPosting>> postings(DocId max_doc) const {
        std::map<std::string, std::vector<ModelPosting>> out;
        for (DocId doc = 0; doc < max_doc; ++doc) {
            for (const auto& [word, position] : docs[doc]) {
                auto& list = out[word];
                if (list.empty() || list.back().doc != doc) {
                    list.push_back({doc, {}});
                }
                list.back().positions.push_back(position);
            }
        }
        return out;
    }

    void add_to(LiveText& live, DocId doc) const {
        std::vector<Token> tokens;
        for (const auto& [word, position] : docs[doc]) {
            tokens.push_back({word, position});
        }
        live.add(doc, tokens, ranks[doc]);
    }
};

/// Documents whose words follow a steep distribution, so that terms of every kind of block occur:
/// in nearly all documents, in clusters, in few, in one. One in eight documents is empty.
inline TextModel random_model(std::uint64_t seed, DocId docs, std::uint32_t vocabulary) {
    SeededRandom random(seed);
    TextModel model;
    for (DocId doc = 0; doc < docs; ++doc) {
        ModelDoc words;
        std::uint64_t length = random.chance(1, 8) ? 0 : random.below(30);
        std::uint32_t position = 0;
        for (std::uint64_t i = 0; i < length; ++i) {
            std::uint64_t word = random.below(random.below(vocabulary) + 1);
            if (random.chance(1, 3)) {
                word = random.below(3);
            } else if (random.chance(1, 4)) {
                word = vocabulary + doc / 200;  // clusters of neighbours
            }
            std::string text = (word % 3 == 0 ? "w" : word % 3 == 1 ? "wor" : "é");
            words.emplace_back(text + std::to_string(word), position);
            position += random.chance(1, 50) ? 5000 : 1;
        }
        model.docs.push_back(std::move(words));
        model.ranks.push_back(static_cast<float>(random.below(1000)) - 100);
    }
    return model;
}

/// A sealed field with the bytes it lives in.
struct SealedModel {
    std::unique_ptr<std::string> bytes;
    SealedText text;
};

inline SealedModel open_model(std::string bytes) {
    auto kept = std::make_unique<std::string>(std::move(bytes));
    auto file = SectionFile::open(*kept);
    auto text = SealedText::open(file.value(), "f.");
    return {std::move(kept), std::move(text).value()};
}

inline SealedModel seal_model(const TextModel& model, DocId first, DocId end) {
    LiveText live;
    TextModel part;
    for (DocId doc = first; doc < end; ++doc) {
        part.docs.push_back(model.docs[doc]);
        part.ranks.push_back(model.ranks[doc]);
        part.add_to(live, doc - first);
    }
    SectionFileBuilder builder;
    Status sealed = seal(live, end - first, builder, "f.");
    KUMO_ASSERT(sealed.ok());
    return open_model(builder.finish());
}

}  // namespace kumo::search
