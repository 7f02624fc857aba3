// LCS (Redis 7.0): the longest common subsequence of two strings, by the textbook table
// (Wagner & Fischer 1974).
#include "kv/command/handlers.h"

#include <algorithm>
#include <string>
#include <vector>

namespace kumo::kv {

namespace {

/// Cells of the table; more would take gigabytes.
constexpr std::uint64_t kCellsMax = std::uint64_t{1} << 30;

struct LcsOptions {
    bool length = false;
    bool index = false;
    bool with_match_length = false;
    std::int64_t match_length_min = 0;
};

bool read_options(Context& ctx, LcsOptions* options) {
    for (std::size_t i = 3; i < ctx.argc(); ++i) {
        if (ctx.arg_is(i, "IDX")) {
            options->index = true;
        } else if (ctx.arg_is(i, "LEN")) {
            options->length = true;
        } else if (ctx.arg_is(i, "WITHMATCHLEN")) {
            options->with_match_length = true;
        } else if (ctx.arg_is(i, "MINMATCHLEN") && i + 1 < ctx.argc()) {
            if (!ctx.integer(++i, &options->match_length_min)) {
                return false;
            }
            options->match_length_min = std::max<std::int64_t>(options->match_length_min, 0);
        } else {
            ctx.syntax_error();
            return false;
        }
    }
    if (options->index && options->length) {
        ctx.error("ERR If you want both the length and indexes, please just use IDX.");
        return false;
    }
    return true;
}

bool read_string(Context& ctx, ByteView key, std::string* out) {
    const Entry* entry = ctx.lookup_read(key);
    if (entry != nullptr && !entry->is_string()) {
        ctx.error("ERR The specified keys must contain string values");
        return false;
    }
    *out = entry == nullptr ? std::string() : std::string(entry->string());
    return true;
}

/// Lengths of the common subsequences of all pairs of prefixes.
class LcsTable {
public:
    LcsTable(const std::string& a, const std::string& b)
        : width_(b.size() + 1), cells_((a.size() + 1) * width_, 0) {
        for (std::size_t i = 1; i <= a.size(); ++i) {
            for (std::size_t k = 1; k <= b.size(); ++k) {
                cell(i, k) = a[i - 1] == b[k - 1] ? at(i - 1, k - 1) + 1
                                                  : std::max(at(i - 1, k), at(i, k - 1));
            }
        }
    }

    std::uint32_t at(std::size_t i, std::size_t k) const { return cells_[i * width_ + k]; }

private:
    std::uint32_t& cell(std::size_t i, std::size_t k) { return cells_[i * width_ + k]; }

    std::size_t width_;
    std::vector<std::uint32_t> cells_;
};

/// A stretch that both have: its last characters and its length.
struct Match {
    std::size_t a_end = 0;
    std::size_t b_end = 0;
    std::size_t length = 0;
};

/// Walks back through the table: the stretches, the last first, and the subsequence itself.
std::vector<Match>
walk_back(const std::string& a, const std::string& b, const LcsTable& table, std::string* common) {
    std::vector<Match> matches;
    Match open;
    std::size_t i = a.size();
    std::size_t k = b.size();
    while (i > 0 && k > 0) {
        if (a[i - 1] == b[k - 1]) {
            common->push_back(a[i - 1]);
            if (open.length > 0 && open.a_end - open.length + 1 == i
                && open.b_end - open.length + 1 == k) {
                ++open.length;
            } else {
                if (open.length > 0) {
                    matches.push_back(open);
                }
                open = {i - 1, k - 1, 1};
            }
            --i;
            --k;
        } else if (table.at(i - 1, k) > table.at(i, k - 1)) {
            --i;
        } else {
            --k;
        }
    }
    if (open.length > 0) {
        matches.push_back(open);
    }
    std::reverse(common->begin(), common->end());
    return matches;
}

void reply_matches(
    Context& ctx,
    const std::vector<Match>& matches,
    const LcsOptions& options,
    std::size_t length
) {
    ctx.reply.map(2);
    ctx.reply.bulk("matches");
    const std::size_t mark = ctx.reply.mark();
    std::size_t shown = 0;
    const auto range = [&ctx](std::size_t end, std::size_t size) {
        ctx.reply.array(2);
        ctx.reply.integer(static_cast<std::int64_t>(end - size + 1));
        ctx.reply.integer(static_cast<std::int64_t>(end));
    };
    for (const Match& match : matches) {
        if (match.length < static_cast<std::size_t>(options.match_length_min)) {
            continue;
        }
        ++shown;
        ctx.reply.array(options.with_match_length ? 3 : 2);
        range(match.a_end, match.length);
        range(match.b_end, match.length);
        if (options.with_match_length) {
            ctx.reply.integer(static_cast<std::int64_t>(match.length));
        }
    }
    ctx.reply.insert_array(mark, shown);
    ctx.reply.bulk("len");
    ctx.reply.integer(static_cast<std::int64_t>(length));
}

void do_lcs(Context& ctx) {
    LcsOptions options;
    std::string a;
    std::string b;
    if (!read_string(ctx, ctx.arg(1), &a) || !read_string(ctx, ctx.arg(2), &b)
        || !read_options(ctx, &options)) {
        return;
    }
    if ((std::uint64_t{a.size()} + 1) > kCellsMax / (std::uint64_t{b.size()} + 1)) {
        ctx.error("ERR String too long for LCS");
        return;
    }
    const LcsTable table(a, b);
    const std::size_t length = table.at(a.size(), b.size());
    if (options.length) {
        ctx.reply.integer(static_cast<std::int64_t>(length));
        return;
    }
    std::string common;
    const std::vector<Match> matches = walk_back(a, b, table, &common);
    if (options.index) {
        reply_matches(ctx, matches, options, length);
    } else {
        ctx.reply.bulk(common);
    }
}

}  // namespace

void add_lcs_commands(HandlerTable& table) {
    table.add({{"lcs", do_lcs}});
}

}  // namespace kumo::kv
