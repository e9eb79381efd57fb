#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace mito::bench {

using Seconds = std::chrono::duration<double>;

/// Collects how long things took.
class Latencies {
 public:
  void add(Seconds length) { values_.push_back(length.count()); }
  [[nodiscard]] std::size_t count() const { return values_.size(); }
  /// `share` 0.5, 0.95, 0.99 …; 0 without values.
  [[nodiscard]] Seconds quantile(double share) const;

 private:
  mutable std::vector<double> values_;
};

/// One measured figure: what, how much, in which unit.
struct Figure {
  std::string name;
  double value = 0;
  std::string unit;
};

/// What one scenario found, under one setting.
struct Measurement {
  std::string scenario;  ///< "drain"
  std::string setting;   ///< "ours, 32 workers"
  std::vector<Figure> figures;

  void add(std::string name, double value, std::string unit) {
    figures.push_back({std::move(name), value, std::move(unit)});
  }
  /// p50, p95 and p99 in milliseconds.
  void add(const std::string& name, const Latencies& latencies);
};

/// Aligned lines, one a measurement.
std::string format_table(const std::vector<Measurement>& measurements);
/// The same and what is known of machine and settings, as one JSON object.
std::string format_json(const std::vector<Measurement>& measurements,
                        const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace mito::bench
