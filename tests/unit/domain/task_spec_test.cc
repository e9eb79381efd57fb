#include "domain/task_spec.h"

#include <gtest/gtest.h>

namespace mito {
namespace {

struct Case {
  const char* name;
  const char* path;
  bool safe;
};

class LocalPath : public testing::TestWithParam<Case> {};

TEST_P(LocalPath, StaysInsideOrNot) {
  TaskSpec spec;
  spec.resources.push_back({AttachmentReference{"fine"}, "in/a"});
  EXPECT_TRUE(local_paths_are_safe(spec));
  spec.resources.push_back({AttachmentReference{"k"}, GetParam().path});
  EXPECT_EQ(local_paths_are_safe(spec), GetParam().safe) << GetParam().path;
}

INSTANTIATE_TEST_SUITE_P(Paths, LocalPath,
                         testing::Values(Case{"plain", "a.txt", true}, Case{"nested", "a/b/c", true},
                                         Case{"empty", "", true}, Case{"dot", ".", true},
                                         Case{"two_dots_in_a_name", "..a", true}, Case{"three_dots", "a/...", true},
                                         Case{"backslashes", "..\\a", true}, Case{"slash_at_the_end", "a/", true},
                                         Case{"absolute", "/a", false}, Case{"root", "/", false},
                                         Case{"parent", "..", false}, Case{"parent_first", "../a", false},
                                         Case{"parent_inside", "a/../b", false}, Case{"parent_last", "a/..", false},
                                         Case{"parent_and_slash", "a/../", false}),
                         [](const auto& test) { return test.param.name; });

TEST(LocalPath, OfNoResourcesIsSafe) {
  EXPECT_TRUE(local_paths_are_safe(TaskSpec{}));
}

}  // namespace
}  // namespace mito
