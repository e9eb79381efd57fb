#include "bench/figures.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

namespace mito::bench {

Seconds Latencies::quantile(double share) const {
  if (values_.empty()) return Seconds{0};
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(values_.size())));
  const auto position =
      values_.begin() + static_cast<std::ptrdiff_t>(std::clamp<std::size_t>(rank, 1, values_.size()) - 1);
  std::nth_element(values_.begin(), position, values_.end());
  return Seconds{*position};
}

void Measurement::add(const std::string& name, const Latencies& latencies) {
  for (const auto& [label, share] : {std::pair{"p50", 0.50}, std::pair{"p95", 0.95}, std::pair{"p99", 0.99}})
    add(fmt::format("{} {}", name, label), latencies.quantile(share).count() * 1000, "ms");
}

namespace {

std::string format_value(double value) {
  if (value >= 100) return fmt::format("{:.0f}", value);
  if (value >= 10) return fmt::format("{:.1f}", value);
  return fmt::format("{:.3f}", value);
}

std::string quote(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

}  // namespace

std::string format_table(const std::vector<Measurement>& measurements) {
  std::size_t scenario_width = 0;
  std::size_t setting_width = 0;
  for (const auto& measurement : measurements) {
    scenario_width = std::max(scenario_width, measurement.scenario.size());
    setting_width = std::max(setting_width, measurement.setting.size());
  }
  std::string out;
  for (const auto& measurement : measurements) {
    out += fmt::format("{:<{}}  {:<{}}", measurement.scenario, scenario_width, measurement.setting, setting_width);
    for (const auto& figure : measurement.figures)
      out += fmt::format("  {} {}{}{}", figure.name, format_value(figure.value), figure.unit.empty() ? "" : " ",
                         figure.unit);
    out += '\n';
  }
  return out;
}

std::string format_json(const std::vector<Measurement>& measurements,
                        const std::vector<std::pair<std::string, std::string>>& facts) {
  std::string out = "{\"facts\":{";
  for (const auto& [name, value] : facts)
    out += fmt::format("{}{}:{}", out.back() == '{' ? "" : ",", quote(name), quote(value));
  out += "},\"measurements\":[";
  for (const auto& measurement : measurements) {
    out += fmt::format("{}{{\"scenario\":{},\"setting\":{},\"figures\":[", out.back() == '[' ? "" : ",",
                       quote(measurement.scenario), quote(measurement.setting));
    for (const auto& figure : measurement.figures)
      out += fmt::format("{}{{\"name\":{},\"value\":{:.6g},\"unit\":{}}}", out.back() == '[' ? "" : ",",
                         quote(figure.name), figure.value, quote(figure.unit));
    out += "]}";
  }
  return out + "]}\n";
}

}  // namespace mito::bench
