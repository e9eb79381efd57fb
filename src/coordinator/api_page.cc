#include "coordinator/api_page.h"

namespace mito::coordinator {

namespace {

constexpr std::string_view kStyle = R"css(
:root{--ink:#1d2330;--soft:#5d6678;--line:#e2e6ee;--paper:#fff;--ground:#f5f7fb;--code:#f0f3f9;--accent:#3757c5;
--get:#1d7f5c;--post:#3757c5;--put:#a8650b;--delete:#b93a3a;--json-key:#3757c5;--json-text:#1d7f5c;--json-number:#a8650b}
@media(prefers-color-scheme:dark){:root{--ink:#e5e9f2;--soft:#9aa5ba;--line:#2c3446;--paper:#1a2030;--ground:#131826;--code:#222a3d;
--accent:#8ea6ff;--get:#5fcf9f;--post:#8ea6ff;--put:#e5ab59;--delete:#f08a8a;--json-key:#8ea6ff;--json-text:#5fcf9f;--json-number:#e5ab59}}
*{box-sizing:border-box}
body{margin:0;font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;color:var(--ink);background:var(--ground)}
code,pre,.path{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:.92em}
code{background:var(--code);border-radius:4px;padding:.1em .35em}
nav{position:fixed;inset:0 auto 0 0;width:310px;overflow:auto;background:var(--paper);border-right:1px solid var(--line);padding:20px 14px 40px}
nav h1{font-size:17px;margin:0 6px 12px}
nav h1 small{color:var(--soft);font-weight:400}
nav input{width:100%;padding:8px 10px;border:1px solid var(--line);border-radius:8px;background:var(--ground);color:inherit;font:inherit}
nav h2{font-size:12px;letter-spacing:.05em;text-transform:uppercase;color:var(--soft);margin:18px 6px 4px}
nav a{display:flex;gap:8px;align-items:baseline;padding:3px 6px;border-radius:6px;color:inherit;text-decoration:none;font-size:13.5px}
nav a:hover,nav a:focus{background:var(--code)}
nav .verb{flex:0 0 46px;text-align:right}
main{margin-left:310px;padding:28px 40px 80px;max-width:1180px}
main>header h2{margin:0 0 8px;font-size:26px}
section>h2{margin:38px 0 4px;font-size:21px}
section>p{margin:0 0 12px;color:var(--soft)}
.buttons{margin:14px 0 0}
button{font:inherit;font-size:13.5px;color:var(--accent);background:none;border:1px solid var(--line);border-radius:7px;padding:4px 10px;margin-right:6px;cursor:pointer}
details.operation,details.schema{background:var(--paper);border:1px solid var(--line);border-radius:10px;margin:8px 0}
details.operation[open]{box-shadow:0 2px 14px rgba(20,30,60,.07)}
details>summary{cursor:pointer;list-style:none;padding:10px 14px;display:flex;gap:12px;align-items:baseline;flex-wrap:wrap}
details>summary::-webkit-details-marker{display:none}
summary:focus-visible{outline:2px solid var(--accent);border-radius:9px}
.verb{font-weight:700;font-size:12px;text-transform:uppercase}
summary .verb{flex:0 0 54px}
.verb.get{color:var(--get)}.verb.post{color:var(--post)}.verb.put{color:var(--put)}.verb.delete{color:var(--delete)}
summary .words{color:var(--soft);margin-left:auto;text-align:right}
.body{padding:2px 16px 16px;border-top:1px solid var(--line)}
.body h3{font-size:14px;margin:20px 0 6px}
.body h4{font-size:13px;margin:12px 0 4px;color:var(--soft);font-weight:600}
.mark{display:inline-block;border:1px solid var(--line);border-radius:20px;padding:0 9px;font-size:12.5px;color:var(--soft);margin:0 6px 0 0}
table{border-collapse:collapse;width:100%;font-size:14px}
td,th{text-align:left;vertical-align:top;padding:6px 10px 6px 0;border-bottom:1px solid var(--line)}
th{font-weight:600;color:var(--soft);font-size:12.5px}
td:first-child{white-space:nowrap}
td p,.extra p{margin:0}
.type{color:var(--soft);white-space:nowrap}
.need{color:var(--delete);font-size:12px}
.extra{color:var(--soft);font-size:13px}
pre{background:var(--code);border-radius:8px;padding:10px 12px;overflow:auto;margin:6px 0;font-size:12.8px;line-height:1.45}
.k{color:var(--json-key)}.s{color:var(--json-text)}.n{color:var(--json-number)}
.columns{align-items:start;display:grid;grid-template-columns:minmax(0,1fr) minmax(0,1fr);gap:0 26px}
details.answer{border-bottom:1px solid var(--line)}
details.answer>summary{padding:6px 0;flex-wrap:nowrap}
.status{font-weight:700;flex:0 0 40px}.status.good{color:var(--get)}.status.bad{color:var(--delete)}
.answer .inner{padding:0 0 10px 52px}
.none{color:var(--soft);padding:30px 0}
a{color:var(--accent)}
@media(max-width:900px){nav{position:static;width:auto;border:0;border-bottom:1px solid var(--line)}nav .list{display:none}
main{margin:0;padding:20px 16px 60px}.columns{grid-template-columns:1fr}summary .words{margin:0;text-align:left;flex-basis:100%}}
)css";

constexpr std::string_view kScript = R"js(
"use strict";
const doc = JSON.parse(document.getElementById("document").textContent);
const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
};
// Text with `code`, **bold** and line breaks; a line that begins with "- " is an item.
const prose = text => {
  const out = make("div", {class: "prose"});
  const inline = (parent, part) => {
    for (const piece of part.split(/(`[^`]*`|\*\*[^*]*\*\*)/)) {
      if (piece.startsWith("`") && piece.length > 1) parent.append(make("code", {}, piece.slice(1, -1)));
      else if (piece.startsWith("**")) parent.append(make("b", {}, piece.slice(2, -2)));
      else if (piece) parent.append(piece);
    }
    return parent;
  };
  for (const block of (text || "").split("\n\n")) {
    const lines = block.split(/\n(?=- )|\n(?=\*\*)/);
    let list = null;
    for (const line of lines) {
      if (line.startsWith("- ")) {
        if (!list) out.append(list = make("ul"));
        list.append(inline(make("li"), line.slice(2)));
      } else {
        list = null;
        const first = line.split("\n- ");
        out.append(inline(make("p"), first.shift()));
        if (first.length) { out.append(list = make("ul")); for (const item of first) list.append(inline(make("li"), item)); }
      }
    }
  }
  return out;
};
const resolve = node => {
  while (node && node.$ref) node = node.$ref.slice(2).split("/").reduce((at, key) => at[key], doc);
  return node || {};
};
const json = value => {
  const pre = make("pre");
  const text = JSON.stringify(value, null, 2).replace(/\[\s+([^\[\]{}]*?)\s+\]/g, (whole, inner) => {
    const line = "[" + inner.replace(/\s*\n\s*/g, " ") + "]";
    return line.length < 90 ? line : whole;
  });
  for (const piece of text.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|-?\b\d+(?:\.\d+)?\b|\btrue\b|\bfalse\b|\bnull\b)/)) {
    if (!piece) continue;
    const kind = /^".*:$/s.test(piece) ? "k" : piece.startsWith('"') ? "s" : /^(-?\d|true|false|null)/.test(piece) ? "n" : "";
    pre.append(kind ? make("span", {class: kind}, piece) : piece);
  }
  return pre;
};
// The type of a schema in a few words; components are links.
const type = schema => {
  const out = make("span", {class: "type"});
  const walk = node => {
    if (node.$ref) {
      const name = node.$ref.split("/").pop();
      out.append(make("a", {href: "#schema-" + name}, name));
    } else if (node.anyOf || node.oneOf) {
      (node.anyOf || node.oneOf).forEach((one, i) => { if (i) out.append(" | "); walk(one); });
    } else if (node.const !== undefined) out.append(JSON.stringify(node.const));
    else if (node.prefixItems) { out.append("["); node.prefixItems.forEach((one, i) => { if (i) out.append(", "); walk(one); }); out.append("]"); }
    else if (node.type === "array" && node.items) { out.append(schema["x-set"] ? "set of " : "list of "); walk(node.items); }
    else if (Array.isArray(node.type)) { walk({...node, type: node.type[0]}); out.append(" | null"); }
    else if (node.type === "object" && node.additionalProperties) { out.append("map to "); walk(node.additionalProperties); }
    else if (node.type === "object" && node.properties && node.required && node.required.length === 1) {
      out.append("{" + node.required[0] + ": "); walk(node.properties[node.required[0]]); out.append("}");
    } else out.append(node.format && node.type === "integer" ? node.format : node.type || "any");
  };
  walk(schema);
  return out;
};
const extras = schema => {
  const notes = [];
  if (schema["x-unit"]) notes.push("in " + schema["x-unit"]);
  if (schema.default !== undefined) notes.push("default `" + JSON.stringify(schema.default) + "`");
  if (schema.enum) notes.push("one of " + schema.enum.map(value => "`" + value + "`").join(", "));
  if (schema["x-origin"] === "mitosis") notes.push("an addition to the original");
  return notes.length ? make("div", {class: "extra"}, ...prose(notes.join("; ")).childNodes) : null;
};
const row = (name, need, schema, text) => make("tr", {},
  make("td", {}, make("code", {}, name), need ? make("div", {class: "need"}, "required") : null),
  make("td", {}, type(schema)), make("td", {}, prose(text), extras(schema)));
const members = schema => {
  const table = make("table");
  for (const [name, member] of Object.entries(schema.properties || {}))
    table.append(row(name, (schema.required || []).includes(name), member, member.description));
  return table;
};
const contents = content => {
  const out = make("div", {class: "inner"});
  for (const [kind, media] of Object.entries(content || {})) {
    const line = make("h4", {}, kind + " ");
    if (media.schema && Object.keys(media.schema).length) line.append(type(media.schema));
    out.append(line);
    for (const example of Object.values(media.examples || {})) {
      if (example.summary) out.append(make("div", {class: "extra"}, prose(example.summary)));
      out.append(typeof example.value === "string" ? make("pre", {}, example.value) : json(example.value));
    }
  }
  return out;
};
const answers = responses => {
  const out = make("div");
  for (const [status, given] of Object.entries(responses)) {
    const answer = resolve(given);
    const lines = answer.description.split("\n");
    out.append(make("details", {class: "answer", ...(status === "200" ? {open: ""} : {})},
      make("summary", {}, make("span", {class: "status " + (status < "300" ? "good" : "bad")}, status),
        make("span", {}, ...prose(lines.join(" ")).childNodes[0].childNodes)),
      contents(answer.content)));
  }
  return out;
};
const filled = new WeakSet();
const fill = (details, operation) => {
  if (filled.has(details)) return;
  filled.add(details);
  const body = make("div", {class: "body"});
  const marks = make("p");
  const scheme = (operation.security || []).flatMap(Object.keys);
  marks.append(make("span", {class: "mark"}, scheme.length ? "token of: " + scheme.join(", ") : "no token"));
  marks.append(make("span", {class: "mark"}, operation["x-origin"] === "original" ? "as in the original" : "addition"));
  body.append(marks, prose(operation.description));
  if (operation.parameters) {
    body.append(make("h3", {}, "Parameters"));
    const table = make("table");
    for (const parameter of operation.parameters)
      table.append(row(parameter.name + (parameter.in === "query" ? " (query)" : ""), parameter.required, parameter.schema, parameter.description));
    body.append(table);
  }
  const media = operation.requestBody && operation.requestBody.content["application/json"];
  if (media) {
    const schema = resolve(media.schema);
    body.append(make("h3", {}, "Request ", type(media.schema)));
    body.append(make("div", {class: "columns"}, members(schema), json(Object.values(media.examples)[0].value)));
  } else if (operation.requestBody) body.append(make("h3", {}, "Request"), prose(operation.requestBody.description));
  body.append(make("h3", {}, "Answers"), answers(operation.responses));
  details.append(body);
};
const main = document.querySelector("main");
const list = document.querySelector("nav .list");
const found = [];
document.querySelector("nav h1 small").textContent = doc.info.version;
main.append(make("header", {}, make("h2", {}, doc.info.title), prose(doc.info.description),
  make("p", {class: "buttons"}, make("button", {id: "open"}, "Open all"), make("button", {id: "close"}, "Close all"),
    make("a", {href: "openapi.json"}, "openapi.json"))));
for (const tag of doc.tags) {
  const section = make("section", {}, make("h2", {}, tag.name), make("p", {}, ...prose(tag.description).childNodes[0].childNodes));
  const heading = make("h2", {}, tag.name);
  list.append(heading);
  const group = {section, heading, items: []};
  for (const [path, item] of Object.entries(doc.paths)) for (const [method, operation] of Object.entries(item)) {
    if (operation.tags[0] !== tag.name) continue;
    const id = "operation-" + operation.operationId;
    const details = make("details", {class: "operation", id}, make("summary", {}, make("span", {class: "verb " + method}, method),
      make("span", {class: "path"}, path), make("span", {class: "words"}, operation.summary)));
    details.addEventListener("toggle", () => { if (details.open) fill(details, operation); });
    const link = make("a", {href: "#" + id}, make("span", {class: "verb " + method}, method === "delete" ? "del" : method),
      make("span", {}, operation.summary));
    section.append(details);
    list.append(link);
    group.items.push({details, link, operation, words: [method, path, operation.operationId, operation.summary, operation.description,
      operation["x-permission"], JSON.stringify(operation.requestBody || ""), JSON.stringify(operation.responses)].join(" ").toLowerCase()});
  }
  main.append(section);
  found.push(group);
}
const schemas = make("section", {}, make("h2", {}, "Schemas"));
for (const [name, schema] of Object.entries(doc.components.schemas)) {
  const details = make("details", {class: "schema", id: "schema-" + name}, make("summary", {}, make("code", {}, name),
    make("span", {class: "words"}, ...(schema.description ? prose(schema.description).childNodes[0].childNodes : []))));
  details.addEventListener("toggle", () => {
    if (!details.open || filled.has(details)) return;
    filled.add(details);
    details.append(make("div", {class: "body"}, schema.properties ? members(schema) : make("p", {}, type(schema)), schema.properties ? null : extras(schema)));
  });
  schemas.append(details);
}
main.append(schemas);
const none = make("p", {class: "none", hidden: ""}, "No operation has all of these words.");
main.append(none);
const filter = () => {
  const words = document.querySelector("nav input").value.toLowerCase().split(/\s+/).filter(Boolean);
  let any = false;
  for (const group of found) {
    let shown = false;
    for (const item of group.items) {
      const fits = words.every(word => item.words.includes(word));
      item.details.hidden = item.link.hidden = !fits;
      item.link.style.display = fits ? "" : "none";
      shown = shown || fits;
    }
    group.section.hidden = group.heading.hidden = !shown;
    any = any || shown;
  }
  none.hidden = any;
  schemas.hidden = words.length > 0;
};
document.querySelector("nav input").addEventListener("input", filter);
const go = () => {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.tagName === "DETAILS") { schemas.hidden = false; target.open = true; }
  target.scrollIntoView();
};
addEventListener("hashchange", go);
document.getElementById("open").onclick = () => found.forEach(group => group.items.forEach(item => { if (!item.details.hidden) item.details.open = true; }));
document.getElementById("close").onclick = () => document.querySelectorAll("main details.operation, main details.schema").forEach(one => { one.open = false; });
addEventListener("keydown", event => { if (event.key === "/" && event.target.tagName !== "INPUT") { event.preventDefault(); document.querySelector("nav input").focus(); } });
go();
)js";

/// The document within a script element, which `</` would end.
std::string embedded(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  for (std::size_t i = 0; i < json.size(); ++i) {
    out += json[i];
    if (json[i] == '<' && i + 1 < json.size() && (json[i + 1] == '/' || json[i + 1] == '!')) {
      out.pop_back();
      out += "\\u003c";
    }
  }
  return out;
}

}  // namespace

std::string api_page(std::string_view openapi_json) {
  std::string page =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">"
      "<title>Mitosis API</title><link rel=\"icon\" href=\"data:,\"><style>";
  page += kStyle;
  page +=
      "</style></head><body><nav><h1>Mitosis API <small></small></h1>"
      "<input type=\"search\" placeholder=\"Filter: words of path, text, body\" aria-label=\"Filter operations\">"
      "<div class=\"list\"></div></nav><main></main>"
      "<noscript><p style=\"margin:2em\">This page needs JavaScript; the document itself is at "
      "<a href=\"openapi.json\">openapi.json</a>.</p></noscript>"
      "<script id=\"document\" type=\"application/json\">";
  page += embedded(openapi_json);
  page += "</script><script>";
  page += kScript;
  page += "</script></body></html>\n";
  return page;
}

}  // namespace mito::coordinator
