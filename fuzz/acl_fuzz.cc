// Rules of users, as ACL SETUSER and ACL files bring them: whatever is accepted is described by
// rules that make the same user again, as far as a line can hold it.
#include "base/assert.h"
#include "kv/acl/users.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace {

using namespace kumo;

void check_some(const kv::AclUser& user) {
    const std::vector<std::vector<ByteView>> requests = {
        {"get", "a"},
        {"sort", "a", "by", "b*", "store", "c"},
        {"migrate", "h", "1", "", "0", "1", "keys", "a"},
        {"subscribe", "a", "b"},
        {"select", "0"}};
    for (const std::vector<ByteView>& request : requests) {
        const kv::CommandSpec& spec = *kv::find_command(request[0]);
        const kv::AclAnswer answer = user.check(spec, request);
        KUMO_ASSERT(answer.argument < request.size());
        KUMO_ASSERT(!user.unlimited() || answer.allowed());
    }
}

void apply_all(ByteView text) {
    kv::AclUser user("u", {});
    std::vector<ByteView> words;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        words.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    std::vector<std::string> rules;
    std::size_t unmatched = 0;
    if (!kv::join_acl_rules(words, &rules, &unmatched)) {
        KUMO_ASSERT(unmatched < words.size());
        return;
    }
    for (const std::string& rule : rules) {
        (void)user.apply(rule, {});
    }
    check_some(user);
    // A pattern in a selector can end its parenthesis; ACL SAVE looks before it writes.
    if (user.describe().find_first_of("()\"'") == std::string::npos) {
        const std::string line = kv::acl_user_line(user);
        const auto again = kv::AclUsers::parse(line, "f", {});
        KUMO_ASSERT(again.ok());
        KUMO_ASSERT(kv::acl_user_line(*again.value().find("u")) == line);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const ByteView text(reinterpret_cast<const char*>(data), size);
    apply_all(text);
    const auto users = kv::AclUsers::parse(text, "f", {});
    if (users.ok()) {
        (void)users.value().to_text();
    }
    return 0;
}
