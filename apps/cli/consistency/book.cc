#include "cli/consistency/book.h"

#include "base/assert.h"

#include <algorithm>
#include <charconv>

namespace kumo::cli {

std::string Subject::id() const {
    return (kind == Kind::kDocument ? "d" : "c") + std::to_string(number);
}

std::optional<Subject> Subject::from_id(ByteView id) {
    if (id.size() < 2 || (id[0] != 'd' && id[0] != 'c')) {
        return std::nullopt;
    }
    Subject subject{id[0] == 'd' ? Kind::kDocument : Kind::kCounter, 0};
    const auto [end, error] = std::from_chars(id.data() + 1, id.data() + id.size(), subject.number);
    const bool whole = error == std::errc() && end == id.data() + id.size();
    return whole && subject.id() == id ? std::optional(subject) : std::nullopt;
}

std::optional<Write> ConsistencyBook::begin_create() {
    if (documents_.size() >= kSubjectsMax) {
        return std::nullopt;
    }
    documents_.push_back({.asked = kThere});
    return Write{{Subject::Kind::kDocument, documents_.size() - 1}, kThere};
}

Write ConsistencyBook::begin_raise(std::optional<std::uint64_t> counter) {
    if (!counter || rests(*counter)) {
        counters_.emplace_back();
        counter = counters_.size() - 1;
    }
    State& state = counters_[*counter];
    state.asked = state.sure + 1;
    return Write{{Subject::Kind::kCounter, *counter}, state.asked};
}

void ConsistencyBook::end_write(const Write& write, Fate fate) {
    State* state = find(write.subject);
    KUMO_ASSERT(state != nullptr);
    switch (fate) {
        case Fate::kAcknowledged: state->sure = std::max(state->sure, write.value); break;
        case Fate::kRefused:
            if (state->sure >= write.value) {
                invent(state);  // It was seen while it was under way.
            } else {
                state->asked = state->sure;
            }
            break;
        case Fate::kUnknown:
            state->rests = true;
            ++totals_.unknown;
            break;
    }
}

bool ConsistencyBook::rests(std::uint64_t counter) const {
    return counters_[counter].rests;
}

Read ConsistencyBook::begin_read(const Subject& subject) const {
    return {subject, least(subject)};
}

void ConsistencyBook::end_read(const Read& read, std::int64_t seen) {
    State* state = find(read.subject);
    KUMO_ASSERT(state != nullptr);
    if (seen > std::max(state->asked, state->sure) || seen < 0) {
        invent(state);
        return;
    }
    const bool document = read.subject.kind == Subject::Kind::kDocument;
    if (seen >= read.least) {
        state->sure = std::max(state->sure, seen);
        if (state->missing && seen != 0) {
            found_after_all(read.subject);
        }
    } else if (!document || seen != 0) {
        ++totals_.stale;
    } else if (!state->missing) {
        state->missing = true;
        ++totals_.lost;
    }
}

std::int64_t ConsistencyBook::least(const Subject& subject) const {
    const State* state = find(subject);
    return state == nullptr ? 0 : state->sure;
}

std::int64_t ConsistencyBook::most(const Subject& subject) const {
    const State* state = find(subject);
    return state == nullptr ? 0 : std::max(state->asked, state->sure);
}

void ConsistencyBook::found_after_all(const Subject& document) {
    State* state = find(document);
    if (state != nullptr && state->missing) {
        state->missing = false;
        --totals_.lost;
        ++totals_.stale;
    }
}

std::vector<Subject> ConsistencyBook::missing() const {
    std::vector<Subject> found;
    for (std::uint64_t number = 0; number < documents_.size(); ++number) {
        if (documents_[number].missing) {
            found.push_back({Subject::Kind::kDocument, number});
        }
    }
    return found;
}

ConsistencyBook::State* ConsistencyBook::find(const Subject& subject) {
    auto& states = subject.kind == Subject::Kind::kDocument ? documents_ : counters_;
    return subject.number < states.size() ? &states[subject.number] : nullptr;
}

const ConsistencyBook::State* ConsistencyBook::find(const Subject& subject) const {
    const auto& states = subject.kind == Subject::Kind::kDocument ? documents_ : counters_;
    return subject.number < states.size() ? &states[subject.number] : nullptr;
}

void ConsistencyBook::invent(State* state) {
    if (!state->invented) {
        state->invented = true;
        ++totals_.invented;
    }
}

}  // namespace kumo::cli
