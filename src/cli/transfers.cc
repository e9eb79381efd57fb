#include "cli/transfers.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <thread>
#include <unistd.h>
#include <utility>

#include <fmt/core.h>

#include "cli/text.h"
#include "cli/unpack.h"
#include "cli/values.h"
#include "protocol/json_writer.h"

namespace mito::cli {

namespace fs = std::filesystem;

namespace {

/// The relative path with every part that would lead elsewhere replaced.
std::string inside(std::string_view name) {
  std::string safe;
  for (const auto& part : fs::path(std::string(name))) {
    const std::string text = part.string();
    if (text.empty() || text == "/") continue;
    safe.append(safe.empty() ? "" : "/").append(text == "." || text == ".." ? "_" : text);
  }
  return safe.empty() ? "_" : safe;
}

struct Fetched {
  std::optional<client::Download> file;
  std::optional<Error> error;
};

bool same_bytes(const fs::path& one, const fs::path& other) {
  std::error_code error;
  if (fs::file_size(one, error) != fs::file_size(other, error) || error) return false;
  std::ifstream a(one, std::ios::binary);
  std::ifstream b(other, std::ios::binary);
  return std::equal(std::istreambuf_iterator<char>(a), {}, std::istreambuf_iterator<char>(b));
}

/// Moves what was downloaded to the first of its names that nothing else has. A file that is there already and has the
/// same bytes is the same download.
Result<fs::path> place(const fs::path& file, const fs::path& directory, const std::string& name,
                       const std::string& alternative) {
  std::error_code error;
  for (int number = 0;; ++number) {
    fs::path target = directory / (number == 0   ? name
                                   : number == 1 ? alternative
                                                 : fmt::format("{}.{}", alternative, number));
    if (target.has_parent_path()) fs::create_directories(target.parent_path(), error);
    if (::link(file.c_str(), target.c_str()) == 0 || (fs::exists(target, error) && same_bytes(file, target))) {
      fs::remove(file, error);
      return target;
    }
    if (fs::exists(target, error)) continue;
    fs::rename(file, target, error);  // a file system without links
    if (!error) return target;
    return fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", target.string(), error.message()));
  }
}

/// One item: downloaded under a name of its own, then put where it belongs, or unpacked.
Result<client::Download> fetch(const client::Client& client, const BatchItem& item, const std::string& name,
                               const fs::path& directory, const std::optional<fs::path>& extract,
                               const std::stop_token& stop) {
  fs::path hidden = directory / name;
  hidden.replace_filename(".mito-" + hidden.filename().string());
  MITO_TRY_ASSIGN(auto file, client.download(item.url, hidden, {}, stop));
  if (!extract) {
    MITO_TRY_ASSIGN(file.path, place(file.path, directory, name, inside(item.alternative)));
    return file;
  }
  const fs::path target = *extract / inside(item.directory.empty() ? name : item.directory);
  auto unpacked = unpack_all(file.path, target);
  std::error_code ignored;
  fs::remove(file.path, ignored);
  MITO_TRY(std::move(unpacked));
  file.path = target;
  return file;
}

/// Each item in turn by `concurrent` threads.
std::vector<Fetched> fetch_all(Session& session, const client::Client& client, const std::vector<BatchItem>& items,
                               const fs::path& directory, const std::optional<fs::path>& extract,
                               std::size_t concurrent, ProgressBar& bar) {
  const auto names = distinct_names(items);
  std::vector<Fetched> fetched(items.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> finished = 0;
  const auto progress = bar.callback();
  const auto stop = session.stop();
  const auto work = [&] {
    for (std::size_t i = next++; i < items.size() && !stop.stop_requested(); i = next++) {
      auto result = fetch(client, items[i], names[i], directory, extract, stop);
      if (result) {
        fetched[i].file = std::move(*result);
      } else {
        fetched[i].error = std::move(result).error();
      }
      if (progress) progress(++finished, items.size());
    }
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 1; i < std::min(concurrent, items.size()); ++i)
    threads.emplace_back(work);
  work();
  return fetched;
}

std::string url_json(const BatchItem& item) {
  protocol::JsonWriter json;
  json.begin_object();
  json.key("file");
  json.string(item.name);
  json.key("url");
  json.string(item.url);
  json.end_object();
  return json.take();
}

std::string file_json(const client::Download& file) {
  protocol::JsonWriter json;
  json.begin_object();
  json.key("path");
  json.string(file.path.string());
  json.key("size");
  json.natural(file.size);
  json.end_object();
  return json.take();
}

int print_urls(Output& out, const std::vector<BatchItem>& items, std::string_view things) {
  std::vector<std::string> json;
  for (const auto& item : items) {
    if (out.structured()) json.push_back(url_json(item));
    if (out.names()) out.print(item.url + "\n");
    out.say(fmt::format("{}: {}", item.label, item.url));
  }
  if (out.structured()) out.print_list(json);
  out.say(fmt::format("Downloaded 0 {}", things));
  return 0;
}

/// Says what came; how many files that were.
std::size_t print_fetched(Output& out, const std::vector<BatchItem>& items, const std::vector<Fetched>& fetched,
                          std::string_view things) {
  std::vector<std::string> json;
  std::vector<const client::Download*> files;
  for (std::size_t i = 0; i < fetched.size(); ++i) {
    if (fetched[i].file) files.push_back(&*fetched[i].file);
    if (fetched[i].error) out.warn(fmt::format("{}: {}", items[i].label, fetched[i].error->text()));
  }
  out.say(fmt::format("Downloaded {} {}", files.size(), things));
  for (const auto* file : files) {
    if (out.structured()) json.push_back(file_json(*file));
    if (out.names()) out.print(file->path.string() + "\n");
    out.say(fmt::format("  {} ({}B)", file->path.string(), file->size));
  }
  if (out.structured()) out.print_list(json);
  return files.size();
}

std::optional<fs::path> directory_of(const std::optional<std::string>& text) {
  return text ? std::optional<fs::path>(*text) : std::nullopt;
}

}  // namespace

ShowProgress wants_progress(const Arguments& arguments) {
  return arguments.has("pb") ? ShowProgress::kYes : ShowProgress::kNo;
}

fs::path download_target(const std::optional<std::string>& output, std::string_view name) {
  if (!output) return fs::path(std::string(name));
  std::error_code error;
  const bool directory = output->ends_with('/') || fs::is_directory(*output, error);
  return directory ? fs::path(*output) / std::string(name) : fs::path(*output);
}

std::vector<std::string> distinct_names(const std::vector<BatchItem>& items) {
  std::map<std::string, std::size_t> count;
  for (const auto& item : items)
    ++count[inside(item.name)];
  std::set<std::string> taken;
  std::vector<std::string> names;
  for (const auto& item : items) {
    std::string name = inside(item.name);
    if (count[name] > 1) name = inside(item.alternative);
    const std::string wished = name;
    for (int number = 2; !taken.insert(name).second; ++number)
      name = fmt::format("{}.{}", wished, number);
    names.push_back(std::move(name));
  }
  return names;
}

Result<int> download_batch(Session& session, const Arguments& arguments, const std::vector<BatchItem>& items,
                           std::string_view things) {
  MITO_TRY_ASSIGN(const auto concurrent, count_value("--concurrent", arguments.value("concurrent").value_or("1"), 1));
  if (arguments.has("no-download")) return print_urls(session.out(), items, things);
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const auto extract = directory_of(arguments.value("extract"));
  const fs::path directory = arguments.value("output").value_or(extract ? extract->string() : ".");
  std::error_code error;
  fs::create_directories(directory, error);
  if (error)
    return fail(ErrorCode::kIo, fmt::format("cannot make the directory {}: {}", directory.string(), error.message()));

  std::vector<Fetched> fetched;
  {
    ProgressBar bar(session.out(), wants_progress(arguments), fmt::format("Downloading to {}", directory.string()),
                    ProgressUnit::kFiles);
    fetched = fetch_all(session, *client, items, directory, extract, std::min<std::size_t>(concurrent, 64), bar);
  }
  const std::size_t count = print_fetched(session.out(), items, fetched, things);
  if (session.stop().stop_requested()) return fail(ErrorCode::kCancelled, "interrupted");
  const auto failed = std::ranges::find_if(fetched, [](const Fetched& one) { return one.error.has_value(); });
  if (failed == fetched.end()) return 0;
  return fail(failed->error->code(),
              fmt::format("{} of {} {} could not be downloaded", items.size() - count, items.size(), things));
}

Result<int> download_one(Session& session, const Arguments& arguments, const std::string& url, std::string_view thing,
                         std::string_view name) {
  auto& out = session.out();
  if (arguments.has("no-download")) {
    if (out.structured())
      out.print_object(url_json({.label = {}, .name = std::string(name), .alternative = {}, .url = url}));
    if (out.names()) out.print(url + "\n");
    out.say(fmt::format("{} URL: {}", thing, url));
    return 0;
  }
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const auto extract = directory_of(arguments.value("extract"));
  if (extract && arguments.has("output"))
    return fail(ErrorCode::kUsage, "--output keeps the archive, --extract unpacks it: give one of them");
  if (extract) {
    std::error_code error;
    fs::create_directories(*extract, error);
  }
  const auto target = extract ? *extract / (".mito-" + fs::path(std::string(name)).filename().string())
                              : download_target(arguments.value("output"), name);
  Result<client::Download> file = fail(ErrorCode::kInternal);
  {
    ProgressBar bar(session.out(), wants_progress(arguments), fmt::format("Downloading to {}", target.string()));
    file = client->download(url, target, bar.callback(), session.stop());
  }
  if (!file) return fail(std::move(file).error());
  if (extract) {
    auto unpacked = unpack_all(file->path, *extract);
    std::error_code ignored;
    fs::remove(file->path, ignored);
    MITO_TRY_ASSIGN(const auto count, std::move(unpacked));
    file->path = *extract;
    out.show(file_json(*file), extract->string(),
             fmt::format("{} of size {}B downloaded and unpacked: {} files in {}\n", thing, file->size, count,
                         printable(extract->string())));
    return 0;
  }
  const std::string path = printable(file->path.string());
  out.show(file_json(*file), path, fmt::format("{} of size {}B downloaded to {}\n", thing, file->size, path));
  return 0;
}

}  // namespace mito::cli
