#include "security/token.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include "base/encoding.h"
#include "security/openssl.h"

namespace mito::security {
namespace {

// Keys and tokens of reference/server.md appendix A.
constexpr const char* kPrivatePem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n"
    "-----END PRIVATE KEY-----\n";
constexpr const char* kPublicPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAA6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=\n"
    "-----END PUBLIC KEY-----\n";
constexpr const char* kUserBearer =
    "ZXlKMGVYQWlPaUpLVjFRaUxDSmhiR2NpT2lKRlpFUlRRU0o5LmV5SnpkV0lpT2lKaGJHbGpaU0lzSW1WNGNDSTZNVGc1TXpRMU5qQXdNQ3dpYzJsbm"
    "JpSTZOREo5LjFiVFBo"
    "NUZQNEFiT1UzazhvMlVPY3NjcDJRa0FSVko3YS1ZenVFaExlelYyckdFeldGc0x6MDlydzB1ZWk1bnBLUlhuZWQxQWJ1NDl3MElGb21IcURR";
constexpr const char* kWorkerJwt =
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFZERTQSJ9."
    "eyJzdWIiOiI1NTBlODQwMC1lMjliLTQxZDQtYTcxNi00NDY2NTU0NDAwMDAiLCJleHAiOjE4OTM0NTYwMDAsInNpZ24iOjB9."
    "Ab8Z1dXM1J5zZ9bRRYh3uAjXL2dp6nxrbQjzpEQE3pywpQ_I18bEEY5IHzeR_QNU0IIPhPW0q9cmEhdzFwZPCg";
constexpr std::int64_t kExpiry = 1'893'456'000;

const Claims kAlice{.sub = "alice", .exp = kExpiry, .sign = 42};
const Claims kWorker{.sub = "550e8400-e29b-41d4-a716-446655440000", .exp = kExpiry, .sign = 0};

const TokenKeys& keys() {
  static const TokenKeys kKeys = TokenKeys::from_pem(kPrivatePem, kPublicPem).value();
  return kKeys;
}

/// A bearer token with any header and claims, signed with the key of the test.
std::string forge(std::string_view header, std::string_view claims) {
  const OpensslPtr<BIO> bio(BIO_new_mem_buf(kPrivatePem, -1));
  const OpensslPtr<EVP_PKEY> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const OpensslPtr<EVP_MD_CTX> context(EVP_MD_CTX_new());
  const std::string text = base64url_encode(header) + "." + base64url_encode(claims);
  std::string signature(64, '\0');
  std::size_t length = signature.size();
  EXPECT_EQ(EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()), 1);
  EXPECT_EQ(EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &length,
                           reinterpret_cast<const unsigned char*>(text.data()), text.size()),
            1);
  return base64_encode(text + "." + base64url_encode(signature));
}

constexpr const char* kHeader = R"({"typ":"JWT","alg":"EdDSA"})";
constexpr const char* kClaims = R"({"sub":"alice","exp":1893456000,"sign":42})";

TEST(Token, ReproducesTheTestVectors) {
  EXPECT_EQ(keys().sign(kAlice), kUserBearer);
  EXPECT_EQ(keys().sign(kWorker), base64_encode(kWorkerJwt));
}

TEST(Token, OfTheTestVectorsIsVerified) {
  EXPECT_EQ(keys().verify(kUserBearer, kExpiry - 1), kAlice);
  EXPECT_EQ(keys().verify(base64_encode(kWorkerJwt), kExpiry - 1), kWorker);
}

TEST(Token, HasALeewayOfAMinute) {
  EXPECT_TRUE(keys().verify(kUserBearer, kExpiry + 60).has_value());
  const auto expired = keys().verify(kUserBearer, kExpiry + 61);
  ASSERT_FALSE(expired.has_value());
  EXPECT_EQ(expired.error().code(), ErrorCode::kInvalidToken);
}

TEST(Token, KeepsExtremeClaims) {
  for (const Claims& claims : {Claims{"", 0, -1}, Claims{"a\"\\\n\u00e9", 1LL << 60, -(1LL << 62)}}) {
    EXPECT_EQ(keys().verify(keys().sign(claims), 0), claims);
  }
}

struct Signed {
  const char* name;
  std::string header;
  std::string claims;
};

class TokenAccepted : public testing::TestWithParam<Signed> {};

TEST_P(TokenAccepted, IsVerified) {
  const auto claims = keys().verify(forge(GetParam().header, GetParam().claims), 0);
  ASSERT_TRUE(claims.has_value()) << claims.error().internal();
  EXPECT_EQ(claims->sub, "alice");
}

INSTANTIATE_TEST_SUITE_P(
    Tokens, TokenAccepted,
    testing::Values(Signed{"unchanged", kHeader, kClaims},
                    Signed{"header_in_another_order", R"({"alg":"EdDSA","typ":"JWT"})", kClaims},
                    Signed{"no_typ", R"({"alg":"EdDSA"})", kClaims},
                    Signed{"more_header_fields", R"({"alg":"EdDSA","kid":"k","crit":["x"],"x":1})", kClaims},
                    Signed{"not_yet_valid", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42,"nbf":1893455999})"},
                    Signed{"more_claims", kHeader, R"({"iss":"x","sub":"alice","iat":"y","exp":1893456000,"sign":42})"},
                    Signed{"audience_as_number", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42,"aud":5})"},
                    Signed{"audience_null", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42,"aud":null})"},
                    Signed{"far_future", kHeader, R"({"sub":"alice","exp":18446744073709551615,"sign":42})"},
                    Signed{"negative_sign", kHeader, R"({"sub":"alice","exp":1893456000,"sign":-42})"}),
    [](const auto& test) { return test.param.name; });

class TokenRefused : public testing::TestWithParam<Signed> {};

TEST_P(TokenRefused, IsInvalidThoughSigned) {
  const auto claims = keys().verify(forge(GetParam().header, GetParam().claims), 0);
  ASSERT_FALSE(claims.has_value());
  EXPECT_EQ(claims.error().code(), ErrorCode::kInvalidToken);
}

INSTANTIATE_TEST_SUITE_P(
    Tokens, TokenRefused,
    testing::Values(Signed{"no_sub", kHeader, R"({"exp":1893456000,"sign":42})"},
                    Signed{"no_exp", kHeader, R"({"sub":"alice","sign":42})"},
                    Signed{"no_sign", kHeader, R"({"sub":"alice","exp":1893456000})"},
                    Signed{"sign_as_string", kHeader, R"({"sub":"alice","exp":1893456000,"sign":"42"})"},
                    Signed{"sign_as_fraction", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42.5})"},
                    Signed{"sign_too_large", kHeader, R"({"sub":"alice","exp":1893456000,"sign":9223372036854775808})"},
                    Signed{"exp_as_string", kHeader, R"({"sub":"alice","exp":"1893456000","sign":42})"},
                    Signed{"exp_as_fraction", kHeader, R"({"sub":"alice","exp":1893456000.5,"sign":42})"},
                    Signed{"exp_negative", kHeader, R"({"sub":"alice","exp":-1,"sign":42})"},
                    Signed{"sub_as_number", kHeader, R"({"sub":7,"exp":1893456000,"sign":42})"},
                    Signed{"audience", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42,"aud":"x"})"},
                    Signed{"audience_empty", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42,"aud":""})"},
                    Signed{"audience_list", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42,"aud":["x"]})"},
                    Signed{"audience_empty_list", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42,"aud":[]})"},
                    Signed{"claims_no_object", kHeader, R"(["alice",1893456000,42])"},
                    Signed{"claims_no_json", kHeader, "alice"},
                    Signed{"claims_not_utf8", kHeader, "{\"sub\":\"\xff\",\"exp\":1893456000,\"sign\":42}"},
                    Signed{"claims_truncated", kHeader, R"({"sub":"alice","exp":1893456000,"sign":42)"},
                    Signed{"algorithm_none", R"({"typ":"JWT","alg":"none"})", kClaims},
                    Signed{"algorithm_hs256", R"({"typ":"JWT","alg":"HS256"})", kClaims},
                    Signed{"algorithm_lower", R"({"typ":"JWT","alg":"eddsa"})", kClaims},
                    Signed{"algorithm_missing", R"({"typ":"JWT"})", kClaims},
                    Signed{"typ_number", R"({"typ":1,"alg":"EdDSA"})", kClaims},
                    Signed{"kid_number", R"({"kid":1,"alg":"EdDSA"})", kClaims},
                    Signed{"header_no_json", "EdDSA", kClaims}),
    [](const auto& test) { return test.param.name; });

struct Bearer {
  const char* name;
  std::string text;
};

class BearerRefused : public testing::TestWithParam<Bearer> {};

TEST_P(BearerRefused, IsInvalid) {
  const auto claims = keys().verify(GetParam().text, 0);
  ASSERT_FALSE(claims.has_value());
  EXPECT_EQ(claims.error().code(), ErrorCode::kInvalidToken);
}

std::string jwt() {
  return *base64_decode(kUserBearer);
}
std::string changed_at(std::size_t at) {
  std::string text = jwt();
  text[at] = text[at] == 'A' ? 'B' : 'A';
  return base64_encode(text);
}

INSTANTIATE_TEST_SUITE_P(
    Texts, BearerRefused,
    testing::Values(Bearer{"empty", ""}, Bearer{"plain_jwt", jwt()}, Bearer{"not_base64", "%%%%"},
                    Bearer{"blank_behind", std::string(kUserBearer) + " "}, Bearer{"no_dots", base64_encode("abc")},
                    Bearer{"one_dot", base64_encode("a.b")}, Bearer{"three_dots", base64_encode(jwt() + ".x")},
                    Bearer{"no_signature", base64_encode(jwt().substr(0, jwt().rfind('.') + 1))},
                    Bearer{"padded_part", base64_encode(jwt() + "==")}, Bearer{"claims_changed", changed_at(45)},
                    Bearer{"signature_changed", changed_at(110)}, Bearer{"too_long", std::string(1 << 20, 'A')}),
    [](const auto& test) { return test.param.name; });

TEST(TokenKeys, OfAnotherPairDoNotVerify) {
  const auto other = TokenKeys::generate();
  ASSERT_TRUE(other.has_value());
  EXPECT_FALSE(other->verify(kUserBearer, 0).has_value());
  EXPECT_FALSE(keys().verify(other->sign(kAlice), 0).has_value());
  EXPECT_EQ(other->verify(other->sign(kAlice), 0), kAlice);
}

TEST(TokenKeys, AreWrittenAsPemAndReadAgain) {
  EXPECT_EQ(keys().private_pem(), kPrivatePem);
  EXPECT_EQ(keys().public_pem(), kPublicPem);
  const auto made = TokenKeys::generate();
  ASSERT_TRUE(made.has_value());
  const auto again = TokenKeys::from_pem(made->private_pem(), made->public_pem());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->fingerprint(), made->fingerprint());
  EXPECT_NE(again->fingerprint(), keys().fingerprint());
}

TEST(TokenKeys, HaveTheSha256OfThePublicKeyAsFingerprint) {
  // sha256sum of the 32 bytes of the key above.
  EXPECT_EQ(keys().fingerprint(), "56475aa75463474c0285df5dbf2bcab73da651358839e9b77481b2eab107708c");
}

TEST(TokenKeys, ThatDoNotBelongTogetherAreRefused) {
  const auto other = TokenKeys::generate();
  ASSERT_TRUE(other.has_value());
  const auto mixed = TokenKeys::from_pem(kPrivatePem, other->public_pem());
  ASSERT_FALSE(mixed.has_value());
  EXPECT_EQ(mixed.error().code(), ErrorCode::kUsage);
  EXPECT_NE(mixed.error().text().find("do not belong together"), std::string::npos);
  EXPECT_NE(mixed.error().text().find("openssl pkey -in private.pem -pubout"), std::string::npos);
}

constexpr const char* kRsaPublicPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAKj34GkxFhD90vcNLYLInFEX6Ppy1tPf\n"
    "9Cnzj4p4WGeKLs1Pt8QuKUpRKfFLfRYC9AIKjbJTWit+CqvjWYzvQwECAwEAAQ==\n"
    "-----END PUBLIC KEY-----\n";

struct BadPem {
  const char* name;
  std::string private_pem;
  std::string public_pem;
  const char* part;
};

class PemRefused : public testing::TestWithParam<BadPem> {};

TEST_P(PemRefused, NamesTheKeyAndTheCommands) {
  const auto read = TokenKeys::from_pem(GetParam().private_pem, GetParam().public_pem);
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code(), ErrorCode::kUsage);
  EXPECT_NE(read.error().text().find(GetParam().part), std::string::npos) << read.error().text();
  EXPECT_NE(read.error().text().find("openssl genpkey -algorithm ed25519"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    Pems, PemRefused,
    testing::Values(BadPem{"empty_private", "", kPublicPem, "the private key is not a PEM text"},
                    BadPem{"empty_public", kPrivatePem, "", "the public key is not a PEM text"},
                    BadPem{"swapped", kPublicPem, kPrivatePem, "the private key is not a PEM text"},
                    BadPem{"cut", std::string(kPrivatePem).substr(0, 60), kPublicPem,
                           "the private key is not a PEM text"},
                    BadPem{"rsa", kPrivatePem, kRsaPublicPem, "the public key is not an Ed25519 key"}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace mito::security
