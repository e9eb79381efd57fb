#include "domain/states.h"

#include <algorithm>
#include <array>

namespace mito {
namespace {

// In the order in which the original's error texts list them (reference/recorded): values as declared, and where a
// value has aliases, its spellings together.
constexpr auto kUserStates = std::to_array<Spelling<UserState>>({
    {UserState::kActive, "Active"},
    {UserState::kLocked, "Locked"},
    {UserState::kDeleted, "Deleted"},
});

constexpr auto kGroupStates = std::to_array<Spelling<GroupState>>({
    {GroupState::kActive, "Active"},
    {GroupState::kLocked, "Locked"},
    {GroupState::kDeleted, "Deleted"},
});

constexpr auto kTaskStates = std::to_array<Spelling<TaskState>>({
    {TaskState::kPending, "Pending"},
    {TaskState::kReady, "Ready"},
    {TaskState::kRunning, "Running"},
    {TaskState::kFinished, "Finished"},
    {TaskState::kCancelled, "Cancelled"},
    {TaskState::kUnknown, "Unknown"},
});

constexpr auto kWorkerStates = std::to_array<Spelling<WorkerState>>({
    {WorkerState::kNormal, "Normal"},
    {WorkerState::kGracefulShutdown, "GracefulShutdown"},
});

constexpr auto kRoles = std::to_array<Spelling<Role>>({
    {Role::kRead, "READ"},
    {Role::kRead, "Read"},
    {Role::kRead, "read"},
    {Role::kWrite, "WRITE"},
    {Role::kWrite, "Write"},
    {Role::kWrite, "write"},
    {Role::kAdmin, "ADMIN"},
    {Role::kAdmin, "Admin"},
    {Role::kAdmin, "admin"},
});

constexpr auto kArtifactContentTypes = std::to_array<Spelling<ArtifactContentType>>({
    {ArtifactContentType::kResult, "RESULT"},   {ArtifactContentType::kResult, "Result"},
    {ArtifactContentType::kResult, "result"},   {ArtifactContentType::kExecLog, "EXEC"},
    {ArtifactContentType::kExecLog, "EXECLOG"}, {ArtifactContentType::kExecLog, "Exec"},
    {ArtifactContentType::kExecLog, "ExecLog"}, {ArtifactContentType::kExecLog, "Execlog"},
    {ArtifactContentType::kExecLog, "exec"},    {ArtifactContentType::kExecLog, "exec-log"},
    {ArtifactContentType::kExecLog, "execlog"}, {ArtifactContentType::kStdLog, "STD"},
    {ArtifactContentType::kStdLog, "STDLOG"},   {ArtifactContentType::kStdLog, "Std"},
    {ArtifactContentType::kStdLog, "Stdlog"},   {ArtifactContentType::kStdLog, "TERMINAL"},
    {ArtifactContentType::kStdLog, "Terminal"}, {ArtifactContentType::kStdLog, "std"},
    {ArtifactContentType::kStdLog, "std-log"},  {ArtifactContentType::kStdLog, "stdlog"},
    {ArtifactContentType::kStdLog, "terminal"},
});

constexpr auto kAttachmentContentTypes = std::to_array<Spelling<AttachmentContentType>>({
    {AttachmentContentType::kNoSet, "NoSet"},
});

constexpr auto kShutdownOps = std::to_array<Spelling<ShutdownOp>>({
    {ShutdownOp::kGraceful, "Graceful"},
    {ShutdownOp::kGraceful, "graceful"},
    {ShutdownOp::kForce, "Force"},
    {ShutdownOp::kForce, "force"},
});

constexpr auto kTaskExecStates = std::to_array<Spelling<TaskExecState>>({
    {TaskExecState::kWorkerExited, "WorkerExited"},
    {TaskExecState::kFetchResource, "FetchResource"},
    {TaskExecState::kFetchResourceFinished, "FetchResourceFinished"},
    {TaskExecState::kFetchResourceError, "FetchResourceError"},
    {TaskExecState::kFetchResourceTimeout, "FetchResourceTimeout"},
    {TaskExecState::kFetchResourceNotFound, "FetchResourceNotFound"},
    {TaskExecState::kFetchResourceForbidden, "FetchResourceForbidden"},
    {TaskExecState::kWatch, "Watch"},
    {TaskExecState::kWatchFinished, "WatchFinished"},
    {TaskExecState::kWatchTimeout, "WatchTimeout"},
    {TaskExecState::kExecPending, "ExecPending"},
    {TaskExecState::kExecSpawned, "ExecSpawned"},
    {TaskExecState::kExecFinished, "ExecFinished"},
    {TaskExecState::kExecTimeout, "ExecTimeout"},
    {TaskExecState::kUploadResult, "UploadResult"},
    {TaskExecState::kUploadFinishedResult, "UploadFinishedResult"},
    {TaskExecState::kUploadCancelledResult, "UploadCancelledResult"},
    {TaskExecState::kUploadResultFinished, "UploadResultFinished"},
    {TaskExecState::kUploadResultTimeout, "UploadResultTimeout"},
    {TaskExecState::kTaskCommitted, "TaskCommitted"},
    {TaskExecState::kUnknown, "Unknown"},
});

constexpr auto kTaskResultMessages = std::to_array<Spelling<TaskResultMessage>>({
    {TaskResultMessage::kFetchResourceTimeout, "FetchResourceTimeout"},
    {TaskResultMessage::kExecTimeout, "ExecTimeout"},
    {TaskResultMessage::kUploadResultTimeout, "UploadResultTimeout"},
    {TaskResultMessage::kResourceNotFound, "ResourceNotFound"},
    {TaskResultMessage::kResourceForbidden, "ResourceForbidden"},
    {TaskResultMessage::kWatchTimeout, "WatchTimeout"},
    {TaskResultMessage::kUserCancellation, "UserCancellation"},
    {TaskResultMessage::kSubmitNewTaskFailed, "SubmitNewTaskFailed"},
});

/// The first spelling of a value in its table.
template <class E, std::size_t kSize>
std::string_view first_spelling(const std::array<Spelling<E>, kSize>& table, E value) {
  const auto found = std::ranges::find(table, value, &Spelling<E>::value);
  return found == table.end() ? "Unknown" : found->name;
}

template <class E, std::size_t kSize>
std::optional<E> find_number(const std::array<Spelling<E>, kSize>& table, std::int32_t number) {
  const auto found = std::ranges::find(table, static_cast<E>(number), &Spelling<E>::value);
  return found == table.end() ? std::nullopt : std::optional<E>(found->value);
}

}  // namespace

template <>
std::span<const Spelling<UserState>> accepted_spellings<UserState>() {
  return kUserStates;
}
template <>
std::span<const Spelling<GroupState>> accepted_spellings<GroupState>() {
  return kGroupStates;
}
template <>
std::span<const Spelling<TaskState>> accepted_spellings<TaskState>() {
  return kTaskStates;
}
template <>
std::span<const Spelling<WorkerState>> accepted_spellings<WorkerState>() {
  return kWorkerStates;
}
template <>
std::span<const Spelling<Role>> accepted_spellings<Role>() {
  return kRoles;
}
template <>
std::span<const Spelling<ArtifactContentType>> accepted_spellings<ArtifactContentType>() {
  return kArtifactContentTypes;
}
template <>
std::span<const Spelling<AttachmentContentType>> accepted_spellings<AttachmentContentType>() {
  return kAttachmentContentTypes;
}
template <>
std::span<const Spelling<ShutdownOp>> accepted_spellings<ShutdownOp>() {
  return kShutdownOps;
}
template <>
std::span<const Spelling<TaskExecState>> accepted_spellings<TaskExecState>() {
  return kTaskExecStates;
}
template <>
std::span<const Spelling<TaskResultMessage>> accepted_spellings<TaskResultMessage>() {
  return kTaskResultMessages;
}

std::string_view to_string(UserState state) {
  return first_spelling(kUserStates, state);
}
std::string_view to_string(GroupState state) {
  return first_spelling(kGroupStates, state);
}
std::string_view to_string(TaskState state) {
  return first_spelling(kTaskStates, state);
}
std::string_view to_string(WorkerState state) {
  return first_spelling(kWorkerStates, state);
}
std::string_view to_string(AttachmentContentType type) {
  return first_spelling(kAttachmentContentTypes, type);
}
std::string_view to_string(ShutdownOp op) {
  return first_spelling(kShutdownOps, op);
}
std::string_view to_string(TaskExecState state) {
  return first_spelling(kTaskExecStates, state);
}
std::string_view to_string(TaskResultMessage message) {
  return first_spelling(kTaskResultMessages, message);
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::kRead:
      return "Read";
    case Role::kWrite:
      return "Write";
    case Role::kAdmin:
      return "Admin";
  }
  return "Unknown";
}

std::string_view to_string(ArtifactContentType type) {
  switch (type) {
    case ArtifactContentType::kResult:
      return "result";
    case ArtifactContentType::kExecLog:
      return "exec-log";
    case ArtifactContentType::kStdLog:
      return "std-log";
  }
  return "Unknown";
}

std::string_view file_name(ArtifactContentType type) {
  switch (type) {
    case ArtifactContentType::kResult:
      return "result.tar.gz";
    case ArtifactContentType::kExecLog:
      return "exec-log.tar.gz";
    case ArtifactContentType::kStdLog:
      return "std-log.tar.gz";
  }
  return "unknown.tar.gz";
}

template <>
std::optional<UserState> from_number<UserState>(std::int32_t number) {
  return find_number(kUserStates, number);
}
template <>
std::optional<GroupState> from_number<GroupState>(std::int32_t number) {
  return find_number(kGroupStates, number);
}
template <>
std::optional<TaskState> from_number<TaskState>(std::int32_t number) {
  return find_number(kTaskStates, number);
}
template <>
std::optional<WorkerState> from_number<WorkerState>(std::int32_t number) {
  return find_number(kWorkerStates, number);
}
template <>
std::optional<Role> from_number<Role>(std::int32_t number) {
  return find_number(kRoles, number);
}
template <>
std::optional<ArtifactContentType> from_number<ArtifactContentType>(std::int32_t number) {
  return find_number(kArtifactContentTypes, number);
}
template <>
std::optional<AttachmentContentType> from_number<AttachmentContentType>(std::int32_t number) {
  return find_number(kAttachmentContentTypes, number);
}
template <>
std::optional<ShutdownOp> from_number<ShutdownOp>(std::int32_t number) {
  return find_number(kShutdownOps, number);
}
template <>
std::optional<TaskExecState> from_number<TaskExecState>(std::int32_t number) {
  return find_number(kTaskExecStates, number).value_or(TaskExecState::kUnknown);
}
template <>
std::optional<TaskResultMessage> from_number<TaskResultMessage>(std::int32_t number) {
  return find_number(kTaskResultMessages, number);
}

}  // namespace mito
