#pragma once

#include <expected>
#include <utility>

#include "base/error.h"

namespace mito {

/// A value or an expected failure.
template <class T>
using Result = std::expected<T, Error>;

/// `return fail(ErrorCode::kNotFound, "Task");` in a function that returns a Result.
inline std::unexpected<Error> fail(ErrorCode code, std::string text = {}, std::string internal = {}) {
  return std::unexpected<Error>(std::in_place, code, std::move(text), std::move(internal));
}
inline std::unexpected<Error> fail(Error error) {
  return std::unexpected<Error>(std::move(error));
}

}  // namespace mito

#define MITO_CONCAT_INNER(a, b) a##b
#define MITO_CONCAT(a, b) MITO_CONCAT_INNER(a, b)

/// Leaves the enclosing function with the error of `expression`, if it has one; its value is dropped. For coroutines:
/// MITO_CO_TRY.
#define MITO_TRY(expression)                                       \
  do {                                                             \
    if (auto mito_result = (expression); !mito_result.has_value()) \
      return ::std::unexpected(::std::move(mito_result).error());  \
  } while (false)

/// `MITO_TRY_ASSIGN(auto user, find_user(name));` NOLINTBEGIN(bugprone-macro-parentheses): for names
#define MITO_TRY_ASSIGN(declaration, expression) \
  MITO_TRY_ASSIGN_INNER(MITO_CONCAT(mito_result_, __LINE__), declaration, expression)
#define MITO_TRY_ASSIGN_INNER(result, declaration, expression)                    \
  auto result = (expression);                                                     \
  if (!result.has_value()) return ::std::unexpected(::std::move(result).error()); \
  declaration = ::std::move(result).value()

#define MITO_CO_TRY(expression)                                      \
  do {                                                               \
    if (auto mito_result = (expression); !mito_result.has_value())   \
      co_return ::std::unexpected(::std::move(mito_result).error()); \
  } while (false)

#define MITO_CO_TRY_ASSIGN(declaration, expression) \
  MITO_CO_TRY_ASSIGN_INNER(MITO_CONCAT(mito_result_, __LINE__), declaration, expression)
#define MITO_CO_TRY_ASSIGN_INNER(result, declaration, expression)                    \
  auto result = (expression);                                                        \
  if (!result.has_value()) co_return ::std::unexpected(::std::move(result).error()); \
  declaration = ::std::move(result).value()  // NOLINTEND(bugprone-macro-parentheses)
