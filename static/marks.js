// Findings of the linter, marked in the fields where they stand. Behind each field lies a layer with the same text, of
// which only the marks are seen. A note tells the rule when the pointer is over a mark, or the cursor comes into one;
// Escape puts it away. The list of findings says the same without any of this.
(() => {
  "use strict";
  const form = document.getElementById("letter-form");
  const checked = document.getElementById("letter-checked");
  if (!form || !checked) return;

  // Python counts characters, a browser counts UTF-16 units.
  const unitsOf = (text) => {
    const units = [0];
    for (const character of text) units.push(units.at(-1) + character.length);
    return units;
  };

  // Where a range is after the text has become another: moved with its words, or null if they were touched.
  const moved = ({ start, end }, before, after) => {
    const most = Math.min(before.length, after.length);
    let head = 0;
    while (head < most && before[head] === after[head]) head += 1;
    let tail = 0;
    while (tail < most - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
    if (end <= head) return { start, end };
    const by = after.length - before.length;
    return start >= before.length - tail ? { start: start + by, end: end + by } : null;
  };

  class MarkedField {
    constructor(control) {
      this.control = control;
      this.asked = control.value; // as the findings that are on their way were asked for
      this.text = control.value;
      this.findings = []; // {start, end, item}
      this.frame = document.createElement("div");
      this.frame.className = "marked-field";
      this.layer = document.createElement("div");
      this.layer.className = `form-control marks ${control.matches("textarea") ? "" : "marks-line"}`;
      this.layer.setAttribute("aria-hidden", "true");
      this.note = document.createElement("div");
      this.note.className = "mark-note";
      this.note.setAttribute("role", "status");
      control.before(this.frame);
      this.frame.append(this.layer, control, this.note);
      control.addEventListener("input", () => this.typed());
      control.addEventListener("scroll", () => this.align());
      control.addEventListener("pointermove", (event) => this.pointedAt(event));
      control.addEventListener("blur", () => this.note.matches(":hover") || this.tell([]));
      this.frame.addEventListener("pointerleave", () => this.tell([]));
      control.addEventListener("keyup", (event) => this.cursorMoved(event));
      control.addEventListener("click", () => this.tellAtCursor());
      new ResizeObserver(() => this.align()).observe(control);
    }

    take(items) {
      const units = unitsOf(this.asked);
      this.findings = [];
      for (const item of items) {
        const place = { start: units[item.dataset.start] ?? 0, end: units[item.dataset.end] ?? 0 };
        const now = place.end > place.start && moved(place, this.asked, this.control.value);
        if (now) this.findings.push({ ...now, item });
      }
      this.text = this.control.value;
      this.draw();
    }

    typed() {
      const kept = this.findings.map((each) => ({ ...each, ...(moved(each, this.text, this.control.value) ?? { end: 0 }) }));
      this.findings = kept.filter((each) => each.end > 0);
      this.text = this.control.value;
      this.tell([]);
      this.draw();
    }

    draw() {
      const cuts = new Set([0, this.text.length]);
      for (const { start, end } of this.findings) cuts.add(start).add(end);
      const sorted = [...cuts].sort((one, other) => one - other);
      const pieces = sorted.slice(1).map((end, nth) => this.piece(sorted[nth], end));
      this.layer.replaceChildren(...pieces, "\n"); // the last line is as high as the field's
      this.align();
    }

    piece(start, end) {
      const text = this.text.slice(start, end);
      const here = this.findings.filter((each) => each.start <= start && each.end >= end);
      if (!here.length) return text;
      const mark = document.createElement("mark");
      mark.className = here.some(({ item }) => item.matches(".finding-blocks")) ? "mark-blocks" : "mark-warns";
      mark.dataset.start = start;
      mark.textContent = text;
      return mark;
    }

    align() {
      const { control, layer } = this;
      const bar = control.offsetWidth - control.clientWidth - 2 * control.clientLeft; // of scrolling
      layer.style.width = `${control.offsetWidth - bar}px`;
      layer.style.height = `${control.offsetHeight}px`;
      layer.scrollTop = control.scrollTop;
      layer.scrollLeft = control.scrollLeft;
      this.place();
    }

    // The last mark that begins at this place of the text or before it.
    markAt(place) {
      return [...this.layer.querySelectorAll("mark")].findLast((mark) => Number(mark.dataset.start) <= place);
    }

    tellAtCursor() {
      const place = this.control.selectionStart;
      this.tell(this.findings.filter((each) => each.start <= place && place <= each.end), place);
    }

    pointedAt({ clientX, clientY }) {
      const over = ({ left, right, top, bottom }) => left <= clientX && clientX <= right && top <= clientY && clientY <= bottom;
      const mark = [...this.layer.querySelectorAll("mark")].find((each) => [...each.getClientRects()].some(over));
      const start = mark && Number(mark.dataset.start);
      this.tell(mark ? this.findings.filter((each) => each.start <= start && start < each.end) : [], start);
    }

    cursorMoved(event) {
      if (event.key === "Escape") return this.tell([]);
      if (/^(Arrow|Home|End|Page)/.test(event.key)) this.tellAtCursor();
    }

    // What is told already stays as it is, so that a screen reader does not begin anew.
    tell(findings, place) {
      const about = findings.map(({ start, item }) => `${start} ${item.textContent}`).join();
      if (this.about === about) return;
      this.about = about;
      this.told = place;
      const said = findings.map(({ item }) => item.querySelector(".finding-said").cloneNode(true));
      this.note.replaceChildren(...said);
      this.place();
    }

    // Below the last line of the mark; gone when that is scrolled out of the field.
    place() {
      const mark = this.note.firstChild && this.markAt(this.told);
      if (!mark) return;
      const line = [...mark.getClientRects()].at(-1);
      const frame = this.frame.getBoundingClientRect();
      const field = this.control.getBoundingClientRect();
      this.note.hidden = line.bottom < field.top || line.top > field.bottom;
      const most = Math.max(0, frame.width - this.note.offsetWidth);
      this.note.style.left = `${Math.min(Math.max(0, line.left - frame.left), most)}px`;
      this.note.style.top = `${Math.min(line.bottom, field.bottom) - frame.top}px`;
    }

    show(item) {
      const found = this.findings.find((each) => each.item === item);
      if (!found) return;
      const { control } = this;
      control.focus();
      control.setSelectionRange(found.start, found.end);
      const mark = this.markAt(found.start);
      control.scrollTop = mark.offsetTop - control.clientHeight / 3;
      control.scrollLeft = mark.offsetLeft - control.clientWidth / 3;
      this.align();
      control.scrollIntoView({ block: "nearest" });
      this.tell([found], found.start);
    }

    // Puts a wording in the place of the words, or of the sentences that they stand in; at the end where they have none.
    put(item, wording, isSentence) {
      const found = this.findings.find((each) => each.item === item);
      const { control, text } = this;
      let [start, end] = found ? [found.start, found.end] : [text.trimEnd().length, text.length];
      if (found && isSentence) {
        const before = [...text.slice(0, start).matchAll(/[.!?]\s+|[。！？]|[\n>]/g)].at(-1);
        start = before ? before.index + before[0].length : 0;
        const after = /[.!?]+(?=\s|<|$)|[。！？]+|(?=[\n<])/.exec(text.slice(end));
        end = after ? end + after.index + after[0].length : text.length;
      }
      const gap = found || !text ? "" : control.matches("textarea") ? "\n\n" : " ";
      control.setRangeText(gap + wording, start, end, "end");
      control.focus();
      control.dispatchEvent(new InputEvent("input", { bubbles: true }));
    }
  }

  const fields = Object.fromEntries(
    ["subject", "body"].map((name) => [name, new MarkedField(form.elements[name])]),
  );
  const take = () => {
    for (const [name, field] of Object.entries(fields)) {
      field.take([...checked.querySelectorAll(`.finding[data-part="${name}"]`)]);
    }
  };

  checked.addEventListener("htmx:beforeRequest", () => {
    for (const field of Object.values(fields)) field.next = field.control.value;
  });
  checked.addEventListener("htmx:beforeSwap", () => {
    for (const field of Object.values(fields)) field.asked = field.next;
  });
  checked.addEventListener("htmx:afterSwap", take);
  checked.addEventListener("click", (event) => {
    const act = event.target.closest("[data-show-mark], [data-instead]");
    if (!act) return;
    const item = act.closest(".finding");
    const field = fields[item.dataset.part];
    if (act.matches("[data-show-mark]")) field.show(item);
    else field.put(item, act.dataset.instead, act.matches("[data-whole-sentence]"));
  });
  take();
})();
