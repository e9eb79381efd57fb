#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/settings.h"

namespace mito {

/// A value as a TOML file has it, with what is needed to say where it stands.
struct RawSetting {
  enum class Form { kText, kInteger, kFlag, kList, kOther };
  Form form = Form::kText;
  std::string text;                ///< As written in the file but without quotes; of kOther: what it is ("a table").
  std::vector<std::string> items;  ///< Of kList; only texts.
  std::size_t line = 0;
};

/// Reads the text of an environment variable or of one word of the command line. Relative paths are taken from `base`.
/// The error says what is allowed, without place and key.
Result<SettingValue> read_setting(const SettingType& type, std::string_view text, const std::filesystem::path& base);

/// Reads a value of a TOML file: texts, numbers and flags must be written as such there.
Result<SettingValue> read_setting(const SettingType& type, const RawSetting& raw, const std::filesystem::path& base);

/// `a,b` or `[a, "b"]` as its items; empty ones are left out.
std::vector<std::string> split_list(std::string_view text);

}  // namespace mito
