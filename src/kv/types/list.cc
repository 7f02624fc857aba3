#include "kv/types/list.h"

#include "base/assert.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace kumo::kv {

using internal::Needle;
using internal::Packed;

namespace {

constexpr std::size_t kCountedBlockBytesMax = 8192;
/// A chain that shrank to one block of at most so many bytes becomes a block again. Well below a
/// full block, so that a queue does not go to and fro.
constexpr std::size_t kShrinkBytesMax = 2048;

std::size_t block_bytes_max(std::int64_t setting) {
    constexpr std::size_t kSizes[] = {4096, 8192, 16384, 32768, 65536};
    const std::size_t whole =
        setting >= 0 ? kCountedBlockBytesMax : kSizes[-std::max<std::int64_t>(setting, -5) - 1];
    return whole - Packed::kHeaderBytes;  // A full block fills the allocator's class, no more.
}

bool has_room(const Packed& node, ByteView element, const EncodingLimits& limits) {
    if (node.count() == 0) {
        return true;
    }
    const std::int64_t setting = limits.list_max_listpack_size;
    const auto count_max = static_cast<std::size_t>(std::max<std::int64_t>(setting, 1));
    if (setting >= 0 && node.count() + 1 > count_max) {
        return false;
    }
    return node.bytes() + Packed::element_bytes(element) <= block_bytes_max(setting);
}

std::string text_at(const Packed& node, std::size_t offset) {
    return std::string(node.element(offset).view());
}

}  // namespace

ListValue::ListValue(const ListValue& other) = default;

std::unique_ptr<Value> ListValue::copy() const {
    return std::unique_ptr<Value>(new ListValue(*this));
}

std::size_t ListValue::size() const {
    return rep_.is_table() ? rep_.table().size : rep_.packed().count();
}

std::size_t ListValue::node_count() const {
    return rep_.is_table() ? rep_.table().nodes.size() : 1;
}

std::size_t ListValue::memory_bytes() const {
    if (!rep_.is_table()) {
        return sizeof(*this) + rep_.packed().memory_bytes();
    }
    const auto& nodes = rep_.table().nodes;
    const std::size_t sampled = std::min<std::size_t>(nodes.size(), 8);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < sampled; ++i) {
        bytes += nodes[i * nodes.size() / sampled].memory_bytes();
    }
    const std::size_t all = sampled == 0 ? 0 : bytes / sampled * nodes.size();
    return sizeof(*this) + sizeof(Chain) + 512 + nodes.size() * sizeof(Packed) + all;
}

const Packed& ListValue::node(std::size_t at) const {
    return rep_.is_table() ? rep_.table().nodes[at] : rep_.packed();
}

Packed& ListValue::node(std::size_t at) {
    return rep_.is_table() ? rep_.table().nodes[at] : rep_.packed();
}

ListValue::Place ListValue::seek(std::size_t index) const {
    const std::size_t total = size();
    const std::size_t nodes = node_count();
    if (index <= total / 2) {
        std::size_t before = 0;
        std::size_t at = 0;
        while (at + 1 < nodes && before + node(at).count() <= index) {
            before += node(at).count();
            ++at;
        }
        return {at, node(at).seek(index - before)};
    }
    std::size_t at = nodes - 1;
    std::size_t before = total - node(at).count();
    while (at > 0 && before > index) {
        --at;
        before -= node(at).count();
    }
    return {at, node(at).seek(index - before)};
}

ListValue::Chain& ListValue::chain() {
    if (!rep_.is_table()) {
        auto chain = std::make_unique<Chain>();
        chain->size = rep_.packed().count();
        chain->nodes.push_back(std::move(rep_.packed()));
        rep_.become(std::move(chain));
    }
    return rep_.table();
}

void ListValue::push_front(ByteView element, const EncodingLimits& limits) {
    if (!has_room(node(0), element, limits)) {
        chain().nodes.emplace_front();
    }
    node(0).insert(0, element);
    if (rep_.is_table()) {
        ++rep_.table().size;
    }
}

void ListValue::push_back(ByteView element, const EncodingLimits& limits) {
    if (!has_room(node(node_count() - 1), element, limits)) {
        chain().nodes.emplace_back();
    }
    node(node_count() - 1).append(element);
    if (rep_.is_table()) {
        ++rep_.table().size;
    }
}

std::optional<std::string> ListValue::pop(std::size_t node_index, bool back) {
    if (size() == 0) {
        return std::nullopt;
    }
    Packed& block = node(node_index);
    const std::size_t offset = back ? block.previous(block.bytes()) : 0;
    std::string text = text_at(block, offset);
    block.erase(offset, 1);
    drop_if_empty(node_index);
    counted(1);
    return text;
}

std::optional<std::string> ListValue::pop_front() {
    return pop(0, false);
}

std::optional<std::string> ListValue::pop_back() {
    return pop(node_count() - 1, true);
}

void ListValue::drop_if_empty(std::size_t node_index) {
    if (rep_.is_table() && node(node_index).count() == 0 && node_count() > 1) {
        auto& nodes = rep_.table().nodes;
        nodes.erase(nodes.begin() + static_cast<std::ptrdiff_t>(node_index));
    }
}

void ListValue::counted(std::size_t removed) {
    if (!rep_.is_table()) {
        return;
    }
    Chain& chain = rep_.table();
    chain.size -= removed;
    if (chain.nodes.size() == 1 && chain.nodes.front().bytes() <= kShrinkBytesMax) {
        Packed last = std::move(chain.nodes.front());
        rep_.become(std::move(last));
    }
}

Element ListValue::at(std::size_t index) const {
    const Place place = seek(index);
    return node(place.node).element(place.offset);
}

void ListValue::set(std::size_t index, ByteView element, const EncodingLimits& limits) {
    const Place place = seek(index);
    Packed& block = node(place.node);
    const std::size_t old_bytes = block.next(place.offset) - place.offset;
    const std::size_t new_bytes = Packed::element_bytes(element);
    const bool fits =
        block.count() == 1 || new_bytes <= old_bytes
        || block.bytes() - old_bytes + new_bytes <= block_bytes_max(limits.list_max_listpack_size);
    if (fits) {
        block.replace(place.offset, element);
        return;
    }
    erase(index, 1);
    insert(index, element, limits);
}

void ListValue::insert(std::size_t index, ByteView element, const EncodingLimits& limits) {
    if (index == 0) {
        push_front(element, limits);
    } else if (index == size()) {
        push_back(element, limits);
    } else {
        insert_in(seek(index), element, limits);
        if (rep_.is_table()) {
            ++rep_.table().size;
        }
    }
}

void ListValue::insert_in(Place place, ByteView element, const EncodingLimits& limits) {
    if (has_room(node(place.node), element, limits)) {
        node(place.node).insert(place.offset, element);
        return;
    }
    auto& nodes = chain().nodes;
    const auto position = [&nodes](std::size_t at) {
        return nodes.begin() + static_cast<std::ptrdiff_t>(at);
    };
    std::size_t before = place.node;  // Its end is where the element belongs, in the end.
    if (place.offset > 0) {
        Packed tail = nodes[before].split(place.offset);
        nodes.insert(position(before + 1), std::move(tail));
    } else if (before > 0) {
        --before;
    }
    const bool left = place.offset > 0 || before < place.node;
    if (left && has_room(nodes[before], element, limits)) {
        nodes[before].append(element);
        return;
    }
    const std::size_t after = left ? before + 1 : before;
    if (has_room(nodes[after], element, limits)) {
        nodes[after].insert(0, element);
        return;
    }
    nodes.emplace(position(after))->append(element);
}

void ListValue::erase(std::size_t first, std::size_t count) {
    const std::size_t total = size();
    if (first >= total || count == 0) {
        return;
    }
    const std::size_t removed = std::min(count, total - first);
    Place place = seek(first);
    std::size_t left = removed;
    while (left > 0) {
        Packed& block = node(place.node);
        if (place.offset == 0 && block.count() <= left) {
            left -= block.count();
            block = Packed();
            if (node_count() == 1) {
                break;
            }
            drop_if_empty(place.node);
            continue;
        }
        std::size_t here = 0;
        for (std::size_t at = place.offset; at < block.bytes() && here < left;
             at = block.next(at)) {
            ++here;
        }
        block.erase(place.offset, here);
        left -= here;
        place = {place.node + 1, 0};
    }
    counted(removed);
}

namespace {

/// At most `most` equal elements of one block, from its front or its back. How many there were.
std::size_t
remove_from_block(Packed& block, const Needle& needle, std::size_t most, bool from_back) {
    std::size_t removed = 0;
    std::size_t offset = from_back ? block.bytes() : 0;
    while (removed < most && (from_back ? offset > 0 : offset < block.bytes())) {
        const std::size_t here = from_back ? block.previous(offset) : offset;
        if (block.equals(here, needle)) {
            block.erase(here, 1);
            ++removed;
            offset = here;
        } else {
            offset = from_back ? here : block.next(here);
        }
    }
    return removed;
}

}  // namespace

std::size_t ListValue::remove_equal(ByteView element, std::size_t most, bool from_back) {
    const Needle needle(element);
    std::size_t removed = 0;
    std::size_t left = node_count();
    std::size_t at = from_back ? left - 1 : 0;
    for (; left > 0 && removed < most; --left) {
        removed += remove_from_block(node(at), needle, most - removed, from_back);
        const std::size_t nodes = node_count();
        drop_if_empty(at);
        const bool dropped = node_count() < nodes;
        if (from_back) {
            at = at == 0 ? 0 : at - 1;
        } else if (!dropped) {
            ++at;
        }
    }
    counted(removed);
    return removed;
}

void ListValue::visit(
    std::size_t first,
    std::size_t count,
    bool backwards,
    FunctionRef<bool(const Element&)> visitor
) const {
    if (first >= size()) {
        return;
    }
    Place place = seek(first);
    for (std::size_t i = 0; i < count; ++i) {
        const Packed& block = node(place.node);
        if (!visitor(block.element(place.offset))) {
            return;
        }
        if (!backwards) {
            place.offset = block.next(place.offset);
            if (place.offset == block.bytes()) {
                place = {place.node + 1, 0};
            }
            if (place.node == node_count()) {
                return;
            }
        } else if (place.offset > 0) {
            place.offset = block.previous(place.offset);
        } else if (place.node > 0) {
            const Packed& before = node(place.node - 1);
            place = {place.node - 1, before.previous(before.bytes())};
        } else {
            return;
        }
    }
}

std::optional<std::size_t>
ListValue::find(ByteView element, std::size_t from, bool backwards, std::size_t most) const {
    std::size_t index = from;
    std::optional<std::size_t> found;
    visit(from, most, backwards, [&](const Element& here) {
        if (here.view() == element) {
            found = index;
            return false;
        }
        index = backwards ? index - 1 : index + 1;
        return true;
    });
    return found;
}

}  // namespace kumo::kv
