#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/machine.h"
#include "bench/scenarios.h"

namespace {

using namespace mito::bench;

void append(std::vector<Measurement>& all, std::vector<Measurement> more) {
  std::cout << format_table(more) << std::flush;
  for (auto& measurement : more)
    all.push_back(std::move(measurement));
}

int run(int argc, char** argv) {
  CLI::App app{
      "Measures a Mitosis coordinator (this one or the original) through its public protocol.\n"
      "Without --url every measurement starts a coordinator of its own on an empty data directory."};
  app.require_subcommand(1);
  Options options;
  options.mito = (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "mito").string();
  std::string json;
  app.add_option("--url", options.url, "A running coordinator, for instance http://127.0.0.1:5000");
  app.add_option("--pid", options.pid, "Its process, for its CPU time and memory");
  app.add_option("--user", options.user, "User name")->capture_default_str();
  app.add_option("--password", options.password, "Password")->capture_default_str();
  app.add_option("--mito", options.mito, "The program to start coordinators and workers with")->capture_default_str();
  app.add_option("--directory", options.directory,
                 "Where new coordinators keep their data (default: the system's temporary directory)");
  app.add_option(
         "--coordinator-argument", options.coordinator_arguments,
         "A further argument for new coordinators, for instance --coordinator-argument=--s3=http://…; repeatable")
      ->allow_extra_args(false);
  app.add_option("--database", options.database,
                 "Database of new coordinators, for instance postgres://me@127.0.0.1/mitosis (default: an SQLite file "
                 "for each); all measurements share it, so it should hold nothing else");
  app.add_option("--json", json, "Also write the figures to this file, as JSON");

  std::vector<Measurement> found;
  std::size_t tasks = 20'000;
  std::size_t connections = 64;
  std::size_t batch = 500;
  std::vector<std::size_t> workers;
  std::vector<std::string> protocols = {"ours", "original"};
  std::size_t probes = 1'000;
  std::vector<std::size_t> queued = {0, 100'000, 1'000'000};
  std::size_t classes = 10'000;
  std::vector<std::size_t> slots;
  std::function<void()> scenario;

  const auto positive = CLI::PositiveNumber;
  auto* submit_command = app.add_subcommand("submit", "How fast tasks are taken in, one by one and in batches");
  submit_command->add_option("--tasks", tasks, "Tasks of each kind")->capture_default_str()->check(positive);
  submit_command->add_option("--connections", connections, "For the one by one part")
      ->capture_default_str()
      ->check(positive);
  submit_command->add_option("--batch", batch, "Tasks a request")->capture_default_str()->check(positive);
  submit_command->callback([&] { scenario = [&] { append(found, submit(options, tasks, connections, batch)); }; });

  auto* drain_command =
      app.add_subcommand("drain", "How fast simulated workers (fetch, report, no process) get through a queue");
  drain_command->add_option("--tasks", tasks, "Tasks in the queue")->capture_default_str()->check(positive);
  drain_command->add_option("--workers", workers, "Numbers of workers (default 16 32 256)")->check(positive);
  drain_command
      ->add_option("--protocol", protocols, "ours: with our extensions; original: only the original's requests")
      ->capture_default_str()
      ->check(CLI::IsMember({"ours", "original"}));
  drain_command->callback([&] {
    scenario = [&] {
      if (workers.empty()) workers = {16, 32, 256};
      for (const auto& protocol : protocols)
        for (const auto count : workers)
          append(found, drain(options, protocol == "ours" ? Dialect::kOurs : Dialect::kOriginal, tasks, count));
    };
  });

  auto* latency_command =
      app.add_subcommand("latency", "From submission to an idle waiting worker, at idle and under 80% load");
  latency_command->add_option("--probes", probes, "Tasks that are timed")->capture_default_str()->check(positive);
  latency_command->add_option("--workers", workers, "Workers that make the load (default 32)")
      ->expected(1)
      ->check(positive);
  latency_command->callback(
      [&] { scenario = [&] { append(found, latency(options, probes, workers.empty() ? 32 : workers.front())); }; });

  auto* backlog_command = app.add_subcommand("backlog", "Rates, memory and restart with many tasks waiting");
  backlog_command->add_option("--queued", queued, "Numbers of waiting tasks")->capture_default_str();
  backlog_command->add_option("--tasks", tasks, "Tasks that are timed")->capture_default_str()->check(positive);
  backlog_command->callback([&] {
    scenario = [&] {
      for (const auto count : queued)
        append(found, backlog(options, count, tasks));
    };
  });

  auto* reads_command = app.add_subcommand("reads", "Lists and counts of tasks, with each filter alone");
  reads_command->add_option("--tasks", tasks, "Tasks in the database")->capture_default_str()->check(positive);
  reads_command->callback([&] { scenario = [&] { append(found, reads(options, tasks)); }; });

  auto* workers_command = app.add_subcommand("workers", "Memory, submission and dispatch with many workers waiting");
  workers_command->add_option("--workers", workers, "Numbers of workers (default 100 1000 10000)")->check(positive);
  workers_command->add_option("--classes", classes, "Tag sets of queued tasks that fit nobody, in the last measurement")
      ->capture_default_str();
  workers_command->callback([&] {
    scenario = [&] {
      if (workers.empty()) workers = {100, 1'000, 10'000};
      for (const auto profiles : {Profiles::kAlike, Profiles::kEachItsOwn})
        for (const auto count : workers)
          append(found, waiting_workers(options, count, profiles, 0));
      append(found, waiting_workers(options, workers.front(), Profiles::kAlike, classes));
      if (workers.size() > 1) append(found, waiting_workers(options, workers.back(), Profiles::kEachItsOwn, classes));
    };
  });

  auto* exec_command = app.add_subcommand("exec", "`true` through a real worker, against a bare posix_spawn loop");
  exec_command->add_option("--tasks", tasks, "Runs")->capture_default_str()->check(positive);
  exec_command->add_option("--slots", slots, "Numbers of slots, and of runs at a time (default 4 16)")->check(positive);
  exec_command->callback([&] {
    scenario = [&] {
      if (slots.empty()) slots = {4, 16};
      for (const auto count : slots)
        append(found, exec(options, tasks, count));
    };
  });

  CLI11_PARSE(app, argc, argv);

  auto facts = describe_machine();
  const auto directory =
      options.directory.empty() ? std::filesystem::temp_directory_path().string() : options.directory;
  const Latencies sync = measure_fdatasync(directory);
  facts.emplace_back("fdatasync", fmt::format("p50 {:.3f} ms, p99 {:.3f} ms ({})", sync.quantile(0.5).count() * 1000,
                                              sync.quantile(0.99).count() * 1000, directory));
  facts.emplace_back("program", version_of(options.mito));
  std::string command;
  for (int i = 1; i < argc; ++i)
    command += (i == 1 ? "" : " ") + std::string(argv[i]);
  facts.emplace_back("command", without_passwords(command));
  std::string settings;
  for (const auto& argument : options.coordinator_arguments)
    settings += (settings.empty() ? "" : " ") + argument;
  facts.emplace_back("coordinator settings", settings.empty() ? "the defaults" : without_passwords(settings));
  facts.emplace_back("database", options.database.empty() ? "an SQLite file, WAL, synchronous=FULL"
                                                          : without_passwords(options.database));
  facts.emplace_back("target", options.url.empty() ? "a coordinator of its own for each measurement" : options.url);
  for (const auto& [name, value] : facts)
    std::cout << fmt::format("{}: {}\n", name, value);
  std::cout << std::flush;
  scenario();
  if (!json.empty()) {
    std::ofstream file(json);
    file << format_json(found, facts);
    if (!file.flush()) throw std::runtime_error("cannot write " + json);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "mito-bench: " << error.what() << '\n';
    return 1;
  }
}
