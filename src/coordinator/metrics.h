#pragma once

#include <string>

#include "coordinator/services.h"

namespace mito::coordinator {

/// Everything that is counted, in the text format of Prometheus (0.0.4).
std::string metrics_text(Services& services);

}  // namespace mito::coordinator
