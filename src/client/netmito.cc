#include "client/netmito.h"

#include <algorithm>
#include <cstdlib>
#include <mutex>

#include "base/uuid.h"
#include "client/credentials.h"
#include "client/endpoints.h"
#include "client/event_lines.h"
#include "client/pauses.h"
#include "http/client.h"
#include "security/password.h"

namespace mito::client {

using namespace protocol;

namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds kLongestHold = 25s;
constexpr std::size_t kPartTasks = 500;
constexpr std::size_t kPartBytes = 1 << 20;
constexpr int kAttempts = 6;

/// Fails where a person would be asked: a library has nobody at hand.
class NobodyToAsk : public Prompt {
 public:
  Result<std::string> ask(std::string_view) override { return fail(ErrorCode::kUsage, "nobody can be asked"); }
  Result<std::string> ask_secret(std::string_view) override { return fail(ErrorCode::kUsage, "nobody can be asked"); }
};

void take_from_environment(std::optional<std::string>& value, const char* name) {
  const char* text = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): read before any thread of ours is started
  if (!value && text != nullptr && *text != '\0') value = text;
}

ClientConfig completed(ClientConfig config) {
  take_from_environment(config.coordinator_addr, "MITO_COORDINATOR_ADDR");
  take_from_environment(config.user, "MITO_USER");
  take_from_environment(config.password, "MITO_PASSWORD");
  std::optional<std::string> ca_file;
  take_from_environment(ca_file, "MITO_CA_FILE");
  if (!config.ca_file && ca_file) config.ca_file = *ca_file;
  return config;
}

Result<Address> address_of(const ClientConfig& config) {
  return Address::parse(config.coordinator_addr.value_or("http://127.0.0.1:5000"));
}

/// Whether the same request may succeed a little later.
bool is_passing(const Error& error) {
  return error.code() == ErrorCode::kUnreachable || error.code() == ErrorCode::kTimeout ||
         error.code() == ErrorCode::kProtocol || error.code() == ErrorCode::kUnavailable ||
         error.code() == ErrorCode::kTooManyRequests;
}

/// Whether the request may have been carried out all the same.
bool leaves_open(const Error& error) {
  return error.code() == ErrorCode::kTimeout || error.code() == ErrorCode::kProtocol;
}

std::string_view state_of(const TaskQueryResp& task) {
  return task.exec_state ? to_string(*task.exec_state) : to_string(task.info.state);
}

}  // namespace

struct MitoClient::Connection {
  Connection(const ClientConfig& config, Address address)
      : client(std::move(address),
               std::make_shared<http::Client>(http::ClientSettings{
                   .user_agent = "netmito", .ca_file = config.ca_file ? config.ca_file->string() : std::string()})) {
    client.set_timeout(config.timeout);
  }

  Client client;
  std::mutex logging_in;
  std::optional<Login> login;
  std::mutex starting_threads;
  std::unique_ptr<Threads> threads;
};

MitoClient::MitoClient(ClientConfig config) : config_(completed(std::move(config))) {
  connection_ = std::make_unique<Connection>(config_, unwrap(address_of(config_)));
}

MitoClient::~MitoClient() {
  connection_->threads.reset();  // The calls under way use all the rest.
}

Result<std::unique_ptr<MitoClient>> MitoClient::create(ClientConfig config) {
  MITO_TRY(address_of(completed(config)));
  return std::make_unique<MitoClient>(std::move(config));
}

Result<std::string> MitoClient::connect(std::stop_token stop) {
  const std::lock_guard one_at_a_time(connection_->logging_in);
  if (connection_->login) return connection_->login->username;
  auto& client = connection_->client;
  NobodyToAsk prompt;
  const LoginSettings settings{.credential_path = config_.credential_path,
                               .user = config_.user,
                               .password = config_.password,
                               .coordinator = config_.coordinator_addr ? Choice::kNamed : Choice::kDefault};
  MITO_TRY_ASSIGN(auto login, client::connect(client, settings, prompt, std::move(stop)));
  if (config_.password) {
    client.set_renewal([this, store = login.store, user = login.username]() -> Result<std::string> {
      Client fresh = connection_->client.without_token();
      MITO_TRY(log_in(fresh, store, user, *config_.password, OtherSessions::kKeep));
      return fresh.token();
    });
  }
  connection_->login = std::move(login);
  return connection_->login->username;
}

Result<void> MitoClient::require_login(const std::stop_token& stop) {
  MITO_TRY(connect(stop));
  return {};
}

const Client& MitoClient::api() const {
  return connection_->client;
}

Threads& MitoClient::threads() {
  const std::lock_guard lock(connection_->starting_threads);
  if (!connection_->threads) connection_->threads = std::make_unique<Threads>(config_.threads);
  return *connection_->threads;
}

Result<void> MitoClient::admin_create_user(const AdminCreateUserArgs& args, std::stop_token stop) {
  MITO_TRY(require_login(stop));
  return api().create_user(
      {.username = args.username, .md5_password = security::digest_password(args.password), .admin = args.admin},
      std::move(stop));
}

Result<SubmitTaskResp> MitoClient::submit(SubmitTaskReq request, std::stop_token stop) {
  std::vector<SubmitTaskReq> one;
  one.push_back(std::move(request));
  MITO_TRY_ASSIGN(auto outcomes, submit_many(std::move(one), std::move(stop)));
  if (auto* refused = std::get_if<ErrorMsg>(&outcomes.front()))
    return fail(ErrorCode::kInvalidRequest, std::move(refused->msg));
  return std::get<SubmitTaskResp>(std::move(outcomes.front()));
}

Result<std::vector<SubmitTaskOutcome>> MitoClient::submit_many(std::vector<SubmitTaskReq> requests,
                                                               std::stop_token stop) {
  MITO_TRY(require_login(stop));
  std::vector<SubmitTaskOutcome> outcomes;
  outcomes.reserve(requests.size());
  for (std::size_t next = 0; next < requests.size();) {
    TasksSubmitReq part;
    for (std::size_t bytes = 0; next < requests.size() && part.tasks.size() < kPartTasks && bytes < kPartBytes;) {
      auto& request = requests[next++];
      if (!request.uuid) request.uuid = TaskUuid{Uuid::make_ordered(Clock::system().now())};
      bytes += encode(request).size();
      part.tasks.push_back(std::move(request));
    }
    MITO_TRY_ASSIGN(auto answer, submit_part(part, stop));
    std::ranges::move(answer.results, std::back_inserter(outcomes));
  }
  return outcomes;
}

Result<TasksSubmitResp> MitoClient::submit_part(const TasksSubmitReq& part, const std::stop_token& stop) {
  Pauses pauses;
  for (int attempt = 1;; ++attempt) {
    auto answer = api().submit_tasks(part, stop);
    if (answer && answer->results.size() != part.tasks.size())
      return fail(ErrorCode::kProtocol, "the coordinator answered for another number of tasks than were submitted");
    if (answer || attempt == kAttempts || !is_passing(answer.error())) return answer;
    if (leaves_open(answer.error()) && !is_ours(stop).value_or(true)) return answer;
    pauses.failed();
    MITO_TRY(pauses.pause(std::chrono::milliseconds::max(), stop));
  }
}

Result<bool> MitoClient::is_ours(const std::stop_token& stop) const {
  auto document = api().call("GET", "/openapi.json", {}, std::string(), stop);
  if (document) return true;
  if (document.error().code() == ErrorCode::kNotFound) return false;
  return fail(std::move(document).error());
}

Result<TaskQueryResp> MitoClient::wait(TaskUuid task, std::chrono::milliseconds timeout, std::stop_token stop) {
  using Time = std::chrono::steady_clock;
  MITO_TRY(require_login(stop));
  const auto end = timeout.count() > 0 ? Time::now() + timeout : Time::time_point::max();
  const auto left = [end] {
    return end == Time::time_point::max()
               ? std::chrono::milliseconds::max()
               : std::max(std::chrono::duration_cast<std::chrono::milliseconds>(end - Time::now()), 0ms);
  };
  Pauses pauses;
  std::string known;
  while (true) {
    const auto longest = config_.timeout.count() > 0 ? std::min(kLongestHold, config_.timeout / 2) : kLongestHold;
    const auto hold = std::min(longest, left());
    const auto asked_at = Time::now();
    auto seen = get_held(task, hold, known, stop);
    if (seen && seen->info.result) return seen;
    if (seen) {
      known = state_of(*seen);
      pauses.answered(Time::now() - asked_at, hold);
    } else if (is_passing(seen.error())) {
      pauses.failed();
    } else {
      return seen;
    }
    if (left() == 0ms)
      return fail(ErrorCode::kTimeout,
                  fmt::format("task {} is not over yet; it goes on, wait for it again", task.to_string()));
    MITO_TRY(pauses.pause(left(), stop));
  }
}

Result<TaskQueryResp> MitoClient::get_held(TaskUuid task, std::chrono::milliseconds hold, std::string_view known,
                                           const std::stop_token& stop) const {
  std::string path = fmt::format("/tasks/{}?detail=true", task.to_string());
  if (hold.count() > 0) path += fmt::format("&wait={}ms", hold.count());
  if (hold.count() > 0 && !known.empty()) path += fmt::format("&after={}", known);
  MITO_TRY_ASSIGN(const std::string answer, api().call("GET", path, {}, {}, stop));
  return read_answer<TaskQueryResp>(api().address(), "GET", path, answer);
}

Result<void> MitoClient::events(std::string_view group, std::function<bool(const TaskEvent&)> take,
                                std::stop_token stop) {
  MITO_TRY(require_login(stop));
  const std::string path = group.empty() ? "/events" : fmt::format("/events?group={}", percent_encode(group));
  Pauses pauses;
  bool wants_more = true;
  while (true) {
    EventLines lines;
    auto streamed = api().stream(
        path,
        [&](std::string_view piece) -> Result<void> {
          pauses = {};
          for (const auto& data : lines.take(piece)) {
            MITO_TRY_ASSIGN(const auto event, read_answer<TaskEvent>(api().address(), "GET", path, data));
            wants_more = wants_more && take(event);
          }
          if (wants_more) return {};
          return fail(ErrorCode::kCancelled, "enough");
        },
        stop);
    if (!wants_more) return {};
    if (!streamed && !is_passing(streamed.error())) return streamed;
    pauses.failed();
    MITO_TRY(pauses.pause(std::chrono::milliseconds::max(), stop));
  }
}

Result<Upload> MitoClient::upload_attachment(std::string_view group, std::string_view key,
                                             const std::filesystem::path& file, const Progress& progress,
                                             std::stop_token stop) {
  MITO_TRY_ASSIGN(const std::string own, connect(stop));
  return api().upload_attachment(group.empty() ? own : group, key, file, progress, std::move(stop));
}

Result<Download> MitoClient::download_attachment(std::string_view group, std::string_view key,
                                                 const std::filesystem::path& target, const Progress& progress,
                                                 std::stop_token stop) {
  MITO_TRY_ASSIGN(const std::string own, connect(stop));
  MITO_TRY_ASSIGN(const auto located, api().locate_attachment(group.empty() ? own : group, key, stop));
  return api().download(located.url, target, progress, std::move(stop));
}

Result<Download> MitoClient::download_artifact(TaskUuid task, ArtifactContentType type,
                                               const std::filesystem::path& target, const Progress& progress,
                                               std::stop_token stop) {
  MITO_TRY(require_login(stop));
  MITO_TRY_ASSIGN(const auto located, api().locate_artifact(task, type, stop));
  return api().download(located.url, target, progress, std::move(stop));
}

}  // namespace mito::client
