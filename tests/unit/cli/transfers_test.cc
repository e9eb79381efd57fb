#include "cli/transfers.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "cli/progress.h"

namespace mito::cli {
namespace {

TEST(DownloadTarget, FollowsTheOutputOption) {
  EXPECT_EQ(download_target(std::nullopt, "dir/k1"), "dir/k1");
  EXPECT_EQ(download_target("/", "k1"), "/k1");
  EXPECT_EQ(download_target("not-there/", "k1"), "not-there/k1");
  EXPECT_EQ(download_target("x/y.tgz", "k1"), "x/y.tgz");
}

TEST(DistinctNames, NeverPutTwoFilesInOnePlace) {
  const std::vector<BatchItem> items{{.label = "", .name = "a", .alternative = "x/a", .url = ""},
                                     {.label = "", .name = "a", .alternative = "y/a", .url = ""},
                                     {.label = "", .name = "b", .alternative = "b", .url = ""},
                                     {.label = "", .name = "c", .alternative = "c", .url = ""},
                                     {.label = "", .name = "c", .alternative = "c", .url = ""}};
  EXPECT_EQ(distinct_names(items), (std::vector<std::string>{"x/a", "y/a", "b", "c", "c.2"}));
}

TEST(DistinctNames, StayInsideTheDirectory) {
  const std::vector<BatchItem> items{{.label = "", .name = "..", .alternative = "../..", .url = ""},
                                     {.label = "", .name = "", .alternative = "/etc/x", .url = ""},
                                     {.label = "", .name = "", .alternative = "../../y", .url = ""}};
  EXPECT_EQ(distinct_names(items), (std::vector<std::string>{"_/_", "etc/x", "_/_/y"}));
}

TEST(Progress, ShowsPartSpeedAndRest) {
  using std::chrono::seconds;
  EXPECT_EQ(render_progress(15'000'000, 30'000'000, seconds(5), ProgressUnit::kBytes),
            "[===============>              ]  50%  15 MB / 30 MB  3 MB/s  5.0s left");
  EXPECT_EQ(render_progress(10, 10, seconds(1), ProgressUnit::kBytes),
            "[==============================] 100%  10 B / 10 B  10 B/s");
  EXPECT_EQ(render_progress(10, 20, seconds(5), ProgressUnit::kFiles),
            "[===============>              ]  50%  10 / 20 files  5.0s left");
  EXPECT_EQ(render_progress(1000, 0, seconds(1), ProgressUnit::kBytes), "1 kB  1 kB/s");
}

TEST(Progress, FitsItsLine) {
  const std::string title = "Downloading to a/directory/with/a/name/that/is/long";
  const auto fitted = [&title](std::size_t width) {
    return fit_progress(title, 15'000'000, 30'000'000, std::chrono::seconds(5), ProgressUnit::kBytes, width);
  };
  EXPECT_EQ(fitted(120),
            "Downloading to a/directory/with/a/name/…  [===============>              ]  50%  15 MB / 30 MB  3 MB/s  "
            "5.0s left");
  EXPECT_EQ(fitted(79), "Downloading to a/di…  [=====>    ]  50%  15 MB / 30 MB  3 MB/s  5.0s left");
  EXPECT_EQ(fitted(60), "[=====>    ]  50%  15 MB / 30 MB  3 MB/s  5.0s left");
  EXPECT_EQ(fitted(45), " 50%  15 MB / 30 MB  3 MB/s  5.0s left");
  EXPECT_EQ(fitted(20), " 50%  15 MB / 30 MB…");
}

}  // namespace
}  // namespace mito::cli
