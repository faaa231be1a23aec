// Buttons with data-copy put that text on the clipboard; without a clipboard they stay hidden.
export function startCopying(root) {
  if (!navigator.clipboard) return;
  for (const button of root.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    if (button.dataset.copyReady) continue;
    button.dataset.copyReady = "yes";
    button.addEventListener("click", async () => {
      const before = button.innerHTML;
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
      setTimeout(() => (button.innerHTML = before), 1500);
    });
  }
}
