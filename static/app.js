// What the pages need besides htmx, by data attributes; every page works without it.
(() => {
  "use strict";

  // data-theme-switch: the other of light and dark, and remember it.
  const switchTheme = () => {
    const next = document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", next);
    } catch {
      document.documentElement.dataset.bsTheme = next; // for this page only
      return;
    }
    window.applyTheme();
  };

  // data-collapse="id": show or hide that element (the navigation on a small screen).
  const toggle = (button) => {
    const isOpen = document.getElementById(button.dataset.collapse).classList.toggle("show");
    button.setAttribute("aria-expanded", String(isOpen));
  };

  // data-copy="id": copy that element's value or text, and say so on the button.
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const label = button.querySelector("[data-copy-label]") || button;
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(source.value || source.textContent.trim());
      label.textContent = "Copied";
    } catch {
      source.select?.(); // no permission: leave it marked for the keyboard
      label.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { label.textContent = before; }, 2000);
  };

  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target : null;
    if (!target) return;
    const on = (name) => target.closest(`[${name}]`);
    if (on("data-theme-switch")) switchTheme();
    if (on("data-collapse")) toggle(on("data-collapse"));
    if (on("data-copy")) copy(on("data-copy"));
    if (on("data-dismiss")) on("data-dismiss").closest("[role]").remove();
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(target)) menu.open = false;
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
  });
})();
