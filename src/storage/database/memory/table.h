#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <utility>
#include <vector>

namespace mito::storage::memory {

/// The index of a table that has none besides its key.
struct NoIndex {
  template <class Key, class Row>
  void add(const Key&, const Row&) {}
  template <class Key, class Row>
  void remove(const Key&, const Row&) {}
};

/// Rows by key, in order, with what is needed to undo changes or to repeat them on a second table.
/// Rows are immutable and shared between tables; a change puts a new row in the place of the old one.
template <class Key, class Row, class Index = NoIndex>
class Table {
 public:
  using RowPtr = std::shared_ptr<const Row>;
  using Rows = std::map<Key, RowPtr>;

  [[nodiscard]] const Rows& rows() const { return rows_; }
  [[nodiscard]] const Index& index() const { return index_; }
  [[nodiscard]] const Row* find(const Key& key) const {
    const auto found = rows_.find(key);
    return found == rows_.end() ? nullptr : found->second.get();
  }

  void put(const Key& key, Row row) {
    log_.emplace_back(key, replace(key, std::make_shared<const Row>(std::move(row))));
  }
  void erase(const Key& key) {
    if (RowPtr old = replace(key, nullptr)) log_.emplace_back(key, std::move(old));
  }
  /// Changes a copy of the row that exists and puts it in its place.
  template <class Change>
  void update(const Key& key, Change change) {
    Row row = *rows_.at(key);
    change(row);
    put(key, std::move(row));
  }

  /// How many changes were made since the last publish.
  [[nodiscard]] std::size_t mark() const { return log_.size(); }
  /// Takes back the changes made after `mark`.
  void undo_to(std::size_t mark) {
    while (log_.size() > mark) {
      replace(log_.back().first, std::move(log_.back().second));
      log_.pop_back();
    }
  }
  /// Repeats the changes on `other`, which held what this table held at the last publish, and forgets how to undo them.
  void publish_to(Table& other) {
    for (const auto& [key, old] : log_) {
      const auto found = rows_.find(key);
      other.replace(key, found == rows_.end() ? nullptr : found->second);
    }
    log_.clear();
  }

 private:
  /// Sets or (with nothing) removes a row and answers what was there.
  RowPtr replace(const Key& key, RowPtr row) {
    const auto found = rows_.find(key);
    RowPtr old = found == rows_.end() ? nullptr : found->second;
    if (old) index_.remove(key, *old);
    if (row) {
      index_.add(key, *row);
      if (found == rows_.end())
        rows_.emplace_hint(rows_.end(), key, std::move(row));
      else
        found->second = std::move(row);
    } else if (found != rows_.end()) {
      rows_.erase(found);
    }
    return old;
  }

  Rows rows_;
  Index index_;
  std::vector<std::pair<Key, RowPtr>> log_;
};

}  // namespace mito::storage::memory
