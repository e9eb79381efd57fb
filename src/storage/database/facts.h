#pragma once

#include <string_view>

// Names of facts (Queries::fact) that both the storage and those above it know.
namespace mito::storage {

/// Which program made the tables; missing: ours.
inline constexpr std::string_view kOriginFact = "origin";
inline constexpr std::string_view kOriginOriginal = "original";
/// The name of the admin that was made once in the life of the database; empty when the original made one.
inline constexpr std::string_view kFirstAdminFact = "first_admin";

}  // namespace mito::storage
