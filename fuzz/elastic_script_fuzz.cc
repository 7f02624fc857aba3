// Scripts and templates of the Elasticsearch dialect that come from anywhere. The input's first
// byte says which of them the rest is.
#include "api/elastic/script/mustache.h"
#include "api/elastic/script/script.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace {

using namespace kumo;

api_elastic::Json sample() {
    return api_elastic::Json::parse(
               R"({"a":1,"b":"text","list":[1,"x",null],"o":{"p":true},"_source":{"n":2.5}})"
    )
        .value();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
    const api_elastic::Json params = sample();
    if (data[0] % 4 == 0) {
        (void)api_elastic::render_mustache(rest, params).ok();
        return 0;
    }
    const auto script = api_elastic::Script::compile(rest);
    if (!script.ok()) {
        return 0;
    }
    api_elastic::Json ctx = sample();
    api_elastic::ScriptScope scope;
    scope.params = &params;
    scope.ctx = &ctx;
    scope.score = 1.0;
    scope.doc = [&params](const std::string& field) -> Result<api_elastic::Json> {
        const api_elastic::Json* const list = params.find(field);
        return list != nullptr && list->is_array() ? *list : api_elastic::Json::array();
    };
    (void)script.value()->run(scope).ok();
    return 0;
}
