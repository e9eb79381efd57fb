#include "base/settings.h"

#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/random.h"

namespace mito {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

enum class Rule { kDocumented, kStrict };

struct Settings {
  std::string bind = "127.0.0.1:5000";
  std::string coordinator_addr = "http://127.0.0.1:5000";
  std::chrono::milliseconds heartbeat_timeout{600'000};
  std::optional<Duration> lifetime;
  std::optional<std::string> password;
  std::string user = "nobody";
  fs::path private_path = "private.pem";
  std::optional<fs::path> log_path;
  Words tags;
  bool file_log = false;
  std::uint64_t min_free = std::uint64_t{256} << 20;
  std::uint16_t threads = 4;
  std::size_t queue = 1024;
  Rule rule = Rule::kDocumented;
};

const SettingsDeclaration<Settings>& declaration() {
  static const auto kDeclaration = [] {
    SettingsDeclaration<Settings> d("worker");
    d.add("bind", "-b,--bind", &Settings::bind, setting::address(), "Where to listen");
    d.add("coordinator_addr", "-c,--coordinator", &Settings::coordinator_addr, setting::url({"http://", "https://"}),
          "Where the coordinator is");
    d.add("heartbeat_timeout", "--heartbeat-timeout", &Settings::heartbeat_timeout, setting::duration(Duration{1}),
          "Silence after which a worker is lost");
    d.add("lifetime", "--lifetime", &Settings::lifetime, setting::duration(), "How long the registration holds",
          "the coordinator's");
    d.add("password", "-p,--password", &Settings::password, setting::text(), "Password | secret");
    d.add("user", "-u,--user", &Settings::user, setting::text("NAME"), "User name");
    d.add("private_path", "", &Settings::private_path, setting::path(), "Private key");
    d.add("log_path", "--log-path", &Settings::log_path, setting::path("FILE"), "Log file", "none");
    d.add("tags", "-t,--tags", &Settings::tags, setting::list("TAG"), "What the worker offers");
    d.add("file_log", "--file-log", &Settings::file_log, setting::flag(), "Log to a file too");
    d.add("min_free", "--min-free", &Settings::min_free, setting::size(), "Space to leave free");
    d.add("threads", "--threads", &Settings::threads, setting::integer(1, 1'000'000), "Threads");
    d.add("queue", "--queue", &Settings::queue, setting::integer(0, std::numeric_limits<std::int64_t>::max()),
          "Places");
    d.add("rule", "--rule", &Settings::rule,
          setting::choice<Rule>({{"documented", Rule::kDocumented}, {"strict", Rule::kStrict}}, "RULE"), "Tag rule");
    return d;
  }();
  return kDeclaration;
}

/// A working directory below a parent, and a configuration directory, all empty at first.
class SettingsTest : public testing::Test {
 protected:
  SettingsTest() : root_(fs::temp_directory_path() / ("mitosis-settings-" + hex_encode(random_bytes(8)))) {
    fs::create_directories(root_ / "work" / "deep");
    fs::create_directories(root_ / "config" / "mitosis");
    sources_.working_directory = root_ / "work" / "deep";
    sources_.config_directory = root_ / "config";
  }
  ~SettingsTest() override { fs::remove_all(root_); }

  /// Writes the `config.toml` of the working directory.
  void local(const std::string& text) const { write(root_ / "work" / "deep" / "config.toml", text); }
  static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

  [[nodiscard]] LoadedSettings<Settings> load() const {
    auto loaded = declaration().load(sources_);
    EXPECT_TRUE(loaded.has_value()) << loaded.error().text();
    return loaded ? *std::move(loaded) : LoadedSettings<Settings>{};
  }
  [[nodiscard]] std::string error() const {
    const auto loaded = declaration().load(sources_);
    EXPECT_FALSE(loaded.has_value());
    if (loaded) return "";
    EXPECT_EQ(loaded.error().code(), ErrorCode::kUsage);
    return loaded.error().text();
  }

  fs::path root_;
  SettingsSources sources_;
};

TEST_F(SettingsTest, AreDefaultsWithoutAnySource) {
  const auto loaded = load();
  EXPECT_EQ(loaded.settings.bind, "127.0.0.1:5000");
  EXPECT_EQ(loaded.settings.heartbeat_timeout, std::chrono::minutes(10));
  EXPECT_EQ(loaded.settings.lifetime, std::nullopt);
  EXPECT_EQ(loaded.settings.private_path, "private.pem");
  EXPECT_EQ(loaded.settings.rule, Rule::kDocumented);
  EXPECT_TRUE(loaded.files.empty());
  EXPECT_TRUE(loaded.warnings.empty());
  EXPECT_EQ(loaded.origins.size(), declaration().entries().size());
  EXPECT_EQ(loaded.origins.at("bind"), "default");
}

TEST_F(SettingsTest, OfEveryTypeAreReadFromToml) {
  local(R"([worker]
bind = "[::1]:80"
coordinator_addr = "https://mito.example"
heartbeat_timeout = "1m 30s"
lifetime = "7d"
password = "12345"
tags = ["a", "b,c", ""]
file_log = true
min_free = "1GiB"
threads = 8
queue = 0
rule = "strict"
)");
  const Settings settings = load().settings;
  EXPECT_EQ(settings.bind, "[::1]:80");
  EXPECT_EQ(settings.coordinator_addr, "https://mito.example");
  EXPECT_EQ(settings.heartbeat_timeout, std::chrono::seconds(90));
  EXPECT_EQ(settings.lifetime, Duration{604'800});
  EXPECT_EQ(settings.password, "12345");
  EXPECT_EQ(settings.tags, (Words{"a", "b,c", ""}));
  EXPECT_TRUE(settings.file_log);
  EXPECT_EQ(settings.min_free, std::uint64_t{1} << 30);
  EXPECT_EQ(settings.threads, 8);
  EXPECT_EQ(settings.queue, 0U);
  EXPECT_EQ(settings.rule, Rule::kStrict);
}

TEST_F(SettingsTest, OfEveryTypeAreReadFromTheEnvironment) {
  sources_.environment = {{"MITO_BIND", "0.0.0.0:0"}, {"mito_heartbeat_timeout", "5s"},
                          {"MITO_PASSWORD", "12345"}, {"MITO_USER", "\"007\""},
                          {"MITO_TAGS", "a, b"},      {"MITO_FILE_LOG", "True"},
                          {"MITO_MIN_FREE", "1000"},  {"MITO_THREADS", "65535"},
                          {"MITO_RULE", "strict"},    {"BIND", "x"}};
  const auto loaded = load();
  EXPECT_EQ(loaded.settings.bind, "0.0.0.0:0");
  EXPECT_EQ(loaded.settings.heartbeat_timeout, std::chrono::seconds(5));
  EXPECT_EQ(loaded.settings.password, "12345");
  EXPECT_EQ(loaded.settings.user, "007");
  EXPECT_EQ(loaded.settings.tags, (Words{"a", "b"}));
  EXPECT_TRUE(loaded.settings.file_log);
  EXPECT_EQ(loaded.settings.min_free, 1000U);
  EXPECT_EQ(loaded.settings.threads, 65535);
  EXPECT_EQ(loaded.settings.rule, Rule::kStrict);
  EXPECT_EQ(loaded.origins.at("tags"), "MITO_TAGS");
}

TEST_F(SettingsTest, OfEveryTypeAreReadFromTheCommandLine) {
  sources_.command_line = {{"bind", {"1.2.3.4:5"}},
                           {"tags", {"a,b", "c"}},
                           {"file_log", {}},
                           {"user", {"first", "last"}},
                           {"password", {""}}};
  const auto loaded = load();
  EXPECT_EQ(loaded.settings.bind, "1.2.3.4:5");
  EXPECT_EQ(loaded.settings.tags, (Words{"a", "b", "c"}));
  EXPECT_TRUE(loaded.settings.file_log);
  EXPECT_EQ(loaded.settings.user, "last");
  EXPECT_EQ(loaded.settings.password, "");
  EXPECT_EQ(loaded.origins.at("bind"), "--bind");
}

struct ListCase {
  const char* name;
  const char* text;
  Words items;
};

class SettingsList : public SettingsTest, public testing::WithParamInterface<ListCase> {};

TEST_P(SettingsList, IsSplitAtCommas) {
  sources_.environment = {{"MITO_TAGS", GetParam().text}};
  EXPECT_EQ(load().settings.tags, GetParam().items);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, SettingsList,
    testing::Values(ListCase{"plain", "a,b", {"a", "b"}}, ListCase{"brackets", "[a,b]", {"a", "b"}},
                    ListCase{"quotes", R"(["a", "b c"])", {"a", "b c"}}, ListCase{"one", "a", {"a"}},
                    ListCase{"empty", "", {}}, ListCase{"empty_brackets", "[]", {}},
                    ListCase{"empty_items", "a,,b,", {"a", "b"}}, ListCase{"blanks", " [ a , b ] ", {"a", "b"}}),
    [](const auto& test) { return test.param.name; });

TEST_F(SettingsTest, LaterSourcesWin) {
  const fs::path user_file = root_ / "config" / "mitosis" / "config.toml";
  write(user_file, "[worker]\nuser = \"user-file\"\n");
  EXPECT_EQ(load().settings.user, "user-file");
  local("[worker]\nuser = \"local\"\n");
  EXPECT_EQ(load().settings.user, "local");
  EXPECT_EQ(load().origins.at("user"), "config.toml:2");
  const fs::path named = root_ / "named.toml";
  write(named, "[worker]\nuser = \"named\"\n");
  sources_.config_file = named;
  EXPECT_EQ(load().settings.user, "named");
  EXPECT_EQ(load().files, (std::vector<fs::path>{user_file, named}));
  EXPECT_EQ(load().origins.at("user"), named.string() + ":2");
  sources_.environment["MITO_USER"] = "environment";
  EXPECT_EQ(load().settings.user, "environment");
  sources_.command_line["user"] = {"command line"};
  EXPECT_EQ(load().settings.user, "command line");
  EXPECT_EQ(load().origins.at("user"), "--user");
}

TEST_F(SettingsTest, OfDefaultRoleAndGlobalTablesAreMerged) {
  local(
      "[global]\nthreads = 3\n[worker]\nthreads = 2\nqueue = 2\n[default]\nthreads = 1\nqueue = 1\nuser = "
      "\"d\"\n[coordinator]\nthreads = \"bad\"\n");
  const Settings settings = load().settings;
  EXPECT_EQ(settings.threads, 3);
  EXPECT_EQ(settings.queue, 2U);
  EXPECT_EQ(settings.user, "d");
}

TEST_F(SettingsTest, FileIsFoundInAParentDirectory) {
  write(root_ / "work" / "config.toml", "[worker]\nuser = \"parent\"\nprivate_path = \"keys/private.pem\"\n");
  const auto loaded = load();
  EXPECT_EQ(loaded.settings.user, "parent");
  EXPECT_EQ(loaded.settings.private_path, root_ / "work" / "keys" / "private.pem");
  sources_.config_file = "other.toml";
  write(root_ / "work" / "other.toml", "[worker]\nuser = \"other\"\n");
  EXPECT_EQ(load().settings.user, "other");
}

TEST_F(SettingsTest, OneFileIsReadOnce) {
  sources_.working_directory = root_ / "config" / "mitosis";
  write(root_ / "config" / "mitosis" / "config.toml", "[worker]\nuser = \"x\"\n");
  EXPECT_EQ(load().files.size(), 1U);
}

TEST_F(SettingsTest, DirectoryOfThatNameIsNoFile) {
  fs::create_directory(root_ / "work" / "deep" / "config.toml");
  EXPECT_TRUE(load().files.empty());
}

TEST_F(SettingsTest, NamedFileMustExist) {
  for (const char* name : {"missing.toml", "/nowhere/missing.toml"}) {
    sources_.config_file = name;
    EXPECT_EQ(error(), std::string("--config: there is no file ") + name +
                           "; give the path of a configuration file, or leave --config out");
  }
}

TEST_F(SettingsTest, RelativePathsStartAtTheFileOrTheWorkingDirectory) {
  write(root_ / "config" / "mitosis" / "config.toml",
        "[worker]\nlog_path = \"logs/../a.log\"\nprivate_path = \"/etc/key\"\n");
  EXPECT_EQ(load().settings.log_path, root_ / "config" / "mitosis" / "a.log");
  EXPECT_EQ(load().settings.private_path, "/etc/key");
  sources_.environment["MITO_LOG_PATH"] = "b.log";
  EXPECT_EQ(load().settings.log_path, root_ / "work" / "deep" / "b.log");
  sources_.command_line["log_path"] = {"c.log"};
  EXPECT_EQ(load().settings.log_path, root_ / "work" / "deep" / "c.log");
}

TEST_F(SettingsTest, EmptyVariablesSetOnlyTexts) {
  sources_.environment = {{"MITO_THREADS", ""}, {"MITO_LOG_PATH", ""}, {"MITO_LIFETIME", ""}, {"MITO_USER", ""}};
  const auto loaded = load();
  EXPECT_EQ(loaded.settings.threads, 4);
  EXPECT_EQ(loaded.settings.log_path, std::nullopt);
  EXPECT_EQ(loaded.settings.user, "");
  EXPECT_EQ(loaded.origins.at("threads"), "default");
}

TEST_F(SettingsTest, UnknownKeysOfTheRoleAreWarnedOf) {
  local(
      "[worker]\nheartbeat_timout = \"1s\"\nnonsense_of_another_kind = 1\n[global]\nunknown = 1\n[other]\nunknown = "
      "1\n");
  EXPECT_EQ(load().warnings,
            (Words{"config.toml:2: heartbeat_timout is not a setting of [worker] and is ignored; did you mean "
                   "heartbeat_timeout?",
                   "config.toml:3: nonsense_of_another_kind is not a setting of [worker] and is ignored"}));
}

struct BadFile {
  const char* name;
  const char* line;
  const char* error;
};

class SettingsBadFile : public SettingsTest, public testing::WithParamInterface<BadFile> {};

TEST_P(SettingsBadFile, IsNamedWithLineAndKey) {
  local(std::string("# comment\n[worker]\n") + GetParam().line + "\n");
  EXPECT_EQ(error(), std::string("config.toml:3: ") + GetParam().error);
}

INSTANTIATE_TEST_SUITE_P(
    Lines, SettingsBadFile,
    testing::Values(
        BadFile{"duration", "heartbeat_timeout = \"soon\"",
                "heartbeat_timeout: \"soon\" is not a duration; write for instance 30s, 10m, 1h 30m, 7d"},
        BadFile{"duration_without_unit", "heartbeat_timeout = 600",
                "heartbeat_timeout: 600 does not fit here; write a duration with its unit, in quotes, such as \"30s\", "
                "\"10m\" or \"7d\""},
        BadFile{"duration_too_short", "heartbeat_timeout = \"10ms\"",
                "heartbeat_timeout: \"10ms\" is too short; at least 1s is needed"},
        BadFile{"flag", "file_log = \"yes\"",
                "file_log: \"yes\" does not fit here; write true or false, without quotes"},
        BadFile{"text_as_number", "password = 12345", "password: 12345 does not fit here; write a text in quotes"},
        BadFile{"text_as_date", "password = 2020-01-01",
                "password: a date or time does not fit here; write a text in quotes"},
        BadFile{"integer_in_quotes", "threads = \"8\"",
                "threads: \"8\" does not fit here; write a whole number, without quotes"},
        BadFile{"integer_too_large", "threads = 65536", "threads: \"65536\" is not a whole number from 1 to 65535"},
        BadFile{"integer_negative", "queue = -1", "queue: \"-1\" is not a whole number from 0 to 9223372036854775807"},
        BadFile{"integer_as_fraction", "threads = 1.5",
                "threads: 1.5 does not fit here; write a whole number, without quotes"},
        BadFile{"list_as_text", "tags = \"a,b\"",
                "tags: \"a,b\" does not fit here; write a list of texts such as [\"a\", \"b\"]"},
        BadFile{"list_of_numbers", "tags = [1]",
                "tags: a list with something else than texts does not fit here; write a list of texts such as [\"a\", "
                "\"b\"]"},
        BadFile{"size", "min_free = \"much\"",
                "min_free: \"much\" is not a size; write for instance 500, 10kB, 1.5GB or 2GiB"},
        BadFile{"size_too_large", "min_free = \"10EB\"",
                "min_free: \"10EB\" is too large; at most 9223372036854775807 bytes are possible"},
        BadFile{"path", "log_path = \"\"", "log_path: a path must not be empty"},
        BadFile{"address", "bind = \"localhost:5000\"",
                "bind: \"localhost:5000\" is not an address; write an IP address and a port, such as 127.0.0.1:5000 or "
                "[::1]:5000"},
        BadFile{"url", "coordinator_addr = \"127.0.0.1:5000\"",
                "coordinator_addr: \"127.0.0.1:5000\" is not a URL that can be used here; it begins with http:// or "
                "https://"},
        BadFile{"choice", "rule = \"Strict\"", "rule: \"Strict\" is not possible; write one of documented, strict"},
        BadFile{"table", "rule.x = 1", "rule: a table does not fit here; write a text in quotes"}),
    [](const auto& test) { return test.param.name; });

struct BadText {
  const char* name;
  const char* key;
  const char* text;
};

class SettingsBadText : public SettingsTest, public testing::WithParamInterface<BadText> {};

TEST_P(SettingsBadText, IsNamedByVariableAndOption) {
  std::string variable = std::string("MITO_") + GetParam().key;
  std::ranges::transform(variable, variable.begin(),
                         [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  sources_.environment[variable] = GetParam().text;
  EXPECT_TRUE(error().starts_with(variable + ": \"" + GetParam().text + "\" is ")) << error();
  sources_.environment.clear();
  sources_.command_line[GetParam().key] = {GetParam().text};
  EXPECT_TRUE(error().starts_with("--")) << error();
}

INSTANTIATE_TEST_SUITE_P(Texts, SettingsBadText,
                         testing::Values(BadText{"flag", "file_log", "maybe"}, BadText{"integer", "threads", "eight"},
                                         BadText{"integer_zero", "threads", "0"},
                                         BadText{"integer_fraction", "threads", "1.0"},
                                         BadText{"integer_huge", "queue", "99999999999999999999"},
                                         BadText{"duration", "lifetime", "5"}, BadText{"size", "min_free", "-1"},
                                         BadText{"choice", "rule", "other"},
                                         BadText{"address_without_port", "bind", "127.0.0.1"},
                                         BadText{"address_with_large_port", "bind", "127.0.0.1:65536"},
                                         BadText{"address_without_brackets", "bind", "::1:80"},
                                         BadText{"address_empty_port", "bind", "127.0.0.1:"},
                                         BadText{"address_negative_port", "bind", "127.0.0.1:-1"},
                                         BadText{"url_without_host", "coordinator_addr", "http://"},
                                         BadText{"url_of_another_kind", "coordinator_addr", "ftp://x"},
                                         BadText{"url_with_blank", "coordinator_addr", "http://a b"}),
                         [](const auto& test) { return test.param.name; });

struct BadToml {
  const char* name;
  const char* text;
  const char* begins;
};

class SettingsBadToml : public SettingsTest, public testing::WithParamInterface<BadToml> {};

TEST_P(SettingsBadToml, NamesFileAndLine) {
  local(GetParam().text);
  EXPECT_TRUE(error().starts_with(GetParam().begins)) << error();
}

INSTANTIATE_TEST_SUITE_P(
    Texts, SettingsBadToml,
    testing::Values(BadToml{"no_value", "[worker]\n\nuser\n", "config.toml:3: this is not TOML ("},
                    BadToml{"open_quote", "[worker]\nuser = \"x\n", "config.toml:2: this is not TOML ("},
                    BadToml{"key_twice", "[worker]\nuser = \"x\"\nuser = \"y\"\n", "config.toml:3: this is not TOML ("},
                    BadToml{"not_utf8", "[worker]\nuser = \"\xff\"\n", "config.toml:2: this is not TOML ("},
                    BadToml{"role_is_no_table", "worker = 5\n",
                            "config.toml:1: worker must be a table; write [worker] on a line of its own"}),
    [](const auto& test) { return test.param.name; });

TEST(SettingsDeclarationTest, DescribesOptionsForHelp) {
  const auto& entries = declaration().entries();
  const auto entry = [&entries](std::string_view key) { return *std::ranges::find(entries, key, &SettingEntry::key); };
  EXPECT_EQ(entries.front().key, "bind");
  EXPECT_EQ(entry("bind").flags, "-b,--bind");
  EXPECT_EQ(entry("bind").long_flag(), "--bind");
  EXPECT_EQ(entry("bind").environment_name(), "MITO_BIND");
  EXPECT_EQ(entry("bind").type.value_name, "IP:PORT");
  EXPECT_EQ(entry("bind").default_text, "127.0.0.1:5000");
  EXPECT_EQ(entry("heartbeat_timeout").default_text, "10m");
  EXPECT_EQ(entry("lifetime").default_text, "the coordinator's");
  EXPECT_EQ(entry("password").default_text, "");
  EXPECT_EQ(entry("private_path").long_flag(), "");
  EXPECT_EQ(entry("tags").type.kind, SettingKind::kList);
  EXPECT_EQ(entry("file_log").type.kind, SettingKind::kFlag);
  EXPECT_EQ(entry("file_log").default_text, "");
  EXPECT_EQ(entry("min_free").default_text, "256MiB");
  EXPECT_EQ(entry("threads").default_text, "4");
  EXPECT_EQ(entry("threads").type.most, 65535);
  EXPECT_EQ(entry("rule").default_text, "documented");
  EXPECT_EQ(entry("rule").type.names, (Words{"documented", "strict"}));
}

TEST(SettingsDeclarationTest, WritesTheReference) {
  const std::string text = declaration().reference();
  EXPECT_TRUE(text.starts_with("## `[worker]`\n\n| key |")) << text;
  for (const char* line :
       {"| `bind` | `MITO_BIND` | `-b`, `--bind` | `ip:port` | 127.0.0.1:5000 | Where to listen |\n",
        "| `heartbeat_timeout` | `MITO_HEARTBEAT_TIMEOUT` | `--heartbeat-timeout` | duration from 1s | 10m | Silence "
        "after which a worker is lost |\n",
        "| `coordinator_addr` | `MITO_COORDINATOR_ADDR` | `-c`, `--coordinator` | URL: `http://…`, `https://…` | "
        "http://127.0.0.1:5000 | ",
        "| `private_path` | `MITO_PRIVATE_PATH` | – | path | private.pem | Private key |\n",
        "| Password \\| secret |\n", "| `file_log` | `MITO_FILE_LOG` | `--file-log` | true or false | false | ",
        "| `threads` | `MITO_THREADS` | `--threads` | number from 1 to 65535 | 4 | ",
        "| `queue` | `MITO_QUEUE` | `--queue` | number from 0 | 1024 | ",
        "| `rule` | `MITO_RULE` | `--rule` | `documented`, `strict` | documented | "}) {
    EXPECT_NE(text.find(line), std::string::npos) << line << "\nis not in\n" << text;
  }
}

TEST(SettingsDeclarationTest, RefusesOneKeyTwice) {
  SettingsDeclaration<Settings> d("worker");
  d.add("user", "", &Settings::user, setting::text(), "");
  EXPECT_THROW(d.add("user", "", &Settings::user, setting::text(), ""), std::logic_error);
}

TEST(SettingsSourcesTest, OfTheProcessHasItsEnvironmentAndDirectory) {
  const auto sources = SettingsSources::from_process();
  EXPECT_FALSE(sources.environment.empty());
  EXPECT_TRUE(sources.working_directory.is_absolute());
}

}  // namespace
}  // namespace mito
