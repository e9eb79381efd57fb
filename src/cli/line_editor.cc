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

#include "cli/help.h"
#include "cli/shell_words.h"
#include "cli/text.h"

namespace mito::cli {

namespace {

constexpr unsigned char kControlD = 4;

/// libedit counts characters by the locale: without one for UTF-8 it would take the bytes of `é` for two.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::strcmp(::nl_langinfo(CODESET), "UTF-8") != 0) std::setlocale(LC_CTYPE, "C.UTF-8");
}

int count_characters(std::string_view text) {
  return static_cast<int>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

std::size_t sequence_length(unsigned char first) {
  return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/// The candidates in lines below the prompt: with what is said about them when there are few.
void print_candidates(const std::vector<Candidate>& candidates) {
  constexpr std::size_t kMostShown = 60;
  const std::size_t width = help_width();
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
  Impl(std::string shown_prompt, Interrupts& given_interrupts, Completer given_completer)
      : prompt(std::move(shown_prompt)), interrupts(given_interrupts), completer(std::move(given_completer)) {}

  static Impl& of(EditLine* editor) {
    void* self = nullptr;
    ::el_get(editor, EL_CLIENTDATA, &self);
    return *static_cast<Impl*>(self);
  }
  static char* show_prompt(EditLine* editor) { return of(editor).prompt.data(); }
  static int on_read(EditLine* editor, wchar_t* character) { return of(editor).read_character(character); }
  static unsigned char on_tab(EditLine* editor, int /*key*/) { return of(editor).complete(); }

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
    const auto length = static_cast<std::size_t>(line->cursor - line->buffer);
    const auto unfinished = split_unfinished({line->buffer, length});
    const auto candidates = completer(unfinished.words, unfinished.begun);
    if (candidates.empty()) return CC_REFRESH_BEEP;
    const std::string beginning = common_beginning(candidates);
    if (beginning.size() > unfinished.begun.size() || candidates.size() == 1) {
      std::string text = quote_word(beginning);
      const bool goes_on = beginning.ends_with('/') || beginning.ends_with('=');
      if (candidates.size() == 1 && !goes_on) text += ' ';
      ::el_deletestr(editor, count_characters({line->buffer + unfinished.begun_at, length - unfinished.begun_at}));
      ::el_insertstr(editor, text.c_str());
      return CC_REFRESH;
    }
    print_candidates(candidates);
    return CC_REDISPLAY;
  }

  std::string prompt;
  Interrupts& interrupts;
  Completer completer;
  EditLine* editor = nullptr;
  History* history = nullptr;
  bool interrupted = false;
};

LineEditor::LineEditor(std::string prompt, Interrupts& interrupts, Completer completer)
    : impl_(std::make_unique<Impl>(std::move(prompt), interrupts, std::move(completer))) {
  use_utf8();
  HistEvent event{};
  impl_->history = ::history_init();
  ::history(impl_->history, &event, H_SETSIZE, 1000);
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
}

LineEditor::~LineEditor() {
  ::el_end(impl_->editor);
  ::history_end(impl_->history);
}

LineEditor::Line LineEditor::read() {
  impl_->interrupted = false;
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
}

}  // namespace mito::cli
