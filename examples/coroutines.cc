// The same calls from coroutines: each co_await waits on one of the client's threads, never on ours.
#include <chrono>
#include <cstdio>
#include <netmito.h>

using namespace netmito;

Task<int> run_two_tasks(MitoClient& client) {
  const std::string group = unwrap(client.connect());
  const SubmitTaskReq request{
      .group_name = group,
      .tags = {},
      .labels = {},
      .timeout = Duration::from(std::chrono::minutes(1)),
      .priority = 0,
      .task_spec = {.args = {"true"}, .envs = {}, .resources = {}, .terminal_output = false, .watch = {}},
      .uuid = {}};
  int succeeded = 0;
  for (int i = 0; i < 2; ++i) {
    const auto task = unwrap(co_await client.async([&](const Client&) { return client.submit(request); }));
    const auto ended =
        unwrap(co_await client.async([&](const Client&) { return client.wait(task.uuid, std::chrono::minutes(5)); }));
    if (ended.info.result->exit_status == 0) ++succeeded;
  }
  const auto groups = unwrap(co_await client.async([](const Client& api) { return api.user_groups(); }));
  std::printf("member of %zu groups\n", groups.groups.size());
  co_return succeeded;
}

int main() {
  try {
    MitoClient client;
    std::printf("%d of 2 tasks succeeded\n", wait_for(run_two_tasks(client)));
  } catch (const MitoError& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
