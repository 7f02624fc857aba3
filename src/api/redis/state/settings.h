#pragma once

#include "base/result.h"

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kumo::api_redis {

enum class SettingKind : std::uint8_t {
    kFlag,
    kNumber,
    kMemory,
    kEnum,
    kText
};

inline constexpr unsigned kImmutable = 1;  ///< Cannot change while the server runs.
inline constexpr unsigned kProtected =
    2;                                    ///< Changes only if `enable-protected-configs` allows it.
inline constexpr unsigned kHidden = 8;    ///< CONFIG GET shows it only by its name.
inline constexpr unsigned kPercent = 16;  ///< "5%" is a value, too: a share of `maxmemory`.
inline constexpr unsigned kInert = 4;     ///< Accepted and shown, without effect in this version.

/// One parameter of redis.conf.
struct SettingSpec {
    std::string_view name;
    std::string_view alias;  ///< Its older name, "" if none.
    SettingKind kind;
    std::string_view standard;  ///< Its default.
    std::string_view choices;   ///< kEnum: separated by blanks.
    std::int64_t low, high;     ///< kNumber, kMemory.
    unsigned flags;
};

/// All of them, by name.
std::span<const SettingSpec> all_setting_specs();
/// By name or alias, in any case; nullptr: no such parameter.
const SettingSpec* find_setting_spec(std::string_view name);

/// "1gb", "512k", "100" to bytes. kInvalidArgument otherwise.
Result<std::int64_t> parse_memory(std::string_view text);

/// What redis.conf, the command line and CONFIG SET decide: a value for each parameter, in the form
/// CONFIG GET shows. Thread rule: loop-owned.
class Settings {
public:
    Settings();

    /// The value as it will be stored and shown. The error is the one of CONFIG SET, without its
    /// frame ("argument must be 'yes' or 'no'").
    static Result<std::string> check(const SettingSpec& spec, const std::string& value);

    /// Requires: `value` came from check().
    void put(const SettingSpec& spec, std::string value);
    /// check() and put(). For the configuration file.
    Status set(std::string_view name, const std::string& value);

    /// Requires: there is such a parameter, of that kind.
    const std::string& text(std::string_view name) const;
    bool flag(std::string_view name) const;
    std::int64_t number(std::string_view name) const;
    /// Of a parameter with kPercent: its bytes, or its share of `whole`.
    std::int64_t share(std::string_view name, std::int64_t whole) const;

    /// Those that were set to something else than the default, in the table's order.
    std::vector<std::pair<std::string, std::string>> changed() const;

    std::string config_file;  ///< Absolute; empty: none was given.
    /// The words of the file's `user` lines, without the first. What they make of the users is
    /// access.h's; for rewriting the file the present users are put here.
    std::vector<std::vector<std::string>> users;

private:
    std::map<std::string, std::string, std::less<>> values_;
};

/// The file's lines and `--name value` arguments as (name, value) pairs. A value of several words
/// keeps them apart with blanks, quoted if need be. Errors name the line.
Result<std::vector<std::pair<std::string, std::vector<std::string>>>> parse_config_lines(
    std::string_view text
);

}  // namespace kumo::api_redis
