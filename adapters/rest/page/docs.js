"use strict";
// Shows the OpenAPI document. Everything is put in as text, never as markup.

function element(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) e.setAttribute(name, value);
  e.append(...children);
  return e;
}

const nameOf = (ref) => ref.slice(ref.lastIndexOf("/") + 1);

function resolve(doc, object) {
  if (!object.$ref) return object;
  const found = object.$ref.slice(2).split("/").reduce((at, key) => at[key], doc);
  return { ...found, name: found.name || nameOf(object.$ref) };
}

// type is a schema in a few words, with links to the schemas that have a name.
function type(schema) {
  if (!schema) return "anything";
  if (schema.$ref) return element("a", { href: "#schema-" + nameOf(schema.$ref) }, nameOf(schema.$ref));
  if (schema.contentSchema) return element("span", {}, "JSON of ", type(schema.contentSchema));
  if (schema.items) return element("span", {}, "list of ", type(schema.items));
  if (schema.oneOf) {
    const e = element("span");
    schema.oneOf.forEach((s, i) => e.append(i ? " or " : "", type(s)));
    return e;
  }
  if (schema.additionalProperties) return element("span", {}, "map of ", type(schema.additionalProperties));
  const kinds = [].concat(schema.type || "anything").join(" or ");
  return schema.format ? kinds + " (" + schema.format + ")" : kinds;
}

function table(rows) {
  const t = element("table");
  for (const [name, required, kind, text] of rows) {
    t.append(element("tr", {},
      element("td", {}, element("code", required ? { class: "required" } : {}, name)),
      element("td", {}, kind),
      element("td", {}, text || "")));
  }
  return t;
}

function properties(schema) {
  const required = schema.required || [];
  return table(Object.entries(schema.properties || {}).map(([name, p]) => [name, required.includes(name), type(p), p.description]));
}

function operation(doc, path, method, op) {
  const id = op.operationId;
  const e = element("section", { id },
    element("h3", {}, element("span", { class: "method" }, method.toUpperCase()), element("code", {}, path)),
    element("p", {}, op.summary + ". " + (op.description || "")));
  const parameters = (op.parameters || []).map((p) => resolve(doc, p));
  if (parameters.length) {
    e.append(element("h4", {}, "Parameters"),
      table(parameters.map((p) => [p.name, p.required, element("span", {}, p.in + ": ", type(p.schema)), p.description])));
  }
  for (const media of Object.values((op.requestBody || {}).content || {})) {
    e.append(element("h4", {}, "Body: ", type(media.schema)), properties(resolve(doc, media.schema)));
  }
  e.append(element("h4", {}, "Answers"), table(Object.entries(op.responses).map(([status, response]) => {
    const r = resolve(doc, response);
    const media = Object.entries(r.content || {})[0];
    const headers = Object.keys(r.headers || {});
    const kind = media ? element("span", {}, media[0] + ": ", type(media[1].schema)) : "no body";
    return [status, false, kind, r.description + (headers.length ? "; headers " + headers.join(", ") : "")];
  })));
  return e;
}

function show(doc) {
  const operations = document.getElementById("operations");
  const toc = document.getElementById("toc");
  operations.replaceChildren();
  document.getElementById("title").textContent = doc.info.title + " API, version " + doc.info.version;
  document.getElementById("about").textContent = doc.info.description;
  const byTag = new Map();
  for (const [path, item] of Object.entries(doc.paths)) {
    for (const [method, op] of Object.entries(item)) {
      const tag = op.tags[0];
      byTag.set(tag, (byTag.get(tag) || []).concat([[path, method, op]]));
    }
  }
  for (const [tag, list] of [...byTag].sort()) {
    operations.append(element("h2", {}, tag));
    for (const [path, method, op] of list) {
      operations.append(operation(doc, path, method, op));
      toc.append(element("li", { "data-text": (path + " " + op.summary).toLowerCase() },
        element("span", { class: "method" }, method.toUpperCase()), element("a", { href: "#" + op.operationId }, path.replace("/v1/", ""))));
    }
  }
  const schemas = document.getElementById("schemas");
  for (const [name, schema] of Object.entries(doc.components.schemas)) {
    schemas.append(element("section", { id: "schema-" + name },
      element("h3", {}, name), element("p", {}, schema.description || ""), schema.oneOf ? type(schema) : properties(schema)));
  }
  document.getElementById("find").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase();
    for (const li of toc.children) li.hidden = !li.dataset.text.includes(words);
  });
  if (location.hash) location.hash = location.hash.toString();
}

fetch("openapi.json", { credentials: "same-origin" })
  .then((answer) => answer.ok ? answer.json() : Promise.reject(new Error("openapi.json: " + answer.status)))
  .then(show)
  .catch((error) => { document.getElementById("operations").textContent = error.message; });
