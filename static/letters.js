// The editor of a letter: chips put a placeholder where the cursor was; the preview is shown wide, narrow or as text.
(() => {
  "use strict";
  const form = document.getElementById("letter-form");
  let last = form?.querySelector("textarea");
  form?.addEventListener("focusin", (event) => {
    if (event.target.matches("textarea, input[type=text]")) last = event.target;
  });

  const insert = (name) => {
    const text = `{{ ${name} }}`;
    last.setRangeText(text, last.selectionStart, last.selectionEnd, "end");
    last.focus();
    last.dispatchEvent(new InputEvent("input", { bubbles: true }));
  };

  // From text to HTML the paragraphs get their tags; back again, if nothing was written meanwhile, they lose them.
  const body = form?.elements.body;
  const escaped = (text) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  const tagged = (text) => text.trim().split(/\n{2,}/)
    .map((paragraph) => `<p>${escaped(paragraph).replaceAll("\n", "<br>\n")}</p>`).join("\n");
  let switched = null;
  for (const choice of form?.querySelectorAll("[name=kind]") ?? []) {
    choice.addEventListener("change", () => {
      const before = body.value;
      if (choice.value === "html" && before.trim() && !/<\/?[a-z]/i.test(before)) {
        switched = { text: before, html: tagged(before) };
        body.value = switched.html;
      } else if (choice.value === "text" && switched?.html === before) {
        body.value = switched.text;
      }
      body.dispatchEvent(new InputEvent("input", { bubbles: true }));
    });
  }

  let width = "desktop";
  const show = () => {
    const frame = document.querySelector("#letter-checked .letter-frame");
    const plain = document.querySelector("#letter-checked .letter-plain");
    for (const button of document.querySelectorAll("[data-letter-width]")) {
      button.setAttribute("aria-pressed", String(button.dataset.letterWidth === width));
    }
    if (!frame) return;
    const isText = width === "text" && plain;
    frame.hidden = Boolean(isText);
    if (plain) plain.hidden = !isText;
    frame.classList.toggle("letter-frame-phone", width === "phone");
  };

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-placeholder]");
    if (chip && last) insert(chip.dataset.placeholder);
    const chosen = event.target.closest("[data-letter-width]");
    if (chosen) {
      width = chosen.dataset.letterWidth;
      show();
    }
  });
  document.addEventListener("htmx:afterSwap", show);
})();
