#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "security/token.h"

namespace mito::coordinator {

/// Where the token keys of a start came from.
struct LoadedKeys {
  security::TokenKeys keys;
  std::filesystem::path private_path;
  bool generated = false;
};

/// Loads the key pair. Each of the two files is looked for under its configured path (a relative one: in `folders`, in
/// order; then in `data`). Nothing when neither is anywhere. kUsage with the remedy when only one of them is there or
/// they cannot be used.
Result<std::optional<LoadedKeys>> find_keys(const std::filesystem::path& private_path,
                                            const std::filesystem::path& public_path,
                                            const std::vector<std::filesystem::path>& folders,
                                            const std::filesystem::path& data);

/// Likewise, but when neither is anywhere, a pair is made and kept in `data` (mode 0600).
Result<LoadedKeys> load_keys(const std::filesystem::path& private_path, const std::filesystem::path& public_path,
                             const std::vector<std::filesystem::path>& folders, const std::filesystem::path& data);

/// Where relative key files are looked for: the working directory and the folders of the configuration files.
std::vector<std::filesystem::path> key_folders(const std::vector<std::filesystem::path>& config_files);

}  // namespace mito::coordinator
