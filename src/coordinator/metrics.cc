#include "coordinator/metrics.h"

#include <chrono>
#include <filesystem>
#include <iterator>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "coordinator/responses.h"
#include "security/compare.h"

namespace mito::coordinator {

namespace {

/// Collects samples of the exposition format.
class Exposition {
 public:
  template <class Number>
  void counter(std::string_view name, std::string_view help, Number value) {
    sample(name, "counter", help, value);
  }
  template <class Number>
  void gauge(std::string_view name, std::string_view help, Number value) {
    sample(name, "gauge", help, value);
  }
  std::string take() { return std::move(text_); }

 private:
  template <class Number>
  void sample(std::string_view name, std::string_view type, std::string_view help, Number value) {
    fmt::format_to(std::back_inserter(text_), "# HELP mito_{0} {1}\n# TYPE mito_{0} {2}\nmito_{0} {3}\n", name, help,
                   type, value);
  }
  std::string text_;
};

double seconds(std::chrono::nanoseconds length) {
  return std::chrono::duration<double>(length).count();
}

void add_active(Exposition& out, bool active) {
  out.gauge("active", "1 for the coordinator that serves, 0 for one on standby", active ? 1 : 0);
}

void add_core(Exposition& out, const core::Statistics& core, Clock::Monotonic now) {
  out.counter("batches_total", "Transactions of the core loop", core.batches);
  out.counter("batches_failed_total", "Transactions that were rolled back", core.failed_batches);
  out.counter("commands_total", "Commands the core loop has done", core.commands);
  out.counter("commands_refused_total", "Commands refused because too many waited", core.refused_commands);
  out.counter("tasks_submitted_total", "Tasks submitted", core.tasks_submitted);
  out.counter("tasks_claimed_total", "Tasks given to workers", core.tasks_claimed);
  out.counter("tasks_archived_total", "Tasks finished, cancelled or given up", core.tasks_archived);
  out.counter("tasks_released_total", "Tasks taken back from workers", core.tasks_released);
  out.gauge("tasks_queued", "Tasks that are Ready", core.queued_tasks);
  out.gauge("oldest_queued_seconds", "Since the submission of the oldest Ready task that does not wait for its watch",
            core.oldest_queued ? seconds(now - *core.oldest_queued) : 0.0);
  out.gauge("tasks_running", "Tasks in the hands of workers", core.running_tasks);
  out.gauge("workers", "Registered workers", core.workers);
  out.counter("workers_lost_total", "Workers removed because they were silent or their task overran its timeout",
              core.workers_lost);
  out.gauge("waiting_fetches", "Workers that wait for a task", core.waiting_fetches);
  out.gauge("command_queue_length", "Commands that wait for the core loop", core.queue_length);
  out.gauge("batch_size_mean", "Commands in a transaction, of late", core.batch_size_mean);
  out.gauge("commit_p50_seconds", "Median time to write and commit a transaction, of late", seconds(core.commit_p50));
  out.gauge("commit_p99_seconds", "99th percentile of the time to write and commit a transaction, of late",
            seconds(core.commit_p99));
  out.gauge("database_away", "1 while the database cannot be written", core.database_away ? 1 : 0);
}

void add_server(Exposition& out, const http::ServerStatistics& server) {
  out.gauge("connections", "Open connections", server.connections);
  out.counter("connections_accepted_total", "Connections accepted", server.accepted);
  out.counter("transport_requests_total", "Requests whose head arrived", server.requests);
  out.counter("transport_refused_total", "Requests refused by the transport (400, 414, 431)", server.refused);
  out.counter("tls_failures_total", "Connections that ended in their TLS handshake", server.tls_failures);
  out.counter("connections_displaced_total", "Unused connections closed at the limit to let others in",
              server.displaced);
  out.counter("transport_timeouts_total", "Connections closed because nothing moved", server.timeouts);
}

/// An S3 server answers for its own room; here that of the volume on which the coordinator keeps what it keeps.
void add_objects(Exposition& out, const ObjectCounters& objects, const std::filesystem::path& data) {
  out.counter("object_errors_total", "Reads, writes and removals of objects that failed, and times an S3 was away",
              objects.errors.load());
  out.gauge("object_store_away", "1 while the S3 does not answer", objects.away.load() ? 1 : 0);
  std::error_code failed;
  const auto room = std::filesystem::space(data, failed);
  if (failed) return;
  out.gauge("data_free_bytes", "Bytes that may still be written to the volume of the data directory", room.available);
  out.gauge("data_size_bytes", "Bytes of the volume of the data directory", room.capacity);
}

void add_logins(Exposition& out, const LoginThrottle::Statistics& logins) {
  out.counter("logins_wrong_total", "Wrong passwords", logins.wrong);
  out.counter("logins_refused_total", "Logins refused because of too many wrong passwords", logins.refused);
  out.gauge("login_throttle_entries", "Users and addresses with wrong passwords of late", logins.entries);
}

void add_threads(Exposition& out, std::string_view name, const JobThreads::Statistics& threads) {
  out.gauge(fmt::format("{}_jobs_queued", name), fmt::format("Jobs that wait for a {} thread", name), threads.queued);
  out.counter(fmt::format("{}_jobs_refused_total", name),
              fmt::format("Jobs refused because too many waited for a {} thread", name), threads.refused);
}

void add_events(Exposition& out, const storage::EventBus::Statistics& bus, const EventFeeds::Statistics& feeds) {
  out.counter("events_published_total", "Changes of tasks and of their execution", bus.published);
  out.counter("events_delivered_total", "Events handed to requests that wait for them", bus.delivered);
  out.gauge("event_subscriptions", "What requests wait for", bus.subscriptions);
  out.counter("event_subscriptions_refused_total", "Requests refused because too many waited",
              bus.refused_subscriptions);
  out.gauge("event_streams", "Clients that follow events", feeds.streams);
  out.counter("event_streams_refused_total", "Clients refused because too many followed events", feeds.refused_streams);
  out.counter("event_streams_dropped_total", "Clients dropped because they read events too slowly",
              feeds.dropped_streams);
  out.gauge("exec_states", "Tasks whose state of execution is remembered", bus.remembered_states);
  out.counter("exec_states_dropped_total", "States of execution forgotten early because there were too many",
              bus.dropped_states);
}

}  // namespace

std::string metrics_text(Services& services) {
  Exposition out;
  add_active(out, true);
  add_core(out, services.core.statistics(), services.clock.monotonic());
  add_server(out, services.server_statistics());
  out.counter("requests_total", "Requests answered", services.counters.requests.load());
  out.counter("requests_refused_total", "Requests answered with a 4xx status", services.counters.refused.load());
  out.counter("requests_failed_total", "Requests answered with a 5xx status", services.counters.failed.load());
  out.counter("object_bytes_received_total", "Bytes of objects received", services.counters.bytes_in.load());
  out.counter("object_bytes_sent_total", "Bytes of objects sent", services.counters.bytes_out.load());
  add_objects(out, services.object_counters, services.data_directory);
  add_events(out, services.events.statistics(), services.feeds.statistics());
  out.counter("tasks_expired_total", "Tasks removed because of the retention",
              services.housekeeping.tasks_removed.load());
  out.counter("orphan_objects_removed_total", "Objects removed because they belonged to nothing",
              services.housekeeping.orphans_removed.load());
  out.gauge("answer_bytes", "Bytes of large answers that wait for their readers", services.answers.bytes());
  out.counter("answers_refused_total", "Answers refused because too many large ones waited",
              services.answers.refused());
  add_logins(out, services.logins.statistics());
  add_threads(out, "read", services.readers.threads().statistics());
  add_threads(out, "password", services.password_threads.statistics());
  add_threads(out, "disk", services.disk_threads.statistics());
  return out.take();
}

std::string standby_metrics_text() {
  Exposition out;
  add_active(out, false);
  return out.take();
}

bool may_see_metrics(const http::Request& request, const Settings& settings) {
  if (settings.metrics_token.empty())
    return is_loopback_address(request.peer_address) && request.headers.find("forwarded") == nullptr &&
           request.headers.find("x-forwarded-for") == nullptr && request.headers.find("x-forwarded-host") == nullptr;
  const std::string* header = request.headers.find("authorization");
  return header != nullptr && security::equal_in_constant_time(*header, "Bearer " + settings.metrics_token);
}

http::Response metrics_response(std::string text) {
  http::Response response = text_response(200, std::move(text));
  response.headers.set("content-type", "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

}  // namespace mito::coordinator
