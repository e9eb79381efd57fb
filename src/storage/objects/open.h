#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "security/object_url.h"
#include "storage/objects/object_store.h"

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

}  // namespace mito::storage
