#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/time.h"
#include "domain/ids.h"

namespace mito::storage::postgres {

/// A value of type json.
struct Json {
  std::string_view text;
};
/// A value of type bytea.
struct Binary {
  std::string_view bytes;
};

/// Numbers of PostgreSQL's own types (pg_type.dat).
struct TypeIds {
  unsigned scalar;
  unsigned array;
};

constexpr TypeIds type_of(bool) {
  return {16, 1000};
}
constexpr TypeIds type_of(std::int32_t) {
  return {23, 1007};
}
constexpr TypeIds type_of(std::int64_t) {
  return {20, 1016};
}
constexpr TypeIds type_of(std::string_view) {
  return {25, 1009};
}
constexpr TypeIds type_of(Json) {
  return {114, 199};
}
constexpr TypeIds type_of(Binary) {
  return {17, 1001};
}
constexpr TypeIds type_of(Timestamp) {
  return {1184, 1185};
}
constexpr TypeIds type_of(const Uuid&) {
  return {2950, 2951};
}

/// Appends the binary form of a value.
void put(std::string& out, bool value);
void put(std::string& out, std::int32_t value);
void put(std::string& out, std::int64_t value);
void put(std::string& out, std::string_view value);
void put(std::string& out, Timestamp value);
void put(std::string& out, const Uuid& value);
inline void put(std::string& out, Json value) {
  put(out, value.text);
}
inline void put(std::string& out, Binary value) {
  put(out, value.bytes);
}

/// From our types to those above.
template <class T>
decltype(auto) plain(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return static_cast<std::int32_t>(value);
  } else if constexpr (std::is_convertible_v<const T&, std::string_view>) {
    return std::string_view(value);
  } else {
    return (value);
  }
}
template <class Tag>
std::int64_t plain(const RowId<Tag>& id) {
  return id.value;
}
template <class Tag>
const Uuid& plain(const TypedUuid<Tag>& uuid) {
  return uuid.value;
}

/// `{"a","b"}`: a text[] as text, for arrays of arrays, which PostgreSQL does not have.
std::string array_literal(const std::vector<std::string>& items);

/// The parameters of a statement, in binary form, with their types.
class Params {
 public:
  template <class... Values>
  static Params of(const Values&... values) {
    Params params;
    (params.add(values), ...);
    return params;
  }

  template <class T>
  Params& add(const T& value) {
    const std::size_t start = bytes_.size();
    put(bytes_, plain(value));
    entries_.push_back({type_of(plain(value)).scalar, start, static_cast<std::int32_t>(bytes_.size() - start)});
    return *this;
  }
  template <class T>
  Params& add(const std::optional<T>& value) {
    if (value) return add(*value);
    entries_.push_back({type_of(plain(T{})).scalar, bytes_.size(), kNull});
    return *this;
  }
  Params& add(const std::vector<std::string>& items) {
    return add_column(std::span(items), [](const std::string& item) -> std::string_view { return item; });
  }

  /// One array with `get(element)` of every element; an empty optional is NULL.
  template <class Elements, class Get>
  Params& add_column(const Elements& elements, const Get& get) {
    using Item = std::remove_cvref_t<decltype(get(*std::begin(elements)))>;
    const std::size_t start = bytes_.size();
    const TypeIds types = types_of_item(static_cast<const Item*>(nullptr));
    put(bytes_, std::int32_t{elements.empty() ? 0 : 1});
    put(bytes_, std::int32_t{1});  // There may be NULLs.
    put(bytes_, static_cast<std::int32_t>(types.scalar));
    if (!elements.empty()) {
      put(bytes_, static_cast<std::int32_t>(elements.size()));
      put(bytes_, std::int32_t{1});
    }
    for (const auto& element : elements)
      put_item(get(element));
    entries_.push_back({types.array, start, static_cast<std::int32_t>(bytes_.size() - start)});
    return *this;
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  /// Parallel arrays as libpq takes them; valid while this lives unchanged.
  struct Raw {
    std::vector<unsigned> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
  };
  [[nodiscard]] Raw raw() const;

 private:
  static constexpr std::int32_t kNull = -1;
  struct Entry {
    unsigned type;
    std::size_t start;
    std::int32_t length;
  };

  template <class T>
  static TypeIds types_of_item(const T* /*kind*/) {
    return type_of(plain(T{}));
  }
  template <class T>
  static TypeIds types_of_item(const std::optional<T>* /*kind*/) {
    return type_of(plain(T{}));
  }
  template <class T>
  void put_item(const T& value) {
    const std::size_t at = bytes_.size();
    put(bytes_, std::int32_t{0});
    put(bytes_, plain(value));
    set_length(at, static_cast<std::int32_t>(bytes_.size() - at - sizeof(std::int32_t)));
  }
  template <class T>
  void put_item(const std::optional<T>& value) {
    if (value)
      put_item(*value);
    else
      put(bytes_, kNull);
  }
  void set_length(std::size_t at, std::int32_t length);

  std::string bytes_;
  std::vector<Entry> entries_;
};

}  // namespace mito::storage::postgres
