# The C++ SDK: `libnetmito`, one shared library of the layers that a client needs, with the headers that programs
# include and a CMake package. A program says find_package(netmito) and links netmito::netmito; it needs none of the
# libraries that ours is built with.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(MITO_SDK_LAYERS base domain protocol security http client)
add_library(netmito SHARED)
foreach(layer IN LISTS MITO_SDK_LAYERS)
  target_sources(netmito PRIVATE $<TARGET_OBJECTS:mito_${layer}>)
endforeach()
target_link_libraries(netmito PRIVATE mito_flags Threads::Threads mito::argon2 mito::curl mito::fmt Boost::json OpenSSL::SSL OpenSSL::Crypto)
target_compile_features(netmito INTERFACE cxx_std_23)
target_include_directories(netmito INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/netmito>)
set_target_properties(netmito PROPERTIES VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE CXX)

install(TARGETS netmito EXPORT netmito COMPONENT sdk)
install(EXPORT netmito NAMESPACE netmito:: FILE netmito-targets.cmake DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/netmito COMPONENT sdk)
file(WRITE "${CMAKE_BINARY_DIR}/netmito-config.cmake" "include(\"\${CMAKE_CURRENT_LIST_DIR}/netmito-targets.cmake\")\n")
write_basic_package_version_file("${CMAKE_BINARY_DIR}/netmito-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${CMAKE_BINARY_DIR}/netmito-config.cmake" "${CMAKE_BINARY_DIR}/netmito-config-version.cmake"
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/netmito COMPONENT sdk)

# What client/netmito.h includes, and nothing else: a test compiles it against these alone.
set(MITO_SDK_HEADERS
    base/duration.h base/error.h base/result.h base/sync.h base/time.h base/uuid.h
    domain/ids.h domain/states.h domain/task_spec.h
    protocol/group_messages.h protocol/messages.h protocol/task_messages.h protocol/user_messages.h protocol/values.h
    protocol/worker_messages.h
    client/address.h client/client.h client/coroutine.h client/netmito.h client/worker_calls.h)
foreach(header IN LISTS MITO_SDK_HEADERS)
  get_filename_component(folder "${header}" DIRECTORY)
  install(FILES "${PROJECT_SOURCE_DIR}/src/${header}" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/netmito/${folder}" COMPONENT sdk)
endforeach()
file(WRITE "${CMAKE_BINARY_DIR}/netmito.h" "#pragma once\n#include \"client/netmito.h\"  // IWYU pragma: export\n")
install(FILES "${CMAKE_BINARY_DIR}/netmito.h" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/netmito" COMPONENT sdk)
