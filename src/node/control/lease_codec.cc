#include "node/control/lease_codec.h"

#include "wire/byte_reader.h"

namespace kumo::node {

using wire::append_varint;
using wire::zigzag_decode;
using wire::zigzag_encode;

std::string encode_lease_request(const cluster::LeaseRequest& request) {
    std::string out(request.node.view());
    append_varint(out, request.incarnation);
    append_varint(out, zigzag_encode(request.sent));
    return out;
}

std::optional<cluster::LeaseRequest> decode_lease_request(ByteView bytes) {
    wire::ByteReader in(bytes);
    cluster::LeaseRequest request;
    request.node = in.uuid();
    request.incarnation = in.number();
    request.sent = zigzag_decode(in.number());
    return in.at_end() ? std::optional(request) : std::nullopt;
}

std::string encode_grant(const cluster::Grant& grant) {
    std::string out;
    append_varint(out, grant.incarnation);
    append_varint(out, zigzag_encode(grant.sent));
    append_varint(out, grant.state_index);
    return out;
}

std::optional<cluster::Grant> decode_grant(ByteView bytes) {
    wire::ByteReader in(bytes);
    cluster::Grant grant;
    grant.incarnation = in.number();
    grant.sent = zigzag_decode(in.number());
    grant.state_index = in.number();
    return in.at_end() ? std::optional(grant) : std::nullopt;
}

}  // namespace kumo::node
