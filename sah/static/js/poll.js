// Live parts: an element with data-poll-url is replaced by what that address gives,
// again and again, until what comes back no longer asks for it. What is the same stays,
// with what is focused, opened, or read aloud in it.
const FAILURES_BEFORE_GIVING_UP = 5;
// Where a click leads is never taken back by a reload; a download leaves the page where it is.
const LEAVING_MS = 10_000;
let leftAt = -Infinity;

addEventListener("beforeunload", () => (leftAt = performance.now()));

export function startPolling(root) {
  for (const box of root.querySelectorAll("[data-poll-url]")) schedule(box, 0);
}

function schedule(box, failures) {
  const pause = Number(box.dataset.pollInterval || 2000) * (failures + 1);
  setTimeout(() => refresh(box, failures), pause);
}

async function refresh(box, failures) {
  if (!box.isConnected) return;
  if (document.hidden) return schedule(box, failures);
  let text;
  try {
    const answer = await fetch(box.dataset.pollUrl, {
      credentials: "same-origin",
      redirect: "error",
      headers: { Accept: "text/html" },
    });
    if (!answer.ok) throw new Error(String(answer.status));
    text = await answer.text();
  } catch {
    if (failures < FAILURES_BEFORE_GIVING_UP) schedule(box, failures + 1);
    else box.querySelector("[data-poll-failed]")?.removeAttribute("hidden");
    return;
  }
  const draft = document.createElement("template");
  draft.innerHTML = text;
  const fresh = draft.content.firstElementChild;
  if (!fresh) return;
  if (fresh.dataset.pollDone === "reload" && (isTyping() || isLeaving())) return schedule(box, 0);
  if (fresh.dataset.pollDone === "reload") return location.reload();
  if (fresh.isEqualNode(box)) return schedule(box, 0);
  box.replaceWith(fresh);
  if (fresh.dataset.pollUrl) schedule(fresh, 0);
}

function isLeaving() {
  return performance.now() - leftAt < LEAVING_MS;
}

// What somebody is writing is not taken away by a new page.
function isTyping() {
  const field = document.activeElement;
  return field?.matches("input, textarea") && field.value !== field.defaultValue;
}
