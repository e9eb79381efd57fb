#pragma once

#include <string_view>
#include <vector>

#include "protocol/errors.h"

// What failed answers mean to whoever gets them. The reference of errors in the guide is made of these words and of
// those of the operations (api_docs.h); unit_protocol fails when an error of the API has none.
namespace mito::protocol {

/// A failed answer as it is sent, with `<…>` for what varies.
struct AnswerDoc {
  Failure failure;
  std::string_view meaning;
  std::string_view remedy;
};

/// All of them, in the order in which a request meets the checks they come from.
std::vector<AnswerDoc> answer_docs();

}  // namespace mito::protocol
