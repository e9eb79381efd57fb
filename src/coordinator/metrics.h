#pragma once

#include <string>

#include "coordinator/services.h"
#include "http/message.h"

namespace mito::coordinator {

/// Everything that is counted, in the text format of Prometheus (0.0.4).
std::string metrics_text(Services& services);
/// The same of a coordinator on standby, which counts nothing: that it is one.
std::string standby_metrics_text();

/// With a metrics_token for who has it, else for this machine only. What came through a proxy of this machine is not
/// from this machine.
bool may_see_metrics(const http::Request& request, const Settings& settings);
/// 200 with metrics.
http::Response metrics_response(std::string text);

}  // namespace mito::coordinator
