// On a narrow screen the list of pages stays out of the way until it is asked for.
const narrow = matchMedia("(max-width: 50rem)");
document.querySelector("nav details").open = !narrow.matches;
narrow.addEventListener("change", () => { document.querySelector("nav details").open = !narrow.matches; });

// Finds the pages and headings in which all words typed occur, titles first. The index
// is fetched when somebody begins to search.
const script = document.currentScript;
const field = document.getElementById("search");
const list = document.getElementById("found");
let index;

async function load() {
  const response = await fetch(script.dataset.index);
  if (!response.ok) throw new Error(`the index of the pages: ${response.status}`);
  const base = new URL(script.dataset.index, location.href);
  return (await response.json()).map((page) => ({ ...page, url: new URL(page.url, base).href }));
}

function score(page, words) {
  const title = page.title.toLowerCase();
  const text = page.text.toLowerCase();
  const heading = page.headings.find((h) => words.every((w) => h.title.toLowerCase().includes(w)));
  if (words.every((w) => title.includes(w))) return { rank: 3, page };
  if (heading) return { rank: 2, page, heading };
  if (words.every((w) => text.includes(w) || title.includes(w))) return { rank: 1, page };
  return null;
}

function excerpt(page, words) {
  const at = Math.max(0, page.text.toLowerCase().indexOf(words[0]) - 50);
  return (at > 0 ? "…" : "") + page.text.slice(at, at + 140).replace(/\s+/g, " ") + "…";
}

function show(hits, words) {
  list.replaceChildren(...hits.map(({ page, heading }) => {
    const link = document.createElement("a");
    link.href = page.url + (heading ? "#" + heading.id : "");
    link.textContent = heading ? `${page.title}: ${heading.title}` : page.title;
    const where = document.createElement("small");
    where.textContent = excerpt(page, words);
    link.append(where);
    const item = document.createElement("li");
    item.append(link);
    return item;
  }));
  if (hits.length === 0) {
    const item = document.createElement("li");
    item.className = "none";
    item.textContent = "Nothing was found.";
    list.append(item);
  }
  list.hidden = false;
}

async function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    list.hidden = true;
    return;
  }
  index ??= load();
  const pages = await index;
  const hits = pages.map((page) => score(page, words)).filter(Boolean);
  show(hits.sort((a, b) => b.rank - a.rank).slice(0, 12), words);
}

if (field && location.protocol !== "file:") {
  field.disabled = false;
  field.addEventListener("input", search);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") list.hidden = true;
    if (event.key === "/" && document.activeElement !== field) {
      event.preventDefault();
      field.focus();
    }
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest(".search")) list.hidden = true;
  });
}
