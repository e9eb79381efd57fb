#include "cli/line_editor.h"

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <cstdio>
#include <cstring>
#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <unistd.h>
#include <utility>

#include "cli/shell_words.h"
#include "cli/style.h"
#include "cli/terminal.h"
#include "cli/text.h"

namespace mito::cli {

namespace {

constexpr unsigned char kControlD = 4;
constexpr int kMostLines = 1000;

/// libedit counts characters by the locale: without one for UTF-8 it would take the bytes of `é` for two.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

int count_characters(std::string_view text) {
  return static_cast<int>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

bool is_waiting(int fd) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  return ::poll(&ready, 1, 0) > 0;
}

std::size_t sequence_length(unsigned char first) {
  return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/// The candidates in lines below the prompt: with what is said about them when there are few.
void print_candidates(const std::vector<Candidate>& candidates) {
  constexpr std::size_t kMostShown = 60;
  const std::size_t width = terminal_width(stdout);
  std::size_t widest = 0;
  for (const auto& candidate : candidates)
    widest = std::max(widest, display_width(candidate.text));
  std::string text = "\n";
  for (std::size_t i = 0; i < std::min(candidates.size(), kMostShown); ++i) {
    const auto& [word, help] = candidates[i];
    const std::string shown = printable(word);
    text += shown;
    if (!help.empty() && width > widest + 12)
      text += std::string(widest + 2 - std::min(widest, display_width(shown)), ' ') +
              shorten(printable(help), width - widest - 2);
    text += "\n";
  }
  if (candidates.size() > kMostShown) text += "… and " + std::to_string(candidates.size() - kMostShown) + " more\n";
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

}  // namespace

struct LineEditor::Impl {
  Impl(std::string first_prompt, std::string next_prompt, Interrupts& given_interrupts, Completer given_completer)
      : prompt(std::move(first_prompt)),
        continuation(std::move(next_prompt)),
        interrupts(given_interrupts),
        completer(std::move(given_completer)) {}

  static Impl& of(EditLine* editor) {
    void* self = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &self);
    return *static_cast<Impl*>(self);
  }
  static char* show_prompt(EditLine* editor) { return of(editor).shown_prompt().data(); }
  static int on_read(EditLine* editor, wchar_t* character) { return of(editor).read_character(character); }
  static unsigned char on_tab(EditLine* editor, int /*key*/) { return of(editor).complete(); }
  static unsigned char on_forward(EditLine* editor, int /*key*/) { return of(editor).go_on(Way::kCharacter); }
  static unsigned char on_end(EditLine* editor, int /*key*/) { return of(editor).go_on(Way::kLine); }

  std::string& shown_prompt() { return begun.empty() ? prompt : continuation; }

  /// 1 with a character, 0 at the end or when a signal came.
  int read_character(wchar_t* character) {
    unsigned char byte = 0;
    if (!read_byte(byte)) return 0;
    const std::size_t length = sequence_length(byte);
    std::uint32_t code = length == 1 ? byte : byte & (0xffU >> (length + 1));
    for (std::size_t i = 1; i < length; ++i) {
      if (!read_byte(byte)) return 0;
      code = code << 6U | (byte & 0x3fU);
    }
    *character = static_cast<wchar_t>(code);
    return 1;
  }

  bool read_byte(unsigned char& byte) {
    if (!is_waiting(STDIN_FILENO)) show_hint();
    const bool got = wait_for_byte(byte);
    hide_hint();
    return got;
  }

  bool wait_for_byte(unsigned char& byte) {
    for (;;) {
      pollfd ready[2] = {{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                         {.fd = interrupts.wake_fd(), .events = POLLIN, .revents = 0}};
      if (::poll(ready, 2, -1) < 0 && errno != EINTR) return false;
      if (ready[1].revents != 0) {
        interrupted = true;
        return false;
      }
      if (ready[0].revents == 0) continue;
      const ssize_t count = ::read(STDIN_FILENO, &byte, 1);
      if (count < 0 && errno == EINTR) continue;
      // What the kernel keeps of a Ctrl-D that was typed before libedit had put the terminal into raw mode.
      if (count == 1 && byte == '\0') byte = kControlD;
      return count == 1;
    }
  }

  unsigned char complete() {
    const LineInfo* line = ::el_line(editor);
    const std::string text = begun + std::string(line->buffer, line->cursor);
    const auto unfinished = split_unfinished(text);
    if (unfinished.begun_at < begun.size()) return CC_REFRESH_BEEP;  // what is begun stands in another line
    const auto candidates = completer(unfinished.words, unfinished.begun);
    if (candidates.empty()) return CC_REFRESH_BEEP;
    const std::string beginning = common_beginning(candidates);
    if (beginning.size() > unfinished.begun.size() || candidates.size() == 1) {
      std::string whole = quote_word(beginning);
      const bool is_open = beginning.ends_with('/') || beginning.ends_with('=');
      if (candidates.size() == 1 && !is_open) whole += ' ';
      ::el_deletestr(editor, count_characters(text.substr(unfinished.begun_at)));
      ::el_insertstr(editor, whole.c_str());
      return CC_REFRESH;
    }
    print_candidates(candidates);
    return CC_REDISPLAY;
  }

  /// What the line would become the history's latest that begins alike with; empty inside the line.
  std::string hint() {
    const LineInfo* line = ::el_line(editor);
    const std::string_view text(line->buffer, static_cast<std::size_t>(line->lastchar - line->buffer));
    // A newline in the line: libedit searches in the history, and shows that below it.
    if (colour == Colour::kNo || text.empty() || line->cursor != line->lastchar || text.contains('\n')) return {};
    const auto found = std::find_if(lines.rbegin(), lines.rend(), [text](const std::string& earlier) {
      return earlier.size() > text.size() && earlier.starts_with(text) && !earlier.contains('\n');
    });
    return found == lines.rend() ? std::string() : found->substr(text.size());
  }

  /// Behind the cursor, which stays; as much as fits in its line.
  void show_hint() {
    const std::string rest = hint();
    if (rest.empty()) return;
    const LineInfo* line = ::el_line(editor);
    const std::size_t used = display_width(shown_prompt()) +
                             display_width({line->buffer, static_cast<std::size_t>(line->lastchar - line->buffer)});
    const std::size_t width = terminal_width(stdout);
    if (used + 2 > width) return;
    const std::string shown = shorten(printable(rest), width - used - 1);
    std::fputs(painted(shown, Style::kDim, colour).c_str(), stdout);
    std::fprintf(stdout, "\x1b[%zuD", display_width(shown));
    std::fflush(stdout);
    is_hint_shown = true;
  }

  void hide_hint() {
    if (!std::exchange(is_hint_shown, false)) return;
    std::fputs("\x1b[K", stdout);
    std::fflush(stdout);
  }

  enum class Way { kCharacter, kLine };
  /// Moves the cursor to the right, or takes the hint at the end of the line.
  unsigned char go_on(Way way) {
    const LineInfo* line = ::el_line(editor);
    if (line->cursor != line->lastchar) {
      const std::string_view rest(line->cursor, static_cast<std::size_t>(line->lastchar - line->cursor));
      ::el_cursor(editor, way == Way::kCharacter ? 1 : count_characters(rest));
      return CC_CURSOR;
    }
    if (const std::string rest = hint(); rest.empty() || ::el_insertstr(editor, rest.c_str()) != 0) return CC_NORM;
    return CC_REFRESH;
  }

  std::string prompt;
  std::string continuation;
  std::string begun;  ///< The lines that this one continues.
  Interrupts& interrupts;
  Completer completer;
  std::vector<std::string> lines;  ///< Of the history, the latest last.
  Colour colour = colour_of(stdout);
  bool is_hint_shown = false;
  EditLine* editor = nullptr;
  History* history = nullptr;
  bool interrupted = false;
};

LineEditor::LineEditor(std::string prompt, std::string continuation, Interrupts& interrupts, Completer completer)
    : impl_(std::make_unique<Impl>(std::move(prompt), std::move(continuation), interrupts, std::move(completer))) {
  use_utf8();
  HistEvent event{};
  impl_->history = ::history_init();
  ::history(impl_->history, &event, H_SETSIZE, kMostLines);
  ::history(impl_->history, &event, H_SETUNIQUE, 1);
  impl_->editor = ::el_init("mito", stdin, stdout, stderr);
  ::el_set(impl_->editor, EL_CLIENTDATA, impl_.get());
  ::el_set(impl_->editor, EL_PROMPT, &Impl::show_prompt);
  ::el_set(impl_->editor, EL_EDITOR, "emacs");
  ::el_set(impl_->editor, EL_HIST, ::history, impl_->history);
  ::el_set(impl_->editor, EL_GETCFN, &Impl::on_read);
  ::el_set(impl_->editor, EL_ADDFN, "mito-complete", "Completes the word", &Impl::on_tab);
  ::el_set(impl_->editor, EL_BIND, "^I", "mito-complete", nullptr);
  ::el_set(impl_->editor, EL_BIND, "^R", "em-inc-search-prev", nullptr);
  ::el_set(impl_->editor, EL_ADDFN, "mito-forward", "Goes to the right, or takes the hint", &Impl::on_forward);
  ::el_set(impl_->editor, EL_ADDFN, "mito-end", "Goes to the end, or takes the hint", &Impl::on_end);
  for (const char* key : {"\\e[C", "\\eOC", "^F"})
    ::el_set(impl_->editor, EL_BIND, key, "mito-forward", nullptr);
  for (const char* key : {"\\e[F", "\\eOF", "\\e[4~", "^E"})
    ::el_set(impl_->editor, EL_BIND, key, "mito-end", nullptr);
}

LineEditor::~LineEditor() {
  ::el_end(impl_->editor);
  ::history_end(impl_->history);
}

LineEditor::Line LineEditor::read(std::string_view begun) {
  impl_->interrupted = false;
  impl_->begun = begun;
  int count = 0;
  const char* text = ::el_gets(impl_->editor, &count);
  if (impl_->interrupted) {
    std::fputs("^C\n", stdout);
    return {.end = End::kInterrupted, .text = {}};
  }
  if (text == nullptr || count <= 0) return {.end = End::kEndOfInput, .text = {}};
  std::string line(text, static_cast<std::size_t>(count));
  while (line.ends_with('\n'))
    line.pop_back();
  return {.end = End::kLine, .text = std::move(line)};
}

void LineEditor::remember(const std::string& line) {
  HistEvent event{};
  ::history(impl_->history, &event, H_ENTER, line.c_str());
  auto& lines = impl_->lines;
  lines.push_back(line);
  if (lines.size() > kMostLines) lines.erase(lines.begin());
}

}  // namespace mito::cli
