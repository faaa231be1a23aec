// Starts what the page needs; everything works without it, only less comfortably.
import { startCopying } from "./copy.js";
import { startFilters } from "./filter.js";
import { startForms } from "./forms.js";
import { startPolling } from "./poll.js";

startCopying(document);
startFilters(document);
startForms(document);
startPolling(document);

// A menu closes when one clicks elsewhere or presses Escape.
const closeMenus = (except) => {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(except)) menu.open = false;
  }
};
document.addEventListener("click", (event) => closeMenus(event.target));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") closeMenus(null);
});
