#include "cli/cluster_view.h"

#include "cli/text.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

namespace kumo::cli {
namespace {

struct Member {
    std::string id;
    std::string name;
    std::string address;
    std::string api_address;
    std::string zone;
    bool leads = false;
    bool votes = false;
    bool up = false;
    bool draining = false;
    bool other_key = false;
    bool self = false;  ///< The node that was asked.
};

struct Copy {
    std::string node;  ///< Its name.
    bool primary = false;
    bool in_sync = false;
    bool up = false;
    std::uint64_t behind = 0;  ///< Operations; 0 if it is not known.
};

struct Shard {
    std::string collection;
    std::string mode;  ///< Of replication; empty: sync.
    std::uint64_t min_in_sync = 0;
    bool electing = false;
    std::uint64_t number = 0;
    std::uint64_t count = 1;  ///< Of the collection's shards.
    std::vector<Copy> copies;

    /// The collection, and if it has several shards, which one.
    std::string title() const {
        return count > 1 ? collection + "/" + std::to_string(number) : collection;
    }

    std::size_t in_sync() const {
        return static_cast<std::size_t>(
            std::count_if(copies.begin(), copies.end(), [](const Copy& c) { return c.in_sync; })
        );
    }
};

struct Cluster {
    std::string id;
    std::string broken;
    bool serves = false;
    bool has_leader = false;
    std::vector<Member> members;  ///< By address.
    std::vector<Shard> shards;    ///< By collection and number.
};

// ---- from JSON

std::string word(wire::JsonValue object, ByteView key) {
    const wire::JsonValue value = object.find(key);
    return value && value.is_string() ? printable(value.as_string()) : "";
}

bool flag(wire::JsonValue object, ByteView key) {
    const wire::JsonValue value = object.find(key);
    return value && value.is_bool() && value.as_bool();
}

std::uint64_t number(wire::JsonValue object, ByteView key) {
    const wire::JsonValue value = object.find(key);
    return value && value.type() == wire::JsonType::kInt64 && value.as_int64() > 0
               ? static_cast<std::uint64_t>(value.as_int64())
               : 0;
}

/// The elements of a member that is an array of objects.
std::vector<wire::JsonValue> list(wire::JsonValue object, ByteView key) {
    std::vector<wire::JsonValue> out;
    const wire::JsonValue value = object.find(key);
    if (value && value.is_array()) {
        for (const wire::JsonValue one : value.as_array()) {
            if (one.is_object()) {
                out.push_back(one);
            }
        }
    }
    return out;
}

Member read_member(wire::JsonValue from) {
    Member member;
    member.id = word(from, "id");
    member.address = word(from, "peering_address");
    member.name = word(from, "name");
    if (member.name.empty()) {
        member.name = member.address;
    }
    member.api_address = word(from, "api_address");
    member.zone = word(from, "zone");
    member.leads = flag(from, "leads");
    member.votes = flag(from, "votes");
    member.up = flag(from, "up");
    member.draining = flag(from, "draining");
    member.other_key = flag(from, "other_api_key");
    member.self = flag(from, "self");
    return member;
}

Shard read_shard(wire::JsonValue from, const std::vector<Member>& members) {
    Shard shard;
    shard.collection = word(from, "collection");
    shard.mode = word(from, "replication_mode");
    if (shard.mode == "sync") {
        shard.mode.clear();
    }
    shard.min_in_sync = number(from, "min_in_sync");
    shard.electing = flag(from, "electing");
    shard.number = number(from, "number");
    shard.count = number(from, "count");
    for (const wire::JsonValue one : list(from, "copies")) {
        Copy copy;
        copy.node = word(one, "node");
        const auto member = std::find_if(members.begin(), members.end(), [&](const Member& m) {
            return m.id == copy.node;
        });
        if (member != members.end()) {
            copy.node = member->name;
            copy.up = member->up;
        }
        copy.primary = flag(one, "primary");
        copy.in_sync = flag(one, "in_sync");
        copy.behind = number(one, "behind");
        shard.copies.push_back(std::move(copy));
    }
    std::sort(shard.copies.begin(), shard.copies.end(), [](const Copy& a, const Copy& b) {
        return a.node < b.node;
    });
    return shard;
}

Cluster read_cluster(wire::JsonValue answer) {
    Cluster cluster;
    if (!answer) {
        return cluster;
    }
    cluster.id = word(answer, "id");
    cluster.broken = word(answer, "broken");
    cluster.serves = word(answer, "state") != "NOT_READY";
    cluster.has_leader = flag(answer, "has_leader");
    for (const wire::JsonValue one : list(answer, "members")) {
        cluster.members.push_back(read_member(one));
    }
    auto& members = cluster.members;
    std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
        return std::tie(a.address, a.id) < std::tie(b.address, b.id);
    });
    for (const wire::JsonValue one : list(answer, "shards")) {
        cluster.shards.push_back(read_shard(one, members));
    }
    std::sort(cluster.shards.begin(), cluster.shards.end(), [](const Shard& a, const Shard& b) {
        return std::tie(a.collection, a.number) < std::tie(b.collection, b.number);
    });
    return cluster;
}

// ---- tables

using Row = std::vector<std::string>;

/// Columns as wide as what is in them; those that are empty in every row are left out.
std::string table(const Row& heads, const std::vector<Row>& rows, bool colour) {
    std::vector<std::size_t> widths(heads.size(), 0);
    for (const Row& row : rows) {
        for (std::size_t i = 0; i < heads.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(row[i]));
        }
    }
    const auto line = [&](const Row& row) {
        std::string out;
        for (std::size_t i = 0; i < heads.size(); ++i) {
            if (widths[i] == 0) {
                continue;
            }
            const std::size_t width = std::max(widths[i], display_width(heads[i])) + 2;
            out += row[i] + std::string(width - display_width(row[i]), ' ');
        }
        return out.substr(0, out.find_last_not_of(' ') + 1);
    };
    std::string out = styled(line(heads), kDim, colour) + "\n";
    for (const Row& row : rows) {
        out += line(row) + "\n";
    }
    return out;
}

std::string joined(const std::vector<std::string>& words, ByteView between) {
    std::string out;
    for (const std::string& one : words) {
        out.append(out.empty() ? "" : between).append(one);
    }
    return out;
}

std::string members_table(const Cluster& cluster, bool colour) {
    std::vector<Row> rows;
    for (const Member& member : cluster.members) {
        const std::string role = member.leads ? "leader" : member.votes ? "voter" : "no vote";
        const bool known = cluster.has_leader || member.self;
        const std::string state = !known ? "not known" : member.up ? "up" : "down";
        rows.push_back(
            {member.name,
             member.address == member.name ? "" : member.address,
             member.api_address,
             role,
             member.draining ? state + ", draining" : state,
             member.zone}
        );
    }
    return table({"node", "peering", "api", "role", "state", "zone"}, rows, colour);
}

std::string behind_text(const Copy& copy) {
    return copy.behind == 0 ? copy.node
                            : copy.node + " (" + with_thousands(copy.behind) + " operations)";
}

std::string shards_table(const Cluster& cluster, bool colour) {
    std::vector<Row> rows;
    for (const Shard& shard : cluster.shards) {
        std::vector<std::string> primary;
        std::vector<std::string> in_sync;
        std::vector<std::string> behind;
        for (const Copy& copy : shard.copies) {
            if (copy.primary) {
                primary.push_back(copy.node);
            } else {
                (copy.in_sync ? in_sync : behind).push_back(behind_text(copy));
            }
        }
        rows.push_back(
            {shard.title(),
             shard.mode,
             joined(primary, ", "),
             joined(in_sync, ", "),
             joined(behind, ", ")}
        );
    }
    return table({"collection", "mode", "primary", "in sync", "behind"}, rows, colour);
}

// ---- what is wrong

std::string count_of(std::size_t some, std::size_t all, ByteView what) {
    return std::to_string(some) + " of " + std::to_string(all) + " " + std::string(what);
}

/// Why not every copy is in sync.
std::string why_behind(const Shard& shard) {
    std::vector<std::string> down;
    std::vector<std::string> late;
    for (const Copy& copy : shard.copies) {
        if (!copy.in_sync) {
            (copy.up ? late : down).push_back(copy.node);
        }
    }
    std::vector<std::string> out;
    if (!down.empty()) {
        out.push_back(joined(down, ", ") + (down.size() == 1 ? " is down" : " are down"));
    }
    if (!late.empty()) {
        out.push_back(
            joined(late, ", ") + (late.size() == 1 ? " is catching up" : " are catching up")
        );
    }
    return joined(out, "; ");
}

/// What is wrong with a collection, as the end of a sentence; empty: nothing.
std::vector<std::string> shard_problems(const Shard& shard, const Cluster& cluster) {
    std::vector<std::string> out;
    const auto primary = std::find_if(shard.copies.begin(), shard.copies.end(), [](const Copy& c) {
        return c.primary;
    });
    if (shard.electing) {
        out.emplace_back("no primary: copies in sync are yet to say what they have; writes wait");
    } else if (primary == shard.copies.end()) {
        out.emplace_back("no primary: no copy that is in sync is up, and writes wait");
    } else if (!primary->up) {
        out.push_back("a primary that is down, and writes wait: " + primary->node);
    }
    if (shard.in_sync() < shard.min_in_sync) {
        out.push_back(
            std::to_string(shard.in_sync()) + " of the " + std::to_string(shard.min_in_sync)
            + " copies in sync that its writes need, and writes wait"
        );
    }
    const std::size_t copies = shard.copies.size();
    if (shard.in_sync() < copies) {
        out.push_back(count_of(shard.in_sync(), copies, "copies in sync: ") + why_behind(shard));
    }
    const auto wanted = static_cast<std::size_t>(std::count_if(
        cluster.members.begin(),
        cluster.members.end(),
        [](const Member& member) { return member.up && !member.draining; }
    ));
    if (copies < wanted) {
        out.push_back(
            std::to_string(copies) + (copies == 1 ? " copy" : " copies") + " for "
            + std::to_string(wanted) + " nodes: the next is on its way"
        );
    }
    return out;
}

/// Shards with the same trouble share a line.
void add_shard_problems(const Cluster& cluster, std::vector<std::string>& out) {
    std::map<std::string, std::vector<std::string>> shards;
    for (const Shard& shard : cluster.shards) {
        for (const std::string& problem : shard_problems(shard, cluster)) {
            shards[problem].push_back(shard.title());
        }
    }
    for (const auto& [problem, names] : shards) {
        const std::string others = names.size() == 1
                                       ? " has "
                                       : " and " + std::to_string(names.size() - 1) + " more have ";
        std::string line = names.front();
        out.push_back(line.append(others).append(problem));
    }
}

/// Worst first.
std::vector<std::string> problems(const Cluster& cluster) {
    std::vector<std::string> out;
    if (!cluster.broken.empty()) {
        out.push_back("the node that was asked is broken: " + cluster.broken);
    }
    if (cluster.id.empty()) {
        out.emplace_back(
            "the node that was asked is in no cluster: it looks for the others of its nodes file"
        );
        return out;
    }
    if (!cluster.has_leader) {
        out.emplace_back(
            "there is no leader: the node that was asked reaches less than a majority of the "
            "voters, and neither reads nor writes; the table is what it knew last"
        );
    } else if (!cluster.serves && cluster.broken.empty()) {
        out.emplace_back("the node that was asked does not serve yet: it is catching up");
    }
    std::vector<std::string> down;
    for (const Member& member : cluster.members) {
        if (!member.up) {
            down.push_back(member.name);
        }
    }
    if (!down.empty()) {
        out.push_back(
            count_of(down.size(), cluster.members.size(), "nodes down: ") + joined(down, ", ")
        );
    }
    for (const Member& member : cluster.members) {
        if (member.other_key) {
            out.push_back(
                member.name
                + " has another API key than the node that was asked: start all nodes with the same"
            );
        }
    }
    add_shard_problems(cluster, out);
    return out;
}

}  // namespace

ClusterReport cluster_report(wire::JsonValue answer, bool colour) {
    const Cluster cluster = read_cluster(answer);
    const std::vector<std::string> wrong = problems(cluster);
    ClusterReport report;
    report.well = wrong.empty();
    if (!cluster.members.empty()) {
        report.text += members_table(cluster, colour) + "\n";
    }
    if (!cluster.shards.empty()) {
        report.text += shards_table(cluster, colour) + "\n";
    }
    for (const std::string& problem : wrong) {
        report.text += styled(problem, kRed, colour) + "\n";
    }
    if (report.well) {
        report.text += styled("all is well", kGreen, colour) + "\n";
    }
    return report;
}

}  // namespace kumo::cli
