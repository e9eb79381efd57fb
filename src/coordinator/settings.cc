#include "coordinator/settings.h"

#include <charconv>
#include <limits>

#include <boost/asio/ip/address.hpp>
#include <fmt/core.h>

namespace mito::coordinator {

namespace {

using Declaration = SettingsDeclaration<Settings>;
constexpr std::int64_t kMany = std::numeric_limits<std::int32_t>::max();

void declare_original(Declaration& d) {
  d.add("bind", "-b,--bind", &Settings::bind, setting::address(), "Where to listen");
  d.add("db_url", "--db", &Settings::db_url, setting::url({"sqlite:", "postgres://", "postgresql://", "host="}),
        "Database; PostgreSQL with any option of libpq, as a URL or as key=value pairs",
        "an SQLite file in the data directory");
  d.add("s3_url", "--s3", &Settings::s3_url, setting::text("URL"), "S3 endpoint for artifacts and attachments",
        "a folder of the data directory");
  d.add("s3_access_key", "--s3-access-key", &Settings::s3_access_key, setting::text("KEY"),
        "Access key of the S3 endpoint");
  d.add("s3_secret_key", "--s3-secret-key", &Settings::s3_secret_key, setting::text("KEY"),
        "Secret key of the S3 endpoint");
  d.add("s3_region", "--s3-region", &Settings::s3_region, setting::text("REGION"), "Region in S3 signatures");
  d.add("s3_force_path_style", "--s3-force-path-style", &Settings::s3_force_path_style, setting::flag(),
        "Put the bucket into the path of S3 URLs, never into the host name");
  d.add("artifacts_bucket", "--artifacts-bucket", &Settings::artifacts_bucket, setting::text("BUCKET"),
        "S3 bucket of artifacts");
  d.add("attachments_bucket", "--attachments-bucket", &Settings::attachments_bucket, setting::text("BUCKET"),
        "S3 bucket of attachments");
  d.add("redis_url", "--redis", &Settings::redis_url, setting::text("URL"), "Redis for task states", "none");
  d.add("redis_worker_password", "--redis-worker-password", &Settings::redis_worker_password, setting::text("PASSWORD"),
        "Password of the Redis user of workers", "random");
  d.add("redis_client_password", "--redis-client-password", &Settings::redis_client_password, setting::text("PASSWORD"),
        "Password of the Redis user of clients", "random");
  d.add("redis_skip_acl_rules", "--redis-skip-acl-rules", &Settings::redis_skip_acl_rules, setting::flag(),
        "Leave the users of Redis alone");
  d.add("admin_user", "--admin-user", &Settings::admin_user, setting::text("NAME"),
        "Admin to create in a new database");
  d.add("admin_password", "--admin-password", &Settings::admin_password, setting::text("PASSWORD"),
        "Password of that admin", "mitosis_admin; random when bind is not a loopback address");
  d.add("admin_password_file", "--admin-password-file", &Settings::admin_password_file, setting::path(),
        "A file whose first line is that password", "none");
  d.add("access_token_private_path", "--access-token-private-path", &Settings::access_token_private_path,
        setting::path(),
        "Ed25519 private key (PEM); looked for in the working directory, beside the configuration and in the data "
        "directory, else made");
  d.add("access_token_public_path", "--access-token-public-path", &Settings::access_token_public_path, setting::path(),
        "Its public key (PEM)");
  d.add("access_token_expires_in", "--access-token-expires-in", &Settings::access_token_expires_in,
        setting::duration(Duration{1, 0}), "Life of a login");
  d.add("heartbeat_timeout", "--heartbeat-timeout", &Settings::heartbeat_timeout, setting::duration(Duration{1, 0}),
        "A worker that is silent for longer, and asked for no lease of its own, is lost");
  d.add("log_path", "--log-path", &Settings::log_path, setting::path(), "File to log to with file_log",
        "daily files in the cache directory");
  d.add("file_log", "--file-log", &Settings::file_log, setting::flag(), "Log to a file, too");
}

void declare_ours(Declaration& d) {
  d.add("data_dir", "--data-dir", &Settings::data_dir, setting::path("DIR"), "Directory for everything that is kept",
        "$XDG_DATA_HOME/mitosis or ~/.local/share/mitosis");
  d.add("s3_public_url", "--s3-public-url", &Settings::s3_public_url, setting::url({"http://", "https://"}),
        "Address under which workers and clients reach s3_url", "s3_url");
  d.add("accept_object_store", "--accept-object-store", &Settings::accept_object_store, setting::flag(),
        "Take the configured object store for that of the database, whose objects were moved there");
  d.add("redis_public_url", "--redis-public-url", &Settings::redis_public_url, setting::text("URL"),
        "Address under which workers and clients reach redis_url", "redis_url");
  d.add("public_url", "--public-url", &Settings::public_url, setting::url({"http://", "https://"}),
        "Address under which workers and clients reach this coordinator, for the URLs of objects",
        "the request's Host");
  d.add("trusted_proxies", "--trusted-proxies", &Settings::trusted_proxies, setting::list("IP"),
        "Addresses of proxies whose X-Forwarded-Proto, X-Forwarded-Host and X-Forwarded-For count");
  d.add("tls_cert", "--tls-cert", &Settings::tls_cert, setting::path(),
        "Certificate (PEM, with its chain) to serve HTTPS with; read anew at SIGHUP", "none: plain HTTP");
  d.add("tls_key", "--tls-key", &Settings::tls_key, setting::path(), "Private key (PEM) of that certificate");
  d.add("login_attempts", "--login-attempts", &Settings::login_attempts, setting::integer(0, 1'000'000),
        "Wrong passwords for one user from one address in login_window, before logins are refused for a while; ten "
        "times as many from one address for all users; 0: any number");
  d.add("login_window", "--login-window", &Settings::login_window, setting::duration(Duration{1, 0}),
        "See login_attempts");
  d.add("retention", "--retention", &Settings::retention, setting::duration(),
        "Remove tasks, with their artifacts, this long after they were over", "0: never");
  d.add("orphan_age", "--orphan-age", &Settings::orphan_age, setting::duration(Duration{1, 0}),
        "Remove objects that belong to nothing when they are as old");
  d.add("sweep_interval", "--sweep-interval", &Settings::sweep_interval, setting::duration(Duration{0, 10'000'000}),
        "How often to look for tasks and objects to remove");
  d.add("tag_matching", "--tag-matching", &Settings::chosen_tag_matching,
        setting::choice<TagMatching>({{"documented", TagMatching::kDocumented},
                                      {"strict", TagMatching::kStrict},
                                      {"subset", TagMatching::kSubset}}),
        "Which worker may run a task: documented (has no tags or all of the task's), strict (has all of the task's), "
        "subset (has no "
        "tags or only tags of the task)",
        "documented; strict on a database of the original");
  d.add("open_groups", "--open-groups", &Settings::chosen_open_groups, setting::flag(),
        "Let every user submit tasks into, and register workers for, groups he is not a member of",
        "off; on where the original made the database");
  d.add("standby_bind", "--standby-bind", &Settings::standby_bind, setting::text("IP:PORT"),
        "Where a coordinator on standby answers health checks (503)", "nowhere");
  d.add("takeover_after", "--takeover-after", &Settings::takeover_after, setting::duration(Duration{1, 0}),
        "PostgreSQL: a coordinator that is silent for longer (frozen, cut off) loses its place to one on standby");
  d.add("overrun_grace", "--overrun-grace", &Settings::overrun_grace, setting::duration(Duration{0, 1'000'000}),
        "How long after its timeout a running command is taken from a worker that did not end it");
  d.add("max_worker_losses", "--max-worker-losses", &Settings::max_worker_losses, setting::integer(1, 1'000'000),
        "A task whose worker was lost this often is given up");
  d.add("min_free", "--min-free", &Settings::min_free, setting::size(), "Room that uploads leave free on the volume");
  d.add("shutdown_secret", "--shutdown-secret", &Settings::shutdown_secret, setting::text("SECRET"),
        "Secret of POST /admin/shutdown", "random, in the file shutdown-secret of the data directory");
  d.add("metrics_token", "--metrics-token", &Settings::metrics_token, setting::text("TOKEN"),
        "Bearer token for GET /metrics", "none: loopback addresses only");
  d.add("shutdown_grace", "--shutdown-grace", &Settings::shutdown_grace, setting::duration(),
        "How long requests in flight may go on when stopping");
  d.add("database_wait", "--database-wait", &Settings::database_wait, setting::duration(),
        "How long requests of users wait for a database that is away");
  d.add("max_wait", "--max-wait", &Settings::max_wait, setting::duration(), "Longest time a request is held open");
  d.add("io_threads", "--io-threads", &Settings::io_threads, setting::integer(0, 1024), "Threads for connections",
        "one per core");
  d.add("read_threads", "--read-threads", &Settings::read_threads, setting::integer(1, 256),
        "Threads that read the database");
  d.add("disk_threads", "--disk-threads", &Settings::disk_threads, setting::integer(1, 1024),
        "Threads that read and write objects");
  d.add("password_threads", "--password-threads", &Settings::password_threads, setting::integer(0, 256),
        "Threads that check passwords", "half the cores");
  d.add("max_connections", "--max-connections", &Settings::max_connections, setting::integer(0, kMany),
        "Connections at the same time", "from the limit on open files");
  d.add("max_queued_commands", "--max-queued-commands", &Settings::max_queued_commands, setting::integer(1, kMany),
        "Changes that wait for the database; more are refused");
  d.add("max_waiting_fetches", "--max-waiting-fetches", &Settings::max_waiting_fetches, setting::integer(1, kMany),
        "Workers that wait for a task at the same time; more are answered at once");
  d.add("max_answer_bytes", "--max-answer-bytes", &Settings::max_answer_bytes, setting::size(),
        "Memory for large answers that wait for their readers; more are refused");
  d.add("max_event_streams", "--max-event-streams", &Settings::max_event_streams, setting::integer(1, kMany),
        "Clients that follow events at the same time; more are refused");
  d.add("max_queued_reads", "--max-queued-reads", &Settings::max_queued_reads, setting::integer(1, kMany),
        "Queries that wait for a thread; more are refused");
  d.add("max_queued_passwords", "--max-queued-passwords", &Settings::max_queued_passwords, setting::integer(1, kMany),
        "Passwords that wait to be checked; more are refused");
  d.add("token_cache", "--token-cache", &Settings::token_cache, setting::integer(16, kMany),
        "Tokens whose signature is remembered");
}

}  // namespace

const SettingsDeclaration<Settings>& settings_declaration() {
  static const Declaration kDeclaration = [] {
    Declaration d("coordinator");
    declare_original(d);
    declare_ours(d);
    return d;
  }();
  return kDeclaration;
}

Result<BindAddress> BindAddress::parse(std::string_view text) {
  const auto bad = [&] {
    return fail(
        ErrorCode::kUsage,
        fmt::format("bind is `{}`: it must be an IP address and a port, such as 127.0.0.1:5000 or [::1]:5000.", text));
  };
  const auto colon = text.rfind(':');
  if (colon == std::string_view::npos) return bad();
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(host), error);
  if (error || address.is_v6() != bracketed) return bad();
  BindAddress out{.host = std::string(host)};
  const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (code != std::errc() || end != port.data() + port.size()) return bad();
  return out;
}

bool BindAddress::is_loopback() const {
  return is_loopback_address(host);
}

std::string BindAddress::to_string() const {
  return host.find(':') == std::string::npos ? fmt::format("{}:{}", host, port) : fmt::format("[{}]:{}", host, port);
}

bool is_loopback_address(std::string_view address) {
  boost::system::error_code error;
  const auto parsed = boost::asio::ip::make_address(std::string(address), error);
  if (error) return false;
  if (parsed.is_v6() && parsed.to_v6().is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, parsed.to_v6()).is_loopback();
  return parsed.is_loopback();
}

}  // namespace mito::coordinator
