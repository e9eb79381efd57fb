// Search in the guide. The index is a script (search-index.js) that fills guideIndex with [address, page, heading, text] for each section, so that
// nothing is fetched and pages opened as files can be searched, too.
"use strict";

/** Sections that have all words of `query`, the best first: words in titles count more than in text, whole words more than beginnings. */
globalThis.searchGuide = (index, query, limit = 12) => {
  const words = query.toLowerCase().split(/[\s,]+/).filter(Boolean);
  if (!words.length) return [];
  const count = (text, word) => {
    let score = 0;
    for (let at = text.indexOf(word); at >= 0 && score < 8; at = text.indexOf(word, at + word.length)) {
      const begins = at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]);
      const ends = at + word.length === text.length || !/[\p{L}\p{N}]/u.test(text[at + word.length]);
      score += begins && ends ? 3 : begins ? 2 : 1;
    }
    return score;
  };
  const found = [];
  index.forEach(([address, page, heading, text], place) => {
    const [low, title, body] = [page.toLowerCase(), heading.toLowerCase(), text.toLowerCase()];
    let score = 0;
    for (const word of words) {
      const here = 12 * count(title, word) + 4 * count(low, word) + count(body, word);
      if (!here) return;
      score += here;
    }
    if (title === words.join(" ")) score += 60;
    found.push({ address, page, heading, extract: extractOf(text, body, words), score, place });
  });
  return found.sort((a, b) => b.score - a.score || a.place - b.place).slice(0, limit);
};

const extractOf = (text, low, words) => {
  const places = words.map(word => low.indexOf(word)).filter(at => at >= 0);
  const first = places.length ? Math.min(...places) : 0;
  const begin = first > 60 ? text.indexOf(" ", first - 50) + 1 : 0;
  return (begin ? "… " : "") + text.slice(begin, begin + 150).trim() + (text.length > begin + 150 ? " …" : "");
};

if (globalThis.document) {
  const input = document.getElementById("search");
  const list = document.getElementById("found");
  const base = document.body.dataset.base || "";
  const element = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  const show = () => {
    const results = globalThis.searchGuide(globalThis.guideIndex || [], input.value);
    list.replaceChildren(...results.map(result => {
      const link = element("a", "");
      link.href = base + result.address;
      const where = result.heading === result.page ? result.page : `${result.page}: ${result.heading}`;
      link.append(element("strong", where), element("span", result.extract));
      return link;
    }));
    if (!results.length && input.value.trim()) list.append(element("p", "Nothing has all of these words."));
  };
  input.addEventListener("input", show);
  addEventListener("keydown", event => {
    if (event.key === "/" && event.target.tagName !== "INPUT") {
      event.preventDefault();
      input.focus();
    } else if (event.key === "Escape" && event.target === input) {
      input.value = "";
      show();
    } else if (event.key === "Enter" && event.target === input) {
      list.querySelector("a")?.click();
    }
  });
  // A search can be linked to: page.html?search=words
  input.value = new URLSearchParams(location.search).get("search") || "";
  if (input.value) show();
}
