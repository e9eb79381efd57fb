mito_test(contract_objects
  SOURCES
    objects_test.cc
    objects_by_url_test.cc
    objects_disk_test.cc
    objects_durability_test.cc
    objects_s3_test.cc
    ../support/forgetful_file_system.cc
    ../support/service.cc
  NEEDS storage_objects http
  LIBRARIES mito::fmt
  LABEL contract)
target_compile_definitions(contract_objects PRIVATE MITO_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
