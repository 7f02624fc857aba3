#include "settings.h"

#include "config.h"
#include "io/sim/sim_fs.h"
#include "io/sim/sim_world.h"

#include <gtest/gtest.h>

#include <map>
#include <vector>

namespace kumo::server {
namespace {

/// Arguments that may be overwritten, as main's are.
class Arguments {
public:
    explicit Arguments(std::vector<std::string> texts) : texts_(std::move(texts)) {
        texts_.insert(texts_.begin(), "kumosearch-server");
        for (std::string& text : texts_) {
            pointers_.push_back(text.data());
        }
    }

    int count() const { return static_cast<int>(pointers_.size()); }

    char** values() { return pointers_.data(); }

    const std::string& text(std::size_t i) const { return texts_[i]; }

private:
    std::vector<std::string> texts_;
    std::vector<char*> pointers_;
};

SettingValues given(std::vector<std::string> texts) {
    Arguments arguments(std::move(texts));
    const auto read = read_command_line(arguments.count(), arguments.values());
    EXPECT_TRUE(read.ok()) << read.error().message;
    return read.ok() ? read.value().values : SettingValues();
}

TEST(Settings, HaveNamesOfTheirOwn) {
    for (const Setting& setting : all_settings()) {
        EXPECT_EQ(find_setting(setting.name), &setting);
        EXPECT_EQ(find_setting(setting.dotted), &setting);
        EXPECT_TRUE(setting.help.empty() == !setting.in_effect) << setting.name;
    }
    EXPECT_EQ(find_setting("listen-port"), find_setting("api-port"));
    EXPECT_EQ(find_setting("nothing"), nullptr);
}

TEST(CommandLine, TakesEveryNameOfASetting) {
    EXPECT_EQ(given({"--api-port", "1"}).at("api-port"), "1");
    EXPECT_EQ(given({"--listen-port=2"}).at("api-port"), "2");
    EXPECT_EQ(given({"--api.port", "3"}).at("api-port"), "3");
    EXPECT_EQ(given({"--api-port=1", "--api-port=4"}).at("api-port"), "4");
}

TEST(CommandLine, AFlagNeedsNoValue) {
    EXPECT_EQ(given({"--enable-cors", "--api-port", "1"}).at("enable-cors"), "true");
    EXPECT_EQ(given({"--enable-cors"}).at("enable-cors"), "true");
    EXPECT_EQ(given({"--skip-writes", "--api-port", "1"}).at("skip-writes"), "true");
    EXPECT_EQ(given({"--supervise"}).at("supervise"), "true");
    EXPECT_EQ(given({"--enable-cors=false"}).at("enable-cors"), "false");
    EXPECT_EQ(given({"--enable-cors", "false"}).at("enable-cors"), "false");
}

TEST(CommandLine, RefusesWhatItDoesNotKnow) {
    for (const std::vector<std::string>& texts :
         std::vector<std::vector<std::string>>{{"--nothing"}, {"--api-port"}, {"word"}}) {
        Arguments arguments(texts);
        EXPECT_FALSE(read_command_line(arguments.count(), arguments.values()).ok());
    }
}

TEST(CommandLine, SecretsAreOverwritten) {
    Arguments arguments({"--api-key=secret", "--data-dir", "d", "--api.key", "secret"});
    scrub_secrets(arguments.count(), arguments.values());
    EXPECT_EQ(arguments.text(1), "--api-key=******");
    EXPECT_EQ(arguments.text(3), "d");
    EXPECT_EQ(arguments.text(5), "******");
}

TEST(Environment, BothPrefixesCountAndOursWins) {
    const auto get = [](const std::string& name) -> const char* {
        static const std::map<std::string, const char*> kVariables = {
            {"TYPESENSE_API_KEY", "theirs"},
            {"KUMOSEARCH_API_KEY", "ours"},
            {"TYPESENSE_DATA_DIR", "d"},
            {"TYPESENSE_LISTEN_PORT", "5"}};
        const auto found = kVariables.find(name);
        return found == kVariables.end() ? nullptr : found->second;
    };
    const SettingValues values = read_environment(get);
    EXPECT_EQ(values.at("api-key"), "ours");
    EXPECT_EQ(values.at("data-dir"), "d");
    EXPECT_EQ(values.at("api-port"), "5");
    EXPECT_EQ(values.size(), 3U);
}

TEST(ConfigFile, ReadsTheIniForm) {
    const auto values = parse_config_file(
        "a.ini",
        "[other]\nnonsense\n[server]\n; comment\n# too\napi-port = 7\r\ndata_dir=/d\n\n"
    );
    ASSERT_TRUE(values.ok()) << values.error().message;
    EXPECT_EQ(values.value(), (SettingValues{{"api-port", "7"}, {"data-dir", "/d"}}));
    const auto unknown = parse_config_file("a.ini", "[server]\nwrong = 1\n");
    EXPECT_EQ(unknown.error().message, "a.ini, line 2: no setting is called `wrong`");
    EXPECT_FALSE(parse_config_file("a.ini", "[server]\nwrong\n").ok());
}

TEST(ConfigFile, ReadsYaml) {
    const auto values = parse_config_file(
        "a.yml",
        "api:\n  port: 7\n  cors: {enabled: false, domains: [a, b]}\ndata-dir: /d\n"
    );
    ASSERT_TRUE(values.ok()) << values.error().message;
    EXPECT_EQ(
        values.value(),
        (SettingValues{
            {"api-port", "7"},
            {"cors-domains", "a,b"},
            {"data-dir", "/d"},
            {"enable-cors", "false"}})
    );
    EXPECT_FALSE(parse_config_file("a.yml", "api: {nothing: 1}").ok());
    EXPECT_FALSE(parse_config_file("a.yml", "a: [").ok());
    EXPECT_TRUE(parse_config_file("a.yml", "").ok());
}

class ConfigTest : public testing::Test {
protected:
    ConfigTest() {
        EXPECT_TRUE(fs.mkdir("data").ok());
        auto file = fs.open("s.ini", io::OpenMode::kCreate);
        EXPECT_TRUE(file.value()->write(0, "[server]\napi-port=2\nmax-per-page=7\n").ok());
    }

    Result<Config> make(SettingValues command_line, const SettingValues& environment = {}) {
        command_line.emplace("data-dir", "data");
        command_line.emplace("api-key", "k");
        return make_config(std::move(command_line), environment, fs);
    }

    io::SimWorld world{1};
    io::SimFs fs{world};
};

TEST_F(ConfigTest, CommandLineBeatsFileBeatsEnvironment) {
    const SettingValues environment = {
        {"config", "s.ini"},
        {"api-port", "3"},
        {"max-per-page", "8"},
        {"filter-by-max-ops", "9"}};
    const auto config = make({{"api-port", "1"}}, environment);
    ASSERT_TRUE(config.ok()) << config.error().message;
    EXPECT_EQ(config.value().api_address.port, 1);
    EXPECT_EQ(config.value().max_per_page, 7U);
    EXPECT_EQ(config.value().filter_by_max_ops, 9U);
    EXPECT_EQ(config.value().compat_version, "30.2");
    EXPECT_TRUE(config.value().enable_cors);
}

TEST_F(ConfigTest, NoKeyMeansLoopback) {
    EXPECT_FALSE(make({{"api-key", ""}}).ok());
    EXPECT_FALSE(make({{"api-key", ""}, {"api-address", "::"}}).ok());
    EXPECT_TRUE(make({{"api-key", ""}, {"api-address", "127.0.0.1"}}).ok());
    EXPECT_TRUE(make({{"api-key", ""}, {"api-address", "localhost"}}).ok());
    EXPECT_TRUE(make({{"api-key", ""}, {"api-address", "::1"}}).ok());
}

TEST_F(ConfigTest, ChecksValues) {
    EXPECT_TRUE(make({}).ok());
    EXPECT_FALSE(make({{"data-dir", "none"}}).ok());
    EXPECT_FALSE(make({{"data-dir", ""}}).ok());
    EXPECT_FALSE(make({{"api-port", "65536"}}).ok());
    EXPECT_FALSE(make({{"api-address", "example.com"}}).ok());
    EXPECT_FALSE(make({{"enable-cors", "maybe"}}).ok());
    EXPECT_FALSE(make({{"ssl-certificate", "c.pem"}}).ok());
    EXPECT_FALSE(make({{"config", "none.ini"}}).ok());
    EXPECT_FALSE(make({{"log-slow-requests-time-ms", "soon"}}).ok());
    EXPECT_FALSE(make({{"memory-used-max-percentage", "101"}}).ok());
    EXPECT_EQ(make({{"log-slow-searches-time-ms", "-1"}}).value().log_slow_searches_ms, -1);
}

TEST_F(ConfigTest, NamesWhatHasNoEffect) {
    const auto config = make({{"max-indexing-concurrency", "5"}, {"peering-port", "8107"}});
    ASSERT_TRUE(config.ok());
    EXPECT_EQ(config.value().without_effect, std::vector<std::string>{"max-indexing-concurrency"});
}

}  // namespace
}  // namespace kumo::server
