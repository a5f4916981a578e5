// Keeps a page that is marked data-live up to date: fetches it again and swaps its main part, unless somebody is using it.
(() => {
  const main = document.querySelector("main[data-live]");
  if (!main) return;
  const isBusy = () => document.hidden || main.contains(document.activeElement) || String(getSelection());
  setInterval(async () => {
    if (isBusy()) return;
    try {
      const answer = await fetch(location.href);
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("main");
      if (answer.ok && fresh && !isBusy()) main.replaceChildren(...fresh.childNodes);
    } catch {
      // The simulator is being restarted; the next turn will find it.
    }
  }, 3000);
})();
