#pragma once

#include <memory>
#include <string>

#include <boost/asio/ssl/context.hpp>

#include "base/result.h"

namespace mito::http {

using TlsContext = boost::asio::ssl::context;

/// A server's side of TLS 1.2 and 1.3 with the certificate chain and the private key of these PEM files. kUsage names
/// the file that cannot be used, and why.
Result<std::shared_ptr<TlsContext>> load_tls(const std::string& certificate, const std::string& key);

}  // namespace mito::http
