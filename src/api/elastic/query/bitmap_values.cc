#include "api/elastic/query/internal/bitmap_values.h"

#include "base/bytes.h"

namespace kumo::api_elastic {

namespace {

constexpr std::uint32_t kCookie = 12346;
constexpr std::uint32_t kCookieOfRuns = 12347;
constexpr std::size_t kArrayMax = 4096;
constexpr std::size_t kBitsetBytes = 8192;

/// Containers of 65,536 numbers each, one after the other: a sorted list, a bitset, or runs.
class BitmapReader {
public:
    explicit BitmapReader(std::string_view bytes) : in_(bytes) {}

    /// Bitmaps of 32 bits, each with the upper half of its numbers in front.
    Status run_wide() {
        const std::uint64_t bitmaps = number32() | (std::uint64_t{number32()} << 32);
        for (std::uint64_t i = 0; i < bitmaps; ++i) {
            upper_ = static_cast<std::int64_t>(std::uint64_t{number32()} << 32);
            KUMO_TRY(run());
        }
        return {};
    }

    Status run() {
        const std::uint32_t cookie = number32();
        std::size_t containers = 0;
        std::string_view runs;
        if ((cookie & 0xFFFFU) == kCookieOfRuns) {
            containers = (cookie >> 16) + 1;
            runs = take((containers + 7) / 8);
        } else if (cookie == kCookie) {
            containers = number32();
        } else {
            return invalid_argument("the bitmap has no known cookie");
        }
        constexpr std::size_t kContainersMax = 65536;
        if (containers > kContainersMax) {
            return invalid_argument("the bitmap has too many containers");
        }
        const std::string_view heads = take(containers * 4);
        constexpr std::size_t kOffsetsFrom = 4;
        if (runs.empty() || containers >= kOffsetsFrom) {
            take(containers * 4);
        }
        for (std::size_t i = 0; i < containers && !failed_; ++i) {
            const std::int64_t base = upper_ | (std::int64_t{at16(heads, i * 4)} << 16);
            const std::size_t count = std::size_t{at16(heads, i * 4 + 2)} + 1;
            const bool run =
                !runs.empty() && ((static_cast<unsigned char>(runs[i / 8]) >> (i % 8)) & 1U) != 0;
            KUMO_TRY(run ? read_runs(base) : read_values(base, count));
        }
        if (failed_) {
            return invalid_argument("the bitmap is cut short");
        }
        return {};
    }

    std::vector<std::int64_t> take_values() { return std::move(values_); }

private:
    static std::uint16_t at16(std::string_view bytes, std::size_t at) {
        const auto low = static_cast<unsigned char>(bytes[at]);
        const auto high = static_cast<unsigned char>(bytes[at + 1]);
        return static_cast<std::uint16_t>(low | (high << 8));
    }

    /// The next bytes; empty ones that do not end if there are not so many.
    std::string_view take(std::size_t count) {
        if (in_.size() < count) {
            failed_ = true;
            zeros_.assign(count, '\0');
            return zeros_;
        }
        const std::string_view out = in_.substr(0, count);
        in_.remove_prefix(count);
        return out;
    }

    std::uint32_t number32() {
        const std::string_view bytes = take(4);
        return std::uint32_t{at16(bytes, 0)} | (std::uint32_t{at16(bytes, 2)} << 16);
    }

    Status add(std::int64_t first, std::size_t count) {
        if (values_.size() + count > kBitmapValuesMax) {
            return Error{ErrorCode::kLimitExceeded, "the bitmap has too many values"};
        }
        for (std::size_t i = 0; i < count; ++i) {
            values_.push_back(first + static_cast<std::int64_t>(i));
        }
        return {};
    }

    Status read_runs(std::int64_t base) {
        const std::size_t count = at16(take(2), 0);
        const std::string_view bytes = take(count * 4);
        for (std::size_t i = 0; i < count && !failed_; ++i) {
            KUMO_TRY(add(base + at16(bytes, i * 4), std::size_t{at16(bytes, i * 4 + 2)} + 1));
        }
        return {};
    }

    Status read_values(std::int64_t base, std::size_t count) {
        if (count <= kArrayMax) {
            const std::string_view bytes = take(count * 2);
            for (std::size_t i = 0; i < count && !failed_; ++i) {
                KUMO_TRY(add(base + at16(bytes, i * 2), 1));
            }
            return {};
        }
        const std::string_view bytes = take(kBitsetBytes);
        for (std::size_t bit = 0; bit < kBitsetBytes * 8 && !failed_; ++bit) {
            if (((static_cast<unsigned char>(bytes[bit / 8]) >> (bit % 8)) & 1U) != 0) {
                KUMO_TRY(add(base + static_cast<std::int64_t>(bit), 1));
            }
        }
        return {};
    }

    std::string_view in_;
    std::string zeros_;
    std::vector<std::int64_t> values_;
    std::int64_t upper_ = 0;
    bool failed_ = false;
};

}  // namespace

Result<std::vector<std::int64_t>> bitmap_values(std::string_view bytes, bool wide) {
    BitmapReader reader(bytes);
    KUMO_TRY(wide ? reader.run_wide() : reader.run());
    return reader.take_values();
}

std::optional<std::string> base64_decoded(std::string_view text) {
    constexpr std::string_view kLetters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    std::uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        if (c == '=' || c == '\n' || c == '\r') {
            continue;
        }
        const std::size_t value = kLetters.find(c);
        if (value == std::string_view::npos) {
            return std::nullopt;
        }
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out += static_cast<char>((bits >> count) & 0xFFU);
        }
    }
    return out;
}

}  // namespace kumo::api_elastic
