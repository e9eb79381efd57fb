#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mito::client {

/// The MD5 digest of a file in lower-case hexadecimal digits. kIo.
Result<std::string> md5_of_file(const std::filesystem::path& file);

/// The MD5 digest that an entity tag of an object store is (`"9a0364b9e99bb480dd25e1f0284c8555"`); empty for every
/// other tag, such as that of a file that was uploaded in parts.
std::string md5_of_tag(std::string_view tag);

}  // namespace mito::client
