#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/size.h"
#include "base/time.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/humane.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/temporary_directory.h"
#include "cli/transfers.h"
#include "cli/values.h"
#include "protocol/codec.h"
#include "worker/archive.h"

namespace mito::cli {

namespace {

constexpr Argument kGroup =
    option("group", 'g', "GROUP_NAME", "The group the file stands in (default: your own)").of(Argument::Values::kGroup);
constexpr Argument kSmart = flag("smart", 's', "Without -g, the part of the key before the first / is the group");
constexpr Argument kKey = word("KEY", "The key of the attachment").of(Argument::Values::kAttachment);
constexpr Argument kKeyPart = option("key", 'k', "PART", "Only attachments with this in their key");
constexpr Argument kLimit = option("limit", 0, "N", "At most so many");
constexpr Argument kOffset = option("offset", 0, "N", "Leave out so many first");

constexpr std::array kUpload{
    word("LOCAL_FILE", "The file to upload; a directory is packed into a tar.gz").of(Argument::Values::kFile),
    maybe_word("KEY",
               "Its key (default: the name of the file); one that ends in / gets the name of the file behind it"),
    kGroup,
    kProgress,
    kSmart,
};
constexpr std::array kDownload{kKey,
                               kGroup,
                               option("output", 'o', "PATH", "Where to download to: a file, or a directory that exists")
                                   .of(Argument::Values::kFile),
                               kNoDownload,
                               kProgress,
                               kSmart};
/// `get GROUP KEY` and `delete GROUP KEY` of former releases.
constexpr Argument kOldKey = maybe_word("OLD_KEY", "The key, where the group stands in front of it").hidden();
constexpr std::array kOne{kKey, kOldKey, kGroup, kSmart};
constexpr std::array kQuery{kGroup, kKeyPart, kLimit, kOffset, flag("count", 0, "Only count")};
constexpr std::array kDownloadMany{kGroup,       kKeyPart,    kLimit,    kOffset,
                                   kBatchOutput, kNoDownload, kProgress, kConcurrent};
constexpr std::array kDownloadList{words("KEYS", "The keys of the attachments").of(Argument::Values::kAttachment),
                                   kGroup,
                                   kBatchOutput,
                                   kNoDownload,
                                   kProgress,
                                   kConcurrent};
constexpr std::array kDeleteMany{kGroup, kKeyPart, kLimit, kOffset};
constexpr std::array kDeleteList{words("KEYS", "The keys of the attachments").of(Argument::Values::kAttachment),
                                 kGroup};

/// Which attachment is meant.
struct Place {
  std::string group;
  std::string key;
};

/// Group and key of an attachment that exists; with -s the group may stand in front of the key.
Place place_of(const Session& session, const Arguments& arguments) {
  const auto group = arguments.value("group");
  const std::string& key = arguments.at("KEY");
  if (const auto behind = arguments.value("OLD_KEY"); behind && !group) return {key, *behind};
  const auto slash = key.find('/');
  if (!group && arguments.has("smart") && slash != std::string::npos)
    return {key.substr(0, slash), key.substr(slash + 1)};
  return {session.group_or_own(group), key};
}

bool guess_allowed(const Arguments& arguments) {
  return !arguments.has("group") && !arguments.has("smart") && !arguments.has("OLD_KEY") &&
         arguments.at("KEY").contains('/');
}

/// What `look_up(group, key)` finds: as the arguments say and, where that does not exist and neither -g nor -s was
/// given, as if -s were.
template <class LookUp>
auto find_attachment(const Session& session, const Arguments& arguments, const LookUp& look_up)
    -> decltype(look_up(Place{})) {
  const Place place = place_of(session, arguments);
  auto found = look_up(place);
  if (found || found.error().code() != ErrorCode::kNotFound || !guess_allowed(arguments)) return found;
  const auto slash = place.key.find('/');
  auto guessed = look_up(Place{place.key.substr(0, slash), place.key.substr(slash + 1)});
  return guessed ? std::move(guessed) : std::move(found);
}

/// Whom the key of an upload belongs to; with -s the group may stand in front of it.
Place upload_place(const Session& session, const Arguments& arguments) {
  const std::string key = arguments.value("KEY").value_or("");
  const auto slash = key.find('/');
  if (!arguments.has("group") && arguments.has("smart") && slash != std::string::npos)
    return {.group = key.substr(0, slash), .key = key.substr(slash + 1)};
  return {.group = session.group_or_own(arguments.value("group")), .key = key};
}

Result<int> upload(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto* client, session.client());
  std::filesystem::path file = arguments.at("LOCAL_FILE");
  const Place wanted = upload_place(session, arguments);
  std::optional<TemporaryDirectory> packed;
  std::error_code error;
  if (std::filesystem::is_directory(file, error)) {
    MITO_TRY_ASSIGN(auto directory, TemporaryDirectory::make());
    packed.emplace(std::move(directory));
    std::string top = std::filesystem::canonical(file, error).filename().string();
    if (top.empty()) top = "root";
    const auto archive = packed->path() / (top + ".tar.gz");
    StatusLine line(session.out(), wants_progress(arguments));
    line.update(fmt::format("Packing {}", arguments.at("LOCAL_FILE")));
    MITO_TRY_ASSIGN(const auto made,
                    worker::pack_directory(file, top, archive, worker::OutsideLinks::kFollow, session.stop()));
    for (const auto& note : made.notes)
      session.out().warn(note);
    file = archive;
  }
  MITO_TRY_ASSIGN(const std::string key, client::attachment_key(wanted.key, file));
  Result<client::Upload> uploaded = fail(ErrorCode::kInternal);
  {
    ProgressBar bar(session.out(), wants_progress(arguments),
                    fmt::format("Uploading from {}", arguments.at("LOCAL_FILE")));
    uploaded = client->upload_attachment(wanted.group, key, file, bar.callback(), session.stop());
  }
  if (!uploaded) return fail(std::move(uploaded).error());
  auto& out = session.out();
  if (packed && out.for_people()) out.note(fmt::format("the directory was packed; its key is {}", key));
  if (out.names()) {
    out.print(key + "\n");
  } else {
    out.done(*uploaded == client::Upload::kNew ? "Attachment uploaded successfully"
                                               : "Attachment already exists on server, replaced it");
  }
  return 0;
}

Result<int> download(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  std::string name;
  MITO_TRY_ASSIGN(const auto located, find_attachment(session, arguments, [&](const Place& place) {
                    const bool guessed = place.key != arguments.at("KEY");
                    name = arguments.has("smart") || guessed ? std::filesystem::path(place.key).filename().string()
                                                             : place.key;
                    return client->locate_attachment(place.group, place.key, session.stop());
                  }));
  return download_one(session, arguments, located.url, "Attachment", name);
}

Result<int> get(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto data, find_attachment(session, arguments, [&](const Place& place) {
                    return client->get_attachment(place.group, place.key, session.stop());
                  }));
  const auto now = Clock::system().now();
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(data));
  if (out.names()) out.print(arguments.at("KEY") + "\n");
  out.say(fmt::format("Attachment of size {}B, Created at {} and Updated at {}", data.size,
                      moment(data.created_at, now), moment(data.updated_at, now)));
  return 0;
}

Result<int> remove(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto* client, session.client());
  const Place place = place_of(session, arguments);
  MITO_TRY(client->delete_attachment(place.group, place.key, client::As::kUser, session.stop()));
  session.out().done("Successfully deleted attachment");
  return 0;
}

/// -k, --limit and --offset into a request that has them.
template <class Request>
Result<Request> filter(const Arguments& arguments) {
  Request request;
  request.key = arguments.value("key");
  if (const auto limit = arguments.value("limit")) {
    MITO_TRY_ASSIGN(request.limit, count_value("--limit", *limit));
  }
  if (const auto offset = arguments.value("offset")) {
    MITO_TRY_ASSIGN(request.offset, count_value("--offset", *offset));
  }
  return request;
}

Result<int> query(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(auto request, filter<protocol::AttachmentsQueryReq>(arguments));
  request.count = arguments.has("count");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer,
                  client->query_attachments(session.group_or_own(arguments.value("group")), request, session.stop()));
  auto& out = session.out();
  const std::string found = fmt::format("Found {} attachments in group {}", answer.count, answer.group_name);
  if (request.count) {
    out.show(protocol::encode(answer), std::to_string(answer.count), found + "\n");
    return 0;
  }
  out.heading(found);
  const auto now = Clock::system().now();
  Table table({{.title = "KEY", .least = 20},
               {.title = "SIZE", .align = Table::Align::kRight},
               {.title = "CREATED"},
               {.title = "UPDATED"}});
  std::vector<std::string> json;
  for (const auto& attachment : answer.attachments) {
    if (out.structured()) json.push_back(protocol::encode(attachment));
    if (out.names()) out.print(attachment.key + "\n");
    table.add({attachment.key, format_size(static_cast<std::uint64_t>(attachment.size)),
               ago(attachment.created_at, now), ago(attachment.updated_at, now)});
  }
  if (out.structured()) out.print_list(json);
  out.print_table(table);
  return 0;
}

Result<int> download_found(Session& session, const Arguments& arguments,
                           const protocol::AttachmentsDownloadListResp& found) {
  std::vector<BatchItem> items;
  items.reserve(found.downloads.size());
  for (const auto& item : found.downloads) {
    items.push_back({.label = fmt::format("Attachment {}", item.key),
                     .name = std::filesystem::path(item.key).filename().string(),
                     .alternative = item.key,
                     .url = item.url});
  }
  return download_batch(session, arguments, items, "attachments");
}

Result<int> download_many(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto request, filter<protocol::AttachmentsDownloadByFilterReq>(arguments));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto found,
                  client->locate_attachments(session.group_or_own(arguments.value("group")), request, session.stop()));
  return download_found(session, arguments, found);
}

Result<int> download_list(Session& session, const Arguments& arguments) {
  const auto& keys = arguments.list("KEYS");
  if (keys.empty()) return fail(ErrorCode::kUsage, "Keys list cannot be empty: name at least one key");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto found,
                  client->locate_attachments(session.group_or_own(arguments.value("group")),
                                             protocol::AttachmentsDownloadByKeysReq{.keys = keys}, session.stop()));
  if (found.downloads.size() < keys.size())
    session.out().warn(fmt::format("{} of {} keys are unknown in group {}", keys.size() - found.downloads.size(),
                                   keys.size(), found.group_name));
  return download_found(session, arguments, found);
}

Result<int> delete_many(Session& session, const Arguments& arguments) {
  MITO_TRY_ASSIGN(const auto request, filter<protocol::AttachmentsDeleteByFilterReq>(arguments));
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer,
                  client->delete_attachments(session.group_or_own(arguments.value("group")), request, session.stop()));
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(answer));
  out.say(fmt::format("Deleted {} attachments in group {}", answer.deleted_count, answer.group_name));
  return 0;
}

Result<int> delete_list(Session& session, const Arguments& arguments) {
  const auto& keys = arguments.list("KEYS");
  if (keys.empty()) return fail(ErrorCode::kUsage, "Keys list cannot be empty: name at least one key");
  MITO_TRY_ASSIGN(const auto* client, session.client());
  MITO_TRY_ASSIGN(const auto answer,
                  client->delete_attachments(session.group_or_own(arguments.value("group")),
                                             protocol::AttachmentsDeleteByKeysReq{.keys = keys}, session.stop()));
  auto& out = session.out();
  if (out.structured()) out.print_object(protocol::encode(answer));
  out.say(fmt::format("Deleted {} attachments in group {}", answer.deleted_count, answer.group_name));
  if (answer.failed_keys.empty()) return 0;
  std::string failed;
  for (const auto& key : answer.failed_keys)
    failed += fmt::format("{}\"{}\"", failed.empty() ? "" : ", ", key);
  out.warn(fmt::format(
      "Failed to delete {} attachments: [{}]; unknown ones, and ones updated within the last hour, cannot be deleted",
      answer.failed_keys.size(), failed));
  return static_cast<int>(ExitCode::kFailed);
}

constexpr std::array kCommands{
    Command{.name = "upload", .help = "Upload a file or a directory to a group", .arguments = kUpload, .run = upload},
    Command{.name = "download", .help = "Download an attachment", .arguments = kDownload, .run = download},
    Command{.name = "get", .help = "Show size and times of an attachment", .arguments = kOne, .run = get},
    Command{.name = "delete", .help = "Delete an attachment", .arguments = kOne, .run = remove},
    Command{.name = "query", .help = "List the attachments of a group", .arguments = kQuery, .run = query},
    Command{.name = "download-many",
            .help = "Download all attachments that fit a filter",
            .arguments = kDownloadMany,
            .run = download_many},
    Command{.name = "download-list",
            .help = "Download attachments by their keys",
            .arguments = kDownloadList,
            .run = download_list},
    Command{.name = "delete-many",
            .help = "Delete all attachments that fit a filter",
            .arguments = kDeleteMany,
            .run = delete_many},
    Command{.name = "delete-list",
            .help = "Delete attachments by their keys",
            .arguments = kDeleteList,
            .run = delete_list},
};

}  // namespace

std::span<const Command> attachment_commands() {
  return kCommands;
}

}  // namespace mito::cli
