#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mito {

// The numbers are those of the database and of Redis (reference/server.md 4.2).

enum class UserState : std::int32_t { kActive = 0, kLocked = 1, kDeleted = 2 };
enum class GroupState : std::int32_t { kActive = 0, kLocked = 1, kDeleted = 2 };
enum class TaskState : std::int32_t {
  kPending = 0,
  kReady = 1,
  kRunning = 2,
  kFinished = 3,
  kCancelled = 4,
  kUnknown = 5
};
enum class WorkerState : std::int32_t { kNormal = 0, kGracefulShutdown = 1 };
/// Of a user in a group, and of a group on a worker.
enum class Role : std::int32_t { kRead = 0, kWrite = 1, kAdmin = 2 };
enum class ArtifactContentType : std::int32_t { kResult = 0, kExecLog = 1, kStdLog = 2 };
enum class AttachmentContentType : std::int32_t { kNoSet = 0 };
enum class ShutdownOp : std::int32_t { kGraceful, kForce };
enum class TaskExecState : std::int32_t {
  kWorkerExited = -1,
  kFetchResource = 1,
  kFetchResourceFinished = 2,
  kFetchResourceError = 3,
  kFetchResourceTimeout = 4,
  kFetchResourceNotFound = 5,
  kFetchResourceForbidden = 6,
  kWatch = 7,
  kWatchFinished = 8,
  kWatchTimeout = 9,
  kExecPending = 10,
  kExecSpawned = 11,
  kExecFinished = 12,
  kExecTimeout = 13,
  kUploadResult = 14,
  kUploadFinishedResult = 15,
  kUploadCancelledResult = 16,
  kUploadResultFinished = 17,
  kUploadResultTimeout = 18,
  kTaskCommitted = 19,
  kUnknown = -99,
};
/// Why a task ended without, or besides, its command's status.
enum class TaskResultMessage : std::int32_t {
  kFetchResourceTimeout,
  kExecTimeout,
  kUploadResultTimeout,
  kResourceNotFound,
  kResourceForbidden,
  kWatchTimeout,
  kUserCancellation,
  kSubmitNewTaskFailed,
};

/// One accepted spelling of a value.
template <class E>
struct Spelling {
  E value;
  std::string_view name;
};
/// Every accepted spelling, in the order in which the original's error texts list them; the canonical ones included.
template <class E>
std::span<const Spelling<E>> accepted_spellings();
template <>
std::span<const Spelling<UserState>> accepted_spellings<UserState>();
template <>
std::span<const Spelling<GroupState>> accepted_spellings<GroupState>();
template <>
std::span<const Spelling<TaskState>> accepted_spellings<TaskState>();
template <>
std::span<const Spelling<WorkerState>> accepted_spellings<WorkerState>();
template <>
std::span<const Spelling<Role>> accepted_spellings<Role>();
template <>
std::span<const Spelling<ArtifactContentType>> accepted_spellings<ArtifactContentType>();
template <>
std::span<const Spelling<AttachmentContentType>> accepted_spellings<AttachmentContentType>();
template <>
std::span<const Spelling<ShutdownOp>> accepted_spellings<ShutdownOp>();
template <>
std::span<const Spelling<TaskExecState>> accepted_spellings<TaskExecState>();
template <>
std::span<const Spelling<TaskResultMessage>> accepted_spellings<TaskResultMessage>();

/// The spelling that is sent. Values that do not exist give "Unknown".
std::string_view to_string(UserState state);
std::string_view to_string(GroupState state);
std::string_view to_string(TaskState state);
std::string_view to_string(WorkerState state);
std::string_view to_string(Role role);
std::string_view to_string(ArtifactContentType type);
std::string_view to_string(AttachmentContentType type);
std::string_view to_string(ShutdownOp op);
std::string_view to_string(TaskExecState state);
std::string_view to_string(TaskResultMessage message);

/// The value of an accepted spelling (case-sensitive, as on the wire).
template <class E>
std::optional<E> parse_enum(std::string_view text) {
  for (const auto& spelling : accepted_spellings<E>())
    if (spelling.name == text) return spelling.value;
  return std::nullopt;
}

/// `result.tar.gz`, `exec-log.tar.gz`, `std-log.tar.gz`: file name and object key suffix.
std::string_view file_name(ArtifactContentType type);

/// The value of a stored number, if there is one. Every number that is no exec state means TaskExecState::kUnknown.
template <class E>
std::optional<E> from_number(std::int32_t number);
template <>
std::optional<UserState> from_number<UserState>(std::int32_t number);
template <>
std::optional<GroupState> from_number<GroupState>(std::int32_t number);
template <>
std::optional<TaskState> from_number<TaskState>(std::int32_t number);
template <>
std::optional<WorkerState> from_number<WorkerState>(std::int32_t number);
template <>
std::optional<Role> from_number<Role>(std::int32_t number);
template <>
std::optional<ArtifactContentType> from_number<ArtifactContentType>(std::int32_t number);
template <>
std::optional<AttachmentContentType> from_number<AttachmentContentType>(std::int32_t number);
template <>
std::optional<ShutdownOp> from_number<ShutdownOp>(std::int32_t number);
template <>
std::optional<TaskExecState> from_number<TaskExecState>(std::int32_t number);
template <>
std::optional<TaskResultMessage> from_number<TaskResultMessage>(std::int32_t number);

}  // namespace mito
