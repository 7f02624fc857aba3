#include "kv/aof/manifest.h"

#include "wire/decimal.h"
#include "wire/resp.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string_view>
#include <utility>

namespace kumo::kv {

namespace {

constexpr std::size_t kLineBytesMax = 1024;

std::string lower(std::string word) {
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) {
        return static_cast<char>(std::tolower(c));
    });
    return word;
}

bool is_plain(char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > ' ' && byte < 127 && c != '"' && c != '\'' && c != '\\';
}

/// A name as it stands in a line: quoted if there is anything in it that has to be.
std::string quoted(const std::string& name) {
    if (!name.empty() && std::all_of(name.begin(), name.end(), is_plain)) {
        return name;
    }
    constexpr char kHex[] = "0123456789abcdef";
    constexpr std::string_view kEscaped = "\n\r\t\a\b";
    constexpr std::string_view kEscapes = "nrtab";
    std::string out = "\"";
    for (const char c : name) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (byte >= ' ' && byte < 127) {
            out += c;
        } else if (const std::size_t known = kEscaped.find(c); known != std::string_view::npos) {
            out += {'\\', kEscapes[known]};
        } else {
            out += {'\\', 'x', kHex[byte >> 4U], kHex[byte & 15U]};
        }
    }
    return out + "\"";
}

std::string line_of(const AofFile& file) {
    return "file " + quoted(file.name) + " seq " + std::to_string(file.sequence) + " type "
           + static_cast<char>(file.type) + "\n";
}

Error invalid_format() {
    return corruption("Invalid AOF manifest file format");
}

std::optional<AofFileType> type_of(const std::string& word) {
    if (word == "b" || word == "h" || word == "i") {
        return static_cast<AofFileType>(word[0]);
    }
    return std::nullopt;
}

/// The file that a line of "key value" pairs describes. Unknown keys are left for later versions.
Result<AofFile> file_of(ByteView line) {
    std::vector<std::string> words;
    if (!wire::split_quoted(line, &words) || words.size() < 6 || words.size() % 2 != 0) {
        return invalid_format();
    }
    AofFile file;
    std::optional<AofFileType> type;
    for (std::size_t i = 0; i < words.size(); i += 2) {
        const std::string key = lower(words[i]);
        const std::string& value = words[i + 1];
        if (key == "file") {
            file.name = value;
        } else if (key == "seq") {
            const auto sequence = wire::parse_decimal(value);
            file.sequence = sequence && *sequence > 0 ? static_cast<std::uint64_t>(*sequence) : 0;
        } else if (key == "type") {
            type = type_of(value);
            if (!type) {
                return corruption("Unknown AOF file type");
            }
        }
    }
    if (file.name.find_first_of("/\\") != std::string::npos || file.name == "."
        || file.name == "..") {
        return corruption("File can't be a path, just a filename");
    }
    if (file.name.empty() || file.sequence == 0 || !type) {
        return invalid_format();
    }
    file.type = *type;
    return file;
}

std::string numbered(ByteView prefix, std::uint64_t sequence, ByteView suffix) {
    return std::string(prefix) + "." + std::to_string(sequence) + std::string(suffix);
}

}  // namespace

std::string aof_manifest_name(ByteView prefix) {
    return std::string(prefix) + ".manifest";
}

Result<AofManifest> AofManifest::parse(ByteView text) {
    if (text.empty()) {
        return corruption("Found an empty AOF manifest");
    }
    AofManifest manifest;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        if (end == ByteView::npos || end >= kLineBytesMax) {
            return corruption("The AOF manifest file contains too long line");
        }
        KUMO_TRY(manifest.add_line(text.substr(0, end)));
        text.remove_prefix(end + 1);
    }
    return manifest;
}

Status AofManifest::add_line(ByteView line) {
    if (!line.empty() && line.front() == '#') {
        return {};
    }
    KUMO_TRY_ASSIGN(AofFile file, file_of(line));
    return add_file(std::move(file));
}

Status AofManifest::add_file(AofFile file) {
    switch (file.type) {
        case AofFileType::kBase:
            if (base_) {
                return corruption("Found duplicate base file information");
            }
            base_sequence_ = file.sequence;
            base_ = std::move(file);
            return {};
        case AofFileType::kHistory: history_.push_back(std::move(file)); return {};
        case AofFileType::kIncrement:
            if (file.sequence <= increment_sequence_) {
                return corruption("Found a non-monotonic sequence number");
            }
            increment_sequence_ = file.sequence;
            increments_.push_back(std::move(file));
            return {};
    }
    return invalid_format();
}

std::string AofManifest::format() const {
    std::string text = base_ ? line_of(*base_) : std::string();
    for (const AofFile& file : history_) {
        text += line_of(file);
    }
    for (const AofFile& file : increments_) {
        text += line_of(file);
    }
    return text;
}

std::vector<AofFile> AofManifest::files() const {
    std::vector<AofFile> all;
    if (base_) {
        all.push_back(*base_);
    }
    all.insert(all.end(), increments_.begin(), increments_.end());
    return all;
}

AofFile AofManifest::add_increment(ByteView prefix) {
    ++increment_sequence_;
    increments_.push_back(
        {numbered(prefix, increment_sequence_, ".incr.aof"),
         increment_sequence_,
         AofFileType::kIncrement}
    );
    return increments_.back();
}

AofFile AofManifest::next_base(ByteView prefix, bool rdb) const {
    const std::uint64_t sequence = base_sequence_ + 1;
    return {
        numbered(prefix, sequence, rdb ? ".base.rdb" : ".base.aof"),
        sequence,
        AofFileType::kBase};
}

void AofManifest::install_base(AofFile base, std::size_t increments_kept) {
    const auto retire = [this](AofFile file) {
        file.type = AofFileType::kHistory;
        history_.push_back(std::move(file));
    };
    if (base_) {
        retire(std::move(*base_));
    }
    base_sequence_ = base.sequence;
    base_ = std::move(base);
    const std::size_t gone = increments_.size() - std::min(increments_.size(), increments_kept);
    for (std::size_t i = 0; i < gone; ++i) {
        retire(std::move(increments_[i]));
    }
    increments_.erase(increments_.begin(), increments_.begin() + static_cast<std::ptrdiff_t>(gone));
}

AofManifest AofManifest::upgrade(ByteView name) {
    AofManifest manifest;
    manifest.install_base({std::string(name), 1, AofFileType::kBase}, 0);
    return manifest;
}

}  // namespace kumo::kv
