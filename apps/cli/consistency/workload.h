#pragma once

#include "cli/consistency/book.h"
#include "cli/consistency/fleet.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace kumo::cli {

/// Writers and readers that keep a fleet busy and tell the book. Loop-owned.
class Workload {
public:
    struct Counts {
        std::uint64_t writes = 0;  ///< Acknowledged.
        std::uint64_t reads = 0;   ///< Answered.
        std::uint64_t errors = 0;  ///< Requests that were not answered as they should be.
    };

    Workload(Fleet& fleet, ConsistencyBook& book, std::string collection, std::uint32_t writers);
    ~Workload();
    Workload(const Workload&) = delete;
    Workload& operator=(const Workload&) = delete;

    void start();

    /// Begins nothing any more; `idle` is called once nothing is under way.
    void stop(io::Task idle);

    const Counts& counts() const { return counts_; }

    /// The first kFindingsMax reads that showed something wrong, as sentences; taken.
    std::vector<std::string> take_findings() { return std::exchange(findings_, {}); }

    static constexpr std::size_t kFindingsMax = 20;

    /// The longest time without an acknowledged write, the current one included.
    Duration longest_pause() const;

private:
    class Worker;
    class Writer;
    class Reader;

    void ended();
    void wrote();
    void end_read(const Read& read, std::int64_t seen, std::size_t server, const Answer& answer);

    Fleet& fleet_;
    ConsistencyBook& book_;
    std::string documents_;  ///< "/collections/NAME/documents"
    std::vector<std::unique_ptr<Worker>> workers_;
    Counts counts_;
    std::vector<std::string> findings_;
    std::size_t found_ = 0;
    MonotonicTime wrote_at_;
    Duration longest_pause_{};
    std::size_t at_work_ = 0;
    bool stopping_ = false;
    io::Task idle_;
};

}  // namespace kumo::cli
