#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.h"
#include "cli/progress.h"
#include "cli/session.h"

// What all commands that download files have in common.
namespace mito::cli {

/// Where a single download goes: into `output` if that is a directory, to `output` otherwise, and without it to `name`
/// here.
std::filesystem::path download_target(const std::optional<std::string>& output, std::string_view name);

/// One of many files to fetch.
struct BatchItem {
  std::string label;        ///< `Task <uuid>`, `Attachment <key>`.
  std::string name;         ///< Wished file name, without directory.
  std::string alternative;  ///< A longer name, taken where `name` comes twice; may have directories.
  std::string url;
  std::string directory{};  ///< Where --extract unpacks it.
};

/// File names for the items, in order: no two alike, none outside of the directory they are to go to.
std::vector<std::string> distinct_names(const std::vector<BatchItem>& items);

/// The options of commands that download many files: -o, --no-download, --pb, --concurrent.
inline constexpr Argument kBatchOutput =
    option("output", 'o', "DIR", "The directory to download to").by_default(".").of(Argument::Values::kDirectory);
inline constexpr Argument kExtract =
    option("extract", 0, "DIR", "Unpack what was downloaded into this directory instead of keeping the archive")
        .of(Argument::Values::kDirectory);
inline constexpr Argument kBatchExtract =
    option("extract", 0, "DIR", "Unpack each archive into a directory of its own below this one")
        .of(Argument::Values::kDirectory);
inline constexpr Argument kNoDownload = flag("no-download", 0, "Only print the URL");
inline constexpr Argument kProgress = flag("pb", 0, "Show a progress bar");
inline constexpr Argument kConcurrent =
    option("concurrent", 0, "N", "How many files are transferred side by side").by_default("1");

/// Fetches all items, several side by side, and says so; `things` is `artifacts` or `attachments`. All are tried; the
/// first failure is the result.
Result<int> download_batch(Session& session, const Arguments& arguments, const std::vector<BatchItem>& items,
                           std::string_view things);

/// Fetches one file and says `<Thing> of size <n>B downloaded to <path>`, or only the URL with --no-download.
Result<int> download_one(Session& session, const Arguments& arguments, const std::string& url, std::string_view thing,
                         std::string_view name);

ShowProgress wants_progress(const Arguments& arguments);

}  // namespace mito::cli
