#include "coordinator/task_extras.h"

#include <gtest/gtest.h>

namespace mito::coordinator {
namespace {

struct Case {
  const char* detail;
  const char* info;
  const char* stored;
};

TEST(DetailWithWorker, HasHostAndNameOfTheWorkerAsOneMember) {
  const Case cases[] = {
      {"", "", ""},
      {"", R"({"cores":2})", ""},
      {"{}", R"({"host":"h"})", R"({"worker":{"host":"h"}})"},
      {"", R"({"host":"h","name":"n","cores":2})", R"({"worker":{"host":"h","name":"n"}})"},
      {R"({"reason":"x"})", "", R"({"reason":"x"})"},
      {R"({"reason":"x"})", "not JSON", R"({"reason":"x"})"},
      {R"( { "reason" : "x" } )", R"({"name":"n"})", R"({"worker":{"name":"n"},"reason" : "x" } )"},
      {R"({"worker":{"host":"lie"},"reason":"x"})", R"({"host":"h"})", R"({"worker":{"host":"h"},"reason":"x"})"},
      {R"({"worker":"lie"})", "", ""},
      {R"({"reason":"the worker"})", R"({"host":"\"}"})", R"({"worker":{"host":"\"}"},"reason":"the worker"})"},
  };
  for (const Case& test : cases)
    EXPECT_EQ(detail_with_worker(test.detail, test.info), test.stored) << test.detail << " of " << test.info;
}

}  // namespace
}  // namespace mito::coordinator
