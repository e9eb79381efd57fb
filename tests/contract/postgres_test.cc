#include "storage/database/postgres/postgres.h"

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <thread>

#include "contract/database_place.h"
#include "storage/database/facts.h"
#include "support/postgres_server.h"

// What only PostgreSQL does: errors with a remedy, connections that are cut, turns of several programs.
namespace mito::storage {
namespace {

using std::chrono::milliseconds;

class Postgres : public ::testing::Test {
 protected:
  void SetUp() override {
    if (mito::testing::PostgresServer::can_run()) return;
    const char* missing = "PostgreSQL's server programs are missing: run script/bootstrap --test";
    if (std::getenv("CI") != nullptr) FAIL() << missing;
    GTEST_SKIP() << missing;
  }
  static const mito::testing::PostgresServer& server() { return mito::testing::PostgresServer::instance(); }
  static PostgresSettings settings(const std::string& url) {
    PostgresSettings settings;
    settings.url = url;
    settings.lock_timeout = milliseconds(50);
    settings.writer_timeout = milliseconds(900);
    return settings;
  }
  static std::string name_in(const std::string& url) { return url.substr(url.rfind('/') + 1); }
  /// Ends all sessions of a database, as a failing network or an administrator does.
  static void cut(const std::string& database) {
    server().run("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = '" + database + "'");
  }
  static bool eventually(const std::function<bool()>& condition) {
    for (int i = 0; i < 500; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(20));
    }
    return false;
  }
};

TEST_F(Postgres, MissingDatabaseAndRoleAreAnsweredWithSql) {
  const std::string url = server().new_database();
  const std::string name = name_in(url);
  const auto text_of = [&](const std::string& wrong) {
    const auto opened = open_postgres(settings(wrong));
    EXPECT_EQ(code_of(opened), ErrorCode::kUsage);
    return opened.error().text();
  };
  const std::string place = url.substr(0, url.rfind('/') + 1);
  EXPECT_NE(text_of(place + "No-Such").find("CREATE DATABASE \"No-Such\" OWNER " + name + ";"), std::string::npos);
  const std::string at = url.substr(url.find('@'));
  EXPECT_NE(text_of("postgres://nobody:x" + at).find("CREATE ROLE nobody LOGIN PASSWORD"), std::string::npos);
  EXPECT_NE(text_of("postgres://" + name + ":wrong" + at).find("ALTER ROLE " + name + " PASSWORD"), std::string::npos);
  EXPECT_NE(text_of("postgres://host:port/x?nonsense=1").find("postgres://role:password@host"), std::string::npos);
}

TEST_F(Postgres, NobodyThereIsAPassingFault) {
  const auto opened = open_postgres(settings("postgres://a:b@127.0.0.1:1/c"));
  ASSERT_EQ(code_of(opened), ErrorCode::kUnavailable);
  EXPECT_NE(opened.error().text().find("127.0.0.1:1"), std::string::npos) << opened.error().text();
}

TEST_F(Postgres, MissingRightOnTheSchemaIsAnsweredWithSql) {
  const std::string url = server().new_database();
  const std::string name = name_in(url);
  server().run("ALTER DATABASE " + name + " OWNER TO postgres");
  server().run("REVOKE CREATE ON SCHEMA public FROM PUBLIC", name);
  server().run("GRANT ALL PRIVILEGES ON DATABASE " + name + " TO " + name);
  const auto opened = open_postgres(settings(url));
  ASSERT_EQ(code_of(opened), ErrorCode::kUsage);
  const std::string sql = "GRANT ALL ON SCHEMA public TO " + name + ";";
  EXPECT_NE(opened.error().text().find(sql), std::string::npos) << opened.error().text();
  server().run(sql, name);
  must(must(open_postgres(settings(url)))->open_writer());
}

TEST_F(Postgres, TablesOfAnotherProgramOrANewerVersionAreLeftAlone) {
  const std::string other = server().new_database();
  server().run("CREATE TABLE users (name text)", name_in(other));
  EXPECT_EQ(code_of(open_postgres(settings(other))), ErrorCode::kUsage);

  const std::string newer = server().new_database();
  must(must(open_postgres(settings(newer)))->open_writer());
  server().run("INSERT INTO seaql_migrations VALUES ('m20991231_000000_from_the_future', 0)", name_in(newer));
  const auto opened = open_postgres(settings(newer));
  ASSERT_EQ(code_of(opened), ErrorCode::kUsage);
  EXPECT_NE(opened.error().text().find("from_the_future"), std::string::npos);
  server().run("DELETE FROM seaql_migrations WHERE version LIKE '%future'", name_in(newer));
  server().run("UPDATE mito_schema SET version = 99", name_in(newer));
  EXPECT_EQ(code_of(open_postgres(settings(newer))), ErrorCode::kUsage);
}

TEST_F(Postgres, EarlierMigrationsOfTheOriginalAreCompleted) {
  const std::string url = server().new_database();
  const std::string name = name_in(url);
  must(must(open_postgres(settings(url)))->open_writer());
  // Back to what the first two migrations leave.
  for (const char* sql :
       {"DROP TABLE mito_schema, mito_writer, mito_facts, mito_workers, mito_task_details",
        "ALTER TABLE active_tasks DROP COLUMN mito_losses, DROP COLUMN mito_watch, DROP COLUMN upstream_task_uuid,"
        " DROP COLUMN downstream_task_uuid",
        "ALTER TABLE archived_tasks DROP COLUMN mito_losses, DROP COLUMN mito_watch, DROP COLUMN upstream_task_uuid,"
        " DROP COLUMN downstream_task_uuid, DROP COLUMN reporter_uuid",
        "ALTER TABLE workers DROP COLUMN labels", "DROP INDEX \"idx_workers-tags_gin\", idx_groups_creator_id",
        "DELETE FROM seaql_migrations WHERE version > 'm20240424_055034_create_admin_user'"})
    server().run(sql, name);
  server().run(
      "INSERT INTO users (username, encrypted_password, created_at, updated_at, admin) VALUES ('old', 'x',"
      " now(), now(), true)",
      name);
  const auto database = must(open_postgres(settings(url)));
  const auto writer = must(database->open_writer());
  EXPECT_EQ(must(writer->fact(kOriginFact)), std::string(kOriginOriginal));
  EXPECT_EQ(must(writer->fact(kFirstAdminFact)), "");
  EXPECT_TRUE(must(writer->user_by_name("old")).value().admin);
  EXPECT_EQ(server().run("SELECT count(*) FROM seaql_migrations", name), "7");
  EXPECT_EQ(server().run("SELECT count(*) FROM pg_indexes WHERE indexname IN ('idx_workers-tags_gin',"
                         " 'idx_groups_creator_id', 'idx_archived_tasks-reporter_uuid')",
                         name),
            "3");
}

TEST_F(Postgres, TasksOfTheOriginalAreRecoveredWithTheirWatches) {
  const std::string url = server().new_database();
  const auto database = must(open_postgres(settings(url)));
  const auto writer = must(database->open_writer());
  server().run(
      "INSERT INTO users (id, username, encrypted_password, created_at, updated_at) VALUES (7, 'a', 'x', now(),"
      " now()); INSERT INTO groups (id, group_name, creator_id, created_at, updated_at) VALUES (8, 'g', 7,"
      " now(), now()); INSERT INTO active_tasks (creator_id, group_id, task_id, uuid, tags, labels, created_at,"
      " updated_at, state, timeout, priority, spec) VALUES (7, 8, 1, gen_random_uuid(), '{z,a,z}', '{}', now(),"
      " now(), 1, 60, 0, '{\"args\":[],\"watch\":[\"018f0000-0000-7000-8000-000000000001\",\"ExecFinished\"]}'),"
      " (7, 8, 2, gen_random_uuid(), '{}', '{}', now(), now(), 1, 60, 0, '{\"args\":[],\"watch\":null}')",
      name_in(url));
  std::vector<Queries::ActiveTask> tasks;
  must(writer->each_active_task([&](Queries::ActiveTask&& task) { tasks.push_back(std::move(task)); }));
  ASSERT_EQ(tasks.size(), 2U);
  EXPECT_EQ(tasks[0].tags, (std::vector<std::string>{"a", "z"}));
  EXPECT_TRUE(tasks[0].watch.has_value());
  EXPECT_FALSE(tasks[1].watch.has_value());
}

TEST_F(Postgres, ACutConnectionIsAPassingFaultAndRecovers) {
  const std::string url = server().new_database();
  const auto database = must(open_postgres(settings(url)));
  const auto writer = must(database->open_writer());
  const auto reader = must(database->open_reader());
  must(writer->begin());
  must(writer->set_fact("a", "1"));
  must(writer->commit());
  must(writer->begin());
  must(writer->set_fact("a", "2"));
  const std::uint64_t lost = writer->batch();
  cut(name_in(url));
  EXPECT_EQ(code_of(writer->commit()), ErrorCode::kUnavailable);
  EXPECT_EQ(code_of(writer->begin()), ErrorCode::kUnavailable) << "without recover()";
  EXPECT_EQ(must(writer->recover()), lost - 1);
  EXPECT_EQ(must(reader->fact("a")), "1") << "the reader connects anew by itself";
  must(writer->begin());
  EXPECT_EQ(writer->batch(), lost);
  must(writer->set_fact("a", "3"));
  must(writer->commit());
  EXPECT_EQ(must(reader->fact("a")), "3");
}

TEST_F(Postgres, AQuestionWaitsForADatabaseThatIsAway) {
  const std::string url = server().new_database();
  PostgresSettings patient = settings(url);
  patient.read_patience = std::chrono::seconds(30);
  const auto database = must(open_postgres(patient));
  must(database->open_writer());
  const auto reader = must(database->open_reader());
  const std::string name = name_in(url);
  server().run("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false");
  cut(name);
  std::jthread back([&] {
    std::this_thread::sleep_for(milliseconds(200));
    server().run("ALTER DATABASE " + name + " ALLOW_CONNECTIONS true");
  });
  EXPECT_EQ(must(reader->fact("a")), std::nullopt);
  back.join();
  server().run("ALTER DATABASE " + name + " ALLOW_CONNECTIONS false");
  cut(name);
  std::jthread end([&] {
    std::this_thread::sleep_for(milliseconds(100));
    database->stop_waiting();
  });
  EXPECT_EQ(code_of(reader->fact("a")), ErrorCode::kUnavailable) << "waiting was ended";
}

TEST_F(Postgres, OneProgramAfterTheOtherHasTheTurn) {
  const std::string url = server().new_database();
  const auto first = must(open_postgres(settings(url)));
  const auto second = must(open_postgres(settings(url)));
  auto turn = must(first->take_turn({}, {}));
  const auto writer = must(first->open_writer());
  std::atomic<bool> waits{false};
  std::unique_ptr<Turn> next;
  std::jthread standby([&](const std::stop_token& stop) {
    auto taken = second->take_turn(stop, {.waits = [&] { waits = true; }, .lost = {}});
    if (taken) next = *std::move(taken);
  });
  ASSERT_TRUE(eventually([&] { return waits.load(); }));
  turn.reset();
  standby.join();
  ASSERT_TRUE(next);
  must(second->open_writer());
  EXPECT_EQ(code_of(writer->begin()), ErrorCode::kFenced);
}

TEST_F(Postgres, WaitingForTheTurnCanBeEnded) {
  const std::string url = server().new_database();
  const auto first = must(open_postgres(settings(url)));
  const auto turn = must(first->take_turn({}, {}));
  const auto second = must(open_postgres(settings(url)));
  std::stop_source stop;
  const auto taken = second->take_turn(stop.get_token(), {.waits = [&] { stop.request_stop(); }, .lost = {}});
  EXPECT_EQ(code_of(taken), ErrorCode::kCancelled);
}

TEST_F(Postgres, ATurnIsTakenAgainUnlessAnotherWriterCame) {
  const std::string url = server().new_database();
  const auto first = must(open_postgres(settings(url)));
  std::atomic<bool> lost{false};
  const auto turn = must(first->take_turn({}, {.waits = {}, .lost = [&] { lost = true; }}));
  const auto writer = must(first->open_writer());
  const auto held = [&] {
    return server().run(
               "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT"
               " oid FROM pg_database WHERE datname = '" +
               name_in(url) + "')") == "1";
  };
  ASSERT_TRUE(held());
  cut(name_in(url));
  ASSERT_TRUE(eventually(held));
  EXPECT_FALSE(lost);
  // Now somebody else raises the epoch.
  must(must(open_postgres(settings(url)))->open_writer());
  cut(name_in(url));
  EXPECT_TRUE(eventually([&] { return lost.load(); }));
}

}  // namespace
}  // namespace mito::storage
