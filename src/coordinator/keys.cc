#include "coordinator/keys.h"

#include <optional>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "coordinator/data_directory.h"

namespace mito::coordinator {

namespace fs = std::filesystem;

namespace {

constexpr const char* kRemedy =
    "Make a pair with `openssl genpkey -algorithm ed25519 -out private.pem` and `openssl pkey -in private.pem -pubout "
    "-out public.pem`, or remove both files to have one made.";

/// The first of the places that has the file.
std::optional<fs::path> find(const fs::path& name, const std::vector<fs::path>& folders) {
  std::error_code ignored;
  for (const fs::path& folder : folders) {
    fs::path candidate = folder / name;  // An absolute name replaces the folder.
    if (fs::exists(candidate, ignored)) return candidate;
  }
  return std::nullopt;
}

}  // namespace

Result<std::optional<LoadedKeys>> find_keys(const fs::path& private_path, const fs::path& public_path,
                                            const std::vector<fs::path>& folders, const fs::path& data) {
  std::vector<fs::path> places = folders;
  places.push_back(data);
  const auto private_file = find(private_path, places);
  const auto public_file = find(public_path, places);
  if (!private_file && !public_file) {
    if (private_path.is_absolute() || public_path.is_absolute())
      return fail(ErrorCode::kUsage, fmt::format("The key files {} and {} are not there. {}", private_path.string(),
                                                 public_path.string(), kRemedy));
    return std::nullopt;
  }
  if (!private_file || !public_file)
    return fail(ErrorCode::kUsage, fmt::format("{} is there, but its other half {} is not. {}",
                                               (private_file ? *private_file : *public_file).string(),
                                               (private_file ? public_path : private_path).string(), kRemedy));
  MITO_TRY_ASSIGN(const std::string private_pem, read_small_file(*private_file));
  MITO_TRY_ASSIGN(const std::string public_pem, read_small_file(*public_file));
  auto keys = security::TokenKeys::from_pem(private_pem, public_pem);
  if (!keys)
    return fail(ErrorCode::kUsage,
                fmt::format("The keys {} and {} cannot be used: {}", private_file->string(), public_file->string(),
                            keys.error().text()),
                keys.error().internal());
  return LoadedKeys{.keys = std::move(*keys), .private_path = *private_file};
}

Result<LoadedKeys> load_keys(const fs::path& private_path, const fs::path& public_path,
                             const std::vector<fs::path>& folders, const fs::path& data) {
  MITO_TRY_ASSIGN(auto found, find_keys(private_path, public_path, folders, data));
  if (found) return *std::move(found);
  MITO_TRY_ASSIGN(security::TokenKeys keys, security::TokenKeys::generate());
  const fs::path kept = data / private_path.filename();
  // The public key first: a crash in between leaves a public key alone, which the message above explains.
  MITO_TRY(write_private_file(data / public_path.filename(), keys.public_pem()));
  MITO_TRY(write_private_file(kept, keys.private_pem()));
  return LoadedKeys{.keys = std::move(keys), .private_path = kept, .generated = true};
}

std::vector<fs::path> key_folders(const std::vector<fs::path>& config_files) {
  std::error_code ignored;
  std::vector<fs::path> folders{fs::current_path(ignored)};
  for (const fs::path& file : config_files)
    folders.push_back(file.parent_path());
  return folders;
}

}  // namespace mito::coordinator
