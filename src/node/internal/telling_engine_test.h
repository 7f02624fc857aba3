#pragma once

#include "node/kv/kv_engine.h"

#include <functional>
#include <string>
#include <vector>

namespace kumo::node {

/// An engine without keys, which writes down what it is told. Test code.
class TellingEngine final : public KvEngine {
public:
    std::vector<std::string> told;
    store::Seq committed = 0;

    void apply(ByteView changes) override { told.push_back("apply " + std::string(changes)); }

    void clear() override { told.emplace_back("clear"); }

    bool is_empty() const override { return true; }

    SlotSet slots_in_use() const override { return {}; }

    Status begin_snapshot(const std::string& /*path*/, std::function<void(Status)> /*done*/)
        override {
        return {};
    }

    Status load(const std::string& /*path*/) override { return {}; }

    void on_committed(store::Seq seq) override { committed = seq; }

    void on_role_lost() override { told.emplace_back("role lost"); }

    void on_change() override {}

    void on_message(ByteView /*message*/) override {}

    void begin_export(const SlotSet& /*slots*/) override {}

    Export export_some(std::size_t /*bytes*/, std::string* /*out*/) override {
        return Export::kDry;
    }

    void end_export() override {}

    void apply_arriving(ByteView changes) override {
        told.push_back("arriving " + std::string(changes));
    }

    void adopt(const SlotSet& slots) override { told.push_back("adopt " + show(slots)); }

    void drop_arriving(const SlotSet& slots) override {
        told.push_back("drop arriving " + show(slots));
    }

    void drop_slots(const SlotSet& slots) override { told.push_back("drop " + show(slots)); }

private:
    static std::string show(const SlotSet& slots) {
        const auto ranges = slots.ranges();
        return std::to_string(ranges.front().first) + "-" + std::to_string(ranges.back().second);
    }
};

}  // namespace kumo::node
