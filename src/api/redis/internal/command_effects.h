#pragma once

#include "api/redis/service.h"

namespace kumo::api_redis {

/// Passes what a command did on to the service's parts.
class Service::CommandEffects final : public kv::Effects {
public:
    explicit CommandEffects(Service& service) : service_(service) {}

    void on_changed(int db, ByteView key) override { service_.note_changed(db, key); }

    void on_event(kv::EventClass event_class, ByteView event, int db, ByteView key) override {
        if (service_.event_flags_ != 0) {
            service_.note_event(event_class, event, db, key);
        }
    }

    void on_ready(int db, ByteView key) override { service_.note_ready(db, key); }

    void on_flush(int db) override { service_.note_flush(db); }

    void on_swapped(int first, int second) override { service_.note_swapped(first, second); }

    void on_expired(int db, ByteView key) override {
        service_.propagate(db, {"DEL", std::string(key)});
    }

private:
    Service& service_;
};

/// `notify-keyspace-events` as bits; event_bit() gives a class's.
unsigned event_mask(ByteView flags);
unsigned event_bit(kv::EventClass event_class);
inline constexpr unsigned kEventKeyspace = 1U << 30U;  ///< K
inline constexpr unsigned kEventKeyevent = 1U << 31U;  ///< E

}  // namespace kumo::api_redis
