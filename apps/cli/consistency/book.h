#pragma once

#include "base/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kumo::cli {

/// What is known about a write once its request is over.
enum class Fate : std::uint8_t {
    kAcknowledged,
    kRefused,  ///< The server said that it was not done.
    kUnknown,  ///< No answer, or one that does not say: done now, later, or never.
};

/// Something in the collection that is written and looked at: a document that is written once, or a
/// counter that one writer raises. Its number is its place in the book.
struct Subject {
    enum class Kind : std::uint8_t {
        kDocument,
        kCounter
    };

    Kind kind = Kind::kDocument;
    std::uint64_t number = 0;

    bool operator==(const Subject&) const = default;

    /// "d17", "c3": the document's id.
    std::string id() const;
    static std::optional<Subject> from_id(ByteView id);
};

/// A write that has begun.
struct Write {
    Subject subject;
    std::int64_t value = 0;
};

/// A read that has begun, and the least that it must see: 0 is nothing.
struct Read {
    Subject subject;
    std::int64_t least = 0;
};

/// What must be true of a store while it is written and read, and what was seen to be false. It
/// hears when each request begins and ends, and knows nothing of requests. Loop-owned.
///
/// A document holds kThere and is written once. A counter holds 1, 2, 3, ...; a raise without an
/// answer may be done at any later time, so a counter that met one is left alone from then on: it
/// holds the value before or that value, and never goes back from the second to the first.
class ConsistencyBook {
public:
    static constexpr std::int64_t kThere = 1;
    static constexpr std::uint64_t kSubjectsMax = 20'000'000;  ///< Documents; 24 bytes each.

    struct Totals {
        std::uint64_t lost = 0;      ///< Acknowledged, and missing when last looked for.
        std::uint64_t invented = 0;  ///< Nobody wrote it, or it was refused; subjects.
        std::uint64_t stale = 0;    ///< Reads that did not show what had been acknowledged or seen.
        std::uint64_t unknown = 0;  ///< Writes.

        bool operator==(const Totals&) const = default;

        bool clean() const { return lost == 0 && invented == 0 && stale == 0; }
    };

    /// Makes a document; nothing if there are kSubjectsMax.
    std::optional<Write> begin_create();

    /// Raises the counter, or makes a new one if it was left alone or does not exist.
    Write begin_raise(std::optional<std::uint64_t> counter);

    void end_write(const Write& write, Fate fate);

    /// Whether the counter must be left alone.
    bool rests(std::uint64_t counter) const;

    Read begin_read(const Subject& subject) const;

    /// 0: there was nothing.
    void end_read(const Read& read, std::int64_t seen);

    const Totals& totals() const { return totals_; }

    std::uint64_t documents() const { return documents_.size(); }

    std::uint64_t counters() const { return counters_.size(); }

    /// The least and the most that the subject may hold now.
    std::int64_t least(const Subject& subject) const;
    std::int64_t most(const Subject& subject) const;

    /// A scan of every node found it after all: it was late, not lost.
    void found_after_all(const Subject& document);
    std::vector<Subject> missing() const;

private:
    struct State {
        std::int64_t sure = 0;   ///< Acknowledged, or seen.
        std::int64_t asked = 0;  ///< The value under way, or without an answer; else `sure`.
        bool rests = false;
        bool missing = false;
        bool invented = false;
    };

    State* find(const Subject& subject);
    const State* find(const Subject& subject) const;
    void invent(State* state);

    std::vector<State> documents_;
    std::vector<State> counters_;
    Totals totals_;
};

}  // namespace kumo::cli
