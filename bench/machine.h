#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/figures.h"

namespace mito::bench {

/// Processor, cores, memory, kernel, compiler, program version, date: what a figure is worth nothing without.
std::vector<std::pair<std::string, std::string>> describe_machine();

/// What the program answers to --version. Throws std::runtime_error when it cannot be started.
std::string version_of(const std::string& program);

/// The text without the passwords and secrets of options and URLs in it.
std::string without_passwords(const std::string& text);

/// How long fdatasync of one appended 4 KiB block takes on the volume of `directory`.
Latencies measure_fdatasync(const std::string& directory, int rounds = 200);

/// User and system time of this process.
Seconds own_cpu_time();
/// The same of process `pid` with all its threads; 0 when it is gone.
Seconds cpu_time_of(int pid);
/// Resident memory of process `pid` in bytes; 0 when it is gone.
double resident_bytes_of(int pid);

/// Raises the limit of open files to its hard limit; what it is then.
std::size_t raise_open_files();

}  // namespace mito::bench
