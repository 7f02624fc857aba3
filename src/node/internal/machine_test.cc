#include "node/internal/machine_test.h"

#include "base/assert.h"
#include "search/query/search.h"
#include "wire/json.h"

namespace kumo::node {

namespace {

constexpr std::uint16_t kClusterPort = 8107;

/// A machine's clock, as a thing that is not const: the one of its loops.
class MachineClock final : public Clock {
public:
    explicit MachineClock(const Clock& clock) : clock_(clock) {}

    MonotonicTime monotonic_now() const override { return clock_.monotonic_now(); }

    MonotonicTime boottime_now() const override { return clock_.boottime_now(); }

    WallTime wall_now() const override { return clock_.wall_now(); }

private:
    const Clock& clock_;
};

}  // namespace

NodeOptions small_options() {
    NodeOptions options;
    options.data_dir = "/data";
    options.disk_reserve_bytes = 0;
    options.index_limits.live_docs_max = 8;
    options.index_limits.live_docs_hard_max = 24;
    options.index_limits.merge_factor = 3;
    options.idle_seal_after = std::chrono::milliseconds(200);
    options.install_chunk_bytes = 1000;
    return options;
}

CollectionSpec numbered(std::string name) {
    CollectionSpec spec;
    spec.name = std::move(name);
    search::Field n;
    n.name = "n";
    n.type = search::ValueType::kInt32;
    n.sort = true;
    search::Field t;
    t.name = "t";
    spec.schema.fields = {n, t};
    spec.schema.default_sorting_field = "n";
    return spec;
}

std::string document(std::string_view id, int n, std::string_view t) {
    std::string out = R"({"id":")";
    out.append(id).append(R"(","n":)").append(std::to_string(n));
    out.append(R"(,"t":")").append(t).append("\"}");
    return out;
}

WriteBatch batch(search::WriteAction action, std::vector<std::string> documents) {
    WriteBatch batch;
    batch.action = action;
    batch.documents = std::move(documents);
    return batch;
}

io::Address cluster_host(std::size_t i) {
    return io::Address::parse("10.0.0." + std::to_string(i + 1), kClusterPort).value();
}

NodeOptions cluster_options(std::size_t i, NodeOptions options) {
    options.cluster.name = "n" + std::to_string(i);
    options.cluster.nodes_file = "/nodes";
    options.cluster.listen = cluster_host(i);
    options.cluster.peering_address = cluster_host(i).to_string();
    options.cluster.api_address = cluster_host(i).host_string() + ":8108";
    return options;
}

std::map<std::string, std::string> documents_in(const search::Snapshot& snapshot) {
    std::vector<std::string> found;
    search::ScanPosition position;
    const Status scanned =
        search::scan_documents(snapshot, search::Filter{}, 1'000'000, position, found);
    KUMO_ASSERT(scanned.ok());
    std::map<std::string, std::string> documents;
    for (const std::string& json : found) {
        const auto parsed = wire::JsonDocument::parse(json);
        KUMO_ASSERT(parsed.ok());
        const std::string id(parsed.value().root().find("id").as_string());
        documents[id] = documents.contains(id) ? "twice" : json;
    }
    KUMO_ASSERT(snapshot.doc_count == found.size());
    return documents;
}

Machine::Machine(std::uint64_t seed, NodeOptions options)
    : options_(std::move(options)),
      own_site_(std::make_unique<Site>(seed)),
      site_(*own_site_),
      fs_(site_.world) {}

Machine::Machine(Site& site, const io::Address& host, NodeOptions options)
    : options_(std::move(options)), site_(site), host_(host), fs_(site_.world) {}

Machine::~Machine() {
    stop();
}

Status Machine::boot() {
    loop_ = world().make_loop();
    control_loop_ = world().make_loop();
    clocks_.push_back(std::make_unique<MachineClock>(control_loop_->clock()));
    if (host_) {
        site_.network.set_host(*control_loop_, *host_);
    }
    pool_ = std::make_unique<io::SimWorkerPool>(world(), io::WorkerPoolOptions{.threads = 2});
    if (!options_.fsync) {  // Only then it is asked for.
        KUMO_TRY(io::make_directories(fs_, "/proc/sys/kernel/random"));
        const std::string boot = "boot " + std::to_string(boots_) + "\n";
        KUMO_TRY(io::write_file(fs_, "/proc/sys/kernel/random/boot_id", boot));
    }
    KUMO_TRY_ASSIGN(
        node_,
        Node::open(
            options_,
            {fs_,
             site_.network,
             site_.resolver,
             *loop_,
             *control_loop_,
             *pool_,
             *pool_,
             *clocks_.back()}
        )
    );
    return {};
}

void Machine::write_nodes_file(const std::vector<std::size_t>& nodes) {
    std::string text;
    for (const std::size_t node : nodes) {
        text += (text.empty() ? "" : ",") + cluster_host(node).to_string() + ":8108";
    }
    const auto file = fs_.open("/nodes", io::OpenMode::kCreate);
    KUMO_ASSERT(file.ok());
    KUMO_ASSERT(file.value()->truncate(0).ok() && file.value()->write(0, text).ok());
    KUMO_ASSERT(file.value()->sync().ok() && fs_.sync_dir("/").ok());
}

Status Machine::start() {
    KUMO_TRY(boot());
    return wait_until_it_serves();
}

Status Machine::wait_until_it_serves(Duration most) {
    const MonotonicTime end = world().clock().monotonic_now() + most;
    while (!node_->health().ok) {
        if (fs_.crashed()) {
            return Error{ErrorCode::kIo, "the machine is down"};
        }
        if (!node_->health().broken.empty()) {
            return corruption(node_->health().broken);
        }
        if (world().clock().monotonic_now() >= end || !world().step()) {
            return Error{ErrorCode::kTimeout, "the node does not serve"};
        }
    }
    return {};
}

void Machine::stop() {
    if (loop_ == nullptr) {
        return;
    }
    boots_ += fs_.crashed() ? 1 : 0;
    loop_->kill();
    control_loop_->kill();
    pool_->kill();
    node_.reset();
    pool_.reset();
    dead_loops_.push_back(std::move(loop_));
    dead_loops_.push_back(std::move(control_loop_));
    fs_.restart();
}

void Machine::stop_cleanly() {
    const auto done = await<bool>([this](auto reply) { node_->shut_down(*loop_, reply); });
    KUMO_ASSERT(done.ok());
    stop();
}

Result<CollectionInfo> Machine::create(const CollectionSpec& spec) {
    return await<CollectionInfo>([&](auto reply) { node_->create_collection(spec, *loop_, reply); }
    );
}

Result<CollectionInfo> Machine::drop(const std::string& name) {
    return await<CollectionInfo>([&](auto reply) { node_->drop_collection(name, *loop_, reply); });
}

Result<std::vector<Result<search::Written>>>
Machine::write(const std::string& collection, WriteBatch batch) {
    return await<std::vector<Result<search::Written>>>([&](auto reply) {
        node_->write(collection, std::move(batch), *loop_, reply);
    });
}

Status Machine::put(const std::string& collection, const std::string& document) {
    KUMO_TRY_ASSIGN(
        const auto written,
        write(collection, batch(search::WriteAction::kUpsert, {document}))
    );
    return written.at(0).ok() ? Status() : Status(written.at(0).error());
}

Result<std::string> Machine::erase(const std::string& collection, const std::string& id) {
    return await<std::string>([&](auto reply) { node_->erase(collection, id, *loop_, reply); });
}

Result<std::string> Machine::get(const std::string& collection, const std::string& id) {
    return await<std::string>([&](auto reply) { node_->document(collection, id, *loop_, reply); });
}

std::map<std::string, std::string> Machine::documents(const std::string& collection) {
    const auto snapshot = node_->snapshot(collection);
    KUMO_ASSERT(snapshot.ok());
    return documents_in(*snapshot.value());
}

std::vector<std::string> Machine::files() {
    std::vector<std::string> out;
    list_into("", out);
    return out;
}

void Machine::list_into(const std::string& path, std::vector<std::string>& out) {
    const auto entries = fs_.list("/data" + path);
    KUMO_ASSERT(entries.ok());
    for (const io::DirEntry& entry : entries.value()) {
        const std::string below = path + "/" + entry.name;
        if (entry.is_directory) {
            list_into(below, out);
        } else {
            out.push_back(below);
        }
    }
}

}  // namespace kumo::node
