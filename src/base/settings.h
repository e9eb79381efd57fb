#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/duration.h"
#include "base/result.h"

// Settings of a role (coordinator, worker, client): each is declared once, and parsing, --help, the settings reference
// and the texts of errors come from that declaration.
//
//   struct Settings {                       // plain, in the layer that uses it; its initial values are the defaults
//     std::string bind = "127.0.0.1:5000";
//     std::chrono::milliseconds heartbeat_timeout{600'000};
//     std::optional<std::filesystem::path> log_path;
//     std::vector<std::string> tags;
//     TagMatching tag_matching = TagMatching::kDocumented;
//   };
//
//   const SettingsDeclaration<Settings>& declaration() {
//     static const auto kDeclaration = [] {
//       SettingsDeclaration<Settings> d("coordinator");  // the table of the TOML file
//       d.add("bind", "-b,--bind", &Settings::bind, setting::address(), "Where to listen");
//       d.add("heartbeat_timeout", "--heartbeat-timeout", &Settings::heartbeat_timeout,
//             setting::duration(Duration{1}), "A worker silent for longer is lost");
//       d.add("log_path", "--log-path", &Settings::log_path, setting::path(), "File to log to", "none");
//       d.add("tags", "-t,--tags", &Settings::tags, setting::list("TAG"), "What this worker offers");
//       d.add("tag_matching", "--tag-matching", &Settings::tag_matching,
//             setting::choice<TagMatching>({{"documented", TagMatching::kDocumented}, {"strict",
//             TagMatching::kStrict}}), "Which worker may run a task");
//       return d;
//     }();
//     return kDeclaration;
//   }
//
//   auto sources = SettingsSources::from_process();
//   sources.config_file = …;                    // the value of --config, if given
//   sources.command_line["tags"] = {"a,b", "c"};  // by key, for the options that were given
//   MITO_TRY_ASSIGN(auto loaded, declaration().load(sources));
//   for (const auto& warning : loaded.warnings) …

namespace mito {

/// What kind of value a setting has; decides how its text is read.
enum class SettingKind { kFlag, kText, kInteger, kSize, kDuration, kPath, kList, kAddress, kUrl, kChoice };

/// A value that was read and checked: flag, integer or choice, size, duration, text (also address and URL), path, list.
using SettingValue = std::variant<bool, std::int64_t, std::uint64_t, Duration, std::string, std::filesystem::path,
                                  std::vector<std::string>>;

/// The type of a setting: its kind, how help names the value, and what is allowed.
struct SettingType {
  SettingKind kind = SettingKind::kText;
  std::string value_name;                                         ///< `<IP:PORT>` in help; empty for flags.
  std::int64_t least = std::numeric_limits<std::int64_t>::min();  ///< Integers.
  std::int64_t most = std::numeric_limits<std::int64_t>::max();   ///< Integers.
  Duration shortest;                                              ///< Durations.
  std::vector<std::string> names;     ///< Choices: their spellings. URLs: what they may begin with.
  std::vector<std::int64_t> numbers;  ///< Choices: the value of each name.
};

/// A SettingType whose values have the C++ type V.
template <class V>
struct TypedSetting : SettingType {};

/// The types settings can have.
namespace setting {

/// On or off; on the command line it is switched on by its mere presence.
TypedSetting<bool> flag();
TypedSetting<std::string> text(std::string value_name = "TEXT");
/// A whole number from `least` to `most`.
TypedSetting<std::int64_t> integer(std::int64_t least, std::int64_t most, std::string value_name = "N");
/// Bytes, as parse_size reads them.
TypedSetting<std::uint64_t> size();
/// A length of time with its unit, not shorter than `shortest`.
TypedSetting<Duration> duration(Duration shortest = {});
/// A file or directory. Relative ones from a TOML file are relative to that file, others to the working directory.
TypedSetting<std::filesystem::path> path(std::string value_name = "PATH");
/// Texts; on the command line and in the environment separated by commas, empty ones left out.
TypedSetting<std::vector<std::string>> list(std::string value_name = "TEXT");
/// IP address (no host name) and port, `127.0.0.1:5000` or `[::1]:5000`.
TypedSetting<std::string> address();
/// A text that begins with one of `beginnings` (`http://`, `sqlite:`) and goes on.
TypedSetting<std::string> url(std::vector<std::string> beginnings);
/// One of several names.
template <class E>
TypedSetting<E> choice(std::initializer_list<std::pair<std::string_view, E>> choices,
                       std::string value_name = "CHOICE") {
  TypedSetting<E> type;
  type.kind = SettingKind::kChoice;
  type.value_name = std::move(value_name);
  for (const auto& [name, value] : choices) {
    type.names.emplace_back(name);
    type.numbers.push_back(static_cast<std::int64_t>(value));
  }
  return type;
}

}  // namespace setting

/// One declared setting: all that help, reference and reading need. On the command line a flag takes no value, a list
/// any number, every other kind one.
struct SettingEntry {
  std::string key;    ///< In TOML and on the wire of this module; the environment has `MITO_<KEY>`.
  std::string flags;  ///< `-b,--bind`; empty when the command line does not have it.
  SettingType type;
  std::string help;          ///< One sentence without a full stop.
  std::string default_text;  ///< Empty for flags that are off and for lists without items.

  /// `MITO_HEARTBEAT_TIMEOUT`.
  [[nodiscard]] std::string environment_name() const;
  /// `--heartbeat-timeout`: the last of the flags.
  [[nodiscard]] std::string long_flag() const;
};

/// Where settings are read from. Tests fill it by hand; nothing else of the process is looked at.
struct SettingsSources {
  /// Names as they are; only `MITO_<KEY>` (in any case) counts. An empty value sets texts and lists and is ignored
  /// otherwise.
  std::map<std::string, std::string> environment;
  std::filesystem::path working_directory;
  /// `$XDG_CONFIG_HOME` or `~/.config`: has `mitosis/config.toml`. Empty: there is none.
  std::filesystem::path config_directory;
  /// The value of `--config`. A relative name is looked for in the working directory and its parents; not finding it is
  /// an error.
  std::optional<std::filesystem::path> config_file;
  /// A table [<role>.profiles.<name>] that wins over all other tables of the files. kUsage when no file has it.
  std::optional<std::string> profile{};
  /// Setting key -> what was given; flags give nothing or `true`/`false`.
  std::map<std::string, std::vector<std::string>> command_line;

  /// Environment and directories of this process.
  static SettingsSources from_process();
};

/// What was read besides the settings themselves.
struct SettingsReport {
  /// Key -> where its value came from: `default`, `config.toml:3`, `MITO_TAGS`, `--tags`.
  std::map<std::string, std::string> origins;
  /// One line each: keys in the role's table that are not settings.
  std::vector<std::string> warnings;
  /// The TOML files that were read, weakest first, absolute.
  std::vector<std::filesystem::path> files;
};

template <class S>
struct LoadedSettings : SettingsReport {
  S settings;
};

/// The untyped part of a declaration. Immutable once built; any thread.
class SettingsTable {
 public:
  explicit SettingsTable(std::string role) : role_(std::move(role)) {}

  [[nodiscard]] const std::string& role() const { return role_; }
  /// In the order of declaration, which is that of help.
  [[nodiscard]] const std::vector<SettingEntry>& entries() const { return entries_; }
  /// The settings of the role as a Markdown table.
  [[nodiscard]] std::string reference() const;

 protected:
  struct Values : SettingsReport {
    std::map<std::string, SettingValue> values;
  };
  /// Merges all sources, later wins: `<config_directory>/mitosis/config.toml`, then the file of `--config` or else a
  /// `config.toml` of the working directory or its parents (in each file: [default], [<role>], [global]), environment,
  /// command line. kUsage with place, key and what is allowed otherwise.
  [[nodiscard]] Result<Values> read(const SettingsSources& sources) const;
  void add_entry(SettingEntry entry);

 private:
  std::string role_;
  std::vector<SettingEntry> entries_;
};

namespace setting {

template <class T>
inline constexpr bool kIsOptional = false;
template <class T>
inline constexpr bool kIsOptional<std::optional<T>> = true;
template <class T>
inline constexpr bool kIsChrono = false;
template <class Rep, class Period>
inline constexpr bool kIsChrono<std::chrono::duration<Rep, Period>> = true;

/// Whether values of type V can be kept in a member of type M.
template <class V, class M>
concept FitsInto =
    std::same_as<V, M> || (std::same_as<V, Duration> && kIsChrono<M>) ||
    ((std::same_as<V, std::int64_t> || std::same_as<V, std::uint64_t>) && std::integral<M> && !std::same_as<M, bool>);

template <class V, class M>
void assign(M& member, const SettingValue& value) {
  if constexpr (kIsOptional<M>) {
    typename M::value_type inner{};
    assign<V>(inner, value);
    member = std::move(inner);
  } else {
    static_assert(FitsInto<V, M>, "the type of the setting does not fit the member it is kept in");
    if constexpr (std::is_enum_v<V>) {
      member = static_cast<M>(std::get<std::int64_t>(value));
    } else if constexpr (kIsChrono<M>) {
      member = std::chrono::duration_cast<M>(std::get<Duration>(value).to_chrono());
    } else if constexpr (std::integral<M> && !std::same_as<M, bool>) {
      member = static_cast<M>(std::get<V>(value));
    } else {
      member = std::get<V>(value);
    }
  }
}

/// The value of a member, for showing it; nothing for an empty optional.
template <class V, class M>
std::optional<SettingValue> value_of(const M& member) {
  if constexpr (kIsOptional<M>) {
    return member ? value_of<V>(*member) : std::nullopt;
  } else if constexpr (std::is_enum_v<V>) {
    return static_cast<std::int64_t>(member);
  } else if constexpr (kIsChrono<M>) {
    return Duration::from(std::chrono::duration_cast<std::chrono::nanoseconds>(member));
  } else {
    return static_cast<V>(member);
  }
}

/// Narrows integers and sizes to what a member of type M holds.
template <class M>
void limit_to(SettingType& type) {
  if constexpr (kIsOptional<M>) {
    limit_to<typename M::value_type>(type);
  } else if constexpr (std::integral<M> && !std::same_as<M, bool>) {
    if (std::cmp_less(type.least, std::numeric_limits<M>::min()))
      type.least = static_cast<std::int64_t>(std::numeric_limits<M>::min());
    if (std::cmp_greater(type.most, std::numeric_limits<M>::max()))
      type.most = static_cast<std::int64_t>(std::numeric_limits<M>::max());
  }
}

/// A value as one would write it: `10m`, `256MiB`, `a,b`, `strict`.
std::string show(const SettingType& type, const SettingValue& value);

}  // namespace setting

/// The settings of one role, kept in the plain struct S. Built once, then immutable; any thread.
template <class S>
class SettingsDeclaration : public SettingsTable {
 public:
  using SettingsTable::SettingsTable;

  /// Declares a setting. The default is what S has at first; `default_text` says in words what that means where the
  /// value itself does not (`none`, `one per core`).
  template <class V, class M>
  SettingsDeclaration& add(std::string key, std::string flags, M S::* member, TypedSetting<V> type, std::string help,
                           std::string default_text = {}) {
    SettingEntry entry{std::move(key), std::move(flags), std::move(type), std::move(help), std::move(default_text)};
    setting::limit_to<M>(entry.type);
    if (entry.default_text.empty()) {
      const auto value = setting::value_of<V>(S{}.*member);
      if (value) entry.default_text = setting::show(entry.type, *value);
    }
    assign_[entry.key] = [member](S& settings, const SettingValue& value) {
      setting::assign<V>(settings.*member, value);
    };
    add_entry(std::move(entry));
    return *this;
  }

  /// The settings that the sources give, defaults for the rest. kUsage with a text that names place, key and what is
  /// allowed.
  [[nodiscard]] Result<LoadedSettings<S>> load(const SettingsSources& sources) const {
    MITO_TRY_ASSIGN(auto read_values, read(sources));
    LoadedSettings<S> loaded;
    for (const auto& [key, value] : read_values.values)
      assign_.at(key)(loaded.settings, value);
    static_cast<SettingsReport&>(loaded) = std::move(read_values);
    return loaded;
  }

 private:
  std::map<std::string, std::function<void(S&, const SettingValue&)>> assign_;
};

}  // namespace mito
