#include "storage/database/memory/memory.h"

#include <string>

#include "storage/database/memory/writer.h"

namespace mito::storage {
namespace {

class MemoryDatabase final : public Database {
 public:
  Result<std::unique_ptr<Writer>> open_writer() override {
    auto turn = store_->turn.lock();
    if (turn->in_transaction != nullptr)
      return fail(ErrorCode::kUnavailable, "The database is being written to by another writer. Try again.");
    ++turn->epoch;
    return std::make_unique<memory::MemoryWriter>(store_, turn->epoch, turn->batch);
  }
  Result<std::unique_ptr<Queries>> open_reader() override { return std::make_unique<memory::MemoryReader>(store_); }
  [[nodiscard]] std::string describe() const override { return "memory (nothing is kept when the program ends)"; }

 private:
  std::shared_ptr<memory::Store> store_ = std::make_shared<memory::Store>();
};

}  // namespace

std::unique_ptr<Database> open_memory() {
  return std::make_unique<MemoryDatabase>();
}

}  // namespace mito::storage
