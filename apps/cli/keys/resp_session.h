#pragma once

#include "base/bytes.h"
#include "base/clock.h"
#include "base/result.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kumo::cli {

/// An answer of a server that speaks RESP2.
struct RespReply {
    enum class Kind : std::uint8_t {
        kText,  ///< A status or a bulk.
        kError,
        kInteger,
        kNull,
        kArray,
    };

    Kind kind = Kind::kNull;
    std::string text;  ///< Of an error, too.
    std::int64_t integer = 0;
    std::vector<RespReply> elements;

    /// The element behind `name` in an array of names and values; nullptr: none.
    const RespReply* field(ByteView name) const;
};

/// The first answer in `bytes`, which it takes off; nothing: it is not whole yet. kCorruption: it
/// is none, nests too deeply, or is too large.
Result<std::optional<RespReply>> take_reply(std::string& bytes);

inline constexpr std::size_t kReplyBytesMax = std::size_t{64} << 20;

/// host:port, [v6]:port; the port may lack.
struct RespAddress {
    std::string host;
    std::uint16_t port = 6379;

    std::string to_string() const;
};

std::optional<RespAddress> parse_resp_address(const std::string& text);

struct RespLogin {
    std::string user;
    std::string password;  ///< Empty: none.
};

/// One connection to a server of keys: a command asks, waits, and has the answer.
class RespSession {
public:
    virtual ~RespSession() = default;
    RespSession(const RespSession&) = delete;
    RespSession& operator=(const RespSession&) = delete;

    /// An error: the connection is broken. What the server refuses is an answer.
    virtual Result<RespReply> ask(const std::vector<std::string>& words) = 0;
    virtual void wait(Duration span) = 0;

    virtual const RespAddress& address() const = 0;

protected:
    RespSession() = default;
};

/// kUnavailable: nobody is there; kInvalidArgument: the login is refused.
Result<std::unique_ptr<RespSession>>
open_resp_session(const RespAddress& address, const RespLogin& login);

}  // namespace kumo::cli
