#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "client/settings.h"
#include "coordinator/settings.h"
#include "worker/settings.h"

namespace {

constexpr const char* kIntroduction = R"(# Settings

Every setting of the three roles. They are merged in this order, later wins: defaults, `$XDG_CONFIG_HOME/mitosis/config.toml` (or
`~/.config/mitosis/config.toml`), the file given with `--config` or else a `config.toml` in the working directory or one of its parents, the
environment, the command line. In a file, a role's settings stand in the table that bears its name; the tables `[default]` and `[global]` hold for
all roles, weaker and stronger than the role's own. Relative paths in a file are relative to that file.

Lists are written `a,b` or `[a,b]` in the environment, durations with a unit (`30s`, `1h 30m`, `7d`), sizes as bytes or with one (`10MB`, `1GiB`).

This page is written from the program's own declarations: `MITO_ACCEPT=1 build/release/bin/unit_cli --gtest_filter='SettingsReference.*'`.

)";

TEST(SettingsReference, IsWhatThePageSays) {
  const std::string path = std::string(MITO_SOURCE_DIR) + "/docs/settings.md";
  const std::string expected = std::string(kIntroduction) + mito::coordinator::settings_declaration().reference() +
                               "\n" + mito::worker::settings_declaration().reference() + "\n" +
                               mito::client::settings_declaration().reference();
  if (std::getenv("MITO_ACCEPT") != nullptr) std::ofstream(path) << expected;
  std::stringstream found;
  found << std::ifstream(path).rdbuf();
  EXPECT_EQ(found.str(), expected) << "docs/settings.md is stale; the page says how to write it anew";
}

}  // namespace
