#include <array>
#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/scenarios.h"

namespace mito::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Question {
  const char* name;
  const char* filter;  ///< Members of the request.
};

constexpr std::array kQuestions{
    Question{"all", ""},
    Question{"tag", R"("tags":["measured"],)"},
    Question{"tag of none", R"("tags":["nobody"],)"},
    Question{"label of none", R"("labels":["nothing"],)"},
    Question{"state", R"("states":["Ready"],)"},
    Question{"state of none", R"("states":["Running"],)"},
    Question{"creator", R"("creator_usernames":["mitosis_admin"],)"},
    Question{"creator of none", R"("creator_usernames":["nobody"],)"},
    Question{"priority", R"("priority":"<1",)"},
    Question{"priority of none", R"("priority":">1",)"},
    Question{"exit status", R"("exit_status":"=0",)"},
    Question{"exit status of none", R"("exit_status":">1",)"},
    Question{"reporter of none", R"("reporter_uuid":"00000000-0000-4000-8000-000000000000",)"},
};

Awaitable<void> ask(Bench& bench, const std::string& body, Latencies& latencies) {
  constexpr int kTimes = 20;
  auto session = bench.session();
  const std::string request = make_request("POST", "/tasks/query", bench.token(), body);
  for (int i = 0; i < kTimes; ++i) {
    const auto begin = Clock::now();
    co_await session.send_ok(request);
    latencies.add(Clock::now() - begin);
  }
}

Awaitable<void> finish_tasks(Bench& bench, std::int64_t& remaining) {
  auto session = bench.session();
  const SimulatedWorker worker = co_await register_worker(session, bench, Dialect::kOurs);
  co_await work(session, worker, Dialect::kOurs, remaining);
}

}  // namespace

std::vector<Measurement> reads(const Options& options, std::size_t tasks) {
  Bench bench(options);
  // One half waits, the other is over.
  bench.run(submit_batches(bench, tasks / 2, 1'000));
  auto remaining = static_cast<std::int64_t>(tasks / 2);
  bench.run(finish_tasks(bench, remaining));
  bench.run(submit_batches(bench, tasks - tasks / 2, 1'000, R"(["measured"])"));
  Measurement pages{"reads", fmt::format("limit=100 of {}", tasks), {}};
  Measurement counts{"reads", fmt::format("count of {}", tasks), {}};
  for (const Question& question : kQuestions) {
    Latencies page;
    Latencies count;
    bench.run(ask(bench, fmt::format(R"({{{}"limit":100,"count":false}})", question.filter), page));
    bench.run(ask(bench, fmt::format(R"({{{}"count":true}})", question.filter), count));
    pages.add(question.name, page.quantile(0.5).count() * 1e3, "ms");
    counts.add(question.name, count.quantile(0.5).count() * 1e3, "ms");
  }
  bench.clean_up();
  return {pages, counts};
}

}  // namespace mito::bench
