#include "api/redis/internal/digest.h"

#include "kv/types/hash.h"
#include "kv/types/list.h"
#include "kv/types/set.h"
#include "kv/types/stream.h"
#include "kv/types/zset.h"

#include <openssl/sha.h>

#include <array>
#include <cstring>
#include <initializer_list>

namespace kumo::api_redis {

namespace {

/// What belongs together is hashed with its lengths, one after the other; sets of such things are
/// xored, because they have no order.
class Digest {
public:
    using Bytes = std::array<unsigned char, SHA_DIGEST_LENGTH>;

    void add_unordered(const Bytes& other) {
        for (std::size_t i = 0; i < bytes_.size(); ++i) {
            bytes_[i] ^= other[i];
        }
    }

    void add_ordered(const Bytes& other) { bytes_ = of({view(bytes_), view(other)}); }

    const Bytes& bytes() const { return bytes_; }

    static Bytes of(std::initializer_list<ByteView> parts) {
        std::string text;
        for (const ByteView part : parts) {
            const std::uint64_t size = part.size();
            text.append(reinterpret_cast<const char*>(&size), sizeof(size)).append(part);
        }
        Bytes out{};
        SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), out.data());
        return out;
    }

    static ByteView view(const Bytes& bytes) {
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

private:
    Bytes bytes_{};
};

Digest::Bytes of_stream(const kv::StreamValue& stream) {
    Digest out;
    stream.visit(kv::StreamId{}, kv::StreamId::max(), false, [&out](const kv::StreamEntry& entry) {
        out.add_ordered(Digest::of({entry.id.text()}));
        for (const ByteView text : entry.fields_and_values) {
            out.add_ordered(Digest::of({text}));
        }
        return true;
    });
    return out.bytes();
}

Digest::Bytes of_value(const kv::Value& value) {
    Digest out;
    switch (value.type()) {
        case kv::Type::kString: break;
        case kv::Type::kList:
            static_cast<const kv::ListValue&>(value)
                .visit(0, value.size(), false, [&out](const kv::Element& element) {
                    out.add_ordered(Digest::of({element.view()}));
                    return true;
                });
            break;
        case kv::Type::kSet:
            static_cast<const kv::SetValue&>(value).visit([&out](const kv::Element& member) {
                out.add_unordered(Digest::of({member.view()}));
                return true;
            });
            break;
        case kv::Type::kZset:
            static_cast<const kv::ZsetValue&>(value)
                .visit(0, value.size(), false, [&out](const kv::Element& member, double score) {
                    const ByteView bits(reinterpret_cast<const char*>(&score), sizeof(score));
                    out.add_unordered(Digest::of({member.view(), bits}));
                    return true;
                });
            break;
        case kv::Type::kHash:
            static_cast<const kv::HashValue&>(value).visit(
                [&out](const kv::Element& field, const kv::Element& text) {
                    out.add_unordered(Digest::of({field.view(), text.view()}));
                    return true;
                }
            );
            break;
        case kv::Type::kStream: return of_stream(static_cast<const kv::StreamValue&>(value));
    }
    return out.bytes();
}

Digest::Bytes of_entry(const kv::Entry& entry) {
    const Digest::Bytes value =
        entry.is_string() ? Digest::of({entry.string()}) : of_value(entry.value());
    return Digest::of(
        {kv::type_name(entry.type()), Digest::view(value), entry.has_expiry() ? "expires" : ""}
    );
}

std::string hexadecimal(const Digest::Bytes& bytes) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const unsigned char byte : bytes) {
        out.push_back(kDigits[byte >> 4U]);
        out.push_back(kDigits[byte & 15U]);
    }
    return out;
}

}  // namespace

std::string keyspace_digest(const kv::Keyspace& keyspace) {
    Digest out;
    for (int db = 0; db < keyspace.database_count(); ++db) {
        const kv::Database& database = keyspace.database(db);
        kv::ScanCursor cursor = 0;
        do {
            cursor = database.scan(cursor, [&out, db](const kv::Entry* entry) {
                out.add_unordered(
                    Digest::of({std::to_string(db), entry->key(), Digest::view(of_entry(*entry))})
                );
            });
        } while (cursor != 0);
    }
    return hexadecimal(out.bytes());
}

std::string value_digest(const kv::Entry& entry) {
    return hexadecimal(of_entry(entry));
}

}  // namespace kumo::api_redis
