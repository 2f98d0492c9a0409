// Shows the service's own OpenAPI description.

document.getElementById("curl").textContent = `curl -F file=@clip.wav ${new URL("inference", location.href)}`;
const description = await (await fetch("openapi.json")).json();

function element(tag, ...content) {
  const made = document.createElement(tag);
  made.append(...content);
  return made;
}

function table(title, rows) {
  if (!rows.length) return [];
  const body = rows.map(([name, text]) => element("tr", element("td", element("code", name)), element("td", text)));
  return [element("h3", title), element("table", ...body)];
}

// The descriptions are Markdown, in which only code is marked up.
function prose(text = "") {
  return text.split("`").map((part, index) => (index % 2 ? element("code", part) : part));
}

function resolve(schema) {
  if (schema?.$ref) return schema.$ref.split("/").slice(1).reduce((at, key) => at[key], description);
  return schema || {};
}

function fields(schema, prefix = "") {
  const rows = [];
  for (const [name, raw] of Object.entries(resolve(schema).properties || {})) {
    const option = resolve(raw.anyOf ? raw.anyOf[0] : raw);
    rows.push([prefix + name, element("span", ...prose(raw.description || option.description || option.type || ""))]);
    rows.push(...fields(option, `${prefix}${name}.`));
    if (option.items) rows.push(...fields(option.items, `${prefix}${name}[].`));
  }
  return rows;
}

for (const [path, methods] of Object.entries(description.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    const heading = element("h2", element("b", method.toUpperCase()), ` ${path}`);
    const parameters = (operation.parameters || []).map((one) => [one.name, element("span", ...prose(one.description))]);
    const content = operation.requestBody?.content || {};
    const form = content["multipart/form-data"]?.schema;
    const raw = Object.keys(content).filter((type) => type !== "multipart/form-data");
    const statuses = Object.entries(operation.responses).filter(([status]) => status !== "200").map(([status, one]) => [status, one.description]);
    const section = element("section", heading, element("p", ...prose(operation.description)));
    section.className = "card";
    section.append(
      ...table("Path and query", parameters),
      ...table("Form (multipart/form-data)", form ? fields(form) : []),
      ...(raw.length ? [element("p", `Or send the recording itself as the body, with one of these content types: ${raw.join(", ")}`)] : []),
      ...table("Answer", fields(operation.responses["200"].content?.["application/json"]?.schema)),
      ...table("Refusals", statuses),
    );
    document.getElementById("operations").append(section);
  }
}
