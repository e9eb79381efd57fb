mito_test(contract_objects
  SOURCES
    objects_test.cc
    objects_disk_test.cc
    objects_durability_test.cc
    ../support/forgetful_file_system.cc
  NEEDS storage_objects
  LIBRARIES mito::fmt
  LABEL contract)
