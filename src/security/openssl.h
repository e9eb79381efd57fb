#pragma once

#include <memory>

#include <openssl/bio.h>
#include <openssl/evp.h>

namespace mito::security {

struct OpensslDelete {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(BIO* bio) const { BIO_free(bio); }
};

/// Owns an OpenSSL object.
template <class T>
using OpensslPtr = std::unique_ptr<T, OpensslDelete>;

}  // namespace mito::security
