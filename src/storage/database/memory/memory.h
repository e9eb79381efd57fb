#pragma once

#include <memory>

#include "storage/database/database.h"

namespace mito::storage {

/// A database that lives in this process and is gone with it: for tests, the simulation and `memory:`.
/// Behaves as the contract says in every respect but durability; a writer that is destroyed inside a transaction undoes
/// it.
std::unique_ptr<Database> open_memory();

}  // namespace mito::storage
