#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// The little XML that S3 wants and gives. No general parser: documents are flat, and what is not understood counts as
// missing.
namespace mito::storage {

/// What a server says went wrong.
struct S3Error {
  std::string code;  ///< `NoSuchBucket`; empty: none was given.
  std::string message;
  std::string key;  ///< In the answer to a deletion of several.
};

/// The first <Error> of a document, or nothing.
std::optional<S3Error> parse_s3_error(std::string_view document);
/// All of them.
std::vector<S3Error> parse_s3_errors(std::string_view document);

/// One page of a ListObjectsV2.
struct S3Listing {
  struct Object {
    std::string key;
    std::string last_modified;
  };
  std::vector<Object> objects;
  bool truncated = false;  ///< More follow.
};
/// Keys are decoded where the server says that it encoded them. Nothing: another document.
std::optional<S3Listing> parse_s3_listing(std::string_view document);

/// Whether a key can stand in a document at all: UTF-8 without the control characters that XML has no form for.
bool fits_xml(std::string_view key);
/// The body of a deletion of several objects. The keys fit_xml().
std::string deletion_document(const std::vector<std::string>& keys);

}  // namespace mito::storage
