/*
 * The search index is several times as heavy as a page. Material asks for it as soon as a page
 * opens; here its request waits until the reader turns to the search.
 */
{
  const search = document.querySelector("[data-md-component=search]");
  const turned = new Promise((resolve) => {
    for (const event of ["focusin", "pointerenter"]) {
      search?.addEventListener(event, resolve, { once: true });
    }
    // A link may open the search at once.
    if (new URL(location.href).searchParams.has("q")) resolve();
  });
  const { open, send } = XMLHttpRequest.prototype;
  const waiting = new WeakSet();

  /** @param {string} method @param {string | URL} address */
  XMLHttpRequest.prototype.open = function (method, address, ...rest) {
    if (String(address).endsWith("/search_index.json")) waiting.add(this);
    return open.call(this, method, address, ...rest);
  };

  XMLHttpRequest.prototype.send = function (body) {
    if (!waiting.has(this)) return send.call(this, body);
    turned.then(() => send.call(this, body));
  };
}
