mito_test(contract_redis
  SOURCES
    redis_client_test.cc
    redis_event_bus_test.cc
    ../support/service.cc
  NEEDS storage_events redis
  LABEL contract)
target_compile_definitions(contract_redis PRIVATE MITO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
