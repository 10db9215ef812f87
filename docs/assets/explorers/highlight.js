/** Colours Python as the build does: the same classes as Pygments gives. */

const TOKENS =
  /(?<c1>#.*)|(?<s2>[fr]?"(?:[^"\\\n]|\\.)*")|(?<m>\b\d[\d_]*(?:\.\d*)?(?:e[-+]?\d+)?\b)|(?<n>[A-Za-z_]\w*)|(?<o>[-+*/%=<>@&|^~!]+)|(?<p>[()[\]{},:.;])/g;
const KEYWORDS = new Set(["for", "if", "else", "elif", "while", "return", "def", "lambda", "with", "as", "assert"]);
const IMPORTS = new Set(["import", "from"]);
const WORDS = new Set(["in", "is", "and", "or", "not"]);
const CONSTANTS = new Set(["True", "False", "None"]);
const BUILTINS = new Set(["print", "range", "len", "zip", "enumerate", "sum", "min", "max", "float", "int", "round", "abs", "bool", "list", "dict", "sorted"]);

function kind(name) {
  if (KEYWORDS.has(name)) return "k";
  if (IMPORTS.has(name)) return "kn";
  if (WORDS.has(name)) return "ow";
  if (CONSTANTS.has(name)) return "kc";
  return BUILTINS.has(name) ? "nb" : "n";
}

/** @returns {DocumentFragment} */
export function highlight(code) {
  const result = document.createDocumentFragment();
  let at = 0;
  for (const match of code.matchAll(TOKENS)) {
    result.append(code.slice(at, match.index));
    const [group] = Object.entries(match.groups).find(([, text]) => text !== undefined);
    const token = document.createElement("span");
    token.className = group === "n" ? kind(match[0]) : group === "m" ? (/[.e]/.test(match[0]) ? "mf" : "mi") : group;
    token.textContent = match[0];
    result.append(token);
    at = match.index + match[0].length;
  }
  result.append(code.slice(at));
  return result;
}
