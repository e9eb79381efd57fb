#include "worker/settings.h"

namespace mito::worker {
namespace {

SettingsDeclaration<Settings> declare() {
  SettingsDeclaration<Settings> d("worker");
  d.add("coordinator_addr", "-c,--coordinator", &Settings::coordinator_addr, setting::url({"http://", "https://"}),
        "The address of the coordinator; several, separated by commas, where one stands by for another");
  d.add("polling_interval", "--polling-interval", &Settings::polling_interval,
        setting::duration(Duration{0, 1'000'000}),
        "How often to ask for a task where the coordinator does not offer to hold the request until there is one");
  d.add("heartbeat_interval", "--heartbeat-interval", &Settings::heartbeat_interval,
        setting::duration(Duration{0, 1'000'000}),
        "How often to send a heartbeat at least; a third of the lease where the coordinator keeps leases");
  d.add("credential_path", "--credential-path", &Settings::credential_path, setting::path(),
        "The file in which tokens are kept", "credentials in the configuration directory");
  d.add("user", "-u,--user", &Settings::user, setting::text("NAME"), "The user to log in as",
        "first of the credential file");
  d.add("password", "-p,--password", &Settings::password, setting::text("PASSWORD"),
        "Their password; it is visible in the process list, so rather use a file", "none");
  d.add("ca_file", "--ca-cert", &Settings::ca_file, setting::path(),
        "Certificates (PEM) that an https coordinator may bear", "the system's");
  d.add("password_file", "--password-file", &Settings::password_file, setting::path(),
        "A file whose first line is the password", "none");
  d.add("groups", "-g,--groups", &Settings::groups, setting::list("GROUP[:ROLE]"),
        "The groups whose tasks this worker takes; the role is read, write (default) or admin");
  d.add("tags", "-t,--tags", &Settings::tags, setting::list("TAG"), "What this worker offers to tasks");
  d.add("labels", "-l,--labels", &Settings::labels, setting::list("LABEL"), "Marks to find this worker by");
  d.add("log_path", "--log-path", &Settings::log_path, setting::path(), "The file to log to with --file-log",
        "mitosis/worker in the cache directory");
  d.add("file_log", "--file-log", &Settings::file_log, setting::flag(), "Log to a file as well");
  d.add("shared_log", "--shared-log", &Settings::shared_log, setting::flag(),
        "One log file for many workers, a new one each day, three kept");
  d.add("lifetime", "--lifetime", &Settings::lifetime, setting::duration(Duration{1}),
        "How long the registration holds", "set by the coordinator");
  d.add("retain", "--retain", &Settings::retain, setting::flag(),
        "Keep other sessions of the user on a login; this is so in any case");
  d.add("skip_redis", "--skip-redis", &Settings::skip_redis, setting::flag(),
        "Do not use a Redis, even if the coordinator names one");
  d.add("slots", "--slots", &Settings::slots, setting::integer(1, 1'024), "How many tasks to run side by side");
  d.add(
      "prefetch", "--prefetch", &Settings::prefetch, setting::integer(1, 64),
      "How many tasks a slot may hold, the one it runs among them, while each takes only milliseconds; a registration "
      "is made for each; with 1 it holds no other than it runs");
  d.add("name", "--name", &Settings::name, setting::text("NAME"),
        "A name for this worker, shown beside that of the host", "none");
  d.add("lease", "--lease", &Settings::lease, setting::duration(Duration{1}),
        "How long the coordinator waits for a heartbeat before it gives the task to another worker");
  d.add("work_dir", "--work-dir", &Settings::work_dir, setting::path("DIR"), "Where the directories of tasks are made",
        "mitosis in the cache directory");
  d.add("grace", "--grace", &Settings::grace, setting::duration(),
        "How long running tasks may go on when the worker is told to stop");
  d.add("kill_grace", "--kill-grace", &Settings::kill_grace, setting::duration(),
        "How long a task that is ended has between SIGTERM and SIGKILL");
  d.add("output_limit", "--output-limit", &Settings::output_limit, setting::size(),
        "How much of a task's stdout and of its stderr is kept; the newest");
  d.add("resource_timeout", "--resource-timeout", &Settings::resource_timeout, setting::duration(Duration{1}),
        "How long fetching the resources of a task, and waiting for the task it watches, may take");
  d.add("stall_timeout", "--stall-timeout", &Settings::stall_timeout, setting::duration(Duration{1}),
        "How long an upload or download may stand still before it is tried again");
  d.add("upload_timeout", "--upload-timeout", &Settings::upload_timeout, setting::duration(Duration{1}),
        "How long an object store that does not take an artifact is tried again");
  d.add("reconnect", "--reconnect", &Settings::reconnect,
        setting::choice<Reconnect>(
            {{"lost", Reconnect::kLost}, {"always", Reconnect::kAlways}, {"never", Reconnect::kNever}}),
        "Whether to register again when the coordinator does not know this worker any more: when contact was lost or "
        "the token ran out, "
        "always, or never");
  d.add(
      "on_removed", "--on-removed", &Settings::on_removed,
      setting::choice<OnRemoved>({{"kill", OnRemoved::kKill}, {"finish", OnRemoved::kFinish}}),
      "What becomes of the running task when the coordinator does not know this worker any more: it is ended at once, "
      "as another worker may have it by now, or may finish, and its result is kept in the work directory");
  d.add("min_free", "--min-free", &Settings::min_free, setting::size(),
        "How much the disk of the work directory must have free for a task to be fetched");
  d.add("overlap", "--overlap", &Settings::overlap, setting::flag(),
        "Let the next command of a slot start while the results of the last are uploaded and its files removed");
  d.add(
      "isolate", "--isolate", &Settings::isolate, setting::flag(),
      "Give each task a fresh working directory and an environment of PATH, HOME, USER, SHELL, LANG, LC_*, TZ, TMPDIR, "
      "--pass-env and its own variables, instead of the worker's");
  d.add("pass_env", "--pass-env", &Settings::pass_env, setting::list("NAME"),
        "Variables that tasks inherit with --isolate besides; a * at the end stands for anything");
  d.add("run_as", "--run-as", &Settings::run_as, setting::text("USER[:GROUP]"),
        "Run commands as this user; needs a worker that runs as root", "the worker's user");
  d.add("memory_limit", "--memory-limit", &Settings::memory_limit, setting::size(),
        "How much memory a task may use: together with all it starts where a cgroup can be limited, else each process",
        "none");
  return d;
}

}  // namespace

const SettingsDeclaration<Settings>& settings_declaration() {
  static const auto kDeclaration = declare();
  return kDeclaration;
}

}  // namespace mito::worker
