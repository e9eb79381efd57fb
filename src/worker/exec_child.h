#pragma once

#include <cstddef>

#include "worker/supervisor.h"

namespace mito::worker {

/// What the child of a supervisor does between its birth and the command. The words are NUL-terminated, the lists end
/// with a null pointer.
struct ExecPlan {
  const SupervisorRequest* request = nullptr;
  const char* directory = nullptr;  ///< Empty: where the supervisor is.
  char** candidates = nullptr;      ///< What to execute: the first of them that can be, as execvp(3) would choose.
  char** args = nullptr;
  char** shell_args = nullptr;  ///< Room for two more: `/bin/sh <candidate> args[1…]`, for scripts without `#!`.
  char** environment = nullptr;
  int out = -1;                            ///< For stdout; -1: as it is.
  int err = -1;                            ///< For stderr; -1: as it is.
  std::size_t expected = ~std::size_t{0};  ///< Which of the candidates was there the last time: tried without a look.
  std::size_t tried = ~std::size_t{0};     ///< Which of them was executed last. Written by the child.
  int failure = 0;                         ///< errno of what could not be done. Written by the child.
};

/// To be called in the child, which shares the supervisor's memory until then, with its ExecPlan. Returns only on
/// failure, with the exit code.
int become_command(void* plan);

}  // namespace mito::worker
