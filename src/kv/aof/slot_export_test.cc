#include "kv/aof/slot_export.h"

#include "base/random.h"
#include "kv/aof/aof_writer.h"
#include "kv/command/context.h"
#include "kv/command/handlers.h"
#include "kv/command/spec.h"
#include "kv/types/stream.h"
#include "wire/crc16.h"
#include "wire/resp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace kumo::kv {
namespace {

constexpr std::int64_t kNowUs = 1'700'000'000'000'000;

class NoEffects final : public Effects {
public:
    void on_changed(int, ByteView) override {}

    void on_event(EventClass, ByteView, int, ByteView) override {}

    void on_ready(int, ByteView) override {}

    void on_flush(int) override {}

    void on_swapped(int, int) override {}

    void on_expired(int, ByteView) override {}
};

/// A keyspace that commands are run on.
struct Store {
    Store() : keyspace(7, 1, true) {}

    Database& database() { return keyspace.database(0); }

    void run(const std::vector<std::string>& words) {
        const std::vector<ByteView> views(words.begin(), words.end());
        run(std::span<const ByteView>(views));
    }

    void run(std::span<const ByteView> views) {
        const CommandSpec* spec = find_command(views[0]);
        ASSERT_NE(spec, nullptr) << views[0];
        if (!spec->subcommands.empty()) {
            spec = find_subcommand(*spec, views[1]);
        }
        wire::RespWriter answer;
        Context context(
            {.keyspace = keyspace,
             .effects = effects,
             .random = random,
             .now_us = kNowUs,
             .replaying = true},
            *spec,
            views,
            answer
        );
        keyspace_handlers().find (*spec)(context);
        EXPECT_FALSE(answer.bytes().starts_with('-')) << views[0] << ": " << answer.bytes();
    }

    /// All commands of a stream.
    void take(ByteView bytes) {
        wire::RespParser parser(wire::RespLimits{});
        parser.feed(bytes);
        while (parser.next() == wire::RespParser::Outcome::kRequest) {
            run(std::span<const ByteView>(parser.arguments()));
        }
    }

    std::map<std::string, std::string> contents(const std::vector<std::uint16_t>& slots) {
        std::map<std::string, std::string> out;
        for (const std::uint16_t slot : slots) {
            database().visit_slot(slot, SIZE_MAX, [&](Entry* entry) {
                std::string& text = out[std::string(entry->key())];
                text = entry->is_string() ? std::string(entry->string()) : describe(*entry);
                text +=
                    entry->has_expiry() ? " until " + std::to_string(entry->expire_at_ms()) : "";
            });
        }
        return out;
    }

    /// By a read of everything, so that how it lies in memory does not matter.
    std::string describe(const Entry& entry) {
        const std::string key(entry.key());
        switch (entry.type()) {
            case Type::kList: return answer_of({"LRANGE", key, "0", "-1"});
            case Type::kZset: return answer_of({"ZRANGE", key, "0", "-1", "WITHSCORES"});
            case Type::kSet: return sorted({"SMEMBERS", key}, 1);
            case Type::kHash: return sorted({"HGETALL", key}, 2);
            default: break;
        }
        const auto& stream = static_cast<const StreamValue&>(entry.value());
        return answer_of({"XRANGE", key, "-", "+"}) + answer_of({"XINFO", "GROUPS", key})
               + stream.last_id().text() + " " + stream.max_deleted_id().text() + " "
               + std::to_string(stream.entries_added());
    }

    /// What is answered, `step` elements being one thing, in an order of its own.
    std::string sorted(const std::vector<std::string>& words, std::size_t step) {
        wire::RespParser parser(wire::RespLimits{});
        parser.feed(answer_of(words));
        EXPECT_EQ(parser.next(), wire::RespParser::Outcome::kRequest);
        std::set<std::string> things;
        for (std::size_t i = 0; i + step <= parser.arguments().size(); i += step) {
            std::string thing(parser.arguments()[i]);
            thing += step > 1 ? "=" + std::string(parser.arguments()[i + 1]) : "";
            things.insert(std::move(thing));
        }
        std::string out;
        for (const std::string& thing : things) {
            out += thing + ";";
        }
        return out;
    }

    std::string answer_of(const std::vector<std::string>& words) {
        const std::vector<ByteView> views(words.begin(), words.end());
        const CommandSpec* spec = find_command(views[0]);
        if (!spec->subcommands.empty()) {
            spec = find_subcommand(*spec, views[1]);
        }
        wire::RespWriter answer;
        Context context(
            {.keyspace = keyspace, .effects = effects, .random = random, .now_us = kNowUs},
            *spec,
            views,
            answer
        );
        keyspace_handlers().find (*spec)(context);
        return answer.bytes();
    }

    NoEffects effects;
    SeededRandom random{3};
    Keyspace keyspace;
};

std::string command(const std::vector<std::string>& words) {
    const std::vector<ByteView> views(words.begin(), words.end());
    std::string out;
    append_aof_command(views, &out);
    return out;
}

std::vector<std::uint16_t> slots_of(const std::vector<std::string>& keys) {
    std::vector<std::uint16_t> out;
    for (const std::string& key : keys) {
        out.push_back(wire::key_slot(key));
    }
    std::sort(out.begin(), out.end());
    out.erase(std::unique(out.begin(), out.end()), out.end());
    return out;
}

TEST(SlotExport, GivesOutEveryTypeSmallAndLarge) {
    Store from;
    from.run({"SET", "{s}text", "value", "PX", "100000"});
    from.run({"SET", "{s}long", std::string(3'000'000, 'x')});
    for (const char* size : {"3", "3000"}) {
        const std::string suffix = std::string("{s}") + size;
        for (int i = 0; i < std::stoi(size); ++i) {
            const std::string n = std::to_string(i);
            from.run({"RPUSH", "list" + suffix, n});
            from.run({"SADD", "set" + suffix, "m" + n});
            from.run({"ZADD", "zset" + suffix, std::to_string(i * 0.1), "m" + n});
            from.run({"HSET", "hash" + suffix, "f" + n, "v" + n});
            from.run({"XADD", "stream" + suffix, n + "-1", "f", n});
        }
        from.run({"XDEL", "stream" + suffix, "2-1"});
        from.run({"XGROUP", "CREATE", "stream" + suffix, "group", "1-1"});
        from.run({"PEXPIREAT", "hash" + suffix, "1800000000000"});
    }
    const auto slots = slots_of({"{s}"});
    SlotExport given(from.database(), slots);
    Store to;
    std::string chunk;
    int chunks = 0;
    for (bool more = true; more; ++chunks) {
        chunk.clear();
        more = given.step(20'000, &chunk);
        EXPECT_LT(chunk.size(), std::size_t{2'000'000}) << "no call takes long";
        to.take(chunk);
    }
    EXPECT_GT(chunks, 20);
    EXPECT_EQ(to.contents(slots), from.contents(slots));
    EXPECT_EQ(to.database().size(), 12U);
}

TEST(SlotExport, IsWhatIsThereWhateverChangesMeanwhile) {
    SeededRandom random(5);
    std::vector<std::string> tags;
    for (int i = 0; i < 6; ++i) {
        tags.push_back("{t" + std::to_string(i) + "}");
    }
    for (int round = 0; round < 30; ++round) {
        Store from;
        const auto change = [&](SlotExport* told) {
            const std::string& tag = tags[random.below(tags.size())];
            const std::string key = tag + std::to_string(random.below(40));
            const std::string other = tag + std::to_string(random.below(40));
            const std::string n = std::to_string(random.below(2000));
            std::vector<std::string> words;
            switch (random.below(9)) {
                case 0: words = {"SET", "s" + key, n}; break;
                case 1: words = {"DEL", "s" + key, "h" + key, "l" + key}; break;
                case 2: words = {"HSET", "h" + key, n, n, "x" + n, n}; break;
                case 3: words = {"RPUSH", "l" + key, n, n, n}; break;
                case 4: words = {"HINCRBY", "h" + key, "count", "1"}; break;
                case 5: words = {"SADD", "e" + key, n, "m" + n}; break;
                case 6: words = {"SUNIONSTORE", "e" + other, "e" + key, "e" + other}; break;
                case 7: words = {"LTRIM", "l" + key, "1", "-1"}; break;
                default: words = {"ZADD", "z" + key, n, "m" + n};
            }
            from.run(words);
            if (told != nullptr) {
                told->add_changes(wire::key_slot(words[1]), command(words));
            }
        };
        for (int i = 0; i < 3000; ++i) {
            change(nullptr);
        }
        for (int i = 0; i < 1500; ++i) {
            from.run({"HSET", "hbig" + tags[0], "f" + std::to_string(i), "v"});
            from.run({"RPUSH", "lbig" + tags[1], std::to_string(i)});
        }
        const std::vector<std::string> moving(tags.begin(), tags.begin() + 4);
        const auto slots = slots_of(moving);
        SlotExport given(from.database(), slots);
        Store to;
        for (bool more = true; more;) {
            std::string chunk;
            more = given.step(1 + random.below(3000), &chunk);
            to.take(chunk);
            for (std::uint64_t i = random.below(20); i > 0; --i) {
                change(&given);
                more = true;
            }
            if (random.chance(1, 10)) {
                const std::vector<std::string> words = {"RPUSH", "lbig" + tags[1], "late"};
                from.run(words);
                given.add_changes(wire::key_slot(words[1]), command(words));
                more = true;
            }
            if (given.walked() && random.chance(1, 8)) {
                chunk.clear();
                while (given.step(SIZE_MAX / 2, &chunk)) {
                }
                to.take(chunk);
                break;
            }
        }
        ASSERT_FALSE(given.broken());
        ASSERT_EQ(to.contents(slots), from.contents(slots)) << "round " << round;
    }
}

TEST(SlotExport, IsBrokenByWhatTakesTheKeysAway) {
    Store from;
    from.run({"SET", "{a}", "1"});
    from.run({"SET", "{b}", "1"});
    const auto slots = slots_of({"{a}"});
    SlotExport given(from.database(), slots);
    Database other = from.database().sibling();
    from.database().exchange_slot(wire::key_slot("{b}"), other);
    EXPECT_FALSE(given.broken());
    EXPECT_EQ(from.database().size(), 1U);
    EXPECT_EQ(other.size(), 1U);
    from.database().exchange_slot(wire::key_slot("{a}"), other);
    EXPECT_TRUE(given.broken());
    EXPECT_EQ(other.find("{a}")->string(), "1");
    std::string out;
    EXPECT_FALSE(given.step(1, &out));
}

}  // namespace
}  // namespace kumo::kv
