// Reading any bytes as any request or answer ends in a value or an error; what was read can be written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/codec.h"
#include "protocol/messages.h"

namespace {

template <class Message>
void check(std::string_view text) {
  const auto message = mito::protocol::decode<Message>(text);
  if (!message) {
    if (message.error().text().empty()) std::abort();
    return;
  }
  const std::string written = mito::protocol::encode(*message);
  const auto again = mito::protocol::decode<Message>(written);
  if (!again || mito::protocol::encode(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 6) {
    case 0:
      check<mito::protocol::SubmitTaskReq>(text);
      break;
    case 1:
      check<mito::protocol::ReportTaskReq>(text);
      break;
    case 2:
      check<mito::protocol::RegisterWorkerReq>(text);
      break;
    case 3:
      check<mito::protocol::TasksQueryReq>(text);
      break;
    case 4:
      check<mito::protocol::UserLoginReq>(text);
      break;
    default:
      check<mito::protocol::TasksSubmitReq>(text);
      break;
  }
  return 0;
}
