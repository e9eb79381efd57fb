#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "security/object_url.h"
#include "storage/objects/object_store.h"
#include "storage/objects/s3/s3_object_store.h"

namespace mito::storage {

/// Opens the store a URL names: `file:<directory>` (made where it is missing) or `memory:`. Signer and clock outlive
/// it. kUsage: the URL is none of these; the text names the forms. Else the errors of the back end.
Result<std::unique_ptr<LocalObjectStore>> open_objects(std::string_view url, const security::ObjectUrlSigner& signer,
                                                       std::uint64_t min_free, const Clock& clock = Clock::system());

/// `file:<directory>`. `min_free`: bytes of the volume that uploads leave free.
Result<std::unique_ptr<LocalObjectStore>> open_disk_objects(std::filesystem::path directory,
                                                            const security::ObjectUrlSigner& signer,
                                                            std::uint64_t min_free,
                                                            const Clock& clock = Clock::system());

/// An S3 server (`s3_url`); its buckets are checked, and made where they are missing. `clock` outlives the store.
/// Errors say what to do.
Result<std::unique_ptr<RemoteObjectStore>> open_s3_objects(S3Settings settings, const Clock& clock = Clock::system());

}  // namespace mito::storage
