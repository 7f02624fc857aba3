// Indexes a JSON lines file in process, as one shard does, and times typical searches:
//     engine_bench FILE.jsonl SCHEMA QUERIES
// SCHEMA: lines `name type [facet] [sort] [optional]`, the first line the default sorting field or
// `-`. QUERIES: lines `class<TAB>query_by,...<TAB>query`. Prints documents per second, bytes of the
// sealed segments, and microseconds a query per class (mean and median of five runs).

#include "base/clock.h"
#include "search/index/index.h"
#include "search/query/search.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

using namespace kumo;          // NOLINT(google-build-using-namespace): a program of one file
using namespace kumo::search;  // NOLINT(google-build-using-namespace): as above

namespace {

double seconds_since(MonotonicTime start) {
    return std::chrono::duration<double>(system_clock().monotonic_now() - start).count();
}

std::shared_ptr<const Schema> read_schema(const char* path) {
    Schema schema;
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    schema.default_sorting_field = line == "-" ? "" : line;
    while (std::getline(in, line)) {
        std::istringstream words(line);
        std::string type;
        Field field;
        words >> field.name >> type;
        const TypeSpec spec = parse_type(field.name, type).value();
        field.type = spec.type;
        field.array = spec.array;
        field.sort = field.is_number();
        for (std::string word; words >> word;) {
            field.facet = field.facet || word == "facet";
            field.sort = field.sort || word == "sort";
            field.optional = field.optional || word == "optional";
        }
        schema.fields.push_back(field);
    }
    return std::make_shared<const Schema>(schema);
}

void finish_jobs(Index& index, std::map<std::uint64_t, std::string>& files) {
    if (index.wants_seal()) {
        const auto job = index.begin_seal();
        files[job.segment_id] = job.run().value();
        index.finish_seal(open_segment(index.schema(), files[job.segment_id], nullptr).value());
    }
    while (const auto job = index.begin_merge()) {
        files[job->segment_id] = job->run().value();
        index.finish_merge(
            *job,
            open_segment(index.schema(), files[job->segment_id], nullptr).value()
        );
    }
}

SearchRequest request_for(const Schema& schema, const std::string& fields, const std::string& q) {
    SearchRequest request;
    request.q = q;
    std::istringstream names(fields);
    std::uint32_t weight = 15;
    for (std::string name; std::getline(names, name, ',');) {
        const std::size_t field = schema.find(name).value();
        request.fields.push_back({.field = field, .weight = weight--});
        request.highlight.fields.push_back(field);
    }
    return request;
}

void run_queries(const Index& index, const char* path) {
    std::map<std::string, std::vector<double>> times;
    std::map<std::string, std::uint64_t> found;
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        std::istringstream parts(line);
        std::string kind;
        std::string fields;
        std::string q;
        std::getline(parts, kind, '\t');
        std::getline(parts, fields, '\t');
        std::getline(parts, q);
        const SearchRequest request = request_for(index.schema(), fields, q);
        std::vector<double> runs;
        for (int i = 0; i < 5; ++i) {
            const auto start = system_clock().monotonic_now();
            found[kind] +=
                kumo::search::search(*index.snapshot(), request, system_clock()).value().found;
            runs.push_back(seconds_since(start) * 1e6);
        }
        std::sort(runs.begin(), runs.end());
        times[kind].push_back(runs[2]);
    }
    for (auto& [kind, all] : times) {
        double sum = 0;
        for (const double t : all) {
            sum += t;
        }
        std::sort(all.begin(), all.end());
        std::cout << kind << ": " << all.size() << " queries, mean "
                  << sum / static_cast<double>(all.size()) << " us, median " << all[all.size() / 2]
                  << " us, found " << found[kind] / 5 << '\n';
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::cerr << "usage: engine_bench FILE.jsonl SCHEMA QUERIES\n";
        return 2;
    }
    std::map<std::uint64_t, std::string> files;
    Index index(read_schema(argv[2]), Manifest{}, {});
    std::ifstream in(argv[1]);
    std::uint64_t seq = 0;
    std::uint64_t failed = 0;
    std::string first_error;
    const auto start = system_clock().monotonic_now();
    for (std::string line; std::getline(in, line);) {
        auto written = index.write(WriteAction::kCreate, line, DirtyValues::kReject);
        if (!written.ok() && failed++ == 0) {
            first_error = written.error().message;
        }
        if (++seq % 40 == 0) {
            index.publish(seq);
            finish_jobs(index, files);
        }
    }
    index.publish(seq);
    const double indexed = seconds_since(start);
    std::cout << index.doc_count() << " documents in " << indexed << " s ("
              << static_cast<double>(seq) / indexed << "/s), failed " << failed << ' '
              << first_error << ", live " << (index.live_bytes() >> 20U) << " MiB\n";
    if (index.wants_seal(true)) {
        const auto job = index.begin_seal();
        const auto seal_start = system_clock().monotonic_now();
        files[job.segment_id] = job.run().value();
        std::cout << "last seal " << seconds_since(seal_start) << " s, "
                  << files[job.segment_id].size() << " bytes\n";
        index.finish_seal(open_segment(index.schema(), files[job.segment_id], nullptr).value());
    }
    std::cout << "segments " << index.snapshot()->parts.size() << '\n';
    run_queries(index, argv[3]);
    return 0;
}
