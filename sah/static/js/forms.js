// Small comforts of forms: groups that depend on a choice, and a name that follows a choice.
export function startForms(root) {
  for (const group of root.querySelectorAll("[data-only-when]")) followChoice(group);
  for (const list of root.querySelectorAll("[data-fills]")) fillField(list);
  for (const form of root.querySelectorAll("form[method=post]")) guardTwice(form);
  for (const field of root.querySelectorAll("[data-submit-on-change]")) {
    field.addEventListener("change", () => field.form.requestSubmit());
  }
}

// data-only-when="name=value" shows a group only while that choice is made.
function followChoice(group) {
  const [name, value] = group.dataset.onlyWhen.split("=");
  const form = group.closest("form");
  const apply = () => (group.hidden = new FormData(form).get(name) !== value);
  form.addEventListener("change", apply);
  apply();
}

// A list with data-fills="id" writes the chosen value into that field until one types there.
function fillField(list) {
  const field = document.getElementById(list.dataset.fills);
  let own = field.value !== "";
  field.addEventListener("input", () => (own = field.value !== ""));
  list.addEventListener("change", (event) => {
    if (!own && event.target.type === "radio") field.value = event.target.value;
  });
}

// A second click on a form that is on its way does nothing.
function guardTwice(form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  // Coming back by the browser's history, the form may be sent again.
  window.addEventListener("pageshow", () => (sent = false));
}
