#include "base/assert.h"
#include "search/column/column.h"
#include "search/column/range_match.h"
#include "search/text/section_file.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

namespace kumo::search {

// A sealed column is five sections: the header below; the codes as unsigned offsets from `base` in
// the narrowest of 0, 1, 2, 4 or 8 bytes; per document the end of its codes (absent where every
// document has exactly one); the minimum and maximum code of every 4,096 documents; and, for
// strings, the sorted table of distinct values.

namespace {

constexpr std::uint32_t kColumnMagic = 0x4c4f434b;  // "KCOL"
constexpr std::uint32_t kZoneDocs = 4096;

struct Header {
    std::uint32_t magic;
    std::uint32_t doc_count;
    std::uint64_t value_count;
    std::int64_t base;
    std::uint32_t width;
    std::uint32_t dense;  ///< 1: exactly one value a document, no `.ends`.
    std::uint32_t strings;
    std::uint32_t string_count;
};

struct Zone {
    std::int64_t min;
    std::int64_t max;
};

std::uint64_t unsigned_distance(std::int64_t from, std::int64_t to) {
    return static_cast<std::uint64_t>(to) - static_cast<std::uint64_t>(from);
}

std::uint32_t width_for(std::uint64_t largest) {
    if (largest == 0) {
        return 0;
    }
    if (largest <= UINT8_MAX) {
        return 1;
    }
    if (largest <= UINT16_MAX) {
        return 2;
    }
    return largest <= UINT32_MAX ? 4 : 8;
}

std::uint64_t load_width(const char* data, std::uint32_t width, std::uint64_t index) {
    switch (width) {
        case 1: return static_cast<unsigned char>(data[index]);
        case 2: return load_unaligned<std::uint16_t>(data + index * 2);
        case 4: return load_unaligned<std::uint32_t>(data + index * 4);
        case 8: return load_unaligned<std::uint64_t>(data + index * 8);
        default: return 0;
    }
}

/// Everything of a column in memory, before it is encoded.
struct Gathered {
    std::vector<std::int64_t> codes;
    std::vector<std::uint64_t> ends;
    std::vector<std::string_view> strings;
};

/// The distinct strings that kept documents use, sorted; and per source the map of its ordinals.
std::vector<std::string_view> merge_strings(
    std::span<const ColumnSource> sources,
    std::vector<std::vector<std::int64_t>>& ordinal_maps
) {
    std::vector<std::string_view> all;
    ordinal_maps.resize(sources.size());
    for (std::size_t s = 0; s < sources.size(); ++s) {
        const ColumnSource& source = sources[s];
        if (source.column == nullptr) {
            continue;
        }
        auto& used = ordinal_maps[s];
        used.assign(source.column->string_count(), -1);
        for (std::uint32_t doc = 0; doc < source.new_ids.size(); ++doc) {
            if (source.new_ids[doc] == kDroppedDoc) {
                continue;
            }
            const auto range = source.column->values_of(doc);
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                used[static_cast<std::size_t>(source.column->value(i))] = 0;
            }
        }
        for (std::uint32_t ordinal = 0; ordinal < used.size(); ++ordinal) {
            if (used[ordinal] == 0) {
                all.push_back(source.column->string(ordinal));
            }
        }
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    for (std::size_t s = 0; s < sources.size(); ++s) {
        for (std::uint32_t ordinal = 0; ordinal < ordinal_maps[s].size(); ++ordinal) {
            if (ordinal_maps[s][ordinal] == 0) {
                const auto at =
                    std::lower_bound(all.begin(), all.end(), sources[s].column->string(ordinal));
                ordinal_maps[s][ordinal] = at - all.begin();
            }
        }
    }
    return all;
}

Gathered gather(bool strings, std::span<const ColumnSource> sources, std::uint32_t doc_count) {
    Gathered out;
    std::vector<std::vector<std::int64_t>> ordinal_maps;
    if (strings) {
        out.strings = merge_strings(sources, ordinal_maps);
    }
    out.ends.reserve(doc_count);
    for (std::size_t s = 0; s < sources.size(); ++s) {
        const ColumnSource& source = sources[s];
        for (std::uint32_t doc = 0; doc < source.new_ids.size(); ++doc) {
            if (source.new_ids[doc] == kDroppedDoc) {
                continue;
            }
            if (source.column != nullptr) {
                const auto range = source.column->values_of(doc);
                for (std::uint64_t i = range.begin; i < range.end; ++i) {
                    const std::int64_t code = source.column->value(i);
                    out.codes.push_back(
                        strings ? ordinal_maps[s][static_cast<std::size_t>(code)] : code
                    );
                }
            }
            out.ends.push_back(out.codes.size());
        }
    }
    KUMO_ASSERT(out.ends.size() == doc_count);
    return out;
}

std::string encode_codes(const std::vector<std::int64_t>& codes, const Header& header) {
    std::string out(codes.size() * header.width, '\0');
    for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::uint64_t offset = unsigned_distance(header.base, codes[i]);
        std::memcpy(out.data() + i * header.width, &offset, header.width);  // little-endian
    }
    return out;
}

std::string encode_ends(const std::vector<std::uint64_t>& ends) {
    std::string out(ends.size() * sizeof(std::uint64_t), '\0');
    std::memcpy(out.data(), ends.data(), out.size());
    return out;
}

std::string encode_zones(const Gathered& gathered) {
    std::string out;
    for (std::size_t doc = 0; doc < gathered.ends.size(); doc += kZoneDocs) {
        const std::size_t last = std::min(doc + kZoneDocs, gathered.ends.size()) - 1;
        Zone zone{INT64_MAX, INT64_MIN};
        for (std::uint64_t i = doc == 0 ? 0 : gathered.ends[doc - 1]; i < gathered.ends[last];
             ++i) {
            zone.min = std::min(zone.min, gathered.codes[i]);
            zone.max = std::max(zone.max, gathered.codes[i]);
        }
        append_fixed(out, zone);
    }
    return out;
}

void add_strings(
    const std::vector<std::string_view>& strings,
    SectionFileBuilder& out,
    const std::string& prefix
) {
    std::string offsets;
    std::string bytes;
    append_fixed(offsets, std::uint64_t{0});
    for (const std::string_view text : strings) {
        bytes += text;
        append_fixed(offsets, static_cast<std::uint64_t>(bytes.size()));
    }
    out.add(prefix + ".string_ends", std::move(offsets));
    out.add(prefix + ".strings", std::move(bytes));
}

class SealedColumn final : public ColumnReader {
public:
    explicit SealedColumn(const Header& header) : header_(header) {}

    Status load(const SectionFile& file, const std::string& prefix) {
        constexpr std::uint64_t kWord = sizeof(std::uint64_t);
        const std::uint64_t docs = header_.doc_count;
        KUMO_TRY_ASSIGN(
            values_,
            sized_section(file, prefix + ".values", header_.value_count, header_.width)
        );
        if (header_.dense == 0) {
            KUMO_TRY_ASSIGN(ends_, sized_section(file, prefix + ".ends", docs, kWord));
        }
        const std::uint64_t zones = (docs + kZoneDocs - 1) / kZoneDocs;
        KUMO_TRY_ASSIGN(zones_, sized_section(file, prefix + ".zones", zones, sizeof(Zone)));
        if (header_.strings != 0) {
            const std::uint64_t ends = std::uint64_t{header_.string_count} + 1;
            KUMO_TRY_ASSIGN(
                string_ends_,
                sized_section(file, prefix + ".string_ends", ends, kWord)
            );
            KUMO_TRY_ASSIGN(string_bytes_, file.section(prefix + ".strings"));
        }
        return check(prefix);
    }

    std::uint32_t doc_count() const override { return header_.doc_count; }

    ValueRange values_of(std::uint32_t doc) const override {
        if (header_.dense != 0) {
            return {doc, std::uint64_t{doc} + 1};
        }
        return {doc == 0 ? 0 : end_of(doc - 1), end_of(doc)};
    }

    std::int64_t value(std::uint64_t index) const override {
        return static_cast<std::int64_t>(
            static_cast<std::uint64_t>(header_.base)
            + load_width(values_.data(), header_.width, index)
        );
    }

    void match_range(std::int64_t low, std::int64_t high, Bitmap& out) const override {
        for (std::uint32_t begin = 0; begin < header_.doc_count; begin += kZoneDocs) {
            const auto zone =
                load_unaligned<Zone>(zones_.data() + begin / kZoneDocs * sizeof(Zone));
            if (zone.max < low || zone.min > high) {
                continue;
            }
            const std::uint32_t end = std::min(begin + kZoneDocs, header_.doc_count);
            match_docs(begin, end, low, high, out);
        }
    }

    void count_values(const Bitmap& docs, std::span<std::uint32_t> counts) const override {
        switch (header_.width) {
            case 0: count_as<std::uint8_t, 0>(docs, counts); break;
            case 1: count_as<std::uint8_t>(docs, counts); break;
            case 2: count_as<std::uint16_t>(docs, counts); break;
            case 4: count_as<std::uint32_t>(docs, counts); break;
            default: ColumnReader::count_values(docs, counts); break;
        }
    }

    void find_beyond(
        const Bitmap& docs,
        DocRange range,
        std::int64_t bound,
        bool least,
        std::vector<std::uint32_t>& out
    ) const override {
        const auto zone =
            load_unaligned<Zone>(zones_.data() + range.begin / kZoneDocs * sizeof(Zone));
        const bool one_zone = (range.end - 1) / kZoneDocs == range.begin / kZoneDocs;
        if (header_.dense == 0 || !one_zone || header_.width == 0) {
            ColumnReader::find_beyond(docs, range, bound, least, out);
        } else if (least ? bound <= zone.max : bound >= zone.min) {
            // A bound that no code of the zone is beyond the base of is moved to the base.
            const std::int64_t limit = std::max(bound, header_.base);
            find_dense(docs, range, unsigned_distance(header_.base, limit), least, out);
        }
    }

    std::uint32_t string_count() const override { return header_.string_count; }

    std::string_view string(std::uint32_t ordinal) const override {
        const std::uint64_t begin = string_end(ordinal);
        return string_bytes_.substr(begin, string_end(std::uint64_t{ordinal} + 1) - begin);
    }

    bool strings_sorted() const override { return true; }

private:
    void find_dense(
        const Bitmap& docs,
        DocRange range,
        std::uint64_t bound,
        bool least,
        std::vector<std::uint32_t>& out
    ) const {
        switch (header_.width) {
            case 1: find_as<std::uint8_t>(docs, range, bound, least, out); break;
            case 2: find_as<std::uint16_t>(docs, range, bound, least, out); break;
            case 4: find_as<std::uint32_t>(docs, range, bound, least, out); break;
            default: find_as<std::uint64_t>(docs, range, bound, least, out); break;
        }
    }

    template <typename Code>
    void find_as(
        const Bitmap& docs,
        DocRange range,
        std::uint64_t bound,
        bool least,
        std::vector<std::uint32_t>& out
    ) const {
        const char* codes = values_.data();
        docs.for_each_in(range.begin, range.end, [&](std::size_t doc) {
            const std::uint64_t code = load_unaligned<Code>(codes + doc * sizeof(Code));
            if (least ? code >= bound : code <= bound) {
                out.push_back(static_cast<std::uint32_t>(doc));
            }
        });
    }

    template <typename Code, std::size_t kWidth = sizeof(Code)>
    void count_as(const Bitmap& docs, std::span<std::uint32_t> counts) const {
        const char* codes = values_.data();
        std::uint32_t* out = counts.data() + header_.base;
        const auto count = [&](std::uint64_t i) {
            ++out[kWidth == 0 ? 0 : load_unaligned<Code>(codes + i * kWidth)];
        };
        if (header_.dense != 0) {
            docs.for_each([&](std::size_t doc) { count(doc); });
            return;
        }
        docs.for_each([&](std::size_t doc) {
            const ValueRange range = values_of(static_cast<std::uint32_t>(doc));
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                count(i);
            }
        });
    }

    static Result<ByteView> sized_section(
        const SectionFile& file,
        const std::string& name,
        std::uint64_t count,
        std::uint64_t width
    ) {
        KUMO_TRY_ASSIGN(const ByteView bytes, file.section(name));
        if (width != 0 && (count > bytes.size() / width || bytes.size() != count * width)) {
            return corruption("section `" + name + "` has the wrong size");
        }
        return bytes;
    }

    /// Everything that a read follows without looking: ends ascend, ordinals are in the table.
    Status check(const std::string& prefix) const {
        if (header_.dense != 0 && header_.value_count != header_.doc_count) {
            return corruption("column `" + prefix + "` claims one value a document");
        }
        std::uint64_t previous = 0;
        for (std::uint32_t doc = 0; header_.dense == 0 && doc < header_.doc_count; ++doc) {
            if (end_of(doc) < previous || end_of(doc) > header_.value_count) {
                return corruption("column `" + prefix + "` has value ends out of order");
            }
            previous = end_of(doc);
        }
        if (header_.strings == 0) {
            return {};
        }
        for (std::uint64_t i = 0; i <= header_.string_count; ++i) {
            if (string_end(i) > string_bytes_.size()
                || (i > 0 && string_end(i) < string_end(i - 1))) {
                return corruption("column `" + prefix + "` has string ends out of order");
            }
        }
        for (std::uint64_t i = 0; i < header_.value_count; ++i) {
            if (value(i) < 0 || value(i) >= std::int64_t{header_.string_count}) {
                return corruption("column `" + prefix + "` has an ordinal outside its table");
            }
        }
        return {};
    }

    void match_docs(
        std::uint32_t begin,
        std::uint32_t end,
        std::int64_t low,
        std::int64_t high,
        Bitmap& out
    ) const {
        // The zone overlaps [low, high] and holds no code below base, so low can be clamped there.
        const std::uint64_t from = unsigned_distance(header_.base, std::max(low, header_.base));
        const std::uint64_t to = high < header_.base ? 0 : unsigned_distance(header_.base, high);
        if (header_.dense != 0 && header_.width != 0 && high >= header_.base) {
            const char* codes = values_.data() + std::size_t{begin} * header_.width;
            range_match(
            )({codes, header_.width, end - begin, from, to - from}, out.words() + begin / 64);
            return;
        }
        for (std::uint32_t doc = begin; doc < end; ++doc) {
            const ValueRange range = values_of(doc);
            for (std::uint64_t i = range.begin; i < range.end; ++i) {
                if (value(i) >= low && value(i) <= high) {
                    out.set(doc);
                    break;
                }
            }
        }
    }

    std::uint64_t end_of(std::uint32_t doc) const {
        return load_unaligned<std::uint64_t>(
            ends_.data() + std::size_t{doc} * sizeof(std::uint64_t)
        );
    }

    std::uint64_t string_end(std::uint64_t i) const {
        return load_unaligned<std::uint64_t>(string_ends_.data() + i * sizeof(std::uint64_t));
    }

    Header header_;
    ByteView values_;
    ByteView ends_;
    ByteView zones_;
    ByteView string_ends_;
    ByteView string_bytes_;
};

bool is_dense(const std::vector<std::uint64_t>& ends) {
    for (std::size_t i = 0; i < ends.size(); ++i) {
        if (ends[i] != i + 1) {
            return false;
        }
    }
    return true;
}

}  // namespace

void write_column(
    bool strings,
    std::span<const ColumnSource> sources,
    std::uint32_t doc_count,
    SectionFileBuilder& out,
    const std::string& prefix
) {
    const Gathered gathered = gather(strings, sources, doc_count);
    Header header{};
    header.magic = kColumnMagic;
    header.doc_count = doc_count;
    header.value_count = gathered.codes.size();
    header.dense = is_dense(gathered.ends) ? 1 : 0;
    header.strings = strings ? 1 : 0;
    header.string_count = static_cast<std::uint32_t>(gathered.strings.size());
    if (!gathered.codes.empty()) {
        const auto [min, max] = std::minmax_element(gathered.codes.begin(), gathered.codes.end());
        header.base = *min;
        header.width = width_for(unsigned_distance(*min, *max));
    }
    std::string meta;
    append_fixed(meta, header);
    out.add(prefix + ".meta", std::move(meta));
    out.add(prefix + ".values", encode_codes(gathered.codes, header));
    if (header.dense == 0) {
        out.add(prefix + ".ends", encode_ends(gathered.ends));
    }
    out.add(prefix + ".zones", encode_zones(gathered));
    if (strings) {
        add_strings(gathered.strings, out, prefix);
    }
}

Result<std::unique_ptr<ColumnReader>>
open_column(const SectionFile& file, const std::string& prefix) {
    KUMO_TRY_ASSIGN(const ByteView meta, file.section(prefix + ".meta"));
    if (meta.size() != sizeof(Header)) {
        return corruption("column `" + prefix + "` has a header of the wrong size");
    }
    const auto header = load_unaligned<Header>(meta.data());
    const bool width_known = header.width <= 2 || header.width == 4 || header.width == 8;
    if (header.magic != kColumnMagic || !width_known) {
        return corruption("column `" + prefix + "` has a header that is not one");
    }
    auto column = std::make_unique<SealedColumn>(header);
    KUMO_TRY(column->load(file, prefix));
    return std::unique_ptr<ColumnReader>(std::move(column));
}

}  // namespace kumo::search
