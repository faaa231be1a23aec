// A field with data-filter hides the rows of the list it names that lack what is typed.
// The words may stand in any order; a chosen row always stays.
export function startFilters(root) {
  for (const field of root.querySelectorAll("input[data-filter]")) {
    const list = document.getElementById(field.dataset.filter);
    if (!list || field.dataset.filterReady) continue;
    field.dataset.filterReady = "yes";
    field.closest("[data-filter-box]")?.removeAttribute("hidden");
    const count = document.getElementById(`${field.dataset.filter}-count`);
    const apply = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of list.querySelectorAll("[data-text]")) {
        const text = row.dataset.text.toLowerCase();
        const fits = words.every((word) => text.includes(word));
        row.hidden = !fits && !row.querySelector("input:checked");
        if (!row.hidden) shown += 1;
      }
      if (count) count.textContent = words.length ? `${shown} shown` : "";
    };
    field.addEventListener("input", apply);
    // Enter picks nothing and sends nothing.
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter") event.preventDefault();
    });
    apply();
    // Coming back by the browser's history, the field holds again what was typed.
    window.addEventListener("pageshow", apply);
  }
}
