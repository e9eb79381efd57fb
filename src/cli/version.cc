#include "cli/version.h"

#include <cstdio>

#include <archive.h>
#include <boost/version.hpp>
#include <curl/curl.h>
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <sqlite3.h>

#ifndef MITO_VERSION
#error "MITO_VERSION and MITO_COMMIT come from the build"
#endif

namespace mito::cli {

namespace {

#if defined(__clang__)
constexpr std::string_view kCompiler = "clang " __clang_version__;
#else
constexpr std::string_view kCompiler = "g++ " __VERSION__;
#endif

}  // namespace

std::string version_text() {
  const auto* curl = ::curl_version_info(CURLVERSION_NOW);
  std::string text = fmt::format("mito {}\n", MITO_VERSION);
  text += fmt::format("commit: {}\n", MITO_COMMIT);
  text += fmt::format("compiler: {}\n", kCompiler);
  text += fmt::format("libraries: Boost {}.{}.{}, libcurl {}, OpenSSL {}, SQLite {}, {}, fmt {}.{}.{}\n",
                      BOOST_VERSION / 100'000, BOOST_VERSION / 100 % 1000, BOOST_VERSION % 100, curl->version,
                      ::OpenSSL_version(OPENSSL_VERSION_STRING), ::sqlite3_libversion(), ::archive_version_string(),
                      FMT_VERSION / 10'000, FMT_VERSION / 100 % 100, FMT_VERSION % 100);
  return text;
}

int print_version() {
  const auto text = version_text();
  std::fwrite(text.data(), 1, text.size(), stdout);
  return 0;
}

}  // namespace mito::cli
