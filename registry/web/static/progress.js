// How far something is that takes its time: shown again every second until it is done. Without this
// file the page asks its reader to look again.
"use strict";

(function () {
  var live = document.querySelector("[data-live=yes]");
  function look() {
    fetch(location.href, { headers: { Accept: "text/html" } }).then(function (answer) {
      return answer.ok ? answer.text() : Promise.reject(answer.status);
    }).then(function (text) {
      var fresh = new DOMParser().parseFromString(text, "text/html").querySelector("[data-live]");
      if (!fresh) return;
      live.replaceChildren.apply(live, fresh.childNodes);
      if (fresh.dataset.live === "yes") setTimeout(look, 1000);
    }).catch(function () { setTimeout(look, 5000); });
  }
  if (live) setTimeout(look, 1000);
})();
