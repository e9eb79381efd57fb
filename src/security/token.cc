#include "security/token.h"

#include <array>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "base/encoding.h"
#include "security/compare.h"
#include "security/openssl.h"
#include "security/token_claims.h"

namespace mito::security {
namespace {

constexpr std::string_view kHeader = R"({"typ":"JWT","alg":"EdDSA"})";
constexpr std::size_t kKeyBytes = 32;
constexpr std::size_t kSignatureBytes = 64;
/// No token of ours comes near; longer ones are not worth decoding.
constexpr std::size_t kLongestBearer = 16'384;
constexpr std::int64_t kLeewaySeconds = 60;

constexpr std::string_view kRemedy =
    "make a pair with `openssl genpkey -algorithm ed25519 -out private.pem` and "
    "`openssl pkey -in private.pem -pubout -out public.pem`";

using KeyPtr = OpensslPtr<EVP_PKEY>;
enum class Part { kPrivate, kPublic };

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return {};
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

/// An encrypted key must not make OpenSSL ask on the terminal.
int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* /*context*/) {
  return -1;
}

Result<KeyPtr> read_key(std::string_view pem, Part part) {
  const std::string_view name = part == Part::kPrivate ? "private" : "public";
  ERR_clear_error();
  const OpensslPtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) return fail(ErrorCode::kInternal, {}, "OpenSSL has no memory for a key");
  KeyPtr key(part == Part::kPrivate ? PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, nullptr)
                                    : PEM_read_bio_PUBKEY(bio.get(), nullptr, refuse_passphrase, nullptr));
  if (!key) {
    std::string text = fmt::format("the {0} key is not a PEM text `-----BEGIN {1} KEY-----` that can be read; {2}",
                                   name, part == Part::kPrivate ? "PRIVATE" : "PUBLIC", kRemedy);
    return fail(ErrorCode::kUsage, std::move(text), openssl_reason());
  }
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return fail(ErrorCode::kUsage, fmt::format("the {} key is not an Ed25519 key; {}", name, kRemedy));
  }
  return key;
}

std::string raw_public_key(EVP_PKEY* key) {
  std::string raw(kKeyBytes, '\0');
  std::size_t length = raw.size();
  auto* bytes = reinterpret_cast<unsigned char*>(raw.data());
  if (EVP_PKEY_get_raw_public_key(key, bytes, &length) != 1 || length != raw.size()) {
    throw std::runtime_error("OpenSSL gave no Ed25519 public key: " + openssl_reason());
  }
  return raw;
}

std::string to_pem(EVP_PKEY* key, Part part) {
  const OpensslPtr<BIO> bio(BIO_new(BIO_s_mem()));
  const int written = !bio ? 0
                      : part == Part::kPrivate
                          ? PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr)
                          : PEM_write_bio_PUBKEY(bio.get(), key);
  if (written != 1) throw std::runtime_error("OpenSSL cannot write a key: " + openssl_reason());
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(length)};
}

const unsigned char* bytes_of(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string sign_bytes(EVP_PKEY* key, std::string_view message) {
  const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t length = signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length, bytes_of(message),
                     message.size()) != 1) {
    throw std::runtime_error("OpenSSL cannot sign: " + openssl_reason());
  }
  return signature;
}

bool verify_bytes(EVP_PKEY* key, std::string_view message, std::string_view signature) {
  if (signature.size() != kSignatureBytes) return false;
  const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key) != 1) {
    throw std::runtime_error("OpenSSL cannot verify: " + openssl_reason());
  }
  const bool good =
      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
  if (!good) ERR_clear_error();
  return good;
}

}  // namespace

class TokenKeys::Impl {
 public:
  KeyPtr private_key;
  KeyPtr public_key;
};

TokenKeys::TokenKeys(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
TokenKeys::TokenKeys(TokenKeys&&) noexcept = default;
TokenKeys& TokenKeys::operator=(TokenKeys&&) noexcept = default;
TokenKeys::~TokenKeys() = default;

Result<TokenKeys> TokenKeys::from_pem(std::string_view private_pem, std::string_view public_pem) {
  auto impl = std::make_shared<Impl>();
  MITO_TRY_ASSIGN(impl->private_key, read_key(private_pem, Part::kPrivate));
  MITO_TRY_ASSIGN(impl->public_key, read_key(public_pem, Part::kPublic));
  if (raw_public_key(impl->private_key.get()) != raw_public_key(impl->public_key.get())) {
    return fail(ErrorCode::kUsage,
                fmt::format("the private and the public key do not belong together; make the public one anew with "
                            "`openssl pkey -in private.pem -pubout -out public.pem`, or {}",
                            kRemedy));
  }
  return TokenKeys(std::move(impl));
}

Result<TokenKeys> TokenKeys::generate() {
  auto impl = std::make_shared<Impl>();
  impl->private_key.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
  if (!impl->private_key) return fail(ErrorCode::kInternal, {}, "OpenSSL cannot make a key: " + openssl_reason());
  const std::string raw = raw_public_key(impl->private_key.get());
  impl->public_key.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(raw), raw.size()));
  if (!impl->public_key) return fail(ErrorCode::kInternal, {}, "OpenSSL cannot make a key: " + openssl_reason());
  return TokenKeys(std::move(impl));
}

std::string TokenKeys::private_pem() const {
  return to_pem(impl_->private_key.get(), Part::kPrivate);
}
std::string TokenKeys::public_pem() const {
  return to_pem(impl_->public_key.get(), Part::kPublic);
}

std::string TokenKeys::fingerprint() const {
  const std::string raw = raw_public_key(impl_->public_key.get());
  std::string digest(EVP_MAX_MD_SIZE, '\0');
  unsigned int length = 0;
  if (EVP_Digest(raw.data(), raw.size(), reinterpret_cast<unsigned char*>(digest.data()), &length, EVP_sha256(),
                 nullptr) != 1) {
    throw std::runtime_error("OpenSSL cannot compute SHA-256: " + openssl_reason());
  }
  digest.resize(length);
  return hex_encode(digest);
}

std::string TokenKeys::sign(const Claims& claims) const {
  std::string token = base64url_encode(kHeader) + "." + base64url_encode(write_claims(claims));
  const std::string signature = sign_bytes(impl_->private_key.get(), token);
  return base64_encode(token + "." + base64url_encode(signature));
}

Result<Claims> TokenKeys::verify(std::string_view bearer, std::int64_t now) const {
  const auto invalid = [](std::string_view reason) { return fail(ErrorCode::kInvalidToken, {}, std::string(reason)); };
  if (bearer.size() > kLongestBearer) return invalid("the token is too long");
  const auto token = base64_decode(bearer);
  if (!token) return invalid("the token is not Base64");
  const std::string_view text = *token;
  const std::size_t claims_dot = text.find('.');
  const std::size_t signature_dot = claims_dot == std::string_view::npos ? claims_dot : text.find('.', claims_dot + 1);
  if (signature_dot == std::string_view::npos || text.find('.', signature_dot + 1) != std::string_view::npos) {
    return invalid("the token does not have three parts");
  }
  const auto header = base64url_decode(text.substr(0, claims_dot));
  const auto payload = base64url_decode(text.substr(claims_dot + 1, signature_dot - claims_dot - 1));
  const auto signature = base64url_decode(text.substr(signature_dot + 1));
  if (!header || !payload || !signature) return invalid("a part of the token is not Base64url");
  if (!is_token_header(*header)) return invalid("the token's header is not that of an EdDSA JWT");
  if (!verify_bytes(impl_->public_key.get(), text.substr(0, signature_dot), *signature)) {
    return invalid("the token's signature is wrong");
  }
  auto claims = read_claims(*payload);
  if (!claims) return invalid("the token's claims are not ours");
  if (claims->exp < now - kLeewaySeconds) return invalid("the token has expired");
  return *std::move(claims);
}

}  // namespace mito::security
