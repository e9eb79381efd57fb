#include "cli/live_values.h"

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/time.h"
#include "cli/humane.h"
#include "cli/task_view.h"
#include "cli/text.h"
#include "protocol/codec.h"

namespace mito::cli {

namespace fs = std::filesystem;
using std::chrono::seconds;
using std::chrono::steady_clock;
using Values = Argument::Values;

namespace {

constexpr seconds kPatience(2);
constexpr seconds kFresh(5);
constexpr std::uint64_t kMost = 200;
constexpr std::size_t kHelpWidth = 50;

/// Stops a request that takes too long for somebody who pressed Tab.
class Deadline {
 public:
  Deadline()
      : timer_([this](const std::stop_token& over) {
          std::mutex mutex;
          std::condition_variable_any condition;
          std::unique_lock lock(mutex);
          condition.wait_for(lock, over, kPatience, [] { return false; });
          if (!over.stop_requested()) request_.request_stop();
        }) {}
  [[nodiscard]] std::stop_token token() const { return request_.get_token(); }

 private:
  std::stop_source request_;
  std::jthread timer_;
};

std::vector<Candidate> tasks(const client::Client& client, const std::string& group, const std::stop_token& stop) {
  std::vector<Candidate> found;
  protocol::TasksQueryReq request;
  request.group_name = group;
  request.limit = kMost;
  const auto answer = client.query_tasks(request, stop);
  if (!answer) return found;
  for (const auto& task : answer->tasks) {
    const auto spec = protocol::decode<TaskSpec>(task.spec.text).value_or(TaskSpec{});
    const std::string about = describe_task(condition_of(task)) + ": " + printable(shell_words(spec.args));
    found.push_back({.text = task.uuid.to_string(), .help = shorten(about, kHelpWidth)});
  }
  return found;
}

std::vector<Candidate> workers(const client::Client& client, const std::string& group, const std::stop_token& stop) {
  std::vector<Candidate> found;
  protocol::WorkersQueryReq request;
  request.group_name = group;
  request.detail = true;
  const auto answer = client.query_workers(request, stop);
  if (!answer) return found;
  for (const auto& worker : answer->workers) {
    auto host = worker.info
                    ? protocol::decode<protocol::WorkerHostInfo>(worker.info->text).value_or(protocol::WorkerHostInfo{})
                    : protocol::WorkerHostInfo{};
    const std::string about =
        host.name.value_or("") + (host.name && host.host ? "@" : "") + host.host.value_or("") + " " + join(worker.tags);
    found.push_back({.text = worker.worker_id.to_string(), .help = shorten(printable(about), kHelpWidth)});
    if (found.size() == kMost) break;
  }
  return found;
}

std::vector<Candidate> groups(const client::Client& client, const std::stop_token& stop) {
  std::vector<Candidate> found;
  const auto answer = client.user_groups(stop);
  if (!answer) return found;
  for (const auto& [name, role] : answer->groups)
    found.push_back({.text = name, .help = std::string(to_string(role))});
  return found;
}

std::vector<Candidate> users(const client::Client& client, const std::string& group, const std::stop_token& stop) {
  std::vector<Candidate> found;
  protocol::AdminUsersQueryReq everybody;
  everybody.limit = kMost;
  if (const auto all = client.query_users(everybody, stop)) {
    for (const auto& user : all->users)
      found.push_back({.text = user.username, .help = user.admin ? "admin" : ""});
    return found;
  }
  const auto answer = client.get_group(group, stop);  // who is no admin sees those of the group
  if (!answer || !answer->users_in_group) return found;
  for (const auto& [name, role] : *answer->users_in_group)
    found.push_back({.text = name, .help = std::string(to_string(role))});
  return found;
}

std::vector<Candidate> attachments(const client::Client& client, const std::string& group,
                                   const std::stop_token& stop) {
  std::vector<Candidate> found;
  protocol::AttachmentsQueryReq request;
  request.limit = kMost;
  const auto answer = client.query_attachments(group, request, stop);
  if (!answer) return found;
  for (const auto& attachment : answer->attachments)
    found.push_back({.text = attachment.key, .help = {}});
  return found;
}

}  // namespace

std::vector<Candidate> file_candidates(const std::string& begun, Values values) {
  const auto slash = begun.rfind('/');
  const std::string directory = slash == std::string::npos ? "" : begun.substr(0, slash + 1);
  const std::string name = begun.substr(directory.size());
  std::vector<Candidate> found;
  std::error_code error;
  for (fs::directory_iterator entry(directory.empty() ? fs::path(".") : fs::path(directory), error), end;
       !error && entry != end; entry.increment(error)) {
    const std::string file = entry->path().filename().string();
    if (!file.starts_with(name) || (file.starts_with('.') && !name.starts_with('.'))) continue;
    std::error_code ignored;
    const bool is_directory = entry->is_directory(ignored);
    if (is_directory || values == Values::kFile)
      found.push_back({.text = directory + file + (is_directory ? "/" : ""), .help = {}});
  }
  std::ranges::sort(found, {}, &Candidate::text);
  return found;
}

std::vector<Candidate> LiveCandidates::ask(Values values, const std::string& group) const {
  const auto connected = session_.client();
  if (!connected) return {};
  const client::Client& client = **connected;
  const Deadline deadline;
  const std::string named = group.empty() ? session_.username() : group;
  switch (values) {
    case Values::kTask:
      return tasks(client, named, deadline.token());
    case Values::kWorker:
      return workers(client, named, deadline.token());
    case Values::kGroup:
      return groups(client, deadline.token());
    case Values::kUser:
      return users(client, named, deadline.token());
    case Values::kAttachment:
      return attachments(client, named, deadline.token());
    case Values::kAny:
    case Values::kFile:
    case Values::kDirectory:
      return {};
  }
  return {};
}

std::vector<Candidate> LiveCandidates::operator()(Values values, const std::string& begun, const Arguments& given) {
  if (values == Values::kFile || values == Values::kDirectory) return file_candidates(begun, values);
  const std::string group = given.value("group").value_or("");
  auto& kept = kept_[{values, group}];
  const auto now = steady_clock::now();
  if (kept.candidates.empty() || now - kept.at > kFresh) kept = {.candidates = ask(values, group), .at = now};
  return kept.candidates;
}

}  // namespace mito::cli
