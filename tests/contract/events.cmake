mito_test(contract_events
  SOURCES
    events_test.cc
    ../support/service.cc
  NEEDS storage_events
  LABEL contract)
target_compile_definitions(contract_events PRIVATE MITO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
