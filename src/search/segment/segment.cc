#include "search/segment/segment.h"

#include "base/assert.h"
#include "search/analysis/schema_analyzer.h"
#include "search/segment/adapted_segment.h"
#include "search/text/seal.h"
#include "search/text/section_file.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace kumo::search {

namespace {

constexpr std::string_view kOrderSection = "$order";
constexpr std::string_view kIdsSection = "$ids";
constexpr std::string_view kStoredSection = "$stored";
constexpr std::string_view kMetaSection = "$segment";

// Sections are named by field name, so that a segment outlives changes of the field order.
std::string text_section(const Field& field) {
    return "text:" + field.name;
}

std::string length_section(const Field& field) {
    return "lengths:" + field.name;
}

std::string column_section(const Field& field) {
    return "column:" + field.name;
}

std::string geo_section(const Field& field) {
    return "geo:" + field.name;
}

std::string vector_section(const Field& field) {
    return "vector:" + field.name;
}

std::vector<DocId> identity(DocId count) {
    std::vector<DocId> ids(count);
    std::iota(ids.begin(), ids.end(), DocId{0});
    return ids;
}

void add_meta(DocId doc_count, SectionFileBuilder& out) {
    std::string meta;
    append_fixed(meta, doc_count);
    out.add(kMetaSection, meta);
}

}  // namespace

FieldParts parts_of(const Field& field) {
    const bool indexed = field.index && (field.name != "id" || field.found) && !field.is_pattern()
                         && !field.is_object();
    const bool text = indexed && field.is_string();
    const bool string_column =
        text && (field.facet || field.sort || field.exact || field.is_reference());
    const bool geo = indexed && field.type == ValueType::kGeoPoint;
    const bool vector = indexed && field.is_vector();
    const bool column = indexed && !vector && (!field.is_string() || string_column);
    return {text, column, string_column, geo, vector};
}

/// The scratch space of the writer's text analysis.
class LiveSegment::Analysis {
public:
    explicit Analysis(const Schema& schema) : analyzer(schema) {}

    SchemaAnalyzer analyzer;
    TokenBuffer buffer;
    std::vector<Token> tokens;
    std::vector<std::int64_t> lengths;
};

LiveSegment::LiveSegment(std::shared_ptr<const Schema> schema)
    : schema_(std::move(schema)),
      writer_ids_(ids_.reader(kSegmentDocsMax)),
      analysis_(std::make_shared<Analysis>(*schema_)) {
    for (const Field& field : schema_->fields) {
        const FieldParts parts = parts_of(field);
        texts_.push_back(parts.text ? std::make_unique<LiveText>() : nullptr);
        lengths_.push_back(parts.text ? std::make_unique<LiveColumn>(false) : nullptr);
        columns_.push_back(
            parts.column ? std::make_unique<LiveColumn>(parts.string_column) : nullptr
        );
        vectors_.push_back(parts.vector ? std::make_unique<LiveVectors>(field.vector) : nullptr);
    }
}

void LiveSegment::grow(std::shared_ptr<const Schema> schema) {
    schema_ = std::move(schema);
    analysis_ = std::make_shared<Analysis>(*schema_);
    texts_.resize(schema_->fields.size());
    lengths_.resize(schema_->fields.size());
    columns_.resize(schema_->fields.size());
    vectors_.resize(schema_->fields.size());
    const auto empty_column = [this](bool strings) {
        auto column = std::make_unique<LiveColumn>(strings);
        for (DocId doc = 0; doc < doc_count_; ++doc) {
            strings ? column->add_strings({}) : column->add({});
        }
        return column;
    };
    for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
        const FieldParts parts = parts_of(schema_->fields[i]);
        if (parts.text && texts_[i] == nullptr) {
            texts_[i] = std::make_unique<LiveText>();
            lengths_[i] = empty_column(false);
        }
        if (parts.column && columns_[i] == nullptr) {
            columns_[i] = empty_column(parts.string_column);
        }
        if (parts.vector && vectors_[i] == nullptr) {
            vectors_[i] = std::make_unique<LiveVectors>(schema_->fields[i].vector);
            for (DocId doc = 0; doc < doc_count_; ++doc) {
                vectors_[i]->add({});
            }
        }
    }
}

void LiveSegment::add(std::string_view id, const TypedDocument& document, std::uint64_t order) {
    for (std::size_t i = 0; i < schema_->fields.size(); ++i) {
        const FieldValues& values = document.fields[i];
        if (texts_[i] != nullptr) {
            add_text(i, values, document.rank);
        }
        if (columns_[i] != nullptr && columns_[i]->is_string()) {
            columns_[i]->add_strings(values.strings);
        } else if (columns_[i] != nullptr) {
            columns_[i]->add(values.codes);
        }
        if (vectors_[i] != nullptr) {
            vectors_[i]->add(values.vector);
        }
    }
    const auto arrival = static_cast<std::int64_t>(order);
    order_.add({&arrival, 1});
    const Token token{id, 0};
    ids_.add(doc_count_, {&token, 1}, 0);
    stored_.add(document.source);
    ++doc_count_;
}

void LiveSegment::add_text(std::size_t field, const FieldValues& values, float rank) {
    Analysis& work = *analysis_;
    const Analyzer& analyzer = work.analyzer.of(field);
    work.buffer.clear();
    work.tokens.clear();
    work.lengths.clear();
    std::vector<std::uint32_t> bases;
    std::uint32_t base = 0;
    for (const std::string_view value : values.strings) {
        const std::size_t before = work.buffer.tokens.size();
        analyzer.analyze(value, work.buffer);
        const auto length = static_cast<std::uint32_t>(work.buffer.tokens.size() - before);
        bases.insert(bases.end(), length, base);
        work.lengths.push_back(length);
        base += length + kElementGap;
    }
    // Only now: the buffer's text has stopped moving.
    for (std::size_t i = 0; i < work.buffer.tokens.size(); ++i) {
        const AnalyzedToken& token = work.buffer.tokens[i];
        work.tokens.push_back({work.buffer.term(token), bases[i] + token.position});
    }
    if (!work.tokens.empty()) {
        texts_[field]->add(doc_count_, work.tokens, rank);
    }
    lengths_[field]->add(work.lengths);
}

std::uint64_t LiveSegment::order(DocId doc) const {
    return static_cast<std::uint64_t>(order_.code(doc));
}

std::size_t LiveSegment::bytes() const {
    std::size_t total = order_.bytes() + ids_.bytes() + stored_.bytes();
    for (std::size_t i = 0; i < texts_.size(); ++i) {
        total += texts_[i] != nullptr ? texts_[i]->bytes() + lengths_[i]->bytes() : 0;
        total += columns_[i] != nullptr ? columns_[i]->bytes() : 0;
        total += vectors_[i] != nullptr ? vectors_[i]->bytes() : 0;
    }
    return total;
}

std::shared_ptr<const SegmentReader>
LiveSegment::reader(const std::shared_ptr<const LiveSegment>& self, DocId doc_count) {
    auto out = std::make_shared<SegmentReader>();
    out->doc_count = doc_count;
    for (std::size_t i = 0; i < self->texts_.size(); ++i) {
        const bool text = self->texts_[i] != nullptr;
        const bool column = self->columns_[i] != nullptr;
        out->texts.push_back(text ? self->texts_[i]->reader(doc_count) : nullptr);
        out->lengths.push_back(text ? self->lengths_[i]->reader(doc_count) : nullptr);
        out->columns.push_back(column ? self->columns_[i]->reader(doc_count) : nullptr);
        out->geo.push_back(nullptr);
        const bool vector = self->vectors_[i] != nullptr;
        out->vectors.push_back(vector ? self->vectors_[i]->reader(doc_count) : nullptr);
    }
    out->order = self->order_.reader(doc_count);
    out->ids = self->ids_.reader(doc_count);
    out->stored = self->stored_.reader(doc_count);
    out->memory = self;
    return out;
}

Result<std::string> LiveSegment::seal(
    const Schema& schema,
    const std::shared_ptr<const LiveSegment>& self,
    const SegmentReader& reader,
    const SegmentReader* like
) {
    const DocId docs = reader.doc_count;
    const std::vector<DocId> ids = identity(docs);
    SectionFileBuilder out;
    add_meta(docs, out);
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        const Field& field = schema.fields[i];
        if (self->texts_[i] != nullptr) {
            KUMO_TRY(search::seal(*self->texts_[i], docs, out, text_section(field)));
            const ColumnSource lengths{reader.lengths[i].get(), ids};
            write_column(false, {&lengths, 1}, docs, out, length_section(field));
        }
        if (self->columns_[i] != nullptr) {
            const ColumnSource column{reader.columns[i].get(), ids};
            write_column(
                self->columns_[i]->is_string(),
                {&column, 1},
                docs,
                out,
                column_section(field)
            );
        }
        if (parts_of(field).geo) {
            const ColumnSource column{reader.columns[i].get(), ids};
            write_geo_index({&column, 1}, out, geo_section(field));
        }
        if (self->vectors_[i] != nullptr) {
            const VectorSource vectors{reader.vectors[i].get(), ids, reader.order.get()};
            const GraphWork work{kSealGraphFloatsMax};
            KUMO_TRY(
                write_vectors(field.vector, {&vectors, 1}, docs, work, out, vector_section(field))
            );
        }
    }
    const ColumnSource order{reader.order.get(), ids};
    write_column(false, {&order, 1}, docs, out, std::string(kOrderSection));
    KUMO_TRY(search::seal(self->ids_, docs, out, kIdsSection));
    const StoredSource stored{reader.stored.get(), ids};
    const StoredReader* older = like == nullptr ? nullptr : like->stored.get();
    KUMO_TRY(write_stored({&stored, 1}, docs, older, out, std::string(kStoredSection)));
    return out.finish();
}

namespace {

Result<std::unique_ptr<TextReader>>
open_text(const SectionFile& file, std::string_view section, DocId docs) {
    KUMO_TRY_ASSIGN(SealedText text, SealedText::open(file, section));
    if (text.doc_limit() != docs) {
        return corruption("text `" + std::string(section) + "` is of another document count");
    }
    return std::unique_ptr<TextReader>(std::make_unique<SealedText>(std::move(text)));
}

Result<std::unique_ptr<ColumnReader>>
open_sized_column(const SectionFile& file, const std::string& section, DocId docs, bool strings) {
    KUMO_TRY_ASSIGN(auto column, open_column(file, section));
    if (column->doc_count() != docs || (!strings && column->string_count() != 0)) {
        return corruption("column `" + section + "` does not fit its segment");
    }
    return column;
}

Status open_fields(const Schema& schema, const SectionFile& file, SegmentReader& out) {
    for (const Field& field : schema.fields) {
        const FieldParts parts = parts_of(field);
        out.texts.emplace_back();
        out.lengths.emplace_back();
        out.columns.emplace_back();
        out.geo.emplace_back();
        out.vectors.emplace_back();
        // A field that was found may be younger than the segment.
        if (parts.text && field.found && !file.has(text_section(field) + "info")) {
            out.texts.back() = empty_text(out.doc_count);
            out.lengths.back() = empty_column(out.doc_count);
        } else if (parts.text) {
            KUMO_TRY_ASSIGN(out.texts.back(), open_text(file, text_section(field), out.doc_count));
            KUMO_TRY_ASSIGN(
                out.lengths.back(),
                open_sized_column(file, length_section(field), out.doc_count, false)
            );
        }
        if (parts.column && field.found && !file.has(column_section(field) + ".meta")) {
            out.columns.back() = empty_column(out.doc_count);
        } else if (parts.column) {
            KUMO_TRY_ASSIGN(
                out.columns.back(),
                open_sized_column(file, column_section(field), out.doc_count, parts.string_column)
            );
        }
        if (parts.geo && (!field.found || file.has(geo_section(field) + ".meta"))) {
            KUMO_TRY_ASSIGN(
                out.geo.back(),
                GeoIndex::open(file, geo_section(field), out.doc_count)
            );
        }
        if (parts.vector && field.found && !file.has(vector_section(field) + ".meta")) {
            out.vectors.back() = empty_vectors(out.doc_count, field.vector.dimensions);
        } else if (parts.vector) {
            KUMO_TRY_ASSIGN(
                out.vectors.back(),
                open_vectors(file, vector_section(field), field.vector.dimensions)
            );
            if (out.vectors.back()->doc_count() != out.doc_count) {
                return corruption("vectors of `" + field.name + "` do not fit their segment");
            }
        }
    }
    return {};
}

}  // namespace

Result<std::shared_ptr<const SegmentReader>>
open_segment(const Schema& schema, ByteView bytes, std::shared_ptr<const void> memory) {
    KUMO_TRY_ASSIGN(const SectionFile file, SectionFile::open(bytes));
    KUMO_TRY_ASSIGN(const ByteView meta, file.section(kMetaSection));
    if (meta.size() != sizeof(DocId)) {
        return corruption("section `$segment` has the wrong size");
    }
    auto out = std::make_shared<SegmentReader>();
    out->doc_count = load_unaligned<DocId>(meta.data());
    KUMO_TRY(open_fields(schema, file, *out));
    KUMO_TRY_ASSIGN(
        out->order,
        open_sized_column(file, std::string(kOrderSection), out->doc_count, false)
    );
    KUMO_TRY_ASSIGN(out->ids, open_text(file, kIdsSection, out->doc_count));
    KUMO_TRY_ASSIGN(out->stored, open_stored(file, std::string(kStoredSection)));
    if (out->stored->doc_count() != out->doc_count) {
        return corruption("section `$stored` is of another document count");
    }
    out->memory = std::move(memory);
    return std::shared_ptr<const SegmentReader>(std::move(out));
}

namespace {

/// Merges one kind of part over all inputs.
class Merger {
public:
    Merger(std::span<const SegmentMergeInput> inputs, DocId docs, SectionFileBuilder& out)
        : inputs_(inputs), docs_(docs), out_(out) {}

    template <typename Part>
    Status text(Part part, const std::string& section) {
        std::vector<MergeInput> sources;
        for (const SegmentMergeInput& input : inputs_) {
            // Inputs of a merge are sealed, or have no word at all.
            const auto* text = dynamic_cast<const SealedText*>(part(*input.segment));
            if (text != nullptr) {
                sources.push_back({text, input.new_ids});
            }
        }
        return merge(sources, docs_, out_, section);
    }

    template <typename Part>
    void column(bool strings, Part part, const std::string& section) {
        std::vector<ColumnSource> sources;
        for (const SegmentMergeInput& input : inputs_) {
            if (const ColumnReader* column = part(*input.segment)) {
                sources.push_back({column, input.new_ids});
            }
        }
        write_column(strings, sources, docs_, out_, section);
    }

    void geo(std::size_t field, const std::string& section) {
        std::vector<ColumnSource> sources;
        for (const SegmentMergeInput& input : inputs_) {
            if (const ColumnReader* column = input.segment->columns[field].get()) {
                sources.push_back({column, input.new_ids});
            }
        }
        write_geo_index(sources, out_, section);
    }

    Status vectors(std::size_t field, const Field& declared, const GraphWork& work) {
        std::vector<VectorSource> sources;
        for (const SegmentMergeInput& input : inputs_) {
            const SegmentReader& segment = *input.segment;
            sources.push_back({segment.vectors[field].get(), input.new_ids, segment.order.get()});
        }
        return write_vectors(declared.vector, sources, docs_, work, out_, vector_section(declared));
    }

    Status stored(const std::string& section) {
        std::vector<StoredSource> sources;
        for (const SegmentMergeInput& input : inputs_) {
            if (input.segment->stored != nullptr) {
                sources.push_back({input.segment->stored.get(), input.new_ids});
            }
        }
        return write_stored(sources, docs_, nullptr, out_, section);
    }

private:
    std::span<const SegmentMergeInput> inputs_;
    DocId docs_;
    SectionFileBuilder& out_;
};

}  // namespace

bool lacks_graph(const SegmentReader& segment) {
    return std::any_of(segment.vectors.begin(), segment.vectors.end(), [](const auto& vectors) {
        return vectors != nullptr && lacks_graph(*vectors);
    });
}

Result<std::string> merge_segments(
    const Schema& schema,
    std::span<const SegmentMergeInput> inputs,
    DocId doc_count,
    const std::atomic<bool>* stop
) {
    SectionFileBuilder out;
    add_meta(doc_count, out);
    Merger merger(inputs, doc_count, out);
    for (std::size_t i = 0; i < schema.fields.size(); ++i) {
        const Field& field = schema.fields[i];
        const FieldParts parts = parts_of(field);
        if (parts.text) {
            KUMO_TRY(merger.text(
                [i](const SegmentReader& s) { return s.texts[i].get(); },
                text_section(field)
            ));
            merger.column(
                false,
                [i](const SegmentReader& s) { return s.lengths[i].get(); },
                length_section(field)
            );
        }
        if (parts.column) {
            merger.column(
                parts.string_column,
                [i](const SegmentReader& s) { return s.columns[i].get(); },
                column_section(field)
            );
        }
        if (parts.geo) {
            merger.geo(i, geo_section(field));
        }
        if (parts.vector) {
            KUMO_TRY(merger.vectors(i, field, {UINT64_MAX, stop}));
        }
    }
    merger.column(
        false,
        [](const SegmentReader& s) { return s.order.get(); },
        std::string(kOrderSection)
    );
    KUMO_TRY(
        merger.text([](const SegmentReader& s) { return s.ids.get(); }, std::string(kIdsSection))
    );
    KUMO_TRY(merger.stored(std::string(kStoredSection)));
    return out.finish();
}

}  // namespace kumo::search
