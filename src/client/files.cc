#include <system_error>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "client/client.h"
#include "http/client.h"

namespace mito::client {

namespace {

namespace fs = std::filesystem;

/// Bytes of a regular file that can be read.
Result<std::uint64_t> length_of(const fs::path& file) {
  std::error_code error;
  const auto status = fs::status(file, error);
  if (!fs::exists(status))
    return fail(ErrorCode::kIo, fmt::format("cannot read {}: No such file or directory", file.string()));
  if (fs::is_directory(status)) {
    return fail(ErrorCode::kIo,
                fmt::format("{} is a directory; an artifact is one file, packed for instance by: tar -czf {}.tar.gz {}",
                            file.string(), file.filename().string(), file.string()));
  }
  if (!fs::is_regular_file(status)) return fail(ErrorCode::kIo, fmt::format("{} is not a regular file", file.string()));
  const auto length = fs::file_size(file, error);
  if (error || ::access(file.c_str(), R_OK) != 0) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot read {}: {}", file.string(), error ? error.message() : "Permission denied"));
  }
  return length;
}

}  // namespace

Result<void> Client::put_file(const std::string& url, const fs::path& file, std::uint64_t length,
                              const Progress& progress, std::stop_token stop) const {
  http::ClientRequest request;
  request.method = "PUT";
  request.url = url;
  request.upload_file = file.string();
  request.upload_length = length;
  request.progress = progress;
  MITO_TRY_ASSIGN(const auto response, transport_->send_and_wait(std::move(request), std::move(stop)));
  if (response.status / 100 == 2) return {};
  auto error = error_of_answer(response.status, response.body);
  return fail(error.code(), fmt::format("the upload of {} was refused: {}", file.string(), error.text()),
              error.internal());
}

Result<Upload> Client::upload_attachment(std::string_view group, std::string_view key, const fs::path& file,
                                         const Progress& progress, std::stop_token stop) const {
  MITO_TRY_ASSIGN(const auto length, length_of(file));
  MITO_TRY_ASSIGN(const auto place,
                  begin_attachment_upload(group, {.key = std::string(key), .content_length = length}, stop));
  MITO_TRY(put_file(place.url, file, length, progress, std::move(stop)));
  return place.exist ? Upload::kReplaced : Upload::kNew;
}

Result<Upload> Client::upload_artifact(TaskUuid uuid, ArtifactContentType type, const fs::path& file,
                                       const Progress& progress, std::stop_token stop) const {
  MITO_TRY_ASSIGN(const auto length, length_of(file));
  MITO_TRY_ASSIGN(const auto place,
                  begin_artifact_upload(uuid, {.content_type = type, .content_length = length}, stop));
  MITO_TRY(put_file(place.url, file, length, progress, std::move(stop)));
  return place.exist ? Upload::kReplaced : Upload::kNew;
}

std::string clean_key(std::string_view key) {
  const bool absolute = key.starts_with('/');
  std::vector<std::string_view> parts;
  while (!key.empty()) {
    const auto slash = key.find('/');
    const auto part = key.substr(0, slash);
    key.remove_prefix(slash == std::string_view::npos ? key.size() : slash + 1);
    if (part.empty() || part == ".") continue;
    if (part == ".." && !parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (part != ".." || !absolute) {
      parts.push_back(part);
    }
  }
  std::string clean = absolute ? "/" : "";
  for (std::size_t i = 0; i < parts.size(); ++i)
    clean.append(i == 0 ? "" : "/").append(parts[i]);
  return clean.empty() ? "." : clean;
}

Result<std::string> attachment_key(std::string_view key, const fs::path& file) {
  std::string whole(key);
  if (whole.empty() || whole.ends_with('/')) {
    const auto name = file.filename().string();
    if (name.empty() || name == "." || name == "..") {
      return fail(ErrorCode::kUsage,
                  fmt::format("{} has no file name to make a key of; give the key behind it", file.string()));
    }
    whole += name;
  }
  return clean_key(whole);
}

}  // namespace mito::client
