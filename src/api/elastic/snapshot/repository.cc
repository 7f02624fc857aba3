#include "api/elastic/snapshot/repository.h"

#include "api/elastic/fault.h"

#include <openssl/evp.h>

#include <array>
#include <set>
#include <utility>

namespace kumo::api_elastic {

namespace {

constexpr std::size_t kFileBytesMax = std::size_t{256} << 20;
constexpr const char* kIndexFile = "index.json";

std::string sha256_text(std::string_view bytes) {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (unsigned i = 0; i < size; ++i) {
        out += kDigits[digest[i] >> 4U];
        out += kDigits[digest[i] & 15U];
    }
    return out;
}

void add_blobs(const Json& manifest, std::set<std::string>& out) {
    const Json* const indices = manifest.find("indices");
    for (const auto& [name, index] : indices == nullptr ? Json::Object() : indices->members()) {
        const Json* const blobs = index.find("blobs");
        for (const Json& blob : blobs == nullptr ? Json::Array() : blobs->items()) {
            out.insert(blob.text());
        }
    }
}

std::string uuid_of(const Json& manifest) {
    const Json* const uuid = manifest.find("uuid");
    return uuid == nullptr ? std::string() : uuid->text();
}

}  // namespace

Status Repository::write_file(const std::string& name, std::string_view bytes) {
    const std::string temporary = path(name + ".part");
    KUMO_TRY(io::write_file(fs_, temporary, bytes));
    return fs_.rename(temporary, path(name));
}

Status Repository::verify() {
    KUMO_TRY(io::make_directories(fs_, path("blobs")));
    KUMO_TRY(write_file("tests", "kumosearch"));
    KUMO_TRY(fs_.sync_dir(directory_));
    return fs_.unlink(path("tests"));
}

Result<Json> Repository::read_json(const std::string& name) const {
    KUMO_TRY_ASSIGN(const std::string text, io::read_file(fs_, path(name), kFileBytesMax));
    auto parsed =
        Json::parse(text, {.bytes_max = kFileBytesMax, .depth_max = 200, .keys_max = 1'000'000});
    if (!parsed.ok()) {
        return corruption("the repository's file " + path(name) + " is damaged");
    }
    return parsed;
}

Result<std::vector<Json>> Repository::snapshots() const {
    std::vector<Json> out;
    const auto index = read_json(kIndexFile);
    if (!index.ok()) {
        return index.error().code == ErrorCode::kNotFound ? Result<std::vector<Json>>(out)
                                                          : index.error();
    }
    const Json* const names = index.value().find("snapshots");
    for (const Json& uuid : names == nullptr ? Json::Array() : names->items()) {
        KUMO_TRY_ASSIGN(Json manifest, read_json("snap-" + uuid.text() + ".json"));
        out.push_back(std::move(manifest));
    }
    return out;
}

Result<Repository::Blob> Repository::put_blob(std::string_view bytes) {
    Blob out{sha256_text(bytes), bytes.size(), 0};
    const auto before = fs_.file_size(path("blobs/" + out.name));
    if (before.ok() && before.value() == bytes.size()) {
        return out;
    }
    KUMO_TRY(write_file("blobs/" + out.name, bytes));
    out.written = bytes.size();
    return out;
}

Result<std::string> Repository::blob(const std::string& name) const {
    KUMO_TRY_ASSIGN(std::string bytes, io::read_file(fs_, path("blobs/" + name), kFileBytesMax));
    if (sha256_text(bytes) != name) {
        return corruption("the repository's blob " + name + " is damaged");
    }
    return bytes;
}

Status Repository::write_index(const std::vector<Json>& manifests) {
    Json names = Json::array();
    for (const Json& manifest : manifests) {
        names.push(uuid_of(manifest));
    }
    KUMO_TRY(fs_.sync_dir(path("blobs")));
    KUMO_TRY(fs_.sync_dir(directory_));
    KUMO_TRY(write_file(
        kIndexFile,
        Json::object({{"format", 1}, {"snapshots", std::move(names)}}).dump()
    ));
    return fs_.sync_dir(directory_);
}

Status Repository::add(const Json& manifest) {
    KUMO_TRY_ASSIGN(std::vector<Json> all, snapshots());
    KUMO_TRY(write_file("snap-" + uuid_of(manifest) + ".json", manifest.dump()));
    all.push_back(manifest);
    return write_index(all);
}

Status Repository::remove(const std::string& uuid) {
    KUMO_TRY_ASSIGN(const std::vector<Json> all, snapshots());
    std::vector<Json> kept;
    std::set<std::string> gone;
    for (const Json& manifest : all) {
        if (uuid_of(manifest) == uuid) {
            add_blobs(manifest, gone);
        } else {
            kept.push_back(manifest);
        }
    }
    KUMO_TRY(write_index(kept));
    std::set<std::string> needed;
    for (const Json& manifest : kept) {
        add_blobs(manifest, needed);
    }
    // From here on nothing names them: whatever fails is left for clean().
    (void)fs_.unlink(path("snap-" + uuid + ".json"));
    for (const std::string& blob : gone) {
        if (needed.count(blob) == 0) {
            (void)fs_.unlink(path("blobs/" + blob));
        }
    }
    return {};
}

Result<Repository::Cleaned> Repository::clean() {
    KUMO_TRY_ASSIGN(const std::vector<Json> all, snapshots());
    std::set<std::string> needed;
    for (const Json& manifest : all) {
        add_blobs(manifest, needed);
    }
    Cleaned out;
    const auto entries = fs_.list(path("blobs"));
    for (const io::DirEntry& entry : entries.ok() ? entries.value() : std::vector<io::DirEntry>()) {
        if (needed.count(entry.name) > 0) {
            continue;
        }
        const auto size = fs_.file_size(path("blobs/" + entry.name));
        KUMO_TRY(fs_.unlink(path("blobs/" + entry.name)));
        ++out.blobs;
        out.bytes += size.ok() ? size.value() : 0;
    }
    return out;
}

}  // namespace kumo::api_elastic
