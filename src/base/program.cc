#include "base/program.h"

#include <cstdlib>

namespace mito {

std::filesystem::path program_path() {
  const char* launcher = std::getenv("MITO_LAUNCHER");  // NOLINT(concurrency-mt-unsafe): see the contract
  if (launcher != nullptr && *launcher != '\0') return launcher;
  return "/proc/self/exe";
}

}  // namespace mito
