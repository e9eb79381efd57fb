# One INTERFACE target, `mito_flags`, carries everything that is asked of the compiler.

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12)
  message(FATAL_ERROR "Mitosis needs g++ 12 or newer (found ${CMAKE_CXX_COMPILER_VERSION}): install g++-12 and set CXX=g++-12.")
elseif(CMAKE_CXX_COMPILER_ID STREQUAL "Clang" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 19)
  message(FATAL_ERROR "Mitosis needs clang 19 or newer (found ${CMAKE_CXX_COMPILER_VERSION}): install clang-19 and set CXX=clang++-19, or use g++ 12.")
elseif(NOT CMAKE_CXX_COMPILER_ID MATCHES "^(GNU|Clang)$")
  message(FATAL_ERROR "Mitosis is built with g++ 12 or clang 19 or newer (found ${CMAKE_CXX_COMPILER_ID}): set CXX.")
endif()

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
# Builds faster than with the -O3 that CMake would choose.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

option(MITO_WARNINGS_AS_ERRORS "Treat compiler warnings as errors" OFF)
set(MITO_SANITIZE "" CACHE STRING "Sanitizers to build with, as for -fsanitize= (for instance address,undefined)")

find_program(MITO_CCACHE ccache)
if(MITO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${MITO_CCACHE}")
endif()

add_library(mito_flags INTERFACE)
target_compile_features(mito_flags INTERFACE cxx_std_23)
set_property(GLOBAL PROPERTY USE_FOLDERS ON)
target_compile_options(mito_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wcast-qual -Wundef)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # Wrong in the coroutine frames, optionals and strings of g++ 12 (GCC bugs 105562, 107561 and 105651).
  target_compile_options(mito_flags INTERFACE -Wno-maybe-uninitialized -Wno-restrict)
endif()
if(MITO_WARNINGS_AS_ERRORS)
  target_compile_options(mito_flags INTERFACE -Werror)
endif()
target_compile_options(mito_flags INTERFACE "$<$<CONFIG:Debug>:-O0;-g1>")
if(MITO_SANITIZE)
  target_compile_options(mito_flags INTERFACE "-fsanitize=${MITO_SANITIZE}" -fno-omit-frame-pointer -fno-sanitize-recover=all)
  target_link_options(mito_flags INTERFACE "-fsanitize=${MITO_SANITIZE}")
endif()

find_program(MITO_MOLD mold)
if(MITO_MOLD)
  target_link_options(mito_flags INTERFACE -fuse-ld=mold)
endif()
