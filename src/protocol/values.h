#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/duration.h"
#include "base/time.h"
#include "domain/ids.h"
#include "domain/states.h"
#include "domain/task_spec.h"

// What the messages are made of. Members of messages are named as their JSON fields are.
namespace mito::protocol {

/// The raw MD5 digest of a password; on the wire an array of 16 numbers.
using PasswordDigest = std::array<std::uint8_t, 16>;

/// A JSON value as text. Decoding keeps the bytes as they came, after the whole value was found to be well-formed.
struct RawJson {
  std::string text = "null";
  friend bool operator==(const RawJson&, const RawJson&) = default;
};

/// The same for a value that must be an object. Empty text stands for `{}`.
struct RawObject {
  std::string text;
  friend bool operator==(const RawObject&, const RawObject&) = default;
};

/// Names with roles.
using Roles = std::map<std::string, Role>;

/// An answer without members: sent as an empty body (users) or as `null` (workers).
struct Nothing {
  friend bool operator==(const Nothing&, const Nothing&) = default;
};

/// The body of every failure that our code (and not the framework of the original) found: `{"msg":"…"}`.
struct ErrorMsg {
  std::string msg;
  friend bool operator==(const ErrorMsg&, const ErrorMsg&) = default;
};

/// Where an object can be fetched, and its recorded size.
struct RemoteResourceDownloadResp {
  std::string url;
  std::int64_t size = 0;
  friend bool operator==(const RemoteResourceDownloadResp&, const RemoteResourceDownloadResp&) = default;
};

// Names of features in registrations (`features` of the request: what the worker can; of the answer: what the
// coordinator can).
inline constexpr std::string_view kFeatureWait = "wait";          ///< `GET /workers/tasks?wait=25s`
inline constexpr std::string_view kFeatureComplete = "complete";  ///< CompleteOp, `next` in CommitOp
inline constexpr std::string_view kFeatureDetail = "detail";      ///< `detail` in CommitOp and CompleteOp
inline constexpr std::string_view kFeatureState = "state";        ///< `POST /workers/tasks/{uuid}/state`
inline constexpr std::string_view kFeatureWatch =
    "watch";  ///< the coordinator keeps a task back until its watch is reached
inline constexpr std::string_view kFeatureReports = "reports";  ///< `POST /workers/tasks/report/list`
inline constexpr std::string_view kFeatureEvents = "events";    ///< `wait` on a task, `GET /events`
inline constexpr std::string_view kFeatureUuid = "uuid";        ///< `uuid` in submissions

/// How many reports one request may carry: more would only make the first of them wait for the last.
inline constexpr std::size_t kMaxReports = 64;

}  // namespace mito::protocol
