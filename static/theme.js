// Light or dark, before the first paint: this small file stands in the head and blocks. The person's choice wins over
// the system's; `app.js` stores it.
(() => {
  "use strict";
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try {
      return localStorage.getItem("theme");
    } catch {
      return null; // storage is switched off: follow the system
    }
  };
  const apply = () => {
    const theme = chosen() || (system.matches ? "dark" : "light");
    document.documentElement.dataset.bsTheme = theme;
    document.dispatchEvent(new CustomEvent("theme", { detail: theme }));
  };
  system.addEventListener("change", apply);
  window.addEventListener("storage", apply); // another tab has switched
  window.applyTheme = apply;
  apply();
})();
