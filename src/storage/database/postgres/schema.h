#pragma once

#include <array>
#include <span>
#include <string_view>

#include "base/result.h"
#include "storage/database/postgres/connection.h"
#include "storage/database/postgres/target.h"

namespace mito::storage::postgres {

/// What the original's migrations leave behind (reference/server.md 4.1), in the order in which they do it. Each
/// statement does nothing where its work is done already.
std::span<const char* const> original_schema();
/// The rows of `seaql_migrations` that stand for it.
inline constexpr std::array<std::string_view, 7> kOriginalMigrations{
    "m20240416_132735_create_table",
    "m20240424_055034_create_admin_user",
    "m20250910_192001_add_performance_indices",
    "m20250910_205347_add_labels_to_workers",
    "m20250911_025409_add_gin_indices_on_tags",
    "m20250915_111689_add_tasks_trigger",
    "m20251031_000001_add_reporter_uuid_to_archived_tasks",
};

/// Creates the tables in an empty database; brings those of the original, whatever its version, and our own up to date.
/// One transaction: after a failure everything is as before.
/// kUsage, with what to do: tables of another program or of a newer version, no right to create any.
Result<void> migrate(const Target& target);

/// What is in a database, without changing anything. The text is for people; errors as for migrate().
Result<std::string> inspect(Connection& connection, const Target& target);

}  // namespace mito::storage::postgres
