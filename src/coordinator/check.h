#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "coordinator/settings.h"

namespace mito::coordinator {

/// What `mito coordinator --check` found out about one of the engines that are configured.
struct Checked {
  std::string engine;           ///< `database`, `keys`, `objects`, …
  Result<std::string> outcome;  ///< What is there, or what is wrong and what to do.
};

/// Looks at everything the settings name, without changing anything and without becoming the active coordinator.
std::vector<Checked> check_engines(const Settings& settings);

// One function for each line; the list in check.cc is their order.
Result<std::string> check_database(const Settings& settings);
/// The key pair, and whether the database was used with it.
Result<std::string> check_keys(const Settings& settings);
/// The store, and whether the database's objects are there.
Result<std::string> check_objects(const Settings& settings);
/// `redis_url` is given.
Result<std::string> check_redis(const Settings& settings);

}  // namespace mito::coordinator
