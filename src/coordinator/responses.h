#pragma once

#include <string>

#include "base/error.h"
#include "http/server.h"
#include "protocol/errors.h"

namespace mito::coordinator {

/// An answer without body and content type.
http::Response empty_response(unsigned status = 200);
/// `text/plain; charset=utf-8`
http::Response text_response(unsigned status, std::string text);
/// `application/json`
http::Response json_response(unsigned status, std::string json);
/// The answer the protocol prescribes for a failure.
http::Response failure_response(const protocol::Failure& failure);
/// The answer to a request that failed: the one place where errors of the API become words. What is not for users goes
/// to the log.
http::Response error_response(const Error& error);

}  // namespace mito::coordinator
