#include "protocol/error_docs.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace mito::protocol {
namespace {

TEST(ErrorDocs, EveryErrorOfTheApiHasWords) {
  const auto docs = answer_docs();
  for (int code = 0; code <= static_cast<int>(ErrorCode::kProtocol); ++code) {
    const Error error(static_cast<ErrorCode>(code), "");
    const unsigned status = failure_of(error).status;
    EXPECT_TRUE(std::ranges::any_of(docs, [&](const AnswerDoc& doc) { return doc.failure.status == status; }))
        << to_string(error.code());
  }
}

TEST(ErrorDocs, NothingIsSaidTwiceOrNotAtAll) {
  const auto docs = answer_docs();
  for (const AnswerDoc& doc : docs) {
    EXPECT_FALSE(doc.meaning.empty() || doc.remedy.empty()) << doc.failure.status << " " << doc.failure.body;
    EXPECT_EQ(std::ranges::count(docs, doc.failure, &AnswerDoc::failure), 1) << doc.failure.status << doc.failure.body;
  }
}

}  // namespace
}  // namespace mito::protocol
