#include "client/checksum.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>

#include <fmt/core.h>
#include <openssl/evp.h>

#include "security/openssl.h"

namespace mito::client {

Result<std::string> md5_of_file(const std::filesystem::path& file) {
  const security::OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), EVP_md5(), nullptr) != 1)
    return fail(ErrorCode::kInternal, {}, "MD5 is not available");
  std::ifstream stream(file, std::ios::binary);
  std::array<char, 1 << 16> buffer{};
  while (stream.read(buffer.data(), buffer.size()) || stream.gcount() > 0)
    EVP_DigestUpdate(context.get(), buffer.data(), static_cast<std::size_t>(stream.gcount()));
  if (!stream.eof()) return fail(ErrorCode::kIo, fmt::format("cannot read {} to check it", file.string()));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned length = 0;
  EVP_DigestFinal_ex(context.get(), digest.data(), &length);
  std::string text;
  for (unsigned i = 0; i < length; ++i)
    text += fmt::format("{:02x}", digest[i]);
  return text;
}

std::string md5_of_tag(std::string_view tag) {
  constexpr std::size_t kDigits = 32;
  if (tag.size() != kDigits + 2 || tag.front() != '"' || tag.back() != '"') return {};
  tag = tag.substr(1, kDigits);
  const bool is_hex =
      std::ranges::all_of(tag, [](unsigned char c) { return std::isdigit(c) != 0 || (c >= 'a' && c <= 'f'); });
  return is_hex ? std::string(tag) : std::string();
}

}  // namespace mito::client
