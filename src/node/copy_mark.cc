#include "node/copy_mark.h"

#include "wire/byte_reader.h"

#include <map>
#include <utility>
#include <vector>

namespace kumo::node {

namespace {

using wire::append_varint;

/// Requests of one run of one node have that in common.
using Run = std::pair<cluster::NodeId, std::uint64_t>;

}  // namespace

std::string encode_mark(const CopyMark& mark) {
    std::map<Run, std::uint64_t> places;
    std::string runs;
    std::string requests;
    cluster::Seq before = 0;
    for (const auto& [seq, request] : mark.requests) {
        const Run run{request.node, request.run};
        const auto place = places.try_emplace(run, places.size());
        if (place.second) {
            runs.append(request.node.view());
            append_varint(runs, request.run);
        }
        append_varint(requests, seq - before);
        append_varint(requests, place.first->second);
        append_varint(requests, request.number);
        before = seq;
    }
    std::string out;
    append_varint(out, mark.term);
    append_varint(out, places.size());
    out += runs;
    append_varint(out, mark.requests.size());
    return out + requests;
}

Result<CopyMark> decode_mark(ByteView bytes) {
    wire::ByteReader in(bytes);
    CopyMark mark;
    mark.term = in.number();
    std::vector<Run> runs(in.count());
    for (Run& run : runs) {
        run.first = in.uuid();
        run.second = in.number();
    }
    const std::size_t requests = in.count();
    cluster::Seq seq = 0;
    for (std::size_t i = 0; i < requests && in.ok(); ++i) {
        const std::uint64_t gap = in.number();
        const std::uint64_t place = in.number();
        if (gap > UINT64_MAX - seq || place >= runs.size()) {
            return corruption("a manifest's requests are not well formed");
        }
        seq += gap;
        mark.requests.push_back({seq, {runs[place].first, runs[place].second, in.number()}});
    }
    if (!in.at_end()) {
        return corruption("a manifest's mark is not well formed");
    }
    return mark;
}

}  // namespace kumo::node
