#include "coordinator/settings.h"

#include <string>

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

SettingsSources nothing() {
  SettingsSources sources;
  sources.working_directory = "/nowhere";
  return sources;
}

TEST(BindAddress, IsAnAddressAndAPort) {
  const auto four = BindAddress::parse("127.0.0.1:5000");
  ASSERT_TRUE(four);
  EXPECT_EQ(four->host, "127.0.0.1");
  EXPECT_EQ(four->port, 5000);
  EXPECT_EQ(four->to_string(), "127.0.0.1:5000");
  const auto six = BindAddress::parse("[::1]:0");
  ASSERT_TRUE(six);
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->to_string(), "[::1]:0");
  for (const char* bad : {"", "127.0.0.1", "localhost:5000", "::1:5000", "[127.0.0.1]:1", "127.0.0.1:", "127.0.0.1:x",
                          "127.0.0.1:65536", ":5000", "127.0.0.1:5000 "})
    EXPECT_FALSE(BindAddress::parse(bad)) << bad;
}

TEST(BindAddress, KnowsLoopback) {
  EXPECT_TRUE(is_loopback_address("127.0.0.1"));
  EXPECT_TRUE(is_loopback_address("127.8.8.8"));
  EXPECT_TRUE(is_loopback_address("::1"));
  EXPECT_TRUE(is_loopback_address("::ffff:127.0.0.1"));
  EXPECT_FALSE(is_loopback_address("0.0.0.0"));
  EXPECT_FALSE(is_loopback_address("::"));
  EXPECT_FALSE(is_loopback_address("192.168.1.1"));
  EXPECT_FALSE(is_loopback_address("localhost"));
}

TEST(Settings, DefaultsAreThoseOfTheOriginal) {
  const auto loaded = settings_declaration().load(nothing());
  ASSERT_TRUE(loaded) << loaded.error().text();
  const Settings& settings = loaded->settings;
  EXPECT_EQ(settings.bind, "127.0.0.1:5000");
  EXPECT_EQ(settings.admin_user, "mitosis_admin");
  EXPECT_FALSE(settings.admin_password);
  EXPECT_EQ(settings.access_token_private_path, "private.pem");
  EXPECT_EQ(settings.access_token_expires_in, std::chrono::hours(24 * 7));
  EXPECT_EQ(settings.heartbeat_timeout, std::chrono::seconds(600));
  EXPECT_EQ(settings.db_url, "");
  EXPECT_EQ(settings.tag_matching, TagMatching::kDocumented);
  EXPECT_FALSE(settings.open_groups);
}

TEST(Settings, EveryKeyOfTheOriginalIsThere) {
  for (const char* key : {"bind",
                          "db_url",
                          "s3_url",
                          "s3_access_key",
                          "s3_secret_key",
                          "s3_region",
                          "s3_force_path_style",
                          "artifacts_bucket",
                          "attachments_bucket",
                          "redis_url",
                          "redis_worker_password",
                          "redis_client_password",
                          "redis_skip_acl_rules",
                          "admin_user",
                          "admin_password",
                          "access_token_private_path",
                          "access_token_public_path",
                          "access_token_expires_in",
                          "heartbeat_timeout",
                          "log_path",
                          "file_log"}) {
    const auto& entries = settings_declaration().entries();
    EXPECT_TRUE(std::any_of(entries.begin(), entries.end(), [&](const SettingEntry& entry) {
      return entry.key == key;
    })) << key;
  }
}

TEST(Settings, ReadsEnvironmentAndCommandLine) {
  SettingsSources sources = nothing();
  sources.environment = {
      {"MITO_ADMIN_PASSWORD", "12345678"}, {"MITO_HEARTBEAT_TIMEOUT", "30s"}, {"MITO_TAG_MATCHING", "strict"}};
  sources.command_line = {
      {"heartbeat_timeout", {"1m"}}, {"trusted_proxies", {"10.0.0.1,10.0.0.2"}}, {"min_free", {"1GiB"}}};
  const auto loaded = settings_declaration().load(sources);
  ASSERT_TRUE(loaded) << loaded.error().text();
  EXPECT_EQ(loaded->settings.admin_password, "12345678") << "an all-digit password is a text";
  EXPECT_EQ(loaded->settings.heartbeat_timeout, std::chrono::minutes(1));
  EXPECT_EQ(loaded->settings.chosen_tag_matching, TagMatching::kStrict);
  EXPECT_EQ(loaded->settings.trusted_proxies, (std::vector<std::string>{"10.0.0.1", "10.0.0.2"}));
  EXPECT_EQ(loaded->settings.min_free, std::uint64_t{1} << 30);
}

TEST(Settings, RefusesWhatMakesNoSense) {
  for (const auto& [key, value] : {std::pair{"bind", "localhost:5000"},
                                   {"heartbeat_timeout", "5"},
                                   {"tag_matching", "loose"},
                                   {"db_url", "mysql://x"},
                                   {"public_url", "example.org"},
                                   {"read_threads", "0"}}) {
    SettingsSources sources = nothing();
    sources.command_line = {{key, {value}}};
    const auto loaded = settings_declaration().load(sources);
    ASSERT_FALSE(loaded) << key << " = " << value;
    EXPECT_EQ(loaded.error().code(), ErrorCode::kUsage);
  }
}

}  // namespace
}  // namespace mito::coordinator
