#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/client.h"
#include "client/coroutine.h"
#include "client/worker_calls.h"

/// netmito, the C++ SDK of Mitosis: what a program includes to submit tasks, wait for them and collect what they made.
///
/// Calls answer `Result<T>`; `unwrap(…)` makes a value or an exception of one. They block; `MitoClient::async` makes an
/// awaitable of any of them. Names of messages and their fields are those of the HTTP API.
namespace mito::client {

/// What `unwrap` throws: the error of a call, with its code.
class MitoError : public std::runtime_error {
 public:
  explicit MitoError(Error error) : std::runtime_error(error.text()), error_(std::move(error)) {}
  [[nodiscard]] ErrorCode code() const { return error_.code(); }
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

/// The value; MitoError where there is none.
template <class T>
T unwrap(Result<T> result) {
  if (!result) throw MitoError(std::move(result).error());
  if constexpr (!std::is_void_v<T>) return *std::move(result);
}

/// Where the coordinator is and who we are there. What is left out comes from the environment (MITO_COORDINATOR_ADDR,
/// MITO_USER, MITO_PASSWORD, MITO_CA_FILE), then from the credential file of `mito client login`.
struct ClientConfig {
  std::optional<std::string> coordinator_addr{};  ///< Default: http://127.0.0.1:5000
  std::optional<std::string> user{};
  std::optional<std::string> password{};
  std::optional<std::filesystem::path> credential_path{};  ///< Default: that of the command line.
  std::optional<std::filesystem::path> ca_file{};          ///< PEM; which certificates an https coordinator may bear.
  std::chrono::milliseconds timeout{0};                    ///< Of a whole call; 0: only calls that stall fail (60 s).
  std::size_t threads = 8;  ///< At most as many calls of `async` are under way at a time.
  Resume resume{};          ///< Where coroutines are gone on with; see Resume.
};

/// Arguments of MitoClient::admin_create_user; the password as it is typed.
struct AdminCreateUserArgs {
  std::string username;
  std::string password;
  bool admin = false;
};

/// A coordinator and who we are there. Any thread. It logs in when the first call needs it, and again when the token
/// has expired and the password is known; other sessions of the user go on. Errors beside those of Client:
/// kNotLoggedIn, kWrongCredentials, kUsage (the address), kIo (the credential file).
class MitoClient {
 public:
  /// Makes no connection yet. Throws MitoError (kUsage) for an address that is none; see also `create`.
  explicit MitoClient(ClientConfig config = {});
  /// The same without an exception.
  static Result<std::unique_ptr<MitoClient>> create(ClientConfig config = {});
  ~MitoClient();
  MitoClient(const MitoClient&) = delete;
  MitoClient& operator=(const MitoClient&) = delete;

  /// Logs in, where that was not done yet. The user's name.
  Result<std::string> connect(std::stop_token stop = {});
  /// Every endpoint, one function each. Logged in after `connect` or any other call of this class; else those that
  /// need no login work.
  [[nodiscard]] const Client& api() const;
  /// Call this, for instance, `mito.async([&](const auto& api) { return api.get_task(uuid); })`, and `co_await` it: the
  /// call blocks one of our threads. With g++ 12 a lambda that owns what it captured must have a name.
  template <class Call>
  auto async(Call call) {
    auto logged_in = [this, call = std::move(call)]() mutable -> std::invoke_result_t<Call&, const Client&> {
      if (auto user = connect(); !user) return std::unexpected(std::move(user).error());
      return call(api());
    };
    return Awaitable<decltype(logged_in)>(threads(), config_.resume, std::move(logged_in));
  }

  Result<void> admin_create_user(const AdminCreateUserArgs& args, std::stop_token stop = {});

  /// Adds a task. It gets a name (`uuid`) where it has none, and the request is repeated after a broken connection:
  /// a coordinator of ours never adds a second task; at the original's it is not repeated.
  Result<protocol::SubmitTaskResp> submit(protocol::SubmitTaskReq request, std::stop_token stop = {});
  /// The same for many, in requests of a bearable size. One outcome for each, in order.
  Result<std::vector<protocol::SubmitTaskOutcome>> submit_many(std::vector<protocol::SubmitTaskReq> requests,
                                                               std::stop_token stop = {});
  /// The task once it is over: its result is recorded and its artifacts can be downloaded. kTimeout after `timeout`
  /// (0: never); the task goes on. A coordinator that is away meanwhile is waited for.
  Result<protocol::TaskQueryResp> wait(TaskUuid task, std::chrono::milliseconds timeout = std::chrono::milliseconds(0),
                                       std::stop_token stop = {});

  /// Gives `take` what the tasks of a group (empty: of all groups of the user) come to, as it happens, until it answers
  /// false or `stop` is requested. Goes on after a broken connection; what happened meanwhile is not repeated.
  /// kNotFound: the original's coordinator, which has no events. `take` runs on another thread, one call at a time.
  Result<void> events(std::string_view group, std::function<bool(const protocol::TaskEvent&)> take,
                      std::stop_token stop = {});

  /// Stores a file in a group (empty: the own).
  Result<Upload> upload_attachment(std::string_view group, std::string_view key, const std::filesystem::path& file,
                                   const Progress& progress = {}, std::stop_token stop = {});
  Result<Download> download_attachment(std::string_view group, std::string_view key,
                                       const std::filesystem::path& target, const Progress& progress = {},
                                       std::stop_token stop = {});
  /// Writes an artifact, a tar.gz, to a file.
  Result<Download> download_artifact(TaskUuid task, ArtifactContentType type, const std::filesystem::path& target,
                                     const Progress& progress = {}, std::stop_token stop = {});

 private:
  struct Connection;
  Result<void> require_login(const std::stop_token& stop);
  Result<protocol::TasksSubmitResp> submit_part(const protocol::TasksSubmitReq& part, const std::stop_token& stop);
  /// Whether the coordinator is one of ours.
  [[nodiscard]] Result<bool> is_ours(const std::stop_token& stop) const;
  /// The task, held back until its state is no longer `known`.
  [[nodiscard]] Result<protocol::TaskQueryResp> get_held(TaskUuid task, std::chrono::milliseconds hold,
                                                         std::string_view known, const std::stop_token& stop) const;
  [[nodiscard]] Threads& threads();

  ClientConfig config_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace mito::client

/// The names of the SDK in one place.
namespace netmito {
using namespace mito::protocol;
using mito::ArtifactContentType;
using mito::Duration;
using mito::Error;
using mito::ErrorCode;
using mito::GroupState;
using mito::Result;
using mito::Role;
using mito::TaskExecState;
using mito::TaskSpec;
using mito::TaskState;
using mito::TaskUuid;
using mito::to_string;
using mito::Uuid;
using mito::WorkerUuid;
using mito::client::AdminCreateUserArgs;
using mito::client::As;
using mito::client::Client;
using mito::client::ClientConfig;
using mito::client::Download;
using mito::client::MitoClient;
using mito::client::MitoError;
using mito::client::Progress;
using mito::client::Resume;
using mito::client::Task;
using mito::client::unwrap;
using mito::client::Upload;
using mito::client::wait_for;
using mito::client::WorkerCalls;
}  // namespace netmito
