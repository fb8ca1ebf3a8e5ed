// Search as one types. Without this file the form works as any form does.
"use strict";
(() => {
  const form = document.getElementById("search");
  const results = document.getElementById("results");
  if (!form || !results || !window.fetch) return;
  const wait = 220;
  let timer = 0;
  let asking = null;
  let shown = address();

  function address() {
    const members = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) members.append(name, value);
    return `${form.getAttribute("action")}?${members}`;
  }

  async function refresh() {
    const wanted = address();
    if (wanted === shown) return;
    if (asking) asking.abort();
    asking = new AbortController();
    try {
      const answer = await fetch(`${wanted}&part=results`, { signal: asking.signal });
      if (!answer.ok && answer.status !== 400) throw new Error(String(answer.status));
      results.innerHTML = await answer.text();
      shown = wanted;
      history.replaceState(null, "", wanted);
    } catch (error) {
      if (error.name !== "AbortError") form.submit();
    }
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(refresh, wait);
  }

  // An input method composes several keys into one character; its pieces are not looked up.
  form.addEventListener("input", (event) => { if (!event.isComposing) later(); });
  form.addEventListener("compositionend", later);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    refresh();
  });
})();
