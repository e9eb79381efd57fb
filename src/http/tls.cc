#include "http/tls.h"

#include <tuple>

#include <fmt/core.h>

namespace mito::http {

namespace ssl = boost::asio::ssl;

Result<std::shared_ptr<TlsContext>> load_tls(const std::string& certificate, const std::string& key) {
  auto context = std::make_shared<TlsContext>(TlsContext::tls_server);
  boost::system::error_code error;
  const auto unusable = [&](const std::string& file, const char* what) {
    return fail(ErrorCode::kUsage,
                fmt::format("The {} in {} cannot be used: {}. It must be a PEM file that this user can read.", what,
                            file, error.message()));
  };
  std::ignore =
      context->set_options(ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
                               ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | ssl::context::single_dh_use,
                           error);
  if (error) return unusable(certificate, "TLS settings for the certificate");
  std::ignore = context->use_certificate_chain_file(certificate, error);
  if (error) return unusable(certificate, "TLS certificate");
  std::ignore = context->use_private_key_file(key, ssl::context::pem, error);
  if (error) return unusable(key, "TLS key");
  if (SSL_CTX_check_private_key(context->native_handle()) != 1)
    return fail(ErrorCode::kUsage,
                fmt::format("The TLS key in {} does not belong to the certificate in {}.", key, certificate));
  return context;
}

}  // namespace mito::http
