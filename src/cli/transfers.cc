#include "cli/transfers.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include <fmt/core.h>

#include "cli/text.h"
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

/// Each item in turn by `concurrent` threads.
std::vector<Fetched> fetch_all(Session& session, const client::Client& client, const std::vector<BatchItem>& items,
                               const fs::path& directory, std::size_t concurrent, ProgressBar& bar) {
  const auto names = distinct_names(items);
  std::vector<Fetched> fetched(items.size());
  std::atomic<std::size_t> next = 0;
  std::atomic<std::uint64_t> finished = 0;
  const auto progress = bar.callback();
  const auto work = [&] {
    for (std::size_t i = next++; i < items.size() && !session.stop().stop_requested(); i = next++) {
      auto result = client.download(items[i].url, directory / names[i], {}, session.stop());
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
    if (out.json()) json.push_back(url_json(item));
    if (out.quiet()) out.print(item.url + "\n");
    out.say(fmt::format("{}: {}", item.label, item.url));
  }
  if (out.json()) out.print_json_array(json);
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
    if (out.json()) json.push_back(file_json(*file));
    if (out.quiet()) out.print(file->path.string() + "\n");
    out.say(fmt::format("  {} ({}B)", file->path.string(), file->size));
  }
  if (out.json()) out.print_json_array(json);
  return files.size();
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
  const fs::path directory = arguments.value("output").value_or(".");
  std::error_code error;
  fs::create_directories(directory, error);
  if (error)
    return fail(ErrorCode::kIo, fmt::format("cannot make the directory {}: {}", directory.string(), error.message()));

  std::vector<Fetched> fetched;
  {
    ProgressBar bar(wants_progress(arguments), fmt::format("Downloading to {}", directory.string()),
                    ProgressUnit::kFiles);
    fetched = fetch_all(session, *client, items, directory, std::min<std::size_t>(concurrent, 64), bar);
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
    if (out.json()) out.print_json(url_json({.label = {}, .name = std::string(name), .alternative = {}, .url = url}));
    if (out.quiet()) out.print(url + "\n");
    out.say(fmt::format("{} URL: {}", thing, url));
    return 0;
  }
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const auto target = download_target(arguments.value("output"), name);
  Result<client::Download> file = fail(ErrorCode::kInternal);
  {
    ProgressBar bar(wants_progress(arguments), fmt::format("Downloading to {}", target.string()));
    file = client->download(url, target, bar.callback(), session.stop());
  }
  if (!file) return fail(std::move(file).error());
  switch (out.format()) {
    case Format::kJson:
      out.print_json(file_json(*file));
      break;
    case Format::kQuiet:
      out.print(file->path.string() + "\n");
      break;
    case Format::kTable:
      out.say(fmt::format("{} of size {}B downloaded to {}", thing, file->size, file->path.string()));
      break;
  }
  return 0;
}

}  // namespace mito::cli
