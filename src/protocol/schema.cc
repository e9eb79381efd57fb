#include "protocol/schema.h"

#include <algorithm>

#include "protocol/value_codec.h"

namespace mito::protocol {
namespace {

template <class T>
std::expected<std::string, DecodeError> recode(std::string_view json) {
  const auto message = decode<T>(json);
  if (!message) return std::unexpected(message.error());
  return encode(*message);
}

template <class T>
MessageInfo describe(std::string_view name) {
  return {.name = name, .type = type_of<T>, .recode = recode<T>};
}

}  // namespace

std::span<const MessageInfo> messages() {
#define MITO_ENTRY(T) describe<T>(#T),
  static const MessageInfo kAll[] = {MITO_STRUCTS(MITO_ENTRY) describe<Nothing>("Nothing"),
                                     describe<std::optional<WorkerTaskResp>>("OptionalWorkerTaskResp")};
#undef MITO_ENTRY
  return kAll;
}

const MessageInfo* find_message(std::string_view name) {
  const auto all = messages();
  const auto found = std::ranges::find(all, name, &MessageInfo::name);
  return found == all.end() ? nullptr : &*found;
}

}  // namespace mito::protocol
