// Runs ten commands on whatever workers there are, follows what happens to them, waits for each and fetches what the
// first one wrote.
#include <cstdio>
#include <netmito.h>
#include <stop_token>
#include <thread>

int main() {
  using namespace netmito;
  MitoClient client;
  const auto group = client.connect();
  if (!group) {
    std::fprintf(stderr, "cannot log in: %s\n", group.error().text().c_str());
    return 1;
  }

  std::jthread follower([&](std::stop_token stop) {
    const auto followed = client.events(
        *group,
        [](const TaskEvent& event) {
          std::fprintf(stderr, "%s: %s\n", event.uuid.to_string().c_str(), std::string(to_string(event.state)).c_str());
          return true;
        },
        stop);
    if (!followed && followed.error().code() != ErrorCode::kCancelled)
      std::fprintf(stderr, "no events: %s\n", followed.error().text().c_str());
  });

  std::vector<SubmitTaskReq> requests;
  for (int number = 0; number < 10; ++number) {
    requests.push_back({.group_name = *group,
                        .tags = {},
                        .labels = {"example"},
                        .timeout = Duration::from(std::chrono::minutes(1)),
                        .priority = 0,
                        .task_spec = {.args = {"sh", "-c", "echo task; exit " + std::to_string(number % 2)},
                                      .envs = {},
                                      .resources = {},
                                      .terminal_output = true,
                                      .watch = {}},
                        .uuid = {}});
  }
  int succeeded = 0;
  for (const auto& outcome : unwrap(client.submit_many(std::move(requests)))) {
    if (const auto* refused = std::get_if<ErrorMsg>(&outcome)) {
      std::fprintf(stderr, "refused: %s\n", refused->msg.c_str());
      return 1;
    }
    const auto& task = std::get<SubmitTaskResp>(outcome);
    const auto ended = unwrap(client.wait(task.uuid, std::chrono::minutes(5)));
    if (ended.info.result->exit_status == 0) ++succeeded;
    if (task.task_id % 10 == 1)
      unwrap(client.download_artifact(task.uuid, ArtifactContentType::kStdLog, "std-log.tar.gz"));
  }
  std::printf("%d of 10 tasks succeeded\n", succeeded);
}
