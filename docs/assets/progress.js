/*
 * Which lessons have been read to their end, kept on the reader's own device and nowhere else.
 * A lesson that was read has a tick in the navigation and on the home page's path.
 */

const KEY = `${window.__md_scope.pathname}.read`;

/** @returns {Set<string>} addresses of the lessons that were read, relative to the site's own */
export function read() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return new Set(Array.isArray(kept) ? kept : []);
  } catch {
    return new Set();
  }
}

/** @param {Set<string>} lessons */
function keep(lessons) {
  try {
    if (lessons.size) localStorage.setItem(KEY, JSON.stringify([...lessons]));
    else localStorage.removeItem(KEY);
  } catch {
    // A reader who forbids storage reads on without ticks.
  }
}

/** @param {HTMLAnchorElement} link @returns {string} where it leads, relative to the site's own */
const address = (link) => link.pathname.slice(window.__md_scope.pathname.length);

/** Say which lessons were read: ticks for the eye, words for a screen reader. */
function show() {
  const lessons = read();
  const links = document.querySelectorAll(".md-nav--primary a.md-nav__link, .lg-path li li a");
  for (const link of links) {
    const done = lessons.has(address(link));
    link.classList.toggle("lg-read", done);
    const said = link.querySelector(".lg-read__said");
    if (done && !said) {
      const word = document.createElement("span");
      word.className = "lg-said lg-read__said";
      word.textContent = " (read)";
      link.append(word);
    } else if (!done) said?.remove();
  }
  summarise(lessons);
}

/** Below the home page's path: how far, what is next, and a way to forget. @param {Set<string>} lessons */
function summarise(lessons) {
  const state = document.querySelector(".lg-path__state");
  if (!state) return;
  const path = [...document.querySelectorAll(".lg-path [data-lg-lesson]")];
  const next = path.find((link) => !lessons.has(link.dataset.lgLesson));
  const count = path.length - path.filter((link) => !lessons.has(link.dataset.lgLesson)).length;
  state.hidden = count === 0;
  state.replaceChildren(`${count} of ${path.length} read, kept on this device alone. `);
  if (next) {
    const onward = document.createElement("a");
    onward.href = next.href;
    onward.textContent = `Go on with ${next.dataset.lgTitle}`;
    state.append(onward, " ");
  }
  const forget = document.createElement("button");
  forget.type = "button";
  forget.textContent = "Clear";
  forget.addEventListener("click", () => {
    keep(new Set());
    show();
    document.querySelector(".lg-path a").focus();
  });
  state.append(forget);
}

/** @type {IntersectionObserver | undefined} */
let watching;

/** A lesson counts as read when its end has come into view. */
function watch() {
  watching?.disconnect();
  const lesson = document.querySelector(".lg-place[data-lg-lesson]")?.dataset.lgLesson;
  const end = document.querySelector("article > :last-child");
  if (lesson === undefined || !end) return;
  watching = new IntersectionObserver(([entry]) => {
    if (!entry.isIntersecting) return;
    watching.disconnect();
    keep(read().add(lesson));
    show();
  });
  watching.observe(end);
}

// Material's stream of documents: the first, and each that instant navigation brings.
window.document$.subscribe(() => {
  show();
  watch();
});
window.addEventListener("storage", (event) => {
  if (event.key === KEY) show();
});
