# The C++ SDK: `libnetmito.a`, one archive of the layers that a client needs, with the headers that programs include and a
# CMake package. A program says find_package(netmito) and links netmito::netmito; the package finds the libraries that the
# archive is linked with, and the headers show none of them.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

add_library(netmito STATIC)
foreach(layer base domain protocol security http client)
  target_sources(netmito PRIVATE $<TARGET_OBJECTS:mito_${layer}>)
endforeach()
set_target_properties(netmito PROPERTIES LINKER_LANGUAGE CXX)
target_compile_features(netmito INTERFACE cxx_std_23)
target_include_directories(netmito INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/netmito>)
target_link_libraries(netmito INTERFACE $<INSTALL_INTERFACE:PkgConfig::netmito_needs> $<INSTALL_INTERFACE:Boost::json>
                      $<INSTALL_INTERFACE:OpenSSL::SSL> $<INSTALL_INTERFACE:OpenSSL::Crypto> $<INSTALL_INTERFACE:Threads::Threads>)

install(TARGETS netmito EXPORT netmito COMPONENT sdk)
install(EXPORT netmito NAMESPACE netmito:: FILE netmito-targets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/netmito COMPONENT sdk)
configure_package_config_file("${CMAKE_CURRENT_LIST_DIR}/netmito-config.cmake.in" "${CMAKE_BINARY_DIR}/netmito-config.cmake"
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/netmito)
write_basic_package_version_file("${CMAKE_BINARY_DIR}/netmito-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/netmito-config.cmake" "${CMAKE_BINARY_DIR}/netmito-config-version.cmake"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/netmito COMPONENT sdk)

# What client/netmito.h includes, and nothing else: a test compiles programs against these alone.
foreach(header
    base/duration.h base/error.h base/result.h base/sync.h base/time.h base/uuid.h
    domain/ids.h domain/states.h domain/task_spec.h
    protocol/group_messages.h protocol/messages.h protocol/task_messages.h protocol/user_messages.h protocol/values.h
    protocol/worker_messages.h
    client/address.h client/client.h client/coroutine.h client/netmito.h client/worker_calls.h)
  get_filename_component(folder "${header}" DIRECTORY)
  install(FILES "${PROJECT_SOURCE_DIR}/src/${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/netmito/${folder}" COMPONENT sdk)
endforeach()
file(WRITE "${CMAKE_BINARY_DIR}/netmito.h" "#pragma once\n#include \"client/netmito.h\"  // IWYU pragma: export\n")
install(FILES "${CMAKE_BINARY_DIR}/netmito.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/netmito" COMPONENT sdk)
