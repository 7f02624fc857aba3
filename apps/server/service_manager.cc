#include "service_manager.h"

#include <systemd/sd-daemon.h>

namespace kumo::server {

void notify_ready() {
    (void)sd_notify(0, "READY=1");
}

void notify_stopping() {
    (void)sd_notify(0, "STOPPING=1");
}

}  // namespace kumo::server
