mito_test(contract_events
  SOURCES events_test.cc
  NEEDS storage_events
  LABEL contract)
