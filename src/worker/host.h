#pragma once

#include <optional>
#include <string>

#include "protocol/messages.h"

namespace mito::worker {

/// What this machine is: for the registration.
protocol::WorkerHostInfo describe_host(const std::optional<std::string>& name);

/// Which machine this is, and which run of it. Directories may be shared by many machines; locks and process numbers
/// mean something only to processes of one host and boot.
struct HostIdentity {
  std::string host;  ///< Host name, with the machine id where there is one.
  std::string boot;  ///< Another one after each start of the kernel.
  friend bool operator==(const HostIdentity&, const HostIdentity&) = default;
};
HostIdentity this_host();

}  // namespace mito::worker
